//! Putting volumes back.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::bind::Binding;
use super::snapshot::How;
use super::workloads::{Workloads, used_by, uses};
use super::{MANAGER, Volume, VolumeError, claim_key, key, left, some, text, until, until_gone};
use crate::cluster::{ApplyMode, Change, FIELD_MANAGER, Followed, Resource};
use crate::report::{Level, RolloutEvent};
use crate::{Execution, ObjectKey, RolloutError};

/// Annotation on a claim: the restore that it was made in.
const RESTORED: &str = "landfall.dev/restored-by";

/// Volumes to be put back into the claims of one namespace.
///
/// [`check`](Restore::check) changes nothing. [`run`](Restore::run) may be repeated by whoever goes on after a crash: a claim
/// says which restore made it, a workload how many replicas it had. Where it fails, [`resume`](Restore::resume) lets run
/// again what can.
#[derive(Clone, Copy)]
pub struct Restore<'a> {
    /// The cluster, and who may write to it.
    pub execution: Execution<'a>,
    /// The namespace of the claims.
    pub namespace: &'a str,
    /// Names this restore: whoever goes on with it gives the same, another one does not.
    pub mark: &'a str,
    /// Names where volumes are put back, for all restores there: a label's value.
    pub place: &'a str,
    /// The volumes.
    pub volumes: &'a [Volume],
    /// How long pods, claims and snapshots may take, each.
    pub timeout: Duration,
    /// How long an error that the cluster tells of may stand before it counts.
    pub patience: Duration,
}

