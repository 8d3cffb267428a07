//! Storage shared by all subjects: connections, statements, paging, ids, wake-ups.
//!
//! The SQL of a subject stands in its own `store.rs`. Both databases are given the same texts; what
//! differs between them (the schema's types, the wake-ups) stands here and nowhere else.

pub(crate) mod belongings;
mod connect;
mod driver;
pub mod ids;
pub(crate) mod listing;
pub(crate) mod outage;
pub mod paging;
pub(crate) mod search;
mod searched;
pub(crate) mod sql;
mod sqlite;
pub(crate) mod wake;

pub(crate) use connect::{Db, commit};
pub(crate) use driver::{DriverError, Executor, Tx};
pub(crate) use sql::{Row, StoreError};
