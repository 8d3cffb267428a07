//! The Helm values of an App: edit them, see what that changes in every environment that follows, grouped by equal change,
//! and save them, which deploys. Earlier revisions can be looked at. Live.

use askama::Template;

use axum::response::{Html, IntoResponse, Redirect, Response};
use control::Error;
use control::app::{App, NewValues, ValuesRevision};
use control::batch::BatchSettings;
use control::fleet::{ChangeGroup, FleetPreview, FleetPreviewState, GroupKind, NewFleetPreview};
use control::names::EnvironmentName;
use control::op::Change;
use control::rights::Subject;
use control::store::ids::FleetPreviewId;
use http::HeaderValue;
use serde::Deserialize;

use super::form::{Params, PathOf, Sent, Told};
use super::parts::{ObjectChange, changed_objects, code_lines};
use super::{Chrome, Ctx, PageAnswer, PageError, Section, app};
use crate::live::{self, LivePage};
use crate::view::time::between;
use crate::view::words::{grouped, plural};

/// Revisions that the page links.
const LISTED: usize = 12;

#[derive(Template)]
#[template(path = "pages/app_values.html", blocks = ["live", "fleet", "verdict", "problems"])]
struct ValuesPage {
    chrome: Chrome,
    told: Told,
    /// What to know before pressing again.
    notice: Option<&'static str>,
    app: App,
    /// The revision looked at.
    revision: ValuesRevision,
    lines: Vec<String>,
    sent: ValuesForm,
    revisions: Vec<i64>,
    may_write: bool,
    shown: Option<Shown>,
}

/// A preview, as the page shows it.
struct Shown {
    preview: FleetPreview,
    groups: Vec<GroupRow>,
}

/// A group with its change.
pub(super) struct GroupRow {
    pub(super) group: ChangeGroup,
    pub(super) objects: Vec<ObjectChange>,
}

impl LivePage for ValuesPage {
    fn live(&self) -> askama::Result<String> {
        // What stands outside of the block: the bar at the foot.
        let verdict = self.as_verdict().render()?;
        let verdict = verdict.replacen(
            r#"id="fleet-verdict""#,
            r#"id="fleet-verdict" hx-swap-oob="true""#,
            1,
        );
        Ok(self.as_live().render()? + &verdict)
    }

    fn chrome(&mut self) -> &mut Chrome {
        &mut self.chrome
    }

    fn shows(_: &Change) -> bool {
        true
    }
}

/// What the page is asked for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ValuesQuery {
    /// A revision to look at.
    revision: Option<i64>,
    /// The preview of what is being edited.
    preview: String,
}

/// What the form sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ValuesForm {
    values: String,
    note: String,
    based_on: i64,
    preview: String,
    /// Ticked or not there.
    sandbox_first: bool,
    at_once: String,
    stop_after: String,
    /// `preview`: show what changes; else save.
    action: String,
}

impl ValuesForm {
    /// The form as it is opened.
    fn begun(values: String, based_on: i64) -> Self {
        let BatchSettings { sandbox_first, at_once, stop_after } = BatchSettings::default();
        Self {
            values,
            based_on,
            sandbox_first,
            at_once: at_once.to_string(),
            stop_after: stop_after.to_string(),
            ..Self::default()
        }
    }

    fn settings(&self) -> Result<BatchSettings, Error> {
        let number = |field: &str, text: &str| {
            text.trim().parse::<i64>().map_err(|_| {
                Error::invalid(field, format!("`{text}` is not a number."), "Give a number.")
            })
        };
        Ok(BatchSettings {
            sandbox_first: self.sandbox_first,
            at_once: number("at_once", &self.at_once)?,
            stop_after: number("stop_after", &self.stop_after)?,
        })
    }
}

impl Shown {
    fn of(mut preview: FleetPreview) -> Self {
        let groups = std::mem::take(&mut preview.groups);
        let row = |group: ChangeGroup| GroupRow { objects: changed_objects(&group.objects), group };
        Self { groups: groups.into_iter().map(row).collect(), preview }
    }

    fn runs(&self) -> bool {
        self.preview.state == FleetPreviewState::Running
    }

    fn done(&self) -> bool {
        self.preview.state == FleetPreviewState::Done
    }

    /// How long it took, once it is whole.
    fn took(&self) -> Option<String> {
        let end = self.preview.finished_at.filter(|_| self.done())?;
        let took = between(self.preview.created_at, end);
        (took != "0 s").then_some(took)
    }

    /// `1,233 deployments would be made; 3 would fail.`
    fn sentence(&self) -> String {
        let FleetPreview { total, failing, .. } = self.preview;
        let made = match total {
            0 => "No environment follows: nothing is deployed.".to_owned(),
            1 => "1 deployment would be made".to_owned(),
            n => format!("{} deployments would be made", grouped(n.unsigned_abs())),
        };
        match failing {
            _ if total == 0 => made,
            0 => format!("{made}."),
            n => format!("{made}; {} would fail.", grouped(n.unsigned_abs())),
        }
    }

