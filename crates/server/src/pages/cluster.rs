//! A cluster: what it is, whether it answers, what runs there.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::cluster::{AccessKind, Cluster, ClusterKind};
use control::environment::{Environment, EnvironmentFilter, EnvironmentSort};
use control::rights::Subject;
use control::store::paging::{Direction, Page, PageRequest};

use super::form::PathOf;
use super::{Chrome, Ctx, PageAnswer, Section};

#[derive(Template)]
#[template(path = "pages/cluster.html")]
struct Show {
    chrome: Chrome,
    cluster: Cluster,
    environments: Page<Environment>,
    may_write: bool,
}

/// What Landfall signs in with, in words.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
pub(crate) fn signs_in(access: &AccessKind) -> &'static str {
    match access {
        AccessKind::Token => "a token",
        AccessKind::ClientCertificate => "a client certificate",
        AccessKind::InCluster => "the service account of this server's pod",
    }
}

/// `POST /clusters/{cluster}/check`
pub(crate) async fn check(ctx: Ctx, PathOf(name): PathOf<String>) -> PageAnswer {
    ctx.control().cluster_check(&ctx.actor, &name).await?;
    Ok(Redirect::to(&format!("/clusters/{name}")).into_response())
}

/// `GET /clusters/{cluster}`
pub(crate) async fn show(ctx: Ctx, PathOf(name): PathOf<String>) -> PageAnswer {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let cluster = control.cluster_get(actor, &name).await?;
    let filter = EnvironmentFilter { cluster: Some(cluster.id), ..EnvironmentFilter::default() };
    let sort = (EnvironmentSort::LastDeployment, Direction::Descending);
    let page = PageRequest { cursor: None, limit: Some(20) };
    let page = Show {
        chrome: ctx.chrome(Section::Clusters, cluster.name.to_string()).await?,
        environments: control.environment_list(actor, &filter, sort, &page).await?,
        may_write: ctx.may_write(Subject::Infrastructure),
        cluster,
    };
    Ok(Html(page.render()?).into_response())
}
