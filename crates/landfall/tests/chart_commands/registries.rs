//! Charts in OCI registries.

use std::time::{Duration, UNIX_EPOCH};

use harness::docker_registry::DockerRegistry;

use crate::pair::Pair;

/// Charts go to a registry and come back as Helm pushes and pulls them, and registries are where other commands find them.
#[test]
fn registries() {
    let registry = DockerRegistry::start(|_| String::new());
    let place = format!("oci://{}/charts", registry.host);
    let pair = Pair::of(&[
        ("shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.2.3+b.1\n"),
        ("shop/values.yaml", "a: 1\n"),
        ("shop/templates/a.yaml", "a: {{ .Values.a }}\n"),
    ]);
    pair.assert_same(&["package", "shop"]);
    // A manifest names its archive's bytes, which depend on the compressor, and when it was written.
    let archive = "shop-1.2.3+b.1.tgz";
    std::fs::copy(pair.helm.path().join(archive), pair.landfall.path().join(archive)).unwrap();
    for folder in [&pair.helm, &pair.landfall] {
        let file = std::fs::File::options().write(true).open(folder.path().join(archive)).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_hours(480_000)).unwrap();
    }
    let pushed = pair.assert_same(&["push", archive, &place, "--plain-http"]);
    assert!(pushed.contains("charts/shop:1.2.3_b.1\nDigest: sha256:"), "{pushed}");
    let chart = format!("{place}/shop");
    let of = |command: &[&str]| {
        let arguments = [command, &[&chart, "--version", "1.2.3+b.1", "--plain-http"]].concat();
        pair.assert_same(&arguments)
    };
    of(&["pull", "-d", "shop"]);
    of(&["pull", "--untar", "--untardir", "unpacked"]);
    // A second time the folder is there already.
    of(&["pull", "--untar", "--untardir", "unpacked"]);
    assert!(of(&["template", "rel"]).contains("a: 1"));
    of(&["show", "chart"]);
    pair.assert_same(&["pull", &chart, "--version", "9", "--plain-http"]);
    pair.assert_same(&["pull", &format!("{place}/none"), "--plain-http"]);
    pair.assert_same(&["push", "shop", &place, "--plain-http"]);
    pair.assert_same(&["push", "none.tgz", &place]);
    pair.assert_same(&["push", archive, "http://host/charts"]);
}
