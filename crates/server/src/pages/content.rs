//! What a deployment consists of: what it changes in the cluster, its values with their origins, its
//! manifest. Secrets are masked.

use askama::Template;
use axum::response::{Html, IntoResponse};
use control::deployment::{Deployment, DeploymentContent};

use super::form::PathOf;
use super::parts::{
    ObjectChange, OriginLine, changes_sentence, code_lines, object_changes, origin_lines,
};
use super::{Chrome, Ctx, PageAnswer, Section};

#[derive(Template)]
#[template(path = "pages/content.html")]
struct Show {
    chrome: Chrome,
    deployment: Deployment,
    content: DeploymentContent,
    sentence: Option<String>,
    objects: Vec<ObjectChange>,
    values: Vec<OriginLine>,
    own: Vec<String>,
    manifest: Vec<String>,
}

/// `GET /environments/{environment}/deployments/{number}/content`
pub(crate) async fn show(
    ctx: Ctx,
    PathOf((environment, number)): PathOf<(String, i64)>,
) -> PageAnswer {
    let detail = ctx.control().deployment_find(&ctx.actor, &environment, number).await?;
    let deployment = detail.deployment;
    let content = ctx.control().deployment_content(&ctx.actor, deployment.id).await?;
    let title = format!("What #{number} of {environment} changes");
    let page = Show {
        chrome: ctx.chrome(Section::Deployments, title).await?,
        sentence: deployment.changes.as_ref().map(changes_sentence),
        objects: content.plan.as_ref().map_or_else(Vec::new, object_changes),
        values: content.merged.as_ref().map_or_else(Vec::new, |merged| origin_lines(merged, false)),
        own: code_lines(&content.values),
        manifest: content.manifest.as_deref().map_or_else(Vec::new, code_lines),
        deployment,
        content,
    };
    Ok(Html(page.render()?).into_response())
}
