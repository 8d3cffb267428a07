//! The Helm values of an App, in numbered revisions that are kept for ever.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::actor::{Actor, By};
use crate::control::Control;
use crate::error::Error;

/// One revision of Helm values (an App's, or an environment's).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewValues {
    /// YAML.
    pub values: String,
    /// Why; may be empty.
    pub note: String,
    /// The revision that the editor started from: if it is no longer the newest, nothing is saved
    /// (`If-Match`). None: save whatever stands there.
    pub based_on: Option<i64>,
}

impl Control {
    /// The App's Helm values; `revision`: none for the newest.
    pub async fn app_values(
        &self,
        actor: &Actor,
        app: &str,
        revision: Option<i64>,
    ) -> Result<ValuesRevision, Error> {
        self.unfinished(actor, &(app, revision))
    }

    /// Saves a new revision of the App's Helm values; equal text keeps the revision.
    ///
    /// Deploys nothing by itself.
    pub async fn app_update_values(
        &self,
        actor: &Actor,
        app: &str,
        new: NewValues,
    ) -> Result<ValuesRevision, Error> {
        self.unfinished(actor, &(app, new))
    }
}
