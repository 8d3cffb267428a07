//! States in words and shapes: what a list or head says of an environment, a deployment, an Op.

use control::deployment::{Deployment, DeploymentState, Trigger};
use control::domain::DomainBrief;
use control::environment::{Environment, EnvironmentState, EnvironmentStatus, Standing};
use control::names::ReleaseTag;
use control::observed::ObservedRevision;
use control::op::{OpBrief, OpState, StepName};

/// A state: the shape and colour (a class of `pieces.css`) and the word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) class: &'static str,
    pub(crate) word: String,
}

impl Mark {
    fn new(class: &'static str, word: impl Into<String>) -> Self {
        Self { class, word: word.into() }
    }
}

/// What to say of an environment in a word.
pub(crate) fn environment(environment: &Environment) -> Mark {
    let creating = environment.state == EnvironmentState::Creating;
    match (environment.state, environment.status) {
        (EnvironmentState::Deleted, _) | (_, EnvironmentStatus::Deleted) => {
            Mark::new("idle", "Deleted")
        }
        (_, EnvironmentStatus::RemovalFailed) => Mark::new("bad", "Not removed"),
        (EnvironmentState::Deleting, _) | (_, EnvironmentStatus::Deleting) => {
            Mark::new("busy", "Deleting")
        }
        (_, EnvironmentStatus::Deploying) => {
            let tag =
                environment.last.as_ref().map_or_else(String::new, |last| format!(" {}", last.tag));
            let act = if creating { "Creating with" } else { "Deploying" };
            Mark::new("busy", format!("{act}{tag}"))
        }
        (_, EnvironmentStatus::Queued) => Mark::new("idle", "Queued"),
        (_, EnvironmentStatus::Failed) if was_cancelled(environment) => {
            Mark::new("warn", "Deployment cancelled")
        }
        (_, EnvironmentStatus::Failed) if creating => Mark::new("bad", "First deployment failed"),
        (_, EnvironmentStatus::Failed) => Mark::new("bad", "Deployment failed"),
        (_, EnvironmentStatus::NeedsConfirmation) => Mark::new("warn", "Needs confirmation"),
        (_, EnvironmentStatus::Idle) if creating => Mark::new("idle", "Not deployed"),
        (_, EnvironmentStatus::Running | EnvironmentStatus::Idle) => Mark::new("good", "Running"),
    }
}

/// Whether the last deployment was stopped by someone after it had begun to change the cluster.
fn was_cancelled(environment: &Environment) -> bool {
    environment.last.as_ref().is_some_and(|last| last.state == DeploymentState::Cancelled)
}

/// What an environment runs, whatever its last deployment came to; for heads.
pub(crate) fn running(environment: &Environment) -> Mark {
    match (&environment.release, environment.state) {
        (_, EnvironmentState::Deleting | EnvironmentState::Deleted) => {
            self::environment(environment)
        }
        (Some(_), _) | (None, EnvironmentState::Active) => Mark::new("good", "Running"),
        (None, _) => Mark::new("idle", "Not running yet"),
    }
}

/// Helm's status of an observed revision, as a word.
pub(crate) fn observed(observed: &ObservedRevision) -> String {
    observed.status.replace('-', " ")
}

/// How long the uploaded certificate of a domain is still good for, where that is not long.
pub(crate) fn certificate_left(domain: &DomainBrief) -> Option<String> {
    Some(match domain.days_left_if_few()? {
        days if days < 0 => "expired".to_owned(),
        0 => "expires today".to_owned(),
        1 => "expires in 1 day".to_owned(),
        days => format!("expires in {days} days"),
    })
}

/// What to say of a deployment in a word.
pub(crate) fn deployment(state: DeploymentState, trigger: Trigger) -> Mark {
    match state {
        DeploymentState::Queued => Mark::new("idle", "Queued"),
        DeploymentState::Running if trigger == Trigger::Rollback => {
            Mark::new("busy", "Rolling back")
        }
        DeploymentState::Running => Mark::new("busy", "Deploying"),
        DeploymentState::Succeeded => Mark::new("good", "Succeeded"),
        DeploymentState::Failed => Mark::new("bad", "Failed"),
        DeploymentState::Cancelled => Mark::new("idle", "Cancelled"),
        DeploymentState::Superseded => Mark::new("idle", "Superseded"),
        DeploymentState::NeedsConfirmation => Mark::new("warn", "Needs confirmation"),
    }
}

/// What to say of the removal of an environment in a word.
pub(crate) fn removal(state: OpState, forget: bool) -> Mark {
    match state {
        OpState::Queued => Mark::new("idle", "Queued"),
        OpState::Running if forget => Mark::new("busy", "Forgetting"),
        OpState::Running => Mark::new("busy", "Removing"),
        OpState::Succeeded if forget => Mark::new("good", "Forgotten"),
        OpState::Succeeded => Mark::new("good", "Removed"),
        OpState::Failed => Mark::new("bad", "Failed"),
        OpState::Cancelled => Mark::new("idle", "Cancelled"),
        OpState::Superseded => Mark::new("idle", "Superseded"),
        OpState::NeedsConfirmation => Mark::new("warn", "Needs confirmation"),
    }
}

