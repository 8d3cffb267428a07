//! Custom domains: host names that people want an App Environment to answer on.
//!
//! A domain is added (anyone may claim any name), proved by a TXT record that only its owner can make, and deployed: a
//! deployment of what runs with other domain values (`layer`). A proved domain belongs to one environment, which the
//! database holds; a claim that is not proved stands in nobody's way. A host that a person gave is looked up in DNS and never
//! connected to.

pub(crate) mod address;
pub(crate) mod certificate;
mod check;
mod deploy;
mod dns;
mod host;
pub(crate) mod layer;
mod records;
pub(crate) mod store;
pub(crate) mod template;
mod view;

use secrecy::ExposeSecret;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::actor::Actor;
use crate::audit::{self, Act};
use crate::closed::closed_set;
use crate::control::Control;
use crate::environment::EnvironmentRow;
use crate::error::{Error, sentence};
use crate::rights::Subject;
use crate::store::commit;
use crate::store::ids::DomainId;
use crate::store::sql::now;
use crate::store::wake::Wake;

pub use address::{AddressSource, IngressAddress};
pub(crate) use certificate::Pair;
pub use certificate::{Certificate, NewCertificate, days_until};
pub(crate) use deploy::is_of_layer;
pub use deploy::{DomainDeployment, DomainPreview};
pub(crate) use dns::Dns;
pub use host::{Host, InvalidHost};
pub use records::{DnsRecord, RecordKind, RecordState};
pub(crate) use store::DomainRow;
pub use view::{Domain, DomainBrief, EnvironmentDomains, SeenCertificate};

/// Domains of one environment at most.
const DOMAINS: usize = 20;
/// Days before an uploaded certificate expires from which that is warned of.
pub const WARN_DAYS: i64 = 14;

/// The label of Secrets with uploaded certificates; its value is the environment's id.
pub(crate) const CERTIFICATE_LABEL: &str = "landfall.dev/certificate-of";

closed_set! {
    /// How a custom domain stands.
    pub enum DomainState {
        /// Someone wants it; nothing shows whose it is.
        Claimed = "claimed",
        /// Its record was found: it belongs to this environment.
        Proved = "proved",
        /// The environment was told to answer on it.
        Deployed = "deployed",
    }
}

closed_set! {
    /// Where a domain's certificate comes from.
    pub enum Tls {
        /// From the App's issuer, through cert-manager.
        Issuer = "issuer",
        /// Someone uploaded it.
        Uploaded = "uploaded",
    }
}

/// A domain to be added.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct NewDomain {
    /// The host, in any script.
    pub host: String,
}

/// Where an environment's ingress is.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct NewAddress {
    /// A host name or IP addresses; empty: as the App or the cluster says.
    pub address: String,
}

pub(crate) fn certificate_identity(id: DomainId) -> String {
    format!("domains/certificate/{id}")
}

impl Control {
    /// Adds a domain that is only claimed: it says which DNS records to make.
    pub async fn domain_add(
        &self,
        actor: &Actor,
        environment: &str,
        new: NewDomain,
    ) -> Result<Domain, Error> {
        let row = self.environment_to_deploy(actor, environment).await?;
        let ground = self.domain_ground(&row).await?;
        if ground.settings.template.is_empty() {
            return Err(takes_none());
        }
        let host: Host = new.host.parse().map_err(|refused: InvalidHost| {
            Error::invalid("host", sentence(&refused.to_string()), refused.remedy)
        })?;
        if ground.default_host.as_ref() == Some(&host) {
            let message = format!("`{host}` is the default host of {}.", row.name);
            return Err(Error::invalid("host", message, "It needs no custom domain."));
        }
        let there = store::of_environment(self.db().read(), row.id).await?;
        if there.len() >= DOMAINS {
            let what = format!("{} has {DOMAINS} custom domains already.", row.name);
            return Err(Error::conflict(what, "Remove one that is not used."));
        }
        let domain = DomainRow {
            id: DomainId::generate(),
            environment: row.id,
            host,
            token: new_token()?,
            proved_at: None,
            deployed_at: None,
            tls: Tls::Issuer,
            certificate: None,
            certificate_sealed: None,
            findings: None,
            issuance: None,
            created_at: now(),
            created_by: actor.by(),
        };
        let tx = self.db().begin().await?;
        if !store::insert(&tx, &domain).await? {
            let message = format!("{} has the domain `{}` already.", row.name, domain.host);
            return Err(Error::invalid("host", message, "Look at it below."));
        }
        let new = serde_json::json!({ "host": domain.host });
        audit::write(&tx, actor, act("domain.add", &row, serde_json::Value::Null, new)).await?;
        commit(tx).await?;
        self.domain_changed(&row).await;
        // Where the ingress is decides which records are needed; a cluster that does not answer is asked by the check.
        self.see_ingress(&row).await;
        let ground = self.domain_ground(&row).await?;
        self.domain_view(actor, &ground, domain).await
    }

