//! Addresses and node ports of Services.
//!
//! They are taken from the ranges Kubernetes has by default. Nothing routes to them.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::{
    cluster::Cluster,
    kinds::Kind,
    object,
    status::{Cause, StatusError},
    store::{ChangeKind, StoredObject},
};

/// 10.96.0.0/16, as kubeadm sets it.
const SERVICE_RANGE: [u8; 2] = [10, 96];
/// The first ten addresses are kept for the cluster's own Services.
const FIRST_ADDRESS: u16 = 11;
const NODE_PORTS: std::ops::RangeInclusive<u16> = 30_000..=32_767;

/// Gives a Service what it needs of addresses and ports, keeping what it had.
pub(super) fn allocate(
    cluster: &Cluster,
    kind: &Kind,
    value: &mut Value,
    old: Option<&Value>,
) -> Result<(), StatusError> {
    if kind.storage != "services" {
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
    let mut network = cluster.network();
    network.follow(cluster);
    if wants_address {
        let address = network.free_address().ok_or_else(|| {
            StatusError::internal("failed to allocate a serviceIP: range is full")
        })?;
        value["spec"]["clusterIP"] = json!(address);
    }
    let address = object::text(value, &["spec", "clusterIP"]).to_owned();
    if address != "None" && network.is_taken(&address, object::uid(value)) {
        let detail = format!("failed to allocate IP {address}: provided IP is already allocated");
        let cause = Cause::invalid("spec.clusterIPs", &json!([address]), &detail);
        return Err(StatusError::invalid(kind, object::name(value), &[cause]));
    }
    if object::list(value, &["spec", "clusterIPs"]).is_empty() {
        value["spec"]["clusterIPs"] = json!([address]);
    }
    for port in value["spec"]["ports"].as_array_mut().into_iter().flatten() {
        let given = port.get("nodePort").and_then(Value::as_u64).unwrap_or(0);
        if !with_node_ports {
            object::remove(port, "nodePort");
        } else if given == 0
            && let Some(free) = network.free_port()
        {
            port["nodePort"] = json!(free);
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

/// The addresses and node ports that Services hold, kept in step with the store.
#[derive(Debug, Default)]
pub(crate) struct ServiceNetwork {
    /// Up to which revision changes have been taken in; 0: none.
    revision: u64,
    held: HashMap<Box<str>, Held>,
    addresses: HashSet<String>,
    node_ports: HashSet<u16>,
    /// Candidates already handed out: requests at the same time get different ones.
    next_address: u16,
    next_port: u16,
}

/// What one Service holds.
#[derive(Debug, Default)]
struct Held {
    address: String,
    node_ports: Vec<u16>,
}

impl ServiceNetwork {
    /// Takes in what changed since the last time.
    fn follow(&mut self, cluster: &Cluster) {
        let changes = cluster.store().watch("services", self.revision).ready();
        match changes {
            Ok(changes) if self.revision > 0 => {
                for change in changes {
                    self.revision = change.revision;
                    let gone = change.kind == ChangeKind::Deleted;
                    self.set(&change.object, if gone { None } else { Some(change.object.value()) });
                }
            }
            _ => {
                let (revision, services) = cluster.store().list("services", None);
                *self = Self {
                    revision,
                    next_address: self.next_address,
                    next_port: self.next_port,
                    ..Self::default()
                };
                for service in services {
                    self.set(&service, Some(service.value()));
                }
            }
        }
    }

    fn set(&mut self, stored: &StoredObject, service: Option<Value>) {
        if let Some(held) = self.held.remove(&stored.uid) {
            self.addresses.remove(&held.address);
            held.node_ports.iter().for_each(|port| {
                self.node_ports.remove(port);
            });
        }
        let Some(service) = service else { return };
        let ports = object::list(&service, &["spec", "ports"]).iter();
        let ports = ports.filter_map(|port| u16::try_from(port["nodePort"].as_u64()?).ok());
        let held = Held {
            address: object::text(&service, &["spec", "clusterIP"]).to_owned(),
            node_ports: ports.collect(),
        };
        self.addresses.insert(held.address.clone());
        self.node_ports.extend(&held.node_ports);
        self.held.insert(stored.uid.clone(), held);
    }

    /// Whether a Service other than `uid` has this address.
    fn is_taken(&self, address: &str, uid: &str) -> bool {
        self.addresses.contains(address)
            && self.held.get(uid).is_none_or(|held| held.address != address)
    }

    /// The next address of the range nobody has; the first ten are kept for the cluster's own.
    fn free_address(&mut self) -> Option<String> {
        let [a, b] = SERVICE_RANGE;
        for _ in FIRST_ADDRESS..u16::MAX {
            self.next_address = self.next_address.checked_add(1).unwrap_or(0).max(FIRST_ADDRESS);
            let [c, d] = self.next_address.to_be_bytes();
            let address = format!("{a}.{b}.{c}.{d}");
            if !self.addresses.contains(&address) {
                return Some(address);
            }
        }
        None
    }

    /// The next node port nobody has.
    fn free_port(&mut self) -> Option<u16> {
        for _ in NODE_PORTS {
            let next = self.next_port + 1;
            self.next_port = if NODE_PORTS.contains(&next) { next } else { *NODE_PORTS.start() };
            if !self.node_ports.contains(&self.next_port) {
                return Some(self.next_port);
            }
        }
        None
    }
}
