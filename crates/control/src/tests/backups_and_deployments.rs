//! What deployments and backups wait for, what they take along, and how a restore meets a deletion.

use super::backups::{
    complete, database, environment, ground, listed, make_due, method, read, write,
};
use super::on_both;
use super::site::Site;
use super::work::{deploy, ended, log};
use crate::actor::Actor;
use crate::backup::{
    BackupCause, BackupState, ChangeMethods, ChangeSchedule, RestoreBackup, store,
};
use crate::config::Database;
use crate::deployment::{NewRollback, OnFailure, RollbackTo};
use crate::error::Error;
use crate::op::{OpState, StepState};
use crate::store::commit;
use crate::store::sql::sql;

on_both!(
    a_deployment_waits_for_its_backup,
    a_dropped_deployment_takes_its_backup_along,
    the_way_back_needs_no_backup,
    data_is_put_back_where_methods_say_today,
    saving_a_schedule_moves_nothing,
    deleting_meets_a_restore,
);

fn system() -> Actor {
    Actor::system()
}

async fn back_up_before_deployments(site: &Site) {
    let change = ChangeSchedule { before_deployments: true, ..ChangeSchedule::default() };
    site.control.backup_change_schedule(&system(), "eu", change).await.unwrap();
}

/// Where an environment asks for it, a backup comes before each deployment, and without it nothing is deployed.
async fn a_deployment_waits_for_its_backup(site: Site) {
    ground(&site, &["eu"]).await;
    let workers = site.control.start_workers();
    environment(&site, "eu").await;
    let change = ChangeSchedule { before_deployments: true, ..ChangeSchedule::default() };
    site.control.backup_change_schedule(&system(), "eu", change).await.unwrap();
    let deployed = deploy(&site, "greeting: two\n", OnFailure::Leave).await;
    let op = ended(&site.control, deployed.op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(&site.control, op.id).await);
    let all = listed(&site).await;
    assert_eq!(all, [(1, BackupCause::BeforeDeployment, BackupState::Complete)]);

    std::fs::remove_file(database(&site, "eu")).unwrap();
    let deployed = deploy(&site, "greeting: three\n", OnFailure::RollBack).await;
    let op = ended(&site.control, deployed.op.id).await;
    assert_eq!(op.state, OpState::Failed);
    assert_eq!(op.steps[0].state, StepState::Failed);
    let shown = site.control.deployment_find(&system(), "eu", 3).await.unwrap();
    let failure = shown.failure.unwrap();
    assert_eq!(failure.message, "Backup 2, which was to be made first, is not whole.");
    assert_eq!(failure.cluster_state, "Nothing was changed in the cluster.");
    workers.stop().await;
}

/// A deployment that is cancelled, or that a newer one supersedes, needs no backup before it any more.
async fn a_dropped_deployment_takes_its_backup_along(site: Site) {
    ground(&site, &["eu"]).await;
    let workers = site.control.start_workers();
    environment(&site, "eu").await;
    workers.stop().await;
    back_up_before_deployments(&site).await;
    let queued = deploy(&site, "greeting: two\n", OnFailure::Leave).await;
    assert_eq!(listed(&site).await, [(1, BackupCause::BeforeDeployment, BackupState::Queued)]);
    site.control.op_cancel(&system(), queued.op.id).await.unwrap();
    let dropped = (1, BackupCause::BeforeDeployment, BackupState::Cancelled);
    assert_eq!(listed(&site).await, [dropped]);
    assert!(site.claim().await.is_none(), "nothing is left to be done");
    deploy(&site, "greeting: three\n", OnFailure::Leave).await;
    let how = crate::environment::RemoveEnvironment { forget: true, reason: String::new() };
    site.control.environment_remove(&system(), "eu", &how).await.unwrap();
    let second = (2, BackupCause::BeforeDeployment, BackupState::Cancelled);
    assert_eq!(listed(&site).await, [second, dropped]);
}

