//! What was found while waiting: which culprits there are now, and which were told.

use std::time::Duration;

use jiff::Timestamp;

use super::scene::{Claimed, ObjectScene, PodScene};
use super::{Cause, Culprit, Finding, Lines, OBJECT_CAUSES, POD_CAUSES, overdue, ranked};
use crate::events::Events;
use crate::logs::last_lines;
use crate::report::{Cursor, Mark, Report, RolloutEvent};
use crate::wait::{NotReady, Rule, State, Tracked, World, uid};
use crate::{Cluster, ObjectKey};

/// Log lines told with a culprit.
const LINES: u32 = 20;
/// How long they may take to be read.
const PATIENCE: Duration = Duration::from_secs(5);

/// The culprits of one wait.
#[derive(Debug)]
pub(crate) struct Culprits {
    cursor: Cursor,
    /// In the order in which they were found.
    known: Vec<Known>,
}

/// One that was found.
#[derive(Debug)]
struct Known {
    culprit: Culprit,
    pod: Option<ObjectKey>,
    lines: Lines,
    /// Whether the last look found it, too.
    current: bool,
}

/// A culprit before its last lines were read.
pub(crate) struct NewCulprit(usize);

impl Culprits {
    pub(crate) fn new(cursor: Cursor) -> Self {
        Self { cursor, known: Vec::new() }
    }

    /// Looks at every object that is not ready. Returns what was not found before, or has lost its hope since.
    pub(crate) fn find(
        &mut self,
        world: &World,
        events: &Events,
        now: Timestamp,
    ) -> Vec<NewCulprit> {
        self.known.iter_mut().for_each(|known| known.current = false);
        let mut new = Vec::new();
        for found in look(world, events, now) {
            let known =
                self.known.iter().position(|known| known.culprit.is_same_trouble(&found.culprit));
            let Some(at) = known else {
                new.push(NewCulprit(self.known.len()));
                self.known.push(found);
                continue;
            };
            let known = &mut self.known[at];
            // Of several pods with the same trouble the first one stands for all.
            if !known.current {
                if found.culprit.hopeless && !known.culprit.hopeless {
                    new.push(NewCulprit(at));
                }
                let last_lines = std::mem::take(&mut known.culprit.last_lines);
                *known = found;
                known.culprit.last_lines = last_lines;
            }
        }
        new
    }

    /// Blames hooks whose time was over before they had ended, where nothing else explains it.
    pub(crate) fn blame_overdue(&mut self, world: &World, events: &Events, now: Timestamp) {
        for tracked in world.tracked().iter().filter(|tracked| !tracked.is_ready()) {
            if self.known.iter().any(|known| known.culprit.key == tracked.key) {
                continue;
            }
            if let Some(scene) = scene(world, events, tracked, now) {
                self.known.push(known(&tracked.key, Cause::HookOverdue, overdue::find(&scene)));
            }
        }
    }

    /// Reads the last lines and makes the report; a mark keeps a resumed wait from telling it again.
    pub(crate) async fn complete(&mut self, cluster: &Cluster, new: NewCulprit) -> Option<Report> {
        let culprit = self.read_lines(cluster, new.0).await;
        let container = culprit.container.as_deref().unwrap_or_default();
        let source = format!("culprit/{}/{:?}/{container}", culprit.key, culprit.cause);
        let count = 1 + u32::from(culprit.hopeless);
        let mark = Mark { source, time: Timestamp::UNIX_EPOCH, count };
        if self.cursor.covers(&mark) {
            return None;
        }
        self.cursor.advance(&mark);
        let event = RolloutEvent::Culprit(culprit);
        Some(Report { time: Timestamp::now(), event, mark: Some(mark) })
    }

    async fn read_lines(&mut self, cluster: &Cluster, at: usize) -> Culprit {
        let known = &mut self.known[at];
        let Known { culprit, pod, lines, .. } = known;
        if let (Lines::Running | Lines::Ended, Some(pod), Some(container)) =
            (*lines, pod.as_ref(), &culprit.container)
        {
            let previous = *lines == Lines::Ended;
            let read = last_lines(cluster, pod, container, previous, LINES);
            // Without lines the culprit still says what it is.
            if let Ok(Ok(lines)) = tokio::time::timeout(PATIENCE, read).await {
                culprit.last_lines = lines;
            }
        }
        culprit.clone()
    }

