//! Commands run in a container of a pod, with what goes in and comes out as streams.
//!
//! The API server's `exec` over a WebSocket. What a command writes to standard output is read by the caller, what it
//! writes to standard error (and, where data goes in, to standard output, too) comes as lines. Nothing here knows what a
//! command is for, nor tries it again: a stream that broke off has to be begun anew by whoever knows what it does.
//!
//! Sending data to a command takes Kubernetes 1.30 or newer: before it there was no way to tell a command that its input has
//! ended while listening to how it ends.

use std::collections::VecDeque;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::Api;
use kube::api::{AttachParams, AttachedProcess};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, BufReader};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::{Cluster, ClusterError, ObjectKey};

/// What is buffered of a stream on our side of the connection.
const BUFFER: usize = 128 * 1024;
/// Longer lines are cut.
const LONGEST_LINE: u64 = 16 * 1024;
/// Last lines that the error of a failed command has.
const LAST_LINES: usize = 12;
/// Lines that wait to be taken; a command that says more waits.
const LINES: usize = 64;

/// Where a command is to run: in any pod of these labels that runs.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// Labels of the pod, as `kubectl -l` takes them.
    pub selector: &'a str,
    /// The container; none: the pod's own choice, else its first.
    pub container: Option<&'a str>,
}

/// A container that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its pod's namespace.
    pub namespace: String,
    /// Its pod.
    pub pod: String,
    /// Its name.
    pub container: String,
}

/// Why a command did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// The cluster was not reached, or did not allow it.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// There is no pod that it could run in.
    #[error("no pod with the labels {selector} runs in namespace {namespace}{others}")]
    NoPod {
        /// The labels.
        selector: String,
        /// Where it was looked for.
        namespace: String,
        /// How those stand that are there, in brackets.
        others: String,
    },
    /// The pod has no such container.
    #[error("Pod/{namespace}/{pod} has no container {container} that runs; it has {has}")]
    NoContainer {
        /// The pod's namespace.
        namespace: String,
        /// The pod.
        pod: String,
        /// The container.
        container: String,
        /// Those that run.
        has: String,
    },
    /// The command ended with another code than 0.
    #[error("{}", exit_text(command, *code, last_lines))]
    Exit {
        /// Its first word.
        command: String,
        /// The code, where the cluster told it.
        code: Option<i32>,
        /// What it said last, oldest first.
        last_lines: Vec<String>,
        /// The cluster's words.
        message: String,
    },
    /// The connection ended before the command did.
    #[error("the connection to {command} broke off before it ended: {problem}")]
    BrokenOff {
        /// Its first word.
        command: String,
        /// Why, as far as is known.
        problem: String,
    },
}

fn exit_text(command: &str, code: Option<i32>, last_lines: &[String]) -> String {
    let how = match code {
        Some(code) => format!("{command} exited with {code}"),
        None => format!("{command} failed"),
    };
    match last_lines.last() {
        Some(last) => format!("{how}: {last}"),
        None => how,
    }
}

/// Finds a container to run a command in: of the pods that run the first by name, those that are ready before the others.
pub async fn find(cluster: &Cluster, place: Place<'_>) -> Result<Target, ExecError> {
    let key = ObjectKey {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        namespace: Some(place.namespace.to_owned()),
        name: String::new(),
    };
    let resource = cluster.resource(&key).await?;
    let listed = cluster.list(&resource, Some(place.namespace), Some(place.selector)).await?;
    choose(place, &listed.items)
}

