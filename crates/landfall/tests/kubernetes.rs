//! The real Kubernetes control plane of the tests (`tests/cluster`) itself: what the end-to-end tests lean on there works
//! with real kubectl and helm, and its faults are what they say.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::path::{Path, PathBuf};

use harness::RealCluster;
use serde_json::{Value, json};

fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/parcel/0.31.0")
}

/// The sample product is installed, becomes ready, says what containers say, and goes again; then the same through a door
/// that throttles, and through one that is closed.
#[tokio::test(flavor = "multi_thread")]
async fn sample_product_with_helm() {
    let Some(cluster) = RealCluster::start().await else { return };
    let chart = chart();
    let chart = chart.to_str().unwrap();
    let install = [
        "install",
        "parcel",
        chart,
        "--namespace",
        "parcel-by-helm",
        "--create-namespace",
        "--wait",
        "--timeout=60s",
    ];
    let installed = cluster.helm(&install);
    assert!(installed.contains("STATUS: deployed"), "{installed}");
    let inside = |args: &[&str]| cluster.kubectl(&[args, &["-n", "parcel-by-helm"]].concat());

    let pods: Value = serde_json::from_str(&inside(&["get", "pods", "-o", "json"])).unwrap();
    // The pod of the hook that migrates has ended.
    let all = pods["items"].as_array().unwrap();
    let pods: Vec<&Value> =
        all.iter().filter(|pod| pod["status"]["phase"] != "Succeeded").collect();
    assert_eq!(all.len(), pods.len() + 1, "one pod has migrated");
    assert_eq!(pods.len(), 6, "two web, two api, a worker and a database");
    for pod in pods {
        assert_eq!(pod["status"]["phase"], "Running", "{pod:#}");
        assert_eq!(pod["status"]["containerStatuses"][0]["ready"], true, "{pod:#}");
    }
    let claims = inside(&["get", "pvc", "-o", "jsonpath={.items[*].status.phase}"]);
    assert_eq!(claims, "Bound");
    let log = inside(&["logs", "parcel-db-0"]);
    assert!(log.contains("database system is ready to accept connections"), "{log}");
    let events = inside(&["get", "events", "-o", "jsonpath={.items[*].reason}"]);
    for reason in ["ScalingReplicaSet", "SuccessfulCreate", "Scheduled", "Pulled", "Started"] {
        assert!(events.contains(reason), "no {reason} in {events}");
    }

    if let Some(door) = cluster.door() {
        // Helm waits as it is told and goes on.
        let throttled = json!([{ "method": "PATCH", "status": 429, "retryAfter": 1, "times": 2 }]);
        door.rules(throttled).await;
        let upgrade = [
            "upgrade",
            "parcel",
            chart,
            "--namespace",
            "parcel-by-helm",
            "--set",
            "web.replicas=3",
        ];
        let upgraded = door.tools.helm(&[&upgrade[..], &["--wait", "--timeout=60s"]].concat());
        assert!(upgraded.contains("REVISION: 2"), "{upgraded}");
        door.rules(json!([])).await;
        door.open(false).await;
        let refused = door.tools.try_kubectl(&["get", "nodes"]).unwrap_err();
        assert!(refused.contains("was refused"), "{refused}");
        door.open(true).await;
        assert!(door.tools.kubectl(&["get", "nodes"]).contains("Ready"));
    }

    let removed =
        cluster.helm(&["uninstall", "parcel", "-n", "parcel-by-helm", "--wait", "--timeout=60s"]);
    assert!(removed.contains("uninstalled"), "{removed}");
    // Helm never deletes the objects of hooks.
    cluster.kubectl(&["delete", "job", "parcel-migrate", "-n", "parcel-by-helm"]);
    cluster.kubectl(&["wait", "pods", "--all", "-n", "parcel-by-helm", "--for=delete"]);
    cluster.kubectl(&["delete", "namespace", "parcel-by-helm", "--timeout=60s"]);
    cluster.stop().await;
}
