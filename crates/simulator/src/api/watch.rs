//! `GET` of a collection with `watch=true`: changes as a stream of JSON lines.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::{Stream, stream};
use http::Response;
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::{
    call::{Call, ResourceCall},
    convert,
    list::{self, Selection},
    reply::{self, Body, Form},
};
use crate::{
    cluster::Cluster,
    kinds::{Kind, columns},
    status::StatusError,
    store::{Change, ChangeKind, StoredObject, Watch},
};

/// How long a watch lasts if the client does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(45);
/// How often a client that wants bookmarks gets one.
const BOOKMARK_EVERY: Duration = Duration::from_mins(1);

/// Answers a watch.
///
/// Without a resource version, or with `0`, the present objects come first as `ADDED`; with
/// `sendInitialEvents` a bookmark marks their end.
pub(super) fn answer(
    cluster: &Cluster,
    call: &Call,
    resource: &ResourceCall,
) -> Result<Response<Body>, StatusError> {
    let selection = Selection::of(call, resource)?;
    let form = Form::of(call)?;
    let initial_wanted = call.query("sendInitialEvents");
    if !initial_wanted.is_empty() && call.query("resourceVersionMatch") != "NotOlderThan" {
        return Err(StatusError::bad_request(
            "resourceVersionMatch: Forbidden: sendInitialEvents requires setting \
             resourceVersionMatch to NotOlderThan",
        ));
    }
    let given = call.query("resourceVersion");
    let from_now = given.is_empty() || given == "0";
    let with_initial = call.flag("sendInitialEvents") || (from_now && initial_wanted != "false");
    let (revision, objects) = selection.list(cluster);
    if with_initial {
        list::check_version(call, revision)?;
    }
    let start = match given.parse::<u64>() {
        _ if with_initial || from_now => revision,
        Ok(start) => start,
        Err(_) => {
            return Err(StatusError::bad_request(format!("invalid resource version {given:?}")));
        }
    };
    let timeout = call.number("timeoutSeconds").and_then(|seconds| u64::try_from(seconds).ok());
    let timeout = timeout.filter(|it| *it > 0).map_or(DEFAULT_TIMEOUT, Duration::from_secs);
    let mut feed = Feed {
        watch: cluster.store().watch(&resource.kind.storage, start),
        writer: Writer {
            kind: Arc::clone(&resource.kind),
            form,
            include_object: call.query("includeObject").to_owned(),
            columns_sent: false,
        },
        selection,
        ready: VecDeque::new(),
        bookmarks: call.flag("allowWatchBookmarks"),
        next_bookmark: Instant::now() + BOOKMARK_EVERY,
        end: Instant::now() + timeout,
        ended: false,
    };
    if with_initial {
        for object in &objects {
            let line = feed.writer.event("ADDED", object);
            feed.ready.push_back(line);
        }
    }
    if call.flag("sendInitialEvents") {
        feed.ready.push_back(feed.writer.bookmark(revision, true));
    }
    Ok(reply::stream("application/json", feed.stream()))
}

/// A watch being answered.
struct Feed {
    watch: Watch,
    writer: Writer,
    selection: Selection,
    ready: VecDeque<Bytes>,
    bookmarks: bool,
    next_bookmark: Instant,
    end: Instant,
    ended: bool,
}

impl Feed {
    fn stream(self) -> impl Stream<Item = Bytes> + Send + 'static {
        stream::unfold(self, |mut feed| async move {
            loop {
                if let Some(line) = feed.ready.pop_front() {
                    return Some((line, feed));
                }
                if feed.ended {
                    return None;
                }
                feed.wait().await;
            }
        })
    }

    async fn wait(&mut self) {
        let wake = if self.bookmarks { self.next_bookmark.min(self.end) } else { self.end };
        tokio::select! {
            changes = self.watch.next() => {
                if let Ok(changes) = changes {
                    for change in &changes {
                        self.take(change);
                    }
                } else {
                    let position = self.watch.revision();
                    let error = StatusError::expired(format!("too old resource version: {position}"));
                    let event = json!({ "type": "ERROR", "object": error.to_json() });
                    self.ready.push_back(line(&event));
                    self.ended = true;
                }
            }
            () = sleep_until(wake) => {
                self.ended = Instant::now() >= self.end;
                if self.bookmarks {
                    self.next_bookmark = Instant::now() + BOOKMARK_EVERY;
                    self.ready.push_back(self.writer.bookmark(self.watch.revision(), false));
                }
            }
        }
    }

    /// Queues the event that a change is to a client with this selection.
    fn take(&mut self, change: &Change) {
        let before = change.previous.as_ref().is_some_and(|object| self.selection.takes(object));
        let after = change.kind != ChangeKind::Deleted && self.selection.takes(&change.object);
        let kind = match (before, after) {
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) => "DELETED",
            (false, false) => return,
        };
        let event = self.writer.event(kind, &change.object);
        self.ready.push_back(event);
    }
}

/// Writes events in the form the client asked for.
struct Writer {
    kind: Arc<Kind>,
    form: Form,
    include_object: String,
    columns_sent: bool,
}

impl Writer {
    fn event(&mut self, event: &str, object: &StoredObject) -> Bytes {
        match self.form {
            Form::Object => {
                let object = convert::served(&self.kind, object);
                let mut text = Vec::with_capacity(object.len() + 32);
                text.extend_from_slice(b"{\"type\":\"");
                text.extend_from_slice(event.as_bytes());
                text.extend_from_slice(b"\",\"object\":");
                text.extend_from_slice(&object);
                text.extend_from_slice(b"}\n");
                Bytes::from(text)
            }
            Form::Metadata => {
                let object = reply::metadata_only(&object.value());
                line(&json!({ "type": event, "object": object }))
            }
            Form::Table => {
                let version = object.revision.to_string();
                let object = convert::served_value(&self.kind, object);
                let rows = vec![columns::row(&self.kind, &object)];
                let metadata = json!({ "resourceVersion": version });
                let table = reply::table(
                    &self.include_object,
                    &self.kind,
                    rows,
                    &metadata,
                    !self.columns_sent,
                );
                self.columns_sent = true;
                line(&json!({ "type": event, "object": table }))
            }
        }
    }

    /// An event that only says how far the client is.
    fn bookmark(&self, revision: u64, initial_events_end: bool) -> Bytes {
        let mut metadata = json!({ "resourceVersion": revision.to_string() });
        if initial_events_end {
            metadata["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        let object = match self.form {
            Form::Object => json!({
                "kind": self.kind.kind,
                "apiVersion": self.kind.api_version(),
                "metadata": metadata,
            }),
            Form::Metadata => reply::metadata_only(&json!({ "metadata": metadata })),
            Form::Table => {
                let row = json!({
                    "cells": [],
                    "object": reply::metadata_only(&json!({ "metadata": metadata })),
                });
                json!({
                    "kind": "Table",
                    "apiVersion": "meta.k8s.io/v1",
                    "metadata": { "resourceVersion": revision.to_string() },
                    "columnDefinitions": Value::Null,
                    "rows": [row],
                })
            }
        };
        line(&json!({ "type": "BOOKMARK", "object": object }))
    }
}

fn line(event: &Value) -> Bytes {
    let mut text = event.to_string();
    text.push('\n');
    Bytes::from(text)
}
