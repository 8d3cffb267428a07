//! What a change does to what runs.

use std::collections::BTreeSet;

use serde_json::Value;

use super::planner::ObjectState;
use super::{Action, Consequence};
use crate::ObjectKey;

/// Configuration that is read by pods which a plan does not restart.
pub(super) struct Restarting {
    /// `ConfigMap`s and Secrets (kind, namespace, name) used by pods that stay.
    used_by_staying: BTreeSet<(String, String, String)>,
}

impl Restarting {
    pub(super) fn of(states: &[ObjectState<'_>]) -> Self {
        let mut used_by_staying = BTreeSet::new();
        for state in states {
            let (Some(before), Some(after)) = (&state.before, &state.after) else { continue };
            let (Some(old), Some(new)) = (pod_template(before), pod_template(after)) else {
                continue;
            };
            if old == new {
                let namespace = state.key.namespace.clone().unwrap_or_default();
                collect_configuration(new, &namespace, &mut used_by_staying);
            }
        }
        Self { used_by_staying }
    }

    fn leaves_readers(&self, key: &ObjectKey) -> bool {
        let namespace = key.namespace.clone().unwrap_or_default();
        self.used_by_staying.contains(&(key.kind.clone(), namespace, key.name.clone()))
    }
}

/// The consequence of one object's change.
pub(super) fn of(state: &ObjectState<'_>, restarting: &Restarting) -> Consequence {
    match state.action {
        Action::Same | Action::Keep => Consequence::None,
        Action::Create => created(state),
        Action::Change => changed(state, restarting),
        Action::Delete => deleted(state),
    }
}

fn created(state: &ObjectState<'_>) -> Consequence {
    match state.key.kind.as_str() {
        "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController" => {
            Consequence::Starts { pods: state.after.as_ref().map_or(1, replicas) }
        }
        "Pod" => Consequence::Starts { pods: 1 },
        "DaemonSet" => Consequence::StartsOnEachNode,
        "Job" => Consequence::RunsJob,
        _ => Consequence::None,
    }
}

fn changed(state: &ObjectState<'_>, restarting: &Restarting) -> Consequence {
    let (Some(before), Some(after)) = (&state.before, &state.after) else {
        return Consequence::None;
    };
    let rolls = pod_template(before) != pod_template(after);
    let strategy = |pointer: &str| after.pointer(pointer).and_then(Value::as_str);
    let (from, to) = (replicas(before), replicas(after));
    match state.key.kind.as_str() {
        "Deployment" if rolls && strategy("/spec/strategy/type") == Some("Recreate") => {
            Consequence::Recreates { pods: from }
        }
        "StatefulSet" | "DaemonSet"
            if rolls && strategy("/spec/updateStrategy/type") == Some("OnDelete") =>
        {
            Consequence::OnDelete
        }
        "Deployment" | "StatefulSet" if rolls => Consequence::Rolls { pods: to },
        "DaemonSet" if rolls => Consequence::Rolls { pods: scheduled(state) },
        "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController" if from != to => {
            Consequence::Scales { from, to }
        }
        "ConfigMap" | "Secret" if restarting.leaves_readers(state.key) => {
            Consequence::ReadOnRestart
        }
        _ => Consequence::None,
    }
}

fn deleted(state: &ObjectState<'_>) -> Consequence {
    match state.key.kind.as_str() {
        "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController" => {
            Consequence::Stops { pods: state.before.as_ref().map_or(0, replicas) }
        }
        "DaemonSet" => Consequence::Stops { pods: scheduled(state) },
        "Pod" => Consequence::Stops { pods: 1 },
        "PersistentVolumeClaim" => Consequence::DeletesData,
        "Namespace" => Consequence::DeletesNamespace,
        "CustomResourceDefinition" => Consequence::DeletesCustomObjects,
        _ => Consequence::None,
    }
}

fn pod_template(object: &Value) -> Option<&Value> {
    object.pointer("/spec/template")
}

/// `spec.replicas`, which the API server takes for 1 where it is absent.
fn replicas(object: &Value) -> u32 {
    let replicas = object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    u32::try_from(replicas).unwrap_or(u32::MAX)
}

/// Nodes a `DaemonSet` runs on now.
fn scheduled(state: &ObjectState<'_>) -> u32 {
    let scheduled = state
        .live
        .and_then(|live| live.pointer("/status/desiredNumberScheduled"))
        .and_then(Value::as_u64)
        .unwrap_or(0);
    u32::try_from(scheduled).unwrap_or(u32::MAX)
}

/// Every `ConfigMap` and Secret that a pod template names, in volumes and environments.
fn collect_configuration(
    value: &Value,
    namespace: &str,
    found: &mut BTreeSet<(String, String, String)>,
) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let (kind, named) = match name.as_str() {
                    "configMap" | "configMapRef" | "configMapKeyRef" => {
                        ("ConfigMap", field["name"].as_str())
                    }
                    "secret" | "secretRef" | "secretKeyRef" => {
                        ("Secret", field["secretName"].as_str().or(field["name"].as_str()))
                    }
                    _ => ("", None),
                };
                if let Some(named) = named {
                    found.insert((kind.to_owned(), namespace.to_owned(), named.to_owned()));
                }
                collect_configuration(field, namespace, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                collect_configuration(item, namespace, found);
            }
        }
        _ => {}
    }
}
