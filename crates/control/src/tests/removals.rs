//! Removing environments: what goes and what stays, in which order, what is refused meanwhile, and what becomes of a
//! removal that fails, is cancelled, or loses its worker.

use std::time::Duration;

use super::on_both;
use super::site::{Site, new_environment};
use super::work::{
    carry_out_and_be_killed, deploy, ended, log, records, runtime, taken_up, until_step,
};
use crate::actor::Actor;
use crate::audit::AuditFilter;
use crate::control::Control;
use crate::deployment::{DeploymentFilter, DeploymentState, NewDeployment, OnFailure};
use crate::environment::{
    Environment, EnvironmentFilter, EnvironmentSort, EnvironmentState, EnvironmentStatus,
    NewEnvironment, RemoveEnvironment,
};
use crate::error::Error;
use crate::op::{Op, OpState, Removal, StepName, StepState, Task};
use crate::rights::Role;
use crate::store::paging::{Direction, PageRequest};

on_both!(
    everything_goes_but_what_is_kept,
    nothing_was_ever_deployed,
    in_order_and_alone,
    a_hook_that_fails_keeps_everything,
    cancelled_before_anything_was_deleted,
    what_does_not_go_is_named,
    only_forgotten,
    only_who_may,
    a_release_of_others_is_left_alone,
);

/// Settings that outlive the release.
const KEPT: (&str, &str) = (
    "templates/kept.yaml",
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-kept\n  \
     annotations: {helm.sh/resource-policy: keep}\n",
);

/// Something that does not go by itself, where the values say so.
const HELD: (&str, &str) = (
    "templates/held.yaml",
    "{{- if .Values.held }}\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-held\n  \
     finalizers: [example.org/backup]\n{{- end }}\n",
);

/// A dump before everything is deleted, a note afterwards.
const DUMP: (&str, &str) = ("templates/dump.yaml", HOOKS);

const HOOKS: &str = r#"apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-dump
  annotations: {helm.sh/hook: pre-delete}
spec:
  backoffLimit: 0
  template:
    metadata:
      annotations:
        simulator.landfall.dev/log-lines: dumping orders
        simulator.landfall.dev/ready-after: {{ .Values.dump | default "10ms" }}
        {{- if .Values.broken }}
        simulator.landfall.dev/fault: crash-loop
        {{- end }}
    spec:
      restartPolicy: Never
      containers: [{name: dump, image: "shop/dump:1"}]
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-goodbye
  annotations: {helm.sh/hook: post-delete}
spec:
  backoffLimit: 0
  template:
    metadata:
      annotations:
        simulator.landfall.dev/log-lines: goodbye
        simulator.landfall.dev/ready-after: 10ms
    spec:
      restartPolicy: Never
      containers: [{name: goodbye, image: "shop/goodbye:1"}]
"#;

fn system() -> Actor {
    Actor::system()
}

async fn remove(control: &Control, environment: &str) -> Result<Op, Error> {
    control.environment_remove(&system(), environment, &RemoveEnvironment::default()).await
}

async fn environment(control: &Control, environment: &str) -> Environment {
    control.environment_get(&system(), environment).await.unwrap()
}

fn removal(op: &Op) -> &Removal {
    let Task::Removal(removal) = &op.task else { panic!("{:?}", op.task) };
    removal
}

fn step(op: &Op, name: StepName) -> (StepState, &str) {
    let step = op.steps.iter().find(|step| step.name == name).unwrap();
    (step.state, &step.note)
}

/// Names of the `ConfigMaps` and workloads that the cluster has.
async fn objects(site: &Site) -> Vec<String> {
    let mut names = Vec::new();
    for resource in ["configmaps", "deployments.apps"] {
        for object in site.objects(resource).await {
            names.push(object["metadata"]["name"].as_str().unwrap().to_owned());
        }
    }
    names.retain(|name| name != "kube-root-ca.crt");
    names.sort();
    names
}

/// Environment `eu`, deployed with these values.
async fn deployed(site: &Site, values: &str) -> Environment {
    let new = NewEnvironment { values: values.to_owned(), ..new_environment("eu", "sandbox") };
    let (made, started) = site.control.environment_create(&system(), new).await.unwrap();
    let op = ended(&site.control, started.op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(&site.control, op.id).await);
    made
}

