//! The store below: bytes at paths, written and read whole or in pieces, listed and deleted.
//!
//! Nothing is sealed here: whoever writes pieces that are secret seals each, with an identity that holds its number and
//! whether it is the last, so that none can be left out or moved.

use std::ops::Range;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use futures_util::stream::{BoxStream, Stream, StreamExt as _, TryStreamExt as _};
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, WriteMultipart};
use tokio_util::bytes::Bytes;

use super::ObjectPlace;
use crate::error::Error;

/// Parts that are under way at once: with 8 MiB each, what a stream may hold in memory.
const PARTS: usize = 4;
const PART: usize = 8 * 1024 * 1024;

/// The object that tells an object store from others.
const IDENTITY: &str = "landfall-objects";

const WRITING: &str = "write to its object store";
const READING: &str = "read from its object store";

/// Bytes at paths.
#[derive(Clone)]
pub(crate) struct Store {
    inner: Arc<dyn ObjectStore>,
    /// Where it is, if it is a folder.
    folder: Option<PathBuf>,
}

impl Store {
    /// Opens a place; a folder is made if missing.
    pub(crate) fn open(place: &ObjectPlace) -> Result<Self, Error> {
        let inner = place.open().map_err(|e| Error::internal("open its object store", e))?;
        let folder = match place {
            ObjectPlace::Folder(folder) => Some(folder.clone()),
            ObjectPlace::S3(_) => None,
        };
        Ok(Self { inner, folder })
    }

    #[cfg(test)]
    pub(super) fn of(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, folder: None }
    }

    /// Whether what is kept can be read; says what stands against it.
    pub(crate) async fn reachable(&self) -> Result<(), Error> {
        const DOING: &str = "reach its object store";
        // Nothing is kept below it: one short answer, and a bucket that is missing is told from an empty one.
        let mut none = self.inner.list(Some(&ObjectPath::from("probe")));
        if let Some(Err(error)) = none.next().await {
            return Err(Error::internal(DOING, error));
        }
        match &self.folder {
            Some(folder) if !folder.is_dir() => Err(Error::internal(DOING, "its folder is gone")),
            _ => Ok(()),
        }
    }

    /// Which object store this is; none where it was never told.
    pub(crate) async fn identity(&self) -> Result<Option<String>, Error> {
        let found = self.find(IDENTITY).await?;
        Ok(found.map(|id| String::from_utf8_lossy(&id).into_owned()))
    }

    /// Tells it which one it is, unless it knows; which it is.
    pub(crate) async fn identify(&self, id: &str) -> Result<String, Error> {
        self.put_new(IDENTITY, id.as_bytes().to_vec()).await?;
        Ok(self.identity().await?.unwrap_or_default())
    }

    /// Whether something is at `path`.
    pub(crate) async fn is_there(&self, path: &str) -> Result<bool, Error> {
        match self.inner.head(&ObjectPath::from(path)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(Error::internal("ask its object store", error)),
        }
    }

    /// Keeps a content at `path`.
    pub(crate) async fn put(&self, path: &str, content: Vec<u8>) -> Result<(), Error> {
        let stored = self.inner.put(&ObjectPath::from(path), content.into()).await;
        stored.map(drop).map_err(|e| Error::internal(WRITING, e))
    }

    /// Keeps a content at `path` unless something is there already.
    pub(crate) async fn put_new(&self, path: &str, content: Vec<u8>) -> Result<(), Error> {
        let new = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.inner.put_opts(&ObjectPath::from(path), content.into(), new).await {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(Error::internal(WRITING, error)),
        }
    }

    /// The content at `path`.
    pub(crate) async fn get(&self, path: &str) -> Result<Vec<u8>, Error> {
        let failed = |e| Error::internal(READING, e);
        let found = self.inner.get(&ObjectPath::from(path)).await.map_err(failed)?;
        Ok(found.bytes().await.map_err(failed)?.to_vec())
    }

    /// These bytes of the content at `path`.
    pub(crate) async fn get_range(&self, path: &str, bytes: Range<u64>) -> Result<Vec<u8>, Error> {
        let found = self.inner.get_range(&ObjectPath::from(path), bytes).await;
        Ok(found.map_err(|e| Error::internal(READING, e))?.to_vec())
    }

    /// The same as [`Store::get`], or none where there is nothing.
    pub(crate) async fn find(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let failed = |e| Error::internal(READING, e);
        match self.inner.get(&ObjectPath::from(path)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            found => Ok(Some(found.map_err(failed)?.bytes().await.map_err(failed)?.to_vec())),
        }
    }

    /// Keeps a content that comes in pieces at `path`; its length. Until the last piece is there, nothing is at `path`;
    /// where a piece or a write fails, nothing of it stays.
    pub(crate) async fn put_stream(
        &self,
        path: &str,
        pieces: impl Stream<Item = Result<Bytes, Error>> + Send,
    ) -> Result<u64, Error> {
        let failed = |e| Error::internal(WRITING, e);
        let upload = self.inner.put_multipart(&ObjectPath::from(path)).await.map_err(failed)?;
        let mut write = WriteMultipart::new_with_chunk_size(upload, PART);
        let mut pieces = pin!(pieces);
        let mut length = 0;
        loop {
            let piece = match pieces.next().await {
                Some(Ok(piece)) => piece,
                None => break,
                Some(Err(error)) => {
                    // What a store keeps of an upload that was never ended is its own to clean up if this fails, too.
                    let _ = write.abort().await;
                    return Err(error);
                }
            };
            length += piece.len() as u64;
            if let Err(error) = write.wait_for_capacity(PARTS).await {
                let _ = write.abort().await;
                return Err(failed(error));
            }
            write.put(piece);
        }
        write.finish().await.map_err(failed)?;
        Ok(length)
    }

    /// The content at `path` in pieces, and its length.
    pub(crate) async fn get_stream(
        &self,
        path: &str,
    ) -> Result<(u64, BoxStream<'static, Result<Bytes, Error>>), Error> {
        let failed = |e| Error::internal(READING, e);
        let found = self.inner.get(&ObjectPath::from(path)).await.map_err(failed)?;
        Ok((found.meta.size, found.into_stream().map_err(failed).boxed()))
    }

    /// Deletes what is at `path`; nothing is there afterwards, whether something was or not.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), Error> {
        match self.inner.delete(&ObjectPath::from(path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Error::internal("delete from its object store", error)),
        }
    }

    /// Path and length of every object below `prefix` (empty: of all), in no order.
    pub(crate) fn list(&self, prefix: &str) -> BoxStream<'static, Result<(String, u64), Error>> {
        let prefix = Some(prefix).filter(|prefix| !prefix.is_empty()).map(ObjectPath::from);
        self.inner
            .list(prefix.as_ref())
            .map_ok(|found| (found.location.to_string(), found.size))
            .map_err(|e| Error::internal("list its object store", e))
            .boxed()
    }
}
