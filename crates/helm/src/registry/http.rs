//! Chart repositories over HTTP: one index.yaml, the archives it names, and their provenance.

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, HeaderValue};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::hexadecimal::hexadecimal;

use super::access::{Access, shown};
use super::error::RegistryError;
use super::fetch;
use super::index::{Index, IndexEntry};

/// Largest provenance file, in bytes: a signature and some lines of metadata.
const PROVENANCE_BYTES: usize = 4 * 1024 * 1024;

/// A repository: the address below which index.yaml lies.
#[derive(Clone, Debug)]
pub struct Repository {
    url: Url,
    /// The address as it was given, for errors; without what must not be shown.
    named: String,
    access: Access,
}

impl Repository {
    /// A repository at `url`.
    pub fn new(url: &str, access: Access) -> Result<Self, RegistryError> {
        let given = url;
        let url = web_address(given)?;
        let plain = !given.contains(['@', '?']);
        let named = if plain { given.to_owned() } else { shown(&url) };
        Ok(Self { url, named, access })
    }

    /// Fetches index.yaml.
    pub async fn index_file(&self) -> Result<Vec<u8>, RegistryError> {
        self.fetch(&self.index_url(), Kind::Index).await
    }

    /// Fetches and reads index.yaml.
    pub async fn index(&self) -> Result<Index, RegistryError> {
        let read = match self.index_file().await {
            Ok(bytes) => Index::parse(&bytes).map_err(RegistryError::from),
            Err(error) => Err(error),
        };
        read.map_err(|error| RegistryError::NotARepository {
            repository: self.named.clone(),
            source: Box::new(error),
        })
    }

    /// The version of a chart that Helm would take from `index`: `wanted` itself, else the newest
    /// that fits it as a constraint.
    pub fn resolve(
        &self,
        index: &Index,
        chart: &str,
        wanted: &str,
    ) -> Result<IndexEntry, RegistryError> {
        index.resolve(chart, wanted).map_err(|why| RegistryError::NotFound {
            chart: chart.to_owned(),
            wanted: wanted.to_owned(),
            repository: self.named.clone(),
            why: Box::new(why),
        })
    }

    /// Fetches the archive of one version, and checks the digest if the index gives one.
    pub async fn archive(&self, entry: &IndexEntry) -> Result<Vec<u8>, RegistryError> {
        let url = self.archive_url(entry)?;
        let bytes = self.fetch(&url, Kind::Archive).await?;
        let found = hexadecimal(&Sha256::digest(&bytes));
        if !entry.digest.is_empty() && !entry.digest.eq_ignore_ascii_case(&found) {
            let expected = entry.digest.clone();
            return Err(RegistryError::Digest { url: shown(&url), expected, found });
        }
        Ok(bytes)
    }

    /// Fetches the provenance that lies beside the archive of one version.
    pub async fn provenance(&self, entry: &IndexEntry) -> Result<Vec<u8>, RegistryError> {
        let mut url = self.archive_url(entry)?;
        url.set_path(&format!("{}.prov", url.path()));
        match self.fetch(&url, Kind::Provenance).await {
            Err(RegistryError::Status { status: StatusCode::NOT_FOUND, url }) => {
                Err(RegistryError::NoProvenance { url })
            }
            other => other,
        }
    }

    /// Finds a chart by name and version (or constraint) and fetches its archive.
    pub async fn fetch_chart(
        &self,
        chart: &str,
        wanted: &str,
    ) -> Result<(IndexEntry, Vec<u8>), RegistryError> {
        let index = self.index().await?;
        let entry = self.resolve(&index, chart, wanted)?;
        let archive = self.archive(&entry).await?;
        Ok((entry, archive))
    }

    /// Fetches a file at an absolute address, which may be this repository's own.
    pub async fn file(&self, address: &str) -> Result<Vec<u8>, RegistryError> {
        self.fetch(&web_address(address)?, Kind::Archive).await
    }

