//! Two deployments side by side, of one environment or of two: what their charts, values and objects have different.
//!
//! Everything is taken from what was stored; no cluster is asked and nothing is rendered. So it tells what was deployed,
//! and not what has become of it (that is drift).

use jiff::Timestamp;
use rollout::plan::compare::{Apart, ObjectDifference, differences};
use serde::Serialize;
use utoipa::ToSchema;

use super::content::Content;
use super::mask_values::{mask_values, masked_texts};
use super::{Deployment, DeploymentState};
use super::{history_store, store};
use crate::actor::{Actor, By};
use crate::app::AppBrief;
use crate::blocking::blocking;
use crate::control::Control;
use crate::environment::{EnvironmentBrief, EnvironmentRow};
use crate::error::Error;
use crate::release::{ReleaseBrief, ReleaseChart};
use crate::store::ids::DeploymentId;
use crate::values::{MergedKey, MergedValues, ValuesLayer};

/// Which two deployments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComparisonRequest {
    /// The left one: `environment#7`, `#7`, or an environment for what runs there. Empty: the deployment before the right one.
    pub with: String,
    /// The right one's number; none: what runs.
    pub number: Option<i64>,
}

/// What two deployments have different.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Comparison {
    /// The left one.
    pub left: Compared,
    /// The right one.
    pub right: Compared,
    /// Whether values and objects are the same, but for the names of the Helm release and its namespace.
    pub same: bool,
    /// Whether the chart's archive is the same to the byte.
    pub same_chart: bool,
    /// Values that differ, by path.
    pub values: Vec<ValueDifference>,
    /// How many values are the same.
    pub same_values: usize,
    /// Objects and hooks that differ, secrets masked. Where the two have other names, `<release>` and `<namespace>` stand
    /// for them.
    #[schema(value_type = Vec<Object>)]
    pub objects: Vec<ObjectDifference>,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Compared {
    /// Its id.
    pub id: DeploymentId,
    /// Its number.
    pub number: i64,
    /// Its environment.
    pub environment: EnvironmentBrief,
    /// The App.
    pub app: AppBrief,
    /// The Release.
    pub release: ReleaseBrief,
    /// The Release's chart.
    pub chart: ReleaseChart,
    /// The App values revision.
    pub app_values_revision: i64,
    /// How it stands.
    pub state: DeploymentState,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub by: By,
}

/// A value that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ValueDifference {
    /// Its path.
    pub path: String,
    /// On the left; none: it is not there.
    pub left: Option<LaidValue>,
    /// On the right.
    pub right: Option<LaidValue>,
}

/// A value with the layer it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LaidValue {
    /// The value as one line of JSON; masked where an App says so.
    pub value: String,
    /// The layer.
    pub layer: ValuesLayer,
}

/// A side with what is not shown of it.
struct Sided {
    shown: Compared,
    row: EnvironmentRow,
    content: Content,
    manifest: String,
    secrets: Vec<String>,
}

impl Control {
    /// Compares a deployment of `environment` with another one that the actor may see, too.
    pub async fn deployments_compare(
        &self,
        actor: &Actor,
        environment: &str,
        asked: &ComparisonRequest,
    ) -> Result<Comparison, Error> {
        let row = self.environment_row(actor, environment).await?;
        let right = match asked.number {
            Some(number) => self.numbered(actor, &row, number).await?,
            None => self.running(actor, &row).await?,
        };
        let left = match asked.with.trim() {
            "" => self.before(actor, &row, right.number).await?,
            other => match other.split_once('#') {
                Some((name, number)) => {
                    let number = number.parse().map_err(|_| no_deployment(other))?;
                    let of = if name.is_empty() { environment } else { name };
                    let of = self.environment_row(actor, of).await?;
                    self.numbered(actor, &of, number).await?
                }
                None => {
                    let of = self.environment_row(actor, other).await?;
                    self.running(actor, &of).await?
                }
            },
        };
        let (left, right) = (self.sided(actor, left).await?, self.sided(actor, right).await?);
        self.compared(left, right).await
    }

    async fn numbered(
        &self,
        actor: &Actor,
        of: &EnvironmentRow,
        number: i64,
    ) -> Result<Deployment, Error> {
        Ok(self.deployment_find(actor, &of.id.to_string(), number).await?.deployment)
    }

    /// The deployment that an environment runs, else its last one.
    async fn running(&self, actor: &Actor, of: &EnvironmentRow) -> Result<Deployment, Error> {
        let id = match of.current_deployment {
            Some(id) => id,
            None => {
                let last =
                    history_store::last_with_content(self.db().read(), of.id, i64::MAX).await?;
                last.ok_or_else(|| nothing_to_compare(of))?
            }
        };
        Ok(self.deployment_get(actor, id).await?.deployment)
    }

    /// The one before a deployment that got as far as to have values and a manifest.
    async fn before(
        &self,
        actor: &Actor,
        of: &EnvironmentRow,
        number: i64,
    ) -> Result<Deployment, Error> {
        let before = history_store::last_with_content(self.db().read(), of.id, number - 1).await?;
        let before = before.ok_or_else(|| {
            Error::conflict(
                format!("There is no deployment before {}#{number}.", of.name),
                "Say what to compare it with: another environment, or one of its deployments as `environment#number`.",
            )
        })?;
        Ok(self.deployment_get(actor, before).await?.deployment)
    }

