//! Public charts on a real Kubernetes control plane, through the API: installed, upgraded, rolled back and removed, and
//! what is there after each step is what real Helm leaves, claims, definitions and kept objects at the end included.
//!
//! Names are compared; whether the objects are the same is `like_helm`'s business, with charts that draw nothing at random.
//! Left out where no folder of public charts is given.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::collections::BTreeSet;
use std::path::Path;

use futures_util::StreamExt;
use harness::{Api, ClusterTools, RealCluster, Server, charts, op_of};
use serde_json::{Value, json};

/// Charts under way at the same time.
const AT_A_TIME: usize = 3;

/// What a rollout may take; several are under way on two processors.
const SECONDS: u32 = 110;

/// Kinds outside of namespaces that charts bring.
const CLUSTER_KINDS: &str = "clusterroles,clusterrolebindings,customresourcedefinitions,priorityclasses,ingressclasses,\
    storageclasses,validatingwebhookconfigurations,mutatingwebhookconfigurations,namespaces,persistentvolumes";

/// A public chart, and what it is deployed with.
struct Case {
    /// Its folder; the environment and the Helm release are called by the last part.
    folder: &'static str,
    /// Values it needs to come up where nothing but Kubernetes itself is.
    values: &'static str,
    /// What an upgrade adds to them.
    upgrade: &'static str,
    /// Secrets that its hooks make where containers run.
    secrets: &'static [&'static str],
    /// The groups of the definitions it brings.
    definitions: &'static [&'static str],
}

const CASES: [Case; 10] = [
    Case {
        folder: "stefanprodan__podinfo__charts__podinfo",
        values: "",
        upgrade: "replicaCount: 2\n",
        secrets: &[],
        definitions: &[],
    },
    Case {
        // Definitions below crds/, hooks that patch its webhooks.
        folder: "prometheus-community__helm-charts__charts__kube-prometheus-stack",
        values: "",
        upgrade: "alertmanager:\n  enabled: false\n",
        secrets: &["kube-prometheus-stack-admission"],
        definitions: &["monitoring.coreos.com"],
    },
    Case {
        // Hooks with roles of their own.
        folder: "kubernetes__ingress-nginx__charts__ingress-nginx",
        values: "controller:\n  service:\n    type: ClusterIP\n",
        upgrade: "defaultBackend:\n  enabled: true\n",
        secrets: &["ingress-nginx-admission"],
        definitions: &[],
    },
    Case {
        // Definitions below crds/, certificates drawn anew, a sub-chart.
        folder: "bitnami__charts__bitnami__argo-cd",
        values: "",
        upgrade: "commonAnnotations:\n  note: second\n",
        secrets: &[],
        definitions: &["argoproj.io"],
    },
    Case {
        // Claims of StatefulSets; a password that `lookup` finds again.
        folder: "bitnami__charts__bitnami__postgresql",
        values: "",
        upgrade: "commonAnnotations:\n  note: second\n",
        secrets: &[],
        definitions: &[],
    },
    Case {
        folder: "bitnami__charts__bitnami__redis",
        values: "",
        upgrade: "replica:\n  replicaCount: 1\n",
        secrets: &[],
        definitions: &[],
    },
    Case {
        // Claims that are kept by policy.
        folder: "goharbor__harbor-helm___root",
        values: "expose:\n  type: clusterIP\n  tls:\n    auto:\n      commonName: harbor\n",
        upgrade: "trivy:\n  enabled: false\n",
        secrets: &[],
        definitions: &[],
    },
    Case {
        // A sub-chart with a database.
        folder: "bitnami__charts__bitnami__wordpress",
        values: "service:\n  type: ClusterIP\n",
        upgrade: "memcached:\n  enabled: true\n",
        secrets: &[],
        definitions: &[],
    },
    Case {
        // Definitions, webhooks, and names that are cut.
        folder: "bitnami__charts__bitnami__rabbitmq-cluster-operator",
        values: "",
        upgrade: "commonAnnotations:\n  note: second\n",
        secrets: &[],
        definitions: &["rabbitmq.com"],
    },
    Case {
        folder: "bitnami__charts__bitnami__sealed-secrets",
        values: "",
        upgrade: "commonAnnotations:\n  note: second\n",
        secrets: &[],
        definitions: &["bitnami.com"],
    },
];

impl Case {
    fn name(&self) -> &'static str {
        let name = self.folder.trim_end_matches("___root");
        name.rsplit("__").next().unwrap_or(name)
    }

    fn upgraded(&self) -> String {
        // Sections of both are different, so one text is the other added.
        format!("{}{}", self.values, self.upgrade)
    }
}

