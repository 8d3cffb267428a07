//! `GET …/pods/NAME/log`: the log of one container, as it stands or as it grows.

use std::{collections::VecDeque, fmt::Write};

use futures_util::stream;
use http::Response;
use hyper::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    call::{Call, ResourceCall},
    reply::{self, Body},
};
use crate::{
    cluster::Cluster,
    logs::{LogLine, LogReader},
    object,
    status::StatusError,
};

/// Answers a request for a log.
pub(super) fn answer(
    cluster: &Cluster,
    call: &Call,
    resource: &ResourceCall,
) -> Result<Response<Body>, StatusError> {
    let pod = cluster.get("pods", resource.namespace(), resource.name())?.value();
    let container = container(&pod, call.query("container"))?;
    let previous = call.flag("previous");
    let Some(mut reader) = cluster.logs().open(object::uid(&pod), &container, previous) else {
        return Err(no_log(&pod, &container, previous));
    };
    let writer = Writer {
        timestamps: call.flag("timestamps"),
        since: since(call)?,
        bytes_left: call.number("limitBytes").and_then(|limit| usize::try_from(limit).ok()),
    };
    let (mut lines, ended) = reader.ready();
    lines.retain(|line| writer.since.is_none_or(|since| line.time >= since));
    if let Some(tail) = call.number("tailLines").and_then(|it| usize::try_from(it).ok()) {
        lines.drain(..lines.len().saturating_sub(tail));
    }
    let follow = call.flag("follow") && !ended;
    let feed = Feed { reader, writer, lines: lines.into(), follow };
    Ok(reply::stream("text/plain", stream::unfold(feed, Feed::next)))
}

struct Feed {
    reader: LogReader,
    writer: Writer,
    lines: VecDeque<LogLine>,
    follow: bool,
}

impl Feed {
    /// The next chunk: all lines there are.
    async fn next(mut self) -> Option<(Bytes, Self)> {
        if self.lines.is_empty() {
            if !self.follow {
                return None;
            }
            self.lines = self.reader.next().await.into();
        }
        let lines = std::mem::take(&mut self.lines);
        let text = self.writer.write(lines);
        if text.is_empty() { None } else { Some((Bytes::from(text), self)) }
    }
}

struct Writer {
    timestamps: bool,
    since: Option<Timestamp>,
    bytes_left: Option<usize>,
}

impl Writer {
    fn write(&mut self, lines: VecDeque<LogLine>) -> String {
        let mut text = String::new();
        for line in lines {
            if self.timestamps {
                let time = line.time.strftime("%Y-%m-%dT%H:%M:%S%.9fZ");
                let _ = write!(text, "{time} ");
            }
            text.push_str(&line.text);
            text.push('\n');
        }
        if let Some(left) = &mut self.bytes_left {
            let end = (0..=text.len().min(*left)).rev().find(|it| text.is_char_boundary(*it));
            text.truncate(end.unwrap_or(0));
            *left -= text.len();
        }
        text
    }
}

fn since(call: &Call) -> Result<Option<Timestamp>, StatusError> {
    if let Some(seconds) = call.number("sinceSeconds") {
        let since = Timestamp::now().checked_sub(SignedDuration::from_secs(seconds));
        return Ok(since.ok());
    }
    match call.query("sinceTime") {
        "" => Ok(None),
        time => time.parse().map(Some).map_err(|_| {
            StatusError::bad_request(format!(
                "sinceTime: {time:?} is not a time such as 2026-01-02T03:04:05Z"
            ))
        }),
    }
}

/// The container that is asked for; the only one if none is named.
pub(super) fn container(pod: &Value, wanted: &str) -> Result<String, StatusError> {
    let names = |list: &str| -> Vec<&str> {
        let containers = object::list(pod, &["spec", list]);
        containers.iter().map(|container| object::text(container, &["name"])).collect()
    };
    let (containers, init) = (names("containers"), names("initContainers"));
    let pod_name = object::name(pod);
    if !wanted.is_empty() {
        return if containers.contains(&wanted) || init.contains(&wanted) {
            Ok(wanted.to_owned())
        } else {
            Err(StatusError::bad_request(format!(
                "container {wanted} is not valid for pod {pod_name}"
            )))
        };
    }
    match containers.as_slice() {
        [only] if init.is_empty() => Ok((*only).to_owned()),
        _ => {
            let mut message = format!(
                "a container name must be specified for pod {pod_name}, choose one of: [{}]",
                containers.join(" ")
            );
            if !init.is_empty() {
                let _ = write!(message, " or one of the init containers: [{}]", init.join(" "));
            }
            Err(StatusError::bad_request(message))
        }
    }
}

fn no_log(pod: &Value, container: &str, previous: bool) -> StatusError {
    let name = object::name(pod);
    if previous {
        return StatusError::bad_request(format!(
            "previous terminated container {container:?} in pod {name:?} not found"
        ));
    }
    let lists = ["containerStatuses", "initContainerStatuses"];
    let mut statuses = lists.iter().flat_map(|list| object::list(pod, &["status", list]));
    let status = statuses.find(|status| status["name"] == container);
    let why = status.map_or("", |status| object::text(status, &["state", "waiting", "reason"]));
    let why = match why {
        "" => "",
        "ErrImagePull" | "ImagePullBackOff" => {
            return StatusError::bad_request(format!(
                "container {container:?} in pod {name:?} is waiting to start: trying and failing to pull image"
            ));
        }
        why => why,
    };
    if why.is_empty() {
        return StatusError::bad_request(format!("pod {name} does not have a host assigned"));
    }
    StatusError::bad_request(format!(
        "container {container:?} in pod {name:?} is waiting to start: {why}"
    ))
}
