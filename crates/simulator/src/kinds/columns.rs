//! What `kubectl get` shows of each kind: columns and cells, as Kubernetes' printers write them.

mod cells;
mod custom;
mod extension;
mod workload;

use serde_json::{Value, json};

use self::{
    cells::{
        age, count, external_address, ingress_address, labels, or_none, pod_row, port_list, since,
    },
    workload::workload,
};
use super::Kind;
use crate::object;

/// A column: name, and 1 if only `-o wide` shows it.
type Column = (&'static str, u8);

/// Columns between the name and the age, and the age's place among them.
struct Printer {
    columns: &'static [Column],
    cells: fn(&Value) -> Vec<Value>,
}

const NAME: Column = ("Name", 0);
const AGE: Column = ("Age", 0);

/// The column definitions of a kind's table.
pub(crate) fn definitions(kind: &Kind) -> Value {
    if let Some(custom) = &kind.custom {
        return custom::definitions(custom);
    }
    let columns = printer(kind).columns.iter().map(|(name, priority)| {
        json!({
            "name": name,
            "type": if matches!(*name, "Desired" | "Current" | "Data" | "Up-to-date" | "Available" | "Restarts" | "Webhooks" | "Validations" | "Mutations" | "Drivers") { "integer" } else { "string" },
            "format": if *name == "Name" { "name" } else { "" },
            "description": "",
            "priority": priority,
        })
    });
    columns.collect()
}

/// One row: cells and the object itself.
pub(crate) fn row(kind: &Kind, object: &Value) -> (Vec<Value>, Value) {
    let cells = match &kind.custom {
        Some(custom) => custom::cells(custom, object),
        None => (printer(kind).cells)(object),
    };
    (cells, object.clone())
}

fn name(object: &Value) -> Value {
    json!(object::name(object))
}

fn text(object: &Value, path: &[&str]) -> Value {
    json!(object::text(object, path))
}

fn or_unset(text: &str) -> Value {
    json!(if text.is_empty() { "<unset>" } else { text })
}

/// The subjects of a binding that are of this kind; accounts with their namespaces.
fn subjects(binding: &Value, kind: &str) -> Value {
    let of_kind = object::list(binding, &["subjects"]).iter().filter(|it| it["kind"] == *kind);
    let names = of_kind.map(|it| match kind {
        "ServiceAccount" => {
            format!("{}/{}", object::text(it, &["namespace"]), object::text(it, &["name"]))
        }
        _ => object::text(it, &["name"]).to_owned(),
    });
    json!(names.collect::<Vec<_>>().join(", "))
}

fn printer(kind: &Kind) -> Printer {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", _) => core(&kind.kind),
        ("apps" | "batch" | "autoscaling", _) => workload(&kind.kind),
        _ => other(kind),
    }
}

const PLAIN: Printer = Printer { columns: &[NAME, AGE], cells: |it| vec![name(it), age(it)] };

