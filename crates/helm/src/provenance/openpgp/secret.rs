//! Secret keys: read, unlocked with a passphrase, and used to sign.

use super::OpenPgpError;
use super::crypto::{self, Hash};
use super::key::{self, Material, PublicKey};
use super::packet::{Cursor, write_integer};
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use zeroize::Zeroizing;

/// The secret part of a key, perhaps locked.
#[derive(Clone)]
pub(super) enum SecretKey {
    Open(Zeroizing<Vec<u8>>),
    Locked(Lock),
    /// A stub: the secret is on a card, or was taken away.
    Absent,
}

/// How a secret is locked.
#[derive(Clone)]
pub(super) struct Lock {
    usage: u8,
    key_bytes: usize,
    derivation: Derivation,
    start: [u8; 16],
    data: Vec<u8>,
}

/// How a passphrase becomes a key.
#[derive(Clone)]
struct Derivation {
    hash: Hash,
    salt: Vec<u8>,
    /// How many bytes are hashed; at least the salted passphrase once.
    count: usize,
}

const SHA1_CHECKED: u8 = 254;
const SUM_CHECKED: u8 = 255;

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey")
    }
}

impl SecretKey {
    /// Reads what follows the public part.
    pub(super) fn read(input: &mut Cursor<'_>) -> Result<Self, OpenPgpError> {
        let usage = input.byte()?;
        match usage {
            0 => return Ok(Self::Open(summed(input.0)?)),
            SHA1_CHECKED | SUM_CHECKED => {}
            _ => return Err(OpenPgpError::unsupported("deprecated s2k function in private key")),
        }
        let cipher = input.byte()?;
        let Some(derivation) = Derivation::read(input)? else { return Ok(Self::Absent) };
        let key_bytes = match cipher {
            7 => 16,
            8 => 24,
            9 => 32,
            _ => {
                return Err(OpenPgpError::unsupported(
                    "unsupported cipher function in private key",
                ));
            }
        };
        let mut start = [0; 16];
        start.copy_from_slice(input.take(16)?);
        let data = input.take(input.0.len())?.to_vec();
        Ok(Self::Locked(Lock { usage, key_bytes, derivation, start, data }))
    }

    /// Opens a locked key.
    pub(super) fn unlock(&self, passphrase: &[u8]) -> Result<Self, OpenPgpError> {
        let Self::Locked(lock) = self else { return Ok(self.clone()) };
        let key = lock.derivation.key(passphrase, lock.key_bytes);
        let data = Zeroizing::new(decrypt(&key, lock.start, &lock.data)?);
        if lock.usage == SUM_CHECKED {
            return Ok(Self::Open(summed(&data)?));
        }
        let at = data.len().checked_sub(20).ok_or_else(truncated)?;
        if Hash::Sha1.digest(&[&data[..at]]) != data[at..] {
            return Err(checksum());
        }
        Ok(Self::Open(Zeroizing::new(data[..at].to_vec())))
    }

    /// The numbers of a signature over a digest, as a signature packet ends with them.
    pub(super) fn sign(
        &self,
        public: &PublicKey,
        hash: Hash,
        digest: &[u8],
    ) -> Result<Vec<u8>, OpenPgpError> {
        let secret = match self {
            Self::Open(secret) => secret,
            Self::Locked(_) => {
                return Err(OpenPgpError::Argument("signing with encrypted key".into()));
            }
            Self::Absent => return Err(OpenPgpError::Dummy("dummy key found")),
        };
        let mut input = Cursor(secret);
        let unusable = || OpenPgpError::invalid("private key does not fit its public key");
        let mut out = Vec::new();
        let (first, second) = match &public.material {
            Material::Rsa { n, e } => {
                let numbers = [input.integer()?, input.integer()?, input.integer()?];
                let signed =
                    crypto::rsa_sign([n, e], numbers, hash, digest).ok_or_else(unusable)?;
                write_integer(&mut out, &signed);
                return Ok(out);
            }
            Material::Ecdsa { curve, .. } => crypto::ecdsa_sign(*curve, input.integer()?, digest),
            Material::Ed25519 { point } if public.algorithm == key::ED25519 => {
                let (first, second) =
                    crypto::ed25519_sign(input.take(32)?, point, digest).ok_or_else(unusable)?;
                return Ok([first, second].concat());
            }
            Material::Ed25519 { point } => crypto::ed25519_sign(input.integer()?, point, digest),
            Material::Other => {
                let told = format!("public key algorithm: {}", public.algorithm);
                return Err(OpenPgpError::unsupported(told));
            }
        }
        .ok_or_else(unusable)?;
        write_integer(&mut out, &first);
        write_integer(&mut out, &second);
        Ok(out)
    }
}

