//! Armor: packets as base64 between two lines.

use super::OpenPgpError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const START: &str = "-----BEGIN ";
const END: &str = "-----END ";

/// The blocks of an armored text: type and base64 lines of each.
fn blocks(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let mut lines = text.lines().map(str::trim);
    std::iter::from_fn(move || {
        'block: loop {
            let first =
                lines.find(|line| line.starts_with(START) && line.len() > START.len() + 5)?;
            let kind = first[START.len()..].trim_end_matches('-').to_owned();
            loop {
                let header = lines.next()?;
                if header.is_empty() {
                    break;
                }
                if !header.contains(':') {
                    continue 'block;
                }
            }
            let mut data = String::new();
            for line in lines.by_ref() {
                if line.starts_with(END) || (line.len() == 5 && line.starts_with('=')) {
                    break;
                }
                data.push_str(line);
            }
            return Some((kind, data));
        }
    })
}

/// The bytes of the first block.
pub(in crate::provenance) fn body(text: &str) -> Result<Vec<u8>, OpenPgpError> {
    let (_, data) = blocks(text).next().ok_or_else(no_data)?;
    decode(&data)
}

/// The bytes of all key blocks of a text, one after the other.
pub(super) fn keys(text: &str) -> Result<Vec<u8>, OpenPgpError> {
    let mut found = Vec::new();
    for (kind, data) in blocks(text) {
        if kind != "PGP PUBLIC KEY BLOCK" && kind != "PGP PRIVATE KEY BLOCK" {
            return Err(OpenPgpError::Argument(format!(
                "expected public or private key block, got: {kind}"
            )));
        }
        found.extend(decode(&data)?);
    }
    if found.is_empty() { Err(no_data()) } else { Ok(found) }
}

/// Armors a signature as Helm does: no checksum, no line feed at the end.
pub(in crate::provenance) fn signature(bytes: &[u8]) -> String {
    let data = STANDARD.encode(bytes);
    let mut out = String::from("-----BEGIN PGP SIGNATURE-----\n\n");
    for start in (0..data.len()).step_by(64) {
        out.push_str(&data[start..data.len().min(start + 64)]);
        out.push('\n');
    }
    out.push_str("-----END PGP SIGNATURE-----");
    out
}

fn decode(data: &str) -> Result<Vec<u8>, OpenPgpError> {
    STANDARD.decode(data).map_err(|error| match error {
        base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => {
            OpenPgpError::Base64(at)
        }
        base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => {
            OpenPgpError::Truncated
        }
    })
}

fn no_data() -> OpenPgpError {
    OpenPgpError::Argument("no armored data found".to_owned())
}
