//! Gzip put together of pieces that were packed apart: what many records have in common is packed once.
//!
//! Every piece is compressed by itself, so that it refers to no other, and all but the last end with a flush (an empty block,
//! RFC 1951, 3.2.4): behind each other they are one stream of one member, as any reader of gzip takes it.

use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// The header of RFC 1952: deflate, no name, no time, an unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// Where a piece stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Others follow it.
    Before,
    /// It is the end.
    Last,
}

/// A part of a text, packed.
#[derive(Debug)]
pub(super) struct Piece {
    deflated: Vec<u8>,
    crc: Crc,
}

impl Piece {
    pub(super) fn pack(text: &[u8], place: Place) -> Self {
        let mut crc = Crc::new();
        crc.update(text);
        Self { deflated: deflated(text, place).expect("memory takes every write"), crc }
    }
}

fn deflated(text: &[u8], place: Place) -> std::io::Result<Vec<u8>> {
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
    deflate.write_all(text)?;
    match place {
        Place::Before => {
            deflate.flush()?;
            Ok(std::mem::take(deflate.get_mut()))
        }
        Place::Last => deflate.finish(),
    }
}

/// The pieces as one gzip; the last one ends it.
pub(super) fn gzip<'a>(pieces: impl IntoIterator<Item = &'a Piece> + Clone) -> Vec<u8> {
    let length: usize = pieces.clone().into_iter().map(|piece| piece.deflated.len()).sum();
    let mut out = Vec::with_capacity(HEADER.len() + length + 8);
    out.extend(HEADER);
    let mut crc = Crc::new();
    for piece in pieces {
        out.extend(&piece.deflated);
        crc.combine(&piece.crc);
    }
    out.extend(crc.sum().to_le_bytes());
    out.extend(crc.amount().to_le_bytes());
    out
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::*;

    fn unpacked(gzip: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        // Reads one member, and checks its sum and length.
        let mut decoder = flate2::bufread::GzDecoder::new(gzip);
        decoder.read_to_end(&mut text).unwrap();
        assert!(decoder.into_inner().is_empty(), "something stands behind the member");
        text
    }

    proptest! {
        /// Whatever the pieces are, they are one member that holds all of them in their order.
        #[test]
        fn pieces_are_one_member(texts in prop::collection::vec("(?s).{0,400}", 1..5), often in 1_usize..300) {
            let texts: Vec<String> = texts.iter().map(|text| text.repeat(often)).collect();
            let last = texts.len() - 1;
            let place = |at| if at == last { Place::Last } else { Place::Before };
            let pieces: Vec<Piece> =
                texts.iter().enumerate().map(|(at, text)| Piece::pack(text.as_bytes(), place(at))).collect();
            prop_assert_eq!(unpacked(&gzip(&pieces)), texts.concat().into_bytes());
        }
    }
}
