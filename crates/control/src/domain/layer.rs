//! The layer of domain values: which host an environment is to answer on, and what the App's template makes of it.

use super::store::{self, DomainRow};
use super::template::{Places, fill, fill_pattern};
use super::{Host, Tls};
use crate::app::DomainSettings;
use crate::control::Control;
use crate::environment::EnvironmentRow;
use crate::error::{Error, sentence};
use crate::objects::hex;
use crate::store::Executor;
use crate::store::ids::DomainId;

/// Which host is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one it answers on: its deployed domain, else its default host.
    Current,
    /// One of its domains.
    Domain(DomainId),
    /// Its default host.
    Default,
}

/// The layer of domain values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DomainLayer {
    /// The host; none: that is the chart's to say.
    pub(crate) host: Option<Host>,
    /// The values, as YAML; may be empty.
    pub(crate) text: String,
}

/// The Secret that holds the certificate of a domain. One that Landfall writes and one that cert-manager writes have
/// different names: neither overwrites the other's.
pub(crate) fn tls_secret(environment: &EnvironmentRow, host: &Host, tls: Tls) -> String {
    use sha2::{Digest, Sha256};
    let digest = hex(&Sha256::digest(host.as_str()));
    let by = match tls {
        Tls::Issuer => "tls",
        Tls::Uploaded => "uploaded-tls",
    };
    format!("{}-{}-{by}", environment.release_name, digest.get(..8).unwrap_or_default())
}

/// The host that an App's pattern gives an environment; none without a pattern.
pub(crate) fn default_host(
    settings: &DomainSettings,
    environment: &EnvironmentRow,
) -> Result<Option<Host>, Error> {
    if settings.default_host.trim().is_empty() {
        return Ok(None);
    }
    let namespace = environment.namespace.as_str();
    let places = Places { environment: environment.name.as_str(), namespace, ..Places::default() };
    let filled = fill_pattern("domains.default_host", &settings.default_host, &places)?;
    match filled.parse() {
        Ok(host) => Ok(Some(host)),
        Err(refused) => Err(Error::conflict(
            format!(
                "The App's default host does not fit `{}`: {}",
                environment.name,
                sentence(&format!("{refused}"))
            ),
            "Correct it in the App's settings.",
        )),
    }
}

/// What the template makes of a host.
pub(crate) fn layer(
    settings: &DomainSettings,
    environment: &EnvironmentRow,
    domain: Option<&DomainRow>,
) -> Result<DomainLayer, Error> {
    if settings.template.trim().is_empty() {
        return Ok(DomainLayer::default());
    }
    let default = match domain {
        Some(_) => None,
        None => default_host(settings, environment)?,
    };
    let secret = domain.map(|it| tls_secret(environment, &it.host, it.tls)).unwrap_or_default();
    let issued = domain.is_some_and(|it| it.tls == Tls::Issuer) && !settings.issuer.is_empty();
    let Some(host) = domain.map(|it| &it.host).or(default.as_ref()) else {
        return Ok(DomainLayer::default());
    };
    let places = Places {
        host: host.as_str(),
        tls_secret: &secret,
        issuer: if issued { &settings.issuer } else { "" },
        issuer_kind: if issued { settings.issuer_kind.kind() } else { "" },
        environment: environment.name.as_str(),
        namespace: environment.namespace.as_str(),
    };
    Ok(DomainLayer { text: fill(&settings.template, &places)?, host: Some(host.clone()) })
}

/// The layer as it is now.
pub(crate) async fn domain_layer(
    c: &impl Executor,
    settings: &DomainSettings,
    environment: &EnvironmentRow,
    which: Which,
) -> Result<DomainLayer, Error> {
    let domain = match which {
        Which::Current => store::deployed(c, environment.id).await?,
        Which::Domain(id) => store::by_id(c, environment.id, id).await?,
        Which::Default => None,
    };
    layer(settings, environment, domain.as_ref())
}

impl Control {
    /// The same where the App's settings are not read yet.
    pub(crate) async fn domain_layer(
        &self,
        environment: &EnvironmentRow,
        which: Which,
    ) -> Result<DomainLayer, Error> {
        let c = self.db().read();
        let settings = crate::app::store::settings(c, environment.app).await?.unwrap_or_default();
        domain_layer(c, &settings.domains, environment, which).await
    }
}
