//! SQL of multiplying: what is there to be copied, and the copies. Both databases copy by themselves: what is sent to them
//! of each row is what differs from the one it is a copy of.

use std::collections::BTreeMap;

use sea_orm::{DbBackend, Value};

use crate::actor::By;
use crate::deployment::DeploymentState;
use crate::dump::{Columns, tables};
use crate::error::Error;
use crate::objects::Address;
use crate::store::Executor;
use crate::store::ids::{AppId, ClusterId, DeploymentId, EnvironmentId, ReleaseId};
use crate::store::sql::{StoreError, rows, sql};
use crate::store::{Db, Tx};

const READING: &str = "read what is to be multiplied";
const COPYING: &str = "copy rows";
/// Values of one statement: SQLite looks for each one's name among all of them.
const BOUND: usize = 1_000;

/// What is there.
pub(super) struct World {
    pub(super) apps: Vec<AppSeed>,
    pub(super) clusters: Vec<(ClusterId, String)>,
    pub(super) people: Vec<By>,
    pub(super) tables: BTreeMap<String, Columns>,
}

/// An App with what is copied of it.
pub(super) struct AppSeed {
    pub(super) id: AppId,
    pub(super) name: String,
    pub(super) values_revision: i64,
    /// The oldest first.
    pub(super) releases: Vec<ReleaseId>,
    pub(super) templates: Vec<Template>,
}

/// An environment that others are made after.
pub(super) struct Template {
    pub(super) id: EnvironmentId,
    pub(super) release_name: String,
    pub(super) namespace: String,
    /// What runs there.
    pub(super) current: DeploymentId,
    pub(super) rendering: Address,
    pub(super) context: Address,
    pub(super) plan: Address,
    /// A deployment to it that ended so, where there is one.
    pub(super) ended: Vec<(DeploymentState, DeploymentId)>,
}

/// Rows whose values differ from those of what they are copies of, on their way.
pub(super) struct Made {
    name: &'static str,
    columns: &'static [(&'static str, &'static str)],
    rows: Vec<Vec<Value>>,
}

/// The copies of a table: which columns differ, how, and where the rest comes from (`t` is the row that is copied).
pub(super) struct Copies<'a> {
    pub(super) table: &'a str,
    pub(super) differ: &'a [(&'a str, &'a str)],
    pub(super) from: &'a str,
}

impl Made {
    pub(super) fn new(
        name: &'static str,
        columns: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self { name, columns, rows: Vec::new() }
    }

    /// Adds a row, with a value for each column.
    pub(super) fn push(&mut self, row: Vec<Value>) {
        self.rows.push(row);
    }

    pub(super) async fn create(&self, c: &impl Executor) -> Result<(), StoreError> {
        let columns: Vec<String> =
            self.columns.iter().map(|(name, kind)| format!("{name} {}", typed(c, kind))).collect();
        sql(format!("DROP TABLE IF EXISTS {}", self.name)).run(c, COPYING).await?;
        let text = format!("CREATE TABLE {} ({})", self.name, columns.join(", "));
        sql(text).run(c, COPYING).await.map(drop)
    }

    pub(super) async fn drop(self, c: &impl Executor) -> Result<(), StoreError> {
        sql(format!("DROP TABLE {}", self.name)).run(c, COPYING).await.map(drop)
    }

    /// Sends the rows; those of before are gone.
    pub(super) async fn send(&mut self, tx: &Tx) -> Result<(), StoreError> {
        sql(format!("DELETE FROM {}", self.name)).heavy().run(tx, COPYING).await?;
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        insert(tx, self.name, &names, std::mem::take(&mut self.rows)).await
    }
}

