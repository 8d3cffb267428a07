//! Keyrings: files of keys in any of the forms in which they are kept.

use super::OpenPgpError;
use super::entity::Entity;
use super::packet::{self, Packet};
use super::secret::SecretKey;
use super::signature::{self, Signature};
use super::{armor, key};

/// Keys that are trusted, or that can sign.
#[derive(Debug, Default)]
pub struct Keyring {
    entities: Vec<Entity>,
}

/// A secret key, ready to sign.
#[derive(Debug)]
pub struct Signer {
    key: key::PublicKey,
    secret: SecretKey,
}

impl Keyring {
    /// Reads a keyring: binary, armored, or a keybox of GnuPG.
    ///
    /// Keys that cannot be read are left out, as long as one can be.
    pub fn read(file: &[u8]) -> Result<Self, OpenPgpError> {
        if file.get(8..12) == Some(b"KBXf") {
            return Self::from_packets(&packet::read(&keybox(file)?)?);
        }
        let armored =
            file.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(u8::is_ascii);
        if !armored {
            return Self::from_packets(&packet::read(file)?);
        }
        let text = String::from_utf8_lossy(file);
        Self::from_packets(&packet::read(&armor::keys(&text)?)?)
    }

    fn from_packets(packets: &[Packet]) -> Result<Self, OpenPgpError> {
        let mut entities = Vec::new();
        let mut refused = None;
        let primary =
            |packet: &Packet| matches!(packet.tag, packet::PUBLIC_KEY | packet::SECRET_KEY);
        let mut rest = packets;
        while !rest.is_empty() {
            let next = rest[1..].iter().position(primary).map_or(rest.len(), |at| at + 1);
            match Entity::read(&rest[..next]) {
                Ok(entity) => entities.push(entity),
                Err(error) => refused = Some(error),
            }
            rest = &rest[next..];
        }
        match refused {
            Some(error) if entities.is_empty() => Err(error),
            _ => Ok(Self { entities }),
        }
    }

    /// Whether no key is in it.
    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    /// Whether a secret key is in it, locked or not.
    pub fn has_secret_keys(&self) -> bool {
        self.entities.iter().any(|entity| entity.secret.is_some())
    }

    /// The keys in it, each as its names and its fingerprint.
    pub fn keys(&self) -> impl Iterator<Item = (Vec<String>, String)> {
        self.entities
            .iter()
            .map(|entity| (entity.identities().map(str::to_owned).collect(), entity.fingerprint()))
    }

    /// Finds who signed `text`, given the packets of a detached signature.
    pub(in crate::provenance) fn check(
        &self,
        text: &[u8],
        packets: &[u8],
        now: u64,
    ) -> Result<&Entity, OpenPgpError> {
        for packet in packet::read(packets)? {
            if packet.tag != packet::SIGNATURE {
                return Err(OpenPgpError::invalid("non signature packet found"));
            }
            let signature = match Signature::read(&packet.body, false) {
                Err(OpenPgpError::Unsupported(_)) => continue,
                other => other?,
            };
            let issuer = signature
                .issuer
                .ok_or_else(|| OpenPgpError::invalid("signature doesn't have an issuer"))?;
            let mut failed = None;
            for entity in &self.entities {
                for usable in entity.signing_keys(issuer) {
                    match check_text(usable.key, &signature, text) {
                        Ok(()) => {
                            return entity.check_terms(&usable, &signature, now).map(|()| entity);
                        }
                        Err(error) => failed = Some(error),
                    }
                }
            }
            if let Some(error) = failed {
                return Err(error);
            }
        }
        Err(OpenPgpError::UnknownSigner)
    }

    /// Finds the key to sign with: the one with exactly this name, else the only one whose name contains
    /// it. `passphrase` is asked only when the key is locked; it gets the key's name.
    pub fn signer<E: From<OpenPgpError>>(
        &self,
        name: &str,
        passphrase: impl FnOnce(&str) -> Result<Vec<u8>, E>,
    ) -> Result<Signer, E> {
        let entity = self.named(name)?.ok_or(OpenPgpError::NoKey)?;
        let secret = entity.secret.as_ref().ok_or(OpenPgpError::NotPrivate)?;
        let secret = match secret {
            SecretKey::Locked(_) => {
                let identity =
                    entity.identities().find(|name| !name.is_empty()).unwrap_or("Unknown");
                secret.unlock(&zeroize::Zeroizing::new(passphrase(identity)?))?
            }
            open => open.clone(),
        };
        Ok(Signer { key: entity.key.clone(), secret })
    }

    fn named(&self, name: &str) -> Result<Option<&Entity>, OpenPgpError> {
        let mut candidates = Vec::new();
        for entity in &self.entities {
            for identity in entity.identities() {
                if identity == name {
                    return Ok(Some(entity));
                }
                if identity.contains(name) {
                    candidates.push(entity);
                }
            }
        }
        if candidates.len() > 1 {
            return Err(OpenPgpError::Vague(name.to_owned()));
        }
        Ok(candidates.pop())
    }
}

impl Signer {
    /// The packet of a signature over a text in its canonical form.
    pub(in crate::provenance) fn sign(
        &self,
        text: &[u8],
        now: u64,
    ) -> Result<Vec<u8>, OpenPgpError> {
        signature::make(&self.key, text, now, |hash, digest| {
            self.secret.sign(&self.key, hash, digest)
        })
    }
}

fn check_text(
    key: &key::PublicKey,
    signature: &Signature,
    text: &[u8],
) -> Result<(), OpenPgpError> {
    if signature.kind > signature::TEXT {
        return Err(OpenPgpError::unsupported(format!(
            "unsupported signature type: {}",
            signature.kind
        )));
    }
    key.check(signature, &[text])
}

/// The key packets of a GnuPG keybox: a list of blobs, each with its length before it.
fn keybox(file: &[u8]) -> Result<Vec<u8>, OpenPgpError> {
    const OPENPGP_BLOB: u8 = 2;
    let number = |bytes: &[u8], at: usize| {
        let four = bytes.get(at..at + 4).ok_or(OpenPgpError::Truncated)?;
        let number = u32::from_be_bytes([four[0], four[1], four[2], four[3]]);
        usize::try_from(number).map_err(|_| OpenPgpError::Truncated)
    };
    let mut keys = Vec::new();
    let mut rest = file;
    while !rest.is_empty() {
        let length = number(rest, 0)?;
        if length < 5 {
            return Err(OpenPgpError::Truncated);
        }
        let (blob, after) = rest.split_at_checked(length).ok_or(OpenPgpError::Truncated)?;
        if blob[4] == OPENPGP_BLOB {
            let (start, size) = (number(blob, 8)?, number(blob, 12)?);
            let end = start.checked_add(size).ok_or(OpenPgpError::Truncated)?;
            keys.extend_from_slice(blob.get(start..end).ok_or(OpenPgpError::Truncated)?);
        }
        rest = after;
    }
    Ok(keys)
}
