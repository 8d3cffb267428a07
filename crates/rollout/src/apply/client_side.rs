//! Sending an object as Helm does without server-side apply: what is not there is created, what is there is patched.

use serde_json::Value;

use super::Sent;
use crate::cluster::{Effect, Resource};
use crate::three_way::Patch;
use crate::{Cluster, ClusterError, ObjectKey};

/// What a release wants of one object, and what there is.
#[derive(Clone, Copy)]
pub(crate) struct Change<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) key: &'a ObjectKey,
    /// As the manifest of the revision before has it.
    pub(crate) original: Option<&'a Value>,
    /// As it is in the cluster.
    pub(crate) live: Option<&'a Value>,
    /// As it shall be, marked.
    pub(crate) target: &'a Value,
}

impl Change<'_> {
    /// What is done with it.
    pub(crate) fn sent(&self) -> Sent {
        if self.live.is_some() { Sent::Patched } else { Sent::Created }
    }

    /// Sends it; the answer is the object as it is, or would be. Where nothing is left to change nothing is sent.
    pub(crate) async fn send(
        &self,
        cluster: &Cluster,
        effect: Effect,
    ) -> Result<Value, ClusterError> {
        let Self { resource, key, original, target, .. } = *self;
        let Some(live) = self.live else {
            return cluster.create(resource, key, target, effect).await;
        };
        let patch = Patch::three_way(key, original, live, target);
        if patch.is_empty() {
            return Ok(live.clone());
        }
        let Patch { content_type, body } = patch;
        cluster.patch(resource, key, content_type, &Value::Object(body), effect).await
    }
}
