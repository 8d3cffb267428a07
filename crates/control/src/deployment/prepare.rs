//! From a chart and layers of values to what a deployment consists of, and on to its plan: the same for previews and
//! for workers, so that a preview is what is carried out. The step in between is in `render`.
//!
//! Nothing is stored here and nothing in the cluster is changed.

use std::sync::{Arc, Mutex};

use helm::chart::{Chart, ChartError};
use helm::render::{PreparedChart, RenderError};
use helm::schema::SchemaError;
use rollout::crds::{CrdError, Crds};
use rollout::culprit::{self, Culprit};
use rollout::manifest::{Desired, ManifestError};
use rollout::plan::{Plan, PlanError, PlanOptions};
use rollout::record::{History, Owner};
use rollout::{Cluster, ClusterError};
use tokio::sync::OwnedSemaphorePermit;

use super::content::{StoredRendering, StoredValues};
use super::job::LayerTexts;
use crate::app::{AppSettings, HelmMode};
use crate::blocking::blocking;
use crate::control::Control;
use crate::environment::store::EnvironmentRow;
use crate::error::{Error, Invalid, sentence};
use crate::limits::{self, Met};
use crate::observed::ForeignRelease;
use crate::store::ids::DeploymentId;
use crate::values::{
    MergeError, MergedLayers, MergedValues, ValuesLayer, merge_layers, not_values,
};

/// Charts kept parsed; a fleet's environments mostly share one or two.
const CHARTS_KEPT: usize = 16;
/// Changed values told of a deployment.
const CHANGED_VALUES: usize = 20;

