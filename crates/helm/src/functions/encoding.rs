//! Encodings and checksums: base64, base32, SHA, Adler-32.

use super::args::{STRING, add, text};
use crate::golang::base_encoding::{decode_base32, decode_base64, encode_base32, encode_base64};
use crate::hexadecimal::hexadecimal;
use gotemplate::{FuncMap, Value};
use sha2::Digest;

pub(super) fn register(funcs: &mut FuncMap) {
    add(funcs, "b64enc", &[STRING], STRING, |_, args| Ok(encode_base64(text(args, 0)?).into()));
    add(funcs, "b32enc", &[STRING], STRING, |_, args| Ok(encode_base32(text(args, 0)?).into()));
    // What cannot be decoded gives the text of the error in place of a result, as in sprig.
    add(funcs, "b64dec", &[STRING], STRING, |_, args| {
        Ok(decode_base64(text(args, 0)?).map_or_else(|e| e.to_string().into(), Value::string))
    });
    add(funcs, "b32dec", &[STRING], STRING, |_, args| {
        Ok(decode_base32(text(args, 0)?).map_or_else(|e| e.to_string().into(), Value::string))
    });
    add(funcs, "sha1sum", &[STRING], STRING, |_, args| {
        Ok(hexadecimal(&sha1::Sha1::digest(text(args, 0)?)).into())
    });
    add(funcs, "sha256sum", &[STRING], STRING, |_, args| {
        Ok(hexadecimal(&sha2::Sha256::digest(text(args, 0)?)).into())
    });
    add(funcs, "sha512sum", &[STRING], STRING, |_, args| {
        Ok(hexadecimal(&sha2::Sha512::digest(text(args, 0)?)).into())
    });
    add(funcs, "adler32sum", &[STRING], STRING, |_, args| {
        Ok(adler32(text(args, 0)?).to_string().into())
    });
}

/// RFC 1950's checksum: two sums modulo the largest prime below 2¹⁶.
fn adler32(data: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in data {
        a = (a + u32::from(*byte)) % MODULUS;
        b = (b + a) % MODULUS;
    }
    b << 16 | a
}
