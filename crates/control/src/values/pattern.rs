//! Patterns for paths of values, such as `db.password` or `**.token`. Pure.
//!
//! Keys are separated by dots, and quoted where they have one themselves, as paths of merged values
//! are written. `*` stands for one key or place in a list, `**` for any number of them. What lies
//! below a path that fits, fits, too.

use serde_json::Value;

/// One pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathPattern(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Key(String),
    One,
    Any,
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoPattern {
    /// Nothing between two dots, or nothing at all.
    #[error("a key is empty")]
    EmptyKey,
    /// A quote that has no second one, or something right behind it.
    #[error("a quoted key does not end before the next dot")]
    Quote,
    /// Everything would be masked.
    #[error("it names no key")]
    Everything,
}

impl PathPattern {
    /// Reads a pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, NoPattern> {
        let part = |(key, quoted): (String, bool)| match key.as_str() {
            "*" if !quoted => Part::One,
            "**" if !quoted => Part::Any,
            _ => Part::Key(key),
        };
        let mut parts: Vec<Part> = keys(text)?.into_iter().map(part).collect();
        // Two in a row say no more than one, and each would be tried at every place.
        parts.dedup_by(|part, before| *part == Part::Any && *before == Part::Any);
        if parts.iter().all(|part| *part == Part::Any) {
            return Err(NoPattern::Everything);
        }
        Ok(Self(parts))
    }

    /// Whether a path of keys fits, or lies below one that does.
    fn fits(&self, path: &[String]) -> bool {
        fn rest_fits(parts: &[Part], path: &[String]) -> bool {
            match (parts.split_first(), path.split_first()) {
                (None, _) => true,
                (Some((Part::Any, rest)), _) => {
                    (0..=path.len()).any(|skipped| rest_fits(rest, &path[skipped..]))
                }
                (Some(_), None) => false,
                (Some((Part::One, rest)), Some((_, below))) => rest_fits(rest, below),
                (Some((Part::Key(wanted), rest)), Some((key, below))) => {
                    wanted == key && rest_fits(rest, below)
                }
            }
        }
        rest_fits(&self.0, path)
    }
}

/// Reads the patterns of an App. They were checked when they were saved.
pub(crate) fn patterns(texts: &[String]) -> Vec<PathPattern> {
    texts.iter().filter_map(|text| PathPattern::parse(text).ok()).collect()
}

/// The values at `path`, given as JSON, that a pattern fits: none where it fits nothing in them.
///
/// A value is looked into, because lists of maps are one value of merged values.
pub(crate) fn fitting<'v>(
    patterns: &[PathPattern],
    path: &str,
    value: &'v Value,
) -> Option<Vec<&'v Value>> {
    let mut path: Vec<String> = keys(path).ok()?.into_iter().map(|(key, _)| key).collect();
    let mut found = Vec::new();
    look_into(patterns, &mut path, value, &mut found);
    Some(found).filter(|found| !found.is_empty())
}

fn look_into<'v>(
    patterns: &[PathPattern],
    path: &mut Vec<String>,
    value: &'v Value,
    found: &mut Vec<&'v Value>,
) {
    if patterns.iter().any(|pattern| pattern.fits(path)) {
        found.push(value);
        return;
    }
    let mut below = |key: String, value: &'v Value| {
        path.push(key);
        look_into(patterns, path, value, found);
        path.pop();
    };
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| below(n.to_string(), item));
        }
        Value::Object(map) => map.iter().for_each(|(key, value)| below(key.clone(), value)),
        _ => {}
    }
}

/// The keys of a written path, each with whether it was quoted.
fn keys(text: &str) -> Result<Vec<(String, bool)>, NoPattern> {
    let mut keys = Vec::new();
    let mut rest = text;
    loop {
        let (key, quoted, after) = match rest.strip_prefix('"') {
            Some(inside) => {
                let (key, after) = unquoted(inside).ok_or(NoPattern::Quote)?;
                (key, true, after)
            }
            None => {
                let end = rest.find('.').unwrap_or(rest.len());
                (rest[..end].to_owned(), false, &rest[end..])
            }
        };
        if key.is_empty() && !quoted {
            return Err(NoPattern::EmptyKey);
        }
        keys.push((key, quoted));
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(keys),
            None => return Err(NoPattern::Quote),
        }
    }
}

/// A quoted key and what follows its second quote.
fn unquoted(inside: &str) -> Option<(String, &str)> {
    let mut key = String::new();
    let mut characters = inside.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((key, &inside[at + 1..])),
            '\\' => key.push(characters.next()?.1),
            other => key.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, path: &str) -> bool {
        fitting(&[PathPattern::parse(pattern).unwrap()], path, &Value::Null).is_some()
    }

    /// Keys, one key, any number of keys; what lies below; keys with dots in quotes.
    #[test]
    fn paths_that_fit() {
        for (pattern, path, wanted) in [
            ("db.password", "db.password", true),
            ("db.password", "db.passwords", false),
            ("db", "db.password", true),
            ("db.password", "db", false),
            ("*.password", "db.password", true),
            ("*.password", "password", false),
            ("*.password", "a.b.password", false),
            ("**.password", "password", true),
            ("**.password", "a.b.password", true),
            ("**.password", "a.b.passwords", false),
            ("**.tls.*", "a.tls.key", true),
            ("*.password", "\"a.b\".password", true),
            ("\"a.b\"", "\"a.b\".password", true),
            ("a.b", "\"a.b\"", false),
            ("\"*\"", "x", false),
        ] {
            assert_eq!(fits(pattern, path), wanted, "{pattern} {path}");
        }
    }

    /// Lists and what is in them are looked into; places in a list count as keys.
    #[test]
    fn lists_are_looked_into() {
        let value = serde_json::json!([{ "name": "a", "password": "x" }, { "name": "b" }]);
        let found = |pattern: &str| {
            let pattern = PathPattern::parse(pattern).unwrap();
            fitting(&[pattern], "users", &value).map(|found| found.len())
        };
        assert_eq!(found("users.*.password"), Some(1));
        assert_eq!(found("**.name"), Some(2));
        assert_eq!(found("users.1"), Some(1));
        assert_eq!(found("users.password"), None);
    }

    /// What cannot be a pattern is refused with the reason.
    #[test]
    fn no_patterns() {
        let refused = |text| PathPattern::parse(text).unwrap_err();
        assert_eq!(refused(""), NoPattern::EmptyKey);
        assert_eq!(refused("a..b"), NoPattern::EmptyKey);
        assert_eq!(refused("a."), NoPattern::EmptyKey);
        assert_eq!(refused("\"a"), NoPattern::Quote);
        assert_eq!(refused("\"a\"b"), NoPattern::Quote);
        assert_eq!(refused("**"), NoPattern::Everything);
    }
}
