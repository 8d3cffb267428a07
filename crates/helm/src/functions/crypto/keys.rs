//! Private keys: made, written, read, and used to sign.

use super::der::{self, Reader};
use super::pem;
use gotemplate::FuncError;
use num_bigint::BigUint;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair,
};
use rsa::rand_core::UnwrapErr;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BoxedUint, Pkcs1v15Sign, RsaPrivateKey};
use sha2::Digest;

/// rsaEncryption
const RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
/// sha256WithRSAEncryption
const RSA_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B];
/// id-ecPublicKey
const EC: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
/// id-Ed25519
const ED25519: &[u8] = &[0x2B, 0x65, 0x70];
/// What PKCS#1 signatures put before a SHA-256 digest (RFC 8017, 9.2).
const SHA256_PREFIX: &[u8] = &[
    0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];

/// What kind of key to make.
#[derive(Debug, Clone, Copy)]
pub(super) enum KeyKind {
    Rsa { bits: u32 },
    Dsa,
    EcP256,
    Ed25519,
}

/// A private key with its public half.
pub(super) enum PrivateKey {
    Rsa(Box<RsaPrivateKey>),
    /// p, q, g, y, x; can be written but not sign certificates.
    Dsa([Vec<u8>; 5]),
    Ec {
        curve: &'static Curve,
        scalar: Vec<u8>,
        point: Vec<u8>,
    },
    Ed25519 {
        seed: Vec<u8>,
        public: Vec<u8>,
    },
}

/// An elliptic curve with all that names it.
pub(super) struct Curve {
    oid: &'static [u8],
    /// Object identifier of signatures on it.
    signature: &'static [u8],
    signing: &'static EcdsaSigningAlgorithm,
    scalar_bytes: usize,
}

static P256: Curve = Curve {
    oid: &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07],
    signature: &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02],
    signing: &ECDSA_P256_SHA256_ASN1_SIGNING,
    scalar_bytes: 32,
};

static P384: Curve = Curve {
    oid: &[0x2B, 0x81, 0x04, 0x00, 0x22],
    signature: &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03],
    signing: &ECDSA_P384_SHA384_ASN1_SIGNING,
    scalar_bytes: 48,
};

/// Why a text is no private key, in sprig's words as far as they are its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeyError {
    #[error("no PEM data in input")]
    NoPem,
    #[error("no private key data in PEM block of type {0}")]
    NotPrivate(String),
    #[error("invalid private key type {0}")]
    UnknownType(String),
    #[error("decoding PEM as PKCS#8: {0}")]
    Pkcs8(&'static str),
    #[error("parsing {kind} private key from PEM: {problem}")]
    Malformed { kind: &'static str, problem: &'static str },
}

const MALFORMED: &str = "x509: malformed private key";
const UNSUPPORTED_CURVE: &str = "x509: the curve is none of P-256 and P-384";
const UNSUPPORTED: &str = "x509: the key is none of RSA, ECDSA and Ed25519";

impl PrivateKey {
    pub(super) fn generate(kind: KeyKind) -> Result<Self, FuncError> {
        let refused = |error: ring::error::Unspecified| FuncError::new(error.to_string());
        match kind {
            KeyKind::Rsa { bits } => {
                let exponent = BoxedUint::from(65_537_u32);
                let key = RsaPrivateKey::from_primes(primes::pair(bits), exponent);
                Ok(Self::Rsa(Box::new(key.map_err(FuncError::other)?)))
            }
            KeyKind::Dsa => Ok(generate_dsa()),
            KeyKind::EcP256 => {
                let random = SystemRandom::new();
                let document = EcdsaKeyPair::generate_pkcs8(P256.signing, &random);
                let key = Self::from_pkcs8(document.map_err(refused)?.as_ref());
                key.map_err(FuncError::new)
            }
            KeyKind::Ed25519 => {
                let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
                let key = Self::from_pkcs8(document.map_err(refused)?.as_ref());
                key.map_err(FuncError::new)
            }
        }
    }

    /// PKCS#1 for RSA, SEC 1 for elliptic curves, PKCS#8 for Ed25519, OpenSSL's form for DSA.
    pub(super) fn to_pem(&self) -> String {
        match self {
            Self::Rsa(key) => pem::encode("RSA PRIVATE KEY", &rsa_private(key)),
            Self::Dsa(parts) => {
                let parts: Vec<u8> = parts.iter().flat_map(|part| der::integer(part)).collect();
                pem::encode("DSA PRIVATE KEY", &der::sequence(&[&der::integer(&[0]), &parts]))
            }
            Self::Ec { curve, scalar, point } => {
                let contents = der::sequence(&[
                    &der::integer(&[1]),
                    &der::value(der::OCTET_STRING, scalar),
                    &der::tagged(0, &der::oid(curve.oid)),
                    &der::tagged(1, &der::bit_string(point)),
                ]);
                pem::encode("EC PRIVATE KEY", &contents)
            }
            Self::Ed25519 { seed, .. } => {
                let inner = der::value(der::OCTET_STRING, seed);
                let contents = der::sequence(&[
                    &der::integer(&[0]),
                    &der::sequence(&[&der::oid(ED25519)]),
                    &der::value(der::OCTET_STRING, &inner),
                ]);
                pem::encode("PRIVATE KEY", &contents)
            }
        }
    }

