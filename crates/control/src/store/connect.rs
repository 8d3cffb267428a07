//! Opening a database, migrating it, and beginning transactions.
//!
//! SQLite has one writing connection and several reading ones; every transaction that writes begins
//! `IMMEDIATE`, because one that turns into a writer later fails at once when another is there.

use std::path::Path;
use std::time::Duration;

use sea_orm::{
    AccessMode, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode,
    SqlxPostgresConnector, SqlxSqliteConnector, TransactionOptions, TransactionTrait,
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::sql::StoreError;
use crate::config::Database;
use crate::error::Error;

const READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 20;

/// A database that is open and migrated.
#[derive(Clone)]
pub(crate) struct Db {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    postgres: Option<PgPool>,
}

/// A transaction that writes. Dropped without [`Tx::commit`] it leaves nothing behind.
pub(crate) type Tx = DatabaseTransaction;

impl Db {
    /// Opens and migrates.
    pub(crate) async fn open(database: &Database) -> Result<Self, Error> {
        match database {
            Database::Sqlite(path) => Self::open_sqlite(path).await,
            Database::Postgres(url) => Self::open_postgres(url).await,
        }
        .map_err(|source| Error::internal("open its database", source))
    }

    async fn open_sqlite(path: &Path) -> Result<Self, sqlx::Error> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(20))
            .foreign_keys(true)
            .optimize_on_close(true, None);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone().create_if_missing(true))
            .await?;
        sqlx::migrate!("src/store/migrations/sqlite").run(&writer).await?;
        let reader = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.read_only(true))
            .await?;
        Ok(Self {
            writer: SqlxSqliteConnector::from_sqlx_sqlite_pool(writer),
            reader: SqlxSqliteConnector::from_sqlx_sqlite_pool(reader),
            postgres: None,
        })
    }

    async fn open_postgres(url: &SecretString) -> Result<Self, sqlx::Error> {
        let options: PgConnectOptions = url.expose_secret().parse()?;
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(Duration::from_secs(20))
            .connect_with(options.application_name("landfall"))
            .await?;
        sqlx::migrate!("src/store/migrations/postgres").run(&pool).await?;
        let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool.clone());
        Ok(Self { writer: connection.clone(), reader: connection, postgres: Some(pool) })
    }

    /// For reading outside of a transaction.
    pub(crate) fn read(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// For single statements that write.
    pub(crate) fn write(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// The pool for `LISTEN`, on PostgreSQL.
    pub(crate) fn postgres(&self) -> Option<&PgPool> {
        self.postgres.as_ref()
    }

    /// Begins a transaction that writes. Nothing slow may be awaited inside: on SQLite everybody
    /// else's writing waits for it.
    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        let options = TransactionOptions {
            isolation_level: None,
            access_mode: Some(AccessMode::ReadWrite).filter(|_| self.postgres.is_some()),
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate)
                .filter(|_| self.postgres.is_none()),
        };
        self.writer
            .begin_with_options(options)
            .await
            .map_err(|source| StoreError { doing: "begin a transaction", source })
    }
}

/// Commits a transaction.
pub(crate) async fn commit(tx: Tx) -> Result<(), StoreError> {
    tx.commit().await.map_err(|source| StoreError { doing: "commit a transaction", source })
}
