//! Making a dump, of a Landfall that runs or of one that does not.
//!
//! Rows are read in one snapshot. Objects are written before the rows that name them and never change, so that those that
//! are there afterwards are all that the rows need, but for pieces of backups that are deleted meanwhile: of these the rows may
//! tell what is gone. An object that goes between the list and its turn is left out.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::TryStreamExt as _;

use super::file::{PIECE, Writer};
use super::{ABOUT, About, Amount, DumpError, FORMAT, OBJECTS, TABLES, store};
use crate::config::{Config, Database};
use crate::objects::{ObjectPlace, Objects, Store};
use crate::store::Db;
use crate::store::belongings::{KEY_CHECK, goes_with};
use crate::store::sql::now;

/// Objects that are read ahead, of [`PIECE`] bytes each at most: most are small, and far away.
const AHEAD: usize = 8;

/// Writes everything that this Landfall stores, but for its key, to a file that is not there yet.
///
/// Refuses a database that this version does not know the schema of, and objects or a key that do not go with it.
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
    let found = if store::is_migrated(db.read()).await? { db.schema().await? } else { None };
    let (found, known) = (found.unwrap_or_default(), db.known_schema());
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
    let kept = objects_of(config, &db).await?;
    check_key(config, &db).await?;
    let mut writer = Writer::begin(path)?;
    let unended = rows(&db, &mut writer).await?;
    objects(&kept, &mut writer).await?;
    let (rows, objects) = (writer.manifest.rows, writer.manifest.objects);
    Ok(Amount { rows, objects, unended, bytes: writer.finish()? })
}

fn empty() -> DumpError {
    DumpError::refused("the database is empty", "start the server on it once")
}

/// The object store that goes with the database: without its objects a dump is of no use.
async fn objects_of(config: &Config, db: &Db) -> Result<Store, DumpError> {
    if let ObjectPlace::Folder(folder) = &config.objects
        && !folder.is_dir()
    {
        return Err(DumpError::refused(
            format!("there are no objects at {}", folder.display()),
            "name where they are with --objects, as the server does",
        ));
    }
    let store = Store::open(&config.objects)?;
    if goes_with(db.read(), &store).await? {
        return Ok(store);
    }
    Err(DumpError::refused(
        format!("the objects at {} are not those of this database", config.objects),
        "name where its own are with --objects, as the server does",
    ))
}

/// A key that is there must be the database's: it is the one that will be kept beside the dump.
async fn check_key(config: &Config, db: &Db) -> Result<(), DumpError> {
    if !config.key_file.exists() {
        return Ok(());
    }
    let sealed = store::key_check(db.read()).await?.ok_or_else(empty)?;
    let objects = Objects::open(&config.objects, &config.key_file)?;
    if objects.sealer().open(KEY_CHECK, &sealed).is_ok() {
        return Ok(());
    }
    Err(DumpError::refused(
        format!("the key file {} is not the one of this database", config.key_file.display()),
        "name the one that its server has with --key-file",
    ))
}

/// Writes what the file is, and all rows; how many Ops had not ended.
async fn rows(db: &Db, writer: &mut Writer) -> Result<u64, DumpError> {
    let tx = db.snapshot().await?;
    let tables = store::tables(&tx).await?;
    let key_check = store::key_check(&tx).await?.ok_or_else(empty)?;
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

async fn objects(store: &Store, writer: &mut Writer) -> Result<(), DumpError> {
    let ahead = store.list("").map_ok(|(path, size)| async move {
        // What is large is read as it is written.
        let content = if size <= PIECE as u64 { store.find(&path).await? } else { None };
        Ok((path, size, content))
    });
    let mut ahead = ahead.try_buffered(AHEAD);
    while let Some((path, size, content)) = ahead.try_next().await? {
        let name = format!("{OBJECTS}{path}");
        match content {
            Some(content) => writer.entry(&name, &content)?,
            None if size <= PIECE as u64 => continue,
            None => {
                let (length, mut pieces) = match store.get_stream(&path).await {
                    Ok(found) => found,
                    Err(_) if !store.is_there(&path).await? => continue,
                    Err(error) => return Err(error.into()),
                };
                let mut entry = writer.open(&name, length)?;
                while let Some(piece) = pieces.try_next().await? {
                    writer.write(&mut entry, &piece)?;
                }
                writer.close(entry)?;
            }
        }
        writer.manifest.objects += 1;
    }
    Ok(())
}
