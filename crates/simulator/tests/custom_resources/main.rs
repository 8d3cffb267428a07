//! Custom resources as the real `kubectl` meets them. What is expected here is what a real control
//! plane answered to the same commands.

#[path = "../support/mod.rs"]
mod support;

use support::{Tools, client, cluster, cluster_on};

const DEFINITION: &str = include_str!("gizmos.yaml");

fn gizmo(name: &str, spec: &str) -> String {
    format!("apiVersion: example.org/v1\nkind: Gizmo\nmetadata: {{name: {name}}}\nspec: {spec}\n")
}

impl Tools {
    /// The definition, established.
    async fn define(&self) {
        let file = self.file("gizmos.yaml", DEFINITION);
        self.kubectl(&["apply", "-f", &file]).await;
        let established = ["wait", "--for=condition=Established", "crd/gizmos.example.org"];
        self.kubectl(&established).await;
    }

    /// What `kubectl create` says of a gizmo.
    async fn create(&self, name: &str, spec: &str) -> String {
        let file = self.file("gizmo.yaml", &gizmo(name, spec));
        self.kubectl(&["create", "-f", &file]).await
    }

    /// The last lines of what commands say, one after another.
    async fn transcript(&self, commands: &[&str]) -> String {
        let mut shown = String::new();
        for command in commands {
            let arguments: Vec<&str> = command.split(' ').collect();
            shown = format!("{shown}{}\n", self.kubectl(&arguments).await.trim_end());
        }
        shown
    }
}

/// A definition is established, its resources are discovered, and all of it goes with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_life_of_a_definition() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    tools.define().await;
    tools.create("a", "{size: 2}").await;
    tools.create("b", "{size: 3, mode: slow}").await;
    let shown = tools
        .transcript(&[
            "api-resources --api-group=example.org --no-headers",
            "get crd gizmos.example.org -o jsonpath={.status.conditions[*].type}:{.status.acceptedNames.listKind}:{.status.storedVersions}",
            "get crd --no-headers -o custom-columns=:metadata.name",
            "get gz -o custom-columns=:metadata.name,:spec.mode --no-headers",
            "get all -o name",
            "get gizmos.v1beta1.example.org a -o jsonpath={.apiVersion}",
            "delete crd gizmos.example.org",
            "get gizmos",
            "get --raw /apis/example.org/v1",
            "api-resources --api-group=example.org",
        ])
        .await;
    insta::assert_snapshot!(shown, @r#"
    gizmos   gz    example.org/v1   true   Gizmo
    NamesAccepted Established:GizmoList:["v1"]
    gizmos.example.org
    a     fast
    b     slow
    service/kubernetes
    gizmo.example.org/a
    gizmo.example.org/b
    example.org/v1beta1Warning: example.org/v1beta1 Gizmo is deprecated; use example.org/v1 Gizmo
    customresourcedefinition.apiextensions.k8s.io "gizmos.example.org" deleted
    Error from server (NotFound): Unable to list "example.org/v1, Resource=gizmos": the server could not find the requested resource (get gizmos.example.org)
    Error from server (NotFound): the server could not find the requested resource
    NAME   SHORTNAMES   APIVERSION   NAMESPACED   KIND
    "#);
}

/// A definition waits for objects that finalizers keep, and takes no new ones meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definition_on_its_way_out() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    tools.define().await;
    tools.create("held", "{size: 2}").await;
    let finalizers = |list: &str| format!("{{\"metadata\":{{\"finalizers\":{list}}}}}");
    tools
        .kubectl(&[
            "patch",
            "gizmo",
            "held",
            "--type=merge",
            "-p",
            &finalizers("[\"example.org/x\"]"),
        ])
        .await;
    tools.kubectl(&["delete", "crd", "gizmos.example.org", "--wait=false"]).await;
    let refused = tools.create("late", "{size: 2}").await;
    assert!(
        refused.contains(
            "gizmos.example.org \"late\" is forbidden: create not allowed while custom resource \
             definition is terminating"
        ),
        "{refused}"
    );
    tools.kubectl(&["patch", "gizmo", "held", "--type=merge", "-p", &finalizers("null")]).await;
    let gone =
        tools.kubectl(&["wait", "--for=delete", "crd/gizmos.example.org", "--timeout=20s"]).await;
    assert!(gone.contains("condition met") || gone.is_empty(), "{gone}");
    assert_eq!(tools.kubectl(&["get", "crd", "-o", "name"]).await, "");
}

