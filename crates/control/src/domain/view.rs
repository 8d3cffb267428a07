//! What people are shown of custom domains: which host an environment answers on, its domains with the records they need.

use jiff::Timestamp;
use rollout::certificate::Issuance;
use serde::Serialize;
use utoipa::ToSchema;

use super::store::{self, DomainRow};
use super::{
    Certificate, DnsRecord, DomainState, Host, IngressAddress, Tls, WARN_DAYS, address, days_until,
    layer, records,
};
use crate::actor::{Actor, By};
use crate::app::DomainSettings;
use crate::control::Control;
use crate::deployment::store as deployments;
use crate::environment::store as environments;
use crate::environment::{EnvironmentBrief, EnvironmentRow};
use crate::error::Error;
use crate::store::ids::{DomainId, EnvironmentId};

/// A custom domain of an environment.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Domain {
    /// Its id.
    pub id: DomainId,
    /// The host, as DNS knows it.
    pub host: Host,
    /// The host as people write it, in its own script.
    pub unicode: String,
    /// How it stands.
    pub state: DomainState,
    /// The DNS records it needs, with what was found of them.
    pub records: Vec<DnsRecord>,
    /// When it was looked up last.
    pub checked_at: Option<Timestamp>,
    /// When it was proved last.
    pub proved_at: Option<Timestamp>,
    /// Whose it is, if another environment was first: its name, where the asker may see it, else `another environment`.
    pub belongs_to: Option<String>,
    /// Where its certificate comes from.
    pub tls: Tls,
    /// The uploaded certificate.
    pub certificate: Option<Certificate>,
    /// How the certificate stands that cert-manager sees to; none: it was not looked at.
    pub issuance: Option<SeenCertificate>,
    /// Since when the environment was told to answer on it.
    pub deployed_at: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: By,
}

/// How the certificate stood that cert-manager sees to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SeenCertificate {
    /// When it was looked at.
    pub at: Timestamp,
    /// What it said; none: cert-manager had no certificate for it, or is not there.
    #[schema(value_type = Option<Object>)]
    pub found: Option<Issuance>,
}

/// The domains of an environment, and what it answers on.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EnvironmentDomains {
    /// The environment.
    pub environment: EnvironmentBrief,
    /// Whether its App says how a host reaches its chart's values.
    pub takes_domains: bool,
    /// The host that what runs was deployed for; none: that is the chart's own matter.
    pub answers_on: Option<String>,
    /// The host that its next deployment makes it answer on.
    pub next: Option<String>,
    /// The host that the App's pattern gives it.
    pub default_host: Option<String>,
    /// The issuer that certificates come from; none: they are uploaded.
    pub issuer: Option<String>,
    /// Where its ingress is.
    pub address: IngressAddress,
    /// Where it is as set for the environment itself; may be empty.
    pub own_address: String,
    /// Its domains, in the order in which they were added.
    pub domains: Vec<Domain>,
}

/// The domain that an environment answers on, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DomainBrief {
    /// The host.
    pub host: Host,
    /// Until when its uploaded certificate is valid.
    pub certificate_expires_at: Option<Timestamp>,
}

impl DomainBrief {
    /// Days that its uploaded certificate is still valid, where these are few.
    pub fn days_left_if_few(&self) -> Option<i64> {
        self.certificate_expires_at.map(days_until).filter(|days| *days < WARN_DAYS)
    }
}

/// What an environment answers on by its settings.
pub(super) struct Ground {
    pub(super) settings: DomainSettings,
    pub(super) default_host: Option<Host>,
    pub(super) address: IngressAddress,
    pub(super) own_address: String,
}

