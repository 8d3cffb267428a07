//! Removing an environment: asking for it, giving it up, and what it would take away.
//!
//! Here the Op is queued and nothing else; a worker uninstalls the Helm release (`work`). From then on the
//! environment is `deleting` and nothing is deployed to it any more.

use helm::release::HookEvent;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Environment, EnvironmentRow, EnvironmentState, store};
use crate::actor::Actor;
use crate::audit::{self, Act};
use crate::control::Control;
use crate::deployment::content::StoredRendering;
use crate::deployment::store as deployments;
use crate::error::Error;
use crate::observed::store as observed;
use crate::op::{self, Carries, NewRemoval, Op};
use crate::rights::Subject;
use crate::store::commit;
use crate::store::ids::{EnvironmentId, OpId};
use crate::store::sql::now;
use crate::store::wake::{OpWake, Wake};

/// How an environment is to be removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(default)]
pub struct RemoveEnvironment {
    /// Forget the environment and leave its cluster alone: for one whose cluster is gone for ever.
    pub forget: bool,
    /// Why; may be empty.
    pub reason: String,
}

/// What the removal of an environment takes away, by what Landfall deployed there; no cluster is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Outline {
    /// The deployment whose objects these are; none: nothing came as far as the cluster, or others made them.
    pub number: Option<i64>,
    /// The revision of the Helm release whose objects these are, where others made it.
    pub helm_revision: Option<i64>,
    /// The objects of the Helm release, in the order in which they are deleted.
    pub objects: Vec<OutlineObject>,
    /// Hooks that run before the objects are deleted, as `Job/name`.
    pub hooks_before: Vec<String>,
    /// Hooks that run afterwards.
    pub hooks_after: Vec<String>,
    /// Queued deployments that will not be carried out.
    pub queued: i64,
    /// Whether an earlier removal has begun to delete objects: the environment cannot be kept any more.
    pub begun: bool,
}

/// An object in the way of a removal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OutlineObject {
    /// As Helm names it: `Deployment/web`.
    pub name: String,
    /// Whether its `helm.sh/resource-policy` keeps it.
    pub kept: bool,
}

/// The last revision of an environment's Helm release, as far as Landfall knows it.
struct Recorded {
    /// The deployment that wrote it.
    number: Option<i64>,
    /// Its number, where others wrote it.
    helm_revision: Option<i64>,
    rendering: StoredRendering,
    objects: Vec<OutlineObject>,
}

impl Control {
    /// Queues the removal of an environment behind what runs there; queued deployments are superseded.
    ///
    /// Where an earlier removal failed this is "remove again".
    pub async fn environment_remove(
        &self,
        actor: &Actor,
        environment: &str,
        how: &RemoveEnvironment,
    ) -> Result<Op, Error> {
        let row = self.environment_to_remove(actor, environment).await?;
        let (op, at, by) = (OpId::generate(), now(), actor.by());
        let tx = self.db().begin().await?;
        if !store::begin_removal(&tx, row.id, op).await? {
            return Err(Error::conflict(
                format!("The environment `{}` is being removed already.", row.name),
                "Follow that removal, or cancel it first.",
            ));
        }
        let superseded = deployments::supersede_queued(&tx, row.id, at).await?;
        let reason = how.reason.trim();
        let removal = NewRemoval { op, environment: row.id, forget: how.forget, reason, by: &by };
        op::store::insert_removal(&tx, &removal).await?;
        let new = op::store::NewOp {
            id: op,
            carries: Carries::Removal,
            environment: row.id,
            environment_kind: row.kind,
            at,
            steps: if how.forget { op::FORGET_STEPS } else { op::REMOVE_STEPS },
        };
        op::store::insert(&tx, &new).await?;
        store::refresh_status(&tx, row.id).await?;
        let action = if how.forget { "environment.forget" } else { "environment.remove" };
        let new = serde_json::json!({
            "state": EnvironmentState::Deleting, "op": op, "reason": reason,
            "superseded": superseded.len(),
        });
        audit::write(&tx, actor, act(action, &row, new)).await?;
        commit(tx).await?;
        for wake in Wake::PLACE_FREE {
            self.wakes().send(wake).await;
        }
        let own = OpWake { op, environment: row.id, kind: row.kind };
        for wake in superseded.into_iter().chain([own]) {
            self.wakes().send(Wake::Op(wake)).await;
        }
        self.op_view(op).await
    }