/// Objects are checked against the schema; unknown fields are refused, told or dropped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn validation_and_pruning() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    tools.define().await;
    let mut shown = String::new();
    for spec in [
        "{size: 0}",
        "{size: 2, mode: odd}",
        "{size: 2, parts: [{name: x},{name: x}]}",
        "{size: 2, what: 3}",
    ] {
        shown.push_str(&tools.create("bad", spec).await);
    }
    let file =
        tools.file("gizmo.yaml", &gizmo("good", "{size: 2, what: 3, free: {x: 1}, code: null}"));
    shown.push_str(&tools.kubectl(&["create", "--validate=warn", "-f", &file]).await);
    shown.push_str(&tools.kubectl(&["get", "gizmo", "good", "-o", "jsonpath={.spec}"]).await);
    insta::assert_snapshot!(shown, @r#"
    The Gizmo "bad" is invalid: spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1
    The Gizmo "bad" is invalid: spec.mode: Unsupported value: "odd": supported values: "fast", "slow"
    The Gizmo "bad" is invalid: spec.parts[1]: Duplicate value: {"name":"x"}
    Error from server (BadRequest): error when creating "DIR/gizmo.yaml": Gizmo in version "v1" cannot be handled as a Gizmo: strict decoding error: unknown field "spec.what"
    gizmo.example.org/good created
    Warning: unknown field "spec.what"
    {"free":{"x":1},"mode":"fast","replicas":1,"size":2}
    "#);
}

/// Every kind of patch that custom resources take, and the one that they do not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patches() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    tools.define().await;
    tools.create("a", "{size: 2, parts: [{name: p, image: i}]}").await;
    let shown = tools
        .transcript(&[
            "patch gizmo a -p {\"spec\":{\"size\":3}}",
            "patch gizmo a --type=merge -p {\"spec\":{\"size\":3}}",
            "patch gizmo a --type=merge -p {\"spec\":{\"size\":30}}",
            "patch gizmo a --type=json -p [{\"op\":\"replace\",\"path\":\"/spec/size\",\"value\":4}]",
            "patch gizmo a --subresource=status --type=merge -p {\"status\":{\"replicas\":2,\"selector\":\"a=b\"},\"spec\":{\"size\":9}}",
            "scale gizmo a --replicas=5",
            "get gizmo a -o jsonpath={.spec.size}/{.spec.replicas}/{.status.replicas}/{.metadata.generation}",
            "get gizmo a --subresource=scale -o jsonpath={.spec}{.status}",
        ])
        .await;
    insta::assert_snapshot!(shown, @r#"
    error: application/strategic-merge-patch+json is not supported by example.org/v1, Kind=Gizmo: the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml
    gizmo.example.org/a patched
    The Gizmo "a" is invalid: spec.size: Invalid value: 30: spec.size in body should be less than or equal to 10
    gizmo.example.org/a patched
    gizmo.example.org/a patched
    gizmo.example.org/a scaled
    4/5/2/4
    {"replicas":5}{"replicas":2,"selector":"a=b"}
    "#);
}

/// Server-side apply merges by the schema: keyed lists by item, sets, conflicts by field.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apply_on_the_server_side() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    tools.define().await;
    let apply = async |manager: &str, spec: &str| {
        let file = tools.file("gizmo.yaml", &gizmo("a", spec));
        let manager = format!("--field-manager={manager}");
        tools.kubectl(&["apply", "--server-side", &manager, "-f", &file]).await
    };
    apply("one", "{size: 2, tags: [x], parts: [{name: p, image: i}]}").await;
    apply("two", "{tags: [z], parts: [{name: q}]}").await;
    let conflict = apply("two", "{size: 3}").await;
    assert!(
        conflict
            .starts_with("error: Apply failed with 1 conflict: conflict with \"one\": .spec.size"),
        "{conflict}"
    );
    let undeclared = apply("one", "{size: 2, what: 1}").await;
    insta::assert_snapshot!(
        undeclared,
        @"Error from server: failed to create typed patch object (default/a; example.org/v1, Kind=Gizmo): .spec.what: field not declared in schema"
    );
    let spec = ["get", "gizmo", "a", "-o", "jsonpath={.spec.tags} {.spec.parts}"];
    insta::assert_snapshot!(tools.kubectl(&spec).await, @r#"["x","z"] [{"image":"i","name":"p"},{"image":"none","name":"q"}]"#);
    let owners = [
        "get",
        "gizmo",
        "a",
        "-o",
        "jsonpath={.metadata.managedFields[0].fieldsV1}",
        "--show-managed-fields",
    ];
    insta::assert_snapshot!(
        tools.kubectl(&owners).await,
        @r#"{"f:spec":{"f:parts":{"k:{\"name\":\"p\"}":{".":{},"f:image":{},"f:name":{}}},"f:size":{},"f:tags":{"v:\"x\"":{}}}}"#
    );
}

