//! Commands on charts in folders.

use crate::pair::Pair;

const GOOD: &str = "apiVersion: v2\nname: good\nversion: 0.1.0\nicon: https://example.com/i.png\n";

/// Every rule for Chart.yaml, with the words for what breaks it.
#[test]
fn lint_of_chart_yaml() {
    let pair = Pair::of(&[
        (
            "loose/Chart.yaml",
            "apiVersion: v2\nname: loose\nversion: 1.2\nappVersion: 1.10\nname: loose\nicon: ttp:/\n\
             maintainers: [{name: x, email: bad}]\nsources: [a b]\n",
        ),
        (
            "unknown/Chart.yaml",
            "apiVersion: v2\nname: unknown\nversion: 0.0.0-0\nzeta: 1\nmaintainers: [{name: x, url: x}]\n\
             dependencies: [{name: d, nope: 1}]\n",
        ),
        ("broken/Chart.yaml", "name: [\n"),
        ("typed/Chart.yaml", "name: [a]\n"),
        (
            "old/Chart.yaml",
            "apiVersion: v1\nname: old\nversion: 1.0.0\ndependencies: [{name: d}]\ntype: library\n\
             icon: a\nmaintainers: [{email: a@b.c}]\n",
        ),
        (
            "future/Chart.yaml",
            "apiVersion: v3\nname: ../future\nversion: abc\ndependencies: [{name: d}]\n",
        ),
        ("none/values.yaml", ""),
    ]);
    for chart in ["loose", "unknown", "broken", "typed", "old", "future", "none", "nowhere"] {
        pair.assert_same(&["lint", chart]);
    }
}

