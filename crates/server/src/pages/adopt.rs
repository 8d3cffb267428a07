//! `Adopt a Helm release`: a cluster, one of its releases that no environment has, and the App that it is an instance of.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::app::App;
use control::cluster::{Cluster, ClusterKind};
use control::environment::EnvironmentKind;
use control::observed::{AdoptRelease, AdoptableReleases};
use control::rights::Subject;
use control::store::paging::PageRequest;
use serde::Deserialize;

use super::form::{Params, Sent, Told};
use super::{Chrome, Ctx, PageAnswer, Section};

#[derive(Template)]
#[template(path = "pages/adopt.html")]
struct Form {
    chrome: Chrome,
    told: Told,
    sent: AdoptForm,
    apps: Vec<App>,
    clusters: Vec<Cluster>,
    /// What the cluster told; none before one is chosen, or where it did not answer.
    found: Option<AdoptableReleases>,
    may_production: bool,
}

/// What the form sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AdoptForm {
    cluster: String,
    /// The namespace to look in; empty: all.
    within: String,
    /// `namespace/name` of the Helm release.
    pick: String,
    app: String,
    kind: String,
    name: String,
    release: String,
}

/// `GET /new/adoption`: the form; with the releases of a cluster once one is chosen.
pub(crate) async fn form(ctx: Ctx, Params(sent): Params<AdoptForm>) -> PageAnswer {
    show(&ctx, Told::default(), sent).await
}

/// `POST /new/adoption`
pub(crate) async fn submit(ctx: Ctx, Sent(sent): Sent<AdoptForm>) -> PageAnswer {
    let (namespace, release_name) = sent.pick.split_once('/').unwrap_or_default();
    let new = AdoptRelease {
        cluster: sent.cluster.clone(),
        namespace: namespace.to_owned(),
        release_name: release_name.to_owned(),
        app: sent.app.clone(),
        name: sent.name.clone(),
        kind: sent.kind.clone(),
        release: sent.release.clone(),
    };
    match ctx.control().environment_adopt(&ctx.actor, new).await {
        Ok(adopted) => {
            let page = format!("/environments/{}", adopted.environment.address());
            Ok(Redirect::to(&page).into_response())
        }
        Err(error) => show(&ctx, Told::of(error)?, sent).await,
    }
}

async fn show(ctx: &Ctx, mut told: Told, mut sent: AdoptForm) -> PageAnswer {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let all = PageRequest { cursor: None, limit: Some(200) };
    let apps = control.app_list(actor, "", &all).await?.items;
    let clusters = control.cluster_list(actor, "", &all).await?.items;
    let mut found = None;
    if !sent.cluster.is_empty() {
        match control.adoptable_releases(actor, &sent.cluster, &sent.within).await {
            Ok(releases) => found = Some(releases),
            // Another fault of the form is told first.
            Err(_) if told.any() => {}
            Err(error) => told = Told::of(error)?,
        }
    }
    if let (true, Some([only])) = (sent.pick.is_empty(), found.as_ref().map(|f| &f.releases[..])) {
        sent.pick = format!("{}/{}", only.namespace, only.name);
    }
    let status = told.status();
    let page = Form {
        chrome: ctx.chrome(Section::Environments, "Adopt a Helm release").await?,
        told,
        sent,
        apps,
        clusters,
        found,
        may_production: ctx.may_write(Subject::Environments(EnvironmentKind::Production)),
    };
    Ok((status, Html(page.render()?)).into_response())
}

impl Form {
    fn picked(&self, namespace: &str, name: &str) -> &'static str {
        let picked = self.sent.pick.split_once('/') == Some((namespace, name));
        if picked { " checked" } else { "" }
    }
}
