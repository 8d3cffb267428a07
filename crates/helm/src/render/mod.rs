//! Rendering: a chart and values in, the documents and hooks Helm would install out.
//!
//! [`PreparedChart`] parses templates once and renders any number of times, on any number of
//! threads. The order of the steps is Helm's: dependencies, merged values, schema, Kubernetes
//! version, templates, splitting. Nothing is sent anywhere; `lookup` asks the
//! [`ClusterReader`](crate::ClusterReader) the caller gives, and finds nothing without one.

mod ahead;
mod capabilities;
mod context;
mod engine;
mod error;
mod files;
mod frozen;
mod glob;
mod lint;
mod manifest;
mod name;
mod order;
mod output;
mod values_type;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use goyaml::Value;

pub(crate) use ahead::Ahead;
pub(crate) use lint::rendered_for_lint;

pub use error::{RenderError, TemplateError};
pub use gotemplate::Exceeded;
pub use manifest::{Document, ManifestError, split};
pub use name::{NameTemplateError, name_from};
pub use order::{INSTALL_ORDER, UNINSTALL_ORDER, compare_kinds};
pub use output::{PrintedHooks, TemplateNotFound, show_only};

use crate::capabilities::Capabilities;
use crate::chart::{self, Chart, Crd};
use crate::cluster_reader::ClusterReader;
use crate::release::{Hook, Shared, StoredChart};
use crate::{schema, values};
use engine::Engine;
use frozen::FrozenDefaults;

/// What templates are told about the release: `.Release`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseOptions {
    /// The release's name.
    pub name: String,
    /// The namespace it goes to.
    pub namespace: String,
    /// The revision being made. Helm says 1 for every install.
    pub revision: u32,
    /// Whether this is an upgrade or rollback; an install otherwise.
    pub is_upgrade: bool,
}

impl ReleaseOptions {
    /// A first install.
    pub fn install(name: impl Into<String>, namespace: impl Into<String>) -> Self {
        Self { name: name.into(), namespace: namespace.into(), revision: 1, is_upgrade: false }
    }

    /// An upgrade to `revision`.
    pub fn upgrade(name: impl Into<String>, namespace: impl Into<String>, revision: u32) -> Self {
        Self { name: name.into(), namespace: namespace.into(), revision, is_upgrade: true }
    }
}

/// How much the templates of one render may write and make. Time is bounded by
/// [`RenderInput::stop`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenderLimits {
    /// Bytes that all templates write together.
    pub output: usize,
    /// Bytes of texts, lists and maps that the functions of one template file make in all.
    pub made: usize,
}

impl Default for RenderLimits {
    /// Far above what charts need: 1 GiB each.
    fn default() -> Self {
        let gotemplate::Limits { output, made, .. } = gotemplate::Limits::default();
        Self { output, made }
    }
}

/// Everything one render depends on beside the chart.
#[derive(Clone)]
pub struct RenderInput {
    /// The user's values, without the chart's defaults: a map or null.
    pub values: Value,
    /// Which Helm's rules join values and decide about dependencies.
    pub mode: values::HelmMode,
    /// The release.
    pub release: ReleaseOptions,
    /// The cluster's abilities.
    pub capabilities: Capabilities,
    /// Where `lookup` looks; without it, `lookup` finds nothing.
    pub cluster: Option<Arc<dyn ClusterReader + Send + Sync>>,
    /// Whether `getHostByName` asks for addresses; without it, it finds nothing.
    pub resolve_hosts: bool,
    /// Whether [`Rendered::manifest`] starts with the files below `crds/`.
    pub include_crds: bool,
    /// Whether values are taken without asking values.schema.json.
    pub skip_schema: bool,
    /// How much the templates may write and make.
    pub limits: RenderLimits,
    /// Set to end the render early, which then fails: templates may loop for hours.
    pub stop: Option<Arc<AtomicBool>>,
}

impl RenderInput {
    /// A render with Helm's assumptions about a cluster it does not see.
    pub fn new(values: Value, release: ReleaseOptions) -> Self {
        Self {
            values,
            mode: values::HelmMode::default(),
            release,
            capabilities: Capabilities::default(),
            cluster: None,
            resolve_hosts: false,
            include_crds: false,
            skip_schema: false,
            limits: RenderLimits::default(),
            stop: None,
        }
    }
}