/// Why a deployment cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrepareError {
    /// The stored archive is no chart any more.
    #[error("the stored chart cannot be loaded")]
    Chart(#[from] ChartError),
    /// Layers cannot be merged.
    #[error(transparent)]
    Values(#[from] MergeError),
    /// The chart does not render with these values.
    #[error(transparent)]
    Render(RenderError),
    /// A limit was met.
    #[error("the chart cannot be used: {}{}", met.what, place.as_deref().map_or(String::new(), |place| format!(" ({place})")))]
    Limit {
        /// Which.
        met: Met,
        /// In which template, where that is known.
        place: Option<String>,
    },
    /// The chart's schema refuses the values. Helm's words.
    #[error("{}", refused.to_string().trim_end())]
    Schema {
        /// Which, and by what rules.
        refused: SchemaError,
        /// Which values of which layers that are.
        places: String,
    },
    /// What was rendered is not a set of Kubernetes objects.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The chart's definitions of custom resources cannot be read.
    #[error(transparent)]
    Crds(#[from] CrdError),
    /// There is no plan.
    #[error(transparent)]
    Plan(PlanError),
    /// The cluster's dry run refused objects.
    #[error("the cluster does not accept {}", texts.join("\n"))]
    Refused {
        /// What it said of each.
        texts: Vec<String>,
        /// The objects, with what that means.
        culprits: Vec<Culprit>,
    },
    /// A Helm release of others is where the environment is to be.
    #[error("{}", .0.told())]
    Foreign(ForeignRelease),
    /// The cluster was not reached or refused to answer.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Landfall's own fault.
    #[error(transparent)]
    Internal(#[from] Error),
}

impl From<RenderError> for PrepareError {
    fn from(error: RenderError) -> Self {
        Self::Render(error)
    }
}

impl From<PlanError> for PrepareError {
    fn from(error: PlanError) -> Self {
        match error {
            // That is the chart's fault.
            PlanError::Cluster(ClusterError::NoSuchKind { .. }) => Self::Plan(error),
            PlanError::Cluster(error) => Self::Cluster(error),
            other => Self::Plan(other),
        }
    }
}

/// An error and its causes as one text, each told once.
pub(crate) fn whole_text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

impl PrepareError {
    /// What to do about it, as a sentence; empty where the text says it.
    pub(crate) fn remedy(&self) -> String {
        let remedy = match self {
            Self::Limit { met, .. } => return met.remedy.clone(),
            Self::Foreign(release) => return release.remedy_of_made(),
            Self::Chart(_) => "Add a release with a chart that loads.",
            Self::Values(MergeError::Layer { layer: ValuesLayer::Release, .. }) => {
                "Add a release whose values are valid."
            }
            Self::Values(MergeError::Layer { layer: ValuesLayer::App, .. }) => {
                "Correct the App values, then deploy again."
            }
            Self::Values(_) => "Correct the values, then deploy again.",
            Self::Schema { places, .. } => return format!("Correct {places}."),
            Self::Render(_) => "Correct the values, or release a chart that renders with them.",
            Self::Crds(_) => {
                "Release a chart with readable files in crds/, or set the App to skip them."
            }
            Self::Manifest(_) => "Release a chart that renders to Kubernetes objects.",
            Self::Refused { .. } => {
                "Correct the values or the chart so that the cluster accepts the objects."
            }
            Self::Plan(PlanError::HookManifest { .. }) => {
                "Release a chart whose hooks render to Kubernetes objects."
            }
            // Their texts end with what to do.
            Self::Plan(_) | Self::Cluster(_) | Self::Internal(_) => "",
        };
        remedy.to_owned()
    }

    /// The objects that are to blame, if any are.
    pub(crate) fn culprits(&self) -> Vec<Culprit> {
        match self {
            Self::Refused { culprits, .. } => culprits.clone(),
            Self::Plan(error) => culprit::of_plan_error(error),
            _ => Vec::new(),
        }
    }

    /// What happened: Helm's words on a chart as they are, else a sentence.
    pub(crate) fn message(&self) -> String {
        let text = whole_text(self);
        match self {
            Self::Render(_) | Self::Schema { .. } | Self::Manifest(_) | Self::Crds(_) => text,
            Self::Plan(
                PlanError::NotOwned { .. } | PlanError::HookManifest { .. } | PlanError::Cluster(_),
            ) => text,
            Self::Chart(_)
            | Self::Limit { .. }
            | Self::Values(_)
            | Self::Plan(_)
            | Self::Refused { .. }
            | Self::Foreign(_)
            | Self::Cluster(_)
            | Self::Internal(_) => sentence(&text),
        }
    }

    /// The same as an answer to whoever asked for a preview.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Internal(error) => error,
            Self::Cluster(error) => crate::cluster::unreachable(&error),
            Self::Foreign(_) => Error::conflict(self.message(), self.remedy()),
            Self::Values(MergeError::Layer { layer: ValuesLayer::Deployment, ref source }) => {
                Error::Invalid(Invalid { problems: vec![not_values("values", source)] })
            }
            Self::Manifest(_)
            | Self::Crds(_)
            | Self::Plan(_)
            | Self::Chart(_)
            | Self::Limit { .. } => Error::invalid("release", self.message(), self.remedy()),
            other => Error::invalid("values", other.message(), other.remedy()),
        }
    }
}

/// Charts that are parsed already, by the SHA-256 of their archive; the least recently used go first.
#[derive(Default)]
pub(crate) struct Charts {
    kept: Mutex<Vec<(String, Arc<PreparedChart>)>>,
}

impl Charts {
    fn get(&self, sha256: &str) -> Option<Arc<PreparedChart>> {
        let mut kept = self.kept.lock().expect("no code panics while it holds the charts");
        let at = kept.iter().position(|(known, _)| known == sha256)?;
        let entry = kept.remove(at);
        let chart = entry.1.clone();
        kept.push(entry);
        Some(chart)
    }

    fn keep(&self, sha256: &str, chart: &Arc<PreparedChart>) {
        let mut kept = self.kept.lock().expect("no code panics while it holds the charts");
        kept.push((sha256.to_owned(), chart.clone()));
        if kept.len() > CHARTS_KEPT {
            kept.remove(0);
        }
    }
}

impl Control {
    /// The chart of a stored archive, parsed.
    pub(crate) async fn prepared_chart(
        &self,
        sha256: &str,
    ) -> Result<Arc<PreparedChart>, PrepareError> {
        if let Some(chart) = self.charts().get(sha256) {
            return Ok(chart);
        }
        let archive = self.objects().archive(sha256).await?;
        let limits = self.config().limits.chart();
        let _place = self.place_to_render().await?;
        let chart = blocking("prepare a deployment", move || -> Result<_, PrepareError> {
            let chart = Chart::from_archive_within(&archive, limits);
            let chart = chart.map_err(|error| match error.exceeded() {
                Some(limit) => PrepareError::Limit { met: limits::chart(limit), place: None },
                None => error.into(),
            })?;
            Ok(Arc::new(PreparedChart::new(chart)?))
        })
        .await??;
        self.charts().keep(sha256, &chart);
        Ok(chart)
    }

    /// Waits for a place to load a chart or render in.
    pub(crate) async fn place_to_render(&self) -> Result<OwnedSemaphorePermit, Error> {
        let place = self.renders().acquire_owned().await;
        place.map_err(|closed| Error::internal("wait for a place to render", closed))
    }
}

/// Where a deployment goes.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) cluster: Cluster,
    pub(crate) namespace: String,
    pub(crate) release_name: String,
    /// Marks the revisions of the Helm release that are this deployment's.
    pub(crate) owner: Owner,
}