    /// What happens to production where the asker may not deploy.
    fn waits(&self) -> Option<String> {
        let n = self.preview.waiting;
        (n > 0).then(|| format!("{} in production wait for Operations.", plural(n, "environment")))
    }

    /// The button that saves.
    fn save_label(&self) -> String {
        match self.preview.total {
            0 => "Save".to_owned(),
            n => format!("Save and deploy {}", grouped(n.unsigned_abs())),
        }
    }
}

impl GroupRow {
    /// The mark of what happens to the group.
    pub(super) fn class(&self) -> &'static str {
        match self.group.kind {
            GroupKind::NotRendered => "bad",
            GroupKind::Interrupts => "warn",
            GroupKind::Changes | GroupKind::Unchanged => "good",
            GroupKind::Holds | GroupKind::NotDeployed => "idle",
        }
    }

    /// `848 environments: LOG_LEVEL only`, `12 environments hold`.
    pub(super) fn title(&self) -> String {
        let many = plural(self.group.environments, "environment");
        let title = &self.group.title;
        match (self.group.kind, self.group.environments) {
            (GroupKind::NotRendered, _) => format!("{many} {title}"),
            (GroupKind::Holds, 1) => format!("{many} holds"),
            (GroupKind::Holds, _) => format!("{many} {title}"),
            (GroupKind::NotDeployed, 1) => format!("{many} is {title}"),
            (GroupKind::NotDeployed, _) => format!("{many} are {title}"),
            _ => format!("{many}: {title}"),
        }
    }

    /// `northwind-prod, contoso-prod and 7 more`, by kind where there are many.
    fn who(&self) -> String {
        let names: Vec<&str> = self.group.names.iter().map(EnvironmentName::as_str).collect();
        let more = self.group.environments - i64::try_from(names.len()).unwrap_or(0);
        let names = names.join(", ");
        if more > 0 { format!("{names} and {} more", grouped(more.unsigned_abs())) } else { names }
    }
}

impl ValuesPage {
    fn fleet_url(&self) -> String {
        app::path(self.app.name.as_str()) + "/values"
    }
}

/// `GET /apps/{app}/values`
pub(crate) async fn form(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Params(query): Params<ValuesQuery>,
) -> PageAnswer {
    live::respond(ctx, move |ctx| {
        let (name, query) = (name.clone(), query.clone());
        async move { open(&ctx, &name, &query).await }
    })
    .await
}

async fn open(ctx: &Ctx, name: &str, query: &ValuesQuery) -> Result<ValuesPage, PageError> {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let newest = control.app_values(actor, name, None).await?;
    let shown = match query.revision {
        Some(revision) if revision != newest.revision => {
            control.app_values(actor, name, Some(revision)).await?
        }
        _ => newest.clone(),
    };
    let mut sent = ValuesForm::begun(shown.values.clone(), newest.revision);
    let mut notice = None;
    let mut preview = None;
    if let Ok(id) = query.preview.parse::<FleetPreviewId>() {
        match control.fleet_preview_get(actor, id).await {
            Ok(found) => {
                sent.values = control.fleet_preview_values(actor, id).await?;
                sent.based_on = found.based_on;
                preview = Some(found);
            }
            Err(Error::NotFound { .. }) => notice = Some("That preview is too old to be shown."),
            Err(error) => return Err(error.into()),
        }
    }
    let page = build(ctx, name, Told::default(), shown, sent, preview).await?;
    Ok(ValuesPage { notice, ..page })
}

