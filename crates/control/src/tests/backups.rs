//! Backups made, restored, cloned, scheduled and deleted, with shell scripts that stand in for the database's commands:
//! the "database" of an environment is a file.

use std::path::PathBuf;
use std::time::Duration;

use super::on_both;
use super::site::{Site, problems};
use super::work::{carry_out_and_be_killed, deploy, ended, log, runtime, taken_up};
use crate::actor::Actor;
use crate::backup::{
    BackupCause, BackupDetail, BackupMethod, BackupState, ChangeMethods, ChangeSchedule, NewBackup,
    RestoreBackup,
};
use crate::deployment::{DeploymentState, OnFailure, Trigger};
use crate::error::Error;
use crate::op::{OpState, StepName};
use crate::rights::Role;
use crate::store::paging::PageRequest;
use crate::store::sql::sql;

on_both!(
    what_was_deleted_is_back,
    a_clone_keeps_its_own_values,
    restored_where_the_asker_may_write,
    a_command_that_fails_makes_no_backup,
    damage_is_found_and_told,
    made_by_itself_and_kept_so_many,
    deleted_with_its_data,
    methods_are_checked_and_guarded,
);

/// A workload whose pods say which programs answer, by the environment's own values.
const DB: (&str, &str) = (
    "templates/db.yaml",
    "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}-db\nspec:\n  \
     selector: {matchLabels: {app: db, of: {{ .Release.Name }}}}\n  template:\n    metadata:\n      \
     labels: {app: db, of: {{ .Release.Name }}}\n      annotations:\n        \
     simulator.landfall.dev/exec: dump={{ .Release.Name }}-dump load={{ .Release.Name }}-load\n    spec:\n      \
     containers:\n      - {name: db, image: shop/db}\n",
);

pub(super) fn system() -> Actor {
    Actor::system()
}

pub(super) fn method() -> BackupMethod {
    BackupMethod {
        name: "database".to_owned(),
        selector: "app=db,of={release}".to_owned(),
        container: String::new(),
        backup: vec!["dump".to_owned(), "shop".to_owned()],
        restore: vec!["load".to_owned(), "shop".to_owned()],
        timeout_seconds: 60,
        ..BackupMethod::default()
    }
}

/// The file that is the database of an environment.
pub(super) fn database(site: &Site, environment: &str) -> PathBuf {
    site.folder().join(format!("{environment}.data"))
}

pub(super) fn write(site: &Site, environment: &str, content: &str) {
    std::fs::write(database(site, environment), content).unwrap();
}

pub(super) fn read(site: &Site, environment: &str) -> String {
    std::fs::read_to_string(database(site, environment)).unwrap()
}

/// App `shop` with a method, whose commands read and write the environments' files.
pub(super) async fn ground(site: &Site, environments: &[&str]) {
    for environment in environments {
        let file = database(site, environment);
        let file = file.display();
        let dump = format!(
            "test -e {file} || {{ echo half; echo connection was lost >&2; exit 3; }}; echo dumping >&2; cat {file}"
        );
        site.program(&format!("{environment}-dump"), &dump);
        // Whole or not at all, as a transaction is.
        let load = format!("cat > {file}.new && mv {file}.new {file} && echo loaded");
        site.program(&format!("{environment}-load"), &load);
        write(site, environment, &format!("orders of {environment}\n"));
    }
    site.ground_with(&[DB]).await;
    let change = ChangeMethods { methods: vec![method()], based_on: None };
    site.control.app_change_backup_methods(&system(), "shop", change).await.unwrap();
}

pub(super) async fn environment(site: &Site, name: &str) {
    let (_, started) = site.environment(name, "sandbox").await;
    let op = ended(&site.control, started.op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(&site.control, op.id).await);
}

/// Backs up, to its end.
pub(super) async fn back_up(site: &Site, environment: &str) -> BackupDetail {
    let control = &site.control;
    let made = control.backup_create(&system(), environment, NewBackup::default()).await.unwrap();
    ended(control, made.op.id).await;
    control.backup_get(&system(), environment, made.number).await.unwrap()
}

pub(super) async fn complete(site: &Site, environment: &str) -> BackupDetail {
    let made = back_up(site, environment).await;
    let text = log(&site.control, made.backup.op.id).await;
    assert_eq!(made.backup.state, BackupState::Complete, "{text}\n{:?}", made.failure);
    made
}

