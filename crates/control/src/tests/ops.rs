//! The queue, leases and fences, and what is recorded of an Op: log, steps, followers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use jiff::{SignedDuration, Timestamp};

use super::on_both;
use super::site::{Site, new_environment};
use crate::actor::Actor;
use crate::control::Control;
use crate::deployment::NewDeployment;
use crate::environment::NewEnvironment;
use crate::error::Error;
use crate::idempotency::{Keyed, KeyedCall, StoredAnswer};
use crate::op::log_store::{NewLine, compact};
use crate::op::recorder::{RecordError, Recorder, StepChange, Told};
use crate::op::{
    Change, Culprit, LogFilter, LogLevel, LogSource, ObjectCondition, ObjectState, OpEvent,
    OpState, StepName, StepState,
};
use crate::rights::Role;
use crate::store::ids::{OpId, WorkerId};
use crate::store::sql::{now, sql};
use crate::work::store::{Wanted, claim, give_back, renew};

on_both!(
    a_nul_is_no_fault,
    one_at_a_time_and_in_order,
    many_workers_take_each_once,
    fair_between_apps,
    bound_per_cluster,
    queued_by_an_earlier_version,
    a_dead_workers_op_is_taken_up,
    a_given_back_op_is_taken_up_at_once,
    the_log_is_read_from_anywhere,
    a_small_log_stays,
    the_log_is_sealed_and_moves,
    log_filters,
    steps_and_progress,
    culprits_and_objects,
    followers_miss_nothing,
    following_across_processes,
    changes_are_heard_by_those_who_may,
    calls_with_a_key_act_once,
);

async fn another(site: &Site, environment: &str) -> OpId {
    let new = NewDeployment::default();
    let made = site.control.deployment_create(&Actor::system(), environment, new).await;
    made.unwrap().op.id
}

fn line(text: impl Into<String>) -> NewLine {
    NewLine {
        at: Timestamp::from_second(1_700_000_000).unwrap(),
        level: LogLevel::Info,
        source: LogSource::Landfall,
        text: text.into(),
    }
}

async fn recorder(site: &Site) -> Recorder {
    Recorder::new(site.control.clone(), site.claim().await.expect("an Op in the queue"))
}

/// Ops of one environment run one after another in the order they were made; others run beside them.
async fn one_at_a_time_and_in_order(site: Site) {
    site.ground().await;
    let (_, first) = site.environment("eu", "sandbox").await;
    let second = another(&site, "eu").await;
    let (_, other) = site.environment("us", "sandbox").await;
    let taken = [site.claim().await.unwrap(), site.claim().await.unwrap()];
    assert_eq!([taken[0].op, taken[1].op], [first.op.id, other.op.id]);
    assert!(site.claim().await.is_none(), "the second of eu waits for the first");
    assert_eq!(site.control.ops_running(&Actor::system()).await.unwrap(), 2);
    Recorder::new(site.control.clone(), taken[0]).end_succeeded(None).await.unwrap();
    assert_eq!(site.claim().await.unwrap().op, second);
}

/// Eight workers at once take every Op exactly once.
async fn many_workers_take_each_once(site: Site) {
    site.ground().await;
    let mut made = BTreeSet::new();
    for n in 0..6 {
        let name = format!("env{n}");
        made.insert(site.environment(&name, "sandbox").await.1.op.id);
        made.insert(another(&site, &name).await);
    }
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let control = site.control.clone();
        workers.spawn(async move {
            let worker = WorkerId::generate();
            let mut done = Vec::new();
            let mut idle = 0;
            while idle < 50 {
                let until = now() + SignedDuration::from_secs(60);
                let claimed =
                    claim(control.db(), || (now(), until), Wanted::any(worker, 20)).await.unwrap();
                tokio::task::yield_now().await;
                idle += 1;
                if let Some(lease) = claimed {
                    idle = 0;
                    Recorder::new(control.clone(), lease).end_succeeded(None).await.unwrap();
                    done.push(lease.op);
                }
            }
            done
        });
    }
    let done: Vec<OpId> = workers.join_all().await.into_iter().flatten().collect();
    assert_eq!(done.len(), made.len());
    assert_eq!(done.into_iter().collect::<BTreeSet<_>>(), made);
}

