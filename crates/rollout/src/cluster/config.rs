//! How to reach a cluster and as whom.
//!
//! Addresses, certificates and secrets are given as text: no plug-in is run, and no file is read but the token that Kubernetes
//! gives to a pod and renews. Whoever offers kubeconfigs takes them apart before they come here.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::{Client, Config};
use secrecy::{ExposeSecret as _, SecretString};

use super::{ClusterError, Pulse};

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

/// Makes the client. Requests are retried and timed by our own rules, so `kube`'s are off.
pub(super) fn client(config: ClusterConfig) -> Result<Client, ClusterError> {
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
    Client::try_from(kube).map_err(|error| problem(super::error::chain(&error)))
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
