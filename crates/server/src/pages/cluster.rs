//! A cluster: what it is, whether it answers, what runs there.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::Error;
use control::cluster::{Cluster, ClusterKind};
use control::environment::{Environment, EnvironmentFilter, EnvironmentSort};
use control::rights::Subject;
use control::store::paging::{Direction, Page, PageRequest};

use super::form::PathOf;
use super::{Chrome, Ctx, PageAnswer, Section};
use crate::problem::ProblemDetails;

#[derive(Template)]
#[template(path = "pages/cluster.html")]
struct Show {
    chrome: Chrome,
    cluster: Cluster,
    environments: Page<Environment>,
    may_write: bool,
    /// Why it did not answer just now.
    silent: Option<String>,
}

/// `GET /clusters/{cluster}`
pub(crate) async fn show(ctx: Ctx, PathOf(name): PathOf<String>) -> PageAnswer {
    page(&ctx, &name, None).await
}

/// `POST /clusters/{cluster}/check`
pub(crate) async fn check(ctx: Ctx, PathOf(name): PathOf<String>) -> PageAnswer {
    match ctx.control().cluster_check(&ctx.actor, &name).await {
        Ok(_) => Ok(Redirect::to(&format!("/clusters/{name}")).into_response()),
        Err(error @ Error::Unreachable { .. }) => {
            page(&ctx, &name, Some(ProblemDetails::from(&error).detail().to_owned())).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn page(ctx: &Ctx, name: &str, silent: Option<String>) -> PageAnswer {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let cluster = control.cluster_get(actor, name).await?;
    let filter = EnvironmentFilter { cluster: Some(cluster.id), ..EnvironmentFilter::default() };
    let sort = (EnvironmentSort::LastDeployment, Direction::Descending);
    let page = PageRequest { cursor: None, limit: Some(20) };
    let page = Show {
        chrome: ctx.chrome(Section::Clusters, cluster.name.to_string()).await?,
        environments: control.environment_list(actor, &filter, sort, &page).await?,
        may_write: ctx.may_write(Subject::Infrastructure),
        cluster,
        silent,
    };
    Ok(Html(page.render()?).into_response())
}
