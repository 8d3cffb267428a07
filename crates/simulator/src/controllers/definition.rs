//! `CustomResourceDefinition`s: their names are accepted, their resources served; those of a deleted
//! one go first.

use serde_json::{Value, json};

use super::reconcile::{Next, Reconciler};
use crate::{
    cluster::{Cluster, DeleteOptions, Part, Propagation, WriteOptions},
    kinds::custom::{CLEANUP, DEFINITIONS},
    object,
    status::StatusError,
    store::StoredObject,
};

/// The controller.
pub(super) fn controller() -> Reconciler {
    Reconciler { resource: DEFINITIONS, owned: &[], selecting: &[], reconcile }
}

fn reconcile(cluster: &Cluster, stored: &StoredObject) -> Result<Next, StatusError> {
    let definition = stored.value();
    if object::is_deleting(&definition) {
        return clean_up(cluster, &definition);
    }
    let (resources, kinds) = accepted_of_others(cluster, &definition);
    let stored = cluster.update_status(DEFINITIONS, "", &stored.name, |current| {
        accept(current, &resources, &kinds);
    })?;
    // Names that were taken may be free once another definition goes.
    let accepted = object::condition(&stored.value(), "NamesAccepted") == "True";
    Ok(if accepted { Next::OnChange } else { Next::After(RETRY) })
}

/// How long a definition waits for its names, and for its objects to go.
const RETRY: std::time::Duration = std::time::Duration::from_secs(1);

/// The names that other definitions of the group have: of resources, and of kinds.
fn accepted_of_others(cluster: &Cluster, definition: &Value) -> (Vec<String>, Vec<String>) {
    let group = object::text(definition, &["spec", "group"]);
    let (mut resources, mut kinds) = (Vec::new(), Vec::new());
    for other in cluster.store().list(DEFINITIONS, None).1 {
        let other = other.value();
        if object::uid(&other) == object::uid(definition)
            || object::text(&other, &["spec", "group"]) != group
        {
            continue;
        }
        let Some(names) = object::at(&other, &["status", "acceptedNames"]) else { continue };
        let text = |key: &str| object::text(names, &[key]).to_owned();
        let short = object::list(names, &["shortNames"]).iter().filter_map(Value::as_str);
        resources.extend(short.map(str::to_owned));
        resources.extend([text("plural"), text("singular")]);
        kinds.extend([text("kind"), text("listKind")]);
    }
    (resources, kinds)
}

/// Takes over the names that are free, and establishes a definition that got all of them.
fn accept(definition: &mut Value, resources: &[String], kinds: &[String]) {
    let requested = definition["spec"]["names"].clone();
    let accepted = object::at(definition, &["status", "acceptedNames"]).cloned();
    let mut accepted = accepted.unwrap_or_else(|| json!({ "plural": "", "kind": "" }));
    let mut conflict = None;
    for (key, reason, taken) in [
        ("plural", "PluralConflict", resources),
        ("singular", "SingularConflict", resources),
        ("shortNames", "ShortNamesConflict", resources),
        ("kind", "KindConflict", kinds),
        ("listKind", "ListKindConflict", kinds),
        ("categories", "", &[]),
    ] {
        let wanted = requested.get(key);
        if wanted == accepted.get(key) {
            continue;
        }
        let clashes = match wanted {
            Some(Value::Array(names)) => names.iter().find(|name| is_taken(name, taken)),
            name => name.filter(|name| is_taken(name, taken)),
        };
        match (clashes, wanted) {
            (Some(name), _) => conflict = Some((reason, format!("{name} is already in use"))),
            (None, Some(names)) => accepted[key] = names.clone(),
            (None, None) => {
                object::remove(&mut accepted, key);
            }
        }
    }
    object::map_mut(definition, "status").insert("acceptedNames".to_owned(), accepted);
    let established = object::condition(definition, "Established") == "True";
    if let Some((reason, message)) = conflict {
        object::set_condition(definition, "NamesAccepted", "False", reason, &message);
        if !established {
            let text = "not all names are accepted";
            object::set_condition(definition, "Established", "False", "NotAccepted", text);
        }
        return;
    }
    let text = "no conflicts found";
    object::set_condition(definition, "NamesAccepted", "True", "NoConflicts", text);
    if !established {
        let (reason, text) = ("InitialNamesAccepted", "the initial names have been accepted");
        object::set_condition(definition, "Established", "True", reason, text);
    }
}

fn is_taken(name: &Value, taken: &[String]) -> bool {
    name.as_str().is_some_and(|name| taken.iter().any(|it| it == name))
}

/// Deletes the objects of a definition that is about to go, then lets it go.
fn clean_up(cluster: &Cluster, definition: &Value) -> Result<Next, StatusError> {
    let finalizers = object::list(definition, &["metadata", "finalizers"]);
    if !finalizers.contains(&json!(CLEANUP)) {
        return Ok(Next::OnChange);
    }
    let name = object::name(definition);
    for left in cluster.store().list(name, None).1 {
        if !left.is_deleting() {
            let options = DeleteOptions::propagation(Propagation::Background);
            match cluster.delete(name, &left.namespace, &left.name, &options) {
                Err(error) if !error.is_not_found() => return Err(error),
                _ => {}
            }
        }
    }
    if !cluster.store().list(name, None).1.is_empty() {
        cluster.update_status(DEFINITIONS, "", name, |current| {
            let text = "CustomResource deletion is in progress";
            let reason = "InstanceDeletionInProgress";
            object::set_condition(current, "Terminating", "True", reason, text);
        })?;
        // Somebody's finalizers keep them.
        return Ok(Next::After(RETRY));
    }
    let options = WriteOptions::default();
    cluster.update(DEFINITIONS, "", name, Part::Main, &options, |current| {
        let finalizers = object::metadata_mut(current).get_mut("finalizers");
        if let Some(finalizers) = finalizers.and_then(Value::as_array_mut) {
            finalizers.retain(|it| it != CLEANUP);
        }
        Ok(())
    })?;
    Ok(Next::OnChange)
}
