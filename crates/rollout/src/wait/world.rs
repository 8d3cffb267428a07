//! What is known while waiting: the objects of the release and what hangs on them. Pure.
//!
//! Answers who owns a pod, which pods are those being rolled out, and how ready everything is.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{Readiness, Rule, State};
use crate::ObjectKey;
use crate::cluster::Change;

/// The objects waited for, and their pods.
#[derive(Debug)]
pub(crate) struct World {
    rule: Rule,
    tracked: Vec<Tracked>,
    replica_sets: HashMap<String, Value>,
    pods: HashMap<String, Value>,
    claims: HashMap<String, Value>,
}

/// One object of the release.
#[derive(Debug)]
pub(crate) struct Tracked {
    pub(crate) key: ObjectKey,
    object: Option<Value>,
    pub(crate) readiness: Readiness,
}

impl Tracked {
    pub(crate) fn is_ready(&self) -> bool {
        self.readiness.state == State::Current
    }

    /// It as it was seen last, if it is there.
    pub(crate) fn object(&self) -> Option<&Value> {
        self.object.as_ref()
    }

    fn uid(&self) -> Option<&str> {
        self.object.as_ref().and_then(uid)
    }
}

impl World {
    pub(crate) fn new(keys: impl IntoIterator<Item = ObjectKey>, rule: Rule) -> Self {
        let tracked = keys
            .into_iter()
            .map(|key| Tracked { key, object: None, readiness: Readiness::not_found() })
            .collect();
        Self {
            rule,
            tracked,
            replica_sets: HashMap::new(),
            pods: HashMap::new(),
            claims: HashMap::new(),
        }
    }

    /// By which rule its objects are ready.
    pub(crate) fn rule(&self) -> Rule {
        self.rule
    }

    pub(crate) fn tracked(&self) -> &[Tracked] {
        &self.tracked
    }

    /// Takes note of an object of the release, or of its absence; the index if its state changed.
    pub(crate) fn set(
        &mut self,
        key: &ObjectKey,
        object: Option<Value>,
        now: Timestamp,
    ) -> Option<usize> {
        let index = self.tracked.iter().position(|tracked| tracked.key.same_object(key))?;
        self.tracked[index].object = object;
        self.judge(index, now).then_some(index)
    }

    /// Takes note of changes to objects of one kind and namespace; the indexes of those whose state
    /// changed.
    pub(crate) fn observe(
        &mut self,
        kind: &ObjectKey,
        change: Change,
        now: Timestamp,
    ) -> Vec<usize> {
        match change {
            Change::Is(object) => {
                let key = ObjectKey::of(&object);
                self.set(&key, Some(object), now).into_iter().collect()
            }
            Change::Gone(object) => {
                let key = ObjectKey {
                    api_version: kind.api_version.clone(),
                    kind: kind.kind.clone(),
                    ..ObjectKey::of(&object)
                };
                self.set(&key, None, now).into_iter().collect()
            }
            Change::All(objects) => {
                let mut by_key: HashMap<ObjectKey, Value> =
                    objects.into_iter().map(|object| (ObjectKey::of(&object), object)).collect();
                let concerned: Vec<ObjectKey> = self
                    .tracked
                    .iter()
                    .map(|tracked| tracked.key.clone())
                    .filter(|key| {
                        key.api_version == kind.api_version
                            && key.kind == kind.kind
                            && key.namespace == kind.namespace
                    })
                    .collect();
                concerned
                    .into_iter()
                    .filter_map(|key| self.set(&key, by_key.remove(&key), now))
                    .collect()
            }
        }
    }

    /// Judges everything anew, for rules that look at the clock; the indexes of what changed.
    pub(crate) fn judge_all(&mut self, now: Timestamp) -> Vec<usize> {
        (0..self.tracked.len()).filter(|index| self.judge(*index, now)).collect()
    }

    fn judge(&mut self, index: usize, now: Timestamp) -> bool {
        let tracked = &mut self.tracked[index];
        let judged = match &tracked.object {
            Some(object) => self.rule.readiness(object, now),
            None => Readiness::not_found(),
        };
        let changed = judged != tracked.readiness;
        tracked.readiness = judged;
        changed
    }

    pub(crate) fn observe_pods(&mut self, change: Change) {
        note(&mut self.pods, change);
    }

    pub(crate) fn observe_replica_sets(&mut self, change: Change) {
        note(&mut self.replica_sets, change);
    }

    pub(crate) fn observe_claims(&mut self, change: Change) {
        note(&mut self.claims, change);
    }

