//! The cluster's own certificate authority, its token, and the TLS listener.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hyper::rt::Executor;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    api::Api,
    store::{JournalError, Store},
};

/// How long a client may take for the TLS handshake, and for the head of a request.
const PATIENCE: Duration = Duration::from_secs(15);
/// Watches that one HTTP/2 connection may carry.
const STREAMS: u32 = 1_000;

/// Why a cluster's identity could not be made or used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate could not be made.
    #[error("could not make the simulator's certificate")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refused the certificate.
    #[error("could not use the simulator's certificate")]
    Setup(#[from] rustls::Error),
    /// The identity could not be kept in the data file.
    #[error("could not keep the simulator's identity")]
    Journal(#[from] JournalError),
}

/// Who the cluster is: its certificate authority and the token it admits.
///
/// Kept with the objects, so that a kubeconfig outlives a restart of the process.
pub(crate) struct Identity {
    /// The certificate of the authority, PEM.
    pub(crate) ca_pem: String,
    /// The bearer token.
    pub(crate) token: String,
    ca_key: KeyPair,
}

impl Identity {
    /// The identity kept in the store; a new one is made and kept if there is none.
    pub(crate) fn of(store: &Store, cluster: &str) -> Result<Self, TlsError> {
        let kept = (store.note("caCertificate"), store.note("caKey"), store.note("token"));
        if let (Some(ca_pem), Some(key), Some(token)) = kept {
            return Ok(Self { ca_pem, token, ca_key: KeyPair::from_pem(&key)? });
        }
        let ca_key = KeyPair::generate()?;
        let certificate = authority(cluster).self_signed(&ca_key)?;
        let mut random = [0; 32];
        getrandom::fill(&mut random).expect("the operating system always has random bytes");
        let identity =
            Self { ca_pem: certificate.pem(), token: URL_SAFE_NO_PAD.encode(random), ca_key };
        store.set_note("caCertificate", &identity.ca_pem)?;
        store.set_note("caKey", &identity.ca_key.serialize_pem())?;
        store.set_note("token", &identity.token)?;
        Ok(identity)
    }

    /// TLS as the server at `address`, with a certificate made for this run.
    pub(crate) fn server_config(&self, address: SocketAddr) -> Result<ServerConfig, TlsError> {
        let key = KeyPair::generate()?;
        let issuer = Issuer::from_ca_cert_pem(&self.ca_pem, &self.ca_key)?;
        let certificate = server_params(address.ip())?.signed_by(&key, &issuer)?;
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|why| rustls::Error::General(why.to_owned()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn authority(cluster: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params.distinguished_name.push(DnType::CommonName, format!("simulated cluster {cluster}"));
    params
}

fn server_params(address: IpAddr) -> Result<CertificateParams, rcgen::Error> {
    let names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
    let names = names.map(str::to_owned).to_vec();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "simulator");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    for ip in [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]), address] {
        let name = SanType::IpAddress(ip);
        if !params.subject_alt_names.contains(&name) {
            params.subject_alt_names.push(name);
        }
    }
    Ok(params)
}

/// Accepts connections until `stop`, each served by a task of its own.
pub(crate) async fn accept(
    listener: TcpListener,
    config: ServerConfig,
    api: Arc<Api>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let executor = Spawner { tasks: tasks.clone(), stop: stop.clone() };
                let connection =
                    serve(stream, acceptor.clone(), Arc::clone(&api), executor.clone());
                executor.execute(connection);
            }
            Err(error) => {
                // Out of file descriptors, most likely: those in use will come back.
                tracing::warn!(%error, "the simulator could not accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Starts tasks that end when the cluster stops, and are waited for.
///
/// HTTP/2 makes a task of every request; a watch would else outlive its cluster.
#[derive(Clone)]
struct Spawner {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl<F: Future<Output: Send> + Send + 'static> Executor<F> for Spawner {
    fn execute(&self, future: F) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            stop.run_until_cancelled(future).await;
        });
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, api: Arc<Api>, executor: Spawner) {
    // Watch events are small and should not wait for more.
    let _ = stream.set_nodelay(true);
    let stream = match tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a client broke off the TLS handshake");
            return;
        }
        Err(_) => return,
    };
    let mut builder = auto::Builder::new(executor);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS);
    let service = hyper::service::service_fn(move |request| Arc::clone(&api).serve(request));
    if let Err(error) = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await
    {
        tracing::debug!(%error, "a connection ended early");
    }
}
