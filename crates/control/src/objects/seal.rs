//! Sealing: whole contents encrypted with XChaCha20-Poly1305, bound to where they belong.
//!
//! Layout: version (1 byte), key id (8), nonce (24), ciphertext with tag. Associated data are the
//! first nine bytes and the identity of the row or object, so that bytes moved elsewhere do not open.

use std::io::{Read, Write};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::key::{Key, hmac};
use crate::error::Error;

const VERSION: u8 = 1;
const HEAD: usize = 9;
const NONCE: usize = 24;

/// Contents below this are not worth compressing.
const COMPRESS_FROM: usize = 512;
/// No content that Landfall stores is larger, so nothing larger is inflated.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Why sealed bytes do not open.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// They are cut or of an unknown version.
    #[error("{identity} is damaged")]
    Damaged { identity: String },
    /// They were sealed with a key that is not in the key file.
    #[error(
        "{identity} was encrypted with another key; put the key file back that it was made with"
    )]
    UnknownKey { identity: String },
    /// They were changed, or belong elsewhere.
    #[error("{identity} is not what was stored: it was changed or moved")]
    Forged { identity: String },
}

/// Seals and opens with the keys of the key file.
#[derive(Clone)]
pub(crate) struct Sealer {
    keys: std::sync::Arc<[Key]>,
}

impl Sealer {
    /// Takes keys; the first one seals.
    pub(crate) fn new(keys: Vec<Key>) -> Self {
        Self { keys: keys.into() }
    }

    fn current(&self) -> &Key {
        self.keys.first().expect("a key file without keys is refused when it is read")
    }

    /// The key that hashes of plans are made with.
    pub(crate) fn plan_key(&self) -> &[u8; 32] {
        &self.current().planning
    }

    /// A keyed digest of contents, for addresses.
    pub(super) fn digest(&self, kind: &str, content: &[u8]) -> [u8; 32] {
        let inner = hmac(self.current().addressing.as_slice(), content);
        hmac(&inner, kind.as_bytes())
    }

    /// Encrypts `content` for the place that `identity` names.
    pub(crate) fn seal(&self, identity: &str, content: &[u8]) -> Result<Vec<u8>, getrandom::Error> {
        let key = self.current();
        let mut sealed = Vec::with_capacity(HEAD + NONCE + content.len() + 32);
        sealed.push(VERSION);
        sealed.extend_from_slice(&key.id);
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce)?;
        sealed.extend_from_slice(&nonce);
        let packed = pack(content);
        let aad = associated(&sealed[..HEAD], identity);
        let cipher = XChaCha20Poly1305::new((&*key.sealing).into());
        let encrypted = cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: &packed, aad: &aad })
            .expect("contents are far below the cipher's limit of 256 GiB");
        sealed.extend_from_slice(&encrypted);
        Ok(sealed)
    }

    /// Decrypts what was sealed for `identity`.
    pub(crate) fn open(&self, identity: &str, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let damaged = || OpenError::Damaged { identity: identity.to_owned() };
        if sealed.len() < HEAD + NONCE || sealed[0] != VERSION {
            return Err(damaged());
        }
        let (head, rest) = sealed.split_at(HEAD);
        let (nonce, encrypted) = rest.split_at(NONCE);
        let key = self
            .keys
            .iter()
            .find(|key| key.id == head[1..])
            .ok_or_else(|| OpenError::UnknownKey { identity: identity.to_owned() })?;
        let nonce = <[u8; NONCE]>::try_from(nonce).map_err(|_| damaged())?;
        let aad = associated(head, identity);
        let cipher = XChaCha20Poly1305::new((&*key.sealing).into());
        let packed = cipher
            .decrypt(&XNonce::from(nonce), Payload { msg: encrypted, aad: &aad })
            .map_err(|_| OpenError::Forged { identity: identity.to_owned() })?;
        unpack(&packed).ok_or_else(damaged)
    }

    /// Seals a value as JSON; `doing` is what fails if that does.
    pub(crate) fn seal_json(
        &self,
        identity: &str,
        value: &(impl Serialize + ?Sized),
        doing: &'static str,
    ) -> Result<Vec<u8>, Error> {
        let json = serde_json::to_vec(value).map_err(|e| Error::internal(doing, e))?;
        self.seal(identity, &json).map_err(|e| Error::internal(doing, e))
    }

    /// Opens what [`seal_json`](Self::seal_json) sealed for `identity`.
    pub(crate) fn open_json<T: DeserializeOwned>(
        &self,
        identity: &str,
        sealed: &[u8],
        doing: &'static str,
    ) -> Result<T, Error> {
        let json = self.open(identity, sealed).map_err(|e| Error::internal(doing, e))?;
        serde_json::from_slice(&json).map_err(|e| Error::internal(doing, e))
    }
}

fn associated(head: &[u8], identity: &str) -> Vec<u8> {
    [b"landfall\0", head, identity.as_bytes()].concat()
}

/// A byte that says how, then the content, compressed where that makes it smaller.
fn pack(content: &[u8]) -> Vec<u8> {
    if content.len() >= COMPRESS_FROM {
        let mut encoder = GzEncoder::new(vec![1], Compression::fast());
        let packed = encoder.write_all(content).and_then(|()| encoder.finish());
        if let Ok(packed) = packed
            && packed.len() < content.len()
        {
            return packed;
        }
    }
    [&[0], content].concat()
}

fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    match packed.split_first()? {
        (0, content) => Some(content.to_vec()),
        (1, compressed) => {
            let mut content = Vec::new();
            GzDecoder::new(compressed).take(LARGEST).read_to_end(&mut content).ok()?;
            Some(content)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sealer(seed: u8) -> Sealer {
        Sealer::new(vec![Key::derive(&[seed; 32])])
    }

    proptest! {
        /// What was sealed opens as it was, at its own place and at no other.
        #[test]
        fn opens_only_where_it_belongs(content: Vec<u8>) {
            let sealer = sealer(1);
            let sealed = sealer.seal("apps/app_1/registry_password", &content).unwrap();
            let opened = sealer.open("apps/app_1/registry_password", &sealed).unwrap();
            prop_assert_eq!(&opened, &content);
            let elsewhere = sealer.open("apps/app_2/registry_password", &sealed);
            prop_assert!(matches!(elsewhere, Err(OpenError::Forged { .. })), "not forged");
        }
    }

    /// A changed bit anywhere is found, a cut is damage, and another key says so.
    #[test]
    fn changes_are_found() {
        let sealed = sealer(1).seal("place", b"secret").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(sealer(1).open("place", &changed).is_err(), "byte {at}");
        }
        assert!(matches!(sealer(1).open("place", &sealed[..20]), Err(OpenError::Damaged { .. })));
        let refused = sealer(2).open("place", &sealed).unwrap_err().to_string();
        assert!(refused.contains("encrypted with another key"), "{refused}");
    }

    /// Long contents are compressed before they are encrypted.
    #[test]
    fn long_contents_shrink() {
        let content = b"replicas: 3\n".repeat(1000);
        let sealed = sealer(1).seal("place", &content).unwrap();
        assert!(sealed.len() < content.len() / 10);
        assert_eq!(sealer(1).open("place", &sealed).unwrap(), content);
    }

    /// A new key on top opens what an older one sealed.
    #[test]
    fn older_keys_still_open() {
        let sealed = sealer(1).seal("place", b"secret").unwrap();
        let both = Sealer::new(vec![Key::derive(&[2; 32]), Key::derive(&[1; 32])]);
        assert_eq!(both.open("place", &sealed).unwrap(), b"secret");
    }
}
