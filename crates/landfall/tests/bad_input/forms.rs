//! Names, choices and values in forms: told at their fields, all at once.

use serde_json::json;

use super::{environment, shop, told, world};

/// Names that Kubernetes or Helm would refuse are refused with the rule, each at its field, and so is what is not there
/// to be chosen.
#[tokio::test(flavor = "multi_thread")]
async fn names() {
    let world = world(vec![shop("1.0.0", &[])]).await;
    world.release("v1", "1.0.0").await;

    let body = json!({
        "name": "Prod_EU", "app": "Shop", "kind": "sandbox", "cluster": "lab", "release": "v1",
        "namespace": "Kube System", "release_name": "a..b",
    });
    insta::assert_snapshot!(world.refused("/environments", body).await, @r"
    422 invalid: Not acceptable as given
    /name
      `Prod_EU` is not an environment name.
      -> Start and end with a-z or 0-9.
    /namespace
      `Kube System` is not a namespace.
      -> Start and end with a-z or 0-9.
    /release_name
      `a..b` is not a Helm release name.
      -> Start and end every part between dots with a-z or 0-9.
    ");
    insta::assert_snapshot!(world.refused("/environments", environment(&"e".repeat(54), "v1")).await, @r"
    422 invalid: Not acceptable as given
    /name
      `eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee` is not an environment name.
      -> Use 1 to 53 characters.
    ");
    insta::assert_snapshot!(world.refused("/environments", environment("-a", "v1")).await, @r"
    422 invalid: Not acceptable as given
    /name
      `-a` is not an environment name.
      -> Start and end with a-z or 0-9.
    ");
    let body = json!({ "name": "", "app": "Shpo", "cluster": "lib", "kind": "sandbox" });
    insta::assert_snapshot!(world.refused("/environments", body).await, @r"
    422 invalid: Not acceptable as given
    /name
      This is empty; it must be an environment name.
      -> Use 1 to 53 characters.
    /app
      There is no App `Shpo`.
      -> Choose one of the list.
    /cluster
      There is no cluster `lib`.
      -> Choose one of the list.
    ");
    let body = json!({ "name": "qa", "app": "Shop", "cluster": "lab", "kind": "production", "release": "v9" });
    insta::assert_snapshot!(world.refused("/environments", body).await, @r"
    422 invalid: Not acceptable as given
    /cluster
      Cluster `lab` admits sandbox environments only.
      -> Choose another cluster.
    /release
      Shop has no release `v9`.
      -> Its newest is `v1`.
    ");
    let body = json!({ "name": "qa", "kind": "staging" });
    insta::assert_snapshot!(world.refused("/environments", body).await, @r"
    422 invalid: Not acceptable as given
    /kind
      `staging` is not one of production, sandbox.
      -> Choose one of them.
    ");
    let body = json!({ "name": "Lab 1", "admits": "nothing" });
    insta::assert_snapshot!(world.refused("/clusters/simulated", body).await, @r"
    422 invalid: Not acceptable as given
    /name
      `Lab 1` is not a cluster name.
      -> Start and end with a-z or 0-9.
    /admits
      It is not clear what this cluster admits.
      -> Choose sandbox, production or both.
    ");
    let body = json!({ "name": "a/b", "chart_kind": "git", "chart_url": "", "chart_name": "x y", "wait_seconds": 0 });
    insta::assert_snapshot!(world.refused("/apps", body).await, @r"
    422 invalid: Not acceptable as given
    /name
      `a/b` is not an App name.
      -> Use only letters, digits, blanks and `.`, `_`, `-`.
    /chart_name
      This is not the name of a chart.
      -> Write it as in Chart.yaml, such as `parcel`.
    /chart_kind
      `git` is not a kind of chart source.
      -> Choose repository, oci or upload.
    /wait_seconds
      A deployment cannot wait so long.
      -> Use 1 to 86400 seconds.
    ");
    let body = json!({ "app": "Shpo", "tag": "v 2", "chart_version": "1.0.0" });
    insta::assert_snapshot!(world.refused("/releases", body).await, @r"
    422 invalid: Not acceptable as given
    /app
      There is no App `Shpo`.
      -> Choose one of the list.
    /tag
      `v 2` is not a release tag.
      -> Use only letters, digits and `.`, `_`, `+`, `-`.
    ");
}

/// What is taken is told at the field; what was refused can be made afterwards under the same name.
#[tokio::test(flavor = "multi_thread")]
async fn taken() {
    let world = world(vec![shop("1.0.0", &[]), shop("1.1.0", &[])]).await;
    world.release("v1", "1.0.0").await;
    world.environment("qa", "v1").await;

    let body = json!({ "app": "shop", "tag": "v1", "chart_version": "1.1.0" });
    insta::assert_snapshot!(world.refused("/releases", body).await, @r"
    422 invalid: Not acceptable as given
    /tag
      Shop has a release with the tag `v1` already.
      -> Use another tag: a release never changes.
    ");
    let body = json!({ "name": "shop", "chart_url": world.repository, "chart_name": "shop" });
    insta::assert_snapshot!(world.refused("/apps", body).await, @r"
    422 invalid: Not acceptable as given
    /name
      There is an App with the name `shop` already.
      -> Use another name.
    ");
    insta::assert_snapshot!(world.refused("/clusters/simulated", json!({ "name": "lab" })).await, @r"
    422 invalid: Not acceptable as given
    /name
      There is a cluster with the name `lab` already.
      -> Use another name.
    ");
    insta::assert_snapshot!(world.refused("/environments", environment("qa", "v1")).await, @r"
    422 invalid: Not acceptable as given
    /name
      There is an environment with the name `qa` already.
      -> Use another name.
    ");
    let mut body = environment("qa-2", "v1");
    body["namespace"] = json!("shop-qa");
    body["release_name"] = json!("qa");
    insta::assert_snapshot!(world.refused("/environments", body).await, @r"
    422 invalid: Not acceptable as given
    /namespace
      Another environment has the Helm release `qa` in namespace `shop-qa` of cluster `lab`.
      -> Use another namespace or release name.
    ");

    world.release("v2", "1.1.0").await;
    world.environment("qa-2", "v2").await;
}

/// YAML that is none is told with its line and column and the line itself, wherever values are typed.
#[tokio::test(flavor = "multi_thread")]
async fn yaml() {
    let world = world(vec![shop("1.0.0", &[])]).await;
    world.release("v1", "1.0.0").await;
    world.environment("qa", "v1").await;
    let broken = "replicas: 2\nports: [80, 443\nmode: small\n";

    let app = json!({ "name": "Other", "chart_url": world.repository, "chart_name": "shop", "values": broken });
    insta::assert_snapshot!(world.refused("/apps", app).await, @r"
    422 invalid: Not acceptable as given
    /values 3:5 | mode: small
      This is not valid YAML: did not find expected ',' or ']' (line 3, column 5).
      -> Correct the YAML.
    ");
    let release =
        json!({ "app": "Shop", "tag": "v2", "chart_version": "1.0.0", "values": "a: 1\n\tb: 2\n" });
    insta::assert_snapshot!(world.refused("/releases", release).await, @r"
    422 invalid: Not acceptable as given
    /values 2:1 | 	b: 2
      This is not valid YAML: found a tab character that violates indentation (line 2, column 1).
      -> Correct the YAML.
    ");
    let mut body = environment("qa-2", "v1");
    body["values"] = json!("a: 'open\n");
    insta::assert_snapshot!(world.refused("/environments", body).await, @r"
    422 invalid: Not acceptable as given
    /values 2:1 |
      This is not valid YAML: found unexpected end of stream (line 2, column 1).
      -> Correct the YAML.
    ");
    let body = json!({ "values": "a: 1\nb: *nothing\n" });
    insta::assert_snapshot!(world.refused("/environments/qa/previews", body).await, @r"
    422 invalid: Not acceptable as given
    /values 2:4 | b: *nothing
      This is not valid YAML: unknown anchor 'nothing' referenced (line 2, column 4).
      -> Correct the YAML.
    ");
    let body = json!({ "values": "a: &x [*y]\n" });
    insta::assert_snapshot!(world.refused("/environments/qa/deployments", body).await, @r"
    422 invalid: Not acceptable as given
    /values 1:8 | a: &x [*y]
      This is not valid YAML: unknown anchor 'y' referenced (line 1, column 8).
      -> Correct the YAML.
    ");
    insta::assert_snapshot!(world.refused("/environments/qa/deployments", json!({ "values": "- a\n- b\n" })).await, @r"
    422 invalid: Not acceptable as given
    /values 1:1 | - a
      Values are keys with values below each other, not a list (line 1, column 1).
      -> Write them as `key: value`.
    ");
    insta::assert_snapshot!(world.refused("/environments/qa/deployments", json!({ "values": "just words\n" })).await, @r"
    422 invalid: Not acceptable as given
    /values 1:1 | just words
      Values are keys with values below each other, not a text (line 1, column 1).
      -> Write them as `key: value`.
    ");

    let before = world.records().await;
    let answer = world.api.try_put("/apps/Shop/values", json!({ "values": "a: {b: 1\n" })).await;
    insta::assert_snapshot!(told(&answer), @r"
    422 invalid: Not acceptable as given
    /values 2:1 |
      This is not valid YAML: did not find expected ',' or '}' (line 2, column 1).
      -> Correct the YAML.
    ");
    assert_eq!(world.records().await, before);
    assert_eq!(world.api.get("/apps/Shop/values").await["revision"], 0);

    world.environment("qa-2", "v1").await;
    let app = json!({ "name": "Other", "chart_url": world.repository, "chart_name": "shop" });
    assert_eq!(world.api.post("/apps", app).await["values_revision"], 0);
}
