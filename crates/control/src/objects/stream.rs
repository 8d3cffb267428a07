//! Streams: contents too large for memory, kept in pieces under a name.
//!
//! Each piece is compressed and sealed by itself for its place: the stream's name, its number, and whether it is the last. So a
//! stream that was cut, put together otherwise, or never finished does not read, and whoever reads it needs the memory of
//! one piece. A name is written once; whoever begins anew takes another.

use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

use super::{Objects, Sealer, hex};
use crate::blocking::blocking;
use crate::error::Error;

/// Bytes of a piece, before it is compressed.
const PIECE: usize = 4 * 1024 * 1024;

/// What a finished stream is known by: enough to tell whether what is there is all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredStream {
    /// Its name.
    pub(crate) name: String,
    /// Its pieces.
    pub(crate) pieces: i64,
    /// Its bytes.
    pub(crate) bytes: i64,
    /// What is kept of it.
    pub(crate) stored_bytes: i64,
    /// SHA-256 of its bytes, in hex.
    pub(crate) sha256: String,
}

/// Why a stream does not read as it was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    /// It is not what was stored.
    #[error("{0}")]
    Damaged(String),
    /// The store did not answer as it should.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// Writes a stream piece by piece.
pub(crate) struct StreamWriter {
    objects: Objects,
    name: String,
    waiting: Vec<u8>,
    pieces: i64,
    bytes: i64,
    stored_bytes: i64,
    digest: Sha256,
}

/// Reads a stream piece by piece.
pub(crate) struct StreamReader {
    objects: Objects,
    stream: StoredStream,
    next: i64,
    bytes: i64,
    digest: Sha256,
}

