//! Deployments that cannot be: told by the preview at the field, and by the deployment in its Op; the cluster is left alone.

use harness::Simulator;
use serde_json::json;

use super::{World, binary, environment, shop, world, world_with};

const NIL: &str = "# comment\nimage: {{ .Values.image.tag }}\n";
const FAIL: &str = "{{- if not .Values.host }}\n  {{- fail \"set host\" }}\n{{- end }}\n";
const UNPARSED: &str = "a: 1\nb: {{ if .Values.b }}\n";
const NO_YAML: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: [web\n";
const NO_KIND: &str = "apiVersion: v1\nmetadata:\n  name: web\n";
const UNKNOWN_KIND: &str = "apiVersion: shop.example.com/v1\nkind: Till\nmetadata:\n  name: web\n";
const BAD_NAME: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: Shop_Web\n";

/// Values that the chart's schema refuses: path and rule, in the preview and in the Op.
#[tokio::test(flavor = "multi_thread")]
async fn schema() {
    let world = world(vec![shop("1.0.0", &[])]).await;
    world.release("v1", "1.0.0").await;
    world.environment("qa", "v1").await;
    let body = json!({ "values": "replicas: 0\nmode: medium\n" });
    insta::assert_snapshot!(world.refused("/environments/qa/previews", body.clone()).await, @r"
    422 invalid: Not acceptable as given
    /values
      values don't meet the specifications of the schema(s) in the following chart(s):
    shop:
    - at '/replicas': minimum: got 0, want 1
    - at '/mode': value must be one of 'small', 'large'
      -> Correct `replicas`, `mode` in the deployment values.
    ");
    insta::assert_snapshot!(world.fails("/environments/qa/deployments", body).await, @r"
    render failed
    message: values don't meet the specifications of the schema(s) in the following chart(s):
    shop:
    - at '/replicas': minimum: got 0, want 1
    - at '/mode': value must be one of 'small', 'large'
    remedy: Correct `replicas`, `mode` in the deployment values.
    cluster_state: Nothing was changed in the cluster.
    ");
    assert_eq!(world.api.get("/environments/qa").await["current_deployment"]["number"], 1);
    let own = world.api.get("/environments/qa/values").await;
    assert!(!own["own"].to_string().contains("medium"), "{own:#}");

    // What an App or a release sets wrongly is found by the deployment that uses it.
    world.app_values("replicas: many\n").await;
    insta::assert_snapshot!(world.refused("/environments/qa/previews", json!({})).await, @r"
    422 invalid: Not acceptable as given
    /values
      values don't meet the specifications of the schema(s) in the following chart(s):
    shop:
    - at '/replicas': got string, want integer
      -> Correct `replicas` in the App values.
    ");
    insta::assert_snapshot!(world.fails("/environments", environment("qa-2", "v1")).await, @r"
    render failed
    message: values don't meet the specifications of the schema(s) in the following chart(s):
    shop:
    - at '/replicas': got string, want integer
    remedy: Correct `replicas` in the App values.
    cluster_state: Nothing was changed in the cluster.
    ");
    world.app_values("replicas: 2\n").await;
    let again = world.api.post("/environments/qa-2/deployments", json!({})).await;
    world.api.op_succeeds(&harness::op_of(&again)).await;
    assert_eq!(world.api.get("/environments/qa-2").await["state"], "active");
}

/// Templates that fail are told with file, line and column in Helm's words; what is rendered and is no object, too.
#[tokio::test(flavor = "multi_thread")]
async fn templates() {
    let broken = [NIL, FAIL, UNPARSED, NO_YAML, NO_KIND, UNKNOWN_KIND, BAD_NAME];
    let mut archives = vec![shop("1.0.0", &[])];
    for (n, text) in broken.iter().enumerate() {
        archives.push(shop(&format!("2.{n}.0"), &[("templates/broken.yaml", text)]));
    }
    let world = world(archives).await;
    world.release("v1", "1.0.0").await;
    world.environment("qa", "v1").await;
    let mut answers = Vec::new();
    for n in 0..broken.len() {
        let tag = format!("v2.{n}");
        world.release(&tag, &format!("2.{n}.0")).await;
        let preview =
            world.api.try_post("/environments/qa/previews", json!({ "release": tag })).await;
        if preview.0 == 201 {
            // What the cluster would not accept is part of what the preview shows.
            answers.push(format!("{tag}: {}\n", preview.1["warnings"]));
        } else {
            answers.push(format!("{tag}: {}", world.told(&preview)));
        }
        answers.push(world.fails("/environments/qa/deployments", json!({ "release": tag })).await);
    }
    insta::assert_snapshot!(answers.join("\n"), @r#"
    v2.0: 422 invalid: Not acceptable as given
    /values
      shop/templates/broken.yaml:2:17
      executing "shop/templates/broken.yaml" at <.Values.image.tag>:
        nil pointer evaluating interface {}.tag
      -> Correct the values, or release a chart that renders with them.

    render failed
    message: shop/templates/broken.yaml:2:17
      executing "shop/templates/broken.yaml" at <.Values.image.tag>:
        nil pointer evaluating interface {}.tag
    remedy: Correct the values, or release a chart that renders with them.
    cluster_state: Nothing was changed in the cluster.

    v2.1: 422 invalid: Not acceptable as given
    /values
      execution error at (shop/templates/broken.yaml:2:6): set host
      -> Correct the values, or release a chart that renders with them.

    render failed
    message: execution error at (shop/templates/broken.yaml:2:6): set host
    remedy: Correct the values, or release a chart that renders with them.
    cluster_state: Nothing was changed in the cluster.

    v2.2: 422 invalid: Not acceptable as given
    /values
      parse error at (shop/templates/broken.yaml:3): unexpected EOF
      -> Correct the values, or release a chart that renders with them.

    render failed
    message: parse error at (shop/templates/broken.yaml:3): unexpected EOF
    remedy: Correct the values, or release a chart that renders with them.
    cluster_state: Nothing was changed in the cluster.

    v2.3: 422 invalid: Not acceptable as given
    /values
      YAML parse error on shop/templates/broken.yaml: error converting YAML to JSON: yaml: line 4: did not find expected ',' or ']'
      -> Correct the values, or release a chart that renders with them.

    render failed
    message: YAML parse error on shop/templates/broken.yaml: error converting YAML to JSON: yaml: line 4: did not find expected ',' or ']'
    remedy: Correct the values, or release a chart that renders with them.
    cluster_state: Nothing was changed in the cluster.

    v2.4: 422 invalid: Not acceptable as given
    /release
      shop/templates/broken.yaml did not render to a Kubernetes object: kind not set
      -> Release a chart that renders to Kubernetes objects.

    render failed
    message: shop/templates/broken.yaml did not render to a Kubernetes object: kind not set
    remedy: Release a chart that renders to Kubernetes objects.
    cluster_state: Nothing was changed in the cluster.

    v2.5: 422 invalid: Not acceptable as given
    /release
      resource mapping not found for name: "web" namespace: "" from "": no matches for kind "Till" in version "shop.example.com/v1"
    ensure CRDs are installed first

    check failed
    message: resource mapping not found for name: "web" namespace: "" from "": no matches for kind "Till" in version "shop.example.com/v1"
    ensure CRDs are installed first
    remedy: Install what brings the kind Till (its CustomResourceDefinition), or use an API version that the cluster has.
    cluster_state: Nothing was changed in the cluster.

    v2.6: [{"message":"The cluster does not accept ConfigMap/shop-qa/Shop_Web. This deployment would stop before it changes anything."}]

    check failed
    message: The cluster does not accept ConfigMap/shop-qa/Shop_Web: server-side apply failed for object shop-qa/Shop_Web /v1, Kind=ConfigMap: ConfigMap "Shop_Web" is invalid: metadata.name: Invalid value: …: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*').
    remedy: Correct the values or the chart so that the cluster accepts the object.
    cluster_state: Nothing was changed in the cluster.
    "#);
    assert_eq!(world.api.get("/environments/qa").await["release"]["tag"], "v1");
}

/// A cluster that went away: previews say so at once, a deployment tries for a while and then fails with nothing changed.
#[tokio::test(flavor = "multi_thread")]
async fn unreachable() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Simulator::start(binary(), folder.path(), "instant").await;
    let reached = format!("lab={}", cluster.kubeconfig.display());
    let world =
        world_with(vec![shop("1.0.0", &[])], folder, &["--simulated-cluster", &reached]).await;
    world.release("v1", "1.0.0").await;
    world.environment("qa", "v1").await;
    cluster.stop().await;

    // First: it finds the connection silent, and whoever asks after it starts with a new one, which knows nothing yet.
    let check = world.api.try_post("/clusters/lab/check", json!({})).await;
    let (preview, failure) = tokio::join!(
        world.api.try_post("/environments/qa/previews", json!({})),
        world.fails("/environments/qa/deployments", json!({ "values": "replicas: 2\n" })),
    );
    // A check that finds nothing has been made all the same.
    assert_eq!(check.0, 200, "{:#}", check.1);
    insta::assert_snapshot!(check.1["problem"].as_str().unwrap(), @"Cluster `lab` was not reached while asking for its version: Connection refused (os error 111); check that its address is right and that it can be reached from here.");
    insta::assert_snapshot!(world.told(&preview), @r"
    502 unreachable: Something outside did not answer
    Cluster `lab` was not reached while asking which kinds it serves: Connection refused (os error 111); check that its address is right and that it can be reached from here.
    ");
    insta::assert_snapshot!(failure, @r"
    check failed
    message: Cluster `lab` was not reached while asking which kinds it serves: Connection refused (os error 111); check that its address is right and that it can be reached from here.
    cluster_state: Nothing was changed in the cluster.
    ");
    assert_eq!(world.api.get("/environments/qa").await["current_deployment"]["number"], 1);
}

/// What a deployment or a rollback names must be there, and of this environment.
#[tokio::test(flavor = "multi_thread")]
async fn choices() {
    let world: World = world(vec![shop("1.0.0", &[])]).await;
    world.release("v1", "1.0.0").await;
    world.release("v2", "1.0.0").await;
    world.environment("qa", "v1").await;
    world.environment("other", "v1").await;
    let mut answers = Vec::new();
    for to in ["#9", "v2", "v3", "#1", "v 1"] {
        let answer = world.refused("/environments/qa/rollbacks", json!({ "to": to })).await;
        answers.push(format!("to {to}: {answer}"));
    }
    insta::assert_snapshot!(answers.join("\n"), @r"
    to #9: 422 invalid: Not acceptable as given
    /to
      qa has no deployment #9.
      -> Choose a deployment of this environment that succeeded.

    to v2: 422 invalid: Not acceptable as given
    /to
      Release v2 never ran in qa.
      -> Choose a deployment of this environment that succeeded.

    to v3: 422 invalid: Not acceptable as given
    /to
      This App has no release `v3`.
      -> Choose a deployment of this environment that succeeded.

    to #1: 422 invalid: Not acceptable as given
    /to
      Deployment #1 is what runs now.
      -> Choose a deployment of this environment that succeeded.

    to v 1: 422 invalid: Not acceptable as given
    /to
      `v 1` is not a release tag: use only letters, digits and `.`, `_`, `+`, `-`.
      -> Give `#NUMBER` or a Release tag.
    ");

    let preview = world.api.post("/environments/other/previews", json!({})).await;
    let id = preview["id"].as_str().unwrap();
    let answer = world.refused("/environments/qa/deployments", json!({ "preview": id })).await;
    insta::assert_snapshot!(answer.replace(id, "PREVIEW"), @r"
    404 not_found: Not found
    There is no preview of this environment `PREVIEW`.
    ");
    let body = json!({ "preview": id, "values": "replicas: 2\n" });
    insta::assert_snapshot!(world.refused("/environments/other/deployments", body).await, @r"
    409 conflict: Does not fit the present state
    The version or the values are not those that were previewed. Look at what will change now, then deploy.
    ");
    insta::assert_snapshot!(world.refused("/environments/qa/deployments", json!({ "preview": "x" })).await, @r"
    422 unreadable: The request could not be read
    The body is not what this call takes: preview: `x` is not an id that starts with `prv_` at line 1 column 15.
    ");
    insta::assert_snapshot!(world.refused("/environments/qa/deployments", json!({ "release": "v9" })).await, @r"
    422 invalid: Not acceptable as given
    /release
      This App has no release `v9`.
      -> Its newest is `v2`.
    ");
    insta::assert_snapshot!(world.refused("/environments/nowhere/deployments", json!({})).await, @r"
    404 not_found: Not found
    There is no environment `nowhere`.
    ");
}
