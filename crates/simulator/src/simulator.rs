//! Starting and stopping a simulated cluster.

use std::{
    future::Future,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    api::Api,
    bootstrap,
    cluster::Cluster,
    controllers,
    kinds::Kinds,
    programs::Programs,
    store::{JournalError, Store},
    timing::Timing,
    tls::{self, Identity, TlsError},
};

/// Why a simulated cluster did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data file cannot be used.
    #[error("could not open the simulated cluster `{name}`")]
    Data {
        /// The cluster.
        name: String,
        /// Why.
        source: JournalError,
    },
    /// No certificate.
    #[error("could not give the simulated cluster `{name}` its identity")]
    Identity {
        /// The cluster.
        name: String,
        /// Why.
        source: TlsError,
    },
    /// The address is taken or not ours.
    #[error(
        "could not listen on {address} for the simulated cluster `{name}`; choose another address"
    )]
    Listen {
        /// The cluster.
        name: String,
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The kubeconfig could not be written.
    #[error("could not write the kubeconfig `{}`", path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Where the objects of a simulated cluster are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Storage {
    /// In memory: they go with the process.
    #[default]
    Memory,
    /// In a file: a process started again on it has the same objects, uids, resource versions,
    /// certificate authority and token.
    File(PathBuf),
}

/// What a simulated cluster is made of; see [`Simulator::builder`].
#[derive(Debug, Clone)]
pub struct Builder {
    name: String,
    storage: Storage,
    timing: Timing,
    listen: SocketAddr,
    programs: Programs,
}

impl Builder {
    /// The cluster's name, for people and for the kubeconfig's context.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Where objects are kept.
    #[must_use]
    pub fn store(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// How long things take.
    #[must_use]
    pub fn timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// The address to listen on; a free port of 127.0.0.1 if it is not set.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// What stands in for commands that are executed in pods; without any, nothing can be.
    #[must_use]
    pub fn programs(mut self, programs: Programs) -> Self {
        self.programs = programs;
        self
    }

    /// Starts the cluster: when this returns, clients can connect.
    pub async fn start(self) -> Result<Simulator, StartError> {
        let name = self.name;
        let mut kinds = Kinds::builtin();
        let store = match &self.storage {
            Storage::Memory => Store::in_memory(&kinds),
            Storage::File(path) => Store::open(&mut kinds, path)
                .map_err(|source| StartError::Data { name: name.clone(), source })?,
        };
        let identity_failed = |source| StartError::Identity { name: name.clone(), source };
        let identity = Identity::of(&store, &name).map_err(identity_failed)?;
        let listen_failed =
            |source| StartError::Listen { name: name.clone(), address: self.listen, source };
        let listener = TcpListener::bind(self.listen).await.map_err(listen_failed)?;
        let address = listener.local_addr().map_err(listen_failed)?;
        let config = identity.server_config(address).map_err(identity_failed)?;

        let cluster = Cluster::new(&name, kinds, store, self.timing);
        bootstrap::run(&cluster);
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        controllers::start(&cluster, &identity.ca_pem, &tasks, &stop);
        let api = Arc::new(Api {
            cluster: cluster.clone(),
            token: identity.token.clone(),
            programs: self.programs,
            tasks: tasks.clone(),
            stop: stop.clone(),
        });
        tasks.spawn(tls::accept(listener, config, api, tasks.clone(), stop.clone()));
        Ok(Simulator {
            cluster,
            url: format!("https://{address}"),
            ca_pem: identity.ca_pem,
            token: identity.token,
            tasks,
            stop,
        })
    }
}

/// A running simulated cluster. Dropping it stops it, without waiting; [`shutdown`](Self::shutdown)
/// waits.
#[derive(Debug)]
pub struct Simulator {
    cluster: Cluster,
    url: String,
    ca_pem: String,
    token: String,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Simulator {
    /// A cluster named `simulated`, in memory, on a free port of 127.0.0.1, with believable timing.
    pub fn builder() -> Builder {
        Builder {
            name: "simulated".to_owned(),
            storage: Storage::Memory,
            timing: Timing::default(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            programs: Programs::new(),
        }
    }

    /// The cluster itself, for tests and for tools in the same process.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The address of the API: `https://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate of the cluster's authority, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The bearer token that may do everything. A secret: keep it out of logs.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A kubeconfig with one context, as YAML. It holds the token.
    pub fn kubeconfig(&self) -> String {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let name = serde_json::Value::from(self.cluster.name());
        let (url, token) = (&self.url, &self.token);
        let ca = STANDARD.encode(&self.ca_pem);
        format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: {name}\n  cluster:\n    server: {url}\n    \
             certificate-authority-data: {ca}\nusers:\n- name: {name}\n  user:\n    token: {token}\ncontexts:\n\
             - name: {name}\n  context:\n    cluster: {name}\n    user: {name}\n    namespace: default\n\
             current-context: {name}\n"
        )
    }

    /// Stops listening, ends all connections and controllers, and waits for them.
    ///
    /// After it the data file is free: another cluster may start on it.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.cluster.store().close();
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.cancel();
        self.cluster.store().close();
    }
}

/// A simulated cluster as a process of its own; see [`serve`].
#[derive(Debug, Clone)]
pub struct ServeConfig {
    /// The cluster's name.
    pub name: String,
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The file that keeps the objects; `None` keeps them in memory.
    pub data: Option<PathBuf>,
    /// Where to write a kubeconfig, readable by its owner only.
    pub kubeconfig: Option<PathBuf>,
    /// How long things take.
    pub timing: Timing,
}

/// Serves a simulated cluster until `until` is done. `started` is told once clients can connect and
/// the kubeconfig is written.
pub async fn serve(
    config: ServeConfig,
    started: impl FnOnce(&Simulator),
    until: impl Future<Output = ()>,
) -> Result<(), StartError> {
    let simulator = Simulator::builder()
        .name(config.name)
        .store(config.data.map_or(Storage::Memory, Storage::File))
        .timing(config.timing)
        .listen(config.listen)
        .start()
        .await?;
    if let Some(path) = config.kubeconfig {
        write_private(&path, &simulator.kubeconfig())
            .map_err(|source| StartError::Kubeconfig { path, source })?;
    }
    started(&simulator);
    until.await;
    simulator.shutdown().await;
    Ok(())
}

/// Writes a file that only its owner may read, whole or not at all.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    let _ = std::fs::remove_file(&fresh);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&fresh)?.write_all(text.as_bytes())?;
    std::fs::rename(&fresh, path)
}
