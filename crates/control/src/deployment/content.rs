//! What deployments and previews consist of, stored by content: enough to repeat them byte for byte
//! when the registry is gone.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use rollout::record::KeptManifests;
use sea_orm::DbErr;
use serde::{Deserialize, Serialize};

use super::Changes;
use super::prepare::whole_text;
use crate::app::HelmMode;
use crate::control::Control;
use crate::domain::Host;
use crate::error::Error;
use crate::objects::{Address, ObjectKind, to_json};
use crate::store::Executor;
use crate::store::ids::{ContentId, ReleaseId};
use crate::store::sql::{Json, Row, StoreError, now, sql};
use crate::values::MergedValues;

/// A content's own row: addresses and what decides a rendering.
#[derive(Clone, Debug)]
pub(crate) struct ContentRow {
    pub(crate) id: ContentId,
    pub(crate) release: ReleaseId,
    pub(crate) archive_sha256: String,
    pub(crate) app_values_revision: i64,
    pub(crate) layers: LayerAddresses,
    pub(crate) merged: Address,
    pub(crate) rendering: Address,
    pub(crate) context: Address,
    pub(crate) plan: Address,
    pub(crate) plan_hash: String,
    pub(crate) helm_mode: HelmMode,
    pub(crate) changes: Changes,
    pub(crate) changed_values: Vec<String>,
    /// The host that the domain values are for.
    pub(crate) host: Option<String>,
}

/// Where the layers above the chart's own values are kept; none: the layer is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LayerAddresses {
    pub(crate) app: Option<Address>,
    pub(crate) release: Option<Address>,
    pub(crate) domain: Option<Address>,
    pub(crate) deployment: Option<Address>,
}

/// Merged values as stored: never masked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredValues {
    /// The layers above the chart's own values, merged, as YAML: what Helm keeps as `config`.
    pub(crate) supplied: String,
    /// All values with their origins.
    pub(crate) merged: MergedValues,
}

/// A rendering as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredRendering {
    /// The manifest as `helm get manifest` prints it.
    pub(crate) manifest: String,
    /// The hooks, as Helm's release record holds them.
    pub(crate) hooks: Vec<helm::release::Hook>,
    /// The notes.
    pub(crate) notes: Option<String>,
    /// Paths of the files in `crds/` folders.
    pub(crate) crds: Vec<String>,
}

/// What else decided a rendering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredContext {
    /// `.Release`.
    pub(crate) release: serde_json::Value,
    /// `.Capabilities`.
    pub(crate) capabilities: serde_json::Value,
    /// Answers to `lookup`, in the order they were asked for.
    pub(crate) lookups: Vec<serde_json::Value>,
}

/// A content to be stored.
pub(crate) struct NewContent<'a> {
    pub(crate) release: ReleaseId,
    pub(crate) archive_sha256: &'a str,
    pub(crate) app_values_revision: i64,
    pub(crate) layers: &'a LayerAddresses,
    pub(crate) values: &'a StoredValues,
    pub(crate) rendering: &'a StoredRendering,
    pub(crate) context: &'a StoredContext,
    pub(crate) plan: &'a rollout::plan::Plan,
    pub(crate) helm_mode: HelmMode,
    pub(crate) changed_values: &'a [String],
    pub(crate) host: Option<&'a Host>,
}

/// A content with all that a worker or a page reads of it.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) row: ContentRow,
    pub(crate) values: StoredValues,
    pub(crate) rendering: StoredRendering,
    pub(crate) plan: rollout::plan::Plan,
}

/// How many objects a plan touches.
pub(crate) fn changes_of(plan: &rollout::plan::Plan) -> Changes {
    use rollout::plan::Action;
    let mut changes = Changes::default();
    for object in &plan.objects {
        match object.action {
            Action::Create => changes.create += 1,
            Action::Change => changes.change += 1,
            Action::Same | Action::Keep => changes.same += 1,
            Action::Delete => changes.delete += 1,
        }
    }
    changes
}

/// Contents keep the manifests that Helm's release records have no room for.
impl KeptManifests for Control {
    fn manifest<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move {
            let address: Address = reference.parse().ok()?;
            match self.objects().json::<StoredRendering>(&address).await {
                Ok(rendering) => Some(rendering.manifest),
                Err(error) => {
                    let error = whole_text(&error);
                    tracing::warn!(
                        error,
                        reference,
                        "a manifest that a record has no room for was not found"
                    );
                    None
                }
            }
        })
    }
}

