//! The release record of a render, held against the one Helm makes of the same chart and values.

mod support;

use std::process::Command;

use helm::chart::Chart;
use helm::release::{ApplyMethod, Info, Release, Status};
use helm::render::{PreparedChart, ReleaseOptions, RenderInput};
use helm::values::{HelmMode, Overrides};
use support::{fixture, helm_binary};

const SET: &str = "num=1000000,text=<b>,tags.u=null,replica.enabled=true,list={a,1}";

/// Everything but times, status and order of map keys is the same, the stored chart included.
#[test]
fn same_record_as_helm() {
    let output = Command::new(helm_binary())
        .args(["install", "r"])
        .arg(fixture("umbrella"))
        .args(["--namespace", "ns", "--dry-run=client", "-o", "json", "--set", SET])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut real = Release::from_json(&output.stdout).unwrap();

    let overrides = Overrides { set: vec![SET.to_owned()], ..Overrides::default() };
    let values = overrides.merge(HelmMode::V4, &mut |path| std::fs::read_to_string(path)).unwrap();
    let options = ReleaseOptions::install("r", "ns");
    let prepared = PreparedChart::new(Chart::load(fixture("umbrella")).unwrap()).unwrap();
    let rendered = prepared.render(&RenderInput::new(values.clone(), options.clone())).unwrap();
    let mut ours = Release::of_render(&rendered, &options, &values, ApplyMethod::ServerSide);

    assert_eq!(real.info.status, Status::PendingInstall);
    real.info = Info { notes: real.info.notes, ..Info::default() };
    // Helm says nothing of how a dry run would be sent.
    ours.apply_method = real.apply_method;
    let text = |release: &Release| String::from_utf8(release.to_json()).unwrap();
    assert_eq!(text(&ours), text(&real));
}
