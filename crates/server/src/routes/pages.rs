//! The pages' part of the table.

use axum::routing::{MethodRouter, get, post};
use http::Method;

use super::{Route, Surface};
use crate::state::AppState;
use crate::{assets, pages, watch};

pub(super) fn shows(path: &str, handler: MethodRouter<AppState>) -> Route {
    Route::new(Surface::Page, Method::GET, path.to_owned(), handler)
}

pub(super) fn takes(path: &str, handler: MethodRouter<AppState>) -> Route {
    Route::new(Surface::Page, Method::POST, path.to_owned(), handler)
}

pub(super) fn table() -> Vec<Route> {
    let mut routes = account();
    routes.extend(people());
    routes.extend(environments());
    routes.extend(products());
    routes
}

/// What belongs to no subject: sign-in, finding, one's own tokens.
fn account() -> Vec<Route> {
    vec![
        shows("/", get(pages::home)),
        shows("/healthz", get(watch::healthz)).anyone(),
        shows("/readyz", get(watch::readyz)).anyone(),
        shows("/favicon.svg", get(pages::favicon)).anyone(),
        shows("/assets/{name}", get(assets::asset)).anyone(),
        shows("/set-up", get(pages::set_up::form)).anyone(),
        takes("/set-up", post(pages::set_up::submit)).anyone(),
        shows("/sign-in", get(pages::sign_in::form)).anyone(),
        takes("/sign-in", post(pages::sign_in::submit)).anyone(),
        shows("/sign-in/link/{token}", get(pages::sign_in_link::show)).anyone(),
        takes("/sign-in/link/{token}", post(pages::sign_in_link::use_up)).anyone(),
        shows("/invitation/{link}", get(pages::invitation::form)).anyone(),
        takes("/invitation/{link}", post(pages::invitation::accept)).anyone(),
        shows("/set-password/{link}", get(pages::set_password::form)).anyone(),
        takes("/set-password/{link}", post(pages::set_password::submit)).anyone(),
        takes("/sign-out", post(pages::sign_in::sign_out)),
        shows("/find", get(pages::find::find)),
        shows("/tokens", get(pages::tokens::list)),
        takes("/tokens", post(pages::tokens::create)),
        shows("/tokens/{token}/revoke", get(pages::tokens::ask_revoke)),
        takes("/tokens/{token}/revoke", post(pages::tokens::revoke)),
    ]
}

/// One's own account, people, the audit log.
fn people() -> Vec<Route> {
    vec![
        shows("/settings", get(pages::settings::show)),
        takes("/settings/profile", post(pages::settings::profile)),
        takes("/settings/password", post(pages::settings::password)),
        shows("/settings/sessions", get(pages::sessions::list)),
        takes("/settings/sessions/end-others", post(pages::sessions::end_others)),
        takes("/settings/sessions/{session}/end", post(pages::sessions::end)),
        shows("/team", get(pages::team::list)),
        shows("/new/invitation", get(pages::new_invitation::form)),
        takes("/new/invitation", post(pages::new_invitation::submit)),
        takes("/invitations/{invitation}/withdraw", post(pages::team::withdraw)),
        shows("/team/{person}", get(pages::person::show)),
        takes("/team/{person}/role", post(pages::person::role)),
        takes("/team/{person}/state", post(pages::person::state)),
        takes("/team/{person}/reset-password", post(pages::person::reset_password)),
        shows("/team/{person}/remove", get(pages::person_remove::form)),
        takes("/team/{person}/remove", post(pages::person_remove::submit)),
        shows("/audit", get(pages::audit::list)),
        shows("/audit/export", get(pages::audit::export)),
    ]
}

