//! Reading and writing the Secrets that hold release records.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use helm::release::storage::{self, Write};
use helm::release::{Packing, Release, Shared, Status, StoredChart};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::history::{History, StoredRevision};
use super::{KeptManifests, RecordError, kept};
use crate::cluster::{Effect, Resource};
use crate::namespace::namespace_exists;
use crate::report::Level;
use crate::{Cluster, ClusterError, Execution, ObjectKey, RolloutError};

/// What Kubernetes takes as a Secret's data, in bytes.
const LIMIT: usize = 1024 * 1024;
/// What a new record leaves of it for what is added later: how it ended, and its hooks.
const MARGIN: usize = 64 * 1024;

/// Reads all revisions of a release to look at them; Secrets that cannot be read as records are left out, as Helm does.
pub(crate) async fn read_records(
    cluster: &Cluster,
    kept: &dyn KeptManifests,
    namespace: &str,
    release: &str,
) -> Result<History, ClusterError> {
    // Of most new releases there is no namespace yet: asking for it is a fraction of asking for what is in it, and plans ask
    // for it all the same.
    if !namespace_exists(cluster, namespace).await? {
        return Ok(History::without_namespace());
    }
    let selector = storage::selector(release, None);
    let history = read_selected(cluster, kept, namespace, &selector, |_| Extent::Outline).await?;
    Ok(history.in_namespace())
}

/// Reads the revisions whose labels fit a selector, each as far as `extent` says by its Secret. They are taken apart one
/// after another: in JSON they are larger.
async fn read_selected(
    cluster: &Cluster,
    kept: &dyn KeptManifests,
    namespace: &str,
    selector: &str,
    extent: impl Fn(&Value) -> Extent,
) -> Result<History, ClusterError> {
    let resource = cluster.resource(&secret_key(namespace, "")).await?;
    let listed = cluster.list(&resource, Some(namespace), Some(selector)).await?;
    let revisions = listed.items.into_iter();
    let revisions = revisions.filter_map(|secret| stored_revision(&secret, extent(&secret)));
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

/// How much of a revision's record is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it: what is going to be written again.
    Whole,
    /// All but the bulk of the chart, of which nothing is asked but its name.
    Outline,
}

pub(super) fn stored_revision(secret: &Value, extent: Extent) -> Option<StoredRevision> {
    let data = STANDARD.decode(secret["data"][storage::DATA_KEY].as_str()?).ok()?;
    let release = match extent {
        Extent::Whole => Release::decode(&data),
        Extent::Outline => Release::decode_outline(&data).map(Release::from),
    };
    let release = match release {
        Ok(release) => release,
        Err(error) => {
            let name = &secret["metadata"]["name"];
            tracing::warn!(%name, %error, "a release record cannot be read and is left out");
            return None;
        }
    };
    of_secret(secret, release, extent)
}

/// What a Secret says of a revision beside its record.
fn of_secret(secret: &Value, release: Release, extent: Extent) -> Option<StoredRevision> {
    let texts = |field: &str| {
        let found = secret["metadata"][field].as_object().into_iter().flatten();
        found.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    };
    let (labels, annotations) = (texts("labels"), texts("annotations"));
    let resource_version = secret["metadata"]["resourceVersion"].as_str()?.to_owned();
    let whole = extent == Extent::Whole;
    Some(StoredRevision { release, labels, annotations, resource_version, kept: None, whole })
}

