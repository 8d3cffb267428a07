//! The object store: contents kept by their address.
//!
//! Everything but chart archives is secret until proved otherwise: it is sealed whole, and its
//! address is a keyed digest, so that a guessed value cannot be tested against it. Chart archives
//! are kept as they are under their SHA-256. Equal contents of one kind are kept once, but for those that are written
//! together: a file or a request for each would cost more than what is kept twice.

mod address;
mod key;
mod place;
#[cfg(test)]
mod s3_tests;
mod seal;
mod store;
mod stream;

use std::fmt;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::closed::closed_set;
use crate::error::Error;
use crate::store::ids::ContentId;

pub(crate) use address::{Address, Part};
pub use place::{Bucket, InvalidPlace, ObjectPlace};
pub(crate) use seal::Sealer;
pub(crate) use store::Store;
pub(crate) use stream::{StoredStream, StreamError};

closed_set! {
    /// What a sealed object is.
    pub(crate) enum ObjectKind {
        /// Helm values as written, of any layer.
        Values = "values",
        /// Merged values with their origins.
        Merged = "merged",
        /// Rendered manifest, hooks and notes.
        Rendering = "rendering",
        /// What else decided a rendering: capabilities, lookups, `.Release`.
        Context = "context",
        /// A plan.
        Plan = "plan",
        /// Lines of an Op's log.
        Log = "log",
        /// The keys that an App trusts.
        Keyring = "keyring",
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String does not fail");
        text
    })
}

/// SHA-256 in hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The object store has nothing in it, though something was kept there.
#[derive(Debug, thiserror::Error)]
#[error("nothing of what was kept is there")]
pub(crate) struct Away;

/// Contents by address, and sealing for what stands in rows.
#[derive(Clone)]
pub(crate) struct Objects {
    store: Store,
    sealer: Sealer,
}

impl Objects {
    /// Opens the place of objects, and the key file, made if missing.
    pub(crate) fn open(place: &ObjectPlace, key_file: &Path) -> Result<Self, Error> {
        let keys =
            key::load_or_make(key_file).map_err(|e| Error::internal("open its object store", e))?;
        Ok(Self { store: Store::open(place)?, sealer: Sealer::new(keys) })
    }

    /// The store itself, for what is not kept by the digest of its content.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Fails where the store is not the one it was: an empty folder where another is mounted, a bucket made anew. What is
    /// missing there says nothing.
    pub(crate) async fn is_itself(&self) -> Result<(), Error> {
        match self.store.identity().await? {
            Some(_) => Ok(()),
            None => Err(Error::internal("read from its object store", Away)),
        }
    }

    /// Whether a chart archive is kept.
    pub(crate) async fn has_archive(&self, digest: &str) -> Result<bool, Error> {
        self.store.is_there(&archive_path(digest)).await
    }

    /// Seals what stands in rows, and keys plan hashes.
    pub(crate) fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// Keeps a secret content; returns where.
    pub(crate) async fn put(&self, kind: ObjectKind, content: &[u8]) -> Result<Address, Error> {
        let address = self.address(kind, content);
        let path = secret_path(&address);
        if !self.store.is_there(&path).await? {
            self.store.put(&path, self.seal(&address, content)?).await?;
        }
        Ok(address)
    }

    /// Keeps secret contents that belong together as parts of one object; returns where, in the same order.
    pub(crate) async fn put_together<const N: usize>(
        &self,
        contents: [(ObjectKind, Vec<u8>); N],
    ) -> Result<[Address; N], Error> {
        let name = ContentId::generate().to_string();
        let mut addresses = contents.each_ref().map(|(kind, content)| self.address(*kind, content));
        let mut together = Vec::new();
        for (address, (_, content)) in addresses.iter_mut().zip(&contents) {
            let from = together.len() as u64;
            together.append(&mut self.seal(address, content)?);
            address.part = Some(Part { of: name.clone(), bytes: from..together.len() as u64 });
        }
        self.store.put(&together_path(&name), together).await?;
        Ok(addresses)
    }

    fn address(&self, kind: ObjectKind, content: &[u8]) -> Address {
        Address { kind, digest: hex(&self.sealer.digest(kind.as_str(), content)), part: None }
    }

    fn seal(&self, address: &Address, content: &[u8]) -> Result<Vec<u8>, Error> {
        let sealed = self.sealer.seal(&address.identity(), content);
        sealed.map_err(|e| Error::internal("encrypt a content", e))
    }

    /// The content at an address.
    pub(crate) async fn get(&self, address: &Address) -> Result<Vec<u8>, Error> {
        let sealed = match &address.part {
            Some(part) => {
                self.store.get_range(&together_path(&part.of), part.bytes.clone()).await?
            }
            None => self.store.get(&secret_path(address)).await?,
        };
        self.sealer
            .open(&address.identity(), &sealed)
            .map_err(|e| Error::internal("decrypt a stored content", e))
    }

    /// The text at an address.
    pub(crate) async fn text(&self, address: &Address) -> Result<String, Error> {
        String::from_utf8(self.get(address).await?)
            .map_err(|e| Error::internal("read a stored text", e))
    }

    /// The text at an address, empty where there is none.
    pub(crate) async fn text_or_empty(&self, address: Option<&Address>) -> Result<String, Error> {
        match address {
            Some(address) => self.text(address).await,
            None => Ok(String::new()),
        }
    }

