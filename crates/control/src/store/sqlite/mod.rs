//! A SQLite file: its connections, and statements on them.
//!
//! A statement is carried out by whoever asks, on the spot: most take some ten microseconds, and handing one to another thread
//! and waiting for each of its rows takes longer than that. Those that may take long say so ([`Weight::Heavy`]) and go to the
//! threads for what blocks. What is written to the log of the database is brought into the file by such a thread, too.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use sea_orm::Value as Bound;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::driver::{ConnectionCounts, DriverError, Wanted};

/// How long another process that writes is waited for, and a connection that is in use.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often what another process holds is asked for.
const AGAIN: Duration = Duration::from_millis(5);
/// Statements kept prepared by each connection.
const PREPARED: usize = 100;
/// Pages in the log from which on they are brought into the file: 16 MiB. Four times SQLite's own measure, for most of what is
/// written are the same few pages again and again, and of each only the last is brought.
const LOGGED_PAGES: i32 = 4_000;
/// Pages in the log from which on nothing is written until they are brought in.
const LONGEST_LOG: i32 = 4 * LOGGED_PAGES;
/// From this on a statement is named as slow.
const SLOW: Duration = Duration::from_secs(1);

/// Whether a statement may take long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// It finds what it needs by an index, and that is little.
    Light,
    /// It may look at thousands of rows.
    Heavy,
}

/// A statement in the words of SQLite.
pub(super) struct Statement {
    text: String,
    values: Vec<Bound>,
    weight: Weight,
    wanted: Wanted,
    /// Whether it is refused if it writes.
    only_reads: bool,
}

impl Statement {
    /// Of a text with `$1`, which SQLite takes for a name that it would look for among all names; `?1` is the place itself.
    pub(super) fn new(text: String, values: Vec<Bound>, weight: Weight, wanted: Wanted) -> Self {
        let mut bytes = text.into_bytes();
        for at in 1..bytes.len() {
            if bytes[at - 1] == b'$' && bytes[at].is_ascii_digit() {
                bytes[at - 1] = b'?';
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Self { text, values, weight, wanted, only_reads: false }
    }

    /// Without values, light, its rows unasked for.
    fn plain(text: &str) -> Self {
        Self::new(text.to_owned(), Vec::new(), Weight::Light, Wanted::Nothing)
    }

    fn carry_out(&self, connection: &Connection) -> Result<Done, DriverError> {
        let began = Instant::now();
        let done = self.step(connection);
        let took = began.elapsed();
        if took >= SLOW {
            tracing::warn!(?took, statement = self.text, "a slow statement");
        } else {
            tracing::trace!(?took, statement = self.text);
        }
        done
    }

    fn step(&self, connection: &Connection) -> Result<Done, DriverError> {
        let mut prepared = connection.prepare_cached(&self.text)?;
        let reads = prepared.readonly();
        if self.only_reads && !reads {
            return Err(DriverError::Writes);
        }
        for (at, value) in self.values.iter().enumerate() {
            match value {
                Bound::Bool(value) => prepared.raw_bind_parameter(at + 1, value)?,
                Bound::BigInt(value) => prepared.raw_bind_parameter(at + 1, value)?,
                Bound::String(value) => prepared.raw_bind_parameter(at + 1, value.as_deref())?,
                Bound::Bytes(value) => prepared.raw_bind_parameter(at + 1, value.as_deref())?,
                other => return Err(DriverError::Unbindable(format!("{other:?}"))),
            }
        }
        let most = match self.wanted {
            Wanted::Nothing => 0,
            Wanted::First => 1,
            Wanted::All => usize::MAX,
        };
        let mut rows = Vec::new();
        let mut columns: Option<Columns> = None;
        let mut stepping = prepared.raw_query();
        // What writes goes to its end, whatever is wanted of it: by itself it is written only there.
        while let Some(row) = stepping.next()? {
            if rows.len() < most {
                let columns = columns.get_or_insert_with(|| columns_of(row));
                rows.push(OwnedRow::read(row, columns)?);
            }
            if reads && rows.len() >= most {
                break;
            }
        }
        drop(stepping);
        Ok(Done { rows, changed: connection.changes() })
    }
}

/// What came of a statement.
pub(super) struct Done {
    pub(super) rows: Vec<OwnedRow>,
    /// Rows that it touched, if it writes.
    pub(super) changed: u64,
}

/// The names of a row's columns.
type Columns = Arc<[Box<str>]>;

fn columns_of(row: &rusqlite::Row<'_>) -> Columns {
    let statement: &rusqlite::Statement<'_> = row.as_ref();
    statement.column_names().into_iter().map(Box::from).collect()
}

/// A row, with values of its own.
pub(crate) struct OwnedRow {
    columns: Columns,
    values: Vec<rusqlite::types::Value>,
}

impl OwnedRow {
    fn read(row: &rusqlite::Row<'_>, columns: &Columns) -> Result<Self, DriverError> {
        let values = (0..columns.len()).map(|at| row.get(at)).collect::<Result<_, _>>()?;
        Ok(Self { columns: Arc::clone(columns), values })
    }

    /// The value of a column.
    pub(super) fn value(&self, column: &str) -> Option<&rusqlite::types::Value> {
        let at = self.columns.iter().position(|name| **name == *column)?;
        self.values.get(at)
    }
}

/// Connections to a file, made when they are needed and kept.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    path: PathBuf,
    flags: OpenFlags,
    most: u32,
    free: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
    /// Whether the log is being brought into the file.
    tidies: AtomicBool,
    /// What does that.
    tidier: Mutex<Option<Connection>>,
    /// The connection that writes, where these only read.
    writer: Option<Pool>,
}

thread_local! {
    /// Pages in the log after what this thread committed last.
    static LOGGED: Cell<i32> = const { Cell::new(0) };
}

impl Pool {
    /// The one connection that writes.
    pub(super) fn writer(path: &Path) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        Self::new(path, flags, 1, None)
    }

