//! Out of one database into another of either kind and back, and what is refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::file::{Reader, Writer};
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

/// What a dump holds, in an order that does not depend on the database.
fn contents(path: &Path) -> BTreeMap<String, Vec<String>> {
    let (mut reader, _) = Reader::open(path).unwrap();
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, at, size) in reader.below("") {
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
    assert!(amount.rows > 20 && amount.objects > 5, "{amount:?}");
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
    let (reader, _) = Reader::open(&first).unwrap();
    let (_, at, length) =
        reader.below("").into_iter().max_by_key(|(_, _, length)| *length).unwrap();
    let middle = usize::try_from(at + length / 2).unwrap();
    bytes[middle] ^= 1;
    std::fs::write(&changed, &bytes).unwrap();
    assert!(refused(&target, &changed).await.contains("is no whole dump"));
    std::fs::write(&changed, &bytes[..middle]).unwrap();
    assert!(refused(&target, &changed).await.contains("is no whole dump"));

    for (schema, remedy) in [(1, "load it with version"), (9_999, "or a newer one")] {
        let path = folder.path().join(format!("{schema}.tar"));
        let (mut reader, _) = Reader::open(&first).unwrap();
        let about = reader.below(ABOUT)[0].clone();
        let text = String::from_utf8(reader.read(about.1, about.2).unwrap()).unwrap();
        let mut about: serde_json::Value = serde_json::from_str(&text).unwrap();
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