    /// Keeps a text, unless it is blank.
    pub(crate) async fn put_text(&self, text: &str) -> Result<Option<Address>, Error> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        self.put(ObjectKind::Values, text.as_bytes()).await.map(Some)
    }

    /// Where empty values are kept, for those who took all of theirs away.
    pub(crate) async fn empty_values(&self) -> Result<Address, Error> {
        self.put(ObjectKind::Values, b"").await
    }

    /// Keeps something as JSON.
    pub(crate) async fn put_json<T: serde::Serialize>(
        &self,
        kind: ObjectKind,
        content: &T,
    ) -> Result<Address, Error> {
        self.put(kind, &to_json(content)?).await
    }

    /// Something kept as JSON.
    pub(crate) async fn json<T: serde::de::DeserializeOwned>(
        &self,
        address: &Address,
    ) -> Result<T, Error> {
        serde_json::from_slice(&self.get(address).await?)
            .map_err(|e| Error::internal("read a stored content", e))
    }

    /// Keeps a chart archive; returns its SHA-256 in hex.
    pub(crate) async fn put_archive(&self, archive: &[u8]) -> Result<String, Error> {
        let digest = sha256(archive);
        let path = archive_path(&digest);
        if !self.store.is_there(&path).await? {
            self.store.put(&path, archive.to_vec()).await?;
        }
        Ok(digest)
    }

    /// A chart archive by its SHA-256; checked.
    pub(crate) async fn archive(&self, digest: &str) -> Result<Vec<u8>, Error> {
        let archive = self.store.get(&archive_path(digest)).await?;
        if sha256(&archive) == digest {
            Ok(archive)
        } else {
            Err(Error::internal("read a chart archive", "its SHA-256 is not what was stored"))
        }
    }
}

/// A content as JSON, to be kept.
pub(crate) fn to_json<T: serde::Serialize>(content: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(content).map_err(|e| Error::internal("write a content as JSON", e))
}

fn secret_path(address: &Address) -> String {
    let (head, rest) = address.digest.split_at(2);
    format!("sealed/{}/{head}/{rest}", address.kind)
}

fn together_path(name: &str) -> String {
    // The end of an id is drawn, its beginning is the time.
    let (rest, tail) = name.split_at_checked(name.len().saturating_sub(2)).unwrap_or((name, ""));
    format!("sealed/together/{tail}/{rest}")
}

fn archive_path(digest: &str) -> String {
    let (head, rest) = digest.split_at_checked(2).unwrap_or(("", digest));
    format!("charts/sha256/{head}/{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> Vec<std::path::PathBuf> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
        }
        found
    }

    /// Secrets come back, are kept once, and neither they nor a digest of them stand on the disk.
    #[tokio::test]
    async fn secrets_are_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("objects");
        let objects = Objects::open(&store.clone().into(), &folder.path().join("key")).unwrap();
        let values = b"password: correct horse battery staple\n";
        let first = objects.put(ObjectKind::Values, values).await.unwrap();
        let again = objects.put(ObjectKind::Values, values).await.unwrap();
        let elsewhere = objects.put(ObjectKind::Rendering, values).await.unwrap();
        assert_eq!(first, again);
        assert_ne!(first.digest, elsewhere.digest);
        assert_eq!(objects.get(&first).await.unwrap(), values);
        let kept = files(&store);
        assert_eq!(kept.len(), 2);
        for file in kept {
            let name = file.to_string_lossy().replace('/', "");
            assert!(!name.contains(&sha256(values)[2..]), "{name}");
            let bytes = std::fs::read(&file).unwrap();
            assert!(!bytes.windows(8).any(|window| window == b"password"));
        }
    }

    /// What is kept together is one object, and each part of it reads by itself, under its own kind only.
    #[tokio::test]
    async fn parts_of_one_object() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("objects");
        let objects = Objects::open(&store.clone().into(), &folder.path().join("key")).unwrap();
        let parts = [(ObjectKind::Rendering, b"a: 1\n".to_vec()), (ObjectKind::Plan, Vec::new())];
        let kept = objects.put_together(parts.clone()).await.unwrap();
        assert_eq!(files(&store).len(), 1);
        for ((kind, content), address) in parts.iter().zip(&kept) {
            assert_eq!(address.kind, *kind);
            let told: Address = address.to_string().parse().unwrap();
            assert_eq!(&told, address);
            assert_eq!(objects.get(&told).await.unwrap(), *content);
        }
        let [rendering, plan] = kept;
        let crossed = Address { part: plan.part, ..rendering };
        assert!(objects.get(&crossed).await.is_err());
    }

    /// Chart archives stand under their SHA-256; one that was changed on the disk is refused.
    #[tokio::test]
    async fn archives_are_checked() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("objects");
        let objects = Objects::open(&store.clone().into(), &folder.path().join("key")).unwrap();
        let digest = objects.put_archive(b"a chart").await.unwrap();
        assert_eq!(digest, sha256(b"a chart"));
        assert_eq!(objects.archive(&digest).await.unwrap(), b"a chart");
        std::fs::write(&files(&store)[0], b"another").unwrap();
        assert!(objects.archive(&digest).await.is_err());
        assert!(objects.archive("../../etc/passwd").await.is_err());
    }

    /// With another key file nothing opens, and the cause says what to do.
    #[tokio::test]
    async fn another_key_opens_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("objects");
        let objects = Objects::open(&store.clone().into(), &folder.path().join("key")).unwrap();
        let address = objects.put(ObjectKind::Plan, b"plan").await.unwrap();
        let other = Objects::open(&store.clone().into(), &folder.path().join("other")).unwrap();
        let Err(Error::Internal { source, .. }) = other.get(&address).await else {
            panic!("opened with another key");
        };
        assert!(source.to_string().contains("put the key file back"), "{source}");
    }
}
