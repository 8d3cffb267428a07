//! The wait itself: watches in, reports out, until everything is settled or the deadline is there.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::{NotReady, Rule, State, Tracked, WaitOptions, WaitOutcome, World};
use crate::apply::Applied;
use crate::cluster::{Change, Followed, Resource};
use crate::culprit::Culprits;
use crate::events::Events;
use crate::logs::LogFollowers;
use crate::plan::Plan;
use crate::report::{Level, Report, RolloutEvent};
use crate::{Cluster, ClusterError, Execution, ObjectKey, RolloutError};

/// How many objects are read at once.
const AT_ONCE: usize = 16;
/// Up to so many objects of a kind are watched one by one: a namespace may hold thousands of others.
const ONE_BY_ONE: usize = 3;
/// How often rules that look at the clock are asked.
const TICK: Duration = Duration::from_secs(1);
/// How often objects are read that may not be watched.
const POLL: Duration = Duration::from_secs(2);
/// How long the last log lines may take to arrive after the end.
const LAST_LINES: Duration = Duration::from_secs(2);
/// Names of waiting objects that a progress report lists.
const NAMES: usize = 20;

/// What the tasks that look tell the one that judges.
pub(crate) enum Seen {
    /// Objects of one kind and namespace (the name in the key is empty).
    Objects(ObjectKey, Change),
    Pods(Change),
    ReplicaSets(Change),
    Claims(Change),
    Events(Change),
    Log(Report),
    /// A watch that is not allowed.
    Lost(String),
}

/// Waits until every object the plan applies is ready, telling progress, events, logs and culprits.
///
/// What was `applied` just now is not read again. Reads only; may be repeated from any point with the cursor of what was
/// told.
pub async fn wait(
    execution: Execution<'_>,
    plan: &Plan,
    applied: Applied,
    options: WaitOptions,
) -> Result<WaitOutcome, RolloutError> {
    let objects = plan.objects.iter().filter(|object| object.is_applied());
    let keys: Vec<ObjectKey> = objects.map(|object| object.key.clone()).collect();
    let rule = Rule::Release { jobs: options.jobs };
    wait_for(execution, keys, applied, rule, options).await
}

/// The same for any objects, by any rule.
pub(crate) async fn wait_for(
    execution: Execution<'_>,
    keys: Vec<ObjectKey>,
    applied: Applied,
    rule: Rule,
    options: WaitOptions,
) -> Result<WaitOutcome, RolloutError> {
    let (seen, inbox) = mpsc::channel(256);
    let mut waiting = Waiting {
        execution,
        world: World::new(keys, rule),
        events: Events::new(options.since, options.cursor.clone()),
        logs: LogFollowers::new(execution.cluster.clone(), &options, seen.clone()),
        culprits: Culprits::new(options.cursor.clone()),
        end_when_hopeless: options.end_when_hopeless,
        told: None,
    };
    waiting.look_at_all(applied).await?;
    let watches = waiting.start_watches(&seen).await?;
    let outcome = waiting.run(seen, inbox, watches, options.deadline).await?;
    Ok(outcome)
}

struct Waiting<'a> {
    execution: Execution<'a>,
    world: World,
    events: Events,
    logs: LogFollowers,
    culprits: Culprits,
    end_when_hopeless: bool,
    told: Option<BTreeSet<String>>,
}

