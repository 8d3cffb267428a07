//! `landfall serve`: the server with its pages, its API and its workers.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use control::{Config, Control, InCluster, Limits, Network, OutboundPolicy, WorkerSettings};
use secrecy::ExposeSecret;
use server::ServerConfig;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use url::Url;

use crate::commands::asked_to_stop;
use crate::settings::{self, StorageArgs, make_data_folder};
use crate::simulated::{self, Elsewhere, InProcess, Pace};

/// Well within what an API server bears, and more than one process carries out by default.
const OPS_PER_CLUSTER: u32 = 20;

/// Where the server listens, what it keeps and where, and whom it may reach.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, env = "LANDFALL_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,

    #[command(flatten)]
    storage: StorageArgs,

    /// What this process does. Several on one PostgreSQL are one system: some may show pages, others carry Ops out
    #[arg(long, env = "LANDFALL_ROLE", value_enum, default_value_t = Role::All, value_name = "ROLE")]
    role: Role,

    /// Address to serve /metrics at, for Prometheus. Whoever reaches it may read it: choose one that only the inside of your
    /// network reaches [default: not served]
    #[arg(long, env = "LANDFALL_METRICS_LISTEN", value_name = "ADDRESS")]
    metrics_listen: Option<SocketAddr>,

    /// How log lines are written to standard error
    #[arg(long, env = "LANDFALL_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    log_format: LogFormat,

    /// The address people use, where a proxy stands in front: `https://landfall.example.com`
    #[arg(long, env = "LANDFALL_PUBLIC_URL", value_name = "URL")]
    public_url: Option<Url>,

    /// Listen beyond loopback although nobody encrypts (no https in --public-url)
    #[arg(long, env = "LANDFALL_PLAIN_HTTP")]
    plain_http: bool,

    /// Proxy whose X-Forwarded-For is believed; may be repeated
    #[arg(long, env = "LANDFALL_TRUSTED_PROXY", value_delimiter = ',', value_name = "ADDRESS")]
    trusted_proxy: Vec<IpAddr>,

    /// Network inside which chart repositories and clusters may be reached although it is loopback,
    /// link-local or a cloud's metadata service; may be repeated
    #[arg(long, env = "LANDFALL_ALLOW_NETWORK", value_delimiter = ',', value_name = "CIDR")]
    allow_network: Vec<Network>,

    /// Name server that custom domains are looked up with, where those of the system see other names: address and port
    #[arg(long, env = "LANDFALL_DNS_SERVER", value_parser = dns_server, value_name = "ADDRESS")]
    dns_server: Option<SocketAddr>,

    /// Folder of the service account that Kubernetes gives to a pod: the cluster that the server runs in can be added by it
    #[arg(
        long,
        env = "LANDFALL_SERVICE_ACCOUNT",
        default_value = "/var/run/secrets/kubernetes.io/serviceaccount",
        value_name = "FOLDER"
    )]
    service_account: PathBuf,

    /// Ops that this process carries out at once
    #[arg(long, env = "LANDFALL_WORKERS", default_value_t = WorkerSettings::default().count, value_name = "N")]
    workers: usize,

    /// Ops at once on one cluster, over all processes; give the same number to all of them
    #[arg(long, env = "LANDFALL_OPS_PER_CLUSTER", value_parser = clap::value_parser!(u32).range(1..), default_value_t = OPS_PER_CLUSTER, value_name = "N")]
    ops_per_cluster: u32,

    /// How long a worker holds an Op without renewing; the Op of a dead one is taken up after this
    #[arg(long, env = "LANDFALL_LEASE", value_parser = duration, default_value = "15s", value_name = "TIME")]
    lease: Duration,

    #[command(flatten)]
    limits: LimitArgs,

    /// How fast simulated clusters are
    #[arg(long, env = "LANDFALL_SIMULATED_PACE", value_enum, default_value_t = Pace::Believable, value_name = "PACE")]
    simulated_pace: Pace,

    /// A simulated cluster of this name runs as a process of its own (`landfall simulator`); may be repeated
    #[arg(
        long,
        env = "LANDFALL_SIMULATED_CLUSTER",
        value_delimiter = ',',
        value_name = "NAME=KUBECONFIG"
    )]
    simulated_cluster: Vec<Elsewhere>,
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Role {
    /// Pages, API and workers
    All,
    /// Pages and API; workers run elsewhere
    Web,
    /// Workers alone; /healthz and /readyz are served
    Worker,
}

/// How large charts and what they render may be.
#[derive(Debug, clap::Args)]
struct LimitArgs {
    /// Largest archive of a chart
    #[arg(long, env = "LANDFALL_MAX_CHART_ARCHIVE", value_parser = size, default_value = "32MiB", value_name = "SIZE")]
    max_chart_archive: usize,

