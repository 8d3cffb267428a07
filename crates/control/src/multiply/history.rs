//! What happened in a year: which environments were made when, and each deployment to them in the order of time. Nothing is
//! read or written here.

use jiff::{SignedDuration, Timestamp};

use super::Size;
use super::draw::Draw;
use super::store::{AppSeed, World};
use crate::deployment::{DeploymentState, Trigger};
use crate::environment::{EnvironmentKind, EnvironmentStatus};
use crate::store::ids::{BatchId, ContentId, DeploymentId, EnvironmentId, OpId};

/// How long it lasts, up to now.
const DAYS: i64 = 365;
/// Of a hundred environments, how many each App has, the first App first; the last takes what is left.
const SHARES: [usize; 5] = [40, 25, 15, 10, 7];
/// Environments of one batch at most.
const BATCH: usize = 1_000;
/// Of a thousand environments, how many are deleted at the end, beyond those that live.
const DELETED: usize = 30;

const CUSTOMERS: [&str; 24] = [
    "acme",
    "adventure",
    "alpine",
    "bellows",
    "blueyonder",
    "city",
    "coho",
    "contoso",
    "fabrikam",
    "fourth",
    "graphic",
    "humongous",
    "litware",
    "lucerne",
    "margies",
    "nod",
    "northwind",
    "proseware",
    "southridge",
    "tailspin",
    "trey",
    "wide",
    "wingtip",
    "woodgrove",
];
const REGIONS: [&str; 6] = ["eu", "us", "apac", "uk", "nordic", "latam"];

/// Everything that happened.
pub(super) struct History {
    pub(super) environments: Vec<Place>,
    pub(super) batches: Vec<Act>,
    /// In the order of time.
    pub(super) events: Vec<Event>,
}

/// An environment.
pub(super) struct Place {
    pub(super) id: EnvironmentId,
    pub(super) name: String,
    pub(super) app: usize,
    pub(super) cluster: usize,
    pub(super) kind: EnvironmentKind,
    /// Which environment of its App it is made after.
    pub(super) template: usize,
    pub(super) made_at: Timestamp,
    pub(super) made_by: usize,
    pub(super) deleted: bool,
    pub(super) deployments: i64,
    /// Its last deployment, and the last that succeeded, by their place among the events.
    pub(super) last: Option<usize>,
    pub(super) current: Option<usize>,
}

/// A batch.
pub(super) struct Act {
    pub(super) id: BatchId,
    pub(super) app: usize,
    pub(super) at: Timestamp,
    pub(super) by: usize,
    pub(super) revision: i64,
    /// How many of its members are of which kind and ended how.
    pub(super) tally: Vec<(EnvironmentKind, DeploymentState, i64)>,
}

/// A deployment.
pub(super) struct Event {
    pub(super) id: DeploymentId,
    pub(super) op: OpId,
    pub(super) content: ContentId,
    pub(super) environment: usize,
    pub(super) number: i64,
    pub(super) state: DeploymentState,
    pub(super) trigger: Trigger,
    /// Which Release of its App.
    pub(super) release: usize,
    pub(super) from: Option<usize>,
    pub(super) repeats: Option<DeploymentId>,
    /// The batch, and the place in it.
    pub(super) batch: Option<(usize, i64)>,
    pub(super) at: Timestamp,
    /// None where it never began.
    pub(super) took: Option<SignedDuration>,
    pub(super) by: usize,
    /// What tells apart which real deployment it is a copy of.
    pub(super) drawn: usize,
}

impl Place {
    /// The word that lists show.
    pub(super) fn status(&self, events: &[Event]) -> EnvironmentStatus {
        if self.deleted {
            return EnvironmentStatus::Deleted;
        }
        match self.last.map(|last| events[last].state) {
            None => EnvironmentStatus::Idle,
            Some(DeploymentState::Succeeded | DeploymentState::Superseded) => {
                EnvironmentStatus::Running
            }
            Some(DeploymentState::NeedsConfirmation) => EnvironmentStatus::NeedsConfirmation,
            Some(_) => EnvironmentStatus::Failed,
        }
    }
}

