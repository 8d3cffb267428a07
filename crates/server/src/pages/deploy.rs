//! `Deploy new version`: version, values and what happens on failure on one side, what will change on
//! the other. `Deploy Now` carries out the preview that was shown, and only that.
//!
//! The same form, without the choice of a version, edits an environment's own values: saving them is a deployment of what
//! runs.

use askama::Template;

use axum::response::{Html, IntoResponse, Redirect};
use control::Error;
use control::deployment::{
    Estimate, NewDeployment, NewEnvironmentValues, NewPreview, OnFailure, Preview,
};
use control::environment::{Environment, EnvironmentKind, EnvironmentValues};
use control::names::ReleaseTag;
use control::release::{Release, ReleaseFilter};
use control::store::ids::PreviewId;
use control::store::paging::PageRequest;
use rollout::plan::Plan;
use serde::Deserialize;

use super::form::{Params, PathOf, Sent, Told};
use super::parts::{
    ObjectChange, OriginLine, changes_sentence, code_lines, object_changes, origin_lines,
};
use super::{Chrome, Ctx, PageAnswer, PageError, Section};
use crate::query::word;
use crate::view::markdown;
use crate::view::time::about;

/// Releases that the form offers; more are found by their tag.
const OFFERED: u32 = 30;

#[derive(Template)]
#[template(path = "pages/deploy.html")]
struct Deploy {
    chrome: Chrome,
    environment: Environment,
    /// Whether only the environment's own values are edited.
    edits: bool,
    versions: Vec<Version>,
    /// The newest revision of the App values.
    newest_values: i64,
    values: EnvironmentValues,
    sent: DeployForm,
    told: Told,
    /// What to know before pressing again.
    notice: Option<&'static str>,
    shown: Option<Shown>,
}

/// A Release to choose.
struct Version {
    release: Release,
    summary: String,
    running: bool,
    /// Whether it was added before what runs.
    back: bool,
}

/// A preview, as the form shows it.
pub(super) struct Shown {
    pub(super) preview: Preview,
    pub(super) sentence: String,
    pub(super) objects: Vec<ObjectChange>,
    pub(super) values: Vec<OriginLine>,
    pub(super) manifest: Vec<String>,
    pub(super) estimate: Option<String>,
    /// Whether the cluster's dry run refused something: then it cannot be deployed.
    pub(super) refused: bool,
}

#[derive(Template)]
#[template(path = "pages/deploy_preview.html", blocks = ["fragment"])]
struct PreviewFragment {
    shown: Option<Shown>,
    told: Told,
    /// What the button says that carries it out.
    button: &'static str,
}

/// What the form sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DeployForm {
    release: String,
    values: String,
    on_failure: String,
    force_conflicts: bool,
    /// Whether only the environment's own values are edited.
    edits: bool,
    /// `held`: the App values that the environment holds; else the newest.
    app_values: String,
    reason: String,
    preview: String,
    /// `preview`: show anew what will change, without scripts; else deploy.
    action: String,
}

/// How the form may be opened.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct OpenQuery {
    /// A Release's tag to begin with.
    release: String,
    /// A preview to show, where the cluster had changed since the last one.
    preview: String,
    /// The number of a deployment whose release and values to begin with.
    from: Option<i64>,
}

/// `GET /environments/{environment}/deploy`
pub(crate) async fn form(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Params(query): Params<OpenQuery>,
) -> PageAnswer {
    let mut sent = DeployForm { release: query.release, ..DeployForm::default() };
    let mut shown = None;
    let mut notice = None;
    if let Ok(id) = query.preview.parse() {
        let preview = ctx.control().preview_get(&ctx.actor, id).await?;
        sent.release = preview.release.tag.to_string();
        sent.values.clone_from(&preview.values);
        sent.force_conflicts = preview.plan.force_conflicts;
        notice = Some("The cluster changed after the last preview. This is what would change now.");
        shown = Some(Shown::of(preview));
    } else if let Some(number) = query.from {
        let from = ctx.control().deployment_find(&ctx.actor, &name, number).await?.deployment;
        sent.release = from.release.tag.to_string();
        sent.force_conflicts = from.force_conflicts;
        sent.values = ctx.control().deployment_content(&ctx.actor, from.id).await?.values;
    } else {
        sent.values = ctx.control().environment_values(&ctx.actor, &name).await?.own.values;
    }
    page(&ctx, &name, Purpose::Deploy, sent, (Told::default(), notice, shown)).await
}

/// `GET /environments/{environment}/values/edit`
pub(crate) async fn edit(ctx: Ctx, PathOf(name): PathOf<String>) -> PageAnswer {
    let environment = ctx.control().environment_get(&ctx.actor, &name).await?;
    let Some(release) = environment.release else {
        return Ok(Redirect::to(&format!("/environments/{name}/deploy")).into_response());
    };
    let values = ctx.control().environment_values(&ctx.actor, &name).await?.own.values;
    let app_values = "held".to_owned();
    let sent = DeployForm {
        release: release.tag.to_string(),
        values,
        app_values,
        ..DeployForm::default()
    };
    page(&ctx, &name, Purpose::Edit, sent, (Told::default(), None, None)).await
}

