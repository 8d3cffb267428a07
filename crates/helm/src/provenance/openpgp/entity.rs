//! A signer: a primary key with names and subkeys that it vouches for.

use super::OpenPgpError;
use super::key::PublicKey;
use super::packet::{self, Cursor, Packet};
use super::secret::SecretKey;
use super::signature::{self, MAY_SIGN, Signature};
use crate::hexadecimal::hexadecimal;

/// A key with everything that belongs to it.
#[derive(Debug)]
pub(in crate::provenance) struct Entity {
    pub(super) key: PublicKey,
    pub(super) secret: Option<SecretKey>,
    identities: Vec<Identity>,
    subkeys: Vec<Subkey>,
    revocations: Vec<Signature>,
}

#[derive(Debug)]
struct Identity {
    name: String,
    /// The newest signature by which the key claims the name.
    claim: Option<Signature>,
    revocations: Vec<Signature>,
}

#[derive(Debug)]
struct Subkey {
    key: PublicKey,
    binding: Signature,
    revocations: Vec<Signature>,
}

/// A key of an entity, with the terms under which it may be used.
pub(super) struct Usable<'a> {
    pub(super) key: &'a PublicKey,
    terms: Option<&'a Signature>,
    /// Set for subkeys.
    revocations: Option<&'a [Signature]>,
}

impl Entity {
    /// Reads the packets of one entity, the first of which is its primary key.
    pub(super) fn read(packets: &[Packet]) -> Result<Self, OpenPgpError> {
        let (first, mut rest) = packets
            .split_first()
            .filter(|(first, _)| matches!(first.tag, packet::PUBLIC_KEY | packet::SECRET_KEY))
            .ok_or_else(|| OpenPgpError::invalid("first packet was not a public/private key"))?;
        let (key, secret) = read_key(first)?;
        if !key.can_sign() {
            return Err(OpenPgpError::invalid("primary key cannot be used for signatures"));
        }
        let mut entity = Self {
            key,
            secret,
            identities: Vec::new(),
            subkeys: Vec::new(),
            revocations: Vec::new(),
        };
        while let Some((packet, after)) = rest.split_first() {
            let count = after.iter().take_while(|packet| packet.tag == packet::SIGNATURE).count();
            let signatures = signatures(&after[..count])?;
            match packet.tag {
                packet::USER_ID => entity.add_identity(&packet.body, signatures)?,
                packet::PUBLIC_SUBKEY | packet::SECRET_SUBKEY => {
                    entity.add_subkey(read_key(packet)?.0, signatures)?;
                }
                packet::SIGNATURE => {
                    let own = Signature::read(&packet.body, false).into_iter();
                    entity.revocations.extend(
                        own.chain(signatures)
                            .filter(|signature| signature.kind == signature::KEY_REVOCATION),
                    );
                }
                _ => {} // photographs, trust: nothing that is used here
            }
            rest = &after[count..];
        }
        if entity.identities.is_empty() {
            return Err(OpenPgpError::invalid("v4 entity without any identities"));
        }
        let hashed = entity.key.hashed();
        if entity
            .revocations
            .iter()
            .any(|revocation| entity.key.check(revocation, &[&hashed]).is_err())
        {
            return Err(OpenPgpError::invalid("revocation signature signed by alternate key"));
        }
        Ok(entity)
    }

    fn add_identity(
        &mut self,
        name: &[u8],
        signatures: Vec<Signature>,
    ) -> Result<(), OpenPgpError> {
        let name_text = String::from_utf8_lossy(name).into_owned();
        let mut identity = Identity { name: name_text, claim: None, revocations: Vec::new() };
        let length = u32::try_from(name.len()).map_err(|_| OpenPgpError::Truncated)?.to_be_bytes();
        let key = self.key.hashed();
        let mut own = false;
        for signature in signatures {
            let revocation = signature.kind == signature::CERTIFICATION_REVOCATION;
            let kinds = signature::GENERIC_CERTIFICATION..=signature::POSITIVE_CERTIFICATION;
            if !revocation && !kinds.contains(&signature.kind) {
                return Err(OpenPgpError::invalid("user ID signature with wrong type"));
            }
            if signature.issuer != Some(self.key.id()) {
                continue; // what others say of the name is not asked here
            }
            self.key.check(&signature, &[&key, &[0xb4], &length, name]).map_err(|error| {
                OpenPgpError::invalid(format!("user ID self-signature invalid: {error}"))
            })?;
            own = true;
            if revocation {
                identity.revocations.push(signature);
            } else if identity.claim.as_ref().is_none_or(|claim| signature.created > claim.created)
            {
                identity.claim = Some(signature);
            }
        }
        if own {
            self.identities.push(identity);
        }
        Ok(())
    }

