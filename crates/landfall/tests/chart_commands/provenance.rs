//! Signatures: what one of the two signs the other verifies, and both say the same of what does not hold. The keys
//! are real GnuPG's.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::pair::Pair;
use crate::web::Web;

const PASSPHRASE: &str = "open sesame";
const CHARTFILE: &str = "version: 0.1.0\nname: shop\napiVersion: v2\ndescription: a shop\n";

/// A home of GnuPG with two keys, of which one is locked.
struct Keys(TempDir);

impl Keys {
    fn new() -> Self {
        let keys = Self(tempfile::tempdir().unwrap());
        for (name, passphrase) in [("ann", ""), ("bob", PASSPHRASE)] {
            let id = format!("{name} <{name}@example.com>");
            keys.gpg(&[
                "--passphrase",
                passphrase,
                "--quick-gen-key",
                &id,
                "ed25519",
                "sign",
                "never",
            ]);
        }
        keys
    }

    fn gpg(&self, args: &[&str]) -> Vec<u8> {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new("gpg")
            .args(["--quiet", "--batch", "--pinentry-mode", "loopback", "--homedir"])
            .arg(self.0.path())
            .args(args)
            .output()
            .expect("gpg is installed (scripts/install-test-tools)")
    }

    /// Puts keyrings and the passphrase beside the charts of both.
    fn hand_to(&self, pair: &Pair) {
        pair.write("public.gpg", self.gpg(&["--export"]));
        pair.write("bob.gpg", self.gpg(&["--export", "bob@example.com"]));
        let secret = ["--passphrase", PASSPHRASE, "--export-secret-keys"];
        pair.write("secret.gpg", self.gpg(&secret));
        pair.write("passphrase", format!("{PASSPHRASE}\r\nsecond line\n"));
        pair.write("wrong", "x\n");
        pair.write("empty", "");
    }
}

impl Drop for Keys {
    /// GnuPG leaves an agent running that watches the folder.
    fn drop(&mut self) {
        let _ = Command::new("gpgconf")
            .arg("--homedir")
            .arg(self.0.path())
            .args(["--kill", "gpg-agent"])
            .status();
    }
}

