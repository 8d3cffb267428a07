//! SQL of dumps: which tables and columns there are, their rows as JSON, and rows from JSON.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use sea_orm::{DbBackend, DbErr, Statement, StreamTrait, Value as Bound};
use serde_json::{Map, Value};

use super::Kind;
use crate::store::sql::{self, StoreError, sql};
use crate::store::{DriverError, Executor, Row, Tx};

const READING: &str = "read what tables there are";
/// Values of one statement: below what both databases take.
const BOUND: usize = 2_000;

/// The columns of a table by name.
pub(crate) type Columns = BTreeMap<String, Kind>;

fn on_postgres(c: &impl Executor) -> bool {
    c.backend() == DbBackend::Postgres
}

/// Whether a migration has ever run.
pub(super) async fn is_migrated(c: &impl Executor) -> Result<bool, StoreError> {
    let text = if on_postgres(c) {
        "SELECT 1 AS one FROM information_schema.tables \
         WHERE table_schema = current_schema() AND table_name = '_sqlx_migrations'"
    } else {
        "SELECT 1 AS one FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'"
    };
    Ok(sql(text).one(c, READING, |_| Ok(())).await?.is_some())
}

/// All tables but those of the migrations.
pub(crate) async fn tables(c: &impl Executor) -> Result<BTreeMap<String, Columns>, StoreError> {
    let text = if on_postgres(c) {
        "SELECT CAST(c.table_name AS TEXT) AS t, CAST(c.column_name AS TEXT) AS c, CAST(c.data_type AS TEXT) AS k \
         FROM information_schema.columns c \
         JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name \
         WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.table_name NOT LIKE '\\_sqlx%'"
    } else {
        "SELECT m.name AS t, c.name AS c, c.type AS k FROM sqlite_master m JOIN pragma_table_info(m.name) c \
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\'"
    };
    let rows = sql(text).all(c, READING, |row| {
        let told: String = row.get("k")?;
        let kind = match told.to_lowercase().as_str() {
            "integer" | "bigint" => Kind::Number,
            "blob" | "bytea" => Kind::Bytes,
            "text" => Kind::Text,
            "boolean" => Kind::Boolean,
            other => return Err(DbErr::Type(format!("a column of type {other} cannot be dumped"))),
        };
        Ok((row.get::<String>("t")?, row.get::<String>("c")?, kind))
    });
    let mut tables: BTreeMap<String, Columns> = BTreeMap::new();
    for (table, column, kind) in rows.await? {
        tables.entry(table).or_default().insert(column, kind);
    }
    Ok(tables)
}

/// Whether a table has no row.
pub(super) async fn is_empty(c: &impl Executor, table: &str) -> Result<bool, StoreError> {
    let found = sql(format!("SELECT 1 AS one FROM \"{table}\" LIMIT 1")).one(
        c,
        "look into a table",
        |_| Ok(()),
    );
    Ok(found.await?.is_none())
}

/// Ops that have not ended.
pub(super) async fn unended(c: &impl Executor) -> Result<i64, StoreError> {
    let counted = sql("SELECT COUNT(*) AS n FROM ops WHERE state IN ('queued', 'running')");
    Ok(counted.one(c, "count Ops", |row| row.get("n")).await?.unwrap_or_default())
}

/// What the account's key check is.
pub(super) async fn key_check(c: &impl Executor) -> Result<Option<Vec<u8>>, StoreError> {
    let kept = sql("SELECT key_check_sealed FROM account WHERE id = 1");
    kept.one(c, "read the account", |row| row.get("key_check_sealed")).await
}

fn failed(source: impl Into<DriverError>) -> StoreError {
    StoreError { doing: "read the rows of a table", source: source.into() }
}

/// Gives every row of a table to `each`, as a JSON object.
pub(super) async fn rows<E: From<StoreError>>(
    tx: &Tx,
    table: &str,
    columns: &Columns,
    mut each: impl FnMut(Value) -> Result<(), E>,
) -> Result<(), E> {
    let names: Vec<String> = columns.keys().map(|name| format!("\"{name}\"")).collect();
    let text = format!("SELECT {} FROM \"{table}\"", names.join(", "));
    match tx {
        Tx::Sqlite(tx) => {
            tx.each(&text, failed, |row| each(object(&Row::Sqlite(row), columns).map_err(failed)?))
        }
        Tx::Postgres(tx) => {
            let statement = Statement::from_string(DbBackend::Postgres, text);
            let mut rows = tx.stream_raw(statement).await.map_err(failed)?;
            while let Some(row) = rows.next().await {
                let row = row.map_err(failed)?;
                each(object(&Row::Postgres(&row), columns).map_err(failed)?)?;
            }
            Ok(())
        }
    }
}

