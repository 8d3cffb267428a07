//! The loop that most controllers share: look at an object whenever it, or something it owns, changes.
//!
//! A controller is a plain function from the present state to the next writes. It is called for every object at the
//! start, after every change of it or of its dependents, and again after as long as it asks for; so a missed change or a
//! killed process costs nothing but time. Failed writes are tried again the same way.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select_all;
use tokio::time::Instant;

use crate::{
    cluster::Cluster,
    status::StatusError,
    store::{Change, Forgotten, ObjectRef, StoredObject, Watch},
};

/// How long after a failed reconciliation the object is looked at again; it doubles with each further failure.
const RETRY: Duration = Duration::from_millis(200);
/// How often it doubles.
const DOUBLINGS: u32 = 7;

/// When an object wants to be looked at again, if nothing changes before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Only when something changes.
    OnChange,
    /// After this time.
    After(Duration),
}

/// A controller over one resource.
pub(super) struct Reconciler {
    /// The resource whose objects are looked at.
    pub(super) resource: &'static str,
    /// Resources whose changes concern the object that controls them.
    pub(super) owned: &'static [&'static str],
    /// Resources whose changes concern every object of the same namespace: those that select them.
    pub(super) selecting: &'static [&'static str],
    /// One look at one object that exists.
    pub(super) reconcile: fn(&Cluster, &StoredObject) -> Result<Next, StatusError>,
}

/// What is to be looked at, and when.
#[derive(Default)]
struct Agenda {
    now: BTreeSet<ObjectRef>,
    later: BTreeSet<(Instant, ObjectRef)>,
    /// How often in a row objects could not be reconciled.
    failures: HashMap<ObjectRef, u32>,
}

impl Reconciler {
    /// Runs for ever.
    pub(super) async fn run(self, cluster: Cluster) {
        let mut agenda = Agenda::default();
        let mut watches: Vec<Watch> =
            self.resources().map(|it| self.list(&cluster, it, &mut agenda)).collect();
        loop {
            while let Some(place) = agenda.now.pop_first() {
                self.look(&cluster, place, &mut agenda);
            }
            let due = agenda.later.first().map(|(at, _)| *at);
            let changes = select_all(watches.iter_mut().map(|watch| Box::pin(watch.next())));
            let (outcome, index) = tokio::select! {
                (outcome, index, _) = changes => (outcome, index),
                () = sleep_until(due) => {
                    agenda.ripen();
                    continue;
                }
            };
            match outcome {
                Ok(changes) => {
                    for change in &changes {
                        self.note(&cluster, change, &mut agenda);
                    }
                }
                Err(Forgotten) => {
                    if let Some(resource) = self.resources().nth(index) {
                        watches[index] = self.list(&cluster, resource, &mut agenda);
                    }
                }
            }
        }
    }

    fn resources(&self) -> impl Iterator<Item = &'static str> {
        let others = self.owned.iter().chain(self.selecting).copied();
        std::iter::once(self.resource).chain(others)
    }

    /// Puts everything on the agenda, and follows what comes after.
    fn list(&self, cluster: &Cluster, resource: &str, agenda: &mut Agenda) -> Watch {
        let (_, watch) = cluster.list_and_watch(resource);
        for object in cluster.list_and_watch(self.resource).0 {
            agenda.now.insert(ObjectRef::of(&object));
        }
        watch
    }

    fn note(&self, cluster: &Cluster, change: &Change, agenda: &mut Agenda) {
        if change.object.kind.storage == self.resource {
            agenda.now.insert(ObjectRef::of(&change.object));
            return;
        }
        if self.selecting.contains(&change.object.kind.storage.as_str()) {
            let namespace = Some(&*change.object.namespace);
            let (_, selectors) = cluster.store().list(self.resource, namespace);
            agenda.now.extend(selectors.iter().map(|object| ObjectRef::of(object)));
            return;
        }
        for version in [Some(&change.object), change.previous.as_ref()].into_iter().flatten() {
            agenda.now.extend(self.owners(cluster, version));
        }
    }

    fn owners(&self, cluster: &Cluster, dependent: &Arc<StoredObject>) -> Vec<ObjectRef> {
        let owners = dependent.owners().filter_map(|uid| cluster.store().by_uid(uid));
        owners
            .filter(|owner| owner.kind.storage == self.resource)
            .map(|owner| ObjectRef::of(&owner))
            .collect()
    }

    fn look(&self, cluster: &Cluster, place: ObjectRef, agenda: &mut Agenda) {
        let Some(object) = cluster.store().get(&place.resource, &place.namespace, &place.name)
        else {
            return;
        };
        let outcome = (self.reconcile)(cluster, &object);
        if outcome.is_ok() {
            agenda.failures.remove(&place);
        }
        let after = match outcome {
            Ok(Next::OnChange) => return,
            Ok(Next::After(time)) => time,
            // Gone meanwhile, together with its namespace perhaps.
            Err(error) if error.is_not_found() => return,
            Err(error) => {
                tracing::debug!(%error, resource = self.resource, name = &*place.name, "trying again");
                let failures = agenda.failures.entry(place.clone()).or_default();
                *failures += 1;
                RETRY * 2_u32.pow((*failures - 1).min(DOUBLINGS))
            }
        };
        agenda.later.insert((Instant::now() + after, place));
    }
}

impl Agenda {
    fn ripen(&mut self) {
        let now = Instant::now();
        while self.later.first().is_some_and(|(due, _)| *due <= now) {
            self.now.extend(self.later.pop_first().map(|(_, place)| place));
        }
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
