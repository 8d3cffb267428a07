//! Keys that the real GnuPG made, for tests of signed charts.
//!
//! Uses nothing of its crate: tests of lower crates take the file in by its path.

use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Keys without a passphrase, in a home of GnuPG that goes with them.
#[derive(Debug)]
pub struct Keys {
    home: TempDir,
}

impl Keys {
    /// Makes a key for each name; its identity is `name <name@example.com>`.
    pub fn new(names: &[&str]) -> Self {
        let keys = Self { home: tempfile::tempdir().expect("a folder") };
        for name in names {
            let identity = format!("{name} <{name}@example.com>");
            let make = ["--passphrase", "", "--quick-gen-key", &identity, "ed25519", "sign"];
            keys.gpg(&[&make[..], &["never"]].concat());
        }
        keys
    }

    /// The public keys, armored.
    pub fn armored(&self) -> String {
        String::from_utf8(self.gpg(&["--armor", "--export"])).expect("armor is text")
    }

    /// The public keys as bytes.
    pub fn binary(&self) -> Vec<u8> {
        self.gpg(&["--export"])
    }

    /// The secret keys as bytes, which `helm package --sign` reads.
    pub fn secret(&self) -> Vec<u8> {
        self.gpg(&["--passphrase", "", "--export-secret-keys"])
    }

    fn gpg(&self, args: &[&str]) -> Vec<u8> {
        let output = Command::new("gpg")
            .args(["--quiet", "--batch", "--pinentry-mode", "loopback", "--homedir"])
            .arg(self.home.path())
            .args(args)
            .stdin(Stdio::null())
            .output()
            .expect("gpg is installed (scripts/install-test-tools)");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // The agent would stay for a while after its folder is gone.
        let mut end = Command::new("gpgconf");
        end.arg("--homedir").arg(self.home.path());
        let _ = end.args(["--kill", "gpg-agent"]).output();
    }
}
