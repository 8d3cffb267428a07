//! Signature packets.

use super::OpenPgpError;
use super::crypto::Hash;
use super::key;
use super::packet::{self, Cursor};

/// A signature of version 4.
#[derive(Debug, Clone)]
pub(super) struct Signature {
    pub(super) kind: u8,
    pub(super) algorithm: u8,
    pub(super) hash: Hash,
    pub(super) created: u64,
    pub(super) lifetime: Option<u64>,
    pub(super) key_lifetime: Option<u64>,
    pub(super) issuer: Option<u64>,
    pub(super) flags: Option<u8>,
    pub(super) primary_identity: bool,
    /// The name of a critical notation: none is known here.
    pub(super) critical_notation: Option<String>,
    pub(super) revocation_reason: Option<u8>,
    pub(super) embedded: Option<Box<Signature>>,
    /// The numbers; algorithms with one leave the second empty.
    pub(super) values: [Vec<u8>; 2],
    /// The packet from its version to the end of the hashed subpackets.
    hashed: Vec<u8>,
}

/// May certify, may sign: bits of the key flags.
pub(super) const MAY_SIGN: u8 = 0x02;

pub(super) const TEXT: u8 = 0x01;
pub(super) const GENERIC_CERTIFICATION: u8 = 0x10;
pub(super) const POSITIVE_CERTIFICATION: u8 = 0x13;
pub(super) const SUBKEY_BINDING: u8 = 0x18;
pub(super) const PRIMARY_BINDING: u8 = 0x19;
pub(super) const KEY_REVOCATION: u8 = 0x20;
pub(super) const SUBKEY_REVOCATION: u8 = 0x28;
pub(super) const CERTIFICATION_REVOCATION: u8 = 0x30;
const KEY_COMPROMISED: u8 = 2;

impl Signature {
    /// Reads a packet's body. `embedded` says that it is one inside another.
    pub(super) fn read(body: &[u8], embedded: bool) -> Result<Self, OpenPgpError> {
        let mut input = Cursor(body);
        let version = input.byte()?;
        if version != 4 {
            return Err(OpenPgpError::unsupported(format!("signature packet version {version}")));
        }
        let (kind, algorithm) = (input.byte()?, input.byte()?);
        if !matches!(algorithm, key::RSA | 3 | key::ECDSA | key::EDDSA | key::ED25519) {
            return Err(OpenPgpError::unsupported(format!("public key algorithm {algorithm}")));
        }
        let hash = Hash::from_number(input.byte()?)?;
        let length = usize::from(input.u16()?);
        let subpackets = input.take(length)?;
        let mut signature = Self {
            kind,
            algorithm,
            hash,
            created: 0,
            lifetime: None,
            key_lifetime: None,
            issuer: None,
            flags: None,
            primary_identity: false,
            critical_notation: None,
            revocation_reason: None,
            embedded: None,
            values: [Vec::new(), Vec::new()],
            hashed: body[..6 + length].to_vec(),
        };
        let dated = signature.subpackets(subpackets, true, embedded)?;
        if !dated {
            return Err(OpenPgpError::invalid("no creation time in signature"));
        }
        let length = usize::from(input.u16()?);
        let subpackets = input.take(length)?;
        signature.subpackets(subpackets, false, embedded)?;
        input.take(2)?; // the digest's first bytes; the whole digest is checked anyway
        signature.values = match algorithm {
            key::ECDSA | key::EDDSA => [input.integer()?.to_vec(), input.integer()?.to_vec()],
            key::ED25519 => [input.take(32)?.to_vec(), input.take(32)?.to_vec()],
            _ => [input.integer()?.to_vec(), Vec::new()],
        };
        Ok(signature)
    }

    /// Reads subpackets; tells whether a time of creation was among them.
    fn subpackets(
        &mut self,
        bytes: &[u8],
        hashed: bool,
        inner: bool,
    ) -> Result<bool, OpenPgpError> {
        let mut input = Cursor(bytes);
        let mut dated = false;
        while !input.0.is_empty() {
            let length = match input.byte()? {
                first @ 0..192 => usize::from(first),
                255 => input.length()?,
                first => (usize::from(first - 192) << 8) + usize::from(input.byte()?) + 192,
            };
            let mut body = Cursor(input.take(length)?);
            let kind = body
                .byte()
                .map_err(|_| OpenPgpError::invalid("zero length signature subpacket"))?;
            let (kind, critical) = (kind & 0x7f, kind & 0x80 != 0);
            // What is not hashed is not signed: only hints about the signer are taken from there.
            if hashed || matches!(kind, 16 | 32 | 33) {
                dated |= kind == 2;
                self.subpacket(kind, critical, &mut body, inner)?;
            }
        }
        Ok(dated)
    }

