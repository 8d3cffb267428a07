//! Out of one database into another of either kind and back, and what is refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::file::{Place, Reader, Writer};
use super::*;
use crate::actor::Actor;
use crate::config::{Config, Database};
use crate::control::Control;
use crate::op::LogFilter;
use crate::tests::site::{Site, schema_of_its_own};

/// The same key, another database and another folder of objects.
fn beside(config: &Config, folder: &Path, database: Database) -> Config {
    Config { database, objects: folder.join("objects").into(), ..config.clone() }
}

fn sqlite(folder: &Path) -> Database {
    Database::Sqlite(folder.join("landfall.db"))
}

fn checked(path: &Path) -> Reader {
    let (mut reader, _) = Reader::open(path).unwrap();
    reader.check().unwrap();
    reader
}

/// What a dump holds, in an order that does not depend on the database.
fn contents(path: &Path) -> BTreeMap<String, Vec<String>> {
    let mut reader = checked(path);
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut places = reader.below("");
    let mut objects = reader.objects().unwrap();
    while let Some(object) = objects.next().unwrap() {
        places.push(object);
    }
    for Place { path: name, at, size } in places {
        if name == ABOUT {
            continue;
        }
        let bytes = reader.read(at, size).unwrap();
        match name.strip_prefix(TABLES).and_then(|name| name.split_once('/')) {
            Some((table, _)) => {
                let lines = String::from_utf8(bytes).unwrap();
                all.entry(table.to_owned()).or_default().extend(lines.lines().map(str::to_owned));
            }
            None => drop(all.insert(name, vec![crate::objects::sha256(&bytes)])),
        }
    }
    for lines in all.values_mut() {
        lines.sort();
    }
    all
}

/// A Landfall with an environment that was deployed, and a dump of it.
async fn dumped(site: &Site) -> PathBuf {
    site.ground().await;
    let (_, started) = site.environment("eu", "sandbox").await;
    let workers = site.control.start_workers();
    crate::tests::ended(&site.control, started.op.id).await;
    workers.stop().await;
    let path = site.folder().join("first.tar");
    let amount = dump(&site.config, &path).await.unwrap();
    // The store's own name, a chart, and what the deployment consisted of.
    assert!(amount.rows > 20 && amount.objects >= 3, "{amount:?}");
    assert_eq!(amount.unended, 0);
    path
}

/// SQLite → PostgreSQL → SQLite: all rows and objects are the same, and the last one is a Landfall that goes on.
#[tokio::test(flavor = "multi_thread")]
async fn there_and_back() {
    let site = Site::sqlite().await;
    let first = dumped(&site).await;
    let (there, back) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let on_postgres = beside(&site.config, there.path(), schema_of_its_own().await);
    let loaded = load(&on_postgres, &first).await.unwrap();
    let second = there.path().join("second.tar");
    let again = dump(&on_postgres, &second).await.unwrap();
    assert_eq!((loaded.rows, loaded.objects), (again.rows, again.objects));
    assert_eq!(contents(&first), contents(&second));

    let on_sqlite = beside(&site.config, back.path(), sqlite(back.path()));
    load(&on_sqlite, &second).await.unwrap();
    let third = back.path().join("third.tar");
    dump(&on_sqlite, &third).await.unwrap();
    assert_eq!(contents(&first), contents(&third));

    for config in [on_postgres, on_sqlite] {
        let control = Control::open(config).await.unwrap();
        let actor = Actor::system();
        let environment = control.environment_get(&actor, "eu").await.unwrap();
        let deployment = control.deployment_find(&actor, "eu", 1).await.unwrap();
        let op = deployment.deployment.op.id;
        let log = control.op_log(&actor, op, 0, 100, &LogFilter::default()).await.unwrap();
        assert!(!log.lines.is_empty(), "{}", environment.name);
        let next = crate::deployment::NewDeployment::default();
        let next = control.deployment_create(&actor, "eu", next).await.unwrap();
        let workers = control.start_workers();
        crate::tests::ended(&control, next.op.id).await;
        workers.stop().await;
    }
}

async fn refused(config: &Config, path: &Path) -> String {
    let refused = load(config, path).await.unwrap_err();
    let cause = std::error::Error::source(&refused).map(|cause| format!(": {cause}"));
    format!("{refused}{}", cause.unwrap_or_default())
}

/// Targets that are not empty, other keys, other schemas and damaged files are refused, with what to do, and nothing is
/// left of the try.
#[tokio::test(flavor = "multi_thread")]
async fn refusals() {
    let site = Site::sqlite().await;
    let first = dumped(&site).await;
    assert!(refused(&site.config, &first).await.contains("the database is not empty: table "));

    let folder = tempfile::tempdir().unwrap();
    let target = beside(&site.config, folder.path(), sqlite(folder.path()));
    let other_key = Config { key_file: folder.path().join("other"), ..target.clone() };
    assert!(refused(&other_key, &first).await.contains("there is no key file at "));
    let elsewhere = tempfile::tempdir().unwrap();
    let stranger = beside(&other_key, elsewhere.path(), sqlite(elsewhere.path()));
    Control::open(stranger).await.unwrap();
    assert!(
        refused(&other_key, &first).await.contains("is not the one that the dump was made with")
    );

    let changed = folder.path().join("changed.tar");
    let mut bytes = std::fs::read(&first).unwrap();
    // Not just anywhere: what fills an entry up to the next block is nothing of the dump.
    let largest = checked(&first).below(TABLES).into_iter().max_by_key(|place| place.size);
    let largest = largest.unwrap();
    let middle = usize::try_from(largest.at + largest.size / 2).unwrap();
    bytes[middle] ^= 1;
    std::fs::write(&changed, &bytes).unwrap();
    assert!(refused(&target, &changed).await.contains("is no whole dump"));
    std::fs::write(&changed, &bytes[..middle]).unwrap();
    assert!(refused(&target, &changed).await.contains("is no whole dump"));

    for (schema, remedy) in [(1, "load it with version"), (9_999, "or a newer one")] {
        let path = folder.path().join(format!("{schema}.tar"));
        let (_, about) = Reader::open(&first).unwrap();
        let mut about: serde_json::Value = serde_json::from_slice(&about).unwrap();
        about["schema"] = schema.into();
        let mut writer = Writer::begin(&path).unwrap();
        writer.entry(ABOUT, about.to_string().as_bytes()).unwrap();
        writer.finish().unwrap();
        assert!(refused(&target, &path).await.contains(remedy));
    }
    // After all that, the target is as empty as before.
    load(&target, &first).await.unwrap();
}

