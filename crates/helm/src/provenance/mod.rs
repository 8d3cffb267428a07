//! Provenance of chart archives: who packed this archive, and is it still what they packed?
//!
//! `helm package --sign` puts a file `<archive>.prov` beside the archive: the chart's metadata and
//! the archive's SHA-256, clear-signed with OpenPGP. [`verify`] checks such a file against a
//! [`Keyring`] and the archive, [`sign`] makes one that Helm accepts. Both work on bytes, so that it
//! does not matter where they came from; [`verify_file`] is `helm verify` on a path. Errors carry
//! Helm's words.
//!
//! Only what Helm uses of OpenPGP is here (`openpgp`): keys of version 4 that are RSA, ECDSA on the
//! NIST curves or Ed25519. Nothing is fetched, no trust is computed: a key is trusted because it is
//! in the keyring.

mod clear;
mod openpgp;

pub use openpgp::{Keyring, OpenPgpError, Signer};

use crate::hexadecimal::hexadecimal;
use sha2::{Digest, Sha256};
use std::path::Path;

/// What a valid provenance file tells. Displayed as Helm prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The identities of the key that signed, `Name <mail>`.
    pub signed_by: Vec<String>,
    /// The fingerprint of the signer's primary key, in upper-case hexadecimal digits.
    pub fingerprint: String,
    /// The archive's digest, `sha256:…`.
    pub digest: String,
}

impl std::fmt::Display for Verification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for name in &self.signed_by {
            writeln!(f, "Signed by: {name}")?;
        }
        writeln!(f, "Using Key With Fingerprint: {}", self.fingerprint)?;
        writeln!(f, "Chart Hash Verified: {}", self.digest)
    }
}

