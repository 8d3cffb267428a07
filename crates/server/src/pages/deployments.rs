//! Deployments over all environments, newest first, live.

use askama::Template;
use control::app::App;
use control::batch::{Batch, BatchFilter};
use control::deployment::{Deployment, DeploymentState, Trigger};
use control::rights::Subject;
use control::store::paging::{Count, PageRequest};

use super::form::Params;
use super::parts::{Links, Pager};
use super::{Chrome, Ctx, PageAnswer, PageError, Section};
use crate::live::{self, live_page};
use crate::query::{DeploymentQuery, PageQuery};

/// Batches that stand above the list.
const BATCHES: u32 = 5;

#[derive(Template)]
#[template(path = "pages/deployments.html", blocks = ["live"])]
struct List {
    chrome: Chrome,
    links: Links,
    count: Count,
    items: Vec<Row>,
    pager: Pager,
    apps: Vec<App>,
    /// Those that have not ended.
    batches: Vec<Batch>,
}

/// A deployment, and whether the asker may roll back to it.
struct Row {
    deployment: Deployment,
    may_deploy: bool,
}

live_page!(List);

/// `GET /deployments`
pub(crate) async fn list(
    ctx: Ctx,
    Params(query): Params<DeploymentQuery>,
    Params(page): Params<PageQuery>,
) -> PageAnswer {
    live::respond(ctx, move |ctx| {
        let (query, page) = (query.clone(), page.clone());
        async move { read(&ctx, &query, &page).await }
    })
    .await
}

async fn read(ctx: &Ctx, query: &DeploymentQuery, page: &PageQuery) -> Result<List, PageError> {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let filter = query.filter(control, actor).await?;
    let page = control.deployment_list(actor, &filter, &page.request()?).await?;
    let apps = control.app_list(actor, "", &PageRequest { cursor: None, limit: Some(200) }).await?;
    let open = BatchFilter { open: true, ..BatchFilter::default() };
    let few = PageRequest { cursor: None, limit: Some(BATCHES) };
    let links = Links::of(&ctx.path_and_query);
    let pager = Pager::of(&page, &links, "deployment", "newest first");
    let items = page.items.into_iter().map(|deployment| Row {
        may_deploy: ctx.may_write(Subject::Environments(deployment.environment.kind)),
        deployment,
    });
    Ok(List {
        chrome: ctx.chrome(Section::Deployments, "Deployments").await?,
        links,
        count: page.count,
        items: items.collect(),
        pager,
        apps: apps.items,
        batches: control.batch_list(actor, &open, &few).await?.items,
    })
}