async fn with_status(control: &Control, actor: &Actor, status: EnvironmentStatus) -> Vec<String> {
    let filter = EnvironmentFilter { status: Some(status), ..EnvironmentFilter::default() };
    let sort = (EnvironmentSort::LastDeployment, Direction::Descending);
    let page = control.environment_list(actor, &filter, sort, &PageRequest::default()).await;
    page.unwrap().items.into_iter().map(|environment| environment.name.to_string()).collect()
}

/// The release is uninstalled as Helm does it, hooks around it; what its policy keeps stays. The environment's history
/// stays readable by its id, its name can be used again at once.
async fn everything_goes_but_what_is_kept(site: Site) {
    site.ground_with(&[KEPT, DUMP]).await;
    let workers = site.control.start_workers();
    let old = deployed(&site, "").await;
    let outline = site.control.removal_outline(&system(), "eu").await.unwrap();
    let (kept, deleted): (Vec<_>, Vec<_>) = outline.objects.iter().partition(|object| object.kept);
    assert_eq!(kept.iter().map(|o| o.name.as_str()).collect::<Vec<_>>(), ["ConfigMap/eu-kept"]);
    assert_eq!(
        deleted.iter().map(|o| o.name.as_str()).collect::<Vec<_>>(),
        ["Deployment/eu-web", "ConfigMap/eu"]
    );
    assert_eq!(
        (outline.hooks_before, outline.hooks_after),
        (vec!["Job/eu-dump".to_owned()], vec!["Job/eu-goodbye".to_owned()])
    );

    let how = RemoveEnvironment { forget: false, reason: " no longer needed ".to_owned() };
    let op = site.control.environment_remove(&system(), "eu", &how).await.unwrap();
    let op = ended(&site.control, op.id).await;
    let text = log(&site.control, op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{text}");
    assert!(op.steps.iter().all(|step| step.state == StepState::Done), "{:?}", op.steps);
    assert_eq!(op.percent, 100);
    let (dump, goodbye) = (text.find("dumping orders"), text.find("goodbye\n"));
    let gone = text.find("Deployment/shop-eu/eu-web deleted");
    assert!(dump < gone && gone < goodbye && dump.is_some(), "{text}");
    assert_eq!(removal(&op).left.kept, ["ConfigMap/shop-eu/eu-kept"]);
    assert_eq!(removal(&op).reason, "no longer needed");
    assert_eq!(objects(&site).await, ["eu-kept"]);
    assert!(records(&site).await.is_empty());

    assert!(matches!(
        site.control.environment_get(&system(), "eu").await,
        Err(Error::NotFound { .. })
    ));
    let gone = environment(&site.control, &old.id.to_string()).await;
    assert_eq!((gone.state, gone.status), (EnvironmentState::Deleted, EnvironmentStatus::Deleted));
    assert_eq!((gone.removal, gone.address()), (Some(op.id), old.id.to_string()));
    let filter = DeploymentFilter { environment: Some(old.id), ..DeploymentFilter::default() };
    let history =
        site.control.deployment_list(&system(), &filter, &PageRequest::default()).await.unwrap();
    assert_eq!(history.items.len(), 1);
    assert!(history.items[0].environment.deleted && !history.items[0].can_roll_back_to);
    let again = remove(&site.control, &old.id.to_string()).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
    let deploying = NewDeployment::default();
    let deploying = site.control.deployment_create(&system(), &old.id.to_string(), deploying).await;
    assert!(matches!(deploying, Err(Error::Conflict { .. })), "{deploying:?}");
    let living = with_status(&site.control, &system(), EnvironmentStatus::Running).await;
    assert!(living.is_empty());
    assert_eq!(with_status(&site.control, &system(), EnvironmentStatus::Deleted).await, ["eu"]);
    let filter = AuditFilter {
        subject: Some(old.id.to_string()),
        action: Some("environment.remove".to_owned()),
        ..AuditFilter::default()
    };
    let audit = site.control.audit_list(&system(), &filter, &PageRequest::default()).await.unwrap();
    assert_eq!(audit.items.len(), 1);
    assert_eq!(audit.items[0].new["reason"], "no longer needed");

    // The kept object belongs to the old release of the same name, which is what Helm goes by.
    let new = deployed(&site, "").await;
    assert_ne!(new.id, old.id);
    assert_eq!(environment(&site.control, "eu").await.id, new.id);
    workers.stop().await;
}

/// Nothing came as far as the cluster: the queued deployment is superseded, the cluster only looked at.
async fn nothing_was_ever_deployed(site: Site) {
    site.ground().await;
    let (eu, started) = site.environment("eu", "sandbox").await;
    let asked = remove(&site.control, "eu").await.unwrap();
    let first = site.control.deployment_get(&system(), started.deployment.id).await.unwrap();
    assert_eq!(first.deployment.state, DeploymentState::Superseded);
    let shown = environment(&site.control, "eu").await;
    assert_eq!(
        (shown.state, shown.status),
        (EnvironmentState::Deleting, EnvironmentStatus::Deleting)
    );
    let workers = site.control.start_workers();
    let op = ended(&site.control, asked.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(&site.control, op.id).await);
    assert_eq!(step(&op, StepName::Check), (StepState::Done, "no release"));
    assert_eq!(step(&op, StepName::Delete).0, StepState::Skipped);
    assert_eq!(step(&op, StepName::Finish), (StepState::Done, "nothing in the cluster"));
    let gone = environment(&site.control, &eu.id.to_string()).await;
    assert_eq!(gone.state, EnvironmentState::Deleted);
    workers.stop().await;
}

/// A removal waits for what runs; nothing else can be asked for meanwhile. Cancelled while it waits, it leaves the
/// environment as it was.
async fn in_order_and_alone(site: Site) {
    site.ground().await;
    let (_, started) = site.environment("eu", "sandbox").await;
    let running = site.claim().await.unwrap();
    assert_eq!(running.op, started.op.id);
    let asked = remove(&site.control, "eu").await.unwrap();
    assert_eq!(asked.behind.as_ref().map(|behind| behind.number), Some(1));
    assert!(site.claim().await.is_none(), "the removal waits for the deployment");
    let deploying = site.control.deployment_create(&system(), "eu", NewDeployment::default()).await;
    let Err(Error::Conflict { what, .. }) = deploying else { panic!("{deploying:?}") };
    assert_eq!(what, "The environment `eu` is being deleted.");
    let twice = remove(&site.control, "eu").await;
    let Err(Error::Conflict { what, .. }) = twice else { panic!("{twice:?}") };
    assert_eq!(what, "The environment `eu` is being removed already.");
    let keeping = site.control.environment_keep(&system(), "eu").await;
    assert!(matches!(keeping, Err(Error::Conflict { .. })), "{keeping:?}");

    let op = site.control.op_cancel(&system(), asked.id).await.unwrap();
    assert_eq!(op.state, OpState::Cancelled);
    let shown = environment(&site.control, "eu").await;
    assert_eq!(
        (shown.state, shown.status),
        (EnvironmentState::Creating, EnvironmentStatus::Deploying)
    );
    let next = site.control.deployment_create(&system(), "eu", NewDeployment::default()).await;
    assert_eq!(next.unwrap().deployment.number, 2);
}

/// A hook before the deletion that fails: nothing is deleted, the Op names it, and the next attempt runs it anew. The
/// environment can be kept, deployed to, and removed after all.
async fn a_hook_that_fails_keeps_everything(site: Site) {
    site.ground_with(&[DUMP]).await;
    let workers = site.control.start_workers();
    deployed(&site, "broken: true\n").await;
    for attempt in 1..=2 {
        let asked = remove(&site.control, "eu").await.unwrap();
        let op = ended(&site.control, asked.id).await;
        let text = log(&site.control, op.id).await;
        assert_eq!(op.state, OpState::Failed, "{text}");
        assert_eq!(step(&op, StepName::PreHooks).0, StepState::Failed);
        assert_eq!(step(&op, StepName::Delete).0, StepState::Skipped);
        let failure = removal(&op).failure.as_ref().unwrap();
        assert!(failure.message.contains("Pre-delete hook Job eu-dump failed"), "{failure:?}");
        assert!(failure.cluster_state.starts_with("No object of the release was deleted"));
        assert!(text.contains("dumping orders"), "attempt {attempt}:\n{text}");
        let shown = environment(&site.control, "eu").await;
        let now = (shown.state, shown.status);
        assert_eq!(now, (EnvironmentState::Deleting, EnvironmentStatus::RemovalFailed));
    }
    assert_eq!(objects(&site).await, ["eu", "eu-web"]);
    let kept = site.control.environment_keep(&system(), "eu").await.unwrap();
    assert_eq!((kept.state, kept.status), (EnvironmentState::Active, EnvironmentStatus::Running));

    let mended = deploy(&site, "broken: false\n", OnFailure::Leave).await;
    let op = ended(&site.control, mended.op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(&site.control, op.id).await);
    let asked = remove(&site.control, "eu").await.unwrap();
    let op = ended(&site.control, asked.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(&site.control, op.id).await);
    assert!(objects(&site).await.is_empty());
    workers.stop().await;
}

/// Cancelled while its first hook runs, a removal leaves an environment that lives on.
async fn cancelled_before_anything_was_deleted(site: Site) {
    site.ground_with(&[DUMP]).await;
    let workers = site.control.start_workers();
    deployed(&site, "dump: 300s\n").await;
    let asked = remove(&site.control, "eu").await.unwrap();
    until_step(&site.control, asked.id, StepName::PreHooks).await;
    site.control.op_cancel(&system(), asked.id).await.unwrap();
    let op = ended(&site.control, asked.id).await;
    assert_eq!(op.state, OpState::Cancelled, "{}", log(&site.control, op.id).await);
    let failure = removal(&op).failure.as_ref().unwrap();
    assert_eq!(failure.remedy, "The environment lives on.");
    let shown = environment(&site.control, "eu").await;
    assert_eq!((shown.state, shown.status), (EnvironmentState::Active, EnvironmentStatus::Running));
    assert_eq!(objects(&site).await, ["eu", "eu-web"]);
    workers.stop().await;
}

/// What is still there when the time is over fails the removal by its name and by what holds it. It cannot be kept any more,
/// but removed again, or forgotten.
async fn what_does_not_go_is_named(site: Site) {
    site.ground_with(&[HELD]).await;
    let change = crate::app::SettingsChange {
        wait_seconds: Some(5),
        ..crate::app::SettingsChange::default()
    };
    site.control.app_change_settings(&system(), "shop", change).await.unwrap();
    let workers = site.control.start_workers();
    let eu = deployed(&site, "held: true\n").await;
    let asked = remove(&site.control, "eu").await.unwrap();
    let op = ended(&site.control, asked.id).await;
    let text = log(&site.control, op.id).await;
    assert_eq!(op.state, OpState::Failed, "{text}");
    let failure = removal(&op).failure.as_ref().unwrap();
    assert_eq!(
        failure.message,
        "Still there 5 s after it was deleted: ConfigMap/shop-eu/eu-held (waits for its finalizers: example.org/backup)."
    );
    assert_eq!(records(&site).await, ["sh.helm.release.v1.eu.v1"], "it can be uninstalled again");
    let keeping = site.control.environment_keep(&system(), "eu").await;
    let Err(Error::Conflict { what, .. }) = keeping else { panic!("{keeping:?}") };
    assert_eq!(what, "Objects of `eu` have been deleted already.");
    assert!(site.control.removal_outline(&system(), "eu").await.unwrap().begun);

    let how = RemoveEnvironment { forget: true, reason: String::new() };
    let asked = site.control.environment_remove(&system(), "eu", &how).await.unwrap();
    let op = ended(&site.control, asked.id).await;
    assert_eq!(op.state, OpState::Succeeded);
    let gone = environment(&site.control, &eu.id.to_string()).await;
    assert_eq!(gone.state, EnvironmentState::Deleted);
    workers.stop().await;
}

/// Forgetting asks no cluster and says what it leaves.
async fn only_forgotten(site: Site) {
    site.ground().await;
    let workers = site.control.start_workers();
    let eu = deployed(&site, "").await;
    let how = RemoveEnvironment { forget: true, reason: String::new() };
    let asked = site.control.environment_remove(&system(), "eu", &how).await.unwrap();
    let op = ended(&site.control, asked.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(&site.control, op.id).await);
    let left = &removal(&op).left;
    assert_eq!(left.forgotten, ["Deployment/eu-web", "ConfigMap/eu"]);
    assert!(left.notes[0].contains("`helm uninstall eu -n shop-eu`"), "{left:?}");
    assert_eq!(objects(&site).await, ["eu", "eu-web"]);
    assert_eq!(records(&site).await.len(), 1);
    let gone = environment(&site.control, &eu.id.to_string()).await;
    assert_eq!(gone.state, EnvironmentState::Deleted);
    workers.stop().await;
}

/// Production is removed by who may write there; others may not, or do not see it.
async fn only_who_may(site: Site) {
    site.ground().await;
    site.environment("prod", "production").await;
    site.environment("try", "sandbox").await;
    let how = RemoveEnvironment::default();
    let developer = site.person(Role::Developer).await;
    let refused = site.control.environment_remove(&developer, "prod", &how).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "your role developer does not allow you to remove production environments. Administrator or Operations can."
    );
    let qa = site.person(Role::Qa).await;
    let hidden = site.control.environment_remove(&qa, "prod", &how).await;
    assert!(matches!(hidden, Err(Error::NotFound { .. })), "{hidden:?}");
    let op = site.control.environment_remove(&qa, "try", &how).await.unwrap();
    assert_eq!(removal(&op).by.name, "qa");
    let operations = site.person(Role::Operations).await;
    let op = site.control.environment_remove(&operations, "prod", &how).await.unwrap();
    let hidden = site.control.op_get(&qa, op.id).await;
    assert!(matches!(hidden, Err(Error::NotFound { .. })), "{hidden:?}");
    assert_eq!(with_status(&site.control, &qa, EnvironmentStatus::Deleting).await, ["try"]);
}

