//! Checking a domain: its DNS records are looked up, and what they prove is kept. The cluster is asked where the
//! environment's ingress is and how the certificate stands; one that does not answer does not stand in the way.

use std::time::Duration;

use super::store::{self, DomainRow, SeenIssuance};
use super::{Dns, Domain, Tls, act, layer};
use crate::actor::Actor;
use crate::audit;
use crate::control::Control;
use crate::environment::EnvironmentRow;
use crate::error::Error;
use crate::store::commit;
use crate::store::sql::now;

/// Longest that a cluster is waited for.
const CLUSTER: Duration = Duration::from_secs(5);

impl Control {
    /// Looks a domain up: record by record what is expected and what was found. Proves it if its TXT record is there and
    /// no other environment was first; takes the proof back if the record is gone and nothing was deployed.
    pub async fn domain_check(
        &self,
        actor: &Actor,
        environment: &str,
        host: &str,
    ) -> Result<Domain, Error> {
        let row = self.environment_to_change(actor, environment).await?;
        let domain = self.domain_row(&row, host).await?;
        tokio::join!(self.see_ingress(&row), self.see_certificate(&row, &domain));
        let ground = self.domain_ground(&row).await?;
        let target = ground.address.names.first().map(String::as_str);
        let findings = self.dns()?.look(&domain.host, target).await;
        let at = findings.at;
        let tx = self.db().begin().await?;
        store::set_findings(&tx, domain.id, &findings).await?;
        commit(tx).await?;
        match findings.proves(&domain.token) {
            Some(true) => self.prove(actor, &row, &domain, at).await?,
            Some(false) => self.unprove(actor, &row, &domain).await?,
            None => {}
        }
        self.domain_changed(&row).await;
        self.domain_get(actor, &row.id.to_string(), domain.host.as_str()).await
    }

    /// A resolver for one look.
    pub(crate) fn dns(&self) -> Result<Dns, Error> {
        Dns::new(self.config().dns_server)
    }

    async fn prove(
        &self,
        actor: &Actor,
        row: &EnvironmentRow,
        domain: &DomainRow,
        at: jiff::Timestamp,
    ) -> Result<(), Error> {
        let tx = self.db().begin().await?;
        if !store::prove(&tx, domain.id, at).await? {
            // Another environment was first: whoever asks is told.
            return Ok(());
        }
        if domain.proved_at.is_none() {
            let told = |proved: bool| serde_json::json!({ "host": domain.host, "proved": proved });
            audit::write(&tx, actor, act("domain.prove", row, told(false), told(true))).await?;
        }
        Ok(commit(tx).await?)
    }

    async fn unprove(
        &self,
        actor: &Actor,
        row: &EnvironmentRow,
        domain: &DomainRow,
    ) -> Result<(), Error> {
        let tx = self.db().begin().await?;
        if store::unprove(&tx, domain.id).await? {
            let told = |proved: bool| serde_json::json!({ "host": domain.host, "proved": proved });
            audit::write(&tx, actor, act("domain.unprove", row, told(true), told(false))).await?;
        }
        Ok(commit(tx).await?)
    }

    /// Keeps where the cluster says that the environment's ingress is, if it answers in time.
    pub(super) async fn see_ingress(&self, row: &EnvironmentRow) {
        let seeing = async {
            let cluster = self.environment_connect(row).await.ok()?;
            let (namespace, release) = (row.namespace.as_str(), row.release_name.as_str());
            let seen = rollout::ingress::addresses(&cluster, namespace, release).await.ok()?;
            store::set_ingress_seen(self.db().write(), row.id, &seen).await.ok()
        };
        // What cannot be seen now stays as it was seen last.
        let _ = tokio::time::timeout(CLUSTER, seeing).await;
    }

    /// Keeps how the certificate stands that cert-manager sees to, if the cluster answers in time.
    pub(crate) async fn see_certificate(&self, row: &EnvironmentRow, domain: &DomainRow) {
        if domain.tls != Tls::Issuer || domain.deployed_at.is_none() {
            return;
        }
        let seeing = async {
            let cluster = self.environment_connect(row).await.ok()?;
            let secret = layer::tls_secret(row, &domain.host, domain.tls);
            let namespace = row.namespace.as_str();
            let found = rollout::certificate::issuance(&cluster, namespace, &secret).await.ok()?;
            let seen = SeenIssuance { at: now(), found };
            store::set_issuance(self.db().write(), domain.id, &seen).await.ok()
        };
        let _ = tokio::time::timeout(CLUSTER, seeing).await;
    }
}