/// Why an archive's provenance does not hold, or cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ProvenanceError {
    /// A directory has no provenance.
    #[error("unpacked charts cannot be verified")]
    Unpacked,
    /// The file's name is not that of an archive.
    #[error("chart must be a tgz file")]
    NoArchive,
    /// The file is no clear-signed text.
    #[error("signature block not found")]
    NoSignature,
    /// The signature, the key or the keyring.
    #[error(transparent)]
    OpenPgp(#[from] OpenPgpError),
    /// The signed text has no list of files.
    #[error("message block must have at least two parts")]
    NoFiles,
    /// The list of files is no YAML.
    #[error(transparent)]
    Yaml(#[from] goyaml::ParseError),
    /// The signed text speaks of other files.
    #[error("provenance does not contain a SHA for a file named {}", gotemplate::print::quote(.0))]
    NotListed(String),
    /// The archive is not the one that was signed.
    #[error("sha256 sum does not match for {name}: {} != {}", gotemplate::print::quote(.signed), gotemplate::print::quote(.actual))]
    Mismatch {
        /// The archive's name.
        name: String,
        /// The digest that was signed.
        signed: String,
        /// The digest it has.
        actual: String,
    },
    /// The keyring's file.
    #[error("failed to load keyring: {0}")]
    Keyring(String),
    /// The provenance file.
    #[error("could not load provenance file {path}: {problem}")]
    ProvenanceFile {
        /// The file.
        path: String,
        /// Why it cannot be read.
        problem: String,
    },
    /// The archive's file.
    #[error("{0}")]
    File(String),
}

/// Files larger than this are no keyrings and no provenance files.
const MAX_FILE: u64 = 16 << 20;

/// Checks that `provenance` is signed by a key of `keyring` and names `archive` by its name and digest.
///
/// `now` is in seconds since 1970: keys and signatures expire.
pub fn verify(
    archive: &[u8],
    name: &str,
    provenance: &[u8],
    keyring: &Keyring,
    now: u64,
) -> Result<Verification, ProvenanceError> {
    let message = clear::decode(provenance).ok_or(ProvenanceError::NoSignature)?;
    let signature = openpgp::armor::body(&message.armor)?;
    let signer = keyring.check(&message.canonical, &signature, now)?;
    let actual = digest(archive);
    let signed = signed_digest(&message.text, name)?;
    if signed != actual {
        return Err(ProvenanceError::Mismatch { name: name.to_owned(), signed, actual });
    }
    Ok(Verification {
        signed_by: signer.identities().map(str::to_owned).collect(),
        fingerprint: signer.fingerprint(),
        digest: actual,
    })
}

/// Signs an archive: the text of its provenance file.
///
/// `metadata` is the chart's metadata as `Chart.yaml` of the archive has it.
pub fn sign(
    archive: &[u8],
    name: &str,
    metadata: &str,
    signer: &Signer,
    now: u64,
) -> Result<String, ProvenanceError> {
    let mut files = goyaml::Map::new();
    files.insert(name, goyaml::Value::String(digest(archive).into()));
    let mut sums = goyaml::Map::new();
    sums.insert("files", goyaml::Value::Map(files));
    let sums = goyaml::to_string(&goyaml::Value::Map(sums))
        .map_err(|error| ProvenanceError::File(error.to_string()))?;
    let text = format!("{metadata}\n...\n{sums}");
    let signature = signer.sign(&clear::canonical(&text), now)?;
    Ok(clear::encode(&text, &openpgp::armor::signature(&signature)))
}

/// `helm verify PATH --keyring KEYRING`.
pub fn verify_file(
    path: &Path,
    provenance: &Path,
    keyring: &Path,
    now: u64,
) -> Result<Verification, ProvenanceError> {
    let found = std::fs::metadata(path)
        .map_err(|error| ProvenanceError::File(told("stat", path, &error)))?;
    if found.is_dir() {
        return Err(ProvenanceError::Unpacked);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    check_name(&name)?;
    let not_loaded = |problem| ProvenanceError::ProvenanceFile {
        path: provenance.display().to_string(),
        problem,
    };
    std::fs::metadata(provenance).map_err(|error| not_loaded(told("stat", provenance, &error)))?;
    let keys = keyring_for_verifying(keyring)?;
    let archive =
        std::fs::read(path).map_err(|error| ProvenanceError::File(told("open", path, &error)))?;
    let signed = read(provenance).map_err(not_loaded)?;
    verify(&archive, &name, &signed, &keys, now)
}

/// [`verify_file`] for an archive and provenance that were fetched; `name` is the archive's file name.
pub fn verify_fetched(
    archive: &[u8],
    name: &str,
    provenance: &[u8],
    keyring: &Path,
    now: u64,
) -> Result<Verification, ProvenanceError> {
    check_name(name)?;
    verify(archive, name, provenance, &keyring_for_verifying(keyring)?, now)
}

/// Reads the keyring at a path, in whichever form it is.
pub fn read_keyring(path: &Path) -> Result<Keyring, ProvenanceError> {
    Ok(Keyring::read(&read(path).map_err(ProvenanceError::File)?)?)
}

fn keyring_for_verifying(path: &Path) -> Result<Keyring, ProvenanceError> {
    read_keyring(path).map_err(|error| ProvenanceError::Keyring(error.to_string()))
}

/// Like Helm, an archive is known by the end of its name.
fn check_name(name: &str) -> Result<(), ProvenanceError> {
    let end = Path::new(name).extension().unwrap_or_default();
    if end.eq_ignore_ascii_case("tgz") { Ok(()) } else { Err(ProvenanceError::NoArchive) }
}

/// Reads a keyring or provenance file, with Go's words when that fails.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let size = std::fs::metadata(path).map_err(|error| told("open", path, &error))?.len();
    if size > MAX_FILE {
        return Err(format!("{} is larger than {MAX_FILE} bytes", path.display()));
    }
    std::fs::read(path).map_err(|error| told("open", path, &error))
}

/// `open FILE: no such file or directory`, as Go says it.
fn told(what: &str, path: &Path, error: &std::io::Error) -> String {
    let reason = match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    format!("{what} {}: {reason}", path.display())
}

fn digest(archive: &[u8]) -> String {
    format!("sha256:{}", hexadecimal(&Sha256::digest(archive)))
}

/// The digest that the signed text gives for the archive.
fn signed_digest(text: &str, name: &str) -> Result<String, ProvenanceError> {
    let sums = text.split("\n...\n").nth(1).ok_or(ProvenanceError::NoFiles)?;
    let sums = goyaml::parse(sums)?;
    let found = sums.get("files").and_then(|files| files.get(name)).and_then(goyaml::Value::as_str);
    found.map(str::to_owned).ok_or_else(|| ProvenanceError::NotListed(name.to_owned()))
}
