//! Rendering a chart for a release's next revision: within the limits, with what decided it on record.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use helm::render::{Exceeded, PreparedChart, ReleaseOptions, RenderError, RenderInput, Rendered};
use helm::schema::{Fault, SchemaError, Violation};
use helm::{Capabilities, ClusterReader, LookupError};
use rollout::crds::Crds;
use rollout::plan::Operation;
use rollout::record::Next;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::content::{StoredContext, StoredRendering};
use super::prepare::{PrepareError, Target};
use crate::blocking::blocking;
use crate::config::Limits;
use crate::control::Control;
use crate::error::Error;
use crate::limits;
use crate::values::{MergedLayers, MergedValues, places};

/// What a rendering gave and what decided it.
pub(crate) struct Rendering {
    pub(crate) rendering: StoredRendering,
    pub(crate) context: StoredContext,
}

/// Renders the chart for the release's next revision, within the limits. Dropping the future stops the
/// templates.
pub(crate) async fn render(
    control: &Control,
    chart: Arc<PreparedChart>,
    merged: &MergedLayers,
    target: &Target,
    crds: &Crds,
    next: Next,
) -> Result<Rendering, PrepareError> {
    let mut capabilities = target.cluster.capabilities().await?;
    // A preview sees the kinds that the chart will bring, as the deployment will.
    capabilities.api_versions.extend(crds.api_versions());
    capabilities.api_versions.sort();
    capabilities.api_versions.dedup();
    let (name, namespace) = (target.release_name.clone(), target.namespace.clone());
    let release = match next.operation {
        Operation::Install => ReleaseOptions::install(name, namespace),
        Operation::Upgrade | Operation::Rollback { .. } => {
            ReleaseOptions::upgrade(name, namespace, next.revision)
        }
    };
    let reader = target.cluster.reader(tokio::runtime::Handle::current());
    let place = Place::of(control);
    let lookups = Arc::new(RecordedLookups {
        cluster: Box::new(reader),
        answers: Mutex::default(),
        place: place.clone(),
    });
    let context = context_of(&release, &capabilities);
    let mut input = RenderInput::new(merged.supplied.clone(), release);
    input.capabilities = capabilities;
    input.cluster = Some(lookups.clone());
    let rendered = render_merged(control, chart, merged, input, place).await?;
    let answers = std::mem::take(
        &mut *lookups.answers.lock().expect("no code panics while it holds the answers"),
    );
    Ok(Rendering {
        rendering: stored_rendering(rendered),
        context: StoredContext { lookups: answers, ..context },
    })
}

/// What a chart did not render for.
fn told(control: &Control, merged: &MergedLayers, error: RenderError) -> PrepareError {
    match error {
        RenderError::Schema(refused) => refused_by_schema(refused, &merged.view),
        other => match other.exceeded() {
            Some(exceeded) => beyond(exceeded, &other, &control.config().limits),
            None => other.into(),
        },
    }
}

/// A rendering that asked no cluster.
pub(crate) struct Dry {
    /// The manifest.
    pub(crate) manifest: String,
    /// Whether `lookup` asked for something that it had not asked for before, and found nothing.
    pub(crate) blind: bool,
}

/// Renders for the upgrade `ahead` revisions after one that was deployed, with that one's capabilities and `lookup`
/// answers: no cluster is asked.
pub(crate) async fn render_as_deployed(
    control: &Control,
    chart: Arc<PreparedChart>,
    merged: &MergedLayers,
    deployed: &StoredContext,
    ahead: i64,
) -> Result<Dry, PrepareError> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let release = &deployed.release;
    let revision = release["revision"].as_i64().unwrap_or(1).saturating_add(ahead);
    let options = ReleaseOptions::upgrade(
        text(&release["name"]),
        text(&release["namespace"]),
        u32::try_from(revision).unwrap_or(u32::MAX),
    );
    let place = Place::of(control);
    let lookups = Arc::new(StoredLookups {
        answers: deployed.lookups.clone(),
        blind: AtomicBool::new(false),
    });
    let mut input = RenderInput::new(merged.supplied.clone(), options);
    input.capabilities = capabilities_of(&deployed.capabilities);
    input.cluster = Some(lookups.clone());
    let rendered = render_merged(control, chart, merged, input, place).await?;
    Ok(Dry { manifest: rendered.manifest, blind: lookups.blind.load(Ordering::Relaxed) })
}

/// Capabilities as [`context_of`] wrote them.
fn capabilities_of(stored: &serde_json::Value) -> Capabilities {
    let version = &stored["kube_version"];
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let versions = stored["api_versions"].as_array();
    Capabilities {
        kube_version: helm::capabilities::KubeVersion {
            version: text(&version["version"]),
            // As of a real cluster, whose version was kept.
            normalized: String::new(),
            major: text(&version["major"]),
            minor: text(&version["minor"]),
        },
        api_versions: versions.into_iter().flatten().map(text).collect(),
    }
}

/// Answers `lookup` with what it was answered when the environment was deployed.
struct StoredLookups {
    answers: Vec<serde_json::Value>,
    blind: AtomicBool,
}

