//! How much of an Op is done, as one number. Pure.

use super::{Step, StepName, StepState};

/// Share of a deployment's time that a step usually takes; the deploy steps come to 100.
const fn weight(step: StepName) -> i64 {
    match step {
        StepName::BackUpData | StepName::RestoreData => 60,
        StepName::VerifyBackup => 25,
        StepName::CheckBackup => 20,
        StepName::Delete => 15,
        StepName::WaitGone => 50,
        StepName::ProveDomain
        | StepName::Certificate
        | StepName::RemoveCertificates
        | StepName::FetchChart
        | StepName::MergeValues
        | StepName::Crds
        | StepName::PreHooks
        | StepName::Prune
        | StepName::PostHooks
        | StepName::Tests
        | StepName::RollBackPreHooks
        | StepName::RollBackPostHooks
        | StepName::RollBackPrune => 2,
        StepName::Render | StepName::Record | StepName::RollBackRecord => 4,
        StepName::Check | StepName::RollBackCheck => 10,
        StepName::Apply | StepName::RollBackApply => 15,
        StepName::Wait | StepName::RollBackWait => 50,
        StepName::Finish | StepName::RollBackFinish => 5,
    }
}

/// Percent that is done. A failed step counts as passed: what follows it is the way back.
pub(super) fn percent(steps: &[Step]) -> i64 {
    let total: i64 = steps.iter().map(|step| weight(step.name)).sum();
    let done: i64 = steps
        .iter()
        .map(|step| match step.state {
            StepState::Done | StepState::Skipped | StepState::Failed => weight(step.name),
            StepState::Waiting => 0,
            StepState::Running => match (step.done, step.total) {
                (Some(done), Some(all)) if all > 0 => weight(step.name) * done.clamp(0, all) / all,
                _ => 0,
            },
        })
        .sum();
    if total == 0 { 0 } else { done * 100 / total }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::{DEPLOY_STEPS, ROLL_BACK_STEPS};

    fn steps(names: &[StepName]) -> Vec<Step> {
        let waiting = |name: &StepName| Step {
            name: *name,
            state: StepState::Waiting,
            started_at: None,
            finished_at: None,
            done: None,
            total: None,
            note: String::new(),
        };
        names.iter().map(waiting).collect()
    }

    /// The number grows from 0 to 100 with the steps and with the objects that become ready.
    #[test]
    fn grows_with_the_steps() {
        let mut all = steps(DEPLOY_STEPS);
        let mut seen = vec![percent(&all)];
        for n in 0..all.len() {
            all[n].state = StepState::Running;
            (all[n].done, all[n].total) = (Some(1), Some(2));
            seen.push(percent(&all));
            all[n].state = StepState::Done;
            seen.push(percent(&all));
        }
        assert!(seen.is_sorted(), "{seen:?}");
        assert_eq!((seen.first(), seen.last()), (Some(&0), Some(&100)));
    }

    /// The way back after a failure has its own share.
    #[test]
    fn the_way_back_counts() {
        let mut all = steps(DEPLOY_STEPS);
        for step in &mut all {
            step.state = StepState::Failed;
        }
        all.extend(steps(ROLL_BACK_STEPS));
        let before = percent(&all);
        assert!((50..60).contains(&before), "{before}");
    }
}
