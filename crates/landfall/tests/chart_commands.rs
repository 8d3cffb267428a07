//! `landfall chart …` beside real Helm, both as processes in folders of the same content: the same output on both
//! streams, the same exit code, the same files.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, UNIX_EPOCH};

use flate2::read::GzDecoder;
use harness::docker_registry::DockerRegistry;
use harness::tool;
use tempfile::TempDir;

/// Two folders with the same files, one for each program.
struct Pair {
    helm: TempDir,
    landfall: TempDir,
    /// Where neither finds a configuration.
    home: TempDir,
}

impl Pair {
    fn of(files: &[(&str, &str)]) -> Self {
        let new = || tempfile::tempdir().unwrap();
        let pair = Self { helm: new(), landfall: new(), home: new() };
        for (name, text) in files {
            for folder in [&pair.helm, &pair.landfall] {
                let path = folder.path().join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
        }
        pair
    }

    fn run(&self, mut command: Command, folder: &TempDir, args: &[&str]) -> Output {
        command
            .args(args)
            .current_dir(folder.path())
            .env("HOME", self.home.path())
            .env("HELM_CONFIG_HOME", self.home.path())
            .env("HELM_CACHE_HOME", self.home.path())
            .env("SOURCE_DATE_EPOCH", "1700000000")
            .env_remove("KUBECONFIG")
            .output()
            .unwrap()
    }

    /// Runs both; what Helm printed.
    fn assert_same(&self, args: &[&str]) -> String {
        let theirs = self.run(Command::new(tool("LANDFALL_HELM", "helm")), &self.helm, args);
        let mut landfall = Command::new(env!("CARGO_BIN_EXE_landfall"));
        landfall.arg("chart");
        let ours = self.run(landfall, &self.landfall, args);
        let told = |output: &Output, folder: &TempDir| {
            let text = |bytes: &[u8]| {
                String::from_utf8_lossy(bytes)
                    .replace("landfall chart", "helm")
                    .replace(folder.path().to_str().unwrap(), "FOLDER")
            };
            (text(&output.stdout), text(&output.stderr), output.status.code())
        };
        let (theirs, ours) = (told(&theirs, &self.helm), told(&ours, &self.landfall));
        assert_eq!(ours, theirs, "{args:?}");
        theirs.0
    }

    /// Every file below both folders, archives unpacked; times of locks left out.
    fn assert_same_files(&self) {
        assert_eq!(contents(self.landfall.path()), contents(self.helm.path()));
    }
}

fn contents(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut bytes = std::fs::read(&path).unwrap();
            if path.extension().is_some_and(|end| end == "tgz") {
                let packed = std::mem::take(&mut bytes);
                // The header up to the comment's end: what is compressed may differ.
                bytes.extend_from_slice(&packed[..61]);
                GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
            }
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let text = text.lines().filter(|line| !line.starts_with("generated: "));
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            found.insert(name, text.collect::<Vec<_>>().join("\n"));
        }
    }
    found
}

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
        &["--namespace"],
        &["-z"],
    ] {
        pair.assert_same(&[&["template", "good"], flags].concat());
    }
    pair.assert_same(&["template", "BAD", "good"]);
    pair.assert_same(&["template", "a", "good", "c"]);
}

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
