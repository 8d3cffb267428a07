//! Landfall's own data as one file: rows and objects, from one database and object store into another, of either kind.
//!
//! The file is a tar (`docs/reference/dump.md` describes it): `landfall.json`, rows as JSON lines in `tables/`, objects as they
//! are in `objects/`, the SHA-256 of everything in `sums/`, and `manifest.json` at the end. What is sealed stays sealed; the key
//! is no part of it. Tables and columns are read from the database itself, so that none is forgotten.
//!
//! Nothing here runs while a server needs the same connection: both are commands of their own, and files are read and
//! written without a thread for it.

mod file;
mod load;
mod make;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::Cause;

pub use load::load;
pub use make::dump;
#[cfg(feature = "multiply")]
pub(crate) use store::{Columns, tables};

/// The format of the file; another number is another format.
const FORMAT: u32 = 2;
const ABOUT: &str = "landfall.json";
const MANIFEST: &str = "manifest.json";
const TABLES: &str = "tables/";
const OBJECTS: &str = "objects/";
const SUMS: &str = "sums/";

/// Why nothing was dumped or loaded.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// Something stands against it.
    #[error("{what}; {remedy}")]
    Refused {
        /// What.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// The file is not a dump, or not all of one.
    #[error("{} is no whole dump: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The file cannot be read or written.
    #[error("the file {} cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Database or object store failed.
    #[error("could not {doing}")]
    Storage {
        /// What was attempted, as a verb phrase.
        doing: &'static str,
        /// The failure.
        source: Cause,
    },
}

impl From<crate::Error> for DumpError {
    fn from(error: crate::Error) -> Self {
        match error {
            crate::Error::Internal { doing, source } => Self::Storage { doing, source },
            other => Self::Storage { doing: "use its storage", source: other.into() },
        }
    }
}

impl From<crate::store::StoreError> for DumpError {
    fn from(error: crate::store::StoreError) -> Self {
        crate::Error::from(error).into()
    }
}

impl DumpError {
    fn refused(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Refused { what: what.into(), remedy: remedy.into() }
    }
}

/// What was dumped or loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Rows of all tables.
    pub rows: u64,
    /// Objects.
    pub objects: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Ops that had not ended.
    pub unended: u64,
}

/// The first entry: what the file is.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    format: u32,
    /// The version of Landfall that made it.
    version: String,
    schema: i64,
    made_at: jiff::Timestamp,
    /// A text sealed with the key, in base64: whoever can open it has the key.
    key_check: String,
    /// The columns of every table, and what they hold.
    tables: BTreeMap<String, BTreeMap<String, Kind>>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Number,
    Text,
    /// Base64 in the file.
    Bytes,
    Boolean,
}

/// The last entry: what is before it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Manifest {
    /// Entries that have a checksum.
    entries: u64,
    rows: u64,
    objects: u64,
    /// Of all that stands in `sums/`.
    sha256: String,
}

/// A line of `sums/`: an entry of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    path: String,
    size: u64,
    sha256: String,
}
