//! What a failed or cancelled deployment says: what happened, what to do, what state the cluster is in.

use super::FailedStep;
use crate::deployment::Failure;
use crate::error::Error;
use crate::op::{Step, StepName, StepState};

/// Whether something in the cluster may have changed when this step failed.
pub(super) fn touched_the_cluster(step: StepName) -> bool {
    !matches!(
        step,
        // Going back to what ran would put no data back.
        StepName::CheckBackup
            | StepName::RestoreData
            | StepName::ProveDomain
            | StepName::FetchChart
            | StepName::MergeValues
            | StepName::Crds
            | StepName::Render
            | StepName::Check
            | StepName::Certificate
    )
}

/// A failure that is left as it is.
pub(super) fn of(failed: &FailedStep, touched: bool, steps: &[Step]) -> Failure {
    Failure {
        message: failed.message.clone(),
        remedy: failed.remedy.clone(),
        cluster_state: state_after(failed.step, touched, steps),
        culprit: failed.culprits.first().cloned(),
    }
}

fn state_after(step: StepName, touched: bool, steps: &[Step]) -> String {
    match step {
        StepName::RestoreData => "Some of the data may have been put back, some not; nothing else was changed.",
        _ if !touched && restored_data(steps) => "The data was put back; nothing else was changed.",
        StepName::Crds => "Some of the chart's custom resource definitions may have been installed; nothing else was changed.",
        StepName::Certificate => "The certificate's Secret may have been written; nothing else was changed.",
        _ if !touched && installed_crds(steps) => DEFINITIONS_ONLY,
        _ if !touched => "Nothing was changed in the cluster.",
        StepName::Record => "No object was changed; the Helm release may have a revision that failed.",
        StepName::PreHooks => "No object of the release was changed; what its hooks did stays done. The Helm release's last revision is marked failed.",
        StepName::PostHooks => "All objects were changed and became ready; what hooks did stays done. The Helm release's last revision is marked failed.",
        StepName::Tests => "All objects were changed and became ready, but the chart's tests do not pass. The Helm release's last revision is marked failed.",
        StepName::Apply => "Some objects may have been changed, others not. The Helm release's last revision is marked failed.",
        StepName::Prune => "All objects were changed; some that are no longer wanted may still be there. The Helm release's last revision is marked failed.",
        _ => "All objects were changed, but not all became ready. The Helm release's last revision is marked failed.",
    }
    .to_owned()
}

const DEFINITIONS_ONLY: &str =
    "The chart's custom resource definitions were installed; nothing else was changed.";

fn restored_data(steps: &[Step]) -> bool {
    steps.iter().any(|step| step.name == StepName::RestoreData && step.state == StepState::Done)
}

/// Whether definitions of custom resources were sent: the step is skipped where all were there already.
fn installed_crds(steps: &[Step]) -> bool {
    let of_crds = steps.iter().find(|step| step.name == StepName::Crds);
    of_crds.is_some_and(|step| matches!(step.state, StepState::Done | StepState::Running))
}

/// Nothing was begun.
pub(super) fn before_anything(message: &str, remedy: &str) -> Failure {
    Failure {
        message: message.to_owned(),
        remedy: remedy.to_owned(),
        cluster_state: "Nothing was changed in the cluster.".to_owned(),
        culprit: None,
    }
}

/// Landfall's own fault; its cause is in the server's log only.
pub(super) fn internal(error: &Error) -> Failure {
    Failure {
        message: error.to_string(),
        remedy: "Deploy again once the cause is mended.".to_owned(),
        cluster_state: "What was changed in the cluster up to then stays as it is; the steps say how far it came.".to_owned(),
        culprit: None,
    }
}

/// The way back is being taken.
pub(super) fn on_the_way_back(good: &str) -> String {
    format!("It is being rolled back to {good}.")
}

/// The way back was taken.
pub(super) fn rolled_back(good: &str) -> String {
    format!("Rolled back to {good}.")
}

/// The way back failed, too.
pub(super) fn way_back_failed(good: &str, why: &str) -> String {
    format!("The roll-back to {good} did not succeed: {why}")
}

/// There was no way back.
pub(super) fn nothing_to_go_back_to() -> String {
    "There is no earlier deployment that succeeded to roll back to; everything was left as it is."
        .to_owned()
}

