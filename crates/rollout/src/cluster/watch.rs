//! Following the objects of a kind: list, then watch, for ever.

use std::time::Duration;

use futures_util::StreamExt as _;
use kube::core::WatchEvent;
use serde_json::{Value, json};
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

/// Which objects of a kind are followed.
#[derive(Clone, Debug)]
pub(crate) enum Followed {
    /// All of them, of a namespace or of the cluster.
    All,
    /// The one of this name.
    One {
        /// Its name.
        name: String,
        /// The version it is known in: what happened since is told without reading it first.
        version: Option<String>,
    },
}

impl Followed {
    fn name(&self) -> Option<&str> {
        match self {
            Self::All => None,
            Self::One { name, .. } => Some(name),
        }
    }
}

impl Cluster {
    /// Sends every object of a kind in a namespace, and every change from then on, each wrapped for
    /// the channel, until that is closed. Ends by itself only if the cluster does not allow to look.
    pub(crate) async fn follow<T: Send>(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        followed: Followed,
        changes: &mpsc::Sender<T>,
        wrap: impl Fn(Change) -> T + Send + Sync,
    ) -> Result<(), ClusterError> {
        let selector = followed.name().map(|name| format!("metadata.name={name}"));
        let place = Place { resource, namespace, field_selector: selector.as_deref() };
        let mut known = match &followed {
            Followed::One { version, .. } => version.clone(),
            Followed::All => None,
        };
        loop {
            let mut version = match known.take() {
                Some(version) => version,
                None => match self.list_followed(place).await {
                    Ok(listed) => {
                        let change = found(&followed, resource, namespace, listed.items);
                        if changes.send(wrap(change)).await.is_err() {
                            return Ok(());
                        }
                        listed.resource_version
                    }
                    Err(error) if error.is_transient() => {
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    }
                    Err(error) => return Err(error),
                },
            };
            // A watch that ends is opened again where it ended, until the server no longer has
            // that version; then everything is listed anew.
            loop {
                match self.watch(place, &mut version, changes, &wrap).await {
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
        place: Place<'_>,
        version: &mut String,
        changes: &mpsc::Sender<T>,
        wrap: &(impl Fn(Change) -> T + Send + Sync),
    ) -> Result<Ended, ClusterError> {
        let Place { resource, namespace, field_selector } = place;
        let doing = format!("watching {}", resource.plural);
        let seconds = WATCH_SECONDS.to_string();
        let mut query = vec![
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", &seconds),
            ("resourceVersion", version),
        ];
        query.extend(field_selector.map(|selector| ("fieldSelector", selector)));
        let path = with_query(&resource.collection(namespace), &query);
        let request = self.request(&Call::get(&path, &doing))?;
        let clients = &self.inner.clients;
        let client = if field_selector.is_some() { clients.for_one() } else { clients.for_many() };
        let opened = client
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

/// Where changes are looked for.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) resource: &'a Resource,
    pub(super) namespace: Option<&'a str>,
    pub(super) field_selector: Option<&'a str>,
}

/// What a list means for whoever follows.
fn found(
    followed: &Followed,
    resource: &Resource,
    namespace: Option<&str>,
    mut items: Vec<Value>,
) -> Change {
    match (followed, items.pop()) {
        (Followed::One { .. }, Some(object)) => Change::Is(object),
        (Followed::One { name, .. }, None) => Change::Gone(json!({
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": { "name": name, "namespace": namespace },
        })),
        (Followed::All, last) => {
            items.extend(last);
            Change::All(items)
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
