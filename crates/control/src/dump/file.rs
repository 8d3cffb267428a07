//! The file of a dump: a tar that is written in one go, and read by places.
//!
//! What it holds may be millions of objects: neither who writes nor who reads keeps a list of them. The checksums stand in
//! the file itself, behind the entries that they are of, a thousand at a time.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{ABOUT, DumpError, Entry, MANIFEST, Manifest, OBJECTS, SUMS};
use crate::objects::hex;

/// Pieces that files are read in.
pub(super) const PIECE: usize = 4 * 1024 * 1024;
const BLOCK: u64 = 512;
/// Entries whose checksums stand together.
const SUMS_OF: usize = 1000;
/// Bytes of what is read whole before its checksum is known: what the file is, checksums, the manifest.
const WHOLE: u64 = 16 * 1024 * 1024;

/// A dump that is being written, beside where it will stand. Dropped before [`Writer::finish`] it leaves nothing behind.
pub(super) struct Writer {
    path: PathBuf,
    partial: Partial,
    out: BufWriter<File>,
    pub(super) manifest: Manifest,
    /// The entries since the last checksums.
    sums: Vec<Entry>,
    pieces_of_sums: u64,
    /// Of all checksums.
    digest: Sha256,
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
        // What a dump that was broken off left there, or somebody else put there, is not written into.
        match std::fs::remove_file(&partial) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(&partial, error));
            }
            _ => {}
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&partial).map_err(|source| failed(&partial, source))?;
        Ok(Self {
            path: path.to_owned(),
            partial: Partial(partial),
            out: BufWriter::new(file),
            manifest: Manifest::default(),
            sums: Vec::new(),
            pieces_of_sums: 0,
            digest: Sha256::new(),
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
        let entry = self.ended(entry)?;
        self.manifest.entries += 1;
        self.sums.push(entry);
        if self.sums.len() < SUMS_OF { Ok(()) } else { self.put_sums() }
    }

    fn ended(&mut self, entry: Open) -> Result<Entry, DumpError> {
        if entry.left > 0 {
            return Err(self.changed(&entry.path));
        }
        let padding = (BLOCK - entry.size % BLOCK) % BLOCK;
        self.put(&[0; 512][..usize::try_from(padding).unwrap_or(0)])?;
        let sha256 = hex(&entry.digest.finalize());
        Ok(Entry { path: entry.path, size: entry.size, sha256 })
    }

    /// Writes the checksums of the entries since the last ones.
    fn put_sums(&mut self) -> Result<(), DumpError> {
        let mut lines = Vec::new();
        for entry in std::mem::take(&mut self.sums) {
            serde_json::to_writer(&mut lines, &entry).expect("an entry is JSON");
            lines.push(b'\n');
        }
        self.digest.update(&lines);
        self.pieces_of_sums += 1;
        self.unlisted(&format!("{SUMS}{:06}.jsonl", self.pieces_of_sums), &lines)
    }

    /// Writes a whole entry that has no checksum.
    fn unlisted(&mut self, path: &str, bytes: &[u8]) -> Result<(), DumpError> {
        let mut entry = self.open(path, bytes.len() as u64)?;
        self.write(&mut entry, bytes)?;
        self.ended(entry).map(drop)
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
        self.put_sums()?;
        self.manifest.sha256 = hex(&self.digest.clone().finalize());
        let manifest = serde_json::to_vec_pretty(&self.manifest).expect("a manifest is JSON");
        self.unlisted(MANIFEST, &manifest)?;
        self.put(&[0; 1024])?;
        let Self { path, partial, out, written, .. } = self;
        let file = out.into_inner().map_err(|error| failed(&path, error.into_error()))?;
        file.sync_all().map_err(|source| failed(&path, source))?;
        std::fs::rename(&partial.0, &path).map_err(|source| failed(&path, source))?;
        Ok(written)
    }
}

/// An entry of a file that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: String,
    /// Where its bytes begin.
    pub(super) at: u64,
    pub(super) size: u64,
}

/// Goes over the headers of a file.
pub(super) struct Walk {
    path: PathBuf,
    file: BufReader<File>,
    /// Where the next header is.
    next: u64,
    length: u64,
}

impl Walk {
    fn open(path: &Path, next: u64) -> Result<Self, DumpError> {
        let open = || {
            let file = File::open(path)?;
            let length = file.metadata()?.len();
            Ok((BufReader::with_capacity(64 * 1024, file), length))
        };
        let (file, length) = open().map_err(|source| failed(path, source))?;
        Ok(Self { path: path.to_owned(), file, next, length })
    }

    fn damaged(&self, problem: impl Into<String>) -> DumpError {
        DumpError::Damaged { path: self.path.clone(), problem: problem.into() }
    }

