//! The guard of a route: finds out who asks, and turns away who is not signed in where one must be.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use control::account::Remote;
use control::{Actor, Error};

use super::{Asker, cookie};
use crate::pages::{Ctx, PageError, Section, error};
use crate::problem::ProblemDetails;
use crate::routes::{Rule, Surface};
use crate::state::AppState;

/// What the guard of one route is told.
#[derive(Clone)]
pub(crate) struct Guarded {
    pub(crate) state: AppState,
    pub(crate) surface: Surface,
    pub(crate) rule: Rule,
}

/// Middleware around each route of the table.
pub(crate) async fn guard(
    State(route): State<Guarded>,
    mut request: Request,
    next: Next,
) -> Response {
    let remote = remote(&route.state, &request);
    let actor = match find_actor(&route, request.headers(), &remote).await {
        Ok(actor) => actor,
        Err(error) => return refuse(&route, error),
    };
    let fragment = error::is_fragment(&request);
    if route.rule != Rule::Anyone && actor.is_none() {
        let sign_in = sign_in_path(&request);
        let tried = request.headers().get(AUTHORIZATION).and_then(bearer).is_some();
        return turn_away(&route, sign_in, fragment, tried).await;
    }
    request.extensions_mut().insert(Asker { actor, remote });
    let (mut parts, body) = request.into_parts();
    // Only a signed-in page has a frame to show an error in.
    let ctx = match route.surface {
        Surface::Page => Ctx::from_request_parts(&mut parts, &route.state).await.ok(),
        Surface::Api => None,
    };
    let response = next.run(Request::from_parts(parts, body)).await;
    frame_error(response, ctx, fragment).await
}

/// Puts the page of an error into the frame, or makes a fragment of it where a script asked.
async fn frame_error(response: Response, ctx: Option<Ctx>, fragment: bool) -> Response {
    let Some(error) = response.extensions().get::<PageError>().cloned() else {
        return response;
    };
    if fragment {
        return error.fragment();
    }
    let Some(ctx) = ctx else { return response };
    match ctx.chrome(Section::Other, error.details().title()).await {
        Ok(chrome) => error.in_frame(chrome),
        Err(_) => response,
    }
}

/// A bearer token counts for the API only; a session's cookie for both, since the pages' own scripts
/// call the API, too.
async fn find_actor(
    route: &Guarded,
    headers: &HeaderMap,
    remote: &Remote,
) -> Result<Option<Actor>, Error> {
    let control = &route.state.control;
    if route.surface == Surface::Api
        && let Some(header) = headers.get(AUTHORIZATION)
    {
        return match bearer(header) {
            Some(token) => control.token_actor(token, remote).await,
            None => Ok(None),
        };
    }
    match cookie::read(&route.state.config, headers) {
        Some(token) => control.session_actor(&token, remote).await,
        None => Ok(None),
    }
}

/// The token in an `Authorization` header.
fn bearer(header: &HeaderValue) -> Option<&str> {
    header.to_str().ok()?.strip_prefix("Bearer ").map(str::trim)
}

fn remote(state: &AppState, request: &Request) -> Remote {
    let header = |name: HeaderName| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    // Some proxies add a line of their own behind what the caller sent.
    let lines = request.headers().get_all("x-forwarded-for").iter();
    let forwarded: Vec<&str> = lines.map(|line| line.to_str().unwrap_or_default()).collect();
    let forwarded = forwarded.join(",");
    Remote {
        address: peer.map(|peer| state.config.remote(peer.0.ip(), Some(&forwarded))),
        user_agent: header(USER_AGENT).chars().take(200).collect(),
    }
}

fn refuse(route: &Guarded, error: Error) -> Response {
    match route.surface {
        Surface::Api => ProblemDetails::from(&error).into_response(),
        Surface::Page => PageError::from(error).plain(),
    }
}

/// To the sign-in page and back afterwards; to set-up while there is nobody to sign in. `tried`: with a token.
async fn turn_away(route: &Guarded, sign_in: String, fragment: bool, tried: bool) -> Response {
    if route.surface == Surface::Api {
        let reason = if tried {
            "This token is not known here, or it has ended. Make another one on the page API tokens."
        } else {
            "Send a token as `Authorization: Bearer lf_…`; tokens are made on the page API tokens."
        };
        return ProblemDetails::from(&Error::SignedOut { reason }).into_response();
    }
    let target = match route.state.control.setup_needed().await {
        Ok(true) => "/set-up".to_owned(),
        Ok(false) => sign_in,
        Err(error) => return refuse(route, error),
    };
    if fragment {
        // A script asked: the page it stands in is to go, not the fragment.
        let mut response = StatusCode::UNAUTHORIZED.into_response();
        if let Ok(target) = HeaderValue::from_str(&target) {
            response.headers_mut().insert(HeaderName::from_static("hx-redirect"), target);
        }
        return response;
    }
    Redirect::to(&target).into_response()
}

/// The sign-in page that leads back to what was asked for.
fn sign_in_path(request: &Request) -> String {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    if request.method() != Method::GET || path == "/" {
        return "/sign-in".to_owned();
    }
    let next: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
    format!("/sign-in?next={next}")
}
