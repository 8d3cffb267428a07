//! Addresses of sealed objects, and the texts that stand for them in rows and in Helm's records.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::ObjectKind;

/// Where a sealed content is kept: under its kind and keyed digest, or as a part of an object that holds several.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    pub(super) kind: ObjectKind,
    pub(super) digest: String,
    pub(super) part: Option<Part>,
}

/// A part of an object that holds several contents.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Part {
    /// The name of that object.
    pub(super) of: String,
    /// Where in it the sealed content stands.
    pub(super) bytes: Range<u64>,
}

impl Address {
    /// What the content is sealed for, wherever it stands.
    pub(super) fn identity(&self) -> String {
        format!("{}/{}", self.kind, self.digest)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.digest)?;
        match &self.part {
            Some(Part { of, bytes }) => write!(f, "@{of}/{}-{}", bytes.start, bytes.end),
            None => Ok(()),
        }
    }
}

/// A text that is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the address of an object")]
pub(crate) struct InvalidAddress(String);

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let parse = || {
            let (content, part) = match text.split_once('@') {
                Some((content, part)) => (content, Some(read_part(part)?)),
                None => (text, None),
            };
            let (kind, digest) = content.split_once('/')?;
            let hex = digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit());
            Some(Self { kind: kind.parse().ok()?, digest: hex.then(|| digest.to_owned())?, part })
        };
        parse().ok_or_else(|| InvalidAddress(text.to_owned()))
    }
}

fn read_part(text: &str) -> Option<Part> {
    let (of, bytes) = text.split_once('/')?;
    let named = !of.is_empty() && of.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let (start, end) = bytes.split_once('-')?;
    let (start, end): (u64, u64) = (start.parse().ok()?, end.parse().ok()?);
    (named && start < end).then(|| Part { of: of.to_owned(), bytes: start..end })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is not an address is refused, so that no path leads out of the store.
    #[test]
    fn refused() {
        let digest = "ab".repeat(32);
        for text in [
            String::new(),
            "plan/ab12".to_owned(),
            format!("nothing/{digest}"),
            format!("plan/{digest}@"),
            format!("plan/{digest}@../1-2"),
            format!("plan/{digest}@x/2-1"),
            format!("plan/{digest}@x/1"),
        ] {
            assert_eq!(text.parse::<Address>(), Err(InvalidAddress(text)));
        }
    }

    proptest! {
        /// Every address is read as it was written.
        #[test]
        fn read_as_written(digest in "[0-9a-f]{64}", of in "[0-9a-z_]{1,30}", start in 0u64..1 << 40, length in 1u64..1 << 40, part in any::<bool>()) {
            let part = part.then(|| Part { of, bytes: start..start + length });
            let address = Address { kind: ObjectKind::Plan, digest, part };
            prop_assert_eq!(address.to_string().parse::<Address>().unwrap(), address);
        }
    }
}