/// Marks revisions of a Helm release as made for a deployment.
pub(crate) const OWNER_LABEL: &str = "landfall.dev/deployment";

impl Target {
    pub(crate) fn new(cluster: Cluster, environment: &EnvironmentRow, owner: &str) -> Self {
        Self {
            cluster,
            namespace: environment.namespace.to_string(),
            release_name: environment.release_name.to_string(),
            owner: Owner { key: OWNER_LABEL.to_owned(), value: owner.to_owned() },
        }
    }

    /// The target of a deployment itself.
    pub(crate) fn of_deployment(
        cluster: Cluster,
        environment: &EnvironmentRow,
        id: DeploymentId,
    ) -> Self {
        Self::new(cluster, environment, &id.to_string())
    }

    /// The target of the way back after a deployment failed: revisions of its own.
    pub(crate) fn of_way_back(
        cluster: Cluster,
        environment: &EnvironmentRow,
        id: DeploymentId,
    ) -> Self {
        Self::new(cluster, environment, &format!("{id}.back"))
    }

    /// All revisions of the Helm release.
    pub(crate) async fn history(&self, control: &Control) -> Result<History, PrepareError> {
        let (cluster, namespace) = (&self.cluster, &self.namespace);
        Ok(rollout::record::read_history(cluster, control, namespace, &self.release_name).await?)
    }

    /// The same where it is to be deployed from: refused if it is a release of others.
    pub(crate) async fn own_history(
        &self,
        control: &Control,
        environment: &EnvironmentRow,
    ) -> Result<History, PrepareError> {
        let history = self.history(control).await?;
        match control.foreign_release(environment, &history).await? {
            Some(foreign) => Err(PrepareError::Foreign(foreign)),
            None => Ok(history),
        }
    }
}

/// Merges the layers over the chart's values.
pub(crate) async fn merge(
    mode: HelmMode,
    chart: &Arc<PreparedChart>,
    texts: LayerTexts,
) -> Result<MergedLayers, PrepareError> {
    let chart = chart.clone();
    Ok(blocking("prepare a deployment", move || merge_layers(mode, chart.chart(), &texts))
        .await??)
}

/// Merged values as they are stored.
pub(crate) fn stored_values(merged: &MergedLayers) -> StoredValues {
    StoredValues {
        supplied: goyaml::to_string(&merged.supplied).unwrap_or_default(),
        merged: merged.view.clone(),
    }
}

/// The definitions of custom resources that the chart brings, of the sub-charts that these values enable.
pub(crate) fn crds(
    settings: &AppSettings,
    mode: HelmMode,
    chart: &PreparedChart,
    supplied: &goyaml::Value,
) -> Result<Crds, PrepareError> {
    if chart.chart().crds().is_empty() {
        return Ok(Crds::default());
    }
    let processed = helm::chart::process_dependencies(mode.into(), chart.chart(), supplied)
        .map_err(RenderError::from)?;
    let text = |crd: helm::chart::Crd<'_>| (crd.path, crd.file.text().into_owned());
    Ok(Crds::parse(processed.crds().into_iter().map(text), settings.crds.into())?)
}

