//! Clusters as users add them: from a terminal, with exactly the rights that Landfall asks for on a real control plane, as
//! accounts of environments; and one that does not answer beside one that does.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::{Api, ClusterTools, RealCluster, Server, Simulator, charts, op_of};
use serde_json::{Value, json};

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

/// A server with App `Parcel` and its releases `2.4.0` and `2.4.1`.
struct World {
    api: Api,
    _server: Server,
    folder: tempfile::TempDir,
}

async fn world(more: &[&str]) -> World {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(binary(), &folder.path().join("data"), more).await;
    let api = server.set_up().await;
    let repository = charts::serve(charts::parcel()).await;
    let app = json!({
        "name": "Parcel", "chart_kind": "repository", "chart_url": repository, "chart_name": "parcel",
        "wait_seconds": 60,
    });
    api.post("/apps", app).await;
    for (tag, version) in [("2.4.0", "0.31.0"), ("2.4.1", "0.31.2")] {
        api.post("/releases", json!({ "app": "Parcel", "tag": tag, "chart_version": version }))
            .await;
    }
    World { api, _server: server, folder }
}

impl World {
    /// A client command: its exit code, standard output and error.
    async fn landfall(&self, args: &[&str]) -> (Option<i32>, String, String) {
        self.api.landfall(binary(), args).await
    }

    /// The same for one that must succeed: its standard output.
    async fn must(&self, args: &[&str]) -> String {
        let (code, out, errors) = self.landfall(args).await;
        assert_eq!(code, Some(0), "landfall {args:?}: {out}{errors}");
        out
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// App `Slow` with release `1`, whose pod never gets ready.
    async fn slow_app(&self) {
        const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}\n  \
            annotations: {simulator.landfall.dev/fault: never-ready}\n\
            spec: {containers: [{name: it, image: 'slow/it:1'}]}\n";
        let chart = "apiVersion: v2\nname: slow\nversion: 1.0.0\n";
        let chart = charts::packed(&[("Chart.yaml", chart), ("templates/pod.yaml", POD)]);
        let repository = charts::serve(vec![chart]).await;
        let app = json!({
            "name": "Slow", "chart_kind": "repository", "chart_url": repository, "chart_name": "slow",
        });
        self.api.post("/apps", app).await;
        self.api
            .post("/releases", json!({ "app": "Slow", "tag": "1", "chart_version": "1.0.0" }))
            .await;
    }

    /// Makes an environment; the id of its Op.
    async fn environment(&self, name: &str, cluster: &str, more: &Value) -> String {
        let mut body = json!({
            "name": name, "app": "Parcel", "kind": "sandbox", "cluster": cluster, "release": "2.4.0",
        });
        for (field, value) in more.as_object().unwrap() {
            body[field] = value.clone();
        }
        op_of(&self.api.post("/environments", body).await)
    }
}

/// A cluster by its kubeconfig, from a terminal: added, listed, shown, checked, changed; its token is never printed.
#[tokio::test(flavor = "multi_thread")]
async fn from_a_terminal() {
    let world = world(&[]).await;
    let simulator = Simulator::start(binary(), world.folder.path(), "instant").await;
    let kubeconfig = std::fs::read_to_string(&simulator.kubeconfig).unwrap();
    let token = kubeconfig.lines().find_map(|line| line.trim().strip_prefix("token: ")).unwrap();
    let token = token.trim_matches('"').to_owned();
    let file = simulator.kubeconfig.to_str().unwrap();
    let added =
        world.must(&["cluster", "add", "lab", "--kubeconfig", file, "--admits", "both"]).await;
    let listed = world.must(&["cluster", "list"]).await;
    assert!(listed.contains("lab") && listed.contains("fine"), "{listed}");
    let shown = world.must(&["cluster", "show", "lab", "-o", "json"]).await;
    let cluster: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(cluster["access"], "token");
    assert_eq!(cluster["check"]["missing"], json!([]));
    let changed = world
        .must(&["cluster", "change", "lab", "--admits", "sandbox", "--kubeconfig", file])
        .await;
    assert!(changed.contains("sandbox"), "{changed}");
    assert!(!format!("{added}{listed}{shown}{changed}").contains(&token));

    // What a kubeconfig would run here is refused, in words that help.
    let by_exec = kubeconfig.replace(&format!("token: {token}"), "exec: {command: sh}");
    let by_exec = by_exec.replace(&format!("token: \"{token}\""), "exec: {command: sh}");
    let by_exec = world.file("exec.yaml", &by_exec);
    let (code, _, errors) = world
        .landfall(&["cluster", "add", "other", "--kubeconfig", by_exec.to_str().unwrap()])
        .await;
    assert!(code == Some(1) && errors.contains("runs a program to sign in (exec)"), "{errors}");

    let op = world.environment("staging", "lab", &json!({})).await;
    world.api.op_succeeds(&op).await;
    let set = world.must(&["env", "account", "staging", "deployer"]).await;
    assert!(set.contains("parcel-staging/deployer"), "{set}");
    world.must(&["env", "account", "staging", "--none"]).await;
    simulator.stop().await;
    let (code, out, _) = world.landfall(&["cluster", "check", "lab"]).await;
    assert!(code == Some(1) && out.contains("was not reached"), "{out}");
}

