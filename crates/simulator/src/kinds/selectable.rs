//! The fields that a field selector may name, besides name and namespace.

use super::Kind;

const EVENT: &[&str] = &[
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "regarding.kind",
    "regarding.namespace",
    "regarding.name",
    "regarding.uid",
    "regarding.apiVersion",
    "regarding.resourceVersion",
    "regarding.fieldPath",
    "reason",
    "reportingComponent",
    "reportingController",
    "source",
    "type",
];

const POD: &[&str] = &[
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.podIPs",
    "status.nominatedNodeName",
];

/// Fields of built-in resources; of all others only name and namespace can be selected by.
const BUILTIN: &[(&str, &[&str])] = &[
    ("certificatesigningrequests.certificates.k8s.io", &["spec.signerName"]),
    ("events", EVENT),
    ("jobs.batch", &["status.successful"]),
    ("namespaces", &["status.phase"]),
    ("nodes", &["spec.unschedulable"]),
    ("pods", POD),
    ("replicasets.apps", &["status.replicas"]),
    ("replicationcontrollers", &["status.replicas"]),
    ("resourceslices.resource.k8s.io", &["spec.nodeName", "spec.driver"]),
    ("secrets", &["type"]),
    ("services", &["spec.clusterIP", "spec.type"]),
];

impl Kind {
    /// Whether a field selector may name this field; the error is what the API server says if not.
    pub(crate) fn check_selectable(&self, field: &str) -> Result<(), String> {
        if field == "metadata.name" || (field == "metadata.namespace" && self.namespaced) {
            return Ok(());
        }
        if let Some(custom) = &self.custom {
            let found = custom.selectable.iter().any(|it| it == field);
            return if found { Ok(()) } else { Err(format!("field label not supported: {field}")) };
        }
        match BUILTIN.iter().find(|(resource, _)| *resource == self.storage) {
            Some((_, fields)) if fields.contains(&field) => Ok(()),
            Some(_) => Err(format!("field label not supported: {field}")),
            None => Err(format!(
                "{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::kinds::Kinds;

    /// Each resource knows its own fields, all know names.
    #[test]
    fn builtin() {
        let kinds = Kinds::builtin();
        let cases = [
            ("pods", "status.phase", ""),
            ("pods", "metadata.namespace", ""),
            ("pods", "spec.image", "field label not supported: spec.image"),
            ("nodes", "metadata.namespace", "field label not supported: metadata.namespace"),
            (
                "configmaps",
                "data",
                "\"data\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
            ),
        ];
        for (resource, field, wanted) in cases {
            let found = kinds.stored(resource).unwrap().check_selectable(field);
            assert_eq!(found.err().unwrap_or_default(), wanted, "{resource} {field}");
        }
    }
}
