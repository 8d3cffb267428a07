//! The page of an Op that removes an environment, live like a deployment's (`op`). What carries something else leads to the
//! page of that.

use std::sync::Arc;

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::environment::{Environment, EnvironmentState};
use control::op::{Op, OpState, Removal, Task};
use control::rights::Subject;
use control::store::ids::OpId;
use futures_util::future::BoxFuture;

use super::form::{Params, PathOf};
use super::op::{
    AfterQuery, LogRow, StepRow, done_steps, follow, last_lines, steps, took, whole_log,
};
use super::{Chrome, Ctx, PageAnswer, PageError, Section};
use crate::live;
use crate::view::objects::{Objects, leaving};
use crate::view::state::{self, Mark};

#[derive(Template)]
#[template(path = "pages/removal.html", blocks = ["live"])]
struct RemovalPage {
    chrome: Chrome,
    environment: Environment,
    op: Arc<Op>,
    removal: Box<Removal>,
    mark: Mark,
    steps: Vec<StepRow>,
    objects: Objects,
    may_remove: bool,
    /// Whether the environment can still be kept after a removal that failed.
    may_keep: bool,
    lines: Vec<LogRow>,
}

impl RemovalPage {
    fn title(&self) -> String {
        format!("{} Removal · {} · Landfall", state::op_sign(self.op.state), self.environment.name)
    }

    fn is_over(&self) -> bool {
        self.op.state.is_final()
    }

    fn done_steps(&self) -> usize {
        done_steps(&self.op, &self.steps)
    }

    /// Whether it can be asked for again: this is the last attempt, and it did not succeed.
    fn may_repeat(&self) -> bool {
        let last = self.environment.removal == Some(self.op.id);
        self.may_remove
            && last
            && self.environment.state == EnvironmentState::Deleting
            && self.is_over()
    }

    fn took(&self) -> Option<String> {
        took(&self.op)
    }
}

/// `GET /ops/{op}`: a removal's page; a deployment's or backup's Op leads to that one's.
pub(crate) async fn show(
    ctx: Ctx,
    PathOf(id): PathOf<OpId>,
    Params(query): Params<AfterQuery>,
) -> PageAnswer {
    let op = ctx.control().op_get(&ctx.actor, id).await?;
    let elsewhere = match op.task {
        Task::Deployment { number, .. } => Some(format!("deployments/{number}")),
        Task::Backup { number, .. } => Some(format!("backups/{number}")),
        Task::Removal(_) => None,
    };
    if let Some(page) = elsewhere {
        let page = format!("/environments/{}/{page}", op.environment.address());
        return Ok(Redirect::to(&page).into_response());
    }
    if ctx.wants_stream {
        let events = ctx.control().op_subscribe(&ctx.actor, id, query.seen(&ctx)).await?;
        let environment = op.environment.id.to_string();
        let environment = ctx.control().environment_get(&ctx.actor, &environment).await?;
        let (app, release) = (ctx.app.clone(), environment.release_name.to_string());
        return Ok(live::stream(&app, follow(ctx, release, events, block)).into_response());
    }
    let mut page = page(&ctx, Arc::new(op)).await?;
    page.lines = last_lines(&ctx, &page.op, page.environment.release_name.as_str()).await?;
    page.chrome.live_url = Some(ctx.path_and_query.clone());
    Ok(Html(page.render()?).into_response())
}

/// `POST /ops/{op}/cancel`
pub(crate) async fn cancel(ctx: Ctx, PathOf(id): PathOf<OpId>) -> PageAnswer {
    ctx.control().op_cancel(&ctx.actor, id).await?;
    Ok(Redirect::to(&format!("/ops/{id}")).into_response())
}

/// `GET /ops/{op}/log`: the whole log as text.
pub(crate) async fn download(ctx: Ctx, PathOf(id): PathOf<OpId>) -> PageAnswer {
    let op = ctx.control().op_get(&ctx.actor, id).await?;
    let name = format!("{}.log", op.task.name(&op.environment).replace([' ', '#'], "-"));
    Ok(whole_log(ctx, id, &name))
}

fn block(ctx: Ctx, op: Arc<Op>) -> BoxFuture<'static, Option<String>> {
    Box::pin(async move {
        let page = page(&ctx, op).await.ok()?;
        let block = page.as_live().render().ok()?;
        Some(format!("{block}{}", page.chrome.running_out_of_band()))
    })
}

async fn page(ctx: &Ctx, op: Arc<Op>) -> Result<RemovalPage, PageError> {
    let Task::Removal(removal) = op.task.clone() else {
        return Err(control::Error::NotFound { what: "removal", name: op.id.to_string() }.into());
    };
    let id = op.environment.id.to_string();
    let environment = ctx.control().environment_get(&ctx.actor, &id).await?;
    let failed = op.state.is_final() && op.state != OpState::Succeeded;
    let begun = if failed && environment.state == EnvironmentState::Deleting {
        ctx.control().removal_outline(&ctx.actor, &id).await?.begun
    } else {
        true
    };
    let may_remove = ctx.may_write(Subject::Environments(environment.kind));
    let objects = leaving(&op.objects, environment.release_name.as_str());
    Ok(RemovalPage {
        chrome: ctx
            .chrome(Section::Environments, format!("Removal · {}", environment.name))
            .await?,
        mark: state::removal(op.state, removal.forget),
        steps: steps(&op),
        objects: if op.state.is_final() { objects.at_rest() } else { objects },
        may_remove,
        may_keep: may_remove && !begun,
        removal,
        environment,
        op,
        lines: Vec::new(),
    })
}
