//! What every cluster has from its first moment: namespaces, a node, a storage class, the Service
//! of the API. After a restart all of it is there already and left as it is.

use serde_json::{Value, json};

use crate::{
    cluster::{Cluster, WriteOptions},
    object,
};

/// The name of the one node.
pub(crate) const NODE: &str = "simulated-node-1";

/// Makes what is missing.
pub(crate) fn run(cluster: &Cluster) {
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        ensure(cluster, "namespaces", json!({ "metadata": { "name": name } }));
    }
    ensure(
        cluster,
        "storageclasses.storage.k8s.io",
        json!({
            "metadata": {
                "name": "standard",
                "annotations": { "storageclass.kubernetes.io/is-default-class": "true" },
            },
            "provisioner": "simulator.landfall.dev/volumes",
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "Immediate",
        }),
    );
    ensure(
        cluster,
        "services",
        json!({
            "metadata": {
                "name": "kubernetes",
                "namespace": "default",
                "labels": { "component": "apiserver", "provider": "kubernetes" },
            },
            "spec": {
                "type": "ClusterIP",
                "clusterIP": "10.96.0.1",
                "clusterIPs": ["10.96.0.1"],
                "ports": [{ "name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443 }],
            },
        }),
    );
    ensure_node(cluster);
}

fn ensure(cluster: &Cluster, resource: &str, mut value: Value) {
    let (namespace, name) = (object::namespace(&value).to_owned(), object::name(&value).to_owned());
    if cluster.store().get(resource, &namespace, &name).is_some() {
        return;
    }
    let created = cluster.kind(resource).and_then(|kind| {
        value["apiVersion"] = json!(kind.api_version());
        value["kind"] = json!(kind.kind);
        cluster.create(resource, value, &WriteOptions::default())
    });
    if let Err(error) = created {
        tracing::warn!(%error, resource, name, "a built-in object could not be made");
    }
}

fn ensure_node(cluster: &Cluster) {
    ensure(
        cluster,
        "nodes",
        json!({
            "metadata": {
                "name": NODE,
                "labels": {
                    "kubernetes.io/arch": "amd64",
                    "kubernetes.io/hostname": NODE,
                    "kubernetes.io/os": "linux",
                    "node-role.kubernetes.io/control-plane": "",
                },
            },
            "spec": { "podCIDR": "10.244.0.0/16", "podCIDRs": ["10.244.0.0/16"] },
        }),
    );
    let written = cluster.update_status("nodes", "", NODE, |node| {
        if node.get("status").is_some_and(|status| status.get("nodeInfo").is_some()) {
            return;
        }
        let room =
            json!({ "cpu": "16", "memory": "64Gi", "pods": "1000", "ephemeral-storage": "500Gi" });
        node["status"] = json!({
            "addresses": [
                { "type": "InternalIP", "address": "10.0.0.1" },
                { "type": "Hostname", "address": NODE },
            ],
            "capacity": room,
            "allocatable": room,
            "nodeInfo": {
                "architecture": "amd64",
                "operatingSystem": "linux",
                "osImage": "Landfall simulator",
                "kernelVersion": "0.0.0-simulated",
                "containerRuntimeVersion": "simulated://0.0.0",
                "kubeletVersion": "v1.37.1",
                "kubeProxyVersion": "",
                "bootID": "",
                "machineID": "",
                "systemUUID": "",
            },
        });
        object::set_condition(
            node,
            "Ready",
            "True",
            "KubeletReady",
            "kubelet is posting ready status",
        );
    });
    if let Err(error) = written {
        tracing::warn!(%error, "the node's status could not be written");
    }
}
