//! Whole releases on a simulated cluster, and what the real `helm` says of them.

use crate::lab::{Lab, config_map, deployment, desired, revision};
use rollout::crds::Crds;
use rollout::manifest::Desired;
use rollout::plan::{Action, Operation, PlanError};
use rollout::record::{self, Finish};
use rollout::uninstall::{UninstallOptions, uninstall};
use rollout::wait::WaitOutcome;
use rollout::{RolloutError, apply};
use serde_json::Value;

/// Install, upgrade, rollback, uninstall; after each step Helm sees what Helm would have left.
#[tokio::test(flavor = "multi_thread")]
async fn helm_sees_its_own() {
    let lab = Lab::new().await;
    let first = config_map("settings", "one") + &deployment("web", "web:1", &[]);
    assert_eq!(lab.deploy("d1", &desired(&first), &first).await, WaitOutcome::Ready);
    let second = config_map("settings", "two") + &deployment("web", "web:2", &[]);
    assert_eq!(lab.deploy("d2", &desired(&second), &second).await, WaitOutcome::Ready);
    let again = Desired::parse_rollback("shop", "prod", &first, Vec::new(), 1).unwrap();
    assert_eq!(lab.deploy("d3", &again, &first).await, WaitOutcome::Ready);

    let history: Value = json(&lab.helm(&["history", "shop", "-n", "prod", "-o", "json"]).await);
    let lines: Vec<String> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|r| format!("{} {} {} {}", r["revision"], r["status"], r["chart"], r["description"]))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    1 "superseded" "shop-0.1.0" "Install complete"
    2 "superseded" "shop-0.1.0" "Upgrade complete"
    3 "deployed" "shop-0.1.0" "Rollback to 1"
    "#);
    let list: Value = json(&lab.helm(&["list", "-n", "prod", "-o", "json"]).await);
    assert_eq!((&list[0]["revision"], &list[0]["status"]), (&"3".into(), &"deployed".into()));
    let status = lab.helm(&["status", "shop", "-n", "prod"]).await.unwrap();
    assert!(status.contains("STATUS: deployed\nREVISION: 3\n"), "{status}");
    assert!(status.contains("==> v1/Deployment"), "{status}");
    let manifest = lab.helm(&["get", "manifest", "shop", "-n", "prod"]).await.unwrap();
    assert_eq!(manifest, format!("{first}\n"));
    let values = lab.helm(&["get", "values", "shop", "-n", "prod"]).await.unwrap();
    assert_eq!(values, "USER-SUPPLIED VALUES:\nreplicas: 2\n");
    assert_eq!(lab.object("configmaps", "settings").unwrap()["data"]["value"], "one");

    let options = UninstallOptions { keep_history: false, deadline: in_seconds(20), hooks: None };
    let left = uninstall(lab.execution(), "prod", "shop", &options).await.unwrap();
    assert_eq!(left, rollout::uninstall::Uninstalled::default());
    assert!(lab.object("deployments.apps", "web").is_none());
    let list = lab.helm(&["list", "-n", "prod", "-q"]).await.unwrap();
    assert_eq!(list, "");
}

/// A release goes to and fro between Helm and us: each takes over what the other left.
#[tokio::test(flavor = "multi_thread")]
async fn to_and_fro() {
    let lab = Lab::new().await;
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  value: {{ .Values.value }}\n";
    let chart = lab.chart(template);
    let helm = |command: &'static str, value: &'static str| {
        let (lab, chart) = (&lab, chart.as_str());
        async move {
            lab.helm(&[command, "shop", chart, "-n", "prod", "--create-namespace", "--set", value])
                .await
                .unwrap();
        }
    };
    helm("install", "value=one").await;
    let ours = config_map("settings", "two") + &config_map("extra", "x");
    let plan = lab.plan(&desired(&ours)).await.unwrap();
    assert_eq!((plan.operation, plan.base_revision), (Operation::Upgrade, Some(1)));
    lab.deploy("d1", &desired(&ours), &ours).await;
    let data = |object: Option<Value>| object.map(|o| o["data"]["value"].clone());
    assert_eq!(data(lab.object("configmaps", "settings")), Some("two".into()));

    lab.helm(&["upgrade", "shop", &chart, "-n", "prod", "--set", "value=three"]).await.unwrap();
    assert_eq!(data(lab.object("configmaps", "settings")), Some("three".into()));
    assert_eq!(lab.object("configmaps", "extra"), None);
    lab.helm(&["rollback", "shop", "2", "-n", "prod"]).await.unwrap();
    assert_eq!(data(lab.object("configmaps", "extra")), Some("x".into()));
    lab.helm(&["uninstall", "shop", "-n", "prod"]).await.unwrap();
    assert_eq!(lab.object("configmaps", "settings"), None);
}

