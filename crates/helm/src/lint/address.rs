//! Whether a text is a mail address or a URL, by the rules of the library Helm asks
//! (`asaskevich/govalidator`), which differ from those of standards.

use std::sync::LazyLock;

use regex::Regex;

use crate::golang::url::Url;

/// Letters beyond ASCII that mail addresses may have.
const BEYOND: &str = r"\x{00A0}-\x{D7FF}\x{F900}-\x{FDCF}\x{FDF0}-\x{FFEF}";

static EMAIL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let atom = format!(r"[a-zA-Z0-9!#$%&'*+\-/=?^_`{{|}}~{BEYOND}]+");
    let space = r"(?:(?:[ \t]*\r\n)?[ \t]+)?";
    let quoted = format!(
        r#""(?:{space}(?:[\x01-\x08\x0b\x0c\x0e-\x1f\x7f!\x23-\x5b\x5d-\x7e{BEYOND}]|\([\x01-\x09\x0b-\x7f]|[{BEYOND}]))*{space}""#
    );
    let letter = format!("[a-zA-Z{BEYOND}]");
    let alnum = format!("[a-zA-Z0-9{BEYOND}]");
    let label = format!(r"{alnum}(?:[a-zA-Z0-9\-._~{BEYOND}]*{alnum})?");
    let top = format!(r"{letter}(?:[a-zA-Z0-9\-_~{BEYOND}]*{letter})?");
    Regex::new(&format!(r"^(?:{atom}(?:\.{atom})*|{quoted})@(?:{label}\.)+{top}\.?$")).ok()
});

static URL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let scheme = r"(?:(?:ftp|tcp|udp|wss?|https?)://)?";
    let user = r"(?:\S+(?::\S*)?@)?";
    let byte = r"1[0-9][0-9]|2[0-4][0-9]|25[0-5]";
    let ipv4 = format!(
        "(?:[1-9][0-9]?|1[0-9][0-9]|2[01][0-9]|22[0-3]|24[0-9]|25[0-5])\
         (?:\\.(?:[0-9]{{1,2}}|{byte})){{2}}\\.(?:[0-9][0-9]?|{byte})"
    );
    let letter = r"a-zA-Z\x{00a1}-\x{ffff}";
    let alnum = format!("{letter}0-9");
    let subdomain = format!(r"(?:www\.|[{alnum}]+(?:[-_.]?[{alnum}])*[{alnum}]\.[{alnum}]+)");
    let front =
        format!(r"(?:[{alnum}](?:[{alnum}\-_]+)?[{alnum}](?:[-.][{alnum}]+)*|{subdomain}?)?");
    let name = format!(r"{front}(?:(?:[{alnum}]+-?-?)*[{alnum}]+)(?:\.[{letter}]+)?");
    let ipv6 = r"\[[0-9a-fA-F:.%]+\]";
    let port = "(?::[0-9]{1,5})?";
    let path = r"(?:[/?#]\S*)?";
    Regex::new(&format!(r"^{scheme}{user}(?:{ipv4}|{ipv6}|{name})\.?{port}{path}$")).ok()
});

/// Texts of this many characters are no URLs, nor are those of this many bytes or fewer.
const TOO_LONG: usize = 2083;
const TOO_SHORT: usize = 3;

/// Whether this is a mail address.
pub(super) fn is_email(text: &str) -> bool {
    EMAIL.as_ref().is_some_and(|rule| rule.is_match(text))
}

/// Whether this is a URL as people write it; the scheme may be missing.
pub(super) fn is_url(text: &str) -> bool {
    if text.chars().count() >= TOO_LONG || text.len() <= TOO_SHORT || text.starts_with('.') {
        return false;
    }
    let with_scheme = if text.contains(':') && !text.contains("://") {
        format!("http://{text}")
    } else {
        text.to_owned()
    };
    let Ok(url) = Url::parse(with_scheme.as_bytes()) else { return false };
    if url.host.starts_with(b".") {
        return false;
    }
    if url.host.is_empty() && !url.path.is_empty() && !url.path.contains(&b'.') {
        return false;
    }
    URL.as_ref().is_some_and(|rule| rule.is_match(text))
}

/// Whether this could stand in a request as an absolute URL; any scheme will do.
pub(super) fn is_request_url(text: &str) -> bool {
    let Ok(url) = Url::parse(text.as_bytes()) else { return false };
    if url.scheme.is_empty() {
        return false;
    }
    // Go knows no fragments in requests: there, `#` cannot be part of a host.
    let authority = text.split_once("://").map_or("", |(_, rest)| rest);
    let host_end = authority.find(['/', '?', '#']);
    host_end.is_none_or(|end| !authority[end..].starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mail addresses need a domain with a top level.
    #[test]
    fn emails() {
        for text in ["a@b.c", "first.last+tag@sub.example.org", "\"a b\"@example.com", "ü@ex.de"] {
            assert!(is_email(text), "{text}");
        }
        for text in ["", "bad", "a@b", "a b@c.d", "a@b.c d", "a.@b.c", "@b.c", "a@b.1"] {
            assert!(!is_email(text), "{text}");
        }
    }

    /// A URL of a maintainer may lack its scheme, but not look like a word.
    #[test]
    fn urls() {
        for text in [
            "https://example.com/x?y#z",
            "example.com",
            "http://localhost:8080",
            "https://10.0.0.1/x",
            "github.com/a/b",
            "https://a-b.example.co.uk",
        ] {
            assert!(is_url(text), "{text}");
        }
        for text in ["", "x", "word", ".example.com", "gopher://x.y", "https://a b.c", "a b.c"] {
            assert!(!is_url(text), "{text}");
        }
    }

    /// Sources and icons may have any scheme, but need one.
    #[test]
    fn request_urls() {
        for text in ["https://a.b/c", "mailto:x", "git@example:a", "ttp:/", "https://a/#b"] {
            assert_eq!(is_request_url(text), !text.starts_with("git@"), "{text}");
        }
        for text in ["", "a", "/a", "a b", "https://a#b", "http://[::1", "http://a b/"] {
            assert!(!is_request_url(text), "{text}");
        }
    }
}
