//! Columns of the kinds that extend and configure a cluster.

use serde_json::{Value, json};

use super::{AGE, NAME, PLAIN, Printer, cells::age, name, text};
use crate::object;

/// The columns of a kind; name and age for kinds that have no others.
pub(super) fn printer(kind: &str) -> Printer {
    match kind {
        "CustomResourceDefinition" => Printer {
            columns: &[
                NAME,
                ("Scope", 0),
                ("Versions", 0),
                ("Created At", 0),
                ("Group", 1),
                ("Kind", 1),
                ("ShortNames", 1),
                ("Established", 1),
            ],
            cells: definition,
        },
        "APIService" => Printer {
            columns: &[NAME, ("Service", 0), ("Available", 0), AGE],
            cells: |it| vec![name(it), json!(service(it)), json!(availability(it)), age(it)],
        },
        "CSIDriver" => Printer {
            columns: &[
                NAME,
                ("AttachRequired", 0),
                ("PodInfoOnMount", 0),
                ("StorageCapacity", 0),
                ("TokenRequests", 0),
                ("RequiresRepublish", 0),
                ("Modes", 0),
                AGE,
            ],
            cells: csi_driver,
        },
        "CSINode" => Printer {
            columns: &[NAME, ("Drivers", 0), AGE],
            cells: |it| {
                vec![name(it), json!(object::list(it, &["spec", "drivers"]).len()), age(it)]
            },
        },
        "RuntimeClass" => Printer {
            columns: &[NAME, ("Handler", 0), AGE],
            cells: |it| vec![name(it), text(it, &["handler"]), age(it)],
        },
        "ValidatingAdmissionPolicy" => Printer {
            columns: &[NAME, ("Validations", 0), ("ParamKind", 0), AGE],
            cells: |it| {
                let count = object::list(it, &["spec", "validations"]).len();
                vec![name(it), json!(count), json!(parameter_kind(it)), age(it)]
            },
        },
        "MutatingAdmissionPolicy" => Printer {
            columns: &[NAME, ("Mutations", 0), ("ParamKind", 0), AGE],
            cells: |it| {
                let count = object::list(it, &["spec", "mutations"]).len();
                vec![name(it), json!(count), json!(parameter_kind(it)), age(it)]
            },
        },
        "ValidatingAdmissionPolicyBinding" | "MutatingAdmissionPolicyBinding" => Printer {
            columns: &[NAME, ("PolicyName", 0), ("ParamRef", 0), AGE],
            cells: |it| {
                let parameter = &it["spec"]["paramRef"];
                let namespace = match object::text(parameter, &["namespace"]) {
                    "" => "*",
                    namespace => namespace,
                };
                let shown = match object::text(parameter, &["name"]) {
                    "" => "<unset>".to_owned(),
                    name => format!("{namespace}/{name}"),
                };
                vec![name(it), text(it, &["spec", "policyName"]), json!(shown), age(it)]
            },
        },
        "VolumeAttributesClass" => Printer {
            columns: &[NAME, ("DriverName", 0), AGE],
            cells: |it| vec![name(it), text(it, &["driverName"]), age(it)],
        },
        "ServiceCIDR" => Printer {
            columns: &[NAME, ("CIDRs", 0), AGE],
            cells: |it| {
                let ranges = object::list(it, &["spec", "cidrs"]).iter().filter_map(Value::as_str);
                vec![name(it), json!(ranges.collect::<Vec<_>>().join(",")), age(it)]
            },
        },
        _ => PLAIN,
    }
}

fn definition(it: &Value) -> Vec<Value> {
    let spec = &it["spec"];
    let served = object::list(spec, &["versions"]).iter();
    let served = served.filter(|version| version["served"] == json!(true));
    let mut served: Vec<String> = served
        .map(|version| {
            let stored = if version["storage"] == json!(true) { "(storage)" } else { "" };
            format!("{}{stored}", object::text(version, &["name"]))
        })
        .collect();
    served.sort();
    let short = object::list(spec, &["names", "shortNames"]).iter().filter_map(Value::as_str);
    vec![
        name(it),
        text(spec, &["scope"]),
        json!(served.join(",")),
        text(it, &["metadata", "creationTimestamp"]),
        text(spec, &["group"]),
        text(spec, &["names", "kind"]),
        json!(short.collect::<Vec<_>>().join(",")),
        json!(object::condition(it, "Established") == "True"),
    ]
}

fn csi_driver(it: &Value) -> Vec<Value> {
    let spec = &it["spec"];
    let audiences = object::list(spec, &["tokenRequests"]).iter();
    let audiences: Vec<&str> = audiences.map(|it| object::text(it, &["audience"])).collect();
    let modes = object::list(spec, &["volumeLifecycleModes"]).iter().filter_map(Value::as_str);
    vec![
        name(it),
        spec["attachRequired"].clone(),
        spec["podInfoOnMount"].clone(),
        spec["storageCapacity"].clone(),
        json!(if audiences.is_empty() { "<unset>".to_owned() } else { audiences.join(",") }),
        spec["requiresRepublish"].clone(),
        json!(modes.collect::<Vec<_>>().join(",")),
        age(it),
    ]
}

fn service(it: &Value) -> String {
    let service = &it["spec"]["service"];
    match object::text(service, &["name"]) {
        "" => "Local".to_owned(),
        name => format!("{}/{name}", object::text(service, &["namespace"])),
    }
}

/// The condition `Available`, with the reason if it is false.
fn availability(it: &Value) -> String {
    let conditions = object::list(it, &["status", "conditions"]);
    let Some(found) = conditions.iter().find(|condition| condition["type"] == "Available") else {
        return "Unknown".to_owned();
    };
    match (object::text(found, &["status"]), object::text(found, &["reason"])) {
        ("True", _) | (_, "") => object::text(found, &["status"]).to_owned(),
        (status, reason) => format!("{status} ({reason})"),
    }
}

fn parameter_kind(it: &Value) -> String {
    let parameter = &it["spec"]["paramKind"];
    match object::text(parameter, &["kind"]) {
        "" => "<unset>".to_owned(),
        kind => format!("{}/{kind}", object::text(parameter, &["apiVersion"])),
    }
}
