//! `metadata.managedFields`: reading, writing and keeping it true under updates.

use serde_json::{Value, json};

use super::{fields::FieldSet, typed};
use crate::{
    cluster::{Part, WriteOptions},
    kinds::{Kind, schema::Place},
    object,
};

/// How a manager came to own its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// By server-side apply.
    Apply,
    /// By any other write.
    Update,
}

/// One entry of `managedFields`.
#[derive(Debug, Clone)]
pub(crate) struct Manager {
    pub(crate) name: String,
    pub(crate) operation: Operation,
    pub(crate) api_version: String,
    pub(crate) subresource: String,
    pub(crate) time: String,
    pub(crate) fields: FieldSet,
}

impl Manager {
    /// A manager that owns nothing yet.
    pub(crate) fn new(name: &str, operation: Operation, kind: &Kind, part: Part) -> Self {
        Self {
            name: name.to_owned(),
            operation,
            api_version: kind.api_version(),
            subresource: part.subresource().to_owned(),
            time: object::now(),
            fields: FieldSet::default(),
        }
    }

    /// Records the version that the manager speaks, if it is another than the stored one.
    pub(crate) fn speaks(&mut self, api_version: &str) {
        if !api_version.is_empty() {
            api_version.clone_into(&mut self.api_version);
        }
    }

    /// Whether both are the same manager. Appliers are whatever version they apply in.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.name == other.name
            && self.operation == other.operation
            && self.subresource == other.subresource
            && (self.operation == Operation::Apply || self.api_version == other.api_version)
    }

    /// The manager as conflict messages name it.
    pub(crate) fn shown(&self) -> String {
        let mut text = format!("{:?}", self.name);
        if !self.subresource.is_empty() {
            text = format!("{text} with subresource {:?}", self.subresource);
        }
        if self.operation == Operation::Update {
            text = format!("{text} using {}", self.api_version);
        }
        text
    }
}

/// The managers of an object.
pub(crate) fn read(object: &Value) -> Vec<Manager> {
    let entries = object::list(object, &["metadata", "managedFields"]);
    let managers = entries.iter().map(|entry| Manager {
        name: object::text(entry, &["manager"]).to_owned(),
        operation: match object::text(entry, &["operation"]) {
            "Apply" => Operation::Apply,
            _ => Operation::Update,
        },
        api_version: object::text(entry, &["apiVersion"]).to_owned(),
        subresource: object::text(entry, &["subresource"]).to_owned(),
        time: object::text(entry, &["time"]).to_owned(),
        fields: FieldSet::from_json(&entry["fieldsV1"]),
    });
    managers.filter(|manager| !manager.fields.is_empty()).collect()
}

/// Writes the managers of an object, in Kubernetes' order.
pub(crate) fn write(object: &mut Value, mut managers: Vec<Manager>) {
    managers.retain(|manager| !manager.fields.is_empty());
    managers.sort_by(|a, b| {
        (a.operation, &a.time, &a.name, &a.api_version, &a.subresource).cmp(&(
            b.operation,
            &b.time,
            &b.name,
            &b.api_version,
            &b.subresource,
        ))
    });
    let entries: Vec<Value> = managers
        .iter()
        .map(|manager| {
            let mut entry = json!({
                "manager": manager.name,
                "operation": match manager.operation {
                    Operation::Apply => "Apply",
                    Operation::Update => "Update",
                },
                "apiVersion": manager.api_version,
                "time": manager.time,
                "fieldsType": "FieldsV1",
                "fieldsV1": manager.fields.to_json(),
            });
            if !manager.subresource.is_empty() {
                entry["subresource"] = json!(manager.subresource);
            }
            entry
        })
        .collect();
    let metadata = object::metadata_mut(object);
    if entries.is_empty() {
        metadata.shift_remove("managedFields");
    } else {
        metadata.insert("managedFields".to_owned(), Value::Array(entries));
    }
}

/// Takes out of a set what nobody owns: identity, what the server sets, and the other part.
pub(crate) fn strip(fields: &mut FieldSet, kind: &Kind, part: Part) {
    fields.remove(&["f:apiVersion"]);
    fields.remove(&["f:kind"]);
    for key in [
        "f:name",
        "f:namespace",
        "f:creationTimestamp",
        "f:selfLink",
        "f:uid",
        "f:generation",
        "f:managedFields",
        "f:resourceVersion",
        "f:deletionTimestamp",
        "f:deletionGracePeriodSeconds",
    ] {
        fields.remove(&["f:metadata", key]);
    }
    match part {
        Part::Main if kind.status => fields.remove(&["f:status"]),
        Part::Main => {}
        Part::Status => fields.remove(&["f:spec"]),
    }
}

/// Keeps `managedFields` of `new` true after a create (`old` is `None`) or an update by a manager:
/// it owns what it changed, everyone loses what is gone or was changed.
pub(crate) fn record_update(
    kind: &Kind,
    old: Option<&Value>,
    new: &mut Value,
    options: &WriteOptions,
    part: Part,
) {
    let mut managers = if old.is_some() { read(new) } else { Vec::new() };
    let shape = kind.shape();
    let missing = Value::Null;
    let difference = typed::difference(old.unwrap_or(&missing), new, Place::root(&shape));
    let (mut set, mut removed) = (difference.set(), difference.removed);
    strip(&mut set, kind, part);
    strip(&mut removed, kind, part);
    if set.is_empty() && removed.is_empty() && old.is_some() {
        write(new, managers);
        return;
    }
    let mut own = Manager::new(&options.manager, Operation::Update, kind, part);
    own.speaks(&options.api_version);
    for other in &mut managers {
        other.fields.subtract(&removed);
        if other.is(&own) {
            own.fields = other.fields.clone();
        } else {
            other.fields.subtract(&set);
        }
    }
    managers.retain(|other| !other.is(&own));
    own.fields.add(&set);
    managers.push(own);
    write(new, managers);
}
