//! The page of a backup: what it holds, and its Op, live like a deployment's (`op`).

use std::sync::Arc;

use askama::Template;
use axum::response::{Html, IntoResponse};
use control::backup::{BackupDetail, BackupState, MethodKind};
use control::environment::Environment;
use control::op::{Op, OpState};
use control::rights::Subject;
use futures_util::future::BoxFuture;

use super::form::{Params, PathOf};
use super::op::{AfterQuery, LogRow, StepRow, done_steps, follow, last_lines, steps, took};
use super::{Chrome, Ctx, PageAnswer, PageError, Section, backups};
use crate::live;
use crate::view::state::{self, Mark};

#[derive(Template)]
#[template(path = "pages/backup.html", blocks = ["live"])]
struct BackupPage {
    chrome: Chrome,
    environment: Environment,
    detail: BackupDetail,
    op: Arc<Op>,
    mark: Mark,
    steps: Vec<StepRow>,
    may_write: bool,
    lines: Vec<LogRow>,
}

impl BackupPage {
    fn title(&self) -> String {
        let (sign, name) = (state::op_sign(self.op.state), &self.environment.name);
        format!("{sign} Backup {} · {name} · Landfall", self.detail.backup.number)
    }

    fn is_over(&self) -> bool {
        self.op.state.is_final()
    }

    fn done_steps(&self) -> usize {
        done_steps(&self.op, &self.steps)
    }

    fn took(&self) -> Option<String> {
        took(&self.op)
    }
}

/// `GET /environments/{environment}/backups/{backup}`
pub(crate) async fn show(
    ctx: Ctx,
    PathOf((name, number)): PathOf<(String, i64)>,
    Params(query): Params<AfterQuery>,
) -> PageAnswer {
    let detail = ctx.control().backup_get(&ctx.actor, &name, number).await?;
    let op = ctx.control().op_get(&ctx.actor, detail.backup.op.id).await?;
    if ctx.wants_stream {
        let events = ctx.control().op_subscribe(&ctx.actor, op.id, query.seen(&ctx)).await?;
        let environment = ctx.control().environment_get(&ctx.actor, &name).await?;
        let (app, release) = (ctx.app.clone(), environment.release_name.to_string());
        return Ok(live::stream(&app, follow(ctx, release, events, block)).into_response());
    }
    let mut page = page(&ctx, detail, Arc::new(op)).await?;
    page.lines = last_lines(&ctx, &page.op, page.environment.release_name.as_str()).await?;
    page.chrome.live_url = Some(ctx.path_and_query.clone());
    Ok(Html(page.render()?).into_response())
}

fn block(ctx: Ctx, op: Arc<Op>) -> BoxFuture<'static, Option<String>> {
    Box::pin(async move {
        let control::op::Task::Backup { number, .. } = op.task else { return None };
        let environment = op.environment.id.to_string();
        let detail = ctx.control().backup_get(&ctx.actor, &environment, number).await.ok()?;
        let page = page(&ctx, detail, op).await.ok()?;
        let block = page.as_live().render().ok()?;
        Some(format!("{block}{}", page.chrome.running_out_of_band()))
    })
}

async fn page(ctx: &Ctx, detail: BackupDetail, op: Arc<Op>) -> Result<BackupPage, PageError> {
    let id = detail.backup.environment.id.to_string();
    let environment = ctx.control().environment_get(&ctx.actor, &id).await?;
    let title = format!("Backup {} · {}", detail.backup.number, environment.name);
    Ok(BackupPage {
        chrome: ctx.chrome(Section::Environments, title).await?,
        mark: backups::mark(detail.backup.state),
        steps: steps(&op),
        may_write: ctx.may_write(Subject::Environments(environment.kind)),
        environment,
        detail,
        op,
        lines: Vec::new(),
    })
}
