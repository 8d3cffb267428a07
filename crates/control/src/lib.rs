//! Landfall's domain: Apps, Releases, clusters, App Environments, deployments and the Ops that carry
//! them out, with the rules that hold for them, on SQLite or PostgreSQL.
//!
//! [`Control`] is the whole of it for callers: one function per act, each of which checks the rights
//! of its [`Actor`] itself. Names of acts are one word through all layers (`release_add`). A folder
//! is a subject: rules in its files, SQL only in its `store.rs`.
//!
//! This crate does not serve HTTP, knows no pages, and does not run simulated clusters (whoever does
//! implements [`cluster::SimulatedClusters`]).

pub mod account;
pub mod actor;
pub mod app;
pub mod audit;
pub mod backup;
pub mod batch;
mod blocking;
mod closed;
pub mod cluster;
mod config;
mod control;
pub mod deployment;
pub mod domain;
pub mod drift;
pub mod dump;
pub mod environment;
mod error;
pub mod find;
pub mod fleet;
mod health;
pub mod idempotency;
mod limits;
pub mod metrics;
#[cfg(feature = "multiply")]
pub mod multiply;
pub mod names;
mod objects;
pub mod observed;
pub mod op;
mod outbound;
pub mod release;
pub mod rights;
pub mod store;
#[cfg(test)]
mod tests;
pub mod values;
mod work;

pub use actor::{Actor, ActorKind};
pub use closed::UnknownWord;
pub use config::{
    Config, Database, InCluster, InvalidNetwork, Limits, Network, OutboundPolicy, WorkerSettings,
};
pub use control::Control;
pub use error::{Cause, Error, Invalid, Place, Problem, sentence};
pub use health::{Health, Readiness};
pub use objects::{Bucket, InvalidPlace, ObjectPlace};
pub use work::Workers;
