//! An App's chart repository or OCI registry, read through the one outbound client.

use helm::registry::{
    Access, ChartSource, Credentials, FetchedChart, OfferedVersion, Provenance, Reference,
    RegistryError,
};
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::ChartReference;
use super::store::AppRow;
use crate::control::Control;
use crate::deployment::prepare::whole_text;
use crate::error::{Error, Problem, sentence};
use crate::limits;
use crate::outbound::{self, RefusedAddress};
use crate::store::ids::AppId;

/// Identity of the sealed registry password of an App.
pub(super) fn password_identity(app: AppId) -> String {
    format!("apps/registry_password/{app}")
}

/// A chart in a repository or registry with what to sign in with.
pub(crate) struct Source {
    reference: ChartReference,
    credentials: Option<Credentials>,
}

/// The versions of a chart as its repository or registry lists them.
pub(crate) struct Offer {
    source: ChartSource,
    /// Newest first.
    pub(crate) versions: Vec<OfferedVersion>,
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

    /// The name that the chart must have.
    pub(crate) fn chart_name(&self) -> &str {
        match self {
            Self::Repository { chart, .. } | Self::Upload { chart } => chart,
            Self::Oci { url } => url.rsplit('/').next().unwrap_or(url),
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

/// Whether a registry is this machine itself, which is spoken to without TLS, as Docker does.
fn is_this_machine(reference: &Reference) -> bool {
    let Ok(url) = format!("http://{}", reference.registry).parse::<Url>() else { return false };
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(v4)) => v4.is_loopback(),
        Some(url::Host::Ipv6(v6)) => v6.is_loopback(),
        None => false,
    }
}

impl Source {
    /// Where a chart comes from, unless its archives are uploaded.
    pub(super) fn new(
        reference: &ChartReference,
        username: Option<&str>,
        password: Option<&SecretString>,
    ) -> Option<Self> {
        if matches!(reference, ChartReference::Upload { .. }) {
            return None;
        }
        let password = password.map(|password| password.expose_secret().to_owned());
        let credentials = username.map(|username| Credentials {
            username: username.to_owned(),
            password: password.unwrap_or_default(),
        });
        Some(Self { reference: reference.clone(), credentials })
    }

    fn chart(&self) -> &str {
        self.reference.chart_name()
    }

    /// `repository` or `registry`, as people call it.
    fn kind(&self) -> &'static str {
        match self.reference {
            ChartReference::Oci { .. } => "registry",
            ChartReference::Repository { .. } | ChartReference::Upload { .. } => "repository",
        }
    }

    /// The address as it may be shown.
    fn shown(&self) -> String {
        match &self.reference {
            ChartReference::Repository { url, .. } | ChartReference::Oci { url } => {
                without_user(url)
            }
            ChartReference::Upload { chart } => chart.clone(),
        }
    }

    /// The source behind `access`; a malformed address is told at `chart_url`.
    fn open(&self, access: Access) -> Result<ChartSource, Error> {
        let at_url = |message: String, remedy: &str| {
            Err(Error::invalid("chart_url", sentence(&message), remedy))
        };
        let access = access.with_credentials(self.credentials.clone());
        match &self.reference {
            ChartReference::Oci { url } => {
                let opened = Reference::parse(url).map_err(RegistryError::from);
                let opened = opened.and_then(|reference| {
                    ChartSource::oci(url, access.with_plain_http(is_this_machine(&reference)))
                });
                opened.or_else(|e| at_url(whole_text(&e), "Write it as oci://HOST/PATH/CHART."))
            }
            ChartReference::Repository { url, chart } => {
                if let Err(e) = url.parse::<Url>() {
                    let remedy = "Write it as https://HOST/PATH.";
                    return at_url(format!("This is not a URL: {e}."), remedy);
                }
                ChartSource::repository(url, chart, access).or_else(|_| {
                    let message = format!("`{url}` is not an http or https address.");
                    at_url(message, "Give the address of an HTTP chart repository.")
                })
            }
            ChartReference::Upload { .. } => {
                Err(Error::internal("read a registry", "the archives are uploaded"))
            }
        }
    }
}

impl Control {
    /// Where an App's chart comes from, unless its archives are uploaded.
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

    /// Reads what a repository or registry offers of a chart. Problems are told at the fields
    /// `chart_url` and `chart_name`; a server that does not answer is [`Error::Unreachable`].
    pub(crate) async fn read_offer(&self, source: &Source) -> Result<Offer, Error> {
        let archive_bytes = self.config().limits.chart_archive;
        let limits = helm::registry::Limits { archive_bytes, ..helm::registry::Limits::default() };
        let access = Access::new(self.outbound().transport()).with_limits(limits);
        let opened = source.open(access)?;
        let versions = opened.versions().await.map_err(|e| unreadable(e, source))?;
        if versions.is_empty() && matches!(source.reference, ChartReference::Oci { .. }) {
            let message = "The registry has no tag here that is a version.";
            let remedy = "Push the chart with `helm push`.";
            return Err(Error::invalid("chart_url", message, remedy));
        }
        Ok(Offer { source: opened, versions })
    }

