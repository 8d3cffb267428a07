//! Go's `encoding/base64` and `encoding/base32` in their standard alphabets, with padding.
//!
//! The crate `base64` reports other positions for damaged input, and templates print them.

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Damaged input, at a byte offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("illegal base64 data at input byte {0}")]
    Base64(usize),
    #[error("illegal base32 data at input byte {0}")]
    Base32(usize),
}

/// Encodes to base64.
pub(crate) fn encode_base64(data: &[u8]) -> String {
    encode(data, 3, 6, BASE64)
}

/// Encodes to base32.
pub(crate) fn encode_base32(data: &[u8]) -> String {
    encode(data, 5, 5, BASE32)
}

/// Encodes groups of `group` bytes to characters of `bits` bits each, padded with `=`.
fn encode(data: &[u8], group: usize, bits: usize, alphabet: &[u8]) -> String {
    let width = group * 8 / bits;
    let mut out = String::with_capacity(data.len().div_ceil(group) * width);
    for chunk in data.chunks(group) {
        let word = chunk.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte))
            << (8 * (group - chunk.len()));
        let used = (chunk.len() * 8).div_ceil(bits);
        for position in 0..width {
            let shift = bits * (width - 1 - position);
            let index = usize::try_from(word >> shift).unwrap_or_default() & (alphabet.len() - 1);
            out.push(if position < used { char::from(alphabet[index]) } else { '=' });
        }
    }
    out
}

/// The bytes in the first characters of a group; `values` has less than a group at its end.
fn decode_group(values: &[u8], bits: usize, out: &mut Vec<u8>) {
    let (mut word, mut filled) = (0_u64, 0);
    for value in values {
        word = word << bits | u64::from(*value);
        filled += bits;
        if filled >= 8 {
            filled -= 8;
            out.push(u8::try_from(word >> filled & 0xFF).unwrap_or_default());
        }
    }
}

fn value_of(byte: u8, alphabet: &[u8]) -> Option<u8> {
    alphabet.iter().position(|letter| *letter == byte).and_then(|index| u8::try_from(index).ok())
}

/// Decodes base64; line breaks are skipped, padding is required.
pub(crate) fn decode_base64(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut position = 0;
    let skip_breaks = |mut at: usize| {
        while matches!(text.get(at), Some(b'\n' | b'\r')) {
            at += 1;
        }
        at
    };
    let mut group: Vec<u8> = Vec::with_capacity(4);
    loop {
        let Some(byte) = text.get(position).copied() else {
            if group.is_empty() {
                return Ok(out);
            }
            return Err(DecodeError::Base64(position - group.len()));
        };
        position += 1;
        if let Some(value) = value_of(byte, BASE64) {
            group.push(value);
            if group.len() == 4 {
                decode_group(&group, 6, &mut out);
                group.clear();
            }
            continue;
        }
        if matches!(byte, b'\n' | b'\r') {
            continue;
        }
        if byte != b'=' || group.len() < 2 {
            return Err(DecodeError::Base64(position - 1));
        }
        if group.len() == 2 {
            position = skip_breaks(position);
            match text.get(position) {
                None => return Err(DecodeError::Base64(text.len())),
                Some(b'=') => position += 1,
                Some(_) => return Err(DecodeError::Base64(position - 1)),
            }
        }
        position = skip_breaks(position);
        if position < text.len() {
            return Err(DecodeError::Base64(position));
        }
        decode_group(&group, 6, &mut out);
        return Ok(out);
    }
}

/// Decodes base32; line breaks are skipped (positions do not count them), padding is required.
pub(crate) fn decode_base32(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let text: Vec<u8> = text.iter().copied().filter(|b| !matches!(b, b'\n' | b'\r')).collect();
    let mut out = Vec::with_capacity(text.len() / 8 * 5);
    let mut rest = text.as_slice();
    while !rest.is_empty() {
        let start = text.len() - rest.len();
        let group = &rest[..rest.len().min(8)];
        let length = group.len();
        let mut values = Vec::with_capacity(8);
        for (index, byte) in group.iter().enumerate() {
            // Padding is only looked for where nothing but the group's end follows.
            if *byte == b'=' && index >= 2 && rest.len() - index - 1 < 8 {
                check_padding(rest, index, start)?;
                decode_group(&values, 5, &mut out);
                return Ok(out);
            }
            let value = value_of(*byte, BASE32).ok_or(DecodeError::Base32(start + index))?;
            values.push(value);
        }
        if length < 8 {
            return Err(DecodeError::Base32(text.len() - length));
        }
        decode_group(&values, 5, &mut out);
        rest = &rest[8..];
    }
    Ok(out)
}

/// Checks the padding that begins at `index` of the last group.
fn check_padding(rest: &[u8], index: usize, start: usize) -> Result<(), DecodeError> {
    let after = &rest[index + 1..];
    let wanted = 7 - index;
    if after.len() < wanted {
        return Err(DecodeError::Base32(start + rest.len()));
    }
    if let Some(offset) = after[..wanted].iter().position(|byte| *byte != b'=') {
        return Err(DecodeError::Base32(start + index + offset));
    }
    if matches!(index, 1 | 3 | 6) {
        return Err(DecodeError::Base32(start + index));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All lengths of a last group, both ways.
    #[test]
    fn round_trips() {
        for length in 0..12 {
            let data: Vec<u8> = (0..length).map(|i| 0xF0 ^ i).collect();
            assert_eq!(decode_base64(encode_base64(&data).as_bytes()).unwrap(), data);
            assert_eq!(decode_base32(encode_base32(&data).as_bytes()).unwrap(), data);
        }
        assert_eq!(encode_base64("é".as_bytes()), "w6k=");
        assert_eq!(encode_base32(b"a"), "ME======");
    }

    /// Damage is reported at Go's offsets.
    #[test]
    fn damage() {
        for (text, offset) in [
            ("!", 0),
            ("YQ", 0),
            ("YQ=", 3),
            ("YQ==x", 4),
            ("Y=Q=", 1),
            ("YWJj\nZA", 5),
            ("YQ=x", 2),
        ] {
            assert_eq!(decode_base64(text.as_bytes()), Err(DecodeError::Base64(offset)), "{text}");
        }
        assert_eq!(decode_base64(b"YQ\n==\r\n").unwrap(), b"a");
        for (text, offset) in [("!", 0), ("ME", 0), ("ME=", 3), ("MEx=====", 2)] {
            assert_eq!(decode_base32(text.as_bytes()), Err(DecodeError::Base32(offset)), "{text}");
        }
    }
}
