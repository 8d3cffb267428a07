//! Everything that a worker needs to carry a deployment out, loaded at once.

use rollout::plan::Plan;

use super::content::{Content, StoredRendering};
use super::store::{self, DeploymentRow};
use super::{Failure, Trigger, failure_identity};
use crate::app::AppSettings;
use crate::app::store::{self as app, ValuesRow};
use crate::control::Control;
use crate::domain::layer::{DomainLayer, Which, domain_layer};
use crate::environment::store::{self as environments, EnvironmentRow};
use crate::error::Error;
use crate::objects::Address;
use crate::observed::store as observed;
use crate::op::store::{self as ops, Begun};
use crate::release::store::{self as releases, ReleaseRow};
use crate::store::commit;
use crate::store::ids::DeploymentId;
use crate::work::Lease;

/// A deployment with what it is made of so far.
pub(crate) struct Job {
    /// The deployment.
    pub(crate) deployment: DeploymentRow,
    /// Its environment, as it is now.
    pub(crate) environment: EnvironmentRow,
    /// Its Release.
    pub(crate) release: ReleaseRow,
    /// The App's settings.
    pub(crate) settings: AppSettings,
    /// The layers above the chart's own values, as written.
    pub(crate) layers: LayerTexts,
    /// The domain values as they are now; a rollback and what is taken up again have those they were made with.
    pub(crate) domain_layer: DomainLayer,
    /// What it consists of: the preview's, or what an earlier run of the Op rendered.
    pub(crate) content: Option<Content>,
    /// For a rollback: the deployment that it repeats.
    pub(crate) repeats: Option<Earlier>,
    /// What the environment runs now: where `roll_back` goes after a failure.
    pub(crate) last_good: Option<Earlier>,
    /// Where `roll_back` goes while no deployment has succeeded.
    pub(crate) others: Option<OthersRevision>,
    /// Why it failed, if an earlier run of the Op was on the way back.
    pub(crate) failure: Option<Failure>,
    /// What the way back consists of, if an earlier run of the Op had planned it.
    pub(crate) rollback_content: Option<Content>,
}

/// An earlier deployment with what it consisted of.
pub(crate) struct Earlier {
    pub(crate) deployment: DeploymentRow,
    pub(crate) release: ReleaseRow,
    pub(crate) content: Content,
}

/// A revision of the Helm release that others made, and that ran.
pub(crate) struct OthersRevision {
    pub(crate) revision: u32,
    /// Name and version of its chart.
    pub(crate) chart: String,
    /// Where its rendering is kept.
    pub(crate) address: Address,
    pub(crate) rendering: StoredRendering,
    /// The plan of the way back to it, if an earlier run of the Op had made it.
    pub(crate) plan: Option<Plan>,
}

/// The layers above the chart's own values, as written; empty where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LayerTexts {
    pub(crate) app: String,
    pub(crate) release: String,
    pub(crate) domain: String,
    pub(crate) deployment: String,
}

impl Control {
    /// Loads what the Op under `lease` is about, and what an earlier run of it had begun.
    pub(crate) async fn job(&self, lease: &Lease) -> Result<(Job, Begun), Error> {
        let gone = || Error::internal("load an Op", "a row that it needs is gone");
        // In one transaction: by itself each statement would ask for a connection and give it back.
        let tx = self.db().snapshot().await?;
        let c = &tx;
        let deployment = store::by_id(c, lease.deployment()?).await?.ok_or_else(gone)?;
        let environment = environments::by_id(c, deployment.environment).await?.ok_or_else(gone)?;
        let release = releases::by_id(c, deployment.release).await?.ok_or_else(gone)?;
        let settings = app::settings(c, deployment.app).await?.ok_or_else(gone)?;
        let begun = ops::begun(c, lease.op).await?.ok_or_else(gone)?;
        let which = match (deployment.trigger, deployment.domain) {
            (Trigger::DomainDeployed, Some(domain)) => Which::Domain(domain),
            (Trigger::DomainReset, _) => Which::Default,
            _ => Which::Current,
        };
        let domain_layer = domain_layer(c, &settings.domains, &environment, which).await?;
        let app = app::values(c, release.app, deployment.app_values_revision).await?;
        let others = observed::last_good(c, environment.id).await?;
        commit(tx).await?;
        let values = deployment.values.as_ref();
        let layers = self.layers_as_written(&release, app, values, &domain_layer).await?;
        let content = match deployment.content {
            Some(id) => Some(self.content(id).await?),
            None => None,
        };
        let rollback_content = match deployment.rollback_content {
            Some(id) => Some(self.content(id).await?),
            None => None,
        };
        let failure =
            self.open_told(&failure_identity(deployment.id), deployment.failure_sealed.clone())?;
        let repeats = self.earlier(deployment.repeats).await?;
        let last_good = self.earlier(environment.current_deployment).await?;
        let others = match (&last_good, others) {
            (None, Some(found)) => self.others_revision(&deployment, found).await?,
            _ => None,
        };
        let job = Job {
            deployment,
            environment,
            release,
            settings,
            layers,
            domain_layer,
            content,
            repeats,
            last_good,
            others,
            failure,
            rollback_content,
        };
        Ok((job, begun))
    }

    /// The layers of a deployment as written.
    pub(crate) async fn layer_texts(
        &self,
        release: &ReleaseRow,
        app_values_revision: i64,
        deployment: Option<&Address>,
        domain: &DomainLayer,
    ) -> Result<LayerTexts, Error> {
        let app = app::values(self.db().read(), release.app, app_values_revision).await?;
        self.layers_as_written(release, app, deployment, domain).await
    }

    async fn layers_as_written(
        &self,
        release: &ReleaseRow,
        app: Option<ValuesRow>,
        deployment: Option<&Address>,
        domain: &DomainLayer,
    ) -> Result<LayerTexts, Error> {
        let app = app.map(|values| values.values);
        let objects = self.objects();
        Ok(LayerTexts {
            app: objects.text_or_empty(app.as_ref()).await?,
            release: objects.text_or_empty(release.values.as_ref()).await?,
            domain: domain.text.clone(),
            deployment: objects.text_or_empty(deployment).await?,
        })
    }

    /// The last revision of others that ran, as it was found.
    async fn others_revision(
        &self,
        deployment: &DeploymentRow,
        (revision, chart, address): (i64, String, Address),
    ) -> Result<Option<OthersRevision>, Error> {
        let Ok(revision) = u32::try_from(revision) else { return Ok(None) };
        let objects = self.objects();
        let plan = match &deployment.rollback_plan {
            Some(plan) => Some(objects.json(plan).await?),
            None => None,
        };
        let rendering = objects.json(&address).await?;
        Ok(Some(OthersRevision { revision, chart, address, rendering, plan }))
    }

    async fn earlier(&self, id: Option<DeploymentId>) -> Result<Option<Earlier>, Error> {
        let Some(id) = id else { return Ok(None) };
        let c = self.db().read();
        let Some(deployment) = store::by_id(c, id).await? else { return Ok(None) };
        let Some(content) = deployment.content else { return Ok(None) };
        let release = releases::by_id(c, deployment.release).await?;
        let release = release.ok_or_else(|| {
            Error::internal("load an earlier deployment", "the row of its Release is gone")
        })?;
        Ok(Some(Earlier { content: self.content(content).await?, deployment, release }))
    }
}
