//! What `landfall login` remembers: which server is the usual one, and a token for each.
//!
//! One file in the user's configuration folder, readable by nobody else. A token is sent to the
//! server that it was stored for and to no other.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

/// The file's content.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct File {
    /// The address of the server that was logged in to last.
    current: Option<String>,
    /// By the server's address.
    servers: BTreeMap<String, Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    token: String,
}

/// The logins of this user.
#[derive(Debug)]
pub(crate) struct Logins {
    path: PathBuf,
    file: File,
}

impl Logins {
    /// Reads the file; where there is none, nobody is logged in.
    pub(crate) fn read() -> Result<Self> {
        let path = path()?;
        let file = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
                format!("{} is damaged; remove it and log in again", path.display())
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => File::default(),
            Err(error) => {
                return Err(error).with_context(|| format!("could not read {}", path.display()));
            }
        };
        Ok(Self { path, file })
    }

    /// The server that commands use when none is named.
    pub(crate) fn current(&self) -> Option<Url> {
        self.file.current.as_deref()?.parse().ok()
    }

    /// The token for a server.
    pub(crate) fn token(&self, server: &Url) -> Option<SecretString> {
        self.file.servers.get(&key(server)).map(|entry| entry.token.clone().into())
    }

    /// Remembers a token, and the server as the usual one.
    pub(crate) fn remember(&mut self, server: &Url, token: &SecretString) -> Result<()> {
        let token = token.expose_secret().to_owned();
        self.file.servers.insert(key(server), Entry { token });
        self.file.current = Some(key(server));
        self.write()
    }

    /// Forgets the token for a server.
    pub(crate) fn forget(&mut self, server: &Url) -> Result<()> {
        self.file.servers.remove(&key(server));
        if self.file.current.as_deref() == Some(key(server).as_str()) {
            self.file.current = None;
        }
        self.write()
    }

    /// Where they are kept.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a new file with mode 0600 beside the old one and puts it in its place.
    fn write(&self) -> Result<()> {
        let doing = || format!("could not write {}", self.path.display());
        let folder = self.path.parent().with_context(doing)?;
        std::fs::create_dir_all(folder).with_context(doing)?;
        let new = self.path.with_extension(format!("{}.new", std::process::id()));
        let written = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)
            .and_then(|mut file| {
                // One that was there already kept its mode.
                file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
                file.write_all(&serde_json::to_vec_pretty(&self.file)?)?;
                file.sync_all()
            })
            .and_then(|()| std::fs::rename(&new, &self.path));
        if written.is_err() {
            // It may hold a token; if it cannot be removed, the error below is what matters.
            let _ = std::fs::remove_file(&new);
        }
        written.with_context(doing)
    }
}

/// How a server is called in the file: scheme, host, port and path, without a slash at the end.
fn key(server: &Url) -> String {
    let mut plain = server.clone();
    plain.set_query(None);
    plain.set_fragment(None);
    plain.as_str().trim_end_matches('/').to_owned()
}

/// `$XDG_CONFIG_HOME/landfall/logins.json`, by default below `~/.config`.
fn path() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let folder = match (set("XDG_CONFIG_HOME"), set("HOME")) {
        (Some(folder), _) => PathBuf::from(folder),
        (None, Some(home)) => PathBuf::from(home).join(".config"),
        (None, None) => bail!("there is no home folder to keep logins in; set XDG_CONFIG_HOME"),
    };
    Ok(folder.join("landfall/logins.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server is the same with or without a slash; another port is another server.
    #[test]
    fn servers() {
        let key = |text: &str| key(&text.parse().unwrap());
        assert_eq!(key("https://landfall.example.com/"), key("https://landfall.example.com"));
        assert_ne!(key("http://127.0.0.1:8080"), key("http://127.0.0.1:8081"));
    }

    /// What is remembered is found again, by nobody else, and forgotten when asked to.
    #[test]
    fn remembered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("landfall/logins.json");
        let server: Url = "http://127.0.0.1:8080".parse().unwrap();
        let mut logins = Logins { path: path.clone(), file: File::default() };
        logins.remember(&server, &"lf_secret".into()).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let file: File = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let mut again = Logins { path, file };
        assert_eq!(again.current().unwrap(), server);
        assert_eq!(again.token(&server).unwrap().expose_secret(), "lf_secret");
        assert!(again.token(&"http://127.0.0.1:8081".parse().unwrap()).is_none());
        again.forget(&server).unwrap();
        assert!(again.token(&server).is_none() && again.current().is_none());
    }
}
