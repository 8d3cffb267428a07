//! Reading and writing the Secrets that hold release records.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use helm::release::storage::{self, Write};
use helm::release::{Release, Status};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::history::{History, StoredRevision};
use super::{KeptManifests, RecordError, kept};
use crate::cluster::{Effect, Resource};
use crate::report::Level;
use crate::{Cluster, ClusterError, Execution, ObjectKey, RolloutError};

/// What Kubernetes takes as a Secret's data, in bytes.
const LIMIT: usize = 1024 * 1024;
/// What a new record leaves of it for what is added later: how it ended, and its hooks.
const MARGIN: usize = 64 * 1024;

/// Reads all revisions of a release; Secrets that cannot be read as records are left out, as Helm does.
pub(crate) async fn read_records(
    cluster: &Cluster,
    kept: &dyn KeptManifests,
    namespace: &str,
    release: &str,
) -> Result<History, ClusterError> {
    read_selected(cluster, kept, namespace, &storage::selector(release, None)).await
}

/// Reads the revisions whose labels fit a selector. Secrets are taken apart one after another: in JSON they are larger.
async fn read_selected(
    cluster: &Cluster,
    kept: &dyn KeptManifests,
    namespace: &str,
    selector: &str,
) -> Result<History, ClusterError> {
    let resource = cluster.resource(&secret_key(namespace, "")).await?;
    let listed = cluster.list(&resource, Some(namespace), Some(selector)).await?;
    let revisions = listed.items.into_iter().filter_map(|secret| stored_revision(&secret));
    let mut history = History::new(revisions.collect());
    history.complete(kept).await;
    Ok(history)
}

pub(super) fn secret_key(namespace: &str, name: &str) -> ObjectKey {
    ObjectKey {
        api_version: "v1".to_owned(),
        kind: "Secret".to_owned(),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
    }
}

pub(super) fn stored_revision(secret: &Value) -> Option<StoredRevision> {
    let data = STANDARD.decode(secret["data"][storage::DATA_KEY].as_str()?).ok()?;
    let release = match Release::decode(&data) {
        Ok(release) => release,
        Err(error) => {
            let name = &secret["metadata"]["name"];
            tracing::warn!(%name, %error, "a release record cannot be read and is left out");
            return None;
        }
    };
    let texts = |field: &str| {
        let found = secret["metadata"][field].as_object().into_iter().flatten();
        found.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    };
    let (labels, annotations) = (texts("labels"), texts("annotations"));
    let resource_version = secret["metadata"]["resourceVersion"].as_str()?.to_owned();
    Some(StoredRevision { release, labels, annotations, resource_version, kept: None })
}

/// The records of one release, for writing.
pub(crate) struct Records<'a> {
    pub(crate) execution: Execution<'a>,
    resource: Resource,
    pub(super) release: &'a str,
    pub(crate) namespace: &'a str,
}

impl<'a> Records<'a> {
    pub(crate) async fn open(
        execution: Execution<'a>,
        namespace: &'a str,
        release: &'a str,
    ) -> Result<Self, RolloutError> {
        let resource = execution.cluster.resource(&secret_key(namespace, "")).await?;
        Ok(Self { execution, resource, release, namespace })
    }

    pub(crate) async fn read(&self) -> Result<History, RolloutError> {
        let Execution { cluster, kept, .. } = self.execution;
        Ok(read_records(cluster, kept, self.namespace, self.release).await?)
    }

    /// Reads the revisions that are not superseded: a handful at most, while the others may be many and large.
    pub(super) async fn read_current(&self) -> Result<History, RolloutError> {
        let Execution { cluster, kept, .. } = self.execution;
        let all = storage::selector(self.release, None);
        let selector = format!("{all},status!={}", Status::Superseded);
        Ok(read_selected(cluster, kept, self.namespace, &selector).await?)
    }

    /// Creates the record of a new revision, whose manifest is kept under `reference`. An existing one of that number
    /// is a conflict ([`ClusterError::is_conflict`]).
    pub(super) async fn create(
        &self,
        release: &Release,
        reference: &str,
        user_labels: &BTreeMap<String, String>,
    ) -> Result<(), RolloutError> {
        let now = Timestamp::now().as_second();
        let labels = storage::labels(release, user_labels, Write::Create, now);
        let (fitting, data) = self.fitting(release, LIMIT - MARGIN, Some(reference))?;
        if kept::reference(&fitting.manifest).is_some() {
            let text = "the manifest is too large for Helm's release record: Landfall keeps it, and helm refuses to roll back or uninstall this revision";
            self.execution.say(Level::Warning, None, text.to_owned()).await;
        }
        let (key, secret) = self.secret(release, &data, &labels, &BTreeMap::new(), None);
        self.execution.before_write().await?;
        self.execution.cluster.create(&self.resource, &key, &secret, Effect::Lasting).await?;
        Ok(())
    }