impl ClusterReader for StoredLookups {
    fn lookup(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<serde_json::Value>, LookupError> {
        let known = self.answers.iter().find(|kept| {
            kept["api_version"] == api_version
                && kept["kind"] == kind
                && kept["namespace"] == namespace
                && kept["name"] == name
        });
        if known.is_none() {
            self.blind.store(true, Ordering::Relaxed);
        }
        Ok(known.map(|kept| kept["answer"].clone()).filter(|answer| !answer.is_null()))
    }
}

/// Sets the flag when it is dropped: whoever asked has gone, or has waited long enough.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Renders what was merged, by the rules that it was merged by.
async fn render_merged(
    control: &Control,
    chart: Arc<PreparedChart>,
    merged: &MergedLayers,
    mut input: RenderInput,
    place: Arc<Place>,
) -> Result<Rendered, PrepareError> {
    input.mode = merged.mode.into();
    input.limits = control.config().limits.render();
    let rendered = within_limits(control, chart, input, place).await?;
    rendered.map_err(|error| told(control, merged, error))
}

/// Renders, and stops the templates when their time is up or nobody waits any more. Until they have
/// stopped they keep their place, so that no more run at once than may.
async fn within_limits(
    control: &Control,
    chart: Arc<PreparedChart>,
    mut input: RenderInput,
    place: Arc<Place>,
) -> Result<Result<Rendered, RenderError>, Error> {
    let stop = Arc::new(AtomicBool::new(false));
    input.stop = Some(stop.clone());
    place.hold(control.place_to_render().await?);
    let mut rendering = Box::pin(blocking("prepare a deployment", move || {
        let rendered = chart.render(&input);
        place.give_back();
        rendered
    }));
    let gone = StopOnDrop(stop);
    match tokio::time::timeout(control.config().limits.render_time, &mut rendering).await {
        Ok(rendered) => rendered,
        Err(_) => {
            drop(gone);
            rendering.await
        }
    }
}

/// A limit that ended a rendering, with the template that met it.
fn beyond(exceeded: Exceeded, error: &RenderError, limits: &Limits) -> PrepareError {
    let place = match error {
        RenderError::Template(error) => error.file.as_ref().map(|file| match error.line {
            Some(line) => format!("{file}, line {line}"),
            None => file.clone(),
        }),
        _ => None,
    };
    PrepareError::Limit { met: limits::render(exceeded, limits), place }
}

/// Tells which of the values the schema refuses.
fn refused_by_schema(refused: SchemaError, view: &MergedValues) -> PrepareError {
    let mut paths: Vec<Vec<String>> = Vec::new();
    for chart in refused.charts() {
        match &chart.fault {
            Fault::Violations(violations) => {
                let below = |it: &Violation| [chart.path.as_slice(), &it.path].concat();
                paths.extend(violations.iter().map(below));
            }
            Fault::Schema(_) | Fault::NotAMap(_) => paths.push(chart.path.clone()),
        }
    }
    let places = places(view, paths.iter().map(Vec::as_slice));
    PrepareError::Schema { refused, places }
}

fn stored_rendering(rendered: Rendered) -> StoredRendering {
    StoredRendering {
        manifest: rendered.manifest,
        hooks: rendered.hooks,
        notes: rendered.notes,
        crds: rendered.chart.crds().into_iter().map(|crd| crd.path).collect(),
    }
}

fn context_of(release: &ReleaseOptions, capabilities: &Capabilities) -> StoredContext {
    let version = &capabilities.kube_version;
    StoredContext {
        release: json!({
            "name": release.name,
            "namespace": release.namespace,
            "revision": release.revision,
            "is_upgrade": release.is_upgrade,
        }),
        capabilities: json!({
            "kube_version": { "version": version.version, "major": version.major, "minor": version.minor },
            "api_versions": capabilities.api_versions,
        }),
        lookups: Vec::new(),
    }
}

/// A place to render in, which is another's while a template waits for a cluster: one that does not answer holds
/// nobody else up.
struct Place {
    places: Arc<Semaphore>,
    held: Mutex<Option<OwnedSemaphorePermit>>,
    handle: tokio::runtime::Handle,
}

impl Place {
    /// One that holds nothing yet.
    fn of(control: &Control) -> Arc<Self> {
        Arc::new(Self {
            places: control.renders(),
            held: Mutex::default(),
            handle: tokio::runtime::Handle::current(),
        })
    }

    fn hold(&self, place: OwnedSemaphorePermit) {
        *self.held.lock().expect("no code panics while it holds this") = Some(place);
    }

    fn give_back(&self) {
        self.held.lock().expect("no code panics while it holds this").take();
    }

    /// Gives the place back for as long as `waiting` takes. Blocks the thread, as whatever renders does.
    fn without<T>(&self, waiting: impl FnOnce() -> T) -> T {
        self.give_back();
        let done = waiting();
        // Places are never closed.
        if let Ok(place) = self.handle.block_on(self.places.clone().acquire_owned()) {
            self.hold(place);
        }
        done
    }
}

/// Passes `lookup` on to the cluster and keeps the answers: they are part of what decided the rendering.
struct RecordedLookups {
    cluster: Box<dyn ClusterReader + Send + Sync>,
    answers: Mutex<Vec<serde_json::Value>>,
    place: Arc<Place>,
}

impl ClusterReader for RecordedLookups {
    fn lookup(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<serde_json::Value>, LookupError> {
        let asking = || self.cluster.lookup(api_version, kind, namespace, name);
        let answer = self.place.without(asking)?;
        let asked = json!({
            "api_version": api_version, "kind": kind, "namespace": namespace, "name": name, "answer": answer,
        });
        self.answers.lock().expect("no code panics while it holds the answers").push(asked);
        Ok(answer)
    }
}
