//! Making a deployment: the row, its Op, and nothing else; no cluster is asked.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{AppValuesChoice, Changes, OnFailure, PlanPolicy, Started, Trigger, store};
use crate::actor::{Actor, By};
use crate::audit::{self, Act};
use crate::backup;
use crate::control::Control;
use crate::domain;
use crate::domain::layer::{DomainLayer, Which};
use crate::environment::store as environments;
use crate::environment::{EnvironmentRow, EnvironmentState, not_deployable};
use crate::error::Error;
use crate::objects::Address;
use crate::op::{self, Carries};
use crate::release::newest_instead;
use crate::release::store::{self as releases, ReleaseRow};
use crate::store::ids::{
    BackupId, BatchId, ContentId, DeploymentId, DomainId, OpId, PreviewId, ReleaseId,
};
use crate::store::sql::now;
use crate::store::wake::{OpWake, Wake};
use crate::store::{Tx, commit};
use crate::values::check_values;

/// What `Deploy Now` gives; texts as typed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct NewDeployment {
    /// The preview to carry out, exactly as shown. Where `release` or `values` are given, too, and
    /// are not what was previewed, the deployment is refused.
    pub preview: Option<PreviewId>,
    /// Without a preview: the Release, by tag or id; empty: the one that runs.
    pub release: String,
    /// Without a preview: the Deployment values, as YAML; none: the environment's own.
    pub values: Option<String>,
    /// Without a preview: which App values; none: the newest.
    pub app_values: Option<AppValuesChoice>,
    /// What happens on failure; none: the kind's default.
    pub on_failure: Option<OnFailure>,
    /// Take over fields that other managers own, as Helm's `--force-conflicts` does: what others set there is
    /// overruled. A preview decides it itself: one that was made without is refused with it.
    pub force_conflicts: bool,
    /// Why; may be empty.
    pub reason: String,
}

/// An environment's own values, as its tab "Values" saves them.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct NewEnvironmentValues {
    /// YAML.
    pub values: String,
    /// The preview to carry out, exactly as shown: of these values and the Release that runs.
    pub preview: Option<PreviewId>,
    /// What happens on failure; none: the kind's default.
    pub on_failure: Option<OnFailure>,
    /// Take over fields that other managers own, as Helm's `--force-conflicts` does.
    pub force_conflicts: bool,
    /// Why; may be empty.
    pub reason: String,
}

impl Control {
    /// Makes a deployment of the trigger `manual` and queues its Op.
    ///
    /// With a preview its policy is `as_previewed`, without one `replan`. Deploying with the newest
    /// App values makes a holding environment follow again.
    pub async fn deployment_create(
        &self,
        actor: &Actor,
        environment: &str,
        new: NewDeployment,
    ) -> Result<Started, Error> {
        let row = self.environment_to_deploy(actor, environment).await?;
        let queued = self.queue_asked(actor, &row, &new).await?;
        let tx = self.db().begin().await?;
        let number = queue(&tx, &actor.by(), &row, &queued).await?;
        let name = format!("{}#{number}", row.name);
        audit::write(&tx, actor, queued.act("deployment.create", &name)).await?;
        commit(tx).await?;
        self.started(actor, &row, &queued).await
    }

    /// Makes a deployment of the trigger `values_updated` and queues its Op: an environment's own values are replaced, the
    /// Release is the one that runs. With a preview exactly that is carried out.
    ///
    /// An environment that holds a revision of the App values goes on holding it.
    pub async fn environment_update_values(
        &self,
        actor: &Actor,
        environment: &str,
        new: NewEnvironmentValues,
    ) -> Result<Started, Error> {
        let row = self.environment_to_deploy(actor, environment).await?;
        let Some(current) = row.current_release else {
            return Err(Error::conflict(
                format!("No release is known to run in `{}`.", row.name),
                "Deploy one with these values.",
            ));
        };
        let own = self.values_to_deploy(&row, None).await?;
        if own == new.values {
            let message = "These are the values that it has already.";
            return Err(Error::invalid("values", message, "Change them, or deploy a version."));
        }
        let deployment = NewDeployment {
            preview: new.preview,
            release: current.to_string(),
            values: Some(new.values),
            app_values: Some(AppValuesChoice::Held),
            on_failure: new.on_failure,
            force_conflicts: new.force_conflicts,
            reason: new.reason,
        };
        let queued = self.queue_asked(actor, &row, &deployment).await?;
        let queued = Queued { trigger: Trigger::ValuesUpdated, ..queued };
        let tx = self.db().begin().await?;
        let number = queue(&tx, &actor.by(), &row, &queued).await?;
        let name = format!("{}#{number}", row.name);
        audit::write(&tx, actor, queued.act("environment.update_values", &name)).await?;
        commit(tx).await?;
        self.started(actor, &row, &queued).await
    }

