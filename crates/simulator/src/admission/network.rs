//! Addresses and node ports of Services.
//!
//! They are taken from the ranges Kubernetes has by default. Nothing routes to them.

use serde_json::{Value, json};

use crate::{
    cluster::Cluster,
    kinds::Kind,
    object,
    status::{Cause, StatusError},
};

/// 10.96.0.0/16, as kubeadm sets it.
const SERVICE_RANGE: [u8; 2] = [10, 96];
const NODE_PORTS: std::ops::RangeInclusive<u16> = 30_000..=32_767;

/// Gives a Service what it needs of addresses and ports, keeping what it had.
pub(super) fn allocate(
    cluster: &Cluster,
    kind: &Kind,
    value: &mut Value,
    old: Option<&Value>,
) -> Result<(), StatusError> {
    if kind.kind != "Service" {
        return Ok(());
    }
    let service_type = object::text(value, &["spec", "type"]).to_owned();
    if service_type == "ExternalName" {
        return Ok(());
    }
    keep_old(value, old);
    let spec = &value["spec"];
    let wants_address = object::text(spec, &["clusterIP"]).is_empty();
    let with_node_ports = service_type == "NodePort"
        || (service_type == "LoadBalancer"
            && spec["allocateLoadBalancerNodePorts"] != json!(false));
    let used = Used::of(cluster, value);
    if wants_address {
        let address = used.free_address().ok_or_else(|| {
            StatusError::internal("failed to allocate a serviceIP: range is full")
        })?;
        value["spec"]["clusterIP"] = json!(address);
    } else if let Some(taken) = Some(object::text(value, &["spec", "clusterIP"]))
        .filter(|it| used.addresses.iter().any(|a| a == it))
    {
        let cause = Cause::invalid(
            "spec.clusterIPs",
            &json!([taken]),
            &format!("failed to allocate IP {taken}: provided IP is already allocated"),
        );
        return Err(StatusError::invalid(kind, object::name(value), &[cause]));
    }
    let address = value["spec"]["clusterIP"].clone();
    if value["spec"].get("clusterIPs").is_none_or(|it| it.as_array().is_none_or(Vec::is_empty)) {
        value["spec"]["clusterIPs"] = json!([address]);
    }
    let ports = value["spec"]["ports"].as_array_mut();
    let mut node_ports = used.node_ports;
    for port in ports.into_iter().flatten() {
        let given = port.get("nodePort").and_then(Value::as_u64).unwrap_or(0);
        if !with_node_ports {
            object::remove(port, "nodePort");
        } else if given == 0
            && let Some(free) = free_port(&node_ports)
        {
            port["nodePort"] = json!(free);
            node_ports.push(u64::from(free));
        }
    }
    Ok(())
}

/// An update that leaves address and node ports out keeps them.
fn keep_old(value: &mut Value, old: Option<&Value>) {
    let Some(old) = old.map(|old| &old["spec"]) else { return };
    let spec = object::map_mut(value, "spec");
    for key in ["clusterIP", "clusterIPs", "healthCheckNodePort"] {
        if let (None, Some(had)) = (spec.get(key), old.get(key)) {
            spec.insert(key.to_owned(), had.clone());
        }
    }
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let same = |it: &&Value| it["port"] == port["port"] && it["protocol"] == port["protocol"];
        let had = object::list(old, &["ports"]).iter().find(same);
        if let Some(had) = had.and_then(|it| it.get("nodePort"))
            && port.get("nodePort").is_none()
        {
            port["nodePort"] = had.clone();
        }
    }
}

/// What other Services hold.
struct Used {
    addresses: Vec<String>,
    node_ports: Vec<u64>,
}

impl Used {
    fn of(cluster: &Cluster, except: &Value) -> Self {
        let mut used = Self { addresses: Vec::new(), node_ports: Vec::new() };
        for service in cluster.store().list("services", None).1 {
            if *service.uid == *object::uid(except) {
                continue;
            }
            let service = service.value();
            used.addresses.push(object::text(&service, &["spec", "clusterIP"]).to_owned());
            let ports = object::list(&service, &["spec", "ports"]);
            used.node_ports.extend(ports.iter().filter_map(|port| port["nodePort"].as_u64()));
        }
        used
    }

    /// The first address of the range nobody has; the first ten are kept for the cluster's own.
    fn free_address(&self) -> Option<String> {
        let [a, b] = SERVICE_RANGE;
        let taken: std::collections::HashSet<&str> =
            self.addresses.iter().map(String::as_str).collect();
        (11..u16::MAX)
            .map(|number| {
                let [c, d] = number.to_be_bytes();
                format!("{a}.{b}.{c}.{d}")
            })
            .find(|address| !taken.contains(address.as_str()))
    }
}

fn free_port(taken: &[u64]) -> Option<u16> {
    NODE_PORTS.into_iter().find(|port| !taken.contains(&u64::from(*port)))
}
