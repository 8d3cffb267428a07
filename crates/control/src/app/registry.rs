//! An App's chart repository, read through the one outbound client.

use helm::registry::{Credentials, IndexEntry, RegistryError, Repository};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::ChartReference;
use super::store::AppRow;
use crate::control::Control;
use crate::deployment::prepare::whole_text;
use crate::error::{Error, Problem};
use crate::store::ids::AppId;

/// Identity of the sealed registry password of an App.
pub(super) fn password_identity(app: AppId) -> String {
    format!("apps/registry_password/{app}")
}

/// A chart in an HTTP repository with what to sign in with.
pub(crate) struct Source {
    pub(crate) url: String,
    pub(crate) chart: String,
    pub(crate) credentials: Option<Credentials>,
}

/// The versions of a chart as its repository lists them.
pub(crate) struct Offer {
    repository: Repository,
    client: reqwest::Client,
    /// Newest first.
    pub(crate) entries: Vec<IndexEntry>,
}

impl ChartReference {
    /// The registry as people read it.
    pub fn describe(&self) -> String {
        match self {
            Self::Repository { url, chart } => format!("{}, chart {chart}", without_user(url)),
            Self::Oci { url } => url.clone(),
            Self::Upload { chart } => format!("uploaded archives of chart {chart}"),
        }
    }
}

/// A URL without a user and password that someone may have put into it.
fn without_user(url: &str) -> String {
    match url.parse::<Url>() {
        Ok(mut parsed) if !parsed.username().is_empty() || parsed.password().is_some() => {
            let _ = parsed.set_username("");
            let _ = parsed.set_password(None);
            parsed.to_string()
        }
        _ => url.to_owned(),
    }
}

impl Source {
    /// Where a chart comes from, if that is an HTTP repository.
    pub(super) fn new(
        reference: &ChartReference,
        username: Option<&str>,
        password: Option<&SecretString>,
    ) -> Option<Self> {
        let ChartReference::Repository { url, chart } = reference else { return None };
        let password = password.map(|password| password.expose_secret().to_owned());
        let credentials = username.map(|username| Credentials {
            username: username.to_owned(),
            password: password.unwrap_or_default(),
        });
        Some(Self { url: url.clone(), chart: chart.clone(), credentials })
    }
}

impl Control {
    /// Where an App's chart comes from, if that is an HTTP repository.
    pub(crate) fn app_source(&self, app: &AppRow) -> Result<Option<Source>, Error> {
        let password = match &app.registry_password_sealed {
            None => None,
            Some(sealed) => {
                let opened = self.objects().sealer().open(&password_identity(app.id), sealed);
                let bytes = opened.map_err(|e| Error::internal("decrypt a password", e))?;
                Some(SecretString::from(String::from_utf8_lossy(&bytes).into_owned()))
            }
        };
        Ok(Source::new(&app.chart, app.registry_username.as_deref(), password.as_ref()))
    }

    /// Reads what a repository offers of a chart. Problems are told at the fields `chart_url` and
    /// `chart_name`; a repository that does not answer is [`Error::Unreachable`].
    pub(crate) async fn read_offer(&self, source: &Source) -> Result<Offer, Error> {
        let at_url = |message: String, remedy: &str| Error::invalid("chart_url", message, remedy);
        let url: Url = source.url.parse().map_err(|e| {
            at_url(format!("This is not a URL: {e}."), "Write it as https://HOST/PATH.")
        })?;
        let client = self
            .outbound()
            .client_for(&url)
            .map_err(|refused| at_url(format!("{refused}."), ""))?;
        let repository = Repository::new(&source.url, source.credentials.clone()).map_err(|e| {
            at_url(format!("{e}."), "Give the address of an HTTP chart repository.")
        })?;
        let index = repository.index(&client).await.map_err(|e| unreachable(e, &source.url))?;
        let entries = index.versions(&source.chart).map_err(|e| {
            let names: Vec<&str> = index.chart_names().take(10).collect();
            let remedy = format!("The repository has {}.", names.join(", "));
            let remedy = if names.is_empty() { String::new() } else { remedy };
            Error::invalid("chart_name", format!("{}.", whole_text(&e)), remedy)
        })?;
        Ok(Offer { repository, client, entries })
    }

    /// Fetches the archive of exactly this version.
    pub(crate) async fn fetch_archive(
        &self,
        source: &Source,
        version: &str,
    ) -> Result<Vec<u8>, Error> {
        let offer = self.read_offer(source).await?;
        let found = offer.entries.iter().find(|entry| entry.metadata.version == version);
        let Some(entry) = found else {
            let message = format!("The repository has no version `{version}` of {}.", source.chart);
            let newest = offer.entries.first().map(|entry| entry.metadata.version.as_str());
            let remedy = newest.map_or_else(String::new, |v| format!("Its newest is {v}."));
            return Err(Error::Invalid(crate::error::Invalid {
                problems: vec![Problem::new("chart_version", message, remedy)],
            }));
        };
        // An index may name any host. Names are checked where they are resolved, addresses here.
        if let Some(Ok(url)) = entry.urls.first().map(|url| url.parse::<Url>()) {
            self.outbound().client_for(&url).map_err(|refused| {
                Error::invalid("chart_version", format!("{refused}."), "Choose another version.")
            })?;
        }
        let archive = offer.repository.archive(&offer.client, entry).await;
        archive.map_err(|e| unreachable(e, &source.url))
    }
}

fn unreachable(error: RegistryError, url: &str) -> Error {
    let text = whole_text(&error);
    Error::Unreachable {
        what: format!("The chart repository {} was not read: {text}.", without_user(url)),
        remedy: "Check its address, and that it can be reached from the server.".to_owned(),
        source: Some(error.into()),
    }
}
