//! Whether this process can do its work: what a load balancer asks before it sends anyone here.

use std::time::Duration;

use crate::control::Control;
use crate::error::Error;
use crate::store::sql::sql;

/// The longest that a part may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a part stands. Words for whoever asks, without an address or a secret; the cause is in the server's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It can be worked with.
    Ok,
    /// It cannot, and why.
    Failing(&'static str),
}

impl Health {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failing(why) => why,
        }
    }
}

/// How the parts stand that every process needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Whether the database answers.
    pub database: Health,
    /// Whether its schema is one that this version can work with: its own, or one that a newer version has added to during
    /// an upgrade.
    pub schema: Health,
    /// Whether the object store answers.
    pub objects: Health,
}

impl Readiness {
    /// Whether all parts can be worked with.
    pub fn is_ready(self) -> bool {
        self.parts().iter().all(|(_, health)| *health == Health::Ok)
    }

    /// The parts by name.
    pub fn parts(self) -> [(&'static str, Health); 3] {
        [("database", self.database), ("schema", self.schema), ("objects", self.objects)]
    }
}

impl Control {
    /// Looks how the parts stand now; takes some seconds at most.
    pub async fn readiness(&self) -> Readiness {
        let (database, schema, objects) = tokio::join!(
            in_time("the database", self.database_answers()),
            in_time("the database's schema", self.schema_is_right()),
            in_time("the object store", self.objects().store().reachable()),
        );
        Readiness { database, schema, objects }
    }

    async fn database_answers(&self) -> Result<(), Error> {
        // A writing connection: a database that only reads is of no use.
        let asked = sql("SELECT 1 AS one").one(self.db().write(), "ask its database", |_| Ok(()));
        asked.await?;
        Ok(())
    }

    async fn schema_is_right(&self) -> Result<(), Error> {
        match self.db().schema().await? {
            Some(found) if found >= self.db().known_schema() => Ok(()),
            _ => Err(Error::internal("use its database", "its schema is older than this version")),
        }
    }
}

async fn in_time(what: &'static str, asked: impl Future<Output = Result<(), Error>>) -> Health {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(())) => Health::Ok,
        Ok(Err(error)) => {
            let error = crate::deployment::prepare::whole_text(&error);
            tracing::warn!(error, "not ready: {what} cannot be used");
            Health::Failing("cannot be used; the server's log has the cause")
        }
        Err(_) => {
            tracing::warn!("not ready: {what} does not answer");
            Health::Failing("does not answer")
        }
    }
}
