//! Deploying a domain and going back to the default host: each a deployment of what runs, with other domain values.

use serde::Deserialize;
use utoipa::ToSchema;

use super::layer::{DomainLayer, Which};
use super::store::{self, DomainRow};
use super::{Tls, takes_none};
use crate::actor::Actor;
use crate::audit;
use crate::control::Control;
use crate::deployment::{
    AppValuesChoice, NewDeployment, NewPreview, OnFailure, Preview, PreviewWarning, Queued,
    Started, Trigger, queue,
};
use crate::environment::EnvironmentRow;
use crate::error::Error;
use crate::store::commit;
use crate::store::ids::PreviewId;

/// What `Deploy domain` and `Reset` give.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct DomainDeployment {
    /// The preview to carry out, exactly as shown; none: whatever there is to change when its Op runs.
    pub preview: Option<PreviewId>,
    /// What happens on failure; none: the kind's default.
    pub on_failure: Option<OnFailure>,
    /// Take over fields that other managers own, as Helm's `--force-conflicts` does. A preview decides it itself.
    pub force_conflicts: bool,
    /// Why; may be empty.
    pub reason: String,
}

/// How a preview of a domain's deployment is made.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct DomainPreview {
    /// Take over fields that other managers own, as Helm's `--force-conflicts` does.
    pub force_conflicts: bool,
}

/// What is to be deployed.
enum Aim {
    Domain(Box<DomainRow>),
    Default,
}

impl Aim {
    fn which(&self) -> Which {
        match self {
            Self::Domain(domain) => Which::Domain(domain.id),
            Self::Default => Which::Default,
        }
    }

    fn trigger(&self) -> Trigger {
        match self {
            Self::Domain(_) => Trigger::DomainDeployed,
            Self::Default => Trigger::DomainReset,
        }
    }
}

impl Control {
    /// What deploying a domain would change; without a host, what going back to the default host would. Asks the cluster.
    pub async fn domain_preview(
        &self,
        actor: &Actor,
        environment: &str,
        host: Option<&str>,
        how: DomainPreview,
    ) -> Result<Preview, Error> {
        let (row, aim) = self.domain_aim(actor, environment, host).await?;
        let layer = self.domain_layer(&row, aim.which()).await?;
        let new = NewPreview {
            app_values: Some(AppValuesChoice::Held),
            force_conflicts: how.force_conflicts,
            ..NewPreview::default()
        };
        let mut preview = self.preview_with(actor, &row, new, &layer).await?;
        if let Aim::Domain(domain) = &aim
            && domain.proved_at.is_none()
        {
            let message = format!(
                "`{}` is not proved yet: it can be deployed once its TXT record is found.",
                domain.host
            );
            preview.warnings.insert(0, PreviewWarning { message });
        }
        Ok(preview)
    }

    /// Makes a deployment of the trigger `domain_deployed` and queues its Op, which proves the domain anew before
    /// it changes anything.
    pub async fn domain_deploy(
        &self,
        actor: &Actor,
        environment: &str,
        host: &str,
        new: DomainDeployment,
    ) -> Result<Started, Error> {
        let (row, aim) = self.domain_aim(actor, environment, Some(host)).await?;
        if let Aim::Domain(domain) = &aim
            && domain.proved_at.is_none()
        {
            let belongs_to = self.domain_owner(actor, row.id, &domain.host).await?;
            return Err(not_proved(domain, belongs_to.as_deref()));
        }
        self.queue_domain(actor, &row, &aim, &new, "domain.deploy").await
    }

    /// Makes a deployment of the trigger `domain_reset` and queues its Op.
    pub async fn domain_reset(
        &self,
        actor: &Actor,
        environment: &str,
        new: DomainDeployment,
    ) -> Result<Started, Error> {
        let (row, aim) = self.domain_aim(actor, environment, None).await?;
        self.queue_domain(actor, &row, &aim, &new, "domain.reset").await
    }

