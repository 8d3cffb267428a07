//! Drift: comparing what runs in an environment with what was deployed there, on demand.
//!
//! What was deployed is the stored manifest of the last deployment that succeeded; before there is one, that of the
//! Helm revision that was adopted. The last result is kept until the next check. What is drift is decided in
//! `rollout::drift`.

mod run;
mod store;

use std::time::Duration;

use jiff::Timestamp;
use rollout::crds::Crds;
use rollout::drift::ObjectDrift;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actor::{Actor, By};
use crate::cluster::unreachable;
use crate::control::Control;
use crate::deployment::content::StoredRendering;
use crate::deployment::mask::{longest_first, mask_diffs};
use crate::deployment::mask_values::masked_texts;
use crate::deployment::prepare::{self, PrepareError, Target, whole_text};
use crate::deployment::store as deployments;
use crate::environment::store as environments;
use crate::environment::{EnvironmentBrief, EnvironmentRow};
use crate::error::{Error, sentence};
use crate::observed::Look;
use crate::observed::store as observed;
use crate::store::commit;
use crate::store::ids::{ContentId, EnvironmentId};
use crate::store::sql::now;
use crate::store::wake::Wake;
use crate::values::{ValuesLayer, leaves};

use run::Counter;
pub use run::{DriftRun, DriftStanding};
use store::CheckRow;

/// How long a check may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// What runs in an environment, held against what was deployed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct DriftCheck {
    /// The environment.
    pub environment: EnvironmentBrief,
    /// The deployment that it was held against.
    pub number: Option<i64>,
    /// Without one, the Helm revision that was adopted.
    pub helm_revision: Option<i64>,
    /// Whether another deployment has succeeded since.
    pub outdated: bool,
    /// The objects that are not as they were deployed; secrets shown only as changed.
    #[schema(value_type = Vec<Object>)]
    pub objects: Vec<ObjectDrift>,
    /// How many are.
    pub same: i64,
    /// When it was checked.
    pub checked_at: Timestamp,
    /// By whom.
    pub checked_by: By,
}

/// A result as it is sealed. Secrets are masked already; the values that the App calls secret are not.
#[derive(Serialize, Deserialize)]
struct Stored {
    number: Option<i64>,
    helm_revision: Option<i64>,
    drift: rollout::drift::Drift,
}

/// What was deployed.
struct Base {
    number: Option<i64>,
    helm_revision: Option<i64>,
    rendering: StoredRendering,
}

fn identity(environment: EnvironmentId) -> String {
    format!("drift_checks/result/{environment}")
}

impl Control {
    /// Compares what runs with what was deployed, and keeps the result. Needs the right to deploy.
    ///
    /// Talks to the cluster and changes nothing there. Dropping the future cancels it.
    pub async fn drift_check(&self, actor: &Actor, environment: &str) -> Result<DriftCheck, Error> {
        let row = self.environment_to_deploy(actor, environment).await?;
        let base = self.base_to_check(&row).await?;
        self.check_now(actor, &row, &base, &Counter::default()).await
    }

    /// What there is to compare with.
    async fn base_to_check(&self, row: &EnvironmentRow) -> Result<Base, Error> {
        self.drift_base(row).await?.ok_or_else(|| {
            Error::conflict(
                format!("No deployment of `{}` has succeeded yet.", row.name),
                "There is nothing to compare with.",
            )
        })
    }

    /// Compares, and keeps the result.
    async fn check_now(
        &self,
        actor: &Actor,
        row: &EnvironmentRow,
        base: &Base,
        counter: &Counter,
    ) -> Result<DriftCheck, Error> {
        let look = Look::now();
        let comparing = self.compare(row, base, look, counter);
        let comparing = tokio::time::timeout(PATIENCE, comparing).await;
        let drift = comparing.map_err(|_| Error::Unreachable {
            what: format!(
                "The cluster of `{}` did not tell what runs within {} s.",
                row.name,
                PATIENCE.as_secs()
            ),
            remedy: "Check again later.".to_owned(),
            source: None,
        })??;
        let stored = Stored { number: base.number, helm_revision: base.helm_revision, drift };
        let sealer = self.objects().sealer();
        let result_sealed = sealer.seal_json(&identity(row.id), &stored, "keep a drift check")?;
        let check = CheckRow { result_sealed, at: now(), by: actor.by() };
        let tx = self.db().begin().await?;
        if !observed::is_current(&tx, row.id, look).await? {
            return Err(Error::conflict(
                format!("An Op works in `{}`.", row.name),
                "Check again once it has ended.",
            ));
        }
        store::put(&tx, row.id, &check).await?;
        commit(tx).await?;
        self.wakes().send(Wake::Environment(row.id, row.kind)).await;
        self.shown_drift(row, check).await
    }