/// What is dropped is deleted, but for what is annotated to stay.
#[tokio::test(flavor = "multi_thread")]
async fn pruning() {
    let lab = Lab::new().await;
    let kept = config_map("kept", "k").replace(
        "  name: kept\n",
        "  name: kept\n  annotations: {helm.sh/resource-policy: keep}\n",
    );
    let first = config_map("a", "x") + &config_map("b", "x") + &kept;
    lab.deploy("d1", &desired(&first), &first).await;
    let second = config_map("a", "x");
    let plan = lab.plan(&desired(&second)).await.unwrap();
    let actions: Vec<(String, Action)> =
        plan.objects.iter().map(|o| (o.key.name.clone(), o.action)).collect();
    assert_eq!(
        actions,
        [
            ("a".to_owned(), Action::Same),
            ("b".to_owned(), Action::Delete),
            ("kept".to_owned(), Action::Keep)
        ]
    );
    lab.deploy("d2", &desired(&second), &second).await;
    assert_eq!(lab.object("configmaps", "b"), None);
    assert!(lab.object("configmaps", "kept").is_some());
}

/// An uninstall leaves what its policy keeps and what belongs to another release; with its history kept,
/// Helm still shows it.
#[tokio::test(flavor = "multi_thread")]
async fn uninstalling() {
    let lab = Lab::new().await;
    let kept = config_map("kept", "k").replace(
        "  name: kept\n",
        "  name: kept\n  annotations: {helm.sh/resource-policy: keep}\n",
    );
    let manifest = config_map("gone", "x") + &config_map("taken", "x") + &kept;
    lab.deploy("d1", &desired(&manifest), &manifest).await;
    let name = "meta.helm.sh/release-name";
    let patch = serde_json::json!({ "metadata": { "annotations": { name: "other" } } });
    let maps: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
        kube::Api::namespaced(kube_client(&lab), "prod");
    let merge = kube::api::Patch::Merge(&patch);
    maps.patch("taken", &kube::api::PatchParams::default(), &merge).await.unwrap();

    let options = UninstallOptions { keep_history: true, deadline: in_seconds(20), hooks: None };
    let left = uninstall(lab.execution(), "prod", "shop", &options).await.unwrap();
    let names = |keys: &[rollout::ObjectKey]| -> Vec<String> {
        keys.iter().map(ToString::to_string).collect()
    };
    assert_eq!(names(&left.kept), ["ConfigMap/prod/kept"]);
    assert_eq!(names(&left.not_owned), ["ConfigMap/prod/taken"]);
    assert_eq!(lab.object("configmaps", "gone"), None);
    assert!(lab.object("configmaps", "taken").is_some());
    let status = lab.helm(&["status", "shop", "-n", "prod"]).await.unwrap();
    assert!(status.contains("STATUS: uninstalled"), "{status}");

    // The name is free again, and the revisions go on counting.
    let next =
        record::read_history(&lab.cluster, &record::NothingKept, "prod", "shop").await.unwrap();
    let next = next.next(&revision("d2", "").owner);
    assert_eq!((next.operation, next.revision), (Operation::Install, 2));
    uninstall(
        lab.execution(),
        "prod",
        "shop",
        &UninstallOptions { keep_history: false, ..options },
    )
    .await
    .unwrap();
    assert_eq!(lab.helm(&["list", "-n", "prod", "-q"]).await.unwrap(), "");
}

/// Objects of others are refused in the very words of Helm.
#[tokio::test(flavor = "multi_thread")]
async fn ownership_in_helms_words() {
    let lab = Lab::new().await;
    let manifest = config_map("settings", "one");
    lab.deploy("d1", &desired(&manifest), &manifest).await;
    let other = Desired::parse("other", "prod", &manifest, Vec::new(), Crds::default()).unwrap();
    let history =
        record::read_history(&lab.cluster, &record::NothingKept, "prod", "other").await.unwrap();
    let options = rollout::plan::PlanOptions::default();
    let live = rollout::plan::read_live(&lab.cluster, &other, &history, &options).await.unwrap();
    let ours = rollout::plan::plan(&other, &history, &live, &options, crate::lab::KEY).unwrap_err();
    assert!(matches!(ours, PlanError::NotOwned { .. }));
    let chart = lab.chart(&manifest);
    let helms = lab.helm(&["install", "other", &chart, "-n", "prod"]).await.unwrap_err();
    assert!(helms.contains(&ours.to_string()), "{ours}\n{helms}");
}

