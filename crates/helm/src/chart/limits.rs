//! How large a chart may be, so that one from a stranger takes no more memory and time than was meant.

use super::MAX_CHART_SIZE;
use super::archive::Damage;

/// How large a chart may be, all archives and folders below `charts/` included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChartLimits {
    /// Bytes of its files, unpacked.
    pub unpacked: u64,
    /// Entries of its archives.
    pub files: usize,
    /// Sub-charts inside each other.
    pub depth: usize,
}

impl Default for ChartLimits {
    /// Helm's 100 MiB. Helm knows no other limits; these are far above what charts have.
    fn default() -> Self {
        Self { unpacked: MAX_CHART_SIZE, files: 100_000, depth: 100 }
    }
}

/// A limit that a chart exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChartLimit {
    /// Bytes of its files, unpacked.
    Unpacked(u64),
    /// Entries of its archives.
    Files(usize),
    /// Sub-charts inside each other.
    Depth(usize),
}

/// What tar adds to a file at most: its own header, and those of long names and times.
const HEADERS: u64 = 4096;

/// What is left of the limits while a chart is loaded.
pub(super) struct Budget {
    limits: ChartLimits,
    bytes: u64,
    files: usize,
    depth: usize,
}

impl Budget {
    pub(super) fn new(limits: ChartLimits) -> Self {
        Self { limits, bytes: limits.unpacked, files: limits.files, depth: 0 }
    }

    /// The limits themselves.
    pub(super) fn limits(&self) -> ChartLimits {
        self.limits
    }

    /// Accounts for an entry of an archive.
    pub(super) fn entry(&mut self) -> Result<(), Damage> {
        let limit = self.limits.files;
        self.files = self.files.checked_sub(1).ok_or(Damage::TooManyFiles { limit })?;
        Ok(())
    }

    /// Bytes that files may still have.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Accounts for the content of a file. As in Helm, using up the last byte is too much.
    pub(super) fn content(&mut self, bytes: u64) -> Result<(), Damage> {
        self.bytes = self.bytes.saturating_sub(bytes);
        if self.bytes == 0 { Err(Damage::TooLarge { limit: self.limits.unpacked }) } else { Ok(()) }
    }

    /// The longest stream that an archive within the limits unpacks to.
    pub(super) fn stream(&self) -> u64 {
        let files = u64::try_from(self.files).unwrap_or(u64::MAX);
        self.bytes.saturating_add(files.saturating_add(2).saturating_mul(HEADERS))
    }

    /// Goes into a sub-chart, unless there are too many around it.
    pub(super) fn deeper<T, E>(
        &mut self,
        too_deep: impl FnOnce(usize) -> E,
        load: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.depth == self.limits.depth {
            return Err(too_deep(self.depth));
        }
        self.depth += 1;
        let loaded = load(self);
        self.depth -= 1;
        loaded
    }
}
