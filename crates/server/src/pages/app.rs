//! An App: where its chart comes from, its newest releases, its values.

use askama::Template;
use axum::response::{Html, IntoResponse};
use control::app::{App, ValuesRevision};
use control::release::{Release, ReleaseFilter};
use control::rights::Subject;
use control::store::paging::PageRequest;

use super::form::PathOf;
use super::parts::code_lines;
use super::{Chrome, Ctx, PageAnswer, Section};

#[derive(Template)]
#[template(path = "pages/app.html")]
struct Show {
    chrome: Chrome,
    app: App,
    values: ValuesRevision,
    lines: Vec<String>,
    releases: Vec<Release>,
    may_write: bool,
}

/// `GET /apps/{app}`
pub(crate) async fn show(ctx: Ctx, PathOf(name): PathOf<String>) -> PageAnswer {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let app = control.app_get(actor, &name).await?;
    let values = control.app_values(actor, &name, None).await?;
    let filter = ReleaseFilter { app: Some(app.id), ..ReleaseFilter::default() };
    let page = PageRequest { cursor: None, limit: Some(8) };
    let page = Show {
        chrome: ctx.chrome(Section::Apps, app.name.to_string()).await?,
        lines: code_lines(&values.values),
        values,
        releases: control.release_list(actor, &filter, &page).await?.items,
        may_write: ctx.may_write(Subject::Apps),
        app,
    };
    Ok(Html(page.render()?).into_response())
}

/// The page of an App by its name, which may have blanks and more.
pub(crate) fn path(name: &str) -> String {
    let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    format!("/apps/{}", name.replace('+', "%20"))
}
