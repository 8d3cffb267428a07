//! `null` among values: what templates of a chart and of its sub-chart see, by the rules of Helm 3 and of Helm 4.
//!
//! Both real Helms answer the same cases in the same run. Where there is no Helm 3 binary (`LANDFALL_HELM3`, else
//! `.cache/tools/bin/helm3` of the checkout), the cases are held against what Helm 3.18.0 answered, which stands in
//! `helm3_nulls.txt`, and it is said that they were.

mod support;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use helm::chart::Chart;
use helm::render::{PreparedChart, ReleaseOptions, RenderInput};
use helm::values::{HelmMode, Overrides, ValuesFile};

const PRINT: &str = "v: {{ .Values | toJson }}\n";

/// A chart with `null` wherever a default can be, and a sub-chart whose values it sets and imports.
const FILES: [(&str, &str); 6] = [
    (
        "Chart.yaml",
        "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies:\n- name: sub\n  version: 1.0.0\n  \
         import-values: [data]\n",
    ),
    (
        "values.yaml",
        "none: null\nsome: 1\nt: {a: 1, none: null}\nglobal: {none: null, g: 1}\nsub: {p: null, q: 2, t: {x: \
         null}}\nlist: [null]\n",
    ),
    ("templates/a.yaml", PRINT),
    ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n"),
    (
        "charts/sub/values.yaml",
        "p: 1\nq: 1\nr: null\nt: {x: 1, z: null}\nglobal: {none: 5, own: null}\nexports: {data: {some2: \
         null, t: {b: 9, z: null}, i: 1}}\n",
    ),
    ("charts/sub/templates/b.yaml", PRINT),
];

/// Values files (`-f`) laid over one another, or an assignment (`--set`).
const CASES: [&[&str]; 14] = [
    &[],
    &["some: null\nnew: null\nt: {a: null, new: null}\n"],
    &["some: null\nt: {a: null}\n", "some: 3\n"],
    &["some: 3\n", "some: null\nt: {a: null}\n"],
    &["sub: {q: null, r: 1, t: {x: null}, new: null}\n"],
    &["global: {g: null, new: null}\n"],
    &["sub: null\n"],
    &["i: null\nt: {z: null}\n"],
    &["some: 2\n---\nsecond: 2\n"],
    &["t: null\n", "t: {b: 1}\n"],
    &["t: null\n"],
    &["sub: {global: {none: null}}\n"],
    &["list: [1, null]\n"],
    &["--set", "some=null,sub.q=null,t.a=null"],
];

/// What the templates printed, the sub-chart's first; the layout around it is not what is tested here.
fn values_seen(printed: &str) -> Vec<String> {
    printed.lines().filter(|line| line.starts_with("v: ")).map(str::to_owned).collect()
}

struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        for (path, text) in FILES {
            let path = folder.path().join("c").join(path);
            std::fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file can be written");
        }
        Self { folder }
    }

    fn chart(&self) -> PathBuf {
        self.folder.path().join("c")
    }

    /// The case as Helm's arguments.
    fn flags(&self, case: &[&str]) -> Vec<String> {
        if let ["--set", assignment] = case {
            return vec!["--set".to_owned(), (*assignment).to_owned()];
        }
        let mut flags = Vec::new();
        for (number, text) in case.iter().enumerate() {
            let path = self.folder.path().join(format!("values-{number}.yaml"));
            std::fs::write(&path, text).expect("a file can be written");
            flags.extend(["-f".to_owned(), path.display().to_string()]);
        }
        flags
    }
}

fn real(binary: &Path, files: &Files, case: &[&str]) -> Vec<String> {
    let output = Command::new(binary)
        .args(["template", "r"])
        .arg(files.chart())
        .args(files.flags(case))
        .output()
        .expect("Helm can be started");
    assert!(output.status.success(), "{case:?}: {}", String::from_utf8_lossy(&output.stderr));
    values_seen(&String::from_utf8_lossy(&output.stdout))
}

fn ours(mode: HelmMode, files: &Files, case: &[&str]) -> Vec<String> {
    let overrides = match case {
        ["--set", assignment] => {
            Overrides { set: vec![(*assignment).to_owned()], ..Overrides::default() }
        }
        texts => {
            let file = |text: &&str| ValuesFile { name: "v".to_owned(), text: (*text).to_owned() };
            Overrides { files: texts.iter().map(file).collect(), ..Overrides::default() }
        }
    };
    let values =
        overrides.merge(mode, &mut |_| unreachable!("no case reads files")).expect("values");
    let chart = PreparedChart::new(Chart::load(files.chart()).expect("it loads")).expect("whole");
    let mut input = RenderInput::new(values, ReleaseOptions::install("r", "default"));
    input.mode = mode;
    let rendered = chart.render(&input).unwrap_or_else(|error| panic!("{case:?}: {error}"));
    values_seen(&rendered.manifest)
}

/// The cases and their answers, as one text.
fn told(answer: impl Fn(&[&str]) -> Vec<String>) -> String {
    CASES.iter().fold(String::new(), |mut text, case| {
        let _ = writeln!(text, "{case:?}\n{}\n", answer(case).join("\n"));
        text
    })
}

/// In Helm 3 mode values are what Helm 3 makes of them.
#[test]
fn helm_3() {
    let files = Files::new();
    let ours = told(|case| ours(HelmMode::V3, &files, case));
    assert_eq!(ours, include_str!("helm3_nulls.txt"), "ours (left) against Helm 3.18.0 (right)");
    let binary = std::env::var_os("LANDFALL_HELM3").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/tools/bin/helm3"),
        PathBuf::from,
    );
    if binary.is_file() {
        assert_eq!(ours, told(|case| real(&binary, &files, case)), "ours (left) against Helm 3");
    } else {
        eprintln!("LEFT OUT: Helm 3 itself was not asked; there is none at {}", binary.display());
    }
}

/// In Helm 4 mode they are what Helm 4 makes of them.
#[test]
fn helm_4() {
    let files = Files::new();
    let binary = support::helm_binary();
    let ours = told(|case| ours(HelmMode::V4, &files, case));
    assert_eq!(ours, told(|case| real(&binary, &files, case)), "ours (left) against Helm 4");
}