/// Environments, their deployments and Ops.
fn environments() -> Vec<Route> {
    const ONE: &str = "/environments/{environment}";
    const DEPLOYMENT: &str = "/environments/{environment}/deployments/{number}";
    let of = |tail: &str| format!("{ONE}{tail}");
    let deployment = |tail: &str| format!("{DEPLOYMENT}{tail}");
    vec![
        shows("/environments", get(pages::environments::list)),
        shows("/new/environment", get(pages::new_environment::form)),
        takes("/new/environment", post(pages::new_environment::submit)).keyed(),
        shows("/new/adoption", get(pages::adopt::form)),
        takes("/new/adoption", post(pages::adopt::submit)).keyed(),
        shows(ONE, get(pages::environment::overview)),
        shows(&of("/deployments"), get(pages::environment::deployments)),
        shows(&of("/values"), get(pages::environment::values)),
        takes(&of("/values"), post(pages::deploy::save_values)).keyed(),
        shows(&of("/values/edit"), get(pages::deploy::edit)),
        shows(&of("/values/why"), get(pages::why::show)),
        shows(&of("/comparison"), get(pages::compare::show)),
        shows(&of("/deploy"), get(pages::deploy::form)),
        takes(&of("/deploy"), post(pages::deploy::submit)).keyed(),
        takes(&of("/preview"), post(pages::deploy::preview)),
        takes(&of("/drift"), post(pages::environment::check_drift)),
        shows(&of("/remove"), get(pages::remove_environment::form)),
        takes(&of("/remove"), post(pages::remove_environment::submit)).keyed(),
        shows(&of("/account"), get(pages::environment_account::form)),
        takes(&of("/account"), post(pages::environment_account::submit)),
        takes(&of("/keep"), post(pages::remove_environment::keep)),
        shows(DEPLOYMENT, get(pages::op::show)),
        shows(&deployment("/content"), get(pages::content::show)),
        shows(&deployment("/log"), get(pages::op::download)),
        takes(&deployment("/cancel"), post(pages::op::cancel)),
        takes(&deployment("/recover"), post(pages::op::recover)),
        shows(&deployment("/roll-back"), get(pages::roll_back::form)),
        takes(&deployment("/roll-back"), post(pages::roll_back::submit)).keyed(),
        shows("/deployments", get(pages::deployments::list)),
        shows("/batches", get(pages::batches::list)),
        shows("/batches/{batch}", get(pages::batch::show)),
        takes("/batches/{batch}/pause", post(pages::batch::pause)),
        takes("/batches/{batch}/resume", post(pages::batch::resume)),
        takes("/batches/{batch}/drop", post(pages::batch::drop_rest)),
        takes("/batches/{batch}/let-go", post(pages::batch::let_go)),
        shows("/ops/{op}", get(pages::removal::show)),
        shows("/ops/{op}/log", get(pages::removal::download)),
        takes("/ops/{op}/cancel", post(pages::removal::cancel)),
    ]
}

/// Releases, Apps, clusters.
fn products() -> Vec<Route> {
    vec![
        shows("/releases", get(pages::releases::list)),
        shows("/new/release", get(pages::new_release::form)),
        takes("/new/release", post(pages::new_release::submit)).keyed(),
        shows("/releases/{app}/{tag}", get(pages::release::show)),
        takes("/releases/{app}/{tag}/archive", post(pages::release::archive)),
        shows("/apps", get(pages::apps::list)),
        shows("/new/app", get(pages::new_app::form)),
        takes("/new/app", post(pages::new_app::submit)).keyed(),
        shows("/apps/{app}", get(pages::app::show)),
        shows("/apps/{app}/values", get(pages::app_values::form)),
        takes("/apps/{app}/values", post(pages::app_values::submit)).keyed(),
        takes("/apps/{app}/values/preview", post(pages::app_values::preview)),
        takes("/apps/{app}/values/preview/{preview}/cancel", post(pages::app_values::cancel)),
        shows("/apps/{app}/values/preview/{preview}/{group}", get(pages::fleet_group::show)),
        shows("/apps/{app}/settings", get(pages::app_settings::form)),
        takes("/apps/{app}/settings", post(pages::app_settings::submit)).keyed(),
        shows("/clusters", get(pages::clusters::list)),
        shows("/new/cluster", get(pages::new_cluster::form)),
        takes("/new/cluster", post(pages::new_cluster::submit)).keyed(),
        shows("/new/kubernetes-cluster", get(pages::cluster_form::add_form)),
        takes("/new/kubernetes-cluster", post(pages::cluster_form::add)).keyed(),
        shows("/new/cluster-rights", get(pages::cluster_rights::show)),
        shows("/clusters/{cluster}", get(pages::cluster::show)),
        shows("/clusters/{cluster}/change", get(pages::cluster_form::change_form)),
        takes("/clusters/{cluster}/change", post(pages::cluster_form::change)),
        takes("/clusters/{cluster}/check", post(pages::cluster::check)),
    ]
}
