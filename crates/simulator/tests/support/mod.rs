//! What the tests share: a started cluster, the real `kubectl` and `helm`, a kube client.

#![allow(dead_code, reason = "each test file uses its part of these helpers")]
#![allow(clippy::unwrap_used, reason = "test helpers fail by panicking")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use simulator::{Simulator, Storage, Timing};
use tempfile::TempDir;

/// A cluster in which nothing takes time.
pub(crate) async fn cluster() -> Simulator {
    Simulator::builder().name("test").timing(Timing::instant()).start().await.unwrap()
}

/// A cluster kept in a file, on a given address if one is given.
pub(crate) async fn cluster_on(path: &Path, listen: Option<std::net::SocketAddr>) -> Simulator {
    let builder = Simulator::builder().name("test").timing(Timing::instant());
    let builder = builder.store(Storage::File(path.to_owned()));
    let builder = match listen {
        Some(address) => builder.listen(address),
        None => builder,
    };
    builder.start().await.unwrap()
}

/// A kube client of a cluster.
pub(crate) async fn client(simulator: &Simulator) -> kube::Client {
    let kubeconfig = kube::config::Kubeconfig::from_yaml(&simulator.kubeconfig()).unwrap();
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
    kube::Client::try_from(config).unwrap()
}

/// The real tools, set up for one cluster.
pub(crate) struct Tools {
    folder: TempDir,
}

impl Tools {
    /// Tools that talk to `simulator`.
    pub(crate) fn of(simulator: &Simulator) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kubeconfig"), simulator.kubeconfig()).unwrap();
        Self { folder }
    }

    /// Writes a file for the tools to read; answers its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs `kubectl`; answers what it printed, errors included, ages and paths made equal.
    pub(crate) async fn kubectl(&self, arguments: &[&str]) -> String {
        self.run(tool("kubectl"), arguments).await
    }

    /// Runs `kubectl` with an editor: a shell command that finds the file as its first argument.
    pub(crate) async fn kubectl_editing(&self, editor: &str, arguments: &[&str]) -> String {
        let script = self.file("editor", &format!("#!/bin/sh\n{editor}\n"));
        let mut command = self.command(tool("kubectl"));
        command.env("EDITOR", format!("sh {script}")).args(arguments);
        self.output(command).await
    }

    /// Runs `helm`.
    pub(crate) async fn helm(&self, arguments: &[&str]) -> String {
        self.run(tool("helm"), arguments).await
    }

    async fn run(&self, program: PathBuf, arguments: &[&str]) -> String {
        let mut command = self.command(program);
        command.args(arguments);
        self.output(command).await
    }

    async fn output(&self, mut command: Command) -> String {
        // The cluster lives in this process: its runtime must not be blocked by the tool.
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let mut text = String::from_utf8(output.stdout).unwrap();
        text.push_str(&String::from_utf8(output.stderr).unwrap());
        text.replace(self.folder.path().to_str().unwrap(), "DIR")
    }

    /// A tool about to be run.
    pub(crate) fn command(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        let home = self.folder.path();
        command
            .env("KUBECONFIG", home.join("kubeconfig"))
            .env("HOME", home)
            .env("HELM_CACHE_HOME", home.join("helm-cache"))
            .env("HELM_CONFIG_HOME", home.join("helm-config"))
            .env("HELM_DATA_HOME", home.join("helm-data"))
            .stdin(Stdio::null());
        command
    }
}

/// The path of a real tool.
pub(crate) fn tool(name: &str) -> PathBuf {
    let variable = format!("LANDFALL_{}", name.to_uppercase());
    if let Some(path) = std::env::var_os(&variable) {
        return path.into();
    }
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = checkout.join(".cache/tools/bin").join(name);
    assert!(
        path.exists(),
        "this test needs {name}: run `scripts/install-test-tools`, or set {variable} to its path"
    );
    path
}