fn object(row: &Row<'_>, columns: &Columns) -> Result<Value, DbErr> {
    let mut object = Map::new();
    for (name, kind) in columns {
        let value = match kind {
            Kind::Number => row.opt::<i64>(name)?.map(Value::from),
            Kind::Text => row.opt::<String>(name)?.map(Value::from),
            Kind::Boolean => row.opt::<bool>(name)?.map(Value::from),
            Kind::Bytes => row.opt::<Vec<u8>>(name)?.map(|bytes| STANDARD.encode(bytes).into()),
        };
        object.insert(name.clone(), value.unwrap_or_default());
    }
    Ok(Value::Object(object))
}

/// A value of a row as it is bound; none where it is not of its kind.
pub(super) fn bound(kind: Kind, value: &Value) -> Option<Bound> {
    let null = value.is_null();
    Some(match kind {
        Kind::Number if null => Bound::from(None::<i64>),
        Kind::Text if null => Bound::from(None::<String>),
        Kind::Boolean if null => Bound::from(None::<bool>),
        Kind::Bytes if null => Bound::from(None::<Vec<u8>>),
        Kind::Number => value.as_i64()?.into(),
        Kind::Text => value.as_str()?.to_owned().into(),
        Kind::Boolean => value.as_bool()?.into(),
        Kind::Bytes => STANDARD.decode(value.as_str()?).ok()?.into(),
    })
}

/// Adds rows to a table, each with a value for every column.
pub(super) async fn insert(
    c: &impl Executor,
    table: &str,
    columns: &Columns,
    rows: Vec<Vec<Bound>>,
) -> Result<(), StoreError> {
    let names: Vec<String> = columns.keys().map(|name| format!("\"{name}\"")).collect();
    let overriding = if on_postgres(c) { "OVERRIDING SYSTEM VALUE " } else { "" };
    let at_once = (BOUND / names.len().max(1)).max(1);
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let some: Vec<Vec<Bound>> = rows.by_ref().take(at_once).collect();
        let text = format!(
            "INSERT INTO \"{table}\" ({}) {overriding}VALUES {}",
            names.join(", "),
            sql::rows(some.len(), names.len())
        );
        sql(text).bind_all(some.into_iter().flatten()).run(c, "load rows").await?;
    }
    Ok(())
}

/// Rows may refer to others that come later, until [`check_references`].
pub(super) async fn defer_references(c: &impl Executor) -> Result<(), StoreError> {
    const DOING: &str = "put checks of rows off";
    if !on_postgres(c) {
        // For this transaction alone.
        return sql("PRAGMA defer_foreign_keys = ON").run(c, DOING).await.map(drop);
    }
    for (table, constraint) in references(c).await? {
        let text = format!(
            "ALTER TABLE {table} ALTER CONSTRAINT {constraint} DEFERRABLE INITIALLY DEFERRED"
        );
        sql(text).run(c, DOING).await?;
    }
    Ok(())
}

/// Checks what rows refer to, and leaves the schema as it was. Numbers that the database gives go on behind those loaded.
pub(super) async fn check_references(c: &impl Executor) -> Result<(), StoreError> {
    const DOING: &str = "check what rows refer to";
    if !on_postgres(c) {
        // SQLite checks at the commit.
        return Ok(());
    }
    sql("SET CONSTRAINTS ALL IMMEDIATE").run(c, DOING).await?;
    for (table, constraint) in references(c).await? {
        let text = format!("ALTER TABLE {table} ALTER CONSTRAINT {constraint} NOT DEFERRABLE");
        sql(text).run(c, DOING).await?;
    }
    let identities = sql("SELECT CAST(table_name AS TEXT) AS t, CAST(column_name AS TEXT) AS c \
         FROM information_schema.columns WHERE table_schema = current_schema() AND is_identity = 'YES'")
    .all(c, DOING, |row| Ok((row.get::<String>("t")?, row.get::<String>("c")?)));
    for (table, column) in identities.await? {
        let text = format!(
            "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), GREATEST(MAX({column}), 1)) AS last FROM {table}"
        );
        sql(text).run(c, "go on with numbers").await?;
    }
    Ok(())
}

/// The references between tables, as table and constraint.
async fn references(c: &impl Executor) -> Result<Vec<(String, String)>, StoreError> {
    sql("SELECT CAST(table_name AS TEXT) AS t, CAST(constraint_name AS TEXT) AS c \
         FROM information_schema.table_constraints WHERE constraint_schema = current_schema() \
         AND constraint_type = 'FOREIGN KEY' ORDER BY 1, 2")
    .all(c, READING, |row| Ok((row.get("t")?, row.get("c")?)))
    .await
}