/// `POST /apps/{app}/values/preview`: begins to work out what changes, and shows how far that is.
pub(crate) async fn preview(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(sent): Sent<ValuesForm>,
) -> PageAnswer {
    let newest = ctx.control().app_values(&ctx.actor, &name, None).await?;
    let asked = ask(&ctx, &name, &sent).await;
    let (told, preview) = match asked {
        Ok(preview) => (Told::default(), Some(preview)),
        Err(error) => (Told::of(error)?, None),
    };
    let url = preview.as_ref().map(|preview| address(&name, preview.id));
    let mut page = build(&ctx, &name, told, newest, sent, preview).await?;
    page.chrome.live_url.clone_from(&url);
    let live = page.live()?;
    page.chrome.live_seen = live::digest(&live);
    let out_of_band = |html: String, id: &str| {
        html.replacen(&format!(r#"id="{id}""#), &format!(r#"id="{id}" hx-swap-oob="true""#), 1)
    };
    let verdict = out_of_band(page.as_verdict().render()?, "fleet-verdict");
    let problems = out_of_band(page.as_problems().render()?, "values-problems");
    let mut answer = Html(page.as_fleet().render()? + &verdict + &problems).into_response();
    if let Some(url) = url.and_then(|url| HeaderValue::from_str(&url).ok()) {
        answer.headers_mut().insert("hx-replace-url", url);
    }
    Ok(answer)
}

/// `POST /apps/{app}/values/preview/{preview}/cancel`
pub(crate) async fn cancel(
    ctx: Ctx,
    PathOf((name, preview)): PathOf<(String, FleetPreviewId)>,
) -> PageAnswer {
    match ctx.control().fleet_preview_cancel(&ctx.actor, preview).await {
        // One that has ended meanwhile is shown as it is.
        Ok(_) | Err(Error::Conflict { .. }) => {
            Ok(Redirect::to(&address(&name, preview)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /apps/{app}/values`: saves and deploys what was looked at; what was not is shown first.
pub(crate) async fn submit(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(sent): Sent<ValuesForm>,
) -> PageAnswer {
    let seen = seen(&ctx, &sent).await?;
    let follow = ctx.control().app_get(&ctx.actor, &name).await?.values_use.follow;
    // Who may not save is told so rather than shown what saving would do.
    let unseen = seen.is_none() && follow > 0 && ctx.may_write(Subject::Apps);
    if sent.action == "preview" || unseen {
        return match ask(&ctx, &name, &sent).await {
            Ok(asked) if sent.action == "preview" => {
                Ok(Redirect::to(&address(&name, asked.id)).into_response())
            }
            Ok(asked) => again(&ctx, &name, sent, Told::default(), Some(asked)).await,
            Err(error) => again(&ctx, &name, sent, Told::of(error)?, None).await,
        };
    }
    match save(&ctx, &name, &sent, seen).await {
        Ok(Some(batch)) => Ok(Redirect::to(&format!("/batches/{batch}")).into_response()),
        Ok(None) => Ok(Redirect::to(&app::path(&name)).into_response()),
        Err(error) => {
            let mut sent = sent;
            if matches!(error, Error::Conflict { .. }) {
                // What was typed stays; sending it again saves it over what came in between, which the
                // page shows beside it.
                let newest = ctx.control().app_values(&ctx.actor, &name, None).await?;
                sent.based_on = newest.revision;
            }
            again(&ctx, &name, sent, Told::of(error)?, None).await
        }
    }
}

async fn save(
    ctx: &Ctx,
    name: &str,
    sent: &ValuesForm,
    preview: Option<FleetPreviewId>,
) -> Result<Option<control::store::ids::BatchId>, Error> {
    let new = NewValues {
        values: sent.values.clone(),
        note: sent.note.clone(),
        based_on: Some(sent.based_on),
        preview,
        settings: sent.settings()?,
    };
    Ok(ctx.control().app_update_values(&ctx.actor, name, new).await?.batch)
}

async fn ask(ctx: &Ctx, name: &str, sent: &ValuesForm) -> Result<FleetPreview, Error> {
    let new = NewFleetPreview { values: sent.values.clone(), based_on: Some(sent.based_on) };
    ctx.control().fleet_preview(&ctx.actor, name, new).await
}

/// The preview that the form was sent with, if it is whole and of what the form says.
async fn seen(ctx: &Ctx, sent: &ValuesForm) -> Result<Option<FleetPreviewId>, PageError> {
    let Ok(id) = sent.preview.parse::<FleetPreviewId>() else { return Ok(None) };
    match ctx.control().fleet_preview_get(&ctx.actor, id).await {
        Ok(preview) if preview.state != FleetPreviewState::Done => Ok(None),
        Ok(preview) if preview.based_on != sent.based_on => Ok(None),
        Ok(_) => {
            let values = ctx.control().fleet_preview_values(&ctx.actor, id).await?;
            Ok((values == sent.values).then_some(id))
        }
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The form again, with what was typed.
async fn again(
    ctx: &Ctx,
    name: &str,
    sent: ValuesForm,
    told: Told,
    preview: Option<FleetPreview>,
) -> Result<Response, PageError> {
    let newest = ctx.control().app_values(&ctx.actor, name, None).await?;
    let status = told.status();
    let url = preview.as_ref().map(|preview| address(name, preview.id));
    let mut page = build(ctx, name, told, newest, sent, preview).await?;
    if url.is_some() {
        page.notice = Some(
            "This is what these values change. Press the button again to save and deploy them.",
        );
    }
    page.chrome.live_url = url;
    Ok((status, Html(page.render()?)).into_response())
}

async fn build(
    ctx: &Ctx,
    name: &str,
    told: Told,
    revision: ValuesRevision,
    sent: ValuesForm,
    preview: Option<FleetPreview>,
) -> Result<ValuesPage, PageError> {
    let app = ctx.control().app_get(&ctx.actor, name).await?;
    let newest = app.values_revision;
    Ok(ValuesPage {
        chrome: ctx.chrome(Section::Apps, format!("Helm values of {}", app.name)).await?,
        told,
        notice: None,
        lines: code_lines(&revision.values),
        revision,
        sent,
        revisions: (1..=newest).rev().take(LISTED).collect(),
        may_write: ctx.may_write(Subject::Apps),
        shown: preview.map(Shown::of),
        app,
    })
}

fn address(name: &str, preview: FleetPreviewId) -> String {
    format!("{}/values?preview={preview}", app::path(name))
}