/// An App with a long queue does not keep another's waiting: whose App has the fewest running comes next.
async fn fair_between_apps(site: Site) {
    site.ground().await;
    site.app("letters").await;
    site.release("letters", "1.0").await;
    let mut made = Vec::new();
    for name in ["a", "b", "c"] {
        made.push(site.environment(name, "sandbox").await.1.op.id);
    }
    for name in ["x", "y"] {
        let new = NewEnvironment { app: "letters".to_owned(), ..new_environment(name, "sandbox") };
        made.push(site.control.environment_create(&Actor::system(), new).await.unwrap().1.op.id);
    }
    let mut taken = Vec::new();
    for _ in &made {
        taken.push(site.claim().await.unwrap().op);
    }
    let [shop1, shop2, shop3, letters1, letters2] = made[..] else { panic!("five were made") };
    assert_eq!(taken, [shop1, letters1, shop2, letters2, shop3]);
}

/// Never do more Ops run on one cluster than are allowed, whoever takes them; those of other clusters go on.
async fn bound_per_cluster(site: Site) {
    site.ground().await;
    site.cluster("other").await;
    for name in ["a", "b", "c"] {
        site.environment(name, "sandbox").await;
    }
    let take = async || {
        let (worker, until) = (WorkerId::generate(), now() + SignedDuration::from_secs(60));
        claim(site.control.db(), || (now(), until), Wanted::any(worker, 2)).await.unwrap()
    };
    let first = take().await.unwrap();
    take().await.unwrap();
    assert!(take().await.is_none(), "two run there already");
    let elsewhere =
        NewEnvironment { cluster: "other".to_owned(), ..new_environment("d", "sandbox") };
    let (_, elsewhere) =
        site.control.environment_create(&Actor::system(), elsewhere).await.unwrap();
    assert_eq!(take().await.unwrap().op, elsewhere.op.id);
    Recorder::new(site.control.clone(), first).end_succeeded(None).await.unwrap();
    assert!(take().await.is_some(), "one has ended");
}

/// What a server of an earlier version has queued, without its App, is taken as well.
async fn queued_by_an_earlier_version(site: Site) {
    site.ground().await;
    let (_, started) = site.environment("eu", "sandbox").await;
    let forget = sql("UPDATE ops SET app_id = NULL");
    forget.run(site.control.db().write(), "forget the App").await.unwrap();
    assert_eq!(site.claim().await.unwrap().op, started.op.id);
}

/// When a lease runs out another worker takes the Op up; the one that lost it writes nothing more.
async fn a_dead_workers_op_is_taken_up(site: Site) {
    site.ground().await;
    site.environment("eu", "sandbox").await;
    let start = now();
    let until = start + SignedDuration::from_secs(10);
    let db = site.control.db();
    let first =
        claim(db, || (start, until), Wanted::any(WorkerId::generate(), 20)).await.unwrap().unwrap();
    let lost = Recorder::new(site.control.clone(), first);
    lost.store(told(vec![line("by the first")])).await.unwrap();
    assert!(
        claim(db, || (until, until), Wanted::any(WorkerId::generate(), 20))
            .await
            .unwrap()
            .is_none()
    );
    assert!(renew(db.write(), &first, until + SignedDuration::from_secs(5)).await.unwrap());
    let later = until + SignedDuration::from_secs(6);
    let far = later + SignedDuration::from_secs(3600);
    let second =
        claim(db, || (later, far), Wanted::any(WorkerId::generate(), 20)).await.unwrap().unwrap();
    assert_eq!((second.op, second.fence), (first.op, first.fence + 1));

    assert!(!renew(db.write(), &first, far).await.unwrap());
    let refused = [
        lost.store(told(vec![line("too late")])).await,
        lost.step_started(StepName::Apply).await,
        lost.store(Told { helm_revision: Some(7), ..Told::default() }).await,
        lost.end_succeeded(None).await,
    ];
    for refused in refused {
        assert!(matches!(refused, Err(RecordError::LeaseLost { .. })), "{refused:?}");
    }
    let taken = Recorder::new(site.control.clone(), second);
    taken.store(told(vec![line("by the second")])).await.unwrap();
    taken.end_succeeded(None).await.unwrap();
    let ended = taken.store(told(vec![line("after the end")])).await;
    assert!(matches!(ended, Err(RecordError::LeaseLost { .. })), "{ended:?}");
    let log = site.control.op_log(&Actor::system(), first.op, 0, 10, &LogFilter::default()).await;
    let texts: Vec<String> = log.unwrap().lines.into_iter().map(|line| line.text).collect();
    assert_eq!(texts, ["by the first", "by the second"]);
}

