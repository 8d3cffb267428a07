//! The algorithms: digests, and signatures of digests.

use super::OpenPgpError;
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use rsa::{BoxedUint, Pkcs1v15Sign, RsaPrivateKey, RsaPublicKey};
use sha1::{Digest, Sha1};
use sha2::{Sha224, Sha256, Sha384, Sha512};

/// Smaller moduli are broken by anyone.
const MIN_RSA_BITS: usize = 1024;
/// Larger moduli are refused: they would only keep a processor busy.
const MAX_RSA_BITS: usize = 16384;

/// A digest algorithm by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub(super) fn from_number(number: u8) -> Result<Self, OpenPgpError> {
        Ok(match number {
            2 => Self::Sha1,
            8 => Self::Sha256,
            9 => Self::Sha384,
            10 => Self::Sha512,
            11 => Self::Sha224,
            _ => return Err(OpenPgpError::unsupported(format!("hash function {number}"))),
        })
    }

    pub(super) fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
        fn of<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
            let mut hasher = D::new();
            for part in parts {
                hasher.update(part);
            }
            hasher.finalize().to_vec()
        }
        match self {
            Self::Sha1 => of::<Sha1>(parts),
            Self::Sha224 => of::<Sha224>(parts),
            Self::Sha256 => of::<Sha256>(parts),
            Self::Sha384 => of::<Sha384>(parts),
            Self::Sha512 => of::<Sha512>(parts),
        }
    }

    /// The digest as PKCS#1 signs it: with the algorithm's name before it.
    fn named(self, digest: &[u8]) -> Vec<u8> {
        let (oid, length): (&[u8], u8) = match self {
            Self::Sha1 => (&[0x2b, 0x0e, 0x03, 0x02, 0x1a], 20),
            Self::Sha224 => (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x04], 28),
            Self::Sha256 => (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01], 32),
            Self::Sha384 => (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02], 48),
            Self::Sha512 => (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03], 64),
        };
        let name = if oid.len() == 5 { 5 } else { 9 };
        let mut out = vec![0x30, 8 + name + length, 0x30, 4 + name, 0x06, name];
        out.extend_from_slice(oid);
        out.extend_from_slice(&[0x05, 0x00, 0x04, length]);
        out.extend_from_slice(digest);
        out
    }
}

/// A curve of ECDSA keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    pub(super) fn from_oid(oid: &[u8]) -> Option<Self> {
        match oid {
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07] => Some(Self::P256),
            [0x2b, 0x81, 0x04, 0x00, 0x22] => Some(Self::P384),
            [0x2b, 0x81, 0x04, 0x00, 0x23] => Some(Self::P521),
            _ => None,
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// Runs the same statements for the crate of each curve.
macro_rules! on_curve {
    ($curve:expr, $module:ident => $body:expr) => {
        match $curve {
            Curve::P256 => {
                use p256::ecdsa as $module;
                $body
            }
            Curve::P384 => {
                use p384::ecdsa as $module;
                $body
            }
            Curve::P521 => {
                use p521::ecdsa as $module;
                $body
            }
        }
    };
}

pub(super) fn rsa_verify(n: &[u8], e: &[u8], hash: Hash, digest: &[u8], signature: &[u8]) -> bool {
    let (Some(n), Some(e)) = (number(n), number(e)) else { return false };
    let Ok(key) = RsaPublicKey::new_with_size_limits(n, e, MIN_RSA_BITS..=MAX_RSA_BITS) else {
        return false;
    };
    let size = rsa::traits::PublicKeyParts::size(&key);
    let Some(signature) = padded(signature, size) else { return false };
    key.verify(Pkcs1v15Sign::new_unprefixed(), &hash.named(digest), &signature).is_ok()
}

pub(super) fn ecdsa_verify(curve: Curve, point: &[u8], digest: &[u8], r: &[u8], s: &[u8]) -> bool {
    let (Some(mut both), Some(s)) = (padded(r, curve.bytes()), padded(s, curve.bytes())) else {
        return false;
    };
    both.extend_from_slice(&s);
    on_curve!(curve, ecdsa => {
        let key = ecdsa::VerifyingKey::from_sec1_bytes(point);
        let signature = ecdsa::Signature::from_slice(&both);
        matches!((key, signature), (Ok(key), Ok(signature)) if key.verify_prehash(digest, &signature).is_ok())
    })
}

pub(super) fn ed25519_verify(point: &[u8], digest: &[u8], r: &[u8], s: &[u8]) -> bool {
    let (Some(mut both), Some(s)) = (padded(r, 32), padded(s, 32)) else { return false };
    both.extend_from_slice(&s);
    UnparsedPublicKey::new(&ED25519, point).verify(digest, &both).is_ok()
}

/// `public` is modulus and exponent, `secret` the private exponent and the two primes.
pub(super) fn rsa_sign(
    public: [&[u8]; 2],
    secret: [&[u8]; 3],
    hash: Hash,
    digest: &[u8],
) -> Option<Vec<u8>> {
    let [modulus, exponent] = public.map(number);
    let [private, first, second] = secret.map(number);
    let key = RsaPrivateKey::from_components(modulus?, exponent?, private?, vec![first?, second?]);
    let mut random = rsa::rand_core::UnwrapErr(getrandom::SysRng); // the system's generator does not fail
    key.ok()?.sign_with_rng(&mut random, Pkcs1v15Sign::new_unprefixed(), &hash.named(digest)).ok()
}

/// The two halves of a signature.
pub(super) fn ecdsa_sign(curve: Curve, scalar: &[u8], digest: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let scalar = padded(scalar, curve.bytes())?;
    on_curve!(curve, ecdsa => {
        let key = ecdsa::SigningKey::from_slice(&scalar).ok()?;
        let signature: ecdsa::Signature = key.sign_prehash(digest).ok()?;
        let bytes = signature.to_bytes();
        let (r, s) = bytes.split_at_checked(curve.bytes())?;
        Some((r.to_vec(), s.to_vec()))
    })
}

/// The two halves of a signature.
pub(super) fn ed25519_sign(
    seed: &[u8],
    public: &[u8],
    digest: &[u8],
) -> Option<(Vec<u8>, Vec<u8>)> {
    let key = Ed25519KeyPair::from_seed_and_public_key(&padded(seed, 32)?, public).ok()?;
    let signature = key.sign(digest);
    let (r, s) = signature.as_ref().split_at_checked(32)?;
    Some((r.to_vec(), s.to_vec()))
}

fn number(bytes: &[u8]) -> Option<BoxedUint> {
    let bits = u32::try_from(bytes.len()).ok()?.checked_mul(8)?;
    if bits == 0 || usize::try_from(bits).ok()? > MAX_RSA_BITS {
        return None;
    }
    BoxedUint::from_be_slice(bytes, bits).ok()
}

/// An integer at its full width: OpenPGP leaves zeros at the front away.
fn padded(integer: &[u8], width: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; width.checked_sub(integer.len())?];
    out.extend_from_slice(integer);
    Some(out)
}
