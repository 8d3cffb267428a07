//! What a cluster was given beside the API server to look at objects as they are written: webhooks and policies.
//!
//! Whoever leaves out a dry run must know that none of them would have had a say. Read here is only which resources they
//! look at when an object is updated; what they narrow that by (namespaces, labels, conditions) is taken as fitting.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Cluster, ClusterError};

const GROUP: &str = "admissionregistration.k8s.io";
/// Newest first; the first that the cluster serves is read.
const VERSIONS: [&str; 3] = ["v1", "v1beta1", "v1alpha1"];
const KINDS: [&str; 4] = [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "MutatingAdmissionPolicy",
    "ValidatingAdmissionPolicy",
];

/// What looks at updates.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Admission {
    /// Something may look at every update.
    all: bool,
    /// Resources of which updates are looked at, by their plural, whatever their group.
    resources: BTreeSet<String>,
}

impl Admission {
    /// Whether anything but the API server may change or refuse an update of a resource.
    pub(crate) fn looks_at(&self, plural: &str) -> bool {
        self.all || self.resources.contains(plural)
    }

    fn add(&mut self, rule: &Value) {
        let texts = |field: &str| -> Vec<&str> {
            rule[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
        };
        if !texts("operations").iter().any(|operation| matches!(*operation, "UPDATE" | "*")) {
            return;
        }
        for resource in texts("resources") {
            match resource.split('/').next().unwrap_or(resource) {
                "*" => self.all = true,
                plural => {
                    self.resources.insert(plural.to_owned());
                }
            }
        }
    }
}

/// Asks the cluster. Where it does not let us look, everything may be looked at.
pub(super) async fn read(cluster: &Cluster) -> Result<Admission, ClusterError> {
    let mut found = Admission::default();
    for kind in KINDS {
        match objects(cluster, kind).await {
            Ok(objects) => objects.iter().flat_map(rules).for_each(|rule| found.add(rule)),
            Err(ClusterError::Forbidden { .. }) => found.all = true,
            Err(error) => return Err(error),
        }
        if found.all {
            break;
        }
    }
    Ok(found)
}

async fn objects(cluster: &Cluster, kind: &str) -> Result<Vec<Value>, ClusterError> {
    let discovery = cluster.discovery().await?;
    let served =
        VERSIONS.iter().find_map(|version| discovery.resource(&format!("{GROUP}/{version}"), kind));
    match served {
        Some(resource) => Ok(cluster.list(resource, None, None).await?.items),
        None => Ok(Vec::new()),
    }
}

/// The rules of webhooks, or of a policy.
fn rules(object: &Value) -> Vec<&Value> {
    let webhooks = object["webhooks"].as_array().into_iter().flatten();
    let of_webhooks = webhooks.filter_map(|webhook| webhook["rules"].as_array());
    let of_policy = object["spec"]["matchConstraints"]["resourceRules"].as_array();
    of_webhooks.chain(of_policy).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn admission(objects: &[Value]) -> Admission {
        let mut found = Admission::default();
        objects.iter().flat_map(rules).for_each(|rule| found.add(rule));
        found
    }

    /// What looks at updates counts, whatever it narrows them by; what looks at creations alone does not.
    #[test]
    fn who_looks() {
        let webhooks = json!({ "webhooks": [
            { "rules": [{ "operations": ["CREATE"], "resources": ["pods"] }] },
            { "rules": [{ "operations": ["CREATE", "UPDATE"], "resources": ["deployments", "ingresses/status"] }] },
        ] });
        let policy = json!({ "spec": { "matchConstraints": { "resourceRules": [
            { "operations": ["*"], "resources": ["services"] },
        ] } } });
        let found = admission(&[webhooks, policy]);
        let looked_at = ["pods", "deployments", "ingresses", "services", "secrets"];
        let looked_at = looked_at.map(|plural| found.looks_at(plural));
        assert_eq!(looked_at, [false, true, true, true, false]);
    }

    /// A star is everything.
    #[test]
    fn everything() {
        for resource in ["*", "*/*"] {
            let webhook = json!({ "webhooks": [{ "rules": [{ "operations": ["UPDATE"], "resources": [resource] }] }] });
            assert!(admission(&[webhook]).looks_at("secrets"));
        }
    }
}
