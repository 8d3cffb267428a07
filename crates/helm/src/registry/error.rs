//! Why something could not be had from a repository or registry.
//!
//! Joined with `: `, an error and its sources read as Helm prints them, where Helm has words for
//! it. Addresses are shown without credentials and query.

use std::error::Error;
use std::time::Duration;

use reqwest::StatusCode;

use super::access::Refusal;
use super::index::IndexError;
use super::oci::{ReferenceError, ServerMistake};
use crate::chart::ChartError;
use crate::semver::ConstraintError;

/// Why something could not be had from a repository or registry.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The address is not one of the web.
    #[error("could not find protocol handler for: {scheme}")]
    Address {
        /// The address.
        url: String,
        /// What stands before `:`, if anything.
        scheme: String,
    },
    /// The caller does not want this address to be reached.
    #[error("{url} may not be reached")]
    Refused {
        /// The address.
        url: String,
        /// The caller's word.
        source: Refusal,
    },
    /// The server could not be reached or the connection broke.
    #[error("{method} {url:?}")]
    Request {
        /// `Get`, `Head`, `Post` or `Put`.
        method: &'static str,
        /// The address.
        url: String,
        /// What happened, in Go's words where they are known.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The server answered, but not with the file.
    #[error("failed to fetch {url} : {status}")]
    Status {
        /// The address.
        url: String,
        /// The answer.
        status: StatusCode,
    },
    /// The answer is larger than allowed.
    #[error("{url} is larger than {limit} bytes")]
    TooLarge {
        /// The address.
        url: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The fetch took longer than allowed.
    #[error("{url} did not answer in full within {} s", after.as_secs())]
    TimedOut {
        /// The address.
        url: String,
        /// The limit.
        after: Duration,
    },
    /// There is no index that could be read.
    #[error("looks like {repository:?} is not a valid chart repository or cannot be reached")]
    NotARepository {
        /// The repository.
        repository: String,
        /// Why.
        source: Box<RegistryError>,
    },
    /// The index is not one.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The index does not have what was asked for.
    #[error("{} not found in {repository} repository", named(chart, wanted))]
    NotFound {
        /// The chart.
        chart: String,
        /// The version or constraint, as asked for.
        wanted: String,
        /// The repository.
        repository: String,
        /// What exactly is missing, which Helm does not say.
        why: Box<IndexError>,
    },
    /// The index has no chart of this name.
    #[error("chart {chart:?} not found in the repository")]
    NoSuchChart {
        /// The chart.
        chart: String,
        /// Some of those it has.
        others: Vec<String>,
    },
    /// The index names no archive for a version.
    #[error("{} has no downloadable URLs", named(chart, version))]
    NoUrl {
        /// The chart.
        chart: String,
        /// The version.
        version: String,
    },
    /// The archive is not the one the index lists.
    #[error("{url} has SHA-256 {found}, but the repository's index says {expected}")]
    Digest {
        /// The address.
        url: String,
        /// What the index says, in hex.
        expected: String,
        /// What was fetched, in hex.
        found: String,
    },
    /// There is no provenance beside the archive.
    #[error("failed to fetch provenance {url:?}")]
    NoProvenance {
        /// Where it was looked for.
        url: String,
    },
    /// A reference to a registry is malformed.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The tag of a reference is not the version asked for.
    #[error("chart reference and version mismatch: {wanted} is not {tag}")]
    VersionMismatch {
        /// The version asked for.
        wanted: String,
        /// The reference's tag.
        tag: String,
    },
    /// The tag of a reference leads to another manifest than its digest.
    #[error("chart reference digest mismatch: {found} is not {wanted}")]
    DigestMismatch {
        /// What the tag leads to.
        found: String,
        /// The reference's digest.
        wanted: String,
    },
    /// No tag of a registry's repository is a version.
    #[error("unable to locate any tags in provided repository: {reference}")]
    NoTags {
        /// The reference.
        reference: String,
    },
    /// No version of a registry fits.
    #[error("could not locate a version matching provided version string {wanted}")]
    NoVersion {
        /// The version or constraint asked for.
        wanted: String,
    },
    /// What was asked for is neither a version nor a constraint.
    #[error(transparent)]
    Constraint(#[from] ConstraintError),
    /// A step of a copy from or to a registry failed.
    #[error("failed to perform {step:?} on {side}")]
    Step {
        /// oras's name of the step.
        step: &'static str,
        /// `source` or `destination`.
        side: &'static str,
        /// Why.
        source: Box<RegistryError>,
    },
    /// A registry does not have it.
    #[error("{what}: not found")]
    Missing {
        /// A reference or digest.
        what: String,
    },
    /// A registry answered with an error.
    #[error("{method} {url:?}: response status code {}: {text}", status.as_u16())]
    Answer {
        /// The method in capitals.
        method: String,
        /// The address.
        url: String,
        /// The answer's status.
        status: StatusCode,
        /// The registry's words, else the status in words.
        text: String,
    },
    /// A registry wants credentials and there are none.
    #[error("{method} {url:?}: basic credential not found")]
    NoCredentials {
        /// The method in capitals.
        method: String,
        /// The address.
        url: String,
    },
    /// A registry's token server is not one to send anything to, or gave no token.
    #[error("{method} {url:?}")]
    Token {
        /// The method in capitals.
        method: String,
        /// The address that asked for a token.
        url: String,
        /// Why there is none.
        source: Box<RegistryError>,
    },
    /// A registry does not keep to the protocol.
    #[error(transparent)]
    Server(#[from] ServerMistake),
    /// The manifest is not one of a chart.
    #[error("{0}")]
    NotAChart(String),
    /// What should be pushed is not a chart archive.
    #[error(transparent)]
    Archive(#[from] ChartError),
}

impl RegistryError {
    /// The same failure as a step of a copy, as oras names it.
    pub(super) fn at(self, step: &'static str, side: &'static str) -> Self {
        Self::Step { step, side, source: Box::new(self) }
    }
}

fn named(chart: &str, version: &str) -> String {
    if version.is_empty() {
        format!("chart {chart:?}")
    } else {
        format!("chart {chart:?} version {version:?}")
    }
}
