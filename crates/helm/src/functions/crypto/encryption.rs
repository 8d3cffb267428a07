//! AES-256 in CBC mode: `encryptAES`, `decryptAES`.

use super::super::args::Outcome;
use super::super::random;
use crate::golang::base_encoding::{decode_base64, encode_base64};
use cbc::cipher::block_padding::{NoPadding, Pkcs7};
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use gotemplate::{FuncError, Value};

const BLOCK: usize = 16;

/// The password, cut or filled with zeros.
fn key(password: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    let length = password.len().min(key.len());
    key[..length].copy_from_slice(&password[..length]);
    key
}

/// The encrypted text after a random vector, in base64.
pub(super) fn encrypt(password: &[u8], plain: &[u8]) -> Outcome {
    if plain.is_empty() {
        return Ok("".into());
    }
    let mut vector = [0; BLOCK];
    random::fill(&mut vector)?;
    let cipher = cbc::Encryptor::<aes::Aes256>::new(&key(password).into(), &vector.into());
    let encrypted = cipher.encrypt_padded_vec::<Pkcs7>(plain);
    Ok(encode_base64(&[vector.as_slice(), &encrypted].concat()).into())
}

/// The inverse. Nothing authenticates the text: a wrong password gives nonsense or an error about
/// its length.
pub(super) fn decrypt(password: &[u8], text: &[u8]) -> Outcome {
    if text.is_empty() {
        return Ok("".into());
    }
    let data = decode_base64(text).map_err(FuncError::other)?;
    let Some((vector, encrypted)) = data.split_first_chunk::<BLOCK>() else {
        let capacity = text.len() / 4 * 3;
        return Err(FuncError::new(format!(
            "runtime error: slice bounds out of range [:{BLOCK}] with capacity {capacity}"
        )));
    };
    if encrypted.len() % BLOCK != 0 {
        return Err("crypto/cipher: input not full blocks".into());
    }
    let cipher = cbc::Decryptor::<aes::Aes256>::new(&key(password).into(), vector.into());
    let plain = cipher.decrypt_padded_vec::<NoPadding>(encrypted).map_err(FuncError::other)?;
    let Some(last) = plain.last() else {
        return Err("runtime error: index out of range [-1]".into());
    };
    let padding = usize::from(*last);
    match plain.len().checked_sub(padding) {
        Some(length) => Ok(Value::string(&plain[..length])),
        None => Err(FuncError::new(format!(
            "runtime error: slice bounds out of range [:-{}]",
            padding - plain.len()
        ))),
    }
}