/// A cluster that takes connections and answers nothing slows no other: Ops on the other end while those on it wait,
/// previews, pages and the check do not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_cluster_slows_no_other() {
    let world = world(&["--workers", "2"]).await;
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let alive = Simulator::start(binary(), folders[0].path(), "instant").await;
    let dead = Simulator::start(binary(), folders[1].path(), "instant").await;
    for (name, simulator) in [("alive", &alive), ("dead", &dead)] {
        let file = simulator.kubeconfig.to_str().unwrap();
        world.must(&["cluster", "add", name, "--kubeconfig", file, "--admits", "both"]).await;
    }
    let ready = world.environment("on-dead", "dead", &json!({})).await;
    world.api.op_succeeds(&ready).await;
    world.slow_app().await;

    // Two Ops hold both places: they watch for what does not get ready.
    let mut waiting = Vec::new();
    for name in ["a", "b"] {
        let op = world.environment(name, "dead", &json!({ "app": "Slow", "release": "1" })).await;
        let waits = |op: &Value| {
            let steps = op["steps"].as_array().unwrap();
            steps.iter().any(|step| step["name"] == "wait" && step["state"] == "running")
        };
        world.api.op_until(&op, waits).await;
        waiting.push(op);
    }
    dead.freeze();
    for name in ["c", "d", "e"] {
        waiting.push(world.environment(name, "dead", &json!({})).await);
    }
    let stuck = {
        let api = world.api.clone();
        tokio::spawn(async move {
            api.try_post("/environments/on-dead/previews", json!({ "release": "2.4.1" })).await
        })
    };
    for name in ["one", "two", "three"] {
        let op = world.environment(name, "alive", &json!({})).await;
        world.api.op_succeeds(&op).await;
        world
            .api
            .post(&format!("/environments/{name}/previews"), json!({ "release": "2.4.1" }))
            .await;
    }
    for op in &waiting {
        let op = world.api.get(&format!("/ops/{op}")).await;
        assert!(["queued", "running"].contains(&op["state"].as_str().unwrap()), "{op:#}");
    }
    api_answers(&world).await;
    assert!(!stuck.is_finished(), "the preview on the dead cluster waits by itself");
    stuck.abort();
    let checked = world.api.post("/clusters/dead/check", json!({})).await;
    assert!(checked["problem"].as_str().unwrap().contains("did not answer within"), "{checked:#}");
}

/// Lists and the dead cluster itself are shown, with what is known.
async fn api_answers(world: &World) {
    for path in ["/clusters", "/clusters/dead", "/environments/on-dead", "/deployments"] {
        world.api.get(path).await;
    }
}

/// A field of the administrator's kubeconfig: where the cluster is, and its authority.
fn admins(cluster: &ClusterTools, name: &str) -> String {
    let text = std::fs::read_to_string(&cluster.kubeconfig).unwrap();
    let start = format!("{name}: ");
    text.lines().find_map(|line| line.trim().strip_prefix(&start)).unwrap().to_owned()
}

/// A kubeconfig for the cluster with this user.
fn kubeconfig_with(cluster: &ClusterTools, user: &str) -> String {
    let (server, ca) = (admins(cluster, "server"), admins(cluster, "certificate-authority-data"));
    format!(
        "current-context: x\ncontexts: [{{name: x, context: {{cluster: x, user: x}}}}]\n\
         clusters: [{{name: x, cluster: {{server: '{server}', certificate-authority-data: {ca}}}}}]\n\
         users: [{{name: x, user: {user}}}]\n"
    )
}

