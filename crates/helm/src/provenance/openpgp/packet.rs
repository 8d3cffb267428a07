//! Packets: a tag, a length, a body. And the cursor that bodies are read with.

use super::OpenPgpError;

/// One packet.
#[derive(Debug)]
pub(super) struct Packet {
    pub(super) tag: u8,
    pub(super) body: Vec<u8>,
}

pub(super) const SIGNATURE: u8 = 2;
pub(super) const SECRET_KEY: u8 = 5;
pub(super) const PUBLIC_KEY: u8 = 6;
pub(super) const SECRET_SUBKEY: u8 = 7;
/// What GnuPG notes for itself between the packets of its own keyrings.
const TRUST: u8 = 12;
pub(super) const USER_ID: u8 = 13;
pub(super) const PUBLIC_SUBKEY: u8 = 14;

/// Cuts bytes into packets; trust packets are left out.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Packet>, OpenPgpError> {
    let mut input = Cursor(bytes);
    let mut packets = Vec::new();
    while !input.0.is_empty() {
        let packet = one(&mut input)?;
        if packet.tag != TRUST {
            packets.push(packet);
        }
    }
    Ok(packets)
}

fn one(input: &mut Cursor<'_>) -> Result<Packet, OpenPgpError> {
    let head = input.byte()?;
    if head & 0x80 == 0 {
        return Err(OpenPgpError::invalid("tag byte does not have MSB set"));
    }
    if head & 0x40 == 0 {
        let length = match head & 3 {
            0 => usize::from(input.byte()?),
            1 => usize::from(input.u16()?),
            2 => input.length()?,
            _ => input.0.len(),
        };
        return Ok(Packet { tag: (head >> 2) & 0x0f, body: input.take(length)?.to_vec() });
    }
    let mut body = Vec::new();
    loop {
        let (length, partial) = match input.byte()? {
            first @ 0..192 => (usize::from(first), false),
            first @ 192..224 => {
                ((usize::from(first - 192) << 8) + usize::from(input.byte()?) + 192, false)
            }
            255 => (input.length()?, false),
            first => (1 << (first & 0x1f), true),
        };
        body.extend_from_slice(input.take(length)?);
        if !partial {
            return Ok(Packet { tag: head & 0x3f, body });
        }
    }
}

/// What is left to read of some bytes.
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], OpenPgpError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(OpenPgpError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, OpenPgpError> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, OpenPgpError> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    pub(super) fn u32(&mut self) -> Result<u32, OpenPgpError> {
        let bytes = self.take(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// A length of four bytes.
    pub(super) fn length(&mut self) -> Result<usize, OpenPgpError> {
        usize::try_from(self.u32()?).map_err(|_| OpenPgpError::Truncated)
    }

    /// An integer with its length in bits before it.
    pub(super) fn integer(&mut self) -> Result<&'a [u8], OpenPgpError> {
        let bits = usize::from(self.u16()?);
        self.take(bits.div_ceil(8))
    }
}

/// Writes an integer with its length in bits before it.
pub(super) fn write_integer(out: &mut Vec<u8>, integer: &[u8]) {
    let start = integer.iter().position(|byte| *byte != 0).unwrap_or(integer.len());
    let integer = &integer[start..];
    let unused = integer.first().map_or(0, |first| first.leading_zeros() as usize);
    let bits = u16::try_from(integer.len() * 8 - unused).unwrap_or(u16::MAX);
    out.extend_from_slice(&bits.to_be_bytes());
    out.extend_from_slice(integer);
}

/// Writes a packet with a header of the new format.
pub(super) fn write(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0xc0 | tag, 255];
    out.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(body);
    out
}
