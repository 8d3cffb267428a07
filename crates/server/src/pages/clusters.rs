//! The list of clusters.

use askama::Template;
use control::cluster::{Cluster, ClusterKind};
use control::rights::Subject;

use super::form::Params;
use super::parts::{Links, Pager};
use super::{Chrome, Ctx, PageAnswer, PageError, Section};
use crate::live::{self, live_page};
use crate::query::{PageQuery, SearchQuery};
use crate::view::words;

#[derive(Template)]
#[template(path = "pages/clusters.html", blocks = ["live"])]
struct List {
    chrome: Chrome,
    items: Vec<Cluster>,
    pager: Pager,
    links: Links,
    may_add: bool,
}

live_page!(List);

/// `GET /clusters`
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
    let page = ctx.control().cluster_list(&ctx.actor, &query.search, &page.request()?).await?;
    let links = Links::of(&ctx.path_and_query);
    Ok(List {
        chrome: ctx.chrome(Section::Clusters, "Clusters").await?,
        pager: Pager::of(&page, &links, "cluster", "by name"),
        items: page.items,
        links,
        may_add: ctx.may_write(Subject::Infrastructure),
    })
}

/// What a cluster admits, in words.
pub(crate) fn admits(cluster: &Cluster) -> &'static str {
    use control::cluster::Admits;
    match cluster.admits {
        Admits::Sandbox => "sandbox",
        Admits::Production => "production",
        Admits::Both => "production and sandbox",
    }
}

/// How many environments there are on it.
pub(crate) fn environments(cluster: &Cluster) -> String {
    let all = cluster.environments.production + cluster.environments.sandbox;
    words::plural(all, "environment")
}
