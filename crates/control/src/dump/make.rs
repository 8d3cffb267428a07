//! Making a dump, of a Landfall that runs or of one that does not.
//!
//! Rows are read in one snapshot. Objects are written before the rows that name them and never change, so that those that
//! are there afterwards are all that the rows need.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::TryStreamExt as _;

use super::file::{PIECE, Writer};
use super::{ABOUT, About, Amount, DumpError, FORMAT, OBJECTS, TABLES, store};
use crate::config::{Config, Database};
use crate::objects::Store;
use crate::store::Db;
use crate::store::sql::now;

/// Writes everything that this Landfall stores, but for its key, to a file that is not there yet.
///
/// Refuses a database that this version does not know the schema of.
pub async fn dump(config: &Config, path: &Path) -> Result<Amount, DumpError> {
    if let Database::Sqlite(file) = &config.database
        && !file.exists()
    {
        return Err(DumpError::refused(
            format!("there is no database at {}", file.display()),
            "name the data folder with --data, or a PostgreSQL with --database-url",
        ));
    }
    let db = Db::connect(&config.database).await?;
    let (found, known) = (db.schema().await.ok().flatten().unwrap_or_default(), db.known_schema());
    if found != known {
        return Err(DumpError::refused(
            format!(
                "the database has schema {found}, and this version of Landfall is of schema {known}"
            ),
            if found < known {
                "start this version's server once, which migrates it, or dump with the version that runs on it"
            } else {
                "dump with the version that runs on it"
            },
        ));
    }
    let mut writer = Writer::begin(path)?;
    let unended = rows(&db, &mut writer).await?;
    objects(config, &mut writer).await?;
    let (rows, objects) = (writer.manifest.rows, writer.manifest.objects);
    Ok(Amount { rows, objects, unended, bytes: writer.finish()? })
}

/// Writes what the file is, and all rows; how many Ops had not ended.
async fn rows(db: &Db, writer: &mut Writer) -> Result<u64, DumpError> {
    let tx = db.snapshot().await?;
    let tables = store::tables(&tx).await?;
    let key_check = store::key_check(&tx).await?.ok_or_else(|| {
        DumpError::refused("the database is empty", "start the server on it once")
    })?;
    let about = About {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        schema: db.known_schema(),
        made_at: now(),
        key_check: STANDARD.encode(key_check),
        tables,
    };
    writer.entry(ABOUT, &serde_json::to_vec_pretty(&about).expect("this is JSON"))?;
    let unended = store::unended(&tx).await?;
    for (table, columns) in &about.tables {
        let (mut piece, mut pieces, mut count) = (Vec::new(), 0, 0);
        store::rows(&tx, table, columns, |row| {
            count += 1;
            serde_json::to_writer(&mut piece, &row).expect("rows are JSON");
            piece.push(b'\n');
            if piece.len() < PIECE {
                return Ok(());
            }
            pieces += 1;
            writer.entry(&format!("{TABLES}{table}/{pieces:06}.jsonl"), &std::mem::take(&mut piece))
        })
        .await?;
        writer.entry(&format!("{TABLES}{table}/{:06}.jsonl", pieces + 1), &piece)?;
        writer.manifest.rows += count;
    }
    Ok(unended.unsigned_abs())
}

async fn objects(config: &Config, writer: &mut Writer) -> Result<(), DumpError> {
    let objects = Store::open(&config.objects)?;
    let mut listed = objects.list("");
    while let Some((path, _)) = listed.try_next().await? {
        let (length, mut pieces) = objects.get_stream(&path).await?;
        let mut entry = writer.open(&format!("{OBJECTS}{path}"), length)?;
        while let Some(piece) = pieces.try_next().await? {
            writer.write(&mut entry, &piece)?;
        }
        writer.close(entry)?;
        writer.manifest.objects += 1;
    }
    Ok(())
}