/// What a render gives.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The text `helm get manifest` shows and release records keep.
    pub manifest: String,
    /// The documents of the manifest in install order.
    pub documents: Vec<Document>,
    /// Hooks, in the order they are printed and stored.
    pub hooks: Vec<Hook>,
    /// The root chart's NOTES.txt, where there is one.
    pub notes: Option<String>,
    /// The chart as it was rendered, dependencies worked out; what release records store. Its
    /// [definitions](Chart::crds) are installed before everything else.
    pub chart: Chart,
    /// The values templates saw: the user's over the chart's defaults.
    pub values: Value,
}

/// A chart that is ready to be rendered many times.
#[derive(Debug)]
pub struct PreparedChart {
    chart: Chart,
    /// Made of `chart`, when it is first rendered.
    defaults: OnceLock<FrozenDefaults>,
    engine: Engine,
    /// What the last record kept of it.
    stored: Mutex<Option<Shared<StoredChart>>>,
}

impl PreparedChart {
    /// Checks that the chart can be installed at all and has its dependencies.
    ///
    /// Templates are parsed by the first render that needs them: which take part depends on the
    /// values.
    pub fn new(chart: Chart) -> Result<Self, RenderError> {
        match chart.metadata().chart_type.as_str() {
            "" | "application" => {}
            other => return Err(RenderError::NotInstallable { chart_type: other.to_owned() }),
        }
        chart::check_presence(&chart)?;
        Ok(Self {
            chart,
            defaults: OnceLock::new(),
            engine: Engine::default(),
            stored: Mutex::default(),
        })
    }

    /// The chart as it was loaded.
    pub fn chart(&self) -> &Chart {
        &self.chart
    }

    /// What records keep of it, its dependencies `processed` for some values: what others with the same result have, so that
    /// it is packed once for all of them.
    pub fn stored(&self, processed: &Chart) -> Shared<StoredChart> {
        let now = StoredChart::from(processed);
        let mut last = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(last) if **last == now => last.clone(),
            _ => last.insert(Shared::new(now)).clone(),
        }
    }

    /// Renders the chart.
    pub fn render(&self, input: &RenderInput) -> Result<Rendered, RenderError> {
        let chart = chart::process_dependencies(input.mode, &self.chart, &input.values)?;
        let values = values::coalesce_as(input.mode, &chart, &input.values)?;
        if !input.skip_schema {
            schema::validate(&chart, &values)?;
        }
        check_kube_version(&chart, &input.capabilities)?;
        let defaults = self.defaults.get_or_init(|| FrozenDefaults::new(&self.chart));
        let mut files = self.engine.render(&chart, &values, defaults, input, Purpose::Output)?;
        let notes = files.remove(&format!("{}/templates/NOTES.txt", chart.name()));
        files.retain(|name, _| !name.ends_with("NOTES.txt"));
        let (hooks, documents) = manifest::sort_manifests(&files)?;
        let crds = if input.include_crds { chart.crds() } else { Vec::new() };
        let manifest = manifest_text(&documents, &crds);
        Ok(Rendered { manifest, documents, hooks, notes, chart, values })
    }
}

/// What templates are rendered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// Their output.
    Output,
    /// To look for mistakes: a missing value is none.
    Lint,
}

/// Documents as one text, each below a line that names its source.
fn manifest_text(documents: &[Document], crds: &[Crd<'_>]) -> String {
    let mut text = String::new();
    let mut push = |source: &str, content: &str| {
        for piece in ["---\n# Source: ", source, "\n", content, "\n"] {
            text.push_str(piece);
        }
    };
    for crd in crds {
        push(&crd.path, &crd.file.text());
    }
    for document in documents {
        push(&document.source, &document.text);
    }
    text
}

/// The root chart's `kubeVersion`, checked against the cluster's.
fn check_kube_version(chart: &Chart, capabilities: &Capabilities) -> Result<(), RenderError> {
    let wanted = &chart.metadata().kube_version;
    if wanted.is_empty() {
        return Ok(());
    }
    let version = &capabilities.kube_version;
    if chart::is_compatible(wanted, version.as_text()) {
        return Ok(());
    }
    Err(RenderError::KubeVersion { wanted: wanted.clone(), found: version.version.clone() })
}
