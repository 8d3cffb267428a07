//! Settling what a deployment consists of: chart, values, rendering, and the plan that is carried out.
//!
//! A preview's content is taken as it is, and so is what a worker before this one had settled; only what is live is
//! looked at anew. Nothing in the cluster is changed here.

use std::sync::{Arc, Mutex};

use helm::render::PreparedChart;
use rollout::crds::{Crds, Installed};
use rollout::manifest::Desired;
use rollout::plan::{Action, Plan, PlanOptions};
use rollout::record::{History, NewRevision};

use super::{Broken, Interrupted, Run};
use crate::app::{CrdPolicy, HelmMode};
use crate::deployment::PlanPolicy;
use crate::deployment::content::{
    Content, ContentRow, LayerAddresses, NewContent, StoredRendering, StoredValues,
};
use crate::deployment::job::Earlier;
use crate::deployment::prepare::{self, PrepareError, Target};
use crate::deployment::render;
use crate::deployment::store::{self, PreviewRow};
use crate::error::Error;
use crate::objects::Address;
use crate::op::{ABANDONED_AFTER, LogLevel, StepName};
use crate::store::ids::{ContentId, PreviewId};
use crate::store::sql::now;
use crate::values::ValuesLayer;

/// Revisions of the Helm release that are kept; Helm's default.
const HISTORY_MAX: u32 = 10;
/// How long the new plan is offered: whoever deployed may have gone home.
const PREVIEW_LASTS: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

/// What is carried out.
pub(super) struct Settled {
    pub(super) desired: Desired,
    pub(super) plan: Plan,
    pub(super) new: NewRevision,
    /// The revisions of the Helm release as they were read for the plan, until the new one is recorded.
    pub(super) history: Mutex<Option<History>>,
}

/// What is to be planned.
struct Wanted {
    /// By which Helm's rules it was, or is to be, merged and rendered.
    mode: HelmMode,
    values: StoredValues,
    rendering: StoredRendering,
    crds: Crds,
    source: Source,
}

/// Where it comes from.
enum Source {
    /// A content that is stored already, and may only need another plan.
    Stored(Box<Content>),
    /// The content of the deployment that is repeated.
    Repeated(Box<Content>),
    /// It was rendered just now.
    Rendered(crate::deployment::content::StoredContext),
}

