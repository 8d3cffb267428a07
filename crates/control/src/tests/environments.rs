//! Environments and their deployments: what is made, what is refused, what a success changes.

use super::on_both;
use super::site::{Site, new_environment, new_release, problems};
use crate::actor::Actor;
use crate::app::NewValues;
use crate::cluster::NewSimulatedCluster;
use crate::deployment::{
    AppValuesChoice, DeploymentState, Failure, NewDeployment, NewRollback, OnFailure, PlanPolicy,
    RollbackTo, Started, Trigger,
};
use crate::environment::{
    Environment, EnvironmentState, EnvironmentStatus, NewEnvironment, Ready, Standing,
};
use crate::error::Error;
use crate::op::OpState;
use crate::op::recorder::Recorder;
use crate::rights::Role;

on_both!(
    created_with_its_first_deployment,
    bad_environments_are_refused,
    names_are_unique_among_the_living,
    kinds_need_rights,
    success_changes_the_environment,
    failure_leaves_it_as_it_was,
    rollback_repeats_and_holds,
    rollback_targets,
    cancelled_in_the_queue,
    how_it_stands_to_the_newest,
    where_a_release_runs,
);

pub(super) async fn get(site: &Site, name: &str) -> Environment {
    site.control.environment_get(&Actor::system(), name).await.unwrap()
}

/// Takes the next Op and ends it well.
pub(super) async fn succeed(site: &Site) {
    let lease = site.claim().await.expect("an Op in the queue");
    let recorder = Recorder::new(site.control.clone(), lease);
    recorder.end_succeeded(Some(Ready { ready: 2, total: 2 })).await.unwrap();
}

/// Takes the next Op and ends it badly.
pub(super) async fn fail(site: &Site, message: &str) {
    let lease = site.claim().await.expect("an Op in the queue");
    let recorder = Recorder::new(site.control.clone(), lease);
    let failure = Failure {
        message: message.to_owned(),
        remedy: String::new(),
        cluster_state: "Nothing was changed.".to_owned(),
        culprit: None,
    };
    recorder.end_failed(&failure, None, None).await.unwrap();
}

async fn deploy(site: &Site, environment: &str, release: &str, values: Option<&str>) -> Started {
    let new = NewDeployment {
        release: release.to_owned(),
        values: values.map(str::to_owned),
        ..NewDeployment::default()
    };
    site.control.deployment_create(&Actor::system(), environment, new).await.unwrap()
}

async fn roll_back(site: &Site, to: &str) -> Result<Started, Error> {
    let new = NewRollback {
        to: to.parse().unwrap(),
        reason: "errors".to_owned(),
        on_failure: None,
        force_conflicts: false,
    };
    site.control.rollback(&Actor::system(), "eu", new).await
}

/// An environment comes with deployment #1, queued, and the defaults of its kind.
async fn created_with_its_first_deployment(site: Site) {
    site.ground().await;
    let (environment, started) = site.environment("northwind-prod", "production").await;
    assert_eq!(environment.namespace.as_str(), "shop-northwind-prod");
    assert_eq!(environment.release_name.as_str(), "northwind-prod");
    assert_eq!(environment.state, EnvironmentState::Creating);
    assert_eq!(environment.status, EnvironmentStatus::Queued);
    assert!(environment.release.is_none() && environment.current_deployment.is_none());
    let deployment = &started.deployment;
    assert_eq!((deployment.number, deployment.trigger), (1, Trigger::EnvironmentCreated));
    assert_eq!(deployment.release.tag.as_str(), "1.0");
    assert_eq!(deployment.plan_policy, PlanPolicy::Replan);
    assert_eq!(deployment.on_failure, OnFailure::RollBack);
    assert_eq!(environment.last.unwrap().id, deployment.id);
    assert_eq!((started.op.state, started.op.percent), (OpState::Queued, 0));
    assert_eq!(started.op.steps.len(), crate::op::DEPLOY_STEPS.len());
    let (_, sandbox) = site.environment("try", "sandbox").await;
    assert_eq!(sandbox.deployment.on_failure, OnFailure::Leave);
}

