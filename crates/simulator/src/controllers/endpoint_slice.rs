//! `EndpointSlices`: the addresses of the pods that a Service selects. One slice holds all of them.

use serde_json::{Value, json};

use super::{
    pods_of,
    reconcile::{Next, Reconciler},
};
use crate::{
    cluster::{Cluster, Part, WriteOptions},
    object,
    selector::LabelSelector,
    status::StatusError,
    store::StoredObject,
};

const SLICES: &str = "endpointslices.discovery.k8s.io";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const SERVICE: &str = "kubernetes.io/service-name";

/// The controller.
pub(super) fn controller() -> Reconciler {
    Reconciler { resource: "services", owned: &[SLICES], selecting: &["pods"], reconcile }
}

fn reconcile(cluster: &Cluster, stored: &StoredObject) -> Result<Next, StatusError> {
    let service = stored.value();
    let selector = &service["spec"]["selector"];
    let selects = selector.as_object().is_some_and(|it| !it.is_empty());
    if !selects || stored.is_deleting() || service["spec"]["type"] == "ExternalName" {
        return Ok(Next::OnChange);
    }
    let selector = LabelSelector::from_object(selector);
    let pods = cluster.list("pods", Some(&stored.namespace), &selector);
    let mut pods: Vec<Value> = pods.iter().map(|pod| pod.value()).collect();
    pods.retain(|pod| {
        let ended = matches!(pods_of::phase(pod), "Succeeded" | "Failed");
        !ended && !object::text(pod, &["status", "podIP"]).is_empty()
    });
    let endpoints: Vec<Value> = pods.iter().map(|pod| endpoint(&service, pod)).collect();
    let ports = ports(&service, &pods);
    let options = WriteOptions::manager("kube-controller-manager");
    match cluster.controlled_by(SLICES, &stored.uid).first() {
        Some(slice) => {
            let name = object::name(slice);
            cluster.update(SLICES, &stored.namespace, name, Part::Main, &options, |slice| {
                slice["endpoints"] = json!(endpoints);
                slice["ports"] = json!(ports);
                Ok(())
            })?;
        }
        None => {
            cluster.create(SLICES, slice(&service, &endpoints, &ports), &options)?;
        }
    }
    Ok(Next::OnChange)
}

fn slice(service: &Value, endpoints: &[Value], ports: &[Value]) -> Value {
    let mut labels = service["metadata"]["labels"].clone();
    let labels_of_its_own =
        [(MANAGED_BY, "endpointslice-controller.k8s.io"), (SERVICE, object::name(service))];
    if !labels.is_object() {
        labels = json!({});
    }
    for (key, value) in labels_of_its_own {
        labels[key] = json!(value);
    }
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": format!("{}-", object::name(service)),
            "namespace": object::namespace(service),
            "labels": labels,
            "ownerReferences": [object::controller_reference(service)],
        },
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": ports,
    })
}

fn endpoint(service: &Value, pod: &Value) -> Value {
    let serving = pods_of::is_ready(pod);
    let terminating = object::is_deleting(pod);
    let unready_too = service["spec"]["publishNotReadyAddresses"] == json!(true);
    json!({
        "addresses": [object::text(pod, &["status", "podIP"])],
        "conditions": {
            "ready": unready_too || (serving && !terminating),
            "serving": serving,
            "terminating": terminating,
        },
        "nodeName": pod["spec"]["nodeName"],
        "targetRef": {
            "kind": "Pod",
            "namespace": object::namespace(pod),
            "name": object::name(pod),
            "uid": object::uid(pod),
        },
    })
}

/// The ports of the Service as the pods have them; a name that no container has leads nowhere.
fn ports(service: &Value, pods: &[Value]) -> Vec<Value> {
    let containers = || pods.iter().flat_map(|pod| object::list(pod, &["spec", "containers"]));
    let number = |target: &Value| match target {
        Value::String(name) => containers()
            .flat_map(|container| object::list(container, &["ports"]))
            .find(|port| port["name"] == *name)
            .map(|port| port["containerPort"].clone()),
        number => Some(number.clone()),
    };
    let ports = object::list(service, &["spec", "ports"]).iter();
    ports
        .filter_map(|port| {
            Some(json!({
                "name": object::text(port, &["name"]),
                "protocol": port["protocol"],
                "port": number(&port["targetPort"])?,
            }))
        })
        .collect()
}