impl Event {
    pub(super) fn started(&self) -> Option<Timestamp> {
        self.took.map(|_| later(self.at, SignedDuration::from_millis(40)))
    }

    pub(super) fn finished(&self) -> Timestamp {
        later(self.at, self.took.unwrap_or(SignedDuration::from_secs(30)))
    }
}

/// A moment after another one.
pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}

/// Draws a history of this size.
pub(super) fn draw(world: &World, size: Size) -> History {
    let mut year = Year {
        world,
        draw: Draw::new(size.seed),
        history: History { environments: Vec::new(), batches: Vec::new(), events: Vec::new() },
        of_app: world.apps.iter().map(|_| Vec::new()).collect(),
        begins: later(crate::store::sql::now(), SignedDuration::from_hours(-24 * DAYS)),
        size,
    };
    let all = size.environments + size.environments * DELETED / 1000;
    let mut turns: Vec<usize> = Vec::new();
    while year.history.events.len() < size.deployments {
        let done = year.history.events.len();
        // All are there when three fifths of the year are over.
        let due = (done * all * 5 / (size.deployments * 3).max(1) + 1).min(all);
        if let Some(environment) = turns.pop() {
            let batch = year.history.batches.len() - 1;
            year.deploy(environment, Some(batch));
        } else if year.history.environments.len() < due {
            let environment = year.make();
            year.deploy(environment, None);
        } else if year.draw.below(400) == 0 {
            turns = year.begin_batch();
        } else {
            let environment = year.draw.often_small(year.history.environments.len());
            year.deploy(environment, None);
        }
    }
    for environment in year.history.environments.iter_mut().skip(size.environments) {
        environment.deleted = true;
    }
    year.history
}

struct Year<'a> {
    world: &'a World,
    draw: Draw,
    history: History,
    /// The environments of each App.
    of_app: Vec<Vec<usize>>,
    begins: Timestamp,
    size: Size,
}