/// A worker that stops gives its Op back: the next one need not wait for the lease to run out.
async fn a_given_back_op_is_taken_up_at_once(site: Site) {
    site.ground().await;
    site.environment("eu", "sandbox").await;
    let lease = site.claim().await.unwrap();
    give_back(site.control.db().write(), &lease).await.unwrap();
    let again = site.claim().await.unwrap();
    assert_eq!((again.op, again.fence), (lease.op, lease.fence + 1));
}

/// Lines of the log and nothing else.
fn told(lines: Vec<NewLine>) -> Told {
    Told { lines, ..Told::default() }
}

/// What clusters say may hold what PostgreSQL's texts cannot.
async fn a_nul_is_no_fault(site: Site) {
    site.ground().await;
    site.environment("eu", "sandbox").await;
    let recorder = recorder(&site).await;
    let object = ObjectState {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        namespace: None,
        name: "eu".to_owned(),
        condition: ObjectCondition::InProgress,
        ready: None,
        total: None,
        message: "a\0b".to_owned(),
    };
    let told = Told { objects: Some(vec![object]), ..told(vec![line("c\0d")]) };
    recorder.store(told).await.unwrap();
    let op = site.control.op_get(&Actor::system(), recorder.lease().op).await.unwrap();
    assert_eq!(op.objects[0].message, "a\u{fffd}b");
}

/// Lines are numbered without gaps and read from any number on, in pages.
async fn the_log_is_read_from_anywhere(site: Site) {
    site.ground().await;
    site.environment("eu", "sandbox").await;
    let recorder = recorder(&site).await;
    let op = recorder.lease().op;
    for batch in 0..100 {
        let lines: Vec<NewLine> = (0..7).map(|n| line((batch * 7 + n + 1).to_string())).collect();
        recorder.store(told(lines)).await.unwrap();
    }
    let actor = Actor::system();
    let any = LogFilter::default();
    for (after, limit) in [(0, 10_000), (0, 5), (3, 10), (695, 100), (700, 1), (12, 300)] {
        let page = site.control.op_log(&actor, op, after, limit, &any).await.unwrap();
        let last = (after + i64::from(limit)).min(700);
        let numbers: Vec<i64> = page.lines.iter().map(|line| line.sequence).collect();
        assert_eq!(numbers, (after + 1..=last).collect::<Vec<_>>());
        assert!(page.lines.iter().all(|line| line.text == line.sequence.to_string()));
        assert_eq!((page.seen, page.more), (last.max(after), last < 700));
    }
}

/// A log of few lines stays in the database when its Op has ended.
async fn a_small_log_stays(site: Site) {
    site.ground().await;
    site.environment("eu", "sandbox").await;
    let recorder = recorder(&site).await;
    let op = recorder.lease().op;
    for text in ["one", "two"] {
        recorder.store(told(vec![line(text.to_owned())])).await.unwrap();
    }
    recorder.end_succeeded(None).await.unwrap();
    compact(site.control.db(), site.control.objects(), op).await.unwrap();
    let kept = sql("SELECT 1 AS one FROM op_log WHERE op_id = $1 AND lines_sealed IS NOT NULL")
        .bind(op)
        .all(site.control.db().read(), "look at the rows", |_| Ok(()));
    assert_eq!(kept.await.unwrap().len(), 2);
}

