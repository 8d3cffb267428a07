//! Previews: what a deployment would change, kept so that exactly that can be carried out.

use jiff::Timestamp;
use rollout::culprit::{self, Cause, Culprit};
use rollout::plan::PlanOptions;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::content::{
    Content, ContentRow, LayerAddresses, NewContent, StoredContext, StoredValues,
};
use super::job::LayerTexts;
use super::mask::{longest_first, looked_up_secrets, mask_manifest, mask_plan, mask_texts};
use super::mask_values::{mask_values, mask_written, masked_texts};
use super::prepare::{self, PrepareError, Target};
use super::render;
use super::store::{self, PreviewRow};
use super::{AppValuesChoice, Changes, OnFailure};
use crate::actor::Actor;
use crate::control::Control;
use crate::domain::Host;
use crate::domain::layer::{DomainLayer, Which};
use crate::environment::{EnvironmentBrief, EnvironmentRow};
use crate::error::Error;
use crate::objects::Address;
use crate::observed::{Look, ObservedCause, ObservedRevision};
use crate::release::ReleaseBrief;
use crate::release::store::{self as releases, ReleaseRow};
use crate::rights::Subject;
use crate::store::ids::{AppId, ContentId, EnvironmentId, PreviewId};
use crate::store::sql::now;
use crate::values::{MergedValues, PathPattern, patterns};

/// Deployments whose secrets are looked for in a diff.
const BEFORE: i64 = 5;

/// How long a preview can be deployed.
const LASTS: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// What the deploy form asks to see; texts as typed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct NewPreview {
    /// The Release, by tag or id; empty: the one that runs.
    pub release: String,
    /// The Deployment values, as YAML; none: the environment's own.
    pub values: Option<String>,
    /// Which App values; none: the newest.
    pub app_values: Option<AppValuesChoice>,
    /// Take over fields that other managers own, as Helm's `--force-conflicts` does.
    pub force_conflicts: bool,
}

/// What a deployment would change.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Preview {
    /// What `Deploy Now` names to have exactly this carried out.
    pub id: PreviewId,
    /// The environment.
    pub environment: EnvironmentBrief,
    /// The Release.
    pub release: ReleaseBrief,
    /// The Release that runs now.
    pub from: Option<ReleaseBrief>,
    /// The Deployment values as written.
    pub values: String,
    /// All values with their origins.
    pub merged: MergedValues,
    /// The App values revision used.
    pub app_values_revision: i64,
    /// The rendered manifest; values of Secrets masked.
    pub manifest: String,
    /// The chart's notes.
    pub notes: Option<String>,
    /// What will change in the cluster; secrets shown only as changed.
    #[schema(value_type = Object)]
    pub plan: rollout::plan::Plan,
    /// Keyed hash of the plan; short forms show the first eight characters.
    pub plan_hash: String,
    /// The host that it makes the environment answer on; none: that is the chart's own matter.
    pub host: Option<String>,
    /// What the plan touches.
    pub changes: Changes,
    /// Paths of values that differ from what runs, at most 20.
    pub changed_values: Vec<String>,
    /// The revision of the Helm release that it starts from, where no deployment of the environment wrote it.
    pub starts_from: Option<ObservedRevision>,
    /// What does not stand in the way but should be known.
    pub warnings: Vec<PreviewWarning>,
    /// How long it will take, going by what runs now.
    pub estimate: Option<Estimate>,
    /// What happens on failure unless something else is chosen.
    pub default_on_failure: OnFailure,
    /// Until when it can be deployed.
    pub expires_at: Timestamp,
}

/// How long the deployment took that runs now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Estimate {
    /// Seconds.
    pub seconds: i64,
    /// Its number.
    pub number: i64,
}

/// Something to know before deploying.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewWarning {
    /// As a sentence.
    pub message: String,
}

impl Control {
    /// Renders and plans, and keeps the result for `Deploy Now`. Needs the right to deploy.
    ///
    /// Talks to the cluster. Dropping the future cancels it. Faults of the values or the chart are
    /// [`Error::Invalid`] at `values`, with the place.
    pub async fn deployment_preview(
        &self,
        actor: &Actor,
        environment: &str,
        new: NewPreview,
    ) -> Result<Preview, Error> {
        let environment = self.environment_to_deploy(actor, environment).await?;
        let layer = self.domain_layer(&environment, Which::Current).await?;
        self.preview_with(actor, &environment, new, &layer).await
    }

