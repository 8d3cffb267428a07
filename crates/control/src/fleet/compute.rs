//! One environment of a preview: rendered with the new values as it was deployed, and compared with what was deployed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use helm::chart::Chart;
use helm::render::PreparedChart;
use rollout::plan::compare::{Comparison, Relative, compare, likeness_of_text};

use super::words;
use super::{GroupKind, Told};
use crate::app::AppSettings;
use crate::blocking::blocking;
use crate::control::Control;
use crate::deployment::content::{ContentRow, StoredContext, StoredRendering, StoredValues};
use crate::deployment::job::LayerTexts;
use crate::deployment::mask::{longest_first, looked_up_secrets, mask_diffs, mask_texts};
use crate::deployment::mask_values::masked_texts;
use crate::deployment::prepare::{self, PrepareError, whole_text};
use crate::deployment::render::{Dry, render_as_deployed};
use crate::deployment::store as deployments;
use crate::domain::layer::Which;
use crate::environment::store as environments;
use crate::environment::{EnvironmentRow, EnvironmentState};
use crate::error::Error;
use crate::release::store::{self as releases, ReleaseRow};
use crate::store::ids::{EnvironmentId, ReleaseId};
use crate::values::{MergedLayers, PathPattern, patterns};

/// Functions whose results differ from one rendering to the next, by how they begin, and the field that does.
const DRAWING: [&str; 10] = [
    "rand",
    "gen",
    "uuidv4",
    "now",
    "htpasswd",
    "bcrypt",
    "encryptAES",
    "shuffle",
    "ago",
    ".Revision",
];

/// What all environments of a preview have in common.
pub(super) struct Question {
    pub(super) values: String,
    pub(super) settings: AppSettings,
    patterns: Vec<PathPattern>,
    releases: Mutex<HashMap<ReleaseId, Arc<Deployable>>>,
}

/// A Release with its chart.
struct Deployable {
    row: ReleaseRow,
    chart: Arc<PreparedChart>,
    /// Whether its templates may make something else of the same input each time.
    may_draw: bool,
}

/// The group that an environment belongs to, with what is told of it.
pub(super) struct Outcome {
    pub(super) key: String,
    pub(super) kind: GroupKind,
    pub(super) told: Option<Told>,
}

impl Outcome {
    fn idle(kind: GroupKind) -> Self {
        Self { key: kind.as_str().to_owned(), kind, told: None }
    }
}

impl Question {
    pub(super) fn new(values: String, settings: AppSettings) -> Self {
        let patterns = patterns(&settings.masked_values);
        Self { values, settings, patterns, releases: Mutex::default() }
    }

    /// The group of one environment.
    pub(super) async fn answer(
        &self,
        control: &Control,
        id: EnvironmentId,
    ) -> Result<Outcome, Error> {
        let c = control.db().read();
        let Some(environment) = environments::by_id(c, id).await? else {
            return Ok(Outcome::idle(GroupKind::NotDeployed));
        };
        if environment.holds_app_values.is_some() {
            return Ok(Outcome::idle(GroupKind::Holds));
        }
        let alive = environment.state == EnvironmentState::Active;
        let (true, Some(release), Some(current)) =
            (alive, environment.current_release, environment.current_deployment)
        else {
            return Ok(Outcome::idle(GroupKind::NotDeployed));
        };
        let deployed = deployments::by_id(c, current).await?;
        let Some(content) = deployed.and_then(|deployed| deployed.content) else {
            return Ok(Outcome::idle(GroupKind::NotDeployed));
        };
        let content = control.content_row(content).await?;
        let mut secrets = Vec::new();
        let told = self.compared(control, &environment, release, &content, &mut secrets).await;
        let secrets = longest_first(secrets);
        match told {
            Ok(compared) => {
                let (title, summary) = words::of_change(&environment.release_name, &compared);
                let kind = words::kind(&compared.objects);
                let mut objects = compared.objects;
                mask_diffs(objects.iter_mut().filter_map(|object| object.diff.as_mut()), &secrets);
                let told = Told { title, summary, sample: environment.name, objects };
                Ok(Outcome { key: compared.likeness, kind, told: Some(told) })
            }
            Err(PrepareError::Internal(error)) => Err(error),
            Err(error) => Ok(not_rendered(control, environment, &error, &secrets)),
        }
    }

