//! The client commands and the demo, as users type them.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::path::Path;
use std::process::Output;

use harness::{Api, Server, charts, op_of};
use serde_json::{Value, json};

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

async fn landfall(api: &Api, args: &[&str]) -> Output {
    tokio::process::Command::new(binary())
        .args(args)
        .env("LANDFALL_SERVER", &api.url)
        .env("LANDFALL_TOKEN", &api.token)
        .output()
        .await
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A release is added, deployed and rolled back from the command line; exit codes say what came of it.
#[tokio::test(flavor = "multi_thread")]
async fn main_path() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(binary(), folder.path(), &["--simulated-pace", "instant"]).await;
    let api = server.set_up().await;
    api.post("/clusters/simulated", json!({ "name": "lab", "admits": "both" })).await;
    let repository = charts::serve(charts::parcel()).await;
    let app = json!({
        "name": "Parcel", "chart_kind": "repository", "chart_url": repository, "chart_name": "parcel", "wait_seconds": 3,
    });
    api.post("/apps", app).await;

    for (tag, version) in [("2.4.0", "0.31.0"), ("2.4.1", "0.31.2")] {
        let added =
            landfall(&api, &["release", "add", "Parcel", tag, "--chart-version", version]).await;
        assert!(added.status.success(), "{}", err(&added));
        assert!(out(&added).contains(&format!("parcel {version}")), "{}", out(&added));
    }
    let again =
        landfall(&api, &["release", "add", "Parcel", "2.4.0", "--chart-version", "0.31.0"]).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(err(&again).contains("2.4.0"), "{}", err(&again));

    let environment = json!({ "name": "staging", "app": "Parcel", "kind": "sandbox", "cluster": "lab", "release": "2.4.0" });
    api.op_succeeds(&op_of(&api.post("/environments", environment).await)).await;

    let deployed = landfall(&api, &["deploy", "staging", "--release", "2.4.1", "--watch"]).await;
    assert!(deployed.status.success(), "{}{}", out(&deployed), err(&deployed));
    assert!(
        out(&deployed).contains("landfall"),
        "the log is on standard output: {}",
        out(&deployed)
    );
    assert!(err(&deployed).contains("✓ staging#2 succeeded"), "{}", err(&deployed));

    let values = folder.path().join("broken.yaml");
    std::fs::write(
        &values,
        "worker:\n  podAnnotations:\n    simulator.landfall.dev/fault: crash-loop\n",
    )
    .unwrap();
    let failed =
        landfall(&api, &["deploy", "staging", "-f", values.to_str().unwrap(), "--watch"]).await;
    assert_eq!(failed.status.code(), Some(1));
    assert!(err(&failed).contains("✗ staging#3 failed"), "{}", err(&failed));
    assert!(
        err(&failed).contains("| fatal: "),
        "the last lines of the container: {}",
        err(&failed)
    );

    let back = landfall(&api, &["rollback", "staging", "--to", "#1", "--watch"]).await;
    assert!(back.status.success(), "{}", err(&back));

    let listed = landfall(&api, &["env", "list"]).await;
    assert!(out(&listed).contains("staging") && out(&listed).contains("2.4.0"), "{}", out(&listed));
    let listed = landfall(&api, &["env", "list", "-o", "json"]).await;
    let listed: Value = serde_json::from_str(&out(&listed)).unwrap();
    assert_eq!(listed["items"][0]["release"]["tag"], "2.4.0");
    let listed = landfall(&api, &["env", "list", "-o", "yaml"]).await;
    assert!(out(&listed).contains("\n  name: staging\n"), "{}", out(&listed));
    for (filter, value, found) in [
        ("--app", "Parcel", true),
        ("--cluster", "lab", true),
        ("--release", "Parcel/2.4.0", true),
        ("--kind", "production", false),
    ] {
        let listed = landfall(&api, &["env", "list", filter, value]).await;
        assert!(listed.status.success(), "{}", err(&listed));
        assert_eq!(out(&listed).contains("staging"), found, "{filter}: {}", out(&listed));
    }

    let history = out(&landfall(&api, &["env", "history", "staging"]).await);
    let rows: Vec<&str> = history.lines().skip(1).collect();
    assert!(rows[0].trim_start().starts_with("#4") && rows[0].contains("rollback"), "{history}");
    assert!(rows[1].trim_start().starts_with("#3"), "{history}");
    let failed = ["env", "history", "staging", "--state", "failed", "-o", "json"];
    let failed: Value = serde_json::from_str(&out(&landfall(&api, &failed).await)).unwrap();
    let numbers: Vec<&Value> =
        failed["items"].as_array().unwrap().iter().map(|it| &it["number"]).collect();
    assert_eq!(numbers, [3]);
}