/// `POST /environments/{environment}/values`
pub(crate) async fn save_values(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(sent): Sent<DeployForm>,
) -> PageAnswer {
    carry_out(ctx, name, Purpose::Edit, sent).await
}

/// `POST /environments/{environment}/preview`: the fragment of what will change.
pub(crate) async fn preview(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(sent): Sent<DeployForm>,
) -> PageAnswer {
    let button = if sent.edits { "Save and deploy" } else { "Deploy Now" };
    let fragment = match make(&ctx, &name, &sent).await {
        Ok(preview) => {
            PreviewFragment { shown: Some(Shown::of(preview)), told: Told::default(), button }
        }
        Err(error) => PreviewFragment { shown: None, told: Told::of(error)?, button },
    };
    Ok(Html(fragment.as_fragment().render()?).into_response())
}

/// `POST /environments/{environment}/deploy`
pub(crate) async fn submit(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(sent): Sent<DeployForm>,
) -> PageAnswer {
    carry_out(ctx, name, Purpose::Deploy, sent).await
}

/// What the form is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// A version is deployed.
    Deploy,
    /// The environment's own values are edited.
    Edit,
}

async fn carry_out(ctx: Ctx, name: String, purpose: Purpose, sent: DeployForm) -> PageAnswer {
    if sent.action == "preview" {
        return preview_in_page(&ctx, &name, purpose, sent, None).await;
    }
    if let Some(preview) = still_shown(&ctx, &sent).await? {
        return deploy(&ctx, &name, purpose, sent, preview).await;
    }
    let notice = match purpose {
        Purpose::Deploy => {
            "What you chose changed after the last preview, or it is too old. This is what will change now; press Deploy Now again to carry it out."
        }
        Purpose::Edit => {
            "The values changed after the last preview, or it is too old. This is what will change now; press Save and deploy again to carry it out."
        }
    };
    preview_in_page(&ctx, &name, purpose, sent, Some(notice)).await
}

