//! The two who carry a scenario out: real Helm, and Landfall through its API.

use std::path::PathBuf;

use harness::{Api, ClusterTools, op_of};
use serde_json::json;
use tempfile::TempDir;

use crate::scenario::{Act, Maker, Scenario, Step};
use crate::snapshot::Snapshot;

/// The Helm release in every scenario.
const RELEASE: &str = "shop";

/// What both have in common.
struct Ground<'a> {
    cluster: &'a ClusterTools,
    scenario: &'a Scenario,
    namespace: String,
    folder: TempDir,
}

impl<'a> Ground<'a> {
    fn new(cluster: &'a ClusterTools, scenario: &'a Scenario, whose: &str) -> Self {
        let namespace = format!("{}-{whose}", scenario.slug());
        Self { cluster, scenario, namespace, folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path: PathBuf = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A command of Helm's, its release, and the chart and the values of step number `at`.
    fn with_chart(&self, command: &str, at: usize) -> Vec<String> {
        let chart = self.file(&format!("{at}.tgz"), &self.scenario.archive(at));
        let values = self.scenario.steps[at].values.as_bytes();
        let values = self.file(&format!("{at}.yaml"), values);
        [command, RELEASE, &chart, "--values", &values].map(str::to_owned).to_vec()
    }

    /// Runs Helm; what it said if it failed.
    fn helm(&self, maker: Option<Maker>, mut arguments: Vec<String>) -> Option<String> {
        let timeout = format!("--timeout={}s", self.scenario.wait);
        arguments.extend(["--namespace", &self.namespace, "--wait", &timeout].map(str::to_owned));
        if self.scenario.jobs && arguments[0] != "uninstall" {
            arguments.push("--wait-for-jobs".to_owned());
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let run = |more: &[&str]| self.cluster.try_helm(&[&arguments[..], more].concat()).err();
        match maker {
            Some(Maker::Helm3) => self.cluster.try_helm3(&arguments).err(),
            Some(Maker::ClientSide) => run(&["--server-side=false"]),
            Some(Maker::ServerSide) => run(&["--server-side=true"]),
            None => run(&[]),
        }
    }

    /// What real Helm does for both.
    fn made_by(&self, maker: Maker, command: &str, at: usize) -> Option<String> {
        let mut arguments = self.with_chart(command, at);
        let more = if command == "install" { "--create-namespace" } else { "--reset-values" };
        arguments.push(more.to_owned());
        self.helm(Some(maker), arguments)
    }

    fn kubectl(&self, arguments: &[String]) {
        let mut all = vec!["-n", &self.namespace];
        all.extend(arguments.iter().map(String::as_str));
        self.cluster.kubectl(&all);
    }

    fn look(&self) -> Snapshot {
        Snapshot::take(self.cluster, &self.namespace, RELEASE, self.scenario)
    }

    fn clear(&self) {
        let _ = self.cluster.try_kubectl(&["delete", "namespace", &self.namespace, "--wait=false"]);
        for object in &self.scenario.cluster_objects {
            let _ = self.cluster.try_kubectl(&["delete", object, "--ignore-not-found"]);
        }
    }

    /// Whether a step ended as the scenario says.
    fn check(step: &Step, failed: Option<String>) -> Result<(), String> {
        match failed {
            Some(error) if !step.fails => Err(format!("{} failed: {error}", step.title())),
            None if step.fails => Err(format!("{} did not fail", step.title())),
            _ => Ok(()),
        }
    }
}

/// Real Helm.
pub(crate) struct Helm<'a> {
    ground: Ground<'a>,
}

impl<'a> Helm<'a> {
    pub(crate) fn new(cluster: &'a ClusterTools, scenario: &'a Scenario) -> Self {
        Self { ground: Ground::new(cluster, scenario, "helm") }
    }

    /// What is there after each step, or which one ended otherwise than the scenario says.
    pub(crate) fn carry_out(self) -> Result<Vec<Snapshot>, String> {
        let mut seen = Vec::new();
        for (at, step) in self.ground.scenario.steps.iter().enumerate() {
            let failed = tokio::task::block_in_place(|| self.step(at, step));
            Ground::check(step, failed).map_err(|what| format!("Helm: {what}"))?;
            seen.push(self.ground.look());
        }
        self.ground.clear();
        Ok(seen)
    }

    fn step(&self, at: usize, step: &Step) -> Option<String> {
        let ground = &self.ground;
        let (arguments, more) = match &step.r#do {
            Act::Kubectl(arguments) => {
                ground.kubectl(arguments);
                return None;
            }
            Act::InstalledBy(maker) => return ground.made_by(*maker, "install", at),
            Act::UpgradedBy(maker) => return ground.made_by(*maker, "upgrade", at),
            Act::RollBack(revision) => {
                (vec!["rollback".to_owned(), RELEASE.to_owned(), revision.to_string()], None)
            }
            Act::Uninstall => (vec!["uninstall".to_owned(), RELEASE.to_owned()], None),
            Act::Install => (ground.with_chart("install", at), Some("--create-namespace")),
            Act::Upgrade => (ground.with_chart("upgrade", at), Some("--reset-values")),
        };
        let forced = step.force_conflicts.then_some("--force-conflicts");
        let more = more.into_iter().chain(forced).map(str::to_owned);
        ground.helm(None, arguments.into_iter().chain(more).collect())
    }
}

/// Landfall.
pub(crate) struct Landfall<'a> {
    ground: Ground<'a>,
    api: &'a Api,
}

