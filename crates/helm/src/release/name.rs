//! Names of releases.

/// The longest name of a release, in bytes. Charts add suffixes, and Kubernetes allows 63.
pub const MAX_NAME: usize = 53;

/// Why a text cannot name a release; the texts are Helm's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is empty.
    #[error("release name \"\": no name provided")]
    Missing,
    /// It breaks the rules.
    #[error(
        "release name {name:?}: invalid release name, must match regex \
         ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must \
         not be longer than 53"
    )]
    Invalid {
        /// The text.
        name: String,
    },
}

/// Checks a release's name: parts of `a-z`, `0-9` and `-` joined by dots, none starting or ending
/// in `-`, at most 53 bytes.
pub fn validate_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Missing);
    }
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let fits = |part: &str| {
        !part.is_empty()
            && part.bytes().all(allowed)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    if name.len() <= MAX_NAME && name.split('.').all(fits) {
        Ok(())
    } else {
        Err(NameError::Invalid { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Helm's rule, with Helm's words.
    #[test]
    fn names() {
        for name in ["a", "a-b", "a.b-1", "1", &"a".repeat(53)] {
            assert_eq!(validate_name(name), Ok(()), "{name}");
        }
        for name in ["A", "-a", "a-", "a..b", ".a", "a_b", "a.-b", &"a".repeat(54)] {
            assert!(matches!(validate_name(name), Err(NameError::Invalid { .. })), "{name}");
        }
        assert_eq!(
            validate_name("BadName").unwrap_err().to_string(),
            "release name \"BadName\": invalid release name, must match regex \
             ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length \
             must not be longer than 53"
        );
        assert_eq!(validate_name(""), Err(NameError::Missing));
    }
}