/// Going back to what ran, and putting data back, are what helps where a backup cannot be made: they do not wait for one.
async fn the_way_back_needs_no_backup(site: Site) {
    ground(&site, &["eu"]).await;
    let workers = site.control.start_workers();
    environment(&site, "eu").await;
    complete(&site, "eu").await;
    let changed = deploy(&site, "greeting: two\n", OnFailure::Leave).await;
    ended(&site.control, changed.op.id).await;
    back_up_before_deployments(&site).await;
    std::fs::remove_file(database(&site, "eu")).unwrap();
    let back = NewRollback {
        to: RollbackTo::Number(1),
        reason: String::new(),
        on_failure: None,
        force_conflicts: false,
    };
    let back = site.control.rollback(&system(), "eu", back).await.unwrap();
    let op = ended(&site.control, back.op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(&site.control, op.id).await);
    assert_eq!(listed(&site).await.len(), 1);

    let asked = site.control.backup_restore(&system(), "eu", 1, RestoreBackup::default()).await;
    let op = ended(&site.control, asked.unwrap().op.id).await;
    let text = log(&site.control, op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{text}");
    assert!(text.contains("Backup 2, which was to be made first, is not whole."), "{text}");
    assert_eq!(read(&site, "eu"), "orders of eu\n");
    workers.stop().await;
}

/// A backup that was made when pods had other labels is put back in the containers that the App names by now.
async fn data_is_put_back_where_methods_say_today(site: Site) {
    ground(&site, &["eu"]).await;
    let workers = site.control.start_workers();
    environment(&site, "eu").await;
    complete(&site, "eu").await;
    sql("UPDATE backups SET methods = REPLACE(methods, 'app=db', 'app=mysql')")
        .run(site.control.db().write(), "name other labels")
        .await
        .unwrap();
    let restore =
        async || site.control.backup_restore(&system(), "eu", 1, RestoreBackup::default()).await;
    write(&site, "eu", "");
    let op = ended(&site.control, restore().await.unwrap().op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(&site.control, op.id).await);
    assert_eq!(read(&site, "eu"), "orders of eu\n");
    // Under another name it is another method: that of then counts.
    let renamed = crate::backup::BackupMethod { name: "other".to_owned(), ..method() };
    let change = ChangeMethods { methods: vec![renamed], based_on: None };
    site.control.app_change_backup_methods(&system(), "shop", change).await.unwrap();
    let op = ended(&site.control, restore().await.unwrap().op.id).await;
    assert_eq!(op.state, OpState::Failed);
    workers.stop().await;
}

/// Whoever saves a schedule without another interval does not move it: a worker may just have done that.
async fn saving_a_schedule_moves_nothing(site: Site) {
    ground(&site, &["eu"]).await;
    let change = |hours, keep| ChangeSchedule {
        every_hours: Some(hours),
        keep: Some(keep),
        before_deployments: false,
    };
    site.environment("eu", "sandbox").await;
    let save = async |hours, keep| {
        site.control.backup_change_schedule(&system(), "eu", change(hours, keep)).await.unwrap()
    };
    save(24, 2).await;
    make_due(&site).await;
    let due = jiff::Timestamp::from_microsecond(1).unwrap();
    assert_eq!(save(24, 3).await.next_at, Some(due));
    let moved = save(12, 3).await;
    assert!(moved.next_at.unwrap() > jiff::Timestamp::now());
    assert_eq!(site.control.backup_schedule(&system(), "eu").await.unwrap(), moved);
}

/// A backup is not deleted while its restore is being queued, however the two transactions meet.
async fn deleting_meets_a_restore(site: Site) {
    ground(&site, &["eu"]).await;
    let workers = site.control.start_workers();
    environment(&site, "eu").await;
    let backup = complete(&site, "eu").await.backup.id;
    workers.stop().await;
    let restoring = site.control.db().begin().await.unwrap();
    assert!(store::is_there(&restoring, backup).await.unwrap());
    let control = site.control.clone();
    let deleting =
        tokio::spawn(async move { control.backup_delete(&system(), "eu", 1).await.map(drop) });
    // As far as a deletion comes beside it: to where it waits for the row.
    if matches!(site.config.database, Database::Postgres(_)) {
        let waits = "SELECT 1 AS one FROM pg_stat_activity \
                     WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while sql(waits).one(site.control.db().read(), "look", |_| Ok(())).await.unwrap().is_none()
        {
            tokio::task::yield_now().await;
        }
    }
    sql("UPDATE deployments SET state = 'queued', backup_id = $1")
        .bind(backup)
        .run(&restoring, "queue a restore")
        .await
        .unwrap();
    commit(restoring).await.unwrap();
    let refused = deleting.await.unwrap();
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
}