/// A null is dropped where a request brings it; server-side apply keeps it, where a default does
/// not take its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nulls() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    tools.define().await;
    let mut shown = String::new();
    let spec = "jsonpath={.spec}";
    tools.create("sent", "{size: 2, code: null, maybe: null, mode: null}").await;
    shown.push_str(&tools.kubectl(&["get", "gizmo", "sent", "-o", spec]).await);
    for (name, spec) in
        [("a", "{size: 2, mode: null, maybe: null}"), ("b", "{size: 2, code: null}")]
    {
        let file = tools.file("gizmo.yaml", &gizmo(name, spec));
        shown.push('\n');
        shown.push_str(tools.kubectl(&["apply", "--server-side", "-f", &file]).await.trim_end());
    }
    shown.push('\n');
    shown.push_str(&tools.kubectl(&["get", "gizmo", "a", "-o", spec]).await);
    insta::assert_snapshot!(shown, @r#"
    {"maybe":null,"mode":"fast","replicas":1,"size":2}
    gizmo.example.org/a serverside-applied
    The Gizmo "b" is invalid: spec.code: Invalid value: "null": spec.code in body must be of type string: "null"
    {"maybe":null,"mode":"fast","replicas":1,"size":2}
    "#);
}

/// `apply`, `diff`, `edit`, `describe` and `explain` know the kind from its definition.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everyday_commands() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    tools.define().await;
    let file = tools.file("gizmo.yaml", &gizmo("a", "{size: 2}"));
    let applied = tools.kubectl(&["apply", "-f", &file]).await;
    assert_eq!(applied, "gizmo.example.org/a created\n");
    let file = tools.file("gizmo.yaml", &gizmo("a", "{size: 3}"));
    let diff = tools.kubectl(&["diff", "-f", &file]).await;
    assert!(diff.contains("-  size: 2\n+  size: 3"), "{diff}");
    assert_eq!(tools.kubectl(&["apply", "-f", &file]).await, "gizmo.example.org/a configured\n");
    let change = "sed -i 's/size: 3/size: 4/' \"$1\"";
    let edited = tools.kubectl_editing(change, &["edit", "gizmo", "a"]).await;
    assert_eq!(edited, "gizmo.example.org/a edited\n");
    let described = tools.kubectl(&["describe", "gizmo", "a"]).await;
    assert!(
        described.contains("Spec:\n  Mode:      fast\n  Replicas:  1\n  Size:      4"),
        "{described}"
    );
    let explained = tools.kubectl(&["explain", "gizmo.spec"]).await;
    assert!(explained.contains("What is wanted."), "{explained}");
    assert!(explained.contains("  size\t<integer> -required-\n    How large."), "{explained}");
    let table = tools.kubectl(&["get", "gizmo", "a", "-o", "wide"]).await;
    assert!(
        table.starts_with("NAME   SIZE   READY   MODE   AGE\na      4              fast"),
        "{table}"
    );
}

