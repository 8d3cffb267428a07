//! Helm's engine: everything between a chart and a release record, without a cluster.
//!
//! The crate loads charts ([`chart`]), merges and checks values ([`values`], [`schema`]), renders
//! templates to the bytes `helm template` prints ([`render`], [`functions`]), reads and writes
//! Helm's own release records ([`release`]), looks for mistakes in charts ([`lint`]) and finds charts in repositories
//! ([`registry`]). What it promises is Helm 4.3's behaviour, its oddities and its error texts included, because the
//! same chart is rendered by the Helm CLI next door.
//!
//! It does not talk to Kubernetes: `lookup` asks a [`ClusterReader`] that the caller brings, and
//! sending objects is the business of crate `rollout`. It knows nothing of Landfall's
//! environments, releases or deployments.

pub mod capabilities;
pub mod chart;
mod cluster_reader;
pub mod functions;
mod golang;
mod hexadecimal;
mod json;
pub mod lint;
pub mod provenance;
pub mod registry;
pub mod release;
pub mod render;
pub mod schema;
pub mod semver;
pub mod values;

pub use capabilities::Capabilities;
pub use cluster_reader::{ClusterReader, LookupError};
pub use golang::path::clean_text as clean_path;