    fn subpacket(
        &mut self,
        kind: u8,
        critical: bool,
        body: &mut Cursor<'_>,
        inner: bool,
    ) -> Result<(), OpenPgpError> {
        let some = |seconds: u32| (seconds != 0).then_some(u64::from(seconds));
        match kind {
            2 => self.created = u64::from(body.u32()?),
            3 => self.lifetime = some(body.u32()?),
            9 => self.key_lifetime = some(body.u32()?),
            16 => {
                let (high, low) = (body.u32()?, body.u32()?);
                self.issuer = Some(u64::from(high) << 32 | u64::from(low));
            }
            20 if critical => {
                body.take(4)?;
                let (name, _value) = (body.u16()?, body.u16()?);
                let name = body.take(usize::from(name))?;
                self.critical_notation = Some(String::from_utf8_lossy(name).into_owned());
            }
            25 => self.primary_identity = body.byte()? > 0,
            27 => self.flags = body.0.first().copied(),
            29 => self.revocation_reason = Some(body.byte()?),
            32 if inner => {
                return Err(OpenPgpError::invalid(
                    "embedded signature within a primary key binding signature",
                ));
            }
            32 => {
                let embedded = Self::read(body.0, true)?;
                if embedded.kind != PRIMARY_BINDING {
                    let told = format!("cross-signature has unexpected type {}", embedded.kind);
                    return Err(OpenPgpError::invalid(told));
                }
                self.embedded = Some(Box::new(embedded));
            }
            33 if body.0.len() == 21 && body.0[0] == 4 => {
                let id = body.0[13..].iter().fold(0, |id, byte| id << 8 | u64::from(*byte));
                self.issuer = Some(id);
            }
            4 | 5 | 6 | 11 | 20..=24 | 26 | 28 | 30 | 33..=35 | 39 => {}
            other if critical => {
                let told = format!("unknown critical signature subpacket type {other}");
                return Err(OpenPgpError::unsupported(told));
            }
            _ => {}
        }
        Ok(())
    }

    /// The digest of `parts` together with what the signature says of itself.
    pub(super) fn digest(&self, parts: &[&[u8]]) -> Vec<u8> {
        let length = u32::try_from(self.hashed.len()).unwrap_or(u32::MAX).to_be_bytes();
        let mut all = parts.to_vec();
        all.extend([&self.hashed[..], &[4, 0xff], &length]);
        self.hash.digest(&all)
    }

    pub(super) fn expired(&self, now: u64) -> bool {
        self.created > now || self.lifetime.is_some_and(|life| now > self.created + life)
    }

    /// Whether this, a revocation, holds now: a key that leaked was never good.
    pub(super) fn revokes(&self, now: u64) -> bool {
        self.revocation_reason == Some(KEY_COMPROMISED) || !self.expired(now)
    }
}

/// Makes the packet of a signature over a text.
///
/// `sign` gets the digest and gives the signature's numbers as the packet ends with them.
pub(super) fn make(
    key: &key::PublicKey,
    text: &[u8],
    now: u64,
    sign: impl FnOnce(Hash, &[u8]) -> Result<Vec<u8>, OpenPgpError>,
) -> Result<Vec<u8>, OpenPgpError> {
    let created = u32::try_from(now).unwrap_or(u32::MAX);
    let mut body = vec![4, TEXT, key.algorithm, 10, 0, 6 + 10 + 23];
    body.extend([5, 2]);
    body.extend(created.to_be_bytes());
    body.extend([9, 16]);
    body.extend(key.id().to_be_bytes());
    body.extend([22, 33, 4]);
    body.extend(key.fingerprint);
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    let digest = Hash::Sha512.digest(&[text, &body, &[4, 0xff], &length]);
    body.extend([0, 0, digest[0], digest[1]]);
    body.extend(sign(Hash::Sha512, &digest)?);
    Ok(packet::write(packet::SIGNATURE, &body))
}
