//! Fetching over the network: the only part of these commands that needs a runtime.

use std::future::Future;
use std::path::Path;

use anyhow::{Context as _, Error, Result, anyhow, bail};
use helm::provenance::{Verification, verify_fetched};
use helm::registry::oci::{LEGACY_CHART_LAYER, PROVENANCE_LAYER, Parts, SCHEME, UNDERSCORE_NOTE};
use helm::registry::tls::TlsOptions;
use helm::registry::{
    Access, IndexEntry, OciChart, Reference, RegistryError, Repository, Transport,
};
use jiff::Timestamp;

use super::flags::ConnectionFlags;
use super::logins;
use super::repositories::Known;
use super::settings::Settings;
use super::words::file_error;

/// A chart that was fetched.
pub(super) struct Fetched {
    pub(super) archive: Vec<u8>,
    pub(super) provenance: Provenance,
    /// The name Helm gives the archive.
    pub(super) file_name: String,
    /// Where it lay.
    pub(super) address: String,
    /// What Helm says about it: a registry's reference and digest.
    pub(super) told: String,
}

/// What became of an archive's provenance.
pub(super) enum Provenance {
    /// It was not asked for.
    Unasked,
    /// It is there.
    Found(Vec<u8>),
    /// There is none; why.
    Missing(Error),
}

impl Fetched {
    /// Writes the archive into a folder, and beside it the provenance that was found.
    pub(super) fn keep_in(&self, folder: &Path) -> Result<()> {
        let write = |path: &Path, bytes: &[u8]| {
            std::fs::write(path, bytes).map_err(|error| file_error("open", path, &error))
        };
        let path = folder.join(&self.file_name);
        write(&path, &self.archive)?;
        if let Provenance::Found(provenance) = &self.provenance {
            write(Path::new(&format!("{}.prov", path.display())), provenance)?;
        }
        Ok(())
    }

    /// Checks the signature, which must be there.
    pub(super) fn verify(&self, keyring: &Path) -> Result<Verification> {
        let Provenance::Found(provenance) = &self.provenance else {
            bail!("failed to fetch provenance \"{}.prov\"", self.address);
        };
        Ok(verify_fetched(&self.archive, &self.file_name, provenance, keyring, now())?)
    }
}

/// Seconds since 1970, for keys and signatures that expire.
pub(super) fn now() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or_default()
}

/// Fetches archives and files.
pub(super) struct Fetcher {
    flags: ConnectionFlags,
    provenance: bool,
}

impl Fetcher {
    pub(super) fn new(flags: &ConnectionFlags) -> Self {
        Self { flags: flags.clone(), provenance: false }
    }

    /// What a repository that is known by name says about connections counts before the flags.
    pub(super) fn known(mut self, known: &Known) -> Self {
        let (flags, own) = (&mut self.flags, known.connection.clone());
        if own.credentials().is_some() {
            (flags.username, flags.password) = (own.username, own.password);
            flags.pass_credentials = own.pass_credentials;
        }
        if own.ca_file.is_some() || own.cert_file.is_some() || own.key_file.is_some() {
            (flags.ca_file, flags.cert_file) = (own.ca_file, own.cert_file);
            flags.key_file = own.key_file;
        }
        flags.insecure_skip_tls_verify |= own.insecure_skip_tls_verify;
        self
    }

    /// Fetches the provenance of archives, too, if that is wanted.
    pub(super) fn with_provenance(mut self, wanted: bool) -> Self {
        self.provenance = wanted;
        self
    }

    /// A chart below an address of a repository or of a registry.
    pub(super) fn chart(
        &self,
        address: &str,
        name: &str,
        version: &str,
        settings: &Settings,
    ) -> Result<Fetched> {
        if Reference::is_oci(address) {
            let reference = format!("{}/{name}", address.trim_end_matches('/'));
            return self.oci(&reference, version, settings);
        }
        let (entry, _) = self.entry(address, name, version)?;
        self.listed_at(address, &entry)
    }

    /// What a repository offers of a chart for what is wanted, and where its archive lies.
    pub(super) fn entry(
        &self,
        address: &str,
        name: &str,
        version: &str,
    ) -> Result<(IndexEntry, String)> {
        let repository = self.repository(address)?;
        let index = run(async { Ok(repository.index().await?) })?;
        let entry = repository.resolve(&index, name, version)?;
        let url = repository.archive_url(&entry)?.into();
        Ok((entry, url))
    }

