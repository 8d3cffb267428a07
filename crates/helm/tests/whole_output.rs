//! Splitting, order, hooks and the other rules about the whole output, each held against Helm. The
//! plain ones stand in `tests/behaviour/output.txt`.

mod support;

use support::{agree, chart};

const JOB: &str = "kind: Job\nmetadata:\n  name: NAME\n  annotations: {helm.sh/hook: HOOK, \
                   helm.sh/hook-weight: \"WEIGHT\"}\n";

fn job(name: &str, hook: &str, weight: &str) -> String {
    JOB.replace("NAME", name).replace("HOOK", hook).replace("WEIGHT", weight)
}

/// Both agree, and what they say is what this test expects.
#[track_caller]
fn expect(files: &[(&str, &str)], flags: &[&str], expected: &str) {
    assert_eq!(agree(chart(files).path(), flags).expect("both render"), expected);
}

/// Both refuse, with the same words.
#[track_caller]
fn refuse(files: &[(&str, &str)], flags: &[&str], expected: &str) {
    let refusal = agree(chart(files).path(), flags).expect_err("both refuse");
    assert!(refusal.contains(expected), "{refusal}");
}

/// Kinds come in install order, equal kinds in file order, sub-charts' files before the parent's.
#[test]
fn install_order() {
    let answer = agree(
        chart(&[
            ("templates/a.yaml", "kind: Deployment\n"),
            ("templates/b.yaml", "kind: Service\n"),
            ("templates/c.yaml", "kind: Namespace\n"),
            ("templates/d.yaml", "kind: Foo\n"),
            ("charts/s/Chart.yaml", "apiVersion: v2\nname: s\nversion: 0.1.0\n"),
            ("charts/s/templates/z.yaml", "kind: Foo\n"),
        ])
        .path(),
        &[],
    )
    .unwrap();
    let sources: Vec<&str> = answer.lines().filter_map(|l| l.strip_prefix("# Source: ")).collect();
    assert_eq!(
        sources,
        [
            "c/templates/c.yaml",
            "c/templates/b.yaml",
            "c/templates/a.yaml",
            "c/charts/s/templates/z.yaml",
            "c/templates/d.yaml"
        ]
    );
}

/// Hooks are printed after the manifest, untrimmed and not by weight; unknown events drop them.
#[test]
fn hooks() {
    let (a, b, c) =
        (job("j2", "pre-install", "5"), job("j1", "pre-install", "-5"), job("j0", "nope", "0"));
    let files = [("templates/a.yaml", &*a), ("templates/b.yaml", &*b), ("templates/c.yaml", &*c)];
    expect(
        &files,
        &[],
        &format!(
            "\n---\n# Source: c/templates/a.yaml\n{a}\n---\n# Source: c/templates/b.yaml\n{b}\n"
        ),
    );
    expect(&files, &["--no-hooks"], "\n");
}

/// `--skip-tests` leaves out tests alone.
#[test]
fn skipped_tests() {
    let (test, hook) = (job("t", "test", "0"), job("h", "post-install", "0"));
    let files = [
        ("templates/a.yaml", &*test),
        ("templates/b.yaml", &*hook),
        ("templates/c.yaml", "kind: Foo\n"),
    ];
    let answer = agree(chart(&files).path(), &["--skip-tests"]).unwrap();
    assert!(answer.contains("name: h") && !answer.contains("name: t"));
}

/// `--show-only` keeps every line break a document had and adds one.
#[test]
fn show_only() {
    let files = [("templates/a.yaml", "kind: Foo\n"), ("templates/b.yaml", "kind: Bar\n")];
    expect(
        &files,
        &["-s", "templates/b.yaml"],
        "---\n# Source: c/templates/b.yaml\nkind: Bar\n\n\n",
    );
    agree(chart(&files).path(), &["-s", "templates/*.yaml", "-s", "templates/a.yaml"]).unwrap();
    refuse(
        &files,
        &["-s", "templates/z.yaml"],
        "could not find template templates/z.yaml in chart",
    );
}

/// `--include-crds` prints the raw files first; they are never rendered.
#[test]
fn crds() {
    let files = [("crds/a.yaml", "# c\na: {{ x }}\n"), ("templates/a.yaml", "kind: Foo\n")];
    expect(
        &files,
        &["--include-crds"],
        "---\n# Source: c/crds/a.yaml\n# c\na: {{ x }}\n\n---\n# Source: \
         c/templates/a.yaml\nkind: Foo\n",
    );
    agree(chart(&files).path(), &["--include-crds", "-s", "crds/a.yaml"]).unwrap();
    expect(&files, &[], "---\n# Source: c/templates/a.yaml\nkind: Foo\n");
}

/// Carriage returns, leading comments and duplicate keys survive.
#[test]
fn texts_are_left_alone() {
    expect(
        &[("templates/a.yaml", "kind: Foo\r\nx: 1\r\n")],
        &[],
        "---\n# Source: c/templates/a.yaml\nkind: Foo\r\nx: 1\n",
    );
    expect(
        &[("templates/a.yaml", "# top\n---\nkind: Foo\nkind: Bar\n")],
        &[],
        "---\n# Source: c/templates/a.yaml\n# top\n\n---\n# Source: \
         c/templates/a.yaml\nkind: Foo\nkind: Bar\n",
    );
}

/// Blank files, files starting with `_` and notes print nothing.
#[test]
fn silent_files() {
    expect(
        &[
            ("templates/a.yaml", "{{ if false }}x{{ end }}\n"),
            ("templates/_p.yaml", "a: 1\n"),
            ("templates/sub/XNOTES.txt", "not yaml: : :"),
            ("templates/NOTES.txt", "thanks: : :"),
            ("templates/b.txt", "kind: Foo\n"),
        ],
        &[],
        "---\n# Source: c/templates/b.txt\nkind: Foo\n",
    );
}

/// Documents whose head cannot be read are refused by file.
#[test]
fn unreadable_heads() {
    for (text, expected) in [
        ("- a\n", "cannot unmarshal array into Go value of type util.SimpleHead"),
        ("a: b: c\n", "yaml: mapping values are not allowed in this context"),
        (
            "kind: Foo\nmetadata: {annotations: {a: {b: 1}}}\n",
            ".metadata.annotations.a of type string",
        ),
        ("kind: Foo\nmetadata: [a]\n", "Go struct field .metadata of type struct { Name string"),
        ("kind: [Foo]\n", "Go struct field .kind of type string"),
    ] {
        refuse(&[("templates/a.yaml", text)], &[], expected);
    }
}

/// The root chart's Kubernetes constraint is checked, a sub-chart's is not.
#[test]
fn kube_version() {
    let root = "apiVersion: v2\nname: c\nversion: 0.1.0\nkubeVersion: \">=1.99\"\n";
    let files = [("Chart.yaml", root), ("templates/a.yaml", "kind: Foo\n")];
    refuse(
        &files,
        &[],
        "chart requires kubeVersion: >=1.99 which is incompatible with Kubernetes v1.37.0",
    );
    agree(chart(&files).path(), &["--kube-version", "1.99.1-gke.1"]).unwrap();
    let child = "apiVersion: v2\nname: s\nversion: 0.1.0\nkubeVersion: \">=1.99\"\n";
    agree(
        chart(&[("charts/s/Chart.yaml", child), ("templates/a.yaml", "kind: Foo\n")]).path(),
        &[],
    )
    .unwrap();
    let nonsense = "apiVersion: v2\nname: c\nversion: 0.1.0\nkubeVersion: nonsense\n";
    refuse(&[("Chart.yaml", nonsense)], &[], "chart requires kubeVersion: nonsense");
}