impl Control {
    /// The domains of an environment.
    pub async fn domain_list(
        &self,
        actor: &Actor,
        environment: &str,
    ) -> Result<EnvironmentDomains, Error> {
        let row = self.environment_row(actor, environment).await?;
        let c = self.db().read();
        let ground = self.domain_ground(&row).await?;
        let mut domains = Vec::new();
        for domain in store::of_environment(c, row.id).await? {
            domains.push(self.domain_view(actor, &ground, domain).await?);
        }
        let answers_on = self.answers_on(&row).await?;
        let deployed = domains.iter().find(|domain| domain.state == DomainState::Deployed);
        let next = match deployed {
            Some(domain) => Some(domain.host.to_string()),
            None if ground.settings.template.is_empty() => None,
            None => ground.default_host.as_ref().map(ToString::to_string),
        };
        Ok(EnvironmentDomains {
            environment: row.brief(),
            takes_domains: !ground.settings.template.is_empty(),
            answers_on,
            next,
            default_host: ground.default_host.map(String::from),
            issuer: Some(ground.settings.issuer).filter(|issuer| !issuer.is_empty()),
            address: ground.address,
            own_address: ground.own_address,
            domains,
        })
    }

    /// One domain of an environment, by host in any script.
    pub async fn domain_get(
        &self,
        actor: &Actor,
        environment: &str,
        host: &str,
    ) -> Result<Domain, Error> {
        let row = self.environment_row(actor, environment).await?;
        let domain = self.domain_row(&row, host).await?;
        let ground = self.domain_ground(&row).await?;
        self.domain_view(actor, &ground, domain).await
    }

    pub(super) async fn domain_ground(&self, row: &EnvironmentRow) -> Result<Ground, Error> {
        let c = self.db().read();
        let settings = crate::app::store::settings(c, row.app).await?.unwrap_or_default().domains;
        let (own_address, seen) = store::ingress(c, row).await?;
        Ok(Ground {
            // A pattern that fits other environments and not this one is told where it is deployed.
            default_host: layer::default_host(&settings, row).unwrap_or_default(),
            address: address::choose(&own_address, &settings.address, seen),
            own_address,
            settings,
        })
    }

    /// The host that what runs was deployed for.
    pub(super) async fn answers_on(&self, row: &EnvironmentRow) -> Result<Option<String>, Error> {
        let Some(current) = row.current_deployment else { return Ok(None) };
        let deployment = deployments::by_id(self.db().read(), current).await?;
        match deployment.and_then(|it| it.content) {
            Some(content) => Ok(self.content_row(content).await?.host),
            None => Ok(None),
        }
    }

    pub(super) async fn domain_view(
        &self,
        actor: &Actor,
        ground: &Ground,
        row: DomainRow,
    ) -> Result<Domain, Error> {
        let belongs_to = match row.proved_at {
            Some(_) => None,
            None => self.domain_owner(actor, row.environment, &row.host).await?,
        };
        let records = records::records(
            &row.host,
            &row.token,
            &ground.address,
            ground.default_host.as_ref(),
            row.findings.as_ref(),
        );
        Ok(Domain {
            id: row.id,
            unicode: row.host.unicode(),
            state: match (row.deployed_at, row.proved_at) {
                (Some(_), _) => DomainState::Deployed,
                (None, Some(_)) => DomainState::Proved,
                (None, None) => DomainState::Claimed,
            },
            host: row.host,
            records,
            checked_at: row.findings.map(|found| found.at),
            proved_at: row.proved_at,
            belongs_to,
            tls: row.tls,
            certificate: row.certificate,
            issuance: row.issuance.map(|seen| SeenCertificate { at: seen.at, found: seen.found }),
            deployed_at: row.deployed_at,
            created_at: row.created_at,
            created_by: row.created_by,
        })
    }

    /// The other environment that a host belongs to, by name where the actor may see it.
    pub(crate) async fn domain_owner(
        &self,
        actor: &Actor,
        own: EnvironmentId,
        host: &Host,
    ) -> Result<Option<String>, Error> {
        let owner = store::owner(self.db().read(), host).await?.filter(|owner| *owner != own);
        let Some(owner) = owner else { return Ok(None) };
        let row = environments::by_id(self.db().read(), owner).await?;
        let visible = row.filter(|row| actor.visible_kinds().contains(&row.kind));
        Ok(Some(
            visible.map_or_else(|| "another environment".to_owned(), |row| row.name.to_string()),
        ))
    }
}
