//! What a source of charts is asked with: the caller's HTTP client, its word on every address,
//! credentials, and limits.
//!
//! The client decides about proxies, certificates and redirects. Addresses that a server names
//! (archives of an index, token realms, upload locations) pass the caller's check before anything
//! is sent there.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use url::Url;

use super::error::RegistryError;

/// Why a caller does not want an address to be reached.
pub type Refusal = Box<dyn Error + Send + Sync>;

type Check = dyn Fn(&Url) -> Result<(), Refusal> + Send + Sync;

/// How requests go out.
#[derive(Clone)]
pub struct Transport {
    client: Client,
    check: Option<Arc<Check>>,
}

impl Transport {
    /// Any address that `client` reaches. It should not decode answers by itself (`no_gzip`):
    /// servers are about that call a chart archive gzip-encoded, which it must stay to be one.
    pub fn new(client: Client) -> Self {
        Self { client, check: None }
    }

    /// Only addresses that `check` lets pass; it is asked before each request. Redirects are
    /// followed inside the client, whose own policy must hold for them.
    pub fn checked(
        client: Client,
        check: impl Fn(&Url) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> Self {
        Self { client, check: Some(Arc::new(check)) }
    }

    /// The client, if the address may be reached.
    pub(super) fn client_for(&self, url: &Url) -> Result<&Client, RegistryError> {
        match self.check.as_ref().map_or(Ok(()), |check| check(url)) {
            Ok(()) => Ok(&self.client),
            Err(source) => Err(RegistryError::Refused { url: shown(url), source }),
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("checked", &self.check.is_some()).finish_non_exhaustive()
    }
}

/// A user and password for a repository or registry. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub username: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(****)")
    }
}

/// What a registry gave someone who signed in before. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub enum RegistryToken {
    /// Goes with each request.
    Access(String),
    /// The token server gives an access token for it (`identitytoken`).
    Identity(String),
}

impl fmt::Debug for RegistryToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegistryToken(****)")
    }
}

/// How much a fetch may bring and how long it may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest index, in bytes.
    pub index_bytes: usize,
    /// The largest archive, in bytes.
    pub archive_bytes: usize,
    /// The time for one request, to the last byte of its answer.
    pub time: Duration,
}

impl Default for Limits {
    /// Enough for the largest public repositories.
    fn default() -> Self {
        Self {
            index_bytes: 128 * 1024 * 1024,
            archive_bytes: 64 * 1024 * 1024,
            time: Duration::from_mins(1),
        }
    }
}

/// Everything a repository or registry is asked with.
#[derive(Clone, Debug)]
pub struct Access {
    pub(super) transport: Transport,
    pub(super) credentials: Option<Credentials>,
    pub(super) token: Option<RegistryToken>,
    pub(super) pass_credentials: bool,
    pub(super) plain_http: bool,
    pub(super) limits: Limits,
}

impl Access {
    /// Without credentials, with the usual limits.
    pub fn new(transport: Transport) -> Self {
        Self {
            transport,
            credentials: None,
            token: None,
            pass_credentials: false,
            plain_http: false,
            limits: Limits::default(),
        }
    }

    /// Signs in where the server asks for it. Credentials go to the repository's or registry's own
    /// scheme, host and port, and to the token server that a registry names.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Option<Credentials>) -> Self {
        self.credentials = credentials;
        self
    }

    /// Uses a token where an OCI registry asks for one.
    #[must_use]
    pub fn with_token(mut self, token: Option<RegistryToken>) -> Self {
        self.token = token;
        self
    }

    /// Sends the credentials to whatever host an index names (`--pass-credentials`).
    #[must_use]
    pub fn passing_credentials(mut self, pass: bool) -> Self {
        self.pass_credentials = pass;
        self
    }

    /// Talks to an OCI registry without TLS (`--plain-http`).
    #[must_use]
    pub fn with_plain_http(mut self, plain: bool) -> Self {
        self.plain_http = plain;
        self
    }

    /// With other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// An address as it may be shown: without user, password and query.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    // Both only fail for addresses without a host, which are refused before.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No text ever shows a secret.
    #[test]
    fn secrets_are_not_shown() {
        let credentials = Credentials { username: "u".into(), password: "p".into() };
        assert_eq!(format!("{credentials:?}"), "Credentials(****)");
        let token = RegistryToken::Identity("t".into());
        assert_eq!(format!("{token:?}"), "RegistryToken(****)");
        let secret = Url::parse("https://u:p@a.test/r?token=t").unwrap();
        assert_eq!(shown(&secret), "https://a.test/r");
    }
}
