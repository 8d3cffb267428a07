//! Batches: new App values for every environment that follows: order, bounds, failures, and who may steer them.

use super::environments::{fail, get, succeed};
use super::on_both;
use super::site::{Site, problems};
use crate::actor::Actor;
use crate::app::NewValues;
use crate::batch::{Batch, BatchFilter, BatchSettings, BatchState};
use crate::deployment::{
    DeploymentFilter, DeploymentState, NewDeployment, NewEnvironmentValues, NewRollback, OnFailure,
    PlanPolicy, RollbackTo, Trigger,
};
use crate::error::Error;
use crate::rights::Role;
use crate::store::ids::BatchId;
use crate::store::paging::PageRequest;

on_both!(
    sandbox_first_and_so_many_at_once,
    stopped_after_failures_and_resumed,
    dropped_and_paused,
    a_newer_batch_takes_the_place_of_an_older_one,
    production_waits_for_operations,
    what_is_under_way_is_waited_for,
    who_holds_is_left_alone,
    followers_go_on_following,
    two_processes_begin_each_once,
    bad_settings_are_refused,
    an_environments_own_values,
);

fn system() -> Actor {
    Actor::system()
}

/// Environments that run something.
async fn fleet(site: &Site, environments: &[(&str, &str)]) {
    site.ground().await;
    for (name, kind) in environments {
        site.environment(name, kind).await;
        succeed(site).await;
    }
}

async fn try_save(
    site: &Site,
    actor: &Actor,
    text: &str,
    settings: BatchSettings,
) -> Result<Option<BatchId>, Error> {
    let new = NewValues {
        values: text.to_owned(),
        note: "more".to_owned(),
        settings,
        ..NewValues::default()
    };
    Ok(site.control.app_update_values(actor, "shop", new).await?.batch)
}

async fn save(site: &Site, actor: &Actor, text: &str, settings: BatchSettings) -> BatchId {
    try_save(site, actor, text, settings).await.unwrap().expect("a batch")
}

fn at_once(at_once: i64) -> BatchSettings {
    BatchSettings { at_once, ..BatchSettings::default() }
}

async fn pass(site: &Site) {
    while site.control.batches_pass().await.unwrap() {}
}

/// Every member with how it stands: `a succeeded, b queued`.
async fn members(site: &Site, batch: BatchId) -> String {
    let page = PageRequest::default();
    let page = site.control.batch_members(&system(), batch, None, &page).await.unwrap();
    let told = page.items.iter().map(|it| format!("{} {}", it.environment.name, it.state));
    told.collect::<Vec<_>>().join(", ")
}

async fn batch(site: &Site, batch: BatchId) -> Batch {
    site.control.batch_get(&system(), batch).await.unwrap()
}

/// Sandbox environments come first, so many at once; production ones begin when all of these are done. Each deployment is of
/// the current Release with the environment's own values.
async fn sandbox_first_and_so_many_at_once(site: Site) {
    let kinds = [
        ("a", "production"),
        ("b", "sandbox"),
        ("c", "sandbox"),
        ("d", "sandbox"),
        ("e", "production"),
    ];
    fleet(&site, &kinds).await;
    let id = save(&site, &system(), "level: 1\n", at_once(2)).await;
    pass(&site).await;
    assert_eq!(members(&site, id).await, "b deploying, c deploying, d queued, a queued, e queued");
    succeed(&site).await;
    pass(&site).await;
    assert_eq!(
        members(&site, id).await,
        "b succeeded, c deploying, d deploying, a queued, e queued"
    );
    succeed(&site).await;
    pass(&site).await;
    assert!(members(&site, id).await.ends_with("d deploying, a queued, e queued"));
    succeed(&site).await;
    pass(&site).await;
    assert!(members(&site, id).await.ends_with("a deploying, e deploying"));
    succeed(&site).await;
    succeed(&site).await;
    pass(&site).await;
    let ended = batch(&site, id).await;
    assert_eq!((ended.state, ended.counts.succeeded), (BatchState::Ended, 5));
    assert!(ended.finished_at.is_some());
    let filter = DeploymentFilter { batch: Some(id), ..DeploymentFilter::default() };
    let made = site.control.deployment_list(&system(), &filter, &PageRequest::default()).await;
    let made = made.unwrap().items;
    assert_eq!(made.len(), 5);
    for deployment in &made {
        assert_eq!(deployment.trigger, Trigger::ValuesUpdated);
        assert_eq!(
            (deployment.plan_policy, deployment.app_values_revision),
            (PlanPolicy::Replan, 1)
        );
        assert_eq!((deployment.reason.as_str(), deployment.by.name.as_str()), ("more", "system"));
    }
    let roll_back = made.iter().filter(|deployment| deployment.on_failure == OnFailure::RollBack);
    assert_eq!(roll_back.count(), 2, "production goes back");
    // Without that order names decide, and nothing waits.
    let mixed = BatchSettings { sandbox_first: false, ..at_once(2) };
    let id = save(&site, &system(), "level: 2\n", mixed).await;
    pass(&site).await;
    assert!(members(&site, id).await.starts_with("a deploying, b deploying, c queued"));
}

