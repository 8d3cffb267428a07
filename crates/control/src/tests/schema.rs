//! The two migrations make one schema, and what it promises.

use std::collections::BTreeSet;

use super::site::Site;
use crate::control::Control;
use crate::error::Error;
use crate::store::sql::sql;

/// A schema as lines: columns with type and nullability, and indexes with what they say.
type Lines = BTreeSet<String>;

fn plain(text: &str) -> String {
    let text = text.to_lowercase().replace(" collate \"c\"", "").replace(['"', '(', ')'], " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn columns(site: &Site, postgres: bool) -> Lines {
    let text = if postgres {
        "SELECT c.table_name AS t, c.column_name AS c, c.data_type AS k, \
         CAST(c.is_nullable = 'NO' AS INTEGER) AS n FROM information_schema.columns c \
         WHERE c.table_schema = current_schema() AND c.table_name NOT LIKE '\\_sqlx%'"
    } else {
        "SELECT m.name AS t, c.name AS c, c.type AS k, \
         CASE WHEN c.\"notnull\" = 1 OR c.pk > 0 THEN 1 ELSE 0 END AS n \
         FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' \
         AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\'"
    };
    let rows = sql(text).all(site.control.db().read(), "read the schema", |row| {
        let kind = match plain(&row.get::<String>("k")?).as_str() {
            "integer" | "bigint" => "number",
            "blob" | "bytea" => "bytes",
            "text" => "text",
            "boolean" => "boolean",
            other => panic!("a column of type {other}"),
        };
        let required = if postgres { i64::from(row.get_i32("n")?) } else { row.get::<i64>("n")? };
        let (table, column): (String, String) = (row.get("t")?, row.get("c")?);
        Ok(format!("{table}.{column} {kind} {}", if required == 1 { "required" } else { "" }))
    });
    rows.await.unwrap().into_iter().collect()
}

async fn indexes(site: &Site, postgres: bool) -> Lines {
    let text = if postgres {
        "SELECT indexname AS i, indexdef AS d FROM pg_indexes WHERE schemaname = current_schema() \
         AND indexname NOT LIKE '%_pkey'"
    } else {
        "SELECT name AS i, sql AS d FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    };
    let rows = sql(text).all(site.control.db().read(), "read the schema", |row| {
        let definition = plain(&row.get::<String>("d")?);
        // What follows the table: columns, and the condition without PostgreSQL's casts and its way to say `IN`.
        let said = definition.split_once(" on ").map_or("", |(_, said)| said);
        let said = said.split_once(' ').map_or("", |(_, said)| said);
        let said = said.replace("using btree ", "").replace("::text", "");
        let said = said.replace("= any array[", "in ").replace(']', "");
        let unique = if definition.starts_with("create unique") { "unique " } else { "" };
        Ok(format!("{}: {unique}{said}", row.get::<String>("i")?))
    });
    rows.await.unwrap().into_iter().filter(|line| !line.starts_with("_sqlx")).collect()
}

/// Tables, columns, requirements and indexes are the same on both databases.
#[tokio::test]
async fn both_databases_have_one_schema() {
    let (sqlite, postgres) = (Site::sqlite().await, Site::postgres().await);
    let (a, b) = (columns(&sqlite, false).await, columns(&postgres, true).await);
    assert!(a.len() > 150, "{}", a.len());
    assert_eq!(a.symmetric_difference(&b).collect::<Vec<_>>(), Vec::<&String>::new());
    let (a, b) = (indexes(&sqlite, false).await, indexes(&postgres, true).await);
    assert!(a.len() > 50, "{}", a.len());
    assert_eq!(a.symmetric_difference(&b).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// A database that was made with another key is refused at once, not at the first secret.
#[tokio::test]
async fn another_key_is_refused() {
    let site = Site::sqlite().await;
    let mut config = site.config.clone();
    config.key_file.set_extension("other");
    let Err(Error::Internal { doing, source }) = Control::open(config).await else {
        panic!("opened with another key");
    };
    assert_eq!(doing, "open its database with this key file");
    assert!(source.to_string().contains("put the key file back"), "{source}");
}

/// A server whose objects are others than the database's is refused at once, not at the first content it misses.
#[tokio::test]
async fn other_objects_are_refused() {
    for site in [Site::sqlite().await, Site::postgres().await] {
        site.ground().await;
        let mut config = site.config.clone();
        config.objects = site.folder().join("elsewhere").into();
        let Err(Error::Internal { doing, source }) = Control::open(config).await else {
            panic!("opened with other objects");
        };
        assert_eq!(doing, "check its object store");
        assert!(source.to_string().contains("need the same --objects"), "{source}");
        site.second_process().await;
    }
}

/// A database that a newer version has migrated is refused and left alone.
#[tokio::test]
async fn newer_schema_is_refused() {
    for site in [Site::sqlite().await, Site::postgres().await] {
        sql("INSERT INTO _sqlx_migrations \
             (version, description, success, checksum, execution_time) VALUES ($1, 'later', $2, $3, 0)")
        .bind(9999_i64)
        .bind(true)
        .bind(vec![0_u8])
        .run(site.control.db().write(), "pretend to be newer")
        .await
        .unwrap();
        let Err(Error::Internal { doing, source }) = Control::open(site.config.clone()).await
        else {
            panic!("opened a newer schema");
        };
        assert_eq!(doing, "open its database");
        let text = source.to_string();
        assert!(
            text.contains("9999") && text.contains("run that version or a newer one"),
            "{text}"
        );
    }
}