    /// Replaces a record that was read, by `release`; only if nobody else has touched it since. The record
    /// as it stands then.
    pub(crate) async fn update(
        &self,
        read: &StoredRevision,
        release: &Release,
    ) -> Result<StoredRevision, RolloutError> {
        let now = Timestamp::now().as_second();
        let labels = storage::labels(release, &read.labels, Write::Update, now);
        let version = Some(read.resource_version.as_str());
        let (fitting, data) = self.fitting(release, LIMIT, None)?;
        let (key, secret) = self.secret(release, &data, &labels, &read.annotations, version);
        self.execution.before_write().await?;
        match self.execution.cluster.replace(&self.resource, &key, &secret).await {
            Ok(written) => match stored_revision(&written) {
                Some(stored) => Ok(StoredRevision { kept: read.kept.clone(), ..stored }),
                None => self.after_conflict(&fitting).await,
            },
            Err(error) if error.is_conflict() => self.after_conflict(&fitting).await,
            Err(error) if error.is_not_found() => Err(RecordError::Gone {
                release: self.release.to_owned(),
                revision: release.version,
            }
            .into()),
            Err(error) => Err(error.into()),
        }
    }

    /// A conflict is none if the record holds what was to be written: an earlier try got through and
    /// only its answer was lost.
    async fn after_conflict(&self, written: &Release) -> Result<StoredRevision, RolloutError> {
        let history = self.read().await?;
        let there = history.revisions().iter().find(|found| found.release == *written);
        if let Some(there) = there {
            return Ok(there.clone());
        }
        let (release, revision) = (self.release.to_owned(), written.version);
        Err(RecordError::Changed { release, revision }.into())
    }

    /// Removes the record of a revision; whether it was there.
    pub(crate) async fn delete(&self, revision: u32) -> Result<bool, RolloutError> {
        let key = secret_key(self.namespace, &storage::secret_name(self.release, revision));
        self.execution.before_write().await?;
        Ok(self.execution.cluster.delete(&self.resource, &key, None).await?)
    }

    fn secret(
        &self,
        release: &Release,
        data: &[u8],
        labels: &BTreeMap<String, String>,
        annotations: &BTreeMap<String, String>,
        resource_version: Option<&str>,
    ) -> (ObjectKey, Value) {
        let name = storage::secret_name(self.release, release.version);
        let mut secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": name, "namespace": self.namespace, "labels": labels },
            "type": storage::SECRET_TYPE,
            "data": { storage::DATA_KEY: STANDARD.encode(data) },
        });
        if !annotations.is_empty() {
            secret["metadata"]["annotations"] = json!(annotations);
        }
        if let Some(version) = resource_version {
            secret["metadata"]["resourceVersion"] = json!(version);
        }
        (secret_key(self.namespace, &name), secret)
    }

    /// The record as stored, and encoded. One that is too large first loses the chart's files, its templates and its schema:
    /// Helm needs none of them to list, show, roll back or uninstall. Then its manifest is left where it is kept.
    fn fitting<'r>(
        &self,
        release: &'r Release,
        limit: usize,
        reference: Option<&str>,
    ) -> Result<(Cow<'r, Release>, Vec<u8>), RecordError> {
        let data = release.encode();
        if data.len() <= limit {
            return Ok((Cow::Borrowed(release), data));
        }
        let mut smaller = release.clone();
        let mut size = data.len();
        for part in [Part::Files, Part::Templates, Part::Schema, Part::Manifest] {
            let left_out = match (part, &mut smaller.chart, reference) {
                (Part::Files, Some(chart), _) => chart.files.take().is_some(),
                (Part::Templates, Some(chart), _) => chart.templates.take().is_some(),
                (Part::Schema, Some(chart), _) => chart.schema.take().is_some(),
                (Part::Manifest, _, Some(reference)) => {
                    smaller.manifest = kept::stand_in(self.release, reference);
                    true
                }
                _ => false,
            };
            // Packing it again takes its time.
            if !left_out {
                continue;
            }
            let data = smaller.encode();
            size = data.len();
            if size <= limit {
                return Ok((Cow::Owned(smaller), data));
            }
        }
        Err(RecordError::TooLarge { release: self.release.to_owned(), size, limit })
    }
}

/// What a record can do without, in the order in which it is left out.
#[derive(Clone, Copy)]
enum Part {
    Files,
    Templates,
    Schema,
    Manifest,
}