    /// The same with these domain values.
    pub(crate) async fn preview_with(
        &self,
        actor: &Actor,
        environment: &EnvironmentRow,
        new: NewPreview,
        layer: &DomainLayer,
    ) -> Result<Preview, Error> {
        let release = self.release_to_deploy(environment, &new.release).await?;
        let values = self.values_to_deploy(environment, new.values.as_deref()).await?;
        let choice = new.app_values.unwrap_or(AppValuesChoice::Newest);
        let app_values_revision = self.app_values_to_deploy(environment, choice).await?;
        let texts = self.layer_texts(&release, app_values_revision, None, layer).await?;
        let texts = LayerTexts { deployment: values.clone(), ..texts };
        let id = PreviewId::generate();
        let made = Made {
            id,
            environment,
            release: &release,
            app_values_revision,
            force_conflicts: new.force_conflicts,
            host: layer.host.as_ref(),
        };
        let content = self.make_content(&made, texts).await.map_err(PrepareError::into_error)?;
        let row = PreviewRow {
            id,
            environment: environment.id,
            content: content.id,
            expires_at: now() + LASTS,
        };
        store::insert_preview(self.db().write(), &row, now(), &actor.by()).await?;
        self.show_preview(environment, &row).await
    }

    /// A preview made before, by whoever may deploy there.
    pub async fn preview_get(&self, actor: &Actor, preview: PreviewId) -> Result<Preview, Error> {
        let row = self.preview_row(actor, preview).await?;
        let environment = self.environment_row(actor, &row.environment.to_string()).await?;
        self.show_preview(&environment, &row).await
    }

    /// A preview's own row, if the actor may deploy to its environment.
    pub(super) async fn preview_row(
        &self,
        actor: &Actor,
        preview: PreviewId,
    ) -> Result<PreviewRow, Error> {
        let missing = || Error::not_found("preview", preview);
        let row = store::preview(self.db().read(), preview).await?.ok_or_else(missing)?;
        match self.environment_to_deploy(actor, &row.environment.to_string()).await {
            Ok(_) => Ok(row),
            Err(Error::NotFound { .. }) => Err(missing()),
            Err(other) => Err(other),
        }
    }

    /// Merges, renders, plans and stores.
    async fn make_content(
        &self,
        made: &Made<'_>,
        texts: LayerTexts,
    ) -> Result<ContentRow, PrepareError> {
        let Made { id, environment, release, app_values_revision, force_conflicts, host } = *made;
        let chart = self.prepared_chart(&release.archive_sha256).await?;
        let deployment = self.objects().put_text(&texts.deployment).await?;
        let domain = self.objects().put_text(&texts.domain).await?;
        let settings = crate::app::store::settings(self.db().read(), environment.app).await;
        let settings = settings.map_err(Error::from)?.unwrap_or_default();
        let mode = settings.helm_mode;
        let merged = prepare::merge(mode, &chart, texts).await?;
        let cluster = self.environment_connect(environment).await?;
        let target = Target::new(cluster, environment, &id.to_string());
        let look = Look::now();
        let history = target.own_history(self, environment).await?;
        self.note_revisions(environment, &history, look).await?;
        let next = history.next(&target.owner);
        let crds = prepare::crds(&settings, mode, &chart, &merged.supplied)?;
        let rendered = render::render(self, chart, &merged, &target, &crds, next).await?;
        let desired = prepare::desired(&target, &rendered.rendering, crds, None)?;
        let options =
            PlanOptions { tests: settings.run_tests, force_conflicts, ..PlanOptions::default() };
        let plan = prepare::plan(self, &target, &desired, &history, &options).await?;
        let before = self.running_values(environment).await?;
        let layers = self.layer_addresses(release, app_values_revision, deployment).await?;
        let layers = LayerAddresses { domain, ..layers };
        let content = NewContent {
            release: release.id,
            archive_sha256: &release.archive_sha256,
            app_values_revision,
            layers: &layers,
            values: &prepare::stored_values(&merged),
            rendering: &rendered.rendering,
            context: &rendered.context,
            plan: &plan,
            helm_mode: mode,
            changed_values: &prepare::changed_values(before.as_ref(), &merged.view),
            host,
        };
        Ok(self.content_store(&content).await?)
    }

