//! One version: reading, printing, ordering.

use std::cmp::Ordering;
use std::fmt;

/// Longest version text accepted, in bytes.
const MAX_LENGTH: usize = 256;

/// A semantic version; equality and order ignore build metadata and the text it was read from.
#[derive(Clone, Debug)]
pub struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    prerelease: String,
    metadata: String,
    original: String,
}

/// Why a text is not a version. The texts are those Helm prints.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// The text does not have the shape of a version.
    #[error("invalid semantic version")]
    Invalid,
    /// The text is longer than any sensible version.
    #[error("version string is too long (max {MAX_LENGTH} bytes)")]
    TooLong,
    /// A number does not fit 64 bits.
    #[error(
        "error parsing version segment: strconv.ParseUint: parsing \"{0}\": value out of range"
    )]
    OutOfRange(String),
    /// A numeric pre-release identifier has a leading zero.
    #[error("version segment starts with 0")]
    LeadingZero,
    /// A pre-release identifier is malformed.
    #[error("invalid prerelease string")]
    InvalidPrerelease,
    /// A metadata identifier is malformed.
    #[error("invalid metadata string")]
    InvalidMetadata,
    /// Incrementing a number would exceed 64 bits.
    #[error("{0} version increment would overflow uint64")]
    Overflow(&'static str),
}

impl Version {
    /// Reads a version loosely: `v1`, `1.2` and `01.2.3` are accepted.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        if text.len() > MAX_LENGTH {
            return Err(VersionError::TooLong);
        }
        let (rest, metadata) = match text.split_once('+') {
            Some((rest, metadata)) => (rest, Some(metadata)),
            None => (text, None),
        };
        let (numbers, prerelease) = match rest.split_once('-') {
            Some((numbers, prerelease)) => (numbers, Some(prerelease)),
            None => (rest, None),
        };
        // Shape first, ranges later: only a text of the right shape gets the more exact errors.
        let parts: Vec<&str> = numbers.strip_prefix('v').unwrap_or(numbers).split('.').collect();
        let digits = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if parts.len() > 3
            || !parts.iter().all(digits)
            || prerelease.is_some_and(|p| !identifiers_are_plain(p))
            || metadata.is_some_and(|m| !identifiers_are_plain(m))
        {
            return Err(VersionError::Invalid);
        }
        let number = |index: usize| match parts.get(index) {
            None => Ok(0),
            Some(part) => part.parse().map_err(|_| VersionError::OutOfRange((*part).to_owned())),
        };
        let version = Self {
            major: number(0)?,
            minor: number(1)?,
            patch: number(2)?,
            prerelease: prerelease.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        };
        validate_prerelease(&version.prerelease)?;
        Ok(version)
    }

    /// Reads a version strictly, as semver.org spells it: three numbers without a leading zero, no
    /// `v`.
    pub fn parse_strict(text: &str) -> Result<Self, VersionError> {
        let numbers = text.split(['-', '+']).next().unwrap_or_default();
        let parts: Vec<&str> = numbers.split('.').collect();
        let leading_zero = |part: &&str| part.len() > 1 && part.starts_with('0');
        if parts.len() != 3 || numbers.starts_with('v') {
            return Err(VersionError::Invalid);
        }
        if parts.iter().any(leading_zero) {
            return Err(VersionError::LeadingZero);
        }
        Self::parse(text)
    }

    /// The zero value of Go's type: 0.0.0, read from nothing.
    pub(crate) fn zero() -> Self {
        let (prerelease, metadata, original) = Default::default();
        Self { major: 0, minor: 0, patch: 0, prerelease, metadata, original }
    }

    /// The first number.
    pub fn major(&self) -> u64 {
        self.major
    }

    /// The second number.
    pub fn minor(&self) -> u64 {
        self.minor
    }

    /// The third number.
    pub fn patch(&self) -> u64 {
        self.patch
    }

    /// The part after `-`, empty for a release.
    pub fn prerelease(&self) -> &str {
        &self.prerelease
    }

    /// The part after `+`.
    pub fn metadata(&self) -> &str {
        &self.metadata
    }

    /// The text the version was read from.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// The next patch release; a pre-release only loses its suffix.
    pub fn inc_patch(&self) -> Result<Self, VersionError> {
        let patch = if self.prerelease.is_empty() {
            self.patch.checked_add(1).ok_or(VersionError::Overflow("patch"))?
        } else {
            self.patch
        };
        Ok(self.derived(self.major, self.minor, patch, "", ""))
    }

    /// The next minor release.
    pub fn inc_minor(&self) -> Result<Self, VersionError> {
        let minor = self.minor.checked_add(1).ok_or(VersionError::Overflow("minor"))?;
        Ok(self.derived(self.major, minor, 0, "", ""))
    }

    /// The next major release.
    pub fn inc_major(&self) -> Result<Self, VersionError> {
        let major = self.major.checked_add(1).ok_or(VersionError::Overflow("major"))?;
        Ok(self.derived(major, 0, 0, "", ""))
    }

    /// The same version with another pre-release part (empty removes it).
    pub fn with_prerelease(&self, prerelease: &str) -> Result<Self, VersionError> {
        if !prerelease.is_empty() && !identifiers_are_plain(prerelease) {
            return Err(VersionError::InvalidPrerelease);
        }
        validate_prerelease(prerelease)?;
        Ok(self.derived(self.major, self.minor, self.patch, prerelease, &self.metadata))
    }

    /// The same version with other build metadata (empty removes it).
    pub fn with_metadata(&self, metadata: &str) -> Result<Self, VersionError> {
        if !metadata.is_empty() && !identifiers_are_plain(metadata) {
            return Err(VersionError::InvalidMetadata);
        }
        Ok(self.derived(self.major, self.minor, self.patch, &self.prerelease, metadata))
    }

    /// A changed version keeps the `v` of the text it came from.
    fn derived(&self, major: u64, minor: u64, patch: u64, pre: &str, metadata: &str) -> Self {
        let mut next = Self {
            major,
            minor,
            patch,
            prerelease: pre.to_owned(),
            metadata: metadata.to_owned(),
            original: String::new(),
        };
        let prefix = if self.original.starts_with('v') { "v" } else { "" };
        next.original = format!("{prefix}{next}");
        next
    }
}

