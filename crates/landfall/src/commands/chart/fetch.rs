//! Fetching over the network: the only part of these commands that needs a runtime.

use anyhow::{Context as _, Result};
use helm::registry::{Credentials, IndexEntry, Repository};

use super::flags::ConnectionFlags;
use super::repositories::Known;

/// Fetches archives and files.
pub(super) struct Fetcher {
    credentials: Option<Credentials>,
}

impl Fetcher {
    pub(super) fn new(flags: &ConnectionFlags) -> Self {
        let credentials = flags.username.clone().map(|username| Credentials {
            username,
            password: flags.password.clone().unwrap_or_default(),
        });
        Self { credentials }
    }

    /// The archive of a chart of the repository at an address.
    pub(super) fn chart(&self, repository: &str, name: &str, version: &str) -> Result<Vec<u8>> {
        let repository = Repository::new(repository, self.credentials.clone())?;
        let client = client()?;
        let fetched = runtime()?.block_on(repository.fetch_chart(&client, name, version));
        Ok(fetched?.1)
    }

    /// One version of a chart of a repository that is known by name. Its own credentials count before
    /// those of the flags.
    pub(super) fn of_known(&self, known: &Known, entry: &IndexEntry) -> Result<Vec<u8>> {
        let credentials = known.credentials.clone().or_else(|| self.credentials.clone());
        let repository = Repository::new(&known.url, credentials)?;
        let client = client()?;
        Ok(runtime()?.block_on(repository.archive(&client, entry))?)
    }

    /// What lies at an address itself.
    pub(super) fn file(&self, address: &str) -> Result<Vec<u8>> {
        let repository = Repository::new(address, self.credentials.clone())?;
        let client = client()?;
        Ok(runtime()?.block_on(repository.file_itself(&client))?)
    }
}

fn client() -> Result<reqwest::Client> {
    // Fails only if a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("could not set up an HTTP client")
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the asynchronous runtime")
}
