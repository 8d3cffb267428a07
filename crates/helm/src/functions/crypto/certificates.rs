//! X.509 certificates as sprig has Go make them.

use super::super::args::{Outcome, any};
use super::super::random;
use super::der::{self, Reader};
use super::keys::PrivateKey;
use super::{names, pem};
use crate::golang::base_encoding::decode_base64;
use crate::golang::duration::Duration;
use crate::golang::time::{Time, Zone};
use gotemplate::{FuncError, List, Object, Str, Type, Underlying, Value};
use sha2::Digest;
use std::net::IpAddr;

pub(super) const CERTIFICATE: Type = Type::Named("sprig.certificate");

/// id-ce-subjectKeyIdentifier
const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1D, 0x0E];
const KEY_USAGE: &[u8] = &[0x55, 0x1D, 0x0F];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1D, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1D, 0x13];
const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1D, 0x23];
const EXT_KEY_USAGE: &[u8] = &[0x55, 0x1D, 0x25];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SERVER_AUTH: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
const CLIENT_AUTH: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

const NOT_A_SIGNER: &str =
    "error creating certificate: x509: certificate private key does not implement crypto.Signer";

/// `sprig.certificate`: a certificate and its key, both PEM.
pub(super) struct Certificate {
    cert: Str,
    key: Str,
}

impl Object for Certificate {
    fn ty(&self) -> Type {
        CERTIFICATE
    }

    fn underlying(&self) -> Underlying {
        let fields = [("Cert", &self.cert), ("Key", &self.key)];
        Underlying::Struct(fields.map(|(name, text)| (name, Value::String(text.clone()))).to_vec())
    }
}

/// A parameter of type `sprig.certificate`.
pub(super) fn certificate(args: &[Value], index: usize) -> Result<&Certificate, FuncError> {
    any(args, index)?.downcast().ok_or_else(FuncError::nil_pointer)
}

/// What a certificate is for.
pub(super) struct Names {
    common_name: String,
    addresses: Vec<IpAddr>,
    domains: Vec<String>,
}

impl Names {
    /// Checks and takes over the names; addresses and DNS names may be nil lists.
    pub(super) fn new(common_name: &Str, ips: &List, dns: &List) -> Result<Self, FuncError> {
        let shown = |value: &Value| super::super::args::display(value);
        let mut addresses = Vec::new();
        for ip in ips.items() {
            let Some(text) = ip.as_str() else {
                return Err(format!("error parsing ip: {} is not a string", shown(ip)?).into());
            };
            let address = text.as_utf8().and_then(|text| text.parse().ok());
            addresses.push(address.ok_or_else(|| format!("error parsing ip: {text}"))?);
        }
        let mut domains = Vec::new();
        for name in dns.items() {
            let Some(text) = name.as_str() else {
                let shown = shown(name)?;
                let error = format!("error processing alternate dns name: {shown} is not a string");
                return Err(error.into());
            };
            domains.push(text.to_string_lossy().into_owned());
        }
        let common_name = common_name.to_string_lossy().into_owned();
        Ok(Self { common_name, addresses, domains })
    }

    /// The distinguished name: nothing but the common name, if there is one.
    fn subject(&self) -> Vec<u8> {
        if self.common_name.is_empty() {
            return der::sequence(&[]);
        }
        let printable = |c: char| c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c);
        let tag = if self.common_name.chars().all(printable) {
            der::PRINTABLE_STRING
        } else {
            der::UTF8_STRING
        };
        let name = der::value(tag, self.common_name.as_bytes());
        let attribute = der::sequence(&[&der::oid(COMMON_NAME), &name]);
        der::sequence(&[&der::value(der::SET, &attribute)])
    }

    fn alternatives(&self) -> Result<Vec<u8>, FuncError> {
        let mut names = Vec::new();
        for name in &self.domains {
            if !name.is_ascii() {
                let quoted = gotemplate::print::quote(name);
                return Err(FuncError::new(format!(
                    "error creating certificate: x509: {quoted} cannot be encoded as an IA5String"
                )));
            }
            names.extend(der::value(0x82, name.as_bytes()));
        }
        for address in &self.addresses {
            names.extend(match address.to_canonical() {
                IpAddr::V4(address) => der::value(0x87, &address.octets()),
                IpAddr::V6(address) => der::value(0x87, &address.octets()),
            });
        }
        Ok(der::value(der::SEQUENCE, &names))
    }
}