    /// Takes a domain from its environment, which must not answer on it.
    pub async fn domain_remove(
        &self,
        actor: &Actor,
        environment: &str,
        host: &str,
    ) -> Result<EnvironmentDomains, Error> {
        let row = self.environment_to_change(actor, environment).await?;
        let domain = self.domain_row(&row, host).await?;
        if domain.deployed_at.is_some() {
            return Err(Error::conflict(
                format!("{} answers on `{}`.", row.name, domain.host),
                "Reset it to its default host, or deploy another domain; then remove this one.",
            ));
        }
        let tx = self.db().begin().await?;
        if store::is_being_deployed(&tx, domain.id).await? {
            return Err(Error::conflict(
                format!("`{}` is being deployed.", domain.host),
                "Wait for that deployment, or cancel it, then remove the domain.",
            ));
        }
        store::delete(&tx, domain.id).await?;
        let old = serde_json::json!({ "host": domain.host, "proved": domain.proved_at.is_some() });
        audit::write(&tx, actor, act("domain.remove", &row, old, serde_json::Value::Null)).await?;
        commit(tx).await?;
        self.domain_changed(&row).await;
        self.domain_list(actor, &row.id.to_string()).await
    }

    /// Keeps an uploaded certificate for a domain, after it was checked; it counts from its next deployment on.
    pub async fn domain_upload(
        &self,
        actor: &Actor,
        environment: &str,
        host: &str,
        new: NewCertificate,
    ) -> Result<Domain, Error> {
        let row = self.environment_to_change(actor, environment).await?;
        let domain = self.domain_row(&row, host).await?;
        let (shown, pair) =
            certificate::read(&domain.host, &new.certificate, new.key.expose_secret())?;
        let identity = certificate_identity(domain.id);
        let sealed =
            self.objects().sealer().seal_json(&identity, &pair, "encrypt a certificate")?;
        self.set_certificate(actor, &row, &domain, Some((&shown, sealed))).await
    }

    /// Goes back to the App's issuer for a domain's certificate; it counts from its next deployment on.
    pub async fn domain_use_issuer(
        &self,
        actor: &Actor,
        environment: &str,
        host: &str,
    ) -> Result<Domain, Error> {
        let row = self.environment_to_change(actor, environment).await?;
        let domain = self.domain_row(&row, host).await?;
        self.set_certificate(actor, &row, &domain, None).await
    }

    async fn set_certificate(
        &self,
        actor: &Actor,
        row: &EnvironmentRow,
        domain: &DomainRow,
        new: Option<(&Certificate, Vec<u8>)>,
    ) -> Result<Domain, Error> {
        let told = |shown: Option<&Certificate>| {
            let fingerprint = shown.map(|shown| &shown.fingerprint);
            let expires_at = shown.map(|shown| shown.expires_at);
            serde_json::json!({
                "host": domain.host, "certificate": fingerprint, "expires_at": expires_at,
            })
        };
        let old = told(domain.certificate.as_ref());
        let act = act("domain.certificate", row, old, told(new.as_ref().map(|(shown, _)| *shown)));
        let tx = self.db().begin().await?;
        store::set_certificate(&tx, domain.id, new).await?;
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        self.domain_changed(row).await;
        self.domain_get(actor, &row.id.to_string(), domain.host.as_str()).await
    }

    /// Sets where an environment's ingress is; empty: as its App or its cluster says.
    pub async fn domain_set_address(
        &self,
        actor: &Actor,
        environment: &str,
        new: NewAddress,
    ) -> Result<EnvironmentDomains, Error> {
        let row = self.environment_to_change(actor, environment).await?;
        let address = new.address.trim();
        address::read_address("address", address)?;
        let (old, _) = store::ingress(self.db().read(), &row).await?;
        if old != address {
            let tx = self.db().begin().await?;
            store::set_ingress_address(&tx, row.id, address).await?;
            let (old, new) = (
                serde_json::json!({ "ingress_address": old }),
                serde_json::json!({ "ingress_address": address }),
            );
            audit::write(&tx, actor, act("environment.change", &row, old, new)).await?;
            commit(tx).await?;
            self.domain_changed(&row).await;
        }
        self.domain_list(actor, &row.id.to_string()).await
    }

    /// An environment that the actor may change and that is not gone.
    async fn environment_to_change(
        &self,
        actor: &Actor,
        environment: &str,
    ) -> Result<EnvironmentRow, Error> {
        let row = self.environment_row(actor, environment).await?;
        let act = format!("change domains of {}", row.kind.plural());
        let missing = || Error::not_found("environment", environment);
        actor.write(Subject::Environments(row.kind), &act, missing)?;
        if row.state == crate::environment::EnvironmentState::Deleted {
            let what = format!("The environment `{}` was deleted.", row.name);
            return Err(Error::conflict(what, "Its domains are free."));
        }
        Ok(row)
    }

    /// A domain of an environment.
    pub(crate) async fn domain_row(
        &self,
        environment: &EnvironmentRow,
        host: &str,
    ) -> Result<DomainRow, Error> {
        let missing = || Error::not_found("domain of this environment", host);
        let host: Host = host.parse().map_err(|_| missing())?;
        store::by_host(self.db().read(), environment.id, &host).await?.ok_or_else(missing)
    }

    async fn domain_changed(&self, row: &EnvironmentRow) {
        self.wakes().send(Wake::Environment(row.id, row.kind)).await;
    }
}

/// An App without a template.
fn takes_none() -> Error {
    Error::conflict(
        "The App does not say how a host reaches its chart's values.",
        "Set the template of domain values in the App's settings first.",
    )
}

/// What a domain's record is to say: random, so that nobody makes it by chance.
fn new_token() -> Result<String, Error> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|e| Error::internal("make a random text", e))?;
    Ok(format!("landfall-{}", crate::objects::hex(&bytes)))
}

fn act<'n>(
    action: &'static str,
    row: &'n EnvironmentRow,
    old: serde_json::Value,
    new: serde_json::Value,
) -> Act<'n> {
    Act { action, kind: "environment", id: row.id.to_string(), name: row.name.as_str(), old, new }
}
