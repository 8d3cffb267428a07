//! Events as controllers emit them: repeated ones are counted, not multiplied.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::{Cluster, Part, WriteOptions};
use crate::{object, status::StatusError};

/// Who reports an Event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventSource {
    /// Component, for example `kubelet` or `deployment-controller`.
    pub component: &'static str,
    /// Node of the component; empty for controllers.
    pub host: &'static str,
}

impl EventSource {
    /// A controller.
    pub const fn controller(component: &'static str) -> Self {
        Self { component, host: "" }
    }
}

impl Cluster {
    /// Emits an Event about `about`. `field_path` names the container
    /// (`spec.containers{web}`) or is empty; `kind` is `Normal` or `Warning`.
    ///
    /// The same text about the same object raises the count of the Event already there. An Event
    /// that cannot be written is dropped, as Kubernetes' own recorders do.
    pub fn emit(
        &self,
        source: EventSource,
        about: &Value,
        field_path: &str,
        kind: &str,
        reason: &str,
        message: &str,
    ) {
        if let Err(error) = self.try_emit(source, about, field_path, kind, reason, message) {
            tracing::debug!(%error, reason, "an event was not written");
        }
    }

    fn try_emit(
        &self,
        source: EventSource,
        about: &Value,
        field_path: &str,
        kind: &str,
        reason: &str,
        message: &str,
    ) -> Result<(), StatusError> {
        let mut hasher = DefaultHasher::new();
        (object::uid(about), field_path, kind, reason, message, source.component).hash(&mut hasher);
        let name = format!("{}.{:016x}", object::name(about), hasher.finish());
        let namespace = match object::namespace(about) {
            "" => "default",
            namespace => namespace,
        };
        let now = object::now();
        let options = WriteOptions::default();
        let counted = self.update("events", namespace, &name, Part::Main, &options, |event| {
            let count = object::integer(event, &["count"]).unwrap_or(1);
            event["count"] = json!(count + 1);
            event["lastTimestamp"] = json!(now);
            Ok(())
        });
        match counted {
            Err(error) if error.is_not_found() => {}
            other => return other.map(|_| ()),
        }
        let mut event_source = json!({ "component": source.component });
        if !source.host.is_empty() {
            event_source["host"] = json!(source.host);
        }
        let event = json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": { "name": name, "namespace": namespace },
            "involvedObject": object::reference(about, field_path),
            "type": kind,
            "reason": reason,
            "message": message,
            "source": event_source,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "eventTime": null,
            "reportingComponent": source.component,
            "reportingInstance": source.host,
        });
        self.create("events", event, &options).map(|_| ())
    }
}
