//! Debian's `docker-registry` as a process of its own, for tests of charts in OCI registries.
//!
//! Uses nothing of its crate but `bcrypt`: tests of lower crates take the file in by its path.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Who may sign in at a registry [with a password](DockerRegistry::with_password).
pub const USER: &str = "ana";
/// With what.
pub const PASSWORD: &str = "secret";

/// A registry on a free port of loopback, with its data in a folder of its own; ended when dropped.
#[derive(Debug)]
pub struct DockerRegistry {
    process: Child,
    /// Host and port.
    pub host: String,
    /// Everything it keeps, and whatever its test puts beside it.
    pub folder: TempDir,
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        // Both fail only if it has ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl DockerRegistry {
    /// Starts a registry that asks for a user and a password.
    pub fn with_password() -> Self {
        Self::start(|folder| {
            let hash = bcrypt::hash_with_salt(PASSWORD, 4, [7; 16]).expect("a hash");
            let hash = hash.format_for_version(bcrypt::Version::TwoA);
            let file = folder.join("htpasswd");
            std::fs::write(&file, format!("{USER}:{hash}\n")).expect("a file");
            format!("auth: {{htpasswd: {{realm: charts, path: {}}}}}\n", file.display())
        })
    }

    /// Starts a registry; `auth` is a section of its configuration.
    pub fn start(auth: impl Fn(&Path) -> String) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("config.yml");
        let text = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
             http: {{addr: '127.0.0.1:0'}}\n{}",
            folder.path().join("data").display(),
            auth(folder.path())
        );
        std::fs::write(&config, text).expect("a file");
        let program = std::env::var_os("LANDFALL_DOCKER_REGISTRY")
            .map_or_else(|| PathBuf::from("docker-registry"), PathBuf::from);
        let mut process = Command::new(program)
            .arg("serve")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker-registry runs: scripts/install-test-tools installs it");
        let mut log = BufReader::new(process.stderr.take().expect("is piped"));
        let mut host = None;
        let mut line = String::new();
        while host.is_none() && log.read_line(&mut line).expect("a log") > 0 {
            let place = line.split_once("listening on ").map(|(_, rest)| rest);
            host = place.and_then(|rest| rest.split('"').next()).map(str::to_owned);
            line.clear();
        }
        // Whoever does not read its log makes it wait.
        std::thread::spawn(move || log.read_to_end(&mut Vec::new()));
        let host = host.expect("the registry says where it listens");
        Self { process, host, folder }
    }
}
