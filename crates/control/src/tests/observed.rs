//! Helm releases that others made: who may adopt what, what is refused, and what an adopted environment is from then on;
//! and drift.

use std::time::Duration;

use super::on_both;
use super::site::{Site, chart_with, new_environment, new_release, problems};
use super::work::{carry_out_and_be_killed, deploy, ended, log, records, runtime, taken_up};
use crate::actor::Actor;
use crate::app::SettingsChange;
use crate::audit::AuditFilter;
use crate::cluster::NewSimulatedCluster;
use crate::deployment::{NewDeployment, NewPreview, OnFailure};
use crate::environment::{EnvironmentState, EnvironmentStatus, NewEnvironment, RemoveEnvironment};
use crate::error::Error;
use crate::observed::{AdoptRelease, ObservedCause};
use crate::op::{OpState, StepName};
use crate::release::NewRelease;
use crate::rights::Role;
use crate::store::paging::PageRequest;

on_both!(
    adopted_and_gone_on_with,
    what_is_refused,
    who_may_adopt,
    removed_and_kept,
    drift_of_what_was_adopted,
);

fn system() -> Actor {
    Actor::system()
}

/// The Helm release `eu` in namespace `shop-eu`, which no environment has any more.
async fn left_behind(site: &Site, values: &str) {
    site.ground().await;
    let workers = site.control.start_workers();
    let new = NewEnvironment { values: values.to_owned(), ..new_environment("eu", "sandbox") };
    let (_, started) = site.control.environment_create(&system(), new).await.unwrap();
    assert_eq!(ended(&site.control, started.op.id).await.state, OpState::Succeeded);
    let how = RemoveEnvironment { forget: true, reason: String::new() };
    let forgotten = site.control.environment_remove(&system(), "eu", &how).await.unwrap();
    ended(&site.control, forgotten.id).await;
    workers.stop().await;
}

fn adoption() -> AdoptRelease {
    AdoptRelease {
        cluster: "demo".to_owned(),
        namespace: "shop-eu".to_owned(),
        release_name: "eu".to_owned(),
        app: "shop".to_owned(),
        ..AdoptRelease::default()
    }
}

/// The list has it until it is adopted; its values are the environment's, its Release that of its chart's version, and
/// the next deployment upgrades it.
async fn adopted_and_gone_on_with(site: Site) {
    left_behind(&site, "greeting: hej\n").await;
    let c = &site.control;
    let found = c.adoptable_releases(&system(), "demo", "").await.unwrap();
    assert_eq!((found.releases.len(), found.more), (1, false));
    let first = &found.releases[0];
    assert_eq!((first.namespace.as_str(), first.name.as_str()), ("shop-eu", "eu"));
    assert_eq!((first.revision, first.status.as_str()), (1, "deployed"));
    assert_eq!((first.chart_name.as_str(), first.chart_version.as_str()), ("shop", "1.0.0"));
    assert!(c.adoptable_releases(&system(), "demo", "other").await.unwrap().releases.is_empty());

    let adopted = c.environment_adopt(&system(), adoption()).await.unwrap();
    assert_eq!(adopted.warnings, [""; 0]);
    let eu = adopted.environment;
    assert_eq!((eu.name.as_str(), eu.state), ("eu", EnvironmentState::Active));
    assert_eq!(eu.status, EnvironmentStatus::Running);
    assert_eq!(eu.release.unwrap().tag.as_str(), "1.0");
    let observed = eu.observed.unwrap();
    assert_eq!((observed.cause, observed.revision), (ObservedCause::Adopted, 1));
    assert_eq!(observed.description, "Install complete");
    let values = c.environment_values(&system(), "eu").await.unwrap();
    assert_eq!((values.own.values.as_str(), values.own.revision), ("greeting: hej\n", 1));
    assert_eq!(values.own.note, "of Helm revision 1");
    assert!(c.adoptable_releases(&system(), "demo", "").await.unwrap().releases.is_empty());
    let filter = AuditFilter { subject: Some(eu.id.to_string()), ..AuditFilter::default() };
    let audit = c.audit_list(&system(), &filter, &PageRequest::default()).await.unwrap();
    assert_eq!(audit.items[0].action, "environment.adopt");
    assert_eq!(audit.items[0].new["helm_revision"], 1);

    let preview = c.deployment_preview(&system(), "eu", NewPreview::default()).await.unwrap();
    assert_eq!(preview.starts_from.unwrap().revision, 1);
    let started = c.deployment_create(&system(), "eu", NewDeployment::default()).await.unwrap();
    let workers = c.start_workers();
    let op = ended(c, started.op.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(c, op.id).await);
    assert_eq!(records(&site).await.len(), 2);
    assert_eq!(site.record("eu", 2).await.info.description, "Upgrade complete");
    assert_eq!(c.environment_get(&system(), "eu").await.unwrap().observed, None);
    let seen = c.observed_list(&system(), "eu", &PageRequest::default()).await.unwrap();
    assert_eq!(seen.items.iter().map(|it| (it.revision, it.after)).collect::<Vec<_>>(), [(1, 0)]);
    workers.stop().await;
}