/// The account that the manifest makes in a cluster: its token, read by kubectl.
fn token_of(cluster: &ClusterTools, namespace: &str, account: &str) -> String {
    let secret = format!("secret/{account}-token");
    let filled = "--for=jsonpath={.data.token}";
    cluster.kubectl(&["wait", "-n", namespace, filled, &secret, "--timeout=60s"]);
    let token = cluster.kubectl(&["get", "-n", namespace, &secret, "-o", "jsonpath={.data.token}"]);
    String::from_utf8(STANDARD.decode(token).unwrap()).unwrap()
}

/// With exactly the rights of the offered manifest the sample product is deployed, upgraded, rolled back and removed, in a
/// namespace and in the whole cluster; what is taken away is named by the check.
#[tokio::test(flavor = "multi_thread")]
async fn least_rights() {
    let Some(cluster) = RealCluster::start().await else { return };
    let world = world(&[]).await;
    let api = &world.api;
    let server = admins(&cluster, "server");
    let ca = STANDARD.decode(admins(&cluster, "certificate-authority-data")).unwrap();
    let ca_pem = String::from_utf8(ca).unwrap();
    let apply = |name: &str, manifest: &str| {
        let file = world.file(name, manifest);
        cluster.kubectl(&["apply", "-f", file.to_str().unwrap()]);
    };

    // One namespace.
    cluster.kubectl(&["create", "namespace", "parcel-fenced"]);
    let rbac =
        world.must(&["cluster", "rbac", "-n", "parcel-fenced", "--account", "fence/keeper"]).await;
    apply("fenced.yaml", &rbac);
    let token = token_of(&cluster, "fence", "keeper");
    let fenced = json!({
        "name": "fenced", "admits": "both", "server": server, "ca_pem": ca_pem, "token": token,
        "namespaces": ["parcel-fenced"],
    });
    let added = api.post("/clusters", fenced).await;
    assert_eq!(added["check"]["missing"], json!([]), "{added:#}");
    assert_eq!(added["check"]["user"], "system:serviceaccount:fence:keeper");
    let place = json!({ "namespace": "parcel-fenced" });
    let op = world.environment("fenced-qa", "fenced", &place).await;
    api.op_succeeds(&op).await;
    let started =
        api.post("/environments/fenced-qa/deployments", json!({ "release": "2.4.1" })).await;
    let ended = api.op_succeeds(&op_of(&started)).await;
    assert_eq!(ended["percent"], 100);
    let log = api.get(&format!("/ops/{}/log?limit=10000", op_of(&started))).await.to_string();
    assert!(
        log.contains("database system is ready") || log.contains("shipments"),
        "logs are read: {log}"
    );
    assert!(!log.contains("are not shown"), "everything around is watched: {log}");
    let back = api.post("/environments/fenced-qa/rollbacks", json!({ "to": "#1" })).await;
    api.op_succeeds(&op_of(&back)).await;
    let (status, removal) = api.try_delete("/environments/fenced-qa").await;
    assert_eq!(status, 200, "{removal:#}");
    api.op_succeeds(removal["id"].as_str().unwrap()).await;
    cluster.kubectl(&["delete", "rolebinding", "keeper", "-n", "parcel-fenced"]);
    let (code, out, _) = world.landfall(&["cluster", "check", "fenced"]).await;
    assert_eq!(code, Some(1), "{out}");
    for missing in
        ["deployments.apps in parcel-fenced", "keep Helm's release records", "cluster rbac"]
    {
        assert!(
            out.split_whitespace().collect::<Vec<_>>().join(" ").contains(missing),
            "{missing}: {out}"
        );
    }

    // The whole cluster, by a kubeconfig with a token; the namespace is made.
    apply("whole.yaml", &world.must(&["cluster", "rbac", "--impersonation", "also"]).await);
    let token = token_of(&cluster, "landfall", "landfall");
    let whole =
        world.file("whole.kubeconfig", &kubeconfig_with(&cluster, &format!("{{token: {token}}}")));
    let whole = whole.to_str().unwrap();
    let shown = world
        .must(&["cluster", "add", "whole", "--kubeconfig", whole, "--admits", "both", "-o", "json"])
        .await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["check"]["missing"], json!([]), "{shown:#}");
    let op = world.environment("whole-qa", "whole", &json!({})).await;
    api.op_succeeds(&op).await;

    by_certificate(&world, &cluster).await;
    cluster.stop().await;
}