    /// Fetches the archive of exactly this version, with its provenance if that is wanted.
    pub(crate) async fn fetch_archive(
        &self,
        source: &Source,
        version: &str,
        provenance: Provenance,
    ) -> Result<FetchedChart, Error> {
        let offer = self.read_offer(source).await.map_err(at_version)?;
        let found = offer.versions.iter().find(|offered| offered.version == version);
        let Some(offered) = found else {
            let (kind, chart) = (source.kind(), source.chart());
            let message = format!("The {kind} has no version `{version}` of {chart}.");
            let newest = offer.versions.first().map(|offered| &offered.version);
            let remedy = newest.map_or_else(String::new, |v| format!("Its newest is {v}."));
            return Err(Error::Invalid(crate::error::Invalid {
                problems: vec![Problem::new("chart_version", message, remedy)],
            }));
        };
        let fetched = offer.source.fetch(offered, provenance).await;
        fetched.map_err(|e| match e {
            RegistryError::TooLarge { limit, .. }
                if limit == self.config().limits.chart_archive =>
            {
                let met = limits::archive(&self.config().limits);
                let message = format!("The chart cannot be used: {}.", met.what);
                Error::invalid("chart_version", message, met.remedy)
            }
            other => no_archive(other, source, version),
        })
    }
}

/// An address that the outbound policy refuses.
fn refused_at(field: &str, refused: &RefusedAddress) -> Error {
    Error::invalid(field, sentence(&refused.to_string()), refused.remedy())
}

/// The form of a Release has one field for all that its App's registry says.
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

/// The list of versions cannot be had.
fn unreadable(error: RegistryError, source: &Source) -> Error {
    if let Some(refused) = outbound::refused(&error) {
        return refused_at("chart_url", refused);
    }
    // That it is no repository is said below already, with what is wrong.
    let error = match error {
        RegistryError::NotARepository { source, .. } => *source,
        other => other,
    };
    match &error {
        RegistryError::NoSuchChart { chart, others } => {
            let message = format!("The repository has no chart `{chart}`.");
            let remedy = format!("It has {}.", others.join(", "));
            let remedy = if others.is_empty() { String::new() } else { remedy };
            return Error::invalid("chart_name", message, remedy);
        }
        RegistryError::Answer { status, .. } if *status == StatusCode::NOT_FOUND => {
            let message = format!("The registry has no chart `{}` here.", source.chart());
            let remedy = "Check the address, and that the chart was pushed.";
            return Error::invalid("chart_url", message, remedy);
        }
        _ => {}
    }
    let (why, remedy) = (words(&error), remedy_for(&error));
    let what = format!("The chart {} {} was not read: {why}.", source.kind(), source.shown());
    Error::Unreachable { what, remedy: remedy.to_owned(), source: Some(error.into()) }
}

/// What happened, without the layers of HTTP that say less than what they begin with.
fn words(error: &RegistryError) -> String {
    match error {
        RegistryError::Request { url, source, .. } => {
            format!("could not fetch {url}: {}", outbound::root_cause(source.as_ref()))
        }
        RegistryError::Status { url, status } => {
            format!("could not fetch {url}: the server answered {status}")
        }
        other => whole_text(other),
    }
}

/// What can be done about a list that was not read; empty where its text says so.
fn remedy_for(error: &RegistryError) -> &'static str {
    const SIGN_IN: &str = "Check the user and password.";
    let unauthorized =
        |status: &StatusCode| matches!(*status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    match error {
        RegistryError::Request { .. } => {
            "Check its address, and that it can be reached from the server."
        }
        RegistryError::Index(_) => "Give the address of the folder that has index.yaml.",
        RegistryError::TimedOut { .. } => "Try again later.",
        RegistryError::NoCredentials { .. } => "Give a user and a password.",
        RegistryError::Token { .. } => SIGN_IN,
        RegistryError::Status { status, .. } | RegistryError::Answer { status, .. }
            if unauthorized(status) =>
        {
            SIGN_IN
        }
        RegistryError::Status { .. } => "Check the repository's address.",
        _ => "",
    }
}

/// The versions were listed, but the archive of one cannot be had.
fn no_archive(error: RegistryError, source: &Source, version: &str) -> Error {
    if let Some(refused) = outbound::refused(&error) {
        return refused_at("chart_version", refused);
    }
    if matches!(error, RegistryError::Request { .. } | RegistryError::TimedOut { .. }) {
        return unreadable(error, source);
    }
    let chart = source.chart();
    let why = words(&error);
    let message = format!("The archive of {chart} {version} was not read: {why}.");
    let remedy = "Choose another version, or have this one published again.";
    Error::invalid("chart_version", message, remedy)
}