/// Without a server, a token or a right answer, the message says what to do.
#[tokio::test(flavor = "multi_thread")]
async fn mistakes() {
    let nobody = Api::new("http://127.0.0.1:1", "lf_none");
    let unreachable = landfall(&nobody, &["env", "list"]).await;
    assert_eq!(unreachable.status.code(), Some(1));
    assert!(
        err(&unreachable).contains("could not reach http://127.0.0.1:1/"),
        "{}",
        err(&unreachable)
    );

    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(binary(), folder.path(), &[]).await;
    let stranger = Api::new(&server.url, "lf_wrong");
    let refused = landfall(&stranger, &["env", "list"]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("token"), "{}", err(&refused));

    let api = server.set_up().await;
    let missing = landfall(&api, &["deploy", "nowhere"]).await;
    assert!(err(&missing).contains("nowhere"), "{}", err(&missing));
}

/// The demo does the main job with nothing but the binary, and its exit code is the Op's.
#[tokio::test(flavor = "multi_thread")]
async fn demo_once() {
    let demo = |more: &'static [&'static str]| async move {
        tokio::process::Command::new(binary())
            .args(["demo", "--once", "--pace", "instant", "--listen", "127.0.0.1:0"])
            .args(more)
            .output()
            .await
            .unwrap()
    };
    let sample = demo(&[]).await;
    assert!(sample.status.success(), "{}{}", out(&sample), err(&sample));
    assert!(
        err(&sample).contains("simulated"),
        "it says that the cluster is simulated: {}",
        err(&sample)
    );
    assert!(err(&sample).contains("✓ northwind-prod#2 succeeded"), "{}", err(&sample));

    let own =
        demo(&["--chart", concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/parcel/0.31.0")]).await;
    assert!(own.status.success(), "{}", err(&own));

    let nothing = demo(&["--chart", "/nowhere"]).await;
    assert_eq!(nothing.status.code(), Some(1));
    assert!(err(&nothing).contains("there is no chart at /nowhere"), "{}", err(&nothing));
}

/// Settings of an App are shown and set from the command line; what is wrong is told, and what is not
/// named stays.
#[tokio::test(flavor = "multi_thread")]
async fn app_settings() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(binary(), folder.path(), &[]).await;
    let api = server.set_up().await;
    let app = json!({ "name": "Shop", "chart_kind": "upload", "chart_name": "shop" });
    api.post("/apps", app).await;
    let keys = harness::gpg::Keys::new(&["ann"]);
    let file = folder.path().join("ann.gpg");
    std::fs::write(&file, keys.binary()).unwrap();
    let settings =
        async |args: &[&str]| landfall(&api, &[&["app", "settings"], args].concat()).await;

    let file = file.to_str().unwrap();
    let set =
        ["set", "Shop", "--wait", "600", "--mask", "**.token", "--mask", "db", "--keyring", file];
    let set = settings(&[&set[..], &["--provenance", "required"]].concat()).await;
    assert!(set.status.success(), "{}", err(&set));
    let shown = settings(&["show", "Shop"]).await;
    assert_eq!(out(&shown), out(&set));
    let told = out(&shown).split_whitespace().collect::<Vec<_>>().join(" ");
    let told = told.split(" trusted keys").next().unwrap().to_owned();
    insta::assert_snapshot!(told, @"SETTING VALUE helm 4 wait 600 s wait for jobs false run tests false crds create end when hopeless false masked values **.token db provenance required");
    assert!(out(&shown).contains("ann <ann@example.com>"), "{}", out(&shown));
    let json: Value =
        serde_json::from_str(&out(&settings(&["show", "Shop", "-o", "json"]).await)).unwrap();
    assert_eq!(json["revision"], 1);

    let wrong = settings(&["set", "Shop", "--wait", "0", "--no-keyring"]).await;
    assert_eq!(wrong.status.code(), Some(1));
    assert!(err(&wrong).contains("Use 1 to 86400 seconds."), "{}", err(&wrong));
    let nothing = settings(&["set", "Shop"]).await;
    assert!(err(&nothing).contains("nothing to change"), "{}", err(&nothing));
}

