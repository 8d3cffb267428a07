//! Telling a database or an object store that is away for a moment from a fault: what was attempted may be tried again, by
//! whoever comes next, and nothing is wrong with it.

use std::error::Error;

use rusqlite::ErrorCode;
use sea_orm::{DbErr, RuntimeErr};
use tokio::task::JoinError;

use super::driver::DriverError;

/// Whether an error, or what caused it, is that storage could not be reached.
///
/// So is what a process that goes down no longer does: files are written on the threads for what blocks, which it has no more,
/// and what was told to wait for them must not take that for a failure and store it as one.
pub(crate) fn is_outage(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let away = error.downcast_ref::<DriverError>().is_some_and(driver)
            || error.downcast_ref::<DbErr>().is_some_and(database)
            || error.downcast_ref::<sqlx::Error>().is_some_and(connection)
            || error.downcast_ref::<object_store::Error>().is_some_and(objects)
            || error.is::<crate::objects::Away>()
            || error.downcast_ref::<JoinError>().is_some_and(JoinError::is_cancelled);
        if away {
            return true;
        }
        cause = error.source();
    }
    false
}

fn driver(error: &DriverError) -> bool {
    match error {
        DriverError::Orm(error) => database(error),
        DriverError::Sqlite(error) => error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy),
        DriverError::NoConnection => true,
        DriverError::GivenUp
        | DriverError::Panicked
        | DriverError::Writes
        | DriverError::Unbindable(_) => false,
    }
}

fn database(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) => true,
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => connection(error),
        _ => false,
    }
}

fn connection(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        // PostgreSQL's classes: connection exceptions, no more connections, and what an operator did (shutdown, restart,
        // a connection that was ended); 25006 is a standby that has not taken over yet.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            code.starts_with("08")
                || matches!(&*code, "53300" | "57P01" | "57P02" | "57P03" | "57P05" | "25006")
        }),
        _ => false,
    }
}

/// What S3 refuses has kinds of its own; this one is left for failed connections, timeouts and its own faults.
fn objects(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::Generic { store: "S3", .. })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// A connection that broke is an outage, however deep it stands; a statement that is wrong is none.
    #[test]
    fn outages() {
        let broken = || sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        let wrapped = |error| DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)));
        assert!(is_outage(&broken()));
        assert!(is_outage(&wrapped(broken())));
        let failed = crate::store::StoreError { doing: "test", source: wrapped(broken()).into() };
        assert!(crate::Error::from(failed).is_outage());
        assert!(crate::Error::internal("test", crate::objects::Away).is_outage());
        assert!(!is_outage(&wrapped(sqlx::Error::RowNotFound)));
        assert!(!crate::Error::internal("test", "a fault").is_outage());
    }

    /// What a process that goes down leaves undone is an outage, a panic is a fault.
    #[tokio::test]
    async fn a_process_that_goes_down() {
        let of_objects =
            |source| crate::Error::internal("test", object_store::Error::JoinError { source });
        let left = tokio::spawn(std::future::pending::<()>());
        left.abort();
        assert!(of_objects(left.await.unwrap_err()).is_outage());
        let panicked = tokio::spawn(async { panic!("on purpose") });
        assert!(!of_objects(panicked.await.unwrap_err()).is_outage());
    }
}
