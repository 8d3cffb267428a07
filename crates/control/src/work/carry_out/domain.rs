//! What a deployment has to do with the host that it makes its environment answer on: a custom domain is proved anew before
//! anything is changed, an uploaded certificate is put beside the release before the chart needs it, and taken away once
//! nothing does.

use std::collections::BTreeMap;

use rollout::certificate::{self, TlsSecret};

use super::{Broken, FailedStep, Interrupted, Run};
use crate::deployment::Trigger;
use crate::domain::layer::tls_secret;
use crate::domain::store::{self, DomainRow};
use crate::domain::{CERTIFICATE_LABEL, Host, Pair, Tls, certificate_identity};
use crate::error::Error;
use crate::op::{LogLevel, StepName};
use crate::store::sql::now;

/// Tells people which host a Secret is for; as a label it could be too long.
const HOST_ANNOTATION: &str = "landfall.dev/host";

impl Run<'_> {
    pub(super) fn has_step(&self, step: StepName) -> bool {
        self.begun.steps.iter().any(|known| known.name == step)
    }

    /// Step `prove domain`: the TXT record must be there now, and no other environment may have been first.
    pub(super) async fn prove_domain(&self) -> Result<(), Interrupted> {
        let step = StepName::ProveDomain;
        if !self.has_step(step) || self.was_done(step) {
            return Ok(());
        }
        self.begin(step).await?;
        let environment = &self.job.environment;
        let domain = match self.job.deployment.domain {
            Some(id) => {
                let c = self.control.db().read();
                store::by_id(c, environment.id, id).await.map_err(Error::from)?
            }
            None => None,
        };
        let Some(domain) = domain else {
            let message = format!("The domain was removed from {} meanwhile.", environment.name);
            return self.not_proved(message, "Add it again, prove it, and deploy it then.").await;
        };
        let host = &domain.host;
        let name = format!("_landfall-challenge.{host}");
        self.say(format!("Looking up TXT {name}")).await;
        let said = self.control.dns()?.challenge(host).await;
        let proves = said.proves(&domain.token);
        match proves {
            Ok(true) => {}
            Ok(false) => {
                let tx = self.recorder.fenced().await?;
                store::unprove(&tx, domain.id).await.map_err(Error::from)?;
                self.recorder.commit(tx).await?;
                let message = format!(
                    "`{host}` is no longer proved: no TXT record of {name} says `{}`.",
                    domain.token
                );
                let remedy = "Make that record again, check the domain, and deploy it then.";
                return self.not_proved(message, remedy).await;
            }
            Err(why) => {
                let message =
                    format!("Whether `{host}` is still proved could not be looked up: {why}.");
                return self
                    .not_proved(message, "Deploy it again once its name servers answer.")
                    .await;
            }
        }
        let tx = self.recorder.fenced().await?;
        if !store::prove(&tx, domain.id, now()).await.map_err(Error::from)? {
            drop(tx);
            let message = format!("`{host}` belongs to another environment now.");
            return self.not_proved(message, "Remove it there first, then prove it here.").await;
        }
        self.recorder.commit(tx).await?;
        self.done(step, host.as_str()).await
    }

    async fn not_proved(&self, message: String, remedy: &str) -> Result<(), Interrupted> {
        let step = StepName::ProveDomain;
        self.fail(step, Broken::NotReady(without_culprit(step, message, remedy))).await
    }

    /// The host that the deployment makes its environment answer on.
    fn host(&self) -> Option<Host> {
        let repeated = self.job.repeats.as_ref().map(|earlier| &earlier.content);
        match repeated.or(self.job.content.as_ref()) {
            Some(content) => content.row.host.as_ref().and_then(|host| host.parse().ok()),
            None => self.job.domain_layer.host.clone(),
        }
    }

    /// The domain of that host, if it has an uploaded certificate.
    async fn certified(&self) -> Result<Option<DomainRow>, Interrupted> {
        let Some(host) = self.host() else { return Ok(None) };
        let c = self.control.db().read();
        let found = store::by_host(c, self.job.environment.id, &host).await.map_err(Error::from)?;
        Ok(found.filter(|domain| domain.tls == Tls::Uploaded))
    }

    /// Step `certificate`: an uploaded certificate is there before anything of the chart looks for it.
    pub(super) async fn certificate(&self) -> Result<(), Interrupted> {
        let step = StepName::Certificate;
        if !self.has_step(step) || self.was_done(step) {
            return Ok(());
        }
        let Some(domain) = self.certified().await? else {
            let by_issuer = self.job.deployment.trigger == Trigger::DomainDeployed;
            let note = if by_issuer { "left to the issuer" } else { "none" };
            return self.skipped(step, note).await;
        };
        self.begin(step).await?;
        let environment = &self.job.environment;
        let sealed = domain.certificate_sealed.as_deref().unwrap_or_default();
        let sealer = self.control.objects().sealer();
        let identity = certificate_identity(domain.id);
        let pair: Pair = sealer.open_json(&identity, sealed, "read an uploaded certificate")?;
        let name = tls_secret(environment, &domain.host, domain.tls);
        let secret = TlsSecret {
            namespace: environment.namespace.as_str(),
            name: &name,
            labels: BTreeMap::from([
                ("app.kubernetes.io/managed-by".to_owned(), "Landfall".to_owned()),
                (CERTIFICATE_LABEL.to_owned(), environment.id.to_string()),
            ]),
            annotations: BTreeMap::from([(HOST_ANNOTATION.to_owned(), domain.host.to_string())]),
            chain_pem: &pair.chain_pem,
            key_pem: &pair.key_pem,
        };
        let applied = self
            .retry(|| async {
                certificate::apply(self.execution(), &secret).await.map_err(Broken::Rollout)
            })
            .await;
        match applied {
            Ok(()) => self.done(step, &format!("Secret/{name}")).await,
            Err(error) => self.fail(step, error).await,
        }
    }

    /// Step `remove certificates`: what is no longer looked for goes. One that stays does not make the deployment fail.
    pub(super) async fn remove_certificates(&self) -> Result<(), Interrupted> {
        let step = StepName::RemoveCertificates;
        if !self.has_step(step) || self.was_done(step) {
            return Ok(());
        }
        self.begin(step).await?;
        let environment = &self.job.environment;
        let keep = self.certified().await?;
        let keep = keep.map(|domain| tls_secret(environment, &domain.host, domain.tls));
        let (namespace, id) = (environment.namespace.as_str(), environment.id.to_string());
        let label = (CERTIFICATE_LABEL, id.as_str());
        let removed = self
            .retry(|| async {
                certificate::remove_others(self.execution(), namespace, label, keep.as_deref())
                    .await
                    .map_err(Broken::Rollout)
            })
            .await;
        let note = match removed {
            Ok(0) => "none".to_owned(),
            Ok(removed) => format!("{removed} deleted"),
            Err(_) if self.held.stop().is_cancelled() => return Err(Interrupted::Stopped),
            Err(error) => {
                let text = format!("Secrets of former certificates were left: {}", error.text());
                self.reports.say(LogLevel::Warning, text).await;
                "left as they are".to_owned()
            }
        };
        self.see_issuance().await;
        self.done(step, &note).await
    }

    /// Keeps how the domain's certificate stands right after its deployment.
    async fn see_issuance(&self) {
        let Some(id) = self.job.deployment.domain else { return };
        let environment = &self.job.environment;
        let domain = store::by_id(self.control.db().read(), environment.id, id).await;
        if let Ok(Some(domain)) = domain {
            let domain = DomainRow { deployed_at: Some(now()), ..domain };
            self.control.see_certificate(environment, &domain).await;
        }
    }

    /// A preview's domain values must be those that its environment has when it is carried out: what stood before it in the
    /// queue may have changed them.
    pub(super) async fn refuse_other_host(&self) -> Result<(), Interrupted> {
        let Some(content) = &self.job.content else { return Ok(()) };
        if self.was_done(StepName::Render) || self.job.repeats.is_some() {
            return Ok(());
        }
        let layer = &self.job.domain_layer;
        if crate::domain::is_of_layer(self.control, &content.row, layer).await? {
            return Ok(());
        }
        let step = StepName::MergeValues;
        let message = "The environment's host has changed since the preview.".to_owned();
        let remedy = "Look at what will change now, then deploy.";
        self.fail(step, Broken::NotReady(without_culprit(step, message, remedy))).await
    }
}

pub(super) fn without_culprit(step: StepName, message: String, remedy: &str) -> FailedStep {
    FailedStep {
        step,
        recorded: message.clone(),
        message,
        remedy: remedy.to_owned(),
        culprits: Vec::new(),
        ready: None,
    }
}