impl Waiting<'_> {
    /// Looks at every object once: on most upgrades most of them are ready already. Read is what is not known from
    /// having been applied.
    async fn look_at_all(&mut self, applied: Applied) -> Result<(), RolloutError> {
        let cluster = self.execution.cluster;
        let now = Timestamp::now();
        let mut changed = Vec::new();
        let mut known = HashSet::new();
        for (key, object) in applied.objects {
            known.insert(key.clone());
            changed.extend(self.world.set(&key, Some(object), now));
        }
        let tracked = self.world.tracked().iter().map(|tracked| tracked.key.clone());
        let keys: Vec<ObjectKey> = tracked.filter(|key| !known.contains(key)).collect();
        let reads: Vec<_> = keys
            .into_iter()
            .map(|key| async move {
                let resource = cluster.resource(&key).await?;
                let object = cluster.get(&resource, &key).await?;
                Ok::<_, ClusterError>((key, object))
            })
            .collect();
        let found: Vec<_> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
        let now = Timestamp::now();
        for (key, object) in found {
            changed.extend(self.world.set(&key, object, now));
        }
        self.tell_states(&changed).await;
        Ok(())
    }

    /// Watches what is not ready: few objects of a kind one by one, many as their whole kind.
    async fn start_watches(&self, seen: &mpsc::Sender<Seen>) -> Result<JoinSet<()>, RolloutError> {
        let mut watches = JoinSet::new();
        let cluster = self.execution.cluster;
        let mut kinds: BTreeMap<ObjectKey, Vec<&Tracked>> = BTreeMap::new();
        for tracked in self.world.tracked().iter().filter(|tracked| !tracked.is_ready()) {
            let kind = ObjectKey { name: String::new(), ..tracked.key.clone() };
            kinds.entry(kind).or_default().push(tracked);
        }
        for (kind, unready) in kinds {
            let resource = cluster.resource(&kind).await?;
            let looks: Vec<Look> = if unready.len() <= ONE_BY_ONE {
                let one = |tracked: &Tracked| {
                    let object = tracked.object();
                    let version = object.and_then(|it| it["metadata"]["resourceVersion"].as_str());
                    Look::One(tracked.key.clone(), version.map(str::to_owned))
                };
                unready.into_iter().map(one).collect()
            } else {
                let keys = self.world.tracked().iter().map(|tracked| &tracked.key);
                let of_kind =
                    |key: &&ObjectKey| ObjectKey { name: String::new(), ..(*key).clone() } == kind;
                vec![Look::Kind(keys.filter(of_kind).cloned().collect())]
            };
            for look in looks {
                let (cluster, resource, kind, seen) =
                    (cluster.clone(), resource.clone(), kind.clone(), seen.clone());
                watches.spawn(watch_objects(cluster, resource, kind, look, seen));
            }
        }
        Ok(watches)
    }

    /// Watches what hangs on what is not ready, and what is told of it.
    async fn watch_around(
        &self,
        seen: &mpsc::Sender<Seen>,
        watches: &mut JoinSet<()>,
    ) -> Result<(), RolloutError> {
        let cluster = self.execution.cluster;
        let unready = self.world.tracked().iter().filter(|tracked| !tracked.is_ready());
        let namespaces: BTreeSet<String> =
            unready.filter_map(|tracked| tracked.key.namespace.clone()).collect();
        for namespace in namespaces {
            for (api_version, kind, what, wrap) in SURROUNDINGS {
                let key = ObjectKey {
                    api_version: api_version.to_owned(),
                    kind: kind.to_owned(),
                    namespace: Some(namespace.clone()),
                    name: String::new(),
                };
                let resource = match cluster.resource(&key).await {
                    Ok(resource) => resource,
                    // What the cluster does not have explains nothing.
                    Err(ClusterError::NoSuchKind { .. }) => continue,
                    Err(error) => return Err(error.into()),
                };
                let (cluster, seen) = (cluster.clone(), seen.clone());
                let namespace = namespace.clone();
                watches.spawn(async move {
                    let namespace = Some(namespace.as_str());
                    let end = cluster.follow(&resource, namespace, Followed::All, &seen, wrap);
                    if let Err(error) = end.await {
                        // A closed inbox means that the wait is over.
                        let _ =
                            seen.send(Seen::Lost(format!("{what} are not shown: {error}"))).await;
                    }
                });
            }
        }
        Ok(())
    }

    /// Whether pods belong to anything that is not ready: they are looked at from the start, while what has none is
    /// mostly ready in a moment.
    fn has_pods(&self) -> bool {
        self.world.tracked().iter().filter(|tracked| !tracked.is_ready()).any(|tracked| {
            let replicas = tracked.object().map(|object| &object["spec"]["replicas"]);
            match tracked.key.kind.as_str() {
                "Deployment" | "ReplicaSet" | "ReplicationController" | "StatefulSet" => {
                    replicas.is_none_or(|replicas| *replicas != 0)
                }
                "CronJob" | "DaemonSet" | "Job" | "PersistentVolumeClaim" | "Pod" => true,
                _ => false,
            }
        })
    }

    async fn run(
        mut self,
        seen: mpsc::Sender<Seen>,
        mut inbox: mpsc::Receiver<Seen>,
        mut watches: JoinSet<()>,
        deadline: Timestamp,
    ) -> Result<WaitOutcome, RolloutError> {
        let left = deadline.duration_since(Timestamp::now()).max(jiff::SignedDuration::ZERO);
        let mut end = std::pin::pin!(tokio::time::sleep(left.unsigned_abs()));
        let mut tick = tokio::time::interval_at(Instant::now() + TICK, TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let cancel = self.execution.cancel;
        let cluster = self.execution.cluster.clone();
        let mut asking = std::pin::pin!(cluster.keep_asking());
        let mut around = self.has_pods();
        if around {
            self.watch_around(&seen, &mut watches).await?;
        }
        let settled = loop {
            if let Some(settled) = self.settled(false) {
                break settled;
            }
            tokio::select! {
                Some(seen) = inbox.recv() => self.take(seen).await,
                _ = tick.tick() => {
                    if !std::mem::replace(&mut around, true) {
                        self.watch_around(&seen, &mut watches).await?;
                    }
                    let changed = self.world.judge_all(Timestamp::now());
                    self.tell_states(&changed).await;
                    self.find_culprits().await;
                }
                () = &mut end => break self.settled(true).unwrap_or(WaitOutcome::Ready),
                () = cancel.cancelled() => return Err(RolloutError::Cancelled),
                never = &mut asking => match never {},
            }
        };
        watches.shutdown().await;
        drop(seen);
        self.look_once_more(&settled).await;
        let outcome = self.blamed(settled).await;
        self.logs.finish();
        let last_lines = async {
            while let Some(seen) = inbox.recv().await {
                if let Seen::Log(report) = seen {
                    self.execution.reporter.report(report).await;
                }
            }
        };
        // Whoever does not deliver in time is not waited for.
        let _ = tokio::time::timeout(LAST_LINES, last_lines).await;
        Ok(outcome)
    }

    /// A pod that ran for a moment may have ended, and its Job with it, before a watch told of it, and an event may
    /// be late: what they say of an object that did not get ready, or of a hook, is to be known all the same.
    async fn look_once_more(&mut self, outcome: &WaitOutcome) {
        let hook = self.world.rule() == Rule::Hook;
        let wanted = |tracked: &&Tracked| {
            !tracked.is_ready() || hook && matches!(tracked.key.kind.as_str(), "Job" | "Pod")
        };
        let tracked = self.world.tracked().iter().filter(wanted);
        let namespaces: BTreeSet<Option<String>> =
            tracked.map(|tracked| tracked.key.namespace.clone()).collect();
        for namespace in namespaces.into_iter().flatten() {
            if let Some(pods) = self.read("Pod", &namespace).await {
                self.world.observe_pods(Change::All(pods));
            }
            if matches!(outcome, WaitOutcome::NotReady { .. })
                && let Some(events) = self.read("Event", &namespace).await
            {
                self.events.observe(Change::All(events));
            }
            for report in self.events.take_reports(&self.world) {
                self.execution.reporter.report(report).await;
            }
            self.logs.follow_pods(&self.world);
        }
        if matches!(outcome, WaitOutcome::NotReady { .. }) {
            self.find_culprits().await;
        }
    }

    /// All objects of a core kind in a namespace; none if they may not be read.
    async fn read(&self, kind: &str, namespace: &str) -> Option<Vec<serde_json::Value>> {
        let cluster = self.execution.cluster;
        let key = ObjectKey {
            api_version: "v1".to_owned(),
            kind: kind.to_owned(),
            namespace: Some(namespace.to_owned()),
            name: String::new(),
        };
        let listed = async {
            let resource = cluster.resource(&key).await?;
            cluster.list(&resource, Some(namespace), None).await
        };
        match listed.await {
            Ok(listed) => Some(listed.items),
            Err(error) => {
                tracing::debug!(%error, kind, "what explains a rollout's end cannot be read");
                None
            }
        }
    }

    /// The outcome with those who are to blame, as they are now.
    async fn blamed(&mut self, outcome: WaitOutcome) -> WaitOutcome {
        match outcome {
            WaitOutcome::Ready => WaitOutcome::Ready,
            WaitOutcome::NotReady { objects, deadline_exceeded, text, .. } => {
                if deadline_exceeded && self.world.rule() == Rule::Hook {
                    self.culprits.blame_overdue(&self.world, &self.events, Timestamp::now());
                }
                let culprits = self.culprits.of(self.execution.cluster, &objects).await;
                WaitOutcome::NotReady { objects, culprits, deadline_exceeded, text }
            }
        }
    }

    async fn take(&mut self, seen: Seen) {
        let now = Timestamp::now();
        match seen {
            Seen::Objects(kind, change) => {
                let changed = self.world.observe(&kind, change, now);
                self.tell_states(&changed).await;
            }
            Seen::Pods(change) => self.world.observe_pods(change),
            Seen::ReplicaSets(change) => self.world.observe_replica_sets(change),
            Seen::Claims(change) => self.world.observe_claims(change),
            Seen::Events(change) => self.events.observe(change),
            Seen::Log(report) => {
                self.execution.reporter.report(report).await;
                return;
            }
            Seen::Lost(what) => {
                self.execution.say(Level::Warning, None, what).await;
                return;
            }
        }
        for report in self.events.take_reports(&self.world) {
            self.execution.reporter.report(report).await;
        }
        self.logs.follow_pods(&self.world);
        self.find_culprits().await;
    }

    async fn find_culprits(&mut self) {
        let found = self.culprits.find(&self.world, &self.events, Timestamp::now());
        for finding in found {
            if let Some(report) = self.culprits.complete(self.execution.cluster, finding).await {
                self.execution.reporter.report(report).await;
            }
        }
    }

    async fn tell_states(&mut self, changed: &[usize]) {
        for index in changed {
            let tracked = &self.world.tracked()[*index];
            self.execution
                .tell(RolloutEvent::Object {
                    key: tracked.key.clone(),
                    state: tracked.readiness.state,
                    message: tracked.readiness.message.clone(),
                })
                .await;
        }
        // How far hooks are is told by who runs them.
        if self.world.rule() == Rule::Hook {
            return;
        }
        let tracked = self.world.tracked();
        let waiting: BTreeSet<String> =
            tracked.iter().filter(|t| !t.is_ready()).map(|t| t.key.to_string()).collect();
        if self.told.as_ref() == Some(&waiting) {
            return;
        }
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let progress = RolloutEvent::Progress {
            done: number(tracked.len() - waiting.len()),
            total: number(tracked.len()),
            waiting: waiting.iter().take(NAMES).cloned().collect(),
        };
        self.execution.tell(progress).await;
        self.told = Some(waiting);
    }

    /// The outcome, once there is nothing left to wait for, or now if it `must` be; nobody is blamed yet.
    fn settled(&self, must: bool) -> Option<WaitOutcome> {
        let unready: Vec<_> = self.world.tracked().iter().filter(|t| !t.is_ready()).collect();
        if unready.is_empty() {
            return Some(WaitOutcome::Ready);
        }
        // Helm no longer waits for an object that has failed, but for all others.
        let hopeless = unready.iter().all(|t| t.readiness.state == State::Failed);
        let given_up =
            self.end_when_hopeless && self.culprits.are_hopeless(unready.iter().copied());
        if !hopeless && !given_up && !must {
            return None;
        }
        let objects: Vec<NotReady> = unready
            .iter()
            .map(|tracked| NotReady {
                key: tracked.key.clone(),
                state: tracked.readiness.state,
                message: tracked.readiness.message.clone(),
            })
            .collect();
        let mut lines: Vec<String> = objects.iter().map(not_ready_text).collect();
        let deadline_exceeded = !hopeless && !given_up;
        if deadline_exceeded {
            lines.push("context deadline exceeded".to_owned());
        }
        Some(WaitOutcome::NotReady {
            culprits: Vec::new(),
            deadline_exceeded,
            text: lines.join("\n"),
            objects,
        })
    }
}

