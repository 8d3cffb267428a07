//! The Helm values of an App, in numbered revisions that are kept for ever.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actor::{Actor, By};
use crate::audit::{self, Act};
use crate::batch::{BatchSettings, ValuesBatch};
use crate::control::Control;
use crate::error::{Checks, Error};
use crate::objects::ObjectKind;
use crate::rights::Subject;
use crate::store::commit;
use crate::store::ids::{AppId, BatchId, FleetPreviewId};
use crate::store::sql::now;
use crate::store::wake::Wake;
use crate::values::check_values;

use super::store;

/// One revision of Helm values (an App's, or an environment's).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ValuesRevision {
    /// From 1; 0 stands for "none were ever saved", with empty text.
    pub revision: i64,
    /// YAML as written; comments and numbers survive.
    pub values: String,
    /// What the person said about it.
    pub note: String,
    /// When it was saved; none for revision 0.
    pub created_at: Option<Timestamp>,
    /// By whom.
    pub created_by: Option<By>,
}

/// New values, as typed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct NewValues {
    /// YAML.
    pub values: String,
    /// Why; may be empty.
    pub note: String,
    /// The revision that the editor started from: if it is no longer the newest, nothing is saved
    /// (`If-Match`). None: save whatever stands there.
    pub based_on: Option<i64>,
    /// The preview over the fleet that was looked at. If it is not of these values, or of another revision, nothing is
    /// saved. What it found cannot be rendered is deployed last.
    pub preview: Option<FleetPreviewId>,
    /// How the environments that follow are deployed to.
    #[serde(flatten)]
    pub settings: BatchSettings,
}

/// Values just saved, and the batch that deploys them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SavedValues {
    /// The revision.
    #[serde(flatten)]
    pub revision: ValuesRevision,
    /// The batch; none where nothing changed or no environment follows.
    pub batch: Option<BatchId>,
}

impl Control {
    /// The App's Helm values; `revision`: none for the newest.
    pub async fn app_values(
        &self,
        actor: &Actor,
        app: &str,
        revision: Option<i64>,
    ) -> Result<ValuesRevision, Error> {
        let row = self.app_row(actor, app).await?;
        let revision = revision.unwrap_or(row.values_revision);
        let Some(values) = store::values(self.db().read(), row.id, revision).await? else {
            return match revision {
                0 => Ok(ValuesRevision::none()),
                _ => Err(Error::not_found("revision of the App's values", revision)),
            };
        };
        self.values_revision(actor, row.id, values).await
    }

    /// Saves a new revision of the App's Helm values and makes a batch: a deployment for each environment that follows,
    /// when its turn comes. Equal text keeps the revision and deploys nothing.
    ///
    /// Production environments wait for someone who may deploy to them where the actor may not.
    pub async fn app_update_values(
        &self,
        actor: &Actor,
        app: &str,
        new: NewValues,
    ) -> Result<SavedValues, Error> {
        let row = self.app_row(actor, app).await?;
        let missing = || Error::not_found("App", app);
        actor.write(Subject::Apps, "change App values", missing)?;
        let mut checks = Checks::default();
        checks.take(check_values("values", &new.values))?;
        checks.take(new.settings.check())?;
        checks.done()?;
        let based_on = new.based_on.unwrap_or(row.values_revision);
        let values = self.objects().put(ObjectKind::Values, new.values.as_bytes()).await?;
        let newest = store::values(self.db().read(), row.id, row.values_revision).await?;
        if let Some(newest) = newest.filter(|newest| newest.values == values)
            && based_on == row.values_revision
        {
            return Ok(SavedValues {
                revision: self.values_revision(actor, row.id, newest).await?,
                batch: None,
            });
        }
        if let Some(preview) = new.preview {
            let seen = self.fleet_preview_row(actor, preview).await?;
            if seen.app != row.id || seen.values != values || seen.based_on != based_on {
                return Err(Error::conflict(
                    "The preview is of other values, or of another revision.",
                    "Look at what these values change, then save.",
                ));
            }
        }
        let saved = store::ValuesRow {
            revision: based_on + 1,
            values,
            note: new.note,
            created_at: now(),
            created_by: actor.by(),
        };
        let tx = self.db().begin().await?;
        if !store::add_values(&tx, row.id, based_on, &saved).await? {
            return Err(Error::conflict(
                format!("The App values are no longer at revision {based_on}."),
                "Look at what was saved meanwhile, then save again.",
            ));
        }
        let batch = ValuesBatch {
            app: &row,
            revision: saved.revision,
            note: &saved.note,
            settings: new.settings,
            preview: new.preview,
        };
        let (batch, superseded) = self.batch_of_values(&tx, actor, &batch).await?;
        let act = Act {
            action: "app.update_values",
            kind: "app",
            id: row.id.to_string(),
            name: row.name.as_str(),
            old: serde_json::json!({ "values_revision": based_on }),
            new: serde_json::json!({
                "values_revision": saved.revision, "note": saved.note, "batch": batch,
            }),
        };
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        for wake in superseded {
            self.wakes().send(Wake::Op(wake)).await;
        }
        self.wakes().send(Wake::Apps).await;
        self.wakes().send(Wake::Batches).await;
        Ok(SavedValues { revision: self.values_revision(actor, row.id, saved).await?, batch })
    }

    /// A revision as this actor sees it.
    async fn values_revision(
        &self,
        actor: &Actor,
        app: AppId,
        row: store::ValuesRow,
    ) -> Result<ValuesRevision, Error> {
        let values = self.objects().text(&row.values).await?;
        Ok(ValuesRevision {
            revision: row.revision,
            values: self.written_values(actor, Subject::Apps, app, values).await?,
            note: row.note,
            created_at: Some(row.created_at),
            created_by: Some(row.created_by),
        })
    }
}

impl ValuesRevision {
    /// What stands where no values were ever saved.
    pub(crate) fn none() -> Self {
        Self {
            revision: 0,
            values: String::new(),
            note: String::new(),
            created_at: None,
            created_by: None,
        }
    }
}
