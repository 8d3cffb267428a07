//! Repositories that cannot be read, charts that are not there, and archives that are no charts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use harness::charts::{packed, serve_files};
use harness::{Server, Simulator};
use serde_json::json;

use super::{binary, shop, told, world};

/// A chart or a version that a repository does not have, and what it has instead.
#[tokio::test(flavor = "multi_thread")]
async fn missing() {
    let world = world(vec![shop("1.0.0", &[]), shop("1.1.0", &[])]).await;
    let app = json!({ "name": "Other", "chart_url": world.repository, "chart_name": "shpo" });
    insta::assert_snapshot!(world.refused("/apps", app).await, @r"
    422 invalid: Not acceptable as given
    /chart_name
      The repository has no chart `shpo`.
      -> It has shop.
    ");
    let release = json!({ "app": "Shop", "tag": "v1", "chart_version": "1.2.0" });
    insta::assert_snapshot!(world.refused("/releases", release).await, @r"
    422 invalid: Not acceptable as given
    /chart_version
      The repository has no version `1.2.0` of shop.
      -> Its newest is 1.1.0.
    ");
    let release = json!({ "app": "Shop", "tag": "v1", "chart_version": "^1.0" });
    insta::assert_snapshot!(world.refused("/releases", release).await, @r"
    422 invalid: Not acceptable as given
    /chart_version
      The repository has no version `^1.0` of shop.
      -> Its newest is 1.1.0.
    ");
    insta::assert_snapshot!(world.refused("/releases", json!({ "app": "Shop", "tag": "v1" })).await, @r"
    422 invalid: Not acceptable as given
    /chart_version
      No chart version is chosen.
      -> Choose one of the list.
    ");
    insta::assert_snapshot!(world.refused("/releases", json!({ "tag": "v1" })).await, @r"
    422 invalid: Not acceptable as given
    /app
      No App is chosen.
      -> Choose one of the list.
    ");
    world.release("v1", "1.1.0").await;
}

/// Repositories that do not answer, or not with an index.
#[tokio::test(flavor = "multi_thread")]
async fn repositories() {
    let world = world(vec![shop("1.0.0", &[])]).await;
    insta::assert_snapshot!(world.app_refused("http://127.0.0.1:1", "shop").await, @r"
    422 invalid: Not acceptable as given
    /chart_url
      The chart repository URL was not read: could not fetch URL/index.yaml: dial tcp 127.0.0.1:1: connect: connection refused.
      -> Check its address, and that it can be reached from the server.
    ");
    insta::assert_snapshot!(world.app_refused("charts.example.com", "shop").await, @r"
    422 invalid: Not acceptable as given
    /chart_url
      This is not a URL: relative URL without a base.
      -> Write it as https://HOST/PATH.
    ");
    insta::assert_snapshot!(world.app_refused("ftp://charts.example.com", "shop").await, @r#"
    422 invalid: Not acceptable as given
    /chart_url
      `URL` is not an http or https address.
      -> Give the address of an HTTP chart repository.
    "#);
    insta::assert_snapshot!(world.app_refused("oci://127.0.0.1:1/shop", "shop").await, @r"
    422 invalid: Not acceptable as given
    /chart_url
      The chart registry URL was not read: could not fetch http://127.0.0.1:1/v2/shop/tags/list: dial tcp 127.0.0.1:1: connect: connection refused.
      -> Check its address, and that it can be reached from the server.
    ");
    insta::assert_snapshot!(world.app_refused("http://169.254.169.254/latest", "shop").await, @r"
    422 invalid: Not acceptable as given
    /chart_url
      `169.254.169.254` is not reached from here (cloud metadata).
      -> Give the address of a repository or cluster.
    ");
    let empty = serve_files(Vec::new()).await;
    insta::assert_snapshot!(world.app_refused(&empty, "shop").await, @r"
    422 invalid: Not acceptable as given
    /chart_url
      The chart repository URL was not read: could not fetch URL/index.yaml: the server answered 404 Not Found.
      -> Check the repository's address.
    ");
    let mut answers = Vec::new();
    for index in ["<html>Sign in</html>", "entries: [", "", "apiVersion: v1\nentries: none\n"] {
        let url = serve_files(vec![("/index.yaml", index.into())]).await;
        answers.push(format!("{index:?}: {}", world.app_refused(&url, "shop").await));
    }
    insta::assert_snapshot!(answers.join("\n"), @r#"
    "<html>Sign in</html>": 422 invalid: Not acceptable as given
    /chart_url
      The chart repository URL was not read: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go value of type repo.IndexFile.
      -> Give the address of the folder that has index.yaml.

    "entries: [": 422 invalid: Not acceptable as given
    /chart_url
      The chart repository URL was not read: error converting YAML to JSON: yaml: line 1: did not find expected node content.
      -> Give the address of the folder that has index.yaml.

    "": 422 invalid: Not acceptable as given
    /chart_url
      The chart repository URL was not read: empty index.yaml file.
      -> Give the address of the folder that has index.yaml.

    "apiVersion: v1\nentries: none\n": 422 invalid: Not acceptable as given
    /chart_url
      The chart repository URL was not read: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go struct field .entries of type map[string]repo.ChartVersions.
      -> Give the address of the folder that has index.yaml.
    "#);
}

/// What was there when the App was made is gone, or is not what the index says.
#[tokio::test(flavor = "multi_thread")]
async fn archives_of_a_repository() {
    let world = world(vec![shop("1.0.0", &[])]).await;
    let entry = |version: &str, url: &str, digest: &str| json!({ "apiVersion": "v2", "name": "shop", "version": version, "urls": [url], "digest": digest });
    let entries = [
        entry("1.0.0", "gone.tgz", ""),
        entry("1.1.0", "shop.tgz", &"0".repeat(64)),
        entry("1.2.0", "shop.tgz", ""),
        entry("1.3.0", "page.tgz", ""),
        entry("1.4.0", "http://169.254.169.254/shop.tgz", ""),
        json!({ "apiVersion": "v2", "name": "shop", "version": "1.5.0" }),
        entry("1.6.0", "http://127.0.0.1:1/shop.tgz", ""),
    ];
    let index = json!({ "apiVersion": "v1", "entries": { "shop": entries } }).to_string();
    let files = vec![
        ("/index.yaml", index.into_bytes()),
        ("/shop.tgz", shop("9.9.9", &[])),
        ("/page.tgz", b"<html>Sign in</html>".to_vec()),
    ];
    let url = serve_files(files).await;
    let app = json!({ "name": "Other", "chart_url": url, "chart_name": "shop" });
    world.api.post("/apps", app).await;
    let mut answers = Vec::new();
    for version in ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0", "1.6.0"] {
        let body = json!({ "app": "Other", "tag": "v1", "chart_version": version });
        let answer = world.refused("/releases", body).await;
        let answer = answer.replace(&url, "URL");
        // What the archive's own digest is depends on how it was compressed.
        let answer = match answer.split_once("has SHA-256 ") {
            Some((before, after)) => format!("{before}has SHA-256 FOUND{}", &after[64..]),
            None => answer,
        };
        answers.push(format!("{version}: {answer}"));
    }
    insta::assert_snapshot!(answers.join("\n"), @r#"
    1.0.0: 422 invalid: Not acceptable as given
    /chart_version
      The archive of shop 1.0.0 was not read: could not fetch URL/gone.tgz: the server answered 404 Not Found.
      -> Choose another version, or have this one published again.

    1.1.0: 422 invalid: Not acceptable as given
    /chart_version
      The archive of shop 1.1.0 was not read: URL/shop.tgz has SHA-256 FOUND, but the repository's index says 0000000000000000000000000000000000000000000000000000000000000000.
      -> Choose another version, or have this one published again.

    1.2.0: 422 invalid: Not acceptable as given
    /chart_version
      This is version 9.9.9, not 1.2.0.
      -> Choose the version that the archive has.

    1.3.0: 422 invalid: Not acceptable as given
    /chart_version
      The chart cannot be loaded: unable to load chart archive: gzip: invalid header.
      -> Package it again with `helm package`.

    1.4.0: 422 invalid: Not acceptable as given
    /chart_version
      `169.254.169.254` is not reached from here (cloud metadata).
      -> Give the address of a repository or cluster.

    1.5.0: 422 invalid: Not acceptable as given
    /chart_version
      The archive of shop 1.5.0 was not read: chart "shop" version "1.5.0" has no downloadable URLs.
      -> Choose another version, or have this one published again.

    1.6.0: 502 unreachable: Something outside did not answer
    The chart repository URL was not read: could not fetch http://127.0.0.1:1/shop.tgz: dial tcp 127.0.0.1:1: connect: connection refused. Check its address, and that it can be reached from the server.
    "#);
}

/// Archives that are no charts, or not the App's, are refused at the field.
#[tokio::test(flavor = "multi_thread")]
async fn uploads() {
    let world = world(vec![shop("1.0.0", &[])]).await;
    let app = json!({ "name": "Other", "chart_kind": "upload", "chart_name": "shop" });
    world.api.post("/apps", app).await;
    let whole = shop("1.0.0", &[]);
    let chart = |text: &str| packed(&[("Chart.yaml", text)]);
    let mut answers = Vec::new();
    for (what, archive) in [
        ("no gzip", b"PK\x03\x04 a zip".to_vec()),
        ("cut off", whole[..whole.len() / 2].to_vec()),
        ("nothing", Vec::new()),
        ("another chart", chart("apiVersion: v2\nname: parcel\nversion: 1.0.0\n")),
        ("a library", chart("apiVersion: v2\nname: shop\nversion: 1.0.0\ntype: library\n")),
    ] {
        let body = json!({ "app": "Other", "tag": "v1", "archive": BASE64.encode(archive) });
        answers.push(format!("{what}: {}", world.refused("/releases", body).await));
    }
    let body = json!({ "app": "Other", "tag": "v1", "archive": "~~~" });
    answers.push(format!("no base64: {}", world.refused("/releases", body).await));
    let body = json!({ "app": "Other", "tag": "v1" });
    answers.push(format!("none: {}", world.refused("/releases", body).await));
    let body = json!({ "app": "Other", "tag": "v1", "chart_version": "2.0.0", "archive": BASE64.encode(&whole) });
    answers.push(format!("another version: {}", world.refused("/releases", body).await));
    insta::assert_snapshot!(answers.join("\n"), @r"
    no gzip: 422 invalid: Not acceptable as given
    /archive
      The chart cannot be loaded: unable to load chart archive: gzip: invalid header.
      -> Package it again with `helm package`.

    cut off: 422 invalid: Not acceptable as given
    /archive
      The chart cannot be loaded: unable to load chart archive: the archive cannot be unpacked: incomplete deflate stream.
      -> Package it again with `helm package`.

    nothing: 422 invalid: Not acceptable as given
    /archive
      The chart cannot be loaded: unable to load chart archive: gzip: invalid header.
      -> Package it again with `helm package`.

    another chart: 422 invalid: Not acceptable as given
    /archive
      This is chart `parcel`, not `shop`.
      -> Take the archive of the App's own chart.

    a library: 422 invalid: Not acceptable as given
    /archive
      A library chart cannot be deployed.
      -> Take a chart of the type application.

    no base64: 422 invalid: Not acceptable as given
    /archive
      This is not base64.
      -> Give the bytes of the .tgz file in base64.

    none: 422 invalid: Not acceptable as given
    /archive
      No chart archive was uploaded.
      -> Upload the archive that `helm package` makes.

    another version: 422 invalid: Not acceptable as given
    /archive
      This is version 1.0.0, not 2.0.0.
      -> Choose the version that the archive has.
    ");

    let body = json!({ "app": "Other", "tag": "v1", "archive": BASE64.encode(&whole) });
    assert_eq!(world.api.post("/releases", body).await["chart"]["version"], "1.0.0");
}

/// Without --allow-network nothing on loopback is read, however it is written; the answer says how to allow it.
#[tokio::test(flavor = "multi_thread")]
async fn loopback_is_guarded() {
    let folder = tempfile::tempdir().unwrap();
    let repository = harness::charts::serve(vec![shop("1.0.0", &[])]).await;
    let port = repository.rsplit(':').next().unwrap();
    let server = Server::start_guarded(binary(), folder.path(), &[]).await;
    let api = server.set_up().await;
    let mut answers = Vec::new();
    for host in ["127.0.0.1", "[::1]", "2130706433", "[::ffff:127.0.0.1]"] {
        let url = format!("http://{host}:{port}");
        let app = json!({ "name": "Shop", "chart_url": url, "chart_name": "shop" });
        let answer = told(&api.try_post("/apps", app).await);
        answers.push(answer.replace(port, "PORT"));
    }
    insta::assert_snapshot!(answers.join("\n"), @r"
    422 invalid: Not acceptable as given
    /chart_url
      `127.0.0.1` is not reached from here (loopback).
      -> Start the server with --allow-network 127.0.0.1/32 to allow it.

    422 invalid: Not acceptable as given
    /chart_url
      `::1` is not reached from here (loopback).
      -> Start the server with --allow-network ::1/128 to allow it.

    422 invalid: Not acceptable as given
    /chart_url
      `127.0.0.1` is not reached from here (loopback).
      -> Start the server with --allow-network 127.0.0.1/32 to allow it.

    422 invalid: Not acceptable as given
    /chart_url
      `::ffff:127.0.0.1` has the address 127.0.0.1, which is not reached from here (loopback).
      -> Start the server with --allow-network 127.0.0.1/32 to allow it.
    ");
    // Names are looked at when they are resolved; which address comes first differs.
    let app = json!({ "name": "Shop", "chart_url": format!("http://localhost:{port}"), "chart_name": "shop" });
    let answer = told(&api.try_post("/apps", app).await);
    assert!(answer.contains("\n/chart_url\n  `localhost` has the address "), "{answer}");
    assert!(answer.contains("\n  -> Start the server with --allow-network "), "{answer}");
    assert_eq!(api.get("/apps").await["items"], json!([]));
}

/// A simulated cluster in another process that is gone cannot be added.
#[tokio::test(flavor = "multi_thread")]
async fn clusters() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(binary(), folder.path(), "instant").await;
    let gone = format!("gone={}", simulator.kubeconfig.display());
    simulator.stop().await;
    let never = folder.path().join("never.kubeconfig");
    let never = format!("never={}", never.display());
    let more = ["--simulated-cluster", &gone, "--simulated-cluster", &never];
    let server = Server::start(binary(), &folder.path().join("data"), &more).await;
    let api = server.set_up().await;
    insta::assert_snapshot!(told(&api.try_post("/clusters/simulated", json!({ "name": "gone" })).await), @r"
    502 unreachable: Something outside did not answer
    Cluster `gone` was not reached while asking for its version: Connection refused (os error 111); check that its address is right and that it can be reached from here.
    ");
    let answer = told(&api.try_post("/clusters/simulated", json!({ "name": "never" })).await);
    insta::assert_snapshot!(answer.replace(&folder.path().display().to_string(), "FOLDER"), @r"
    502 unreachable: Something outside did not answer
    The simulated cluster `never` was not reached: could not read FOLDER/never.kubeconfig (does `landfall simulator` run?): No such file or directory (os error 2).
    ");
    assert_eq!(api.get("/clusters").await["items"], json!([]));
    insta::assert_snapshot!(told(&api.try_post("/clusters/gone/check", json!({})).await), @r"
    404 not_found: Not found
    There is no cluster `gone`.
    ");
}
