//! The audit log: who changed what, when, from where, old → new.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use control::audit::AuditEntry;

use super::form::Params;
use super::parts::{Links, Pager};
use super::{Chrome, Ctx, PageAnswer, PageError, Section};
use crate::export::{self, ExportQuery};
use crate::query::{AuditQuery, PageQuery};
use crate::view::audit as view;

#[derive(Template)]
#[template(path = "pages/audit.html")]
struct List {
    chrome: Chrome,
    items: Vec<AuditEntry>,
    pager: Pager,
    links: Links,
    /// Whose entries these are, where the filter says so.
    by: String,
    /// What they are about, where the filter says so.
    subject: String,
}

/// `GET /audit`
pub(crate) async fn list(
    ctx: Ctx,
    Params(query): Params<AuditQuery>,
    Params(page): Params<PageQuery>,
) -> PageAnswer {
    let filter = query.filter()?;
    let page = ctx.control().audit_list(&ctx.actor, &filter, &page.request()?).await?;
    let links = Links::of(&ctx.path_and_query);
    // A filter by id is shown by the name that the newest entry has for it.
    let newest = page.items.first();
    let named = |id: &str, name: Option<&String>| match (id, name) {
        ("", _) => String::new(),
        (id, None) => id.to_owned(),
        (_, Some(name)) => name.clone(),
    };
    let page = List {
        chrome: ctx.chrome(Section::Audit, "Audit log").await?,
        by: named(&query.by, newest.map(|entry| &entry.by.name)),
        subject: named(&query.subject, newest.map(|entry| &entry.subject_name)),
        pager: Pager::of(&page, &links, "change", "newest first"),
        items: page.items,
        links,
    };
    Ok(Html(page.render()?).into_response())
}

/// `GET /audit/export`
pub(crate) async fn export(
    ctx: Ctx,
    Params(query): Params<AuditQuery>,
    Params(how): Params<ExportQuery>,
) -> Result<Response, PageError> {
    Ok(export::respond(ctx.control().clone(), ctx.actor.clone(), &query, &how).await?)
}

/// The address of the export with a list's filters.
pub(crate) fn export_url(links: &Links, format: &str) -> String {
    let with = links.with("format", format);
    with.replacen("/audit", "/audit/export", 1)
}
