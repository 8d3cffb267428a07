//! Plans from data: manifests and live objects in, what will change out.

use helm::release::Hook;
use serde_json::{Value, json};

use super::dry_run::DryRun;
use super::live::LiveObject;
use super::*;
use crate::crds::{CrdPolicy, Crds};
use crate::manifest::Desired;
use crate::record::History;
use crate::record::history_of;

const KEY: &[u8] = b"key";

/// A release's manifest, and what the cluster holds.
struct Case {
    desired: Desired,
    history: History,
    live: LiveState,
    options: PlanOptions,
}

impl Case {
    /// Objects of the manifest, each with what is live and what the dry run made of it.
    fn new(statuses: &[&str], objects: Vec<(Value, Option<Value>, DryRun)>) -> Self {
        let documents: Vec<String> = objects
            .iter()
            .map(|(o, ..)| format!("---\n# Source: c/templates/a.yaml\n{o}\n"))
            .collect();
        let manifest = documents.concat();
        let desired =
            Desired::parse("shop", "prod", &manifest, Vec::new(), Crds::default()).unwrap();
        let found = objects
            .into_iter()
            .map(|(object, live, dry_run)| LiveObject {
                key: ObjectKey { namespace: Some("prod".to_owned()), ..ObjectKey::of(&object) },
                live,
                dry_run,
            })
            .collect();
        Self {
            desired,
            history: history_of(statuses),
            live: LiveState {
                namespace_exists: true,
                method: Method::ServerSide,
                desired: found,
                crds: Vec::new(),
                dropped: Vec::new(),
                base: Vec::new(),
            },
            options: PlanOptions::default(),
        }
    }

    fn plan(&self) -> Result<Plan, PlanError> {
        plan(&self.desired, &self.history, &self.live, &self.options, KEY)
    }
}

fn config_map(value: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "c" }, "data": { "k": value } })
}

fn deployment(image: &str, replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "web" },
        "spec": {
            "replicas": replicas,
            "template": { "spec": {
                "containers": [{ "name": "web", "image": image, "envFrom": [{ "configMapRef": { "name": "c" } }] }],
            } },
        },
    })
}

/// The object as the server would have it: marked, with fields of its own.
fn stored(object: &Value) -> Value {
    let marks = crate::manifest::Marks { release: "shop", namespace: "prod" };
    let key = ObjectKey { namespace: Some("prod".to_owned()), ..ObjectKey::of(object) };
    let mut stored = marks.marked(object, &key);
    stored["metadata"]["uid"] = json!("u");
    stored["metadata"]["managedFields"] = json!([{}]);
    stored["status"] = json!({ "replicas": 1 });
    stored
}

fn changing(from: &Value, to: &Value) -> (Value, Option<Value>, DryRun) {
    let mut result = stored(to);
    result["metadata"]["generation"] = json!(2);
    (to.clone(), Some(stored(from)), DryRun::Result(result))
}

