//! Opening a database, migrating it, and beginning transactions.
//!
//! SQLite has one writing connection and several reading ones; every transaction that writes begins
//! `IMMEDIATE`, because one that turns into a writer later fails at once when another is there.

use std::path::Path;
use std::time::Duration;

use sea_orm::{
    AccessMode, IsolationLevel, SqlxPostgresConnector, TransactionOptions, TransactionTrait,
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{Connection as _, Executor as _};

use super::driver::{ConnectionCounts, Connections, Tx};
use super::sql::{StoreError, sql};
use super::sqlite;
use crate::config::Database;
use crate::error::Error;

const DOING: &str = "open its database";
const READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 20;
/// A connection that has waited for longer than this is asked whether it still answers before it is used.
const POSTGRES_TRUSTED: Duration = Duration::from_secs(1);
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

/// A database that is open and migrated.
#[derive(Clone)]
pub(crate) struct Db {
    writer: Connections,
    /// The same as the writer's, on PostgreSQL.
    reader: Connections,
}

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
        match &self.writer {
            Connections::Sqlite(pool) => {
                let file = migrating(pool.path());
                let mut connection = SqliteConnection::connect_with(&file).await?;
                SQLITE.run(&mut connection).await?;
                Ok(connection.close().await?)
            }
            Connections::Postgres(connections) => {
                POSTGRES.run(connections.get_postgres_connection_pool()).await
            }
        }
    }

    /// The newest schema that this version knows.
    pub(crate) fn known_schema(&self) -> i64 {
        let migrations = match &self.writer {
            Connections::Sqlite(_) => &SQLITE,
            Connections::Postgres(_) => &POSTGRES,
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
    pub(crate) fn connections(&self) -> ConnectionCounts {
        self.reader.counts()
    }

    async fn open_sqlite(path: &Path) -> Result<Self, sqlx::Error> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)?;
        }
        // Makes the file where there is none: those that read cannot.
        SqliteConnection::connect_with(&migrating(path)).await?.close().await?;
        let writer = sqlite::Pool::writer(path);
        Ok(Self {
            reader: Connections::Sqlite(sqlite::Pool::readers(path, READERS, &writer)),
            writer: Connections::Sqlite(writer),
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
            // One that has just been used need not be asked whether it still answers: that takes as long as a statement.
            .test_before_acquire(false)
            .before_acquire(|connection, used| {
                Box::pin(async move {
                    if used.idle_for >= POSTGRES_TRUSTED {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_with(options.application_name("landfall"))
            .await?;
        let connections =
            Connections::Postgres(SqlxPostgresConnector::from_sqlx_postgres_pool(pool));
        Ok(Self { writer: connections.clone(), reader: connections })
    }

    /// Frees what connections keep for the next statements.
    pub(crate) fn rest(&self) {
        for connections in [&self.reader, &self.writer] {
            if let Connections::Sqlite(pool) = connections {
                pool.rest();
            }
        }
    }

    /// For reading outside of a transaction.
    pub(crate) fn read(&self) -> &Connections {
        &self.reader
    }

    /// For single statements that write.
    pub(crate) fn write(&self) -> &Connections {
        &self.writer
    }

    /// The pool for `LISTEN`, on PostgreSQL.
    pub(crate) fn postgres(&self) -> Option<&PgPool> {
        match &self.writer {
            Connections::Sqlite(_) => None,
            Connections::Postgres(connections) => Some(connections.get_postgres_connection_pool()),
        }
    }

    /// Begins a transaction that reads, and sees one moment of the database to its end.
    pub(crate) async fn snapshot(&self) -> Result<Tx, StoreError> {
        begin(&self.reader, AccessMode::ReadOnly).await
    }

    /// Waits until no other transaction of this purpose is under way, in any process; none begins until this one has ended.
    /// On SQLite that holds for all transactions that write.
    pub(crate) async fn one_at_a_time(&self, tx: &Tx, purpose: i64) -> Result<(), StoreError> {
        if self.postgres().is_none() {
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
        begin(&self.writer, AccessMode::ReadWrite).await
    }
}

async fn begin(connections: &Connections, mode: AccessMode) -> Result<Tx, StoreError> {
    let writes = matches!(mode, AccessMode::ReadWrite);
    let begun = match connections {
        Connections::Sqlite(pool) => pool.begin(writes).await.map(Tx::Sqlite),
        Connections::Postgres(pool) => {
            let options = TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead).filter(|_| !writes),
                access_mode: Some(mode),
                sqlite_transaction_mode: None,
            };
            let begun = pool.begin_with_options(options).await;
            begun.map(Tx::Postgres).map_err(Into::into)
        }
    };
    begun.map_err(|source| StoreError { doing: "begin a transaction", source })
}

/// How a file is made and migrated.
fn migrating(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(Duration::from_secs(20))
        .foreign_keys(true)
}

/// Commits a transaction.
pub(crate) async fn commit(tx: Tx) -> Result<(), StoreError> {
    let committed = match tx {
        Tx::Sqlite(tx) => tx.commit().await,
        Tx::Postgres(tx) => tx.commit().await.map_err(Into::into),
    };
    committed.map_err(|source| StoreError { doing: "commit a transaction", source })
}
