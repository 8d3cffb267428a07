//! A Kubernetes API in process that pretends to run workloads.
//!
//! It serves the API over TLS with a certificate authority and a token of its own, keeps objects in
//! memory or in a file, and runs controllers that make workloads come up. `kubectl`, `helm` and any
//! other client can talk to it; several clusters can live in one process.
//!
//! It knows the kinds built into Kubernetes and serves those that a `CustomResourceDefinition` makes.
//! No container ever runs (programs that [`Builder::programs`] names answer for what is executed), nothing is scheduled, routed or stored on a volume, nobody is authorised
//! beyond the one token. It is no test double of a particular client: where it differs from a real
//! API server in what clients can see, it is wrong.
//!
//! ```no_run
//! # async fn start() -> Result<(), simulator::StartError> {
//! let simulator = simulator::Simulator::builder().name("demo").start().await?;
//! println!("{}", simulator.url());
//! simulator.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Faults and timing on request
//!
//! Annotations on a pod, or on a workload's pod template, make pods behave as asked:
//!
//! | annotation | value | effect |
//! | --- | --- | --- |
//! | `simulator.landfall.dev/fault` | `image-pull` | the images cannot be pulled |
//! | | `crash-loop` | the containers exit with 1 soon after they start, again and again |
//! | | `out-of-memory` | the same, with the code and reason of a container that needs too much memory |
//! | | `never-ready` | the containers run and never become ready |
//! | `simulator.landfall.dev/ready-after` | `10s`, `1m`, `250ms` | when a started pod becomes ready |
//! | `simulator.landfall.dev/log-lines` | text | lines the containers print after their start |
//! | `simulator.landfall.dev/exec` | `pg_dump=shop-dump psql=shop-load` | which [`Program`] answers for a command that is executed in the pod |
//!
//! How long everything else takes is [`Timing`]'s.

mod admission;
mod api;
mod bootstrap;
pub mod cluster;
mod controllers;
mod faults;
mod garbage;
pub mod kinds;
pub mod logs;
pub mod object;
mod patch;
mod programs;
pub mod selector;
mod simulator;
pub mod status;
pub mod store;
mod timing;
mod tls;

pub use cluster::Cluster;
pub use patch::patched;
pub use programs::{Program, Programs};
pub use simulator::{Builder, ServeConfig, Simulator, StartError, Storage, serve};
pub use timing::Timing;
pub use tls::TlsError;

/// An error with its causes, on one line.
fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