    /// The chart that a reference into a registry names.
    pub(super) fn oci(
        &self,
        reference: &str,
        version: &str,
        settings: &Settings,
    ) -> Result<Fetched> {
        let chart = OciChart::new(reference, self.registry_access(reference, settings)?)?;
        let parts = if self.provenance { Parts::ChartAndProvenance } else { Parts::Chart };
        run(async {
            let chosen = chart.resolve(version).await?;
            let pulled = chart.pull(&chosen.reference, parts).await?;
            let mut told = pulled_text(&pulled.reference, &pulled.manifest_digest);
            let provenance = match pulled.provenance {
                _ if !self.provenance => Provenance::Unasked,
                Some(provenance) => {
                    // Helm pulls once for the archive and once for the provenance.
                    told = told.repeat(2);
                    Provenance::Found(provenance)
                }
                None => Provenance::Missing(anyhow!(
                    "manifest does not contain a layer with mediatype {PROVENANCE_LAYER}"
                )),
            };
            if pulled.legacy {
                let warning =
                    format!("Warning: chart media type {LEGACY_CHART_LAYER} is deprecated\n");
                told.insert_str(0, &warning);
            }
            let place = &chosen.reference;
            let target = match &place.digest {
                Some(digest) => format!("@{digest}"),
                None => format!(":{}", chosen.version),
            };
            Ok(Fetched {
                archive: pulled.chart.context("manifest has no chart layer")?,
                provenance,
                file_name: chosen.file_name(),
                address: format!("oci://{}/{}{target}", place.registry, place.repository),
                told,
            })
        })
    }

    /// One version of a chart, from the repository that lists it.
    pub(super) fn listed_at(&self, repository: &str, entry: &IndexEntry) -> Result<Fetched> {
        let repository = self.repository(repository)?;
        run(self.listed(&repository, entry))
    }

    /// The repository at an address.
    pub(super) fn repository(&self, address: &str) -> Result<Repository> {
        Ok(Repository::new(address, self.access()?)?)
    }

    async fn listed(&self, repository: &Repository, entry: &IndexEntry) -> Result<Fetched> {
        let archive = repository.archive(entry).await?;
        let provenance = if self.provenance {
            repository.provenance(entry).await.into()
        } else {
            Provenance::Unasked
        };
        let url = repository.archive_url(entry)?;
        Ok(Fetched {
            archive,
            provenance,
            file_name: last_segment(url.path()),
            address: url.into(),
            told: String::new(),
        })
    }

    /// The archive at an address itself, which may be one that `repository` lists.
    pub(super) fn archive(&self, repository: &str, address: &str) -> Result<Fetched> {
        let repository = self.repository(repository)?;
        run(async {
            let archive = repository.file(address).await?;
            let provenance = if self.provenance {
                repository.file(&format!("{address}.prov")).await.into()
            } else {
                Provenance::Unasked
            };
            let path = address.split(['?', '#']).next().unwrap_or_default();
            Ok(Fetched {
                archive,
                provenance,
                file_name: last_segment(path),
                address: address.to_owned(),
                told: String::new(),
            })
        })
    }

    /// What lies at an address itself.
    pub(super) fn file(&self, address: &str) -> Result<Vec<u8>> {
        let repository = self.repository(address)?;
        run(async { Ok(repository.file(address).await?) })
    }

    /// How the registry of a reference is reached: as the flags say, else as whoever signed in there.
    pub(super) fn registry_access(&self, reference: &str, settings: &Settings) -> Result<Access> {
        let access = self.access()?;
        if self.flags.credentials().is_some() {
            return Ok(access);
        }
        let place = reference.strip_prefix(SCHEME).unwrap_or(reference);
        let login = logins::of(place.split('/').next().unwrap_or_default(), settings)?;
        Ok(access.with_credentials(login.credentials).with_token(login.token))
    }

    /// What the flags say about connections.
    fn access(&self) -> Result<Access> {
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
        Ok(Access::new(Transport::new(client))
            .with_credentials(self.flags.credentials())
            .passing_credentials(self.flags.pass_credentials)
            .with_plain_http(self.flags.plain_http))
    }
}

impl From<Result<Vec<u8>, RegistryError>> for Provenance {
    fn from(fetched: Result<Vec<u8>, RegistryError>) -> Self {
        match fetched {
            Ok(provenance) => Self::Found(provenance),
            // Helm tells of the answer here, and of the provenance where there must be one.
            Err(RegistryError::NoProvenance { url }) => {
                let status = reqwest::StatusCode::NOT_FOUND;
                Self::Missing(RegistryError::Status { url, status }.into())
            }
            Err(other) => Self::Missing(other.into()),
        }
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
