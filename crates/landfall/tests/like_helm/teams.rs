//! The two who carry a scenario out: real Helm, and Landfall through its API.

use std::path::PathBuf;

use harness::{Api, ClusterTools, op_of};
use serde_json::json;
use tempfile::TempDir;

use crate::scenario::{Act, Scenario, Step};
use crate::snapshot::Snapshot;

/// The Helm release in every scenario.
const RELEASE: &str = "shop";

/// What both have in common.
struct Ground<'a> {
    cluster: &'a ClusterTools,
    scenario: &'a Scenario,
    namespace: String,
}

impl Ground<'_> {
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
    folder: TempDir,
}

impl<'a> Helm<'a> {
    pub(crate) fn new(cluster: &'a ClusterTools, scenario: &'a Scenario) -> Self {
        let namespace = format!("{}-helm", scenario.slug());
        Self {
            ground: Ground { cluster, scenario, namespace },
            folder: tempfile::tempdir().unwrap(),
        }
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

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path: PathBuf = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn step(&self, at: usize, step: &Step) -> Option<String> {
        let Ground { cluster, scenario, namespace } = &self.ground;
        let timeout = format!("--timeout={}s", scenario.wait);
        let mut arguments: Vec<String> = match &step.r#do {
            Act::Kubectl(arguments) => {
                self.ground.kubectl(arguments);
                return None;
            }
            Act::RollBack(revision) => {
                vec!["rollback".into(), RELEASE.into(), revision.to_string()]
            }
            act => {
                let command = if matches!(act, Act::Install) { "install" } else { "upgrade" };
                let chart = self.file(&format!("{at}.tgz"), &scenario.archive(at));
                let values = self.file(&format!("{at}.yaml"), step.values.as_bytes());
                let mut arguments: Vec<String> =
                    [command, RELEASE, &chart, "--values", &values].map(str::to_owned).to_vec();
                arguments.push(match act {
                    Act::Install => "--create-namespace".into(),
                    _ => "--reset-values".into(),
                });
                arguments
            }
        };
        arguments.extend(["--namespace", namespace, "--wait", &timeout].map(str::to_owned));
        if scenario.jobs {
            arguments.push("--wait-for-jobs".to_owned());
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        cluster.try_helm(&arguments).err()
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
        let namespace = format!("{slug}-landfall");
        Self { ground: Ground { cluster, scenario, namespace }, api }
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
            Act::Install => (
                "/environments".to_owned(),
                json!({
                    "name": slug, "app": slug, "kind": "sandbox", "cluster": "lab", "release": release,
                    "namespace": self.ground.namespace, "release_name": RELEASE, "values": step.values,
                    "on_failure": "leave",
                }),
            ),
            Act::Upgrade => (
                format!("/environments/{slug}/deployments"),
                json!({ "release": release, "values": step.values, "on_failure": "leave" }),
            ),
            Act::RollBack(revision) => (
                format!("/environments/{slug}/rollbacks"),
                json!({ "to": format!("#{revision}"), "on_failure": "leave" }),
            ),
        };
        let started = self.api.post(&path, body).await;
        let ended = self.api.op_end(&op_of(&started)).await;
        (ended["state"] != "succeeded").then(|| format!("{ended:#}"))
    }
}
