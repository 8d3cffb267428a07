//! Server-side apply: merging a configuration into an object by field ownership.

use serde_json::{Map, Value, json};

use super::{
    fields::FieldSet,
    managed::{self, Manager, Operation},
    typed::{self, Nulls},
};
use crate::{
    cluster::Part,
    kinds::{Kind, schema::Place},
    object,
    status::{Cause, StatusError},
};

/// What a server-side apply asks for.
#[derive(Debug, Clone)]
pub(crate) struct Apply<'a> {
    /// The configuration, in the form the object is stored in.
    pub(crate) config: &'a Value,
    /// Who applies.
    pub(crate) manager: &'a str,
    /// Whether fields of others are taken over instead of refused.
    pub(crate) force: bool,
    /// The `apiVersion` that the applier speaks; empty: the stored one.
    pub(crate) api_version: &'a str,
    /// Which part is applied.
    pub(crate) part: Part,
}

impl Apply<'_> {
    /// The object that applying to `live` gives (`None`: there is none yet), managers included,
    /// before defaults and validation.
    pub(crate) fn to(&self, kind: &Kind, live: Option<&Value>) -> Result<Value, StatusError> {
        if self.config["metadata"].get("managedFields").is_some_and(|it| !it.is_null()) {
            return Err(StatusError::bad_request("metadata.managedFields must be nil"));
        }
        let shape = kind.shape();
        let root = Place::root(&shape);
        self.check(kind, root)?;
        let config = self.own_part(kind);
        let mut own = Manager::new(self.manager, Operation::Apply, kind, self.part);
        own.speaks(self.api_version);
        own.fields = typed::fields_of(&config, root);
        managed::strip(&mut own.fields, kind, self.part);
        let Some(live) = live else {
            let mut created = Nulls::in_kind(kind).of(&config);
            managed::write(&mut created, vec![own]);
            return Ok(created);
        };

        let mut managers = managed::read(live);
        if managers.is_empty() {
            managers.push(before_first_apply(kind, live, root));
        }
        let last = managers.iter().find(|it| it.is(&own)).cloned();
        managers.retain(|it| !it.is(&own));
        let mut merged = typed::merge(live, &config, root, Nulls::in_kind(kind));
        if let Some(last) = &last {
            let mut everyone = own.fields.clone();
            for other in &managers {
                everyone.add(&other.fields);
            }
            typed::prune(&mut merged, root, &last.fields, &everyone);
        }
        let difference = typed::difference(live, &merged, root);
        let set = difference.set();
        self.refuse_conflicts(&managers, &set)?;
        for other in &mut managers {
            other.fields.subtract(&set);
            other.fields.subtract(&difference.removed);
        }
        if let Some(last) = last
            && last.fields == own.fields
            && last.api_version == own.api_version
        {
            // An apply that changes nothing writes nothing: the time stays, too.
            own.time = last.time;
        }
        managers.push(own);
        managed::write(&mut merged, managers);
        Ok(merged)
    }

    fn check(&self, kind: &Kind, root: Place<'_>) -> Result<(), StatusError> {
        let problems = typed::problems(self.config, root);
        if problems.is_empty() {
            return Ok(());
        }
        let place = format!(
            "{}/{}; {}, Kind={}",
            object::namespace(self.config),
            object::name(self.config),
            kind.api_version(),
            kind.kind
        );
        let list = match problems.as_slice() {
            [one] => one.clone(),
            many => format!("errors:\n  {}", many.join("\n  ")),
        };
        Err(StatusError::unknown(format!("failed to create typed patch object ({place}): {list}")))
    }

    /// The configuration without what this endpoint does not take.
    fn own_part(&self, kind: &Kind) -> Value {
        let mut config = self.config.clone();
        match self.part {
            Part::Main => {
                if kind.status {
                    object::remove(&mut config, "status");
                }
            }
            Part::Status => {
                let keep = ["apiVersion", "kind", "metadata", "status"];
                let map: Map<String, Value> = config
                    .as_object()
                    .into_iter()
                    .flatten()
                    .filter(|(key, _)| keep.contains(&key.as_str()))
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect();
                config = Value::Object(map);
                config["metadata"] = json!({
                    "name": object::name(self.config),
                    "namespace": object::namespace(self.config),
                });
            }
        }
        config
    }

    fn refuse_conflicts(&self, managers: &[Manager], set: &FieldSet) -> Result<(), StatusError> {
        if self.force {
            return Ok(());
        }
        let mut conflicts: Vec<(String, Vec<String>)> = managers
            .iter()
            .map(|other| (other.shown(), other.fields.intersection(set).paths()))
            .filter(|(_, paths)| !paths.is_empty())
            .collect();
        conflicts.sort();
        let causes: Vec<Cause> = conflicts
            .iter()
            .flat_map(|(manager, paths)| {
                paths.iter().map(move |path| Cause {
                    reason: "FieldManagerConflict",
                    message: format!("conflict with {manager}"),
                    field: path.clone(),
                })
            })
            .collect();
        let message = match causes.as_slice() {
            [] => return Ok(()),
            [one] => format!("Apply failed with 1 conflict: {}: {}", one.message, one.field),
            many => {
                let lists: Vec<String> = conflicts
                    .iter()
                    .map(|(manager, paths)| {
                        format!("conflicts with {manager}:\n- {}", paths.join("\n- "))
                    })
                    .collect();
                format!("Apply failed with {} conflicts: {}", many.len(), lists.join("\n"))
            }
        };
        Err(StatusError::apply_conflict(message, &causes))
    }
}

/// The manager that owns what was there before anybody's ownership was recorded.
fn before_first_apply(kind: &Kind, live: &Value, root: Place<'_>) -> Manager {
    let mut manager = Manager::new("before-first-apply", Operation::Update, kind, Part::Main);
    manager.fields = typed::difference(&Value::Null, live, root).added;
    managed::strip(&mut manager.fields, kind, Part::Main);
    manager
}