fn core(kind: &str) -> Printer {
    match kind {
        "Pod" => Printer {
            columns: &[
                NAME,
                ("Ready", 0),
                ("Status", 0),
                ("Restarts", 0),
                AGE,
                ("IP", 1),
                ("Node", 1),
                ("Nominated Node", 1),
                ("Readiness Gates", 1),
            ],
            cells: pod_row,
        },
        "Service" => Printer {
            columns: &[
                NAME,
                ("Type", 0),
                ("Cluster-IP", 0),
                ("External-IP", 0),
                ("Port(s)", 0),
                AGE,
                ("Selector", 1),
            ],
            cells: |it| {
                vec![
                    name(it),
                    text(it, &["spec", "type"]),
                    or_none(object::text(it, &["spec", "clusterIP"])),
                    external_address(it),
                    port_list(it),
                    age(it),
                    labels(&it["spec"]["selector"]),
                ]
            },
        },
        "ConfigMap" => Printer {
            columns: &[NAME, ("Data", 0), AGE],
            cells: |it| {
                let size = |part: &str| it[part].as_object().map_or(0, serde_json::Map::len);
                vec![name(it), json!(size("data") + size("binaryData")), age(it)]
            },
        },
        "Secret" => Printer {
            columns: &[NAME, ("Type", 0), ("Data", 0), AGE],
            cells: |it| {
                let size = it["data"].as_object().map_or(0, serde_json::Map::len);
                vec![name(it), text(it, &["type"]), json!(size), age(it)]
            },
        },
        "ServiceAccount" => Printer { columns: &[NAME, AGE], cells: |it| vec![name(it), age(it)] },
        "Namespace" => Printer {
            columns: &[NAME, ("Status", 0), AGE],
            cells: |it| vec![name(it), text(it, &["status", "phase"]), age(it)],
        },
        "Node" => Printer {
            columns: &[
                NAME,
                ("Status", 0),
                ("Roles", 0),
                AGE,
                ("Version", 0),
                ("Internal-IP", 1),
                ("OS-Image", 1),
                ("Container-Runtime", 1),
            ],
            cells: |it| {
                let ready = object::condition(it, "Ready") == "True";
                let info = &it["status"]["nodeInfo"];
                vec![
                    name(it),
                    json!(if ready { "Ready" } else { "NotReady" }),
                    json!("control-plane"),
                    age(it),
                    text(info, &["kubeletVersion"]),
                    it["status"]["addresses"][0]["address"].clone(),
                    text(info, &["osImage"]),
                    text(info, &["containerRuntimeVersion"]),
                ]
            },
        },
        "PersistentVolumeClaim" => Printer {
            columns: &[
                NAME,
                ("Status", 0),
                ("Volume", 0),
                ("Capacity", 0),
                ("Access Modes", 0),
                ("StorageClass", 0),
                ("VolumeAttributesClass", 0),
                AGE,
                ("VolumeMode", 1),
            ],
            cells: |it| {
                vec![
                    name(it),
                    text(it, &["status", "phase"]),
                    text(it, &["spec", "volumeName"]),
                    text(it, &["status", "capacity", "storage"]),
                    cells::access_modes(&it["status"]["accessModes"]),
                    text(it, &["spec", "storageClassName"]),
                    or_unset(object::text(it, &["spec", "volumeAttributesClassName"])),
                    age(it),
                    text(it, &["spec", "volumeMode"]),
                ]
            },
        },
        "PersistentVolume" => Printer {
            columns: &[
                NAME,
                ("Capacity", 0),
                ("Access Modes", 0),
                ("Reclaim Policy", 0),
                ("Status", 0),
                ("Claim", 0),
                ("StorageClass", 0),
                ("VolumeAttributesClass", 0),
                ("Reason", 0),
                AGE,
                ("VolumeMode", 1),
            ],
            cells: |it| {
                let claim = &it["spec"]["claimRef"];
                let claim_name = match object::text(claim, &["name"]) {
                    "" => String::new(),
                    name => format!("{}/{name}", object::text(claim, &["namespace"])),
                };
                vec![
                    name(it),
                    text(it, &["spec", "capacity", "storage"]),
                    cells::access_modes(&it["spec"]["accessModes"]),
                    text(it, &["spec", "persistentVolumeReclaimPolicy"]),
                    text(it, &["status", "phase"]),
                    json!(claim_name),
                    text(it, &["spec", "storageClassName"]),
                    or_unset(object::text(it, &["spec", "volumeAttributesClassName"])),
                    text(it, &["status", "reason"]),
                    age(it),
                    text(it, &["spec", "volumeMode"]),
                ]
            },
        },
        "Event" => EVENT,
        "Endpoints" => Printer {
            columns: &[NAME, ("Endpoints", 0), AGE],
            cells: |it| vec![name(it), cells::endpoints(it), age(it)],
        },
        "ReplicationController" => workload("ReplicaSet"),
        "ResourceQuota" => Printer {
            columns: &[NAME, ("Request", 0), ("Limit", 0), AGE],
            cells: |it| {
                let hard = it["spec"]["hard"].as_object().into_iter().flatten();
                let shown: Vec<String> = hard
                    .map(|(key, limit)| {
                        let used = object::text(it, &["status", "used", key]);
                        format!(
                            "{key}: {}/{}",
                            if used.is_empty() { "0" } else { used },
                            limit.as_str().unwrap_or_default()
                        )
                    })
                    .collect();
                vec![name(it), json!(shown.join(", ")), json!(""), age(it)]
            },
        },
        "LimitRange" => Printer {
            columns: &[NAME, ("Created At", 0)],
            cells: |it| vec![name(it), text(it, &["metadata", "creationTimestamp"])],
        },
        _ => PLAIN,
    }
}

const EVENT: Printer = Printer {
    columns: &[
        ("Last Seen", 0),
        ("Type", 0),
        ("Reason", 0),
        ("Object", 0),
        ("Subobject", 1),
        ("Source", 1),
        ("Message", 0),
        ("First Seen", 1),
        ("Count", 1),
        ("Name", 1),
    ],
    cells: |it| {
        // The two groups name the same things differently.
        let either =
            |a: &'static str, b: &'static str| if it.get(a).is_some() { &it[a] } else { &it[b] };
        let about = either("involvedObject", "regarding");
        let kind = object::text(about, &["kind"]).to_lowercase();
        let last = either("lastTimestamp", "deprecatedLastTimestamp");
        let last = if last.is_string() { last } else { &it["eventTime"] };
        let first = either("firstTimestamp", "deprecatedFirstTimestamp");
        let first = if first.is_string() { first } else { &it["eventTime"] };
        let source = either("source", "deprecatedSource");
        let source: Vec<&str> =
            [object::text(source, &["component"]), object::text(source, &["host"])]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect();
        vec![
            since(last),
            text(it, &["type"]),
            text(it, &["reason"]),
            json!(format!("{kind}/{}", object::text(about, &["name"]))),
            text(about, &["fieldPath"]),
            json!(source.join(", ")),
            json!(either("message", "note").as_str().unwrap_or_default().trim()),
            since(first),
            either("count", "deprecatedCount").clone(),
            name(it),
        ]
    },
};