/// All that is wrong is told at once, and nothing is made.
async fn bad_environments_are_refused(site: Site) {
    site.ground().await;
    let new = NewSimulatedCluster { name: "tests".to_owned(), admits: "sandbox".to_owned() };
    site.control.cluster_add_simulated(&Actor::system(), new).await.unwrap();
    let bad = NewEnvironment {
        name: "Prod".to_owned(),
        cluster: "tests".to_owned(),
        release: "9.9".to_owned(),
        release_name: "a..b".to_owned(),
        values: "- a".to_owned(),
        ..new_environment("x", "production")
    };
    let refused = problems(site.control.environment_create(&Actor::system(), bad).await);
    let fields: Vec<&str> =
        refused.lines().filter_map(|line| Some(line.split_once(": ")?.0)).collect();
    assert_eq!(fields, ["name", "values", "cluster", "release", "release_name"], "{refused}");
    let empty = NewEnvironment::default();
    let refused = problems(site.control.environment_create(&Actor::system(), empty).await);
    insta::allow_duplicates! {
        insta::assert_snapshot!(refused, @r"
        name: This is empty; it must be an environment name. Use 1 to 53 characters.
        app: No App is chosen. Choose one of the list.
        cluster: No cluster is chosen. Choose one of the list.
        ");
    }
    assert!(site.claim().await.is_none());
}

/// A name, and a place in a cluster, belong to one living environment.
async fn names_are_unique_among_the_living(site: Site) {
    site.ground().await;
    site.environment("eu", "sandbox").await;
    let twin = new_environment("eu", "sandbox");
    let refused = problems(site.control.environment_create(&Actor::system(), twin).await);
    assert!(refused.starts_with("name: There is an environment with the name `eu` already."));
    let same_place = NewEnvironment {
        namespace: "shop-eu".to_owned(),
        release_name: "eu".to_owned(),
        ..new_environment("eu2", "sandbox")
    };
    let refused = problems(site.control.environment_create(&Actor::system(), same_place).await);
    assert!(
        refused.starts_with("namespace: Another environment has the Helm release"),
        "{refused}"
    );
    let beside =
        NewEnvironment { namespace: "shop-eu".to_owned(), ..new_environment("eu2", "sandbox") };
    site.control.environment_create(&Actor::system(), beside).await.unwrap();
}

/// A Developer sees production and may not deploy there; for QA it does not exist.
async fn kinds_need_rights(site: Site) {
    site.ground().await;
    site.environment("prod", "production").await;
    let developer = site.person(Role::Developer).await;
    let qa = site.person(Role::Qa).await;
    site.control.environment_get(&developer, "prod").await.unwrap();
    for (actor, forbidden) in [(&developer, true), (&qa, false)] {
        let new = NewDeployment::default();
        let refused = site.control.deployment_create(actor, "prod", new).await;
        match refused {
            Err(Error::Forbidden { .. }) => assert!(forbidden),
            Err(Error::NotFound { .. }) => assert!(!forbidden),
            other => panic!("{other:?}"),
        }
        let found = site.control.deployment_find(actor, "prod", 1).await;
        assert_eq!(found.is_ok(), forbidden);
        let made =
            site.control.environment_create(actor, new_environment("prod2", "production")).await;
        assert!(made.is_err());
    }
    site.control.environment_create(&qa, new_environment("try", "sandbox")).await.unwrap();
}

/// A deployment that succeeds makes its Release and values the environment's, in one transaction.
async fn success_changes_the_environment(site: Site) {
    site.ground().await;
    site.environment("eu", "sandbox").await;
    succeed(&site).await;
    let first = get(&site, "eu").await;
    assert_eq!(first.state, EnvironmentState::Active);
    assert_eq!(first.status, EnvironmentStatus::Running);
    assert_eq!(first.ready, Some(Ready { ready: 2, total: 2 }));
    assert_eq!(first.current_deployment.as_ref().unwrap().number, 1);
    assert!(first.op.is_none());
    site.control.release_add(&Actor::system(), new_release("shop", "2.0")).await.unwrap();
    let values = "# for the shop\nreplicas: 2\n";
    let started = deploy(&site, "eu", "2.0", Some(values)).await;
    assert_eq!(started.deployment.from.as_ref().unwrap().tag.as_str(), "1.0");
    let waiting = get(&site, "eu").await;
    assert_eq!(waiting.release.unwrap().tag.as_str(), "1.0");
    assert_eq!(waiting.values_revision, 0);
    succeed(&site).await;
    let after = get(&site, "eu").await;
    assert_eq!(after.release.unwrap().tag.as_str(), "2.0");
    assert_eq!(after.values_revision, 1);
    let own = site.control.environment_values(&Actor::system(), "eu").await.unwrap().own;
    assert_eq!((own.values.as_str(), own.note.as_str()), (values, "deployment #2"));
    // The next form starts from them, and equal ones make no further revision.
    deploy(&site, "eu", "", None).await;
    succeed(&site).await;
    assert_eq!(get(&site, "eu").await.values_revision, 1);
    let ended = site.control.deployment_find(&Actor::system(), "eu", 1).await.unwrap();
    assert!(ended.deployment.can_roll_back_to && ended.deployment.finished_at.is_some());
    let current = site.control.deployment_find(&Actor::system(), "eu", 3).await.unwrap();
    assert!(!current.deployment.can_roll_back_to);
}

/// A failed deployment says why and leaves Release and values as they were; its values are offered.
async fn failure_leaves_it_as_it_was(site: Site) {
    site.ground().await;
    site.environment("eu", "sandbox").await;
    succeed(&site).await;
    deploy(&site, "eu", "1.0", Some("replicas: 9\n")).await;
    fail(&site, "worker does not come up").await;
    let after = get(&site, "eu").await;
    assert_eq!(after.status, EnvironmentStatus::Failed);
    assert_eq!((after.values_revision, after.current_deployment.unwrap().number), (0, 1));
    let failed = site.control.deployment_find(&Actor::system(), "eu", 2).await.unwrap();
    assert_eq!(failed.deployment.state, DeploymentState::Failed);
    assert_eq!(failed.failure.unwrap().message, "worker does not come up");
    let values = site.control.environment_values(&Actor::system(), "eu").await.unwrap();
    assert_eq!(values.failed.unwrap().values, "replicas: 9\n");
    // What it says may hold secrets, so it stands in no row as it is.
    let row = crate::deployment::store::by_id(site.control.db().read(), failed.deployment.id).await;
    let sealed = row.unwrap().unwrap().failure_sealed.unwrap();
    assert!(!sealed.windows(6).any(|window| window == b"worker"));
}

/// A rollback repeats an earlier deployment; the environment then holds the App values of that time,
/// until someone deploys with the newest again.
async fn rollback_repeats_and_holds(site: Site) {
    site.ground().await;
    let save = async |text: &str| {
        let new = NewValues { values: text.to_owned(), ..NewValues::default() };
        site.control.app_update_values(&Actor::system(), "shop", new).await.unwrap();
    };
    save("level: 1\n").await;
    site.environment("eu", "sandbox").await;
    succeed(&site).await;
    save("level: 2\n").await;
    let second = deploy(&site, "eu", "", Some("replicas: 2\n")).await;
    assert_eq!(second.deployment.app_values_revision, 2);
    succeed(&site).await;
    assert_eq!(get(&site, "eu").await.holds, None);
    let back = roll_back(&site, "#1").await.unwrap().deployment;
    assert_eq!((back.trigger, back.repeats), (Trigger::Rollback, Some(1)));
    assert_eq!((back.app_values_revision, back.on_failure), (1, OnFailure::Leave));
    succeed(&site).await;
    let held = get(&site, "eu").await;
    assert_eq!(held.holds, Some(1));
    let own = site.control.environment_values(&Actor::system(), "eu").await.unwrap().own;
    assert_eq!(own.values, "", "the values of #1, which had none");
    let app = site.control.app_get(&Actor::system(), "shop").await.unwrap();
    assert_eq!((app.values_use.follow, app.values_use.hold), (0, 1));
    let keep =
        NewDeployment { app_values: Some(AppValuesChoice::Held), ..NewDeployment::default() };
    let kept = site.control.deployment_create(&Actor::system(), "eu", keep).await.unwrap();
    assert_eq!(kept.deployment.app_values_revision, 1);
    succeed(&site).await;
    assert_eq!(get(&site, "eu").await.holds, Some(1));
    let again = deploy(&site, "eu", "", None).await;
    assert_eq!(again.deployment.app_values_revision, 2);
    succeed(&site).await;
    assert_eq!(get(&site, "eu").await.holds, None);
}

/// By number and by tag; what failed, never ran or runs now is refused with the reason.
async fn rollback_targets(site: Site) {
    site.ground().await;
    site.control.release_add(&Actor::system(), new_release("shop", "2.0")).await.unwrap();
    site.control.release_add(&Actor::system(), new_release("shop", "3.0")).await.unwrap();
    let first = NewEnvironment { release: "1.0".to_owned(), ..new_environment("eu", "sandbox") };
    site.control.environment_create(&Actor::system(), first).await.unwrap();
    succeed(&site).await;
    deploy(&site, "eu", "2.0", None).await;
    fail(&site, "no").await;
    deploy(&site, "eu", "2.0", None).await;
    succeed(&site).await;
    for (to, reason) in [
        ("#2", "to: Deployment #2 is failed."),
        ("#3", "to: Deployment #3 is what runs now."),
        ("#9", "to: eu has no deployment #9."),
        ("3.0", "to: Release 3.0 never ran in eu."),
        ("4.0", "to: This App has no release `4.0`."),
    ] {
        let refused = problems(roll_back(&site, to).await);
        assert!(refused.starts_with(reason), "{refused}");
    }
    let back = roll_back(&site, "1.0").await.unwrap().deployment;
    assert_eq!((back.repeats, back.release.tag.as_str()), (Some(1), "1.0"));
    assert_eq!(back.reason, "errors");
    succeed(&site).await;
    // What a failure left behind is something else than the last good deployment.
    let refused = problems(roll_back(&site, "#4").await);
    assert!(refused.starts_with("to: Deployment #4 is what runs now."), "{refused}");
    deploy(&site, "eu", "2.0", None).await;
    fail(&site, "no").await;
    assert_eq!(roll_back(&site, "#4").await.unwrap().deployment.repeats, Some(4));
    assert!(matches!("#1".parse(), Ok(RollbackTo::Number(1))));
}

/// What waits in the queue is cancelled at once; the rest of the queue goes on.
async fn cancelled_in_the_queue(site: Site) {
    site.ground().await;
    site.environment("eu", "sandbox").await;
    let second = deploy(&site, "eu", "", None).await;
    let ended = site.control.op_cancel(&Actor::system(), second.op.id).await.unwrap();
    assert_eq!(ended.state, OpState::Cancelled);
    let again = site.control.op_cancel(&Actor::system(), second.op.id).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
    assert_eq!(get(&site, "eu").await.status, EnvironmentStatus::Queued);
    succeed(&site).await;
    assert!(site.claim().await.is_none());
    assert_eq!(get(&site, "eu").await.status, EnvironmentStatus::Running);
}

/// Lists say how many releases an environment is behind, and whether it is ahead of the newest.
async fn how_it_stands_to_the_newest(site: Site) {
    site.ground().await;
    site.environment("eu", "sandbox").await;
    succeed(&site).await;
    let standing = async || get(&site, "eu").await.release.unwrap().standing;
    assert_eq!(standing().await, Standing::Newest);
    for tag in ["2.0", "3.0-rc.1", "3.0"] {
        site.control.release_add(&Actor::system(), new_release("shop", tag)).await.unwrap();
    }
    assert_eq!(standing().await, Standing::Behind(2));
    site.control.release_add(&Actor::system(), new_release("shop", "4.0-rc.1")).await.unwrap();
    deploy(&site, "eu", "4.0-rc.1", None).await;
    succeed(&site).await;
    assert_eq!(standing().await, Standing::Ahead);
}

/// A Release says where it runs and is being deployed, of what the asker may see.
async fn where_a_release_runs(site: Site) {
    site.ground().await;
    for (name, kind) in [("eu", "sandbox"), ("us", "production"), ("asia", "production")] {
        site.environment(name, kind).await;
    }
    succeed(&site).await;
    succeed(&site).await;
    let running = site.claim().await.unwrap();
    let qa = site.person(Role::Qa).await;
    for (actor, wanted) in [(&Actor::system(), (1, 1, 1, 3)), (&qa, (0, 1, 0, 1))] {
        let release = site.control.release_find(actor, "shop", "1.0").await.unwrap();
        let told = (
            release.runs_in.production,
            release.runs_in.sandbox,
            release.deploying_in,
            release.app_environments,
        );
        assert_eq!(told, wanted);
        let page = crate::store::paging::PageRequest::default();
        let all = crate::release::ReleaseFilter::default();
        let listed = site.control.release_list(actor, &all, &page).await.unwrap();
        assert_eq!(listed.items, [release]);
    }
    let hidden = site.control.op_get(&qa, running.op).await;
    assert!(matches!(hidden, Err(Error::NotFound { .. })), "{hidden:?}");
}