/// After so many failures nothing more is begun; resumed, they count anew.
async fn stopped_after_failures_and_resumed(site: Site) {
    fleet(&site, &[("a", "sandbox"), ("b", "sandbox"), ("c", "sandbox"), ("d", "sandbox")]).await;
    let settings = BatchSettings { stop_after: 2, ..at_once(1) };
    let id = save(&site, &system(), "level: 1\n", settings).await;
    pass(&site).await;
    fail(&site, "no").await;
    pass(&site).await;
    assert_eq!(batch(&site, id).await.state, BatchState::Running);
    fail(&site, "no").await;
    pass(&site).await;
    let stopped = batch(&site, id).await;
    assert_eq!((stopped.state, stopped.failures), (BatchState::Stopped, 2));
    assert_eq!(members(&site, id).await, "a failed, b failed, c queued, d queued");
    assert!(site.claim().await.is_none());
    let resumed = site.control.batch_resume(&system(), id).await.unwrap();
    assert_eq!(
        (resumed.state, resumed.failures, resumed.counts.deploying),
        (BatchState::Running, 0, 1)
    );
    fail(&site, "no").await;
    pass(&site).await;
    succeed(&site).await;
    pass(&site).await;
    assert_eq!(members(&site, id).await, "a failed, b failed, c failed, d succeeded");
    assert_eq!(batch(&site, id).await.state, BatchState::Ended);
    let late = site.control.batch_resume(&system(), id).await;
    assert!(matches!(late, Err(Error::Conflict { .. })), "{late:?}");
    // Zero never stops.
    let never = BatchSettings { stop_after: 0, ..at_once(4) };
    let id = save(&site, &system(), "level: 2\n", never).await;
    pass(&site).await;
    for _ in 0..4 {
        fail(&site, "no").await;
    }
    pass(&site).await;
    assert_eq!(
        (batch(&site, id).await.state, batch(&site, id).await.counts.failed),
        (BatchState::Ended, 4)
    );
}

/// A paused batch begins nothing; what runs goes on. What is dropped is never begun.
async fn dropped_and_paused(site: Site) {
    fleet(&site, &[("a", "sandbox"), ("b", "sandbox"), ("c", "production")]).await;
    let id = save(&site, &system(), "level: 1\n", at_once(1)).await;
    pass(&site).await;
    let paused = site.control.batch_pause(&system(), id).await.unwrap();
    assert_eq!((paused.state, paused.counts.deploying), (BatchState::Paused, 1));
    assert_eq!(paused.steered_by.unwrap().name, "system");
    succeed(&site).await;
    pass(&site).await;
    assert_eq!(members(&site, id).await, "a succeeded, b queued, c queued");
    assert!(site.claim().await.is_none());
    let stored = get(&site, "b").await;
    let stored = site.control.environment_in_store(&system(), stored.id).await.unwrap().unwrap();
    assert_eq!((stored.app_values_revision, stored.waits_for_operations), (1, false));
    site.control.batch_resume(&system(), id).await.unwrap();
    let dropped = site.control.batch_drop(&system(), id).await.unwrap();
    assert_eq!((dropped.counts.dropped, dropped.counts.deploying), (1, 1));
    succeed(&site).await;
    pass(&site).await;
    assert_eq!(members(&site, id).await, "a succeeded, b succeeded, c dropped");
    assert_eq!(batch(&site, id).await.state, BatchState::Ended);
    assert_eq!(
        get(&site, "c").await.holds,
        None,
        "it follows, and takes them with its next deployment"
    );
}

