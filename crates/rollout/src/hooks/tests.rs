//! Hooks against a server that can fail: order, policies, what the record says, and runs that are taken up again.

use serde_json::{Value, json};

use super::*;
use crate::record::{Finish, NothingKept, read_history};
use crate::record::{Owner, record_finish, record_pending};
use crate::testing::{FakeServer, Fault, plan};
use crate::uninstall::{UninstallOptions, Uninstalled, uninstall};
use helm::release::{HookPhase, Release};

const JOBS: &str = "/apis/batch/v1/namespaces/prod/jobs";

fn hook(name: &str, kind: &str, weight: i64, events: &[&str], policies: &[&str]) -> Value {
    let api_version = if kind == "Job" { "batch/v1" } else { "v1" };
    json!({
        "name": name, "kind": kind, "path": format!("c/templates/{name}.yaml"),
        "manifest": format!("apiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: {name}\n"),
        "events": events, "weight": weight, "delete_policies": policies,
    })
}

fn revision(hooks: &[Value]) -> NewRevision {
    let content = json!({ "manifest": "---\n", "hooks": hooks });
    NewRevision {
        content: Release::from_json(content.to_string().as_bytes()).unwrap(),
        reference: String::new(),
        owner: Owner { key: "example.org/by".to_owned(), value: "d1".to_owned() },
        history_max: 10,
        description: None,
        abandoned_after: Duration::from_mins(10),
        abandoned: None,
    }
}

fn options() -> HookOptions {
    HookOptions {
        timeout: Duration::from_mins(1),
        clock_skew: SignedDuration::from_secs(1),
        end_when_hopeless: false,
        cursor: Cursor::default(),
    }
}

/// Jobs come to this end as soon as they are created.
fn jobs_end(server: &FakeServer, how: &str) {
    let status = json!({ "failed": 1, "conditions": [{ "type": how, "status": "True" }] });
    server.on_create("Job", json!({ "status": status }));
}

async fn run(server: &FakeServer, new: &NewRevision, event: HookEvent) -> HooksOutcome {
    let cluster = server.cluster();
    let execution = server.execution(&cluster);
    record_pending(execution, &plan(Operation::Install), new).await.unwrap();
    run_hooks(execution, &plan(Operation::Install), new, event, &options()).await.unwrap()
}

