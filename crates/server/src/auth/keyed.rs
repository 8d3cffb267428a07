//! A creating call or form that is sent twice acts once.
//!
//! API calls carry an `Idempotency-Key`; pages put a random `_key` into their forms, so that sending
//! a form twice is harmless without JavaScript, too. The first answer is stored and given again.

use axum::RequestExt;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use control::Actor;
use control::idempotency::{Keyed, KeyedCall, StoredAnswer};

use super::Asker;
use super::guard::Guarded;
use crate::pages::PageError;
use crate::problem::ProblemDetails;
use crate::routes::Surface;

/// More than any route takes: what a route itself takes is less, and is checked while the body is read.
const MAX_BODY: usize = 64 * 1024 * 1024;
const REPEATED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Middleware around the creating routes of the table, inside the guard.
pub(crate) async fn once(State(route): State<Guarded>, request: Request, next: Next) -> Response {
    let asker = request.extensions().get::<Asker>().cloned();
    let Some(actor) = asker.and_then(|asker| asker.actor) else {
        return next.run(request).await;
    };
    let call = format!("{} {}", request.method(), request.uri().path());
    let (parts, body) = request.with_limited_body().into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return refuse(route.surface, ProblemDetails::too_large());
    };
    let key = key(&parts.headers, &body);
    let request = Request::from_parts(parts, Body::from(body.clone()));
    let Some(key) = key else {
        return next.run(request).await;
    };
    let keyed = KeyedCall { key: &key, call: &call, body: &body };
    match route.state.control.idempotency_begin(&actor, &keyed).await {
        Ok(Keyed::New) => {}
        Ok(Keyed::Done(answer)) => return repeat(answer),
        Err(error) => return refuse(route.surface, ProblemDetails::from(&error)),
    }
    let response = next.run(request).await;
    keep(&route, &actor, &keyed, response).await
}

fn key(headers: &HeaderMap, body: &Bytes) -> Option<String> {
    if let Some(key) = headers.get("idempotency-key") {
        return key.to_str().ok().map(str::to_owned);
    }
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    if headers.get(CONTENT_TYPE) != Some(&form) {
        return None;
    }
    let found = url::form_urlencoded::parse(body).find(|(name, _)| name == "_key");
    found.map(|(_, key)| key.into_owned()).filter(|key| !key.is_empty())
}

/// Stores what was done; gives the key up if nothing was.
async fn keep(
    route: &Guarded,
    actor: &Actor,
    call: &KeyedCall<'_>,
    response: Response,
) -> Response {
    let control = &route.state.control;
    let done = response.status().is_success() || response.status().is_redirection();
    if !done {
        if let Err(error) = control.idempotency_abandon(actor, call).await {
            tracing::warn!(%error, "an idempotency key could not be given up");
        }
        return response;
    }
    let (parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return ProblemDetails::internal().into_response();
    };
    let headers = [CONTENT_TYPE, LOCATION, HeaderName::from_static("hx-redirect")];
    let headers = headers.iter().filter_map(|name| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    let answer = StoredAnswer {
        status: parts.status.as_u16(),
        headers: headers.collect(),
        body: body.to_vec(),
    };
    if let Err(error) = control.idempotency_finish(actor, call, &answer).await {
        tracing::warn!(%error, "an answer could not be stored under its idempotency key");
    }
    Response::from_parts(parts, Body::from(body))
}

fn repeat(answer: StoredAnswer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPEATED, HeaderValue::from_static("true"));
    response
}

fn refuse(surface: Surface, details: ProblemDetails) -> Response {
    match surface {
        Surface::Api => details.into_response(),
        Surface::Page => PageError::from(details).into_response(),
    }
}
