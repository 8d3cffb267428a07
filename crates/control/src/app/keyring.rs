//! The keyring of an App: whose signatures on charts are believed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use helm::provenance::Keyring;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, sentence};

/// Longest keyring, in bytes: some hundred keys with their signatures.
const LONGEST: usize = 1024 * 1024;

const FIELD: &str = "keyring";

/// A key of a keyring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrustedKey {
    /// Whose it is, each as `Name <mail>`.
    pub names: Vec<String>,
    /// The fingerprint of its primary key, in upper-case hexadecimal digits.
    pub fingerprint: String,
}

/// A keyring that was read.
pub(super) struct ReadKeyring {
    pub(super) bytes: Vec<u8>,
    pub(super) keys: Vec<TrustedKey>,
}

/// Reads a keyring as typed: armored, or binary in base64. What is wrong is told at `keyring`.
pub(super) fn read(text: &str) -> Result<ReadKeyring, Error> {
    const FORM: &str = "Give what `gpg --armor --export` prints, or the keyring's file in base64.";
    let wrong = |message: &str, remedy: &str| Err(Error::invalid(FIELD, message, remedy));
    let bytes = if text.contains("-----BEGIN PGP") {
        text.as_bytes().to_vec()
    } else {
        let plain: String = text.split_whitespace().collect();
        match STANDARD.decode(plain) {
            Ok(bytes) => bytes,
            Err(_) => return wrong("This is neither an armored keyring nor base64.", FORM),
        }
    };
    if bytes.len() > LONGEST {
        return wrong("This keyring is too large.", "Give only the keys that sign, 1 MiB at most.");
    }
    let keyring = match Keyring::read(&bytes) {
        Ok(keyring) => keyring,
        Err(e) => return wrong(&sentence(&format!("this is not a keyring: {e}")), FORM),
    };
    if keyring.is_empty() {
        return wrong("This keyring has no key.", FORM);
    }
    if keyring.has_secret_keys() {
        let remedy = "Give the public keys: `gpg --armor --export` prints them.";
        return wrong("This keyring has secret keys, which nobody else should have.", remedy);
    }
    let keys = keyring.keys().map(|(names, fingerprint)| TrustedKey { names, fingerprint });
    let keys = keys.collect();
    Ok(ReadKeyring { bytes, keys })
}
