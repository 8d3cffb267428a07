//! Ops carried out by workers on a simulated cluster, to their end, and through kills.

use std::time::Duration;

use futures_util::StreamExt;

use super::on_both;
use super::site::{Site, new_release};
use crate::actor::Actor;
use crate::control::Control;
use crate::deployment::{
    DeploymentDetail, DeploymentState, NewDeployment, NewPreview, NewRollback, OnFailure, Started,
};
use crate::environment::{EnvironmentState, EnvironmentStatus};
use crate::error::Error;
use crate::op::{LogFilter, LogLine, ObjectCondition, Op, OpEvent, OpState, StepName, StepState};
use crate::store::ids::OpId;

on_both!(
    environment_comes_up,
    exactly_what_was_previewed,
    changed_since_the_preview,
    failure_names_the_culprit,
    failure_goes_back_to_the_last_good_one,
    rollback_repeats_the_manifest,
    a_chart_that_does_not_render,
    cancelled_while_it_waits,
    a_stopped_worker_gives_its_op_to_another,
);

fn system() -> Actor {
    Actor::system()
}

/// Waits for the end of an Op.
pub(crate) async fn ended(control: &Control, op: OpId) -> Op {
    let mut events = control.op_subscribe(&system(), op, 0).await.unwrap();
    loop {
        let event = tokio::time::timeout(Duration::from_mins(2), events.next()).await;
        match event.expect("the Op ends in time") {
            Some(Ok(OpEvent::End)) => return control.op_get(&system(), op).await.unwrap(),
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

pub(super) async fn log(control: &Control, op: OpId) -> String {
    let page = control.op_log(&system(), op, 0, 10_000, &LogFilter::default()).await.unwrap();
    let line = |line: &LogLine| format!("{} {}", line.source.word(), line.text);
    page.lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

async fn detail(control: &Control, environment: &str, number: i64) -> DeploymentDetail {
    control.deployment_find(&system(), environment, number).await.unwrap()
}

pub(super) async fn deploy(site: &Site, values: &str, on_failure: OnFailure) -> Started {
    let new = NewDeployment {
        values: Some(values.to_owned()),
        on_failure: Some(on_failure),
        ..NewDeployment::default()
    };
    site.control.deployment_create(&system(), "eu", new).await.unwrap()
}

/// The names of all Helm records in the cluster.
pub(super) async fn records(site: &Site) -> Vec<String> {
    let mut names: Vec<String> = site
        .objects("secrets")
        .await
        .iter()
        .filter_map(|object| object["metadata"]["name"].as_str())
        .filter(|name| name.starts_with("sh.helm.release.v1."))
        .map(str::to_owned)
        .collect();
    names.sort();
    names
}

/// A greeting as the cluster has it.
async fn greeting(site: &Site) -> String {
    let objects = site.objects("configmaps").await;
    let found = objects.iter().find_map(|object| object["data"]["greeting"].as_str());
    found.unwrap_or_default().to_owned()
}

/// From the form to running objects: every step done, objects ready, Helm's record written.
async fn environment_comes_up(site: Site) {
    site.ground().await;
    let workers = site.control.start_workers();
    let (_, started) = site.environment("eu", "sandbox").await;
    let op = ended(&site.control, started.op.id).await;
    let text = log(&site.control, op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{text}");
    let unfinished: Vec<StepName> = op
        .steps
        .iter()
        .filter(|step| !matches!(step.state, StepState::Done | StepState::Skipped))
        .map(|step| step.name)
        .collect();
    assert!(unfinished.is_empty(), "{unfinished:?}");
    assert!(text.contains("landfall Chart shop 1.0.0 from the store"), "{text}");
    let environment = site.control.environment_get(&system(), "eu").await.unwrap();
    assert_eq!(environment.state, EnvironmentState::Active);
    let ready = environment.ready.unwrap();
    assert!(ready.total >= 2 && ready.ready == ready.total, "{ready:?}");
    assert_eq!(records(&site).await, ["sh.helm.release.v1.eu.v1"]);
    let shown = detail(&site.control, "eu", 1).await.deployment;
    assert_eq!((shown.helm_revision, shown.changes.unwrap().create), (Some(1), 2));
    let content = site.control.deployment_content(&system(), shown.id).await.unwrap();
    assert!(content.manifest.unwrap().contains("greeting: hello"));
    workers.stop().await;
}

/// `Deploy Now` carries out the manifest that was shown, under the plan that was shown.
async fn exactly_what_was_previewed(site: Site) {
    site.ground().await;
    let workers = site.control.start_workers();
    let (_, started) = site.environment("eu", "sandbox").await;
    ended(&site.control, started.op.id).await;
    let new =
        NewPreview { values: Some("greeting: bonjour\n".to_owned()), ..NewPreview::default() };
    let preview = site.control.deployment_preview(&system(), "eu", new).await.unwrap();
    assert_eq!((preview.changes.change, preview.changes.same), (2, 0));
    assert_eq!(preview.changed_values, ["greeting"]);
    assert_eq!(greeting(&site).await, "hello", "a preview changes nothing");
    let other = NewDeployment {
        preview: Some(preview.id),
        values: Some("greeting: salut\n".to_owned()),
        ..NewDeployment::default()
    };
    let refused = site.control.deployment_create(&system(), "eu", other).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    let new = NewDeployment { preview: Some(preview.id), ..NewDeployment::default() };
    let started = site.control.deployment_create(&system(), "eu", new).await.unwrap();
    let op = ended(&site.control, started.op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(&site.control, op.id).await);
    assert_eq!(greeting(&site).await, "bonjour");
    let content = site.control.deployment_content(&system(), started.deployment.id).await.unwrap();
    assert_eq!(content.manifest.as_deref(), Some(preview.manifest.as_str()));
    assert_eq!(content.plan_hash, Some(preview.plan_hash));
    workers.stop().await;
}

/// If the cluster changed since the preview nothing is done; the new plan is offered and can be deployed.
async fn changed_since_the_preview(site: Site) {
    site.ground().await;
    let workers = site.control.start_workers();
    let (_, started) = site.environment("eu", "sandbox").await;
    ended(&site.control, started.op.id).await;
    let new =
        NewPreview { values: Some("greeting: bonjour\n".to_owned()), ..NewPreview::default() };
    let preview = site.control.deployment_preview(&system(), "eu", new).await.unwrap();
    let between = deploy(&site, "replicas: 2\n", OnFailure::Leave).await;
    ended(&site.control, between.op.id).await;

    let new = NewDeployment { preview: Some(preview.id), ..NewDeployment::default() };
    let started = site.control.deployment_create(&system(), "eu", new).await.unwrap();
    let op = ended(&site.control, started.op.id).await;
    assert_eq!(op.state, OpState::NeedsConfirmation, "{}", log(&site.control, op.id).await);
    let asked = detail(&site.control, "eu", 3).await;
    assert_eq!(asked.deployment.state, DeploymentState::NeedsConfirmation);
    assert_eq!(greeting(&site).await, "hello");
    let environment = site.control.environment_get(&system(), "eu").await.unwrap();
    assert_eq!(environment.status, EnvironmentStatus::NeedsConfirmation);

    let again = site.control.preview_get(&system(), asked.new_preview.unwrap()).await.unwrap();
    assert_ne!(again.plan_hash, preview.plan_hash);
    let new = NewDeployment { preview: Some(again.id), ..NewDeployment::default() };
    let started = site.control.deployment_create(&system(), "eu", new).await.unwrap();
    let op = ended(&site.control, started.op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(&site.control, op.id).await);
    assert_eq!(greeting(&site).await, "bonjour");
    workers.stop().await;
}

/// What does not come up is named: in the Op, and in one line where the environment is listed.
async fn failure_names_the_culprit(site: Site) {
    site.ground_waiting(4).await;
    let workers = site.control.start_workers();
    let new = crate::environment::NewEnvironment {
        values: "fault: image-pull\n".to_owned(),
        ..super::site::new_environment("eu", "sandbox")
    };
    let (_, started) = site.control.environment_create(&system(), new).await.unwrap();
    let op = ended(&site.control, started.op.id).await;
    assert_eq!(op.state, OpState::Failed);
    assert_eq!(op.culprits[0].cause, "image_pull", "{:?}", op.culprits);
    let wait = op.steps.iter().find(|step| step.name == StepName::Wait).unwrap();
    assert_eq!(wait.state, StepState::Failed);
    let environment = site.control.environment_get(&system(), "eu").await.unwrap();
    assert_eq!(environment.state, EnvironmentState::Creating);
    assert_eq!(environment.last.unwrap().culprit, Some(op.culprits[0].text.clone()));
    let failed = detail(&site.control, "eu", 1).await;
    let failure = failed.failure.unwrap();
    assert!(!failure.cluster_state.is_empty() && !failure.message.is_empty(), "{failure:?}");
    workers.stop().await;
}

/// With `roll back` the same Op repeats the last good deployment; the environment stays at it.
async fn failure_goes_back_to_the_last_good_one(site: Site) {
    site.ground_waiting(4).await;
    let workers = site.control.start_workers();
    let (_, started) = site.environment("eu", "sandbox").await;
    ended(&site.control, started.op.id).await;
    let bad = deploy(&site, "greeting: bad\nfault: crash-loop\n", OnFailure::RollBack).await;
    let op = ended(&site.control, bad.op.id).await;
    let text = log(&site.control, op.id).await;
    assert_eq!(op.state, OpState::Failed, "{text}");
    let back: Vec<StepState> = op
        .steps
        .iter()
        .filter(|step| crate::op::ROLL_BACK_STEPS.contains(&step.name))
        .map(|step| step.state)
        .collect();
    assert_eq!(back.len(), crate::op::ROLL_BACK_STEPS.len(), "{text}");
    assert!(
        back.iter().all(|state| matches!(state, StepState::Done | StepState::Skipped)),
        "{text}"
    );
    assert_eq!(greeting(&site).await, "hello");
    let failed = detail(&site.control, "eu", 2).await;
    assert_eq!(failed.deployment.rolled_back_to.unwrap().tag.as_str(), "1.0");
    let environment = site.control.environment_get(&system(), "eu").await.unwrap();
    assert_eq!(environment.current_deployment.unwrap().number, 1);
    assert_eq!(environment.values_revision, 0);
    assert_eq!(records(&site).await.len(), 3);
    workers.stop().await;
}

/// A rollback carries out the stored manifest of the earlier deployment, not today's values.
async fn rollback_repeats_the_manifest(site: Site) {
    site.ground().await;
    let workers = site.control.start_workers();
    let (_, started) = site.environment("eu", "sandbox").await;
    ended(&site.control, started.op.id).await;
    site.control.release_add(&system(), new_release("shop", "2.0")).await.unwrap();
    let new = NewDeployment {
        release: "2.0".to_owned(),
        values: Some("greeting: two\n".to_owned()),
        ..NewDeployment::default()
    };
    let second = site.control.deployment_create(&system(), "eu", new).await.unwrap();
    ended(&site.control, second.op.id).await;
    assert_eq!(greeting(&site).await, "two");
    let new = NewRollback {
        to: "1.0".parse().unwrap(),
        reason: String::new(),
        on_failure: None,
        force_conflicts: false,
    };
    let back = site.control.rollback(&system(), "eu", new).await.unwrap();
    let op = ended(&site.control, back.op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(&site.control, op.id).await);
    assert_eq!(greeting(&site).await, "hello");
    let manifest =
        async |id| site.control.deployment_content(&system(), id).await.unwrap().manifest.unwrap();
    assert_eq!(manifest(back.deployment.id).await, manifest(started.deployment.id).await);
    let environment = site.control.environment_get(&system(), "eu").await.unwrap();
    assert_eq!(environment.release.unwrap().tag.as_str(), "1.0");
    assert_eq!(environment.holds, Some(0));
    assert_eq!(records(&site).await.len(), 3);
    workers.stop().await;
}

/// A chart's own fault fails the step that finds it, in Helm's words, and leaves nothing behind.
async fn a_chart_that_does_not_render(site: Site) {
    site.ground().await;
    let workers = site.control.start_workers();
    let new = crate::environment::NewEnvironment {
        values: "greeting: rude\n".to_owned(),
        ..super::site::new_environment("eu", "sandbox")
    };
    let (_, started) = site.control.environment_create(&system(), new).await.unwrap();
    let op = ended(&site.control, started.op.id).await;
    assert_eq!(op.state, OpState::Failed, "{}", log(&site.control, op.id).await);
    let failed = op.steps.iter().find(|step| step.state == StepState::Failed).unwrap();
    assert_eq!(failed.name, StepName::Render);
    assert!(failed.note.contains("shop/templates/config.yaml:1:"), "{}", failed.note);
    assert!(failed.note.contains("greet politely"), "{}", failed.note);
    assert!(records(&site).await.is_empty());
    let refused =
        NewPreview { values: Some("replicas: {a: 1\n".to_owned()), ..NewPreview::default() };
    let refused = site.control.deployment_preview(&system(), "eu", refused).await;
    let Err(Error::Invalid(invalid)) = refused else { panic!("{refused:?}") };
    assert_eq!(invalid.problems[0].field, "values");
    assert!(invalid.problems[0].place.is_some());
    workers.stop().await;
}

/// A running Op stops at its next safe point and says what it left behind.
async fn cancelled_while_it_waits(site: Site) {
    site.ground().await;
    let workers = site.control.start_workers();
    let new = crate::environment::NewEnvironment {
        values: "fault: never-ready\n".to_owned(),
        ..super::site::new_environment("eu", "sandbox")
    };
    let (_, started) = site.control.environment_create(&system(), new).await.unwrap();
    until_step(&site.control, started.op.id, StepName::Wait).await;
    site.control.op_cancel(&system(), started.op.id).await.unwrap();
    let op = ended(&site.control, started.op.id).await;
    assert_eq!(op.state, OpState::Cancelled, "{}", log(&site.control, op.id).await);
    let left = detail(&site.control, "eu", 1).await.failure.unwrap().cluster_state;
    assert!(!left.is_empty());
    // The Helm release is not left pending: the next deployment goes ahead at once.
    let again = deploy(&site, "", OnFailure::Leave).await;
    let op = ended(&site.control, again.op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(&site.control, op.id).await);
    workers.stop().await;
}

/// Waits until a step has begun.
pub(super) async fn until_step(control: &Control, op: OpId, step: StepName) {
    let mut events = control.op_subscribe(&system(), op, 0).await.unwrap();
    while let Some(event) = events.next().await {
        if let OpEvent::State { op } = event.unwrap() {
            let begun = op.steps.iter().any(|s| s.name == step && s.state != StepState::Waiting);
            if begun || op.state.is_final() {
                return;
            }
        }
    }
}

/// A worker that is stopped gives its Op back; another process finishes it with the same revision.
async fn a_stopped_worker_gives_its_op_to_another(site: Site) {
    site.ground().await;
    let other = site.second_process().await;
    let first = site.control.start_workers();
    let (_, started) = site.environment("eu", "sandbox").await;
    until_step(&site.control, started.op.id, StepName::Apply).await;
    first.stop().await;
    let second = other.start_workers();
    let op = ended(&other, started.op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(&other, op.id).await);
    assert_eq!(records(&site).await, ["sh.helm.release.v1.eu.v1"]);
    second.stop().await;
}

/// A process that takes an Op up and is killed as soon as a step has begun.
pub(super) fn carry_out_and_be_killed(site: &Site, op: OpId, step: StepName) {
    // It has a runtime of its own: dropping that stops everything at once.
    let doomed = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let doomed = doomed.unwrap();
    let (control, workers) = doomed.block_on(async {
        let control = Control::open(site.config.clone()).await.unwrap();
        let workers = control.start_workers();
        (control, workers)
    });
    doomed.block_on(until_step(&control, op, step));
    doomed.shutdown_background();
    std::mem::forget(workers);
    drop(control);
}

/// The runtime of a test that kills processes: they have runtimes of their own.
pub(super) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Another process takes an Op up; how it ended, and its log.
pub(super) async fn taken_up(site: &Site, op: OpId) -> (Op, String) {
    let control = Control::open(site.config.clone()).await.unwrap();
    let workers = control.start_workers();
    let ended = ended(&control, op).await;
    let text = log(&control, op).await;
    workers.stop().await;
    (ended, text)
}

/// A process killed at any step of an Op, again and again: another takes the Op up from the last
/// finished step, with one revision, the same objects, and no log line twice.
#[test]
fn killed_at_every_step() {
    let runtime = runtime();
    let site = runtime.block_on(async {
        let mut site = Site::sqlite().await;
        site.ground_with(&[super::hooks::MIGRATION]).await;
        site.config.workers.lease = Duration::from_millis(900);
        site
    });
    for (n, step) in crate::op::DEPLOY_STEPS.iter().enumerate() {
        let name = format!("env{n}");
        let op = runtime.block_on(async { site.environment(&name, "sandbox").await.1.op.id });
        carry_out_and_be_killed(&site, op, *step);
        runtime.block_on(async {
            let (ended, text) = taken_up(&site, op).await;
            assert_eq!(ended.state, OpState::Succeeded, "killed at {step}:\n{text}");
            let ready = ended.objects.iter().all(|it| it.condition == ObjectCondition::Current);
            assert!(ready, "killed at {step}: {:#?}", ended.objects);
            let first = format!("sh.helm.release.v1.{name}.v1");
            let own = format!("sh.helm.release.v1.{name}.");
            let records = records(&site).await;
            let records: Vec<&String> = records.iter().filter(|r| r.starts_with(&own)).collect();
            assert_eq!(records, [&first], "killed at {step}");
            let jobs = site.objects("jobs.batch").await;
            let of_env = format!("{name}-migrate");
            let job = jobs.iter().find(|job| job["metadata"]["name"] == of_env.as_str()).unwrap();
            let hook = &site.record(&name, 1).await.hooks[0];
            assert_eq!(hook.last_run.phase, helm::release::HookPhase::Succeeded);
            let runs = text.matches("migrate finished (exit code 0)").count();
            assert_eq!(runs, 1, "killed at {step}: {job}\n{text}");
            let lines: Vec<&str> =
                text.lines().filter(|line| line.starts_with("container ")).collect();
            let mut once = lines.clone();
            once.dedup();
            assert_eq!(lines, once, "killed at {step}");
        });
    }
}