/// No line stands in the database as it is; after the end a long log moves and reads the same.
async fn the_log_is_sealed_and_moves(site: Site) {
    site.ground().await;
    site.environment("eu", "sandbox").await;
    let recorder = recorder(&site).await;
    let op = recorder.lease().op;
    for n in 0..20 {
        recorder.store(told(vec![line(format!("secret line {n}"))])).await.unwrap();
    }
    recorder.end_succeeded(None).await.unwrap();
    let db = site.control.db();
    let rows = async || {
        sql("SELECT lines_sealed FROM op_log WHERE op_id = $1")
            .bind(op)
            .all(db.read(), "look at the rows", |row| row.opt::<Vec<u8>>("lines_sealed"))
            .await
            .unwrap()
    };
    let sealed: Vec<Vec<u8>> = rows().await.into_iter().flatten().collect();
    assert_eq!(sealed.len(), 20);
    assert!(!sealed.iter().any(|bytes| bytes.windows(6).any(|window| window == b"secret")));
    let read = async || {
        let any = LogFilter::default();
        site.control.op_log(&Actor::system(), op, 0, 100, &any).await.unwrap().lines
    };
    let before = read().await;
    for _ in 0..2 {
        compact(db, site.control.objects(), op).await.unwrap();
        assert_eq!(rows().await, [None]);
        assert_eq!(read().await, before);
    }
    let any = LogFilter::default();
    let tail = site.control.op_log(&Actor::system(), op, 18, 100, &any).await.unwrap();
    assert_eq!(tail.lines, before[18..]);
}

/// A log is filtered by source, level and text.
async fn log_filters(site: Site) {
    site.ground().await;
    site.environment("eu", "sandbox").await;
    let recorder = recorder(&site).await;
    let event = LogSource::Event { reason: "BackOff".to_owned(), object: "Pod/x".to_owned() };
    let pod = LogSource::Container { pod: "x".to_owned(), container: "c".to_owned() };
    let lines = vec![
        line("Applied 5 objects"),
        NewLine { level: LogLevel::Warning, source: event, ..line("Back-off restarting") },
        NewLine { level: LogLevel::Error, source: pod, ..line("fatal: QUEUE_URL is not set") },
    ];
    recorder.store(told(lines)).await.unwrap();
    let numbers = async |filter: LogFilter| {
        let op = recorder.lease().op;
        let page = site.control.op_log(&Actor::system(), op, 0, 10, &filter).await.unwrap();
        assert_eq!((page.seen, page.more), (3, false));
        page.lines.iter().map(|line| line.sequence).collect::<Vec<_>>()
    };
    let any = LogFilter::default;
    let sources = vec!["event".to_owned(), "container".to_owned()];
    assert_eq!(numbers(LogFilter { sources, ..any() }).await, [2, 3]);
    assert_eq!(numbers(LogFilter { level: Some(LogLevel::Warning), ..any() }).await, [2, 3]);
    assert_eq!(numbers(LogFilter { text: "queue_url".to_owned(), ..any() }).await, [3]);
    assert!(numbers(LogFilter { text: "nothing".to_owned(), ..any() }).await.is_empty());
}

/// Steps keep their first start when they are begun again; what never began is skipped at the end.
async fn steps_and_progress(site: Site) {
    site.ground().await;
    let (_, started) = site.environment("eu", "sandbox").await;
    let recorder = recorder(&site).await;
    let op = async || site.control.op_get(&Actor::system(), started.op.id).await.unwrap();
    recorder.step_started(StepName::FetchChart).await.unwrap();
    let first = op().await.steps[0].started_at;
    recorder.step_started(StepName::FetchChart).await.unwrap();
    recorder.step_done(StepName::FetchChart, "41 templates").await.unwrap();
    let steps = vec![
        StepChange::skipped(StepName::Crds, "none"),
        StepChange::progress(StepName::Wait, 7, 9),
    ];
    recorder.store(Told { steps, ..Told::default() }).await.unwrap();
    let now = op().await;
    let fetch = &now.steps[0];
    assert_eq!(
        (fetch.state, fetch.started_at, fetch.note.as_str()),
        (StepState::Done, first, "41 templates")
    );
    assert!(fetch.finished_at.is_some());
    let environment = site.control.environment_get(&Actor::system(), "eu").await.unwrap();
    let brief = environment.op.unwrap();
    assert_eq!((brief.step, brief.done, brief.total), (Some(StepName::Wait), Some(7), Some(9)));
    assert!(brief.percent > 0 && brief.percent == now.percent);
    recorder.add_rollback_steps().await.unwrap();
    recorder.add_rollback_steps().await.unwrap();
    let all = crate::op::DEPLOY_STEPS.len() + crate::op::ROLL_BACK_STEPS.len();
    assert_eq!(op().await.steps.len(), all);
    assert!(op().await.percent >= now.percent, "progress never goes back");
    recorder.end_succeeded(None).await.unwrap();
    let ended = op().await;
    assert_eq!((ended.state, ended.percent), (OpState::Succeeded, 100));
    let skipped = ended.steps.iter().filter(|step| step.state == StepState::Skipped).count();
    assert_eq!(skipped, all - 1, "one was done");
}