/// Whatever an older batch of the App has not begun is superseded, deployments in the queue, too; what runs goes on.
async fn a_newer_batch_takes_the_place_of_an_older_one(site: Site) {
    fleet(&site, &[("a", "sandbox"), ("b", "sandbox"), ("c", "sandbox")]).await;
    let first = save(&site, &system(), "level: 1\n", at_once(2)).await;
    pass(&site).await;
    let running = site.claim().await.unwrap();
    let second = save(&site, &system(), "level: 2\n", at_once(3)).await;
    pass(&site).await;
    assert_eq!(members(&site, first).await, "a deploying, b superseded, c superseded");
    // a is waited for: one Op at a time.
    assert_eq!(members(&site, second).await, "a queued, b deploying, c deploying");
    let b = site.control.deployment_find(&system(), "b", 2).await.unwrap().deployment;
    assert_eq!((b.state, b.batch), (DeploymentState::Superseded, Some(first)));
    crate::op::recorder::Recorder::new(site.control.clone(), running)
        .end_succeeded(None)
        .await
        .unwrap();
    pass(&site).await;
    assert_eq!(batch(&site, first).await.state, BatchState::Ended);
    for _ in 0..3 {
        succeed(&site).await;
    }
    pass(&site).await;
    assert_eq!(batch(&site, second).await.counts.succeeded, 3);
    let a = site.control.deployment_find(&system(), "a", 3).await.unwrap().deployment;
    assert_eq!((a.app_values_revision, a.batch), (2, Some(second)));
}

/// A Developer's new values go to sandbox; production waits until someone who may deploy there lets it go, and answers for it.
async fn production_waits_for_operations(site: Site) {
    fleet(&site, &[("a", "sandbox"), ("p", "production")]).await;
    let developer = site.person(Role::Developer).await;
    let operations = site.person(Role::Operations).await;
    let qa = site.person(Role::Qa).await;
    let refused = try_save(&site, &qa, "level: 1\n", at_once(2)).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    let id = save(&site, &developer, "level: 1\n", at_once(2)).await;
    pass(&site).await;
    succeed(&site).await;
    pass(&site).await;
    assert_eq!(members(&site, id).await, "a succeeded, p waiting");
    assert_eq!(batch(&site, id).await.state, BatchState::Waiting);
    let p = get(&site, "p").await;
    let stored = site.control.environment_in_store(&developer, p.id).await.unwrap().unwrap();
    assert!(stored.waits_for_operations);
    let refused = site.control.batch_let_go(&developer, id).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    // QA sees a batch of one environment.
    let seen = site.control.batch_get(&qa, id).await.unwrap();
    assert_eq!((seen.counts.total, seen.counts.waiting), (1, 0));
    let page = PageRequest::default();
    assert_eq!(site.control.batch_members(&qa, id, None, &page).await.unwrap().items.len(), 1);
    let gone = site.control.batch_let_go(&operations, id).await.unwrap();
    assert_eq!((gone.state, gone.counts.deploying), (BatchState::Running, 1));
    let deployed = site.control.deployment_find(&operations, "p", 2).await.unwrap().deployment;
    assert_eq!(deployed.by.name, "operations");
    let refused = site.control.batch_pause(&developer, id).await;
    assert!(
        matches!(refused, Err(Error::Forbidden { .. })),
        "it deploys to production: {refused:?}"
    );
    succeed(&site).await;
    pass(&site).await;
    assert_eq!(batch(&site, id).await.state, BatchState::Ended);
    let again = site.control.batch_let_go(&operations, id).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
    // One that is of production alone does not exist for QA; its author may withdraw it.
    site.control.batch_let_go(&operations, id).await.unwrap_err();
    for name in ["a"] {
        let env = get(&site, name).await;
        crate::store::sql::sql("UPDATE environments SET holds_app_values = 1 WHERE id = $1")
            .bind(env.id)
            .run(site.control.db().write(), "hold")
            .await
            .unwrap();
    }
    let id = save(&site, &developer, "level: 2\n", at_once(2)).await;
    pass(&site).await;
    assert_eq!(members(&site, id).await, "p waiting");
    let missing = site.control.batch_get(&qa, id).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })), "{missing:?}");
    let listed = site.control.batch_list(&qa, &BatchFilter::default(), &page).await.unwrap();
    assert_eq!(listed.items.len(), 1);
    let dropped = site.control.batch_drop(&developer, id).await.unwrap();
    assert_eq!((dropped.state, dropped.counts.dropped), (BatchState::Ended, 1));
}

