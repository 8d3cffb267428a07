//! Opening a database, migrating it, and beginning transactions.
//!
//! SQLite has one writing connection and several reading ones; every transaction that writes begins
//! `IMMEDIATE`, because one that turns into a writer later fails at once when another is there.

use std::path::Path;
use std::time::Duration;

use sea_orm::{
    AccessMode, DatabaseConnection, DatabaseTransaction, IsolationLevel, SqliteTransactionMode,
    SqlxPostgresConnector, SqlxSqliteConnector, TransactionOptions, TransactionTrait,
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::Executor as _;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::sql::{StoreError, sql};
use crate::config::Database;
use crate::error::Error;

const DOING: &str = "open its database";
const READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 20;
/// Statements here are short, and say in which order tables are joined: what is compiled for one, or planned in all orders of its
/// joins, takes longer than carrying it out. As statements and not at the start, which poolers refuse.
const POSTGRES_SETTINGS: &str = "SET jit = off; SET join_collapse_limit = 1";

static SQLITE: Migrator = sqlx::migrate!("src/store/migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("src/store/migrations/postgres");

/// A schema that this version of Landfall does not know.
#[derive(Debug, thiserror::Error)]
#[error(
    "a newer version of Landfall has migrated it to schema {found}, and {this} knows schemas up to {known}; run that \
     version or a newer one, or load a dump that this version made", this = env!("CARGO_PKG_VERSION")
)]
pub(crate) struct NewerSchema {
    found: i64,
    known: i64,
}

/// Connections to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Connections {
    /// Those that something is being done on.
    pub(crate) busy: u32,
    /// Those that wait to be used.
    pub(crate) idle: u32,
}

/// A database that is open and migrated.
#[derive(Clone)]
pub(crate) struct Db {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    postgres: Option<PgPool>,
    pools: Pools,
}

#[derive(Clone)]
enum Pools {
    Sqlite(SqlitePool, SqlitePool),
    Postgres(PgPool),
}

/// A transaction that writes. Dropped without [`Tx::commit`] it leaves nothing behind.
pub(crate) type Tx = DatabaseTransaction;

impl Db {
    /// Opens and migrates.
    pub(crate) async fn open(database: &Database) -> Result<Self, Error> {
        let db = Self::connect(database).await?;
        match db.migrate().await {
            Ok(()) => Ok(db),
            Err(MigrateError::VersionMissing(found)) => {
                let found = db.schema().await?.unwrap_or(found);
                Err(Error::internal(DOING, NewerSchema { found, known: db.known_schema() }))
            }
            Err(source) => Err(Error::internal(DOING, source)),
        }
    }

    /// Opens and leaves the schema as it is.
    pub(crate) async fn connect(database: &Database) -> Result<Self, Error> {
        match database {
            Database::Sqlite(path) => Self::open_sqlite(path).await,
            Database::Postgres(url) => Self::open_postgres(url).await,
        }
        .map_err(|source| Error::internal(DOING, source))
    }

    /// Brings the schema up to date; several processes may do so at once.
    async fn migrate(&self) -> Result<(), MigrateError> {
        match &self.pools {
            Pools::Sqlite(writer, _) => SQLITE.run(writer).await,
            Pools::Postgres(pool) => POSTGRES.run(pool).await,
        }
    }

    /// The newest schema that this version knows.
    pub(crate) fn known_schema(&self) -> i64 {
        let migrations = match &self.pools {
            Pools::Sqlite(..) => &SQLITE,
            Pools::Postgres(_) => &POSTGRES,
        };
        migrations.iter().map(|migration| migration.version).max().unwrap_or_default()
    }

    /// The schema that the database has now; none before the first.
    pub(crate) async fn schema(&self) -> Result<Option<i64>, StoreError> {
        let newest = sql("SELECT MAX(version) AS newest FROM _sqlx_migrations WHERE success");
        let found = newest.one(&self.reader, "read the schema's version", |row| row.opt("newest"));
        Ok(found.await?.flatten())
    }

    /// How many connections there are.
    pub(crate) fn connections(&self) -> Connections {
        let (size, idle) = match &self.pools {
            Pools::Sqlite(writer, reader) => {
                (writer.size() + reader.size(), writer.num_idle() + reader.num_idle())
            }
            Pools::Postgres(pool) => (pool.size(), pool.num_idle()),
        };
        let idle = u32::try_from(idle).unwrap_or(u32::MAX);
        Connections { busy: size.saturating_sub(idle), idle }
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
        // A connection to a file does not break while it waits, and asking it costs as much as a statement.
        let writer = SqlitePoolOptions::new()
            .test_before_acquire(false)
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone().create_if_missing(true))
            .await?;
        let reader = SqlitePoolOptions::new()
            .test_before_acquire(false)
            .max_connections(READERS)
            .connect_with(options.read_only(true))
            .await?;
        Ok(Self {
            writer: SqlxSqliteConnector::from_sqlx_sqlite_pool(writer.clone()),
            reader: SqlxSqliteConnector::from_sqlx_sqlite_pool(reader.clone()),
            postgres: None,
            pools: Pools::Sqlite(writer, reader),
        })
    }

    async fn open_postgres(url: &SecretString) -> Result<Self, sqlx::Error> {
        let options: PgConnectOptions = url.expose_secret().parse()?;
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(Duration::from_secs(20))
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(POSTGRES_SETTINGS).await.map(drop) })
            })
            .connect_with(options.application_name("landfall"))
            .await?;
        let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool.clone());
        Ok(Self {
            writer: connection.clone(),
            reader: connection,
            postgres: Some(pool.clone()),
            pools: Pools::Postgres(pool),
        })
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

    /// Begins a transaction that reads, and sees one moment of the database to its end.
    pub(crate) async fn snapshot(&self) -> Result<Tx, StoreError> {
        let postgres = self.postgres.is_some();
        let options = TransactionOptions {
            isolation_level: Some(IsolationLevel::RepeatableRead).filter(|_| postgres),
            access_mode: Some(AccessMode::ReadOnly).filter(|_| postgres),
            sqlite_transaction_mode: None,
        };
        self.reader
            .begin_with_options(options)
            .await
            .map_err(|source| StoreError { doing: "begin a transaction", source })
    }

    /// Waits until no other transaction of this purpose is under way, in any process; none begins until this one has ended.
    /// On SQLite that holds for all transactions that write.
    pub(crate) async fn one_at_a_time(&self, tx: &Tx, purpose: i64) -> Result<(), StoreError> {
        if self.postgres.is_none() {
            return Ok(());
        }
        // Locks are of the whole database server's database, and the tests have a schema each.
        let lock = sql("SELECT pg_advisory_xact_lock($1 # hashtext(current_schema())::BIGINT)")
            .bind(purpose);
        lock.run(tx, "wait for another process").await.map(drop)
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
