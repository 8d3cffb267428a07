//! Fetching over the network: the only part of these commands that needs a runtime.

use std::future::Future;

use anyhow::{Context as _, Result};
use helm::registry::tls::TlsOptions;
use helm::registry::{
    Access, ChartSource, Credentials, FetchedChart, IndexEntry, Provenance, Repository, Transport,
};

use super::flags::ConnectionFlags;
use super::repositories::Known;

/// Fetches archives and files.
pub(super) struct Fetcher<'f> {
    flags: &'f ConnectionFlags,
}

impl<'f> Fetcher<'f> {
    pub(super) fn new(flags: &'f ConnectionFlags) -> Self {
        Self { flags }
    }

    /// A chart below an address of a repository or of a registry.
    pub(super) fn chart(
        &self,
        address: &str,
        name: &str,
        version: &str,
        provenance: Provenance,
    ) -> Result<FetchedChart> {
        let source = ChartSource::below(address, name, self.access()?)?;
        self.of_source(&source, version, provenance)
    }

    /// The chart that a reference into a registry names.
    pub(super) fn oci(
        &self,
        reference: &str,
        version: &str,
        provenance: Provenance,
    ) -> Result<FetchedChart> {
        let source = ChartSource::oci(reference, self.access()?)?;
        self.of_source(&source, version, provenance)
    }

    fn of_source(
        &self,
        source: &ChartSource,
        version: &str,
        provenance: Provenance,
    ) -> Result<FetchedChart> {
        run(async {
            let offered = source.resolve(version).await?;
            Ok(source.fetch(&offered, provenance).await?)
        })
    }

    /// One version of a chart of a repository that is known by name. Its own credentials count before
    /// those of the flags.
    pub(super) fn of_known(&self, known: &Known, entry: &IndexEntry) -> Result<Vec<u8>> {
        let mut access = self.access()?;
        if known.credentials.is_some() {
            access = access.with_credentials(known.credentials.clone());
        }
        let repository = Repository::new(&known.url, access)?;
        run(async { Ok(repository.archive(entry).await?) })
    }

    /// What lies at an address itself.
    pub(super) fn file(&self, address: &str) -> Result<Vec<u8>> {
        let repository = Repository::new(address, self.access()?)?;
        run(async { Ok(repository.file_itself().await?) })
    }

    /// What the flags say about connections.
    pub(super) fn access(&self) -> Result<Access> {
        // Fails only if a provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tls = TlsOptions {
            ca_file: self.flags.ca_file.clone(),
            cert_file: self.flags.cert_file.clone(),
            key_file: self.flags.key_file.clone(),
            insecure: self.flags.insecure_skip_tls_verify,
        };
        let client = tls
            .apply(reqwest::Client::builder())?
            .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("could not set up an HTTP client")?;
        let credentials = self.flags.username.clone().map(|username| Credentials {
            username,
            password: self.flags.password.clone().unwrap_or_default(),
        });
        Ok(Access::new(Transport::new(client))
            .with_credentials(credentials)
            .passing_credentials(self.flags.pass_credentials)
            .with_plain_http(self.flags.plain_http))
    }
}

/// Runs what asks the network to its end.
pub(super) fn run<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the asynchronous runtime")?
        .block_on(work)
}
