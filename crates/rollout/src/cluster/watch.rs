//! Following the objects of a kind: list, then watch, for ever.

use std::time::Duration;

use futures_util::StreamExt as _;
use kube::core::WatchEvent;
use serde_json::Value;
use tokio::sync::mpsc;

use super::request::{Call, typed, with_query};
use super::{Cluster, ClusterError, Resource, error};

/// How long the server keeps one watch open; it ends with an answer then and is opened anew.
const WATCH_SECONDS: u32 = 290;
/// The pause before a list or watch that failed is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// What became of an object.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// It is there, in this form.
    Is(Value),
    /// It is gone; its last form.
    Gone(Value),
    /// All objects there are; what is not among them is gone.
    All(Vec<Value>),
}

impl Cluster {
    /// Sends every object of a kind in a namespace, and every change from then on, each wrapped for
    /// the channel, until that is closed. Ends by itself only if the cluster does not allow to look.
    pub(crate) async fn follow<T: Send>(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        changes: &mpsc::Sender<T>,
        wrap: impl Fn(Change) -> T + Send + Sync,
    ) -> Result<(), ClusterError> {
        loop {
            let listed = match self.list(resource, namespace, None).await {
                Ok(listed) => listed,
                Err(error) if error.is_transient() => {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let mut version = listed.resource_version;
            if changes.send(wrap(Change::All(listed.items))).await.is_err() {
                return Ok(());
            }
            // A watch that ends is opened again where it ended, until the server no longer has
            // that version; then everything is listed anew.
            loop {
                match self.watch(resource, namespace, &mut version, changes, &wrap).await {
                    Ok(Ended::Closed) => return Ok(()),
                    Ok(Ended::Again) => {}
                    Ok(Ended::Expired) => break,
                    Err(error) if error.is_transient() => {
                        tokio::time::sleep(PAUSE).await;
                        break;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }

    async fn watch<T: Send>(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        version: &mut String,
        changes: &mpsc::Sender<T>,
        wrap: &(impl Fn(Change) -> T + Send + Sync),
    ) -> Result<Ended, ClusterError> {
        let doing = format!("watching {}", resource.plural);
        let seconds = WATCH_SECONDS.to_string();
        let path = with_query(
            &resource.collection(namespace),
            &[
                ("watch", "true"),
                ("allowWatchBookmarks", "true"),
                ("timeoutSeconds", &seconds),
                ("resourceVersion", version),
            ],
        );
        let request = self.request(&Call::get(&path, &doing))?;
        let opened = self
            .inner
            .client
            .request_events::<Value>(request)
            .await
            .map_err(|error| error::from_kube(self.name(), &doing, error).error);
        let stream = match opened {
            Ok(stream) => stream,
            Err(ClusterError::Refused { code: 410, .. }) => return Ok(Ended::Expired),
            Err(error) => return Err(error),
        };
        let mut stream = std::pin::pin!(stream);
        loop {
            let event = tokio::select! {
                event = stream.next() => event,
                () = changes.closed() => return Ok(Ended::Closed),
            };
            let event = match event {
                Some(Ok(event)) => event,
                None => return Ok(Ended::Again),
                Some(Err(error)) => return Err(error::from_kube(self.name(), &doing, error).error),
            };
            let change = match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => Change::Is(object),
                WatchEvent::Deleted(object) => Change::Gone(object),
                WatchEvent::Bookmark(bookmark) => {
                    *version = bookmark.metadata.resource_version;
                    continue;
                }
                WatchEvent::Error(_) => return Ok(Ended::Expired),
            };
            let (Change::Is(object) | Change::Gone(object)) = &change else { continue };
            if let Some(seen) = object["metadata"]["resourceVersion"].as_str() {
                seen.clone_into(version);
            }
            let change = match change {
                Change::Is(object) => Change::Is(typed(object, resource)),
                other => other,
            };
            if changes.send(wrap(change)).await.is_err() {
                return Ok(Ended::Closed);
            }
        }
    }
}

enum Ended {
    /// Nobody listens any more.
    Closed,
    /// The server ended it in the normal course.
    Again,
    /// The server no longer has the version.
    Expired,
}
