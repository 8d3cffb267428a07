//! Hooks in Ops: when they run, what their pods say meanwhile, and what a failing or an interrupted one leaves.

use futures_util::StreamExt;
use helm::release::{HookPhase, Status};

use super::on_both;
use super::site::{Site, new_environment};
use super::work::{deploy, ended, log};
use crate::actor::Actor;
use crate::app::SettingsChange;
use crate::control::Control;
use crate::deployment::{NewDeployment, NewPreview, NewRollback, OnFailure};
use crate::environment::NewEnvironment;
use crate::op::{LogLine, Op, OpEvent, OpState, StepName, StepState};
use crate::store::ids::OpId;

on_both!(
    run_around_the_objects,
    lines_come_while_it_runs,
    a_hook_that_fails,
    the_way_back_has_its_own,
    tests_decide,
    taken_up_while_a_hook_runs,
);

/// A migration before every install and upgrade: it runs as long, and fails, as the values say.
pub(super) const MIGRATION: (&str, &str) = (
    "templates/migrate.yaml",
    r#"apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-migrate
  annotations: {helm.sh/hook: "pre-install,pre-upgrade"}
spec:
  backoffLimit: 0
  template:
    metadata:
      annotations:
        simulator.landfall.dev/log-lines: migrating orders
        simulator.landfall.dev/ready-after: {{ .Values.migration | default "10ms" }}
        {{- if .Values.broken }}
        simulator.landfall.dev/fault: crash-loop
        {{- end }}
    spec:
      restartPolicy: Never
      containers: [{name: migrate, image: "shop/migrate:1"}]
"#,
);

/// Told after every kind of change.
const NOTICE: (&str, &str) = (
    "templates/notice.yaml",
    r#"apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-notice
  annotations: {helm.sh/hook: "post-install,post-upgrade,post-rollback", helm.sh/hook-delete-policy: hook-succeeded}
spec:
  restartPolicy: Never
  containers: [{name: notice, image: "shop/notice:1"}]
"#,
);

fn system() -> Actor {
    Actor::system()
}

fn step(op: &Op, name: StepName) -> (StepState, &str) {
    let step = op.steps.iter().find(|step| step.name == name).unwrap();
    (step.state, &step.note)
}

/// The phases of a revision's hooks, by the record.
async fn phases(site: &Site, revision: u32) -> Vec<HookPhase> {
    let record = site.record("eu", revision).await;
    record.hooks.into_iter().map(|hook| hook.last_run.phase).collect()
}

/// Waits for a line of a container.
async fn until_line(control: &Control, op: OpId, text: &str) {
    let mut events = control.op_subscribe(&system(), op, 0).await.unwrap();
    let told = |line: &LogLine| line.source.word() == "container" && line.text.contains(text);
    while let Some(event) = events.next().await {
        match event.unwrap() {
            OpEvent::Log { lines } if lines.iter().any(told) => return,
            OpEvent::End => panic!("the Op ended without it"),
            _ => {}
        }
    }
}

