//! Registries, repositories and clusters that lead to where the server must not go, or to where a password must not.

use harness::Server;
use harness::scripted::{Reply, Scripted, redirect};
use serde_json::{Value, json};

use super::{World, binary, shop, told, world};

const METADATA: &str = "http://169.254.169.254/latest/meta-data/";
/// What every address of a cloud's metadata service gets.
const REFUSED: &str = "`169.254.169.254` is not reached from here (cloud metadata).";

fn nothing() -> Reply {
    (404, Vec::new(), Vec::new())
}

/// An index with `shop` 1.0.0.
fn index() -> Reply {
    let entry =
        json!({ "apiVersion": "v2", "name": "shop", "version": "1.0.0", "urls": ["shop.tgz"] });
    let index = json!({ "apiVersion": "v1", "entries": { "shop": [entry] } });
    (200, Vec::new(), index.to_string().into_bytes())
}

/// An App whose source takes a password.
fn app(kind: &str, url: &str) -> Value {
    json!({
        "name": "Other", "chart_kind": kind, "chart_url": url, "chart_name": "shop",
        "registry_username": "robot", "registry_password": "open sesame",
    })
}

/// No password came here.
fn unsigned(server: &Scripted) {
    let heard = server.heard();
    assert!(!heard.is_empty(), "it was never asked");
    assert!(heard.iter().all(|(_, given)| given.is_none()), "a password came along: {heard:?}");
}

async fn refused(world: &World, path: &str, body: Value) {
    let answer = world.refused(path, body).await;
    assert!(answer.contains(REFUSED), "{answer}");
}

/// Repositories redirect index and archive: not to metadata, and elsewhere without the password.
#[tokio::test(flavor = "multi_thread")]
async fn repositories_that_redirect() {
    let world = world(vec![shop("1.0.0", &[])]).await;
    let elsewhere = Scripted::start(|path, _| match path {
        "/index.yaml" => index(),
        _ => (200, Vec::new(), shop("1.0.0", &[])),
    })
    .await;
    let there = elsewhere.url.clone();
    let repository = Scripted::start(move |path, _| match path {
        "/astray/index.yaml" | "/archives/shop.tgz" => redirect(METADATA),
        "/archives/index.yaml" => index(),
        "/moved/index.yaml" => redirect(&format!("{there}/index.yaml")),
        "/moved/shop.tgz" => redirect(&format!("{there}/shop.tgz")),
        _ => nothing(),
    })
    .await;
    let at = |folder: &str| format!("{}/{folder}", repository.url);
    refused(&world, "/apps", app("repository", &at("astray"))).await;

    let archives = json!({ "name": "Archives", "chart_url": at("archives"), "chart_name": "shop" });
    world.api.post("/apps", archives).await;
    let release = json!({ "app": "Archives", "tag": "v1", "chart_version": "1.0.0" });
    refused(&world, "/releases", release).await;

    world.api.post("/apps", app("repository", &at("moved"))).await;
    let release = json!({ "app": "Other", "tag": "v1", "chart_version": "1.0.0" });
    world.api.post("/releases", release).await;
    unsigned(&elsewhere);
    assert!(repository.heard().iter().any(|(_, given)| given.is_some()), "it asks for one");
}

/// A registry that wants a token from `realm`.
async fn registry_of(realm: &str) -> Scripted {
    let challenge = format!("Bearer realm=\"{realm}\",service=\"shop\"");
    Scripted::start(move |_, given| match given {
        None => (401, vec![("www-authenticate", challenge.clone())], Vec::new()),
        Some(_) => nothing(),
    })
    .await
}

/// Registries name the server that gives tokens out: not one of the metadata service, not by a redirect of that server
/// either, which takes no password anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn token_servers() {
    let world = world(vec![shop("1.0.0", &[])]).await;
    let oci =
        |server: &Scripted| app("oci", &format!("{}/shop", server.url.replace("http", "oci")));

    let astray = registry_of(METADATA).await;
    let answer = world.refused("/apps", oci(&astray)).await;
    assert!(answer.contains("169.254.169.254") && answer.contains("/chart_url"), "{answer}");

    let elsewhere = Scripted::start(|_, _| (200, Vec::new(), br#"{"token": "t"}"#.to_vec())).await;
    let there = elsewhere.url.clone();
    let tokens = Scripted::start(move |path, _| match path {
        "/astray" => redirect(METADATA),
        _ => redirect(&there),
    })
    .await;
    refused(&world, "/apps", oci(&registry_of(&format!("{}/astray", tokens.url)).await)).await;
    let moved = registry_of(&format!("{}/moved", tokens.url)).await;
    world.refused("/apps", oci(&moved)).await;
    unsigned(&elsewhere);
    assert!(tokens.heard().iter().any(|(_, given)| given.is_some()), "it asks for one");
}

/// A registry that takes a password and then redirects sends nobody elsewhere with it.
#[tokio::test(flavor = "multi_thread")]
async fn registries_that_redirect() {
    let world = world(vec![shop("1.0.0", &[])]).await;
    let elsewhere = Scripted::start(|_, _| {
        (200, Vec::new(), br#"{"name": "shop", "tags": ["1.0.0"]}"#.to_vec())
    })
    .await;
    for (to, reached) in [(elsewhere.url.clone(), true), (METADATA.to_owned(), false)] {
        let registry = Scripted::start(move |_, given| match given {
            None => (401, vec![("www-authenticate", "Basic".to_owned())], Vec::new()),
            Some(_) => redirect(&to),
        })
        .await;
        let mut body = app("oci", &format!("{}/shop", registry.url.replace("http", "oci")));
        if reached {
            let (_, answer) = world.api.try_post("/apps", body).await;
            assert!(registry.heard().iter().any(|(_, given)| given.is_some()), "{answer}");
        } else {
            body["name"] = "Third".into();
            refused(&world, "/apps", body).await;
        }
    }
    unsigned(&elsewhere);
}

/// Clusters are at no address that a repository could not be at.
#[tokio::test(flavor = "multi_thread")]
async fn clusters_inside() {
    let world = world(vec![shop("1.0.0", &[])]).await;
    let at = |server: &str| json!({ "name": "inside", "admits": "sandbox", "server": server, "token": "t" });
    for server in ["https://169.254.169.254", "https://169.254.169.254:6443/clusters/one"] {
        refused(&world, "/clusters", at(server)).await;
    }
    let kubeconfig = "apiVersion: v1\nkind: Config\ncurrent-context: it\ncontexts:\n- name: it\n  context: {cluster: it, user: it}\n\
        clusters:\n- name: it\n  cluster: {server: 'https://169.254.169.254'}\nusers:\n- name: it\n  user: {token: t}\n";
    let body = json!({ "name": "inside", "admits": "sandbox", "kubeconfig": kubeconfig });
    refused(&world, "/clusters", body).await;

    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_guarded(binary(), folder.path(), &[]).await;
    let api = server.set_up().await;
    for address in ["https://127.0.0.1:6443", "https://localhost:6443", "https://[::1]:6443"] {
        let answer = told(&api.try_post("/clusters", at(address)).await);
        assert!(answer.contains("not reached from here (loopback)"), "{answer}");
        assert!(answer.contains("--allow-network "), "{answer}");
    }
    assert_eq!(api.get("/clusters").await["items"], json!([]));
}