impl Control {
    /// Stores a content: what it is made of first, as one object, then the row that names its parts.
    pub(crate) async fn content_store(&self, new: &NewContent<'_>) -> Result<ContentRow, Error> {
        let [merged, rendering, context, plan] = self
            .objects()
            .put_together([
                (ObjectKind::Merged, to_json(new.values)?),
                (ObjectKind::Rendering, to_json(new.rendering)?),
                (ObjectKind::Context, to_json(new.context)?),
                (ObjectKind::Plan, to_json(new.plan)?),
            ])
            .await?;
        let row = ContentRow {
            id: ContentId::generate(),
            release: new.release,
            archive_sha256: new.archive_sha256.to_owned(),
            app_values_revision: new.app_values_revision,
            layers: new.layers.clone(),
            merged,
            rendering,
            context,
            plan,
            plan_hash: new.plan.hash.clone(),
            helm_mode: new.helm_mode,
            changes: changes_of(new.plan),
            changed_values: new.changed_values.to_vec(),
            host: new.host.map(ToString::to_string),
        };
        insert(self.db().write(), &row, now()).await?;
        Ok(row)
    }

    /// The same content with another plan: the cluster had changed, or an earlier one is repeated.
    pub(crate) async fn content_replan(
        &self,
        content: &ContentRow,
        plan: &rollout::plan::Plan,
        changed_values: &[String],
    ) -> Result<ContentRow, Error> {
        let row = ContentRow {
            id: ContentId::generate(),
            plan: self.objects().put_json(ObjectKind::Plan, plan).await?,
            plan_hash: plan.hash.clone(),
            changes: changes_of(plan),
            changed_values: changed_values.to_vec(),
            ..content.clone()
        };
        insert(self.db().write(), &row, now()).await?;
        Ok(row)
    }

    /// A content's row.
    pub(crate) async fn content_row(&self, id: ContentId) -> Result<ContentRow, Error> {
        by_id(self.db().read(), id)
            .await?
            .ok_or_else(|| Error::internal("read what a deployment consists of", "its row is gone"))
    }

    /// A content, read whole.
    pub(crate) async fn content(&self, id: ContentId) -> Result<Content, Error> {
        let row = self.content_row(id).await?;
        let objects = self.objects();
        Ok(Content {
            values: objects.json(&row.merged).await?,
            rendering: objects.json(&row.rendering).await?,
            plan: objects.json(&row.plan).await?,
            row,
        })
    }
}

async fn insert(c: &impl Executor, row: &ContentRow, at: Timestamp) -> Result<(), StoreError> {
    sql("INSERT INTO contents (id, release_id, archive_sha256, app_values_revision, \
         app_values_object, release_values_object, domain_values_object, deployment_values_object, \
         merged_object, rendering_object, context_object, plan_object, plan_hash, helm_mode, engine, \
         changes, changed_values, created_at, host) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)")
    .bind(row.id)
    .bind(row.release)
    .bind(row.archive_sha256.as_str())
    .bind(row.app_values_revision)
    .bind(row.layers.app.clone())
    .bind(row.layers.release.clone())
    .bind(row.layers.domain.clone())
    .bind(row.layers.deployment.clone())
    .bind(&row.merged)
    .bind(&row.rendering)
    .bind(&row.context)
    .bind(&row.plan)
    .bind(row.plan_hash.as_str())
    .bind(row.helm_mode)
    .bind(env!("CARGO_PKG_VERSION"))
    .bind(Json(&row.changes))
    .bind(Json(&row.changed_values))
    .bind(at)
    .bind(row.host.as_deref())
    .run(c, "store what a deployment consists of")
    .await
    .map(drop)
}

async fn by_id(c: &impl Executor, id: ContentId) -> Result<Option<ContentRow>, StoreError> {
    sql("SELECT * FROM contents WHERE id = $1")
        .bind(id)
        .one(c, "read what a deployment consists of", read)
        .await
}

fn read(row: &Row<'_>) -> Result<ContentRow, DbErr> {
    Ok(ContentRow {
        id: row.get("id")?,
        release: row.get("release_id")?,
        archive_sha256: row.get("archive_sha256")?,
        app_values_revision: row.get("app_values_revision")?,
        layers: LayerAddresses {
            app: row.opt("app_values_object")?,
            release: row.opt("release_values_object")?,
            domain: row.opt("domain_values_object")?,
            deployment: row.opt("deployment_values_object")?,
        },
        merged: row.get("merged_object")?,
        rendering: row.get("rendering_object")?,
        context: row.get("context_object")?,
        plan: row.get("plan_object")?,
        plan_hash: row.get("plan_hash")?,
        helm_mode: row.get("helm_mode")?,
        changes: row.json("changes")?,
        changed_values: row.json("changed_values")?,
        host: row.opt("host")?,
    })
}