fn typed(c: &impl Executor, kind: &'static str) -> &'static str {
    match (kind, c.backend()) {
        ("BLOB", DbBackend::Postgres) => "BYTEA",
        _ => kind,
    }
}

/// Adds rows as they are.
pub(super) async fn insert(
    tx: &Tx,
    table: &str,
    columns: &[&str],
    new: Vec<Vec<Value>>,
) -> Result<(), StoreError> {
    let mut new = new.into_iter().peekable();
    while new.peek().is_some() {
        let some: Vec<Vec<Value>> = new.by_ref().take(BOUND / columns.len()).collect();
        let text = format!(
            "INSERT INTO {table} ({}) VALUES {}",
            columns.join(", "),
            rows(some.len(), columns.len())
        );
        sql(text).bind_all(some.into_iter().flatten()).heavy().run(tx, COPYING).await?;
    }
    Ok(())
}

/// Makes copies.
pub(super) async fn copy(tx: &Tx, world: &World, copies: &Copies<'_>) -> Result<(), StoreError> {
    let Copies { table, differ, from } = copies;
    let none = Columns::default();
    let columns = world.tables.get(*table).unwrap_or(&none);
    // The place in the queue is given by the database.
    let columns: Vec<&str> =
        columns.keys().map(String::as_str).filter(|name| *name != "seq").collect();
    let values: Vec<String> = columns
        .iter()
        .map(|column| match differ.iter().find(|(name, _)| name == column) {
            Some((_, value)) => (*value).to_owned(),
            None => format!("t.{column}"),
        })
        .collect();
    let text = format!(
        "INSERT INTO {table} ({}) SELECT {} FROM {from}",
        columns.join(", "),
        values.join(", ")
    );
    sql(text).heavy().run(tx, COPYING).await.map(drop)
}

/// Reads what is there.
pub(super) async fn world(db: &Db) -> Result<World, Error> {
    let c = db.read();
    let apps =
        sql("SELECT id, name, values_revision FROM apps ORDER BY id").all(c, READING, |row| {
            Ok((row.get("id")?, row.get("name")?, row.get("values_revision")?))
        });
    let mut seeds = Vec::new();
    for (id, name, values_revision) in apps.await? {
        let releases = sql(
            "SELECT id FROM releases WHERE app_id = $1 AND archived_at IS NULL ORDER BY ordinal",
        )
        .bind(id)
        .all(c, READING, |row| row.get("id"));
        let releases = releases.await?;
        let templates = templates(db, id).await?;
        if releases.is_empty() || templates.is_empty() {
            continue;
        }
        seeds.push(AppSeed { id, name, values_revision, releases, templates });
    }
    let clusters = sql("SELECT id, name FROM clusters ORDER BY id")
        .all(c, READING, |row| Ok((row.get("id")?, row.get("name")?)));
    let clusters: Vec<(ClusterId, String)> = clusters.await?;
    if seeds.is_empty() || clusters.is_empty() {
        return Err(Error::internal(
            READING,
            "there is no App with Releases and an environment that runs",
        ));
    }
    Ok(World { apps: seeds, clusters, people: Vec::new(), tables: tables(c).await? })
}

async fn templates(db: &Db, app: AppId) -> Result<Vec<Template>, StoreError> {
    let c = db.read();
    let found = sql("SELECT e.id, e.release_name, e.namespace, e.current_deployment_id, k.rendering_object, \
         k.context_object, k.plan_object FROM environments e \
         JOIN deployments d ON d.id = e.current_deployment_id JOIN contents k ON k.id = d.content_id \
         WHERE e.app_id = $1 AND e.deleted_at IS NULL ORDER BY e.id")
    .bind(app)
    .all(c, READING, |row| {
        Ok(Template {
            id: row.get("id")?,
            release_name: row.get("release_name")?,
            namespace: row.get("namespace")?,
            current: row.get("current_deployment_id")?,
            rendering: row.get("rendering_object")?,
            context: row.get("context_object")?,
            plan: row.get("plan_object")?,
            ended: Vec::new(),
        })
    });
    let mut templates = found.await?;
    for template in &mut templates {
        let ended = sql("SELECT state, id FROM deployments WHERE environment_id = $1 AND finished_at IS NOT NULL \
             AND content_id IS NOT NULL ORDER BY number")
        .bind(template.id)
        .all(c, READING, |row| Ok((row.get("state")?, row.get("id")?)));
        template.ended = ended.await?;
    }
    Ok(templates)
}

/// Nothing of this has to outlast a crash: SQLite need not wait for the disk, and may keep what it changes in memory.
pub(super) async fn prepare(db: &Db) -> Result<(), StoreError> {
    if db.postgres().is_some() {
        return Ok(());
    }
    for pragma in ["synchronous = OFF", "cache_size = -600000"] {
        sql(format!("PRAGMA {pragma}")).run(db.write(), COPYING).await?;
    }
    Ok(())
}

/// Numbers of backups go on behind those that are there.
pub(super) async fn count_backups(tx: &Tx) -> Result<(), StoreError> {
    sql("UPDATE environments SET last_backup = (SELECT COUNT(*) FROM backups k WHERE k.environment_id = environments.id) \
         WHERE id IN (SELECT environment_id FROM backups)")
    .run(tx, COPYING)
    .await
    .map(drop)
}

/// What PostgreSQL does by itself in time: it looks at its tables, so that it plans for their size.
pub(super) async fn finish(db: &Db) -> Result<(), StoreError> {
    let text = if db.postgres().is_some() { "VACUUM ANALYZE" } else { "PRAGMA optimize" };
    sql(text).heavy().run(db.write(), "look at what was copied").await.map(drop)
}