fn choose(place: Place<'_>, pods: &[Value]) -> Result<Target, ExecError> {
    let text = |value: &Value, pointer: &str| {
        value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let name = |pod: &Value| text(pod, "/metadata/name");
    let runs = |pod: &&Value| {
        text(pod, "/status/phase") == "Running"
            && pod.pointer("/metadata/deletionTimestamp").is_none()
    };
    let Some(pod) = pods.iter().filter(runs).min_by_key(|pod| (!is_ready(pod), name(pod))) else {
        let others: Vec<String> = pods
            .iter()
            .take(3)
            .map(|pod| format!("{} is {}", name(pod), text(pod, "/status/phase")))
            .collect();
        return Err(ExecError::NoPod {
            selector: place.selector.to_owned(),
            namespace: place.namespace.to_owned(),
            others: if others.is_empty() {
                String::new()
            } else {
                format!(" ({})", others.join(", "))
            },
        });
    };
    let running: Vec<String> = pod
        .pointer("/status/containerStatuses")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|status| status.pointer("/state/running").is_some())
        .map(|status| text(status, "/name"))
        .collect();
    let usual = pod.pointer("/metadata/annotations/kubectl.kubernetes.io~1default-container");
    let wanted = place.container.or(usual.and_then(Value::as_str)).map(str::to_owned);
    let first = || text(pod, "/spec/containers/0/name");
    let container = wanted.unwrap_or_else(first);
    if !running.contains(&container) {
        return Err(ExecError::NoContainer {
            namespace: place.namespace.to_owned(),
            pod: name(pod),
            container,
            has: if running.is_empty() { "none".to_owned() } else { running.join(", ") },
        });
    }
    Ok(Target { namespace: place.namespace.to_owned(), pod: name(pod), container })
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    conditions.is_some_and(|conditions| {
        conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True")
    })
}

/// A command that runs. Dropping it ends the connection; whether the command notices is its own matter.
pub struct Process {
    command: String,
    attached: AttachedProcess,
    status: JoinHandle<Option<Status>>,
    lines: Option<mpsc::Receiver<String>>,
    said: Vec<JoinHandle<VecDeque<String>>>,
}

/// What a command is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streams {
    /// Its output is read: [`Process::output`].
    Output,
    /// It is given data: [`Process::input`].
    Input,
}

impl Process {
    /// Starts a command, given as its words; no shell is between.
    pub async fn start(
        cluster: &Cluster,
        target: &Target,
        command: &[String],
        streams: Streams,
    ) -> Result<Self, ExecError> {
        let params = AttachParams {
            container: Some(target.container.clone()),
            stdin: streams == Streams::Input,
            stdout: true,
            stderr: true,
            tty: false,
            max_stdin_buf_size: Some(BUFFER),
            max_stdout_buf_size: Some(BUFFER),
            max_stderr_buf_size: Some(BUFFER),
        };
        let mut attached = cluster.exec(target, command, &params).await?;
        let status = attached.take_status();
        let status = tokio::spawn(async move {
            match status {
                Some(status) => status.await,
                None => None,
            }
        });
        let (sender, lines) = mpsc::channel(LINES);
        let mut said = Vec::new();
        if let Some(errors) = attached.stderr() {
            said.push(tokio::spawn(pass_lines(errors, sender.clone())));
        }
        if streams == Streams::Input
            && let Some(output) = attached.stdout()
        {
            said.push(tokio::spawn(pass_lines(output, sender)));
        }
        let command = command.first().cloned().unwrap_or_default();
        Ok(Self { command, attached, status, lines: Some(lines), said })
    }

    /// What the command writes, until it ends; there once, and not where it is given data.
    pub fn output(&mut self) -> Option<impl AsyncRead + Send + Unpin + use<>> {
        self.attached.stdout()
    }

    /// Where its data goes; there once. Shutting it down tells the command that there is no more.
    pub fn input(&mut self) -> Option<impl AsyncWrite + Send + Unpin + use<>> {
        self.attached.stdin()
    }

    /// What it says, line by line; there once. Must be taken and read, or dropped.
    pub fn lines(&mut self) -> Option<mpsc::Receiver<String>> {
        self.lines.take()
    }

