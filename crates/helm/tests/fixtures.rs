//! Charts of this suite under many arguments, each held against Helm.

mod support;

use support::{agree, chart, fixture};

/// A chart of charts: conditions, tags, aliases, imports, libraries, files, hooks, definitions.
#[test]
fn umbrella() {
    let variants: [&[&str]; 17] = [
        &[],
        &["--set", "replica.enabled=true,replica.metrics.enabled=false"],
        &["--set", "db.enabled=false"],
        &["--set", "db.enabled=null,global.db=false"],
        &["--set", "db.enabled=maybe"],
        &["--set", "tags.monitoring=true"],
        &["--set", "tags.off=true"],
        &["--set", "db.metrics.enabled=false,replica.enabled=true"],
        &["--set", "global.region=west,db.global.region=east,db.size=7"],
        &["--set", "connection=null,limits.pool.max=3"],
        &["--set-json", r#"nested={"a":{"b":[]}}"#, "--set-string", "port=8080", "--is-upgrade"],
        &["--set-literal", "greeting=a,b={{ .Values.port }}"],
        &["--include-crds", "--skip-tests"],
        &["--no-hooks", "--kube-version", "1.29.3-gke.100", "--api-versions", "example.test/v1"],
        &["-s", "templates/*.yaml", "-s", "charts/db/templates/stateful.yaml"],
        &["-s", "crds/thing.yaml", "--include-crds"],
        &["--set", "replica=null"],
    ];
    for flags in variants {
        agree(&fixture("umbrella"), flags).unwrap();
    }
}

/// Values of a sub-chart must be tables.
#[test]
fn umbrella_refusals() {
    for flags in
        [&["--set", "db=text"][..], &["--set", "db.metrics=text"], &["--kube-version", "1.10"]]
    {
        agree(&fixture("umbrella"), flags).unwrap_err();
    }
}

/// A packed chart renders as its folder does, but for what `.helmignore` leaves out.
#[test]
fn archives() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("umbrella-1.1.tgz");
    std::fs::write(&archive, helm::chart::package(fixture("umbrella")).unwrap()).unwrap();
    let packed = agree(&archive, &["--include-crds"]).unwrap();
    assert_eq!(packed, agree(&fixture("umbrella"), &["--include-crds"]).unwrap());
}

const CHILD: &str = "apiVersion: v2\nname: s\nversion: 0.1.0\n";

/// Declared dependencies must be there, whatever conditions say.
#[test]
fn missing_dependencies() {
    let declared = "apiVersion: v2\nname: c\nversion: 0.1.0\ndependencies:\n- {name: s, version: \
                    \"1\", condition: s.enabled}\n- {name: t}\n";
    agree(chart(&[("Chart.yaml", declared)]).path(), &["--set", "s.enabled=false"]).unwrap_err();
    agree(
        chart(&[("Chart.yaml", declared), ("charts/s/Chart.yaml", CHILD)]).path(),
        &["--set", "s.enabled=false"],
    )
    .unwrap_err();
}

/// A chart whose version fits no declaration counts as undeclared and stays.
#[test]
fn incompatible_versions() {
    for version in ["\">=1\"", "\"*\"", "nonsense", "~0.1", "0.1.0 - 0.2.0"] {
        let root = format!(
            "apiVersion: v2\nname: c\nversion: 0.1.0\ndependencies:\n- {{name: s, version: \
             {version}, alias: t, condition: t.enabled}}\n"
        );
        let files = [
            ("Chart.yaml", root.as_str()),
            ("charts/s/Chart.yaml", CHILD),
            ("charts/s/templates/a.yaml", "kind: Foo\nname: {{ .Chart.Name }}\n"),
        ];
        agree(chart(&files).path(), &[]).unwrap();
        agree(chart(&files).path(), &["--set", "t.enabled=false"]).unwrap();
    }
}

/// One chart under several names, each with its own values.
#[test]
fn several_aliases() {
    let root = "apiVersion: v2\nname: c\nversion: 0.1.0\ndependencies:\n- {name: s, version: \
                \"*\", alias: one}\n- {name: s, version: \"*\", alias: two, import-values: \
                [data]}\n- {name: s, version: \"*\"}\n";
    let files = [
        ("Chart.yaml", root),
        ("values.yaml", "one: {v: 1}\ntwo: {v: 2}\n"),
        ("charts/s/Chart.yaml", CHILD),
        ("charts/s/values.yaml", "v: 0\nexports: {data: {got: it}}\n"),
        ("charts/s/templates/a.yaml", "kind: Foo\nv: {{ .Values.v }}\nt: {{ .Template.Name }}\n"),
        ("templates/a.yaml", "kind: Foo\nv: {{ toJson .Values }}\n"),
    ];
    agree(chart(&files).path(), &[]).unwrap();
    agree(chart(&files).path(), &["--set", "s.v=9,one.v=null"]).unwrap();
}

