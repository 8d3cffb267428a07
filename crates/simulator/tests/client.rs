//! The API as a Rust client uses it: list, watch, apply, delete, paging, resource versions.

mod support;

use futures_util::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, Secret};
use kube::{
    Api, ResourceExt,
    api::{
        DeleteParams, DynamicObject, ListParams, ObjectMeta, Patch, PatchParams, PostParams,
        Preconditions, WatchEvent, WatchParams,
    },
};
use serde_json::json;
use support::{client, cluster, cluster_on};

fn config_map(name: &str, value: &str) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        data: Some([("k".to_owned(), value.to_owned())].into()),
        ..ConfigMap::default()
    }
}

fn code(error: &kube::Error) -> (u16, String) {
    match error {
        kube::Error::Api(status) => (status.code, status.message.clone()),
        other => panic!("not an answer of the API: {other}"),
    }
}

/// A list comes in pages, each with the rest counted, and all pages together are the whole.
#[tokio::test]
async fn pages() {
    let simulator = cluster().await;
    let api: Api<ConfigMap> = Api::namespaced(client(&simulator).await, "kube-public");
    for number in 0..25 {
        api.create(&PostParams::default(), &config_map(&format!("cm-{number:02}"), "x"))
            .await
            .unwrap();
    }
    let mut names = Vec::new();
    let mut parameters = ListParams::default().limit(10).fields("metadata.name!=kube-root-ca.crt");
    let mut left = Vec::new();
    loop {
        let page = api.list(&parameters).await.unwrap();
        names.extend(page.items.iter().map(ResourceExt::name_any));
        left.push(page.metadata.remaining_item_count);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters = parameters.continue_token(&token),
            None => break,
        }
    }
    let wanted: Vec<String> = (0..25).map(|number| format!("cm-{number:02}")).collect();
    assert_eq!(names, wanted);
    assert_eq!(left, [Some(15), Some(5), None]);
}

/// A watch from a list's resource version tells each later change once, as its selector sees it.
#[tokio::test]
async fn watch_after_list() {
    let simulator = cluster().await;
    let api: Api<ConfigMap> = Api::namespaced(client(&simulator).await, "default");
    let version =
        api.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let parameters = WatchParams::default().labels("app=web");
    let mut events = api.watch(&parameters, &version).await.unwrap().boxed();

    api.create(&PostParams::default(), &config_map("other", "1")).await.unwrap();
    let mut labelled = config_map("web", "1");
    labelled.labels_mut().insert("app".to_owned(), "web".to_owned());
    api.create(&PostParams::default(), &labelled).await.unwrap();
    let merge = |patch| Patch::Merge(patch);
    let none = PatchParams::default();
    api.patch("web", &none, &merge(json!({ "data": { "k": "2" } }))).await.unwrap();
    api.patch("web", &none, &merge(json!({ "metadata": { "labels": { "app": null } } })))
        .await
        .unwrap();
    api.patch("web", &none, &merge(json!({ "metadata": { "labels": { "app": "web" } } })))
        .await
        .unwrap();
    api.delete("web", &DeleteParams::default()).await.unwrap();

    let mut seen = Vec::new();
    while seen.len() < 5 {
        seen.push(match events.try_next().await.unwrap().unwrap() {
            WatchEvent::Added(_) => "added",
            WatchEvent::Modified(_) => "modified",
            WatchEvent::Deleted(_) => "deleted",
            WatchEvent::Bookmark(_) => "bookmark",
            WatchEvent::Error(_) => "error",
        });
    }
    assert_eq!(seen, ["added", "modified", "deleted", "added", "deleted"]);
}