/// The sign that the title of a removal's tab begins with.
pub(crate) fn op_sign(state: OpState) -> &'static str {
    match state {
        OpState::Queued => "○",
        OpState::Running => "◌",
        OpState::Succeeded => "✓",
        OpState::Failed => "✗",
        OpState::Cancelled | OpState::Superseded => "–",
        OpState::NeedsConfirmation => "▲",
    }
}

/// The sign that a tab's title begins with.
pub(crate) fn sign(state: DeploymentState) -> &'static str {
    match state {
        DeploymentState::Queued => "○",
        DeploymentState::Running => "◌",
        DeploymentState::Succeeded => "✓",
        DeploymentState::Failed => "✗",
        DeploymentState::Cancelled | DeploymentState::Superseded => "–",
        DeploymentState::NeedsConfirmation => "▲",
    }
}

/// `2.4.0 → 2.4.1`, `2.4.1, values`, `2.4.1 again`, `2.4.1`.
pub(crate) fn change(deployment: &Deployment) -> String {
    let to = &deployment.release.tag;
    match &deployment.from {
        None => to.to_string(),
        Some(from) if from.tag != *to => format!("{} → {to}", from.tag),
        Some(_) if !deployment.changed_values.is_empty() => format!("{to}, values"),
        Some(_) => format!("{to} again"),
    }
}

/// What made a deployment, as it stands behind a time: `rollback to #36`.
pub(crate) fn trigger(trigger: Trigger, repeats: Option<i64>) -> String {
    match (trigger, repeats) {
        (Trigger::Manual, _) => "manual".to_owned(),
        (Trigger::EnvironmentCreated, _) => "environment created".to_owned(),
        (Trigger::ValuesUpdated, _) => "values updated".to_owned(),
        (Trigger::Rollback, Some(number)) => format!("rollback to #{number}"),
        (Trigger::Rollback, None) => "rollback".to_owned(),
        (Trigger::BackupRestored, _) => "backup restored".to_owned(),
        (Trigger::DomainDeployed, _) => "custom domain deployed".to_owned(),
        (Trigger::DomainReset, _) => "custom domain taken back".to_owned(),
    }
}

/// What made a deployment, as it stands before who did: `App values r4`, `rollback to #36`.
pub(crate) fn cause(deployment: &Deployment) -> String {
    match (deployment.trigger, deployment.batch) {
        (Trigger::ValuesUpdated, Some(_)) => {
            format!("App values r{} updated", deployment.app_values_revision)
        }
        (Trigger::ValuesUpdated, None) => "its values updated".to_owned(),
        (Trigger::BackupRestored, _) => match &deployment.restores {
            Some(backup) if backup.environment.id == deployment.environment.id => {
                format!("backup {} restored", backup.number)
            }
            Some(backup) => {
                format!("backup {} of {} restored", backup.number, backup.environment.name)
            }
            None => trigger(deployment.trigger, None),
        },
        _ => trigger(deployment.trigger, deployment.repeats),
    }
}

/// How a Release stands to the newest: `newest`, `2 behind`, `ahead of newest`.
pub(crate) fn standing(standing: Standing) -> String {
    match standing {
        Standing::Newest => "newest".to_owned(),
        Standing::Behind(99..) => "99 or more behind".to_owned(),
        Standing::Behind(n) => format!("{n} behind"),
        Standing::Ahead => "ahead of newest".to_owned(),
    }
}

/// What a deployment went back to after it had failed: a Release, or a revision that others had made.
pub(crate) fn went_back(tag: Option<&ReleaseTag>, revision: Option<i64>) -> Option<String> {
    let tag = tag.map(ToString::to_string);
    tag.or_else(|| revision.map(|revision| format!("Helm revision {revision}")))
}

/// The same of a whole deployment.
pub(crate) fn deployment_went_back(deployment: &Deployment) -> Option<String> {
    let tag = deployment.rolled_back_to.as_ref().map(|release| &release.tag);
    went_back(tag, deployment.rolled_back_to_revision)
}

/// What an Op is at, in a line: `waiting for objects · 7 of 9 ready`.
pub(crate) fn progress(op: &OpBrief) -> String {
    let Some(step) = op.step else {
        return match &op.behind {
            Some(behind) => format!("behind #{}, {}", behind.number, trigger(behind.trigger, None)),
            None => "waits for a worker".to_owned(),
        };
    };
    let waiting = matches!(step, StepName::Wait | StepName::RollBackWait);
    let what = if waiting { "waiting for objects".to_owned() } else { step.title().to_lowercase() };
    match (op.done, op.total) {
        (Some(done), Some(total)) if waiting => format!("{what} · {done} of {total} ready"),
        (Some(done), Some(total)) => format!("{what} · {done} of {total}"),
        _ => what,
    }
}