/// Where someone deploys by hand the batch waits, and then carries the values forward that were set meanwhile.
async fn what_is_under_way_is_waited_for(site: Site) {
    fleet(&site, &[("a", "sandbox")]).await;
    site.release("shop", "2.0").await;
    let by_hand = NewDeployment {
        release: "2.0".to_owned(),
        values: Some("mine: 1\n".to_owned()),
        ..NewDeployment::default()
    };
    site.control.deployment_create(&system(), "a", by_hand).await.unwrap();
    let id = save(&site, &system(), "level: 1\n", at_once(2)).await;
    pass(&site).await;
    assert_eq!(members(&site, id).await, "a queued");
    succeed(&site).await;
    pass(&site).await;
    let made = site.control.deployment_find(&system(), "a", 3).await.unwrap().deployment;
    assert_eq!((made.release.tag.as_str(), made.batch), ("2.0", Some(id)));
    let content = site.control.deployment_content(&system(), made.id).await.unwrap();
    assert_eq!(content.values, "mine: 1\n");
    succeed(&site).await;
    let own = site.control.environment_values(&system(), "a").await.unwrap().own;
    assert_eq!(own.values, "mine: 1\n");
}

/// Who holds a revision is not in a batch, and one that comes to hold while its turn has not come is skipped with the reason.
async fn who_holds_is_left_alone(site: Site) {
    fleet(&site, &[("a", "sandbox"), ("b", "sandbox")]).await;
    site.control.deployment_create(&system(), "b", NewDeployment::default()).await.unwrap();
    succeed(&site).await;
    let id = save(&site, &system(), "level: 1\n", at_once(1)).await;
    pass(&site).await;
    let back = NewRollback {
        to: RollbackTo::Number(1),
        reason: String::new(),
        on_failure: None,
        force_conflicts: false,
    };
    site.control.rollback(&system(), "b", back).await.unwrap();
    succeed(&site).await;
    pass(&site).await;
    succeed(&site).await;
    pass(&site).await;
    assert_eq!(members(&site, id).await, "a succeeded, b skipped");
    assert_eq!(get(&site, "b").await.holds, Some(0));
    let id = save(&site, &system(), "level: 2\n", at_once(1)).await;
    assert_eq!(members(&site, id).await, "a queued");
    // With the newest it follows again.
    site.control.deployment_create(&system(), "b", NewDeployment::default()).await.unwrap();
    pass(&site).await;
    succeed(&site).await;
    succeed(&site).await;
    assert_eq!(get(&site, "b").await.holds, None);
    let none = try_save(&site, &system(), "level: 2\n", at_once(1)).await.unwrap();
    assert_eq!(none, None, "equal text is no new revision");
}

/// A deployment that ends when its revision is no longer the newest does not make its environment hold it.
async fn followers_go_on_following(site: Site) {
    fleet(&site, &[("a", "sandbox")]).await;
    save(&site, &system(), "level: 1\n", at_once(1)).await;
    pass(&site).await;
    let running = site.claim().await.unwrap();
    let second = save(&site, &system(), "level: 2\n", at_once(1)).await;
    crate::op::recorder::Recorder::new(site.control.clone(), running)
        .end_succeeded(None)
        .await
        .unwrap();
    assert_eq!(get(&site, "a").await.holds, None);
    site.control.batch_drop(&system(), second).await.unwrap();
    assert_eq!(get(&site, "a").await.holds, None);
}

