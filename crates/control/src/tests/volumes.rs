//! Backups that hold snapshots of volumes: made, put back, cloned, deleted, on a simulated cluster with a stand-in for its
//! snapshot controller.

use std::time::Duration;

use fixture::SnapshotController;
use fixture::snapshots::DRIVER;
use serde_json::Value;

use super::backups::{back_up, complete, environment, system};
use super::on_both;
use super::site::{Site, new_environment, problems};
use super::work::{carry_out_and_be_killed, ended, log, runtime, taken_up};
use crate::backup::{BackupMethod, ChangeMethods, MethodKind, NewBackup, RestoreBackup};
use crate::deployment::{NewDeployment, Trigger};
use crate::environment::{NewEnvironment, RemoveEnvironment};
use crate::error::Error;
use crate::op::OpState;
use crate::store::sql::sql;

on_both!(
    volumes_are_snapshotted_and_put_back,
    a_clone_gets_the_volumes,
    snapshots_go_with_their_backup,
    what_cannot_be_done_is_told_before_anything_is_changed,
    each_kind_has_its_own_fields,
);

/// A `StatefulSet` of two pods with a claim each, as many as the values say.
const DB: (&str, &str) = (
    "templates/db.yaml",
    "apiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  name: {{ .Release.Name }}-db\nspec:\n  \
     replicas: {{ .Values.dbs | default 2 }}\n  serviceName: db\n  selector: {matchLabels: {of: {{ .Release.Name }}}}\n  \
     template:\n    metadata:\n      labels: {of: {{ .Release.Name }}}\n    spec:\n      containers:\n      - {name: db, image: shop/db}\n  \
     volumeClaimTemplates:\n  - metadata: {name: data}\n    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n",
);

/// A claim of the chart's own, used by a Deployment; its label changes with the values.
const FILES: (&str, &str) = (
    "templates/files.yaml",
    "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: {{ .Release.Name }}-files\n  labels: {of: {{ .Release.Name }}, greeting: {{ .Values.greeting }}}\nspec:\n  \
     accessModes: [ReadWriteMany]\n  resources: {requests: {storage: 3Gi}}\n---\n\
     apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}-files\nspec:\n  replicas: 1\n  \
     selector: {matchLabels: {files: {{ .Release.Name }}}}\n  template:\n    metadata:\n      labels: {files: {{ .Release.Name }}}\n    spec:\n      \
     containers:\n      - {name: web, image: shop/web}\n      volumes:\n      - {name: files, persistentVolumeClaim: {claimName: {{ .Release.Name }}-files}}\n",
);

fn method() -> BackupMethod {
    BackupMethod {
        name: "volumes".to_owned(),
        kind: MethodKind::Volumes,
        selector: "of={release}".to_owned(),
        timeout_seconds: 60,
        ..BackupMethod::default()
    }
}

/// App `shop` with volumes and a method for them, and what makes snapshots on its cluster.
async fn ground(site: &Site) -> SnapshotController {
    site.ground_with(&[DB, FILES]).await;
    declare(site, vec![method()]).await.unwrap();
    let (url, ca, token) = site.simulator_access().await;
    SnapshotController::start_at(&url, ca.as_bytes(), &token).await
}

async fn declare(site: &Site, methods: Vec<BackupMethod>) -> Result<(), Error> {
    let change = ChangeMethods { methods, based_on: None };
    site.control.app_change_backup_methods(&system(), "shop", change).await.map(drop)
}

/// Restores the first backup of `eu`, and how that ended.
async fn restore(site: &Site, to: &str) -> (OpState, String) {
    let how = RestoreBackup { to: to.to_owned(), ..RestoreBackup::default() };
    let asked = site.control.backup_restore(&system(), "eu", 1, how).await.unwrap();
    let op = ended(&site.control, asked.op.id).await;
    (op.state, log(&site.control, op.id).await)
}

