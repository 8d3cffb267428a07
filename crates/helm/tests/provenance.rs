//! Provenance files held against the real Helm, with keys that the real GnuPG made: what one signs the
//! other accepts, and what one refuses the other refuses in the same words.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use helm::provenance::{self, Keyring, OpenPgpError, ProvenanceError};
use support::helm_binary;
use tempfile::TempDir;

const PASSPHRASE: &str = "open sesame";
const ARCHIVE: &str = "c-0.1.0.tgz";

/// Keys in a temporary home of GnuPG, their keyrings, and a chart.
struct Lab {
    folder: TempDir,
}

impl Lab {
    fn new(keys: &[(&str, &str, &str)]) -> Self {
        let lab = Self { folder: tempfile::tempdir().expect("a folder") };
        fs::create_dir(lab.path("gpg")).expect("a folder");
        for (name, algorithm, passphrase) in keys {
            let (id, time) = (
                format!("{name} <{name}@example.com>"),
                ["--faked-system-time", "20240101T000000"],
            );
            let (time, life) = if *name == "old" { (&time[..], "1d") } else { (&[][..], "never") };
            let make =
                ["--passphrase", passphrase, "--quick-gen-key", &id, algorithm, "sign", life];
            lab.gpg(&[time, &make].concat());
        }
        for (file, armor) in [("pub.gpg", &[][..]), ("pub.asc", &["--armor"])] {
            fs::write(lab.path(file), lab.gpg(&[armor, &["--export"]].concat())).expect("written");
        }
        for (file, armor) in [("sec.gpg", &[][..]), ("sec.asc", &["--armor"])] {
            let export = ["--passphrase", PASSPHRASE, "--export-secret-keys"];
            fs::write(lab.path(file), lab.gpg(&[armor, &export].concat())).expect("written");
        }
        fs::write(lab.path("pass"), format!("{PASSPHRASE}\n")).expect("written");
        fs::create_dir_all(lab.path("c/templates")).expect("a folder");
        let chart = "apiVersion: v2\nname: c\nversion: 0.1.0\nkeywords:\n- dash\n";
        fs::write(lab.path("c/Chart.yaml"), chart).expect("written");
        fs::write(lab.path("c/values.yaml"), "a: 1\n").expect("written");
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn gpg(&self, args: &[&str]) -> Vec<u8> {
        let output = Command::new("gpg")
            .args(["--quiet", "--batch", "--pinentry-mode", "loopback", "--homedir"])
            .arg(self.path("gpg"))
            .args(args)
            .output()
            .expect("gpg is installed (scripts/install-test-tools)");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Runs Helm in the folder: standard output, or the text after `Error: `.
    fn helm(&self, args: &[&str]) -> Result<String, String> {
        let output =
            Command::new(helm_binary()).args(args).current_dir(self.folder.path()).output();
        let output = output.expect("Helm can be started");
        if output.status.success() {
            return Ok(String::from_utf8(output.stdout).expect("UTF-8"));
        }
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(told.split("Error: ").last().unwrap_or_default().trim_end().to_owned())
    }

    fn package_signed(&self, key: &str, keyring: &str) -> Result<String, String> {
        self.helm(&[
            "package",
            "c",
            "--sign",
            "--key",
            key,
            "--keyring",
            keyring,
            "--passphrase-file",
            "pass",
        ])
    }

    /// Verifies with both and fails unless they agree.
    #[track_caller]
    fn agree(&self, archive: &str, keyring: &str) -> Result<String, String> {
        let real = self.helm(&["verify", archive, "--keyring", keyring]);
        let file = |name: &str| self.path(name);
        let ours = provenance::verify_file(
            &file(archive),
            &file(&format!("{archive}.prov")),
            &file(keyring),
            now(),
        );
        // Helm was told relative paths.
        let folder = format!("{}/", self.folder.path().display());
        let ours = ours
            .map(|found| found.to_string())
            .map_err(|error| error.to_string().replace(&folder, ""));
        assert_eq!(ours, real);
        real
    }

    fn keyring(&self, name: &str) -> Keyring {
        Keyring::read(&fs::read(self.path(name)).expect("a keyring")).expect("keys")
    }

    fn sign(&self, key: &str, keyring: &str, passphrase: &str) -> Result<String, ProvenanceError> {
        let unlock = |_: &str| Ok::<_, OpenPgpError>(passphrase.as_bytes().to_vec());
        let signer = self.keyring(keyring).signer(key, unlock)?;
        let archive = fs::read(self.path(ARCHIVE)).expect("an archive");
        let metadata = fs::read_to_string(self.path("c/Chart.yaml")).expect("metadata");
        provenance::sign(&archive, ARCHIVE, &metadata, &signer, now())
    }
}

impl Drop for Lab {
    /// GnuPG leaves an agent running that watches the folder.
    fn drop(&mut self) {
        let home = self.path("gpg");
        let _ = Command::new("gpgconf")
            .arg("--homedir")
            .arg(home)
            .args(["--kill", "gpg-agent"])
            .status();
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).expect("a text");
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replacen(from, to, 1)).expect("written");
}

#[test]
fn what_either_signs_both_accept_with_every_kind_of_key() {
    let keys = [
        ("rsa", "rsa2048", ""),
        ("ed", "ed25519", ""),
        ("p256", "nistp256", ""),
        ("p384", "nistp384", ""),
        ("p521", "nistp521", ""),
        ("locked-rsa", "rsa2048", PASSPHRASE),
        ("locked-ed", "ed25519", PASSPHRASE),
    ];
    let lab = Lab::new(&keys);
    for (name, algorithm, _) in keys {
        let id = format!("{name} <{name}@example.com>");
        lab.package_signed(&id, "sec.gpg").expect("Helm signs");
        for keyring in ["pub.gpg", "pub.asc", "gpg/pubring.kbx", "sec.gpg"] {
            let told = lab.agree(ARCHIVE, keyring).expect("both accept Helm's signature");
            assert!(
                told.starts_with(&format!("Signed by: {id}\nUsing Key With Fingerprint: ")),
                "{told}"
            );
        }
        let signed = lab
            .sign(&id, "sec.asc", PASSPHRASE)
            .unwrap_or_else(|error| panic!("{algorithm}: {error}"));
        fs::write(lab.path("c-0.1.0.tgz.prov"), signed).expect("written");
        lab.agree(ARCHIVE, "pub.gpg").unwrap_or_else(|error| panic!("ours, {algorithm}: {error}"));
    }
}

#[test]
fn what_does_not_hold_is_refused_in_helms_words() {
    let lab = Lab::new(&[("ann", "rsa2048", ""), ("old", "ed25519", "")]);
    lab.package_signed("ann", "sec.gpg").expect("signed");
    let whole = fs::read(lab.path(ARCHIVE)).expect("an archive");
    let provenance = lab.path("c-0.1.0.tgz.prov");
    let signed = fs::read(&provenance).expect("a signature");
    let refused = |archive: &str, keyring: &str| lab.agree(archive, keyring).expect_err("refused");

    fs::write(lab.path(ARCHIVE), [&whole[..], b"x"].concat()).expect("written");
    assert!(
        refused(ARCHIVE, "pub.gpg")
            .starts_with("sha256 sum does not match for c-0.1.0.tgz: \"sha256:")
    );
    fs::write(lab.path(ARCHIVE), &whole).expect("written");

    fs::write(lab.path("other.tgz"), &whole).expect("written");
    refused("other.tgz", "pub.gpg");
    fs::copy(&provenance, lab.path("other.tgz.prov")).expect("copied");
    assert_eq!(
        refused("other.tgz", "pub.gpg"),
        "provenance does not contain a SHA for a file named \"other.tgz\""
    );

    refused("c", "pub.gpg");
    fs::write(lab.path("other.tar.gz"), &whole).expect("written");
    assert_eq!(refused("other.tar.gz", "pub.gpg"), "chart must be a tgz file");
    refused("absent.tgz", "pub.gpg");
    refused(ARCHIVE, "absent.gpg");
    fs::write(lab.path("stranger.gpg"), lab.gpg(&["--export", "old@example.com"]))
        .expect("written");
    assert_eq!(refused(ARCHIVE, "stranger.gpg"), "openpgp: signature made by unknown entity");
    fs::write(lab.path("empty.gpg"), "").expect("written");
    refused(ARCHIVE, "empty.gpg");

    replace(&provenance, "name: c", "name: d");
    assert_eq!(refused(ARCHIVE, "pub.gpg"), "openpgp: invalid signature: RSA verification failure");
    for damage in
        ["-----BEGIN PGP SIGNATURE-----", "-----END PGP SIGNATURE-----", "Hash: SHA512", "\n...\n"]
    {
        fs::write(&provenance, &signed).expect("written");
        replace(&provenance, damage, "x");
        refused(ARCHIVE, "pub.gpg");
    }

    lab.package_signed("old", "sec.gpg").expect("signed");
    assert_eq!(refused(ARCHIVE, "pub.gpg"), "openpgp: key expired");
}

#[test]
fn a_key_that_cannot_sign_is_told_as_helm_tells_it() {
    let lab = Lab::new(&[("ann", "ed25519", ""), ("anne", "ed25519", PASSPHRASE)]);
    lab.package_signed("ann <ann@example.com>", "sec.gpg").expect("signed");
    for (key, keyring) in [
        ("nobody", "sec.gpg"),
        ("ann", "sec.gpg"),
        ("anne", "pub.gpg"),
        ("anne", "gpg/pubring.kbx"),
    ] {
        let real = lab.package_signed(key, keyring).expect_err("Helm refuses");
        assert_eq!(lab.sign(key, keyring, PASSPHRASE).expect_err("refused").to_string(), real);
    }
    fs::write(lab.path("pass"), "wrong\n").expect("written");
    let real = lab.package_signed("anne", "sec.gpg").expect_err("Helm refuses");
    assert_eq!(lab.sign("anne", "sec.gpg", "wrong").expect_err("refused").to_string(), real);
}

#[test]
fn damaged_keyrings_and_signatures_end_in_an_error() {
    let lab = Lab::new(&[("ann", "ed25519", "")]);
    lab.package_signed("ann", "sec.gpg").expect("signed");
    let archive = fs::read(lab.path(ARCHIVE)).expect("an archive");
    let provenance = fs::read(lab.path("c-0.1.0.tgz.prov")).expect("a signature");
    let good = lab.keyring("pub.gpg");
    assert!(provenance::verify(&archive, ARCHIVE, &provenance, &good, now()).is_ok());
    for name in ["pub.gpg", "sec.gpg", "pub.asc", "gpg/pubring.kbx"] {
        let keyring = fs::read(lab.path(name)).expect("a keyring");
        for at in 0..keyring.len() {
            let mut damaged = keyring.clone();
            damaged[at] ^= 0xa5;
            // Some bytes mean nothing; what matters is that every answer is one of the two.
            for bytes in [&damaged[..], &keyring[..at]] {
                if let Ok(keys) = Keyring::read(bytes) {
                    let _ = provenance::verify(&archive, ARCHIVE, &provenance, &keys, now());
                }
            }
        }
    }
    let text = provenance.iter().position(|byte| *byte == b'a').expect("a text");
    for at in text..provenance.len() {
        assert!(
            provenance::verify(&archive, ARCHIVE, &provenance[..at], &good, now()).is_err(),
            "{at}"
        );
    }
}