    /// Connections that read. What is light is asked of the writer's while it is free: a connection forgets the pages that it
    /// has read as soon as another one writes.
    pub(super) fn readers(path: &Path, most: u32, writer: &Self) -> Self {
        Self::new(path, OpenFlags::SQLITE_OPEN_READ_ONLY, most, Some(writer.clone()))
    }

    fn new(path: &Path, flags: OpenFlags, most: u32, writer: Option<Self>) -> Self {
        // A connection is used by one thread at a time, which SQLite need not see to.
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Self(Arc::new(Shared {
            path: path.to_owned(),
            flags,
            most,
            free: Arc::new(Semaphore::new(most as usize)),
            idle: Mutex::new(Vec::new()),
            tidies: AtomicBool::new(false),
            tidier: Mutex::new(None),
            writer,
        }))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0.path
    }

    /// How many connections there are, with that of the writer.
    pub(super) fn counts(&self) -> ConnectionCounts {
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).len();
        let free = u32::try_from(self.0.free.available_permits()).unwrap_or(u32::MAX);
        let idle = u32::try_from(idle).unwrap_or(u32::MAX);
        let own = ConnectionCounts { busy: self.0.most.saturating_sub(free), idle };
        let others = self.0.writer.as_ref().map_or(ConnectionCounts::default(), Self::counts);
        ConnectionCounts { busy: own.busy + others.busy, idle: own.idle + others.idle }
    }

    /// For a process that has become quiet: frees all connections that wait to be used but one, and the pages that one has read.
    pub(super) fn rest(&self) {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).truncate(1);
        // One that is in use does not rest.
        let Some(Ok(lent)) = self.lend_at_once() else { return };
        let rested = lent.connection().and_then(|connection| Ok(connection.release_memory()?));
        if let Err(error) = rested {
            tracing::debug!(%error, "a connection to the database does not rest");
        }
    }

    /// Carries out a statement by itself.
    pub(super) async fn carry_out(&self, mut statement: Statement) -> Result<Done, DriverError> {
        statement.only_reads = self.0.writer.is_some();
        let writer = self.0.writer.as_ref().filter(|_| statement.weight == Weight::Light);
        let lent = match writer.and_then(Self::lend_at_once) {
            Some(lent) => lent?,
            None => self.lend().await?,
        };
        lent.carry_out_patiently(statement).await?.1
    }

    /// Begins a transaction; `immediate` if it writes.
    pub(super) async fn begin(&self, immediate: bool) -> Result<Transaction, DriverError> {
        let begin = Statement::plain(if immediate { "BEGIN IMMEDIATE" } else { "BEGIN" });
        let (lent, begun) = self.lend().await?.carry_out_patiently(begin).await?;
        begun.map(|_| Transaction(Mutex::new(Some(lent))))
    }

    async fn lend(&self) -> Result<Lent, DriverError> {
        if let Some(lent) = self.lend_at_once() {
            return lent;
        }
        let permit = tokio::time::timeout(PATIENCE, Arc::clone(&self.0.free).acquire_owned()).await;
        let permit = permit.ok().and_then(Result::ok).ok_or(DriverError::NoConnection)?;
        self.lend_with(permit)
    }

    /// Nothing if all are in use.
    fn lend_at_once(&self) -> Option<Result<Lent, DriverError>> {
        let permit = Arc::clone(&self.0.free).try_acquire_owned().ok()?;
        Some(self.lend_with(permit))
    }

    fn lend_with(&self, permit: OwnedSemaphorePermit) -> Result<Lent, DriverError> {
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.0.connect()?,
        };
        Ok(Lent { connection: Some(connection), pool: Arc::clone(&self.0), _permit: permit })
    }
}