    fn add_subkey(
        &mut self,
        key: PublicKey,
        signatures: Vec<Signature>,
    ) -> Result<(), OpenPgpError> {
        let wrong = |told: &str| OpenPgpError::invalid(format!("subkey signature {told}"));
        let (primary, hashed) = (self.key.hashed(), key.hashed());
        let (mut binding, mut revocations) = (None::<Signature>, Vec::new());
        for signature in signatures {
            if !matches!(signature.kind, signature::SUBKEY_BINDING | signature::SUBKEY_REVOCATION) {
                return Err(wrong("with wrong type"));
            }
            let parts = [&primary[..], &hashed];
            let mut checked = self.key.check(&signature, &parts);
            if signature.flags.is_some_and(|flags| flags & MAY_SIGN != 0) {
                // The subkey, too, must say that it belongs here: else anyone's key could be claimed.
                let missing = || OpenPgpError::invalid("signing subkey is missing cross-signature");
                checked = checked.and_then(|()| {
                    key.check(signature.embedded.as_deref().ok_or_else(missing)?, &parts)
                });
            }
            checked.map_err(|error| wrong(&format!("invalid: {error}")))?;
            if signature.kind == signature::SUBKEY_REVOCATION {
                revocations.push(signature);
            } else if binding.as_ref().is_none_or(|binding| signature.created > binding.created) {
                binding = Some(signature);
            }
        }
        let binding = binding
            .ok_or_else(|| OpenPgpError::invalid("subkey packet not followed by signature"))?;
        self.subkeys.push(Subkey { key, binding, revocations });
        Ok(())
    }

    /// The names that the key claims.
    pub(in crate::provenance) fn identities(&self) -> impl Iterator<Item = &str> {
        self.identities.iter().map(|identity| identity.name.as_str())
    }

    /// The primary key's fingerprint in upper-case digits.
    pub(in crate::provenance) fn fingerprint(&self) -> String {
        hexadecimal(&self.key.fingerprint).to_uppercase()
    }

    /// The name that stands for the key: not revoked before revoked, marked as primary, then the newest.
    fn primary_identity(&self) -> Option<&Identity> {
        self.identities.iter().max_by_key(|identity| {
            let claim = identity.claim.as_ref();
            let marked = claim.is_some_and(|claim| claim.primary_identity);
            (
                std::cmp::Reverse(identity.revocations.len()),
                marked,
                claim.map(|claim| claim.created),
            )
        })
    }

    /// The keys with this id that may sign.
    pub(super) fn signing_keys(&self, id: u64) -> impl Iterator<Item = Usable<'_>> {
        let claim = self.primary_identity().and_then(|identity| identity.claim.as_ref());
        let primary = Usable { key: &self.key, terms: claim, revocations: None };
        let subkeys = self.subkeys.iter().map(|subkey| Usable {
            key: &subkey.key,
            terms: Some(&subkey.binding),
            revocations: Some(&subkey.revocations),
        });
        std::iter::once(primary).chain(subkeys).filter(move |usable| {
            let flags = usable.terms.and_then(|terms| terms.flags).unwrap_or(0);
            usable.key.id() == id && flags & MAY_SIGN != 0
        })
    }

    /// Whether a signature that fits `by` counts now: nothing revoked, nothing expired.
    pub(super) fn check_terms(
        &self,
        by: &Usable<'_>,
        signature: &Signature,
        now: u64,
    ) -> Result<(), OpenPgpError> {
        let identity = self.primary_identity();
        let claim = identity.and_then(|identity| identity.claim.as_ref());
        let mut used: Vec<&Signature> = std::iter::once(signature).chain(claim).collect();
        if by.revocations.is_some() {
            used.extend(by.terms);
            used.extend(by.terms.and_then(|terms| terms.embedded.as_deref()));
        }
        if let Some(name) = used.iter().find_map(|signature| signature.critical_notation.as_ref()) {
            return Err(OpenPgpError::Signature(format!("unknown critical notation: {name}")));
        }
        let revoked = |list: &[Signature]| list.iter().any(|revocation| revocation.revokes(now));
        if revoked(&self.revocations)
            || by.revocations.is_some_and(revoked)
            || identity.is_some_and(|identity| revoked(&identity.revocations))
        {
            return Err(OpenPgpError::Revoked);
        }
        if claim.is_none_or(|claim| self.key.expired(claim, now))
            || (by.revocations.is_some() && by.terms.is_none_or(|terms| by.key.expired(terms, now)))
        {
            return Err(OpenPgpError::KeyExpired);
        }
        if used.iter().any(|signature| signature.expired(now)) {
            return Err(OpenPgpError::SignatureExpired);
        }
        Ok(())
    }
}

fn read_key(packet: &Packet) -> Result<(PublicKey, Option<SecretKey>), OpenPgpError> {
    let mut input = Cursor(&packet.body);
    let key = PublicKey::read(&mut input)?;
    let secret = matches!(packet.tag, packet::SECRET_KEY | packet::SECRET_SUBKEY);
    let secret = secret.then(|| SecretKey::read(&mut input)).transpose()?;
    Ok((key, secret))
}

/// Signatures of kinds that are not read here are left out.
fn signatures(packets: &[Packet]) -> Result<Vec<Signature>, OpenPgpError> {
    let mut found = Vec::new();
    for packet in packets {
        match Signature::read(&packet.body, false) {
            Ok(signature) => found.push(signature),
            Err(OpenPgpError::Unsupported(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
