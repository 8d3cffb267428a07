//! Rolling back: says what will happen, and does it.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::deployment::{Deployment, NewRollback, OnFailure, RollbackTo};
use control::environment::Environment;
use serde::Deserialize;

use super::form::{PathOf, Sent, Told};
use super::{Chrome, Ctx, PageAnswer, Section};
use crate::query::word;

#[derive(Template)]
#[template(path = "pages/roll_back.html")]
struct RollBack {
    chrome: Chrome,
    told: Told,
    environment: Environment,
    target: Deployment,
    sent: RollBackForm,
}

/// What the form sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct RollBackForm {
    reason: String,
    on_failure: String,
    force_conflicts: bool,
}

/// `GET /environments/{environment}/deployments/{number}/roll-back`
pub(crate) async fn form(
    ctx: Ctx,
    PathOf((environment, number)): PathOf<(String, i64)>,
) -> PageAnswer {
    show(&ctx, &environment, number, Told::default(), RollBackForm::default()).await
}

/// `POST /environments/{environment}/deployments/{number}/roll-back`
pub(crate) async fn submit(
    ctx: Ctx,
    PathOf((environment, number)): PathOf<(String, i64)>,
    Sent(sent): Sent<RollBackForm>,
) -> PageAnswer {
    let on_failure: Option<OnFailure> = word("on_failure", &sent.on_failure)?;
    let new = NewRollback {
        to: RollbackTo::Number(number),
        reason: sent.reason.clone(),
        on_failure,
        force_conflicts: sent.force_conflicts,
    };
    match ctx.control().rollback(&ctx.actor, &environment, new).await {
        Ok(started) => {
            let number = started.deployment.number;
            Ok(Redirect::to(&format!("/environments/{environment}/deployments/{number}"))
                .into_response())
        }
        Err(error) => show(&ctx, &environment, number, Told::of(error)?, sent).await,
    }
}

async fn show(ctx: &Ctx, name: &str, number: i64, told: Told, sent: RollBackForm) -> PageAnswer {
    let environment = ctx.control().environment_get(&ctx.actor, name).await?;
    let target = ctx.control().deployment_find(&ctx.actor, name, number).await?.deployment;
    let title = format!("Roll back {name} to #{number}");
    let status = told.status();
    let chrome = ctx.chrome(Section::Environments, title).await?;
    let page = RollBack { chrome, told, environment, target, sent };
    Ok((status, Html(page.render()?)).into_response())
}
