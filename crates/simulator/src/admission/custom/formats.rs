//! The formats of strings that Kubernetes checks. One that is not known here is not checked.

use std::net::{Ipv4Addr, Ipv6Addr};

use base64::{Engine, engine::general_purpose::STANDARD};

/// Whether a text has a format.
pub(super) fn has(format: &str, text: &str) -> bool {
    match format {
        "date-time" => is_date_time(text),
        "date" => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "byte" => STANDARD.decode(text).is_ok(),
        "uuid" => uuid::Uuid::try_parse(text).is_ok(),
        _ => true,
    }
}

fn is_date_time(text: &str) -> bool {
    // Without an offset it is no RFC 3339.
    let has_offset =
        text.ends_with(['Z', 'z']) || text.get(19..).is_some_and(|it| it.contains(['+', '-']));
    has_offset && text.parse::<jiff::Timestamp>().is_ok()
}

fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let most = match (address.parse::<Ipv4Addr>(), address.parse::<Ipv6Addr>()) {
        (Ok(_), _) => 32,
        (_, Ok(_)) => 128,
        _ => return false,
    };
    bits.parse::<u8>().is_ok_and(|bits| bits <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is right and what is wrong in each format.
    #[test]
    fn formats() {
        let cases = [
            ("date-time", "2026-01-02T03:04:05Z", "2026-01-02"),
            ("date-time", "2026-01-02T03:04:05.5+02:00", "soon"),
            ("date", "2026-01-02", "2026-13-02"),
            ("ipv4", "10.0.0.1", "10.0.0"),
            ("ipv6", "::1", "10.0.0.1"),
            ("cidr", "10.0.0.0/8", "10.0.0.0/40"),
            ("byte", "aGk=", "a"),
            ("uuid", "8fee519c-4f90-4198-ac93-7c644cf74f7a", "8fee"),
        ];
        for (format, right, wrong) in cases {
            assert!(has(format, right), "{format} {right}");
            assert!(!has(format, wrong), "{format} {wrong}");
        }
        assert!(has("int-or-string", "anything"));
    }
}