    /// The merged values of what runs in an environment, not masked.
    pub(crate) async fn running_values(
        &self,
        environment: &EnvironmentRow,
    ) -> Result<Option<MergedValues>, Error> {
        let Some(current) = environment.current_deployment else { return Ok(None) };
        let row = store::by_id(self.db().read(), current).await?;
        let Some(content) = row.and_then(|row| row.content) else { return Ok(None) };
        let content = self.content_row(content).await?;
        let values: StoredValues = self.objects().json(&content.merged).await?;
        Ok(Some(values.merged))
    }

    /// Where the layers of a deployment are kept, but that of its domain.
    pub(crate) async fn layer_addresses(
        &self,
        release: &ReleaseRow,
        app_values_revision: i64,
        deployment: Option<Address>,
    ) -> Result<LayerAddresses, Error> {
        let c = self.db().read();
        let app = crate::app::store::values(c, release.app, app_values_revision).await?;
        Ok(LayerAddresses {
            app: app.map(|app| app.values),
            release: release.values.clone(),
            domain: None,
            deployment,
        })
    }

    async fn show_preview(
        &self,
        environment: &EnvironmentRow,
        row: &PreviewRow,
    ) -> Result<Preview, Error> {
        let c = self.db().read();
        let content = self.content_row(row.content).await?;
        let shown =
            self.shown_content(environment.app, (environment.id, None), row.content).await?;
        let missing = |id| Error::not_found("Release", id);
        let release = releases::by_id(c, content.release).await?;
        let release = release.ok_or_else(|| missing(content.release))?.brief();
        let from = match environment.current_release {
            None => None,
            Some(id) => Some(releases::by_id(c, id).await?.ok_or_else(|| missing(id))?.brief()),
        };
        let values = self.objects().text_or_empty(content.layers.deployment.as_ref()).await?;
        let starts_from = self.observed_now(environment).await?;
        let observed = starts_from.as_ref();
        Ok(Preview {
            id: row.id,
            environment: environment.brief(),
            release,
            from,
            values,
            merged: shown.merged,
            app_values_revision: content.app_values_revision,
            manifest: shown.manifest,
            notes: shown.notes,
            plan_hash: content.plan_hash,
            host: content.host,
            warnings: warnings(environment, content.app_values_revision, observed, &shown.plan),
            starts_from,
            changes: content.changes,
            changed_values: content.changed_values,
            plan: shown.plan,
            estimate: store::last_duration(c, environment.current_deployment).await?,
            default_on_failure: environment.kind.default_on_failure(),
            expires_at: row.expires_at,
        })
    }

    /// A content as people are shown it. `before`: its environment, and its number there once it is a
    /// deployment.
    pub(crate) async fn shown_content(
        &self,
        app: AppId,
        before: (EnvironmentId, Option<i64>),
        content: ContentId,
    ) -> Result<ShownContent, Error> {
        let content = self.content(content).await?;
        let patterns = self.masked_values(app).await?;
        let secrets = self.secret_texts(&content, before, &patterns).await?;
        Ok(ShownContent {
            merged: mask_values(content.values.merged, &patterns),
            manifest: mask_texts(&mask_manifest(&content.rendering.manifest), &secrets),
            notes: content.rendering.notes.map(|notes| mask_texts(&notes, &secrets)),
            plan: mask_plan(content.plan, &secrets),
        })
    }

    /// The texts that are not shown of a content, the longest first.
    pub(crate) async fn secret_texts(
        &self,
        content: &Content,
        before: (EnvironmentId, Option<i64>),
        patterns: &[PathPattern],
    ) -> Result<Vec<String>, Error> {
        let context: StoredContext = self.objects().json(&content.row.context).await?;
        let mut secrets = looked_up_secrets(&context.lookups);
        if !patterns.is_empty() {
            secrets.extend(masked_texts(&content.values.merged, patterns));
            secrets.extend(self.masked_before(before, patterns).await?);
        }
        Ok(longest_first(secrets))
    }