    pub(super) fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        let block = pem::decode(&String::from_utf8_lossy(text)).ok_or(KeyError::NoPem)?;
        if block.label == "PRIVATE KEY" {
            return Self::from_pkcs8(&block.contents).map_err(KeyError::Pkcs8);
        }
        let Some(kind) = block.label.strip_suffix(" PRIVATE KEY") else {
            return Err(KeyError::NotPrivate(block.label));
        };
        let malformed = |kind| move |problem| KeyError::Malformed { kind, problem };
        match kind {
            "RSA" => Self::from_pkcs1(&block.contents).map_err(malformed("RSA")),
            "EC" => Self::from_sec1(&block.contents, None).map_err(malformed("EC")),
            "DSA" => Self::from_dsa(&block.contents).ok_or(MALFORMED).map_err(malformed("DSA")),
            _ => Err(KeyError::UnknownType(block.label)),
        }
    }

    fn from_pkcs8(data: &[u8]) -> Result<Self, &'static str> {
        let mut fields = Reader::new(data).sequence().ok_or(MALFORMED)?;
        fields.read(der::INTEGER).ok_or(MALFORMED)?;
        let mut algorithm = fields.sequence().ok_or(MALFORMED)?;
        let kind = algorithm.read(der::OBJECT_IDENTIFIER).ok_or(MALFORMED)?;
        let key = fields.read(der::OCTET_STRING).ok_or(MALFORMED)?;
        match kind {
            RSA => Self::from_pkcs1(key),
            EC => Self::from_sec1(key, algorithm.read(der::OBJECT_IDENTIFIER)),
            ED25519 => {
                let seed = Reader::new(key).read(der::OCTET_STRING).ok_or(MALFORMED)?;
                let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| MALFORMED)?;
                let public = pair.public_key().as_ref().to_vec();
                Ok(Self::Ed25519 { seed: seed.to_vec(), public })
            }
            _ => Err(UNSUPPORTED),
        }
    }

    fn from_pkcs1(data: &[u8]) -> Result<Self, &'static str> {
        let mut fields = Reader::new(data).sequence().ok_or(MALFORMED)?;
        fields.read(der::INTEGER).ok_or(MALFORMED)?;
        let mut next =
            || fields.read(der::INTEGER).map(BoxedUint::from_be_slice_vartime).ok_or(MALFORMED);
        let (n, e, d) = (next()?, next()?, next()?);
        let primes = vec![next()?, next()?];
        let key = RsaPrivateKey::from_components(n, e, d, primes);
        key.map(|key| Self::Rsa(Box::new(key))).map_err(|_| "crypto/rsa: invalid key")
    }

    /// `curve` is the one PKCS#8 names around the key; SEC 1 may name it itself.
    fn from_sec1(data: &[u8], curve: Option<&[u8]>) -> Result<Self, &'static str> {
        let mut fields = Reader::new(data).sequence().ok_or(MALFORMED)?;
        fields.read(der::INTEGER).ok_or(MALFORMED)?;
        let scalar = fields.read(der::OCTET_STRING).ok_or(MALFORMED)?;
        let own =
            fields.optional(0xA0).and_then(|inner| Reader::new(inner).read(der::OBJECT_IDENTIFIER));
        let point =
            fields.optional(0xA1).and_then(|inner| Reader::new(inner).read(der::BIT_STRING));
        let named = own.or(curve).ok_or(MALFORMED)?;
        let curve = [&P256, &P384].into_iter().find(|curve| curve.oid == named);
        let curve = curve.ok_or(UNSUPPORTED_CURVE)?;
        let point = point.and_then(|bits| bits.strip_prefix(&[0]));
        let point = point.ok_or("x509: the key lacks its public half")?;
        // Shorter scalars have lost leading zeros.
        let missing = curve.scalar_bytes.checked_sub(scalar.len()).ok_or(MALFORMED)?;
        let scalar = [vec![0; missing], scalar.to_vec()].concat();
        Ok(Self::Ec { curve, scalar, point: point.to_vec() })
    }

    fn from_dsa(data: &[u8]) -> Option<Self> {
        let mut fields = Reader::new(data).sequence()?;
        fields.read(der::INTEGER)?;
        let mut next = || fields.read(der::INTEGER).map(<[u8]>::to_vec);
        Some(Self::Dsa([next()?, next()?, next()?, next()?, next()?]))
    }

    /// The public key as certificates hold it (`SubjectPublicKeyInfo`); `None` for DSA.
    pub(super) fn public_info(&self) -> Option<Vec<u8>> {
        let (algorithm, key) = match self {
            Self::Rsa(key) => {
                let parts = [der::integer(&key.n_bytes()), der::integer(&key.e_bytes())];
                let key = der::sequence(&[&parts[0], &parts[1]]);
                (der::sequence(&[&der::oid(RSA), der::NULL]), key)
            }
            Self::Ec { curve, point, .. } => {
                (der::sequence(&[&der::oid(EC), &der::oid(curve.oid)]), point.clone())
            }
            Self::Ed25519 { public, .. } => (der::sequence(&[&der::oid(ED25519)]), public.clone()),
            Self::Dsa(_) => return None,
        };
        Some(der::sequence(&[&algorithm, &der::bit_string(&key)]))
    }

    /// The name of this key's signatures (`AlgorithmIdentifier`); `None` for DSA.
    pub(super) fn signature_algorithm(&self) -> Option<Vec<u8>> {
        Some(match self {
            Self::Rsa(_) => der::sequence(&[&der::oid(RSA_SHA256), der::NULL]),
            Self::Ec { curve, .. } => der::sequence(&[&der::oid(curve.signature)]),
            Self::Ed25519 { .. } => der::sequence(&[&der::oid(ED25519)]),
            Self::Dsa(_) => return None,
        })
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, FuncError> {
        let refused = || FuncError::new("the private key cannot sign");
        match self {
            Self::Rsa(key) => {
                let scheme =
                    Pkcs1v15Sign { hash_len: Some(32), prefix: SHA256_PREFIX.to_vec().into() };
                let mut rng = UnwrapErr(getrandom::SysRng); // the system's generator does not fail
                let digest = sha2::Sha256::digest(message);
                key.sign_with_rng(&mut rng, scheme, &digest).map_err(FuncError::other)
            }
            Self::Ec { curve, scalar, point } => {
                let random = SystemRandom::new();
                let pair = EcdsaKeyPair::from_private_key_and_public_key(
                    curve.signing,
                    scalar,
                    point,
                    &random,
                );
                let signature = pair.map_err(|_| refused())?.sign(&random, message);
                Ok(signature.map_err(|_| refused())?.as_ref().to_vec())
            }
            Self::Ed25519 { seed, public } => {
                let pair = Ed25519KeyPair::from_seed_and_public_key(seed, public);
                Ok(pair.map_err(|_| refused())?.sign(message).as_ref().to_vec())
            }
            Self::Dsa(_) => Err(refused()),
        }
    }
}