impl fmt::Display for Version {
    /// The normalised form, without a leading `v`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_prereleases(&self.prerelease, &other.prerelease),
            })
    }
}

/// Compares two pre-release texts identifier by identifier; a missing identifier comes first.
pub(super) fn compare_prereleases(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let (l, r) = (left.next(), right.next());
        if l.is_none() && r.is_none() {
            return Ordering::Equal;
        }
        match compare_identifiers(l.unwrap_or_default(), r.unwrap_or_default()) {
            Ordering::Equal => {}
            decided => return decided,
        }
    }
}

fn compare_identifiers(left: &str, right: &str) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    match (left.is_empty(), right.is_empty()) {
        (true, _) => return Ordering::Less,
        (_, true) => return Ordering::Greater,
        _ => {}
    }
    match (left.parse::<u64>(), right.parse::<u64>()) {
        (Ok(l), Ok(r)) if l > r => Ordering::Greater,
        (Ok(_), Ok(_) | Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => left.cmp(right),
    }
}

fn is_identifier_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

fn identifiers_are_plain(text: &str) -> bool {
    text.split('.').all(|part| !part.is_empty() && part.bytes().all(is_identifier_byte))
}

fn validate_prerelease(text: &str) -> Result<(), VersionError> {
    let zero_led = |part: &str| {
        part.len() > 1 && part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit())
    };
    if text.split('.').any(zero_led) { Err(VersionError::LeadingZero) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).expect(text)
    }

    /// Loose forms are read, and printed normalised.
    #[test]
    fn loose_forms_are_normalised() {
        for (text, printed) in [
            ("1", "1.0.0"),
            ("v1.2", "1.2.0"),
            ("01.02.03", "1.2.3"),
            ("1.2-rc.1+b.7", "1.2.0-rc.1+b.7"),
            ("1.2.3-x-y-z", "1.2.3-x-y-z"),
            ("1.0.0+a-b", "1.0.0+a-b"),
        ] {
            assert_eq!(version(text).to_string(), printed);
            assert_eq!(version(text).original(), text);
        }
    }

    /// What is not a version is refused with the reason Helm gives.
    #[test]
    fn refusals() {
        for (text, reason) in [
            ("", "invalid semantic version"),
            ("1.2.3.4", "invalid semantic version"),
            ("V1", "invalid semantic version"),
            ("1.2.3-", "invalid semantic version"),
            ("1.2.3-a..b", "invalid semantic version"),
            ("1.2.3+", "invalid semantic version"),
            ("1.2.3-01", "version segment starts with 0"),
            (
                "99999999999999999999",
                "error parsing version segment: strconv.ParseUint: parsing \
                 \"99999999999999999999\": value out of range",
            ),
        ] {
            assert_eq!(Version::parse(text).unwrap_err().to_string(), reason, "{text}");
        }
        assert_eq!(Version::parse(&"1".repeat(257)).unwrap_err(), VersionError::TooLong);
    }

    /// Strictly, nothing may be left out or be added in front.
    #[test]
    fn strict_forms() {
        for text in ["1.2.3", "0.1.0-rc.1+b.7", "1.0.0+01"] {
            assert_eq!(Version::parse_strict(text).unwrap().original(), text);
        }
        for text in ["1.2", "v1.2.3", "01.2.3", "1.2.3.4", "1.2.x", "", "1.2.3-01"] {
            assert!(Version::parse_strict(text).is_err(), "{text}");
        }
    }

    /// Pre-releases come before their release, numbers before words, shorter before longer.
    #[test]
    fn precedence() {
        let ascending = [
            "1.0.0-0",
            "1.0.0-9",
            "1.0.0-10",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-rc",
            "1.0.0",
            "1.0.1",
            "1.1.0",
            "2.0.0",
        ];
        for pair in ascending.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{} < {}", pair[0], pair[1]);
        }
        assert_eq!(version("1.0.0+a"), version("v1+b"));
    }

    /// Increments drop the suffixes and keep the `v`.
    #[test]
    fn increments() {
        let v = version("v1.2.3-rc.1+x");
        assert_eq!(v.inc_patch().unwrap().original(), "v1.2.3");
        assert_eq!(v.inc_minor().unwrap().original(), "v1.3.0");
        assert_eq!(v.inc_major().unwrap().original(), "v2.0.0");
        assert_eq!(v.with_prerelease("b").unwrap().to_string(), "1.2.3-b+x");
        assert_eq!(v.with_metadata("").unwrap().to_string(), "1.2.3-rc.1");
        let last = version("1.18446744073709551615.0");
        assert_eq!(last.inc_minor().unwrap_err(), VersionError::Overflow("minor"));
    }
}
