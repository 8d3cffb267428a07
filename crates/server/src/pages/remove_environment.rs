//! Removing an environment: says what is deleted and what is kept, asks for its name, and queues the Op. Also giving a
//! removal up that has deleted nothing.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::Error;
use control::environment::{Environment, Outline, RemoveEnvironment};
use control::rights::Subject;
use serde::Deserialize;

use super::form::{PathOf, Sent, Told};
use super::{Chrome, Ctx, PageAnswer, Section};

#[derive(Template)]
#[template(path = "pages/remove_environment.html")]
struct Remove {
    chrome: Chrome,
    told: Told,
    environment: Environment,
    outline: Outline,
    sent: RemoveForm,
    may_remove: bool,
}

/// What the form sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct RemoveForm {
    name: String,
    reason: String,
    /// `uninstall` or `forget`.
    how: String,
}

impl Remove {
    fn deleted(&self) -> i64 {
        self.count(false)
    }

    fn kept(&self) -> i64 {
        self.count(true)
    }

    fn count(&self, kept: bool) -> i64 {
        let objects = self.outline.objects.iter().filter(|object| object.kept == kept);
        i64::try_from(objects.count()).unwrap_or(i64::MAX)
    }
}

/// `GET /environments/{environment}/remove`
pub(crate) async fn form(ctx: Ctx, PathOf(environment): PathOf<String>) -> PageAnswer {
    show(&ctx, &environment, Told::default(), RemoveForm::default()).await
}

/// `POST /environments/{environment}/remove`: once its name was typed.
pub(crate) async fn submit(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Sent(sent): Sent<RemoveForm>,
) -> PageAnswer {
    let environment = ctx.control().environment_get(&ctx.actor, &name).await?;
    if sent.name.trim() != environment.name.as_str() {
        let message =
            format!("This is not the environment's name, which is `{}`.", environment.name);
        let told = Told::of(Error::invalid("name", message, "Type it to remove the environment."))?;
        return show(&ctx, &name, told, sent).await;
    }
    let how = RemoveEnvironment { forget: sent.how == "forget", reason: sent.reason.clone() };
    let id = environment.id.to_string();
    match ctx.control().environment_remove(&ctx.actor, &id, &how).await {
        Ok(op) => Ok(Redirect::to(&format!("/ops/{}", op.id)).into_response()),
        Err(error) => show(&ctx, &name, Told::of(error)?, sent).await,
    }
}

/// `POST /environments/{environment}/keep`: gives a removal up that has deleted nothing.
pub(crate) async fn keep(ctx: Ctx, PathOf(name): PathOf<String>) -> PageAnswer {
    let kept = ctx.control().environment_keep(&ctx.actor, &name).await?;
    Ok(Redirect::to(&format!("/environments/{}", kept.address())).into_response())
}

async fn show(ctx: &Ctx, name: &str, told: Told, sent: RemoveForm) -> PageAnswer {
    let environment = ctx.control().environment_get(&ctx.actor, name).await?;
    let outline = ctx.control().removal_outline(&ctx.actor, name).await?;
    let may_remove = ctx.may_write(Subject::Environments(environment.kind));
    let title = format!("Remove {}", environment.name);
    let status = told.status();
    let chrome = ctx.chrome(Section::Environments, title).await?;
    let page = Remove { chrome, told, environment, outline, sent, may_remove };
    Ok((status, Html(page.render()?)).into_response())
}
