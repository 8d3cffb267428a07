//! Recording revisions: Helm's states and descriptions, repetition, recovery, other people's writes.

use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::json;

use super::*;
use crate::RolloutError;
use crate::plan::{Operation, Plan};
use crate::testing::{FakeServer, Fault, plan};

const SECRETS: &str = "/api/v1/namespaces/prod/secrets";

fn new(owner: &str) -> NewRevision {
    NewRevision {
        content: Release::from_json(br#"{"manifest":"---\n"}"#).unwrap(),
        reference: String::new(),
        owner: Owner { key: "example.org/by".to_owned(), value: owner.to_owned() },
        history_max: 3,
        description: None,
        abandoned_after: Duration::from_mins(10),
        abandoned: None,
    }
}

fn failed(applying: bool) -> Finish {
    Finish::Failed { error: "it broke".to_owned(), applying }
}

/// Runs the two steps for one owner after another.
async fn release(server: &FakeServer, owner: &str, operation: Operation, finish: &Finish) {
    let cluster = server.cluster();
    let execution = server.execution(&cluster);
    record_pending(execution, &plan(operation), &new(owner)).await.unwrap();
    record_finish(execution, &plan(operation), &new(owner), finish).await.unwrap();
}

/// Statuses and descriptions are Helm's, for success and for failure.
#[tokio::test]
async fn helms_states() {
    let server = FakeServer::default();
    release(&server, "d1", Operation::Install, &Finish::Deployed).await;
    assert_eq!(server.history(), ["1 deployed Install complete"]);
    release(&server, "d2", Operation::Upgrade, &Finish::Deployed).await;
    release(&server, "d3", Operation::Upgrade, &failed(true)).await;
    insta::assert_snapshot!(server.history().join("\n"), @r#"
    1 superseded Install complete
    2 deployed Upgrade complete
    3 failed Upgrade "shop" failed: it broke
    "#);
    release(&server, "d4", Operation::Rollback { to: 2 }, &Finish::Deployed).await;
    insta::assert_snapshot!(server.history().join("\n"), @r#"
    2 superseded Upgrade complete
    3 failed Upgrade "shop" failed: it broke
    4 deployed Rollback to 2
    "#);
}

/// A rollback that fails while it applies leaves nothing deployed; one that fails later does.
#[tokio::test]
async fn failing_rollbacks() {
    for (applying, expected) in [
        (true, ["1 superseded Install complete", "2 failed Rollback \"shop\" failed: it broke"]),
        (false, ["1 deployed Install complete", "2 failed Release \"shop\" failed: it broke"]),
    ] {
        let server = FakeServer::default();
        release(&server, "d1", Operation::Install, &Finish::Deployed).await;
        release(&server, "d2", Operation::Rollback { to: 1 }, &failed(applying)).await;
        assert_eq!(server.history(), expected);
    }
}

/// Repeating a step for the same owner finds its revision: there is never a second one.
#[tokio::test]
async fn repetition() {
    let server = FakeServer::default();
    release(&server, "d1", Operation::Install, &Finish::Deployed).await;
    let cluster = server.cluster();
    let execution = server.execution(&cluster);
    for _ in 0..2 {
        let upgrade = plan(Operation::Upgrade);
        assert_eq!(record_pending(execution, &upgrade, &new("d2")).await.unwrap().revision, 2);
    }
    server.take_writes();
    for _ in 0..2 {
        release(&server, "d2", Operation::Upgrade, &Finish::Deployed).await;
    }
    assert_eq!(server.take_writes().len(), 2);
    assert_eq!(server.history(), ["1 superseded Install complete", "2 deployed Upgrade complete"]);
}

/// An answer that is lost after the server did the work is no failure, and makes no second revision.
#[tokio::test]
async fn lost_answers() {
    let server = FakeServer::default();
    server.fail(&format!("POST {SECRETS}"), Fault::LoseAnswer(504));
    server.fail(&format!("PUT {SECRETS}"), Fault::LoseAnswer(504));
    release(&server, "d1", Operation::Install, &Finish::Deployed).await;
    assert_eq!(server.history(), ["1 deployed Install complete"]);
}

/// The remains of an own earlier operation are marked failed at once, those of others once they are
/// old; until then they are refused.
#[tokio::test]
async fn pending_revisions() {
    let server = FakeServer::default();
    let cluster = server.cluster();
    let execution = server.execution(&cluster);
    record_pending(execution, &plan(Operation::Install), &new("d1")).await.unwrap();
    record_pending(execution, &plan(Operation::Upgrade), &new("d2")).await.unwrap();
    assert_eq!(
        server.history(),
        ["1 failed Abandoned while pending-install", "2 pending-upgrade Preparing upgrade"]
    );
    assert_eq!(
        server.log(),
        ["revision 1 was left pending-install by an operation that ended early; marked as failed"]
    );

    let others = NewRevision {
        reference: String::new(),
        owner: Owner { key: "example.org/else".to_owned(), value: "x".to_owned() },
        ..new("d3")
    };
    let refused = record_pending(execution, &plan(Operation::Upgrade), &others).await.unwrap_err();
    assert!(
        matches!(refused, RolloutError::Record(RecordError::InProgress { revision: 2, .. })),
        "{refused}"
    );
    let other = NewRevision { abandoned: Some(1), ..others.clone() };
    let refused = record_pending(execution, &plan(Operation::Upgrade), &other).await.unwrap_err();
    assert!(refused.to_string().contains("is in progress"), "another one is known to be abandoned");
    let known = NewRevision { abandoned: Some(2), ..others.clone() };
    let patient = NewRevision { abandoned_after: Duration::ZERO, ..others };
    let history = read_history(&cluster, &NothingKept, "prod", "shop").await.unwrap();
    let now = Timestamp::now();
    let at_work = history.at_work(&patient.owner.key, known.abandoned_after, now).unwrap();
    let lasts = at_work.until.duration_since(at_work.since);
    assert_eq!((at_work.revision, lasts), (2, jiff::SignedDuration::from_mins(10)));
    assert_eq!(history.at_work(&patient.owner.key, patient.abandoned_after, now), None);
    record_pending(execution, &plan(Operation::Upgrade), &patient).await.unwrap();
    assert_eq!(
        server.history()[1..],
        ["2 failed Abandoned while pending-upgrade", "3 pending-upgrade Preparing upgrade"]
    );
}

/// A record that someone else has written meanwhile stays as they wrote it.
#[tokio::test]
async fn other_peoples_writes() {
    let server = FakeServer::default();
    let cluster = server.cluster();
    let execution = server.execution(&cluster);
    record_pending(execution, &plan(Operation::Install), &new("d1")).await.unwrap();
    // Helm rolls back meanwhile: the record is no longer pending.
    release(&server, "d1", Operation::Install, &failed(false)).await;
    let refused =
        record_finish(execution, &plan(Operation::Install), &new("d1"), &Finish::Deployed)
            .await
            .unwrap_err();
    insta::assert_snapshot!(refused, @"revision 1 of release `shop` was changed by someone else meanwhile; look at `helm history shop` and deploy again");
    let gone =
        record_finish(execution, &plan(Operation::Install), &new("d9"), &Finish::Deployed).await;
    assert!(matches!(gone, Err(RolloutError::Record(RecordError::Gone { .. }))));
}

/// Where not even the namespace is there, nothing is asked of what is in it.
#[tokio::test]
async fn no_namespace_no_revisions() {
    let server = FakeServer::default();
    let cluster = server.cluster();
    let history = read_history(&cluster, &NothingKept, "prod", "shop").await.unwrap();
    assert_eq!(history.namespace_exists(), Some(false));
    assert!(history.revisions().is_empty());
    let asked = server.take_requests();
    assert!(asked.iter().all(|request| !request.contains("secrets")), "{asked:?}");
    record_pending(server.execution(&cluster), &plan(Operation::Install), &new("d1"))
        .await
        .unwrap();
    let history = read_history(&cluster, &NothingKept, "prod", "shop").await.unwrap();
    assert_eq!((history.namespace_exists(), history.revisions().len()), (Some(true), 1));
}

/// A revision ends without reading anything where it is known how its records stand, and what became current before it
/// is superseded with its chart.
#[tokio::test]
async fn end_of_what_is_known() {
    let server = FakeServer::default();
    let (cluster, content) =
        (server.cluster(), r#"{"manifest":"---\n","chart":{"values":{"a":1}}}"#);
    let execution = server.execution(&cluster);
    let revision = |owner: &str| NewRevision {
        content: Release::from_json(content.as_bytes()).unwrap(),
        ..new(owner)
    };
    record_pending(execution, &plan(Operation::Install), &revision("d1")).await.unwrap();
    record_finish(execution, &plan(Operation::Install), &revision("d1"), &Finish::Deployed)
        .await
        .unwrap();
    let (upgrade, second) = (plan(Operation::Upgrade), revision("d2"));
    // What a plan is made from knows no charts.
    let history = read_history(&cluster, &NothingKept, "prod", "shop").await.unwrap();
    assert!(history.revisions()[0].release.chart.as_ref().unwrap().values.is_none());
    let recorded = record_pending_after(execution, &upgrade, &second, &history).await.unwrap();
    server.take_requests();
    let current = recorded.current.unwrap();
    record_finish_after(execution, &upgrade, &second, &Finish::Deployed, &current).await.unwrap();
    server.stop_failing();
    assert_eq!(server.history(), ["1 superseded Install complete", "2 deployed Upgrade complete"]);
    for revision in [1, 2] {
        let secret = server.get(&format!("{SECRETS}/sh.helm.release.v1.shop.v{revision}")).unwrap();
        let stored = store::stored_revision(&secret, store::Extent::Whole).unwrap();
        assert!(stored.release.chart.unwrap().values.is_some(), "revision {revision}");
    }
}

/// What was known and is no longer so is read again.
#[tokio::test]
async fn end_of_what_others_touched() {
    let server = FakeServer::default();
    let cluster = server.cluster();
    let execution = server.execution(&cluster);
    let install = plan(Operation::Install);
    let recorded = record_pending(execution, &install, &new("d1")).await.unwrap();
    let path = format!("{SECRETS}/sh.helm.release.v1.shop.v1");
    let mut secret = server.get(&path).unwrap();
    secret["metadata"]["labels"]["team"] = json!("checkout");
    secret["metadata"]["resourceVersion"] = json!("4711");
    server.put(&path, secret);
    let current = recorded.current.unwrap();
    record_finish_after(execution, &install, &new("d1"), &Finish::Deployed, &current)
        .await
        .unwrap();
    assert_eq!(server.history(), ["1 deployed Install complete"]);
    assert_eq!(server.get(&path).unwrap()["metadata"]["labels"]["team"], "checkout");
}

/// Without the lease nothing is written.
#[tokio::test]
async fn lost_lease() {
    let server = FakeServer::default();
    server.lose_lease();
    let cluster = server.cluster();
    let execution = server.execution(&cluster);
    let refused = record_pending(execution, &plan(Operation::Install), &new("d1")).await;
    assert!(matches!(refused, Err(RolloutError::Guard(_))));
    assert_eq!(server.take_writes(), [""; 0]);
}

/// The namespace is made as `helm install --create-namespace` makes it.
#[tokio::test]
async fn namespace() {
    let server = FakeServer::default();
    let cluster = server.cluster();
    let plan = Plan { creates_namespace: true, ..plan(Operation::Install) };
    record_pending(server.execution(&cluster), &plan, &new("d1")).await.unwrap();
    let namespace = server.get("/api/v1/namespaces/prod").unwrap();
    assert_eq!(namespace["metadata"]["labels"], json!({ "name": "prod" }));
}

/// A record that is too large loses the chart's files and templates, never its manifest.
#[tokio::test]
async fn large_records() {
    let server = FakeServer::default();
    let cluster = server.cluster();
    let execution = server.execution(&cluster);
    let noise = noise();
    let content = Release::from_json(
        json!({
            "manifest": "---\n",
            "chart": {
                "metadata": { "name": "c", "version": "1.0.0" },
                "templates": [{ "name": "templates/a.yaml", "data": "YQ==" }],
                "files": [{ "name": "big", "data": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &noise) }],
            },
        })
        .to_string()
        .as_bytes(),
    )
    .unwrap();
    let large = NewRevision { content, ..new("d1") };
    record_pending(execution, &plan(Operation::Install), &large).await.unwrap();
    let stored = Records::open(execution, "prod", "shop").await.unwrap().read().await.unwrap();
    let release = &stored.last().unwrap().release;
    let chart = release.chart.as_ref().unwrap();
    assert_eq!((release.manifest.as_str(), chart.files.is_none()), ("---\n", true));
    assert!(chart.templates.is_some());
}

/// A manifest that has no room is left where the caller keeps it; the revision ends, is superseded and is planned from all
/// the same. One that is kept nowhere is told of instead of being taken for an empty one.
#[tokio::test]
async fn manifests_without_room() {
    struct Kept(String);
    impl KeptManifests for Kept {
        fn manifest<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Option<String>> {
            Box::pin(std::future::ready((reference == "kept/1").then(|| self.0.clone())))
        }
    }
    let manifest = format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: big}}\ndata: {{noise: {}}}\n",
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, noise())
    );
    let server = FakeServer::default();
    let cluster = server.cluster();
    let execution = server.execution(&cluster);
    let content =
        Release::from_json(json!({ "manifest": manifest }).to_string().as_bytes()).unwrap();
    let large = NewRevision { content, reference: "kept/1".to_owned(), ..new("d1") };
    let plan_ = plan(Operation::Install);
    record_pending(execution, &plan_, &large).await.unwrap();
    record_finish(execution, &plan_, &large, &Finish::Deployed).await.unwrap();
    assert_eq!(server.history(), ["1 deployed Install complete"]);
    assert!(
        server.log().iter().any(|line| line.contains("Landfall keeps it")),
        "{:?}",
        server.log()
    );

    let kept = read_history(&cluster, &Kept(manifest.clone()), "prod", "shop").await.unwrap();
    assert_eq!(kept.last().unwrap().manifest().unwrap(), manifest);
    let lost = read_history(&cluster, &NothingKept, "prod", "shop").await.unwrap();
    assert!(lost.last().unwrap().release.manifest.contains("ManifestKeptByLandfall"));
    insta::assert_snapshot!(lost.last().unwrap().manifest().unwrap_err(), @"the manifest of revision 1 of release `shop` had no room in its record, and Landfall does not have it any more; deploy by a Landfall that has it");
}

/// Bytes that do not compress.
fn noise() -> Vec<u8> {
    (0u64..400_000)
        .flat_map(|n| {
            n.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31).wrapping_mul(n).to_be_bytes()
        })
        .collect()
}