    /// Waits for its end. Only an end that the cluster told counts: a stream that merely stops may be half of it.
    pub async fn end(mut self) -> Result<(), ExecError> {
        self.lines = None;
        let status = self.status.await.unwrap_or_default();
        let mut last_lines = VecDeque::new();
        for said in self.said.drain(..) {
            last_lines.extend(said.await.unwrap_or_default());
        }
        let Some(status) = status else {
            let problem = match self.attached.join().await {
                Err(error) => crate::cluster::cause(&error),
                Ok(()) => "the cluster closed it (to send data to a command takes Kubernetes 1.30 or newer)"
                    .to_owned(),
            };
            return Err(ExecError::BrokenOff { command: self.command, problem });
        };
        if status.status.as_deref() == Some("Success") {
            return Ok(());
        }
        let skip = last_lines.len().saturating_sub(LAST_LINES);
        Err(ExecError::Exit {
            command: self.command,
            code: exit_code(&status),
            last_lines: last_lines.into_iter().skip(skip).collect(),
            message: status.message.unwrap_or_default(),
        })
    }
}

fn exit_code(status: &Status) -> Option<i32> {
    let causes = status.details.as_ref()?.causes.as_ref()?;
    let cause = causes.iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"))?;
    cause.message.as_deref()?.parse().ok()
}

/// Passes lines on while someone takes them; the last ones at the end.
async fn pass_lines(
    stream: impl AsyncRead + Unpin,
    lines: mpsc::Sender<String>,
) -> VecDeque<String> {
    let mut stream = BufReader::new(stream);
    let mut last = VecDeque::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        // A line without an end must not grow without one.
        let read = (&mut stream).take(LONGEST_LINE).read_until(b'\n', &mut line).await;
        if read.unwrap_or(0) == 0 {
            return last;
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if text.is_empty() {
            continue;
        }
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(text.clone());
        // Nobody listens any more: it is read on all the same, since the command would stand still.
        let _ = lines.send(text).await;
    }
}

impl Cluster {
    async fn exec(
        &self,
        target: &Target,
        command: &[String],
        params: &AttachParams,
    ) -> Result<AttachedProcess, ClusterError> {
        let Target { namespace, pod, container } = target;
        let first = command.first().map_or("", String::as_str);
        let doing = format!("running {first} in container {container} of Pod/{namespace}/{pod}");
        let api: Api<Pod> = Api::namespaced(self.stream_client(), namespace);
        self.opened(&doing, api.exec(pod, command.iter().map(String::as_str), params)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(name: &str, phase: &str, ready: bool) -> Value {
        json!({
            "metadata": { "name": name },
            "spec": { "containers": [{ "name": "db" }, { "name": "sidecar" }] },
            "status": {
                "phase": phase,
                "conditions": [{ "type": "Ready", "status": if ready { "True" } else { "False" } }],
                "containerStatuses": [{ "name": "db", "state": { "running": {} } }],
            },
        })
    }

    fn chosen(container: Option<&str>, pods: &[Value]) -> String {
        let place = Place { namespace: "shop", selector: "app=db", container };
        match choose(place, pods) {
            Ok(target) => format!("{}/{}", target.pod, target.container),
            Err(error) => error.to_string(),
        }
    }

    /// A ready pod before one that is not, then by name; a pod on its way out never.
    #[test]
    fn which_pod() {
        let mut leaving = pod("db-0", "Running", true);
        leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        let pods = [leaving, pod("db-1", "Running", false), pod("db-2", "Running", true)];
        assert_eq!(chosen(None, &pods), "db-2/db");
        assert_eq!(chosen(Some("db"), &pods[..2]), "db-1/db");
        insta::assert_snapshot!(chosen(Some("sidecar"), &pods), @"Pod/shop/db-2 has no container sidecar that runs; it has db");
        insta::assert_snapshot!(chosen(None, &[pod("db-0", "Pending", false)]), @"no pod with the labels app=db runs in namespace shop (db-0 is Pending)");
        insta::assert_snapshot!(chosen(None, &[]), @"no pod with the labels app=db runs in namespace shop");
    }
}
