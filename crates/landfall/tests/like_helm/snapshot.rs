//! What is there after a step: objects with their field owners, and the release's records.

use std::io::Read;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use harness::ClusterTools;
use serde_json::{Value, json};

use crate::normal::{object, record, sorted, text};
use crate::scenario::Scenario;

/// The kinds that are looked at in a namespace. What controllers make of them is not Helm's or Landfall's doing.
const KINDS: &str = "configmaps,secrets,services,serviceaccounts,deployments,statefulsets,daemonsets,jobs,cronjobs,pods,\
    persistentvolumeclaims,poddisruptionbudgets,horizontalpodautoscalers,ingresses,networkpolicies,roles,rolebindings,\
    resourcequotas,limitranges,leases";

/// A picture of a namespace.
pub(crate) struct Snapshot {
    /// Line by line: what [`difference`] compares.
    lines: Vec<String>,
}

impl Snapshot {
    /// Looks into a namespace, and at some objects outside of it.
    pub(crate) fn take(
        cluster: &ClusterTools,
        namespace: &str,
        release: &str,
        scenario: &Scenario,
    ) -> Self {
        let show = ["-o", "json", "--show-managed-fields"];
        let kinds = [&[KINDS.to_owned()], scenario.kinds.as_slice()].concat().join(",");
        let list = cluster.kubectl(&[&["get", &kinds, "-n", namespace][..], &show].concat());
        let mut items = list_items(&list);
        for name in &scenario.cluster_objects {
            let get = [&["get", name, "--ignore-not-found"][..], &show].concat();
            items.extend(serde_json::from_str::<Value>(&cluster.kubectl(&get)).ok());
        }
        let (records, objects): (Vec<_>, Vec<_>) =
            items.into_iter().partition(|item| item["type"] == "helm.sh/release.v1");
        let mut all: Vec<Value> = objects.into_iter().filter_map(object).collect();
        let prefix = format!("sh.helm.release.v1.{release}.v");
        for stored in records {
            let name = stored["metadata"]["name"].as_str().unwrap();
            assert!(name.starts_with(&prefix), "a record of another release: {name}");
            all.push(json!({
                "revision": name, "labels": record_labels(&stored), "record": record(decode(&stored)),
            }));
        }
        let pretty: Vec<String> =
            all.iter().map(|it| serde_json::to_string_pretty(it).unwrap()).collect();
        let lines = text(&pretty.join("\n"), namespace);
        Self { lines: lines.lines().map(str::to_owned).collect() }
    }
}

fn list_items(list: &str) -> Vec<Value> {
    let mut list: Value = serde_json::from_str(list).unwrap();
    let Value::Array(items) = list["items"].take() else { panic!("no list: {list}") };
    items
}

/// The labels that say what a record is; those that say when are left aside, and by which Landfall knows its own again.
fn record_labels(stored: &Value) -> Value {
    let mut labels = stored["metadata"]["labels"].clone();
    for aside in ["createdAt", "modifiedAt", "landfall.dev/deployment"] {
        labels.as_object_mut().unwrap().remove(aside);
    }
    sorted(labels)
}

fn decode(stored: &Value) -> Value {
    let once = BASE64_STANDARD.decode(stored["data"]["release"].as_str().unwrap()).unwrap();
    let packed = BASE64_STANDARD.decode(once).unwrap();
    let mut json = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut json).unwrap();
    serde_json::from_str(&json).unwrap()
}

/// Where two pictures differ, as lines with what stands around them; none if they are the same.
pub(crate) fn difference(helm: &Snapshot, landfall: &Snapshot) -> Option<String> {
    let (before, after) = (helm.lines.join("\n"), landfall.lines.join("\n"));
    if before == after {
        return None;
    }
    let diff = similar::TextDiff::from_lines(&before, &after);
    Some(diff.unified_diff().context_radius(4).to_string())
}
