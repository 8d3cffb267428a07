//! The objects of the revision that runs, as its manifest has them.
//!
//! A new manifest is held to them: what it lacks is deleted, and client-side apply takes away the fields that only they
//! have.

use serde_json::Value;

use crate::manifest::{DesiredObject, in_namespace};
use crate::{Cluster, ClusterError, ObjectKey};

/// The objects, each with its complete key.
#[derive(Debug, Default)]
pub(crate) struct Base {
    pub(crate) objects: Vec<(ObjectKey, Value)>,
}

impl Base {
    /// Finds out where the objects of a manifest live. A kind that no longer exists has taken its objects along.
    pub(crate) async fn locate(
        cluster: &Cluster,
        namespace: &str,
        objects: Vec<DesiredObject>,
    ) -> Result<Self, ClusterError> {
        let mut located = Vec::with_capacity(objects.len());
        for object in objects {
            let resource = match cluster.resource(&object.key).await {
                Ok(resource) => resource,
                Err(ClusterError::NoSuchKind { .. }) => continue,
                Err(error) => return Err(error),
            };
            let key = resource.locate(&object.key, namespace);
            let object = in_namespace(&object.object, &key);
            located.push((key, object));
        }
        Ok(Self { objects: located })
    }

    /// An object as the manifest has it.
    pub(crate) fn get(&self, key: &ObjectKey) -> Option<&Value> {
        self.objects.iter().find(|(known, _)| known.same_object(key)).map(|(_, object)| object)
    }
}
