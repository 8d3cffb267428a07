//! `New environment`: an App, a cluster, a kind, the first Release, its own values.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::app::App;
use control::cluster::{Cluster, ClusterKind};
use control::environment::{EnvironmentKind, NewEnvironment};
use control::release::{Release, ReleaseFilter};
use control::rights::Subject;
use control::store::paging::PageRequest;
use serde::Deserialize;

use super::form::{Params, Sent, Told};
use super::{Chrome, Ctx, PageAnswer, Section};

#[derive(Template)]
#[template(path = "pages/new_environment.html")]
struct Form {
    chrome: Chrome,
    told: Told,
    sent: EnvironmentForm,
    apps: Vec<App>,
    clusters: Vec<Cluster>,
    releases: Vec<Release>,
    may_production: bool,
}

/// What the form sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EnvironmentForm {
    name: String,
    app: String,
    kind: String,
    cluster: String,
    namespace: String,
    release_name: String,
    service_account: String,
    release: String,
    values: String,
}

/// `GET /new/environment`: the form, also with what was typed when another App is chosen.
pub(crate) async fn form(ctx: Ctx, Params(sent): Params<EnvironmentForm>) -> PageAnswer {
    show(&ctx, Told::default(), sent).await
}

/// `POST /new/environment`
pub(crate) async fn submit(ctx: Ctx, Sent(sent): Sent<EnvironmentForm>) -> PageAnswer {
    let new = NewEnvironment {
        name: sent.name.trim().to_owned(),
        app: sent.app.clone(),
        kind: sent.kind.clone(),
        cluster: sent.cluster.clone(),
        namespace: sent.namespace.trim().to_owned(),
        release_name: sent.release_name.trim().to_owned(),
        service_account: sent.service_account.trim().to_owned(),
        release: sent.release.clone(),
        values: sent.values.clone(),
        // There is nothing to go back to yet: the kind's default says so.
        on_failure: None,
    };
    match ctx.control().environment_create(&ctx.actor, new).await {
        Ok((environment, started)) => {
            let number = started.deployment.number;
            let page = format!("/environments/{}/deployments/{number}", environment.name);
            Ok(Redirect::to(&page).into_response())
        }
        Err(error) => show(&ctx, Told::of(error)?, sent).await,
    }
}

async fn show(ctx: &Ctx, told: Told, mut sent: EnvironmentForm) -> PageAnswer {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let all = PageRequest { cursor: None, limit: Some(200) };
    let apps = control.app_list(actor, "", &all).await?.items;
    let clusters = control.cluster_list(actor, "", &all).await?.items;
    if sent.app.is_empty() {
        sent.app = apps.first().map_or_else(String::new, |app| app.name.to_string());
    }
    if sent.kind.is_empty() {
        sent.kind = EnvironmentKind::Sandbox.to_string();
    }
    let chosen = apps.iter().find(|app| app.name.as_str() == sent.app);
    let releases = match chosen {
        Some(app) => {
            let filter = ReleaseFilter { app: Some(app.id), ..ReleaseFilter::default() };
            control.release_list(actor, &filter, &all).await?.items
        }
        None => Vec::new(),
    };
    let status = told.status();
    let page = Form {
        chrome: ctx.chrome(Section::Environments, "New environment").await?,
        told,
        sent,
        apps,
        clusters,
        releases,
        may_production: ctx.may_write(Subject::Environments(EnvironmentKind::Production)),
    };
    Ok((status, Html(page.render()?)).into_response())
}

impl Form {
    /// What is missing before an environment can be made, in the order to do it.
    fn first(&self) -> Option<(&'static str, &'static str, &'static str)> {
        if self.apps.is_empty() {
            return Some(("No App yet", "/new/app", "New App"));
        }
        if self.apps.iter().all(|app| app.releases == 0) {
            return Some(("No release yet", "/new/release", "Add release"));
        }
        if self.clusters.is_empty() {
            return Some(("No cluster yet", "/clusters", "Add a cluster"));
        }
        None
    }
}