impl<'a> Restore<'a> {
    fn workloads(&self) -> Workloads<'a> {
        Workloads { execution: self.execution, namespace: self.namespace, place: self.place }
    }

    fn binding(&self) -> Binding<'a> {
        let Self { execution, namespace, place, mark, .. } = *self;
        Binding { execution, namespace, place, mark }
    }

    fn claims(&self) -> BTreeSet<&'a str> {
        self.volumes.iter().map(|volume| volume.claim.name.as_str()).collect()
    }

    fn deadline(&self) -> Timestamp {
        Timestamp::now().saturating_add(self.timeout).unwrap_or(Timestamp::MAX)
    }

    /// Whether it can be done, as far as that is seen before anything is changed; what will be scaled down.
    pub async fn check(&self) -> Result<Vec<ObjectKey>, VolumeError> {
        let cluster = self.execution.cluster;
        let resource = cluster.resource(&claim_key(self.namespace, "")).await?;
        for volume in self.volumes.iter().filter(|volume| volume.is_moved) {
            // What a claim of this name would be for cannot be known where there is none.
            if volume.stays() || cluster.get(&resource, &volume.claim).await?.is_none() {
                let (claim, from) = (volume.claim.clone(), volume.snapshot.claim.clone());
                return Err(VolumeError::NoTarget { claim, from });
            }
            let snapshot = &volume.snapshot;
            if self.is_handed_over(volume)
                && (snapshot.handle.is_empty() || snapshot.driver.is_empty())
            {
                let key = super::snapshot_key(&snapshot.namespace, &snapshot.name);
                return Err(VolumeError::NoHandle { snapshot: key });
            }
        }
        Ok(self.workloads().using(&self.claims()).await?.into_keys().collect())
    }

    /// A claim can only be made of a snapshot in its own namespace.
    fn is_handed_over(&self, volume: &Volume) -> bool {
        volume.snapshot.namespace != self.namespace
    }

    /// Puts the volumes back.
    pub async fn run(&self) -> Result<(), VolumeError> {
        let claims = self.claims();
        let workloads = self.workloads();
        // While everything still runs.
        let sources = self.hand_over().await?;
        if !self.are_made().await? {
            for key in workloads.using(&claims).await?.keys() {
                workloads.scale_down(key).await?;
            }
            self.until_unused(&claims).await?;
        }
        let total = u32::try_from(self.volumes.len()).unwrap_or(u32::MAX);
        for (done, (volume, source)) in (1..).zip(self.volumes.iter().zip(&sources)) {
            self.put_back(volume, source).await?;
            let waiting = Vec::new();
            self.execution.tell(RolloutEvent::Progress { done, total, waiting }).await;
        }
        let running = workloads.scale_back().await?;
        self.clear(&running, &sources).await
    }

    /// After a failure: scales back, unless a claim is missing. A `StatefulSet` would make an empty one in its place. What
    /// stays scaled to zero.
    pub async fn resume(&self) -> Result<Vec<String>, VolumeError> {
        let cluster = self.execution.cluster;
        let resource = cluster.resource(&claim_key(self.namespace, "")).await?;
        for volume in self.volumes {
            let live = cluster.get(&resource, &volume.claim).await?;
            if live.is_none_or(|live| live["metadata"]["deletionTimestamp"].is_string()) {
                return Ok(self.workloads().scaled_down().await?);
            }
        }
        self.workloads().scale_back().await?;
        Ok(Vec::new())
    }

    /// Waits until no pod uses the claims any more.
    async fn until_unused(&self, claims: &BTreeSet<&str>) -> Result<(), VolumeError> {
        let pod = key("v1", "Pod", Some(self.namespace), "");
        let resource = self.execution.cluster.resource(&pod).await?;
        let mut using: BTreeSet<String> = BTreeSet::new();
        let name = |pod: &Value| text(pod, "/metadata/name").to_owned();
        let is_using = |pod: &Value| used_by(pod, claims).is_some();
        let place = (&resource, self.namespace);
        let unused = until(self.execution, place, Followed::All, self.deadline(), |change| {
            match change {
                Change::All(pods) => {
                    using = pods.iter().filter(|it| is_using(it)).map(name).collect();
                }
                Change::Is(pod) if is_using(&pod) => {
                    using.insert(name(&pod));
                }
                Change::Is(_) => {}
                Change::Gone(pod) => {
                    using.remove(&name(&pod));
                }
            }
            using.is_empty().then_some(())
        });
        if unused.await?.is_some() {
            return Ok(());
        }
        let still: Vec<String> =
            using.iter().map(|name| format!("Pod/{}/{name}", self.namespace)).collect();
        let is = if still.len() == 1 { "is" } else { "are" };
        Err(VolumeError::Late {
            what: format!("{} {is} still there", some(&still)),
            since: "everything that uses the claims was scaled down",
            waited: self.timeout,
        })
    }

    /// Whether whoever was at it before has made all claims: nothing has to be scaled down for that again.
    async fn are_made(&self) -> Result<bool, VolumeError> {
        let cluster = self.execution.cluster;
        let resource = cluster.resource(&claim_key(self.namespace, "")).await?;
        for volume in self.volumes {
            let live = cluster.get(&resource, &volume.claim).await?;
            if !live.is_some_and(|live| self.is_made(&live)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes the snapshots of other namespaces known in this one; the names that claims are made of.
    async fn hand_over(&self) -> Result<Vec<String>, VolumeError> {
        let (deadline, how) = (self.deadline(), self.how());
        let mut names = Vec::new();
        for volume in self.volumes {
            names.push(if self.is_handed_over(volume) {
                self.binding().hand_over(&volume.snapshot, deadline, &how).await?
            } else {
                volume.snapshot.name.clone()
            });
        }
        Ok(names)
    }

    fn how(&self) -> How<'a> {
        let labels = std::collections::BTreeMap::new();
        How { class: None, labels, timeout: self.timeout, patience: self.patience }
    }

    /// Makes a claim anew of a snapshot.
    async fn put_back(&self, volume: &Volume, source: &str) -> Result<(), VolumeError> {
        let Execution { cluster, .. } = self.execution;
        let key = &volume.claim;
        let resource = cluster.resource(key).await?;
        let deadline = self.deadline();
        loop {
            match cluster.get(&resource, key).await? {
                Some(live) if live["metadata"]["deletionTimestamp"].is_string() => {
                    self.until_claim_gone(&resource, key, deadline).await?;
                }
                Some(live) if self.is_made(&live) => {
                    return self.keep_spec(volume, &resource, source).await;
                }
                Some(live) => {
                    self.execution.before_write().await?;
                    match cluster.delete(&resource, key, live["metadata"]["uid"].as_str()).await {
                        // Another claim of this name by now: looked at anew.
                        Err(error) if error.is_conflict() && left(deadline) > Duration::ZERO => {}
                        Err(error) => return Err(error.into()),
                        Ok(_) => {
                            let text = format!("{key} deleted");
                            self.execution.say(Level::Info, Some(key), text).await;
                            self.until_claim_gone(&resource, key, deadline).await?;
                        }
                    }
                }
                None => {
                    let object = volume.with_source(source, (RESTORED, self.mark));
                    self.execution.before_write().await?;
                    let manager = if volume.is_helms() { FIELD_MANAGER } else { MANAGER };
                    let mode = ApplyMode { force: true, dry_run: false };
                    cluster.apply_as(manager, &resource, key, &object, mode).await?;
                    let text = format!("{key} made anew of VolumeSnapshot {source}");
                    self.execution.say(Level::Info, Some(key), text).await;
                }
            }
        }
    }

    fn is_made(&self, live: &Value) -> bool {
        text(live, "/metadata/annotations/landfall.dev~1restored-by") == self.mark
            && !live["metadata"]["deletionTimestamp"].is_string()
    }

    /// What Helm applies may have less than the claim: no source, and no class where it was the default one. Neither can be
    /// taken away from a claim, so where it is Helm's, all of that is ours, too; but for its size, which may grow.
    async fn keep_spec(
        &self,
        volume: &Volume,
        resource: &Resource,
        snapshot: &str,
    ) -> Result<(), VolumeError> {
        if !volume.is_helms() {
            return Ok(());
        }
        let key = &volume.claim;
        let mut spec = volume.with_source(snapshot, (RESTORED, self.mark))["spec"].take();
        if let Value::Object(fields) = &mut spec {
            fields.remove("resources");
        }
        let object = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": { "name": key.name, "namespace": key.namespace }, "spec": spec,
        });
        self.execution.before_write().await?;
        let mode = ApplyMode { force: true, dry_run: false };
        self.execution.cluster.apply_as(MANAGER, resource, key, &object, mode).await?;
        Ok(())
    }

    async fn until_claim_gone(
        &self,
        resource: &Resource,
        key: &ObjectKey,
        deadline: Timestamp,
    ) -> Result<(), VolumeError> {
        if until_gone(self.execution, resource, key, deadline).await? {
            return Ok(());
        }
        Err(VolumeError::Late {
            what: format!("{key} is still there"),
            since: "it was deleted",
            waited: self.timeout,
        })
    }

    /// Clears away what was handed over, once the claims that something uses have their volumes of it. What nothing uses may
    /// never get one: its snapshot stays until the next restore.
    async fn clear(&self, running: &[Value], sources: &[String]) -> Result<(), VolumeError> {
        if !self.volumes.iter().any(|volume| self.is_handed_over(volume)) {
            return Ok(());
        }
        let cluster = self.execution.cluster;
        let resource = cluster.resource(&claim_key(self.namespace, "")).await?;
        let deadline = self.deadline();
        let mut keep = Vec::new();
        for (volume, source) in self.volumes.iter().zip(sources) {
            let claim = BTreeSet::from([volume.claim.name.as_str()]);
            let scaled = |it: &Value| it.pointer("/spec/replicas") != Some(&json!(0));
            if running.iter().any(|it| scaled(it) && uses(it, &claim)) {
                self.until_bound(&resource, &volume.claim, deadline).await?;
                continue;
            }
            let live = cluster.get(&resource, &volume.claim).await?.unwrap_or_default();
            if text(&live, "/status/phase") != "Bound" {
                keep.push(source.clone());
            }
        }
        self.binding().clear(&keep).await
    }

    async fn until_bound(
        &self,
        resource: &Resource,
        key: &ObjectKey,
        deadline: Timestamp,
    ) -> Result<(), VolumeError> {
        let followed = Followed::One { name: key.name.clone(), version: None };
        let place = (resource, self.namespace);
        let bound = until(self.execution, place, followed, deadline, |change| match change {
            Change::Is(claim) if text(&claim, "/status/phase") == "Bound" => Some(()),
            _ => None,
        });
        if bound.await?.is_some() {
            return Ok(());
        }
        let (what, waited) = (format!("{key} has no volume"), self.timeout);
        Err(VolumeError::Late { what, since: "it was made of its snapshot", waited })
    }

    /// Clears away what restores to this place have left that were never ended.
    pub async fn clear_leftovers(&self) -> Result<(), VolumeError> {
        let handed = self.volumes.iter().filter(|volume| self.is_handed_over(volume));
        let own: Vec<String> = handed.map(|volume| self.binding().name(&volume.snapshot)).collect();
        match self.binding().clear(&own).await {
            Err(VolumeError::Rollout(RolloutError::Cluster(error))) if !error.is_transient() => {
                // What is left behind does no harm but to order.
                let text =
                    format!("What an earlier restore has left was not cleared away: {error}");
                self.execution.say(Level::Warning, None, text).await;
                Ok(())
            }
            other => other,
        }
    }
}
