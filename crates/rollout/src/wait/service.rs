//! When a Service is ready. Helm does not wait for a load balancer's address, only for the cluster's.

use serde_json::Value;

use super::Readiness;
use super::fields::text;

pub(super) fn readiness(object: &Value) -> Readiness {
    let balanced = text(object, "/spec/type", "ClusterIP") == "LoadBalancer";
    if balanced && text(object, "/spec/clusterIP", "").is_empty() {
        return Readiness::in_progress("ClusterIP not set. Service type: LoadBalancer");
    }
    Readiness::current("Service is ready")
}