async fn named(site: &Site, resource: &str, name: &str) -> Value {
    let all = site.objects(resource).await;
    let found = all.into_iter().find(|it| it["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("there is no {name}"))
}

async fn snapshots(site: &Site) -> Vec<Value> {
    site.objects("volumesnapshots.snapshot.storage.k8s.io").await
}

const CLAIMS: [&str; 3] = ["data-eu-db-0", "data-eu-db-1", "eu-files"];

/// What uses the claims of `eu`, with its replicas.
const WORKLOADS: [(&str, &str, i64); 2] =
    [("statefulsets.apps", "eu-db", 2), ("deployments.apps", "eu-files", 1)];

/// Each claim of the labels has a snapshot; a restore makes the claims anew of them, and everything runs as before. Who
/// deploys afterwards meets no conflict.
async fn volumes_are_snapshotted_and_put_back(site: Site) {
    let _controller = ground(&site).await;
    let workers = site.control.start_workers();
    environment(&site, "eu").await;
    let made = complete(&site, "eu").await;
    let part = &made.parts[0];
    assert_eq!(
        (part.kind, part.bytes, part.stored_bytes),
        (MethodKind::Volumes, Some(5 << 30), None)
    );
    assert_eq!((made.backup.bytes, made.backup.stored_bytes), (5 << 30, 0));
    let claims: Vec<&str> = part.snapshots.iter().map(|it| it.claim.as_str()).collect();
    assert_eq!(claims, CLAIMS);
    for kept in &part.snapshots {
        let live = named(&site, "volumesnapshots.snapshot.storage.k8s.io", &kept.snapshot).await;
        assert_eq!(live["spec"]["source"]["persistentVolumeClaimName"], kept.claim);
        assert_eq!(live["metadata"]["labels"]["landfall.dev/backup"], made.backup.id.to_string());
        assert_eq!((kept.driver.as_str(), kept.handle.starts_with("snap-")), (DRIVER, true));
    }
    let text = log(&site.control, made.backup.op.id).await;
    assert!(text.contains("volumes: 3 snapshots, 5.4 GB"), "{text}");

    let before = named(&site, "persistentvolumeclaims", "eu-files").await;
    let (state, text) = restore(&site, "").await;
    assert_eq!(state, OpState::Succeeded, "{text}");
    assert!(
        text.contains("/eu-db scaled from 2 to 0") && text.contains("/eu-db scaled back to 2"),
        "{text}"
    );
    for kept in &part.snapshots {
        let claim = named(&site, "persistentvolumeclaims", &kept.claim).await;
        assert_eq!(claim["spec"]["dataSource"]["name"], kept.snapshot, "{text}");
        assert_eq!(claim["status"]["phase"], "Bound");
    }
    let after = named(&site, "persistentvolumeclaims", "eu-files").await;
    assert_ne!(before["metadata"]["uid"], after["metadata"]["uid"]);
    for (resource, name, replicas) in WORKLOADS {
        let live = named(&site, resource, name).await;
        assert_eq!(live["spec"]["replicas"], replicas, "{text}");
        assert!(!live["metadata"].to_string().contains("landfall.dev/scaled"), "{live:#}");
    }
    let own = NewDeployment {
        values: Some("greeting: changed\ndbs: 1\n".to_owned()),
        ..NewDeployment::default()
    };
    let own = site.control.deployment_create(&system(), "eu", own).await.unwrap();
    let op = ended(&site.control, own.op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(&site.control, op.id).await);
    let changed = named(&site, "persistentvolumeclaims", "eu-files").await;
    assert_eq!(changed["metadata"]["labels"]["greeting"], "changed");
    assert_eq!(changed["metadata"]["uid"], after["metadata"]["uid"]);
    assert_eq!(changed["spec"]["dataSource"], after["spec"]["dataSource"]);
    workers.stop().await;
}

/// Another environment's claims are made of the snapshots; nothing of how they were handed over is left.
async fn a_clone_gets_the_volumes(site: Site) {
    let _controller = ground(&site).await;
    let workers = site.control.start_workers();
    for name in ["eu", "us"] {
        environment(&site, name).await;
    }
    complete(&site, "eu").await;
    let own = named(&site, "persistentvolumeclaims", "data-eu-db-0").await;
    let (state, text) = restore(&site, "us").await;
    assert_eq!(state, OpState::Succeeded, "{text}");
    for claim in ["data-us-db-0", "data-us-db-1", "us-files"] {
        let claim = named(&site, "persistentvolumeclaims", claim).await;
        assert!(
            claim["spec"]["dataSource"].is_object() && claim["status"]["phase"] == "Bound",
            "{claim:#}"
        );
        assert_eq!(claim["metadata"]["labels"]["of"], "us");
    }
    let untouched = named(&site, "persistentvolumeclaims", "data-eu-db-0").await;
    assert_eq!(own["metadata"]["uid"], untouched["metadata"]["uid"]);
    assert_eq!(named(&site, "statefulsets.apps", "us-db").await["spec"]["replicas"], 2);
    assert_eq!(snapshots(&site).await.len(), 3);

    // On another cluster the snapshots are not.
    site.cluster("other").await;
    let far = NewEnvironment { cluster: "other".to_owned(), ..new_environment("far", "sandbox") };
    let (_, started) = site.control.environment_create(&system(), far).await.unwrap();
    ended(&site.control, started.op.id).await;
    let how = RestoreBackup { to: "far".to_owned(), ..RestoreBackup::default() };
    let refused = site.control.backup_restore(&system(), "eu", 1, how).await;
    assert_eq!(
        problems(refused),
        "to: Backup 1 of eu holds snapshots of volumes, which stay in their cluster; far is on another one. \
         Choose an environment on the same cluster, or back the data up by commands."
    );
    workers.stop().await;
}

/// Clears backups away until there is nothing to do.
async fn clear_away(control: &crate::Control) {
    while control.backups_pass().await.unwrap() {}
}

/// How many backups wait to be cleared away.
async fn waiting(site: &Site) -> i64 {
    sql("SELECT COUNT(*) AS many FROM backups WHERE purge_at IS NOT NULL")
        .one(site.control.db().read(), "count", |row| row.get("many"))
        .await
        .unwrap()
        .unwrap()
}

/// A deleted backup's snapshots go, and those of one that never became whole; a cluster that is away is asked again later, and
/// that of a forgotten environment is let go of.
async fn snapshots_go_with_their_backup(site: Site) {
    let _controller = ground(&site).await;
    let workers = site.control.start_workers();
    environment(&site, "eu").await;
    complete(&site, "eu").await;
    complete(&site, "eu").await;
    workers.stop().await;
    let deleted = site.control.backup_delete(&system(), "eu", 1).await.unwrap();
    site.away(true);
    clear_away(&site.second_process().await).await;
    assert_eq!((snapshots(&site).await.len(), waiting(&site).await), (6, 1));
    site.away(false);
    // It is not its turn yet.
    clear_away(&site.control).await;
    assert_eq!(waiting(&site).await, 1);
    let due = sql("UPDATE backups SET purge_at = 1 WHERE purge_at IS NOT NULL");
    due.run(site.control.db().write(), "make it due").await.unwrap();
    clear_away(&site.control).await;
    let left = snapshots(&site).await;
    let gone = deleted.backup.id.to_string();
    assert!(
        left.len() == 3
            && left.iter().all(|it| it["metadata"]["labels"]["landfall.dev/backup"] != gone),
        "{left:#?}"
    );
    assert_eq!(waiting(&site).await, 0);

    let broken =
        BackupMethod { snapshot_class: "broken".to_owned(), timeout_seconds: 1, ..method() };
    declare(&site, vec![broken]).await.unwrap();
    let workers = site.control.start_workers();
    let failed = back_up(&site, "eu").await;
    let failure = failed.failure.unwrap();
    assert!(failure.message.starts_with("Method volumes: VolumeSnapshot/"), "{}", failure.message);
    assert!(
        failure.message.ends_with("failed: the storage has no room for snapshots."),
        "{}",
        failure.message
    );
    workers.stop().await;
    clear_away(&site.control).await;
    assert_eq!((snapshots(&site).await.len(), waiting(&site).await), (3, 0));

    let workers = site.control.start_workers();
    let forget = RemoveEnvironment { forget: true, ..RemoveEnvironment::default() };
    let id = site.control.environment_get(&system(), "eu").await.unwrap().id.to_string();
    let op = site.control.environment_remove(&system(), "eu", &forget).await.unwrap();
    assert_eq!(ended(&site.control, op.id).await.state, OpState::Succeeded);
    workers.stop().await;
    site.control.backup_delete(&system(), &id, 2).await.unwrap();
    clear_away(&site.control).await;
    assert_eq!((snapshots(&site).await.len(), waiting(&site).await), (3, 0));
}

/// What is wrong with labels, claims and whoever uses them is found before anything is changed.
async fn what_cannot_be_done_is_told_before_anything_is_changed(site: Site) {
    site.ground_with(&[DB, FILES]).await;
    declare(&site, vec![method()]).await.unwrap();
    let workers = site.control.start_workers();
    environment(&site, "eu").await;
    let told = async |site: &Site| back_up(site, "eu").await.failure.unwrap();
    let failure = told(&site).await;
    assert_eq!(
        failure.message,
        "Method volumes: Cluster `demo` has no VolumeSnapshot API (snapshot.storage.k8s.io/v1)."
    );
    assert!(
        failure.remedy.starts_with("Install the CSI snapshot controller"),
        "{}",
        failure.remedy
    );
    let (url, ca, token) = site.simulator_access().await;
    let _controller = SnapshotController::start_at(&url, ca.as_bytes(), &token).await;
    declare(&site, vec![BackupMethod { selector: "of=nobody".to_owned(), ..method() }])
        .await
        .unwrap();
    let namespace = site.control.environment_get(&system(), "eu").await.unwrap().namespace;
    assert_eq!(
        told(&site).await.message,
        format!(
            "Method volumes: No PersistentVolumeClaim with the labels of=nobody is in namespace {namespace}."
        )
    );
    let twice = BackupMethod { name: "again".to_owned(), ..method() };
    declare(&site, vec![method(), twice]).await.unwrap();
    assert_eq!(
        told(&site).await.message,
        "Methods volumes and again both have PersistentVolumeClaim data-eu-db-0."
    );
    assert_eq!(snapshots(&site).await.len(), 0);
    workers.stop().await;
}

/// A method of volumes has no commands, one of commands no class; what was stored before there were kinds is commands.
async fn each_kind_has_its_own_fields(site: Site) {
    site.ground().await;
    let wrong = [
        BackupMethod {
            backup: vec!["tar".to_owned()],
            container: "db".to_owned(),
            snapshot_class: "A b".to_owned(),
            selector: String::new(),
            ..method()
        },
        BackupMethod { snapshot_class: "fast".to_owned(), ..super::backups::method() },
    ];
    let told = [
        "methods.0.selector: Nothing says whose volumes they are. Name labels of the PersistentVolumeClaims, such as \
         app.kubernetes.io/instance={release}.",
        "methods.0.container: Volumes are snapshotted by the cluster: no command runs. Leave it out, or let the kind of the method be commands.",
        "methods.0.backup: Volumes are snapshotted by the cluster: no command runs. Leave it out, or let the kind of the method be commands.",
        "methods.0.snapshot_class: This is not a class's name. Name a VolumeSnapshotClass: `kubectl get volumesnapshotclasses` lists them.",
        "methods.1.snapshot_class: Commands make no snapshots. Leave it out, or let the kind of the method be volumes.",
    ];
    assert_eq!(problems(declare(&site, wrong.to_vec()).await), told.join("\n"));
    let stored = r#"[{"name":"database","selector":"app=db","container":"","backup":["dump"],"restore":["load"],"timeout_seconds":60}]"#;
    let store = sql("UPDATE apps SET backup_methods = $1").bind(stored);
    store.run(site.control.db().write(), "store what an older version did").await.unwrap();
    let read = site.control.app_backup_methods(&system(), "shop").await.unwrap().methods;
    assert_eq!((read[0].kind, read[0].snapshot_class.as_str()), (MethodKind::Commands, ""));
}

/// A process killed at any step of a backup and of a restore of volumes: another takes the Op up, each claim has one snapshot,
/// and what runs has as many replicas as before.
#[test]
fn killed_at_every_step() {
    let runtime = runtime();
    let (site, _controller) = runtime.block_on(async {
        let mut site = Site::sqlite().await;
        let controller = ground(&site).await;
        site.config.workers.lease = Duration::from_millis(900);
        let workers = site.control.start_workers();
        environment(&site, "eu").await;
        workers.stop().await;
        (site, controller)
    });
    let mut made = 0;
    for step in crate::op::BACKUP_STEPS {
        let asked = runtime
            .block_on(site.control.backup_create(&system(), "eu", NewBackup::default()))
            .unwrap();
        made = asked.number;
        carry_out_and_be_killed(&site, asked.op.id, *step);
        runtime.block_on(async {
            let (ended, text) = taken_up(&site, asked.op.id).await;
            assert_eq!(ended.state, OpState::Succeeded, "killed at {step}:\n{text}");
            let shown = site.control.backup_get(&system(), "eu", made).await.unwrap();
            assert_eq!(shown.parts[0].snapshots.len(), 3, "killed at {step}");
            let many = usize::try_from(made).unwrap();
            assert_eq!(snapshots(&site).await.len(), many * 3, "killed at {step}");
        });
    }
    for step in crate::op::deploy_steps(Trigger::BackupRestored, false) {
        let how = RestoreBackup::default();
        let asked = runtime.block_on(site.control.backup_restore(&system(), "eu", made, how));
        let op = asked.unwrap().op.id;
        carry_out_and_be_killed(&site, op, step);
        runtime.block_on(async {
            let (ended, text) = taken_up(&site, op).await;
            assert_eq!(ended.state, OpState::Succeeded, "killed at {step}:\n{text}");
            for (resource, name, replicas) in WORKLOADS {
                let live = named(&site, resource, name).await;
                assert_eq!(live["spec"]["replicas"], replicas, "killed at {step}:\n{text}");
            }
            for claim in CLAIMS {
                let claim = named(&site, "persistentvolumeclaims", claim).await;
                assert_eq!(claim["status"]["phase"], "Bound", "killed at {step}:\n{text}");
            }
        });
    }
}
