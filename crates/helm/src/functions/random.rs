//! Chance: random texts, bytes and numbers, from the operating system's generator.

use super::args::{INT, Outcome, STRING, add, int, text};
use super::limits::check_text;
use crate::golang::base_encoding::encode_base64;
use crate::golang::characters::characters;
use gotemplate::{CallContext, FuncError, FuncMap, Value};

const DIGITS: &[u8] = b"0123456789";
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(super) fn register(funcs: &mut FuncMap) {
    add(funcs, "randAlphaNum", &[INT], STRING, |_, args| {
        random_text(args, &[LETTERS, DIGITS].concat())
    });
    add(funcs, "randAlpha", &[INT], STRING, |_, args| random_text(args, LETTERS));
    add(funcs, "randNumeric", &[INT], STRING, |_, args| random_text(args, DIGITS));
    add(funcs, "randAscii", &[INT], STRING, |_, args| {
        random_text(args, &(b' '..=b'~').collect::<Vec<u8>>())
    });
    add(funcs, "randBytes", &[INT], STRING, rand_bytes);
    add(funcs, "randInt", &[INT, INT], INT, rand_int);
    add(funcs, "shuffle", &[STRING], STRING, shuffle);
    add(funcs, "uuidv4", &[], STRING, |_, _| uuid().map(Value::from));
}

/// Fills `buffer` with random bytes.
pub(super) fn fill(buffer: &mut [u8]) -> Result<(), FuncError> {
    getrandom::fill(buffer).map_err(FuncError::other)
}

/// A number below `bound`, each equally likely.
pub(super) fn below(bound: u64) -> Result<u64, FuncError> {
    // Numbers at the end of the range that would favour some results are drawn again.
    let limit = u64::MAX - u64::MAX % bound;
    loop {
        let mut bytes = [0; 8];
        fill(&mut bytes)?;
        let drawn = u64::from_le_bytes(bytes);
        if drawn < limit {
            return Ok(drawn % bound);
        }
    }
}

/// As many letters of the alphabet as the argument says; none for a negative number.
fn random_text(args: &[Value], alphabet: &[u8]) -> Outcome {
    let count = usize::try_from(int(args, 0)?).unwrap_or(0);
    check_text(count)?;
    let mut out = Vec::with_capacity(count);
    // Bytes from the last, incomplete round of the alphabet are left out: they would favour it.
    let fair = 256 - 256 % alphabet.len();
    let mut pool = [0; 256];
    while out.len() < count {
        fill(&mut pool)?;
        let drawn = pool.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair);
        out.extend(drawn.map(|byte| alphabet[byte % alphabet.len()]).take(count - out.len()));
    }
    Ok(Value::string(out))
}

fn rand_bytes(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let count = usize::try_from(int(args, 0)?);
    let count = count.map_err(|_| "runtime error: makeslice: len out of range")?;
    check_text(count)?;
    let mut bytes = vec![0; count];
    fill(&mut bytes)?;
    Ok(encode_base64(&bytes).into())
}

fn rand_int(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let (min, max) = (int(args, 0)?, int(args, 1)?);
    let span = u64::try_from(max.wrapping_sub(min)).ok().filter(|span| *span > 0);
    let span = span.ok_or("invalid argument to Intn")?;
    Ok(Value::Int(min.wrapping_add_unsigned(below(span)?)))
}

fn shuffle(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let mut shuffled: Vec<char> = characters(text(args, 0)?).map(|(c, _)| c).collect();
    for index in (1..shuffled.len()).rev() {
        let other = below(index as u64 + 1)?;
        shuffled.swap(index, usize::try_from(other).unwrap_or_default());
    }
    Ok(shuffled.into_iter().collect::<String>().into())
}

/// A random UUID, version 4.
fn uuid() -> Result<String, FuncError> {
    let mut bytes = [0; 16];
    fill(&mut bytes)?;
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let number = u128::from_be_bytes(bytes);
    let digits = format!("{number:032x}");
    let groups = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    Ok(groups.join("-"))
}
