//! DER: the few forms that keys and certificates are made of, written and read.

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const UTF8_STRING: u8 = 0x0C;
pub(super) const PRINTABLE_STRING: u8 = 0x13;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
pub(super) const TRUE: &[u8] = &[0x01, 0x01, 0xFF];
pub(super) const NULL: &[u8] = &[0x05, 0x00];

/// A value: tag, length, contents.
pub(super) fn value(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = contents.len().to_be_bytes();
    let significant = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    match significant {
        [] => out.push(0),
        [short] if *short < 0x80 => out.push(*short),
        long => {
            out.push(0x80 | u8::try_from(long.len()).unwrap_or_default());
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(contents);
    out
}

/// A sequence of values that are written already.
pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    value(SEQUENCE, &parts.concat())
}

/// A non-negative integer from its bytes, most significant first.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let significant = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    match significant.first() {
        Some(first) if *first < 0x80 => value(INTEGER, significant),
        // A leading one bit would make it negative.
        _ => value(INTEGER, &[&[0], significant].concat()),
    }
}

/// A bit string of whole bytes.
pub(super) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    value(BIT_STRING, &[&[0], bytes].concat())
}

/// A value under an explicit context tag.
pub(super) fn tagged(number: u8, contents: &[u8]) -> Vec<u8> {
    value(0xA0 | number, contents)
}

/// An object identifier from its encoded contents.
pub(super) fn oid(contents: &[u8]) -> Vec<u8> {
    value(OBJECT_IDENTIFIER, contents)
}

/// Reads values one after the other.
#[derive(Clone, Copy)]
pub(super) struct Reader<'d> {
    rest: &'d [u8],
}

/// A value that was read.
#[derive(Clone, Copy)]
pub(super) struct Item<'d> {
    pub(super) tag: u8,
    pub(super) contents: &'d [u8],
    /// With tag and length.
    pub(super) whole: &'d [u8],
}

impl<'d> Reader<'d> {
    pub(super) fn new(data: &'d [u8]) -> Self {
        Self { rest: data }
    }

    /// The next value, of any kind.
    pub(super) fn any(&mut self) -> Option<Item<'d>> {
        let [tag, first, after @ ..] = self.rest else { return None };
        let (length, after) = if *first < 0x80 {
            (usize::from(*first), after)
        } else {
            let count = usize::from(first & 0x7F);
            if count == 0 || count > 4 {
                return None;
            }
            let (digits, after) = after.split_at_checked(count)?;
            (digits.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), after)
        };
        let contents = after.get(..length)?;
        let whole = &self.rest[..self.rest.len() - after.len() + length];
        self.rest = &after[length..];
        Some(Item { tag: *tag, contents, whole })
    }

    /// The next value, which has to have the tag.
    pub(super) fn read(&mut self, tag: u8) -> Option<&'d [u8]> {
        self.any().filter(|item| item.tag == tag).map(|item| item.contents)
    }

    /// The next value if it has the tag; otherwise nothing is read.
    pub(super) fn optional(&mut self, tag: u8) -> Option<&'d [u8]> {
        if self.rest.first() == Some(&tag) { self.read(tag) } else { None }
    }

    /// The values within the next one, which has to be a sequence.
    pub(super) fn sequence(&mut self) -> Option<Self> {
        self.read(SEQUENCE).map(Self::new)
    }
}
