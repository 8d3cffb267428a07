//! Restoring a backup: to the environment it is of or to another one of the App, asked for the name of where its data goes.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::Error;
use control::backup::{BackupDetail, MethodKind, RestoreBackup};
use control::deployment::OnFailure;
use control::environment::{Environment, EnvironmentFilter, EnvironmentSort};
use control::rights::Subject;
use control::store::paging::{Direction, PAGE_MAXIMUM, PageRequest};
use serde::Deserialize;

use super::form::{PathOf, Sent, Told};
use super::{Chrome, Ctx, PageAnswer, PageError, Section};

#[derive(Template)]
#[template(path = "pages/backup_restore.html")]
struct Restore {
    chrome: Chrome,
    told: Told,
    environment: Environment,
    detail: BackupDetail,
    /// Whether it can go back to where it is from.
    to_own: bool,
    /// Names of others that it can go to, as many as a browser is to offer; which one is typed is checked when it is sent.
    others: Vec<String>,
    sent: RestoreForm,
    may_write: bool,
}

/// What the form sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct RestoreForm {
    to: String,
    on_failure: String,
    /// Empty: no.
    force_conflicts: String,
    reason: String,
    /// The name of where it goes, as typed.
    name: String,
}

/// `GET /environments/{environment}/backups/{backup}/restore`
pub(crate) async fn form(ctx: Ctx, PathOf((name, number)): PathOf<(String, i64)>) -> PageAnswer {
    show(&ctx, &name, number, Told::default(), RestoreForm::default()).await
}

/// `POST /environments/{environment}/backups/{backup}/restore`: once the name was typed.
pub(crate) async fn submit(
    ctx: Ctx,
    PathOf((name, number)): PathOf<(String, i64)>,
    Sent(sent): Sent<RestoreForm>,
) -> PageAnswer {
    let environment = ctx.control().environment_get(&ctx.actor, &name).await?;
    let to = match sent.to.trim() {
        "" => environment.name.to_string(),
        to => to.to_owned(),
    };
    let may_write = ctx.may_write(Subject::Environments(environment.kind));
    if may_write && sent.name.trim() != to {
        let message = format!("This is not the name of where the data goes, which is `{to}`.");
        let told = Told::of(Error::invalid("name", message, "Type it to restore the backup."))?;
        return show(&ctx, &name, number, told, sent).await;
    }
    let how = RestoreBackup {
        to: sent.to.clone(),
        on_failure: sent.on_failure.parse::<OnFailure>().ok(),
        force_conflicts: !sent.force_conflicts.is_empty(),
        reason: sent.reason.clone(),
    };
    match ctx.control().backup_restore(&ctx.actor, &name, number, how).await {
        Ok(started) => {
            let deployment = &started.deployment;
            let address = deployment.environment.address();
            let page = format!("/environments/{address}/deployments/{}", deployment.number);
            Ok(Redirect::to(&page).into_response())
        }
        Err(error) => show(&ctx, &name, number, Told::of(error)?, sent).await,
    }
}

async fn show(ctx: &Ctx, name: &str, number: i64, told: Told, sent: RestoreForm) -> PageAnswer {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let environment = control.environment_get(actor, name).await?;
    let detail = control.backup_get(actor, name, number).await?;
    let may_write = ctx.may_write(Subject::Environments(environment.kind));
    let to_own = may_write && environment.release.is_some();
    let others = others(ctx, &environment).await?;
    let status = told.status();
    let title = format!("Restore backup {number} of {}", environment.name);
    let chrome = ctx.chrome(Section::Environments, title).await?;
    let page = Restore { chrome, told, environment, detail, to_own, others, sent, may_write };
    Ok((status, Html(page.render()?)).into_response())
}

/// Environments of the App that the asker may deploy to and where something runs, but for the backup's own.
async fn others(ctx: &Ctx, own: &Environment) -> Result<Vec<String>, PageError> {
    let filter = EnvironmentFilter { app: Some(own.app.id), ..EnvironmentFilter::default() };
    let page = PageRequest { cursor: None, limit: Some(PAGE_MAXIMUM) };
    let (sort, way) = (EnvironmentSort::Name, Direction::Ascending);
    let found = ctx.control().environment_list(&ctx.actor, &filter, (sort, way), &page).await?;
    let can = |it: &Environment| {
        it.id != own.id && ctx.may_write(Subject::Environments(it.kind)) && it.release.is_some()
    };
    Ok(found.items.into_iter().filter(can).map(|it| it.name.to_string()).collect())
}
