//! Identifiers of rows: a prefix that says what they are, then 26 characters that sort by time.
//!
//! The value is a version 7 UUID written in lower-case Crockford base32, so text order is order
//! of creation and an id can stand in a URL. Ids are not secrets and grant nothing.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const DIGITS: usize = 26;

/// What was given where an id is wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{input}` is not an id that starts with `{prefix}_`")]
pub struct InvalidId {
    /// The text as given.
    pub input: String,
    /// The prefix that was expected, without the underscore.
    pub prefix: &'static str,
}

fn encode(value: u128) -> String {
    (0..DIGITS)
        .rev()
        .map(|digit| char::from(ALPHABET[((value >> (digit * 5)) & 31) as usize]))
        .collect()
}

fn decode(text: &str) -> Option<u128> {
    if text.len() != DIGITS {
        return None;
    }
    text.bytes().try_fold(0_u128, |value, byte| {
        let digit = ALPHABET.iter().position(|&known| known == byte)?;
        value.checked_mul(32)?.checked_add(digit as u128)
    })
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, utoipa::ToSchema)]
        #[schema(value_type = String)]
        pub struct $name(Uuid);

        impl $name {
            /// What ids of this kind start with, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id, later in order than those made before it.
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// One of this moment; `rest` tells it from others.
            #[cfg(feature = "multiply")]
            #[allow(dead_code, reason = "not every kind of thing is multiplied")]
            pub(crate) fn of(at: jiff::Timestamp, rest: u64) -> Self {
                let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
                let mut bytes = [0; 10];
                bytes[2..].copy_from_slice(&rest.to_be_bytes());
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, encode(self.0.as_u128()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(input: &str) -> Result<Self, InvalidId> {
                input
                    .strip_prefix(concat!($prefix, "_"))
                    .and_then(decode)
                    .map(|value| Self(Uuid::from_u128(value)))
                    .ok_or_else(|| InvalidId { input: input.to_owned(), prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// An App.
    AppId = "app";
    /// A Release.
    ReleaseId = "rel";
    /// A Cluster.
    ClusterId = "clu";
    /// An App Environment.
    EnvironmentId = "env";
    /// A Deployment.
    DeploymentId = "dep";
    /// What a deployment consists of, as stored by content.
    ContentId = "cnt";
    /// A preview that can be deployed.
    PreviewId = "prv";
    /// What a new revision of an App's values would change in its fleet.
    FleetPreviewId = "fpv";
    /// A revision of a Helm release that no deployment wrote.
    ObservedId = "obs";
    /// A custom domain.
    DomainId = "dom";
    /// A backup.
    BackupId = "bak";
    /// An Op.
    OpId = "op";
    /// A batch: one act that made many deployments.
    BatchId = "bat";
    /// A person.
    PersonId = "usr";
    /// A signed-in session.
    SessionId = "ses";
    /// An API token.
    TokenId = "tok";
    /// A one-time sign-in link.
    SigninLinkId = "sil";
    /// An invitation.
    InvitationId = "inv";
    /// An entry of the audit log.
    AuditId = "aud";
    /// A worker: one task of one process that carries Ops out.
    WorkerId = "wrk";
}

impl AuditId {
    /// What no entry that was written at this moment or later sorts before.
    pub(crate) fn from(at: jiff::Timestamp) -> Self {
        let millis = u128::try_from(at.as_millisecond()).unwrap_or(0);
        Self(Uuid::from_u128(millis << 80))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An id reads back as itself, names its kind, and later ids sort after earlier ones.
    #[test]
    fn ids_round_trip_and_sort_by_time() {
        let ids: Vec<AppId> = (0..100).map(|_| AppId::generate()).collect();
        let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
        assert!(texts.is_sorted() && ids.is_sorted());
        assert!(texts.iter().all(|text| text.starts_with("app_") && text.len() == 30));
        for (id, text) in ids.iter().zip(&texts) {
            assert_eq!(text.parse::<AppId>().as_ref(), Ok(id));
        }
    }

    /// An id of another kind, a cut one and one with foreign characters are refused by name.
    #[test]
    fn foreign_text_is_not_an_id() {
        let op = OpId::generate().to_string();
        for input in [op.as_str(), "", "app_", "app_0", &format!("app_{}", "u".repeat(26))] {
            let refused = input.parse::<AppId>().expect_err(input);
            assert_eq!(
                refused.to_string(),
                format!("`{input}` is not an id that starts with `app_`")
            );
        }
    }
}
