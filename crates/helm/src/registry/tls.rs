//! Helm's TLS options, put into an HTTP client: own authorities, a client certificate, no check.

use std::path::{Path, PathBuf};

use reqwest::{Certificate, ClientBuilder, Identity};

/// What TLS connections are made with; empty means the system's authorities and no certificate.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// `--ca-file`: the only authorities to trust.
    pub ca_file: Option<PathBuf>,
    /// `--cert-file`: the client's certificate; needs [`Self::key_file`].
    pub cert_file: Option<PathBuf>,
    /// `--key-file`: the certificate's key.
    pub key_file: Option<PathBuf>,
    /// `--insecure-skip-tls-verify`: whoever answers is believed.
    pub insecure: bool,
}

/// Why TLS options cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("can't create TLS config for client: can't read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file has no certificate or key in it.
    #[error("can't create TLS config for client: {} is not usable", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: reqwest::Error,
    },
}

impl TlsOptions {
    /// The builder with these options. As in Helm a certificate counts only with its key, and own
    /// authorities take the place of the system's.
    pub fn apply(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, TlsError> {
        if self.insecure {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        if let Some(path) = &self.ca_file {
            let content = |source| TlsError::Content { path: path.clone(), source };
            let authorities = Certificate::from_pem_bundle(&read(path)?).map_err(content)?;
            builder = builder.tls_certs_only(authorities);
        }
        if let (Some(certificate), Some(key)) = (&self.cert_file, &self.key_file) {
            let mut pem = read(certificate)?;
            pem.push(b'\n');
            pem.extend(read(key)?);
            let content = |source| TlsError::Content { path: certificate.clone(), source };
            builder = builder.identity(Identity::from_pem(&pem).map_err(content)?);
        }
        Ok(builder)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source })
}
