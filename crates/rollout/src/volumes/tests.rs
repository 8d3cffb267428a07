//! What a claim is made of again, what it is called elsewhere, what uses it, and how snapshots stand.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::claim::kept;
use super::quantity::bytes;
use super::snapshot::Standing;
use super::workloads::{used_by, uses, without_us};
use super::{Move, Snapshot, Volume};

/// A claim as a cluster has it, with what controllers wrote on it.
fn claim() -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": "data-eu-db-0", "namespace": "shop", "uid": "1", "resourceVersion": "7",
            "finalizers": ["kubernetes.io/pvc-protection"],
            "labels": { "app": "db", "app.kubernetes.io/instance": "eu" },
            "annotations": {
                "meta.helm.sh/release-name": "eu",
                "meta.helm.sh/release-namespace": "shop",
                "pv.kubernetes.io/bind-completed": "yes",
                "volume.kubernetes.io/storage-provisioner": "csi.example.org",
                "volume.beta.kubernetes.io/storage-provisioner": "csi.example.org",
                "volume.beta.kubernetes.io/storage-class": "fast",
                "landfall.dev/restored-by": "op_1",
            },
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"], "volumeName": "pvc-1", "volumeMode": "Filesystem",
            "storageClassName": "fast", "resources": { "requests": { "storage": "8Gi" } },
            "dataSource": { "kind": "VolumeSnapshot", "name": "older" },
            "dataSourceRef": { "kind": "VolumeSnapshot", "name": "older" },
        },
        "status": { "phase": "Bound", "capacity": { "storage": "8Gi" } },
    })
}

fn snapshot(made_of: Value) -> Snapshot {
    Snapshot {
        namespace: "shop".to_owned(),
        name: "landfall-1".to_owned(),
        claim: "data-eu-db-0".to_owned(),
        bytes: 1,
        driver: "csi.example.org".to_owned(),
        handle: "snap-1".to_owned(),
        made_of,
    }
}

/// What its maker said stays; what controllers wrote, its volume and an older source go. It asks for as much as the
/// snapshot needs.
#[test]
fn made_of_again() {
    let again = kept(&claim(), "8Gi");
    let annotations = &again["metadata"]["annotations"];
    assert_eq!(
        *annotations,
        json!({
            "meta.helm.sh/release-name": "eu", "meta.helm.sh/release-namespace": "shop",
            "volume.beta.kubernetes.io/storage-class": "fast",
        })
    );
    assert_eq!(again["metadata"]["labels"], claim()["metadata"]["labels"]);
    assert!(again["metadata"].get("uid").is_none() && again.get("status").is_none(), "{again}");
    assert_eq!(
        again["spec"],
        json!({
            "accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem", "storageClassName": "fast",
            "resources": { "requests": { "storage": "8Gi" } },
        })
    );
    let grown = kept(&claim(), "10Gi");
    assert_eq!(grown["spec"]["resources"]["requests"]["storage"], "10Gi");
    let unknown = kept(&claim(), "");
    assert_eq!(unknown["spec"]["resources"]["requests"]["storage"], "8Gi");
}

fn moved(name: &str, way: Move<'_>) -> String {
    let snapshot = Snapshot { claim: name.to_owned(), ..snapshot(kept(&claim(), "")) };
    Volume::of(&snapshot, way).claim().name.clone()
}