fn other(kind: &Kind) -> Printer {
    match kind.kind.as_str() {
        "Event" => EVENT,
        "Ingress" => Printer {
            columns: &[NAME, ("Class", 0), ("Hosts", 0), ("Address", 0), ("Ports", 0), AGE],
            cells: |it| {
                let rules = object::list(it, &["spec", "rules"]);
                let hosts: Vec<&str> = rules
                    .iter()
                    .map(|rule| object::text(rule, &["host"]))
                    .filter(|host| !host.is_empty())
                    .collect();
                let tls = !object::list(it, &["spec", "tls"]).is_empty();
                vec![
                    name(it),
                    or_none(object::text(it, &["spec", "ingressClassName"])),
                    json!(if hosts.is_empty() { "*".to_owned() } else { hosts.join(",") }),
                    ingress_address(it),
                    json!(if tls { "80, 443" } else { "80" }),
                    age(it),
                ]
            },
        },
        "IngressClass" => Printer {
            columns: &[NAME, ("Controller", 0), ("Parameters", 0), AGE],
            cells: |it| {
                let parameters = object::text(it, &["spec", "parameters", "name"]);
                vec![name(it), text(it, &["spec", "controller"]), or_none(parameters), age(it)]
            },
        },
        "NetworkPolicy" => Printer {
            columns: &[NAME, ("Pod-Selector", 0), AGE],
            cells: |it| vec![name(it), labels(&it["spec"]["podSelector"]["matchLabels"]), age(it)],
        },
        "PodDisruptionBudget" => Printer {
            columns: &[
                NAME,
                ("Min Available", 0),
                ("Max Unavailable", 0),
                ("Allowed Disruptions", 0),
                AGE,
            ],
            cells: |it| {
                let shown = |key: &str| match &it["spec"][key] {
                    Value::Null => json!("N/A"),
                    Value::String(text) => json!(text),
                    other => json!(other.to_string()),
                };
                vec![
                    name(it),
                    shown("minAvailable"),
                    shown("maxUnavailable"),
                    count(it, &["status", "disruptionsAllowed"]),
                    age(it),
                ]
            },
        },
        "RoleBinding" | "ClusterRoleBinding" => Printer {
            columns: &[NAME, ("Role", 0), AGE, ("Users", 1), ("Groups", 1), ("ServiceAccounts", 1)],
            cells: |it| {
                let role = &it["roleRef"];
                let (kind, role) = (object::text(role, &["kind"]), object::text(role, &["name"]));
                vec![
                    name(it),
                    json!(format!("{kind}/{role}")),
                    age(it),
                    subjects(it, "User"),
                    subjects(it, "Group"),
                    subjects(it, "ServiceAccount"),
                ]
            },
        },
        "Role" | "ClusterRole" => Printer {
            columns: &[NAME, ("Created At", 0)],
            cells: |it| vec![name(it), text(it, &["metadata", "creationTimestamp"])],
        },
        "StorageClass" => Printer {
            columns: &[
                NAME,
                ("Provisioner", 0),
                ("ReclaimPolicy", 0),
                ("VolumeBindingMode", 0),
                ("AllowVolumeExpansion", 0),
                AGE,
            ],
            cells: |it| {
                let default = object::annotation(it, "storageclass.kubernetes.io/is-default-class");
                let suffix = if default == Some("true") { " (default)" } else { "" };
                vec![
                    json!(format!("{}{suffix}", object::name(it))),
                    text(it, &["provisioner"]),
                    text(it, &["reclaimPolicy"]),
                    text(it, &["volumeBindingMode"]),
                    json!(it["allowVolumeExpansion"] == json!(true)),
                    age(it),
                ]
            },
        },
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => Printer {
            columns: &[NAME, ("Webhooks", 0), AGE],
            cells: |it| vec![name(it), json!(object::list(it, &["webhooks"]).len()), age(it)],
        },
        "PriorityClass" => Printer {
            columns: &[NAME, ("Value", 0), ("Global-Default", 0), AGE, ("PreemptionPolicy", 0)],
            cells: |it| {
                vec![
                    name(it),
                    it["value"].clone(),
                    json!(it["globalDefault"] == json!(true)),
                    age(it),
                    text(it, &["preemptionPolicy"]),
                ]
            },
        },
        "Lease" => Printer {
            columns: &[NAME, ("Holder", 0), AGE],
            cells: |it| vec![name(it), text(it, &["spec", "holderIdentity"]), age(it)],
        },
        "EndpointSlice" => Printer {
            columns: &[NAME, ("AddressType", 0), ("Ports", 0), ("Endpoints", 0), AGE],
            cells: |it| {
                let ports = object::list(it, &["ports"]).iter();
                let ports: Vec<String> = ports.map(|port| port["port"].to_string()).collect();
                let endpoints = object::list(it, &["endpoints"]).iter();
                let addresses: Vec<&str> =
                    endpoints.filter_map(|it| it["addresses"][0].as_str()).collect();
                vec![
                    name(it),
                    text(it, &["addressType"]),
                    or_none(&ports.join(",")),
                    or_none(&addresses.join(",")),
                    age(it),
                ]
            },
        },
        other => extension::printer(other),
    }
}
