//! Looking at a cluster for a plan. Reads and dry runs only.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use super::dry_run::{DryRun, dry_run, judged};
use super::listed::Listed;
use super::unchanged::surely_unchanged;
use super::{Method, PlanError, PlanOptions};
use crate::apply::{Change, Sent};
use crate::base::Base;
use crate::cluster::{ApplyMode, Resource};
use crate::crds::CrdPolicy;
use crate::manifest::{Desired, in_namespace, read_objects};
use crate::namespace::namespace_exists;
use crate::record::History;
use crate::{Cluster, ClusterError, ObjectKey};

/// How many objects are asked for at once.
const AT_ONCE: usize = 16;

/// What was found in the cluster, for [`plan`](super::plan). Holds secrets: never store or show it.
#[derive(Clone)]
pub struct LiveState {
    pub(super) namespace_exists: bool,
    /// How the objects are sent.
    pub(super) method: Method,
    /// One per desired object, in the same order.
    pub(crate) desired: Vec<LiveObject>,
    /// One per definition of custom resources, in the same order.
    pub(super) crds: Vec<LiveObject>,
    /// Objects of the revision that runs which are no longer desired, in its manifest's order.
    pub(crate) dropped: Vec<(ObjectKey, Value)>,
    /// Keys of all objects of the revision that runs.
    pub(super) base: Vec<ObjectKey>,
}

/// One desired object as it was found.
#[derive(Clone)]
pub(crate) struct LiveObject {
    /// Complete: with the namespace it goes to.
    pub(crate) key: ObjectKey,
    /// Absent: there is none yet.
    pub(crate) live: Option<Value>,
    /// What applying would make of it.
    pub(crate) dry_run: DryRun,
}

impl std::fmt::Debug for LiveState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveState")
            .field("objects", &self.desired.len())
            .field("dropped", &self.dropped.len())
            .finish_non_exhaustive()
    }
}

/// Looks at everything a plan depends on: the objects desired, those of the revision that runs, and
/// what a server-side dry run makes of each.
///
/// Writes nothing. The objects are asked for concurrently.
pub async fn read_live(
    cluster: &Cluster,
    desired: &Desired,
    history: &History,
    options: &PlanOptions,
) -> Result<LiveState, PlanError> {
    read_live_telling(cluster, desired, history, options, &|| ()).await
}

/// The same; `looked` is called for each of the desired objects, once it was looked at.
pub(crate) async fn read_live_telling(
    cluster: &Cluster,
    desired: &Desired,
    history: &History,
    options: &PlanOptions,
    looked: &(dyn Fn() + Sync),
) -> Result<LiveState, PlanError> {
    let namespace_exists = match history.namespace_exists() {
        Some(known) => known,
        None => namespace_exists(cluster, &desired.namespace).await?,
    };
    let base = read_base(cluster, desired, history).await?;
    let method = history.method(desired.rollback_to);
    let listed =
        if namespace_exists { Listed::read(cluster, desired).await? } else { Listed::default() };
    let looks = desired.objects.iter().map(|object| async {
        let resource = match cluster.resource(&object.key).await {
            Ok(resource) => resource,
            Err(error @ ClusterError::NoSuchKind { .. }) => {
                // The chart itself brings the kind, which nobody has objects of yet.
                let Some(resource) = desired.crds.resource(&object.key) else { return Err(error) };
                let key = resource.locate(&object.key, &desired.namespace);
                return Ok(LiveObject { key, live: None, dry_run: DryRun::Unknown });
            }
            Err(error) => return Err(error),
        };
        let key = resource.locate(&object.key, &desired.namespace);
        if !namespace_exists && key.namespace.as_ref() == Some(&desired.namespace) {
            // Nothing is in a namespace that is not there, nor can it be asked about.
            return Ok(LiveObject { key, live: None, dry_run: DryRun::Unknown });
        }
        let sent = desired.marks().marked(&object.object, &key);
        let live = match listed.take(&key) {
            Some(live) => Some(live),
            None => cluster.get(&resource, &key).await?,
        };
        let dry_run = if stays(cluster, method, &resource, live.as_ref(), &sent).await? {
            DryRun::Unchanged
        } else {
            let (original, live) = (base.get(&key), live.as_ref());
            let change = Change { resource: &resource, key: &key, original, live, target: &sent };
            dry_run(cluster, desired, method, change, options).await?
        };
        Ok::<_, ClusterError>(LiveObject { key, live, dry_run })
    });
    let looks: Vec<_> = looks
        .map(|look| async {
            let found = look.await;
            looked();
            found
        })
        .collect();
    let found: Vec<LiveObject> = stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
    let dropped = read_dropped(cluster, &base, &found).await?;
    let crds = read_crds(cluster, desired).await?;
    let base = base.objects.into_iter().map(|(key, _)| key).collect();
    Ok(LiveState { namespace_exists, method, desired: found, crds, dropped, base })
}

/// Whether an object surely stays as it is, so that no dry run is needed: on most upgrades most objects do.
async fn stays(
    cluster: &Cluster,
    method: Method,
    resource: &Resource,
    live: Option<&Value>,
    sent: &Value,
) -> Result<bool, ClusterError> {
    Ok(method == Method::ServerSide
        && live.is_some_and(|live| surely_unchanged(live, sent))
        && !cluster.admission().await?.looks_at(&resource.plural))
}

/// The definitions as they are, and as they would be where the policy has them changed.
async fn read_crds(cluster: &Cluster, desired: &Desired) -> Result<Vec<LiveObject>, ClusterError> {
    let upgrades = desired.crds.policy == CrdPolicy::CreateAndUpgrade;
    let looks = desired.crds.objects.iter().map(|wanted| async move {
        let resource = cluster.resource(&wanted.key).await?;
        let key = resource.locate(&wanted.key, &desired.namespace);
        // Definitions are large: of one that stays nothing is asked but whether it is there.
        let live = if upgrades {
            cluster.get(&resource, &key).await?
        } else {
            cluster.get_metadata(&resource, &key).await?
        };
        let dry_run = if upgrades && live.is_some() {
            let sent = in_namespace(&wanted.object, &key);
            let mode = ApplyMode { force: true, dry_run: true };
            judged(desired, &key, cluster.apply(&resource, &key, &sent, mode).await, Sent::Applied)?
        } else {
            DryRun::Unknown
        };
        Ok::<_, ClusterError>(LiveObject { key, live, dry_run })
    });
    let looks: Vec<_> = looks.collect();
    stream::iter(looks).buffered(AT_ONCE).try_collect().await
}

/// The objects of the revision that runs, as its manifest has them.
async fn read_base(
    cluster: &Cluster,
    desired: &Desired,
    history: &History,
) -> Result<Base, PlanError> {
    let Some(base) = history.base(desired.rollback_to.is_some()) else {
        return Ok(Base::default());
    };
    let objects = read_objects(base.manifest()?)
        .map_err(|source| PlanError::BaseManifest { revision: base.release.version, source })?;
    Ok(Base::locate(cluster, &desired.namespace, objects).await?)
}

/// Of those, the ones that are no longer desired but still there.
async fn read_dropped(
    cluster: &Cluster,
    base: &Base,
    found: &[LiveObject],
) -> Result<Vec<(ObjectKey, Value)>, ClusterError> {
    let mut dropped = Vec::new();
    for (key, _) in &base.objects {
        if !found.iter().any(|wanted| wanted.key.same_object(key))
            && let Some(live) = cluster.get(&cluster.resource(key).await?, key).await?
        {
            dropped.push((key.clone(), live));
        }
    }
    Ok(dropped)
}