/// A record as it stands after it was written, without taking it apart again unless the cluster has changed it.
fn as_written(sent: &Value, written: &Value, release: Release) -> Option<StoredRevision> {
    if sent["data"] != written["data"] {
        return stored_revision(written, Extent::Whole);
    }
    of_secret(written, release, Extent::Whole)
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

    /// Reads all revisions, those that may be written again as a whole.
    pub(crate) async fn read(&self) -> Result<History, RolloutError> {
        let Execution { cluster, kept, .. } = self.execution;
        let selector = storage::selector(self.release, None);
        let extent = |secret: &Value| {
            let status = &secret["metadata"]["labels"]["status"];
            if status == Status::Superseded.as_str() { Extent::Outline } else { Extent::Whole }
        };
        Ok(read_selected(cluster, kept, self.namespace, &selector, extent).await?)
    }

    /// Reads the revisions that are not superseded: a handful at most, while the others may be many and large.
    pub(super) async fn read_current(&self) -> Result<History, RolloutError> {
        let Execution { cluster, kept, .. } = self.execution;
        let all = storage::selector(self.release, None);
        let selector = format!("{all},status!={}", Status::Superseded);
        Ok(read_selected(cluster, kept, self.namespace, &selector, |_| Extent::Whole).await?)
    }

    /// Creates the record of a new revision, whose manifest is kept under `reference`. An existing one of that number
    /// is a conflict ([`ClusterError::is_conflict`]). The revision as it stands then, unless its record lacks the manifest.
    pub(super) async fn create(
        &self,
        release: &Release,
        reference: &str,
        user_labels: &BTreeMap<String, String>,
    ) -> Result<Option<StoredRevision>, RolloutError> {
        let now = Timestamp::now().as_second();
        let labels = storage::labels(release, user_labels, Write::Create, now);
        let (fitting, data) = self.fitting(release, LIMIT - MARGIN, Some(reference))?;
        if kept::reference(&fitting.manifest).is_some() {
            let text = "the manifest is too large for Helm's release record: Landfall keeps it, and helm refuses to roll back or uninstall this revision";
            self.execution.say(Level::Warning, None, text.to_owned()).await;
        }
        let (key, secret) = self.secret(release, &data, &labels, &BTreeMap::new(), None);
        self.execution.before_write().await?;
        let cluster = &self.execution.cluster;
        let written = cluster.create(&self.resource, &key, &secret, Effect::Lasting).await?;
        let whole = kept::reference(&fitting.manifest).is_none();
        Ok(as_written(&secret, &written, fitting.into_owned()).filter(|_| whole))
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
        let whole;
        let release = if read.whole {
            release
        } else {
            whole = Release { chart: self.whole_chart(read).await?, ..release.clone() };
            &whole
        };
        let (fitting, data) = self.fitting(release, LIMIT, None)?;
        let (key, secret) = self.secret(release, &data, &labels, &read.annotations, version);
        self.execution.before_write().await?;
        match self.execution.cluster.replace(&self.resource, &key, &secret).await {
            Ok(written) => match as_written(&secret, &written, fitting.clone().into_owned()) {
                Some(stored) => Ok(StoredRevision { kept: read.kept.clone(), ..stored }),
                None => self.after_conflict(read, &fitting).await,
            },
            Err(error) if error.is_conflict() => self.after_conflict(read, &fitting).await,
            Err(error) if error.is_not_found() => Err(RecordError::Gone {
                release: self.release.to_owned(),
                revision: release.version,
            }
            .into()),
            Err(error) => Err(error.into()),
        }
    }

    /// The record of a revision as it stands now, all of it.
    async fn whole(&self, revision: u32) -> Result<Option<StoredRevision>, RolloutError> {
        let key = secret_key(self.namespace, &storage::secret_name(self.release, revision));
        let secret = self.execution.cluster.get(&self.resource, &key).await?;
        Ok(secret.as_ref().and_then(|secret| stored_revision(secret, Extent::Whole)))
    }

    /// The chart of a revision of which only the outline was read.
    async fn whole_chart(
        &self,
        read: &StoredRevision,
    ) -> Result<Option<Shared<StoredChart>>, RolloutError> {
        let (release, revision) = (self.release.to_owned(), read.revision());
        match self.whole(revision).await? {
            Some(there) if there.resource_version == read.resource_version => {
                Ok(there.release.chart)
            }
            Some(_) => Err(RecordError::Changed { release, revision }.into()),
            None => Err(RecordError::Gone { release, revision }.into()),
        }
    }

    /// A conflict is none if the record holds what was to be written: an earlier try got through and
    /// only its answer was lost.
    async fn after_conflict(
        &self,
        read: &StoredRevision,
        written: &Release,
    ) -> Result<StoredRevision, RolloutError> {
        match self.whole(written.version).await? {
            Some(there) if there.release == *written => {
                Ok(StoredRevision { kept: read.kept.clone(), ..there })
            }
            _ => {
                let (release, revision) = (self.release.to_owned(), written.version);
                Err(RecordError::Changed { release, revision }.into())
            }
        }
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
        let mut size = 0;
        for packing in [Packing::Quick, Packing::Smallest] {
            let data = release.encode(packing);
            size = data.len();
            if size <= limit {
                return Ok((Cow::Borrowed(release), data));
            }
        }
        let mut smaller = release.clone();
        for part in [Part::Files, Part::Templates, Part::Schema, Part::Manifest] {
            let left_out = match (part, smaller.chart.as_mut().map(Shared::make_mut), reference) {
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
            let data = smaller.encode(Packing::Smallest);
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
