//! Counts, sizes and shortened digests.

use control::store::paging::Count;

/// `1,248`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1,248 environments`, `1 environment`, `10,000+ environments`. The plural is the singular with `s`.
pub(crate) fn counted(count: Count, noun: &str) -> String {
    match count {
        Count::Exact(1) => format!("1 {noun}"),
        Count::Exact(n) => format!("{} {noun}s", grouped(n.unsigned_abs())),
        Count::AtLeast(n) => format!("{}+ {noun}s", grouped(n.unsigned_abs())),
    }
}

/// `7`, `10,000+`.
pub(crate) fn number(count: Count) -> String {
    match count {
        Count::Exact(n) => grouped(n.unsigned_abs()),
        Count::AtLeast(n) => format!("{}+", grouped(n.unsigned_abs())),
    }
}

/// `3 objects`, `1 object`.
pub(crate) fn plural(n: i64, noun: &str) -> String {
    counted(Count::Exact(n), noun)
}

/// `41 kB`, in thousands as registries count.
pub(crate) fn size(bytes: i64) -> String {
    match bytes.unsigned_abs() {
        bytes @ 0..1_000 => format!("{bytes} B"),
        bytes @ 1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        bytes @ 1_000_000..1_000_000_000 => {
            format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
        }
        bytes => format!("{}.{} GB", bytes / 1_000_000_000, bytes % 1_000_000_000 / 100_000_000),
    }
}

/// A culprit's line for lists: the object by its name alone, since the page says where it is.
/// `Deployment/shop/web: not ready` becomes `web: not ready`.
pub(crate) fn culprit(text: &str) -> &str {
    let Some((object, _)) = text.split_once(": ") else { return text };
    match object.rfind('/') {
        Some(at) if !object.contains(' ') => &text[at + 1..],
        _ => text,
    }
}

/// Paths of values in a line, three at most.
pub(crate) fn paths(paths: &[String]) -> String {
    match paths {
        [a, b, c, rest @ ..] if !rest.is_empty() => {
            format!("{a}, {b}, {c} and {} more", rest.len())
        }
        few => few.join(", "),
    }
}

/// The first eight characters of a digest's hexadecimal part.
pub(crate) fn short_digest(digest: &str) -> &str {
    let hex = digest.split_once(':').map_or(digest, |(_, hex)| hex);
    hex.get(..8).unwrap_or(hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of people's size read easily.
    #[test]
    fn numbers() {
        let words = [
            grouped(7),
            grouped(1_248),
            grouped(1_000_000),
            counted(Count::Exact(1), "environment"),
            counted(Count::AtLeast(10_000), "environment"),
            size(41_200),
            size(1_850_000),
            size(17_179_869_184),
        ];
        insta::assert_snapshot!(
            words.join(" | "),
            @"7 | 1,248 | 1,000,000 | 1 environment | 10,000+ environments | 42 kB | 1.8 MB | 17.1 GB"
        );
        assert_eq!(short_digest("sha256:9b1e00aa77"), "9b1e00aa");
        assert_eq!(
            culprit("Deployment/shop/web: image \"a/b\" not found"),
            "web: image \"a/b\" not found"
        );
        assert_eq!(culprit("could not fetch a/b: gone"), "could not fetch a/b: gone");
        assert_eq!(paths(&["a", "b", "c", "d", "e"].map(str::to_owned)), "a, b, c and 2 more");
    }
}
