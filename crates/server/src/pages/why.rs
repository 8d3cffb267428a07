//! Why an environment has a value: the layer, since when, who.

use askama::Template;
use axum::response::{Html, IntoResponse};
use control::environment::{Environment, ValueOrigin};

use super::form::{Params, PathOf, Told};
use super::{Chrome, Ctx, PageAnswer, Section};
use crate::query::WhyQuery;

#[derive(Template)]
#[template(path = "pages/why.html")]
struct Why {
    chrome: Chrome,
    environment: Environment,
    sent: WhyQuery,
    told: Told,
    origin: Option<ValueOrigin>,
}

/// `GET /environments/{environment}/values/why`
pub(crate) async fn show(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Params(sent): Params<WhyQuery>,
) -> PageAnswer {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let environment = control.environment_get(actor, &name).await?;
    let (told, origin) = match control.environment_why(actor, &name, &sent.key).await {
        Ok(origin) => (Told::default(), Some(origin)),
        // Nothing was asked yet.
        Err(control::Error::Invalid(_)) if sent.key.trim().is_empty() => (Told::default(), None),
        Err(error) => (Told::of(error)?, None),
    };
    let status = told.status();
    let page = Why {
        chrome: ctx
            .chrome(Section::Environments, format!("Why {} of {}", sent.key, environment.name))
            .await?,
        environment,
        sent,
        told,
        origin,
    };
    Ok((status, Html(page.render()?)).into_response())
}
