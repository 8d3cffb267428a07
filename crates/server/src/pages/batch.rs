//! A batch: how the whole stands, every environment in it, and what can be done with what is left. Live.

use askama::Template;
use axum::response::{IntoResponse, Redirect};
use control::batch::{Batch, BatchMember, BatchState, MemberDeployment, MemberState};
use control::deployment::DeploymentState;
use control::environment::EnvironmentKind;
use control::rights::Subject;
use control::store::ids::BatchId;
use serde::Deserialize;

use super::form::{Params, PathOf};
use super::parts::{Links, Pager};
use super::{Chrome, Ctx, PageAnswer, PageError, Section};
use crate::live::{self, live_page};
use crate::query::{PageQuery, word};
use crate::view::state::Mark;
use crate::view::time::between;

#[derive(Template)]
#[template(path = "pages/batch.html", blocks = ["live"])]
struct Show {
    chrome: Chrome,
    batch: Batch,
    items: Vec<BatchMember>,
    pager: Pager,
    links: Links,
    /// Whether the asker may pause, resume and drop it.
    may_steer: bool,
    /// Whether the asker may let production environments go.
    may_let_go: bool,
}

/// Which of its environments.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StateQuery {
    state: String,
}

live_page!(Show);

impl Show {
    /// What the tab says.
    fn title(&self) -> String {
        let sign = match self.batch.state {
            BatchState::Running => "◌",
            BatchState::Paused | BatchState::Waiting => "▲",
            BatchState::Stopped => "✗",
            BatchState::Ended if self.batch.counts.failed > 0 => "✗",
            BatchState::Ended => "✓",
        };
        format!("{sign} {} · Landfall", super::batches::title(&self.batch))
    }

    fn here(&self) -> String {
        format!("/batches/{}", self.batch.id)
    }

    /// How long it took, once it has ended.
    fn took(&self) -> Option<String> {
        Some(between(self.batch.created_at, self.batch.finished_at?))
    }

    /// The states that there is something of, with their number: filters of the list.
    fn filters(&self) -> Vec<(MemberState, i64, &'static str)> {
        let counts = &self.batch.counts;
        let all = [
            (MemberState::Failed, counts.failed, "failed"),
            (MemberState::Deploying, counts.deploying, "under way"),
            (MemberState::Queued, counts.queued, "queued"),
            (MemberState::Waiting, counts.waiting, "waiting"),
            (MemberState::Succeeded, counts.succeeded, "succeeded"),
            (MemberState::Cancelled, counts.cancelled, "cancelled"),
            (MemberState::Superseded, counts.superseded, "superseded"),
            (MemberState::Dropped, counts.dropped, "dropped"),
            (MemberState::Skipped, counts.skipped, "skipped"),
        ];
        all.into_iter().filter(|(_, n, _)| *n > 0).collect()
    }

    /// `20 at once, stops after 3 failures, sandbox first`.
    fn how(&self) -> String {
        let settings = self.batch.settings;
        let mut how = vec![format!("{} at once", settings.at_once)];
        how.push(match settings.stop_after {
            0 => "never stops".to_owned(),
            1 => "stops after a failure".to_owned(),
            n => format!("stops after {n} failures"),
        });
        if settings.sandbox_first {
            how.push("sandbox first".to_owned());
        }
        how.join(", ")
    }

    fn can_pause(&self) -> bool {
        self.may_steer && self.batch.state == BatchState::Running && self.batch.counts.queued > 0
    }

    fn can_resume(&self) -> bool {
        self.may_steer && matches!(self.batch.state, BatchState::Paused | BatchState::Stopped)
    }

    fn can_drop(&self) -> bool {
        self.may_steer && self.batch.counts.queued + self.batch.counts.waiting > 0
    }
}

/// How long the deployment of an environment took.
fn took(deployment: &MemberDeployment) -> Option<String> {
    Some(between(deployment.started_at?, deployment.finished_at?))
}

/// How an environment of a batch stands, in a word.
fn mark(member: &BatchMember) -> Mark {
    let (class, word) = match member.state {
        MemberState::Queued => ("idle", "Queued"),
        MemberState::Waiting => ("warn", "Waits for Operations"),
        MemberState::Deploying => match member.deployment.as_ref().map(|it| it.state) {
            Some(DeploymentState::Running) => ("busy", "Deploying"),
            _ => ("idle", "Next"),
        },
        MemberState::Succeeded => ("good", "Succeeded"),
        MemberState::Failed => ("bad", "Failed"),
        MemberState::Cancelled => ("idle", "Cancelled"),
        MemberState::Superseded => ("idle", "Superseded"),
        MemberState::NeedsConfirmation => ("warn", "Needs confirmation"),
        MemberState::Dropped => ("idle", "Dropped"),
        MemberState::Skipped => ("idle", "Skipped"),
    };
    Mark { class, word: word.to_owned() }
}

/// `GET /batches/{batch}`
pub(crate) async fn show(
    ctx: Ctx,
    PathOf(id): PathOf<BatchId>,
    Params(query): Params<StateQuery>,
    Params(page): Params<PageQuery>,
) -> PageAnswer {
    live::respond(ctx, move |ctx| {
        let (query, page) = (query.clone(), page.clone());
        async move { read(&ctx, id, &query, &page).await }
    })
    .await
}

async fn read(
    ctx: &Ctx,
    id: BatchId,
    query: &StateQuery,
    page: &PageQuery,
) -> Result<Show, PageError> {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let batch = control.batch_get(actor, id).await?;
    let state = word("state", &query.state)?;
    let page = control.batch_members(actor, id, state, &page.request()?).await?;
    let links = Links::of(&ctx.path_and_query);
    let may_let_go = ctx.may_write(Subject::Environments(EnvironmentKind::Production));
    Ok(Show {
        chrome: ctx.chrome(Section::Deployments, super::batches::title(&batch)).await?,
        pager: Pager::of(&page, &links, "environment", "in the order of their turns"),
        items: page.items,
        links,
        may_steer: ctx.may_write(Subject::Apps) && (may_let_go || !batch.deploys_to_production),
        may_let_go,
        batch,
    })
}

macro_rules! acts {
    ($($(#[$doc:meta])* $name:ident => $act:ident;)+) => {$(
        $(#[$doc])*
        pub(crate) async fn $name(ctx: Ctx, PathOf(id): PathOf<BatchId>) -> PageAnswer {
            ctx.control().$act(&ctx.actor, id).await?;
            Ok(Redirect::to(&format!("/batches/{id}")).into_response())
        }
    )+};
}
acts! {
    /// `POST /batches/{batch}/pause`
    pause => batch_pause;
    /// `POST /batches/{batch}/resume`
    resume => batch_resume;
    /// `POST /batches/{batch}/drop`
    drop_rest => batch_drop;
    /// `POST /batches/{batch}/let-go`
    let_go => batch_let_go;
}
