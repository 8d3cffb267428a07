//! Taking a domain from an environment: asked for its name, since whoever proves it next may have it.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::Error;
use control::domain::Domain;
use control::environment::Environment;
use serde::Deserialize;

use super::form::{Params, PathOf, Sent, Told};
use super::{Chrome, Ctx, PageAnswer, Section};

#[derive(Template)]
#[template(path = "pages/domain_remove.html")]
struct Remove {
    chrome: Chrome,
    told: Told,
    environment: Environment,
    domain: Domain,
    sent: RemoveForm,
}

/// Which one, and its name as typed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct RemoveForm {
    host: String,
    name: String,
}

/// `GET /environments/{environment}/domain/remove`
pub(crate) async fn form(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Params(sent): Params<RemoveForm>,
) -> PageAnswer {
    show(&ctx, &name, Told::default(), sent).await
}

/// `POST /environments/{environment}/domain/remove`
pub(crate) async fn submit(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(sent): Sent<RemoveForm>,
) -> PageAnswer {
    let control = ctx.control();
    let domain = control.domain_get(&ctx.actor, &name, &sent.host).await?;
    let typed = sent.name.trim();
    if typed != domain.host.as_str() && typed != domain.unicode {
        let message = format!("This is not the domain's name, which is `{}`.", domain.host);
        let told = Told::of(Error::invalid("name", message, "Type it to remove the domain."))?;
        return show(&ctx, &name, told, sent).await;
    }
    match control.domain_remove(&ctx.actor, &name, domain.host.as_str()).await {
        Ok(_) => Ok(Redirect::to(&format!("/environments/{name}/domain")).into_response()),
        Err(error) => show(&ctx, &name, Told::of(error)?, sent).await,
    }
}

async fn show(ctx: &Ctx, name: &str, told: Told, sent: RemoveForm) -> PageAnswer {
    let environment = ctx.control().environment_get(&ctx.actor, name).await?;
    let domain = ctx.control().domain_get(&ctx.actor, name, &sent.host).await?;
    let status = told.status();
    let title = format!("Remove {}", domain.host);
    let chrome = ctx.chrome(Section::Environments, title).await?;
    let page = Remove { chrome, told, environment, domain, sent };
    Ok((status, Html(page.render()?)).into_response())
}