    /// Largest sum of a chart's files, unpacked
    #[arg(long, env = "LANDFALL_MAX_CHART_UNPACKED", value_parser = size, default_value = "100MiB", value_name = "SIZE")]
    max_chart_unpacked: usize,

    /// Most files of a chart
    #[arg(long, env = "LANDFALL_MAX_CHART_FILES", default_value_t = Limits::default().chart_files, value_name = "N")]
    max_chart_files: usize,

    /// Most that the templates of a chart may write
    #[arg(long, env = "LANDFALL_MAX_RENDER_OUTPUT", value_parser = size, default_value = "32MiB", value_name = "SIZE")]
    max_render_output: usize,

    /// Most that the functions in one template may make on the way there
    #[arg(long, env = "LANDFALL_MAX_RENDER_MEMORY", value_parser = size, default_value = "512MiB", value_name = "SIZE")]
    max_render_memory: usize,

    /// Longest that the templates of a chart may take
    #[arg(long, env = "LANDFALL_MAX_RENDER_TIME", value_parser = duration, default_value = "30s", value_name = "TIME")]
    max_render_time: Duration,
}

impl LimitArgs {
    fn limits(&self) -> Limits {
        Limits {
            chart_archive: self.max_chart_archive,
            chart_unpacked: self.max_chart_unpacked,
            chart_files: self.max_chart_files,
            render_output: self.max_render_output,
            render_memory: self.max_render_memory,
            render_time: self.max_render_time,
        }
    }
}

/// Runs until it is asked to stop.
pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let args = settings::with_file(args, |args| args.storage.config.as_deref(), "serve")?;
    log_to_stderr("info", args.log_format);
    refuse_plain_http(&args)?;
    refuse_lone_role(&args)?;
    let data = args.storage.folder()?;
    make_data_folder(&data)?;

    let control =
        Control::open(config(&args, &data)).await.context("could not open Landfall's data")?;
    let resting = control.clone();
    heap::give_back_when_quiet(move || resting.rest());
    let listener = listen(args.listen, "--listen").await?;
    let metrics = match args.metrics_listen {
        Some(address) => Some(listen(address, "--metrics-listen").await?),
        None => None,
    };
    let workers = (args.role != Role::Web).then(|| control.start_workers());
    announce(&control, &listener, metrics.as_ref(), &args).await?;

    let stop = CancellationToken::new();
    tokio::spawn(stop_when_asked(stop.clone()));
    let http = ServerConfig {
        public_url: args.public_url.clone(),
        tls: false,
        trusted_proxies: args.trusted_proxy.clone(),
        metrics: Arc::default(),
    };
    let watched = async {
        match metrics {
            Some(listener) => {
                server::serve_metrics(listener, control.clone(), http.clone(), stop.clone()).await
            }
            None => Ok(()),
        }
    };
    let served = async {
        let (control, stop) = (control.clone(), stop.clone());
        let served = match args.role {
            Role::Worker => server::serve_health(listener, control, stop.clone()).await,
            Role::All | Role::Web => {
                server::serve(listener, control, http.clone(), stop.clone()).await
            }
        };
        // One that failed takes the others with it.
        stop.cancel();
        served
    };
    let working = async {
        stop.cancelled().await;
        if let Some(workers) = workers {
            workers.stop().await;
        }
    };
    let (served, watched, ()) = tokio::join!(served, watched, working);
    served.and(watched).context("the server failed").map(|()| ExitCode::SUCCESS)
}

/// Stops gracefully when asked once, at once when asked again.
async fn stop_when_asked(stop: CancellationToken) {
    asked_to_stop().await;
    tracing::info!(
        "stopping: requests under way are answered, Ops are given up at their next safe point"
    );
    stop.cancel();
    asked_to_stop().await;
    tracing::warn!("stopped at once; Ops are taken up again when their leases have run out");
    std::process::exit(1);
}

async fn listen(address: SocketAddr, flag: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("could not listen on {address}; another process may, choose one with {flag}")
    })
}

fn config(args: &Args, data: &std::path::Path) -> Config {
    let simulated = InProcess::new(
        simulated::folder(data),
        args.simulated_pace.timing(),
        args.simulated_cluster.clone(),
    );
    let simulated = if args.role == Role::All { simulated } else { simulated.only_elsewhere() };
    Config {
        workers: WorkerSettings {
            count: args.workers,
            lease: args.lease,
            per_cluster: usize::try_from(args.ops_per_cluster).unwrap_or(usize::MAX),
            ..WorkerSettings::default()
        },
        outbound: OutboundPolicy { allowed_networks: args.allow_network.clone() },
        limits: args.limits.limits(),
        simulated: Some(Arc::new(simulated)),
        in_cluster: in_cluster(&args.service_account),
        dns_server: args.dns_server,
        ..args.storage.config(data)
    }
}

