//! Simulated clusters for `control`: run in this process, one folder each, or reached in another process.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use control::cluster::{AccessFuture, SimulatedClusters};
use control::names::ClusterName;
use control::store::ids::ClusterId;
use rollout::ClusterConfig;
use simulator::{Simulator, Storage, Timing};
use tokio::sync::Mutex;

/// Starts simulated clusters when they are first asked for, and keeps them running.
pub(crate) struct InProcess {
    folder: PathBuf,
    timing: Timing,
    elsewhere: Vec<Elsewhere>,
    running: Mutex<HashMap<ClusterId, Simulator>>,
    /// Whether clusters may run in this process.
    here: bool,
}

impl InProcess {
    /// Clusters keep their objects in files in `folder`; those named in `elsewhere` are reached, not run.
    pub(crate) fn new(folder: PathBuf, timing: Timing, elsewhere: Vec<Elsewhere>) -> Self {
        Self { folder, timing, elsewhere, running: Mutex::default(), here: true }
    }

    /// Runs none: a cluster in this process would be another one than in the next.
    pub(crate) fn only_elsewhere(self) -> Self {
        Self { here: false, ..self }
    }

    async fn config(&self, id: ClusterId, name: &ClusterName) -> Result<ClusterConfig> {
        if let Some(elsewhere) = self.elsewhere.iter().find(|one| one.name == name.as_str()) {
            return elsewhere.config();
        }
        if !self.here {
            bail!(
                "the simulated cluster `{name}` would be another one in each process: run it by `landfall simulator`, and \
                 name it to all of them with --simulated-cluster {name}=KUBECONFIG"
            );
        }
        // Held while a cluster starts: two callers must not start it twice.
        let mut running = self.running.lock().await;
        if let Some(cluster) = running.get(&id) {
            return Ok(access(name, cluster));
        }
        tokio::fs::create_dir_all(&self.folder)
            .await
            .with_context(|| format!("could not make the folder {}", self.folder.display()))?;
        let cluster = Simulator::builder()
            .name(name.as_str())
            .store(Storage::File(self.folder.join(format!("{id}.objects"))))
            .timing(self.timing.clone())
            .start()
            .await
            .with_context(|| format!("could not start the simulated cluster `{name}`"))?;
        let config = access(name, &cluster);
        running.insert(id, cluster);
        Ok(config)
    }
}

impl SimulatedClusters for InProcess {
    fn access<'a>(&'a self, id: ClusterId, name: &'a ClusterName) -> AccessFuture<'a> {
        Box::pin(async move { self.config(id, name).await.map_err(Into::into) })
    }
}

fn access(name: &ClusterName, cluster: &Simulator) -> ClusterConfig {
    ClusterConfig::with_token(
        name.as_str(),
        cluster.url(),
        Some(cluster.ca_pem().to_owned()),
        cluster.token().to_owned(),
    )
}

/// A simulated cluster that runs as a process of its own: `NAME=KUBECONFIG`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Elsewhere {
    name: String,
    kubeconfig: PathBuf,
}

impl FromStr for Elsewhere {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('=') {
            Some((name, file)) if !name.is_empty() && !file.is_empty() => {
                Ok(Self { name: name.to_owned(), kubeconfig: PathBuf::from(file) })
            }
            _ => bail!("write it as NAME=FILE, such as demo=simulator.kubeconfig"),
        }
    }
}

impl Elsewhere {
    /// Reads the file anew each time: the other process may have been restarted with a new address.
    fn config(&self) -> Result<ClusterConfig> {
        let text = std::fs::read_to_string(&self.kubeconfig).with_context(|| {
            format!("could not read {} (does `landfall simulator` run?)", self.kubeconfig.display())
        })?;
        read_kubeconfig(&self.name, &text).with_context(|| {
            format!("{} is not a kubeconfig of a simulator", self.kubeconfig.display())
        })
    }
}

/// Takes address, authority and token from the only form of kubeconfig that a simulator writes.
fn read_kubeconfig(name: &str, text: &str) -> Result<ClusterConfig> {
    let file = goyaml::parse(text)?;
    let text_at = |list: &str, entry: &str, field: &str| {
        file.get(list)
            .and_then(|list| list.as_seq()?.first())
            .and_then(|first| first.get(entry))
            .and_then(|entry| entry.get(field))
            .and_then(|value| value.as_str())
            .ok_or_else(|| anyhow!("{list}[0].{entry}.{field} is missing"))
    };
    let authority = BASE64
        .decode(text_at("clusters", "cluster", "certificate-authority-data")?)
        .context("certificate-authority-data is not base64")?;
    Ok(ClusterConfig::with_token(
        name,
        text_at("clusters", "cluster", "server")?,
        Some(String::from_utf8(authority).context("certificate-authority-data is not PEM")?),
        text_at("users", "user", "token")?.to_owned(),
    ))
}

/// How fast simulated clusters are: a word, or the delays' common factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Pace {
    /// As a small real cluster: images are pulled, probes pass, some seconds in all
    Believable,
    /// Without waiting
    Instant,
}

impl Pace {
    pub(crate) fn timing(self) -> Timing {
        match self {
            Self::Believable => Timing::default(),
            Self::Instant => Timing::instant(),
        }
    }
}

/// Where simulated clusters of a server keep their objects.
pub(crate) fn folder(data: &Path) -> PathBuf {
    data.join("simulated-clusters")
}
