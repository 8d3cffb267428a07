//! The one table of routes: method, path, rule, handler, for pages and API.
//!
//! The router is built from it, the API's description is written from it, and a test walks it as every
//! role and signed out. Pages stand in `pages.rs`, calls of the API in `api.rs`, their rules in `rules.rs`.

mod api;
mod backups;
mod domains;
mod pages;
mod rules;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, any};
use http::Method;

use crate::api::openapi::Doc;
use crate::auth::{Guarded, guard, keyed};
use crate::layers;
use crate::pages::error;
use crate::state::AppState;

#[cfg(test)]
pub(crate) use rules::About;
pub(crate) use rules::Rule;

/// How a route speaks: errors and turning away differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surface {
    /// HTML for people.
    Page,
    /// JSON for programs, under `/api/v1`.
    Api,
}

/// One line of the table.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) surface: Surface,
    pub(crate) rule: Rule,
    /// Whether a repeated call with the same key acts once.
    pub(crate) keyed: bool,
    /// The largest body it takes, in bytes.
    pub(crate) body: usize,
    /// What the API's description says of it.
    pub(crate) doc: Option<Doc>,
    handler: MethodRouter<AppState>,
}

impl Route {
    fn new(
        surface: Surface,
        method: Method,
        path: String,
        handler: MethodRouter<AppState>,
    ) -> Self {
        let (rule, keyed, doc) = (Rule::SignedIn, false, None);
        Self { method, path, surface, rule, keyed, body: layers::MAX_BODY, doc, handler }
    }

    fn anyone(self) -> Self {
        Self { rule: Rule::Anyone, ..self }
    }

    fn keyed(self) -> Self {
        Self { keyed: true, ..self }
    }

    fn takes(self, body: usize) -> Self {
        Self { body, ..self }
    }
}

/// All routes.
pub(crate) fn table() -> Vec<Route> {
    let mut routes = pages::table();
    routes.extend(api::table());
    routes.extend(domains::table());
    routes.extend(backups::table());
    for route in &mut routes {
        // Without a line, which a test finds, a route is for everyone who is signed in.
        route.rule = rules::of(&route.method, &route.path).unwrap_or(route.rule);
    }
    routes
}

/// The router: every route behind its guard.
pub(crate) fn build(state: &AppState) -> Router<AppState> {
    let mut router = Router::new();
    for route in table() {
        let guarded = Guarded { state: state.clone(), surface: route.surface, rule: route.rule };
        let mut handler = route.handler;
        if route.keyed {
            handler = handler.layer(from_fn_with_state(guarded.clone(), keyed::once));
        }
        let handler = handler.layer(DefaultBodyLimit::max(route.body));
        let handler = handler.layer(from_fn_with_state(guarded, guard));
        router = router.route(&route.path, handler);
    }
    let anyone = Guarded { state: state.clone(), surface: Surface::Page, rule: Rule::Anyone };
    let nowhere: MethodRouter<AppState> = any(error::no_such_path);
    let nowhere = nowhere.layer(from_fn_with_state(anyone, guard)).with_state(state.clone());
    router.method_not_allowed_fallback(error::no_such_method).fallback_service(nowhere)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What anyone reaches without signing in. A new line here needs a reason.
    #[test]
    fn open_routes() {
        let open: Vec<String> = table()
            .iter()
            .filter(|route| route.rule == Rule::Anyone)
            .map(|route| format!("{} {}", route.method, route.path))
            .collect();
        insta::assert_snapshot!(open.join("\n"), @r"
        GET /healthz
        GET /readyz
        GET /favicon.svg
        GET /assets/{name}
        GET /set-up
        POST /set-up
        GET /sign-in
        POST /sign-in
        GET /sign-in/link/{token}
        POST /sign-in/link/{token}
        GET /invitation/{link}
        POST /invitation/{link}
        GET /set-password/{link}
        POST /set-password/{link}
        GET /api/v1/openapi.json
        POST /api/v1/sign-in
        ");
    }
}