/// What was deleted after a backup is there again after it was restored, and the deployment says why it was made.
async fn what_was_deleted_is_back(site: Site) {
    ground(&site, &["eu"]).await;
    let workers = site.control.start_workers();
    environment(&site, "eu").await;
    let content = "INSERT INTO orders VALUES (1);\n".repeat(300_000);
    write(&site, "eu", &content);
    let made = complete(&site, "eu").await;
    assert_eq!((made.backup.number, made.backup.deployment_number), (1, 1));
    assert_eq!(made.parts[0].bytes, Some(i64::try_from(content.len()).unwrap()));
    assert!(made.backup.stored_bytes < made.backup.bytes / 10, "{made:?}");
    let text = log(&site.control, made.backup.op.id).await;
    assert!(text.contains("container dumping"), "{text}");

    write(&site, "eu", "");
    let changed = deploy(&site, "greeting: changed\n", OnFailure::Leave).await;
    ended(&site.control, changed.op.id).await;
    let how = RestoreBackup { reason: "deleted by mistake".to_owned(), ..RestoreBackup::default() };
    let restored = site.control.backup_restore(&system(), "eu", 1, how).await.unwrap();
    let op = ended(&site.control, restored.op.id).await;
    let text = log(&site.control, op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{text}");
    assert!(read(&site, "eu") == content, "{} bytes", read(&site, "eu").len());
    let first: Vec<StepName> = op.steps.iter().take(3).map(|step| step.name).collect();
    assert_eq!(first, [StepName::CheckBackup, StepName::RestoreData, StepName::FetchChart]);
    assert!(text.contains("container loaded"), "{text}");
    let shown = site.control.deployment_find(&system(), "eu", 3).await.unwrap().deployment;
    assert_eq!((shown.trigger, shown.state), (Trigger::BackupRestored, DeploymentState::Succeeded));
    assert_eq!(shown.restores.unwrap().number, 1);
    // Its values are those of then.
    let values = site.control.environment_values(&system(), "eu").await.unwrap();
    assert!(!values.own.values.contains("changed"), "{}", values.own.values);
    workers.stop().await;
}

/// Another environment takes the Release and the data of a backup and keeps its own values.
async fn a_clone_keeps_its_own_values(site: Site) {
    ground(&site, &["eu", "us"]).await;
    let workers = site.control.start_workers();
    environment(&site, "eu").await;
    complete(&site, "eu").await;
    let to_us = || RestoreBackup { to: "us".to_owned(), ..RestoreBackup::default() };
    let refused = site.control.backup_restore(&system(), "eu", 1, to_us()).await;
    assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
    environment(&site, "us").await;
    let own = crate::deployment::NewDeployment {
        values: Some("greeting: howdy\n".to_owned()),
        ..crate::deployment::NewDeployment::default()
    };
    let own = site.control.deployment_create(&system(), "us", own).await.unwrap();
    ended(&site.control, own.op.id).await;
    let cloned = site.control.backup_restore(&system(), "eu", 1, to_us()).await.unwrap();
    let op = ended(&site.control, cloned.op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(&site.control, op.id).await);
    assert_eq!(read(&site, "us"), "orders of eu\n");
    assert_eq!(read(&site, "eu"), "orders of eu\n");
    let values = site.control.environment_values(&system(), "us").await.unwrap();
    assert_eq!(values.own.values, "greeting: howdy\n");
    let shown = site.control.deployment_find(&system(), "us", 3).await.unwrap().deployment;
    assert_eq!(shown.restores.unwrap().environment.name.as_str(), "eu");
    workers.stop().await;
}

/// Restoring takes the right to write where the data is from and where it goes: what may not be seen is not there, on either
/// side.
async fn restored_where_the_asker_may_write(site: Site) {
    ground(&site, &["eu", "live"]).await;
    let workers = site.control.start_workers();
    environment(&site, "eu").await;
    let (_, started) = site.environment("live", "production").await;
    ended(&site.control, started.op.id).await;
    complete(&site, "eu").await;
    complete(&site, "live").await;
    let (qa, developer) = (site.person(Role::Qa).await, site.person(Role::Developer).await);
    for (from, to) in [("eu", "live"), ("live", "eu"), ("live", "live")] {
        let how = || RestoreBackup { to: to.to_owned(), ..RestoreBackup::default() };
        let refused = site.control.backup_restore(&qa, from, 1, how()).await;
        let Err(Error::NotFound { what, name }) = &refused else { panic!("{refused:?}") };
        assert_eq!((*what, name.as_str()), ("environment", "live"));
        let refused = site.control.backup_restore(&developer, from, 1, how()).await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    }
    write(&site, "eu", "");
    for environment in ["eu", "live"] {
        let there = site.control.deployment_find(&system(), environment, 2).await;
        assert!(matches!(there, Err(Error::NotFound { .. })), "{there:?}");
    }
    let own = site.control.backup_restore(&qa, "eu", 1, RestoreBackup::default()).await.unwrap();
    ended(&site.control, own.op.id).await;
    assert_eq!(read(&site, "eu"), "orders of eu\n");
    assert_eq!(read(&site, "live"), "orders of live\n");
    workers.stop().await;
}

/// A backup whose command fails says so in its words, is never offered, and leaves no data behind.
async fn a_command_that_fails_makes_no_backup(site: Site) {
    ground(&site, &["eu"]).await;
    let workers = site.control.start_workers();
    environment(&site, "eu").await;
    std::fs::remove_file(database(&site, "eu")).unwrap();
    let made = back_up(&site, "eu").await;
    assert_eq!(made.backup.state, BackupState::Failed);
    let failure = made.failure.unwrap();
    assert_eq!(failure.message, "Method database: Dump exited with 3: connection was lost.");
    let refused = site.control.backup_restore(&system(), "eu", 1, RestoreBackup::default()).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "Backup 1 of eu is failed. Choose one that is complete."
    );
    workers.stop().await;
    while site.control.backups_pass().await.unwrap() {}
    assert_eq!(kept_streams(&site), Vec::<PathBuf>::new());
}

