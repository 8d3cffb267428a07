//! A Release: its changelog, its chart, its values, where it runs.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::app::ChartReference;
use control::environment::{Environment, EnvironmentFilter, EnvironmentSort};
use control::release::Release;
use control::rights::Subject;
use control::store::paging::{Direction, Page, PageRequest};
use serde::Deserialize;

use super::form::{PathOf, Sent};
use super::parts::code_lines;
use super::{Chrome, Ctx, PageAnswer, Section};
use crate::view::markdown;

#[derive(Template)]
#[template(path = "pages/release.html")]
struct Show {
    chrome: Chrome,
    release: Release,
    changelog: String,
    values: Vec<String>,
    environments: Page<Environment>,
    may_write: bool,
}

/// What the button sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ArchiveForm {
    archived: bool,
}

/// `GET /releases/{app}/{tag}`
pub(crate) async fn show(ctx: Ctx, PathOf((app, tag)): PathOf<(String, String)>) -> PageAnswer {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let release = control.release_find(actor, &app, &tag).await?;
    let filter = EnvironmentFilter { release: Some(release.id), ..EnvironmentFilter::default() };
    let sort = (EnvironmentSort::LastDeployment, Direction::Descending);
    let page = PageRequest { cursor: None, limit: Some(10) };
    let page = Show {
        chrome: ctx
            .chrome(Section::Releases, format!("{} {}", release.app.name, release.tag))
            .await?,
        changelog: markdown::to_html(&release.changelog),
        values: code_lines(&control.release_values(actor, release.id).await?),
        environments: control.environment_list(actor, &filter, sort, &page).await?,
        may_write: ctx.may_write(Subject::Apps),
        release,
    };
    Ok(Html(page.render()?).into_response())
}

/// `POST /releases/{app}/{tag}/archive`
pub(crate) async fn archive(
    ctx: Ctx,
    PathOf((app, tag)): PathOf<(String, String)>,
    Sent(sent): Sent<ArchiveForm>,
) -> PageAnswer {
    let release = ctx.control().release_find(&ctx.actor, &app, &tag).await?;
    ctx.control().release_archive(&ctx.actor, release.id, sent.archived).await?;
    let back = ctx.path_and_query.strip_suffix("/archive").unwrap_or("/releases");
    Ok(Redirect::to(back).into_response())
}

/// Where a chart comes from, as people read it.
pub(crate) fn source(reference: &ChartReference) -> String {
    match reference {
        ChartReference::Repository { url, chart } => format!("{url}, chart {chart}"),
        ChartReference::Oci { url } => url.clone(),
        ChartReference::Upload { chart } => format!("uploaded archives of {chart}"),
    }
}