/// A field that someone else owns is a conflict: in the plan, and in Helm's words.
#[tokio::test(flavor = "multi_thread")]
async fn conflicts_in_helms_words() {
    let lab = Lab::new().await;
    let first = config_map("settings", "one");
    lab.deploy("d1", &desired(&first), &first).await;
    let edited = serde_json::json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "settings", "namespace": "prod" }, "data": { "value": "edited" },
    });
    let client = kube_client(&lab);
    let maps: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
        kube::Api::namespaced(client, "prod");
    let force = kube::api::PatchParams::apply("kubectl").force();
    maps.patch("settings", &force, &kube::api::Patch::Apply(&edited)).await.unwrap();

    let second = config_map("settings", "two");
    let plan = lab.plan(&desired(&second)).await.unwrap();
    let (_, refusal) = plan.refusals().next().unwrap();
    insta::assert_snapshot!(refusal.message, @r#"conflict occurred while applying object prod/settings /v1, Kind=ConfigMap: Apply failed with 1 conflict: conflict with "kubectl": .data.value"#);
    record::record_pending(lab.execution(), &plan, &revision("d2", &second)).await.unwrap();
    let error = apply::apply(lab.execution(), &desired(&second), &plan).await.unwrap_err();
    assert!(
        matches!(&error, RolloutError::Objects { failures } if failures[0].text == refusal.message)
    );
    let failed = Finish::Failed { error: error.to_string(), applying: true };
    record::record_finish(lab.execution(), &plan, &revision("d2", &second), &failed).await.unwrap();

    let chart = lab.chart(&second);
    let helms = lab.helm(&["upgrade", "shop", &chart, "-n", "prod"]).await.unwrap_err();
    assert!(helms.contains(&refusal.message), "{helms}");
}

/// Every step repeated, as after a crash at any point: one revision, the same objects.
#[tokio::test(flavor = "multi_thread")]
async fn every_step_twice() {
    let lab = Lab::new().await;
    let manifest = config_map("settings", "one") + &deployment("web", "web:1", &[]);
    let wanted = desired(&manifest);
    let plan = lab.plan(&wanted).await.unwrap();
    let uid = |object: Value| object["metadata"]["uid"].clone();
    record::record_pending(lab.execution(), &plan, &revision("d1", &manifest)).await.unwrap();
    apply::apply(lab.execution(), &wanted, &plan).await.unwrap();
    let before = lab.object("deployments.apps", "web").map(uid);
    for _ in 0..2 {
        lab.carry_out("d1", &wanted, &manifest, &plan).await;
    }
    assert_eq!(lab.object("deployments.apps", "web").map(uid), before);
    let history: Value = json(&lab.helm(&["history", "shop", "-n", "prod", "-o", "json"]).await);
    assert_eq!(history.as_array().unwrap().len(), 1);
    assert_eq!(history[0]["status"], "deployed");
}

/// Planning what runs changes nothing, whatever defaults the server has added.
#[tokio::test(flavor = "multi_thread")]
async fn defaults_are_no_changes() {
    let lab = Lab::new().await;
    let manifest = deployment("web", "web:1", &[]);
    lab.deploy("d1", &desired(&manifest), &manifest).await;
    let plan = lab.plan(&desired(&manifest)).await.unwrap();
    assert_eq!(plan.objects[0].action, Action::Same, "{}", plan.objects[0].diff.as_ref().unwrap());
    let plan = lab.plan(&desired(&deployment("web", "web:2", &[]))).await.unwrap();
    insta::assert_snapshot!(plan.objects[0].diff.as_ref().unwrap(), @r"
    @@ spec.template.spec.containers[main]
         spec:
           containers:
           - name: main
    -        image: web:1
    +        image: web:2
             imagePullPolicy: IfNotPresent
             ports:
             - containerPort: 8080
    ");
}

fn json(output: &Result<String, String>) -> Value {
    serde_json::from_str(output.as_ref().unwrap()).unwrap()
}

fn in_seconds(seconds: i64) -> jiff::Timestamp {
    jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds)
}

/// Another client, who is not Helm.
fn kube_client(lab: &Lab) -> kube::Client {
    let kubeconfig: kube::config::Kubeconfig =
        kube::config::Kubeconfig::from_yaml(&lab.simulator.kubeconfig()).unwrap();
    let config = futures_util::FutureExt::now_or_never(kube::Config::from_custom_kubeconfig(
        kubeconfig,
        &kube::config::KubeConfigOptions::default(),
    ));
    kube::Client::try_from(config.unwrap().unwrap()).unwrap()
}
