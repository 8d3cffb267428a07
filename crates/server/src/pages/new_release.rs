//! `Add release`: App, tag, changelog, chart version picked from the registry's list, Release values.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::app::{App, ChartReference, ChartVersions};
use control::release::NewRelease;
use control::store::paging::PageRequest;
use serde::Deserialize;

use super::form::{Params, Sent, Told};
use super::{Chrome, Ctx, PageAnswer, Section};
use crate::problem::ProblemDetails;

#[derive(Template)]
#[template(path = "pages/new_release.html")]
struct AddRelease {
    chrome: Chrome,
    told: Told,
    apps: Vec<App>,
    sent: ReleaseForm,
    /// The chosen App's last release, as a hint for the tag.
    last: Option<String>,
    versions: Option<ChartVersions>,
    /// Why the registry's list is not shown.
    unread: Option<String>,
}

/// What the form sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReleaseForm {
    app: String,
    tag: String,
    changelog: String,
    chart_version: String,
    values: String,
}

/// `GET /new/release`: the form, also with what was typed when another App is chosen.
pub(crate) async fn form(ctx: Ctx, Params(sent): Params<ReleaseForm>) -> PageAnswer {
    show(&ctx, Told::default(), sent).await
}

/// `POST /new/release`
pub(crate) async fn submit(ctx: Ctx, Sent(sent): Sent<ReleaseForm>) -> PageAnswer {
    let new = NewRelease {
        app: sent.app.clone(),
        tag: sent.tag.trim().to_owned(),
        changelog: sent.changelog.clone(),
        chart_version: sent.chart_version.clone(),
        archive: None,
        provenance: None,
        values: sent.values.clone(),
    };
    match ctx.control().release_add(&ctx.actor, new).await {
        Ok(release) => {
            let part = |text: &str| {
                url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>()
            };
            let (app, tag) = (part(release.app.name.as_str()), part(release.tag.as_str()));
            Ok(Redirect::to(&format!("/releases/{}/{tag}", app.replace('+', "%20")))
                .into_response())
        }
        Err(error) => show(&ctx, Told::of(error)?, sent).await,
    }
}

async fn show(ctx: &Ctx, told: Told, mut sent: ReleaseForm) -> PageAnswer {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let all = PageRequest { cursor: None, limit: Some(200) };
    let apps = control.app_list(actor, "", &all).await?.items;
    if sent.app.is_empty() {
        sent.app = apps.first().map_or_else(String::new, |app| app.name.to_string());
    }
    let chosen =
        apps.iter().find(|app| app.name.as_str() == sent.app || app.id.to_string() == sent.app);
    let last = chosen.and_then(|app| app.newest.as_ref()).map(|newest| newest.tag.to_string());
    let (mut versions, mut unread) = (None, None);
    if chosen.is_some() {
        // A registry that does not answer is told in its card; the rest of the form stays usable.
        match control.chart_versions(actor, &sent.app).await {
            Ok(read) => versions = Some(read),
            Err(error) => unread = Some(ProblemDetails::from(&error).detail().to_owned()),
        }
    }
    if sent.chart_version.is_empty() {
        let newest = versions.iter().flat_map(|read| &read.versions).find(|version| version.newest);
        sent.chart_version = newest.map_or_else(String::new, |version| version.version.clone());
    }
    let status = told.status();
    let chrome = ctx.chrome(Section::Releases, "Add release").await?;
    let page = AddRelease { chrome, told, apps, sent, last, versions, unread };
    Ok((status, Html(page.render()?)).into_response())
}

impl AddRelease {
    fn checked(&self, version: &str) -> &'static str {
        if self.sent.chart_version == version { " checked" } else { "" }
    }

    /// Whether the chosen App's archives are uploaded, which this form does not do.
    fn uploads(&self) -> bool {
        let chosen = self.apps.iter().find(|app| app.name.as_str() == self.sent.app);
        chosen.is_some_and(|app| matches!(app.chart, ChartReference::Upload { .. }))
    }

    fn tag_help(&self) -> String {
        let last = self.last.as_ref().map_or_else(String::new, |last| format!(" Last: {last}"));
        format!("Names this release in deployments and rollbacks; unique within the App.{last}")
    }
}
