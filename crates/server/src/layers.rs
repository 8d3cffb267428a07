//! What every request passes: its id, limits, compression, the check of where it comes from, and the
//! headers every answer carries.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{Response as HttpResponse, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

use crate::config::ServerConfig;
use crate::state::AppState;
use crate::watch;

/// Nearly no form or call needs more: a megabyte of values, and room for its encoding.
pub(crate) const MAX_BODY: usize = 4 * 1024 * 1024;
/// Previews are the longest requests; event streams answer at once and then go on.
const TIMEOUT: Duration = Duration::from_secs(90);

/// The random word of one answer that lets the editor's own style elements through the policy.
#[derive(Clone)]
pub(crate) struct Nonce(pub(crate) String);

/// Wraps `router` in everything that is the same for all routes.
pub(crate) fn apply(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    let config = &state.config;
    router
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(csrf(config))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, TIMEOUT))
        .layer(CatchPanicLayer::custom(|_| crate::pages::error::after_panic()))
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn_with_state(state.clone(), headers))
        .layer(middleware::from_fn_with_state(state.clone(), watch::count))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
}

/// Refuses what another site's page sends. Proxies must leave `Host` and `Origin` as they are.
fn csrf(
    config: &ServerConfig,
) -> CsrfLayer<fn(tower_http::csrf::ProtectionError) -> HttpResponse<Body>> {
    let mut layer = CsrfLayer::new();
    if let Some(url) = &config.public_url {
        match layer.clone().add_trusted_origin(url.origin().ascii_serialization()) {
            Ok(trusting) => layer = trusting,
            Err(refused) => tracing::warn!(%refused, "the public URL has no usable origin"),
        }
    }
    layer.with_rejection_response(|_| crate::pages::error::from_elsewhere())
}

fn span(request: &Request) -> tracing::Span {
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or("");
    // The path only: queries may hold what people search for.
    let path = without_secret(request.uri().path());
    tracing::info_span!("request", method = %request.method(), path, id)
}

/// A path as it may stand in the log: what a one-time link holds is a secret.
fn without_secret(path: &str) -> &str {
    let links = ["/sign-in/link/", "/invitation/", "/set-password/"];
    links.into_iter().find(|link| path.starts_with(link)).unwrap_or(path)
}

/// Sets the policy headers; pages get a nonce for the editor's styles.
async fn headers(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let nonce = Nonce(random_word());
    request.extensions_mut().insert(nonce.clone());
    let mut response = next.run(request).await.into_response();
    let headers = response.headers_mut();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{}'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        nonce.0
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    let opener = HeaderName::from_static("cross-origin-opener-policy");
    headers.insert(opener, HeaderValue::from_static("same-origin"));
    if state.config.secure() {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(STRICT_TRANSPORT_SECURITY, year);
    }
    // What people may see differs from person to person and from moment to moment.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// 128 random bits in characters that stand in headers, attributes and addresses.
pub(crate) fn random_word() -> String {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    URL_SAFE_NO_PAD.encode(bytes)
}
