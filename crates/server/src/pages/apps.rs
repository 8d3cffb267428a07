//! The list of Apps.

use askama::Template;
use control::app::App;
use control::rights::Subject;

use super::form::Params;
use super::parts::{Links, Pager};
use super::{Chrome, Ctx, PageAnswer, PageError, Section};
use crate::live::{self, live_page};
use crate::query::{PageQuery, SearchQuery};
use crate::view::words;

#[derive(Template)]
#[template(path = "pages/apps.html", blocks = ["live"])]
struct List {
    chrome: Chrome,
    items: Vec<App>,
    pager: Pager,
    links: Links,
    may_add: bool,
}

live_page!(List);

/// `GET /apps`
pub(crate) async fn list(
    ctx: Ctx,
    Params(query): Params<SearchQuery>,
    Params(page): Params<PageQuery>,
) -> PageAnswer {
    live::respond(ctx, move |ctx| {
        let (query, page) = (query.clone(), page.clone());
        async move { read(&ctx, &query, &page).await }
    })
    .await
}

async fn read(ctx: &Ctx, query: &SearchQuery, page: &PageQuery) -> Result<List, PageError> {
    let page = ctx.control().app_list(&ctx.actor, &query.search, &page.request()?).await?;
    let links = Links::of(&ctx.path_and_query);
    Ok(List {
        chrome: ctx.chrome(Section::Apps, "Apps").await?,
        pager: Pager::of(&page, &links, "App", "by name"),
        items: page.items,
        links,
        may_add: ctx.may_write(Subject::Apps),
    })
}

/// `3 production, 1 sandbox`.
pub(crate) fn environments(app: &App) -> String {
    let counts =
        [(app.environments.production, "production"), (app.environments.sandbox, "sandbox")];
    let parts: Vec<String> = counts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, kind)| format!("{} {kind}", words::grouped(n.unsigned_abs())))
        .collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}
