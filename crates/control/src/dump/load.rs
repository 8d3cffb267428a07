//! Loading a dump into a database and an object store that hold nothing.
//!
//! The file is read twice: once to hold everything against its checksums, then to load it. Rows come in one transaction; where
//! anything fails, none of them is there, and the objects that were written are deleted again.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use tokio_util::bytes::Bytes;

use super::file::{PIECE, Place, Reader};
use super::{About, Amount, DumpError, FORMAT, Manifest, TABLES, store};
use crate::config::Config;
use crate::objects::Objects;
use crate::store::belongings::{KEY_CHECK, goes_with};
use crate::store::{Db, Tx, commit};

/// Loads a dump. The database and the object store must be empty, the key file the one that the dump was made with.
pub async fn load(config: &Config, path: &Path) -> Result<Amount, DumpError> {
    let (mut reader, about) = Reader::open(path)?;
    let about = read_about(&reader, &about)?;
    let manifest = reader.check()?;
    if !config.key_file.exists() {
        return Err(DumpError::refused(
            format!("there is no key file at {}", config.key_file.display()),
            "put the one there that the dump's Landfall has; what is in a dump is encrypted with it",
        ));
    }
    let objects = Objects::open(&config.objects, &config.key_file)?;
    let check = STANDARD.decode(&about.key_check).unwrap_or_default();
    if objects.sealer().open(KEY_CHECK, &check).is_err() {
        return Err(DumpError::refused(
            format!(
                "the key file {} is not the one that the dump was made with",
                config.key_file.display()
            ),
            "put the other one in its place, or name it with --key-file",
        ));
    }
    let db = Db::open(&config.database).await?;
    check_schema(&db, &about)?;
    refuse_full(&db, &objects, config).await?;
    if let Err(error) = load_all(&db, &objects, &mut reader, &about, manifest.rows).await {
        forget(&objects, &reader).await;
        return Err(error);
    }
    amount(&db, path, &manifest).await
}

async fn amount(db: &Db, path: &Path, manifest: &Manifest) -> Result<Amount, DumpError> {
    let unended = store::unended(db.read()).await?.unsigned_abs();
    let bytes = std::fs::metadata(path).map_or(0, |file| file.len());
    Ok(Amount { rows: manifest.rows, objects: manifest.objects, bytes, unended })
}

fn read_about(reader: &Reader, text: &[u8]) -> Result<About, DumpError> {
    let format = serde_json::from_slice::<Value>(text).ok();
    let format = format.as_ref().and_then(|it| it["format"].as_u64()).unwrap_or_default();
    if format != u64::from(FORMAT) {
        return Err(DumpError::refused(
            format!(
                "the dump is of format {format}, and this version of Landfall reads format {FORMAT}"
            ),
            "load it with the version that made it",
        ));
    }
    serde_json::from_slice(text).map_err(|error| reader.damaged(error.to_string()))
}

fn check_schema(db: &Db, about: &About) -> Result<(), DumpError> {
    let (known, made) = (db.known_schema(), about.schema);
    if known == made {
        return Ok(());
    }
    let remedy = if made > known {
        format!("load it with version {} or a newer one", about.version)
    } else {
        format!(
            "load it with version {}, then start this version's server, which migrates what is there",
            about.version
        )
    };
    let what =
        format!("the dump is of schema {made}, and this version of Landfall of schema {known}");
    Err(DumpError::refused(what, remedy))
}

/// Nothing may be there that the dump would be mixed with.
async fn refuse_full(db: &Db, objects: &Objects, config: &Config) -> Result<(), DumpError> {
    for table in store::tables(db.read()).await?.keys() {
        if !store::is_empty(db.read(), table).await? {
            return Err(DumpError::refused(
                format!("the database is not empty: table {table} has rows"),
                "load into one that no server was started on",
            ));
        }
    }
    match objects.store().list("").next().await {
        None => Ok(()),
        Some(Err(error)) => Err(error.into()),
        Some(Ok((object, _))) => Err(DumpError::refused(
            format!("the object store {} is not empty: {object} is there", config.objects),
            "load into one that is",
        )),
    }
}

/// Loads objects, then rows, of which there must be `wanted`.
async fn load_all(
    db: &Db,
    objects: &Objects,
    reader: &mut Reader,
    about: &About,
    wanted: u64,
) -> Result<(), DumpError> {
    let mut places = reader.objects()?;
    while let Some(place) = places.next()? {
        load_object(objects, reader, &place).await?;
    }
    let tx = db.begin().await?;
    store::defer_references(&tx).await?;
    let mut rows = 0;
    for Place { path, at, size } in reader.below(TABLES) {
        let bytes = reader.read(at, size)?;
        let table = path.split('/').next().unwrap_or_default();
        rows += load_rows(&tx, reader, about, table, &bytes).await?;
    }
    if rows != wanted {
        return Err(reader.damaged("it has not as many rows as it says"));
    }
    if !goes_with(&tx, objects.store()).await? {
        return Err(reader.damaged("its objects are not those that its rows name"));
    }
    store::check_references(&tx).await?;
    Ok(commit(tx).await?)
}

async fn load_object(
    objects: &Objects,
    reader: &mut Reader,
    place: &Place,
) -> Result<(), DumpError> {
    let (path, mut at, mut size) = (place.path.as_str(), place.at, place.size);
    let piece = PIECE as u64;
    if size <= piece {
        let bytes = reader.read(at, size)?;
        return Ok(objects.store().put(path, bytes).await?);
    }
    let mut broken = None;
    let pieces = stream::iter(std::iter::from_fn(|| {
        if size == 0 {
            return None;
        }
        let next = size.min(piece);
        let read = reader.read(at, next);
        (at, size) = (at + next, size - next);
        Some(match read {
            Ok(bytes) => Ok(Bytes::from(bytes)),
            Err(error) => {
                broken = Some(error);
                Err(crate::Error::internal("read a dump", "the file cannot be read"))
            }
        })
    }));
    let put = objects.store().put_stream(path, pieces).await;
    match broken {
        Some(error) => Err(error),
        None => Ok(put.map(drop)?),
    }
}

async fn load_rows(
    tx: &Tx,
    reader: &Reader,
    about: &About,
    table: &str,
    bytes: &[u8],
) -> Result<u64, DumpError> {
    let Some(columns) = about.tables.get(table) else {
        return Err(reader.damaged(format!("it does not describe table {table}")));
    };
    let mut rows = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let row: Value = serde_json::from_slice(line).map_err(|error| {
            reader.damaged(format!("a row of {table} cannot be read ({error})"))
        })?;
        let values = columns.iter().map(|(name, kind)| store::bound(*kind, &row[name]));
        let values: Option<Vec<_>> = values.collect();
        let values = values.ok_or_else(|| {
            reader.damaged(format!("a row of {table} holds something else than it should"))
        })?;
        rows.push(values);
    }
    let count = rows.len() as u64;
    store::insert(tx, table, columns, rows).await?;
    Ok(count)
}

/// Deletes the objects of a dump that was not loaded.
async fn forget(objects: &Objects, reader: &Reader) {
    let left = |error: DumpError| {
        tracing::warn!(error = %error, "objects of the dump are left behind");
    };
    let mut places = match reader.objects() {
        Ok(places) => places,
        Err(error) => return left(error),
    };
    loop {
        match places.next() {
            Ok(Some(place)) => {
                if let Err(error) = objects.store().delete(&place.path).await {
                    return left(error.into());
                }
            }
            Ok(None) => return,
            Err(error) => return left(error),
        }
    }
}