impl Run<'_> {
    /// Steps `fetch chart` to `check`.
    pub(super) async fn settle(&self) -> Result<Settled, Interrupted> {
        let target = self.target();
        let chart = self.fetch_chart().await?;
        let environment = &self.job.environment;
        let history = match self
            .retry_reading(|| async { Ok(target.own_history(self.control, environment).await?) })
            .await
        {
            Ok(history) => history,
            Err(error) => return self.fail(StepName::Check, error).await,
        };
        let (history, abandoned) = if history.next(&target.owner).continued {
            (history, None)
        } else {
            self.note_revisions(environment, &history).await?;
            self.wait_for_others(&target, history).await?
        };
        let wanted = self.wanted(&chart, &target, &history).await?;
        let repeats = self.job.repeats.as_ref().and_then(repeated_revision);
        let crds = wanted.crds.clone();
        let desired = match prepare::desired(&target, &wanted.rendering, crds, repeats) {
            Ok(desired) => desired,
            Err(error) => return self.fail(StepName::Render, error.into()).await,
        };
        let release =
            match prepare::helm_release(wanted.mode, &chart, &wanted.values, &wanted.rendering) {
                Ok(release) => release,
                Err(error) => return self.fail(StepName::Render, error.into()).await,
            };
        let (plan, rendering) = self.check(&target, &desired, &history, wanted).await?;
        let new = NewRevision { abandoned, ..new_revision(release, &rendering, &target) };
        Ok(Settled { desired, plan, new, history: Mutex::new(Some(history)) })
    }

    async fn fetch_chart(&self) -> Result<Arc<PreparedChart>, Interrupted> {
        let step = StepName::FetchChart;
        self.begin(step).await?;
        let job = &self.job;
        let stored = job.repeats.as_ref().map(|earlier| &earlier.content).or(job.content.as_ref());
        let sha256 =
            stored.map_or(&job.release.archive_sha256, |content| &content.row.archive_sha256);
        let chart = match self.control.prepared_chart(sha256).await {
            Ok(chart) => chart,
            Err(error) => return self.fail(step, error.into()).await,
        };
        let (name, version) = (chart.chart().name(), chart.chart().version());
        let digest = sha256.get(..8).unwrap_or(sha256);
        let templates = chart.chart().templates().len();
        self.say(format!(
            "Chart {name} {version} from the store (sha256:{digest}…), {templates} templates"
        ))
        .await;
        self.done(step, &format!("{name} {version}")).await?;
        Ok(chart)
    }

    /// Steps `merge values`, `CRDs` and `render`.
    async fn wanted(
        &self,
        chart: &Arc<PreparedChart>,
        target: &Target,
        history: &History,
    ) -> Result<Wanted, Interrupted> {
        self.refuse_other_host().await?;
        if let Some(content) = &self.job.content {
            let note = if self.was_done(StepName::Render) { "" } else { "as previewed" };
            self.pass(&[StepName::MergeValues], note).await?;
            let (mode, values) = (content.row.helm_mode, &content.values);
            let crds = prepare::crds_of_stored(&self.job.settings, mode, chart, values);
            let crds = self.install_crds(crds).await?;
            self.pass(&[StepName::Render], note).await?;
            return Ok(stored(content, crds, Source::Stored(Box::new(content.clone()))));
        }
        if let Some(earlier) = &self.job.repeats {
            let note = format!("as in #{}", earlier.deployment.number);
            self.pass(&[StepName::MergeValues, StepName::Render], &note).await?;
            self.skipped(StepName::Crds, "none").await?;
            return Ok(stored(
                &earlier.content,
                Crds::default(),
                Source::Repeated(Box::new(earlier.content.clone())),
            ));
        }
        self.begin(StepName::MergeValues).await?;
        let mode = self.job.settings.helm_mode;
        let merged = match prepare::merge(mode, chart, self.job.layers.clone()).await {
            Ok(merged) => merged,
            Err(error) => return self.fail(StepName::MergeValues, error.into()).await,
        };
        let keys = merged.view.keys.len();
        let own =
            merged.view.keys.iter().filter(|key| key.layer == ValuesLayer::Deployment).count();
        self.say(format!("Merged 5 layers, {keys} keys; {own} from this deployment")).await;
        self.done(StepName::MergeValues, &format!("{keys} keys")).await?;
        let crds = prepare::crds(&self.job.settings, mode, chart, &merged.supplied);
        let crds = self.install_crds(crds).await?;
        self.begin(StepName::Render).await?;
        let next = history.next(&target.owner);
        let rendering = match self
            .retry_reading(|| async {
                Ok(render::render(self.control, chart.clone(), &merged, target, &crds, next)
                    .await?)
            })
            .await
        {
            Ok(rendering) => rendering,
            Err(error) => return self.fail(StepName::Render, error).await,
        };
        let size = rendering.rendering.manifest.len();
        self.done(StepName::Render, &format!("{} kB", size.div_ceil(1000))).await?;
        Ok(Wanted {
            mode,
            values: prepare::stored_values(&merged),
            rendering: rendering.rendering,
            crds,
            source: Source::Rendered(rendering.context),
        })
    }

    /// Marks steps as done whose results are there already.
    async fn pass(&self, steps: &[StepName], note: &str) -> Result<(), Interrupted> {
        for step in steps.iter().filter(|step| !self.was_done(**step)) {
            self.done(*step, note).await?;
        }
        Ok(())
    }

    /// Step `CRDs`: the chart's definitions of custom resources, as the App's policy says.
    async fn install_crds(&self, crds: Result<Crds, PrepareError>) -> Result<Crds, Interrupted> {
        let step = StepName::Crds;
        let crds = match crds {
            Ok(crds) => crds,
            Err(error) => return self.fail(step, error.into()).await,
        };
        if crds.is_empty() {
            let left = self.job.settings.crds == CrdPolicy::Skip;
            let note = if left { "left to others" } else { "none" };
            self.skipped(step, note).await?;
            return Ok(crds);
        }
        if self.was_done(step) {
            return Ok(crds);
        }
        self.begin(step).await?;
        let namespace = self.job.environment.namespace.to_string();
        let installed = self
            .retry(|| async {
                let install = rollout::crds::install(self.execution(), &crds, &namespace);
                install.await.map_err(Broken::Rollout)
            })
            .await;
        let installed = match installed {
            Ok(installed) => installed,
            Err(error) => return self.fail(step, error).await,
        };
        let Installed { created, upgraded, left } = installed;
        if created + upgraded == 0 {
            self.skipped(step, &format!("{left} there already")).await?;
        } else {
            let counts = [(created, "created"), (upgraded, "upgraded"), (left, "there already")];
            let told = counts.iter().filter(|(count, _)| *count > 0);
            let told: Vec<String> = told.map(|(count, what)| format!("{count} {what}")).collect();
            self.done(step, &told.join(", ")).await?;
        }
        Ok(crds)
    }

    /// Step `check`: the plan as the cluster is now, held to the preview's where there is one, and where what was rendered
    /// is kept.
    async fn check(
        &self,
        target: &Target,
        desired: &Desired,
        history: &History,
        wanted: Wanted,
    ) -> Result<(Plan, Address), Interrupted> {
        let step = StepName::Check;
        // From the pending record on the cluster changes by our own hand: no second plan.
        let continued = history.next(&target.owner).continued;
        if let (true, Source::Stored(content)) = (continued || self.was_done(step), &wanted.source)
        {
            return Ok((content.plan.clone(), content.row.rendering.clone()));
        }
        self.begin(step).await?;
        let options = PlanOptions {
            tests: self.job.settings.run_tests,
            force_conflicts: self.job.deployment.force_conflicts,
            ..PlanOptions::default()
        };
        let planned = self
            .retry_reading(|| async {
                let plan = prepare::plan(self.control, target, desired, history, &options).await?;
                prepare::accepted(&plan)?;
                Ok(plan)
            })
            .await;
        let plan = match planned {
            Ok(plan) => plan,
            Err(error) => return self.fail(step, error).await,
        };
        let content = self.keep_content(&wanted, &plan).await?;
        if let Source::Stored(previewed) = &wanted.source
            && self.job.deployment.plan_policy == PlanPolicy::AsPreviewed
            && previewed.row.plan_hash != plan.hash
        {
            return self.ask_again(content.id).await;
        }
        let rendering = content.rendering.clone();
        self.reports.content(content).await;
        self.say(told(&plan)).await;
        let objects = plan.objects.iter().filter(|object| object.is_applied()).count();
        self.done(step, &format!("{objects} objects, dry run accepted")).await?;
        Ok((plan, rendering))
    }

    /// The content with the plan as it is now.
    async fn keep_content(&self, wanted: &Wanted, plan: &Plan) -> Result<ContentRow, Interrupted> {
        let before = self.job.last_good.as_ref().map(|good| &good.content.values.merged);
        let changed = prepare::changed_values(before, &wanted.values.merged);
        let row = match &wanted.source {
            Source::Stored(content) if content.row.plan_hash == plan.hash => {
                return Ok(content.row.clone());
            }
            Source::Stored(content) | Source::Repeated(content) => {
                self.control.content_replan(&content.row, plan, &changed).await?
            }
            Source::Rendered(context) => {
                let layers = self.layer_addresses().await?;
                self.control
                    .content_store(&NewContent {
                        release: self.job.release.id,
                        archive_sha256: &self.job.release.archive_sha256,
                        app_values_revision: self.job.deployment.app_values_revision,
                        layers: &layers,
                        values: &wanted.values,
                        rendering: &wanted.rendering,
                        context,
                        plan,
                        helm_mode: wanted.mode,
                        changed_values: &changed,
                        host: self.job.domain_layer.host.as_ref(),
                    })
                    .await?
            }
        };
        Ok(row)
    }

    async fn layer_addresses(&self) -> Result<LayerAddresses, Interrupted> {
        let objects = self.control.objects();
        let texts = &self.job.layers;
        Ok(LayerAddresses {
            app: objects.put_text(&texts.app).await?,
            release: objects.put_text(&texts.release).await?,
            domain: objects.put_text(&texts.domain).await?,
            deployment: objects.put_text(&texts.deployment).await?,
        })
    }

    /// The plan no longer fits what was shown: it is offered anew, and nothing is done.
    async fn ask_again<T>(&self, content: ContentId) -> Result<T, Interrupted> {
        let text =
            "The cluster has changed since the preview; the new changes need your confirmation";
        self.reports.say(LogLevel::Warning, text.to_owned()).await;
        self.reports.flush().await;
        self.done(StepName::Check, "the plan no longer fits").await?;
        let deployment = &self.job.deployment;
        let at = now();
        let preview = PreviewRow {
            id: PreviewId::generate(),
            environment: deployment.environment,
            content,
            expires_at: at.saturating_add(PREVIEW_LASTS).unwrap_or(at),
        };
        store::insert_preview(self.control.db().write(), &preview, at, &deployment.created_by)
            .await
            .map_err(Error::from)?;
        Err(Interrupted::NeedsConfirmation(preview.id))
    }
}