/// What is there, one name per line: the namespace's, and what of the rest is the release's.
type Names = BTreeSet<String>;

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

/// All that is in the namespace or belongs to the release in it, apart from what controllers make and events.
fn names(cluster: &ClusterTools, case: &Case, namespace: &str) -> Names {
    let kinds = cluster.kubectl(&[
        "api-resources",
        "--verbs=list,create,delete",
        "--namespaced",
        "-o",
        "name",
    ]);
    let passing = ["events", "events.events.k8s.io", "endpoints", "leases.coordination.k8s.io"];
    let built_in = ["apps", "autoscaling", "batch", "policy"];
    // Definitions of other charts come and go meanwhile.
    let stays = |kind: &str| match kind.split_once('.') {
        None => true,
        Some((_, group)) => {
            built_in.contains(&group)
                || group.ends_with(".k8s.io")
                || case.definitions.contains(&group)
        }
    };
    let kinds: Vec<&str> =
        kinds.lines().filter(|kind| stays(kind) && !passing.contains(kind)).collect();
    let inside = list(cluster, &[&kinds.join(","), "-n", namespace]);
    let services = list(cluster, &["services,roles,rolebindings", "-n", "kube-system"]);
    let outside = list(cluster, &[CLUSTER_KINDS]);
    let owned = |item: &Value| {
        let metadata = &item["metadata"];
        let name = metadata["name"].as_str().unwrap();
        let of_release = metadata["annotations"]["meta.helm.sh/release-namespace"] == namespace;
        let defined = item["kind"] == "CustomResourceDefinition"
            && case.definitions.iter().any(|group| name.ends_with(group));
        of_release || defined || name.contains(namespace) || name.contains(case.name())
    };
    let rest = services.into_iter().chain(outside).filter(owned);
    let made_by_cluster = |item: &Value| {
        let name = item["metadata"]["name"].as_str().unwrap();
        item["metadata"]["ownerReferences"].is_array()
            || ["kube-root-ca.crt", "default"].contains(&name)
            || item["kind"] == "Namespace"
    };
    let all = inside.into_iter().chain(rest).filter(|item| !made_by_cluster(item));
    let line = |item: Value| {
        let text =
            |value: &Value| value.as_str().unwrap_or_default().replace(namespace, "NAMESPACE");
        let metadata = &item["metadata"];
        format!(
            "{} {}/{}",
            text(&item["kind"]),
            text(&metadata["namespace"]),
            text(&metadata["name"])
        )
    };
    all.map(line).collect()
}

fn list(cluster: &ClusterTools, what: &[&str]) -> Vec<Value> {
    let text = cluster.kubectl(&[&["get", "-o", "json"][..], what].concat());
    let mut list: Value = serde_json::from_str(&text).unwrap();
    let Value::Array(items) = list["items"].take() else { panic!("no list: {text}") };
    items
}

/// What Landfall leaves after each step.
async fn by_landfall(cluster: &ClusterTools, api: &Api, case: &Case) -> Result<Vec<Names>, String> {
    // As long as Helm's, as charts cut names that they make of it.
    let (name, namespace) = (case.name(), format!("{}-ns-l", case.name()));
    let environment = json!({
        "name": name, "app": name, "kind": "sandbox", "cluster": "lab", "release": "1", "namespace": namespace,
        "release_name": name, "values": case.values, "on_failure": "leave",
    });
    prepare(cluster, case, &namespace);
    let mut seen = Vec::new();
    for (path, body) in [
        ("/environments".to_owned(), environment),
        (
            format!("/environments/{name}/deployments"),
            json!({ "release": "1", "values": case.upgraded(), "on_failure": "leave" }),
        ),
        (format!("/environments/{name}/rollbacks"), json!({ "to": "#1", "on_failure": "leave" })),
    ] {
        let started = api.post(&path, body).await;
        ended_well(api, &path, &op_of(&started)).await?;
        seen.push(names(cluster, case, &namespace));
    }
    let path = format!("/environments/{name}");
    let (status, op) = api.try_delete(&path).await;
    assert_eq!(status, 200, "{op:#}");
    ended_well(api, &path, op["id"].as_str().unwrap()).await?;
    seen.push(names(cluster, case, &namespace));
    clear(cluster, &namespace, seen.last().unwrap());
    Ok(seen)
}

async fn ended_well(api: &Api, what: &str, op: &str) -> Result<(), String> {
    let ended = api.op_end(op).await;
    if ended["state"] == "succeeded" {
        return Ok(());
    }
    Err(format!("{what}: {ended:#}\n{:#}", api.get(&format!("/ops/{op}/log")).await))
}

