//! Why an environment has a value: the layer that set it, since which deployment, and who.
//!
//! Told from what its deployments that succeeded consisted of. How far back is looked is bounded; where that does not
//! reach, the answer says so.

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::EnvironmentRow;
use crate::actor::{Actor, By};
use crate::control::Control;
use crate::deployment::content::StoredValues;
use crate::deployment::mask_values::mask_values;
use crate::deployment::{Deployment, LaidValue, history_store};
use crate::error::Error;
use crate::store::ids::{ContentId, DeploymentId};
use crate::values::{LayerValue, MergedKey, MergedValues, PathPattern, ValuesLayer, said_at};

/// Deployments, and revisions of App values, that are looked at on the way back.
const BACK: i64 = 100;
/// Contents that are read at once on it.
const AT_ONCE: usize = 8;

/// Why a value is what it is.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ValueOrigin {
    /// Its path.
    pub path: String,
    /// The value as one line of JSON; masked where the App says so.
    pub value: String,
    /// The layer that set it.
    pub layer: ValuesLayer,
    /// What each layer sets it to, lowest first.
    pub chain: Vec<LayerValue>,
    /// The first deployment from which on it was the same, from the same layer.
    pub since: Deployment,
    /// Whether it may be older: nothing else was found as far back as was looked.
    pub or_before: bool,
    /// What it was before; none: it was not there, or that is not known.
    pub before: Option<LaidValue>,
    /// Who set it in its layer.
    pub set: SetBy,
}

/// Who set a value, and with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SetBy {
    /// With what: `App values, revision 4`, `release 2.4.1`, `staging#7`.
    pub with: String,
    /// Why, as it was said then; may be empty.
    pub note: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: By,
}

/// The way back to where a value came.
struct Back {
    since: DeploymentId,
    or_before: bool,
    before: Option<LaidValue>,
}

impl Control {
    /// Why the environment has a value. Its path is written as lists of values write it: `api.replicas`.
    pub async fn environment_why(
        &self,
        actor: &Actor,
        environment: &str,
        path: &str,
    ) -> Result<ValueOrigin, Error> {
        let row = self.environment_row(actor, environment).await?;
        let path = path.trim();
        if path.is_empty() {
            let remedy = "Write keys with dots between them, such as `api.replicas`.";
            return Err(Error::invalid("key", "No value is named.", remedy));
        }
        let Some(current) = row.current_deployment else {
            let message = format!("Nothing was deployed to {} yet.", row.name);
            return Err(Error::conflict(message, "Ask again once a deployment has succeeded."));
        };
        let current = self.deployment_get(actor, current).await?.deployment;
        let patterns = self.masked_values(row.app).await?;
        let c = self.db().read();
        let history = history_store::succeeded(c, row.id, current.number, BACK).await?;
        let Some(((newest, content), earlier)) = history.split_first() else {
            return Err(Error::internal("tell where a value comes from", "no deployment is kept"));
        };
        let now = self.merged_of(*content).await?;
        let key = key_at(&now, path, &row)?;
        let back = self.back(*newest, key, earlier, &patterns).await?;
        let since = self.deployment_get(actor, back.since).await?.deployment;
        let set = self.set_by(actor, &row, key, &current, &since).await?;
        let shown = only(key, &patterns);
        Ok(ValueOrigin {
            path: shown.path,
            value: shown.value,
            layer: shown.layer,
            chain: shown.chain,
            since,
            or_before: back.or_before,
            before: back.before,
            set,
        })
    }

    async fn merged_of(&self, content: ContentId) -> Result<MergedValues, Error> {
        let row = self.content_row(content).await?;
        Ok(self.objects().json::<StoredValues>(&row.merged).await?.merged)
    }

    async fn back(
        &self,
        newest: DeploymentId,
        key: &MergedKey,
        earlier: &[(DeploymentId, ContentId)],
        patterns: &[PathPattern],
    ) -> Result<Back, Error> {
        let mut since = newest;
        let reads: Vec<_> = earlier
            .iter()
            .map(
                |&(deployment, content)| async move { (deployment, self.merged_of(content).await) },
            )
            .collect();
        let mut read = stream::iter(reads).buffered(AT_ONCE);
        while let Some((deployment, merged)) = read.next().await {
            let merged = merged?;
            let then = merged.keys.iter().find(|then| then.path == key.path);
            if then.is_some_and(|then| then.value == key.value && then.layer == key.layer) {
                since = deployment;
                continue;
            }
            let before = then.map(|then| {
                let MergedKey { value, layer, .. } = only(then, patterns);
                LaidValue { value, layer }
            });
            return Ok(Back { since, or_before: false, before });
        }
        // The list begins with the newest, which is not among the earlier ones.
        let or_before = i64::try_from(earlier.len()).is_ok_and(|many| many + 1 >= BACK);
        Ok(Back { since, or_before, before: None })
    }

