//! The rights that Landfall needs in a cluster, as a manifest to apply.

use askama::Template;
use axum::response::{Html, IntoResponse};
use control::cluster::RightsRequest;
use serde::Deserialize;

use super::form::{Params, Told};
use super::parts::code_lines;
use super::{Chrome, Ctx, PageAnswer, Section};

#[derive(Template)]
#[template(path = "pages/cluster_rights.html")]
struct Show {
    chrome: Chrome,
    told: Told,
    sent: RightsForm,
    text: String,
    lines: Vec<String>,
}

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RightsForm {
    namespaces: String,
    account: String,
    impersonation: String,
}

/// `GET /new/cluster-rights`
pub(crate) async fn show(ctx: Ctx, Params(sent): Params<RightsForm>) -> PageAnswer {
    let asked = RightsRequest {
        namespaces: sent.namespaces.clone(),
        account: sent.account.clone(),
        impersonation: sent.impersonation.clone(),
    };
    let (told, text) = match ctx.control().cluster_rights(&ctx.actor, &asked) {
        Ok(text) => (Told::default(), text),
        Err(error) => (Told::of(error)?, String::new()),
    };
    let status = told.status();
    let chrome = ctx.chrome(Section::Clusters, "Rights in a cluster").await?;
    let page = Show { chrome, told, sent, lines: code_lines(&text), text };
    Ok((status, Html(page.render()?)).into_response())
}
