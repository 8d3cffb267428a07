//! What template functions make by chance is tested for what it has to be: keys that load,
//! certificates that verify for their names, hashes that match.

use gotemplate::{TemplateSet, Value};
use helm::functions::func_map;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring::default_provider;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{Error, RootCertStore};
use std::sync::Arc;

fn render(template: &str) -> String {
    let mut set = TemplateSet::new("set", func_map());
    set.parse("case", template).expect("a template of ours");
    let text = set.execute("case", Value::Nil).unwrap_or_else(|error| panic!("{error}"));
    String::from_utf8(text).expect("PEM and text are UTF-8")
}

/// The certificate of an authority, then certificate and key of a server it signed.
fn chain(authority: &str, server: &str) -> [String; 3] {
    let text = render(&format!(
        "{{{{ $ca := {authority} }}}}{{{{ $s := {server} }}}}\
         {{{{ $ca.Cert }}}}|{{{{ $s.Cert }}}}|{{{{ $s.Key }}}}"
    ));
    let parts: Vec<String> = text.split('|').map(str::to_owned).collect();
    parts.try_into().expect("three parts")
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate in PEM")
}

/// Verifies a server's certificate against an authority, as a TLS client does.
fn verify(authority: &str, server: &str, name: &str) -> Result<(), Error> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate(authority))?;
    let provider = Arc::new(default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    let name = ServerName::try_from(name.to_owned()).expect("a name of a server");
    let server = certificate(server);
    let verifier = verifier.expect("there is an authority");
    verifier.verify_server_cert(&server, &[], &name, &[], UnixTime::now()).map(|_| ())
}

fn keys_match(cert: &str, key: &str) -> bool {
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a private key in PEM");
    let key = any_supported_type(&key).expect("a key for TLS");
    CertifiedKey::new(vec![certificate(cert)], key).keys_match().is_ok()
}

/// A chain made with new RSA keys verifies for its names and addresses, and for no others.
#[test]
fn signed_certificates_verify() {
    let [authority, server, key] = chain(
        r#"genCA "authority" 365"#,
        r#"genSignedCert "shop" (list "10.0.0.1" "::1") (list "shop.example" "*.shop.example") 30 $ca"#,
    );
    for name in ["shop.example", "api.shop.example", "10.0.0.1", "::1"] {
        verify(&authority, &server, name).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert!(verify(&authority, &server, "other.example").is_err());
    assert!(keys_match(&server, &key));
    assert!(key.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
}

/// Keys of all kinds that can sign do so, for authorities and for servers.
#[test]
fn given_keys_are_used() {
    for (authority_kind, server_kind) in [("ecdsa", "ed25519"), ("ed25519", "ecdsa")] {
        let [authority, server, key] = chain(
            &format!(r#"genCAWithKey "authority" 365 (genPrivateKey "{authority_kind}")"#),
            &format!(
                r#"genSignedCertWithKey "" nil (list "a.b") 1 $ca (genPrivateKey "{server_kind}")"#
            ),
        );
        verify(&authority, &server, "a.b").unwrap_or_else(|error| panic!("{server_kind}: {error}"));
        assert!(keys_match(&server, &key), "{server_kind}");
    }
}

/// A certificate whose time is over does not verify, nor does one of another authority.
#[test]
fn certificates_that_do_not_verify() {
    let authority = r#"genCAWithKey "authority" 365 (genPrivateKey "ecdsa")"#;
    let server = |days: i32| {
        format!(r#"genSignedCertWithKey "s" nil (list "a.b") {days} $ca (genPrivateKey "ecdsa")"#)
    };
    let [first, expired, _] = chain(authority, &server(-1));
    assert!(verify(&first, &expired, "a.b").is_err());
    let [_, foreign, _] = chain(authority, &server(1));
    assert!(verify(&first, &foreign, "a.b").is_err());
}

/// A self-signed certificate is signed by its own key, and an authority refuses a foreign one.
#[test]
fn self_signed_certificates() {
    let text =
        render(r#"{{ $c := genSelfSignedCert "s" nil (list "a.b") 1 }}{{ $c.Cert }}|{{ $c.Key }}"#);
    let (cert, key) = text.split_once('|').expect("two parts");
    assert!(keys_match(cert, key));
    let mut set = TemplateSet::new("set", func_map());
    let template = r#"{{ $a := genCAWithKey "a" 1 (genPrivateKey "ecdsa") }}
        {{- $b := genCAWithKey "b" 1 (genPrivateKey "ecdsa") }}
        {{- $mixed := buildCustomCert (b64enc $a.Cert) (b64enc $b.Key) }}
        {{- genSignedCertWithKey "s" nil nil 1 $mixed $a.Key }}"#;
    set.parse("case", template).expect("a template of ours");
    let error = set.execute("case", Value::Nil).expect_err("the key is not the certificate's");
    let reason = "x509: provided PrivateKey doesn't match parent's PublicKey";
    assert!(error.message().ends_with(reason), "{error}");
}

/// The private keys of `genPrivateKey` load; RSA keys have 4096 bits.
#[test]
fn private_keys_load() {
    for kind in ["rsa", "ecdsa", "ed25519"] {
        let key = render(&format!(r#"{{{{ genPrivateKey "{kind}" }}}}"#));
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect(kind);
        any_supported_type(&key).unwrap_or_else(|error| panic!("{kind}: {error}"));
        if kind == "rsa" {
            assert!(key.secret_der().len() > 2300, "a key of 4096 bits has some 2350 bytes");
        }
    }
    let dsa = render(r#"{{ genPrivateKey "dsa" }}"#);
    assert!(dsa.starts_with("-----BEGIN DSA PRIVATE KEY-----\n"), "{dsa}");
}

/// Hashes match their passwords, and texts drawn by chance differ.
#[test]
fn hashes_and_chance() {
    let hash = render(r#"{{ bcrypt "secret" }}"#);
    assert!(hash.starts_with("$2a$10$"), "{hash}");
    assert!(bcrypt::verify("secret", &hash).expect("a bcrypt hash"));
    let line = render(r#"{{ htpasswd "ana" "secret" }}"#);
    let hash = line.strip_prefix("ana:").expect("the user's name");
    assert!(bcrypt::verify("secret", hash).expect("a bcrypt hash"));
    for template in ["{{ uuidv4 }}", "{{ randAlphaNum 30 }}", "{{ randBytes 20 }}"] {
        assert_ne!(render(template), render(template), "{template}");
    }
    let shuffled = render(r#"{{ shuffle "abcé" | splitList "" | sortAlpha | join "" }}"#);
    assert_eq!(shuffled, "abcé");
    let mut drawn: Vec<String> = (0..200).map(|_| render("{{ randInt 3 6 }}")).collect();
    drawn.sort();
    drawn.dedup();
    assert_eq!(drawn, ["3", "4", "5"]);
}