    /// index.yaml below the repository's address, which keeps its query.
    fn index_url(&self) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/index.yaml", self.url.path().trim_end_matches('/')));
        url
    }

    /// The archive's address; a relative one lies below the repository and takes its query.
    pub fn archive_url(&self, entry: &IndexEntry) -> Result<Url, RegistryError> {
        let first = entry.urls.first().ok_or_else(|| RegistryError::NoUrl {
            chart: entry.metadata.name.clone(),
            version: entry.metadata.version.clone(),
        })?;
        if first.contains("://") {
            return web_address(first);
        }
        let mut base = self.url.clone();
        base.set_path(&format!("{}/", self.url.path().trim_end_matches('/')));
        let mut url = base
            .join(first)
            .map_err(|_| RegistryError::Address { url: first.clone(), scheme: String::new() })?;
        url.set_query(self.url.query());
        Ok(url)
    }

    async fn fetch(&self, url: &Url, kind: Kind) -> Result<Vec<u8>, RegistryError> {
        let client = self.access.transport.client_for(url)?;
        let mut request = client.get(url.clone());
        if let Some(wanted) = kind.accepted() {
            // An archive must arrive as it is, not unpacked on the way.
            request = request
                .header(ACCEPT, HeaderValue::from_static(wanted))
                .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if let Some(credentials) = self.access.credentials.as_ref().filter(|_| self.is_ours(url)) {
            request = request.basic_auth(&credentials.username, Some(&credentials.password));
        }
        let limit = match kind {
            Kind::Index => self.access.limits.index_bytes,
            Kind::Archive => self.access.limits.archive_bytes,
            Kind::Provenance => PROVENANCE_BYTES,
        };
        fetch::within(self.access.limits.time, url, async {
            let response = fetch::send(request, "Get", url).await?;
            let status = response.status();
            if status != StatusCode::OK {
                return Err(RegistryError::Status { url: shown(url), status });
            }
            fetch::body(response, "Get", url, limit).await
        })
        .await
    }

    /// Whether credentials may be sent: only to the repository's own scheme, host and port, unless
    /// the caller wants them sent anywhere.
    fn is_ours(&self, url: &Url) -> bool {
        self.access.pass_credentials || url.origin() == self.url.origin()
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Index,
    Archive,
    Provenance,
}

impl Kind {
    fn accepted(self) -> Option<&'static str> {
        match self {
            Self::Index => None,
            Self::Archive | Self::Provenance => Some("application/gzip,application/octet-stream"),
        }
    }
}

fn web_address(text: &str) -> Result<Url, RegistryError> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| RegistryError::Address {
            url: text.to_owned(),
            scheme: text.split_once(':').map_or("", |(scheme, _)| scheme).to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::super::access::{Credentials, Transport};
    use super::*;
    use crate::chart::Metadata;

    fn access() -> Access {
        // Fails only if another test was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Access::new(Transport::new(reqwest::Client::new()))
    }

    fn archive_url(repository: &str, url: &str) -> String {
        let entry = IndexEntry {
            metadata: Metadata::default(),
            urls: vec![url.to_owned()],
            created: String::new(),
            digest: String::new(),
        };
        Repository::new(repository, access()).unwrap().archive_url(&entry).unwrap().into()
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
        let repository = Repository::new("https://a.test/r/?k=1", access()).unwrap();
        assert_eq!(repository.index_url().as_str(), "https://a.test/r/index.yaml?k=1");
    }

    /// Credentials go to the repository's own origin alone, unless all may have them.
    #[test]
    fn credentials_stay_at_home() {
        let credentials = Credentials { username: "u".into(), password: "p".into() };
        let access = access().with_credentials(Some(credentials));
        let repository = Repository::new("https://a.test/r", access.clone()).unwrap();
        let ours = |url| repository.is_ours(&Url::parse(url).unwrap());
        assert!(ours("https://a.test/other"));
        assert!(!ours("http://a.test/r"));
        assert!(!ours("https://b.test/r"));
        assert!(!ours("https://a.test:8443/r"));
        let generous = Repository::new("https://a.test/r", access.passing_credentials(true));
        assert!(generous.unwrap().is_ours(&Url::parse("https://b.test/r").unwrap()));
    }

    /// Only web addresses are repositories here.
    #[test]
    fn other_schemes_are_refused() {
        for url in ["oci://a.test/r", "file:///etc", "a.test", ""] {
            let refused = Repository::new(url, access());
            assert!(matches!(refused, Err(RegistryError::Address { .. })), "{url}");
        }
        let refused = Repository::new("ftp://a.test/r", access()).unwrap_err();
        assert_eq!(refused.to_string(), "could not find protocol handler for: ftp");
    }
}