/// The first culprit's line is what lists show; objects keep the order of the manifest.
async fn culprits_and_objects(site: Site) {
    site.ground().await;
    let (_, started) = site.environment("eu", "sandbox").await;
    let recorder = recorder(&site).await;
    let object = |name: &str, ready: i64| ObjectState {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        namespace: Some("shop-eu".to_owned()),
        name: name.to_owned(),
        condition: ObjectCondition::InProgress,
        ready: Some(ready),
        total: Some(2),
        message: format!("Available: {ready}/2"),
    };
    let objects = Some(vec![object("web", 0), object("api", 0)]);
    recorder.store(Told { objects, ..Told::default() }).await.unwrap();
    let changed = BTreeMap::from([(1, object("api", 2))]);
    recorder.store(Told { changed, ..Told::default() }).await.unwrap();
    let culprit = Culprit {
        object: "Deployment/shop-eu/web".to_owned(),
        pod: Some("web-1".to_owned()),
        container: Some("web".to_owned()),
        cause: "crash_loop".to_owned(),
        text: "web exits with 1 at start: QUEUE_URL is not set".to_owned(),
        evidence: None,
        last_lines: vec!["fatal: QUEUE_URL is not set".to_owned()],
        since: None,
        remedy: String::new(),
        hopeless: false,
    };
    recorder.culprits(vec![culprit.clone()]).await.unwrap();
    let op = site.control.op_get(&Actor::system(), started.op.id).await.unwrap();
    assert_eq!(op.objects, [object("web", 0), object("api", 2)]);
    assert_eq!(op.culprits, std::slice::from_ref(&culprit));
    let environment = site.control.environment_get(&Actor::system(), "eu").await.unwrap();
    assert_eq!(environment.last.unwrap().culprit, Some(culprit.text));
}

type Events = BoxStream<'static, Result<OpEvent, Error>>;

async fn follow(control: &Control, op: OpId, after: i64) -> Events {
    control.op_subscribe(&Actor::system(), op, after).await.unwrap()
}

/// The numbers of all lines that a follower was told until the end, and the last state.
async fn until_the_end(mut events: Events) -> (Vec<i64>, OpState) {
    let mut numbers = Vec::new();
    let mut state = OpState::Queued;
    loop {
        let next = tokio::time::timeout(Duration::from_secs(30), events.next()).await;
        match next.expect("an event in time").expect("an end before the stream's").unwrap() {
            OpEvent::Log { lines } => numbers.extend(lines.iter().map(|line| line.sequence)),
            OpEvent::State { op } => state = op.state,
            OpEvent::End => return (numbers, state),
        }
    }
}

/// Followers who come early, in the middle, again from a number, or late, get every line once.
async fn followers_miss_nothing(site: Site) {
    site.ground().await;
    site.environment("eu", "sandbox").await;
    let recorder = recorder(&site).await;
    let op = recorder.lease().op;
    let mut followers = Vec::new();
    for n in 0..300_i64 {
        if n % 50 == 0 {
            followers.push((0, tokio::spawn(until_the_end(follow(&site.control, op, 0).await))));
            let after = n / 2;
            let events = follow(&site.control, op, after).await;
            followers.push((after, tokio::spawn(until_the_end(events))));
        }
        recorder.store(told(vec![line(n.to_string()), line("and more")])).await.unwrap();
    }
    // One that goes away in between disturbs nobody.
    drop(follow(&site.control, op, 0).await);
    recorder.end_succeeded(None).await.unwrap();
    followers.push((0, tokio::spawn(until_the_end(follow(&site.control, op, 0).await))));
    for (after, follower) in followers {
        let (numbers, state) = follower.await.unwrap();
        assert_eq!(numbers, (after + 1..=600).collect::<Vec<_>>());
        assert_eq!(state, OpState::Succeeded);
    }
}

