//! PEM blocks.

use crate::golang::base_encoding::{decode_base64, encode_base64};

/// A block: its label and its decoded contents.
pub(super) struct Block {
    pub(super) label: String,
    pub(super) contents: Vec<u8>,
}

/// Writes a block with lines of 64 characters.
pub(super) fn encode(label: &str, contents: &[u8]) -> String {
    let encoded = encode_base64(contents);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in encoded.as_bytes().chunks(64) {
        out.extend(line.iter().map(|byte| char::from(*byte)));
        out.push('\n');
    }
    out.extend(["-----END ", label, "-----\n"]);
    out
}

/// The first block in a text; headers within it are skipped.
pub(super) fn decode(text: &str) -> Option<Block> {
    let (_, begun) = text.split_once("-----BEGIN ")?;
    let (label, rest) = begun.split_once("-----")?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let lines = body.lines().map(str::trim).filter(|line| !line.contains(':'));
    let contents = decode_base64(lines.collect::<String>().as_bytes()).ok()?;
    Some(Block { label: label.to_owned(), contents })
}
