//! Holds this crate's renderer against the real Helm: the same chart, the same arguments, the same
//! bytes or the same refusal.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod answers;
pub(crate) mod behaviour;
pub(crate) mod calls;
pub(crate) mod flipped;
pub(crate) mod log;

use std::path::{Path, PathBuf};
use std::process::Command;

use helm::Capabilities;
use helm::capabilities::KubeVersion;
use helm::chart::Chart;
use helm::render::{PreparedChart, PrintedHooks, ReleaseOptions, RenderInput};
use helm::values::{HelmMode, Overrides, ValuesFile};

/// What a renderer answered: standard output, or the text after `Error: `.
pub(crate) type Answer = Result<String, String>;

/// The Helm binary to compare with: `LANDFALL_HELM`, else `.cache/tools/bin/helm` of the checkout.
pub(crate) fn helm_binary() -> PathBuf {
    let path = std::env::var_os("LANDFALL_HELM").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/tools/bin/helm"),
        PathBuf::from,
    );
    assert!(
        path.is_file(),
        "There is no Helm at {}. Set LANDFALL_HELM to a Helm 4.3 binary, or run scripts/tools to \
         fetch one into .cache/tools.",
        path.display()
    );
    path
}

/// Renders with the real Helm: `helm template r CHART --namespace ns FLAGS`.
pub(crate) fn real(chart: &Path, flags: &[&str]) -> Answer {
    real_with_log(chart, flags).0
}

/// As [`real`], with the lines that Helm logs.
pub(crate) fn real_with_log(chart: &Path, flags: &[&str]) -> (Answer, Vec<String>) {
    let output = Command::new(helm_binary())
        .args(["template", "r"])
        .arg(chart)
        .args(["--namespace", "ns"])
        .args(flags)
        .env("HELM_CACHE_HOME", std::env::temp_dir().join("landfall-helm-cache"))
        .output()
        .expect("Helm can be started");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let log = stderr.lines().filter(|line| line.starts_with("level=")).map(str::to_owned).collect();
    if output.status.success() {
        return (Ok(String::from_utf8(output.stdout).expect("Helm prints UTF-8")), log);
    }
    let at = stderr.find("Error: ").unwrap_or_else(|| panic!("no error in {stderr}"));
    (Err(stderr[at + "Error: ".len()..].trim_end().to_owned()), log)
}

/// Renders with this crate.
pub(crate) fn ours(chart: &Path, flags: &[&str]) -> Answer {
    Flags::parse(flags).render(chart).map_err(|text| text.trim_end().to_owned())
}

/// Renders with both and fails unless they agree; gives the common answer.
#[track_caller]
pub(crate) fn agree(chart: &Path, flags: &[&str]) -> Answer {
    let (real, ours) = (real(chart, flags), ours(chart, flags));
    assert!(
        real == ours,
        "{} {flags:?}\n--- Helm ---\n{}\n--- this crate ---\n{}\n",
        chart.display(),
        shown(&real),
        shown(&ours)
    );
    ours
}

fn shown(answer: &Answer) -> String {
    match answer {
        Ok(text) => text.clone(),
        Err(text) => format!("Error: {text}"),
    }
}

/// A chart named `c`, version 0.1.0, of the given files; `Chart.yaml` among them replaces the
/// default one.
pub(crate) fn chart(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    write("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n");
    for (name, text) in files {
        write(name, text);
    }
    folder
}

/// A chart of this test suite.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/charts").join(name)
}

/// The arguments of `helm template` that tests use.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "one per flag")]
struct Flags {
    overrides: Overrides,
    api_versions: Vec<String>,
    kube_version: Option<String>,
    is_upgrade: bool,
    include_crds: bool,
    no_hooks: bool,
    skip_tests: bool,
    show_only: Vec<String>,
}

impl Flags {
    fn parse(flags: &[&str]) -> Self {
        let mut parsed = Self::default();
        let mut rest = flags.iter();
        while let Some(flag) = rest.next() {
            let mut next = || (*rest.next().expect("the flag has a value")).to_owned();
            match *flag {
                "-f" => {
                    let name = next();
                    let text = std::fs::read_to_string(&name).expect("a values file");
                    parsed.overrides.files.push(ValuesFile { name, text });
                }
                "--set" => parsed.overrides.set.push(next()),
                "--set-string" => parsed.overrides.set_string.push(next()),
                "--set-json" => parsed.overrides.set_json.push(next()),
                "--set-file" => parsed.overrides.set_file.push(next()),
                "--set-literal" => parsed.overrides.set_literal.push(next()),
                "--api-versions" => parsed.api_versions.push(next()),
                "--kube-version" => parsed.kube_version = Some(next()),
                "--is-upgrade" => parsed.is_upgrade = true,
                "--include-crds" => parsed.include_crds = true,
                "--no-hooks" => parsed.no_hooks = true,
                "--skip-tests" => parsed.skip_tests = true,
                "-s" => parsed.show_only.push(next()),
                other => panic!("the harness does not know {other}"),
            }
        }
        parsed
    }

    fn render(self, chart: &Path) -> Answer {
        let values = self
            .overrides
            .merge(HelmMode::V4, &mut |path| std::fs::read_to_string(path))
            .map_err(chain)?;
        let prepared = PreparedChart::new(Chart::load(chart).map_err(chain)?).map_err(chain)?;
        let mut capabilities = Capabilities::default();
        if let Some(version) = &self.kube_version {
            capabilities.kube_version = KubeVersion::parse(version).map_err(chain)?;
        }
        capabilities.api_versions.extend(self.api_versions);
        let release =
            ReleaseOptions { is_upgrade: self.is_upgrade, ..ReleaseOptions::install("r", "ns") };
        let input = RenderInput {
            capabilities,
            include_crds: self.include_crds,
            ..RenderInput::new(values, release)
        };
        let rendered = prepared.render(&input).map_err(|error| {
            let hint = error.is_after_rendering_started();
            let hint = if hint { "\n\nUse --debug flag to render out invalid YAML" } else { "" };
            format!("{}{hint}", chain(error))
        })?;
        let hooks = match (self.no_hooks, self.skip_tests) {
            (true, _) => PrintedHooks::None,
            (false, true) => PrintedHooks::WithoutTests,
            (false, false) => PrintedHooks::All,
        };
        let printed = rendered.to_printed(hooks);
        if self.show_only.is_empty() {
            return Ok(printed);
        }
        helm::render::show_only(&printed, &self.show_only).map_err(chain)
    }
}

/// An error with its causes, as Helm prints them.
pub(crate) fn chain(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
