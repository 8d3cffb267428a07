//! `New App`: a name, where the chart comes from, the first App values.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::app::NewApp;
use secrecy::SecretString;
use serde::Deserialize;

use super::form::{Sent, Told};
use super::{Chrome, Ctx, PageAnswer, Section};

#[derive(Template)]
#[template(path = "pages/new_app.html")]
struct Form {
    chrome: Chrome,
    told: Told,
    sent: AppForm,
}

/// What the form sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AppForm {
    name: String,
    chart_url: String,
    chart_name: String,
    registry_username: String,
    registry_password: SecretString,
    values: String,
    wait_seconds: String,
}

/// `GET /new/app`
pub(crate) async fn form(ctx: Ctx) -> PageAnswer {
    show(&ctx, Told::default(), AppForm::default()).await
}

/// `POST /new/app`
pub(crate) async fn submit(ctx: Ctx, Sent(sent): Sent<AppForm>) -> PageAnswer {
    let has_user = !sent.registry_username.is_empty();
    let new = NewApp {
        name: sent.name.trim().to_owned(),
        // The URL says whether it is a repository or a registry.
        chart_kind: String::new(),
        chart_url: sent.chart_url.trim().to_owned(),
        chart_name: sent.chart_name.trim().to_owned(),
        registry_username: has_user.then(|| sent.registry_username.clone()),
        registry_password: has_user.then(|| sent.registry_password.clone()),
        values: sent.values.clone(),
        domain_template: String::new(),
        // What is no number is out of bounds, and told so at its field.
        wait_seconds: match sent.wait_seconds.trim() {
            "" => None,
            text => Some(text.parse().unwrap_or(0)),
        },
    };
    match ctx.control().app_create(&ctx.actor, new).await {
        Ok(app) => Ok(Redirect::to(&super::app::path(app.name.as_str())).into_response()),
        Err(error) => show(&ctx, Told::of(error)?, sent).await,
    }
}

async fn show(ctx: &Ctx, told: Told, sent: AppForm) -> PageAnswer {
    let status = told.status();
    let page = Form { chrome: ctx.chrome(Section::Apps, "New App").await?, told, sent };
    Ok((status, Html(page.render()?)).into_response())
}