/// The files of streams in the object store.
fn kept_streams(site: &Site) -> Vec<PathBuf> {
    fn files(folder: PathBuf) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.flat_map(|path| if path.is_dir() { files(path) } else { vec![path] }).collect()
    }
    files(site.folder().join("objects/streams"))
}

/// A backup that lost a piece is found out before anything is changed, and is not offered any more.
async fn damage_is_found_and_told(site: Site) {
    ground(&site, &["eu"]).await;
    let workers = site.control.start_workers();
    environment(&site, "eu").await;
    complete(&site, "eu").await;
    std::fs::remove_file(&kept_streams(&site)[0]).unwrap();
    write(&site, "eu", "today's\n");
    let asked = site.control.backup_restore(&system(), "eu", 1, RestoreBackup::default()).await;
    let op = ended(&site.control, asked.unwrap().op.id).await;
    assert_eq!(op.state, OpState::Failed);
    let shown = site.control.deployment_find(&system(), "eu", 2).await.unwrap();
    let failure = shown.failure.unwrap();
    assert_eq!(failure.message, "Backup 1 is damaged: database: piece 1 of 1 is missing.");
    assert_eq!(failure.cluster_state, "Nothing was changed in the cluster.");
    assert_eq!(read(&site, "eu"), "today's\n");
    let backup = site.control.backup_get(&system(), "eu", 1).await.unwrap();
    assert_eq!(backup.backup.state, BackupState::Damaged);
    let again = site.control.backup_restore(&system(), "eu", 1, RestoreBackup::default()).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
    workers.stop().await;
}

/// Makes an environment's schedule due.
pub(super) async fn make_due(site: &Site) {
    sql("UPDATE backup_schedules SET next_at = 1")
        .run(site.control.db().write(), "make a schedule due")
        .await
        .unwrap();
}

pub(super) async fn listed(site: &Site) -> Vec<(i64, BackupCause, BackupState)> {
    let all = site.control.backup_list(&system(), "eu", &PageRequest::default()).await.unwrap();
    all.items.iter().map(|it| (it.number, it.cause, it.state)).collect()
}

/// A schedule makes one backup however many processes look, and keeps as many as it says beside those made by hand.
async fn made_by_itself_and_kept_so_many(site: Site) {
    use BackupCause::{Manual, Scheduled};
    use BackupState::Complete;

    ground(&site, &["eu"]).await;
    let workers = site.control.start_workers();
    environment(&site, "eu").await;
    complete(&site, "eu").await;
    workers.stop().await;
    let change = ChangeSchedule { every_hours: Some(24), keep: Some(2), before_deployments: false };
    let schedule = site.control.backup_change_schedule(&system(), "eu", change).await.unwrap();
    assert!(schedule.next_at.unwrap() > jiff::Timestamp::now());
    assert!(!site.control.backups_pass().await.unwrap(), "nothing is due yet");
    for _ in 0..3 {
        make_due(&site).await;
        let other = site.second_process().await;
        let (one, two) = tokio::join!(site.control.backups_pass(), other.backups_pass());
        let done = [one.unwrap(), two.unwrap()];
        assert!(done.contains(&true));
        let newest = listed(&site).await[0];
        assert_eq!((newest.1, newest.2), (BackupCause::Scheduled, BackupState::Queued));
        let workers = site.control.start_workers();
        let number = newest.0;
        let made = site.control.backup_get(&system(), "eu", number).await.unwrap();
        ended(&site.control, made.backup.op.id).await;
        workers.stop().await;
    }
    let left = [(4, Scheduled, Complete), (3, Scheduled, Complete), (1, Manual, Complete)];
    assert_eq!(listed(&site).await, left);
    while site.control.backups_pass().await.unwrap() {}
    assert_eq!(kept_streams(&site).len(), 3);
}