/// The same cluster by a client certificate, at the API server itself: a proxy that ends TLS would not carry it through.
async fn by_certificate(world: &World, cluster: &RealCluster) {
    let pki = cluster.kubeconfig.parent().unwrap().join("pki");
    if !pki.is_dir() {
        eprintln!(
            "LEFT OUT: client certificates, because nobody has one of the cluster that was named"
        );
        return;
    }
    let encoded = |name: &str| STANDARD.encode(std::fs::read(pki.join(name)).unwrap());
    let user = format!(
        "{{client-certificate-data: {}, client-key-data: {}}}",
        encoded("kubelet-client.crt"),
        encoded("kubelet-client.key")
    );
    let name = "kube-apiserver-kubelet-client";
    let bind = [
        "create",
        "clusterrolebinding",
        "by-certificate",
        "--clusterrole=landfall",
        "--user",
        name,
    ];
    cluster.kubectl(&bind);
    let file = world.file("certificate.kubeconfig", &kubeconfig_with(cluster, &user));
    world.must(&["cluster", "change", "whole", "--kubeconfig", file.to_str().unwrap()]).await;
    let shown = world.api.get("/clusters/whole").await;
    assert_eq!(shown["access"], "client_certificate");
    assert_eq!(shown["check"]["user"], name, "{shown:#}");
    let body = json!({ "release": "2.4.1" });
    let started = world.api.post("/environments/whole-qa/deployments", body).await;
    world.api.op_succeeds(&op_of(&started)).await;
}

/// Where environments act as accounts of their own, Landfall's account needs one right, and each environment has its
/// account's rights and no others.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_environments() {
    let Some(cluster) = RealCluster::start().await else { return };
    let world = world(&[]).await;
    let api = &world.api;
    let apply = |name: &str, manifest: &str| {
        let file = world.file(name, manifest);
        cluster.kubectl(&["apply", "-f", file.to_str().unwrap()]);
    };
    for namespace in ["own", "other"] {
        cluster.kubectl(&["create", "namespace", namespace]);
    }
    let lender = ["cluster", "rbac", "-n", "own", "-n", "other", "--impersonation", "only"];
    apply("lender.yaml", &world.must(&lender).await);
    apply(
        "own.yaml",
        &world.must(&["cluster", "rbac", "-n", "own", "--account", "own/deployer"]).await,
    );
    cluster.kubectl(&["create", "serviceaccount", "nobody", "-n", "other"]);
    let token = world.file("token", &token_of(&cluster, "landfall", "landfall"));
    let ca = STANDARD.decode(admins(&cluster, "certificate-authority-data")).unwrap();
    let ca = world.file("ca.crt", &String::from_utf8(ca).unwrap());
    let shown = world
        .must(&[
            "cluster",
            "add",
            "strict",
            "--address",
            &admins(&cluster, "server"),
            "--ca-file",
            ca.to_str().unwrap(),
            "--token-file",
            token.to_str().unwrap(),
            "--admits",
            "both",
            "--namespace",
            "own",
            "--namespace",
            "other",
            "--demand-accounts",
            "true",
            "-o",
            "json",
        ])
        .await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["check"]["missing"], json!([]), "{shown:#}");

    let mut body = json!({
        "name": "qa", "app": "Parcel", "kind": "sandbox", "cluster": "strict", "release": "2.4.0",
        "namespace": "own",
    });
    let (status, refused) = api.try_post("/environments", body.clone()).await;
    assert_eq!(status, 422, "{refused:#}");
    body["service_account"] = json!("deployer");
    api.op_succeeds(&op_of(&api.post("/environments", body).await)).await;
    let preview = api.post("/environments/qa/previews", json!({ "release": "2.4.1" })).await;
    assert_eq!(preview["changes"]["create"], 2, "{:#}", preview["changes"]);

    let more = json!({ "namespace": "other", "service_account": "nobody" });
    let op = world.environment("poor", "strict", &more).await;
    let ended = api.op_end(&op).await;
    assert_eq!(ended["state"], "failed", "{ended:#}");
    assert!(ended.to_string().contains("system:serviceaccount:other:nobody"), "{ended:#}");
    let (status, refused) = api.try_post("/environments/poor/previews", json!({})).await;
    assert!(status == 502 && refused.to_string().contains("other:nobody"), "{refused:#}");
    cluster.stop().await;
}
