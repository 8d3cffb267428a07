//! Password hashes and derived passwords.

use super::super::args::{Outcome, any, text};
use super::super::random;
use gotemplate::{CallContext, FuncError, Str, Value};
use hmac::{Hmac, KeyInit, Mac};

/// Work factor of bcrypt, as upstream.
const BCRYPT_COST: u32 = 10;
/// Longest password bcrypt takes, in bytes.
const BCRYPT_MAX: usize = 72;

/// A bcrypt hash of version 2a; a password too long gives the text of the error in its place.
pub(super) fn bcrypt(password: &[u8]) -> Result<String, FuncError> {
    if password.len() > BCRYPT_MAX {
        return Ok("failed to encrypt string with bcrypt: \
                   bcrypt: password length exceeds 72 bytes"
            .to_owned());
    }
    let mut salt = [0; 16];
    random::fill(&mut salt)?;
    let hash = bcrypt::hash_with_salt(password, BCRYPT_COST, salt).map_err(|error| {
        FuncError::new(format!("failed to encrypt string with bcrypt: {error}"))
    })?;
    Ok(hash.format_for_version(bcrypt::Version::TwoA))
}

/// A line of an htpasswd file.
pub(super) fn htpasswd(user: &Str, password: &[u8]) -> Outcome {
    if user.contains(&b':') {
        return Ok(format!("invalid username: {user}").into());
    }
    let hash = bcrypt(password)?;
    Ok(Value::string([user.as_bytes(), b":", hash.as_bytes()].concat()))
}

/// Forms of derived passwords; each letter stands for one of [`letters`].
const TEMPLATES: [(&str, &[&str]); 6] = [
    ("maximum", &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"]),
    (
        "long",
        &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
    ),
    ("medium", &["CvcnoCvc", "CvcCvcno"]),
    ("short", &["Cvcn"]),
    ("basic", &["aaanaaan", "aannaaan", "aaannaaa"]),
    ("pin", &["nnnn"]),
];

fn letters(class: u8) -> &'static [u8] {
    match class {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// The master password scheme: `derivePassword COUNTER TYPE PASSWORD USER SITE`.
pub(super) fn derive_password(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    const SCOPE: &[u8] = b"com.lyndir.masterpassword";
    let counter = any(args, 0)?.as_uint().and_then(|counter| u32::try_from(counter).ok());
    let counter = counter.ok_or_else(FuncError::nil_pointer)?;
    let (kind, password) = (text(args, 1)?, text(args, 2)?);
    let (user, site) = (text(args, 3)?, text(args, 4)?);
    let Some((_, templates)) = TEMPLATES.iter().find(|(name, _)| *kind == *name) else {
        return Ok(Value::string([b"cannot find password template ".as_slice(), kind].concat()));
    };
    let length = |text: &Str| u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
    let salt = [SCOPE, &length(user), user].concat();
    let params = scrypt::Params::new(15, 8, 2).map_err(FuncError::other)?;
    let mut key = [0; 64];
    scrypt::scrypt(password, &salt, &params, &mut key).map_err(FuncError::other)?;
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).map_err(FuncError::other)?;
    mac.update(&[SCOPE, &length(site), site, &counter.to_be_bytes()].concat());
    let seed = mac.finalize().into_bytes();
    let pick = |index: usize, count: usize| usize::from(seed[index]) % count;
    let template = templates[pick(0, templates.len())];
    let derived = template.bytes().zip(1..).map(|(class, index)| {
        let letters = letters(class);
        letters[pick(index, letters.len())]
    });
    Ok(Value::string(derived.collect::<Vec<u8>>()))
}
