//! Certificates that people upload for their domains: read, put in order, and checked before anything depends on them. Pure.
//!
//! What is checked is what browsers would stumble over: whether the key fits, the names cover the host, the time is right,
//! and the chain leads from the certificate to an authority. Whether that authority is trusted is not asked: companies
//! have their own.

use jiff::Timestamp;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error as TlsError, InconsistentKeys};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;

use super::Host;
use crate::error::{Checks, Error, Problem};
use crate::objects::hex;

/// Bytes of what is uploaded, at most: well above any chain.
const LONGEST: usize = 64 * 1024;
/// Certificates of one chain.
const CHAIN: usize = 10;

/// A certificate as people are shown it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Certificate {
    /// The hosts it is for.
    pub names: Vec<String>,
    /// Who issued it.
    pub issuer: String,
    /// How many certificates lead from it to its authority, itself included.
    pub chain: i64,
    /// SHA-256 of it.
    pub fingerprint: String,
    /// From when it is valid.
    pub begins_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}

impl Certificate {
    /// Whole days that it is still valid; negative once it has expired.
    pub fn days_left(&self) -> i64 {
        days_until(self.expires_at)
    }
}

/// Whole days until a time; negative once it has passed.
pub fn days_until(time: Timestamp) -> i64 {
    let seconds = time.as_second() - Timestamp::now().as_second();
    seconds.div_euclid(24 * 60 * 60)
}

/// What is uploaded; texts as typed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct NewCertificate {
    /// The certificate and those that lead to its authority, in PEM.
    #[serde(default)]
    pub certificate: String,
    /// Its private key, in PEM, without a passphrase.
    #[serde(default)]
    #[schema(value_type = String, format = Password)]
    pub key: secrecy::SecretString,
}

/// A certificate that was checked: chain and key in PEM, as they are sealed.
#[derive(Serialize, Deserialize)]
pub(crate) struct Pair {
    pub(crate) chain_pem: String,
    pub(crate) key_pem: String,
}

/// Reads and checks a certificate with its key for a host.
pub(crate) fn read(host: &Host, chain: &str, key: &str) -> Result<(Certificate, Pair), Error> {
    let mut checks = Checks::default();
    let certificates = checks.take(read_certificates(chain))?;
    let key_der = checks.take(read_key(key))?;
    checks.done()?;
    let (Some(certificates), Some(key_der)) = (certificates, key_der) else {
        return Err(Error::internal("check a certificate", "nothing was checked"));
    };
    let mut parsed = Vec::new();
    for der in &certificates {
        let read = X509Certificate::from_der(der);
        let (_, certificate) =
            read.map_err(|_| unreadable("It holds something that is no certificate."))?;
        parsed.push(certificate);
    }
    let leaf = fitting(&certificates, &key_der)?;
    let order = in_order(&parsed, leaf)?;
    let certificate = described(&parsed[leaf], &certificates[leaf], order.len())?;
    if let Some(problem) = problem(host, &parsed[leaf], &certificate) {
        return Err(Error::Invalid(crate::error::Invalid { problems: vec![problem] }));
    }
    for at in order.iter().skip(1) {
        if !parsed[*at].validity().is_valid() {
            let message =
                format!("The certificate of `{}` in the chain has expired.", subject(&parsed[*at]));
            return Err(Error::invalid(
                CERTIFICATE,
                message,
                "Upload the chain that the authority gives out now.",
            ));
        }
    }
    let chain_pem = order.iter().map(|at| written("CERTIFICATE", &certificates[*at])).collect();
    let label = match &key_der {
        PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
        PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
        _ => "PRIVATE KEY",
    };
    let key_pem = written(label, key_der.secret_der());
    Ok((certificate, Pair { chain_pem, key_pem }))
}

const CERTIFICATE: &str = "certificate";
const KEY: &str = "key";

fn unreadable(message: &str) -> Error {
    Error::invalid(CERTIFICATE, message, "Give it in PEM: -----BEGIN CERTIFICATE----- and so on.")
}

fn read_certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    if text.trim().is_empty() {
        return Err(unreadable("The certificate is missing."));
    }
    if text.len() > LONGEST {
        return Err(unreadable("This is larger than any certificate with its chain."));
    }
    let read: Result<Vec<_>, pem::Error> =
        CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match read {
        Ok(found) if found.is_empty() => Err(unreadable("It holds no certificate.")),
        Ok(found) if found.len() > CHAIN => {
            Err(unreadable("It holds more certificates than a chain has."))
        }
        Ok(found) => Ok(found),
        Err(_) => Err(unreadable("It cannot be read.")),
    }
}

fn read_key(text: &str) -> Result<PrivateKeyDer<'static>, Error> {
    const FORM: &str = "Give it in PEM: -----BEGIN PRIVATE KEY----- and so on.";
    let wrong = |message: &str, remedy: &str| Err(Error::invalid(KEY, message, remedy));
    if text.trim().is_empty() {
        return wrong("The private key is missing.", FORM);
    }
    if text.contains("ENCRYPTED") {
        return wrong(
            "The private key is locked with a passphrase.",
            "Unlock it first: openssl pkey -in KEY.",
        );
    }
    match PrivateKeyDer::from_pem_slice(text.as_bytes()) {
        Ok(key) => Ok(key),
        Err(_) => wrong("This is no private key.", FORM),
    }
}