/// Helm's line for an object that did not get ready.
fn not_ready_text(object: &NotReady) -> String {
    let NotReady { key, state, message } = object;
    format!("resource {key} not ready. status: {state}, message: {message}")
}

/// What is watched beside the objects: API version, kind, its name in sentences, and the wrapping.
type Surrounding = (&'static str, &'static str, &'static str, fn(Change) -> Seen);

const SURROUNDINGS: [Surrounding; 4] = [
    ("v1", "Pod", "pods and their logs", Seen::Pods),
    ("apps/v1", "ReplicaSet", "the pods of deployments", Seen::ReplicaSets),
    ("v1", "PersistentVolumeClaim", "volume claims of pods", Seen::Claims),
    ("v1", "Event", "events", Seen::Events),
];

/// What is looked at in one go.
enum Look {
    /// One object, in the version it is known in.
    One(ObjectKey, Option<String>),
    /// All objects of the kind; these are those waited for.
    Kind(Vec<ObjectKey>),
}

/// Watches objects of a kind; where that is not allowed, reads them one by one again and again.
async fn watch_objects(
    cluster: Cluster,
    resource: Resource,
    kind: ObjectKey,
    look: Look,
    seen: mpsc::Sender<Seen>,
) {
    let wrap = |change| Seen::Objects(kind.clone(), change);
    let (followed, keys) = match look {
        Look::One(key, version) => (Followed::One { name: key.name.clone(), version }, vec![key]),
        Look::Kind(keys) => (Followed::All, keys),
    };
    if cluster.follow(&resource, kind.namespace.as_deref(), followed, &seen, wrap).await.is_ok() {
        return;
    }
    while !seen.is_closed() {
        for key in &keys {
            // An object that cannot be read now is read again in the next round.
            let Ok(object) = cluster.get(&resource, key).await else { continue };
            let change = match object {
                Some(object) => Change::Is(object),
                None => Change::Gone(serde_json::json!({
                    "metadata": { "name": key.name, "namespace": key.namespace },
                })),
            };
            // A closed inbox ends the loop.
            let _ = seen.send(Seen::Objects(kind.clone(), change)).await;
        }
        tokio::time::sleep(POLL).await;
    }
}