/// Name, phase and policies of each hook in the record.
async fn recorded(server: &FakeServer) -> String {
    let history = read_history(&server.cluster(), &NothingKept, "prod", "shop").await.unwrap();
    let hooks = &history.last().unwrap().release.hooks;
    let line = |hook: &Hook| {
        let policies: Vec<String> = hook.delete_policies.iter().map(ToString::to_string).collect();
        let run = &hook.last_run;
        assert_eq!(run.started_at.is_some(), run.phase != HookPhase::NotRun);
        format!("{} {} {}", hook.name, run.phase, policies.join(","))
    };
    hooks.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn writes(server: &FakeServer) -> Vec<String> {
    let record = "PUT /api/v1/namespaces/prod/secrets/";
    let all = server.take_writes().into_iter();
    all.filter(|write| !write.starts_with(record) && !write.starts_with("POST")).collect()
}

/// By weight, then by name; each is deleted before, those whose policy says so afterwards in reverse order; the record
/// says how each went, and the default policy.
#[tokio::test]
async fn order_and_policies() {
    let server = FakeServer::default();
    jobs_end(&server, "Complete");
    let new = revision(&[
        hook("b", "Job", 0, &["pre-install"], &[]),
        hook("a", "Job", 0, &["pre-install"], &["hook-succeeded"]),
        hook("settings", "ConfigMap", -1, &["pre-install"], &["hook-succeeded", "hook-failed"]),
        hook("later", "Job", -9, &["post-install"], &[]),
    ]);
    server.put(&format!("{JOBS}/b"), json!({ "metadata": { "name": "b" } }));
    let outcome = run(&server, &new, HookEvent::PreInstall).await;
    assert_eq!(outcome, HooksOutcome::Done { hooks: 3 });
    assert_eq!(
        writes(&server),
        [
            "PATCH /api/v1/namespaces/prod/configmaps/settings".to_owned(),
            format!("PATCH {JOBS}/a"),
            format!("DELETE {JOBS}/b"),
            format!("PATCH {JOBS}/b"),
            format!("DELETE {JOBS}/a"),
            "DELETE /api/v1/namespaces/prod/configmaps/settings".to_owned(),
        ]
    );
    insta::assert_snapshot!(recorded(&server).await, @r"
    b Succeeded before-hook-creation
    a Succeeded hook-succeeded
    settings Succeeded hook-succeeded,hook-failed
    later  
    ");
}

/// A hook that fails ends the event with its name and Helm's words; what ran before is deleted by its policy.
#[tokio::test]
async fn a_hook_that_fails() {
    let server = FakeServer::default();
    jobs_end(&server, "Failed");
    let new = revision(&[
        hook("first", "ConfigMap", 0, &["pre-install"], &["hook-succeeded"]),
        hook("migrate", "Job", 1, &["pre-install"], &["hook-failed"]),
        hook("never", "Job", 2, &["pre-install"], &[]),
    ]);
    let HooksOutcome::Failed(failure) = run(&server, &new, HookEvent::PreInstall).await else {
        panic!("it does not succeed");
    };
    insta::assert_snapshot!(failure, @"pre-install hook Job migrate failed: resource Job/prod/migrate not ready. status: Failed, message: Job Failed. failed: 1/1");
    assert_eq!(
        writes(&server)[2..],
        [
            format!("DELETE {JOBS}/migrate"),
            "DELETE /api/v1/namespaces/prod/configmaps/first".to_owned(),
        ]
    );
    insta::assert_snapshot!(recorded(&server).await, @r"
    first Succeeded hook-succeeded
    migrate Failed hook-failed
    never  
    ");
    // Whoever takes it up again does not run it again.
    let HooksOutcome::Failed(again) = run(&server, &new, HookEvent::PreInstall).await else {
        panic!("it does not succeed");
    };
    insta::assert_snapshot!(again, @"pre-install hook Job migrate failed: its object is gone by now");
    assert!(writes(&server).iter().all(|write| write.starts_with("DELETE")));
}

/// A hook that the cluster does not accept has failed; nothing is deleted then, as Helm has it.
#[tokio::test]
async fn a_hook_that_is_refused() {
    let server = FakeServer::default();
    server.fail(&format!("PATCH {JOBS}/migrate"), Fault::Refuse(422));
    let new = revision(&[
        hook("first", "ConfigMap", 0, &["pre-install"], &["hook-succeeded"]),
        hook("migrate", "Job", 1, &["pre-install"], &["hook-failed"]),
    ]);
    let HooksOutcome::Failed(failure) = run(&server, &new, HookEvent::PreInstall).await else {
        panic!("it does not succeed");
    };
    insta::assert_snapshot!(failure, @"pre-install hook Job migrate failed: warning: Hook pre-install c/templates/migrate.yaml failed: server-side apply failed for object prod/migrate batch/v1, Kind=Job: told to fail");
    assert!(writes(&server).iter().all(|write| !write.starts_with("DELETE")));
    insta::assert_snapshot!(recorded(&server).await, @r"
    first Succeeded hook-succeeded
    migrate Failed hook-failed
    ");
}

/// After a crash nothing runs twice: what succeeded is passed, what ran is waited for.
#[tokio::test]
async fn taken_up_again() {
    let new = revision(&[
        hook("first", "Job", 0, &["pre-install", "post-install"], &[]),
        hook("second", "Job", 1, &["pre-install"], &[]),
    ]);
    // The answer to the creation of the second is lost for good: the step ends there.
    let server = FakeServer::default();
    jobs_end(&server, "Complete");
    let cluster = server.cluster();
    let execution = server.execution(&cluster);
    record_pending(execution, &plan(Operation::Install), &new).await.unwrap();
    for _ in 0..20 {
        server.fail(&format!("PATCH {JOBS}/second"), Fault::LoseAnswer(504));
    }
    let lost =
        run_hooks(execution, &plan(Operation::Install), &new, HookEvent::PreInstall, &options())
            .await;
    assert!(lost.unwrap_err().is_transient());
    server.stop_failing();
    insta::assert_snapshot!(recorded(&server).await, @r"
    first Succeeded before-hook-creation
    second Running before-hook-creation
    ");
    writes(&server);
    assert_eq!(run(&server, &new, HookEvent::PreInstall).await, HooksOutcome::Done { hooks: 2 });
    assert_eq!(writes(&server), [""; 0], "neither is created a second time");
    // A run of one event says nothing of the other.
    run(&server, &new, HookEvent::PostInstall).await;
    assert_eq!(writes(&server), [format!("DELETE {JOBS}/first"), format!("PATCH {JOBS}/first")]);
    run(&server, &new, HookEvent::PostInstall).await;
    assert_eq!(writes(&server), [""; 0]);
}

/// A hook that was begun but whose object is gone is run again, and that is told.
#[tokio::test]
async fn begun_but_gone() {
    let server = FakeServer::default();
    let new = revision(&[hook("migrate", "Job", 0, &["pre-install"], &[])]);
    let cluster = server.cluster();
    let execution = server.execution(&cluster);
    record_pending(execution, &plan(Operation::Install), &new).await.unwrap();
    for _ in 0..20 {
        server.fail(&format!("PATCH {JOBS}/migrate"), Fault::Refuse(504));
    }
    run_hooks(execution, &plan(Operation::Install), &new, HookEvent::PreInstall, &options())
        .await
        .unwrap_err();
    server.stop_failing();
    jobs_end(&server, "Complete");
    run(&server, &new, HookEvent::PreInstall).await;
    let log = server.log().join("\n");
    assert!(
        log.contains(
            "pre-install hook migrate was begun, but Job/prod/migrate is not there: it is run again"
        ),
        "{log}"
    );
}

/// An end that comes while a hook runs leaves it as unknown, and the record failed.
#[tokio::test]
async fn ended_meanwhile() {
    let server = FakeServer::default();
    let new = revision(&[hook("migrate", "Job", 0, &["pre-install"], &[])]);
    let cluster = server.cluster();
    let execution = server.execution(&cluster);
    record_pending(execution, &plan(Operation::Install), &new).await.unwrap();
    let (plan, options) = (plan(Operation::Install), options());
    let running = run_hooks(execution, &plan, &new, HookEvent::PreInstall, &options);
    let cancel = async {
        while server.get(&format!("{JOBS}/migrate")).is_none() {
            tokio::task::yield_now().await;
        }
        server.cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(running, cancel);
    assert!(matches!(outcome, Err(RolloutError::Cancelled)), "{outcome:?}");
    let unstoppable = tokio_util::sync::CancellationToken::new();
    let execution = Execution { cancel: &unstoppable, ..execution };
    let failed = Finish::Failed { error: "cancelled".to_owned(), applying: false };
    record_finish(execution, &plan, &new, &failed).await.unwrap();
    assert_eq!(server.history(), ["1 failed Release \"shop\" failed: cancelled"]);
    insta::assert_snapshot!(recorded(&server).await, @"migrate Unknown before-hook-creation");
}

fn uninstalling(hooks: Option<HookOptions>) -> UninstallOptions {
    let deadline = jiff::Timestamp::now() + SignedDuration::from_secs(20);
    UninstallOptions { keep_history: false, deadline, hooks }
}

/// A server that has release `shop` with a hook before its deletion and one after it.
async fn deployed() -> FakeServer {
    let server = FakeServer::default();
    let cluster = server.cluster();
    let execution = server.execution(&cluster);
    let new = revision(&[
        hook("dump", "Job", 0, &["pre-delete"], &[]),
        hook("goodbye", "Job", 0, &["post-delete"], &[]),
    ]);
    record_pending(execution, &plan(Operation::Install), &new).await.unwrap();
    record_finish(execution, &plan(Operation::Install), &new, &Finish::Deployed).await.unwrap();
    server.take_writes();
    server
}

/// A hook that fails before an uninstall keeps the release, unless somebody does without hooks.
#[tokio::test]
async fn pre_delete_hook_that_fails() {
    let server = deployed().await;
    let cluster = server.cluster();
    let execution = server.execution(&cluster);
    jobs_end(&server, "Failed");
    let kept = uninstall(execution, "prod", "shop", &uninstalling(Some(options()))).await;
    insta::assert_snapshot!(kept.unwrap_err(), @"pre-delete hook Job dump failed: resource Job/prod/dump not ready. status: Failed, message: Job Failed. failed: 1/1");
    assert_eq!(server.history(), ["1 uninstalling Deletion in progress (or silently failed)"]);
    let left = uninstall(execution, "prod", "shop", &uninstalling(None)).await.unwrap();
    assert_eq!((left, server.history()), (Uninstalled::default(), Vec::new()));
}

/// One that fails after it is told, and the release is gone nevertheless. An uninstall that ended among the hooks
/// behind the deletion does not go back to those before it.
#[tokio::test]
async fn post_delete_hooks() {
    let server = deployed().await;
    let cluster = server.cluster();
    let execution = server.execution(&cluster);
    jobs_end(&server, "Complete");
    for _ in 0..20 {
        server.fail(&format!("PATCH {JOBS}/goodbye"), Fault::Refuse(504));
    }
    uninstall(execution, "prod", "shop", &uninstalling(Some(options()))).await.unwrap_err();
    server.stop_failing();
    assert!(writes(&server).contains(&format!("PATCH {JOBS}/dump")));
    jobs_end(&server, "Failed");
    let left = uninstall(execution, "prod", "shop", &uninstalling(Some(options()))).await.unwrap();
    insta::assert_snapshot!(left.failed_hook.unwrap(), @"post-delete hook Job goodbye failed: resource Job/prod/goodbye not ready. status: Failed, message: Job Failed. failed: 1/1");
    assert!(writes(&server).iter().all(|write| !write.contains("dump")));
    assert_eq!(server.history(), [""; 0]);
}
