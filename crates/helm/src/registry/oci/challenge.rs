//! What a registry answers when it wants to know who asks: `WWW-Authenticate`.

use std::collections::{BTreeMap, BTreeSet};

/// How to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// With user and password at each request.
    Basic,
    /// With a token that a server gives out.
    Bearer {
        /// The token server.
        realm: String,
        /// The name it knows the registry by.
        service: String,
        /// What the token must allow.
        scope: String,
    },
}

impl Challenge {
    /// Reads the header; `None` for schemes that nobody here speaks.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut given = parameters(rest);
        let mut take = |name: &str| given.remove(name).unwrap_or_default();
        Some(Self::Bearer { realm: take("realm"), service: take("service"), scope: take("scope") })
    }
}

/// `key=value` and `key="value"`, separated by commas; reading ends at the first that is neither.
fn parameters(mut rest: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    while let Some((key, behind)) = rest.split_once('=') {
        let behind = behind.trim_start();
        let (value, after) = match behind.strip_prefix('"') {
            Some(quoted) => match unquoted(quoted) {
                Some(read) => read,
                None => break,
            },
            None => {
                let end = behind.find([',', ' ']).unwrap_or(behind.len());
                (behind[..end].to_owned(), &behind[end..])
            }
        };
        found.insert(key.trim().to_owned(), value);
        match after.trim_start().strip_prefix(',') {
            Some(next) => rest = next,
            None => break,
        }
    }
    found
}

/// The text up to the closing quote, and what follows.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            c => value.push(c),
        }
    }
    None
}

/// Scopes as token servers want them: one for each resource, with all its actions, sorted.
pub(super) fn scopes<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut resources: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut others = BTreeSet::new();
    for scope in texts.into_iter().flat_map(|text| text.split(' ')).filter(|s| !s.is_empty()) {
        match scope.rsplit_once(':') {
            Some((resource, actions)) if resource.contains(':') => {
                let wanted = resources.entry(resource).or_default();
                wanted.extend(actions.split(',').filter(|action| !action.is_empty()));
            }
            _ => {
                others.insert(scope.to_owned());
            }
        }
    }
    let together = resources.into_iter().map(|(resource, actions)| {
        let actions: Vec<&str> =
            if actions.contains("*") { vec!["*"] } else { actions.into_iter().collect() };
        format!("{resource}:{}", actions.join(","))
    });
    others.extend(together);
    others.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The challenges that registries send.
    #[test]
    fn challenges() {
        let bearer = |realm: &str, service: &str, scope: &str| {
            Some(Challenge::Bearer {
                realm: realm.to_owned(),
                service: service.to_owned(),
                scope: scope.to_owned(),
            })
        };
        assert_eq!(Challenge::parse("Basic realm=\"r\""), Some(Challenge::Basic));
        assert_eq!(Challenge::parse("basic"), Some(Challenge::Basic));
        assert_eq!(Challenge::parse("Negotiate"), None);
        assert_eq!(Challenge::parse(""), None);
        assert_eq!(
            Challenge::parse(
                "Bearer realm=\"https://a.test/token\",service=\"a b\",\
                 scope=\"repository:x:pull,push\""
            ),
            bearer("https://a.test/token", "a b", "repository:x:pull,push")
        );
        assert_eq!(
            Challenge::parse("bearer realm=https://a.test/t , service=\"q\\\"q\""),
            bearer("https://a.test/t", "q\"q", "")
        );
        assert_eq!(Challenge::parse("Bearer realm=\"open"), bearer("", "", ""));
    }

    /// Scopes of one resource become one.
    #[test]
    fn joined_scopes() {
        let joined = |texts: &[&str]| scopes(texts.iter().copied()).join(" ");
        assert_eq!(joined(&["repository:x:pull"]), "repository:x:pull");
        assert_eq!(
            joined(&["repository:x:push,pull", "repository:x:pull repository:a:pull"]),
            "repository:a:pull repository:x:pull,push"
        );
        assert_eq!(joined(&["repository:x:*,pull", "catalog"]), "catalog repository:x:*");
        assert_eq!(joined(&["repository:a.test:5000/x:pull"]), "repository:a.test:5000/x:pull");
    }
}