/// A file that is there is not written over, and a dump of nothing is none.
#[tokio::test]
async fn nothing_is_overwritten() {
    let site = Site::sqlite().await;
    let path = site.folder().join("dump.tar");
    std::fs::write(&path, "mine").unwrap();
    let refused = dump(&site.config, &path).await.unwrap_err().to_string();
    assert!(refused.contains("is there already"), "{refused}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    let nowhere = beside(
        &site.config,
        &site.folder().join("nowhere"),
        sqlite(&site.folder().join("nowhere")),
    );
    let refused = dump(&nowhere, &site.folder().join("other.tar")).await.unwrap_err().to_string();
    assert!(refused.contains("there is no database at "), "{refused}");
}

/// A dump takes the objects and the key of its database, or says which are meant.
#[tokio::test]
async fn what_goes_with_the_database() {
    let site = Site::sqlite().await;
    let path = site.folder().join("dump.tar");
    let refused = async |config: Config| dump(&config, &path).await.unwrap_err().to_string();

    let nowhere = site.folder().join("nowhere");
    let told = refused(Config { objects: nowhere.clone().into(), ..site.config.clone() }).await;
    assert!(told.contains("there are no objects at ") && told.contains("--objects"), "{told}");
    assert!(!nowhere.exists());

    let other = tempfile::tempdir().unwrap();
    let stranger = beside(&site.config, other.path(), sqlite(other.path()));
    let stranger = Config { key_file: other.path().join("key"), ..stranger };
    Control::open(stranger.clone()).await.unwrap();
    let told = refused(Config { objects: stranger.objects, ..site.config.clone() }).await;
    assert!(told.contains("are not those of this database; name where"), "{told}");

    let told = refused(Config { key_file: stranger.key_file, ..site.config.clone() }).await;
    assert!(told.contains("is not the one of this database") && told.contains("--key-file"));
    assert!(!path.exists());

    // Who dumps may be somebody who has no key.
    let keyless = Config { key_file: nowhere.clone(), ..site.config.clone() };
    dump(&keyless, &path).await.unwrap();
    assert!(!nowhere.exists(), "a key was made");
}

/// What somebody put where a dump is written is neither written into nor kept.
#[cfg(unix)]
#[tokio::test]
async fn a_planted_file_is_not_written_into() {
    use std::os::unix::fs::PermissionsExt as _;
    let site = Site::sqlite().await;
    let (path, theirs) = (site.folder().join("dump.tar"), site.folder().join("theirs"));
    std::fs::write(&theirs, "theirs").unwrap();
    std::os::unix::fs::symlink(&theirs, site.folder().join("dump.tar.partial")).unwrap();
    dump(&site.config, &path).await.unwrap();
    assert_eq!(std::fs::read_to_string(&theirs).unwrap(), "theirs");
    let written = std::fs::symlink_metadata(&path).unwrap();
    assert!(written.is_file());
    assert_eq!(written.permissions().mode() & 0o777, 0o600);
}

/// Checksums come a thousand at a time, and each piece of them is held against what it is of.
#[test]
fn many_entries() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.tar");
    let mut writer = Writer::begin(&path).unwrap();
    writer.entry(ABOUT, b"{}").unwrap();
    for n in 0..2500 {
        writer.entry(&format!("{OBJECTS}{n}"), n.to_string().as_bytes()).unwrap();
    }
    writer.finish().unwrap();
    let mut reader = checked(&path);
    let mut objects = reader.objects().unwrap();
    for n in 0..2500 {
        let place = objects.next().unwrap().unwrap();
        assert_eq!(place.path, n.to_string());
        assert_eq!(reader.read(place.at, place.size).unwrap(), n.to_string().as_bytes());
    }
    assert!(objects.next().unwrap().is_none());

    let mut objects = reader.objects().unwrap();
    let place = (0..1500).fold(None, |_, _| objects.next().unwrap()).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[usize::try_from(place.at).unwrap()] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let damaged = Reader::open(&path).unwrap().0.check().unwrap_err().to_string();
    assert!(damaged.contains("objects/1499 is not what was dumped"), "{damaged}");
}

/// An object that is deleted while a dump is made is left out of it.
#[tokio::test]
async fn an_object_that_goes() {
    let site = Site::sqlite().await;
    let store = site.control.objects().store();
    for n in 0..200 {
        store.put(&format!("piece/{n}"), vec![1; 1000]).await.unwrap();
    }
    let goes = async {
        for n in 0..200 {
            store.delete(&format!("piece/{n}")).await.unwrap();
        }
    };
    let path = site.folder().join("dump.tar");
    let (dumped, ()) = tokio::join!(dump(&site.config, &path), goes);
    dumped.unwrap();
    checked(&path);
}
