//! One's own sessions: where one is signed in, and ending that.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::account::SessionInfo;
use control::store::ids::SessionId;

use super::form::PathOf;
use super::{Chrome, Ctx, PageAnswer, Section};
use crate::auth::cookie;
use crate::view::browser;

#[derive(Template)]
#[template(path = "pages/sessions.html")]
struct List {
    chrome: Chrome,
    items: Vec<SessionInfo>,
    others: bool,
}

/// `GET /settings/sessions`
pub(crate) async fn list(ctx: Ctx) -> PageAnswer {
    let items = ctx.control().session_list(&ctx.actor).await?;
    let page = List {
        chrome: ctx.chrome(Section::Settings, "Sessions").await?,
        others: items.iter().any(|session| !session.current),
        items,
    };
    Ok(Html(page.render()?).into_response())
}

/// `POST /settings/sessions/{session}/end`
pub(crate) async fn end(ctx: Ctx, PathOf(session): PathOf<SessionId>) -> PageAnswer {
    ctx.control().session_end(&ctx.actor, session).await?;
    if ctx.actor.session() == Some(session) {
        let mut response = Redirect::to("/sign-in").into_response();
        cookie::end(&ctx.app.config, &mut response);
        return Ok(response);
    }
    Ok(Redirect::to("/settings/sessions").into_response())
}

/// `POST /settings/sessions/end-others`
pub(crate) async fn end_others(ctx: Ctx) -> PageAnswer {
    ctx.control().sessions_end_others(&ctx.actor).await?;
    Ok(Redirect::to("/settings/sessions").into_response())
}
