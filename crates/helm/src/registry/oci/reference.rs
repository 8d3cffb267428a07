//! References to charts in registries: `host[:port]/path/chart[:tag][@sha256:…]`.
//!
//! A tag cannot hold `+`, which versions may have: it is written `_` and turned back when tags are
//! listed.

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use sha2::{Digest as _, Sha256, Sha512};

use crate::hexadecimal::hexadecimal;

/// Prefix of chart references that lead to a registry.
pub const SCHEME: &str = "oci://";

#[expect(clippy::unwrap_used, reason = "constant patterns")]
static REPOSITORY: LazyLock<Regex> = LazyLock::new(|| {
    let part = "[a-z0-9]+(?:(?:[._]|__|-*)[a-z0-9]+)*";
    Regex::new(&format!("^{part}(?:/{part})*$")).unwrap()
});

/// Why a text is no reference; the words are Helm's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// There is no `/`.
    #[error("invalid reference: missing registry or repository")]
    Incomplete,
    /// What stands before the first `/` is no host.
    #[error("invalid reference: invalid registry {0:?}")]
    Registry(String),
    /// The path has letters that repositories cannot have.
    #[error("invalid reference: invalid repository {0:?}")]
    Repository(String),
    /// What stands behind `:` is no tag.
    #[error("invalid reference: invalid tag {0:?}")]
    Tag(String),
    /// What stands behind `@` is no digest.
    #[error("invalid reference: invalid digest {digest:?}: {why}")]
    Digest {
        /// As written.
        digest: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// A place in a registry, with a tag, a digest, both or neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Host, with its port if one was written.
    pub registry: String,
    /// The path, its last part being the chart's name.
    pub repository: String,
    /// The tag as registries know it, with `_` for `+`.
    pub tag: Option<String>,
    /// `sha256:…`.
    pub digest: Option<String>,
}

impl Reference {
    /// Whether a chart reference leads to a registry.
    pub fn is_oci(reference: &str) -> bool {
        reference.starts_with(SCHEME)
    }

    /// Reads a reference, with or without `oci://`.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let text = text.strip_prefix(SCHEME).unwrap_or(text);
        let (place, digest) = match text.rsplit_once('@') {
            Some((place, digest)) => (place, Some(digest)),
            None => (text, None),
        };
        let (registry, path) = place.split_once('/').ok_or(ReferenceError::Incomplete)?;
        let (repository, tag) = match path.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (path, None),
        };
        if !is_host(registry) {
            return Err(ReferenceError::Registry(registry.to_owned()));
        }
        if !REPOSITORY.is_match(repository) {
            return Err(ReferenceError::Repository(repository.to_owned()));
        }
        let tag = tag.filter(|tag| !tag.is_empty()).map(|tag| tag.replace('+', "_"));
        if let Some(tag) = tag.as_ref().filter(|tag| !is_tag(tag)) {
            return Err(ReferenceError::Tag(tag.clone()));
        }
        if let Some(digest) = digest {
            ContentDigest::parse(digest)?;
        }
        Ok(Self {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            tag,
            digest: digest.map(str::to_owned),
        })
    }

    /// The same place with this tag and no digest.
    #[must_use]
    pub fn with_tag(&self, version: &str) -> Self {
        Self { tag: Some(version.replace('+', "_")), digest: None, ..self.clone() }
    }

    /// The same place with this digest and no tag.
    #[must_use]
    pub fn with_digest(&self, digest: &str) -> Self {
        Self { tag: None, digest: Some(digest.to_owned()), ..self.clone() }
    }

    /// The last part of the path: the chart's name.
    pub fn chart(&self) -> &str {
        self.repository.rsplit_once('/').map_or(&*self.repository, |(_, name)| name)
    }

    /// What a manifest is asked for by: the tag before the digest, as Helm does.
    pub(super) fn target(&self) -> &str {
        self.tag.as_deref().or(self.digest.as_deref()).unwrap_or_default()
    }

    /// The host that requests go to.
    pub(super) fn host(&self) -> &str {
        if self.registry == "docker.io" { "registry-1.docker.io" } else { &self.registry }
    }
}

/// As Helm prints it: `host/path/chart:tag`, or with `@digest` where there is no tag.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        match (&self.tag, &self.digest) {
            (Some(tag), _) => write!(f, ":{tag}"),
            (None, Some(digest)) => write!(f, "@{digest}"),
            (None, None) => Ok(()),
        }
    }
}

fn is_host(registry: &str) -> bool {
    let port = |port: &str| port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    let (host, port_fits) = match registry.rsplit_once(':') {
        Some((host, digits)) if !registry.ends_with(']') => (host, port(digits)),
        _ => (registry, true),
    };
    let name = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let fits = match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(name),
    };
    fits && port_fits
}

fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let mut bytes = tag.bytes();
    tag.len() <= 128
        && bytes.next().is_some_and(word)
        && bytes.all(|b| word(b) || b == b'.' || b == b'-')
}

/// What content is checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContentDigest<'a> {
    Sha256(&'a str),
    Sha512(&'a str),
}

impl<'a> ContentDigest<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, ReferenceError> {
        let wrong = |why| Err(ReferenceError::Digest { digest: text.to_owned(), why });
        let (digest, length) = match text.split_once(':') {
            Some(("sha256", digits)) => (Self::Sha256(digits), 64),
            Some(("sha512", digits)) => (Self::Sha512(digits), 128),
            Some((algorithm, digits)) if !algorithm.is_empty() && !digits.is_empty() => {
                return wrong("unsupported digest algorithm");
            }
            _ => return wrong("invalid checksum digest format"),
        };
        let (Self::Sha256(digits) | Self::Sha512(digits)) = digest;
        if digits.is_empty() {
            return wrong("invalid checksum digest format");
        }
        if digits.len() != length {
            return wrong("invalid checksum digest length");
        }
        if !digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return wrong("invalid checksum digest format");
        }
        Ok(digest)
    }

    pub(super) fn fits(self, content: &[u8]) -> bool {
        match self {
            Self::Sha256(digits) => hexadecimal(&Sha256::digest(content)) == digits,
            Self::Sha512(digits) => hexadecimal(&Sha512::digest(content)) == digits,
        }
    }
}

/// `sha256:…` of these bytes.
pub(super) fn sha256(content: &[u8]) -> String {
    format!("sha256:{}", hexadecimal(&Sha256::digest(content)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:663376b74d4e0ce327a4421bfc0beb97cd62090452b6515010f84064b294039c";

    /// Every form is read and printed as Helm prints it.
    #[test]
    fn forms() {
        let printed = |text: &str| Reference::parse(text).unwrap().to_string();
        assert_eq!(printed("oci://a.test/charts/shop"), "a.test/charts/shop");
        assert_eq!(printed("a.test:5000/shop:1.2.0+b1"), "a.test:5000/shop:1.2.0_b1");
        assert_eq!(printed("[::1]:5000/shop"), "[::1]:5000/shop");
        assert_eq!(printed(&format!("a.test/shop@{DIGEST}")), format!("a.test/shop@{DIGEST}"));
        // With both, what is printed and asked for is the tag.
        let both = Reference::parse(&format!("a.test/s/shop:1.0.0@{DIGEST}")).unwrap();
        assert_eq!(both.to_string(), "a.test/s/shop:1.0.0");
        assert_eq!((both.target(), both.chart()), ("1.0.0", "shop"));
        assert_eq!(both.digest.as_deref(), Some(DIGEST));
        assert_eq!(Reference::parse("docker.io/a/b").unwrap().host(), "registry-1.docker.io");
    }

    /// What is no reference is refused in Helm's words.
    #[test]
    fn refusals() {
        let refused = |text: &str| Reference::parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(
            [
                "oci://a.test",
                "oci://a.test/PARCEL",
                "oci:///x",
                "oci://a b/x",
                "oci://a.test:x/y",
                "oci://a.test/x:1.2!",
                "oci://a.test/x@sha256:12",
                "oci://a.test/x@sha256:",
                "oci://a.test/x@md5:12",
                "oci://a.test/x@12",
            ]
            .map(refused)
            .join("\n"),
            @r#"
        invalid reference: missing registry or repository
        invalid reference: invalid repository "PARCEL"
        invalid reference: invalid registry ""
        invalid reference: invalid registry "a b"
        invalid reference: invalid registry "a.test:x"
        invalid reference: invalid tag "1.2!"
        invalid reference: invalid digest "sha256:12": invalid checksum digest length
        invalid reference: invalid digest "sha256:": invalid checksum digest format
        invalid reference: invalid digest "md5:12": unsupported digest algorithm
        invalid reference: invalid digest "12": invalid checksum digest format
        "#
        );
    }

    /// Content is held against either algorithm.
    #[test]
    fn digests_of_content() {
        let digest = sha256(b"x");
        assert!(ContentDigest::parse(&digest).unwrap().fits(b"x"));
        assert!(!ContentDigest::parse(&digest).unwrap().fits(b"y"));
        let long = format!("sha512:{}", hexadecimal(&Sha512::digest(b"x")));
        assert!(ContentDigest::parse(&long).unwrap().fits(b"x"));
    }
}