fn copy(from: &Path, to: &Path, names: &[&str]) {
    for name in names {
        std::fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

/// Signing is asked for, said and refused in the same words; either one's signature holds for Helm, Landfall and GnuPG.
#[test]
fn signing() {
    let keys = Keys::new();
    let pair = Pair::of(&[("shop/Chart.yaml", CHARTFILE), ("shop/templates/a.yaml", "kind: A\n")]);
    keys.hand_to(&pair);
    let sign = |rest: &[&str]| pair.assert_same(&[&["package", "shop", "--sign"], rest].concat());
    sign(&[]);
    sign(&["--key", "bob", "--keyring", ""]);
    sign(&["--key", "bob", "--keyring", "none.gpg"]);
    sign(&["--key", "bob", "--keyring", "public.gpg"]);
    sign(&["--key", "nobody", "--keyring", "secret.gpg"]);
    sign(&["--key", "example.com", "--keyring", "secret.gpg"]);
    let bob = ["--key", "bob", "--keyring", "secret.gpg"];
    sign(&bob);
    for file in ["none", "empty", "wrong", "-"] {
        sign(&[&bob[..], &["--passphrase-file", file]].concat());
    }
    sign(&["--key", "ann", "--keyring", "secret.gpg"]);
    sign(&[&bob[..], &["--passphrase-file", "passphrase"]].concat());

    let (theirs, ours) = (pair.helm.path().to_owned(), pair.landfall.path().to_owned());
    let files = ["shop-0.1.0.tgz", "shop-0.1.0.tgz.prov"];
    // GnuPG misses a checksum at the end, in Helm's signatures as well, so its exit code says nothing.
    let told = keys.run(&["--verify", ours.join(files[1]).to_str().unwrap()]).stderr;
    assert!(
        String::from_utf8_lossy(&told).contains("Good signature from \"bob <bob@example.com>\"")
    );
    let text = |folder: &Path| {
        let text = std::fs::read_to_string(folder.join(files[1])).unwrap();
        let text = text.split("files:").next().unwrap().to_owned();
        assert!(text.contains("name: shop"), "{text}");
        text
    };
    assert_eq!(text(&ours), text(&theirs));
    for (from, to) in [(&ours, &theirs), (&theirs, &ours)] {
        let both = tempfile::tempdir().unwrap();
        copy(from, both.path(), &files);
        copy(both.path(), &theirs, &files);
        copy(both.path(), &ours, &files);
        let verified = ["show", "chart", files[0], "--verify", "--keyring", "public.gpg"];
        assert!(pair.assert_same(&verified).contains("name: shop"), "{}", to.display());
    }
}

/// Archives on disk are verified where that is asked for.
#[test]
fn archives_on_disk() {
    let keys = Keys::new();
    let pair = Pair::of(&[("shop/Chart.yaml", CHARTFILE), ("shop/templates/a.yaml", "kind: A\n")]);
    keys.hand_to(&pair);
    let signed = ["package", "shop", "--sign", "--key", "ann", "--keyring", "secret.gpg"];
    assert!(pair.helm(&signed).status.success());
    let files = ["shop-0.1.0.tgz", "shop-0.1.0.tgz.prov"];
    copy(pair.helm.path(), pair.landfall.path(), &files);
    pair.write("other.tgz", std::fs::read(pair.helm.path().join(files[0])).unwrap());
    for keyring in ["public.gpg", "bob.gpg", "none.gpg"] {
        for chart in [files[0], "other.tgz", "shop", "./none.tgz"] {
            pair.assert_same(&["template", chart, "--verify", "--keyring", keyring]);
            pair.assert_same(&["verify", chart, "--keyring", keyring]);
        }
    }
    pair.assert_same(&["show", "values", files[0], "--verify"]);
    pair.assert_same(&["verify"]);
    pair.assert_same(&["template", "other.tgz", "--keyring", "none.gpg"]);
    pair.assert_same(&["template", "other.tgz", "--verify=false"]);
}

/// Provenance files are fetched with charts, kept and verified.
#[test]
fn fetched_archives() {
    let keys = Keys::new();
    let pair = Pair::of(&[("shop/Chart.yaml", CHARTFILE), ("shop/templates/a.yaml", "kind: A\n")]);
    keys.hand_to(&pair);
    let web = Web::start(None);
    let place = web.folder.path().to_str().unwrap();
    let signed =
        ["package", "shop", "-d", place, "--sign", "--key", "ann", "--keyring", "secret.gpg"];
    assert!(pair.helm(&signed).status.success());
    assert!(pair.helm(&["package", "shop", "-d", place, "--version", "0.2.0"]).status.success());
    assert!(pair.helm(&["repo", "index", place]).status.success());
    pair.write("out/x", "");
    let at = |name: &str| format!("{}/{name}", web.address);
    let keyring = |file: &'static str| ["--verify", "--keyring", file];
    for version in ["0.1.0", "0.2.0"] {
        for file in ["public.gpg", "bob.gpg", "none.gpg"] {
            let chart = ["shop", "--repo", &web.address, "--version", version];
            pair.assert_same(&[&["template"], &chart[..], &keyring(file)].concat());
            pair.assert_same(&[&["pull", "-d", "out"], &chart[..], &keyring(file)].concat());
            let address = at(&format!("shop-{version}.tgz"));
            pair.assert_same(&[&["show", "all", &address], &keyring(file)[..]].concat());
            pair.assert_same(&[&["pull", &address], &keyring(file)[..]].concat());
            pair.assert_same(
                &[&["pull", &address, "-d", file, "--untar"], &keyring(file)[..]].concat(),
            );
        }
        pair.assert_same(&["pull", &at(&format!("shop-{version}.tgz")), "--prov"]);
        pair.assert_same(&["pull", "shop", "--repo", &web.address, "--version", version, "--prov"]);
        let unpacked = ["--untar", "--untardir", version];
        pair.assert_same(
            &[&["pull", "shop", "--repo", &web.address, "--prov"], &unpacked[..]].concat(),
        );
    }
    pair.assert_same_files();
}