/// What a definition may not say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_definitions() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    tools.define().await;
    let version = "versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]";
    let cases = [
        ("x.example.org", format!("names: {{kind: Thing, plural: things}}, scope: Cluster, {version}")),
        ("things.example.org", format!("names: {{kind: Thing, plural: things}}, scope: Odd, {version}")),
        ("things.example.org", "names: {kind: Thing, plural: things}, scope: Cluster, versions: [{name: v1, served: true, storage: true}]".to_owned()),
        ("things.example.org", "names: {kind: Thing, plural: things}, scope: Cluster, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {a: {}}}}}]".to_owned()),
        ("gizmoes.example.org", format!("names: {{kind: Gizmo, plural: gizmoes}}, scope: Cluster, {version}")),
    ];
    let mut shown = String::new();
    for (name, spec) in cases {
        let text = format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
             metadata: {{name: {name}}}\nspec: {{group: example.org, {spec}}}\n"
        );
        let file = tools.file("definition.yaml", &text);
        shown.push_str(&tools.kubectl(&["create", "-f", &file]).await);
    }
    tools
        .kubectl(&["wait", "--for=condition=NamesAccepted=False", "crd/gizmoes.example.org"])
        .await;
    let conditions = "jsonpath={range .status.conditions[*]}{.type}={.status} {.message}\n{end}";
    shown.push_str(&tools.kubectl(&["get", "crd", "gizmoes.example.org", "-o", conditions]).await);
    insta::assert_snapshot!(shown, @r#"
    The CustomResourceDefinition "x.example.org" is invalid: metadata.name: Invalid value: "x.example.org": must be spec.names.plural+"."+spec.group
    The CustomResourceDefinition "things.example.org" is invalid: spec.scope: Unsupported value: "Odd": supported values: "Cluster", "Namespaced"
    The CustomResourceDefinition "things.example.org" is invalid: spec.versions[0].schema.openAPIV3Schema: Required value
    The CustomResourceDefinition "things.example.org" is invalid: spec.validation.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields
    customresourcedefinition.apiextensions.k8s.io/gizmoes.example.org created
    NamesAccepted=False "GizmoList" is already in use
    Established=False not all names are accepted
    "#);
}

/// A cluster started again on its file serves what was defined before, with all that was there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_keeps_definitions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cluster");
    let simulator = cluster_on(&path, None).await;
    let tools = Tools::of(&simulator);
    tools.define().await;
    tools.create("a", "{size: 2}").await;
    let version = ["get", "gizmo", "a", "-o", "jsonpath={.metadata.resourceVersion}"];
    let before = tools.kubectl(&version).await;
    simulator.shutdown().await;

    let simulator = cluster_on(&path, None).await;
    let tools = Tools::of(&simulator);
    assert_eq!(tools.kubectl(&version).await, before);
    let shown = tools
        .transcript(&[
            "patch gizmo a --type=merge -p {\"spec\":{\"size\":3}}",
            "delete crd gizmos.example.org",
        ])
        .await;
    insta::assert_snapshot!(shown, @r#"
    gizmo.example.org/a patched
    customresourcedefinition.apiextensions.k8s.io "gizmos.example.org" deleted
    "#);
    simulator.shutdown().await;

    let simulator = cluster_on(&path, None).await;
    let tools = Tools::of(&simulator);
    assert_eq!(tools.kubectl(&["get", "crd", "-o", "name"]).await, "");
    simulator.shutdown().await;
}

/// A watch of a custom resource tells every change, and ends with the definition.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watches_end_with_the_definition() {
    use futures_util::TryStreamExt;
    use kube::api::{DynamicObject, WatchEvent, WatchParams};

    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    tools.define().await;
    let resource = kube::api::ApiResource {
        group: "example.org".to_owned(),
        version: "v1".to_owned(),
        api_version: "example.org/v1".to_owned(),
        kind: "Gizmo".to_owned(),
        plural: "gizmos".to_owned(),
    };
    let api = kube::Api::<DynamicObject>::all_with(client(&simulator).await, &resource);
    let events = api.watch(&WatchParams::default(), "0").await.unwrap();
    tools.create("a", "{size: 2}").await;
    tools.kubectl(&["patch", "gizmo", "a", "--type=merge", "-p", "{\"spec\":{\"size\":3}}"]).await;
    tools.kubectl(&["delete", "crd", "gizmos.example.org"]).await;
    let seen: Vec<&str> = events
        .map_ok(|event| match event {
            WatchEvent::Added(_) => "added",
            WatchEvent::Modified(_) => "modified",
            WatchEvent::Deleted(_) => "deleted",
            WatchEvent::Bookmark(_) => "bookmark",
            WatchEvent::Error(_) => "error",
        })
        .try_collect()
        .await
        .unwrap();
    assert_eq!(seen, ["added", "modified", "deleted", "error"]);
}