/// The certificate that belongs to the key.
fn fitting(
    certificates: &[CertificateDer<'static>],
    key: &PrivateKeyDer<'static>,
) -> Result<usize, Error> {
    let provider = rustls::crypto::ring::default_provider();
    for (at, certificate) in certificates.iter().enumerate() {
        match CertifiedKey::from_der(vec![certificate.clone()], key.clone_key(), &provider) {
            Ok(_) => return Ok(at),
            Err(TlsError::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {}
            Err(_) => {
                let message = "Keys of this kind are not used for TLS.";
                return Err(Error::invalid(KEY, message, "Use an RSA, ECDSA or Ed25519 key."));
            }
        }
    }
    let message = "The private key belongs to none of these certificates.";
    Err(Error::invalid(KEY, message, "Give the key that the certificate was requested with."))
}

/// The chain from the certificate up, whatever order it was given in.
fn in_order(parsed: &[X509Certificate<'_>], leaf: usize) -> Result<Vec<usize>, Error> {
    let mut order = vec![leaf];
    loop {
        let last = &parsed[order[order.len() - 1]];
        if last.subject().as_raw() == last.issuer().as_raw() {
            break;
        }
        let issued = |it: &X509Certificate<'_>| {
            it.subject().as_raw() == last.issuer().as_raw()
                && last.verify_signature(Some(it.public_key())).is_ok()
        };
        let next = (0..parsed.len()).find(|at| !order.contains(at) && issued(&parsed[*at]));
        match next {
            Some(next) => order.push(next),
            None => break,
        }
    }
    let last = &parsed[order[order.len() - 1]];
    let complete = order.len() > 1 || last.subject().as_raw() == last.issuer().as_raw();
    let left_over = (0..parsed.len()).find(|at| !order.contains(at));
    if !complete || left_over.is_some() {
        let message = match left_over {
            Some(other) if complete => format!(
                "The certificate of `{}` does not belong to this chain.",
                subject(&parsed[other])
            ),
            _ => format!(
                "The chain is not whole: the certificate of `{}`, which issued that of `{}`, is missing.",
                named(last.issuer()),
                subject(last)
            ),
        };
        let remedy = "Add the certificates between it and its authority, as the authority gives them out (fullchain.pem, ca-bundle).";
        return Err(Error::invalid(CERTIFICATE, message, remedy));
    }
    Ok(order)
}

fn described(
    parsed: &X509Certificate<'_>,
    der: &CertificateDer<'_>,
    chain: usize,
) -> Result<Certificate, Error> {
    let time = |seconds: i64| {
        Timestamp::from_second(seconds)
            .map_err(|_| unreadable("Its time of validity cannot be read."))
    };
    let mut names = Vec::new();
    if let Ok(Some(alternative)) = parsed.subject_alternative_name() {
        names.extend(alternative.value.general_names.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        }));
    }
    Ok(Certificate {
        names,
        issuer: named(parsed.issuer()),
        chain: i64::try_from(chain).unwrap_or(i64::MAX),
        fingerprint: hex(&Sha256::digest(der)),
        begins_at: time(parsed.validity().not_before.timestamp())?,
        expires_at: time(parsed.validity().not_after.timestamp())?,
    })
}

/// What is wrong with a certificate for a host.
fn problem(host: &Host, parsed: &X509Certificate<'_>, shown: &Certificate) -> Option<Problem> {
    let now = Timestamp::now();
    let tell = |message: String, remedy: &str| Some(Problem::new(CERTIFICATE, message, remedy));
    if shown.names.is_empty() {
        return tell(
            "The certificate names no host (subject alternative names).".to_owned(),
            "Request one that does: browsers look at nothing else.",
        );
    }
    if !shown.names.iter().any(|name| host.is_covered_by(name)) {
        let names = shown.names.join(", ");
        return tell(
            format!("The certificate is for {names}, not for `{host}`."),
            "Upload one whose names cover the host.",
        );
    }
    if shown.expires_at <= now {
        let day = shown.expires_at.strftime("%-d %B %Y");
        return tell(format!("The certificate expired on {day}."), "Upload one that is valid.");
    }
    if shown.begins_at > now {
        let day = shown.begins_at.strftime("%-d %B %Y");
        return tell(
            format!("The certificate is valid only from {day}."),
            "Upload one that is valid now.",
        );
    }
    if let Ok(Some(usage)) = parsed.extended_key_usage()
        && !usage.value.server_auth
        && !usage.value.any
    {
        return tell(
            "The certificate is not meant for servers (extended key usage).".to_owned(),
            "Request one for TLS servers.",
        );
    }
    None
}

fn subject(certificate: &X509Certificate<'_>) -> String {
    named(certificate.subject())
}

/// The common name, else the whole.
fn named(name: &X509Name<'_>) -> String {
    let common = name.iter_common_name().next().and_then(|it| it.as_str().ok());
    let text = common.map_or_else(|| name.to_string(), str::to_owned);
    text.chars().take(200).collect()
}

fn written(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out + "-----END " + label + "-----\n"
}