    /// The merged values of a content as people are shown them.
    pub(crate) async fn shown_values(
        &self,
        app: AppId,
        content: ContentId,
    ) -> Result<MergedValues, Error> {
        let row = self.content_row(content).await?;
        let values: StoredValues = self.objects().json(&row.merged).await?;
        Ok(mask_values(values.merged, &self.masked_values(app).await?))
    }

    /// Which values of an App are secret.
    pub(crate) async fn masked_values(&self, app: AppId) -> Result<Vec<PathPattern>, Error> {
        let settings = crate::app::store::settings(self.db().read(), app).await?;
        Ok(patterns(&settings.unwrap_or_default().masked_values))
    }

    /// Values as they were written, for this actor: who may not change them does not see what the App masks.
    pub(crate) async fn written_values(
        &self,
        actor: &Actor,
        subject: Subject,
        app: AppId,
        text: String,
    ) -> Result<String, Error> {
        if actor.may_write(subject) {
            return Ok(text);
        }
        Ok(mask_written(&text, &self.masked_values(app).await?))
    }

    /// The secret texts of what was deployed to an environment up to a number: a diff shows what they
    /// were, too.
    async fn masked_before(
        &self,
        (environment, number): (EnvironmentId, Option<i64>),
        patterns: &[PathPattern],
    ) -> Result<Vec<String>, Error> {
        let mut texts = Vec::new();
        for before in store::last_contents(self.db().read(), environment, number, BEFORE).await? {
            let row = self.content_row(before).await?;
            let values: StoredValues = self.objects().json(&row.merged).await?;
            texts.extend(masked_texts(&values.merged, patterns));
        }
        Ok(texts)
    }
}

/// What a preview is made of.
struct Made<'a> {
    id: PreviewId,
    environment: &'a EnvironmentRow,
    release: &'a ReleaseRow,
    app_values_revision: i64,
    force_conflicts: bool,
    host: Option<&'a Host>,
}

/// A content as people are shown it: masked.
pub(crate) struct ShownContent {
    pub(crate) merged: MergedValues,
    pub(crate) manifest: String,
    pub(crate) notes: Option<String>,
    pub(crate) plan: rollout::plan::Plan,
}

fn warnings(
    environment: &EnvironmentRow,
    app_values_revision: i64,
    observed: Option<&ObservedRevision>,
    plan: &rollout::plan::Plan,
) -> Vec<PreviewWarning> {
    let mut warnings = Vec::new();
    match observed {
        Some(observed) if observed.cause == ObservedCause::Gone => warnings.push(PreviewWarning {
            message: format!("{}. This deployment installs it anew.", observed.told()),
        }),
        Some(observed) => {
            let mut message = format!("{}. This deployment starts from it.", observed.told());
            if let Some(until) = observed.awaited_until(now()) {
                let until = until.strftime("%H:%M:%S UTC");
                message = format!(
                    "{}. It is {}: this deployment waits for it to end, until {until} at most, or until someone says that nobody works on it.",
                    observed.told(),
                    observed.status
                );
            }
            warnings.push(PreviewWarning { message });
        }
        None => {}
    }
    if let Some(held) = environment.holds_app_values
        && held != app_values_revision
    {
        let message = format!(
            "{} holds revision {held} of the App values since its rollback. This deployment uses \
             revision {app_values_revision}, and the environment follows the newest again.",
            environment.name
        );
        warnings.push(PreviewWarning { message });
    }
    let refused: Vec<String> = plan.refusals().map(|(key, _)| key.to_string()).collect();
    if !refused.is_empty() {
        let message = format!(
            "The cluster does not accept {}. This deployment would stop before it changes anything.",
            refused.join(", ")
        );
        warnings.push(PreviewWarning { message });
        let mut culprits = culprit::of_plan(plan).into_iter();
        let conflict = culprits.find(|culprit| culprit.cause == Cause::FieldConflict);
        if let Some(Culprit { text, remedy, .. }) = conflict {
            warnings.push(PreviewWarning { message: format!("{text}. {remedy}") });
        }
    }
    warnings
}