/// With an uploaded archive everything up to a running environment is done from the command line.
#[tokio::test(flavor = "multi_thread")]
async fn from_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(binary(), folder.path(), &["--simulated-pace", "instant"]).await;
    let api = server.set_up().await;
    let archive = folder.path().join("parcel.tgz");
    std::fs::write(&archive, charts::parcel().swap_remove(0)).unwrap();
    let archive = archive.to_str().unwrap();
    let fine = |output: Output| {
        assert!(output.status.success(), "{}", err(&output));
        out(&output)
    };

    fine(landfall(&api, &["cluster", "add-simulated", "lab"]).await);
    let app = ["app", "add", "Parcel", "--uploads", "--chart", "parcel", "--wait", "30"];
    let added = fine(landfall(&api, &app).await);
    assert!(added.contains("uploads"), "{added}");
    let neither = landfall(&api, &["app", "add", "Other"]).await;
    assert_eq!(neither.status.code(), Some(2), "{}", err(&neither));
    let release = ["release", "add", "Parcel", "2.4.0", "--chart", archive];
    assert!(fine(landfall(&api, &release).await).contains("parcel 0.31.0"));
    let unpacked =
        ["release", "add", "Parcel", "2.4.1", "--chart", folder.path().to_str().unwrap()];
    let unpacked = landfall(&api, &unpacked).await;
    assert!(err(&unpacked).contains("landfall chart package"), "{}", err(&unpacked));

    let environment =
        ["env", "create", "staging", "--app", "Parcel", "--cluster", "lab", "--watch"];
    fine(landfall(&api, &environment).await);
    let preview = fine(landfall(&api, &["deploy", "staging", "--preview"]).await);
    assert_eq!(preview, "Nothing would change in the cluster.\n");
    let apps = fine(landfall(&api, &["app", "list"]).await);
    assert!(apps.contains("2.4.0"), "{apps}");
    let releases = fine(landfall(&api, &["release", "list", "Parcel"]).await);
    assert!(releases.contains("2.4.0 (newest)"), "{releases}");

    let values = folder.path().join("values.yaml");
    std::fs::write(&values, "web:\n  replicas: 1\n").unwrap();
    let set = ["env", "values", "set", "staging", "-f", values.to_str().unwrap(), "--watch"];
    fine(landfall(&api, &set).await);
    let differ = landfall(&api, &["diff", "staging#1", "staging"]).await;
    assert_eq!(differ.status.code(), Some(1), "{}", err(&differ));
    assert!(out(&differ).contains("web.replicas"), "{}", out(&differ));
    fine(landfall(&api, &["diff", "staging#2", "staging"]).await);
    let why = fine(landfall(&api, &["env", "why", "staging", "web.replicas"]).await);
    assert!(why.contains("staging#2"), "{why}");
    let runs = fine(landfall(&api, &["release", "where", "Parcel", "2.4.0"]).await);
    assert!(runs.contains("staging"), "{runs}");

    let wrong = landfall(&api, &["deploy", "staging", "--release", "9"]).await;
    assert!(err(&wrong).contains("Its newest is `2.4.0`."), "{}", err(&wrong));
    let number = landfall(&api, &["rollback", "staging", "--to", "1"]).await;
    assert!(err(&number).contains("Write deployment 1 of staging as `#1`."), "{}", err(&number));
}

/// All data goes into a file and out of it into another folder, where the key has to be; a server goes on there.
#[tokio::test(flavor = "multi_thread")]
async fn dump_and_load() {
    let (folder, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Server::start(binary(), folder.path(), &[]).await;
    let api = server.set_up().await;
    api.post("/clusters/simulated", json!({ "name": "lab", "admits": "both" })).await;
    let file = folder.path().join("landfall.tar");
    let admin = async |what: &str, data: &Path| {
        let (file, data) = (file.to_str().unwrap(), data.to_str().unwrap());
        landfall(&api, &["admin", what, file, "--data", data]).await
    };
    // The server runs meanwhile.
    let dumped = admin("dump", folder.path()).await;
    assert!(dumped.status.success(), "{}", err(&dumped));
    assert!(out(&dumped).contains("The key file is not part of it"), "{}", out(&dumped));
    let without_key = admin("load", there.path()).await;
    assert_eq!(without_key.status.code(), Some(1));
    assert!(err(&without_key).contains("there is no key file at"), "{}", err(&without_key));
    std::fs::copy(folder.path().join("key"), there.path().join("key")).unwrap();
    let loaded = admin("load", there.path()).await;
    assert!(loaded.status.success(), "{}", err(&loaded));
    let again = admin("load", there.path()).await;
    assert!(err(&again).contains("the database is not empty"), "{}", err(&again));

    let other = Server::start(binary(), there.path(), &[]).await;
    assert_eq!(other.code, None, "the Administrator is there");
    let clusters = api.at(&other).get("/clusters").await;
    assert!(clusters.to_string().contains("\"lab\""), "{clusters}");
}
