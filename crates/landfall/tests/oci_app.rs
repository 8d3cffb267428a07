//! An App whose chart lies in an OCI registry that asks for a password: from the versions on offer to a
//! running environment, also where only signed charts become Releases. Real helm packs, signs and pushes.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::path::Path;
use std::process::Command;

use harness::docker_registry::{DockerRegistry, PASSWORD, USER};
use harness::gpg::Keys;
use harness::{Api, Server, charts, op_of, tool};
use serde_json::{Value, json};

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

/// Runs real helm in the registry's folder, with a home of its own there.
fn helm(registry: &DockerRegistry, args: &[&str]) {
    let folder = registry.folder.path();
    let output = Command::new(tool("LANDFALL_HELM", "helm"))
        .args(args)
        .env("HELM_CACHE_HOME", folder.join("helm/cache"))
        .env("HELM_CONFIG_HOME", folder.join("helm/config"))
        .env("HELM_DATA_HOME", folder.join("helm/data"))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "helm {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A registry with chart `shop`: 1.0.0 signed by Ann, 1.1.0 by Eve, 1.2.0 by nobody.
fn filled(ann: &Keys, eve: &Keys) -> DockerRegistry {
    let registry = DockerRegistry::with_password();
    let folder = registry.folder.path();
    std::fs::write(folder.join("ann.gpg"), ann.secret()).unwrap();
    std::fs::write(folder.join("eve.gpg"), eve.secret()).unwrap();
    std::fs::create_dir_all(folder.join("shop/templates")).unwrap();
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\ndata: {version: '{{ .Chart.Version }}'}\n";
    std::fs::write(folder.join("shop/templates/config.yaml"), config).unwrap();
    let credentials = ["--username", USER, "--password", PASSWORD, "--plain-http"];
    helm(&registry, &[&["registry", "login", &registry.host], &credentials[..]].concat());
    let place = format!("oci://{}/charts", registry.host);
    for (version, signer) in [("1.0.0", Some("ann")), ("1.1.0", Some("eve")), ("1.2.0", None)] {
        let chart = format!("apiVersion: v2\nname: shop\nversion: {version}\nappVersion: '7'\n");
        std::fs::write(folder.join("shop/Chart.yaml"), chart).unwrap();
        match signer {
            None => helm(&registry, &["package", "shop"]),
            Some(name) => {
                let keyring = format!("{name}.gpg");
                helm(
                    &registry,
                    &["package", "shop", "--sign", "--key", name, "--keyring", &keyring],
                );
            }
        }
        let archive = format!("shop-{version}.tgz");
        helm(&registry, &["push", &archive, &place, "--plain-http"]);
    }
    registry
}

/// What is wrong with the field of a refused call.
fn told((status, answer): (u16, Value)) -> String {
    assert_eq!(status, 422, "{answer:#}");
    let error = &answer["errors"][0];
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    format!("{}: {} {}", text("pointer"), text("detail"), text("remedy"))
}

fn release(tag: &str, version: &str) -> Value {
    json!({ "app": "Shop", "tag": tag, "chart_version": version })
}

async fn deployed(api: &Api, environment: &str) -> String {
    let content = api.get(&format!("/environments/{environment}/deployments/1")).await;
    let id = content["id"].as_str().unwrap();
    let content = api.get(&format!("/deployments/{id}/content")).await;
    content["manifest"].as_str().unwrap().to_owned()
}

/// A wrong password is told where it was given; the right one lists the tags, makes a Release with the
/// digests of archive and manifest, and that runs.
#[tokio::test]
async fn from_a_registry_to_an_environment() {
    let (ann, eve) = (Keys::new(&["ann"]), Keys::new(&["eve"]));
    let registry = filled(&ann, &eve);
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(binary(), folder.path(), &["--simulated-pace", "instant"]).await;
    let api = server.set_up().await;
    api.post("/clusters/simulated", json!({ "name": "lab", "admits": "both" })).await;
    let url = format!("oci://{}/charts/shop", registry.host);
    let app = |password: &str| json!({ "name": "Shop", "chart_url": url, "registry_username": USER, "registry_password": password });
    let (status, refused) = api.try_post("/apps", app("guessed")).await;
    assert_eq!(status, 422, "{refused:#}");
    assert!(refused["errors"][0]["remedy"].as_str().unwrap().contains("password"), "{refused:#}");
    api.post("/apps", app(PASSWORD)).await;

    let offered = api.get("/apps/Shop/chart-versions").await;
    let versions: Vec<&str> = offered["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version["version"].as_str().unwrap())
        .collect();
    assert_eq!(versions, ["1.2.0", "1.1.0", "1.0.0"]);
    let added = api.post("/releases", release("summer", "1.2.0")).await;
    assert!(
        added["chart"]["manifest_digest"].as_str().unwrap().starts_with("sha256:"),
        "{added:#}"
    );
    assert_eq!(added["chart"]["signed_by"], Value::Null);
    let new = json!({ "name": "dev", "app": "Shop", "kind": "sandbox", "cluster": "lab" });
    let made = api.post("/environments", new).await;
    api.op_succeeds(&op_of(&made)).await;
    assert!(deployed(&api, "dev").await.contains("1.2.0"));

    // From here on the App takes only what Ann signed.
    let settings = json!({ "provenance": "required", "keyring": ann.armored() });
    let (status, set) = api.try_patch("/apps/Shop/settings", settings).await;
    assert_eq!(status, 200, "{set:#}");
    let by_ann = api.post("/releases", release("autumn", "1.0.0")).await;
    let key = &by_ann["chart"]["signed_by"];
    assert_eq!(key["names"], json!(["ann <ann@example.com>"]));
    assert_eq!(key["fingerprint"], set["trusted_keys"][0]["fingerprint"]);
    let by_eve = told(api.try_post("/releases", release("winter", "1.1.0")).await);
    let by_nobody = told(api.try_post("/releases", release("winter", "1.2.0")).await);
    insta::assert_snapshot!(format!("{by_eve}\n{by_nobody}"), @r"
    /chart_version: The signature of shop-1.1.0.tgz does not hold: openpgp: signature made by unknown entity. Have it signed by ann <ann@example.com>, or add the signer's key in the App's settings.
    /chart_version: shop-1.2.0.tgz has no provenance beside it, and this App takes signed charts only. Sign it with `helm package --sign` and publish the .prov file with it, or turn verification off in the App's settings.
    ");
    // The page of the Release says who it was, too.
    let id = by_ann["id"].as_str().unwrap();
    assert_eq!(api.get(&format!("/releases/{id}")).await["chart"]["signed_by"], *key);
}

/// In a repository over HTTP the provenance lies beside the archive.
#[tokio::test]
async fn signed_in_a_repository() {
    let (ann, eve) = (Keys::new(&["ann"]), Keys::new(&["eve"]));
    let registry = filled(&ann, &eve);
    let file = |name: &str| std::fs::read(registry.folder.path().join(name)).unwrap();
    let entry = |version: &str| {
        format!(
            "  - {{name: shop, apiVersion: v2, version: {version}, urls: [shop-{version}.tgz]}}\n"
        )
    };
    let entries = ["1.0.0", "1.1.0", "1.2.0"].map(entry).concat();
    let index = format!("apiVersion: v1\nentries:\n  shop:\n{entries}");
    let repository = charts::serve_files(vec![
        ("/index.yaml", index.into_bytes()),
        ("/shop-1.0.0.tgz", file("shop-1.0.0.tgz")),
        ("/shop-1.0.0.tgz.prov", file("shop-1.0.0.tgz.prov")),
        // The signature of another archive.
        ("/shop-1.1.0.tgz", file("shop-1.1.0.tgz")),
        ("/shop-1.1.0.tgz.prov", file("shop-1.0.0.tgz.prov")),
        ("/shop-1.2.0.tgz", file("shop-1.2.0.tgz")),
    ])
    .await;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(binary(), folder.path(), &[]).await;
    let api = server.set_up().await;
    let app = json!({ "name": "Shop", "chart_url": repository, "chart_name": "shop" });
    api.post("/apps", app).await;
    let settings = json!({ "provenance": "required", "keyring": ann.armored() });
    let (status, set) = api.try_patch("/apps/Shop/settings", settings).await;
    assert_eq!(status, 200, "{set:#}");
    let refused = [
        told(api.try_post("/releases", release("one", "1.1.0")).await),
        told(api.try_post("/releases", release("one", "1.2.0")).await),
    ];
    insta::assert_snapshot!(refused.join("\n"), @r#"
    /chart_version: The signature of shop-1.1.0.tgz does not hold: provenance does not contain a SHA for a file named "shop-1.1.0.tgz". This archive is not the one that was signed: package, sign and publish it again.
    /chart_version: shop-1.2.0.tgz has no provenance beside it, and this App takes signed charts only. Sign it with `helm package --sign` and publish the .prov file with it, or turn verification off in the App's settings.
    "#);
    let added = api.post("/releases", release("one", "1.0.0")).await;
    assert_eq!(added["chart"]["signed_by"]["names"], json!(["ann <ann@example.com>"]));
}