impl<'a> Landfall<'a> {
    /// An App for the scenario, with a Release for each version of the chart.
    pub(crate) async fn new(
        cluster: &'a ClusterTools,
        scenario: &'a Scenario,
        api: &'a Api,
        repository: &str,
    ) -> Self {
        let slug = scenario.slug();
        let app = json!({
            "name": slug, "chart_kind": "repository", "chart_url": repository, "chart_name": slug,
            "wait_seconds": scenario.wait,
        });
        api.post("/apps", app).await;
        if scenario.jobs {
            let settings = json!({ "wait_for_jobs": true });
            let (status, answer) = api.try_patch(&format!("/apps/{slug}/settings"), settings).await;
            assert_eq!(status, 200, "{answer:#}");
        }
        for at in (0..scenario.steps.len()).filter(|at| scenario.steps[*at].files.is_some()) {
            let version = scenario.version(at);
            let release = json!({ "app": slug, "tag": version, "chart_version": version });
            api.post("/releases", release).await;
        }
        Self { ground: Ground::new(cluster, scenario, "landfall"), api }
    }

    /// What is there after each step, or which one ended otherwise than the scenario says.
    pub(crate) async fn carry_out(self) -> Result<Vec<Snapshot>, String> {
        let mut seen = Vec::new();
        for (at, step) in self.ground.scenario.steps.iter().enumerate() {
            let failed = self.step(at, step).await;
            Ground::check(step, failed).map_err(|what| format!("Landfall: {what}"))?;
            seen.push(self.ground.look());
        }
        self.ground.clear();
        Ok(seen)
    }

    async fn step(&self, at: usize, step: &Step) -> Option<String> {
        let scenario = self.ground.scenario;
        let slug = scenario.slug();
        let release = scenario.version(at);
        let (path, body) = match &step.r#do {
            Act::Kubectl(arguments) => {
                self.ground.kubectl(arguments);
                return None;
            }
            Act::InstalledBy(maker) => {
                let install = || self.ground.made_by(*maker, "install", at);
                let failed = tokio::task::block_in_place(install);
                if failed.is_none() {
                    let adoption = json!({
                        "name": slug, "app": slug, "kind": "sandbox", "cluster": "lab",
                        "namespace": self.ground.namespace, "release_name": RELEASE,
                    });
                    self.api.post("/adoptions", adoption).await;
                }
                return failed;
            }
            Act::UpgradedBy(maker) => {
                let upgrade = || self.ground.made_by(*maker, "upgrade", at);
                return tokio::task::block_in_place(upgrade);
            }
            Act::Uninstall => {
                let (status, op) = self.api.try_delete(&format!("/environments/{slug}")).await;
                assert_eq!(status, 200, "{op:#}");
                return self.ends(op["id"].as_str().unwrap()).await;
            }
            Act::Install | Act::Upgrade if !scenario.has_environment(at) => (
                "/environments".to_owned(),
                json!({
                    "name": slug, "app": slug, "kind": "sandbox", "cluster": "lab", "release": release,
                    "namespace": self.ground.namespace, "release_name": RELEASE, "values": step.values,
                    "on_failure": "leave",
                }),
            ),
            Act::Install | Act::Upgrade => (
                format!("/environments/{slug}/deployments"),
                json!({
                    "release": release, "values": step.values, "on_failure": "leave",
                    "force_conflicts": step.force_conflicts,
                }),
            ),
            Act::RollBack(revision) => {
                let number = scenario.deployment(*revision);
                (
                    format!("/environments/{slug}/rollbacks"),
                    json!({
                        "to": format!("#{number}"), "on_failure": "leave",
                        "force_conflicts": step.force_conflicts,
                    }),
                )
            }
        };
        let started = self.api.post(&path, body).await;
        self.ends(&op_of(&started)).await
    }

    /// Waits for an Op; what it says if it did not succeed.
    async fn ends(&self, op: &str) -> Option<String> {
        let ended = self.api.op_end(op).await;
        (ended["state"] != "succeeded").then(|| format!("{ended:#}"))
    }
}
