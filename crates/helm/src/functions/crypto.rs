//! Keys, certificates, passwords and encryption.
//!
//! The forms are those of Go's `crypto` packages: PKCS#1, SEC 1 and PKCS#8 in PEM, X.509
//! certificates with the extensions sprig asks for, in the order Go writes them. The mathematics
//! is that of the crates `rsa`, `dsa` and `ring`; here is only how keys and certificates are
//! written and read.

mod certificates;
mod der;
mod encryption;
mod keys;
mod passwords;
mod pem;

use super::args::{INT, LIST, STRING, add, int, list, text};
use certificates::{CERTIFICATE, Names, certificate};
use gotemplate::{FuncError, FuncMap, Str, Type, Value};
use keys::{KeyKind, PrivateKey};

/// Size of the keys made for certificates, in bits.
const CERTIFICATE_KEY_BITS: u32 = 2048;
/// Size of the keys `genPrivateKey` makes, in bits.
const PRIVATE_KEY_BITS: u32 = 4096;

pub(super) fn register(funcs: &mut FuncMap) {
    const DERIVE: &[Type] = &[Type::Uint32, STRING, STRING, STRING, STRING];
    add(
        funcs,
        "bcrypt",
        &[STRING],
        STRING,
        |_, args| Ok(passwords::bcrypt(text(args, 0)?)?.into()),
    );
    add(funcs, "htpasswd", &[STRING, STRING], STRING, |_, args| {
        passwords::htpasswd(text(args, 0)?, text(args, 1)?)
    });
    add(funcs, "derivePassword", DERIVE, STRING, passwords::derive_password);
    add(funcs, "encryptAES", &[STRING, STRING], STRING, |_, args| {
        encryption::encrypt(text(args, 0)?, text(args, 1)?)
    });
    add(funcs, "decryptAES", &[STRING, STRING], STRING, |_, args| {
        encryption::decrypt(text(args, 0)?, text(args, 1)?)
    });
    add(funcs, "genPrivateKey", &[STRING], STRING, |_, args| {
        let kind = match text(args, 0)?.as_bytes() {
            b"" | b"rsa" => KeyKind::Rsa { bits: PRIVATE_KEY_BITS },
            b"dsa" => KeyKind::Dsa,
            b"ecdsa" => KeyKind::EcP256,
            b"ed25519" => KeyKind::Ed25519,
            other => {
                return Ok(Value::string([b"Unknown type ".as_slice(), other].concat()));
            }
        };
        Ok(PrivateKey::generate(kind)?.to_pem().into())
    });
    register_certificates(funcs);
}

fn register_certificates(funcs: &mut FuncMap) {
    const SELF_SIGNED_WITH_KEY: &[Type] = &[STRING, LIST, LIST, INT, STRING];
    const SIGNED: &[Type] = &[STRING, LIST, LIST, INT, CERTIFICATE];
    const SIGNED_WITH_KEY: &[Type] = &[STRING, LIST, LIST, INT, CERTIFICATE, STRING];
    add(funcs, "buildCustomCert", &[STRING, STRING], CERTIFICATE, |_, args| {
        certificates::build_custom(text(args, 0)?, text(args, 1)?)
    });
    add(funcs, "genCA", &[STRING, INT], CERTIFICATE, |_, args| {
        certificates::authority(text(args, 0)?, int(args, 1)?, &new_key()?)
    });
    add(funcs, "genCAWithKey", &[STRING, INT, STRING], CERTIFICATE, |_, args| {
        certificates::authority(text(args, 0)?, int(args, 1)?, &given_key(text(args, 2)?)?)
    });
    add(funcs, "genSelfSignedCert", &[STRING, LIST, LIST, INT], CERTIFICATE, |_, args| {
        certificates::self_signed(&names(args)?, int(args, 3)?, &new_key()?)
    });
    add(funcs, "genSelfSignedCertWithKey", SELF_SIGNED_WITH_KEY, CERTIFICATE, |_, args| {
        let key = given_key(text(args, 4)?)?;
        certificates::self_signed(&names(args)?, int(args, 3)?, &key)
    });
    add(funcs, "genSignedCert", SIGNED, CERTIFICATE, |_, args| {
        certificates::signed(args, int(args, 3)?, certificate(args, 4)?, &new_key()?)
    });
    add(funcs, "genSignedCertWithKey", SIGNED_WITH_KEY, CERTIFICATE, |_, args| {
        let key = given_key(text(args, 5)?)?;
        certificates::signed(args, int(args, 3)?, certificate(args, 4)?, &key)
    });
}

fn new_key() -> Result<PrivateKey, FuncError> {
    PrivateKey::generate(KeyKind::Rsa { bits: CERTIFICATE_KEY_BITS })
        .map_err(|error| FuncError::wrap("error generating rsa key: ", error))
}

fn given_key(pem: &Str) -> Result<PrivateKey, FuncError> {
    PrivateKey::from_pem(pem)
        .map_err(|error| FuncError::new(format!("parsing private key: {error}")))
}

/// Common name, IP addresses and DNS names, the first three arguments of several functions.
fn names(args: &[Value]) -> Result<Names, FuncError> {
    Names::new(text(args, 0)?, list(args, 1)?, list(args, 2)?)
}