/// A Helm release of the same name and place that no deployment of the environment made stays.
async fn a_release_of_others_is_left_alone(site: Site) {
    site.ground().await;
    let workers = site.control.start_workers();
    deployed(&site, "").await;
    let how = RemoveEnvironment { forget: true, reason: String::new() };
    let forgotten = site.control.environment_remove(&system(), "eu", &how).await.unwrap();
    ended(&site.control, forgotten.id).await;
    workers.stop().await;

    site.environment_made_blindly("eu").await;
    let asked = remove(&site.control, "eu").await.unwrap();
    let workers = site.control.start_workers();
    let op = ended(&site.control, asked.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(&site.control, op.id).await);
    assert_eq!(step(&op, StepName::Check), (StepState::Done, "revision 1 of others"));
    assert_eq!(removal(&op).left.notes.len(), 1);
    assert_eq!(objects(&site).await, ["eu", "eu-web"]);
    assert_eq!(records(&site).await.len(), 1);
    workers.stop().await;
}

/// A process killed at any step of a removal: another takes it up, everything is gone in the end, no hook ran twice.
#[test]
fn killed_at_every_step() {
    let runtime = runtime();
    let site = runtime.block_on(async {
        let mut site = Site::sqlite().await;
        site.ground_with(&[KEPT, DUMP]).await;
        site.config.workers.lease = Duration::from_millis(900);
        site
    });
    for (n, step) in crate::op::REMOVE_STEPS.iter().enumerate() {
        let name = format!("env{n}");
        let op = runtime.block_on(async {
            let control = Control::open(site.config.clone()).await.unwrap();
            let workers = control.start_workers();
            let (_, started) = site.environment(&name, "sandbox").await;
            ended(&control, started.op.id).await;
            workers.stop().await;
            remove(&control, &name).await.unwrap().id
        });
        carry_out_and_be_killed(&site, op, *step);
        runtime.block_on(async {
            let (ended, text) = taken_up(&site, op).await;
            assert_eq!(ended.state, OpState::Succeeded, "killed at {step}:\n{text}");
            assert!(records(&site).await.is_empty(), "killed at {step}");
            let kept = format!("{name}-kept");
            let left = objects(&site).await;
            let left: Vec<&String> = left.iter().filter(|o| o.starts_with(&name)).collect();
            assert_eq!(left, [&kept], "killed at {step}");
            assert_eq!(removal(&ended).left.kept, [format!("ConfigMap/shop-{name}/{kept}")]);
            for line in ["dump finished (exit code 0)", "goodbye finished (exit code 0)"] {
                assert_eq!(text.matches(line).count(), 1, "killed at {step}: {line}\n{text}");
            }
        });
    }
}