/// The preview that the form was sent with, if it is of what the form says.
async fn still_shown(ctx: &Ctx, sent: &DeployForm) -> Result<Option<PreviewId>, PageError> {
    let Ok(id) = sent.preview.parse() else { return Ok(None) };
    match ctx.control().preview_get(&ctx.actor, id).await {
        Ok(preview) => {
            let environment = preview.environment.address();
            let holds = ctx.control().environment_get(&ctx.actor, &environment).await?.holds;
            let held = holds.filter(|_| sent.app_values == "held");
            let same = preview.release.tag.as_str() == sent.release
                && preview.values == sent.values
                && held.is_none_or(|held| held == preview.app_values_revision)
                && (held.is_some()
                    || holds.is_none_or(|holds| holds != preview.app_values_revision))
                && preview.plan.force_conflicts == sent.force_conflicts;
            Ok(same.then_some(id))
        }
        Err(Error::NotFound { .. } | Error::Conflict { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn deploy(
    ctx: &Ctx,
    name: &str,
    purpose: Purpose,
    sent: DeployForm,
    preview: PreviewId,
) -> PageAnswer {
    let (preview, on_failure) = (Some(preview), word("on_failure", &sent.on_failure)?);
    let (control, actor, reason) = (ctx.control(), &ctx.actor, sent.reason.clone());
    let started = match purpose {
        Purpose::Deploy => {
            let new = NewDeployment { preview, on_failure, reason, ..NewDeployment::default() };
            control.deployment_create(actor, name, new).await
        }
        Purpose::Edit => {
            let force_conflicts = sent.force_conflicts;
            let values = sent.values.clone();
            let new = NewEnvironmentValues { values, preview, on_failure, force_conflicts, reason };
            control.environment_update_values(actor, name, new).await
        }
    };
    match started {
        Ok(started) => {
            let number = started.deployment.number;
            Ok(Redirect::to(&format!("/environments/{name}/deployments/{number}")).into_response())
        }
        Err(error) => page(ctx, name, purpose, sent, (Told::of(error)?, None, None)).await,
    }
}

async fn preview_in_page(
    ctx: &Ctx,
    name: &str,
    purpose: Purpose,
    sent: DeployForm,
    notice: Option<&'static str>,
) -> PageAnswer {
    let said = match make(ctx, name, &sent).await {
        Ok(preview) => (Told::default(), notice, Some(Shown::of(preview))),
        Err(error) => (Told::of(error)?, None, None),
    };
    page(ctx, name, purpose, sent, said).await
}

async fn make(ctx: &Ctx, name: &str, sent: &DeployForm) -> Result<Preview, Error> {
    let new = NewPreview {
        release: sent.release.clone(),
        values: Some(sent.values.clone()),
        force_conflicts: sent.force_conflicts,
        app_values: word("app_values", &sent.app_values)?,
    };
    ctx.control().deployment_preview(&ctx.actor, name, new).await
}

/// What the form has to say: what is wrong, what to know before pressing again, and the preview.
type Said = (Told, Option<&'static str>, Option<Shown>);

async fn page(
    ctx: &Ctx,
    name: &str,
    purpose: Purpose,
    mut sent: DeployForm,
    (told, notice, shown): Said,
) -> PageAnswer {
    let environment = ctx.control().environment_get(&ctx.actor, name).await?;
    let versions = versions(ctx, &environment, &sent.release).await?;
    let app = ctx.control().app_get(&ctx.actor, &environment.app.id.to_string()).await?;
    let edits = purpose == Purpose::Edit;
    let title = if edits { "Edit values" } else { "Deploy new version" };
    if sent.release.is_empty() {
        let newest = versions.iter().find(|version| version.release.newest).or(versions.first());
        sent.release = newest.map_or_else(String::new, |version| version.release.tag.to_string());
    }
    if sent.on_failure.is_empty() {
        sent.on_failure = default_on_failure(environment.kind).to_string();
    }
    let status = told.status();
    let page = Deploy {
        chrome: ctx.chrome(Section::Environments, format!("{title} · {name}")).await?,
        edits,
        newest_values: app.values_revision,
        values: ctx.control().environment_values(&ctx.actor, name).await?,
        environment,
        versions,
        sent,
        told,
        notice,
        shown,
    };
    Ok((status, Html(page.render()?)).into_response())
}

/// As the domain has it: production goes back, sandbox is left to be looked at.
fn default_on_failure(kind: EnvironmentKind) -> OnFailure {
    match kind {
        EnvironmentKind::Production => OnFailure::RollBack,
        EnvironmentKind::Sandbox => OnFailure::Leave,
    }
}

/// The newest Releases, with what runs and what was chosen among them.
async fn versions(
    ctx: &Ctx,
    environment: &Environment,
    chosen: &str,
) -> Result<Vec<Version>, PageError> {
    let filter = ReleaseFilter { app: Some(environment.app.id), ..ReleaseFilter::default() };
    let page = PageRequest { cursor: None, limit: Some(OFFERED) };
    let mut releases = ctx.control().release_list(&ctx.actor, &filter, &page).await?.items;
    let running = environment.release.as_ref().map(|release| &release.tag);
    let also = running
        .map(ReleaseTag::as_str)
        .into_iter()
        .chain(Some(chosen).filter(|tag| !tag.is_empty()));
    for tag in also {
        if releases.iter().all(|release| release.tag.as_str() != tag) {
            let app = environment.app.id.to_string();
            if let Ok(release) = ctx.control().release_find(&ctx.actor, &app, tag).await {
                releases.push(release);
            }
        }
    }
    let since = releases
        .iter()
        .find(|release| Some(&release.tag) == running)
        .map(|release| release.created_at);
    let versions = releases.into_iter().map(|release| Version {
        summary: markdown::first_line(&release.changelog),
        running: Some(&release.tag) == running,
        back: since.is_some_and(|since| release.created_at < since),
        release,
    });
    Ok(versions.collect())
}

/// ` 2 hooks run.`, behind another sentence; empty without hooks.
fn hooks_sentence(plan: &Plan) -> String {
    match plan.hooks.len() {
        0 => String::new(),
        1 => " 1 hook runs.".to_owned(),
        n => format!(" {n} hooks run."),
    }
}

impl Shown {
    pub(super) fn of(preview: Preview) -> Self {
        let objects = object_changes(&preview.plan);
        Self {
            sentence: changes_sentence(&preview.changes) + &hooks_sentence(&preview.plan),
            refused: objects.iter().any(|object| object.refusal.is_some()),
            objects,
            values: origin_lines(&preview.merged, false),
            manifest: code_lines(&preview.manifest),
            estimate: preview.estimate.map(|Estimate { seconds, number }| {
                format!("About {}, going by #{number}.", about(seconds))
            }),
            preview,
        }
    }

    pub(super) fn same(&self) -> i64 {
        self.preview.changes.same
    }
}

impl Deploy {
    /// The number and the values that the form can also begin with.
    fn failed(&self) -> Option<(i64, &str)> {
        self.values.failed.as_ref().map(|failed| (failed.number, failed.values.as_str()))
    }

    fn checked(&self, tag: &ReleaseTag) -> &'static str {
        if self.sent.release == tag.as_str() { " checked" } else { "" }
    }

    /// The revision of the App values that the environment holds, where it may go on holding it or follow again.
    fn holds(&self) -> Option<i64> {
        self.environment.holds
    }

    fn chooses_values(&self, held: bool) -> &'static str {
        if held == (self.sent.app_values == "held") { " checked" } else { "" }
    }

    fn chooses(&self, on_failure: &str) -> &'static str {
        if self.sent.on_failure == on_failure { " checked" } else { "" }
    }
}
