//! The file of a dump: a tar that is written in one go, and read by places.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{DumpError, Entry, MANIFEST, Manifest};
use crate::objects::hex;

/// Pieces that files are read in.
pub(super) const PIECE: usize = 4 * 1024 * 1024;
const BLOCK: u64 = 512;

/// A dump that is being written, beside where it will stand. Dropped before [`Writer::finish`] it leaves nothing behind.
pub(super) struct Writer {
    path: PathBuf,
    partial: Partial,
    out: BufWriter<File>,
    pub(super) manifest: Manifest,
    written: u64,
}

/// A file that is deleted when this is dropped.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // Once it was renamed there is none.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// An entry that is being written.
pub(super) struct Open {
    path: String,
    size: u64,
    left: u64,
    digest: Sha256,
}

impl Writer {
    pub(super) fn begin(path: &Path) -> Result<Self, DumpError> {
        if path.exists() {
            return Err(DumpError::refused(
                format!("{} is there already", path.display()),
                "name a file that is not",
            ));
        }
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&partial).map_err(|source| failed(path, source))?;
        Ok(Self {
            path: path.to_owned(),
            partial: Partial(partial),
            out: BufWriter::new(file),
            manifest: Manifest::default(),
            written: 0,
        })
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), DumpError> {
        self.written += bytes.len() as u64;
        self.out.write_all(bytes).map_err(|source| failed(&self.path, source))
    }

    /// Begins an entry of this size.
    pub(super) fn open(&mut self, path: &str, size: u64) -> Result<Open, DumpError> {
        let mut header = tar::Header::new_ustar();
        header.set_path(path).map_err(|source| failed(&self.path, source))?;
        header.set_size(size);
        header.set_mode(0o600);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        let bytes = *header.as_bytes();
        self.put(&bytes)?;
        Ok(Open { path: path.to_owned(), size, left: size, digest: Sha256::new() })
    }

    /// Writes more of an entry; it must have as much as was said.
    pub(super) fn write(&mut self, entry: &mut Open, bytes: &[u8]) -> Result<(), DumpError> {
        let Some(left) = entry.left.checked_sub(bytes.len() as u64) else {
            return Err(self.changed(&entry.path));
        };
        entry.left = left;
        entry.digest.update(bytes);
        self.put(bytes)
    }

    pub(super) fn close(&mut self, entry: Open) -> Result<(), DumpError> {
        if entry.left > 0 {
            return Err(self.changed(&entry.path));
        }
        let padding = (BLOCK - entry.size % BLOCK) % BLOCK;
        self.put(&[0; 512][..usize::try_from(padding).unwrap_or(0)])?;
        let sha256 = hex(&entry.digest.finalize());
        self.manifest.entries.push(Entry { path: entry.path, size: entry.size, sha256 });
        Ok(())
    }

    fn changed(&self, path: &str) -> DumpError {
        let problem = format!("{path} changed while it was written; dump again");
        DumpError::Damaged { path: self.path.clone(), problem }
    }

    /// Writes a whole entry.
    pub(super) fn entry(&mut self, path: &str, bytes: &[u8]) -> Result<(), DumpError> {
        let mut entry = self.open(path, bytes.len() as u64)?;
        self.write(&mut entry, bytes)?;
        self.close(entry)
    }

    /// Writes the manifest and lets the file stand where it belongs; its size.
    pub(super) fn finish(mut self) -> Result<u64, DumpError> {
        let manifest = serde_json::to_vec_pretty(&self.manifest).expect("a manifest is JSON");
        self.entry(MANIFEST, &manifest)?;
        self.put(&[0; 1024])?;
        let Self { path, partial, out, written, .. } = self;
        let file = out.into_inner().map_err(|error| failed(&path, error.into_error()))?;
        file.sync_all().map_err(|source| failed(&path, source))?;
        std::fs::rename(&partial.0, &path).map_err(|source| failed(&path, source))?;
        Ok(written)
    }
}

/// A dump that is read: where its entries are.
pub(super) struct Reader {
    path: PathBuf,
    file: File,
    places: Vec<(Entry, u64)>,
}

impl Reader {
    /// Reads where everything is, and holds it against the manifest.
    pub(super) fn open(path: &Path) -> Result<(Self, Manifest), DumpError> {
        let file = File::open(path).map_err(|source| failed(path, source))?;
        let damaged = |problem: String| DumpError::Damaged { path: path.to_owned(), problem };
        let mut archive = tar::Archive::new(BufReader::with_capacity(PIECE, &file));
        let mut places = Vec::new();
        let mut manifest = None;
        let mut buffer = vec![0; 64 * 1024];
        let entries = archive.entries().map_err(|error| damaged(error.to_string()))?;
        for entry in entries {
            let mut entry = entry.map_err(|error| damaged(error.to_string()))?;
            let name = match entry.path() {
                Ok(name) => name.to_string_lossy().into_owned(),
                Err(error) => return Err(damaged(error.to_string())),
            };
            if manifest.is_some() {
                return Err(damaged(format!("{name} comes after the manifest")));
            }
            if name == MANIFEST {
                let mut text = String::new();
                entry.read_to_string(&mut text).map_err(|error| damaged(error.to_string()))?;
                let read: Manifest = serde_json::from_str(&text)
                    .map_err(|error| damaged(format!("its manifest cannot be read ({error})")))?;
                manifest = Some(read);
                continue;
            }
            let (at, size) = (entry.raw_file_position(), entry.size());
            let (mut digest, mut read) = (Sha256::new(), 0);
            loop {
                let bytes = entry.read(&mut buffer).map_err(|error| damaged(error.to_string()))?;
                if bytes == 0 {
                    break;
                }
                digest.update(&buffer[..bytes]);
                read += bytes as u64;
            }
            if read != size {
                return Err(damaged(format!("it ends within {name}")));
            }
            places.push((Entry { path: name, size, sha256: hex(&digest.finalize()) }, at));
        }
        let manifest = manifest.ok_or_else(|| damaged("its end is missing".to_owned()))?;
        if let Some((found, _)) =
            places.iter().zip(&manifest.entries).find(|((found, _), told)| found != *told)
        {
            return Err(damaged(format!("{} is not what was dumped", found.0.path)));
        }
        if places.len() != manifest.entries.len() {
            return Err(damaged("entries are missing or were added".to_owned()));
        }
        let file = File::open(path).map_err(|source| failed(path, source))?;
        Ok((Self { path: path.to_owned(), file, places }, manifest))
    }

    /// The entries whose path begins so, as path without that, place and size.
    pub(super) fn below(&self, prefix: &str) -> Vec<(String, u64, u64)> {
        let below = |(entry, at): &(Entry, u64)| {
            Some((entry.path.strip_prefix(prefix)?.to_owned(), *at, entry.size))
        };
        self.places.iter().filter_map(below).collect()
    }

    /// Bytes at a place.
    pub(super) fn read(&mut self, at: u64, size: u64) -> Result<Vec<u8>, DumpError> {
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
        let read =
            self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.read_exact(&mut bytes));
        read.map_err(|source| failed(&self.path, source))?;
        Ok(bytes)
    }

    pub(super) fn damaged(&self, problem: impl Into<String>) -> DumpError {
        DumpError::Damaged { path: self.path.clone(), problem: problem.into() }
    }
}

fn failed(path: &Path, source: std::io::Error) -> DumpError {
    DumpError::File { path: path.to_owned(), source }
}