/// Who signs: the name and key identifier of its certificate, and its key.
struct Issuer<'k> {
    name: Vec<u8>,
    key_id: Vec<u8>,
    key: &'k PrivateKey,
}

/// A certificate authority that signs itself.
pub(super) fn authority(common_name: &Str, days: i64, key: &PrivateKey) -> Outcome {
    let names = Names {
        common_name: common_name.to_string_lossy().into_owned(),
        addresses: Vec::new(),
        domains: Vec::new(),
    };
    let issuer = Issuer { name: names.subject(), key_id: Vec::new(), key };
    make(&names, days, key, &issuer, true)
}

/// A certificate that signs itself.
pub(super) fn self_signed(names: &Names, days: i64, key: &PrivateKey) -> Outcome {
    let issuer = Issuer { name: names.subject(), key_id: Vec::new(), key };
    make(names, days, key, &issuer, false)
}

/// A certificate signed by `ca`; the names are the first three of `args`.
pub(super) fn signed(args: &[Value], days: i64, ca: &Certificate, key: &PrivateKey) -> Outcome {
    let block = pem::decode(&ca.cert.to_string_lossy()).ok_or("unable to decode certificate")?;
    let parent = Parent::parse(&block.contents)
        .ok_or("error parsing certificate: decodedSignerCert.Bytes: x509: malformed certificate")?;
    let signer = PrivateKey::from_pem(&ca.key)
        .map_err(|error| FuncError::new(format!("error parsing private key: {error}")))?;
    let names = names(args)?;
    let public = signer.public_info().ok_or(NOT_A_SIGNER)?;
    if public != parent.public_info {
        return Err(
            "error creating certificate: x509: provided PrivateKey doesn't match parent's \
                    PublicKey"
                .into(),
        );
    }
    let issuer = Issuer { name: parent.subject, key_id: parent.key_id, key: &signer };
    make(&names, days, key, &issuer, false)
}

/// A certificate and key made elsewhere, after a check of both.
pub(super) fn build_custom(cert: &Str, key: &Str) -> Outcome {
    let cert = decode_base64(cert).map_err(|_| "unable to decode base64 certificate")?;
    let key = decode_base64(key).map_err(|_| "unable to decode base64 private key")?;
    let block = pem::decode(&String::from_utf8_lossy(&cert));
    let block = block.ok_or("unable to decode certificate")?;
    Parent::parse(&block.contents)
        .ok_or("error parsing certificate: decodedCert.Bytes: x509: malformed certificate")?;
    PrivateKey::from_pem(&key)
        .map_err(|error| FuncError::new(format!("error parsing private key: {error}")))?;
    Ok(Value::object(Certificate { cert: cert.into(), key: key.into() }))
}

/// What a signed certificate takes from that of its authority.
struct Parent {
    /// The whole name.
    subject: Vec<u8>,
    public_info: Vec<u8>,
    key_id: Vec<u8>,
}

impl Parent {
    fn parse(data: &[u8]) -> Option<Self> {
        let mut certificate = Reader::new(data).sequence()?;
        let mut fields = certificate.sequence()?;
        fields.optional(0xA0); // version
        fields.read(der::INTEGER)?; // serial number
        fields.sequence()?; // signature algorithm
        fields.sequence()?; // issuer
        fields.sequence()?; // validity
        let subject = fields.any().filter(|item| item.tag == der::SEQUENCE)?.whole.to_vec();
        let public_info = fields.any().filter(|item| item.tag == der::SEQUENCE)?.whole.to_vec();
        fields.optional(0x81);
        fields.optional(0x82);
        let mut key_id = Vec::new();
        if let Some(extensions) = fields.optional(0xA3) {
            let mut extensions = Reader::new(extensions).sequence()?;
            while let Some(mut extension) = extensions.sequence() {
                let id = extension.read(der::OBJECT_IDENTIFIER)?;
                extension.optional(0x01); // whether it is critical
                let contents = extension.read(der::OCTET_STRING)?;
                if id == SUBJECT_KEY_ID {
                    key_id = Reader::new(contents).read(der::OCTET_STRING)?.to_vec();
                }
            }
        }
        Some(Self { subject, public_info, key_id })
    }
}