/// A line that is stored after a reader has caught up and before the Op's follower looks for the first time is told, too, and
/// not only when another one comes.
#[tokio::test]
async fn a_line_before_the_follower_looks() {
    let site = Site::sqlite().await;
    site.ground().await;
    site.environment("eu", "sandbox").await;
    let recorder = recorder(&site).await;
    let op = recorder.lease().op;
    recorder.store(told(vec![line("before the reader")])).await.unwrap();
    // On the one thread of this test the reader begins first, then this one writes, then the follower looks.
    let mut events = follow(&site.control, op, 0).await;
    let writes =
        tokio::spawn(async move { recorder.store(told(vec![line("after the reader")])).await });
    let mut numbers = Vec::new();
    while numbers.last() != Some(&2) {
        let next = tokio::time::timeout(Duration::from_secs(30), events.next()).await;
        if let OpEvent::Log { lines } = next.expect("both lines in time").unwrap().unwrap() {
            numbers.extend(lines.iter().map(|line| line.sequence));
        }
    }
    assert_eq!(numbers, [1, 2]);
    writes.await.unwrap().unwrap();
}

/// An Op that another process runs is followed just the same.
async fn following_across_processes(site: Site) {
    site.ground().await;
    site.environment("eu", "sandbox").await;
    let recorder = recorder(&site).await;
    let op = recorder.lease().op;
    let other = site.second_process().await;
    let follower = tokio::spawn(until_the_end(follow(&other, op, 0).await));
    for n in 0..50 {
        recorder.store(told(vec![line(n.to_string())])).await.unwrap();
    }
    recorder.end_succeeded(None).await.unwrap();
    let (numbers, state) = follower.await.unwrap();
    assert_eq!(numbers, (1..=50).collect::<Vec<_>>());
    assert_eq!(state, OpState::Succeeded);
}

/// Lists hear what changes, but nothing of environments that the asker may not see.
async fn changes_are_heard_by_those_who_may(site: Site) {
    site.ground().await;
    let qa = site.person(Role::Qa).await;
    let mut changes = site.control.changes(&qa);
    let (hidden, _) = site.environment("prod", "production").await;
    let (seen, started) = site.environment("try", "sandbox").await;
    let wanted = started.op.id;
    loop {
        let change = tokio::time::timeout(Duration::from_secs(10), changes.next()).await;
        if let Change::Op { op, environment, .. } = change.expect("a change in time").unwrap() {
            assert_ne!(environment, hidden.id);
            if op == wanted {
                assert_eq!(environment, seen.id);
                break;
            }
        }
    }
    let refused = site.control.op_get(&qa, hidden.op.unwrap().id).await;
    assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
}

/// A call sent twice with one key acts once and answers the same; a key is for one call only.
async fn calls_with_a_key_act_once(site: Site) {
    let actor = site.person(Role::Developer).await;
    let other = site.person(Role::Operations).await;
    let call = KeyedCall { key: "k1", call: "POST /api/v1/releases", body: b"{}" };
    let begin = async |actor: &Actor, call: &KeyedCall<'_>| {
        site.control.idempotency_begin(actor, call).await
    };
    assert_eq!(begin(&actor, &call).await.unwrap(), Keyed::New);
    let under_way = begin(&actor, &call).await;
    assert!(matches!(under_way, Err(Error::Conflict { .. })), "{under_way:?}");
    let answer = StoredAnswer {
        status: 201,
        headers: vec![("location".to_owned(), "/api/v1/releases/x".to_owned())],
        body: b"{\"id\":1}".to_vec(),
    };
    site.control.idempotency_finish(&actor, &call, &answer).await.unwrap();
    assert_eq!(begin(&actor, &call).await.unwrap(), Keyed::Done(answer));
    assert_eq!(begin(&other, &call).await.unwrap(), Keyed::New);
    let reused = begin(&actor, &KeyedCall { body: b"{ }", ..call.clone() }).await;
    assert!(matches!(reused, Err(Error::Conflict { .. })), "{reused:?}");
    let given_up = KeyedCall { key: "k2", ..call };
    assert_eq!(begin(&actor, &given_up).await.unwrap(), Keyed::New);
    site.control.idempotency_abandon(&actor, &given_up).await.unwrap();
    assert_eq!(begin(&actor, &given_up).await.unwrap(), Keyed::New);
}
