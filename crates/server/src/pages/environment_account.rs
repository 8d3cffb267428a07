//! The service account that an environment acts as on its cluster.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::environment::{Environment, EnvironmentChange};
use control::rights::Subject;
use serde::Deserialize;

use super::form::{PathOf, Sent, Told};
use super::{Chrome, Ctx, PageAnswer, Section};

#[derive(Template)]
#[template(path = "pages/environment_account.html")]
struct Form {
    chrome: Chrome,
    told: Told,
    environment: Environment,
    sent: AccountForm,
    may_change: bool,
}

/// What the form sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct AccountForm {
    service_account: String,
}

/// `GET /environments/{environment}/account`
pub(crate) async fn form(ctx: Ctx, PathOf(name): PathOf<String>) -> PageAnswer {
    let environment = ctx.control().environment_get(&ctx.actor, &name).await?;
    let account = environment.service_account.as_ref().map(ToString::to_string);
    let sent = AccountForm { service_account: account.unwrap_or_default() };
    show(&ctx, environment, Told::default(), sent).await
}

/// `POST /environments/{environment}/account`
pub(crate) async fn submit(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(sent): Sent<AccountForm>,
) -> PageAnswer {
    let change = EnvironmentChange { service_account: Some(sent.service_account.clone()) };
    match ctx.control().environment_change(&ctx.actor, &name, change).await {
        Ok(environment) => {
            Ok(Redirect::to(&format!("/environments/{}", environment.address())).into_response())
        }
        Err(error) => {
            let told = Told::of(error)?;
            let environment = ctx.control().environment_get(&ctx.actor, &name).await?;
            show(&ctx, environment, told, sent).await
        }
    }
}

async fn show(ctx: &Ctx, environment: Environment, told: Told, sent: AccountForm) -> PageAnswer {
    let status = told.status();
    let page = Form {
        chrome: ctx
            .chrome(Section::Environments, format!("Account of {}", environment.name))
            .await?,
        told,
        may_change: ctx.may_write(Subject::Environments(environment.kind)),
        environment,
        sent,
    };
    Ok((status, Html(page.render()?)).into_response())
}