fn make(names: &Names, days: i64, key: &PrivateKey, issuer: &Issuer<'_>, is_ca: bool) -> Outcome {
    let public_info = key.public_info().ok_or(NOT_A_SIGNER)?;
    let algorithm = issuer.key.signature_algorithm().ok_or(NOT_A_SIGNER)?;
    let subject = names.subject();
    let extensions = extensions(names, &public_info, issuer, &subject, is_ca)?;
    let mut serial = [0; 16];
    random::fill(&mut serial)?;
    let to_sign = der::sequence(&[
        &der::tagged(0, &der::integer(&[2])), // version 3
        &der::integer(&serial),
        &algorithm,
        &issuer.name,
        &validity(days)?,
        &subject,
        &public_info,
        &der::tagged(3, &extensions),
    ]);
    let signature = issuer.key.sign(&to_sign)?;
    let whole = der::sequence(&[&to_sign, &algorithm, &der::bit_string(&signature)]);
    let cert = pem::encode("CERTIFICATE", &whole).into();
    Ok(Value::object(Certificate { cert, key: key.to_pem().into() }))
}

/// From now on for so many days, which may be negative.
fn validity(days: i64) -> Result<Vec<u8>, FuncError> {
    const DAY: i64 = 86_400_000_000_000;
    let now = Time::now().in_zone(Zone::Utc);
    let end = now.add(Duration(days.wrapping_mul(DAY))); // overflows as in Go
    let written = |time: &Time| {
        if (1950..2050).contains(&time.year()) {
            Ok(der::value(der::UTC_TIME, time.format("060102150405Z").as_bytes()))
        } else if (0..10_000).contains(&time.year()) {
            Ok(der::value(der::GENERALIZED_TIME, time.format("20060102150405Z").as_bytes()))
        } else {
            Err(FuncError::new("error creating certificate: asn1: cannot represent time"))
        }
    };
    Ok(der::sequence(&[&written(&now)?, &written(&end)?]))
}

/// In Go's order.
fn extensions(
    names: &Names,
    public_info: &[u8],
    issuer: &Issuer<'_>,
    subject: &[u8],
    is_ca: bool,
) -> Result<Vec<u8>, FuncError> {
    // Bits from the left: digital signature, key encipherment, and certificate signing.
    let usage: &[u8] = if is_ca { &[0x02, 0xA4] } else { &[0x05, 0xA0] };
    let purposes = der::sequence(&[&der::oid(SERVER_AUTH), &der::oid(CLIENT_AUTH)]);
    let constraints = der::sequence(if is_ca { &[der::TRUE] } else { &[] });
    let mut all = vec![
        extension(KEY_USAGE, true, &der::value(der::BIT_STRING, usage)),
        extension(EXT_KEY_USAGE, false, &purposes),
        extension(BASIC_CONSTRAINTS, true, &constraints),
    ];
    if is_ca {
        let id = der::value(der::OCTET_STRING, &key_id(public_info));
        all.push(extension(SUBJECT_KEY_ID, false, &id));
    }
    if issuer.name != subject && !issuer.key_id.is_empty() {
        let id = der::sequence(&[&der::value(0x80, &issuer.key_id)]);
        all.push(extension(AUTHORITY_KEY_ID, false, &id));
    }
    if !names.addresses.is_empty() || !names.domains.is_empty() {
        // Without a subject these names are all there is, so they must not be overlooked.
        let critical = names.common_name.is_empty();
        all.push(extension(SUBJECT_ALT_NAME, critical, &names.alternatives()?));
    }
    Ok(der::value(der::SEQUENCE, &all.concat()))
}

fn extension(id: &[u8], critical: bool, contents: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { der::TRUE } else { &[] };
    der::sequence(&[&der::oid(id), critical, &der::value(der::OCTET_STRING, contents)])
}

/// The first 160 bits of the SHA-256 of the public key's bits (RFC 7093, method 1).
fn key_id(public_info: &[u8]) -> Vec<u8> {
    let mut fields = Reader::new(public_info).sequence();
    let bits = fields.as_mut().and_then(|fields| {
        fields.sequence()?;
        fields.read(der::BIT_STRING)
    });
    let key = bits.and_then(|bits| bits.strip_prefix(&[0])).unwrap_or_default();
    sha2::Sha256::digest(key)[..20].to_vec()
}
