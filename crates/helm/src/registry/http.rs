//! Chart repositories over HTTP: one index.yaml and the archives it names.
//!
//! The client is handed in by the caller, who decides about proxies, certificates, redirects and
//! which addresses may be reached. Every fetch is bounded in size and time here.

use std::fmt;
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, HeaderValue};
use reqwest::{Client, StatusCode};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::hexadecimal::hexadecimal;

use super::index::{Index, IndexEntry, IndexError};

/// A user and password for a repository. Never printed.
#[derive(Clone)]
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

/// How much a fetch may bring and how long it may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest index, in bytes.
    pub index_bytes: usize,
    /// The largest archive, in bytes.
    pub archive_bytes: usize,
    /// The time for one fetch from request to last byte.
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

/// A repository: the address below which index.yaml lies.
#[derive(Clone, Debug)]
pub struct Repository {
    url: Url,
    credentials: Option<Credentials>,
    limits: Limits,
}

/// Why something could not be fetched. Addresses are shown without credentials and query.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The address of a repository or archive makes no sense.
    #[error("{url:?} is not an http or https address")]
    Address {
        /// The address.
        url: String,
    },
    /// The server could not be reached or the connection broke.
    #[error("could not fetch {url}")]
    Request {
        /// The address.
        url: String,
        /// What happened.
        source: reqwest::Error,
    },
    /// The server answered, but not with the file.
    #[error("could not fetch {url}: the server answered {status}{}", remedy(*status))]
    Status {
        /// The address.
        url: String,
        /// The answer.
        status: StatusCode,
    },
    /// The file is larger than allowed.
    #[error("{url} is larger than {limit} bytes")]
    TooLarge {
        /// The address.
        url: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The fetch took longer than allowed.
    #[error("{url} did not answer in full within {} s", after.as_secs())]
    TimedOut {
        /// The address.
        url: String,
        /// The limit.
        after: Duration,
    },
    /// The index is not one, or does not have what was asked for.
    #[error("repository {repository}")]
    Index {
        /// The repository.
        repository: String,
        /// What is wrong.
        source: IndexError,
    },
    /// The index names no archive for a version.
    #[error("the repository has no archive for chart {chart:?} version {version:?}")]
    NoUrl {
        /// The chart.
        chart: String,
        /// The version.
        version: String,
    },
    /// The archive is not the one the index lists.
    #[error("{url} has SHA-256 {found}, but the repository's index says {expected}")]
    Digest {
        /// The address.
        url: String,
        /// What the index says, in hex.
        expected: String,
        /// What was fetched, in hex.
        found: String,
    },
}

fn remedy(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => " (check the user and password)",
        StatusCode::NOT_FOUND => " (check the repository's address)",
        _ => "",
    }
}

impl Repository {
    /// A repository at `url`, with its own credentials if it needs any.
    pub fn new(url: &str, credentials: Option<Credentials>) -> Result<Self, RegistryError> {
        let url = web_address(url)?;
        Ok(Self { url, credentials, limits: Limits::default() })
    }

    /// The same repository with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Fetches and reads index.yaml.
    pub async fn index(&self, client: &Client) -> Result<Index, RegistryError> {
        let bytes = self.fetch(client, &self.index_url(), Kind::Index).await?;
        Index::parse(&bytes).map_err(|source| self.index_error(source))
    }

    /// Fetches the archive of one version, and checks the digest if the index gives one.
    pub async fn archive(
        &self,
        client: &Client,
        entry: &IndexEntry,
    ) -> Result<Vec<u8>, RegistryError> {
        let url = self.archive_url(entry)?;
        let bytes = self.fetch(client, &url, Kind::Archive).await?;
        let found = hexadecimal(&Sha256::digest(&bytes));
        if !entry.digest.is_empty() && !entry.digest.eq_ignore_ascii_case(&found) {
            let expected = entry.digest.clone();
            return Err(RegistryError::Digest { url: shown(&url), expected, found });
        }
        Ok(bytes)
    }

    /// Finds a chart by name and version (or constraint) and fetches its archive.
    pub async fn fetch_chart(
        &self,
        client: &Client,
        chart: &str,
        version: &str,
    ) -> Result<(IndexEntry, Vec<u8>), RegistryError> {
        let index = self.index(client).await?;
        let entry = index.resolve(chart, version).map_err(|source| self.index_error(source))?;
        let archive = self.archive(client, &entry).await?;
        Ok((entry, archive))
    }

    /// Fetches what lies at this address itself: a chart or values file named by its full URL.
    pub async fn file_itself(&self, client: &Client) -> Result<Vec<u8>, RegistryError> {
        self.fetch(client, &self.url, Kind::Archive).await
    }

    fn index_error(&self, source: IndexError) -> RegistryError {
        RegistryError::Index { repository: shown(&self.url), source }
    }

