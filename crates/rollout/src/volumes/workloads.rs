//! What uses claims: found, scaled to zero, scaled back.
//!
//! How many replicas something had stands on it as an annotation from the moment at which it has none: written by the same
//! patch, so that whoever goes on after a crash scales back to the right number. The fields are let go of afterwards. Who
//! deploys next owns them again, and meets no conflict.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{MANAGER, VolumeError, key, text};
use crate::cluster::Resource;
use crate::report::Level;
use crate::{ClusterError, Execution, ObjectKey, RolloutError};

/// What something that was scaled to zero had: `PLACE/REPLICAS`.
const SCALED: &str = "landfall.dev/scaled-down";
/// How often a change is tried that others came in between.
const TRIES: u32 = 10;
/// The kinds that can be scaled down.
const SCALABLE: [&str; 2] = ["Deployment", "StatefulSet"];

/// The workloads of a namespace.
#[derive(Clone, Copy)]
pub(super) struct Workloads<'a> {
    pub(super) execution: Execution<'a>,
    pub(super) namespace: &'a str,
    /// Whose matter it is: what one has scaled down, another one leaves alone.
    pub(super) place: &'a str,
}

impl Workloads<'_> {
    fn key(&self, api_version: &str, kind: &str, name: &str) -> ObjectKey {
        key(api_version, kind, Some(self.namespace), name)
    }

    async fn all(&self) -> Result<Vec<Value>, ClusterError> {
        let cluster = self.execution.cluster;
        let mut all = Vec::new();
        for kind in SCALABLE {
            let resource = cluster.resource(&self.key("apps/v1", kind, "")).await?;
            all.extend(cluster.list(&resource, Some(self.namespace), None).await?.items);
        }
        Ok(all)
    }

    /// The pods that use one of the claims, with the claim.
    pub(super) async fn pods(
        &self,
        claims: &BTreeSet<&str>,
    ) -> Result<Vec<(Value, String)>, ClusterError> {
        let resource = self.execution.cluster.resource(&self.key("v1", "Pod", "")).await?;
        let listed = self.execution.cluster.list(&resource, Some(self.namespace), None).await?;
        let used = |pod: Value| used_by(&pod, claims).map(|claim| (pod, claim));
        Ok(listed.items.into_iter().filter_map(used).collect())
    }

    /// What is to be scaled down so that nothing uses the claims: by their templates, and by the pods that are there. A pod
    /// that belongs to something else is an error that names it.
    pub(super) async fn using(
        &self,
        claims: &BTreeSet<&str>,
    ) -> Result<BTreeMap<ObjectKey, Value>, VolumeError> {
        let mut found = BTreeMap::new();
        for workload in self.all().await?.into_iter().filter(|it| uses(it, claims)) {
            // Whoever made it would scale it up again.
            if controller(&workload).is_some() {
                let used = claims.iter().find(|claim| uses(&workload, &BTreeSet::from([**claim])));
                let claim = used.map_or("", |claim| *claim).to_owned();
                return Err(VolumeError::Used { user: user(&workload), claim });
            }
            found.insert(ObjectKey::of(&workload), workload);
        }
        for (pod, claim) in self.pods(claims).await? {
            let Some(owner) = self.owner(&pod).await? else {
                // It goes by itself: its owner is gone already.
                if pod["metadata"]["deletionTimestamp"].is_string() {
                    continue;
                }
                return Err(VolumeError::Used { user: user(&pod), claim });
            };
            let key = ObjectKey::of(&owner);
            if controller(&owner).is_some() {
                return Err(VolumeError::Used { user: user(&pod), claim });
            }
            found.entry(key).or_insert(owner);
        }
        Ok(found)
    }

    /// What a pod belongs to in the end, as far as it can be scaled down; none where that is something else.
    async fn owner(&self, pod: &Value) -> Result<Option<Value>, ClusterError> {
        let cluster = self.execution.cluster;
        let mut object = pod.clone();
        // Pod, ReplicaSet, Deployment.
        for _ in 0..2 {
            let Some(owner) = controller(&object) else { return Ok(None) };
            let (api, kind) = (text(owner, "/apiVersion"), text(owner, "/kind"));
            if api != "apps/v1" || !["ReplicaSet", "Deployment", "StatefulSet"].contains(&kind) {
                return Ok(None);
            }
            let key = self.key(api, kind, text(owner, "/name"));
            let resource = cluster.resource(&key).await?;
            let Some(live) = cluster.get(&resource, &key).await? else { return Ok(None) };
            if SCALABLE.contains(&kind) {
                return Ok(Some(live));
            }
            object = live;
        }
        Ok(None)
    }

    /// Scales to zero and notes what there was.
    pub(super) async fn scale_down(&self, key: &ObjectKey) -> Result<(), RolloutError> {
        let place = self.place;
        let scaled = self
            .change(key, |live| {
                let replicas = replicas(live);
                let noted = json!({ SCALED: format!("{place}/{replicas}") });
                (replicas > 0).then(|| {
                    let patch = json!({
                        "metadata": { "annotations": noted }, "spec": { "replicas": 0 },
                    });
                    (patch, format!("scaled from {replicas} to 0"))
                })
            })
            .await?;
        self.told(key, scaled).await;
        Ok(())
    }

    /// Scales back what was scaled to zero, here or by whoever was at it before; what runs again.
    pub(super) async fn scale_back(&self) -> Result<Vec<Value>, RolloutError> {
        let place = self.place;
        for live in self.all().await? {
            // Who was at it before may have scaled back and not let go.
            if noted(&live, place).is_none() && without_us(&live).is_none() {
                continue;
            }
            let key = ObjectKey::of(&live);
            let scaled = self
                .change(&key, |live| {
                    let before = noted(live, place)?;
                    let mut patch = json!({ "metadata": { "annotations": { SCALED: null } } });
                    // Somebody else may have said meanwhile how many there are to be.
                    if replicas(live) == 0 {
                        patch["spec"]["replicas"] = json!(before);
                    }
                    Some((patch, format!("scaled back to {before}")))
                })
                .await?;
            self.told(&key, scaled).await;
        }
        Ok(self.all().await?)
    }

    /// What is scaled to zero, here or by whoever was at it before.
    pub(super) async fn scaled_down(&self) -> Result<Vec<String>, ClusterError> {
        let all = self.all().await?;
        let down = all.iter().filter(|it| noted(it, self.place).is_some());
        Ok(down.map(|it| ObjectKey::of(it).to_string()).collect())
    }

    async fn told(&self, key: &ObjectKey, what: Option<String>) {
        if let Some(what) = what {
            self.execution.say(Level::Info, Some(key), format!("{key} {what}")).await;
        }
    }

    /// Patches an object as it was read, again where others came in between; what was said of the patch.
    async fn change(
        &self,
        key: &ObjectKey,
        wanted: impl Fn(&Value) -> Option<(Value, String)>,
    ) -> Result<Option<String>, RolloutError> {
        let Execution { cluster, .. } = self.execution;
        let resource = cluster.resource(key).await?;
        for n in 1.. {
            let Some(live) = cluster.get(&resource, key).await? else { return Ok(None) };
            let Some((mut patch, said)) = wanted(&live) else {
                // A worker before this one may have ended between the two.
                self.let_go(&resource, key, &live).await?;
                return Ok(None);
            };
            patch["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
            self.execution.before_write().await?;
            let merge = "application/merge-patch+json";
            match cluster.patch_as(MANAGER, &resource, key, merge, &patch).await {
                Ok(changed) => {
                    self.let_go(&resource, key, &changed).await?;
                    return Ok(Some(said));
                }
                Err(error) if error.is_conflict() && n < TRIES => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Owns nothing of an object any more. Whoever applies it next does.
    async fn let_go(
        &self,
        resource: &Resource,
        key: &ObjectKey,
        changed: &Value,
    ) -> Result<(), RolloutError> {
        let cluster = self.execution.cluster;
        let mut live = Some(changed.clone());
        for n in 1.. {
            let Some(patch) = live.as_ref().and_then(without_us) else { return Ok(()) };
            self.execution.before_write().await?;
            let json_patch = "application/json-patch+json";
            match cluster.patch_as(MANAGER, resource, key, json_patch, &patch).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_conflict() && n < TRIES => {
                    live = cluster.get(resource, key).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// The JSON patch that takes our updates out of an object's managers; none where there are none, or nobody else's.
pub(super) fn without_us(live: &Value) -> Option<Value> {
    let entries = live["metadata"]["managedFields"].as_array()?;
    let ours = |entry: &&Value| entry["manager"] == MANAGER && entry["operation"] == "Update";
    let others: Vec<&Value> = entries.iter().filter(|entry| !ours(entry)).collect();
    (!others.is_empty() && others.len() < entries.len()).then(|| {
        json!([
            { "op": "replace", "path": "/metadata/managedFields", "value": others },
            { "op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"] },
        ])
    })
}

fn replicas(live: &Value) -> i64 {
    live.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1)
}

/// How many replicas there were before it was scaled to zero for this place.
fn noted(live: &Value, place: &str) -> Option<i64> {
    let noted = live.pointer("/metadata/annotations/landfall.dev~1scaled-down")?.as_str()?;
    noted.strip_prefix(place)?.strip_prefix('/')?.parse().ok()
}

fn controller(object: &Value) -> Option<&Value> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    owners.iter().find(|owner| owner["controller"] == true)
}

/// `Pod/shop/migrate-x4 of Job/migrate`.
fn user(object: &Value) -> String {
    let key = ObjectKey::of(object);
    match controller(object) {
        Some(owner) => format!("{key} of {}/{}", text(owner, "/kind"), text(owner, "/name")),
        None => key.to_string(),
    }
}

/// The first of these claims that a pod, or a pod's template, has among its volumes.
pub(super) fn used_by(pod: &Value, claims: &BTreeSet<&str>) -> Option<String> {
    let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array).into_iter().flatten();
    let mut names = volumes.map(|volume| text(volume, "/persistentVolumeClaim/claimName"));
    names.find(|name| claims.contains(name)).map(str::to_owned)
}

/// Whether a workload's pods use, or will use, one of the claims.
pub(super) fn uses(workload: &Value, claims: &BTreeSet<&str>) -> bool {
    if workload.pointer("/spec/template").is_some_and(|it| used_by(it, claims).is_some()) {
        return true;
    }
    let name = text(workload, "/metadata/name");
    let templates = workload.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
    templates.into_iter().flatten().any(|template| {
        let made = format!("{}-{name}-", text(template, "/metadata/name"));
        claims.iter().any(|claim| {
            let number = claim.strip_prefix(&made);
            number.is_some_and(|it| !it.is_empty() && it.bytes().all(|c| c.is_ascii_digit()))
        })
    })
}