    /// Renders as it would be deployed next, and compares with what was deployed.
    async fn compared(
        &self,
        control: &Control,
        environment: &EnvironmentRow,
        release: ReleaseId,
        content: &ContentRow,
        secrets: &mut Vec<String>,
    ) -> Result<words::Change, PrepareError> {
        let objects = control.objects();
        let context: StoredContext = objects.json(&content.context).await?;
        secrets.extend(looked_up_secrets(&context.lookups));
        if !self.patterns.is_empty() {
            let before: StoredValues = objects.json(&content.merged).await?;
            secrets.extend(masked_texts(&before.merged, &self.patterns));
        }
        let release = self.deployable(control, release).await?;
        let merged = self.merged(control, environment, &release).await?;
        secrets.extend(masked_texts(&merged.view, &self.patterns));
        let Dry { manifest, blind } =
            render_as_deployed(control, release.chart.clone(), &merged, &context, 1).await?;
        let again = if release.may_draw {
            // Another revision, since nobody knows how many are in between.
            let twin = render_as_deployed(control, release.chart.clone(), &merged, &context, 2);
            Some(twin.await?.manifest)
        } else {
            None
        };
        let rendering: StoredRendering = objects.json(&content.rendering).await?;
        let (name, namespace) =
            (environment.release_name.to_string(), environment.namespace.to_string());
        let key = *objects.sealer().plan_key();
        let compared = blocking("prepare a deployment", move || {
            compare(&Comparison {
                release: &name,
                namespace: &namespace,
                before: &rendering.manifest,
                after: &manifest,
                again: again.as_deref(),
                sensitive: &[],
                key: &key,
            })
        })
        .await??;
        Ok(words::Change::of(compared, blind))
    }

    /// All layers, with the new values as the App's.
    async fn merged(
        &self,
        control: &Control,
        environment: &EnvironmentRow,
        release: &Deployable,
    ) -> Result<MergedLayers, PrepareError> {
        let objects = control.objects();
        let own = environments::newest_values(control.db().read(), environment.id).await;
        let own = own.map_err(Error::from)?.map(|own| own.values);
        let texts = LayerTexts {
            app: self.values.clone(),
            release: objects.text_or_empty(release.row.values.as_ref()).await?,
            domain: control.domain_layer(environment, Which::Current).await?.text,
            deployment: objects.text_or_empty(own.as_ref()).await?,
        };
        prepare::merge(self.settings.helm_mode, &release.chart, texts).await
    }

    /// A Release with its chart; a fleet mostly shares one or two.
    async fn deployable(
        &self,
        control: &Control,
        id: ReleaseId,
    ) -> Result<Arc<Deployable>, PrepareError> {
        let known = |found: &Self| {
            found.releases.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
        };
        if let Some(found) = known(self) {
            return Ok(found);
        }
        let row = releases::by_id(control.db().read(), id).await.map_err(Error::from)?;
        let row = row.ok_or_else(|| Error::not_found("Release", id))?;
        let chart = control.prepared_chart(&row.archive_sha256).await?;
        let may_draw = may_draw(chart.chart());
        let found = Arc::new(Deployable { row, chart, may_draw });
        let mut releases = self.releases.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(releases.entry(id).or_insert(found).clone())
    }
}

/// The group of those that fail alike.
fn not_rendered(
    control: &Control,
    environment: EnvironmentRow,
    error: &PrepareError,
    secrets: &[String],
) -> Outcome {
    let message = mask_texts(&error.message(), secrets);
    let (release, namespace) = (&environment.release_name, &environment.namespace);
    let relative = Relative::to(release.as_str(), namespace.as_str());
    let key = likeness_of_text(&relative, &message, control.objects().sealer().plan_key());
    let told = Told {
        title: words::NOT_RENDERED.to_owned(),
        summary: [message, error.remedy()].join("\n").trim_end().to_owned(),
        sample: environment.name,
        objects: Vec::new(),
    };
    Outcome { key, kind: GroupKind::NotRendered, told: Some(told) }
}

/// The group of an environment that Landfall itself could not look at.
pub(super) fn unreadable(control: &Control, id: EnvironmentId, error: &Error) -> Outcome {
    let why = whole_text(error);
    tracing::warn!(error = why, environment = %id, "an environment was left out of a preview");
    let key = likeness_of_text(
        &Relative::to("", ""),
        "unreadable",
        control.objects().sealer().plan_key(),
    );
    Outcome { key, kind: GroupKind::NotRendered, told: None }
}

/// Whether the templates of a chart, or of one below it, may make something else of the same input each time. Values that
/// are templates themselves come to a function by `tpl`.
fn may_draw(chart: &Chart) -> bool {
    let draws =
        |text: &str| text.contains("tpl") || DRAWING.iter().any(|word| begins_a_word(text, word));
    chart.templates().iter().any(|file| draws(&file.text()))
        || chart.dependencies().iter().any(may_draw)
}

fn begins_a_word(text: &str, word: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.match_indices(word).any(|(at, _)| {
        !word.starts_with(|c: char| c.is_ascii_alphabetic())
            || at == 0
            || !letter(text.as_bytes()[at - 1])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(template: &str) -> Chart {
        let file = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
        Chart::from_files(vec![
            file("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n"),
            file("templates/a.yaml", template),
        ])
        .unwrap()
    }

    /// Functions that draw are found wherever they stand as a word of their own.
    #[test]
    fn what_draws() {
        for template in [
            "{{ randAlphaNum 8 }}",
            "{{ genCA \"a\" 1 }}",
            "{{now}}",
            "{{ .Release.Revision }}",
            "{{ tpl .Values.x . }}",
        ] {
            assert!(may_draw(&chart(template)), "{template}");
        }
        for template in
            ["{{ .Values.brand }}", "{{ .Values.known }}", "agenda: {{ .Values.snow | quote }}"]
        {
            assert!(!may_draw(&chart(template)), "{template}");
        }
    }
}
