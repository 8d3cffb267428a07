//! Which custom resources a cluster serves: those of its established definitions.

use std::sync::Arc;

use serde_json::Value;

use super::Cluster;
use crate::{
    kinds::{
        Kind, Kinds,
        custom::{self, DEFINITIONS},
    },
    object,
    status::StatusError,
    store::StoredObject,
};

impl Cluster {
    /// Serves the resources of an established definition. It is called before the definition is
    /// written, so that whoever sees it established finds its resources.
    pub(super) fn before_write(&self, kind: &Kind, value: &Value) {
        if kind.storage != DEFINITIONS || !custom::is_established(value) {
            return;
        }
        for kind in custom::kinds_of(value) {
            self.store().add_resource(&kind.storage);
        }
        self.change_kinds(|kinds| kinds.with_definition(value));
    }

    /// Tells those who care that an object is gone; the resources of a definition go with it.
    pub(super) fn after_removal(&self, last: &Arc<StoredObject>) {
        if last.kind.storage == DEFINITIONS {
            self.change_kinds(|kinds| kinds.without_definition(&last.name));
            if let Err(error) = self.store().drop_resource(&last.name) {
                super::write::write_failed(&error);
            }
        }
        self.garbage().removed(last);
    }

    fn change_kinds(&self, change: impl FnOnce(&Kinds) -> Kinds) {
        let mut kinds = self.inner.kinds.write().expect("no code panics while it holds the kinds");
        *kinds = Arc::new(change(&kinds));
    }

    /// An object as a value, in the form in which its resource is stored at present: a definition
    /// may have taken another version for that since the object was written.
    pub(crate) fn present_form(&self, stored: &StoredObject) -> Result<Value, StatusError> {
        let mut value = stored.value();
        if stored.kind.custom.is_some() {
            value["apiVersion"] = self.kind(&stored.kind.storage)?.api_version().into();
        }
        Ok(value)
    }

    /// Whether a definition is about to go.
    pub(crate) fn is_terminating(&self, definition: &str) -> bool {
        let found = self.store().get(DEFINITIONS, "", definition);
        found.is_some_and(|definition| object::is_deleting(&definition.value()))
    }
}