    /// What was asked for: exactly what was previewed, else what was typed.
    async fn queue_asked<'a>(
        &self,
        actor: &Actor,
        environment: &EnvironmentRow,
        new: &'a NewDeployment,
    ) -> Result<Queued<'a>, Error> {
        let Some(preview) = new.preview else { return self.queue_typed(environment, new).await };
        let layer = self.domain_layer(environment, Which::Current).await?;
        self.queue_previewed(actor, environment, preview, new, &layer).await
    }

    /// Exactly what was previewed, if the domain values are those still.
    pub(crate) async fn queue_previewed<'a>(
        &self,
        actor: &Actor,
        environment: &EnvironmentRow,
        preview: PreviewId,
        new: &'a NewDeployment,
        layer: &DomainLayer,
    ) -> Result<Queued<'a>, Error> {
        let row = self.preview_row(actor, preview).await?;
        if row.environment != environment.id {
            return Err(Error::not_found("preview of this environment", preview));
        }
        if row.expires_at < now() {
            return Err(Error::conflict(
                "This preview is too old to be deployed.",
                "Look at what will change now, then deploy.",
            ));
        }
        let content = self.content_row(row.content).await?;
        if !domain::is_of_layer(self, &content, layer).await? {
            return Err(Error::conflict(
                "The environment's host, or how the App's chart takes it, has changed since the preview.",
                "Look at what will change now, then deploy.",
            ));
        }
        let release = releases::by_id(self.db().read(), content.release).await?;
        let release = release.ok_or_else(|| Error::not_found("Release", content.release))?;
        let shown = self.objects().text_or_empty(content.layers.deployment.as_ref()).await?;
        let asked = new.release.trim();
        let other_release =
            !asked.is_empty() && asked != release.tag.as_str() && asked != release.id.to_string();
        let plan: rollout::plan::Plan = self.objects().json(&content.plan).await?;
        if new.force_conflicts && !plan.force_conflicts {
            return Err(Error::conflict(
                "The preview was made without taking over fields that others own.",
                "Look at what will change with it, then deploy.",
            ));
        }
        let other_values = new.values.as_ref().is_some_and(|values| values.trim() != shown.trim());
        if other_release || other_values {
            return Err(Error::conflict(
                "The version or the values are not those that were previewed.",
                "Look at what will change now, then deploy.",
            ));
        }
        Ok(Queued {
            policy: PlanPolicy::AsPreviewed,
            on_failure: new.on_failure.unwrap_or(environment.kind.default_on_failure()),
            force_conflicts: plan.force_conflicts,
            reason: new.reason.trim(),
            values: content.layers.deployment,
            app_values_revision: content.app_values_revision,
            content: Some(content.id),
            preview: Some(preview),
            changes: Some(content.changes),
            changed_values: content.changed_values,
            ..Queued::empty(content.release)
        })
    }

    /// What was asked for without a preview: rendered and planned by the worker.
    pub(crate) async fn queue_typed<'a>(
        &self,
        environment: &EnvironmentRow,
        new: &'a NewDeployment,
    ) -> Result<Queued<'a>, Error> {
        let release = self.release_to_deploy(environment, &new.release).await?;
        let values = self.values_to_deploy(environment, new.values.as_deref()).await?;
        let values = self.objects().put_text(&values).await?;
        let choice = new.app_values.unwrap_or(AppValuesChoice::Newest);
        Ok(Queued {
            on_failure: new.on_failure.unwrap_or(environment.kind.default_on_failure()),
            force_conflicts: new.force_conflicts,
            reason: new.reason.trim(),
            values,
            app_values_revision: self.app_values_to_deploy(environment, choice).await?,
            ..Queued::empty(release.id)
        })
    }

    /// The Release that a form names by tag or id; empty: the one that runs, else the newest.
    pub(super) async fn release_to_deploy(
        &self,
        environment: &EnvironmentRow,
        release: &str,
    ) -> Result<ReleaseRow, Error> {
        let (c, asked) = (self.db().read(), release.trim());
        let found = match (asked.parse(), asked.parse()) {
            (Ok(id), _) => releases::by_id(c, id).await?,
            (Err(_), Ok(tag)) => releases::by_tag(c, environment.app, &tag).await?,
            (Err(_), Err(_)) if !asked.is_empty() => None,
            (Err(_), Err(_)) => match environment.current_release {
                Some(current) => releases::by_id(c, current).await?,
                None => releases::newest(c, environment.app).await?,
            },
        };
        if let Some(found) = found.filter(|found| found.app == environment.app) {
            return Ok(found);
        }
        if asked.is_empty() {
            return Err(Error::invalid(
                "release",
                "This App has no release.",
                "Add a release first.",
            ));
        }
        let message = format!("This App has no release `{asked}`.");
        Err(Error::invalid("release", message, newest_instead(c, environment.app).await?))
    }

    /// The Deployment values: as typed, else the environment's own.
    pub(super) async fn values_to_deploy(
        &self,
        environment: &EnvironmentRow,
        typed: Option<&str>,
    ) -> Result<String, Error> {
        if let Some(typed) = typed {
            check_values("values", typed)?;
            return Ok(typed.to_owned());
        }
        let own = environments::newest_values(self.db().read(), environment.id).await?;
        self.objects().text_or_empty(own.map(|own| own.values).as_ref()).await
    }

    /// The App values revision that a deployment by hand uses.
    pub(crate) async fn app_values_to_deploy(
        &self,
        environment: &EnvironmentRow,
        choice: AppValuesChoice,
    ) -> Result<i64, Error> {
        match (choice, environment.holds_app_values) {
            (AppValuesChoice::Held, Some(held)) => Ok(held),
            (AppValuesChoice::Held, None) | (AppValuesChoice::Newest, _) => {
                Ok(crate::app::store::values_revision(self.db().read(), environment.app).await?)
            }
        }
    }

    /// Wakes the workers and shows what was queued.
    pub(crate) async fn started(
        &self,
        actor: &Actor,
        environment: &EnvironmentRow,
        queued: &Queued<'_>,
    ) -> Result<Started, Error> {
        let wake = OpWake { op: queued.op, environment: environment.id, kind: environment.kind };
        self.wakes().send(Wake::Queue).await;
        self.wakes().send(Wake::Op(wake)).await;
        let deployment = self.deployment_get(actor, queued.id).await?.deployment;
        Ok(Started { deployment, op: self.op_view(queued.op).await? })
    }
}