impl Shared {
    fn writes(&self) -> bool {
        self.flags.contains(OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    fn connect(&self) -> Result<Connection, DriverError> {
        let connection = Connection::open_with_flags(&self.path, self.flags)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        // Whoever waits for another process does so without keeping a thread.
        connection.busy_timeout(Duration::ZERO)?;
        if self.writes() {
            connection.pragma_update(None, "synchronous", "normal")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.wal_hook(Some(|_, pages| {
                LOGGED.set(pages);
                Ok(())
            }));
        }
        Ok(connection)
    }

    fn bring_in(&self) -> Result<(), DriverError> {
        let mut tidier = self.tidier.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match tidier.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        // Readers and writers go on; what they still need is left for the next time.
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        *tidier = Some(connection);
        Ok(())
    }

    /// Brings the log into the file if it has grown long; on a thread of its own, since it waits for the disk.
    fn tidy(self: &Arc<Self>) {
        if !self.writes() {
            return;
        }
        let logged = LOGGED.replace(0);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if logged < LOGGED_PAGES || self.tidies.swap(true, Ordering::AcqRel) {
            return;
        }
        let pool = Arc::clone(self);
        runtime.spawn(async move {
            // A log begins anew only where all of it was brought in, which whoever writes meanwhile prevents.
            let alone = if logged >= LONGEST_LOG {
                Arc::clone(&pool.free).acquire_owned().await.ok()
            } else {
                None
            };
            let tidying = move || {
                let done = pool.bring_in();
                drop(alone);
                pool.tidies.store(false, Ordering::Release);
                if let Err(error) = done {
                    tracing::warn!(%error, "the log of the database was not brought into its file");
                }
            };
            // A process that goes down leaves it to the next one.
            drop(tokio::task::spawn_blocking(tidying));
        });
    }
}

/// A connection while it is in use; it goes back by itself, without what was not committed.
struct Lent {
    connection: Option<Connection>,
    pool: Arc<Shared>,
    _permit: OwnedSemaphorePermit,
}

impl Lent {
    fn connection(&self) -> Result<&Connection, DriverError> {
        self.connection.as_ref().ok_or(DriverError::NoConnection)
    }

    /// As often as it takes while another process has the file to itself.
    async fn carry_out_patiently(
        mut self,
        statement: Statement,
    ) -> Result<(Self, Result<Done, DriverError>), DriverError> {
        let statement = Arc::new(statement);
        let until = Instant::now() + PATIENCE;
        loop {
            let (lent, done) = self.carry_out(&statement).await?;
            self = lent;
            match done {
                Err(error) if error.is_busy() && Instant::now() < until => {
                    tokio::time::sleep(AGAIN).await;
                }
                done => return Ok((self, done)),
            }
        }
    }

    /// On the spot, or on a thread for what blocks, which then has the connection: whoever waits for it may be gone before it
    /// ends.
    async fn carry_out(
        self,
        statement: &Arc<Statement>,
    ) -> Result<(Self, Result<Done, DriverError>), DriverError> {
        let work = {
            let statement = Arc::clone(statement);
            move || {
                let done = self.connection().and_then(|it| statement.carry_out(it));
                (self, done)
            }
        };
        if statement.weight == Weight::Light {
            return Ok(work());
        }
        tokio::task::spawn_blocking(work).await.map_err(|left| {
            // Only a process that goes down leaves it undone.
            if left.is_cancelled() { DriverError::NoConnection } else { DriverError::Panicked }
        })
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
            return;
        }
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        self.pool.tidy();
    }
}

/// A transaction; dropped without a commit it leaves nothing behind.
pub(crate) struct Transaction(Mutex<Option<Lent>>);

impl Transaction {
    /// Carries out a statement in it.
    pub(super) async fn carry_out(&self, statement: Statement) -> Result<Done, DriverError> {
        let lent = self.take()?;
        let (lent, done) = lent.carry_out_patiently(statement).await?;
        // Some failures, such as a full disk, end the transaction: what came after would be by itself.
        if done.is_ok() || !lent.connection()?.is_autocommit() {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(lent);
        }
        done
    }

    /// Carries out a statement in it, on the spot, and gives `each` its rows as they are found.
    pub(crate) fn each<F, E: From<F>>(
        &self,
        text: &str,
        failed: impl Fn(DriverError) -> F,
        mut each: impl FnMut(&OwnedRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let lent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lent = lent.as_ref().ok_or_else(|| failed(DriverError::GivenUp))?;
        let connection = lent.connection().map_err(&failed)?;
        let mut prepared = connection.prepare(text).map_err(|e| failed(e.into()))?;
        let mut columns: Option<Columns> = None;
        let mut stepping = prepared.raw_query();
        while let Some(row) = stepping.next().map_err(|e| failed(e.into()))? {
            let columns = columns.get_or_insert_with(|| columns_of(row));
            each(&OwnedRow::read(row, columns).map_err(&failed)?)?;
        }
        Ok(())
    }

    /// Ends it, with all that it wrote.
    pub(super) async fn commit(self) -> Result<(), DriverError> {
        let commit = Statement::plain("COMMIT");
        self.take()?.carry_out_patiently(commit).await?.1.map(drop)
    }

    /// Nothing, where a statement in it was given up.
    fn take(&self) -> Result<Lent, DriverError> {
        let mut lent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lent.take().ok_or(DriverError::GivenUp)
    }
}

impl DriverError {
    /// Whether another process has the file, or the log of it, to itself for the moment.
    fn is_busy(&self) -> bool {
        matches!(self, Self::Sqlite(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy))
    }
}

#[cfg(test)]
mod tests;
