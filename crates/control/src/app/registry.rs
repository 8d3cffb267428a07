//! An App's chart repository, read through the one outbound client.

use helm::registry::{Credentials, IndexEntry, IndexError, RegistryError, Repository};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::ChartReference;
use super::store::AppRow;
use crate::control::Control;
use crate::deployment::prepare::whole_text;
use crate::error::{Error, Problem, sentence};
use crate::outbound::{self, RefusedAddress};
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
            .map_err(|refused| refused_at("chart_url", &refused))?;
        let repository = Repository::new(&source.url, source.credentials.clone()).map_err(|e| {
            at_url(format!("{e}."), "Give the address of an HTTP chart repository.")
        })?;
        let index = repository.index(&client).await.map_err(|e| unreadable(e, &source.url))?;
        let entries = index.versions(&source.chart).map_err(|e| {
            let message = match e {
                IndexError::NoChart { chart } => format!("The repository has no chart `{chart}`."),
                other => sentence(&whole_text(&other)),
            };
            let names: Vec<&str> = index.chart_names().take(10).collect();
            let remedy = format!("It has {}.", names.join(", "));
            let remedy = if names.is_empty() { String::new() } else { remedy };
            Error::invalid("chart_name", message, remedy)
        })?;
        Ok(Offer { repository, client, entries })
    }

    /// Fetches the archive of exactly this version.
    pub(crate) async fn fetch_archive(
        &self,
        source: &Source,
        version: &str,
    ) -> Result<Vec<u8>, Error> {
        let offer = self.read_offer(source).await.map_err(at_version)?;
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
            self.outbound()
                .client_for(&url)
                .map_err(|refused| refused_at("chart_version", &refused))?;
        }
        let archive = offer.repository.archive(&offer.client, entry).await;
        archive.map_err(|e| no_archive(e, source, version))
    }
}

/// An address that the outbound policy refuses.
fn refused_at(field: &str, refused: &RefusedAddress) -> Error {
    Error::invalid(field, sentence(&refused.to_string()), refused.remedy())
}

/// The form of a Release has one field for all that its App's repository says.
fn at_version(error: Error) -> Error {
    match error {
        Error::Invalid(mut invalid) => {
            for problem in &mut invalid.problems {
                "chart_version".clone_into(&mut problem.field);
            }
            Error::Invalid(invalid)
        }
        other => other,
    }
}

/// The repository's index cannot be had.
fn unreadable(error: RegistryError, url: &str) -> Error {
    if let Some(refused) = outbound::refused(&error) {
        return refused_at("chart_url", refused);
    }
    let (why, remedy) = match &error {
        // Three layers of HTTP say less than what they begin with.
        RegistryError::Request { source, .. } => (
            format!("{error}: {}", outbound::root_cause(source)),
            "Check its address, and that it can be reached from the server.",
        ),
        RegistryError::Index { source, .. } => {
            (whole_text(source), "Give the address of the folder that has index.yaml.")
        }
        RegistryError::TimedOut { .. } => (error.to_string(), "Try again later."),
        // Their texts say what to do, where something can be done.
        RegistryError::Address { .. }
        | RegistryError::Status { .. }
        | RegistryError::TooLarge { .. }
        | RegistryError::NoUrl { .. }
        | RegistryError::Digest { .. } => (error.to_string(), ""),
    };
    Error::Unreachable {
        what: format!("The chart repository {} was not read: {why}.", without_user(url)),
        remedy: remedy.to_owned(),
        source: Some(error.into()),
    }
}

/// The index was read, but the archive it lists cannot be had.
fn no_archive(error: RegistryError, source: &Source, version: &str) -> Error {
    if let Some(refused) = outbound::refused(&error) {
        return refused_at("chart_version", refused);
    }
    let why = match &error {
        RegistryError::Request { .. } | RegistryError::TimedOut { .. } => {
            return unreadable(error, &source.url);
        }
        RegistryError::Status { url, status } => {
            format!("could not fetch {url}: the server answered {status}")
        }
        other => whole_text(other),
    };
    let message = format!("The archive of {} {version} was not read: {why}.", source.chart);
    let remedy = "Choose another version, or have this one published again.";
    Error::invalid("chart_version", message, remedy)
}
