//! Clusters that tests deploy to: Landfall's simulator in a process of its own, and a real Kubernetes control plane where
//! one can be had. Real kubectl and helm look into both.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::Process;
use crate::{client, tool};

/// kubectl and helm for one cluster.
#[derive(Clone, Debug)]
pub struct ClusterTools {
    /// For kubectl, helm and `serve --simulated-cluster`.
    pub kubeconfig: PathBuf,
}

impl ClusterTools {
    /// Runs real kubectl against it; standard output of a command that must succeed.
    pub fn kubectl(&self, args: &[&str]) -> String {
        self.try_kubectl(args).unwrap_or_else(|errors| panic!("kubectl {args:?}: {errors}"))
    }

    /// Runs real kubectl against it; standard error of a command that fails.
    pub fn try_kubectl(&self, args: &[&str]) -> Result<String, String> {
        self.run("LANDFALL_KUBECTL", "kubectl", args)
    }

    /// Runs real helm against it.
    pub fn helm(&self, args: &[&str]) -> String {
        self.try_helm(args).unwrap_or_else(|errors| panic!("helm {args:?}: {errors}"))
    }

    /// Runs real helm against it; standard error of a command that fails.
    pub fn try_helm(&self, args: &[&str]) -> Result<String, String> {
        self.run("LANDFALL_HELM", "helm", args)
    }

    fn run(&self, variable: &str, name: &str, args: &[&str]) -> Result<String, String> {
        let output = std::process::Command::new(tool(variable, name))
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(args)
            .output()
            .unwrap();
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).unwrap())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }
}

/// A simulated cluster as a process of its own.
pub struct Simulator {
    tools: ClusterTools,
    process: Process,
}

impl Simulator {
    /// Starts `landfall simulator` of this binary; `pace` is `instant` or `believable`.
    pub async fn start(binary: &Path, folder: &Path, pace: &str) -> Self {
        let kubeconfig = folder.join("simulator.kubeconfig");
        let file = kubeconfig.to_str().unwrap();
        let mut process =
            Process::start(binary, &["simulator", "--kubeconfig", file, "--pace", pace]);
        process.line_with("listens on").await;
        Self { tools: ClusterTools { kubeconfig }, process }
    }

    /// Takes the cluster away; nothing answers at its address afterwards.
    pub async fn stop(mut self) {
        self.process.kill().await;
    }
}

impl Deref for Simulator {
    type Target = ClusterTools;

    fn deref(&self) -> &ClusterTools {
        &self.tools
    }
}

/// A real Kubernetes control plane whose pods are pretended (`tests/cluster`), or a cluster that
/// `LANDFALL_TEST_KUBECONFIG` names.
///
/// Its pods fail by the annotations of Landfall's simulator, so that one test can run on both. A named cluster's pods do
/// so only if it is another `tests/cluster`.
pub struct RealCluster {
    tools: ClusterTools,
    // In this order: the process ends before its folder goes.
    started: Option<(Process, Door, TempDir)>,
}

/// The way to a started cluster's API server that can be made faulty.
#[derive(Clone, Debug)]
pub struct Door {
    /// Leads through the door.
    pub tools: ClusterTools,
    control: String,
}

impl RealCluster {
    /// Starts a cluster of its own, if no other is named; says so where neither can be had.
    pub async fn start() -> Option<Self> {
        if let Some(kubeconfig) = std::env::var_os("LANDFALL_TEST_KUBECONFIG") {
            let tools = ClusterTools { kubeconfig: kubeconfig.into() };
            return Some(Self { tools, started: None });
        }
        let binary =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/cluster").join("cluster");
        if !binary.exists() {
            eprintln!(
                "LEFT OUT: everything on a real Kubernetes control plane, because there is no .cache/cluster \
                 (scripts/build-cluster makes it, with Go) and LANDFALL_TEST_KUBECONFIG names no cluster"
            );
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut process = Process::start(&binary, &["-folder", folder.path().to_str().unwrap()]);
        let line: Value = serde_json::from_str(&process.line_with("kubeconfig").await).unwrap();
        let text = |field: &str| line[field].as_str().unwrap().to_owned();
        let tools = ClusterTools { kubeconfig: text("kubeconfig").into() };
        let door = Door {
            tools: ClusterTools { kubeconfig: text("door").into() },
            control: text("control"),
        };
        Some(Self { tools, started: Some((process, door, folder)) })
    }

    /// The door of a cluster that was started; a named one has none.
    pub fn door(&self) -> Option<&Door> {
        self.started.as_ref().map(|(_, door, _)| door)
    }

    /// Ends a cluster that was started; a named one goes on.
    pub async fn stop(self) {
        if let Some((mut process, _, _folder)) = self.started {
            process.kill().await;
        }
    }
}

impl Deref for RealCluster {
    type Target = ClusterTools;

    fn deref(&self) -> &ClusterTools {
        &self.tools
    }
}

impl Door {
    /// Sets what happens to which requests; `tests/cluster/door/rules.go` tells what a rule may say. Answers the rules.
    pub async fn rules(&self, rules: Value) -> Value {
        self.put("rules", rules).await
    }

    /// Opens the door, or closes it: its port then refuses connections.
    pub async fn open(&self, open: bool) {
        self.put("open", open.into()).await;
    }

    async fn put(&self, what: &str, body: Value) -> Value {
        let url = format!("{}/{what}", self.control);
        let client = client().build().unwrap();
        let answer = client.put(url).json(&body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "PUT {what}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }
}