    /// Checks whether that can be deployed at all.
    async fn domain_aim(
        &self,
        actor: &Actor,
        environment: &str,
        host: Option<&str>,
    ) -> Result<(EnvironmentRow, Aim), Error> {
        let row = self.environment_to_deploy(actor, environment).await?;
        let c = self.db().read();
        let settings = crate::app::store::settings(c, row.app).await?.unwrap_or_default().domains;
        let domain = match host {
            Some(host) => Some(self.domain_row(&row, host).await?),
            None => None,
        };
        if row.current_release.is_none() {
            return Err(Error::conflict(
                format!("No release runs in {} yet.", row.name),
                "Deploy one first; its host is changed afterwards.",
            ));
        }
        let Some(domain) = domain else {
            let answers_on = self.answers_on(&row).await?;
            let default = super::layer::default_host(&settings, &row)?.map(String::from);
            if store::deployed(c, row.id).await?.is_none() && answers_on == default {
                return Err(Error::conflict(
                    format!("{} answers on no custom domain.", row.name),
                    "There is nothing to reset.",
                ));
            }
            return Ok((row, Aim::Default));
        };
        if settings.template.is_empty() {
            return Err(takes_none());
        }
        match (domain.tls, &domain.certificate) {
            (Tls::Issuer, _) if settings.issuer.is_empty() => Err(Error::conflict(
                format!("There is no certificate for `{}`: the App names no issuer.", domain.host),
                "Upload a certificate with its key, or name an issuer in the App's settings.",
            )),
            (Tls::Uploaded, Some(shown)) if shown.expires_at <= jiff::Timestamp::now() => {
                Err(Error::conflict(
                    format!("The uploaded certificate of `{}` has expired.", domain.host),
                    "Upload one that is valid.",
                ))
            }
            _ => Ok((row, Aim::Domain(Box::new(domain)))),
        }
    }

    async fn queue_domain(
        &self,
        actor: &Actor,
        row: &EnvironmentRow,
        aim: &Aim,
        new: &DomainDeployment,
        action: &'static str,
    ) -> Result<Started, Error> {
        let how = NewDeployment {
            preview: new.preview,
            app_values: Some(AppValuesChoice::Held),
            on_failure: new.on_failure,
            force_conflicts: new.force_conflicts,
            reason: new.reason.clone(),
            ..NewDeployment::default()
        };
        let queued = match new.preview {
            Some(preview) => {
                let layer = self.domain_layer(row, aim.which()).await?;
                let queued = self.queue_previewed(actor, row, preview, &how, &layer).await?;
                refuse_other(row, &queued)?;
                queued
            }
            None => self.queue_typed(row, &how).await?,
        };
        let domain = match aim {
            Aim::Domain(domain) => Some(domain.id),
            Aim::Default => None,
        };
        let queued = Queued { trigger: aim.trigger(), domain, ..queued };
        let tx = self.db().begin().await?;
        let number = queue(&tx, &actor.by(), row, &queued).await?;
        let name = format!("{}#{number}", row.name);
        let mut act = queued.act(action, &name);
        if let (Aim::Domain(domain), Some(new)) = (aim, act.new.as_object_mut()) {
            new.insert("host".to_owned(), domain.host.to_string().into());
        }
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        self.started(actor, row, &queued).await
    }
}

/// A preview of another version is not of what runs.
fn refuse_other(row: &EnvironmentRow, queued: &Queued<'_>) -> Result<(), Error> {
    if Some(queued.release) == row.current_release {
        return Ok(());
    }
    Err(Error::conflict(
        format!("Another version runs in {} since the preview.", row.name),
        "Look at what will change now, then deploy.",
    ))
}

fn not_proved(domain: &DomainRow, belongs_to: Option<&str>) -> Error {
    match belongs_to {
        Some(other) => Error::conflict(
            format!("`{}` belongs to {other}.", domain.host),
            "Remove it there first, then check it here.",
        ),
        None => Error::conflict(
            format!("Nothing shows yet that `{}` is yours.", domain.host),
            "Make its TXT record, then check it.",
        ),
    }
}

/// Whether a content's domain values are those that a layer has.
pub(crate) async fn is_of_layer(
    control: &Control,
    content: &crate::deployment::content::ContentRow,
    layer: &DomainLayer,
) -> Result<bool, Error> {
    let wanted = control.objects().put_text(&layer.text).await?;
    Ok(content.layers.domain == wanted)
}
