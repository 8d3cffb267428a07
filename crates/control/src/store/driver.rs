//! What carries statements out: a SQLite file by connections of our own ([`super::sqlite`]), PostgreSQL by sea-orm.

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr};

use super::sqlite;

/// A statement that was not carried out, or whose rows hold what they should not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DriverError {
    /// PostgreSQL's, or what is wrong with a row.
    #[error(transparent)]
    Orm(#[from] DbErr),
    /// SQLite's.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// All connections were in use for too long, or the process goes down.
    #[error("no connection to the database became free")]
    NoConnection,
    /// A statement of the transaction was given up before it ended.
    #[error("the transaction was given up")]
    GivenUp,
    /// A statement that writes was given to a connection that reads.
    #[error("the statement writes")]
    Writes,
    /// A value of a kind that no column has.
    #[error("{0} cannot be bound")]
    Unbindable(String),
}

/// Connections to a database.
#[derive(Clone)]
pub(crate) enum Connections {
    /// To a file.
    Sqlite(sqlite::Pool),
    /// To a server.
    Postgres(DatabaseConnection),
}

/// A transaction. Dropped without [`super::commit`] it leaves nothing behind.
pub(crate) enum Tx {
    /// Of a file.
    Sqlite(sqlite::Transaction),
    /// Of a server.
    Postgres(DatabaseTransaction),
}

/// Where a statement goes.
pub(crate) enum Place<'a> {
    /// To a connection that is free.
    Sqlite(&'a sqlite::Pool),
    /// To the connection of a transaction.
    SqliteTx(&'a sqlite::Transaction),
    /// To a connection that is free.
    Postgres(&'a DatabaseConnection),
    /// To the connection of a transaction.
    PostgresTx(&'a DatabaseTransaction),
}

/// What statements can be carried out on.
pub(crate) trait Executor: Sync {
    /// Where they go.
    fn place(&self) -> Place<'_>;

    /// Which database it is.
    fn backend(&self) -> DbBackend {
        match self.place() {
            Place::Sqlite(_) | Place::SqliteTx(_) => DbBackend::Sqlite,
            Place::Postgres(c) => c.get_database_backend(),
            Place::PostgresTx(c) => ConnectionTrait::get_database_backend(c),
        }
    }
}

impl Executor for Connections {
    fn place(&self) -> Place<'_> {
        match self {
            Self::Sqlite(pool) => Place::Sqlite(pool),
            Self::Postgres(pool) => Place::Postgres(pool),
        }
    }
}

impl Executor for Tx {
    fn place(&self) -> Place<'_> {
        match self {
            Self::Sqlite(tx) => Place::SqliteTx(tx),
            Self::Postgres(tx) => Place::PostgresTx(tx),
        }
    }
}
