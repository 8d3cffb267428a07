//! What Landfall is opened with.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::cluster::SimulatedClusters;
use crate::objects::ObjectPlace;

/// Where and how Landfall keeps and reaches things.
#[derive(Clone)]
pub struct Config {
    /// The database.
    pub database: Database,
    /// Where objects are kept.
    pub objects: ObjectPlace,
    /// File with the key that encrypts contents; made on first run with mode 0600.
    pub key_file: PathBuf,
    /// Which addresses may be reached.
    pub outbound: OutboundPolicy,
    /// How Ops are run.
    pub workers: WorkerSettings,
    /// How large charts and what they render may be.
    pub limits: Limits,
    /// Runs simulated clusters; none: there can be none.
    pub simulated: Option<Arc<dyn SimulatedClusters>>,
    /// The cluster that this process runs in, if it does.
    pub in_cluster: Option<InCluster>,
    /// The name server that custom domains are looked up with; none: those of the system.
    pub dns_server: Option<SocketAddr>,
}

/// The cluster that this process runs in as a pod, and the service account that it has there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InCluster {
    /// `https://host:port` of the API server.
    pub server: String,
    /// The folder of the account's `token` and `ca.crt`, which Kubernetes renews.
    pub folder: PathBuf,
}

impl InCluster {
    /// Whether there is an account.
    pub fn is_there(&self) -> bool {
        self.token().is_file() && self.authority().is_file()
    }

    pub(crate) fn token(&self) -> PathBuf {
        self.folder.join("token")
    }

    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }
}

/// How large charts and what they render may be: a chart is a program of somebody else's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a chart's archive.
    pub chart_archive: usize,
    /// Bytes of its files, unpacked, sub-charts included.
    pub chart_unpacked: usize,
    /// Its files, sub-charts included.
    pub chart_files: usize,
    /// Bytes that its templates may write.
    pub render_output: usize,
    /// Bytes that the functions of one template may make on the way there.
    pub render_memory: usize,
    /// How long its templates may take.
    pub render_time: Duration,
}

const MIB: usize = 1024 * 1024;

impl Default for Limits {
    /// Well above what public charts need.
    fn default() -> Self {
        Self {
            chart_archive: 32 * MIB,
            chart_unpacked: 100 * MIB,
            chart_files: 10_000,
            render_output: 32 * MIB,
            render_memory: 512 * MIB,
            render_time: Duration::from_secs(30),
        }
    }
}

impl Limits {
    pub(crate) fn chart(&self) -> helm::chart::ChartLimits {
        helm::chart::ChartLimits {
            unpacked: self.chart_unpacked as u64,
            files: self.chart_files,
            ..helm::chart::ChartLimits::default()
        }
    }

    pub(crate) fn render(&self) -> helm::render::RenderLimits {
        helm::render::RenderLimits { output: self.render_output, made: self.render_memory }
    }
}

/// Which database.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file, made if missing.
    Sqlite(PathBuf),
    /// `postgres://…`.
    Postgres(SecretString),
}

/// Which addresses the one outbound client may reach.
///
/// Loopback, link-local and metadata addresses are refused unless a network here has them. Private ones are not: clusters and
/// repositories stand there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboundPolicy {
    /// Networks that are allowed although they would be refused.
    pub allowed_networks: Vec<Network>,
}

/// A network in CIDR notation, such as `127.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    pub(crate) address: IpAddr,
    pub(crate) prefix: u8,
}

/// How Ops are run by this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerSettings {
    /// Ops at once.
    pub count: usize,
    /// How long a lease lasts; it is renewed at a third of this. A dead worker's Op is taken up
    /// after at most this long.
    pub lease: Duration,
    /// How often the queue is looked at when no wake-up came.
    pub poll: Duration,
    /// Ops at once on one cluster, over all processes.
    pub per_cluster: usize,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            count: 8,
            lease: Duration::from_secs(15),
            poll: Duration::from_secs(3),
            per_cluster: 20,
        }
    }
}

/// Why a text is not a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{input}` is not a network: write it as ADDRESS/BITS, such as 10.0.0.0/8")]
pub struct InvalidNetwork {
    /// The text as given.
    pub input: String,
}

impl std::str::FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(input: &str) -> Result<Self, InvalidNetwork> {
        let parse = || {
            let (address, bits) = match input.split_once('/') {
                Some((address, bits)) => (address.parse().ok()?, Some(bits.parse::<u8>().ok()?)),
                None => (input.parse::<IpAddr>().ok()?, None),
            };
            let widest = if address.is_ipv4() { 32 } else { 128 };
            let prefix = bits.unwrap_or(widest);
            (prefix <= widest).then_some(Self { address, prefix })
        };
        parse().ok_or_else(|| InvalidNetwork { input: input.to_owned() })
    }
}
