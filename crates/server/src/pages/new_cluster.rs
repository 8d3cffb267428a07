//! `Add simulated cluster`.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::cluster::NewSimulatedCluster;
use serde::Deserialize;

use super::form::{Sent, Told};
use super::{Chrome, Ctx, PageAnswer, Section};

#[derive(Template)]
#[template(path = "pages/new_cluster.html")]
struct Form {
    chrome: Chrome,
    told: Told,
    sent: ClusterForm,
}

/// What the form sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ClusterForm {
    name: String,
    admits: String,
}

/// `GET /new/cluster`
pub(crate) async fn form(ctx: Ctx) -> PageAnswer {
    show(&ctx, Told::default(), ClusterForm { name: String::new(), admits: "both".to_owned() })
        .await
}

/// `POST /new/cluster`
pub(crate) async fn submit(ctx: Ctx, Sent(sent): Sent<ClusterForm>) -> PageAnswer {
    let new =
        NewSimulatedCluster { name: sent.name.trim().to_owned(), admits: sent.admits.clone() };
    match ctx.control().cluster_add_simulated(&ctx.actor, new).await {
        Ok(cluster) => Ok(Redirect::to(&format!("/clusters/{}", cluster.name)).into_response()),
        Err(error) => show(&ctx, Told::of(error)?, sent).await,
    }
}

async fn show(ctx: &Ctx, told: Told, sent: ClusterForm) -> PageAnswer {
    let status = told.status();
    let page =
        Form { chrome: ctx.chrome(Section::Clusters, "Add simulated cluster").await?, told, sent };
    Ok((status, Html(page.render()?)).into_response())
}