/// A deployment to be queued.
pub(crate) struct Queued<'a> {
    pub(crate) id: DeploymentId,
    pub(crate) op: OpId,
    pub(crate) release: ReleaseId,
    pub(crate) trigger: Trigger,
    pub(crate) repeats: Option<DeploymentId>,
    pub(crate) batch: Option<BatchId>,
    pub(crate) policy: PlanPolicy,
    pub(crate) on_failure: OnFailure,
    pub(crate) force_conflicts: bool,
    pub(crate) reason: &'a str,
    pub(crate) values: Option<Address>,
    pub(crate) app_values_revision: i64,
    pub(crate) content: Option<ContentId>,
    pub(crate) preview: Option<PreviewId>,
    pub(crate) changes: Option<Changes>,
    pub(crate) changed_values: Vec<String>,
    /// The domain that it is about.
    pub(crate) domain: Option<DomainId>,
    /// The backup that it restores.
    pub(crate) backup: Option<BackupId>,
}

impl Queued<'_> {
    /// A deployment of a Release by hand, with nothing else chosen.
    pub(crate) fn empty(release: ReleaseId) -> Self {
        Self {
            id: DeploymentId::generate(),
            op: OpId::generate(),
            release,
            trigger: Trigger::Manual,
            repeats: None,
            batch: None,
            policy: PlanPolicy::Replan,
            on_failure: OnFailure::Leave,
            force_conflicts: false,
            reason: "",
            values: None,
            app_values_revision: 0,
            content: None,
            preview: None,
            changes: None,
            changed_values: Vec::new(),
            domain: None,
            backup: None,
        }
    }

    /// The entry of the audit log; `name`: the deployment as `environment#number`.
    pub(crate) fn act<'n>(&self, action: &'static str, name: &'n str) -> Act<'n> {
        Act {
            action,
            kind: "deployment",
            id: self.id.to_string(),
            name,
            old: serde_json::Value::Null,
            new: serde_json::json!({
                "trigger": self.trigger,
                "release": self.release,
                "repeats": self.repeats,
                "on_failure": self.on_failure,
                "force_conflicts": self.force_conflicts,
                "app_values_revision": self.app_values_revision,
                "changed_values": self.changed_values,
                "reason": self.reason,
            }),
        }
    }
}

/// Writes the deployment and its Op, and before it the backup that the environment asks for; returns its number.
pub(crate) async fn queue(
    tx: &Tx,
    by: &By,
    environment: &EnvironmentRow,
    queued: &Queued<'_>,
) -> Result<i64, Error> {
    // Stands before it in the queue. The way back must not depend on what is broken.
    let backup_before = match queued.trigger {
        Trigger::Rollback => None,
        _ => backup::queue_before(tx, environment, by).await?,
    };
    let at = now();
    let row = store::NewRow {
        id: queued.id,
        op: queued.op,
        environment: environment.id,
        app: environment.app,
        kind: environment.kind,
        release: queued.release,
        from_release: environment.current_release,
        trigger: queued.trigger,
        repeats: queued.repeats,
        batch: queued.batch,
        reason: queued.reason,
        plan_policy: queued.policy,
        on_failure: queued.on_failure,
        force_conflicts: queued.force_conflicts,
        values: queued.values.as_ref(),
        app_values_revision: queued.app_values_revision,
        content: queued.content,
        preview: queued.preview,
        changes: queued.changes.as_ref(),
        changed_values: &queued.changed_values,
        domain: queued.domain,
        backup: queued.backup,
        backup_before,
        at,
        by,
    };
    let Some(number) = store::insert(tx, &row).await? else {
        return Err(not_deployable(&environment.name, EnvironmentState::Deleting));
    };
    let certified = domain::store::has_certificates(tx, environment.id).await?;
    let op = op::store::NewOp {
        id: queued.op,
        carries: Carries::Deployment(queued.id),
        environment: environment.id,
        environment_kind: environment.kind,
        at,
        steps: &op::deploy_steps(queued.trigger, certified),
    };
    op::store::insert(tx, &op).await?;
    environments::refresh_status(tx, environment.id).await?;
    Ok(number)
}
