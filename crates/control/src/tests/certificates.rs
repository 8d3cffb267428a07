//! Certificates that people upload: what fits, in any order, and what does not, told by its reason.

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use super::site::problems;
use crate::domain::certificate::{self, Certificate, Pair};
use crate::error::Error;

/// An authority with an intermediate one below it.
pub(super) struct Chain {
    pub(super) root: String,
    pub(super) intermediate: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key, in PEM.
pub(super) struct Leaf {
    pub(super) pem: String,
    pub(super) key: String,
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl Chain {
    pub(super) fn new() -> Self {
        let root_key = KeyPair::generate().unwrap();
        let params = authority("Example Root");
        let root = params.self_signed(&root_key).unwrap().pem();
        let root_issuer = Issuer::new(params, root_key);
        let key = KeyPair::generate().unwrap();
        let params = authority("Example Intermediate");
        let intermediate = params.signed_by(&key, &root_issuer).unwrap().pem();
        Self { root, intermediate, issuer: Issuer::new(params, key) }
    }

    pub(super) fn leaf(&self, name: &str) -> Leaf {
        self.leaf_valid(name, (-1, 90))
    }

    /// One that is valid between these days from now.
    fn leaf_valid(&self, name: &str, (from, to): (i64, i64)) -> Leaf {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let day = |from_now: i64| {
            let at = Timestamp::now() + SignedDuration::from_hours(24 * from_now);
            let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
            let number = |n: i8| u8::try_from(n).unwrap();
            rcgen::date_time_ymd(date.year().into(), number(date.month()), number(date.day()))
        };
        (params.not_before, params.not_after) = (day(from), day(to));
        self.signed(&params)
    }

    fn signed(&self, params: &CertificateParams) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        Leaf { pem, key: key.serialize_pem() }
    }
}

fn read(chain: &[&str], key: &str) -> Result<(Certificate, Pair), Error> {
    certificate::read(&"shop.example.com".parse().unwrap(), &chain.concat(), key)
}

fn refused(chain: &[&str], key: &str) -> String {
    problems(read(chain, key).map(|(shown, _)| shown))
}

/// The chain is put in order; a root may be there or not; a wildcard covers one label.
#[test]
fn what_fits() {
    let chain = Chain::new();
    let leaf = chain.leaf("shop.example.com");
    let (shown, pair) = read(&[&leaf.pem, &chain.intermediate], &leaf.key).unwrap();
    assert_eq!((shown.chain, shown.issuer.as_str()), (2, "Example Intermediate"));
    assert!((88..=90).contains(&shown.days_left()), "{}", shown.days_left());
    let (all, mixed) = read(&[&chain.root, &chain.intermediate, &leaf.pem], &leaf.key).unwrap();
    assert_eq!((all.chain, all.fingerprint), (3, shown.fingerprint));
    assert!(mixed.chain_pem.starts_with(&pair.chain_pem), "{}", mixed.chain_pem);
    // What was written is what is read.
    read(&[&pair.chain_pem], &pair.key_pem).unwrap();
    let wild = chain.leaf("*.example.com");
    read(&[&wild.pem, &chain.intermediate], &wild.key).unwrap();
    let own = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["shop.example.com".to_owned()]).unwrap();
    let own_pem = params.self_signed(&own).unwrap().pem();
    assert_eq!(read(&[&own_pem], &own.serialize_pem()).unwrap().0.chain, 1);
}

/// Each fault by itself, with what to do.
#[test]
fn what_does_not() {
    let chain = Chain::new();
    let leaf = chain.leaf("shop.example.com");
    let (key, intermediate) = (leaf.key.as_str(), chain.intermediate.as_str());
    let other = Chain::new();
    let other_leaf = other.leaf("shop.example.com");
    let cases = [
        (
            refused(&[&leaf.pem], key),
            "certificate: The chain is not whole: the certificate of `Example Intermediate`, which issued that of `shop.example.com`, is missing.",
        ),
        (refused(&[&leaf.pem, &other.intermediate], key), "certificate: The chain is not whole"),
        (
            refused(&[&leaf.pem, intermediate, &other_leaf.pem], key),
            "certificate: The certificate of `shop.example.com` does not belong to this chain.",
        ),
        (
            refused(&[&leaf.pem, intermediate], &other_leaf.key),
            "key: The private key belongs to none of these certificates.",
        ),
        (refused(&[&leaf.pem, intermediate], ""), "key: The private key is missing."),
        (
            refused(&[&leaf.pem, intermediate], "-----BEGIN ENCRYPTED PRIVATE KEY-----"),
            "key: The private key is locked with a passphrase.",
        ),
        (refused(&[], key), "certificate: The certificate is missing."),
        (refused(&["nothing"], key), "certificate: It holds no certificate."),
    ];
    for (got, wanted) in cases {
        assert!(got.starts_with(wanted), "{got}\nnot {wanted}");
    }
    for (name, valid, wanted) in [
        (
            "other.example.com",
            (-1, 90),
            "certificate: The certificate is for other.example.com, not for `shop.example.com`.",
        ),
        (
            "*.shop.example.com",
            (-1, 90),
            "certificate: The certificate is for *.shop.example.com, not",
        ),
        ("shop.example.com", (-9, -2), "certificate: The certificate expired on "),
        ("shop.example.com", (2, 90), "certificate: The certificate is valid only from "),
    ] {
        let leaf = chain.leaf_valid(name, valid);
        let got = refused(&[&leaf.pem, intermediate], &leaf.key);
        assert!(got.starts_with(wanted), "{got}\nnot {wanted}");
    }
    let mut client = CertificateParams::new(vec!["shop.example.com".to_owned()]).unwrap();
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let client = chain.signed(&client);
    assert!(refused(&[&client.pem, intermediate], &client.key).contains("not meant for servers"));
}