    /// The object of the release that an object with this uid is or belongs to; of a volume claim that of a pod that
    /// mounts it.
    pub(crate) fn root(&self, uid: &str) -> Option<&Tracked> {
        if let Some(tracked) = self.tracked.iter().find(|tracked| tracked.uid() == Some(uid)) {
            return Some(tracked);
        }
        if let Some(claim) = self.claims.get(uid) {
            return self.pods.values().filter(|pod| mounts(pod, claim)).find_map(|pod| {
                let owner = controller(pod)?;
                self.root(owner)
            });
        }
        let object = self.pods.get(uid).or_else(|| self.replica_sets.get(uid))?;
        self.root(controller(object)?)
    }

    /// The volume claims that a pod mounts, as far as they are there, in the order of their names.
    pub(crate) fn claims_of(&self, pod: &Value) -> Vec<&Value> {
        let mut claims: Vec<&Value> =
            self.claims.values().filter(|claim| mounts(pod, claim)).collect();
        claims.sort_by_key(|claim| claim["metadata"]["name"].as_str());
        claims
    }

    /// Of an object its pods of the newest template, in the order of their names.
    pub(crate) fn pods_of(&self, tracked: &Tracked) -> Vec<&Value> {
        let mut pods: Vec<&Value> = self
            .new_pods()
            .filter(|(owner, _)| owner.key == tracked.key)
            .map(|(_, pod)| pod)
            .collect();
        pods.sort_by_key(|pod| pod["metadata"]["name"].as_str());
        pods
    }

    /// What makes an object's new pods: itself, or of a Deployment its newest `ReplicaSet`; none if that is not there.
    pub(crate) fn maker<'a>(&'a self, tracked: &'a Tracked) -> Option<&'a Value> {
        match tracked.key.kind.as_str() {
            "Deployment" => self.replica_sets.get(self.newest_replica_set(tracked)?),
            _ => tracked.object(),
        }
    }

    /// The pods that are being rolled out, with the object of the release they belong to: those of the
    /// newest template.
    pub(crate) fn new_pods(&self) -> impl Iterator<Item = (&Tracked, &Value)> {
        self.pods.values().filter_map(|pod| {
            let tracked = self.root(uid(pod)?)?;
            self.is_new(tracked, pod).then_some((tracked, pod))
        })
    }

    fn is_new(&self, tracked: &Tracked, pod: &Value) -> bool {
        let Some(object) = &tracked.object else { return false };
        let label = |name: &str| pod["metadata"]["labels"][name].as_str();
        match tracked.key.kind.as_str() {
            "Deployment" => {
                controller(pod).is_some_and(|set| Some(set) == self.newest_replica_set(tracked))
            }
            "StatefulSet" => {
                let newest = object.pointer("/status/updateRevision").and_then(Value::as_str);
                newest.is_none() || label("controller-revision-hash") == newest
            }
            "DaemonSet" => {
                let generation =
                    object["metadata"]["annotations"]["deprecated.daemonset.template.generation"]
                        .as_str();
                generation.is_none() || label("pod-template-generation") == generation
            }
            _ => true,
        }
    }

    /// The uid of a Deployment's newest `ReplicaSet`; none before the controller has seen the newest
    /// template, and none before that set is known here: another watch tells of sets, and may be behind. The Deployment carries
    /// the revision of its newest set.
    fn newest_replica_set(&self, deployment: &Tracked) -> Option<&str> {
        let object = deployment.object.as_ref()?;
        let observed = object.pointer("/status/observedGeneration").and_then(Value::as_i64);
        if observed != object.pointer("/metadata/generation").and_then(Value::as_i64) {
            return None;
        }
        let newest = self
            .replica_sets
            .values()
            .filter(|set| controller(set) == deployment.uid())
            .max_by_key(|set| revision(set))?;
        (revision(newest) >= revision(object)).then_some(newest).and_then(uid)
    }
}