/// With initial events the present objects come first and a bookmark marks their end.
#[tokio::test]
async fn streaming_list() {
    let simulator = cluster().await;
    let client = client(&simulator).await;
    let request = http::Request::get(
        "/api/v1/namespaces?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan\
         &allowWatchBookmarks=true&timeoutSeconds=1",
    );
    let request = request.body(Vec::new()).unwrap();
    let text = client.request_text(request).await.unwrap();
    let events: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let end = events.iter().position(|event| event["type"] == "BOOKMARK").unwrap();
    let (first, last) = (&events[..end], &events[end]);
    assert!(first.len() >= 4 && first.iter().all(|event| event["type"] == "ADDED"), "{text}");
    assert_eq!(last["type"], "BOOKMARK");
    assert_eq!(last["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
}

/// A watch from a forgotten version is told to list again.
#[tokio::test]
async fn forgotten_versions() {
    let simulator = cluster().await;
    let api: Api<ConfigMap> = Api::namespaced(client(&simulator).await, "default");
    let text = "x".repeat(100_000);
    api.create(&PostParams::default(), &config_map("big", "")).await.unwrap();
    for number in 0..80 {
        let patch = Patch::Merge(json!({ "data": { "k": format!("{text}{number}") } }));
        api.patch("big", &PatchParams::default(), &patch).await.unwrap();
    }
    let mut events = api.watch(&WatchParams::default(), "2").await.unwrap().boxed();
    match events.try_next().await.unwrap().unwrap() {
        WatchEvent::Error(status) => {
            assert_eq!((status.code, status.reason.as_str()), (410, "Expired"));
        }
        other => panic!("{other:?}"),
    }
}

/// An update against an old version is refused; a dry run changes nothing.
#[tokio::test]
async fn optimistic_updates_and_dry_runs() {
    let simulator = cluster().await;
    let api: Api<ConfigMap> = Api::namespaced(client(&simulator).await, "default");
    let first = api.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    let mut second = first.clone();
    second.data.as_mut().unwrap().insert("k".to_owned(), "2".to_owned());
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let dry = api.replace("a", &dry, &second).await.unwrap();
    assert_eq!(dry.data, second.data);
    assert_eq!(api.get("a").await.unwrap(), first);
    api.replace("a", &PostParams::default(), &second).await.unwrap();
    let (status, message) =
        code(&api.replace("a", &PostParams::default(), &second).await.unwrap_err());
    assert_eq!(status, 409);
    insta::assert_snapshot!(message, @r#"Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again"#);
    let none = api
        .create(&PostParams { dry_run: true, ..PostParams::default() }, &config_map("b", ""))
        .await
        .unwrap();
    assert!(none.uid().is_some() && api.get_opt("b").await.unwrap().is_none());
}

/// Deletion heeds preconditions and waits for finalizers.
#[tokio::test]
async fn deletion() {
    let simulator = cluster().await;
    let api: Api<ConfigMap> = Api::namespaced(client(&simulator).await, "default");
    let mut object = config_map("a", "1");
    object.metadata.finalizers = Some(vec!["example.org/hold".to_owned()]);
    api.create(&PostParams::default(), &object).await.unwrap();
    let wrong = Preconditions { uid: Some("other".to_owned()), resource_version: None };
    let parameters = DeleteParams { preconditions: Some(wrong), ..DeleteParams::default() };
    let (status, message) = code(&api.delete("a", &parameters).await.unwrap_err());
    assert_eq!(status, 409);
    assert!(message.contains("UID in precondition: other"), "{message}");

    let deleted = api.delete("a", &DeleteParams::default()).await.unwrap();
    assert!(deleted.left().unwrap().metadata.deletion_timestamp.is_some());
    let none = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    api.patch("a", &PatchParams::default(), &none).await.unwrap();
    assert!(api.get_opt("a").await.unwrap().is_none());
}

/// A collection is deleted by selector.
#[tokio::test]
async fn delete_collection() {
    let simulator = cluster().await;
    let api: Api<ConfigMap> = Api::namespaced(client(&simulator).await, "default");
    for (name, app) in [("a", "x"), ("b", "x"), ("c", "y")] {
        let mut object = config_map(name, "1");
        object.labels_mut().insert("app".to_owned(), app.to_owned());
        api.create(&PostParams::default(), &object).await.unwrap();
    }
    let selected = ListParams::default().labels("app=x");
    api.delete_collection(&DeleteParams::default(), &selected).await.unwrap();
    let left = api.list(&ListParams::default().labels("app")).await.unwrap();
    assert_eq!(left.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), ["c"]);
}

/// Background deletion takes dependents along; an object whose owner never was goes, too.
#[tokio::test]
async fn owners() {
    let simulator = cluster().await;
    let api: Api<ConfigMap> = Api::namespaced(client(&simulator).await, "default");
    let owner = api.create(&PostParams::default(), &config_map("owner", "1")).await.unwrap();
    let owned_by = |uid: String| {
        let mut object = config_map("owned", "1");
        let owner =
            json!([{ "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid }]);
        object.metadata.owner_references = serde_json::from_value(owner).unwrap();
        object
    };
    for uid in [owner.uid().unwrap(), "no-such-uid".to_owned()] {
        let version =
            api.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
        let mut events = api
            .watch(&WatchParams::default().fields("metadata.name=owned"), &version)
            .await
            .unwrap()
            .boxed();
        api.create(&PostParams::default(), &owned_by(uid)).await.unwrap();
        let _ = api.delete("owner", &DeleteParams::background()).await;
        while !matches!(events.try_next().await.unwrap().unwrap(), WatchEvent::Deleted(_)) {}
    }
}

/// A namespace empties itself before it goes, and takes nothing new meanwhile.
#[tokio::test]
async fn namespaces_empty_themselves() {
    let simulator = cluster().await;
    let client = client(&simulator).await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let shop = serde_json::from_value(json!({ "metadata": { "name": "shop" } })).unwrap();
    namespaces.create(&PostParams::default(), &shop).await.unwrap();
    let api: Api<ConfigMap> = Api::namespaced(client, "shop");
    let mut held = config_map("held", "1");
    held.metadata.finalizers = Some(vec!["example.org/hold".to_owned()]);
    api.create(&PostParams::default(), &held).await.unwrap();
    let version =
        namespaces.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    namespaces.delete("shop", &DeleteParams::default()).await.unwrap();
    let (status, message) =
        code(&api.create(&PostParams::default(), &config_map("new", "")).await.unwrap_err());
    assert_eq!(status, 403);
    insta::assert_snapshot!(message, @r#"configmaps "new" is forbidden: unable to create new content in namespace shop because it is being terminated"#);
    let none = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    let mut events = namespaces.watch(&WatchParams::default(), &version).await.unwrap().boxed();
    api.patch("held", &PatchParams::default(), &none).await.unwrap();
    while !matches!(events.try_next().await.unwrap().unwrap(), WatchEvent::Deleted(_)) {}
}

/// Server-side apply by a client: created, changed, dropped; YAML is read as well as JSON.
#[tokio::test]
async fn server_side_apply() {
    let simulator = cluster().await;
    let client = client(&simulator).await;
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let parameters = PatchParams::apply("landfall");
    let config = |data: serde_json::Value| {
        Patch::Apply(json!({ "apiVersion": "v1", "kind": "ConfigMap", "data": data }))
    };
    let created =
        api.patch("a", &parameters, &config(json!({ "x": "1", "y": "1" }))).await.unwrap();
    let same = api.patch("a", &parameters, &config(json!({ "x": "1", "y": "1" }))).await.unwrap();
    assert_eq!(created, same);
    let changed = api.patch("a", &parameters, &config(json!({ "x": "2" }))).await.unwrap();
    assert_eq!(changed.data.unwrap(), [("x".to_owned(), "2".to_owned())].into());
    let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: '3'\n";
    let request =
        http::Request::patch("/api/v1/namespaces/default/configmaps/a?fieldManager=landfall")
            .header("content-type", "application/apply-patch+yaml")
            .body(yaml.as_bytes().to_vec())
            .unwrap();
    let applied: ConfigMap = client.request(request).await.unwrap();
    assert_eq!(applied.data.unwrap()["x"], "3");
}

/// Without the token nothing is served but the version and the health.
#[tokio::test]
async fn the_token_is_needed() {
    let simulator = cluster().await;
    let mut kubeconfig = kube::config::Kubeconfig::from_yaml(&simulator.kubeconfig()).unwrap();
    let user = kubeconfig.auth_infos[0].auth_info.as_mut().unwrap();
    user.token = Some("wrong".to_owned().into());
    let config = kube::Config::from_custom_kubeconfig(
        kubeconfig,
        &kube::config::KubeConfigOptions::default(),
    )
    .await
    .unwrap();
    let client = kube::Client::try_from(config).unwrap();
    assert_eq!(client.apiserver_version().await.unwrap().minor, "37");
    let secrets: Api<Secret> = Api::all(client);
    let (status, message) = code(&secrets.list(&ListParams::default()).await.unwrap_err());
    assert_eq!((status, message.as_str()), (401, "Unauthorized"));
}

/// A cluster kept in a file comes back with the same address, identity, objects and versions.
#[tokio::test]
async fn the_file_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cluster.jsonl");
    let simulator = cluster_on(&path, None).await;
    let address = simulator.url().trim_start_matches("https://").parse().unwrap();
    let client = client(&simulator).await;
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let before = api.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    let namespaces =
        Api::<Namespace>::all(client.clone()).list(&ListParams::default()).await.unwrap();
    simulator.shutdown().await;

    let _simulator = cluster_on(&path, Some(address)).await;
    assert_eq!(api.get("a").await.unwrap(), before);
    let again = Api::<Namespace>::all(client).list(&ListParams::default()).await.unwrap();
    assert_eq!(again.items, namespaces.items);
    let after = api.create(&PostParams::default(), &config_map("b", "1")).await.unwrap();
    let number = |object: &ConfigMap| object.resource_version().unwrap().parse::<u64>().unwrap();
    assert!(number(&after) > number(&before));
}

/// A cluster shut down under open watches and logs gives its file up at once.
#[tokio::test]
async fn shutdown_frees_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cluster.jsonl");
    let simulator = cluster_on(&path, None).await;
    let api: Api<ConfigMap> = Api::namespaced(client(&simulator).await, "default");
    let mut events = api.watch(&WatchParams::default(), "0").await.unwrap().boxed();
    events.try_next().await.unwrap();
    let kept = simulator.cluster().clone();
    simulator.shutdown().await;
    let again = cluster_on(&path, None).await;
    assert_eq!(again.cluster().store().revision(), kept.store().revision());
    while let Ok(Some(_)) = events.try_next().await {}
}

/// Several clusters in one process do not see each other, in objects or in trust.
#[tokio::test]
async fn clusters_are_apart() {
    let (one, two) = (cluster().await, cluster().await);
    let api: Api<ConfigMap> = Api::namespaced(client(&one).await, "default");
    api.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    let other: Api<ConfigMap> = Api::namespaced(client(&two).await, "default");
    assert!(other.get_opt("a").await.unwrap().is_none());
    assert_ne!(one.ca_pem(), two.ca_pem());
    assert_ne!(one.token(), two.token());
}

/// Two hundred watches at once are all told of a change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_watches() {
    let simulator = cluster().await;
    let mut watches = Vec::new();
    for _ in 0..20 {
        let client = client(&simulator).await;
        for _ in 0..10 {
            let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
            let parameters = WatchParams::default().fields("metadata.name=a");
            watches.push(api.watch(&parameters, "0").await.unwrap().boxed());
        }
    }
    let api: Api<ConfigMap> = Api::namespaced(client(&simulator).await, "default");
    api.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    for mut events in watches {
        assert!(matches!(events.try_next().await.unwrap().unwrap(), WatchEvent::Added(_)));
    }
}

/// Events of both groups are the same objects.
#[tokio::test]
async fn events_in_both_groups() {
    let simulator = cluster().await;
    let client = client(&simulator).await;
    let event = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": { "name": "e", "namespace": "default" },
        "involvedObject": { "kind": "Pod", "name": "web" },
        "reason": "Started", "message": "Container started", "count": 2,
    });
    let api: Api<k8s_openapi::api::core::v1::Event> = Api::namespaced(client.clone(), "default");
    api.create(&PostParams::default(), &serde_json::from_value(event).unwrap()).await.unwrap();
    let api: Api<k8s_openapi::api::events::v1::Event> = Api::namespaced(client, "default");
    let found = api.get("e").await.unwrap();
    assert_eq!(found.note.as_deref(), Some("Container started"));
    assert_eq!(found.regarding.unwrap().name.as_deref(), Some("web"));
    assert_eq!(found.deprecated_count, Some(2));
}

/// Names can be made by the server, and are tried again until one is free.
#[tokio::test]
async fn generated_names() {
    let simulator = cluster().await;
    let api: Api<ConfigMap> = Api::namespaced(client(&simulator).await, "default");
    let mut object = config_map("", "1");
    object.metadata.name = None;
    object.metadata.generate_name = Some("made-".to_owned());
    let made = api.create(&PostParams::default(), &object).await.unwrap();
    let suffix = made.name_any();
    let suffix = suffix.strip_prefix("made-").unwrap();
    assert!(suffix.len() == 5 && suffix.bytes().all(|b| b.is_ascii_alphanumeric()), "{suffix}");
}

/// The status has its own endpoint: neither side changes the other.
#[tokio::test]
async fn status_is_apart() {
    let simulator = cluster().await;
    let api: Api<DynamicObject> = Api::namespaced_with(
        client(&simulator).await,
        "default",
        &kube::api::ApiResource::erase::<Pod>(&()),
    );
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "p", "annotations": { "simulator.landfall.dev/fault": "never-ready" } },
        "spec": { "nodeName": "elsewhere", "containers": [{ "name": "c", "image": "example.org/c:1" }] },
        "status": { "phase": "Failed" },
    });
    let created =
        api.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    assert_ne!(created.data["status"]["phase"], "Failed");
    let patch = Patch::Merge(
        json!({ "metadata": { "labels": { "a": "b" } }, "status": { "message": "x" } }),
    );
    let patched = api.patch_status("p", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(patched.data["status"]["message"], "x");
    assert!(patched.labels().is_empty());
}
