//! What is said on standard error about charts that render all the same.

use crate::pair::Pair;

const TEMPLATE: &str = "v: {{ toJson .Values }}\n";

fn chart(name: &str, more: &str) -> String {
    format!("apiVersion: v2\nname: {name}\nversion: 0.1.0\n{more}")
}

/// Runs `template` with both and checks that a warning was among what they said.
#[track_caller]
fn warned(pair: &Pair, chart: &str, flags: &[&str], warning: &str) {
    let (_, said) = pair.assert_same_lines(&[&["template", chart], flags].concat());
    assert!(said.contains(warning), "{said}");
}

/// Tables that meet other things, in values, in those of sub-charts and in what all of them see.
#[test]
fn values() {
    let pair = Pair::of(&[
        ("top/Chart.yaml", &chart("top", "")),
        ("top/values.yaml", "a: {b: 1}\ns: {x: {y: 1}, z: 1}\n"),
        ("top/templates/a.yaml", TEMPLATE),
        ("top/charts/s/Chart.yaml", &chart("s", "")),
        ("top/charts/s/values.yaml", "x: 1\nz: {k: 1}\nglobal: {g: 1}\n"),
        ("top/charts/s/templates/b.yaml", TEMPLATE),
    ]);
    warned(&pair, "top", &[], "skipped value for top.s.x: Not a table.");
    let table = "destination for top.s.global.g is a table. Ignoring non-table value (1)";
    warned(&pair, "top", &["--set", "s.global.g.h=1"], table);
    warned(&pair, "top", &["--set", "global=1"], "skipping globals because source global");
    warned(&pair, "top", &["--set", "s.global=1"], "skipping globals because destination global");
    warned(&pair, "top", &["--set", "s=1"], "type mismatch on s");
    pair.assert_same_lines(&["lint", "top", "--set", "a=1"]);
}

/// Conditions, tags and imports that mean nothing.
#[test]
fn dependencies() {
    let conditions =
        "dependencies: [{name: s, version: '*', condition: 's.on,other', tags: [t]}]\n";
    let imports = "dependencies:\n- name: s\n  version: '*'\n  import-values: [no, {child: gone, parent: a}, {child: t, parent: u}]\n";
    let pair = Pair::of(&[
        ("when/Chart.yaml", &chart("when", conditions)),
        ("when/values.yaml", "s: {on: 'yes'}\nother: 1\ntags: {t: 'no'}\n"),
        ("when/templates/a.yaml", TEMPLATE),
        ("when/charts/s/Chart.yaml", &chart("s", "")),
        ("imports/Chart.yaml", &chart("imports", imports)),
        ("imports/values.yaml", "u: 1\n"),
        ("imports/templates/a.yaml", TEMPLATE),
        ("imports/charts/s/Chart.yaml", &chart("s", "")),
        ("imports/charts/s/values.yaml", "t: {q: 1}\n"),
    ]);
    warned(&pair, "when", &[], "returned non-bool value");
    warned(&pair, "imports", &[], "ImportValues missing table");
    warned(&pair, "imports", &[], "cannot overwrite table with non table for u (map[q:1])");
    warned(&pair, "imports", &["--set", "s=1"], "chart dependencies processing failed");
    pair.assert_same_lines(&["lint", "when", "imports"]);
}

/// Charts of the past, and hooks that nobody knows.
#[test]
fn charts_and_hooks() {
    let hooks = "kind: Job\nmetadata: {name: x, annotations: {helm.sh/hook: nope}}\n---\nkind: Job\n\
                 metadata: {name: x, annotations: {helm.sh/hook: test, helm.sh/hook-weight: x}}\n";
    let pair = Pair::of(&[
        ("old/Chart.yaml", &chart("old", "deprecated: true\n")),
        ("old/templates/a.yaml", hooks),
    ]);
    warned(&pair, "old", &[], "this chart is deprecated");
    warned(&pair, "old", &["--no-hooks"], "skipping unknown hooks");
    pair.assert_same_lines(&["lint", "old"]);
}
