//! Previews over a fleet: what they are compared with, how they are grouped, who sees what of them, and who answers them.

use tokio_util::sync::CancellationToken;

use super::on_both;
use super::site::{Site, chart_with, new_environment, new_release};
use super::work::ended;
use crate::actor::Actor;
use crate::app::{NewValues, SettingsChange};
use crate::environment::NewEnvironment;
use crate::error::Error;
use crate::fleet::{ChangeGroup, FleetPreview, FleetPreviewState, GroupKind, NewFleetPreview};
use crate::names::EnvironmentName;
use crate::release::NewRelease;
use crate::rights::Role;
use crate::store::paging::PageRequest;
use crate::store::sql::sql;

on_both!(
    grouped_by_equal_change,
    a_worker_that_dies_in_the_middle,
    cancelled_and_overtaken,
    only_what_the_asker_may_see,
    a_save_is_of_what_was_seen,
);

fn system() -> Actor {
    Actor::system()
}

/// Beside the Deployment and the `ConfigMap` of the test chart: a limit that some environments have, a database that
/// restarts, a password that is drawn, and one that is looked up.
const FILES: [(&str, &str); 3] = [
    (
        "templates/limit.yaml",
        "{{- if gt (int .Values.replicas) (int (default 9 .Values.limit)) }}{{ fail (printf \"%s: over the limit\" .Release.Name) }}{{ end }}",
    ),
    (
        "templates/db.yaml",
        "{{- if .Values.db }}\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: \"{{ .Release.Name }}-db\"}\nspec:\n  \
         replicas: 1\n  serviceName: db\n  selector: {matchLabels: {app: db}}\n  template:\n    metadata: {labels: {app: db}}\n    \
         spec: {containers: [{name: db, image: \"db:{{ .Values.replicas }}\"}]}\n{{- end }}\n",
    ),
    (
        "templates/secret.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: \"{{ .Release.Name }}-keys\"}\ndata:\n  drawn: {{ randAlphaNum 12 | b64enc }}\n  \
         level: {{ .Values.greeting | b64enc }}\n",
    ),
];

/// Environments that run on the simulated cluster, each with values of its own.
async fn fleet(site: &Site, environments: &[(&str, &str, &str)]) {
    site.app("shop").await;
    let archive = Some(chart_with("1.0.0", &FILES));
    let new = NewRelease { archive, ..new_release("shop", "1.0") };
    site.control.release_add(&system(), new).await.unwrap();
    site.cluster("demo").await;
    let workers = site.control.start_workers();
    let mut ops = Vec::new();
    for (name, kind, values) in environments {
        let new = NewEnvironment { values: (*values).to_owned(), ..new_environment(name, kind) };
        ops.push(site.control.environment_create(&system(), new).await.unwrap().1.op.id);
    }
    for op in ops {
        assert_eq!(ended(&site.control, op).await.state, crate::op::OpState::Succeeded);
    }
    workers.stop().await;
}

async fn ask(site: &Site, actor: &Actor, values: &str) -> FleetPreview {
    let new = NewFleetPreview { values: values.to_owned(), ..NewFleetPreview::default() };
    site.control.fleet_preview(actor, "shop", new).await.unwrap()
}

/// Does what workers do until nothing is left to do.
async fn work(site: &Site) {
    while site.control.fleet_turn(&CancellationToken::new()).await.unwrap() {}
}

async fn answered(site: &Site, actor: &Actor, values: &str) -> FleetPreview {
    let asked = ask(site, actor, values).await;
    work(site).await;
    site.control.fleet_preview_get(actor, asked.id).await.unwrap()
}

fn told(group: &ChangeGroup) -> String {
    let names: Vec<&str> = group.names.iter().map(EnvironmentName::as_str).collect();
    let ChangeGroup { kind, environments, production, title, summary, .. } = group;
    format!("{environments} ({production}) {kind}: {title} | {summary} | {}", names.join(", "))
}

fn groups(preview: &FleetPreview) -> String {
    preview.groups.iter().map(told).collect::<Vec<_>>().join("\n")
}

const SEVEN: [(&str, &str, &str); 7] = [
    ("a", "sandbox", ""),
    ("b", "production", ""),
    ("c", "sandbox", "db: true\n"),
    ("d", "production", "replicas: 5\n"),
    ("e", "production", "limit: 1\n"),
    ("f", "sandbox", "limit: 2\n"),
    ("h", "sandbox", ""),
];