impl Year<'_> {
    /// The moment of the next event: they come evenly.
    fn moment(&self) -> Timestamp {
        let micros = i64::try_from(self.history.events.len()).unwrap_or_default();
        let all = i64::try_from(self.size.deployments).unwrap_or(i64::MAX).max(1);
        let every = SignedDuration::from_hours(24 * DAYS).as_micros() / i128::from(all);
        let every = i64::try_from(every).unwrap_or(i64::MAX).max(1);
        later(self.begins, SignedDuration::from_micros(every.saturating_mul(micros)))
    }

    fn app(&self, app: usize) -> &AppSeed {
        &self.world.apps[app]
    }

    /// Makes an environment; its place.
    fn make(&mut self) -> usize {
        let number = self.history.environments.len();
        // Spread, so that the first hundred are of all Apps.
        let mut share = number * 37 % 100;
        let last = self.world.apps.len() - 1;
        let app = SHARES.iter().take(last).position(|size| {
            let within = share < *size;
            share = share.saturating_sub(*size);
            within
        });
        let app = app.unwrap_or(last);
        let production = self.draw.happens(300);
        let kind = if production { EnvironmentKind::Production } else { EnvironmentKind::Sandbox };
        let customer = self.draw.one(&CUSTOMERS).copied().unwrap_or_default();
        let region = self.draw.one(&REGIONS).copied().unwrap_or_default();
        let stage = match (production, self.draw.below(3)) {
            (true, _) => "prod",
            (false, 0) => "test",
            (false, 1) => "demo",
            (false, _) => "staging",
        };
        let at = self.moment();
        let place = Place {
            id: EnvironmentId::of(at, self.draw.next()),
            name: format!("{customer}-{region}-{stage}-{number:05}"),
            app,
            cluster: self.draw.below(self.world.clusters.len()),
            kind,
            template: self.draw.below(self.app(app).templates.len()),
            made_at: at,
            made_by: self.draw.below(self.world.people.len()),
            deleted: false,
            deployments: 0,
            last: None,
            current: None,
        };
        self.of_app[app].push(number);
        self.history.environments.push(place);
        number
    }

    /// Saves new App values: the environments whose turn comes, the last first.
    fn begin_batch(&mut self) -> Vec<usize> {
        let app = self.draw.below(self.world.apps.len());
        let at = self.moment();
        let id = BatchId::of(at, self.draw.next());
        let by = self.draw.below(self.world.people.len());
        let revision = self.app(app).values_revision;
        self.history.batches.push(Act { id, app, at, by, revision, tally: Vec::new() });
        let environments = &self.history.environments;
        let runs = |member: &usize| environments[*member].current.is_some();
        let members = self.of_app[app].iter().copied().filter(runs);
        let mut members: Vec<usize> = members.take(BATCH).collect();
        // Sandbox environments first: what is popped last comes last.
        members.sort_by_key(|member| environments[*member].kind == EnvironmentKind::Sandbox);
        members
    }

    /// Deploys to an environment.
    fn deploy(&mut self, environment: usize, batch: Option<usize>) {
        let at = self.moment();
        let place = &self.history.environments[environment];
        let (app, kind, number) = (place.app, place.kind, place.deployments + 1);
        let current = place.current.map(|current| {
            let current = &self.history.events[current];
            (current.release, current.id)
        });
        let (events, all) = (self.history.events.len(), self.size.deployments.max(1));
        let releases = self.app(app).releases.len();
        let newest = (events * releases / all).min(releases - 1);
        let back = self.draw.happens(30);
        let trigger = match (batch, number) {
            (Some(_), _) => Trigger::ValuesUpdated,
            (None, 1) => Trigger::EnvironmentCreated,
            (None, _) if back && current.is_some() => Trigger::Rollback,
            (None, _) => Trigger::Manual,
        };
        let release = match (trigger, current) {
            (Trigger::ValuesUpdated | Trigger::Rollback, Some((release, _))) => release,
            _ => newest.saturating_sub(self.draw.often_small(5)),
        };
        let state = match self.draw.below(1000) {
            0..935 => DeploymentState::Succeeded,
            935..980 => DeploymentState::Failed,
            980..985 => DeploymentState::Cancelled,
            985..990 => DeploymentState::NeedsConfirmation,
            _ => DeploymentState::Superseded,
        };
        let never = state == DeploymentState::Superseded;
        let took = SignedDuration::from_millis(
            4_000 + i64::try_from(self.draw.below(90_000)).unwrap_or_default(),
        );
        let place_in_batch = batch.map(|batch| {
            let act = &mut self.history.batches[batch];
            match act.tally.iter_mut().find(|it| (it.0, it.1) == (kind, state)) {
                Some(known) => known.2 += 1,
                None => act.tally.push((kind, state, 1)),
            }
            (batch, act.tally.iter().map(|it| it.2).sum())
        });
        let event = Event {
            id: DeploymentId::of(at, self.draw.next()),
            op: OpId::of(at, self.draw.next()),
            content: ContentId::of(at, self.draw.next()),
            environment,
            number,
            state,
            trigger,
            release,
            from: current.map(|(release, _)| release),
            repeats: current.map(|(_, id)| id).filter(|_| trigger == Trigger::Rollback),
            batch: place_in_batch,
            at,
            took: Some(took).filter(|_| !never),
            by: self.draw.below(self.world.people.len()),
            drawn: self.draw.below(usize::MAX),
        };
        self.history.events.push(event);
        let place = &mut self.history.environments[environment];
        place.deployments = number;
        place.last = Some(events);
        if state == DeploymentState::Succeeded {
            place.current = Some(events);
        }
    }
}
