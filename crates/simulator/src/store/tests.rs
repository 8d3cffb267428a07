//! What the store promises: one revision, compare-and-swap, watches without gaps, a file that
//! outlives the process.

use super::*;

fn kinds() -> Kinds {
    Kinds::builtin()
}

fn config_map(name: &str, uid: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": name, "namespace": "default", "uid": uid },
    })
}

/// A write against a stale revision changes nothing.
#[test]
fn put_is_compare_and_swap() {
    let kinds = kinds();
    let store = Store::in_memory(&kinds);
    let kind = kinds.stored("configmaps").unwrap();
    let first = store.put(kind, config_map("a", "1"), None).unwrap();
    assert!(matches!(store.put(kind, config_map("a", "1"), None), Err(WriteError::Raced)));
    let second = store.put(kind, config_map("a", "1"), Some(first.revision)).unwrap();
    assert!(matches!(
        store.put(kind, config_map("a", "1"), Some(first.revision)),
        Err(WriteError::Raced)
    ));
    assert_eq!(store.revision(), second.revision);
    assert!(matches!(store.remove(&second, first.revision), Err(WriteError::Raced)));
    store.remove(&second, second.revision).unwrap();
    assert!(store.get("configmaps", "default", "a").is_none());
}

/// A watch sees each change once and in order, whether it was there before or came while waiting.
#[tokio::test]
async fn watch_has_no_gap() {
    let kinds = kinds();
    let store = Store::in_memory(&kinds);
    let kind = kinds.stored("configmaps").unwrap().clone();
    let mut watch = store.watch("configmaps", store.revision());
    let first = store.put(&kind, config_map("a", "1"), None).unwrap();
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            let second = store.put(&kind, config_map("a", "1"), Some(first.revision)).unwrap();
            store.remove(&second, second.revision).unwrap();
        }
    });
    let mut seen = Vec::new();
    while seen.len() < 3 {
        seen.extend(watch.next().await.unwrap().into_iter().map(|change| change.kind));
    }
    writer.await.unwrap();
    assert_eq!(seen, [ChangeKind::Added, ChangeKind::Modified, ChangeKind::Deleted]);
}

/// A follower that fell behind the history is told so, never given a gap.
#[test]
fn short_history_is_admitted() {
    let kinds = kinds();
    let store = Store::in_memory(&kinds);
    let kind = kinds.stored("configmaps").unwrap();
    let mut watch = store.watch("configmaps", store.revision());
    let mut expected = None;
    for _ in 0..100 {
        let mut object = config_map("big", "1");
        object["data"] = json!({ "text": "x".repeat(100_000) });
        expected = Some(store.put(kind, object, expected).unwrap().revision);
    }
    assert_eq!(watch.ready().unwrap_err(), Forgotten);
}

/// After a kill the file gives back the same objects, uids, revisions and notes, even if the last
/// line was cut short.
#[test]
fn file_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cluster.jsonl");
    let mut kinds = kinds();
    let kind = &kinds.stored("configmaps").unwrap().clone();
    let store = Store::open(&mut kinds, &path).unwrap();
    store.set_note("token", "secret").unwrap();
    let kept = store.put(kind, config_map("kept", "1"), None).unwrap();
    let gone = store.put(kind, config_map("gone", "2"), None).unwrap();
    store.remove(&gone, gone.revision).unwrap();
    let revision = store.revision();
    assert!(matches!(Store::open(&mut kinds, &path), Err(JournalError::InUse { .. })));
    drop(store);

    let mut text = std::fs::read(&path).unwrap();
    text.extend_from_slice(b"{\"put\":[\"configmaps\",{\"meta");
    std::fs::write(&path, text).unwrap();

    let store = Store::open(&mut kinds, &path).unwrap();
    assert_eq!(store.revision(), revision);
    assert_eq!(store.note("token").as_deref(), Some("secret"));
    let (_, objects) = store.list("configmaps", None);
    assert_eq!(objects.len(), 1);
    assert_eq!(objects[0].value(), kept.value());
    assert_eq!(objects[0].revision, kept.revision);
    assert_eq!(store.by_uid("1").unwrap().name, kept.name);
}

/// A file full of superseded writes is rewritten to what is still there, and stays usable.
#[test]
fn file_is_rewritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cluster.jsonl");
    let mut kinds = kinds();
    let kind = &kinds.stored("configmaps").unwrap().clone();
    let store = Store::open(&mut kinds, &path).unwrap();
    let mut expected = None;
    for _ in 0..100 {
        let mut object = config_map("big", "1");
        object["data"] = json!({ "text": "x".repeat(100_000) });
        expected = Some(store.put(kind, object, expected).unwrap().revision);
    }
    assert!(std::fs::metadata(&path).unwrap().len() < 9 << 20);
    drop(store);
    let store = Store::open(&mut kinds, &path).unwrap();
    assert_eq!(store.list("configmaps", None).1[0].revision, expected.unwrap());
}