    /// The next entry; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Place>, DumpError> {
        if self.next + BLOCK > self.length {
            return Err(self.damaged("its end is missing"));
        }
        let mut block = [0; 512];
        self.read_at(self.next, &mut block)?;
        if block == [0; 512] {
            return Ok(None);
        }
        let header = tar::Header::from_byte_slice(&block);
        let (path, size) = match (header.path(), header.entry_size()) {
            (Ok(path), Ok(size)) if header.entry_type().is_file() => {
                (path.to_string_lossy().into_owned(), size)
            }
            _ => return Err(self.damaged("something in it is no entry of a dump")),
        };
        let at = self.next + BLOCK;
        if size > self.length - at {
            return Err(self.damaged(format!("it ends within {path}")));
        }
        self.next = at + size.next_multiple_of(BLOCK);
        Ok(Some(Place { path, at, size }))
    }

    fn read_at(&mut self, at: u64, bytes: &mut [u8]) -> Result<(), DumpError> {
        // A seek by how far it is keeps what was read ahead.
        let read = self.file.stream_position().and_then(|now| {
            self.file.seek_relative(at.cast_signed() - now.cast_signed())?;
            self.file.read_exact(bytes)
        });
        read.map_err(|source| failed(&self.path, source))
    }

    /// What an entry's checksum is.
    fn sum(&mut self, place: &Place) -> Result<String, DumpError> {
        let (mut digest, mut buffer) = (Sha256::new(), vec![0; 64 * 1024]);
        let (mut at, end) = (place.at, place.at + place.size);
        while at < end {
            let some = usize::try_from(end - at).unwrap_or(usize::MAX).min(buffer.len());
            self.read_at(at, &mut buffer[..some])?;
            digest.update(&buffer[..some]);
            at += some as u64;
        }
        Ok(hex(&digest.finalize()))
    }

    /// All of an entry that must not be large.
    fn whole(&mut self, place: &Place) -> Result<Vec<u8>, DumpError> {
        let length = usize::try_from(place.size).ok().filter(|_| place.size <= WHOLE);
        let Some(length) = length else {
            return Err(self.damaged(format!("{} is too large", place.path)));
        };
        let mut bytes = vec![0; length];
        self.read_at(place.at, &mut bytes)?;
        Ok(bytes)
    }
}

/// A dump that is read.
pub(super) struct Reader {
    path: PathBuf,
    file: File,
    /// All entries but objects and checksums.
    places: Vec<Place>,
    /// Where the header of the first object is.
    objects: u64,
}

impl Reader {
    /// Opens a file, and reads what it says of itself, if it does.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<u8>), DumpError> {
        let file = File::open(path).map_err(|source| failed(path, source))?;
        let mut walk = Walk::open(path, 0)?;
        let first = walk.next()?.filter(|place| place.path == ABOUT);
        let first = first.ok_or_else(|| walk.damaged("it does not say what it is"))?;
        let about = walk.whole(&first)?;
        Ok((Self { path: path.to_owned(), file, places: Vec::new(), objects: 0 }, about))
    }

    /// Holds everything against its checksums, and finds out where it is.
    pub(super) fn check(&mut self) -> Result<Manifest, DumpError> {
        let mut walk = Walk::open(&self.path, 0)?;
        let mut since: Vec<Entry> = Vec::new();
        let (mut digest, mut entries) = (Sha256::new(), 0);
        loop {
            let header = walk.next;
            let Some(place) = walk.next()? else {
                return Err(walk.damaged("its manifest is missing"));
            };
            if place.path == MANIFEST {
                let manifest: Manifest =
                    serde_json::from_slice(&walk.whole(&place)?).map_err(|error| {
                        self.damaged(format!("its manifest cannot be read ({error})"))
                    })?;
                if let Some(after) = walk.next()? {
                    return Err(self.damaged(format!("{} comes after the manifest", after.path)));
                }
                let whole = since.is_empty() && entries == manifest.entries;
                if !whole || hex(&digest.finalize()) != manifest.sha256 {
                    return Err(self.damaged("entries are missing or were added"));
                }
                return Ok(manifest);
            }
            if place.path.starts_with(SUMS) {
                let sums = walk.whole(&place)?;
                digest.update(&sums);
                self.held_against(&since, &sums)?;
                since.clear();
                continue;
            }
            entries += 1;
            let sha256 = walk.sum(&place)?;
            since.push(Entry { path: place.path.clone(), size: place.size, sha256 });
            if since.len() > SUMS_OF {
                return Err(self.damaged("checksums are missing"));
            }
            if !place.path.starts_with(OBJECTS) {
                self.places.push(place);
            } else if self.objects == 0 {
                self.objects = header;
            }
        }
    }

    /// Holds entries against what the file tells of them.
    fn held_against(&self, found: &[Entry], sums: &[u8]) -> Result<(), DumpError> {
        let lines = sums.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let told: Result<Vec<Entry>, _> = lines.map(serde_json::from_slice).collect();
        let told =
            told.map_err(|error| self.damaged(format!("its checksums cannot be read ({error})")))?;
        if let Some((found, _)) = found.iter().zip(&told).find(|(found, told)| found != told) {
            return Err(self.damaged(format!("{} is not what was dumped", found.path)));
        }
        if found.len() == told.len() {
            Ok(())
        } else {
            Err(self.damaged("entries are missing or were added"))
        }
    }

    /// The entries that are no objects and whose path begins so, with their paths behind that; once it was checked.
    pub(super) fn below(&self, prefix: &str) -> Vec<Place> {
        let below = |place: &Place| {
            Some(Place {
                path: place.path.strip_prefix(prefix)?.to_owned(),
                at: place.at,
                size: place.size,
            })
        };
        self.places.iter().filter_map(below).collect()
    }

    /// Goes over the objects; once it was checked.
    pub(super) fn objects(&self) -> Result<Objects, DumpError> {
        Walk::open(&self.path, self.objects).map(Objects)
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

/// The objects of a file, one after another, with their paths in the object store.
pub(super) struct Objects(Walk);

impl Objects {
    pub(super) fn next(&mut self) -> Result<Option<Place>, DumpError> {
        while let Some(place) = self.0.next()? {
            if let Some(path) = place.path.strip_prefix(OBJECTS) {
                let path = path.to_owned();
                return Ok(Some(Place { path, ..place }));
            }
        }
        Ok(None)
    }
}

fn failed(path: &Path, source: std::io::Error) -> DumpError {
    DumpError::File { path: path.to_owned(), source }
}