/// Old charts declare dependencies in requirements.yaml.
#[test]
fn requirements_file() {
    let files = [
        ("Chart.yaml", "name: c\nversion: 0.1.0\n"),
        ("requirements.yaml", "dependencies:\n- {name: s, version: 0.1.0, condition: s.on}\n"),
        ("charts/s/Chart.yaml", CHILD),
        ("charts/s/templates/a.yaml", "kind: Foo\n"),
        (
            "templates/a.yaml",
            "kind: Bar\nfiles: {{ keys .Chart | len }} {{ range $k, $_ := .Files }}{{ $k }}{{ end }}\n",
        ),
    ];
    agree(chart(&files).path(), &[]).unwrap();
    agree(chart(&files).path(), &["--set", "s.on=false"]).unwrap();
}

/// `.helmignore` counts for the whole folder, with Helm's idea of negation.
#[test]
fn ignored_files() {
    let list = "kind: Foo\nfiles: {{ range $k, $_ := .Files }}{{ $k }} {{ end }}\n";
    let files = [
        (".helmignore", "*.txt\n/top.md\nsub/*.md\ndir/\n"),
        ("templates/a.yaml", list),
        ("templates/.hidden.yaml", "kind: Hidden\n"),
        ("templates/sub/.shown.yaml", "kind: Shown\n"),
        ("a.txt", ""),
        ("top.md", ""),
        ("x/top.md", ""),
        ("sub/a.md", ""),
        ("sub/deep/a.md", ""),
        ("dir/a.json", ""),
        ("other/dir/a.json", ""),
    ];
    agree(chart(&files).path(), &[]).unwrap();
    agree(chart(&[(".helmignore", "!keep.md\n")]).path(), &[]).unwrap_err();
    agree(chart(&[(".helmignore", "a/**\n")]).path(), &[]).unwrap_err();
    agree(chart(&[(".helmignore", "[a\n")]).path(), &[]).unwrap_err();
}

/// What is wrong with Chart.yaml or values.yaml is said in Helm's words.
#[test]
fn broken_charts() {
    let chartfiles = [
        "apiVersion: v2\nname: {a: b}\nversion: 1.0.0\n",
        "apiVersion: v2\nversion: 1.0.0\n",
        "apiVersion: v2\nname: ../x\nversion: 1.0.0\n",
        "apiVersion: v2\nname: c\n",
        "apiVersion: v2\nname: c\nversion: abc\n",
        "apiVersion: v2\nname: c\nversion: 1\ntype: thing\n",
        "apiVersion: v2\nname: c\nversion: 1\ntype: library\n",
        "apiVersion: v2\nname: c\nversion: 1\nmaintainers: [null]\n",
        "apiVersion: v2\nname: c\nversion: 1\ndependencies: [null]\n",
        "apiVersion: v2\nname: c\nversion: 1\ndependencies: [{name: a}, {name: a}]\n",
        "apiVersion: v2\nname: c\nversion: 1\ndependencies: [{name: a, alias: \"a.b\"}]\n",
        "apiVersion: v4\nname: c\nversion: 1\n",
        "apiVersion: v3\nname: c\nversion: 1.0.0\n",
        "a: b: c\n",
        "[a]\n",
        "",
    ];
    for text in chartfiles {
        agree(chart(&[("Chart.yaml", text)]).path(), &[]).unwrap_err();
    }
    for text in ["- a\n", "a: b: c\n", "a: .nan\n", "--- {a: 1}\n", "text\n"] {
        agree(chart(&[("values.yaml", text)]).path(), &[]).unwrap_err();
    }
    for file in ["charts/README.md", "charts/s/values.yaml"] {
        agree(chart(&[(file, "a: 1\n")]).path(), &[]).unwrap_err();
    }
    agree(chart(&[("charts/s.tgz", "no archive")]).path(), &[]).unwrap_err();
    let folder = chart(&[("values.yaml", "a: 1\n"), ("c.tgz", "\u{1f}not gzip")]);
    agree(&folder.path().join("values.yaml"), &[]).unwrap_err();
    agree(&folder.path().join("c.tgz"), &[]).unwrap_err();
    std::fs::write(folder.path().join("d.tgz"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 1]).unwrap();
    agree(&folder.path().join("d.tgz"), &[]).unwrap_err();
}

/// Numbers, dates and booleans in Chart.yaml become the texts Helm makes of them.
#[test]
fn coerced_metadata() {
    let root = "NAME: c\napiversion: v2\nversion: 1.10\nappVersion: 1.20\ndescription: 2001-01-01\n\
                home: true\nkeywords: [1.50, null, 0x10]\nannotations: {a: 1e3, b: ~, c: 08}\n";
    agree(
        chart(&[("Chart.yaml", root), ("templates/a.yaml", "kind: Foo\nc: {{ toJson .Chart }}\n")])
            .path(),
        &[],
    )
    .unwrap();
}
