//! The list of Releases, live.

use askama::Template;
use control::app::App;
use control::release::Release;
use control::rights::Subject;
use control::store::paging::{Count, PageRequest};

use super::form::Params;
use super::parts::{Links, Pager};
use super::{Chrome, Ctx, PageAnswer, PageError, Section};
use crate::live::{self, live_page};
use crate::query::{PageQuery, ReleaseQuery};
use crate::view::{markdown, words};

#[derive(Template)]
#[template(path = "pages/releases.html", blocks = ["live"])]
struct List {
    chrome: Chrome,
    links: Links,
    count: Count,
    items: Vec<Row>,
    pager: Pager,
    apps: Vec<App>,
    may_add: bool,
}

/// A Release with what its row says.
struct Row {
    release: Release,
    summary: String,
    changes: usize,
    /// `1,102 production, 31 sandbox`.
    runs: String,
    /// Share of the App's environments that run it, 0 to 100.
    share: i64,
}

live_page!(List);

/// `GET /releases`
pub(crate) async fn list(
    ctx: Ctx,
    Params(query): Params<ReleaseQuery>,
    Params(page): Params<PageQuery>,
) -> PageAnswer {
    live::respond(ctx, move |ctx| {
        let (query, page) = (query.clone(), page.clone());
        async move { read(&ctx, &query, &page).await }
    })
    .await
}

async fn read(ctx: &Ctx, query: &ReleaseQuery, page: &PageQuery) -> Result<List, PageError> {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let filter = query.filter(control, actor).await?;
    let page = control.release_list(actor, &filter, &page.request()?).await?;
    let apps = control.app_list(actor, "", &PageRequest { cursor: None, limit: Some(200) }).await?;
    let links = Links::of(&ctx.path_and_query);
    Ok(List {
        chrome: ctx.chrome(Section::Releases, "Releases").await?,
        pager: Pager::of(&page, &links, "release", "last added first"),
        links,
        count: page.count,
        items: page.items.into_iter().map(row).collect(),
        apps: apps.items,
        may_add: ctx.may_write(Subject::Apps),
    })
}

fn row(release: Release) -> Row {
    let running = release.runs_in.production + release.runs_in.sandbox;
    Row {
        summary: markdown::first_line(&release.changelog),
        changes: markdown::change_count(&release.changelog),
        runs: runs(&release),
        share: if release.app_environments > 0 {
            running * 100 / release.app_environments
        } else {
            0
        },
        release,
    }
}

/// Where a Release runs, in words.
pub(crate) fn runs(release: &Release) -> String {
    let counts = [
        (release.runs_in.production, "production"),
        (release.runs_in.sandbox, "sandbox"),
        (release.deploying_in, "deploying"),
    ];
    let parts: Vec<String> = counts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, kind)| format!("{} {kind}", words::grouped(n.unsigned_abs())))
        .collect();
    if parts.is_empty() { "nowhere".to_owned() } else { parts.join(", ") }
}