/// Values, schemas, what templates render to, and CRDs.
#[test]
fn lint_of_contents() {
    let objects = "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a..b}\n---\n\
                   apiVersion: v1\nkind: Service\nmetadata: {name: 1abc-}\n---\nkind: Namespace\n\
                   metadata: {name: a.b}\n---\nkind: Role\nmetadata: {name: a/b%}\n---\n\
                   apiVersion: apps/v1beta2\nkind: DaemonSet\nmetadata: {name: a_b}\n---\n\
                   apiVersion: v1\nkind: Endpoints\nmetadata: {name: ab}\n---\n- a\n";
    let pair = Pair::of(&[
        ("good/Chart.yaml", GOOD),
        ("good/values.yaml", "x: 1\n"),
        ("good/values.schema.json", r#"{"properties": {"x": {"type": "number"}}}"#),
        ("good/templates/a.yaml", "{{ required \"need y\" .Values.y }}{{ fail \"no\" }}\n"),
        ("bad/Chart.yaml", &GOOD.replace("good", "bad")),
        ("bad/values.yaml", "x: 1\n"),
        ("bad/templates/a.yaml", "  a: 1\n"),
        ("bad/templates/b.yaml", objects),
        ("bad/templates/c.json", "{}\n"),
        ("bad/crds/a.yaml", "apiVersion: v1\nkind: X\n---\na: b: c\n"),
        ("bad/charts/z/Chart.yaml", "name: z\nversion: 1\n"),
        ("list/Chart.yaml", &GOOD.replace("good", "list")),
        (
            "list/templates/a.yaml",
            "kind: List\nmetadata: {name: x}\nitems: [{metadata: {annotations: {helm.sh/resource-policy: keep}}}]\n",
        ),
        ("json/Chart.yaml", &GOOD.replace("good", "json")),
        ("json/templates/a.yaml", "{\"kind\":\"X\"}\n{\"kind\":\"X\"}\n{\"kind\":\"X\",}\n"),
    ]);
    pair.assert_same(&["lint", "good"]);
    pair.assert_same(&["lint", "good", "--set-string", "x=a"]);
    pair.assert_same(&["lint", "good", "--set-string", "x=a", "--skip-schema-validation"]);
    pair.assert_same(&["lint", "good", "--quiet"]);
    pair.assert_same(&["lint", "bad"]);
    pair.assert_same(&["lint", "bad", "--kube-version", "1.10"]);
    pair.assert_same(&["lint", "list", "json"]);
    pair.assert_same(&["lint", "bad", "good", "--with-subcharts", "--strict", "--quiet"]);
    pair.assert_same(&["lint"]);
    pair.assert_same(&["lint", "good", "--kube-version", "x"]);
    pair.assert_same(&["lint", "good", "--nope"]);
}

/// Every part of a chart, alone and together.
#[test]
fn show() {
    let pair = Pair::of(&[
        (
            "good/Chart.yaml",
            "version: 0.1.0\nname: good # n\napiVersion: v2\nappVersion: 1.10\nkeywords: [b, a]\n",
        ),
        ("good/values.yaml", "# comment\nx: 1"),
        ("good/ReadMe.md", "# Good\n"),
        ("good/crds/a.yaml", "---\nkind: A\n"),
        ("good/crds/b.yml", "kind: B\n"),
        ("bare/Chart.yaml", &GOOD.replace("good", "bare")),
    ]);
    for part in ["all", "chart", "values", "readme", "crds"] {
        pair.assert_same(&["show", part, "good"]);
        pair.assert_same(&["show", part, "bare"]);
    }
    pair.assert_same(&["show", "all"]);
    pair.assert_same(&["show", "chart", "./nowhere"]);
    pair.assert_same(&["show", "chart", "nowhere"]);
}

/// Archives unpack to the same bytes, headers and times included.
#[test]
fn package() {
    let long = format!("good/files/{}{}", "d/".repeat(60), "n".repeat(120));
    let split = format!("good/files/{}end.txt", "d/".repeat(60));
    let pair = Pair::of(&[
        ("good/Chart.yaml", &format!("{GOOD}dependencies: [{{name: s, version: '*'}}]\n")),
        ("good/Chart.lock", "digest: sha256:a\ngenerated: \"2020-01-02T03:04:05.120+02:00\"\n"),
        ("good/values.yaml", "x: 1 # kept\n"),
        ("good/values.schema.json", "{}"),
        ("good/.helmignore", "*.bak\n"),
        ("good/x.bak", "ignored"),
        ("good/files/ü.txt", "ü"),
        (&long, "long"),
        (&split, "split"),
        ("good/charts/s/Chart.yaml", "apiVersion: v1\nname: s\nversion: 1.0.0\n"),
        ("good/charts/s/requirements.yaml", "dependencies: []\n"),
        (
            "alone/Chart.yaml",
            "apiVersion: v2\nname: alone\nversion: 0.1.0\ndependencies: [{name: s}]\n",
        ),
    ]);
    pair.assert_same(&["package", "good"]);
    pair.assert_same(&[
        "package",
        "good",
        "--version",
        "2.0.0+b",
        "--app-version",
        "7",
        "-d",
        "out",
    ]);
    pair.assert_same(&["package", "good", "--version", "x"]);
    pair.assert_same(&["package", "alone"]);
    pair.assert_same(&["package", "nowhere"]);
    pair.assert_same(&["package"]);
    pair.assert_same_files();
}

/// Dependencies in folders: locked, packed into `charts/`, listed, and refused where nothing fits.
#[test]
fn dependencies() {
    let declared = |version: &str| {
        format!(
            "{GOOD}dependencies: [{{name: lib, version: \"{version}\", repository: file://../lib, condition: a<b}}]\n"
        )
    };
    let pair = Pair::of(&[
        ("good/Chart.yaml", &declared("^1.0.0")),
        ("good/templates/a.yaml", "kind: Foo\n"),
        ("lib/Chart.yaml", "apiVersion: v2\nname: lib\nversion: 1.2.3\n"),
        ("later/Chart.yaml", &declared("^2").replace("good", "later")),
        (
            "named/Chart.yaml",
            &declared("*").replace("good", "named").replace("file://../lib", "stable"),
        ),
        ("none/Chart.yaml", &GOOD.replace("good", "none")),
    ]);
    pair.assert_same(&["dependency", "list", "good"]);
    for command in ["update", "build", "list"] {
        pair.assert_same(&["dependency", command, "good"]);
        pair.assert_same(&["dependency", command, "later"]);
        pair.assert_same(&["dependency", command, "named"]);
        pair.assert_same(&["dependency", command, "none"]);
        pair.assert_same(&["dependency", command, "nowhere"]);
    }
    pair.assert_same_files();
    for folder in [&pair.helm, &pair.landfall] {
        std::fs::remove_dir_all(folder.path().join("good/charts")).unwrap();
    }
    pair.assert_same(&["template", "good"]);
    pair.assert_same(&["template", "good", "--dependency-update"]);
}

/// Documents as files, and the flags that `template` shares with `install`.
#[test]
fn template_to_files_and_flags() {
    let hook = "kind: Job\nmetadata:\n  name: j\n  annotations: {helm.sh/hook: test}\n";
    let pair = Pair::of(&[
        ("good/Chart.yaml", GOOD),
        ("good/crds/a.yaml", "kind: A\n"),
        ("good/templates/a.yaml", "kind: Foo\n---\nkind: Bar\n"),
        ("good/templates/hook.yaml", hook),
    ]);
    pair.assert_same(&["template", "good", "--output-dir", "out", "--include-crds"]);
    pair.assert_same(&["template", "rel", "good", "--output-dir", "out", "--release-name"]);
    pair.assert_same(&["template", "good", "--output-dir", "out", "--skip-tests"]);
    pair.assert_same(&["template", "good", "--output-dir", "out"]);
    pair.assert_same_files();
    for flags in [
        &["--dry-run"][..],
        &["--dry-run=true"],
        &["--dry-run=none"],
        &["--wait=false"],
        &["--wait=x"],
        &["--labels", "a=b,c"],
        &["--labels", "owner=x"],
        &["--skip-crds=true", "--timeout", "5m", "--create-namespace"],
        &["--generate-name=false"],
        &["--post-renderer", "cat"],
        &["--post-renderer=", "--post-renderer-args", "x"],
        &["--namespace"],
        &["-z"],
    ] {
        pair.assert_same(&[&["template", "good"], flags].concat());
    }
    pair.write("dns/Chart.yaml", GOOD.replace("good", "dns"));
    let host = "kind: A\nloopback: {{ hasPrefix \"127.\" (getHostByName \"127.0.0.1\") }}\n\
                none: {{ getHostByName .Values.host }}\n";
    pair.write("dns/templates/a.yaml", host);
    for flags in [&["--set", "host="][..], &["--enable-dns", "--set", "host=127.0.0.1"]] {
        pair.assert_same(&[&["template", "dns"], flags].concat());
    }
    pair.assert_same(&["template", "dns", "--enable-dns", "--set", "host="]);
    pair.assert_same(&["template", "BAD", "good"]);
    pair.assert_same(&["template", "a", "good", "c"]);
}