/// The same for values as they are stored.
pub(crate) fn crds_of_stored(
    settings: &AppSettings,
    mode: HelmMode,
    chart: &PreparedChart,
    values: &StoredValues,
) -> Result<Crds, PrepareError> {
    let supplied = helm::values::parse_values(&values.supplied)
        .map_err(|source| MergeError::Layer { layer: ValuesLayer::Deployment, source })?;
    crds(settings, mode, chart, &supplied)
}

/// What a rendering wants in the cluster; `repeats` is the Helm revision that a rollback repeats.
pub(crate) fn desired(
    target: &Target,
    rendering: &StoredRendering,
    crds: Crds,
    repeats: Option<u32>,
) -> Result<Desired, PrepareError> {
    let (release, namespace) = (&target.release_name, &target.namespace);
    let (manifest, hooks) = (&rendering.manifest, rendering.hooks.clone());
    Ok(match repeats {
        None => Desired::parse(release, namespace, manifest, hooks, crds)?,
        Some(revision) => Desired::parse_rollback(release, namespace, manifest, hooks, revision)?,
    })
}

/// Looks at the cluster and plans. Reads only.
pub(crate) async fn plan(
    control: &Control,
    target: &Target,
    desired: &Desired,
    history: &History,
    options: &PlanOptions,
) -> Result<Plan, PrepareError> {
    let live = rollout::plan::read_live(&target.cluster, desired, history, options).await?;
    let key = control.objects().sealer().plan_key();
    Ok(rollout::plan::plan(desired, history, &live, options, key)?)
}

/// `Err` with every object that the cluster's dry run refused.
pub(crate) fn accepted(plan: &Plan) -> Result<(), PrepareError> {
    let refused: Vec<String> =
        plan.refusals().map(|(key, refusal)| format!("{key}: {}", refusal.message)).collect();
    if refused.is_empty() {
        return Ok(());
    }
    Err(PrepareError::Refused { texts: refused, culprits: culprit::of_plan(plan) })
}

/// The record that Helm keeps of a revision made of this content.
pub(crate) fn helm_release(
    mode: HelmMode,
    chart: &PreparedChart,
    values: &StoredValues,
    rendering: &StoredRendering,
) -> Result<helm::release::Release, PrepareError> {
    let supplied = helm::values::parse_values(&values.supplied)
        .map_err(|source| MergeError::Layer { layer: ValuesLayer::Deployment, source })?;
    let processed = helm::chart::process_dependencies(mode.into(), chart.chart(), &supplied)
        .map_err(RenderError::from)?;
    let config = serde_json::from_str(&goyaml::json::to_string(&supplied).unwrap_or_default())
        .map_err(|failed| Error::internal("write values as JSON", failed))?;
    Ok(helm::release::Release {
        name: String::new(),
        info: helm::release::Info {
            notes: rendering.notes.clone().unwrap_or_default(),
            ..helm::release::Info::default()
        },
        chart: Some(chart.stored(&processed)),
        config,
        manifest: rendering.manifest.clone(),
        hooks: rendering.hooks.clone(),
        version: 0,
        namespace: String::new(),
        apply_method: None,
    })
}

/// Paths of values that differ from those that ran before, at most twenty.
pub(crate) fn changed_values(before: Option<&MergedValues>, after: &MergedValues) -> Vec<String> {
    let Some(before) = before else { return Vec::new() };
    let old: std::collections::HashMap<&str, &str> =
        before.keys.iter().map(|key| (key.path.as_str(), key.value.as_str())).collect();
    let new: std::collections::HashSet<&str> =
        after.keys.iter().map(|key| key.path.as_str()).collect();
    let changed =
        after.keys.iter().filter(|key| old.get(key.path.as_str()) != Some(&key.value.as_str()));
    // An empty map that has got keys is told by these.
    let below = |path: &str| {
        let start = format!("{path}.");
        after.keys.iter().any(|key| key.path.starts_with(&start))
    };
    let gone =
        before.keys.iter().filter(|key| !new.contains(key.path.as_str()) && !below(&key.path));
    changed.chain(gone).map(|key| key.path.clone()).take(CHANGED_VALUES).collect()
}