/// No such release, one that belongs to an environment, another chart, and a Release of another version.
async fn what_is_refused(site: Site) {
    left_behind(&site, "").await;
    let c = &site.control;
    let wrong = AdoptRelease { release_name: "us".to_owned(), ..adoption() };
    let wrong = problems(c.environment_adopt(&system(), wrong).await);
    insta::allow_duplicates! {
        insta::assert_snapshot!(wrong, @"release_name: There is no Helm release `us` in namespace `shop-eu` of cluster `demo`. Choose one of the list.");
    }
    let empty = problems(c.environment_adopt(&system(), AdoptRelease::default()).await);
    for field in ["cluster:", "namespace:", "release_name:", "app:", "name:"] {
        assert!(empty.contains(field), "{field} {empty}");
    }

    let other = crate::app::NewApp {
        name: "other".to_owned(),
        chart_kind: "upload".to_owned(),
        chart_name: "another".to_owned(),
        ..crate::app::NewApp::default()
    };
    c.app_create(&system(), other).await.unwrap();
    let wrong = AdoptRelease { app: "other".to_owned(), ..adoption() };
    let wrong = problems(c.environment_adopt(&system(), wrong).await);
    insta::allow_duplicates! {
        insta::assert_snapshot!(wrong, @"app: Helm release `eu` has chart `shop`; that of other is `another`. Choose the App whose chart it is.");
    }

    let newer =
        NewRelease { archive: Some(chart_with("1.1.0", &[])), ..new_release("shop", "1.1") };
    c.release_add(&system(), newer).await.unwrap();
    let wrong = AdoptRelease { release: "1.1".to_owned(), ..adoption() };
    let wrong = problems(c.environment_adopt(&system(), wrong).await);
    assert!(
        wrong.starts_with("release: shop has no release `1.1` of chart shop 1.0.0."),
        "{wrong}"
    );

    c.environment_adopt(&system(), adoption()).await.unwrap();
    let again = AdoptRelease { name: "eu2".to_owned(), ..adoption() };
    let again = problems(c.environment_adopt(&system(), again).await);
    assert!(again.contains("belongs to an environment already"), "{again}");
    let named = problems(c.environment_adopt(&system(), adoption()).await);
    assert!(named.contains("name: There is an environment with the name `eu`"), "{named}");
}

/// Whoever may change every kind that a cluster admits: nobody knows whether what runs there is production.
async fn who_may_adopt(site: Site) {
    left_behind(&site, "").await;
    let c = &site.control;
    let lab = NewSimulatedCluster { name: "lab".to_owned(), admits: "sandbox".to_owned() };
    c.cluster_add_simulated(&system(), lab).await.unwrap();
    for role in [Role::Qa, Role::Developer] {
        let someone = site.person(role).await;
        let listed = c.adoptable_releases(&someone, "demo", "").await;
        assert!(matches!(listed, Err(Error::Forbidden { .. })), "{role}: {listed:?}");
        let adopted = c.environment_adopt(&someone, adoption()).await;
        assert!(matches!(adopted, Err(Error::Forbidden { .. })), "{role}: {adopted:?}");
        assert!(c.adoptable_releases(&someone, "lab", "").await.is_ok(), "{role}");
    }
    let operations = site.person(Role::Operations).await;
    let production = AdoptRelease { kind: "production".to_owned(), ..adoption() };
    let adopted = c.environment_adopt(&operations, production).await.unwrap();
    assert_eq!(adopted.environment.observed.unwrap().by.unwrap().name, "operations");
}

