//! Finding charts in repositories and fetching them.
//!
//! [`index`] reads a repository's list of charts and chooses versions by Helm's rules; [`http`]
//! fetches the list and the archives. Nothing is cached here, and which addresses may be reached
//! is decided by whoever builds the HTTP client.

pub mod http;
pub mod index;

pub use http::{Credentials, Limits, RegistryError, Repository};
pub use index::{Index, IndexEntry, IndexError};