impl Derivation {
    /// `None` stands for GnuPG's stub of a key that is not there.
    fn read(input: &mut Cursor<'_>) -> Result<Option<Self>, OpenPgpError> {
        let mode = input.byte()?;
        if mode == 101 {
            return Ok(None);
        }
        let hash = Hash::from_number(input.byte()?)?;
        let salt = if mode == 0 { Vec::new() } else { input.take(8)?.to_vec() };
        let count = match mode {
            0 | 1 => 0,
            3 => {
                let coded = input.byte()?;
                (16 + usize::from(coded & 15)) << (u32::from(coded >> 4) + 6)
            }
            _ => return Err(OpenPgpError::unsupported("S2K function")),
        };
        Ok(Some(Self { hash, salt, count }))
    }

    fn key(&self, passphrase: &[u8], size: usize) -> Zeroizing<Vec<u8>> {
        let once = Zeroizing::new([&self.salt, passphrase].concat());
        let count = self.count.max(once.len());
        let (whole, rest) =
            if once.is_empty() { (0, 0) } else { (count / once.len(), count % once.len()) };
        let mut key = Zeroizing::new(Vec::new());
        let mut zeros = Vec::new();
        while key.len() < size {
            let mut parts: Vec<&[u8]> = vec![&zeros];
            parts.extend(std::iter::repeat_n(&once[..], whole));
            parts.push(&once[..rest]);
            key.extend(self.hash.digest(&parts));
            zeros.push(0);
        }
        key.truncate(size);
        key
    }
}

/// AES in OpenPGP's feedback mode.
fn decrypt(key: &[u8], start: [u8; 16], data: &[u8]) -> Result<Vec<u8>, OpenPgpError> {
    fn run<C: BlockCipherEncrypt + KeyInit>(
        key: &[u8],
        start: [u8; 16],
        data: &[u8],
    ) -> Option<Vec<u8>> {
        let cipher = C::new_from_slice(key).ok()?;
        let mut previous = start.to_vec();
        let mut out = Vec::with_capacity(data.len());
        for block in data.chunks(16) {
            let mut mask = aes::cipher::Block::<C>::try_from(&previous[..]).ok()?;
            cipher.encrypt_block(&mut mask);
            out.extend(block.iter().zip(mask.iter()).map(|(byte, mask)| byte ^ mask));
            previous = block.to_vec();
        }
        Some(out)
    }
    let done = match key.len() {
        16 => run::<aes::Aes128>(key, start, data),
        24 => run::<aes::Aes192>(key, start, data),
        _ => run::<aes::Aes256>(key, start, data),
    };
    done.ok_or_else(|| OpenPgpError::unsupported("unsupported cipher function in private key"))
}

/// A secret with the sum of its bytes at the end.
fn summed(data: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenPgpError> {
    let (secret, sum) = data.split_last_chunk::<2>().ok_or_else(truncated)?;
    let found = secret.iter().fold(0u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
    if found != u16::from_be_bytes(*sum) {
        return Err(checksum());
    }
    Ok(Zeroizing::new(secret.to_vec()))
}

fn truncated() -> OpenPgpError {
    OpenPgpError::invalid("truncated private key data")
}

fn checksum() -> OpenPgpError {
    OpenPgpError::invalid("private key checksum failure")
}
