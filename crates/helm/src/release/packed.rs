//! Gzip put together of pieces that were packed apart: what many records have in common is packed once.
//!
//! Every piece but the last ends with a full flush (RFC 1951, 3.2.4 with an empty block), after which nothing refers to what
//! stood before: behind each other they are one stream of one member, as any reader of gzip takes it.

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

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
        let flush = match place {
            Place::Before => FlushCompress::Full,
            Place::Last => FlushCompress::Finish,
        };
        let mut compress = Compress::new(Compression::default(), false);
        let mut deflated = Vec::with_capacity(text.len() / 3 + 64);
        loop {
            let read = usize::try_from(compress.total_in()).unwrap_or(text.len());
            let status = compress
                .compress_vec(&text[read..], &mut deflated, flush)
                .expect("deflate has no errors but those of its use");
            // A flush is through once it leaves room.
            let is_through = match place {
                Place::Before => deflated.len() < deflated.capacity(),
                Place::Last => status == Status::StreamEnd,
            };
            if is_through {
                deflated.shrink_to_fit();
                return Self { deflated, crc };
            }
            deflated.reserve(deflated.capacity().max(64));
        }
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