    /// index.yaml below the repository's address, which keeps its query.
    fn index_url(&self) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/index.yaml", self.url.path().trim_end_matches('/')));
        url
    }

    /// The archive's address; a relative one lies below the repository and takes its query.
    fn archive_url(&self, entry: &IndexEntry) -> Result<Url, RegistryError> {
        let first = entry.urls.first().ok_or_else(|| RegistryError::NoUrl {
            chart: entry.metadata.name.clone(),
            version: entry.metadata.version.clone(),
        })?;
        if first.contains("://") {
            return web_address(first);
        }
        let mut base = self.url.clone();
        base.set_path(&format!("{}/", self.url.path().trim_end_matches('/')));
        let mut url =
            base.join(first).map_err(|_| RegistryError::Address { url: first.clone() })?;
        url.set_query(self.url.query());
        Ok(url)
    }

    async fn fetch(
        &self,
        client: &Client,
        url: &Url,
        kind: Kind,
    ) -> Result<Vec<u8>, RegistryError> {
        let after = self.limits.time;
        match tokio::time::timeout(after, self.fetch_unbounded(client, url, kind)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(RegistryError::TimedOut { url: shown(url), after }),
        }
    }

    async fn fetch_unbounded(
        &self,
        client: &Client,
        url: &Url,
        kind: Kind,
    ) -> Result<Vec<u8>, RegistryError> {
        let failed = |source: reqwest::Error| RegistryError::Request {
            url: shown(url),
            source: source.without_url(),
        };
        let mut request = client.get(url.clone());
        let limit = match kind {
            Kind::Index => self.limits.index_bytes,
            Kind::Archive => {
                let wanted = HeaderValue::from_static("application/gzip,application/octet-stream");
                // An archive must arrive as it is, not unpacked on the way.
                let identity = HeaderValue::from_static("identity");
                request = request.header(ACCEPT, wanted).header(ACCEPT_ENCODING, identity);
                self.limits.archive_bytes
            }
        };
        if let Some(credentials) = self.credentials.as_ref().filter(|_| self.is_ours(url)) {
            request = request.basic_auth(&credentials.username, Some(&credentials.password));
        }
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(RegistryError::Status { url: shown(url), status });
        }
        let mut bytes = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk.map_err(failed)?);
            if bytes.len() > limit {
                return Err(RegistryError::TooLarge { url: shown(url), limit });
            }
        }
        Ok(bytes)
    }

    /// Whether credentials may be sent: only to the repository's own scheme, host and port.
    fn is_ours(&self, url: &Url) -> bool {
        url.origin() == self.url.origin()
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Index,
    Archive,
}

fn web_address(text: &str) -> Result<Url, RegistryError> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| RegistryError::Address { url: text.to_owned() })
}

/// An address as it may be shown: without user, password and query.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    // Both only fail for addresses without a host, which `web_address` refuses.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Metadata;

    fn archive_url(repository: &str, url: &str) -> String {
        let entry = IndexEntry {
            metadata: Metadata::default(),
            urls: vec![url.to_owned()],
            created: String::new(),
            digest: String::new(),
        };
        Repository::new(repository, None).unwrap().archive_url(&entry).unwrap().into()
    }

    /// Relative archives lie below the repository, whose query they take; absolute ones stand alone.
    #[test]
    fn archive_addresses() {
        assert_eq!(archive_url("https://a.test/r", "c-1.tgz"), "https://a.test/r/c-1.tgz");
        assert_eq!(
            archive_url("https://a.test/r/?k=1", "c/c-1.tgz"),
            "https://a.test/r/c/c-1.tgz?k=1"
        );
        assert_eq!(archive_url("https://a.test/r", "/c-1.tgz"), "https://a.test/c-1.tgz");
        assert_eq!(archive_url("https://a.test/r", "http://b.test/c.tgz"), "http://b.test/c.tgz");
        let repository = Repository::new("https://a.test/r/?k=1", None).unwrap();
        assert_eq!(repository.index_url().as_str(), "https://a.test/r/index.yaml?k=1");
    }

    /// Credentials go to the repository's own origin alone, and no text ever shows them.
    #[test]
    fn credentials_stay_at_home() {
        let credentials = Credentials { username: "u".into(), password: "p".into() };
        let repository = Repository::new("https://a.test/r", Some(credentials)).unwrap();
        let ours = |url| repository.is_ours(&Url::parse(url).unwrap());
        assert!(ours("https://a.test/other"));
        assert!(!ours("http://a.test/r"));
        assert!(!ours("https://b.test/r"));
        assert!(!ours("https://a.test:8443/r"));
        assert!(format!("{repository:?}").contains("****"));
        let secret = Url::parse("https://u:p@a.test/r?token=t").unwrap();
        assert_eq!(shown(&secret), "https://a.test/r");
    }

    /// Only web addresses are repositories here.
    #[test]
    fn other_schemes_are_refused() {
        for url in ["oci://a.test/r", "file:///etc", "a.test", ""] {
            assert!(matches!(Repository::new(url, None), Err(RegistryError::Address { .. })));
        }
    }
}
