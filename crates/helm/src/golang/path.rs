//! Go's `path`: slash-separated paths as text. On Linux `path/filepath` gives the same answers,
//! so both families of template functions end here.

/// The shortest equal path: `.` and `..` resolved by text, doubled slashes joined; `.` if empty.
pub(crate) fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.first() == Some(&b'/');
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|last| *last != b"..") => {
                parts.pop();
            }
            b".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/".as_slice(), &joined].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}

/// [`clean`] of a path that is a text: Go's `filepath.Clean`.
pub fn clean_text(path: &str) -> String {
    // Only ASCII is taken away, so what is left is a text as well.
    String::from_utf8_lossy(&clean(path.as_bytes())).into_owned()
}

/// The last element; `.` for an empty path, `/` for nothing but slashes.
pub(crate) fn base(path: &[u8]) -> &[u8] {
    if path.is_empty() {
        return b".";
    }
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    let trimmed = &path[..end];
    let start = trimmed.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    if trimmed.is_empty() { b"/" } else { &trimmed[start..] }
}

/// All but the last element, cleaned.
pub(crate) fn dir(path: &[u8]) -> Vec<u8> {
    let end = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    clean(&path[..end])
}

/// From the last dot of the last element on, or nothing.
pub(crate) fn extension(path: &[u8]) -> &[u8] {
    let start = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let name = &path[start..];
    name.iter().rposition(|byte| *byte == b'.').map_or(b"", |dot| &name[dot..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: impl AsRef<[u8]>) -> String {
        String::from_utf8(bytes.as_ref().to_vec()).unwrap()
    }

    /// Go's own table of the interesting paths.
    #[test]
    fn paths() {
        for (path, cleaned, last, parent, suffix) in [
            ("", ".", ".", ".", ""),
            ("/", "/", "/", "/", ""),
            ("//", "/", "/", "/", ""),
            ("a", "a", "a", ".", ""),
            ("a/b.c/", "a/b.c", "b.c", "a/b.c", ""),
            ("/a/../b/./c.tar.gz", "/b/c.tar.gz", "c.tar.gz", "/b", ".gz"),
            ("../../a", "../../a", "a", "../..", ""),
            ("/../a", "/a", "a", "/", ""),
            ("a/..", ".", "..", "a", "."),
            ("a.b/c", "a.b/c", "c", "a.b", ""),
        ] {
            let path = path.as_bytes();
            assert_eq!(text(clean(path)), cleaned);
            assert_eq!(text(base(path)), last);
            assert_eq!(text(dir(path)), parent);
            assert_eq!(text(extension(path)), suffix);
        }
    }
}