    /// Who set the value in its layer.
    async fn set_by(
        &self,
        actor: &Actor,
        row: &EnvironmentRow,
        key: &MergedKey,
        current: &Deployment,
        since: &Deployment,
    ) -> Result<SetBy, Error> {
        match key.layer {
            ValuesLayer::Chart | ValuesLayer::Release => {
                let release = self.release_get(actor, since.release.id).await?;
                let with = match key.layer {
                    ValuesLayer::Chart => format!(
                        "chart {} {}, release {}",
                        release.chart.name, release.chart.version, release.tag
                    ),
                    _ => format!("release {}", release.tag),
                };
                let (at, by) = (release.created_at, release.created_by);
                Ok(SetBy { with, note: String::new(), at, by })
            }
            ValuesLayer::App => {
                let found = self.app_revision_of(row, key, current.app_values_revision).await?;
                Ok(found.unwrap_or_else(|| by_deployment(since)))
            }
            ValuesLayer::Domain | ValuesLayer::Deployment => Ok(by_deployment(since)),
        }
    }

    /// The first revision of the App's values, from `newest` back without a gap, that says what the newest says.
    async fn app_revision_of(
        &self,
        row: &EnvironmentRow,
        key: &MergedKey,
        newest: i64,
    ) -> Result<Option<SetBy>, Error> {
        let settings = crate::app::store::settings(self.db().read(), row.app).await?;
        let mode = settings.unwrap_or_default().helm_mode;
        let mut found = None;
        let mut said: Option<String> = None;
        for revision in (1..=newest).rev().take(usize::try_from(BACK).unwrap_or(usize::MAX)) {
            let values = crate::app::store::values(self.db().read(), row.app, revision).await?;
            let Some(values) = values else { break };
            let text = self.objects().text(&values.values).await?;
            // What is said elsewhere, such as a global of a sub-chart, is not found by this path.
            let Some(says) = said_at(mode, &text, &key.path) else { break };
            if *said.get_or_insert_with(|| says.clone()) != says {
                break;
            }
            found = Some(SetBy {
                with: format!("App values, revision {revision}"),
                note: values.note,
                at: values.created_at,
                by: values.created_by,
            });
        }
        Ok(found)
    }
}

fn by_deployment(since: &Deployment) -> SetBy {
    SetBy {
        with: format!("{}#{}", since.environment.name, since.number),
        note: since.reason.clone(),
        at: since.created_at,
        by: since.by.clone(),
    }
}

/// One key as it may be shown.
fn only(key: &MergedKey, patterns: &[PathPattern]) -> MergedKey {
    let alone = MergedKey { line: 1, ..key.clone() };
    let values = MergedValues { yaml: "value:\n".to_owned(), keys: vec![alone] };
    let masked = mask_values(values, patterns).keys.pop();
    masked.unwrap_or_else(|| key.clone())
}

/// The key of a path; where there is none, what there is instead.
fn key_at<'k>(
    values: &'k MergedValues,
    path: &str,
    row: &EnvironmentRow,
) -> Result<&'k MergedKey, Error> {
    if let Some(found) = values.keys.iter().find(|key| key.path == path) {
        return Ok(found);
    }
    let below = format!("{path}.");
    let inside = values.keys.iter().find(|key| key.path.starts_with(&below));
    if let Some(first) = inside {
        let message = format!("`{path}` of {} holds other values.", row.name);
        return Err(Error::invalid(
            "key",
            message,
            format!("Choose one, such as `{}`.", first.path),
        ));
    }
    // A value in a list belongs to the list, which one layer sets as a whole.
    let whole = values.keys.iter().find(|key| {
        path.strip_prefix(key.path.as_str()).is_some_and(|rest| rest.starts_with(['.', '[']))
    });
    match whole {
        Some(whole) => Ok(whole),
        None => {
            let message = format!("{} runs with no value `{path}`.", row.name);
            let remedy = format!("`landfall env values show {} --all` lists them.", row.name);
            Err(Error::invalid("key", message, remedy))
        }
    }
}
