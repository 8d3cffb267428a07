//! Finding charts in repositories and registries, fetching and pushing them.
//!
//! [`ChartSource`] asks either kind of source the same questions. Below it, [`index`] reads a
//! repository's list of charts and chooses versions by Helm's rules, [`http`] fetches the list and
//! the archives, and [`oci`] speaks to registries. [`ContentCache`] keeps archives by their digest.
//! The HTTP client is always the caller's, which decides which addresses may be reached; [`tls`]
//! puts Helm's TLS options into one.

mod access;
mod cache;
mod error;
mod fetch;
pub mod http;
pub mod index;
pub mod oci;
mod source;
pub mod tls;

pub use access::{Access, Credentials, Limits, Refusal, RegistryToken, Transport};
pub use cache::{ArchiveDigest, ContentCache};
pub use error::RegistryError;
pub use http::Repository;
pub use index::{Index, IndexEntry, IndexError};
pub use oci::{OciChart, OciVersion, Reference};
pub use source::{ChartSource, FetchedChart, OfferedVersion, Provenance};
