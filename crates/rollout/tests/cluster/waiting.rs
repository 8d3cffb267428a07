//! What is told while waiting: progress, events, logs, culprits; and that nothing is told twice.

use crate::lab::{Lab, deployment, desired, options, revision};
use jiff::Timestamp;
use rollout::apply::{self, Applied};
use rollout::culprit::{Cause, Culprit};
use rollout::plan::Plan;
use rollout::report::{Cursor, RolloutEvent};
use rollout::wait::{WaitOptions, WaitOutcome, wait};
use rollout::{Execution, RolloutError, record};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Records and applies a manifest; the plan, and when that began.
async fn applied(lab: &Lab, manifest: &str) -> (Plan, Timestamp) {
    let since = Timestamp::now();
    let wanted = desired(manifest);
    let plan = lab.plan(&wanted).await.unwrap();
    record::record_pending(lab.execution(), &plan, &revision("d1", manifest)).await.unwrap();
    apply::apply(lab.execution(), &wanted, &plan).await.unwrap();
    (plan, since)
}

/// Progress ends at all of all; the pods' events and output are told as they come.
#[tokio::test(flavor = "multi_thread")]
async fn progress_events_and_logs() {
    let lab = Lab::new().await;
    let lines = [
        ("simulator.landfall.dev/log-lines", "hello\nlistening on 8080"),
        ("simulator.landfall.dev/ready-after", "300ms"),
    ];
    let (plan, since) = applied(&lab, &deployment("web", "web:1", &lines)).await;
    lab.reports.take();
    assert_eq!(
        wait(lab.execution(), &plan, Applied::default(), options(since, 20)).await.unwrap(),
        WaitOutcome::Ready
    );
    let told = lab.reports.lines();
    assert_eq!(
        told.iter().filter(|line| *line == "main: listening on 8080").count(),
        2,
        "{told:#?}"
    );
    assert!(told.iter().any(|line| line.starts_with("event Scheduled: ")), "{told:#?}");
    let progress: Vec<(u32, u32)> = lab
        .reports
        .take()
        .iter()
        .filter_map(|report| match &report.event {
            RolloutEvent::Progress { done, total, .. } => Some((*done, *total)),
            _ => None,
        })
        .collect();
    assert_eq!((progress.first(), progress.last()), (Some(&(0, 1)), Some(&(1, 1))));
}

/// A wait that is cancelled and taken up with the cursor of what was told goes on without repeating.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_twice() {
    let lab = Lab::new().await;
    let lines = [
        ("simulator.landfall.dev/log-lines", "one\ntwo\nthree"),
        ("simulator.landfall.dev/ready-after", "2s"),
    ];
    let (plan, since) = applied(&lab, &deployment("web", "web:1", &lines)).await;
    lab.reports.take();
    // Cancelled as soon as both pods have said their last line.
    let stop = async {
        while lab.reports.lines().iter().filter(|line| *line == "main: three").count() < 2 {
            tokio::task::yield_now().await;
        }
        lab.cancel.cancel();
    };
    let (ended, ()) =
        tokio::join!(wait(lab.execution(), &plan, Applied::default(), options(since, 20)), stop);
    assert!(matches!(ended, Err(RolloutError::Cancelled)));
    let first = lab.reports.take();
    let mut cursor = Cursor::default();
    first.iter().filter_map(|report| report.mark.as_ref()).for_each(|mark| cursor.advance(mark));
    let stored = serde_json::to_string(&cursor).unwrap();

    let lab = Lab { cancel: tokio_util::sync::CancellationToken::new(), ..lab };
    let cursor = serde_json::from_str(&stored).unwrap();
    let resumed = WaitOptions { cursor, ..options(since, 20) };
    assert_eq!(
        wait(lab.execution(), &plan, Applied::default(), resumed).await.unwrap(),
        WaitOutcome::Ready
    );
    let second = lab.reports.take();
    for report in second.iter().filter(|report| report.mark.is_some()) {
        assert!(!first.contains(report), "told twice: {report:?}");
    }
}

