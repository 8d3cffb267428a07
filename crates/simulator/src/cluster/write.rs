//! Creating and updating objects.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Cluster;
use crate::{
    admission,
    kinds::Kind,
    object, patch,
    status::StatusError,
    store::{StoredObject, WriteError},
};

/// Who writes and how.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// The field manager that becomes the owner of what is written; empty: ownership is left as it
    /// is (status updates by controllers do that, to keep objects small).
    pub manager: String,
    /// Do everything but keep the result.
    pub dry_run: bool,
    /// The `apiVersion` that the writer speaks, as ownership records it; empty: the stored one.
    pub api_version: String,
}

impl WriteOptions {
    /// Options of a controller: its writes are owned by `manager`.
    pub fn manager(manager: &str) -> Self {
        Self { manager: manager.to_owned(), ..Self::default() }
    }
}

/// Which part of an object a write may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Everything but the status (for kinds that have the subresource).
    Main,
    /// The status (and nothing else).
    Status,
}

impl Part {
    /// The name of the subresource, empty for the object itself.
    pub fn subresource(self) -> &'static str {
        match self {
            Self::Main => "",
            Self::Status => "status",
        }
    }
}

/// How often a write that raced is tried again before the caller hears of it.
const ATTEMPTS: usize = 16;

impl Cluster {
    /// Creates an object. `metadata.namespace` says where; `generateName` is honoured.
    pub fn create(
        &self,
        resource: &str,
        mut value: Value,
        options: &WriteOptions,
    ) -> Result<Arc<StoredObject>, StatusError> {
        let kind = self.kind(resource)?;
        admission::prepare_create(self, &kind, &mut value)?;
        if !options.manager.is_empty() {
            patch::record_update(&kind, None, &mut value, options, Part::Main);
        }
        admission::label_as_template(&kind, &mut value);
        self.insert(&kind, value, options)
    }

    /// Stores a complete new object, as [`create`](Self::create) and apply end.
    pub(crate) fn insert(
        &self,
        kind: &Arc<Kind>,
        value: Value,
        options: &WriteOptions,
    ) -> Result<Arc<StoredObject>, StatusError> {
        let name = object::name(&value).to_owned();
        if self.store().get(&kind.storage, object::namespace(&value), &name).is_some() {
            return Err(StatusError::already_exists(kind, &name));
        }
        if options.dry_run {
            return Ok(Arc::new(StoredObject::new(kind, &value, 0)));
        }
        self.before_write(kind, &value);
        match self.store().put(kind, value, None) {
            Ok(stored) => {
                self.garbage().created(&stored);
                Ok(stored)
            }
            Err(WriteError::Raced) => Err(StatusError::already_exists(kind, &name)),
            Err(error) => Err(write_failed(&error)),
        }
    }

    /// Changes an object: `change` gets the current one and makes it the wanted one. If somebody
    /// else wrote meanwhile, `change` is called again on the newer object, unless it sets a
    /// `metadata.resourceVersion` that is not the current one: that is refused as a conflict.
    ///
    /// Rules of updates apply: immutable metadata stays, the generation grows with the spec, the
    /// other part ([`Part`]) is kept as it was. Without any difference nothing is written.
    pub fn update(
        &self,
        resource: &str,
        namespace: &str,
        name: &str,
        part: Part,
        options: &WriteOptions,
        mut change: impl FnMut(&mut Value) -> Result<(), StatusError>,
    ) -> Result<Arc<StoredObject>, StatusError> {
        let kind = self.kind(resource)?;
        for _ in 0..ATTEMPTS {
            let current = self.get(resource, namespace, name)?;
            let old = self.present_form(&current)?;
            let mut new = old.clone();
            change(&mut new)?;
            admission::prepare_update(self, &kind, part, &old, &mut new)?;
            if !options.manager.is_empty() {
                patch::record_update(&kind, Some(&old), &mut new, options, part);
            }
            match self.replace(&kind, &current, &old, new, options) {
                Err(error) if error.is_conflict() => {}
                other => return other,
            }
        }
        Err(StatusError::conflict(&kind, name))
    }

