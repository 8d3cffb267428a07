//! Fetching over the network: the only part of these commands that needs a runtime.

use std::future::Future;

use anyhow::{Context as _, Result};
use helm::registry::oci::{Parts, UNDERSCORE_NOTE};
use helm::registry::tls::TlsOptions;
use helm::registry::{
    Access, ChartSource, Credentials, IndexEntry, OciChart, Provenance, Reference, Repository,
    Transport,
};

use super::flags::ConnectionFlags;
use super::repositories::Known;

/// A chart that was fetched.
pub(super) struct Fetched {
    pub(super) archive: Vec<u8>,
    pub(super) provenance: Option<Vec<u8>>,
    /// The name Helm gives the archive.
    pub(super) file_name: String,
    /// What Helm says about it: a registry's reference and digest.
    pub(super) told: String,
}

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
    ) -> Result<Fetched> {
        if Reference::is_oci(address) {
            let reference = format!("{}/{name}", address.trim_end_matches('/'));
            return self.oci(&reference, version, provenance);
        }
        let source = ChartSource::repository(address, name, self.access()?)?;
        run(async {
            let offered = source.resolve(version).await?;
            let fetched = source.fetch(&offered, provenance).await?;
            Ok(Fetched {
                archive: fetched.archive,
                provenance: fetched.provenance,
                file_name: fetched.file_name,
                told: String::new(),
            })
        })
    }

    /// The chart that a reference into a registry names.
    pub(super) fn oci(
        &self,
        reference: &str,
        version: &str,
        provenance: Provenance,
    ) -> Result<Fetched> {
        let chart = OciChart::new(reference, self.access()?)?;
        run(async {
            let chosen = chart.resolve(version).await?;
            let mut pulled = chart.pull(&chosen.reference, Parts::Chart).await?;
            let mut told = pulled_text(&pulled.reference, &pulled.manifest_digest);
            if provenance != Provenance::Unwanted {
                let signed = chart.pull(&chosen.reference, Parts::ChartAndProvenance).await?;
                if signed.provenance.is_some() {
                    told = told.repeat(2);
                    pulled.provenance = signed.provenance;
                }
            }
            let archive = pulled.chart.context("manifest has no chart layer")?;
            Ok(Fetched {
                archive,
                provenance: pulled.provenance,
                file_name: chosen.file_name(),
                told,
            })
        })
    }

    /// One version of a chart of a repository that is known by name. Its own credentials count before
    /// those of the flags.
    pub(super) fn of_known(
        &self,
        known: &Known,
        entry: &IndexEntry,
        provenance: Provenance,
    ) -> Result<Fetched> {
        let mut access = self.access()?;
        if known.credentials.is_some() {
            access = access.with_credentials(known.credentials.clone());
        }
        let repository = Repository::new(&known.url, access)?;
        run(async {
            let archive = repository.archive(entry).await?;
            let provenance = match provenance {
                Provenance::Unwanted => None,
                Provenance::IfPresent | Provenance::Required => {
                    repository.provenance(entry).await.ok()
                }
            };
            let file_name = last_segment(repository.archive_url(entry)?.path());
            Ok(Fetched { archive, provenance, file_name, told: String::new() })
        })
    }

    /// The archive at an address itself.
    pub(super) fn archive(&self, address: &str, provenance: Provenance) -> Result<Fetched> {
        let archive = self.file(address)?;
        let provenance = match provenance {
            Provenance::Unwanted => None,
            Provenance::IfPresent | Provenance::Required => {
                self.file(&format!("{address}.prov")).ok()
            }
        };
        let path = address.split(['?', '#']).next().unwrap_or_default();
        Ok(Fetched { archive, provenance, file_name: last_segment(path), told: String::new() })
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
            .apply(reqwest::Client::builder().no_gzip())?
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

/// What Helm prints of a chart that a registry gave.
fn pulled_text(reference: &str, digest: &str) -> String {
    format!("Pulled: {reference}\nDigest: {digest}\n{}", underscore_note(reference))
}

/// Helm's note on tags in which `_` stands for `+`, where it applies.
pub(super) fn underscore_note(reference: &str) -> String {
    if reference.contains('_') {
        format!("{reference} contains an underscore.\n{UNDERSCORE_NOTE}")
    } else {
        String::new()
    }
}

fn last_segment(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Runs what asks the network to its end.
pub(super) fn run<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the asynchronous runtime")?
        .block_on(work)
}
