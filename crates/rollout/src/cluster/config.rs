//! How to reach a cluster and as whom.
//!
//! Addresses, certificates and secrets are given as text: no plug-in is run, and no file is read but the token that Kubernetes
//! gives to a pod and renews. Whoever offers kubeconfigs takes them apart before they come here.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper_rustls::{FixedServerNameResolver, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::ConfigExt as _;
use kube::{Client, Config};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Semaphore, SemaphorePermit};
use tower::{BoxError, ServiceBuilder};
use tower_http::decompression::DecompressionLayer;

use super::{ClusterError, Pulse};

/// A connection on which requests wait is asked this often whether it is alive.
const ALIVE_EVERY: Duration = Duration::from_secs(10);
/// It is given up when it does not say so within this time; the requests on it are sent again on another.
const ALIVE_WITHIN: Duration = Duration::from_secs(10);

/// How to reach a cluster and as whom.
#[derive(Clone, Debug)]
pub struct ClusterConfig {
    /// The name people know the cluster by; errors say it.
    pub name: String,
    /// The API server's address: `https://10.0.0.1:6443`.
    pub server: String,
    /// The CA certificates the server's certificate is checked against, PEM; without it the system's.
    pub ca_pem: Option<String>,
    /// The host name to check the server's certificate against, where it is not the one in `server`.
    pub tls_server_name: Option<String>,
    /// How to sign in.
    pub credentials: Credentials,
    /// Act as another user, usually a service account (`system:serviceaccount:ns:name`).
    pub impersonate: Option<String>,
    /// How long one request may take (watches and followed logs apart).
    pub request_timeout: Duration,
    /// Where the connection tells whether the cluster answers; connections to one cluster share it.
    pub pulse: Pulse,
}

/// How to sign in to a cluster.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A bearer token.
    Token(SecretString),
    /// A file that holds the bearer token, read anew as it changes: a service account's, in a pod.
    TokenFile(PathBuf),
    /// A client certificate and its key, PEM.
    ClientCertificate {
        /// The certificate chain.
        certificate_pem: String,
        /// Its private key.
        key_pem: SecretString,
    },
}

impl ClusterConfig {
    /// A configuration with a token and the default time-out of 30 seconds.
    pub fn with_token(
        name: impl Into<String>,
        server: impl Into<String>,
        ca_pem: Option<String>,
        token: impl Into<SecretString>,
    ) -> Self {
        Self::new(name, server, ca_pem, Credentials::Token(token.into()))
    }

    /// A configuration with credentials and the default time-out of 30 seconds.
    pub fn new(
        name: impl Into<String>,
        server: impl Into<String>,
        ca_pem: Option<String>,
        credentials: Credentials,
    ) -> Self {
        Self {
            name: name.into(),
            server: server.into(),
            ca_pem,
            tls_server_name: None,
            credentials,
            impersonate: None,
            request_timeout: Duration::from_secs(30),
            pulse: Pulse::default(),
        }
    }
}

/// The ways to a cluster.
pub(super) struct Clients {
    /// For what is answered at once: many requests travel over one connection, by HTTP/2 where the server has it.
    pub(super) requests: Client,
    /// For what goes on for long, each on a connection of its own: servers limit how many streams a connection has, and
    /// one that nobody reads from would hold up the others.
    pub(super) streams: Client,
    /// What goes on for long all the same on the connection of the requests: watches of one object, which say little and are
    /// over soon. A connection of its own costs either side more than the watch itself.
    among_requests: Semaphore,
}

/// So many watches of one object go on among the requests of a connection; API servers allow a hundred streams on it.
const AMONG_REQUESTS: usize = 32;

/// A client for what goes on for long, as long as it does.
pub(super) struct StreamClient<'a> {
    pub(super) client: &'a Client,
    _place: Option<SemaphorePermit<'a>>,
}

impl Clients {
    pub(super) fn new(requests: Client, streams: Client) -> Self {
        Self { requests, streams, among_requests: Semaphore::new(AMONG_REQUESTS) }
    }