    /// Gives a removal up that failed before it deleted anything: the environment lives on as before.
    pub async fn environment_keep(
        &self,
        actor: &Actor,
        environment: &str,
    ) -> Result<Environment, Error> {
        let row = self.environment_to_remove(actor, environment).await?;
        if row.state != EnvironmentState::Deleting {
            return Err(Error::conflict(
                format!("The environment `{}` is not being removed.", row.name),
                "There is nothing to give up.",
            ));
        }
        let tx = self.db().begin().await?;
        // Locks the row against a removal that begins meanwhile.
        store::keep(&tx, row.id).await?;
        if store::is_being_removed(&tx, row.id).await? {
            return Err(Error::conflict(
                format!("The removal of `{}` is under way.", row.name),
                "Cancel it first.",
            ));
        }
        if store::has_lost_objects(&tx, row.id).await? {
            return Err(Error::conflict(
                format!("Objects of `{}` have been deleted already.", row.name),
                "Remove it again, or forget it where its cluster is gone for ever.",
            ));
        }
        store::refresh_status(&tx, row.id).await?;
        let kept = serde_json::json!({ "state": "kept" });
        audit::write(&tx, actor, act("environment.keep", &row, kept)).await?;
        commit(tx).await?;
        if let Some(op) = row.removal {
            let wake = OpWake { op, environment: row.id, kind: row.kind };
            self.wakes().send(Wake::Op(wake)).await;
        }
        self.environment_get(actor, &row.id.to_string()).await
    }

    /// The objects of an environment's Helm release as Landfall deployed it last.
    pub(crate) async fn recorded_objects(
        &self,
        environment: EnvironmentId,
    ) -> Result<Vec<String>, Error> {
        let recorded = self.recorded(environment).await?;
        Ok(recorded.map_or_else(Vec::new, |recorded| {
            recorded.objects.into_iter().map(|object| object.name).collect()
        }))
    }

    /// What an environment's Helm release consists of, by the deployment that wrote its last revision, or by that
    /// revision as others made it.
    async fn recorded(&self, environment: EnvironmentId) -> Result<Option<Recorded>, Error> {
        let c = self.db().read();
        let mut number = None;
        let mut helm_revision = None;
        let rendering: StoredRendering = if let Some((revision, rendering)) =
            observed::newest_rendering(c, environment).await?
        {
            helm_revision = Some(revision);
            self.objects().json(&rendering).await?
        } else if let Some(last) = deployments::last_recorded(c, environment).await? {
            let of_others = match last.went_back {
                Some(revision) => observed::rendering_of(c, environment, revision).await?,
                None => None,
            };
            if let Some(rendering) = of_others {
                helm_revision = last.went_back;
                self.objects().json(&rendering).await?
            } else {
                number = Some(last.number);
                self.content(last.content).await?.rendering
            }
        } else {
            return Ok(None);
        };
        let objects = rollout::uninstall::outline(&rendering.manifest)
            .map_err(|e| Error::internal("read what a removal takes away", e))?
            .into_iter()
            .map(|(key, kept)| OutlineObject { name: format!("{}/{}", key.kind, key.name), kept })
            .collect();
        Ok(Some(Recorded { number, helm_revision, rendering, objects }))
    }

    /// What the removal of an environment takes away.
    pub async fn removal_outline(
        &self,
        actor: &Actor,
        environment: &str,
    ) -> Result<Outline, Error> {
        let row = self.environment_row(actor, environment).await?;
        let c = self.db().read();
        let mut outline = Outline {
            queued: deployments::queued(c, row.id).await?,
            begun: store::has_lost_objects(c, row.id).await?,
            ..Outline::default()
        };
        let Some(recorded) = self.recorded(row.id).await? else { return Ok(outline) };
        let Recorded { number, helm_revision, rendering, objects } = recorded;
        let hooks = |event: &HookEvent| {
            let of = rendering.hooks.iter().filter(|hook| hook.events.contains(event));
            of.map(|hook| format!("{}/{}", hook.kind, hook.name)).collect()
        };
        (outline.number, outline.helm_revision) = (number, helm_revision);
        outline.objects = objects;
        outline.hooks_before = hooks(&HookEvent::PreDelete);
        outline.hooks_after = hooks(&HookEvent::PostDelete);
        Ok(outline)
    }

    /// An environment that the actor may remove and that is not gone yet.
    async fn environment_to_remove(
        &self,
        actor: &Actor,
        environment: &str,
    ) -> Result<EnvironmentRow, Error> {
        let row = self.environment_row(actor, environment).await?;
        let act = format!("remove {}", row.kind.plural());
        let missing = || Error::not_found("environment", environment);
        actor.write(Subject::Environments(row.kind), &act, missing)?;
        if row.state == EnvironmentState::Deleted {
            return Err(Error::conflict(
                format!("The environment `{}` was deleted already.", row.name),
                "There is nothing left to remove.",
            ));
        }
        Ok(row)
    }
}

fn act<'n>(action: &'static str, row: &'n EnvironmentRow, new: serde_json::Value) -> Act<'n> {
    Act {
        action,
        kind: "environment",
        id: row.id.to_string(),
        name: row.name.as_str(),
        old: serde_json::json!({ "state": row.state }),
        new,
    }
}
