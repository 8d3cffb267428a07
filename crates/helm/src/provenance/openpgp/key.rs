//! Public keys.

use super::OpenPgpError;
use super::crypto::{self, Curve, Hash};
use super::packet::Cursor;
use super::signature::Signature;
use crate::hexadecimal::hexadecimal;

/// A public key of version 4.
#[derive(Debug, Clone)]
pub(super) struct PublicKey {
    pub(super) created: u64,
    pub(super) algorithm: u8,
    pub(super) material: Material,
    pub(super) fingerprint: [u8; 20],
    /// The packet's body, as signatures over keys hash it.
    body: Vec<u8>,
}

/// The numbers of a key.
#[derive(Debug, Clone)]
pub(super) enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    Ecdsa {
        curve: Curve,
        point: Vec<u8>,
    },
    Ed25519 {
        point: Vec<u8>,
    },
    /// Of an algorithm that no signature is checked with here, such as keys to encrypt for.
    Other,
}

pub(super) const RSA: u8 = 1;
const RSA_SIGN: u8 = 3;
const DSA: u8 = 17;
pub(super) const ECDSA: u8 = 19;
pub(super) const EDDSA: u8 = 22;
pub(super) const ED25519: u8 = 27;

/// The curve of Ed25519 keys (`EdDSA`) before RFC 9580.
const ED25519_OID: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01];

impl PublicKey {
    /// Reads the public part of a key packet and leaves the rest.
    pub(super) fn read(input: &mut Cursor<'_>) -> Result<Self, OpenPgpError> {
        let whole = input.0;
        let version = input.byte()?;
        if version != 4 {
            return Err(OpenPgpError::unsupported(format!("public key version {version}")));
        }
        let created = u64::from(input.u32()?);
        let algorithm = input.byte()?;
        let material = material(algorithm, input)?;
        let body = whole[..whole.len() - input.0.len()].to_vec();
        let length =
            u16::try_from(body.len()).map_err(|_| OpenPgpError::invalid("key too long"))?;
        let digest = Hash::Sha1.digest(&[&[0x99], &length.to_be_bytes(), &body]);
        let mut fingerprint = [0; 20];
        fingerprint.copy_from_slice(&digest);
        Ok(Self { created, algorithm, material, fingerprint, body })
    }

    pub(super) fn id(&self) -> u64 {
        self.fingerprint[12..].iter().fold(0, |id, byte| id << 8 | u64::from(*byte))
    }

    pub(super) fn can_sign(&self) -> bool {
        matches!(self.algorithm, RSA | RSA_SIGN | DSA | ECDSA | EDDSA | ED25519)
    }

    /// What a signature over this key hashes.
    pub(super) fn hashed(&self) -> Vec<u8> {
        let length = u16::try_from(self.body.len()).unwrap_or(u16::MAX); // checked when it was read
        [&[0x99], &length.to_be_bytes()[..], &self.body].concat()
    }

    /// Whether a self-signature's term for this key has run out.
    pub(super) fn expired(&self, terms: &Signature, now: u64) -> bool {
        self.created > now || terms.key_lifetime.is_some_and(|life| now > self.created + life)
    }

    /// Checks that this key made a signature over `parts`.
    pub(super) fn check(&self, signature: &Signature, parts: &[&[u8]]) -> Result<(), OpenPgpError> {
        let failed = |words: &str| Err(OpenPgpError::Signature(words.to_owned()));
        if !same_algorithm(self.algorithm, signature.algorithm) {
            return Err(OpenPgpError::Argument(
                "public key and signature use different algorithms".into(),
            ));
        }
        let digest = signature.digest(parts);
        let [first, second] = &signature.values;
        let (good, words) = match &self.material {
            Material::Rsa { n, e } => (
                crypto::rsa_verify(n, e, signature.hash, &digest, first),
                "RSA verification failure",
            ),
            Material::Ecdsa { curve, point } => (
                crypto::ecdsa_verify(*curve, point, &digest, first, second),
                "ECDSA verification failure",
            ),
            Material::Ed25519 { point } if self.algorithm == EDDSA => (
                crypto::ed25519_verify(point, &digest, first, second),
                "EdDSA verification failure",
            ),
            Material::Ed25519 { point } => (
                crypto::ed25519_verify(point, &digest, first, second),
                "Ed25519 verification failure",
            ),
            Material::Other => return failed("Unsupported public key algorithm used in signature"),
        };
        if good { Ok(()) } else { failed(words) }
    }
}

fn same_algorithm(key: u8, signature: u8) -> bool {
    let plain = |algorithm| if algorithm == RSA_SIGN { RSA } else { algorithm };
    plain(key) == plain(signature)
}

fn material(algorithm: u8, input: &mut Cursor<'_>) -> Result<Material, OpenPgpError> {
    match algorithm {
        RSA..=RSA_SIGN => {
            let (n, e) = (input.integer()?.to_vec(), input.integer()?.to_vec());
            if e.len() > 3 {
                return Err(OpenPgpError::unsupported("large public exponent"));
            }
            return Ok(Material::Rsa { n, e });
        }
        ECDSA => {
            let oid = oid(input)?;
            let point = input.integer()?.to_vec();
            let curve = Curve::from_oid(oid).ok_or_else(|| {
                OpenPgpError::unsupported(format!("unknown oid: {}", hexadecimal(oid)))
            })?;
            return Ok(Material::Ecdsa { curve, point });
        }
        EDDSA => {
            let oid = oid(input)?;
            let point = input.integer()?;
            if oid != ED25519_OID {
                return Err(OpenPgpError::unsupported(format!(
                    "unknown oid: {}",
                    hexadecimal(oid)
                )));
            }
            return match point {
                [0x40, point @ ..] if point.len() == 32 => {
                    Ok(Material::Ed25519 { point: point.to_vec() })
                }
                _ => Err(OpenPgpError::invalid("bad EdDSA point")),
            };
        }
        ED25519 => return Ok(Material::Ed25519 { point: input.take(32)?.to_vec() }),
        // What only encrypts, or is too weak to be believed, is stepped over.
        16 => drop((input.integer()?, input.integer()?, input.integer()?)),
        DSA => drop((input.integer()?, input.integer()?, input.integer()?, input.integer()?)),
        18 => {
            oid(input)?;
            input.integer()?;
            let parameters = usize::from(input.byte()?);
            input.take(parameters)?;
        }
        25 => drop(input.take(32)?),
        26 => drop(input.take(56)?),
        28 => drop(input.take(57)?),
        other => return Err(OpenPgpError::unsupported(format!("public key type: {other}"))),
    }
    Ok(Material::Other)
}

fn oid<'a>(input: &mut Cursor<'a>) -> Result<&'a [u8], OpenPgpError> {
    let length = usize::from(input.byte()?);
    if length == 0 || length == 0xff {
        return Err(OpenPgpError::unsupported("reserved for future extensions"));
    }
    input.take(length)
}
