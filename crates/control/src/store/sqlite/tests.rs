//! What a SQLite file's connections do, each test on a file of its own.

use std::future::Future as _;
use std::task::{Context, Waker};

use super::*;

fn light(text: &str) -> Statement {
    Statement::new(text.to_owned(), Vec::new(), Weight::Light, Wanted::First)
}

async fn pool(folder: &tempfile::TempDir) -> Pool {
    let path = folder.path().join("test.db");
    // As migrating leaves it.
    Connection::open(&path).unwrap().pragma_update(None, "journal_mode", "wal").unwrap();
    let pool = Pool::writer(&path);
    pool.carry_out(light("CREATE TABLE things (name TEXT NOT NULL)")).await.unwrap();
    pool
}

async fn count(pool: &Pool) -> rusqlite::types::Value {
    let done = pool.carry_out(light("SELECT COUNT(*) AS n FROM things")).await.unwrap();
    done.rows[0].value("n").unwrap().clone()
}

/// What a transaction wrote is there once it was committed, and not at all otherwise.
#[tokio::test]
async fn transactions() {
    let folder = tempfile::tempdir().unwrap();
    let pool = pool(&folder).await;
    let add = || {
        Statement::new(
            "INSERT INTO things VALUES ($1)".to_owned(),
            vec!["chair".into()],
            Weight::Light,
            Wanted::Nothing,
        )
    };
    let tx = pool.begin(true).await.unwrap();
    assert_eq!(tx.carry_out(add()).await.unwrap().changed, 1);
    drop(tx);
    assert_eq!(count(&pool).await, 0.into());
    let tx = pool.begin(true).await.unwrap();
    tx.carry_out(add()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(&pool).await, 1.into());
    assert_eq!(pool.counts(), ConnectionCounts { busy: 0, idle: 1 });
}

/// Who no longer waits for a heavy statement leaves a transaction that takes no more, and a connection for the next.
#[tokio::test]
async fn given_up() {
    let folder = tempfile::tempdir().unwrap();
    let pool = pool(&folder).await;
    let tx = pool.begin(true).await.unwrap();
    {
        let add = "INSERT INTO things VALUES ('chair')".to_owned();
        let adding = tx.carry_out(Statement::new(add, Vec::new(), Weight::Heavy, Wanted::Nothing));
        let _ = std::pin::pin!(adding).poll(&mut Context::from_waker(Waker::noop()));
    }
    let after = tx.carry_out(light("SELECT 1 AS one")).await;
    assert!(matches!(after, Err(DriverError::GivenUp)));
    drop(tx);
    assert_eq!(count(&pool).await, 0.into());
}

/// Whoever finds the file held by another process waits for it, and keeps no thread.
#[tokio::test]
async fn another_process() {
    let folder = tempfile::tempdir().unwrap();
    let pool = pool(&folder).await;
    let other = Connection::open(&pool.0.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; INSERT INTO things VALUES ('table')").unwrap();
    let (begun, ()) = tokio::join!(pool.begin(true), async {
        // There is one thread here: it comes to this because the other waits.
        other.execute_batch("COMMIT").unwrap();
    });
    begun.unwrap().commit().await.unwrap();
    assert_eq!(count(&pool).await, 1.into());
}

/// A long log is brought into the file, by nobody who asks or writes.
#[tokio::test]
async fn a_long_log() {
    let folder = tempfile::tempdir().unwrap();
    let pool = pool(&folder).await;
    let size = || std::fs::metadata(&pool.0.path).unwrap().len();
    let before = size();
    let pages = i64::from(LOGGED_PAGES) + 100;
    let text = "INSERT INTO things SELECT hex(zeroblob($1 * 2048))".to_owned();
    pool.carry_out(Statement::new(text, vec![pages.into()], Weight::Light, Wanted::Nothing))
        .await
        .unwrap();
    while pool.0.tidies.load(Ordering::Acquire) || size() == before {
        tokio::task::yield_now().await;
    }
    assert!(size() > before + 4_000_000);
}

/// What reads is refused where it writes, whichever connection it is given to.
#[tokio::test]
async fn readers_only_read() {
    let folder = tempfile::tempdir().unwrap();
    let writer = pool(&folder).await;
    let readers = Pool::readers(&writer.0.path, 1, &writer);
    assert_eq!(count(&readers).await, 0.into());
    let add = || light("INSERT INTO things VALUES ('chair')");
    assert!(matches!(readers.carry_out(add()).await, Err(DriverError::Writes)));
    let busy = writer.begin(true).await.unwrap();
    assert!(matches!(readers.carry_out(add()).await, Err(DriverError::Writes)));
    assert_eq!(count(&readers).await, 0.into());
    drop(busy);
}
