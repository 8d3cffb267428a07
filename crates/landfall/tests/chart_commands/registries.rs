//! Charts in OCI registries.

use std::time::{Duration, UNIX_EPOCH};

use harness::docker_registry::DockerRegistry;

use crate::gate;
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

/// Provenance is pushed and pulled with its archive, and a chart without one is told.
#[test]
fn provenance() {
    let registry = DockerRegistry::start(|_| String::new());
    let place = format!("oci://{}/charts", registry.host);
    let pair = Pair::of(&[("shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.2.3\n")]);
    assert!(pair.helm(&["package", "shop"]).status.success());
    let archive = std::fs::read(pair.helm.path().join("shop-1.2.3.tgz")).unwrap();
    pair.write("shop-1.2.3.tgz", archive);
    pair.write("none.gpg", "");
    let chart = format!("{place}/shop");
    for signed in [false, true] {
        if signed {
            pair.write("shop-1.2.3.tgz.prov", "no signature");
        }
        assert!(pair.helm(&["push", "shop-1.2.3.tgz", &place, "--plain-http"]).status.success());
        for flags in [&["--prov"][..], &["--verify", "--keyring", "none.gpg"], &["--verify"]] {
            pair.assert_same(&[&["pull", &chart, "--plain-http"], flags].concat());
            // Helm keeps a provenance that it fetched for `show`, and does not ask for it again.
            if flags.len() > 2 {
                pair.assert_same(&[&["show", "chart", &chart, "--plain-http"], flags].concat());
            }
        }
    }
    pair.assert_same_files();
}

const PASSWORD_FILE: &str = "ana:$2a$10$mVsdRDzlWbI001ZWHVNPvOggsfjMWg2Wf5YbgpDyktrVFRt8OZwhu\n";

/// Who signed in before, with Helm or with Docker, or has a program that knows the password, gets in without a word.
#[test]
fn logins() {
    let registry = DockerRegistry::start(|folder| {
        let file = folder.join("htpasswd");
        std::fs::write(&file, PASSWORD_FILE).unwrap();
        format!("auth: {{htpasswd: {{realm: charts, path: {}}}}}\n", file.display())
    });
    let pair = Pair::of(&[("shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.2.3\n")]);
    assert!(pair.helm(&["package", "shop"]).status.success());
    let place = format!("oci://{}/charts", registry.host);
    let secret = ["--username", "ana", "--password", "secret"];
    let push = [&["push", "shop-1.2.3.tgz", &place, "--plain-http"], &secret[..]].concat();
    assert!(pair.helm(&push).status.success());
    std::fs::remove_file(pair.helm.path().join("shop-1.2.3.tgz")).unwrap();
    let chart = format!("{place}/shop");
    let show = |flags: &[&str]| {
        let arguments = ["show", "chart", &chart, "--version", "1.2.3", "--plain-http"];
        pair.assert_same(&[&arguments, flags].concat()).contains("name: shop")
    };
    assert!(!show(&[]));
    assert!(!show(&["--username", "ana", "--password", "wrong"]));
    assert!(!show(&["--username", "ana"]));
    assert!(show(&secret));

    let login =
        |secret: &str| format!(r#"{{"auths": {{"{}": {{"auth": "{secret}"}}}}}}"#, registry.host);
    let (right, wrong) = (login("YW5hOnNlY3JldA=="), login("YW5hOndyb25n"));
    pair.write_at_home(".docker/config.json", &right);
    assert!(show(&[]));
    pair.write_at_home("registry/config.json", &wrong);
    assert!(!show(&[]));
    pair.write("logins.json", &right);
    assert!(show(&["--registry-config", "logins.json"]));
    pair.write_at_home(".docker/config.json", &wrong);
    pair.write_at_home("registry/config.json", &right);
    assert!(show(&[]));
    pair.write(
        "top/Chart.yaml",
        format!(
            "apiVersion: v2\nname: top\nversion: 0.1.0\ndependencies:\n\
         - {{name: shop, version: ^1, repository: \"{place}\"}}\n"
        ),
    );
    pair.assert_same(&["dependency", "update", "top", "--plain-http"]);
    pair.assert_same(&["dependency", "build", "top", "--plain-http"]);
    pair.assert_same(&["package", "top", "-u", "--plain-http"]);
    pair.assert_same_files();
}

/// A registry that wants a token gets the one that its token server gives, for a password or for an identity.
#[test]
fn tokens() {
    let registry = DockerRegistry::start(|_| String::new());
    let host = gate::start(&registry.host);
    let pair = Pair::of(&[("shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.2.3\n")]);
    assert!(pair.helm(&["package", "shop"]).status.success());
    let archive = std::fs::read(pair.helm.path().join("shop-1.2.3.tgz")).unwrap();
    pair.write("shop-1.2.3.tgz", archive);
    for folder in [&pair.helm, &pair.landfall] {
        let archive = folder.path().join("shop-1.2.3.tgz");
        let file = std::fs::File::options().write(true).open(archive).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_hours(480_000)).unwrap();
    }
    let place = format!("oci://{host}/charts");
    let show = |flags: &[&str]| {
        let arguments = ["show", "chart", &format!("{place}/shop"), "--plain-http"];
        pair.assert_same(&[&arguments, flags].concat()).contains("name: shop")
    };
    let secret = ["--username", "ana", "--password", "secret"];
    pair.assert_same(&[&["push", "shop-1.2.3.tgz", &place, "--plain-http"], &secret[..]].concat());
    assert!(show(&secret));
    assert!(!show(&["--username", "ana", "--password", "wrong"]));
    assert!(!show(&[]));
    for (token, right) in [
        (r#""identitytoken": "identity""#, true),
        (r#""identitytoken": "other""#, false),
        (r#""registrytoken": "sesame""#, true),
    ] {
        let logins = format!(r#"{{"auths": {{"{host}": {{{token}}}}}}}"#);
        pair.write_at_home("registry/config.json", logins);
        assert_eq!(show(&[]), right, "{token}");
    }
}