    async fn sided(&self, actor: &Actor, deployment: Deployment) -> Result<Sided, Error> {
        let c = self.db().read();
        let row = self.environment_row(actor, &deployment.environment.id.to_string()).await?;
        let stored = store::by_id(c, deployment.id).await?;
        let content = stored.and_then(|stored| stored.content).ok_or_else(|| {
            Error::conflict(
                format!(
                    "{}#{} ended before it was rendered.",
                    deployment.environment.name, deployment.number
                ),
                "Choose one that got further.",
            )
        })?;
        let content = self.content(content).await?;
        let patterns = self.masked_values(row.app).await?;
        let secrets = self.secret_texts(&content, (row.id, Some(deployment.number)), &patterns);
        let secrets = secrets.await?;
        let release = self.release_get(actor, deployment.release.id).await?;
        let mut manifest = content.rendering.manifest.clone();
        for hook in &content.rendering.hooks {
            manifest.push_str("\n---\n# Source: ");
            manifest.push_str(&hook.path);
            manifest.push('\n');
            manifest.push_str(&hook.manifest);
        }
        let shown = Compared {
            id: deployment.id,
            number: deployment.number,
            environment: deployment.environment,
            app: deployment.app,
            release: deployment.release,
            chart: release.chart,
            app_values_revision: content.row.app_values_revision,
            state: deployment.state,
            created_at: deployment.created_at,
            by: deployment.by,
        };
        Ok(Sided { shown, row, content, manifest, secrets })
    }

    async fn compared(&self, left: Sided, right: Sided) -> Result<Comparison, Error> {
        // What either App calls secret is shown of neither.
        let mut patterns = self.masked_values(left.row.app).await?;
        if right.row.app != left.row.app {
            patterns.extend(self.masked_values(right.row.app).await?);
        }
        let (raw_left, raw_right) = (&left.content.values.merged, &right.content.values.merged);
        let (values, same_values) = value_differences(
            (raw_left, &mask_values(raw_left.clone(), &patterns)),
            (raw_right, &mask_values(raw_right.clone(), &patterns)),
        );
        let same_chart = left.content.row.archive_sha256 == right.content.row.archive_sha256;
        let secrets = |side: &Sided| {
            let mut secrets = side.secrets.clone();
            secrets.extend(masked_texts(&side.content.values.merged, &patterns));
            secrets
        };
        let (hidden_left, hidden_right) = (secrets(&left), secrets(&right));
        let (shown_left, shown_right) = (left.shown.clone(), right.shown.clone());
        let _place = self.place_to_render().await?;
        let objects = blocking("compare two deployments", move || {
            let sensitive = [&hidden_left[..], &hidden_right[..]];
            let [left, right] =
                [(&left, sensitive[0]), (&right, sensitive[1])].map(|(side, sensitive)| Apart {
                    release: side.row.release_name.as_str(),
                    namespace: side.row.namespace.as_str(),
                    manifest: &side.manifest,
                    sensitive,
                });
            differences(&left, &right)
        })
        .await?
        .map_err(|error| Error::internal("compare two deployments", error))?;
        Ok(Comparison {
            left: shown_left,
            right: shown_right,
            same: values.is_empty() && objects.is_empty(),
            same_chart,
            values,
            same_values,
            objects,
        })
    }
}

fn nothing_to_compare(of: &EnvironmentRow) -> Error {
    Error::conflict(
        format!("Nothing was deployed to {} yet.", of.name),
        "Compare it once a deployment has succeeded.",
    )
}

fn no_deployment(text: &str) -> Error {
    let message = format!("`{text}` is not a deployment.");
    Error::invalid("with", message, "Write an environment, or `environment#number`.")
}

/// The values that differ, by path, and how many do not. Each side comes as it is and as it may be shown, whose keys are
/// the same ones in the same order.
fn value_differences(
    (left, shown_left): (&MergedValues, &MergedValues),
    (right, shown_right): (&MergedValues, &MergedValues),
) -> (Vec<ValueDifference>, usize) {
    let by_path = |raw: &MergedValues, shown: &MergedValues| {
        let both = raw.keys.iter().cloned().zip(shown.keys.iter().cloned());
        both.map(|(raw, shown)| (raw.path.clone(), (raw, shown)))
            .collect::<std::collections::BTreeMap<String, (MergedKey, MergedKey)>>()
    };
    let laid = |(_, shown): &(MergedKey, MergedKey)| LaidValue {
        value: shown.value.clone(),
        layer: shown.layer,
    };
    let (before, mut after) = (by_path(left, shown_left), by_path(right, shown_right));
    let (mut found, mut same) = (Vec::new(), 0);
    for (path, old) in before {
        let new = after.remove(&path);
        if new.as_ref().is_some_and(|new| new.0.value == old.0.value) {
            same += 1;
            continue;
        }
        let (left, right) = (Some(laid(&old)), new.as_ref().map(laid));
        found.push(ValueDifference { path, left, right });
    }
    for (path, new) in after {
        found.push(ValueDifference { path, left: None, right: Some(laid(&new)) });
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    (found, same)
}
