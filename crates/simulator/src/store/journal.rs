//! The data file: every write appended as a line, rewritten now and then to what is still there.
//!
//! A process killed at any moment finds, on its next start, every write it had answered. The file
//! is written to the operating system, not flushed to the disk: it outlives the process, not a
//! power cut, which is enough for a cluster that runs nothing.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Bytes appended before a rewrite is considered.
const REWRITE_AFTER: u64 = 8 << 20;

/// Why the data file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be opened, read or written.
    #[error("could not {doing} the simulator's data file `{}`", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error("the simulator's data file `{}` is in use by another process; stop it or choose another file", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The cluster has been shut down.
    #[error("the simulated cluster has been shut down; start it again to change anything in it")]
    Closed,
    /// A line inside the file is not what this program writes.
    #[error("line {line} of `{}` is not part of a simulator's data file; move the file away to start with an empty cluster", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What the reader said.
        source: serde_json::Error,
    },
}

/// One line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Record<'a> {
    /// Data of the process itself, such as its certificate: a name and a value.
    Note(&'a str, String),
    /// An object as it is after a write, under its resource id.
    Put(&'a str, #[serde(borrow)] &'a RawValue),
    /// An object gone: resource id, namespace, name, revision.
    Gone(&'a str, &'a str, &'a str, u64),
}

impl Record<'_> {
    /// The resource it is about.
    pub(super) fn resource(&self) -> Option<&str> {
        match self {
            Self::Note(..) | Self::Gone("", ..) => None,
            Self::Put(resource, _) | Self::Gone(resource, ..) => Some(resource),
        }
    }

    /// Its line.
    pub(super) fn kept(&self) -> String {
        serde_json::to_string(self).expect("records are plain JSON")
    }
}

/// The open data file.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    appended: u64,
    rewritten_size: u64,
}

impl Journal {
    /// Opens or makes the file and hands each of its lines to `replay`, in order.
    ///
    /// A last line without its end is the write the process died in; it is cut off.
    pub(super) fn open(
        path: &Path,
        mut replay: impl FnMut(Record<'_>),
    ) -> Result<Self, JournalError> {
        let failed = |doing| {
            let path = path.to_owned();
            move |source| JournalError::File { doing, path, source }
        };
        let mut file = open_private(path).map_err(failed("open"))?;
        lock(&file, path)?;
        let mut reader = BufReader::new(&file);
        let (mut line, mut number, mut size) = (String::new(), 0, 0_u64);
        loop {
            line.clear();
            let read = reader.read_line(&mut line).map_err(failed("read"))?;
            if read == 0 || !line.ends_with('\n') {
                break;
            }
            number += 1;
            let record = serde_json::from_str(&line).map_err(|source| JournalError::Damaged {
                path: path.to_owned(),
                line: number,
                source,
            })?;
            replay(record);
            size += read as u64;
        }
        file.set_len(size).map_err(failed("shorten"))?;
        file.seek(SeekFrom::End(0)).map_err(failed("read"))?;
        Ok(Self { path: path.to_owned(), file, appended: size, rewritten_size: 0 })
    }

    /// Appends a record; when this returns, the record outlives the process.
    pub(super) fn append(&mut self, record: &Record<'_>) -> Result<(), JournalError> {
        let mut line = serde_json::to_vec(record).expect("records are plain JSON");
        line.push(b'\n');
        let before = self.appended;
        let written = self.file.write_all(&line);
        if let Err(source) = written {
            // A half-written line followed by whole ones would damage the file.
            let _ = self.file.set_len(before);
            let _ = self.file.seek(SeekFrom::Start(before));
            return Err(JournalError::File { doing: "write to", path: self.path.clone(), source });
        }
        self.appended += line.len() as u64;
        Ok(())
    }

    /// Whether the file holds much more than what is still there.
    pub(super) fn wants_rewrite(&self) -> bool {
        self.appended > REWRITE_AFTER + 2 * self.rewritten_size
    }

    /// Replaces the file by one that holds just `records`.
    pub(super) fn rewrite<'a>(
        &mut self,
        records: impl Iterator<Item = Record<'a>>,
    ) -> Result<(), JournalError> {
        let fresh = self.path.with_extension("rewrite");
        let written = (|| {
            let _ = std::fs::remove_file(&fresh);
            let file = open_private(&fresh)?;
            file.try_lock().map_err(std::io::Error::from)?;
            let mut writer = BufWriter::new(file);
            for record in records {
                serde_json::to_writer(&mut writer, &record)?;
                writer.write_all(b"\n")?;
            }
            let mut file = writer.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            let size = file.stream_position()?;
            std::fs::rename(&fresh, &self.path)?;
            Ok((file, size))
        })();
        let (file, size) = written.map_err(|source| JournalError::File {
            doing: "rewrite",
            path: self.path.clone(),
            source,
        })?;
        (self.file, self.appended, self.rewritten_size) = (file, size, size);
        Ok(())
    }
}

/// Opens a file that only its owner may read: it holds Secrets and the cluster's token.
fn open_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn lock(file: &File, path: &Path) -> Result<(), JournalError> {
    file.try_lock().map_err(|error| match error {
        std::fs::TryLockError::WouldBlock => JournalError::InUse { path: path.to_owned() },
        std::fs::TryLockError::Error(source) => {
            JournalError::File { doing: "lock", path: path.to_owned(), source }
        }
    })
}
