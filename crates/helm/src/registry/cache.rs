//! Chart archives on disk, found by their digest: the layout of Helm's content cache.
//!
//! `<root>/<first hex byte>/<sha256>.chart`, with the provenance beside it as `.prov`. Files are
//! written whole or not at all, and an archive is checked when it is read: one that is not what its
//! name says is as good as none.

use crate::hexadecimal::hexadecimal;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};

/// A folder of chart archives.
#[derive(Clone, Debug)]
pub struct ContentCache {
    root: PathBuf,
}

/// SHA-256 of a chart archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ArchiveDigest([u8; 32]);

impl ArchiveDigest {
    /// The digest of these bytes.
    pub fn of(archive: &[u8]) -> Self {
        Self(Sha256::digest(archive).into())
    }

    /// Reads 64 hex digits, with or without `sha256:` before them.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.split_once(':').map_or(text, |(_, digits)| digits);
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// As 64 hex digits.
    pub fn hex(&self) -> String {
        hexadecimal(&self.0)
    }
}

impl ContentCache {
    /// The cache in this folder, which is made when something is stored.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The archive with this digest, if it lies here undamaged.
    pub fn archive(&self, digest: &ArchiveDigest) -> Option<Vec<u8>> {
        let bytes = std::fs::read(self.path(digest, "chart")).ok()?;
        (ArchiveDigest::of(&bytes) == *digest).then_some(bytes)
    }

    /// The provenance of the archive with this digest.
    pub fn provenance(&self, digest: &ArchiveDigest) -> Option<Vec<u8>> {
        let bytes = std::fs::read(self.path(digest, "prov")).ok()?;
        (!bytes.is_empty()).then_some(bytes)
    }

    /// Keeps an archive; its place.
    pub fn put_archive(&self, archive: &[u8]) -> io::Result<PathBuf> {
        self.put(&self.path(&ArchiveDigest::of(archive), "chart"), archive)
    }

    /// Keeps the provenance of an archive; its place.
    pub fn put_provenance(&self, digest: &ArchiveDigest, provenance: &[u8]) -> io::Result<PathBuf> {
        self.put(&self.path(digest, "prov"), provenance)
    }

    /// Where a file lies, whether it is there or not; `kind` is `chart` or `prov`.
    fn path(&self, digest: &ArchiveDigest, kind: &str) -> PathBuf {
        let name = digest.hex();
        self.root.join(&name[..2]).join(format!("{name}.{kind}"))
    }

    /// Writes under another name first, so that whoever reads never meets half a file.
    fn put(&self, path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let folder = path.parent().unwrap_or(&self.root);
        std::fs::create_dir_all(folder)?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let part = folder.join(format!(".part-{}-{number}", std::process::id()));
        let written = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
        if written.is_err() {
            // What is left of a failed write is of no use; that it cannot be removed neither.
            let _ = std::fs::remove_file(&part);
        }
        written.map(|()| path.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was stored is found by its digest, in Helm's place and with nothing else beside it.
    #[test]
    fn stored_and_found() {
        let folder = tempfile::tempdir().unwrap();
        let cache = ContentCache::new(folder.path().join("content"));
        let digest = ArchiveDigest::of(b"chart");
        assert_eq!(cache.archive(&digest), None);
        let place = cache.put_archive(b"chart").unwrap();
        let name = digest.hex();
        assert_eq!(
            place,
            folder.path().join("content").join(&name[..2]).join(format!("{name}.chart"))
        );
        cache.put_archive(b"chart").unwrap();
        cache.put_provenance(&digest, b"signed").unwrap();
        assert_eq!(cache.archive(&digest).as_deref(), Some(b"chart".as_slice()));
        assert_eq!(cache.provenance(&digest).as_deref(), Some(b"signed".as_slice()));
        assert_eq!(std::fs::read_dir(place.parent().unwrap()).unwrap().count(), 2);
    }

    /// A damaged file is as good as none, and storing again mends it.
    #[test]
    fn damage_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let cache = ContentCache::new(folder.path());
        let digest = ArchiveDigest::of(b"chart");
        let place = cache.put_archive(b"chart").unwrap();
        std::fs::write(&place, b"chor").unwrap();
        assert_eq!(cache.archive(&digest), None);
        cache.put_archive(b"chart").unwrap();
        assert!(cache.archive(&digest).is_some());
    }

    /// Digests are 64 hex digits, in any letter case, with or without their algorithm.
    #[test]
    fn digests() {
        let digits = ArchiveDigest::of(b"chart").hex();
        let read = |text: &str| ArchiveDigest::parse(text).map(|digest| digest.hex());
        for text in [digits.clone(), format!("sha256:{digits}"), digits.to_uppercase()] {
            assert_eq!(read(&text), Some(digits.clone()));
        }
        for text in ["", "sha256:", "ab", &digits[1..], &"é".repeat(32), &"x".repeat(64)] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
