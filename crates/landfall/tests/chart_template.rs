//! `landfall chart template` beside real Helm, both as processes: the same bytes, the same exit code.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use harness::{charts, tool};

fn landfall(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
    command.args(["chart", "template"]).args(args).output().unwrap()
}

fn helm(args: &[&str]) -> Output {
    Command::new(tool("LANDFALL_HELM", "helm")).arg("template").args(args).output().unwrap()
}

fn parcel() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/parcel/0.31.0")
}

/// Lines on which two runs of Helm differ (a password is drawn) are left out of the comparison.
fn assert_same(args: &[&str]) {
    let (first, second, ours) = (helm(args), helm(args), landfall(args));
    assert_eq!(
        ours.status.code(),
        first.status.code(),
        "{}",
        String::from_utf8_lossy(&ours.stderr)
    );
    let text = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap();
    let (first, second, ours) = (text(&first), text(&second), text(&ours));
    assert_eq!(ours.lines().count(), first.lines().count());
    for ((wanted, again), found) in first.lines().zip(second.lines()).zip(ours.lines()) {
        if wanted == again {
            assert_eq!(found, wanted);
        }
    }
}

/// The sample product, with default values and with flags of every family.
#[test]
fn own_chart() {
    let chart = parcel();
    let chart = chart.to_str().unwrap();
    assert_same(&["rel", chart, "--namespace", "ns"]);
    assert_same(&[
        "rel",
        chart,
        "--set",
        "web.replicas=3,ingress.enabled=false",
        "--set-string",
        "api.tag=7",
    ]);
    assert_same(&[
        "rel",
        chart,
        "--is-upgrade",
        "--show-only",
        "templates/web.yaml",
        "--kube-version",
        "1.30",
    ]);
}

/// What Helm refuses is refused in its words.
#[test]
fn refusals() {
    let chart = parcel();
    let chart = chart.to_str().unwrap();
    for args in [["rel", chart, "--set", "web.replicas=many"], ["rel", "/nowhere", "--set", "a=b"]]
    {
        let (theirs, ours) = (helm(&args), landfall(&args));
        let error = |output: &Output| {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            text.find("Error: ").map(|at| text[at..].to_owned()).unwrap_or(text)
        };
        assert_eq!((error(&ours), ours.status.code()), (error(&theirs), theirs.status.code()));
    }
}

/// podinfo, ingress-nginx and bitnami's nginx with default values.
#[test]
fn public_charts() {
    for name in [
        "stefanprodan__podinfo__charts__podinfo",
        "kubernetes__ingress-nginx__charts__ingress-nginx",
        "bitnami__charts__bitnami__nginx",
    ] {
        let Some(chart) = charts::public(name) else { return };
        assert_same(&["rel", chart.to_str().unwrap(), "--namespace", "ns"]);
    }
}