/// The cluster that the server runs in as a pod, by the variables that Kubernetes sets there.
fn in_cluster(folder: &std::path::Path) -> Option<InCluster> {
    let host = std::env::var("KUBERNETES_SERVICE_HOST").ok()?;
    let port = std::env::var("KUBERNETES_SERVICE_PORT").unwrap_or_else(|_| "443".to_owned());
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    Some(InCluster { server: format!("https://{host}:{port}"), folder: folder.to_owned() })
}

/// Processes hear of each other through PostgreSQL only, and two must not write one SQLite file.
fn refuse_lone_role(args: &Args) -> Result<()> {
    if args.role == Role::All || args.storage.on_postgres() {
        return Ok(());
    }
    bail!(
        "--role {} takes another process to work with, and they meet in PostgreSQL: name it with --database-url \
         postgres://…, or leave --role out",
        if args.role == Role::Web { "web" } else { "worker" }
    )
}

/// Passwords and sessions must not cross a network in the clear unless someone says so.
fn refuse_plain_http(args: &Args) -> Result<()> {
    let encrypted = args.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
    // Of a worker's health nothing is secret.
    let secret = args.role != Role::Worker;
    if args.listen.ip().is_loopback() || encrypted || args.plain_http || !secret {
        return Ok(());
    }
    bail!(
        "{} is not a loopback address, and nothing encrypts what is sent to it. Put a proxy with TLS in front and \
         name its address with --public-url https://…, or say --plain-http",
        args.listen
    )
}

/// The address of a name server, with its port or without.
fn dns_server(text: &str) -> Result<SocketAddr> {
    let with_port = || text.parse().ok();
    let without = || text.parse().ok().map(|address: IpAddr| SocketAddr::new(address, 53));
    with_port().or_else(without).context("write an address such as 192.0.2.53 or 192.0.2.53:5353")
}

/// A time with its unit, such as `15s` or `2m`; at least a second.
fn duration(text: &str) -> Result<Duration> {
    let time: jiff::SignedDuration = text.parse().context("write a time such as 15s or 2m")?;
    let time = Duration::try_from(time).context("a time cannot be negative")?;
    if time < Duration::from_secs(1) {
        bail!("at least 1s is needed");
    }
    Ok(time)
}

/// A size with its unit, such as `32MiB`.
fn size(text: &str) -> Result<usize> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match text[digits.len()..].trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => bail!("write a size such as 32MiB"),
    };
    let number: usize = digits.trim().parse().context("write a size such as 32MiB")?;
    let bytes = number.checked_mul(unit).context("that is more than there is")?;
    if bytes == 0 {
        bail!("at least 1 byte is needed");
    }
    Ok(bytes)
}

/// Says on standard output where the server is, on a first run how to begin, and where its metrics are.
///
/// It is said in one piece, once all of it is known: whoever reads the first line needs not wait for what may follow.
async fn announce(
    control: &Control,
    listener: &TcpListener,
    metrics: Option<&TcpListener>,
    args: &Args,
) -> Result<()> {
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    let address =
        format!("http://{}", listener.local_addr().context("the listener has no address")?);
    let mut told = String::new();
    if args.role == Role::Worker {
        writeln!(told, "Landfall {VERSION} works; its health listens on {address}")?;
    } else {
        let public = args.public_url.as_ref();
        let visible = public
            .map_or_else(|| address.clone(), |url| url.as_str().trim_end_matches('/').to_owned());
        writeln!(told, "Landfall {VERSION} listens on {address}")?;
        if let Some(code) = control.setup_code().await.context("could not make a set-up code")? {
            let code = code.expose_secret();
            writeln!(told, "First run: open {visible}/set-up and enter the code {code}")?;
        }
    }
    if let Some(metrics) = metrics {
        writeln!(told, "Metrics at http://{}/metrics", metrics.local_addr()?)?;
    }
    let mut output = std::io::stdout().lock();
    output
        .write_all(told.as_bytes())
        .and_then(|()| output.flush())
        .context("could not say where the server is")
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line, for whatever collects logs
    Json,
}

/// Structured log lines on standard error; `LANDFALL_LOG` chooses which.
pub(crate) fn log_to_stderr(default: &str, format: LogFormat) {
    let filter =
        EnvFilter::try_from_env("LANDFALL_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        limits: LimitArgs,
    }

    /// The flags' defaults are the product's.
    #[test]
    fn default_limits() {
        let read = Only::try_parse_from(["serve"]).unwrap();
        assert_eq!(read.limits.limits(), Limits::default());
    }

    #[test]
    fn sizes() {
        assert_eq!(size("32MiB").unwrap(), 32 << 20);
        assert_eq!(size("7").unwrap(), 7);
        for wrong in ["", "MiB", "1.5MiB", "3 MB", "0", "99999999999999999GiB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