    /// Stores `new` in the place of `current`, if that is still the newest; a conflict otherwise.
    /// An object whose deletion waited only for finalizers that `new` no longer has, goes.
    pub(crate) fn replace(
        &self,
        kind: &Arc<Kind>,
        current: &Arc<StoredObject>,
        old: &Value,
        new: Value,
        options: &WriteOptions,
    ) -> Result<Arc<StoredObject>, StatusError> {
        if new == *old {
            return Ok(Arc::clone(current));
        }
        if options.dry_run {
            return Ok(Arc::new(StoredObject::new(kind, &new, current.revision)));
        }
        let raced = || StatusError::conflict(kind, &current.name);
        if object::is_deleting(&new) && super::delete::may_go(kind, &new) {
            let removed = self.store().remove(current, current.revision);
            return match removed {
                Ok(last) => {
                    self.after_removal(&last);
                    Ok(last)
                }
                Err(WriteError::Raced) => Err(raced()),
                Err(error) => Err(write_failed(&error)),
            };
        }
        self.before_write(kind, &new);
        match self.store().put(kind, new, Some(current.revision)) {
            Ok(stored) => {
                self.garbage().changed(&stored);
                Ok(stored)
            }
            Err(WriteError::Raced) => Err(raced()),
            Err(error) => Err(write_failed(&error)),
        }
    }

    /// Changes an object's status as a controller does: no field ownership, nothing but the status.
    pub fn update_status(
        &self,
        resource: &str,
        namespace: &str,
        name: &str,
        mut change: impl FnMut(&mut Value),
    ) -> Result<Arc<StoredObject>, StatusError> {
        let options = WriteOptions::default();
        self.update(resource, namespace, name, Part::Status, &options, |object| {
            change(object);
            Ok(())
        })
    }
}

impl Cluster {
    /// Applies a configuration; answers whether the object is new.
    pub(crate) fn apply(
        &self,
        resource: &str,
        apply: &patch::Apply<'_>,
        options: &WriteOptions,
    ) -> Result<(bool, Arc<StoredObject>), StatusError> {
        let kind = self.kind(resource)?;
        let (namespace, name) = (object::namespace(apply.config), object::name(apply.config));
        loop {
            let current = self.store().get(resource, namespace, name);
            let written = match &current {
                None if apply.part == Part::Status => {
                    return Err(StatusError::not_found(&kind, name));
                }
                None => {
                    let mut value = apply.to(&kind, None)?;
                    admission::prepare_create(self, &kind, &mut value)?;
                    admission::label_as_template(&kind, &mut value);
                    self.insert(&kind, value, options).map(|stored| (true, stored))
                }
                Some(current) => {
                    let old = self.present_form(current)?;
                    let mut new = apply.to(&kind, Some(&old))?;
                    admission::prepare_update(self, &kind, apply.part, &old, &mut new)?;
                    self.replace(&kind, current, &old, new, options).map(|stored| (false, stored))
                }
            };
            match written {
                // Somebody else was faster: apply to what is there now.
                Err(error) if error.is_conflict() || error.is_already_exists() => {}
                other => return other,
            }
        }
    }
}

/// The metadata that a new object gets from the server.
pub(crate) fn stamp(value: &mut Value) {
    let metadata = object::metadata_mut(value);
    metadata.insert("uid".to_owned(), json!(new_uid()));
    metadata.insert("creationTimestamp".to_owned(), json!(object::now()));
    for key in ["resourceVersion", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        metadata.shift_remove(key);
    }
}

/// A random uid.
fn new_uid() -> String {
    uuid::Builder::from_random_bytes(random()).into_uuid().to_string()
}

/// The five letters Kubernetes appends to a `generateName`, from its alphabet without vowels.
pub(crate) fn name_suffix() -> String {
    const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    let bytes: [u8; 5] = random();
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect()
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system always has random bytes");
    bytes
}

pub(crate) fn write_failed(error: &WriteError) -> StatusError {
    tracing::error!(error = %crate::error_chain(error), "the simulator could not keep a change");
    StatusError::internal("the simulator's data file could not be written")
}
