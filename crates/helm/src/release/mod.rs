//! Helm's release records: what `helm install` and `helm upgrade` leave in a namespace.
//!
//! A record is JSON ([`Release`]), packed by [`Release::encode`] and kept in a Secret whose name,
//! labels and type come from [`storage`]. The shapes are those of Helm 4.3; records of Helm 3 are
//! read as well. This module never reaches a cluster.

mod codec;
mod hook;
mod name;
mod packed;
mod record;
mod shared;
pub mod storage;

pub use codec::{DecodeError, Packing};
pub use hook::{Hook, HookDeletePolicy, HookEvent, HookExecution, HookOutputLogPolicy, HookPhase};
pub use name::{MAX_NAME, NameError, validate_name};
pub use record::{ApplyMethod, ChartOutline, Info, Release, Status, StoredChart, StoredFile};
pub use shared::Shared;