/// Another release's claim has its name in place of the first one's, where that is a word; so do labels and annotations.
#[test]
fn called_after_another_release() {
    let way = Move { from_release: "eu", to_release: "us-1", to_namespace: "shop-us" };
    assert_eq!(moved("data-eu-db-0", way), "data-us-1-db-0");
    assert_eq!(moved("eu-data-eu-neutral-0", way), "us-1-data-us-1-neutral-0");
    assert_eq!(moved("eueu-data", way), "eueu-data");
    assert_eq!(moved("eu", way), "us-1");
    let volume = Volume::of(&snapshot(kept(&claim(), "")), way);
    assert!(!volume.stays() && volume.is_helms());
    let object = volume.with_source("snap", ("landfall.dev/restored-by", "op_2"));
    assert_eq!(object["metadata"]["namespace"], "shop-us");
    assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/instance"], "us-1");
    assert_eq!(object["metadata"]["annotations"]["meta.helm.sh/release-name"], "us-1");
    assert_eq!(object["metadata"]["annotations"]["meta.helm.sh/release-namespace"], "shop-us");
    assert_eq!(
        object["spec"]["dataSource"],
        json!({ "apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "snap" })
    );
}

/// Where it goes back to nothing is called otherwise, even where a label happens to be the release's name.
#[test]
fn back_to_its_own_place() {
    let way = Move { from_release: "eu", to_release: "eu", to_namespace: "shop" };
    let volume = Volume::of(&snapshot(kept(&claim(), "")), way);
    assert_eq!(volume.claim().to_string(), "PersistentVolumeClaim/shop/data-eu-db-0");
    assert!(!volume.is_moved && !volume.stays());
    // A claim that does not have the release in its name would take the place of the other environment's.
    let other = Snapshot { claim: "data".to_owned(), ..snapshot(kept(&claim(), "")) };
    let way = Move { to_release: "us", ..way };
    assert!(Volume::of(&other, way).stays());
}

/// Pods use what their volumes name; `StatefulSets` also what they make of templates, whichever pod's.
#[test]
fn who_uses_a_claim() {
    let template = json!({ "spec": { "volumes": [
        { "name": "tmp", "emptyDir": {} },
        { "name": "files", "persistentVolumeClaim": { "claimName": "files" } },
    ] } });
    let claims = |names: &[&'static str]| names.iter().copied().collect::<BTreeSet<&str>>();
    assert_eq!(used_by(&template, &claims(&["files"])).as_deref(), Some("files"));
    assert_eq!(used_by(&template, &claims(&["tmp"])), None);
    let web = json!({ "metadata": { "name": "web" }, "spec": { "template": template } });
    assert!(uses(&web, &claims(&["files"])) && !uses(&web, &claims(&["other"])));
    let db = json!({
        "metadata": { "name": "eu-db" },
        "spec": { "template": {}, "volumeClaimTemplates": [{ "metadata": { "name": "data" } }] },
    });
    assert!(uses(&db, &claims(&["data-eu-db-12"])));
    assert!(!uses(&db, &claims(&["data-eu-db-", "data-eu-db-x", "data-eu-db-1-0"])));
}

/// Ready is ready, whatever was said before; an error is the cluster's words.
#[test]
fn how_snapshots_stand() {
    let of = |status: Value| Standing::of(&json!({ "status": status }));
    assert_eq!(of(json!({ "readyToUse": true, "error": { "message": "old" } })), Standing::Ready);
    let error = json!({ "readyToUse": false, "error": { "message": "no space" } });
    assert_eq!(of(error), Standing::Failing("no space".to_owned()));
    assert_eq!(of(json!({ "readyToUse": false })), Standing::Waiting);
    assert_eq!(Standing::of(&json!({})), Standing::Waiting);
}

/// What was patched is let go of; where nobody else has anything, or we have nothing, there is nothing to do.
#[test]
fn fields_are_let_go_of() {
    let entry =
        |manager: &str, operation: &str| json!({ "manager": manager, "operation": operation });
    let object = |entries: &[Value]| json!({ "metadata": { "managedFields": entries, "resourceVersion": "3" } });
    let (helm, ours) = (entry("helm", "Apply"), entry("landfall", "Update"));
    let patch = without_us(&object(&[helm.clone(), ours.clone()])).unwrap();
    assert_eq!((&patch[0]["value"], &patch[1]["value"]), (&json!([helm]), &json!("3")));
    assert_eq!(without_us(&object(&[helm])), None);
    assert_eq!(without_us(&object(&[ours])), None);
}

/// Sizes as people and drivers write them.
#[test]
fn quantities() {
    let read = ["8Gi", "1.5G", "100M", "1e9", "512", "1k", "1500m"].map(bytes);
    let wanted = [8_589_934_592, 1_500_000_000, 100_000_000, 1_000_000_000, 512, 1000, 2].map(Some);
    assert_eq!(read, wanted);
    assert_eq!(["", "many", "-1", "8GiB", "1e40"].map(bytes), [None; 5]);
}
