//! What carries statements out: a SQLite file by connections of our own ([`super::sqlite`]), PostgreSQL by sea-orm.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, QueryResult,
};

use super::sql::{Query, Row};
use super::sqlite::{self, OwnedRow};

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
    /// A statement of SQLite ended in a panic.
    #[error("the statement panicked")]
    Panicked,
    /// A statement that writes was given to a connection that reads.
    #[error("the statement writes")]
    Writes,
    /// A value of a kind that no column has.
    #[error("{0} cannot be bound")]
    Unbindable(String),
}

/// How many connections to a database there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ConnectionCounts {
    /// Those that something is being done on.
    pub(crate) busy: u32,
    /// Those that wait to be used.
    pub(crate) idle: u32,
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

impl Connections {
    /// How many there are. Of those that read a file the one that writes it is one.
    pub(super) fn counts(&self) -> ConnectionCounts {
        match self {
            Self::Sqlite(pool) => pool.counts(),
            Self::Postgres(connections) => {
                let pool = connections.get_postgres_connection_pool();
                let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
                ConnectionCounts { busy: pool.size().saturating_sub(idle), idle }
            }
        }
    }
}

/// Which of its rows are wanted of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// None.
    Nothing,
    /// The first.
    First,
    /// Every one.
    All,
}

/// What came of a statement.
pub(super) struct Done {
    /// The rows that were wanted.
    pub(super) rows: Vec<Found>,
    /// How many rows it wrote, where no rows were wanted.
    pub(super) touched: u64,
}

/// A row as one of the databases gave it.
pub(super) enum Found {
    Sqlite(OwnedRow),
    Postgres(QueryResult),
}

impl Found {
    /// To be read by its columns' names.
    pub(super) fn row(&self) -> Row<'_> {
        match self {
            Self::Sqlite(row) => Row::Sqlite(row),
            Self::Postgres(row) => Row::Postgres(row),
        }
    }
}

impl Place<'_> {
    /// Carries a statement out.
    pub(super) async fn carry_out(self, query: Query, wanted: Wanted) -> Result<Done, DriverError> {
        match self {
            Self::Sqlite(c) => c.carry_out(query.on_sqlite(wanted)).await.map(of_sqlite),
            Self::SqliteTx(c) => c.carry_out(query.on_sqlite(wanted)).await.map(of_sqlite),
            Self::Postgres(c) => on_postgres(c, query, wanted).await,
            Self::PostgresTx(c) => on_postgres(c, query, wanted).await,
        }
    }
}

fn of_sqlite(done: sqlite::Done) -> Done {
    let rows = done.rows.into_iter().map(Found::Sqlite).collect();
    Done { rows, touched: done.changed }
}

async fn on_postgres(
    c: &impl ConnectionTrait,
    query: Query,
    wanted: Wanted,
) -> Result<Done, DriverError> {
    let statement = query.on_postgres();
    let mut touched = 0;
    let rows = match wanted {
        Wanted::Nothing => {
            touched = c.execute_raw(statement).await?.rows_affected();
            Vec::new()
        }
        Wanted::First => c.query_one_raw(statement).await?.into_iter().collect(),
        Wanted::All => c.query_all_raw(statement).await?,
    };
    Ok(Done { rows: rows.into_iter().map(Found::Postgres).collect(), touched })
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
