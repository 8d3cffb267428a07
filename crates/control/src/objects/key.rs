//! The key file: what encrypts contents at rest, made on the first run, outside the database.
//!
//! A line per key: `landfall-key-1 BASE64`. The first seals; all of them open, so that a key can be
//! changed by putting a new line on top.

use std::io::Write;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

const WORD: &str = "landfall-key-1";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// The file cannot be read or made.
    #[error("the key file {} cannot be used", path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// The file is not a key file.
    #[error("line {line} of the key file {} is not a key; restore the file from where it is kept safe", path.display())]
    Line { path: PathBuf, line: usize },
    /// Others can read the file.
    #[error("the key file {} can be read by others; run: chmod 600 {}", path.display(), path.display())]
    Open { path: PathBuf },
    /// The system gave no random numbers.
    #[error("the system gave no random numbers for a key")]
    Random { source: getrandom::Error },
}

/// What is derived from one key of the file.
#[derive(Clone)]
pub(crate) struct Key {
    /// Tells the key from others; says nothing about it.
    pub(crate) id: [u8; 8],
    /// Encrypts.
    pub(crate) sealing: Zeroizing<[u8; 32]>,
    /// Makes addresses of contents.
    pub(crate) addressing: Zeroizing<[u8; 32]>,
    /// Makes hashes of plans.
    pub(crate) planning: Zeroizing<[u8; 32]>,
}

impl Key {
    pub(crate) fn derive(master: &[u8; 32]) -> Self {
        let part = |label: &str| Zeroizing::new(hmac(master, label.as_bytes()));
        let mut id = [0; 8];
        id.copy_from_slice(&part("landfall key id")[..8]);
        Self {
            id,
            sealing: part("landfall sealing"),
            addressing: part("landfall addressing"),
            planning: part("landfall planning"),
        }
    }
}

/// HMAC-SHA256.
pub(crate) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Reads the key file; makes it if there is none.
pub(crate) fn load_or_make(path: &Path) -> Result<Vec<Key>, KeyError> {
    let file = |source| KeyError::File { path: path.to_owned(), source };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(path)?,
        Err(error) => return Err(file(error)),
    };
    refuse_readable_by_others(path)?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<Vec<Key>, KeyError> {
    let mut keys = Vec::new();
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let master = line
            .strip_prefix(WORD)
            .and_then(|rest| STANDARD.decode(rest.trim()).ok())
            .map(Zeroizing::new)
            .and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok())
            .ok_or_else(|| KeyError::Line { path: path.to_owned(), line: n + 1 })?;
        keys.push(Key::derive(&master));
    }
    if keys.is_empty() {
        return Err(KeyError::Line { path: path.to_owned(), line: 1 });
    }
    Ok(keys)
}

fn make(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    let file = |source| KeyError::File { path: path.to_owned(), source };
    let mut master = Zeroizing::new([0; 32]);
    getrandom::fill(master.as_mut_slice()).map_err(|source| KeyError::Random { source })?;
    let line = Zeroizing::new(format!("{WORD} {}\n", STANDARD.encode(*master)));
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(file)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut out| {
        out.write_all(line.as_bytes())?;
        out.sync_all()
    });
    match written {
        Ok(()) => Ok(line),
        // Another process made it just now: theirs is the one.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            std::fs::read_to_string(path).map(Zeroizing::new).map_err(file)
        }
        Err(error) => Err(file(error)),
    }
}

#[cfg(unix)]
fn refuse_readable_by_others(path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(path)
        .map_err(|source| KeyError::File { path: path.to_owned(), source })?;
    let others = metadata.permissions().mode() & 0o077;
    if others == 0 { Ok(()) } else { Err(KeyError::Open { path: path.to_owned() }) }
}

#[cfg(not(unix))]
fn refuse_readable_by_others(_path: &Path) -> Result<(), KeyError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first run makes a key that only its owner can read; later runs find the same one.
    #[test]
    fn made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/landfall.key");
        let first = load_or_make(&path).unwrap();
        let again = load_or_make(&path).unwrap();
        assert_eq!(first[0].id, again[0].id);
        assert_eq!(*first[0].sealing, *again[0].sealing);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
            let refused = load_or_make(&path).err().unwrap().to_string();
            assert!(refused.contains("run: chmod 600"), "{refused}");
        }
    }

    /// A damaged key file is named with its line, never replaced.
    #[test]
    fn damaged_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("landfall.key");
        load_or_make(&path).unwrap();
        std::fs::write(&path, "landfall-key-1 short\n").unwrap();
        let refused = load_or_make(&path).err().unwrap().to_string();
        assert!(refused.starts_with("line 1 of the key file"), "{refused}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "landfall-key-1 short\n");
    }
}