/// An adopted environment is active however its removal ends, and removed like any other.
async fn removed_and_kept(site: Site) {
    left_behind(&site, "").await;
    let c = &site.control;
    c.environment_adopt(&system(), adoption()).await.unwrap();
    let outline = c.removal_outline(&system(), "eu").await.unwrap();
    assert_eq!((outline.number, outline.helm_revision), (None, Some(1)));
    assert_eq!(outline.objects.len(), 2);
    let asked = c.environment_remove(&system(), "eu", &RemoveEnvironment::default()).await.unwrap();
    c.op_cancel(&system(), asked.id).await.unwrap();
    let kept = c.environment_get(&system(), "eu").await.unwrap();
    assert_eq!((kept.state, kept.status), (EnvironmentState::Active, EnvironmentStatus::Running));

    let workers = c.start_workers();
    let asked = c.environment_remove(&system(), "eu", &RemoveEnvironment::default()).await.unwrap();
    let op = ended(c, asked.id).await;
    assert_eq!(op.state, OpState::Succeeded, "{}", log(c, op.id).await);
    assert!(records(&site).await.is_empty());
    assert!(site.objects("deployments.apps").await.is_empty());
    workers.stop().await;
}

/// What was adopted can be held against what runs; the result is kept, for those who may see the environment.
async fn drift_of_what_was_adopted(site: Site) {
    left_behind(&site, "").await;
    let c = &site.control;
    let production = AdoptRelease { kind: "production".to_owned(), ..adoption() };
    c.environment_adopt(&system(), production).await.unwrap();
    assert_eq!(c.drift_get(&system(), "eu").await.unwrap(), None);
    let check = c.drift_check(&system(), "eu").await.unwrap();
    assert_eq!((check.number, check.helm_revision, check.outdated), (None, Some(1), false));
    assert_eq!((check.objects.len(), check.same), (0, 2));
    let developer = site.person(Role::Developer).await;
    assert_eq!(c.drift_get(&developer, "eu").await.unwrap(), Some(check));
    let asked = c.drift_check(&developer, "eu").await;
    assert!(matches!(asked, Err(Error::Forbidden { .. })), "{asked:?}");
    let qa = site.person(Role::Qa).await;
    let hidden = c.drift_get(&qa, "eu").await;
    assert!(matches!(hidden, Err(Error::NotFound { .. })), "{hidden:?}");

    let started = c.deployment_create(&system(), "eu", NewDeployment::default()).await.unwrap();
    let workers = c.start_workers();
    assert_eq!(ended(c, started.op.id).await.state, OpState::Succeeded);
    workers.stop().await;
    assert!(c.drift_get(&system(), "eu").await.unwrap().unwrap().outdated);
    let check = c.drift_check(&system(), "eu").await.unwrap();
    assert_eq!((check.number, check.objects.len()), (Some(1), 0));
}

/// Killed at any step of the way back to what was adopted: another process ends it, tells why the deployment failed, and
/// what runs is what was adopted.
#[test]
fn killed_on_the_way_back() {
    let runtime = runtime();
    let steps = [StepName::RollBackCheck, StepName::RollBackApply, StepName::RollBackFinish];
    for step in steps {
        let (site, op) = runtime.block_on(async {
            let mut site = Site::sqlite().await;
            left_behind(&site, "").await;
            site.config.workers.lease = Duration::from_millis(900);
            site.control.environment_adopt(&system(), adoption()).await.unwrap();
            let hopeless =
                SettingsChange { end_when_hopeless: Some(true), ..SettingsChange::default() };
            site.control.app_change_settings(&system(), "shop", hopeless).await.unwrap();
            let started =
                deploy(&site, "greeting: hej\nfault: crash-loop\n", OnFailure::RollBack).await;
            (site, started.op.id)
        });
        carry_out_and_be_killed(&site, op, step);
        runtime.block_on(async {
            let (ended, text) = taken_up(&site, op).await;
            assert_eq!(ended.state, OpState::Failed, "killed at {step}:\n{text}");
            let detail = site.control.deployment_find(&system(), "eu", 1).await.unwrap();
            let failure = detail.failure.unwrap();
            assert_eq!(
                failure.cluster_state, "Rolled back to Helm revision 1 (chart shop 1.0.0).",
                "killed at {step}:\n{text}"
            );
            assert!(failure.message.contains("eu-web"), "{}", failure.message);
            let culprit = failure.culprit.unwrap();
            assert_eq!((culprit.cause.as_str(), culprit.remedy), ("crash_loop", failure.remedy));
            assert_eq!(detail.deployment.rolled_back_to_revision, Some(1));
            assert_eq!(records(&site).await.len(), 3, "killed at {step}");
            let check = site.control.drift_check(&system(), "eu").await.unwrap();
            assert_eq!((check.objects.len(), check.same), (0, 2), "killed at {step}");
        });
    }
}
