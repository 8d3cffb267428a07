//! The list of App Environments, live.

use askama::Template;
use control::app::App;
use control::environment::{Environment, EnvironmentKind, EnvironmentTotals};
use control::rights::Subject;
use control::store::paging::PageRequest;

use super::form::Params;
use super::parts::{Links, Pager};
use super::{Chrome, Ctx, PageAnswer, PageError, Section};
use crate::live::{self, live_page};
use crate::query::{EnvironmentQuery, PageQuery};

#[derive(Template)]
#[template(path = "pages/environments.html", blocks = ["live"])]
struct List {
    chrome: Chrome,
    links: Links,
    totals: EnvironmentTotals,
    items: Vec<Environment>,
    pager: Pager,
    apps: Vec<App>,
    may_create: bool,
}

live_page!(List);

/// `GET /environments`
pub(crate) async fn list(
    ctx: Ctx,
    Params(query): Params<EnvironmentQuery>,
    Params(page): Params<PageQuery>,
) -> PageAnswer {
    live::respond(ctx, move |ctx| {
        let (query, page) = (query.clone(), page.clone());
        async move { read(&ctx, &query, &page).await }
    })
    .await
}

async fn read(ctx: &Ctx, query: &EnvironmentQuery, page: &PageQuery) -> Result<List, PageError> {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let filter = query.filter(control, actor).await?;
    let page = control.environment_list(actor, &filter, query.sort()?, &page.request()?).await?;
    let apps = control.app_list(actor, "", &PageRequest { cursor: None, limit: Some(200) }).await?;
    let links = Links::of(&ctx.path_and_query);
    let order = if query.sort == "name" { "by name" } else { "by last deployment" };
    Ok(List {
        chrome: ctx.chrome(Section::Environments, "App Environments").await?,
        totals: control.environment_totals(actor).await?,
        pager: Pager::of(&page, &links, "environment", order),
        links,
        items: page.items,
        apps: apps.items,
        may_create: ctx.may_write(Subject::Environments(EnvironmentKind::Sandbox)),
    })
}