    /// Whether the objects that are not ready cannot become so any more: one has failed for good, or has a culprit that
    /// waiting does not cure.
    ///
    /// What crashes may wait for something that is still on its way: that counts only once there is nothing else to
    /// wait for.
    pub(crate) fn are_hopeless<'a>(&self, unready: impl Iterator<Item = &'a Tracked>) -> bool {
        let (mut blamed, mut crashing) = (true, false);
        for tracked in unready {
            if tracked.readiness.state == State::Failed {
                return true;
            }
            let mut of_it = self.current().filter(|culprit| culprit.key == tracked.key).peekable();
            blamed &= of_it.peek().is_some();
            for culprit in of_it.filter(|culprit| culprit.hopeless) {
                if culprit.cause != Cause::CrashLoop {
                    return true;
                }
                crashing = true;
            }
        }
        crashing && blamed
    }

    fn current(&self) -> impl Iterator<Item = &Culprit> {
        self.known.iter().filter(|known| known.current).map(|known| &known.culprit)
    }

    /// Those of objects that did not get ready, as they are at the end; of an object without any now, those it had.
    pub(crate) async fn of(&mut self, cluster: &Cluster, objects: &[NotReady]) -> Vec<Culprit> {
        let mut chosen = Vec::new();
        for object in objects {
            let its = |known: &Known| known.culprit.key == object.key;
            let now = self.known.iter().any(|known| its(known) && known.current);
            let at = self.known.iter().enumerate();
            chosen.extend(
                at.filter(|(_, known)| its(known) && known.current == now).map(|(at, _)| at),
            );
        }
        let mut culprits = Vec::new();
        for at in chosen {
            culprits.push(self.read_lines(cluster, at).await);
        }
        ranked(culprits)
    }
}

impl Culprit {
    /// Whether both tell the same trouble, of an object and a container.
    pub fn is_same_trouble(&self, other: &Self) -> bool {
        self.key == other.key && self.cause == other.cause && self.container == other.container
    }
}

/// Everything that is found now, pods in the order of their names.
fn look(world: &World, events: &Events, now: Timestamp) -> Vec<Known> {
    let mut found = Vec::new();
    for tracked in world.tracked().iter().filter(|tracked| !tracked.is_ready()) {
        let Some(scene) = scene(world, events, tracked, now) else { continue };
        if let Some((cause, finding)) = OBJECT_CAUSES.iter().find_map(|find| find(&scene)) {
            found.push(known(&tracked.key, cause, finding));
        }
    }
    let mut pods: Vec<_> = world.new_pods().filter(|(tracked, _)| !tracked.is_ready()).collect();
    pods.sort_by_key(|(_, pod)| pod["metadata"]["name"].as_str());
    for (tracked, pod) in pods {
        let about = |object| uid(object).map(|uid| events.about(uid)).unwrap_or_default();
        let claims = world.claims_of(pod);
        let claims =
            claims.into_iter().map(|claim| Claimed { claim, events: about(claim) }).collect();
        let scene = PodScene { pod, events: about(pod), claims, now };
        let first = POD_CAUSES.iter().find_map(|(cause, find)| Some((*cause, find(&scene)?)));
        if let Some((cause, mut finding)) = first {
            finding.pod = Some(ObjectKey::of(pod));
            found.push(known(&tracked.key, cause, finding));
        }
    }
    found
}

/// An object as the causes look at it; none if it is not there.
fn scene<'a>(
    world: &'a World,
    events: &'a Events,
    tracked: &'a Tracked,
    now: Timestamp,
) -> Option<ObjectScene<'a>> {
    let object = tracked.object()?;
    let maker = world.maker(tracked).unwrap_or(object);
    let mut about: Vec<_> = uid(object).map(|uid| events.about(uid)).unwrap_or_default();
    if let Some(uid) = uid(maker).filter(|maker| Some(*maker) != uid(object)) {
        about.extend(events.about(uid));
    }
    Some(ObjectScene {
        key: &tracked.key,
        object,
        maker,
        pods: world.pods_of(tracked),
        events: about,
        hook: world.rule() == Rule::Hook,
        now,
    })
}

fn known(key: &ObjectKey, cause: Cause, finding: Finding) -> Known {
    let pod = finding.pod;
    let culprit = Culprit {
        key: key.clone(),
        pod: pod.as_ref().map(|pod| pod.name.clone()),
        text: format!("{key}: {}", finding.text),
        container: finding.container,
        cause,
        evidence: finding.evidence,
        last_lines: Vec::new(),
        since: finding.since,
        remedy: finding.remedy,
        hopeless: finding.hopeless,
    };
    Known { culprit, pod, lines: finding.lines, current: true }
}