/// Environments that change alike are one group, whatever they are called; what cannot be rendered says why, alike, too.
async fn grouped_by_equal_change(site: Site) {
    fleet(&site, &SEVEN).await;
    let held = site.control.environment_get(&system(), "h").await.unwrap();
    sql("UPDATE environments SET holds_app_values = 0 WHERE id = $1")
        .bind(held.id)
        .run(site.control.db().write(), "hold")
        .await
        .unwrap();
    site.environment("never", "sandbox").await;
    let preview = answered(&site, &system(), "replicas: 3\n").await;
    assert_eq!((preview.state, preview.done, preview.total), (FleetPreviewState::Done, 6, 6));
    assert_eq!((preview.failing, preview.waiting), (2, 0));
    insta::allow_duplicates! {
        insta::assert_snapshot!(groups(&preview), @"
        2 (1) not_rendered: cannot be rendered | execution error at (shop/templates/limit.yaml:1:70): e: over the limit
        Correct the values, or release a chart that renders with them. | e, f
        1 (0) interrupts: db restarts | One replica: it is down meanwhile. Changes replicas and image. ConfigMap and Deployment change. What is drawn anew with every deployment, such as passwords, is left out. | c
        2 (1) changes: replicas only | ConfigMap and Deployment change. What is drawn anew with every deployment, such as passwords, is left out. | a, b
        1 (1) unchanged: nothing changes | No object changes: their own values win, or nothing uses what changes. What is drawn anew with every deployment, such as passwords, is left out. | d
        1 (0) holds: hold | Nothing happens there until someone deploys. | h
        1 (0) not_deployed: not deployed yet | No deployment by Landfall has succeeded there. Nothing happens until someone deploys. | never
        ");
    }
    let changes = preview.groups.iter().find(|group| group.kind == GroupKind::Changes).unwrap();
    let objects: Vec<String> =
        changes.objects.iter().map(|object| object.key.to_string()).collect();
    assert_eq!(objects, ["ConfigMap/a", "Deployment/a-web"]);
    let diff = changes.objects[0].diff.as_ref().unwrap().to_string();
    assert!(diff.contains("+  replicas: \"3\""), "{diff}");
    let page = PageRequest::default();
    let listed =
        site.control.fleet_preview_environments(&system(), preview.id, &changes.key, &page).await;
    let names: Vec<String> = listed.unwrap().items.iter().map(|it| it.name.to_string()).collect();
    assert_eq!(names, ["a", "b"]);
    // The Secret changes, and neither its values nor what the App calls secret are shown.
    let mask = SettingsChange {
        masked_values: Some(vec!["greeting".to_owned()]),
        ..SettingsChange::default()
    };
    site.control.app_change_settings(&system(), "shop", mask).await.unwrap();
    let preview = answered(&site, &system(), "greeting: confidential\n").await;
    let shown = serde_json::to_string(&preview.groups).unwrap();
    assert!(shown.contains("Secret") && !shown.contains("confidential"), "{shown}");
    assert!(!shown.contains("Y29uZmlkZW50aWFs"), "{shown}");
}

/// What a worker had found before it died stays; another goes on from there, and nothing counts twice.
async fn a_worker_that_dies_in_the_middle(site: Site) {
    fleet(&site, &SEVEN).await;
    let asked = ask(&site, &system(), "replicas: 3\n").await;
    assert_eq!(site.control.fleet_turn_that_dies(3).await.unwrap(), 3);
    let half = site.control.fleet_preview_get(&system(), asked.id).await.unwrap();
    assert_eq!((half.state, half.done, half.total), (FleetPreviewState::Running, 3, 7));
    work(&site).await;
    let whole = site.control.fleet_preview_get(&system(), asked.id).await.unwrap();
    assert_eq!((whole.state, whole.done), (FleetPreviewState::Done, 7));
    let sum: i64 = whole.groups.iter().map(|group| group.environments).sum();
    assert_eq!(sum, 7);
    let fresh = answered(&site, &system(), "replicas: 3\n").await;
    assert_eq!(groups(&whole), groups(&fresh));
}

/// A cancelled preview is not gone on with; a newer question of the same person cancels the one before, another's does not.
async fn cancelled_and_overtaken(site: Site) {
    fleet(&site, &SEVEN[..2]).await;
    let operations = site.person(Role::Operations).await;
    let first = ask(&site, &operations, "replicas: 3\n").await;
    let others = ask(&site, &system(), "replicas: 4\n").await;
    let second = ask(&site, &operations, "replicas: 5\n").await;
    site.control.fleet_preview_cancel(&system(), others.id).await.unwrap();
    let again = site.control.fleet_preview_cancel(&system(), others.id).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
    work(&site).await;
    let state = async |id| site.control.fleet_preview_get(&system(), id).await.unwrap().state;
    assert_eq!(state(first.id).await, FleetPreviewState::Cancelled);
    assert_eq!(state(others.id).await, FleetPreviewState::Cancelled);
    assert_eq!(state(second.id).await, FleetPreviewState::Done);
}

/// QA asks about sandbox environments and sees no preview of others; a Developer is told what will wait.
async fn only_what_the_asker_may_see(site: Site) {
    fleet(&site, &SEVEN[..3]).await;
    let qa = site.person(Role::Qa).await;
    let developer = site.person(Role::Developer).await;
    let of_qa = answered(&site, &qa, "replicas: 3\n").await;
    assert_eq!(
        (of_qa.total, of_qa.groups.iter().map(|group| group.production).sum::<i64>()),
        (2, 0)
    );
    let of_developer = answered(&site, &developer, "replicas: 3\n").await;
    assert_eq!((of_developer.total, of_developer.waiting), (3, 1));
    let missing = site.control.fleet_preview_get(&qa, of_developer.id).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })), "{missing:?}");
    assert!(site.control.fleet_preview_get(&developer, of_qa.id).await.is_ok());
}

/// A save that names a preview is of exactly what that was of; what would fail comes last.
async fn a_save_is_of_what_was_seen(site: Site) {
    fleet(&site, &[("a", "sandbox", "limit: 1\n"), ("b", "sandbox", ""), ("p", "production", "")])
        .await;
    let seen = answered(&site, &system(), "replicas: 3\n").await;
    let save = async |values: &str| {
        let new =
            NewValues { values: values.to_owned(), preview: Some(seen.id), ..NewValues::default() };
        site.control.app_update_values(&system(), "shop", new).await
    };
    let other = save("replicas: 4\n").await;
    assert!(matches!(other, Err(Error::Conflict { .. })), "{other:?}");
    let saved = save("replicas: 3\n").await.unwrap();
    let batch = saved.batch.unwrap();
    let members = site.control.batch_members(&system(), batch, None, &PageRequest::default()).await;
    let names: Vec<String> =
        members.unwrap().items.iter().map(|it| it.environment.name.to_string()).collect();
    assert_eq!(names, ["b", "p", "a"]);
    let again = save("replicas: 3\n").await.unwrap();
    assert_eq!((again.revision.revision, again.batch), (1, None));
    let stale = save("replicas: 3\n\n").await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "{stale:?}");
}