/// Several processes carry a batch on together; one that dies between two passes changes nothing.
async fn two_processes_begin_each_once(site: Site) {
    let names = ["a", "b", "c", "d", "e", "f"];
    fleet(&site, &names.map(|name| (name, "sandbox"))).await;
    let id = save(&site, &system(), "level: 1\n", at_once(4)).await;
    let other = site.second_process().await;
    let passes = (0..4).map(|n| {
        let control = if n % 2 == 0 { site.control.clone() } else { other.clone() };
        tokio::spawn(async move { control.batches_pass().await.unwrap() })
    });
    for pass in passes.collect::<Vec<_>>() {
        pass.await.unwrap();
    }
    assert_eq!(batch(&site, id).await.counts.deploying, 4);
    drop(other);
    for _ in 0..4 {
        succeed(&site).await;
    }
    // A pass that was cut off left nothing behind: the next one finds everything.
    let another = site.second_process().await;
    while another.batches_pass().await.unwrap() {}
    succeed(&site).await;
    succeed(&site).await;
    pass(&site).await;
    assert_eq!(batch(&site, id).await.counts.succeeded, 6);
    let filter = DeploymentFilter { batch: Some(id), ..DeploymentFilter::default() };
    let made = site.control.deployment_list(&system(), &filter, &PageRequest::default()).await;
    assert_eq!(made.unwrap().items.len(), 6);
}

/// Settings out of bounds are told at their fields, and nothing is saved.
async fn bad_settings_are_refused(site: Site) {
    fleet(&site, &[("a", "sandbox")]).await;
    let settings = BatchSettings { sandbox_first: true, at_once: 0, stop_after: -1 };
    let told = problems(try_save(&site, &system(), "level: 1\n", settings).await);
    assert_eq!(
        told,
        "at_once: 0 deployments at once cannot be. Give 1 to 200.\n\
         stop_after: -1 failures cannot be. Give a number; 0 never stops."
    );
    assert_eq!(site.control.app_values(&system(), "shop", None).await.unwrap().revision, 0);
}

/// One environment's own values: a deployment of what runs, with them; who holds goes on holding.
async fn an_environments_own_values(site: Site) {
    fleet(&site, &[("a", "sandbox"), ("p", "production")]).await;
    let set = async |actor: &Actor, environment: &str, text: &str| {
        let values =
            NewEnvironmentValues { values: text.to_owned(), ..NewEnvironmentValues::default() };
        site.control.environment_update_values(actor, environment, values).await
    };
    site.release("shop", "2.0").await;
    let made = set(&system(), "a", "mine: 1\n").await.unwrap().deployment;
    assert_eq!((made.trigger, made.release.tag.as_str()), (Trigger::ValuesUpdated, "1.0"));
    assert_eq!((made.batch, made.plan_policy), (None, PlanPolicy::Replan));
    succeed(&site).await;
    let own = site.control.environment_values(&system(), "a").await.unwrap().own;
    assert_eq!((own.values.as_str(), own.note.as_str()), ("mine: 1\n", "deployment #2"));
    assert!(
        problems(set(&system(), "a", "mine: 1\n").await)
            .starts_with("values: These are the values")
    );
    assert!(problems(set(&system(), "a", "a: [\n").await).starts_with("values: "));
    let developer = site.person(Role::Developer).await;
    let refused = set(&developer, "p", "mine: 1\n").await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    let qa = site.person(Role::Qa).await;
    let missing = set(&qa, "p", "mine: 1\n").await;
    assert!(matches!(missing, Err(Error::NotFound { .. })), "{missing:?}");
    let back = NewRollback {
        to: RollbackTo::Number(1),
        reason: String::new(),
        on_failure: None,
        force_conflicts: false,
    };
    site.control.rollback(&system(), "a", back).await.unwrap();
    succeed(&site).await;
    let id = save(&site, &system(), "level: 1\n", at_once(1)).await;
    assert_eq!(members(&site, id).await, "p queued");
    let held = set(&system(), "a", "mine: 2\n").await.unwrap().deployment;
    assert_eq!(held.app_values_revision, 0);
    succeed(&site).await;
    assert_eq!(get(&site, "a").await.holds, Some(0));
    site.environment("new", "sandbox").await;
    let early = set(&system(), "new", "mine: 1\n").await;
    assert!(matches!(early, Err(Error::Conflict { .. })), "{early:?}");
}