/// Install hooks on install, upgrade hooks on upgrade, rollback hooks on rollback; the preview shows which.
async fn run_around_the_objects(site: Site) {
    site.ground_with(&[MIGRATION, NOTICE]).await;
    let workers = site.control.start_workers();
    let (_, started) = site.environment("eu", "sandbox").await;
    let op = ended(&site.control, started.op.id).await;
    let text = log(&site.control, op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{text}");
    assert_eq!(step(&op, StepName::PreHooks), (StepState::Done, "1 hook"));
    assert_eq!(step(&op, StepName::PostHooks), (StepState::Done, "1 hook"));
    let at = |line: &str| text.find(line).unwrap_or_else(|| panic!("no `{line}` in {text}"));
    let order = [
        at("landfall Running pre-install hook eu-migrate (weight 0): Job/shop-eu/eu-migrate"),
        at("container migrating orders"),
        at("landfall pre-install hook eu-migrate succeeded"),
        at("landfall Deployment/shop-eu/eu-web created"),
        at("landfall post-install hook eu-notice succeeded"),
    ];
    assert!(order.is_sorted(), "{text}");
    assert_eq!(phases(&site, 1).await, [HookPhase::Succeeded, HookPhase::Succeeded]);

    let preview = NewPreview { values: Some("greeting: ho\n".to_owned()), ..NewPreview::default() };
    let preview = site.control.deployment_preview(&system(), "eu", preview).await.unwrap();
    let planned: Vec<String> =
        preview.plan.hooks.iter().map(|hook| format!("{} {}", hook.event, hook.name)).collect();
    assert_eq!(planned, ["pre-upgrade eu-migrate", "post-upgrade eu-notice"]);
    let second = NewDeployment { preview: Some(preview.id), ..NewDeployment::default() };
    let second = site.control.deployment_create(&system(), "eu", second).await.unwrap();
    let op = ended(&site.control, second.op.id).await;
    let text = log(&site.control, op.id).await;
    assert!(text.contains("pre-upgrade hook eu-migrate succeeded"), "{text}");

    let back = NewRollback {
        to: "#1".parse().unwrap(),
        reason: String::new(),
        on_failure: None,
        force_conflicts: false,
    };
    let back = site.control.rollback(&system(), "eu", back).await.unwrap();
    let op = ended(&site.control, back.op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(&site.control, op.id).await);
    assert_eq!(step(&op, StepName::PreHooks), (StepState::Skipped, "none"));
    assert_eq!(step(&op, StepName::PostHooks), (StepState::Done, "1 hook"));
    workers.stop().await;
}

/// Lines of a hook's pod can be read while it runs. An Op that is cancelled then says that it may run on, and the Helm
/// record does not claim to know how it went.
async fn lines_come_while_it_runs(site: Site) {
    site.ground_with(&[MIGRATION]).await;
    let workers = site.control.start_workers();
    let values = "migration: 5m\n".to_owned();
    let new = NewEnvironment { values, ..new_environment("eu", "sandbox") };
    let (_, started) = site.control.environment_create(&system(), new).await.unwrap();
    until_line(&site.control, started.op.id, "migrating orders").await;
    let op = site.control.op_get(&system(), started.op.id).await.unwrap();
    assert_eq!(step(&op, StepName::PreHooks).0, StepState::Running);
    site.control.op_cancel(&system(), op.id).await.unwrap();
    let op = ended(&site.control, op.id).await;
    assert_eq!(op.state, OpState::Cancelled);
    let left = site.control.deployment_find(&system(), "eu", 1).await.unwrap().failure.unwrap();
    assert!(left.cluster_state.contains("may run on"), "{left:?}");
    assert_eq!(phases(&site, 1).await, [HookPhase::Unknown]);
    assert_eq!(site.record("eu", 1).await.info.status, Status::Failed);
    workers.stop().await;
}

/// A hook that fails fails the Op by its name and the reason, with its last lines; nothing of the release was changed.
async fn a_hook_that_fails(site: Site) {
    site.ground_with(&[MIGRATION]).await;
    let workers = site.control.start_workers();
    let values = "broken: true\n".to_owned();
    let new = NewEnvironment { values, ..new_environment("eu", "sandbox") };
    let (_, started) = site.control.environment_create(&system(), new).await.unwrap();
    let op = ended(&site.control, started.op.id).await;
    assert_eq!(op.state, OpState::Failed, "{}", log(&site.control, op.id).await);
    assert_eq!(step(&op, StepName::PreHooks).0, StepState::Failed);
    assert_eq!(step(&op, StepName::Apply).0, StepState::Skipped);
    assert_eq!((op.culprits.len(), &*op.culprits[0].cause), (1, "hook_failed"));
    assert!(op.culprits[0].last_lines.iter().any(|line| line == "migrating orders"));
    let failure = site.control.deployment_find(&system(), "eu", 1).await.unwrap().failure.unwrap();
    assert_eq!(
        failure.message,
        "Pre-install hook Job eu-migrate failed: resource Job/shop-eu/eu-migrate not ready. \
         status: Failed, message: Job Failed. failed: 1/1."
    );
    assert!(failure.cluster_state.starts_with("No object of the release was changed"));
    assert!(site.objects("deployments.apps").await.is_empty());
    let record = site.record("eu", 1).await;
    assert_eq!(
        (record.info.status, &record.hooks[0].last_run.phase),
        (Status::Failed, &HookPhase::Failed)
    );
    assert_eq!(
        record.info.description,
        "Release \"eu\" failed: failed pre-install: resource Job/shop-eu/eu-migrate not ready. \
         status: Failed, message: Job Failed. failed: 1/1",
    );
    workers.stop().await;
}

/// After a failure the way back runs the rollback hooks of what it goes back to.
async fn the_way_back_has_its_own(site: Site) {
    site.ground_with(&[MIGRATION, NOTICE]).await;
    let workers = site.control.start_workers();
    let (_, started) = site.environment("eu", "sandbox").await;
    ended(&site.control, started.op.id).await;
    let bad = deploy(&site, "broken: true\n", OnFailure::RollBack).await;
    let op = ended(&site.control, bad.op.id).await;
    let text = log(&site.control, op.id).await;
    assert_eq!(op.state, OpState::Failed, "{text}");
    assert_eq!(step(&op, StepName::RollBackPreHooks), (StepState::Skipped, "none"));
    assert_eq!(step(&op, StepName::RollBackPostHooks), (StepState::Done, "1 hook"));
    assert!(text.contains("post-rollback hook eu-notice succeeded"), "{text}");
    assert_eq!(site.record("eu", 3).await.info.status, Status::Deployed);
    workers.stop().await;
}

/// A chart's tests run only where its App asks for them; then they decide.
async fn tests_decide(site: Site) {
    let probe = NOTICE
        .1
        .replace("notice", "probe")
        .replace("post-install,post-upgrade,post-rollback", "test");
    let probe = probe.replace(
        "spec:",
        "    simulator.landfall.dev/fault: {{ .Values.probe | default \"none\" }}\nspec:",
    );
    let probe = probe.replace(
        "annotations: {helm.sh/hook: \"test\", helm.sh/hook-delete-policy: hook-succeeded}",
        "annotations:\n    helm.sh/hook: test",
    );
    site.ground_with(&[("templates/probe.yaml", &probe)]).await;
    let workers = site.control.start_workers();
    let (_, started) = site.environment("eu", "sandbox").await;
    let op = ended(&site.control, started.op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(&site.control, op.id).await);
    assert_eq!(step(&op, StepName::Tests), (StepState::Skipped, "none"));
    let change = SettingsChange { run_tests: Some(true), ..SettingsChange::default() };
    site.control.app_change_settings(&system(), "shop", change).await.unwrap();
    let passed = deploy(&site, "greeting: ho\n", OnFailure::Leave).await;
    let op = ended(&site.control, passed.op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(&site.control, op.id).await);
    assert_eq!(step(&op, StepName::Tests), (StepState::Done, "1 test"));
    let failed = deploy(&site, "probe: crash-loop\n", OnFailure::Leave).await;
    let op = ended(&site.control, failed.op.id).await;
    assert_eq!(op.state, OpState::Failed, "{}", log(&site.control, op.id).await);
    let (state, why) = step(&op, StepName::Tests);
    assert_eq!(state, StepState::Failed);
    assert!(why.starts_with("Test hook Pod eu-probe failed: "), "{why}");
    assert_eq!(site.record("eu", 3).await.info.status, Status::Failed);
    workers.stop().await;
}

/// A worker that stops while a hook runs: the next one waits for the same Job, and tells no line twice.
async fn taken_up_while_a_hook_runs(site: Site) {
    site.ground_with(&[MIGRATION]).await;
    let other = site.second_process().await;
    let first = site.control.start_workers();
    let values = "migration: 2s\n".to_owned();
    let new = NewEnvironment { values, ..new_environment("eu", "sandbox") };
    let (_, started) = site.control.environment_create(&system(), new).await.unwrap();
    until_line(&site.control, started.op.id, "migrating orders").await;
    first.stop().await;
    let job = site.objects("jobs.batch").await.remove(0);
    let second = other.start_workers();
    let op = ended(&other, started.op.id).await;
    let text = log(&other, op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{text}");
    let same = site.objects("jobs.batch").await.remove(0);
    assert_eq!(job["metadata"]["uid"], same["metadata"]["uid"]);
    assert_eq!(text.matches("migrating orders").count(), 1, "{text}");
    assert!(text.contains("eu-migrate was begun already"), "{text}");
    second.stop().await;
}
