//! Hooks on a simulated cluster: what their pods say is told, and the record is what the real `helm` would have written.

use std::time::Duration;

use helm::release::{Hook, HookEvent, Release};
use jiff::SignedDuration;
use rollout::crds::Crds;
use rollout::hooks::{HookOptions, HooksOutcome, Moment, run_hooks};
use rollout::manifest::Desired;
use rollout::record::{self, Finish, NewRevision};
use rollout::report::{Cursor, RolloutEvent};
use serde_json::{Value, json};

use crate::lab::{Lab, config_map, revision};

/// A chart's templates: a settings map, a migration that runs before every release, and one that only says hello once.
fn templates() -> String {
    let job = |name: &str, annotations: &str| {
        format!(
            "---
apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
  annotations:
{annotations}
spec:
  backoffLimit: 0
  template:
    metadata:
      annotations:
        simulator.landfall.dev/log-lines: \"1 of 2: orders\\n2 of 2: parcels\"
    spec:
      restartPolicy: Never
      containers:
      - {{name: {name}, image: \"shop/{name}:1\"}}
"
        )
    };
    config_map("settings", "one")
        + &job(
            "migrate",
            "    helm.sh/hook: pre-install,pre-upgrade\n    helm.sh/hook-weight: \"5\"",
        )
        + &job(
            "hello",
            "    helm.sh/hook: post-install\n    helm.sh/hook-delete-policy: hook-succeeded",
        )
}

/// The hooks of a record as JSON, their times blanked.
fn blanked(hooks: &[Hook]) -> Value {
    let mut hooks = json!(hooks);
    for hook in hooks.as_array_mut().unwrap() {
        for time in ["started_at", "completed_at"] {
            if hook["last_run"][time].is_string() {
                hook["last_run"][time] = json!("then");
            }
        }
    }
    hooks
}

async fn recorded(lab: &Lab, namespace: &str) -> Vec<Hook> {
    let history =
        record::read_history(&lab.cluster, &record::NothingKept, namespace, "shop").await.unwrap();
    history.last().unwrap().release.hooks.clone()
}

/// Runs a release's hooks around its objects; each outcome.
async fn deploy(lab: &Lab, id: &str, manifest: &str, hooks: Vec<Hook>) -> Vec<HooksOutcome> {
    let desired = Desired::parse("shop", "prod", manifest, hooks.clone(), Crds::default()).unwrap();
    let plan = lab.plan(&desired).await.unwrap();
    let new = revision(id, manifest);
    let new = NewRevision { content: Release { hooks, ..new.content }, ..new };
    let execution = lab.execution();
    record::record_pending(execution, &plan, &new).await.unwrap();
    let options = HookOptions {
        timeout: Duration::from_secs(20),
        clock_skew: SignedDuration::from_secs(1),
        end_when_hopeless: false,
        cursor: Cursor::default(),
    };
    let run = async |moment| {
        let event = plan.operation.hook_event(moment);
        run_hooks(execution, &plan, &new, event, &options).await.unwrap()
    };
    let before = run(Moment::Before).await;
    rollout::apply::apply(execution, &desired, &plan).await.unwrap();
    let after = run(Moment::After).await;
    record::record_finish(execution, &plan, &new, &Finish::Deployed).await.unwrap();
    vec![before, after]
}

/// Install and upgrade: the hooks of each run with their lines in the log, once each, and records hold what Helm's hold.
#[tokio::test(flavor = "multi_thread")]
async fn as_helm_runs_them() {
    let lab = Lab::new().await;
    let chart = lab.chart(&templates());
    let install = ["install", "shop", &chart, "-n", "by-helm", "--create-namespace"];
    lab.helm(&install).await.unwrap();
    let by_helm = recorded(&lab, "by-helm").await;
    let fresh: Vec<Hook> = by_helm
        .iter()
        .map(|hook| Hook {
            last_run: helm::release::HookExecution::default(),
            delete_policies: hook
                .delete_policies
                .iter()
                .filter(|p| hook.name == "hello" || p.as_str() != "before-hook-creation")
                .cloned()
                .collect(),
            ..hook.clone()
        })
        .collect();
    let manifest = config_map("settings", "one");

    let done = |hooks| HooksOutcome::Done { hooks };
    assert_eq!(deploy(&lab, "d1", &manifest, fresh.clone()).await, [done(1), done(1)]);
    assert_eq!(blanked(&recorded(&lab, "prod").await), blanked(&by_helm));
    assert!(lab.object("jobs.batch", "hello").is_none(), "its policy is hook-succeeded");
    let lines = lab.reports.lines();
    for expected in [
        "engine: Running pre-install hook migrate (weight 5): Job/prod/migrate",
        "migrate: 1 of 2: orders",
        "migrate: 2 of 2: parcels",
        "engine: pre-install hook migrate succeeded",
        "hello: 2 of 2: parcels",
        "engine: post-install hook hello succeeded",
    ] {
        let times = lines.iter().filter(|line| *line == expected).count();
        assert_eq!(times, 1, "{expected}: {lines:#?}");
    }

    let first = lab.object("jobs.batch", "migrate").unwrap();
    lab.helm(&["upgrade", "shop", &chart, "-n", "by-helm"]).await.unwrap();
    assert_eq!(deploy(&lab, "d2", &manifest, fresh).await, [done(1), done(0)]);
    assert_eq!(blanked(&recorded(&lab, "prod").await), blanked(&recorded(&lab, "by-helm").await));
    let second = lab.object("jobs.batch", "migrate").unwrap();
    assert_ne!(first["metadata"]["uid"], second["metadata"]["uid"], "it was made anew");
}

/// A hook that fails names its container, with the lines it said last.
#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_fails() {
    let lab = Lab::new().await;
    let hook = Hook {
        name: "migrate".to_owned(),
        kind: "Job".to_owned(),
        path: "shop/templates/all.yaml".to_owned(),
        manifest: "apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  backoffLimit: 0
  template:
    metadata: {annotations: {simulator.landfall.dev/fault: crash-loop}}
    spec:
      restartPolicy: Never
      containers: [{name: migrate, image: shop/migrate}]
"
        .to_owned(),
        events: vec![HookEvent::PreInstall],
        ..serde_json::from_value(json!({})).unwrap()
    };
    let outcomes = deploy(&lab, "d1", &config_map("settings", "one"), vec![hook]).await;
    let HooksOutcome::Failed(failure) = &outcomes[0] else { panic!("{outcomes:?}") };
    insta::assert_snapshot!(failure, @"pre-install hook Job migrate failed: resource Job/prod/migrate not ready. status: Failed, message: Job Failed. failed: 1/1");
    let culprit = &failure.culprits[0];
    insta::assert_snapshot!(culprit.text, @r#"Job/prod/migrate: container "migrate" ended with exit code 1"#);
    let last = culprit.last_lines.last().unwrap();
    assert_eq!(last, "fatal: CONFIG is not usable, giving up (exit code 1)");
    let told = lab.reports.take();
    assert!(
        told.iter().any(|report| matches!(report.event, RolloutEvent::Progress { total: 1, .. }))
    );
}
