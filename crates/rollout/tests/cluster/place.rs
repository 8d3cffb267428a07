//! A cluster to try a release on: a simulated one, or the real control plane that all tests of the process share.

use std::sync::{Arc, Weak};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fixture::{ClusterTools, RealCluster};
use rollout::{Cluster, ClusterConfig};
use simulator::{Simulator, Timing};
use tokio::sync::Mutex;

/// A cluster, with real kubectl beside it.
pub(crate) struct Place {
    pub(crate) cluster: Cluster,
    pub(crate) tools: ClusterTools,
    /// What keeps it going.
    _running: Running,
}

enum Running {
    Simulated { _simulator: Simulator, _folder: tempfile::TempDir },
    Real { _cluster: Arc<RealCluster> },
}

/// The real one, as long as a test uses it.
static REAL: Mutex<Weak<RealCluster>> = Mutex::const_new(Weak::new());

impl Place {
    pub(crate) async fn simulated() -> Self {
        let simulator = Simulator::builder().timing(Timing::instant()).start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, simulator.kubeconfig()).unwrap();
        let tools = ClusterTools { kubeconfig };
        let running = Running::Simulated { _simulator: simulator, _folder: folder };
        Self { cluster: connect(&tools), tools, _running: running }
    }

    /// None where it was not built; that is said aloud.
    pub(crate) async fn real() -> Option<Self> {
        let mut shared = REAL.lock().await;
        let cluster = match shared.upgrade() {
            Some(cluster) => cluster,
            None => Arc::new(RealCluster::start().await?),
        };
        *shared = Arc::downgrade(&cluster);
        let tools = ClusterTools { kubeconfig: cluster.kubeconfig.clone() };
        Some(Self {
            cluster: connect(&tools),
            tools,
            _running: Running::Real { _cluster: cluster },
        })
    }

    /// Has kubectl apply objects in a namespace.
    pub(crate) async fn kubectl_apply(&self, namespace: &str, manifest: &str) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("objects.yaml");
        std::fs::write(&file, manifest).unwrap();
        let path = file.to_str().unwrap().to_owned();
        self.kubectl(&["apply", "--namespace", namespace, "--filename", &path]).await;
    }

    pub(crate) async fn kubectl(&self, arguments: &[&str]) {
        let tools = self.tools.clone();
        let arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
        let run = move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            tools.kubectl(&arguments)
        };
        tokio::task::spawn_blocking(run).await.unwrap();
    }
}

fn connect(tools: &ClusterTools) -> Cluster {
    let text = std::fs::read_to_string(&tools.kubeconfig).unwrap();
    let field = |name: &str| {
        let found =
            text.lines().find_map(|line| line.trim().trim_start_matches("- ").strip_prefix(name));
        found.unwrap_or_else(|| panic!("no {name} in {text}")).trim().trim_matches('"').to_owned()
    };
    let ca =
        String::from_utf8(STANDARD.decode(field("certificate-authority-data:")).unwrap()).unwrap();
    let config = ClusterConfig::with_token("demo", field("server:"), Some(ca), field("token:"));
    Cluster::connect(config).unwrap()
}
