//! Container logs: lines kept per run of a container, read while they grow.
//!
//! What the lines say is up to whoever plays the kubelet. They are in memory only: a restarted
//! process has its objects back, but logs start anew.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use jiff::Timestamp;
use tokio::sync::watch;

/// Lines kept of one run of a container; the oldest go first.
const KEEP_LINES: usize = 2_000;

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written.
    pub time: Timestamp,
    /// The text, without its line end.
    pub text: Arc<str>,
}

#[derive(Debug)]
struct Run {
    lines: VecDeque<LogLine>,
    /// How many lines have been dropped from the front.
    dropped: usize,
    ended: bool,
    changed: watch::Sender<()>,
}

impl Run {
    fn new() -> Self {
        Self { lines: VecDeque::new(), dropped: 0, ended: false, changed: watch::Sender::new(()) }
    }
}

#[derive(Debug, Default)]
struct Container {
    current: Option<Arc<Mutex<Run>>>,
    previous: Option<Arc<Mutex<Run>>>,
}

/// The containers of one pod, by name.
type Containers = HashMap<Box<str>, Container>;

/// The logs of all pods of a cluster, by pod uid and container name.
#[derive(Debug, Default)]
pub struct PodLogs {
    pods: Mutex<HashMap<Box<str>, Containers>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no code panics while it holds a log")
}

impl PodLogs {
    /// Begins a run of a container; the run before becomes the previous one.
    pub fn start(&self, pod_uid: &str, container: &str) {
        let mut pods = locked(&self.pods);
        let containers = pods.entry(pod_uid.into()).or_default();
        let container = containers.entry(container.into()).or_default();
        if let Some(run) = container.current.take() {
            end(&run);
            container.previous = Some(run);
        }
        container.current = Some(Arc::new(Mutex::new(Run::new())));
    }

    /// Appends a line to the running container's log, beginning a run if there is none.
    pub fn append(&self, pod_uid: &str, container: &str, text: &str) {
        let run = {
            let mut pods = locked(&self.pods);
            let containers = pods.entry(pod_uid.into()).or_default();
            let container = containers.entry(container.into()).or_default();
            Arc::clone(container.current.get_or_insert_with(|| Arc::new(Mutex::new(Run::new()))))
        };
        let mut run = locked(&run);
        run.lines.push_back(LogLine { time: Timestamp::now(), text: text.into() });
        if run.lines.len() > KEEP_LINES {
            run.lines.pop_front();
            run.dropped += 1;
        }
        run.changed.send_replace(());
    }

    /// Ends the current run: followers see the end of the log.
    pub fn finish(&self, pod_uid: &str, container: &str) {
        if let Some(run) = self.run(pod_uid, container, false) {
            end(&run);
        }
    }

    /// Forgets a pod; its followers see the end.
    pub fn forget(&self, pod_uid: &str) {
        let Some(containers) = locked(&self.pods).remove(pod_uid) else {
            return;
        };
        for container in containers.into_values() {
            for run in [container.current, container.previous].into_iter().flatten() {
                end(&run);
            }
        }
    }

    /// Opens the log of the current or the previous run; `None` if there was no such run.
    pub fn open(&self, pod_uid: &str, container: &str, previous: bool) -> Option<LogReader> {
        let run = self.run(pod_uid, container, previous)?;
        let changed = locked(&run).changed.subscribe();
        Some(LogReader { run, changed, position: 0 })
    }

    fn run(&self, pod_uid: &str, container: &str, previous: bool) -> Option<Arc<Mutex<Run>>> {
        let pods = locked(&self.pods);
        let container = pods.get(pod_uid)?.get(container)?;
        let run = if previous { &container.previous } else { &container.current };
        run.clone()
    }
}

fn end(run: &Mutex<Run>) {
    let mut run = locked(run);
    run.ended = true;
    run.changed.send_replace(());
}

/// A position in one run's log.
#[derive(Debug)]
pub struct LogReader {
    run: Arc<Mutex<Run>>,
    changed: watch::Receiver<()>,
    position: usize,
}

impl LogReader {
    /// The lines there are by now and have not been answered yet; and whether no more will come.
    pub fn ready(&mut self) -> (Vec<LogLine>, bool) {
        let run = locked(&self.run);
        let skip = self.position.saturating_sub(run.dropped);
        let lines: Vec<LogLine> = run.lines.iter().skip(skip).cloned().collect();
        self.position = run.dropped + run.lines.len();
        (lines, run.ended)
    }

    /// Waits for lines; an empty answer is the end of the log.
    pub async fn next(&mut self) -> Vec<LogLine> {
        loop {
            self.changed.borrow_and_update();
            let (lines, ended) = self.ready();
            if !lines.is_empty() || ended {
                return lines;
            }
            if self.changed.changed().await.is_err() {
                return Vec::new();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[LogLine]) -> Vec<&str> {
        lines.iter().map(|line| &*line.text).collect()
    }

    /// A follower gets each line once and then the end; the run before stays readable.
    #[tokio::test]
    async fn follow_and_previous() {
        let logs = PodLogs::default();
        logs.append("uid", "web", "one");
        let mut reader = logs.open("uid", "web", false).unwrap();
        assert_eq!(texts(&reader.next().await), ["one"]);
        logs.append("uid", "web", "two");
        assert_eq!(texts(&reader.next().await), ["two"]);
        logs.start("uid", "web");
        assert!(reader.next().await.is_empty());
        logs.append("uid", "web", "three");
        let read = |previous| {
            let (lines, _) = logs.open("uid", "web", previous).unwrap().ready();
            lines.into_iter().map(|line| line.text.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(read(true), ["one", "two"]);
        assert_eq!(read(false), ["three"]);
    }

    /// A reader that fell behind the kept lines goes on with the oldest kept one.
    #[test]
    fn old_lines_go() {
        let logs = PodLogs::default();
        for number in 0..KEEP_LINES + 10 {
            logs.append("uid", "web", &number.to_string());
        }
        let (lines, _) = logs.open("uid", "web", false).unwrap().ready();
        assert_eq!((lines.len(), &*lines[0].text), (KEEP_LINES, "10"));
    }
}