/// One line per object: what happens to it, and with what consequence.
fn summary(plan: &Plan) -> String {
    let line =
        |o: &PlannedObject| format!("{:?} {} {}", o.action, o.key, o.consequence).trim().to_owned();
    plan.objects.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A first release creates everything; what is shown is the chart's own, not the server's defaults.
#[test]
fn install() {
    let plan = Case::new(
        &[],
        vec![
            (config_map("a"), None, DryRun::Unknown),
            (deployment("web:1", 3), None, DryRun::Unknown),
        ],
    )
    .plan()
    .unwrap();
    assert_eq!(plan.operation, Operation::Install);
    insta::assert_snapshot!(summary(&plan), @r"
    Create ConfigMap/prod/c
    Create Deployment/prod/web starts 3 pods
    ");
    insta::assert_snapshot!(plan.objects[0].diff.as_ref().unwrap(), @r#"
    @@ 
    +apiVersion: v1
    +kind: ConfigMap
    +metadata:
    +  name: c
    +  namespace: prod
    +  labels:
    +    app.kubernetes.io/managed-by: Helm
    +  annotations:
    +    meta.helm.sh/release-name: shop
    +    meta.helm.sh/release-namespace: prod
    +data:
    +  k: a
    "#);
}

/// What the server keeps for itself is no change; what stays has no diff.
#[test]
fn nothing_changes() {
    let object = deployment("web:1", 1);
    let plan = Case::new(&["deployed"], vec![changing(&object, &object)]).plan().unwrap();
    insta::assert_snapshot!(summary(&plan), @"Same Deployment/prod/web");
    assert_eq!((plan.operation, &plan.objects[0].diff), (Operation::Upgrade, &None));
}

/// A changed template rolls pods, a changed count scales them, changed configuration alone restarts
/// nothing.
#[test]
fn consequences_of_changes() {
    let web = deployment("web:1", 3);
    let cases = [
        (
            changing(&web, &deployment("web:2", 3)),
            "Change Deployment/prod/web replaces 3 pods, step by step",
        ),
        (
            changing(&web, &deployment("web:1", 5)),
            "Change Deployment/prod/web scales from 3 to 5 pods",
        ),
        (changing(&web, &web), "Same Deployment/prod/web"),
    ];
    for (deployment, expected) in cases {
        let rolls = expected.contains("replaces");
        let config = changing(&config_map("a"), &config_map("b"));
        let plan = Case::new(&["deployed"], vec![config, deployment]).plan().unwrap();
        let config = if rolls {
            "Change ConfigMap/prod/c"
        } else {
            "Change ConfigMap/prod/c pods that use it see the change only after a restart"
        };
        assert_eq!(summary(&plan), format!("{config}\n{expected}"));
    }
}

/// What the new manifest lacks is deleted, unless its annotation says `keep`.
#[test]
fn dropped_objects() {
    let mut case = Case::new(&["deployed"], Vec::new());
    let object = |kind: &str, policy: &str| {
        let key = ObjectKey {
            api_version: "v1".to_owned(),
            kind: kind.to_owned(),
            namespace: Some("prod".to_owned()),
            name: "old".to_owned(),
        };
        let annotations = json!({ "helm.sh/resource-policy": policy });
        let live = json!({
            "apiVersion": "v1", "kind": kind,
            "metadata": { "name": "old", "namespace": "prod", "annotations": annotations },
        });
        (key, live)
    };
    case.live.dropped = vec![
        object("ConfigMap", "keep"),
        object("PersistentVolumeClaim", "delete"),
        object("Secret", ""),
    ];
    insta::assert_snapshot!(summary(&case.plan().unwrap()), @r"
    Keep ConfigMap/prod/old
    Delete PersistentVolumeClaim/prod/old deletes its data
    Delete Secret/prod/old
    ");
}

/// Objects of others are refused in Helm's words, unless they are to be taken over or the running
/// revision has them in its manifest.
#[test]
fn foreign_objects() {
    let mut live = config_map("a");
    live["metadata"]["namespace"] = json!("prod");
    let foreign = || vec![(config_map("a"), Some(live.clone()), DryRun::Result(live.clone()))];
    let refused = Case::new(&[], foreign()).plan().unwrap_err();
    insta::assert_snapshot!(refused, @r#"unable to continue with install: ConfigMap "c" in namespace "prod" exists and cannot be imported into the current release: invalid ownership metadata; label validation error: missing key "app.kubernetes.io/managed-by": must be set to "Helm"; annotation validation error: missing key "meta.helm.sh/release-name": must be set to "shop"; annotation validation error: missing key "meta.helm.sh/release-namespace": must be set to "prod""#);

    let mut taken = Case::new(&[], foreign());
    taken.options.take_ownership = true;
    assert!(taken.plan().is_ok());

    let mut known = Case::new(&["deployed"], foreign());
    assert!(known.plan().unwrap_err().to_string().starts_with("unable to continue with update: "));
    known.live.base = vec![known.live.desired[0].key.clone()];
    assert!(known.plan().is_ok());
}

/// What the cluster's dry run refuses stands in the plan, at its object.
#[test]
fn refusals() {
    let refusal = Refusal {
        code: 422,
        reason: "Invalid".to_owned(),
        message: "spec.selector: field is immutable".to_owned(),
    };
    let plan = Case::new(
        &["deployed"],
        vec![(config_map("b"), Some(stored(&config_map("a"))), DryRun::Refused(refusal.clone()))],
    )
    .plan()
    .unwrap();
    assert_eq!(plan.refusals().map(|(_, refusal)| refusal).collect::<Vec<_>>(), [&refusal]);
    assert_eq!(plan.objects[0].action, Action::Change);

    // A definition that is refused is one, too.
    let plan = Plan { crds: plan.objects.clone(), objects: Vec::new(), ..plan };
    assert_eq!(plan.refusals().count(), 1);
}

fn hook(name: &str, weight: i64, events: &[&str]) -> Hook {
    serde_json::from_value(json!({
        "name": name, "kind": "Job", "path": format!("c/templates/{name}.yaml"), "events": events,
        "weight": weight, "manifest": format!("apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}}}\n"),
    }))
    .unwrap()
}

/// Of the hooks a plan shows those of its operation: by moment, weight, and name.
#[test]
fn hooks() {
    let mut case = Case::new(&[], Vec::new());
    case.desired.hooks = vec![
        hook("z", 0, &["pre-install", "pre-upgrade"]),
        hook("notify", 0, &["post-install", "post-upgrade", "post-rollback"]),
        hook("a", 0, &["pre-upgrade"]),
        hook("first", -5, &["pre-upgrade", "pre-install", "pre-rollback"]),
        hook("probe", 0, &["test"]),
    ];
    let told = |case: &Case| {
        let plan = case.plan().unwrap();
        let line = |h: &PlannedHook| format!("{} {}", h.event, h.name);
        plan.hooks.iter().map(line).collect::<Vec<_>>().join(", ")
    };
    insta::assert_snapshot!(told(&case), @"pre-install first, pre-install z, post-install notify");
    case.history = history_of(&["deployed"]);
    insta::assert_snapshot!(told(&case), @"pre-upgrade first, pre-upgrade a, pre-upgrade z, post-upgrade notify");
    case.desired.rollback_to = Some(1);
    insta::assert_snapshot!(told(&case), @"pre-rollback first, post-rollback notify");
    case.options.tests = true;
    insta::assert_snapshot!(told(&case), @"pre-rollback first, post-rollback notify, test probe");
    let hash = case.plan().unwrap().hash;
    case.desired.hooks[3].manifest.push_str("spec: {}\n");
    assert_ne!(hash, case.plan().unwrap().hash, "what a hook does belongs to the plan");
    case.desired.hooks[3].manifest = "a: [".to_owned();
    insta::assert_snapshot!(case.plan().unwrap_err(), @"unable to build kubernetes object for pre-rollback hook c/templates/first.yaml");
}

/// Definitions of custom resources are created where they are missing; what exists is changed only where the policy
/// has it so. The hash knows them by what they say, not by what is there.
#[test]
fn crds() {
    let definition = |scope: &str| {
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": "orders.example.org" }, "spec": { "scope": scope },
        })
    };
    let plan_of = |policy: CrdPolicy, live: Option<Value>, dry_run: DryRun| {
        let mut case = Case::new(&[], Vec::new());
        let file = ("shop/crds/order.yaml".to_owned(), definition("Namespaced").to_string());
        case.desired.crds = Crds::parse([file], policy).unwrap();
        let key = case.desired.crds.objects[0].key.clone();
        case.live.crds = vec![LiveObject { key, live, dry_run }];
        case.plan().unwrap()
    };
    let told = |plan: &Plan| {
        let crd = &plan.crds[0];
        let diff = crd.diff.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{:?} {} {}\n{diff}", crd.action, crd.key, crd.source.as_deref().unwrap())
    };
    let created = plan_of(CrdPolicy::Create, None, DryRun::Unknown);
    insta::assert_snapshot!(told(&created), @"Create CustomResourceDefinition/orders.example.org shop/crds/order.yaml");
    let left = plan_of(CrdPolicy::Create, Some(definition("Cluster")), DryRun::Unknown);
    insta::assert_snapshot!(told(&left), @"Same CustomResourceDefinition/orders.example.org shop/crds/order.yaml");
    assert_eq!(created.hash, left.hash);
    let result = DryRun::Result(definition("Namespaced"));
    let changed = plan_of(CrdPolicy::CreateAndUpgrade, Some(definition("Cluster")), result);
    insta::assert_snapshot!(told(&changed), @r"
    Change CustomResourceDefinition/orders.example.org shop/crds/order.yaml
    @@ spec
     metadata:
       name: orders.example.org
     spec:
    -  scope: Cluster
    +  scope: Namespaced
    ");
    assert_ne!(left.hash, changed.hash);
}

/// The hash follows what is done, not how it was found; it covers what the diff hides.
#[test]
fn hash() {
    let secret = |value: &str| json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s" }, "data": { "k": value } });
    let plan_of = |from: &str, to: &str, uid: &str, key: &[u8]| {
        let (wanted, mut live, dry_run) = changing(&secret(from), &secret(to));
        live.as_mut().unwrap()["metadata"]["uid"] = json!(uid);
        let case = Case::new(&["deployed"], vec![(wanted, live, dry_run)]);
        plan(&case.desired, &case.history, &case.live, &case.options, key).unwrap()
    };
    let first = plan_of("YQ==", "Yg==", "1", KEY);
    assert_eq!(first.hash, plan_of("YQ==", "Yg==", "2", KEY).hash);
    assert_ne!(first.hash, plan_of("YQ==", "Yw==", "1", KEY).hash);
    assert_ne!(first.hash, plan_of("YQ==", "Yg==", "1", b"other").hash);
    assert_eq!(first.objects, plan_of("YQ==", "Yw==", "1", KEY).objects);
}

/// A stored plan is the plan.
#[test]
fn serialises() {
    let plan = Case::new(&["deployed"], vec![changing(&config_map("a"), &config_map("b"))])
        .plan()
        .unwrap();
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}
