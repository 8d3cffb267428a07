//! Releases whose manifest has no room in Helm's record: they are deployed, upgraded, rolled back and removed all the same,
//! real helm lists them, and refuses to touch what it does not know. On the simulator and on a real control plane.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::{ClusterTools, RealCluster, Server, Simulator, charts, op_of};
use serde_json::{Value, json};

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

/// Text that does not compress below three quarters of its length: 900 KB, less than one object may have.
fn noise(mut seed: u64) -> String {
    let mut bytes = Vec::with_capacity(675_000);
    while bytes.len() < 675_000 {
        // xorshift64
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        bytes.extend_from_slice(&seed.to_be_bytes());
    }
    STANDARD.encode(bytes)
}

fn chart() -> Vec<u8> {
    const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}-NAME}\n\
                       data:\n  greeting: {{ .Values.greeting }}\n  noise: {{ .Files.Get \"NAME\" }}\n";
    let one = MAP.replace("NAME", "one");
    let two = format!("{{{{- if .Values.two }}}}\n{}{{{{- end }}}}\n", MAP.replace("NAME", "two"));
    charts::packed(&[
        ("Chart.yaml", "apiVersion: v2\nname: bulk\nversion: 1.0.0\n"),
        ("values.yaml", "greeting: hello\ntwo: true\n"),
        ("one", &noise(1)),
        ("two", &noise(2)),
        ("templates/one.yaml", &one),
        ("templates/two.yaml", &two),
    ])
}

/// Arguments of a command on the environment's namespace.
fn inside<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [args, &["-n", "bulk-bulk"]].concat()
}

async fn large_records(cluster: &ClusterTools) {
    let data = tempfile::tempdir().unwrap();
    let (_server, api) = Server::on_lab(binary(), data.path(), cluster, &[]).await;
    let repository = charts::serve(vec![chart()]).await;
    let app = json!({
        "name": "Bulk", "chart_kind": "repository", "chart_url": repository, "chart_name": "bulk",
    });
    api.post("/apps", app).await;
    api.post("/releases", json!({ "app": "Bulk", "tag": "1", "chart_version": "1.0.0" })).await;
    let body = json!({ "name": "bulk", "app": "Bulk", "kind": "sandbox", "cluster": "lab" });
    let made = op_of(&api.post("/environments", body).await);
    api.op_succeeds(&made).await;
    let log = api.get(&format!("/ops/{made}/log?limit=1000")).await.to_string();
    assert!(log.contains("too large for Helm's release record"), "{log}");

    let maps = || {
        let names = ["get", "configmaps", "-o", "jsonpath={.items[*].metadata.name}"];
        let all = cluster.kubectl(&inside(&names));
        let own = all.split_whitespace().filter(|name| name.starts_with("bulk-"));
        own.map(str::to_owned).collect::<Vec<_>>()
    };
    let statuses = || -> Vec<String> {
        let text = cluster.helm(&inside(&["history", "bulk", "-o", "json"]));
        let all: Vec<Value> = serde_json::from_str(&text).unwrap();
        all.iter().map(|it| it["status"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(maps(), ["bulk-one", "bulk-two"]);
    assert_eq!(statuses(), ["deployed"]);
    let listed = cluster.helm(&inside(&["list"]));
    assert!(listed.contains("bulk") && listed.contains("deployed"), "{listed}");
    let status = cluster.try_helm3(&inside(&["status", "bulk"])).unwrap();
    assert!(status.contains("STATUS: deployed"), "{status}");
    let manifest = cluster.helm(&inside(&["get", "manifest", "bulk"]));
    assert!(manifest.contains("kind: ManifestKeptByLandfall"), "{manifest}");

    // What the manifest had and the next has not is deleted: it comes from what Landfall keeps.
    let without = json!({ "release": "1", "values": "greeting: bye\ntwo: false\n" });
    let preview = api.post("/environments/bulk/previews", without.clone()).await;
    assert_eq!(
        (&preview["changes"]["delete"], &preview["changes"]["change"]),
        (&json!(1), &json!(1))
    );
    let upgraded = api.post("/environments/bulk/deployments", without).await;
    api.op_succeeds(&op_of(&upgraded)).await;
    assert_eq!(maps(), ["bulk-one"]);
    let back = api.post("/environments/bulk/rollbacks", json!({ "to": "#1" })).await;
    api.op_succeeds(&op_of(&back)).await;
    assert_eq!(maps(), ["bulk-one", "bulk-two"]);
    assert_eq!(statuses(), ["superseded", "superseded", "deployed"]);

    // Helm knows nothing of the objects, and so touches none.
    let archive = data.path().join("chart.tgz");
    std::fs::write(&archive, chart()).unwrap();
    let upgrade = ["upgrade", "bulk", archive.to_str().unwrap()];
    for (args, words) in
        [(&upgrade[..], "ManifestKeptByLandfall"), (&["uninstall", "bulk"][..], "failed to delete")]
    {
        let errors = cluster.try_helm(&inside(args)).unwrap_err();
        assert!(errors.contains(words), "{errors}");
        assert_eq!(maps(), ["bulk-one", "bulk-two"], "after helm {args:?}: {errors}");
    }
    let (code, removal) = api.try_delete("/environments/bulk").await;
    assert_eq!(code, 200, "{removal:#}");
    api.op_succeeds(removal["id"].as_str().unwrap()).await;
    assert!(maps().is_empty(), "{:?}", maps());
    assert_eq!(cluster.helm(&inside(&["list", "-q"])).trim(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_simulator() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(binary(), folder.path(), "instant").await;
    large_records(&simulator).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_real_control_plane() {
    let Some(cluster) = RealCluster::start().await else { return };
    large_records(&cluster).await;
    cluster.stop().await;
}