/// Deleting a backup takes its data; one that is being made or restored stays.
async fn deleted_with_its_data(site: Site) {
    ground(&site, &["eu"]).await;
    let workers = site.control.start_workers();
    environment(&site, "eu").await;
    complete(&site, "eu").await;
    workers.stop().await;
    let control = &site.control;
    let asked = control.backup_restore(&system(), "eu", 1, RestoreBackup::default()).await.unwrap();
    let refused = control.backup_delete(&system(), "eu", 1).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Backup 1 of eu is being restored. Wait for that deployment, or cancel it, then delete it."
    );
    control.op_cancel(&system(), asked.op.id).await.unwrap();
    let queued = control.backup_create(&system(), "eu", NewBackup::default()).await.unwrap();
    let refused = control.backup_delete(&system(), "eu", 2).await.unwrap_err();
    assert_eq!(refused.to_string(), "Backup 2 of eu is being made. Cancel its Op first.");
    control.op_cancel(&system(), queued.op.id).await.unwrap();
    let cancelled = control.backup_get(&system(), "eu", 2).await.unwrap();
    assert_eq!(cancelled.backup.state, BackupState::Cancelled);
    assert_eq!(kept_streams(&site).len(), 1);
    control.backup_delete(&system(), "eu", 1).await.unwrap();
    while control.backups_pass().await.unwrap() {}
    assert_eq!(kept_streams(&site), Vec::<PathBuf>::new());
    let gone = control.backup_get(&system(), "eu", 1).await;
    assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
}

/// Methods are checked field by field; only who may run commands everywhere declares them.
async fn methods_are_checked_and_guarded(site: Site) {
    ground(&site, &[]).await;
    let control = &site.control;
    let wrong = BackupMethod {
        name: "Data base".to_owned(),
        selector: String::new(),
        backup: Vec::new(),
        timeout_seconds: -1,
        ..method()
    };
    let change = ChangeMethods { methods: vec![wrong], based_on: None };
    let refused = control.app_change_backup_methods(&system(), "shop", change).await;
    let told = [
        "methods.0.name: This is not a method's name. Use 1 to 40 of a-z, 0-9 and `-`.",
        "methods.0.selector: Nothing says where the commands run. Name labels of the pod, such as \
         app.kubernetes.io/instance={release},app.kubernetes.io/component=db.",
        "methods.0.backup: There is no command. Write its words, such as pg_dump and shop.",
        "methods.0.timeout_seconds: It cannot take so long. Use 1 to 86400 seconds, or 0 for an hour.",
    ];
    assert_eq!(problems(refused), told.join("\n"));
    let developer = site.person(Role::Developer).await;
    let change = ChangeMethods { methods: Vec::new(), based_on: None };
    let refused = control.app_change_backup_methods(&developer, "shop", change).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    assert_eq!(control.app_backup_methods(&developer, "shop").await.unwrap().methods, [method()]);
    let change = ChangeMethods { methods: Vec::new(), based_on: Some(7) };
    let refused = control.app_change_backup_methods(&system(), "shop", change).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
}

/// A process killed at any step of a backup and of a restore: another takes the Op up, the backup is whole, the data is
/// back.
#[test]
fn killed_at_every_step() {
    let runtime = runtime();
    let site = runtime.block_on(async {
        let mut site = Site::sqlite().await;
        ground(&site, &["eu"]).await;
        site.config.workers.lease = Duration::from_millis(900);
        let workers = site.control.start_workers();
        environment(&site, "eu").await;
        workers.stop().await;
        site
    });
    let mut number = 0;
    for step in crate::op::BACKUP_STEPS {
        let made =
            runtime.block_on(site.control.backup_create(&system(), "eu", NewBackup::default()));
        let made = made.unwrap();
        number = made.number;
        carry_out_and_be_killed(&site, made.op.id, *step);
        runtime.block_on(async {
            let (ended, text) = taken_up(&site, made.op.id).await;
            assert_eq!(ended.state, OpState::Succeeded, "killed at {step}:\n{text}");
            let made = site.control.backup_get(&system(), "eu", number).await.unwrap();
            assert_eq!((made.backup.bytes, made.parts.len()), (13, 1), "killed at {step}");
        });
    }
    let steps = crate::op::deploy_steps(Trigger::BackupRestored, false);
    for step in steps {
        // What hooks and tests wait for is the matter of other tests.
        write(&site, "eu", "");
        let how = RestoreBackup::default();
        let asked = runtime.block_on(site.control.backup_restore(&system(), "eu", number, how));
        let op = asked.unwrap().op.id;
        carry_out_and_be_killed(&site, op, step);
        runtime.block_on(async {
            let (ended, text) = taken_up(&site, op).await;
            assert_eq!(ended.state, OpState::Succeeded, "killed at {step}:\n{text}");
            assert_eq!(read(&site, "eu"), "orders of eu\n", "killed at {step}:\n{text}");
        });
    }
}
