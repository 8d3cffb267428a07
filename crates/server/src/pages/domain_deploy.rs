//! Deploying a domain, or going back to the default host: what will change, and `Deploy Now`, which carries out exactly that.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::Error;
use control::deployment::{OnFailure, Preview};
use control::domain::{DomainDeployment, DomainPreview, Host};
use control::environment::{Environment, EnvironmentKind};
use serde::Deserialize;

use super::deploy::Shown;
use super::form::{PathOf, Sent, Told};
use super::{Chrome, Ctx, PageAnswer, Section};
use crate::query::word;

#[derive(Template)]
#[template(path = "pages/domain_deploy.html")]
struct Deploy {
    chrome: Chrome,
    told: Told,
    environment: Environment,
    sent: DeployForm,
    /// The host in its own script; none: the default host.
    unicode: Option<String>,
    notice: Option<&'static str>,
    shown: Option<Shown>,
}

/// What the form sends.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DeployForm {
    host: String,
    reset: bool,
    preview: String,
    on_failure: String,
    force_conflicts: bool,
    reason: String,
    /// `preview`: show anew what will change; else deploy.
    action: String,
}

impl DeployForm {
    fn host(&self) -> Option<&str> {
        (!self.reset).then_some(self.host.as_str())
    }
}

/// `POST /environments/{environment}/domain/preview`: asks the cluster what will change.
pub(crate) async fn preview(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(sent): Sent<DeployForm>,
) -> PageAnswer {
    show(&ctx, &name, sent, None).await
}

/// `POST /environments/{environment}/domain/deploy`
pub(crate) async fn submit(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(sent): Sent<DeployForm>,
) -> PageAnswer {
    let Some(preview) = still_shown(&ctx, &sent).await? else {
        return show(&ctx, &name, sent, None).await;
    };
    let new = DomainDeployment {
        preview: Some(preview.id),
        on_failure: word::<OnFailure>("on_failure", &sent.on_failure)?,
        force_conflicts: sent.force_conflicts,
        reason: sent.reason.clone(),
    };
    let (control, actor) = (ctx.control(), &ctx.actor);
    let started = match sent.host() {
        Some(host) => control.domain_deploy(actor, &name, host, new).await,
        None => control.domain_reset(actor, &name, new).await,
    };
    match started {
        Ok(started) => {
            let number = started.deployment.number;
            Ok(Redirect::to(&format!("/environments/{name}/deployments/{number}")).into_response())
        }
        Err(Error::Conflict { .. }) => {
            let notice = "Something changed after the last preview. This is what will change now.";
            show(&ctx, &name, sent, Some(notice)).await
        }
        Err(error) => page(&ctx, &name, sent, Told::of(error)?, None, None).await,
    }
}

/// The preview that the form was sent with, if it is of what the form says.
async fn still_shown(ctx: &Ctx, sent: &DeployForm) -> Result<Option<Preview>, Error> {
    let Ok(id) = sent.preview.parse() else { return Ok(None) };
    if sent.action == "preview" {
        return Ok(None);
    }
    match ctx.control().preview_get(&ctx.actor, id).await {
        Ok(preview) if preview.plan.force_conflicts == sent.force_conflicts => Ok(Some(preview)),
        Ok(_) | Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn show(ctx: &Ctx, name: &str, sent: DeployForm, notice: Option<&'static str>) -> PageAnswer {
    let how = DomainPreview { force_conflicts: sent.force_conflicts };
    match ctx.control().domain_preview(&ctx.actor, name, sent.host(), how).await {
        Ok(preview) => {
            page(ctx, name, sent, Told::default(), notice, Some(Shown::of(preview))).await
        }
        Err(error) => page(ctx, name, sent, Told::of(error)?, None, None).await,
    }
}

async fn page(
    ctx: &Ctx,
    name: &str,
    mut sent: DeployForm,
    told: Told,
    notice: Option<&'static str>,
    shown: Option<Shown>,
) -> PageAnswer {
    let environment = ctx.control().environment_get(&ctx.actor, name).await?;
    if sent.on_failure.is_empty() {
        let default = match environment.kind {
            EnvironmentKind::Production => OnFailure::RollBack,
            EnvironmentKind::Sandbox => OnFailure::Leave,
        };
        sent.on_failure = default.to_string();
    }
    let unicode = sent
        .host()
        .map(|host| host.parse::<Host>().map_or_else(|_| host.to_owned(), |host| host.unicode()));
    let title = match &unicode {
        Some(host) => format!("Deploy {host} · {name}"),
        None => format!("Reset the host of {name}"),
    };
    let status = told.status();
    let chrome = ctx.chrome(Section::Environments, title).await?;
    let page = Deploy { chrome, told, environment, sent, unicode, notice, shown };
    Ok((status, Html(page.render()?)).into_response())
}
