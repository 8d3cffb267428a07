//! Deleting a backup for good: asked for its number.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::Error;
use control::backup::BackupDetail;
use control::environment::Environment;
use control::rights::Subject;
use serde::Deserialize;

use super::form::{PathOf, Sent, Told};
use super::{Chrome, Ctx, PageAnswer, Section};

#[derive(Template)]
#[template(path = "pages/backup_delete.html")]
struct Delete {
    chrome: Chrome,
    told: Told,
    environment: Environment,
    detail: BackupDetail,
    sent: DeleteForm,
    may_write: bool,
}

/// Its number, as typed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct DeleteForm {
    name: String,
}

/// `GET /environments/{environment}/backups/{backup}/delete`
pub(crate) async fn form(ctx: Ctx, PathOf((name, number)): PathOf<(String, i64)>) -> PageAnswer {
    show(&ctx, &name, number, Told::default(), DeleteForm::default()).await
}

/// `POST /environments/{environment}/backups/{backup}/delete`
pub(crate) async fn submit(
    ctx: Ctx,
    PathOf((name, number)): PathOf<(String, i64)>,
    Sent(sent): Sent<DeleteForm>,
) -> PageAnswer {
    let environment = ctx.control().environment_get(&ctx.actor, &name).await?;
    let may_write = ctx.may_write(Subject::Environments(environment.kind));
    if may_write && sent.name.trim() != number.to_string() {
        let message = format!("This is not the number of the backup, which is {number}.");
        let told = Told::of(Error::invalid("name", message, "Type it to delete the backup."))?;
        return show(&ctx, &name, number, told, sent).await;
    }
    match ctx.control().backup_delete(&ctx.actor, &name, number).await {
        Ok(_) => Ok(Redirect::to(&format!("/environments/{name}/backups")).into_response()),
        Err(error) => show(&ctx, &name, number, Told::of(error)?, sent).await,
    }
}

async fn show(ctx: &Ctx, name: &str, number: i64, told: Told, sent: DeleteForm) -> PageAnswer {
    let environment = ctx.control().environment_get(&ctx.actor, name).await?;
    let detail = ctx.control().backup_get(&ctx.actor, name, number).await?;
    let may_write = ctx.may_write(Subject::Environments(environment.kind));
    let status = told.status();
    let title = format!("Delete backup {number} of {}", environment.name);
    let chrome = ctx.chrome(Section::Environments, title).await?;
    let page = Delete { chrome, told, environment, detail, sent, may_write };
    Ok((status, Html(page.render()?)).into_response())
}