/// Someone stopped it.
pub(super) fn cancelled(steps: &[Step]) -> Failure {
    let begun = |name: StepName| {
        steps.iter().any(|step| {
            step.name == name && !matches!(step.state, StepState::Waiting | StepState::Skipped)
        })
    };
    let cluster_state = if begun(StepName::PostHooks) || begun(StepName::Tests) {
        "All objects were changed; a hook that was running may run on. The Helm release's last revision is marked failed."
    } else if begun(StepName::Apply) {
        "Objects that were already changed stay changed; the Helm release's last revision is marked failed."
    } else if begun(StepName::PreHooks) {
        "No object of the release was changed; a hook that was running may run on. The Helm release's last revision is marked failed."
    } else if begun(StepName::Record) {
        "No object was changed; the Helm release's last revision is marked failed."
    } else if installed_crds(steps) {
        DEFINITIONS_ONLY
    } else if restored_data(steps) {
        "The data was put back; nothing else was changed."
    } else if begun(StepName::RestoreData) {
        "Some of the data may have been put back, some not; nothing else was changed."
    } else {
        "Nothing was changed in the cluster."
    };
    Failure {
        message: "The deployment was cancelled.".to_owned(),
        remedy: "Deploy again, or roll back.".to_owned(),
        cluster_state: cluster_state.to_owned(),
        culprit: None,
    }
}

/// A removal that did not begin, since its cluster cannot be reached.
pub(super) fn removal_before_anything(message: &str) -> Failure {
    Failure { remedy: AGAIN_OR_FORGET.to_owned(), ..before_anything(message, "") }
}

/// A backup that is not whole. Making one changes nothing in the cluster.
pub(super) fn of_backup(message: &str, remedy: &str) -> Failure {
    let remedy = if remedy.is_empty() { "Back up again once the cause is mended." } else { remedy };
    Failure {
        cluster_state: "Nothing that runs was changed in the cluster, and no data is kept."
            .to_owned(),
        ..before_anything(message, remedy)
    }
}

/// Landfall's own fault while it removed an environment.
pub(super) fn internal_of_removal(error: &Error) -> Failure {
    Failure { remedy: "Remove it again once the cause is mended.".to_owned(), ..internal(error) }
}

const AGAIN_OR_FORGET: &str = "Remove it again once the cluster answers. If the cluster is gone for ever, forget the environment.";

/// A removal that failed at a step.
pub(super) fn of_removal(failed: &FailedStep) -> Failure {
    let (otherwise, cluster_state) = match failed.step {
        StepName::Check => (AGAIN_OR_FORGET, "Nothing was changed in the cluster."),
        StepName::PreHooks => (
            "Remove the environment again once the hook can succeed; or keep the environment, and correct its values or chart by a deployment.",
            "No object of the release was deleted; what its hooks did stays done. The Helm release is marked uninstalling until the next deployment.",
        ),
        StepName::Delete => (
            "Remove the environment again once the cause is mended.",
            "Some objects may have been deleted, others not. The Helm release is marked uninstalling.",
        ),
        StepName::WaitGone => (
            "Remove the environment again once the cause is mended.",
            "All objects of the release were deleted, but not all have disappeared. The Helm release is marked uninstalling.",
        ),
        _ => (
            "Remove the environment again once the cause is mended.",
            "All objects of the release are gone; its records may still be there.",
        ),
    };
    // What the culprit of a hook advises is about deployments.
    let own = !failed.remedy.is_empty() && failed.step != StepName::PreHooks;
    let remedy = if own { failed.remedy.clone() } else { otherwise.to_owned() };
    Failure {
        message: failed.message.clone(),
        remedy,
        cluster_state: cluster_state.to_owned(),
        culprit: failed.culprits.first().cloned(),
    }
}

/// Someone stopped a removal.
pub(super) fn removal_cancelled(steps: &[Step]) -> Failure {
    let begun = |name: StepName| {
        steps.iter().any(|step| {
            step.name == name && !matches!(step.state, StepState::Waiting | StepState::Skipped)
        })
    };
    let (remedy, cluster_state) = if begun(StepName::WaitGone) {
        (
            "Remove the environment again.",
            "All objects of the release were deleted; the Helm release is marked uninstalling.",
        )
    } else if begun(StepName::Delete) {
        (
            "Remove the environment again.",
            "Some objects may have been deleted, others not. The Helm release is marked uninstalling.",
        )
    } else if begun(StepName::PreHooks) {
        (
            "The environment lives on.",
            "No object of the release was deleted; a hook that was running may run on. The Helm release is marked uninstalling until the next deployment.",
        )
    } else {
        ("The environment lives on.", "Nothing was changed in the cluster.")
    };
    Failure {
        message: "The removal was cancelled.".to_owned(),
        remedy: remedy.to_owned(),
        cluster_state: cluster_state.to_owned(),
        culprit: None,
    }
}
