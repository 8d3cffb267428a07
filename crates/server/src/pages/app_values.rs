//! The Helm values of an App: edit, and look at earlier revisions.

use askama::Template;

use axum::response::{Html, IntoResponse, Redirect};
use control::Error;
use control::app::{App, NewValues, ValuesRevision};
use control::rights::Subject;
use serde::Deserialize;

use super::app;
use super::form::{Params, PathOf, Sent, Told};
use super::parts::code_lines;
use super::{Chrome, Ctx, PageAnswer, Section};

/// Revisions that the page links.
const LISTED: usize = 12;

#[derive(Template)]
#[template(path = "pages/app_values.html")]
struct Form {
    chrome: Chrome,
    told: Told,
    app: App,
    /// The revision looked at.
    revision: ValuesRevision,
    lines: Vec<String>,
    sent: ValuesForm,
    revisions: Vec<i64>,
    may_write: bool,
}

/// Which revision.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct RevisionQuery {
    revision: Option<i64>,
}

/// What the form sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ValuesForm {
    values: String,
    note: String,
    based_on: i64,
}

/// `GET /apps/{app}/values`
pub(crate) async fn form(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Params(query): Params<RevisionQuery>,
) -> PageAnswer {
    let newest = ctx.control().app_values(&ctx.actor, &name, None).await?;
    let shown = match query.revision {
        Some(revision) if revision != newest.revision => {
            ctx.control().app_values(&ctx.actor, &name, Some(revision)).await?
        }
        _ => newest.clone(),
    };
    let sent =
        ValuesForm { values: shown.values.clone(), note: String::new(), based_on: newest.revision };
    show(&ctx, &name, Told::default(), shown, sent).await
}

/// `POST /apps/{app}/values`
pub(crate) async fn submit(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(sent): Sent<ValuesForm>,
) -> PageAnswer {
    let new = NewValues {
        values: sent.values.clone(),
        note: sent.note.clone(),
        based_on: Some(sent.based_on),
    };
    match ctx.control().app_update_values(&ctx.actor, &name, new).await {
        Ok(_) => Ok(Redirect::to(&app::path(&name)).into_response()),
        Err(error) => {
            let newest = ctx.control().app_values(&ctx.actor, &name, None).await?;
            let mut sent = sent;
            if matches!(error, Error::Conflict { .. }) {
                // What was typed stays; sending it again saves it over what came in between, which the
                // page shows beside it.
                sent.based_on = newest.revision;
            }
            show(&ctx, &name, Told::of(error)?, newest, sent).await
        }
    }
}

async fn show(
    ctx: &Ctx,
    name: &str,
    told: Told,
    revision: ValuesRevision,
    sent: ValuesForm,
) -> PageAnswer {
    let app = ctx.control().app_get(&ctx.actor, name).await?;
    let newest = app.values_revision;
    let status = told.status();
    let page = Form {
        chrome: ctx.chrome(Section::Apps, format!("Helm values of {}", app.name)).await?,
        told,
        lines: code_lines(&revision.values),
        revision,
        sent,
        revisions: (1..=newest).rev().take(LISTED).collect(),
        may_write: ctx.may_write(Subject::Apps),
        app,
    };
    Ok((status, Html(page.render()?)).into_response())
}