/// Waits for a Deployment with a fault until its culprit is told, long before the deadline.
async fn culprit(fault: &str) -> Culprit {
    let lab = Lab::new().await;
    let annotations = [
        ("simulator.landfall.dev/fault", fault),
        ("simulator.landfall.dev/log-lines", "starting\ncannot go on"),
    ];
    let (plan, since) = applied(&lab, &deployment("web", "web:1", &annotations)).await;
    let found = async {
        loop {
            let reports = lab.reports.take();
            let culprit = reports.into_iter().find_map(|report| match report.event {
                RolloutEvent::Culprit(culprit) => Some(culprit),
                _ => None,
            });
            if let Some(culprit) = culprit {
                return culprit;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        culprit = found => culprit,
        ended = wait(lab.execution(), &plan, Applied::default(), options(since, 60)) => panic!("{ended:?}"),
    }
}

/// An image that cannot be pulled.
#[tokio::test(flavor = "multi_thread")]
async fn image_pull() {
    let culprit = culprit("image-pull").await;
    assert_eq!((culprit.cause, &culprit.last_lines), (Cause::ImagePull, &Vec::new()));
    insta::assert_snapshot!(culprit.text, @r#"Deployment/prod/web: image "web:1" cannot be pulled: there is no such image"#);
}

/// A crash loop, with what the container said last.
#[tokio::test(flavor = "multi_thread")]
async fn crash_loop() {
    let culprit = culprit("crash-loop").await;
    assert_eq!(culprit.cause, Cause::CrashLoop);
    assert!(
        culprit.text.starts_with(
            "Deployment/prod/web: container \"main\" ends again and again (exit code 1, restarted "
        ),
        "{}",
        culprit.text
    );
    assert!(culprit.last_lines.contains(&"cannot go on".to_owned()), "{culprit:?}");
}

/// A readiness probe that never passes.
#[tokio::test(flavor = "multi_thread")]
async fn never_ready() {
    let culprit = culprit("never-ready").await;
    assert_eq!(culprit.cause, Cause::NeverReady);
    insta::assert_snapshot!(culprit.text, @r#"Deployment/prod/web: container "main" runs but is not ready: Readiness probe failed: HTTP probe failed with statuscode: 503"#);
    assert!(culprit.last_lines.contains(&"cannot go on".to_owned()), "{culprit:?}");
}

/// At the deadline the failure reads as Helm's, and names the culprit.
#[tokio::test(flavor = "multi_thread")]
async fn deadline() {
    let lab = Lab::new().await;
    let annotations = [("simulator.landfall.dev/fault", "image-pull")];
    let (plan, since) = applied(&lab, &deployment("web", "web:1", &annotations)).await;
    let ended = wait(lab.execution(), &plan, Applied::default(), options(since, 3)).await.unwrap();
    let WaitOutcome::NotReady { text, culprits, deadline_exceeded, .. } = ended else {
        panic!("{ended:?}");
    };
    insta::assert_snapshot!(text, @r"
    resource Deployment/prod/web not ready. status: InProgress, message: Available: 0/2
    context deadline exceeded
    ");
    assert!(deadline_exceeded);
    assert_eq!(culprits.len(), 1);
}

/// A Job that has failed for good ends the wait at once, as soon as all others are ready.
#[tokio::test(flavor = "multi_thread")]
async fn failed_for_good() {
    let lab = Lab::new().await;
    let job = "---
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
spec:
  backoffLimit: 0
  template:
    metadata:
      annotations:
        simulator.landfall.dev/fault: crash-loop
    spec:
      restartPolicy: Never
      containers:
      - name: main
        image: migrate:1
";
    let (plan, since) = applied(&lab, &(deployment("web", "web:1", &[]) + job)).await;
    let jobs = WaitOptions { jobs: true, ..options(since, 60) };
    let ended = wait(lab.execution(), &plan, Applied::default(), jobs).await.unwrap();
    let WaitOutcome::NotReady { text, deadline_exceeded, .. } = ended else { panic!("{ended:?}") };
    insta::assert_snapshot!(text, @"resource Job/prod/migrate not ready. status: Failed, message: Job Failed. failed: 1/1");
    assert!(!deadline_exceeded);
}

/// An API server that goes away while a release is waited for is followed again when it is back.
#[tokio::test(flavor = "multi_thread")]
async fn api_server_goes_away() {
    let lab = Lab::new().await;
    let slow = [("simulator.landfall.dev/ready-after", "3s")];
    let (plan, since) = applied(&lab, &deployment("web", "web:1", &slow)).await;
    let behind = lab.simulator.url().strip_prefix("https://").unwrap().to_owned();
    let (address, door) = Door::open("127.0.0.1:0", &behind).await;
    let cluster = lab.cluster_at(&format!("https://{address}"));
    let execution = Execution { cluster: &cluster, ..lab.execution() };
    let interrupt = async {
        while !lab.reports.lines().iter().any(|line| line.starts_with("event Started")) {
            tokio::task::yield_now().await;
        }
        // Every connection breaks and new ones are refused, until the door is open again.
        drop(door);
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        Door::open(&address, &behind).await
    };
    let (ended, _door) =
        tokio::join!(wait(execution, &plan, Applied::default(), options(since, 60)), interrupt);
    assert_eq!(ended.unwrap(), WaitOutcome::Ready);
}

/// A door before the API server; closing it cuts all connections.
struct Door {
    _connections: JoinSet<()>,
}

impl Door {
    async fn open(address: &str, behind: &str) -> (String, Self) {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let behind = behind.to_owned();
        let mut connections = JoinSet::new();
        connections.spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (mut here, _) = listener.accept().await.unwrap();
                let mut there = TcpStream::connect(&behind).await.unwrap();
                open.spawn(async move {
                    // A connection that breaks has ended.
                    let _ = tokio::io::copy_bidirectional(&mut here, &mut there).await;
                });
            }
        });
        (address, Self { _connections: connections })
    }
}