fn stored(content: &Content, crds: Crds, source: Source) -> Wanted {
    Wanted {
        mode: content.row.helm_mode,
        values: content.values.clone(),
        rendering: content.rendering.clone(),
        crds,
        source,
    }
}

/// The revision of the Helm release that an earlier deployment wrote.
pub(super) fn repeated_revision(earlier: &Earlier) -> Option<u32> {
    earlier.deployment.helm_revision.and_then(|revision| u32::try_from(revision).ok())
}

/// What is recorded of the deployment in the cluster.
pub(super) fn new_revision(
    content: helm::release::Release,
    rendering: &Address,
    target: &Target,
) -> NewRevision {
    NewRevision {
        content,
        reference: rendering.to_string(),
        owner: target.owner.clone(),
        history_max: HISTORY_MAX,
        description: None,
        abandoned_after: ABANDONED_AFTER,
        abandoned: None,
    }
}

/// The plan in a line.
fn told(plan: &Plan) -> String {
    let count = |action| plan.count(action);
    format!(
        "Dry run accepted {} objects: {} create, {} change, {} same, {} delete",
        plan.objects.iter().filter(|object| object.is_applied()).count(),
        count(Action::Create),
        count(Action::Change),
        count(Action::Same),
        count(Action::Delete),
    )
}

impl From<PrepareError> for Interrupted {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::Internal(error) => Self::Internal(error),
            other => Self::Internal(crate::error::Error::internal("prepare a deployment", other)),
        }
    }
}

impl Broken {
    /// Whether the same may succeed in a moment.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Prepare(PrepareError::Cluster(error)) => error.is_transient(),
            Self::Rollout(error) => error.is_transient(),
            Self::Prepare(_) | Self::NotReady(_) | Self::Unstored => false,
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Prepare(error) => prepare::whole_text(error),
            Self::Rollout(error) => prepare::whole_text(error),
            Self::NotReady(failed) => failed.message.clone(),
            Self::Unstored => "what was told before is not stored".to_owned(),
        }
    }
}