    /// The last check of an environment, if it was ever checked.
    pub async fn drift_get(
        &self,
        actor: &Actor,
        environment: &str,
    ) -> Result<Option<DriftCheck>, Error> {
        let row = self.environment_row(actor, environment).await?;
        match store::get(self.db().read(), row.id).await? {
            Some(check) => self.shown_drift(&row, check).await.map(Some),
            None => Ok(None),
        }
    }

    /// What was deployed last and succeeded, else what was adopted.
    async fn drift_base(&self, row: &EnvironmentRow) -> Result<Option<Base>, Error> {
        let c = self.db().read();
        if let Some((number, content)) = self.good_content(row).await? {
            let rendering = self.content(content).await?.rendering;
            return Ok(Some(Base { number: Some(number), helm_revision: None, rendering }));
        }
        let adopted = observed::adopted_rendering(c, row.id).await?;
        let Some((revision, address)) = adopted else { return Ok(None) };
        let rendering = self.objects().json(&address).await?;
        Ok(Some(Base { number: None, helm_revision: Some(revision), rendering }))
    }

    /// The last deployment that succeeded: its number and what it consisted of.
    async fn good_content(&self, row: &EnvironmentRow) -> Result<Option<(i64, ContentId)>, Error> {
        let Some(id) = row.current_deployment else { return Ok(None) };
        let good = deployments::by_id(self.db().read(), id).await?;
        Ok(good.and_then(|good| Some((good.number, good.content?))))
    }

    async fn compare(
        &self,
        row: &EnvironmentRow,
        base: &Base,
        look: Look,
        counter: &Counter,
    ) -> Result<rollout::drift::Drift, Error> {
        let cluster = self.environment_connect(row).await?;
        let target = Target::new(cluster, row, "");
        let history = target.history(self).await.map_err(PrepareError::into_error)?;
        self.note_revisions(row, &history, look).await?;
        let desired = prepare::desired(&target, &base.rendering, Crds::default(), None);
        let desired = desired.map_err(PrepareError::into_error)?;
        let drift = rollout::drift::drift(&target.cluster, &desired, &history, &|done, total| {
            counter.set(done, total);
        })
        .await;
        drift.map_err(|error| match error {
            rollout::plan::PlanError::Cluster(error) => unreachable(&error),
            other => Error::conflict(sentence(&whole_text(&other)), "Deploy again."),
        })
    }

    /// A check as people are shown it: masked.
    async fn shown_drift(
        &self,
        row: &EnvironmentRow,
        check: CheckRow,
    ) -> Result<DriftCheck, Error> {
        let sealer = self.objects().sealer();
        let stored: Stored =
            sealer.open_json(&identity(row.id), &check.result_sealed, "read a drift check")?;
        let mut objects = stored.drift.objects;
        let secrets = self.drift_secrets(row).await?;
        mask_diffs(objects.iter_mut().filter_map(|object| object.diff.as_mut()), &secrets);
        let good = self.good_content(row).await?.map(|(number, _)| number);
        Ok(DriftCheck {
            environment: row.brief(),
            outdated: good != stored.number,
            number: stored.number,
            helm_revision: stored.helm_revision,
            objects,
            same: stored.drift.same.into(),
            checked_at: check.at,
            checked_by: check.by,
        })
    }

    /// The texts that are not shown of what runs.
    async fn drift_secrets(&self, row: &EnvironmentRow) -> Result<Vec<String>, Error> {
        let patterns = self.masked_values(row.app).await?;
        let mut secrets = Vec::new();
        if let Some((_, content)) = self.good_content(row).await? {
            let content = self.content(content).await?;
            secrets = self.secret_texts(&content, (row.id, None), &patterns).await?;
        }
        let own = environments::newest_values(self.db().read(), row.id).await?;
        if let (false, Some(own)) = (patterns.is_empty(), own) {
            let text = self.objects().text(&own.values).await?;
            if let Ok(values) = helm::values::parse_values(&text) {
                secrets.extend(masked_texts(&leaves(&values, ValuesLayer::Deployment), &patterns));
            }
        }
        Ok(longest_first(secrets))
    }
}
