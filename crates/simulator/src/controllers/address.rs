//! Addresses from outside: Services of type `LoadBalancer` and Ingresses get one after a while. Nothing is routed.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::reconcile::{Next, Reconciler};
use crate::{
    cluster::{Cluster, EventSource},
    object,
    status::StatusError,
    store::StoredObject,
};

/// The controller of Services.
pub(super) fn services() -> Reconciler {
    Reconciler { resource: "services", owned: &[], selecting: &[], reconcile: service }
}

/// The controller of Ingresses.
pub(super) fn ingresses() -> Reconciler {
    Reconciler {
        resource: "ingresses.networking.k8s.io",
        owned: &[],
        selecting: &[],
        reconcile: ingress,
    }
}

fn service(cluster: &Cluster, stored: &StoredObject) -> Result<Next, StatusError> {
    let service = stored.value();
    let kind = object::text(&service, &["spec", "type"]);
    if kind != "LoadBalancer" || has_address(&service) {
        return Ok(Next::OnChange);
    }
    if let Some(wait) = still_to_wait(cluster, &service) {
        let source = EventSource::controller("service-controller");
        cluster.emit(
            source,
            &service,
            "",
            "Normal",
            "EnsuringLoadBalancer",
            "Ensuring load balancer",
        );
        return Ok(Next::After(wait));
    }
    give(cluster, stored, &json!({ "ip": address(&stored.uid), "ipMode": "VIP" }))?;
    let source = EventSource::controller("service-controller");
    cluster.emit(source, &service, "", "Normal", "EnsuredLoadBalancer", "Ensured load balancer");
    Ok(Next::OnChange)
}

fn ingress(cluster: &Cluster, stored: &StoredObject) -> Result<Next, StatusError> {
    let ingress = stored.value();
    if has_address(&ingress) {
        return Ok(Next::OnChange);
    }
    if let Some(wait) = still_to_wait(cluster, &ingress) {
        return Ok(Next::After(wait));
    }
    // All Ingresses of a cluster answer at its one ingress controller.
    give(cluster, stored, &json!({ "ip": "198.51.100.10" }))?;
    let source = EventSource::controller("nginx-ingress-controller");
    cluster.emit(source, &ingress, "", "Normal", "Sync", "Scheduled for sync");
    Ok(Next::OnChange)
}

fn has_address(object: &Value) -> bool {
    !object::list(object, &["status", "loadBalancer", "ingress"]).is_empty()
}

/// What is left of the waiting time, counted from the object's creation.
fn still_to_wait(cluster: &Cluster, object: &Value) -> Option<Duration> {
    let wait = cluster.timing().address;
    let created: Timestamp =
        object::text(object, &["metadata", "creationTimestamp"]).parse().ok()?;
    let age = Timestamp::now().duration_since(created).unsigned_abs();
    (age < wait).then(|| wait.saturating_sub(age).max(Duration::from_millis(10)))
}

fn give(cluster: &Cluster, stored: &StoredObject, entry: &Value) -> Result<(), StatusError> {
    let resource = &stored.kind.storage;
    cluster
        .update_status(resource, &stored.namespace, &stored.name, |object| {
            object::map_mut(object, "status")
                .insert("loadBalancer".to_owned(), json!({ "ingress": [entry] }));
        })
        .map(|_| ())
}

/// An address out of a network for documentation (RFC 5737), the same for the same object.
fn address(uid: &str) -> String {
    let sum =
        uid.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    format!("203.0.113.{}", sum % 253 + 1)
}