/// The number that the controller of Deployments gives a set whenever it becomes the one in use; 0 without one.
fn revision(object: &Value) -> u64 {
    let text = object["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str();
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn note(known: &mut HashMap<String, Value>, change: Change) {
    let keyed = |object: Value| uid(&object).map(str::to_owned).map(|uid| (uid, object));
    match change {
        Change::Is(object) => known.extend(keyed(object)),
        Change::Gone(object) => {
            if let Some(uid) = uid(&object) {
                known.remove(uid);
            }
        }
        Change::All(objects) => *known = objects.into_iter().filter_map(keyed).collect(),
    }
}

/// An object's uid.
pub(crate) fn uid(object: &Value) -> Option<&str> {
    object["metadata"]["uid"].as_str()
}

/// Whether a pod has a volume of this claim.
fn mounts(pod: &Value, claim: &Value) -> bool {
    let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array);
    pod["metadata"]["namespace"] == claim["metadata"]["namespace"]
        && volumes
            .into_iter()
            .flatten()
            .any(|volume| volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"])
}

/// The uid of the object that manages this one.
fn controller(object: &Value) -> Option<&str> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    owners.iter().find(|owner| owner["controller"] == true)?["uid"].as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn world(kind: &str) -> World {
        let key = ObjectKey {
            api_version: "apps/v1".to_owned(),
            kind: kind.to_owned(),
            namespace: Some("prod".to_owned()),
            name: "web".to_owned(),
        };
        World::new([key], Rule::Release { jobs: false })
    }

    fn owned(uid: &str, owner: &str, metadata: &Value) -> Value {
        let mut object = json!({ "metadata": {
            "uid": uid, "name": uid, "ownerReferences": [{ "uid": owner, "controller": true }],
        } });
        object["metadata"].as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
        object
    }

    fn see(world: &mut World, observed: u64, status: &Value) {
        let mut object = json!({
            "apiVersion": "apps/v1", "kind": world.tracked()[0].key.kind,
            "metadata": { "name": "web", "namespace": "prod", "uid": "w", "generation": 2 },
            "status": { "observedGeneration": observed },
        });
        object["status"].as_object_mut().unwrap().extend(status.as_object().unwrap().clone());
        let key = world.tracked()[0].key.clone();
        world.set(&key, Some(object), Timestamp::UNIX_EPOCH);
    }

    fn new_pods(world: &World) -> Vec<&str> {
        world.new_pods().filter_map(|(_, pod)| uid(pod)).collect()
    }

    /// Of a Deployment the pods of the newest `ReplicaSet` are rolled out, once there can be one.
    #[test]
    fn pods_of_a_deployment() {
        let mut world = world("Deployment");
        let set = |uid, revision| {
            owned(
                uid,
                "w",
                &json!({ "annotations": { "deployment.kubernetes.io/revision": revision } }),
            )
        };
        world.observe_replica_sets(Change::All(vec![set("old", "9"), set("new", "10")]));
        let pods = vec![
            owned("p1", "old", &json!({})),
            owned("p2", "new", &json!({})),
            owned("p3", "x", &json!({})),
        ];
        world.observe_pods(Change::All(pods));
        see(&mut world, 1, &json!({}));
        assert!(new_pods(&world).is_empty());
        see(&mut world, 2, &json!({}));
        assert_eq!(new_pods(&world), ["p2"]);
        assert!(world.root("p1").is_some() && world.root("old").is_some());
        assert!(world.root("p3").is_none());
        // A set that is used again has a new number, which the watch of Deployments may tell first.
        let key = world.tracked()[0].key.clone();
        let mut rolled_back = world.tracked()[0].object.clone().unwrap();
        rolled_back["metadata"]["annotations"] =
            json!({ "deployment.kubernetes.io/revision": "11" });
        world.set(&key, Some(rolled_back), Timestamp::UNIX_EPOCH);
        assert!(new_pods(&world).is_empty());
        world.observe_replica_sets(Change::Is(set("old", "11")));
        assert_eq!(new_pods(&world), ["p1"]);
        world.observe_pods(Change::Gone(owned("p1", "old", &json!({}))));
        assert!(new_pods(&world).is_empty());
    }

    /// Of a `StatefulSet` the pods of its update revision are.
    #[test]
    fn pods_of_a_stateful_set() {
        let mut world = world("StatefulSet");
        let pod =
            |uid, hash| owned(uid, "w", &json!({ "labels": { "controller-revision-hash": hash } }));
        world.observe_pods(Change::All(vec![pod("p1", "a"), pod("p2", "b")]));
        see(&mut world, 2, &json!({ "updateRevision": "b" }));
        assert_eq!(new_pods(&world), ["p2"]);
    }

    /// What a list no longer has is gone.
    #[test]
    fn gone_from_a_list() {
        let mut world = world("Deployment");
        see(&mut world, 2, &json!({}));
        let kind = ObjectKey { name: String::new(), ..world.tracked()[0].key.clone() };
        assert_eq!(world.observe(&kind, Change::All(Vec::new()), Timestamp::UNIX_EPOCH), [0]);
        assert_eq!(world.tracked()[0].readiness.state, State::NotFound);
    }
}