    /// For a watch of one object.
    pub(super) fn for_one(&self) -> StreamClient<'_> {
        match self.among_requests.try_acquire() {
            Ok(place) => StreamClient { client: &self.requests, _place: Some(place) },
            Err(_) => self.for_many(),
        }
    }

    /// For any other watch.
    pub(super) fn for_many(&self) -> StreamClient<'_> {
        StreamClient { client: &self.streams, _place: None }
    }
}

/// Makes the clients. Requests are retried and timed by our own rules, so `kube`'s are off.
pub(super) fn clients(config: ClusterConfig) -> Result<Clients, ClusterError> {
    let name = config.name.clone();
    let problem = |problem: String| ClusterError::Config { cluster: name.clone(), problem };
    let url = config
        .server
        .parse::<http::Uri>()
        .map_err(|error| problem(format!("`{}` is not an address: {error}", config.server)))?;
    if url.scheme_str() != Some("https") && url.scheme_str() != Some("http") {
        return Err(problem(format!("`{}` must begin with https://", config.server)));
    }
    let mut kube = Config::new(url);
    kube.default_retry = false;
    kube.connect_timeout = Some(config.request_timeout.min(Duration::from_secs(10)));
    kube.tls_server_name = config.tls_server_name;
    kube.root_cert = config.ca_pem.as_deref().map(certificates).transpose().map_err(problem)?;
    kube.headers.push((
        http::header::USER_AGENT,
        http::HeaderValue::from_static(concat!("landfall/", env!("CARGO_PKG_VERSION"))),
    ));
    match config.credentials {
        Credentials::Token(token) => kube.auth_info.token = Some(token.expose_secret().into()),
        Credentials::TokenFile(path) => {
            kube.auth_info.token_file = Some(path.to_string_lossy().into_owned());
        }
        Credentials::ClientCertificate { certificate_pem, key_pem } => {
            kube.auth_info.client_certificate_data = Some(STANDARD.encode(certificate_pem));
            kube.auth_info.client_key_data = Some(STANDARD.encode(key_pem.expose_secret()).into());
        }
    }
    kube.auth_info.impersonate = config.impersonate;
    // More than one TLS provider may be compiled in; this project uses ring everywhere. An error
    // means that one was chosen already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let requests = multiplexing(&kube).map_err(|error| problem(super::error::chain(&*error)))?;
    let streams = Client::try_from(kube).map_err(|error| problem(super::error::chain(&error)))?;
    Ok(Clients::new(requests, streams))
}

/// A client that speaks HTTP/2 where the server does; `kube`'s own has HTTP/1 alone, and makes a connection for each
/// request under way.
fn multiplexing(config: &Config) -> Result<Client, BoxError> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_connect_timeout(config.connect_timeout);
    tcp.set_nodelay(true);
    let mut tls = HttpsConnectorBuilder::new()
        .with_tls_config(config.rustls_client_config()?)
        .https_or_http();
    if let Some(name) = &config.tls_server_name {
        tls = tls.with_server_name_resolver(FixedServerNameResolver::new(name.clone().try_into()?));
    }
    let connector = tls.enable_all_versions().wrap_connector(tcp);
    let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http2_keep_alive_interval(ALIVE_EVERY)
        .http2_keep_alive_timeout(ALIVE_WITHIN)
        .build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(DecompressionLayer::new())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(http);
    Ok(Client::new(service, "default"))
}

/// The certificates of a PEM text, in DER.
fn certificates(pem: &str) -> Result<Vec<Vec<u8>>, String> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    let found: Vec<Vec<u8>> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .map(|certificate| certificate.map(|der| der.to_vec()))
        .collect::<Result<_, _>>()
        .map_err(|error| format!("the CA certificate is not valid PEM: {error}"))?;
    if found.is_empty() {
        return Err("the CA certificate holds no certificate; give it as PEM".to_owned());
    }
    Ok(found)
}