/// What Helm leaves after each step.
fn by_helm(cluster: &ClusterTools, case: &Case, chart: &Path) -> Result<Vec<Names>, String> {
    let (name, namespace) = (case.name(), format!("{}-ns-h", case.name()));
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let chart = chart.to_str().unwrap();
    let (first, second) = (file("1.yaml", case.values), file("2.yaml", &case.upgraded()));
    let timeout = format!("--timeout={SECONDS}s");
    prepare(cluster, case, &namespace);
    let mut seen = Vec::new();
    for step in [
        &["install", name, chart, "--values", &first][..],
        &["upgrade", name, chart, "--values", &second],
        &["rollback", name, "1"],
        &["uninstall", name],
    ] {
        cluster.try_helm(&[step, &["-n", &namespace, "--wait", &timeout]].concat())?;
        seen.push(names(cluster, case, &namespace));
    }
    clear(cluster, &namespace, seen.last().unwrap());
    Ok(seen)
}

/// Makes the namespace, and what no hook makes here.
fn prepare(cluster: &ClusterTools, case: &Case, namespace: &str) {
    cluster.kubectl(&["create", "namespace", namespace]);
    for secret in case.secrets {
        cluster.kubectl(&[
            "create",
            "secret",
            "generic",
            secret,
            "-n",
            namespace,
            "--from-literal=auth=x",
        ]);
    }
}

/// Takes away what would be in the way of the next.
fn clear(cluster: &ClusterTools, namespace: &str, left: &Names) {
    for line in left.iter().filter(|line| line.contains(" /")) {
        let (kind, name) = line.split_once(" /").unwrap();
        let name = name.replace("NAMESPACE", namespace);
        cluster.kubectl(&["delete", kind, &name, "--wait", "--ignore-not-found"]);
    }
    cluster.kubectl(&["delete", "namespace", namespace, "--wait=false"]);
}

async fn compare(
    cluster: &ClusterTools,
    api: &Api,
    repository: &str,
    case: &Case,
    chart: &Path,
) -> Vec<String> {
    let told = |what: String| vec![format!("{}: {what}", case.folder)];
    let name = case.name();
    let metadata = helm::chart::Chart::load(chart).unwrap().metadata().clone();
    let app = json!({
        "name": name, "chart_kind": "repository", "chart_url": repository, "chart_name": metadata.name,
        "wait_seconds": SECONDS,
    });
    api.post("/apps", app).await;
    let release = json!({ "app": name, "tag": "1", "chart_version": metadata.version });
    api.post("/releases", release).await;
    let landfall = match by_landfall(cluster, api, case).await {
        Ok(seen) => seen,
        Err(what) => return told(format!("Landfall: {what}")),
    };
    let helm = match tokio::task::block_in_place(|| by_helm(cluster, case, chart)) {
        Ok(seen) => seen,
        Err(what) => return told(format!("Helm: {what}")),
    };
    let steps =
        ["install", "upgrade", "rollback", "removal"].iter().zip(helm.iter().zip(&landfall));
    let different =
        steps.filter(|(_, (helm, landfall))| helm != landfall).map(|(step, (helm, landfall))| {
            let only =
                |a: &Names, b: &Names| a.difference(b).cloned().collect::<Vec<_>>().join(", ");
            format!(
                "{name}, after {step}: only Helm's [{}], only Landfall's [{}]",
                only(helm, landfall),
                only(landfall, helm)
            )
        });
    different.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn public_charts_on_kubernetes() {
    let chosen = std::env::var("LANDFALL_CHART").unwrap_or_default();
    let mut cases = Vec::new();
    for case in CASES.iter().filter(|case| case.folder.contains(&chosen)) {
        let Some(chart) = charts::public(case.folder) else { return };
        cases.push((case, chart));
    }
    let Some(cluster) = RealCluster::start().await else { return };
    let data = tempfile::tempdir().unwrap();
    let (_server, api) = Server::on_lab(binary(), data.path(), &cluster, &[]).await;
    let archives = cases.iter().map(|(_, chart)| helm::chart::package(chart).unwrap()).collect();
    let repository = charts::serve(archives).await;
    let different: Vec<String> = futures_util::stream::iter(cases)
        .map(|(case, chart)| {
            let (tools, api, repository) = ((*cluster).clone(), api.clone(), repository.clone());
            tokio::spawn(async move { compare(&tools, &api, &repository, case, &chart).await })
        })
        .buffer_unordered(AT_A_TIME)
        .flat_map(|different| futures_util::stream::iter(different.unwrap()))
        .collect()
        .await;
    assert!(different.is_empty(), "{}", different.join("\n\n"));
    cluster.stop().await;
}