fn count(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn identity(name: &str, piece: i64, last: bool) -> String {
    format!("streams/{name}/{piece}/{}", if last { "last" } else { "more" })
}

fn piece_path(name: &str, piece: i64) -> String {
    format!("streams/{name}/{piece:08}")
}

/// Compresses and seals away from the threads that serve requests.
async fn sealed(sealer: &Sealer, identity: String, piece: Vec<u8>) -> Result<Vec<u8>, Error> {
    const DOING: &str = "encrypt a stream";
    let sealer = sealer.clone();
    let sealed = blocking(DOING, move || sealer.seal(&identity, &piece)).await?;
    sealed.map_err(|e| Error::internal(DOING, e))
}

impl Objects {
    /// Begins a stream of this name, made of parts with `/` between.
    pub(crate) fn write_stream(&self, name: String) -> StreamWriter {
        StreamWriter {
            objects: self.clone(),
            name,
            waiting: Vec::new(),
            pieces: 0,
            bytes: 0,
            stored_bytes: 0,
            digest: Sha256::new(),
        }
    }

    /// Reads what was written.
    pub(crate) fn read_stream(&self, stream: StoredStream) -> StreamReader {
        StreamReader { objects: self.clone(), stream, next: 0, bytes: 0, digest: Sha256::new() }
    }

    /// Deletes every stream whose name begins with this part, unfinished ones, too.
    pub(crate) async fn delete_streams(&self, part: &str) -> Result<(), Error> {
        let found: Vec<_> = self.store.list(&format!("streams/{part}")).try_collect().await?;
        for (path, _) in found {
            self.store.delete(&path).await?;
        }
        Ok(())
    }
}

impl StreamWriter {
    /// Takes the next bytes.
    pub(crate) async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        self.digest.update(bytes);
        self.bytes += count(bytes.len());
        while !bytes.is_empty() {
            // The last piece is known only at the end: a full one waits for more.
            if self.waiting.len() == PIECE {
                self.put(false).await?;
            }
            let room = (PIECE - self.waiting.len()).min(bytes.len());
            let (now, later) = bytes.split_at(room);
            self.waiting.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// There is no more. Only now the stream is whole.
    pub(crate) async fn finish(mut self) -> Result<StoredStream, Error> {
        self.put(true).await?;
        Ok(StoredStream {
            name: self.name,
            pieces: self.pieces,
            bytes: self.bytes,
            stored_bytes: self.stored_bytes,
            sha256: hex(&self.digest.finalize()),
        })
    }

    async fn put(&mut self, last: bool) -> Result<(), Error> {
        let piece = std::mem::take(&mut self.waiting);
        let identity = identity(&self.name, self.pieces, last);
        let sealed = sealed(self.objects.sealer(), identity, piece).await?;
        self.stored_bytes += count(sealed.len());
        self.objects.store().put(&piece_path(&self.name, self.pieces), sealed).await?;
        self.pieces += 1;
        Ok(())
    }
}

impl StreamReader {
    /// The next piece; none at the end, once everything was as it was written.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, StreamError> {
        let stream = &self.stream;
        if self.next == stream.pieces {
            let whole =
                self.bytes == stream.bytes && hex(&self.digest.clone().finalize()) == stream.sha256;
            return if whole {
                Ok(None)
            } else {
                Err(StreamError::Damaged("its SHA-256 is not what was stored".to_owned()))
            };
        }
        let number = self.next + 1;
        let path = piece_path(&stream.name, self.next);
        let Some(sealed) = self.objects.store().find(&path).await? else {
            self.objects.is_itself().await?;
            let text = format!("piece {number} of {} is missing", stream.pieces);
            return Err(StreamError::Damaged(text));
        };
        let identity = identity(&stream.name, self.next, number == stream.pieces);
        let sealer = self.objects.sealer().clone();
        let opened = blocking("decrypt a stream", move || sealer.open(&identity, &sealed)).await?;
        let piece = opened.map_err(|error| {
            StreamError::Damaged(format!(
                "piece {number} of {} does not read: {error}",
                stream.pieces
            ))
        })?;
        self.next = number;
        self.bytes += count(piece.len());
        self.digest.update(&piece);
        Ok(Some(piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(objects: &Objects, stream: &StoredStream) -> Result<Vec<u8>, StreamError> {
        let mut reader = objects.read_stream(stream.clone());
        let mut all = Vec::new();
        while let Some(piece) = reader.next().await? {
            all.extend(piece);
        }
        Ok(all)
    }

    async fn written(objects: &Objects, name: &str, content: &[u8]) -> StoredStream {
        let mut writer = objects.write_stream(name.to_owned());
        for bytes in content.chunks(100_001) {
            writer.write(bytes).await.unwrap();
        }
        writer.finish().await.unwrap()
    }

    async fn opened(folder: &std::path::Path) -> Objects {
        let place = crate::objects::ObjectPlace::Folder(folder.join("objects"));
        let objects = Objects::open(&place, &folder.join("key")).unwrap();
        objects.store().identify("test").await.unwrap();
        objects
    }

    /// What goes in comes out, whatever its length; nothing of it stands on the disk, and deleting takes all of it.
    #[tokio::test]
    async fn streams_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let objects = opened(folder.path()).await;
        for (n, length) in [0, 1, PIECE, PIECE + 1, 2 * PIECE + 17].into_iter().enumerate() {
            let content: Vec<u8> =
                b"INSERT INTO shop ".iter().copied().cycle().take(length).collect();
            let stream = written(&objects, &format!("b/{n}"), &content).await;
            assert_eq!(stream.bytes, count(length));
            assert!(stream.stored_bytes < count(length / 10 + 200), "{stream:?}");
            assert!(read(&objects, &stream).await.unwrap() == content, "{length} bytes");
        }
        objects.delete_streams("b").await.unwrap();
        let left = objects.store.list("streams").try_collect::<Vec<_>>().await.unwrap();
        assert!(left.is_empty(), "{left:?}");
    }

    /// A piece that is missing, changed or of another place, and an end that is none, are found.
    #[tokio::test]
    async fn damage_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let objects = opened(folder.path()).await;
        let content = vec![7; 2 * PIECE + 5];
        let stream = written(&objects, "b/0", &content).await;
        let damaged = |error: StreamError| match error {
            StreamError::Damaged(text) => text,
            StreamError::Failed(error) => panic!("{error}"),
        };
        let cut = StoredStream { pieces: 2, ..stream.clone() };
        let text = damaged(read(&objects, &cut).await.unwrap_err());
        assert!(text.starts_with("piece 2 of 2 does not read"), "{text}");

        let first = objects.store.find(&piece_path("b/0", 0)).await.unwrap().unwrap();
        objects.store.put(&piece_path("b/0", 1), first).await.unwrap();
        let text = damaged(read(&objects, &stream).await.unwrap_err());
        assert!(text.starts_with("piece 2 of 3 does not read"), "{text}");

        objects.delete_streams("b/0").await.unwrap();
        let text = damaged(read(&objects, &stream).await.unwrap_err());
        assert_eq!(text, "piece 1 of 3 is missing");

        // Nor is anything else there: the store is away, which says nothing of the stream.
        std::fs::remove_dir_all(folder.path().join("objects")).unwrap();
        match read(&objects, &stream).await.unwrap_err() {
            StreamError::Failed(error) => assert!(error.is_outage(), "{error}"),
            StreamError::Damaged(text) => panic!("{text}"),
        }
    }
}