fn generate_dsa() -> PrivateKey {
    // The system's generator does not fail.
    let mut rng = UnwrapErr(getrandom::SysRng);
    let Ok(components) =
        dsa::Components::try_generate_from_rng_with_key_size(&mut rng, dsa::KeySize::DSA_2048_256);
    let Ok(key) = dsa::SigningKey::try_generate_from_rng_with_components(&mut rng, components);
    let public = key.verifying_key();
    let parts = public.components();
    let bytes = |number: &BoxedUint| number.to_be_bytes().to_vec();
    PrivateKey::Dsa([
        bytes(parts.p()),
        bytes(parts.q()),
        bytes(parts.g()),
        bytes(public.y()),
        bytes(key.x()),
    ])
}

/// `RSAPrivateKey` of PKCS#1.
fn rsa_private(key: &RsaPrivateKey) -> Vec<u8> {
    let number = |number: &BoxedUint| BigUint::from_bytes_be(&number.to_be_bytes());
    let primes: Vec<BigUint> = key.primes().iter().map(|prime| number(prime)).collect();
    let [p, q] = primes.as_slice() else { return Vec::new() };
    let (d, one) = (number(key.d()), BigUint::from(1_u8));
    let (dp, dq) = (&d % (p - &one), &d % (q - &one));
    let inverse = q.modinv(p).unwrap_or_default(); // there is one: both are primes, and different
    let integers = [
        BigUint::ZERO,
        BigUint::from_bytes_be(&key.n_bytes()),
        BigUint::from_bytes_be(&key.e_bytes()),
        d,
        p.clone(),
        q.clone(),
        dp,
        dq,
        inverse,
    ];
    let contents: Vec<u8> =
        integers.iter().flat_map(|number| der::integer(&number.to_bytes_be())).collect();
    der::value(der::SEQUENCE, &contents)
}
