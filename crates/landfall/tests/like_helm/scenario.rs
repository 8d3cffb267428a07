//! Scenarios: a chart that changes, and what is done with it, step by step.

use std::collections::BTreeMap;

use harness::charts;
use serde::Deserialize;

/// One scenario.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// What it is about; unique. Namespaces and charts are named after it.
    pub(crate) name: String,
    /// Seconds that a step may wait for readiness.
    #[serde(default = "default_wait")]
    pub(crate) wait: u32,
    /// Whether Jobs are waited for.
    #[serde(default)]
    pub(crate) jobs: bool,
    /// Objects outside of the namespace that are looked at as well, as kubectl names them. They are deleted before
    /// Landfall has its turn.
    #[serde(default)]
    pub(crate) cluster_objects: Vec<String>,
    /// Kinds of the chart's own that are looked at in the namespace, once they are there.
    #[serde(default)]
    pub(crate) kinds: Vec<String>,
    /// What is done.
    pub(crate) steps: Vec<Step>,
}

fn default_wait() -> u32 {
    20
}

/// One step of a scenario.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// What is done.
    pub(crate) r#do: Act,
    /// The files of the chart from now on (an empty text: gone); none: the chart stays at its version.
    pub(crate) files: Option<BTreeMap<String, String>>,
    /// All values that are given.
    #[serde(default)]
    pub(crate) values: String,
    /// Whether fields that others own are taken over.
    #[serde(default)]
    pub(crate) force_conflicts: bool,
    /// Whether it must fail.
    #[serde(default)]
    pub(crate) fails: bool,
    /// Whether Landfall's dry run finds out that it must fail. Then Landfall has changed nothing, while Helm has begun.
    #[serde(default)]
    pub(crate) foreseen: bool,
}

/// What is done in a step.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Act {
    /// The first deployment.
    Install,
    /// Real Helm installs the release, for both: Landfall adopts it and goes on with it.
    InstalledBy(Maker),
    /// Real Helm upgrades it, for both.
    UpgradedBy(Maker),
    /// One more.
    Upgrade,
    /// Back to this revision, which one of Landfall's deployments has made.
    RollBack(u32),
    /// The release is taken out: `helm uninstall`, and the removal of the environment.
    Uninstall,
    /// Somebody else does something in the namespace.
    Kubectl(Vec<String>),
}

/// Which Helm makes a revision in Landfall's place.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Maker {
    /// Helm 3.
    Helm3,
    /// Helm 4 with `--server-side=false`.
    ClientSide,
    /// Helm 4 with `--server-side=true`.
    ServerSide,
}

impl Step {
    /// The step in a word, for messages.
    pub(crate) fn title(&self) -> String {
        match &self.r#do {
            Act::Install => "the install".to_owned(),
            Act::InstalledBy(_) => "the install by Helm".to_owned(),
            Act::UpgradedBy(_) => "the upgrade by Helm".to_owned(),
            Act::Upgrade => "the upgrade".to_owned(),
            Act::RollBack(revision) => format!("rolling back to {revision}"),
            Act::Uninstall => "the uninstall".to_owned(),
            Act::Kubectl(arguments) => format!("kubectl {}", arguments.join(" ")),
        }
    }
}

impl Scenario {
    /// The name as part of others' names.
    pub(crate) fn slug(&self) -> String {
        self.name.replace(' ', "-")
    }

    /// The version of the chart that step number `at` deploys; from 1.
    pub(crate) fn version(&self, at: usize) -> String {
        let changes = self.steps[..=at].iter().filter(|step| step.files.is_some()).count();
        format!("0.{changes}.0")
    }

    /// The number of Landfall's deployment that made a revision. It has none of those that real Helm made in its place.
    pub(crate) fn deployment(&self, revision: u32) -> u32 {
        let made = self.steps.iter().filter(|step| !matches!(step.r#do, Act::Kubectl(_)));
        let made = made.take(usize::try_from(revision).unwrap());
        let own =
            made.filter(|step| !matches!(step.r#do, Act::InstalledBy(_) | Act::UpgradedBy(_)));
        u32::try_from(own.count()).unwrap()
    }

    /// Whether Landfall has made or adopted the environment before step number `at`.
    pub(crate) fn has_environment(&self, at: usize) -> bool {
        let makes =
            |step: &Step| matches!(step.r#do, Act::Install | Act::InstalledBy(_) | Act::Upgrade);
        self.steps[..at].iter().any(makes)
    }

    /// The files of the chart at step number `at`.
    fn files(&self, at: usize) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        let chartfile =
            format!("apiVersion: v2\nname: {}\nversion: {}\n", self.slug(), self.version(at));
        files.insert("Chart.yaml".to_owned(), chartfile);
        for changed in self.steps[..=at].iter().filter_map(|step| step.files.as_ref()) {
            files.extend(changed.clone());
        }
        files.retain(|_, text| !text.is_empty());
        files
    }

    /// The chart at step number `at`, packed.
    pub(crate) fn archive(&self, at: usize) -> Vec<u8> {
        let files = self.files(at);
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        charts::packed(&files)
    }

    /// All versions of the chart, packed.
    pub(crate) fn archives(&self) -> Vec<Vec<u8>> {
        let changing = (0..self.steps.len()).filter(|at| self.steps[*at].files.is_some());
        changing.map(|at| self.archive(at)).collect()
    }
}

/// All scenarios, in order.
pub(crate) fn all() -> Vec<Scenario> {
    let files = [
        include_str!("scenarios/install.yaml"),
        include_str!("scenarios/upgrade.yaml"),
        include_str!("scenarios/rollback.yaml"),
        include_str!("scenarios/failures.yaml"),
        include_str!("scenarios/hooks.yaml"),
        include_str!("scenarios/crds.yaml"),
        include_str!("scenarios/client_side.yaml"),
        include_str!("scenarios/uninstall.yaml"),
    ];
    files.iter().flat_map(|text| read(text)).collect()
}

fn read(text: &str) -> Vec<Scenario> {
    let list = goyaml::parse_keeping_integers(text).unwrap();
    serde_json::from_str(&goyaml::json::to_string(&list).unwrap()).unwrap()
}
