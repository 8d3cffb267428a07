//! The tab "Backups" of an environment: what there is, live; backing up now; when it happens by itself.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::Error;
use control::backup::{
    Backup, BackupCause, BackupMethod, BackupSchedule, BackupState, ChangeSchedule, MethodKind,
    NewBackup,
};
use control::environment::EnvironmentState;
use control::rights::Subject;
use control::store::paging::PageRequest;
use jiff::Timestamp;
use serde::Deserialize;

use super::environment::{Head, Tab, read_head};
use super::form::{Params, PathOf, Sent, Told};
use super::parts::{Links, Pager};
use super::{Chrome, Ctx, PageAnswer, PageError, Section};
use crate::live::{self, live_page};
use crate::query::PageQuery;
use crate::view::state::Mark;

#[derive(Template)]
#[template(path = "pages/backups.html", blocks = ["live"])]
struct BackupsTab {
    chrome: Chrome,
    head: Head,
    told: Told,
    backups: Vec<Backup>,
    pager: Pager,
    methods: Vec<BackupMethod>,
    now: BackupSchedule,
    sent: ScheduleForm,
    /// The note of a backup that was refused, as typed.
    note: String,
    may_write: bool,
    /// Whether the asker may declare methods.
    may_declare: bool,
}

live_page!(BackupsTab);

/// When it happens by itself, as typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ScheduleForm {
    /// Empty: only by hand.
    every_hours: String,
    keep: String,
    /// Empty: no.
    before_deployments: String,
}

/// What to remember of a backup.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewForm {
    note: String,
}

/// What was typed and refused.
#[derive(Default)]
struct Typed {
    schedule: Option<ScheduleForm>,
    note: String,
}

impl BackupsTab {
    /// Whether there is anything to back up, and the asker may.
    fn may_back_up(&self) -> bool {
        self.head.may_deploy && self.head.environment.current_deployment.is_some()
    }
}

/// How a backup stands, as shape, colour and word.
pub(super) fn mark(state: BackupState) -> Mark {
    let (class, word) = match state {
        BackupState::Queued => ("idle", "Queued"),
        BackupState::Running => ("busy", "Backing up"),
        BackupState::Complete => ("good", "Complete"),
        BackupState::Failed => ("bad", "Failed"),
        BackupState::Cancelled => ("idle", "Cancelled"),
        BackupState::Damaged => ("bad", "Damaged"),
    };
    Mark { class, word: word.to_owned() }
}

/// When the next one is due: what lies ahead is told by the clock.
pub(super) fn due(at: &Timestamp) -> String {
    at.strftime("%-d %b %Y, %H:%M UTC").to_string()
}

/// Why it was made.
pub(super) fn cause(cause: BackupCause) -> &'static str {
    match cause {
        BackupCause::Manual => "by hand",
        BackupCause::Scheduled => "on schedule",
        BackupCause::BeforeDeployment => "before a deployment",
    }
}

/// `GET /environments/{environment}/backups`
pub(crate) async fn list(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Params(page): Params<PageQuery>,
) -> PageAnswer {
    live::respond(ctx, move |ctx| {
        let (name, page) = (name.clone(), page.clone());
        async move { read(&ctx, &name, &page.request()?, Told::default(), Typed::default()).await }
    })
    .await
}

async fn read(
    ctx: &Ctx,
    name: &str,
    page: &PageRequest,
    told: Told,
    typed: Typed,
) -> Result<BackupsTab, PageError> {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let environment = control.environment_get(actor, name).await?;
    let page = control.backup_list(actor, name, page).await?;
    let now = control.backup_schedule(actor, name).await?;
    let app = environment.app.id.to_string();
    let methods = control.app_backup_methods(actor, &app).await?.methods;
    let living = matches!(environment.state, EnvironmentState::Creating | EnvironmentState::Active);
    let title = format!("Backups of {}", environment.name);
    // A form that was refused was sent to an address of its own, where there is no list.
    let query = ctx.path_and_query.split_once('?').map_or("", |(_, query)| query);
    let links = Links::of(&format!("/environments/{}/backups?{query}", environment.address()));
    Ok(BackupsTab {
        chrome: ctx.chrome(Section::Environments, title).await?,
        may_write: living && ctx.may_write(Subject::Environments(environment.kind)),
        may_declare: ctx.may_write(Subject::Infrastructure),
        head: read_head(ctx, environment, Tab::Backups).await?,
        told,
        pager: Pager::of(&page, &links, "backup", "newest first"),
        backups: page.items,
        methods,
        sent: typed.schedule.unwrap_or_else(|| ScheduleForm::of(&now)),
        note: typed.note,
        now,
    })
}

impl ScheduleForm {
    fn of(now: &BackupSchedule) -> Self {
        Self {
            every_hours: now.every_hours.map_or_else(String::new, |hours| hours.to_string()),
            keep: now.keep.to_string(),
            before_deployments: if now.before_deployments {
                "true".to_owned()
            } else {
                String::new()
            },
        }
    }

    fn change(&self) -> ChangeSchedule {
        // What is no number is out of bounds, and told so at its field.
        let number = |text: &str| match text.trim() {
            "" => None,
            text => Some(text.parse().unwrap_or(0)),
        };
        ChangeSchedule {
            every_hours: number(&self.every_hours),
            keep: number(&self.keep),
            before_deployments: !self.before_deployments.is_empty(),
        }
    }
}

/// `POST /environments/{environment}/backups`: backs up now, and shows how that goes.
pub(crate) async fn create(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(sent): Sent<NewForm>,
) -> PageAnswer {
    let new = NewBackup { note: sent.note.clone() };
    match ctx.control().backup_create(&ctx.actor, &name, new).await {
        Ok(made) => {
            let page = format!("/environments/{name}/backups/{}", made.number);
            Ok(Redirect::to(&page).into_response())
        }
        Err(error) => {
            let typed = Typed { note: sent.note, ..Typed::default() };
            refused(&ctx, &name, error, typed).await
        }
    }
}

/// `POST /environments/{environment}/backups/schedule`
pub(crate) async fn schedule(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(sent): Sent<ScheduleForm>,
) -> PageAnswer {
    match ctx.control().backup_change_schedule(&ctx.actor, &name, sent.change()).await {
        Ok(_) => Ok(Redirect::to(&format!("/environments/{name}/backups")).into_response()),
        Err(error) => {
            let typed = Typed { schedule: Some(sent), ..Typed::default() };
            refused(&ctx, &name, error, typed).await
        }
    }
}

async fn refused(ctx: &Ctx, name: &str, error: Error, typed: Typed) -> PageAnswer {
    let told = Told::of(error)?;
    let status = told.status();
    let page = read(ctx, name, &PageRequest::default(), told, typed).await?;
    Ok((status, Html(page.render()?)).into_response())
}
