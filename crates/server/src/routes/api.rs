//! The API's part of the table: each call with what its description says. Those on many environments at once stand in
//! `fleet`.

#[path = "api_fleet.rs"]
mod fleet;

use axum::routing::{MethodRouter, delete, get, patch, post, put};
use control::account::{
    Invitation, NewInvitation, NewPassword, NewToken, Person, PersonChange, SelfChange,
    SignInForToken,
};
use control::app::{
    App, ChartVersions, NewApp, NewValues, SavedValues, SettingsChange, SettingsRevision,
    ValuesRevision,
};
use control::audit::AuditEntry;
use control::cluster::{Cluster, ClusterChange, ClusterCheck, NewCluster, NewSimulatedCluster};
use control::deployment::{
    Comparison, Deployment, DeploymentContent, DeploymentDetail, NewDeployment,
    NewEnvironmentValues, NewPreview, Preview, Started,
};
use control::drift::DriftCheck;
use control::environment::{
    Environment, EnvironmentChange, EnvironmentTotals, EnvironmentValues, NewEnvironment, Outline,
    ValueOrigin,
};
use control::observed::{AdoptRelease, AdoptableReleases, Adopted, ObservedRevision};
use control::op::{LogPage, Op};
use control::release::Release;
use http::Method;

use super::{Route, Surface};
use crate::api::openapi::{self, Doc};
use crate::api::{
    apps, audit, clusters, deployments, environments, ops, own, people, releases, tokens,
};
use crate::query::{
    AuditQuery, ComparisonQuery, DeploymentQuery, EnvironmentQuery, PageQuery, PersonQuery,
    ReleaseQuery, SearchQuery, WhyQuery,
};
use crate::state::AppState;

/// The largest chart archive (32 MiB) in base64, and a megabyte of values.
const ARCHIVE_BODY: usize = 48 * 1024 * 1024;

pub(super) fn call(method: Method, path: &str, handler: MethodRouter<AppState>, doc: Doc) -> Route {
    let route = Route::new(Surface::Api, method, format!("/api/v1{path}"), handler);
    Route { doc: Some(doc), ..route }
}

pub(super) fn reads(path: &str, handler: MethodRouter<AppState>, doc: Doc) -> Route {
    call(Method::GET, path, handler, doc)
}

pub(super) fn acts(path: &str, handler: MethodRouter<AppState>, doc: Doc) -> Route {
    call(Method::POST, path, handler, doc)
}

pub(super) fn table() -> Vec<Route> {
    let mut routes = account();
    routes.extend(people());
    routes.extend(app_calls());
    routes.extend(release_calls());
    routes.extend(cluster_calls());
    routes.extend(environment_calls());
    routes.extend(deployment_calls());
    routes.extend(fleet::calls());
    routes
}

fn account() -> Vec<Route> {
    let doc = |id, summary| Doc::new(id, "Account", summary);
    vec![
        reads(
            "/openapi.json",
            get(openapi::show),
            doc("openapi", "This description.").answers_type("application/json"),
        )
        .anyone(),
        acts(
            "/sign-in",
            post(tokens::sign_in),
            doc(
                "sign_in",
                "Makes a token by e-mail address and password; its secret is shown this once.",
            )
            .body::<SignInForToken>()
            .creates::<tokens::TokenMade>(),
        )
        .anyone(),
        acts(
            "/sign-out",
            post(own::sign_out),
            doc("sign_out", "Ends the session or the token that asks.").answers_nothing(),
        ),
        reads(
            "/self",
            get(own::me),
            doc("self", "Who asks, with which role.").answers::<own::Me>(),
        ),
        call(
            Method::PATCH,
            "/self",
            patch(own::change),
            doc("self_change", "Changes one's own name. Not with a token.")
                .body::<SelfChange>()
                .answers::<Person>(),
        ),
        call(
            Method::PUT,
            "/self/password",
            put(own::password),
            doc(
                "password_change",
                "Changes one's own password; one's other sessions end. Not with a token.",
            )
            .body::<NewPassword>()
            .answers_nothing(),
        ),
        reads(
            "/sessions",
            get(own::sessions),
            doc("session_list", "One's own sessions, last begun first.").answers::<own::Sessions>(),
        ),
        acts(
            "/sessions/end-others",
            post(own::end_others),
            doc(
                "session_end_others",
                "Ends one's own sessions but the one that asks. Not with a token.",
            )
            .answers::<own::Ended>(),
        ),
        call(
            Method::DELETE,
            "/sessions/{session}",
            delete(own::end_session),
            doc("session_end", "Ends a session of one's own. Not with a token.").answers_nothing(),
        ),
        reads(
            "/tokens",
            get(tokens::list),
            doc("token_list", "One's own tokens.").answers::<tokens::Tokens>(),
        ),
        acts(
            "/tokens",
            post(tokens::create),
            doc("token_create", "Makes a token; its secret is shown this once.")
                .body::<NewToken>()
                .creates::<tokens::TokenMade>(),
        ),
        call(
            Method::DELETE,
            "/tokens/{token}",
            delete(tokens::revoke),
            doc("token_revoke", "Ends a token: one's own, as an Administrator anyone's.")
                .answers_nothing(),
        ),
        reads(
            "/audit",
            get(audit::list),
            doc("audit_list", "What people and tokens changed, newest first.")
                .query::<AuditQuery>()
                .query::<PageQuery>()
                .answers_page::<AuditEntry>(),
        ),
        reads(
            "/audit/export",
            get(crate::export::audit),
            doc(
                "audit_export",
                "The same entries without end, as CSV or as one JSON object a line.",
            )
            .query::<AuditQuery>()
            .query::<crate::export::ExportQuery>()
            .answers_type("text/csv"),
        ),
    ]
}

fn people() -> Vec<Route> {
    let doc = |id, summary| Doc::new(id, "People", summary);
    vec![
        reads(
            "/people",
            get(people::list),
            doc("person_list", "People by name.")
                .query::<PersonQuery>()
                .query::<PageQuery>()
                .answers_page::<Person>(),
        ),
        reads(
            "/people/{person}",
            get(people::get),
            doc("person_get", "A person, by id or e-mail address.").answers::<Person>(),
        ),
        call(
            Method::PATCH,
            "/people/{person}",
            patch(people::change),
            doc("person_change", "Changes a role, shuts someone out or lets them in again.")
                .body::<PersonChange>()
                .answers::<Person>(),
        ),
        call(
            Method::DELETE,
            "/people/{person}",
            delete(people::remove),
            doc("person_remove", "Removes a person with their sessions and tokens.")
                .answers_nothing(),
        ),
        reads(
            "/people/{person}/tokens",
            get(people::tokens),
            doc("person_tokens", "The tokens of a person.").answers::<tokens::Tokens>(),
        ),
        acts(
            "/people/{person}/password-reset",
            post(people::reset_password),
            doc("password_reset", "Makes a link to set a new password; it is shown this once.")
                .creates::<people::LinkMade>(),
        ),
        reads(
            "/invitations",
            get(people::invitations),
            doc("invitation_list", "Invitations that were not accepted, last made first.")
                .query::<PageQuery>()
                .answers_page::<Invitation>(),
        ),
        acts(
            "/invitations",
            post(people::invite),
            doc(
                "invitation_create",
                "Invites someone; the link is shown this once. An earlier one ends.",
            )
            .body::<NewInvitation>()
            .creates::<people::InvitationMade>(),
        ),
        call(
            Method::DELETE,
            "/invitations/{invitation}",
            delete(people::withdraw),
            doc("invitation_withdraw", "Withdraws an invitation: its link leads nowhere.")
                .answers_nothing(),
        ),
    ]
}

fn app_calls() -> Vec<Route> {
    let doc = |id, summary| Doc::new(id, "Apps", summary);
    vec![
        reads(
            "/apps",
            get(apps::list),
            doc("app_list", "Apps by name.")
                .query::<SearchQuery>()
                .query::<PageQuery>()
                .answers_page::<App>(),
        ),
        acts(
            "/apps",
            post(apps::create),
            doc("app_create", "Makes an App; its registry must answer.")
                .body::<NewApp>()
                .creates::<App>(),
        )
        .keyed(),
        reads(
            "/apps/{app}",
            get(apps::get),
            doc("app_get", "An App, by id or name.").answers::<App>(),
        ),
        reads(
            "/apps/{app}/chart-versions",
            get(apps::chart_versions),
            doc("chart_versions", "The chart versions that the App's registry offers now.")
                .answers::<ChartVersions>(),
        ),
        reads(
            "/apps/{app}/values",
            get(apps::values),
            doc("app_values", "The App's Helm values; the ETag is their revision.")
                .query::<apps::RevisionQuery>()
                .answers::<ValuesRevision>(),
        ),
        call(
            Method::PUT,
            "/apps/{app}/values",
            put(apps::update_values),
            doc(
                "app_update_values",
                "Saves a new revision and deploys it to every environment that follows; with If-Match only if it is still the newest.",
            )
            .body::<NewValues>()
            .answers::<SavedValues>(),
        ),
        reads(
            "/apps/{app}/settings",
            get(apps::settings),
            doc("app_settings", "The App's settings; the ETag is their revision.")
                .answers::<SettingsRevision>(),
        ),
        call(
            Method::PATCH,
            "/apps/{app}/settings",
            patch(apps::change_settings),
            doc(
                "app_change_settings",
                "Changes the settings that are given; with If-Match only those of that revision.",
            )
            .body::<SettingsChange>()
            .answers::<SettingsRevision>(),
        ),
    ]
}

fn release_calls() -> Vec<Route> {
    let doc = |id, summary| Doc::new(id, "Releases", summary);
    vec![
        reads(
            "/releases",
            get(releases::list),
            doc("release_list", "Releases, last added first.")
                .query::<ReleaseQuery>()
                .query::<PageQuery>()
                .answers_page::<Release>(),
        ),
        acts(
            "/releases",
            post(releases::add),
            doc("release_add", "Adds a Release: fetches, checks and stores the chart.")
                .body::<releases::AddRelease>()
                .creates::<Release>(),
        )
        .keyed()
        .takes(ARCHIVE_BODY),
        reads(
            "/releases/{release}",
            get(releases::get),
            doc("release_get", "A Release, by id.").answers::<Release>(),
        ),
        call(
            Method::PATCH,
            "/releases/{release}",
            patch(releases::change),
            doc("release_archive", "Archives a Release, or takes it back.")
                .body::<releases::ChangeRelease>()
                .answers::<Release>(),
        ),
        reads(
            "/releases/{release}/values",
            get(releases::values),
            doc("release_values", "The Release's own values.").answers::<releases::ValuesText>(),
        ),
        reads(
            "/apps/{app}/releases/{tag}",
            get(releases::find),
            doc("release_find", "A Release, by its App and tag.").answers::<Release>(),
        ),
    ]
}

fn cluster_calls() -> Vec<Route> {
    let doc = |id, summary| Doc::new(id, "Clusters", summary);
    vec![
        reads(
            "/clusters",
            get(clusters::list),
            doc("cluster_list", "Clusters by name.")
                .query::<SearchQuery>()
                .query::<PageQuery>()
                .answers_page::<Cluster>(),
        ),
        acts(
            "/clusters",
            post(clusters::add),
            doc(
                "cluster_add",
                "Adds a cluster by kubeconfig, by address and token, or the one this server runs in; it must answer.",
            )
            .body::<NewCluster>()
            .creates::<Cluster>(),
        )
        .keyed(),
        reads(
            "/cluster-rights",
            get(clusters::rights),
            doc("cluster_rights", "RBAC objects that give an account the rights that Landfall needs, and no more.")
                .query::<clusters::RightsQuery>()
                .answers_type("application/yaml"),
        ),
        acts(
            "/clusters/simulated",
            post(clusters::add_simulated),
            doc("cluster_add_simulated", "Adds a simulated cluster and starts it.")
                .body::<NewSimulatedCluster>()
                .creates::<Cluster>(),
        )
        .keyed(),
        reads(
            "/clusters/{cluster}",
            get(clusters::get),
            doc("cluster_get", "A cluster, by id or name.").answers::<Cluster>(),
        ),
        reads(
            "/clusters/{cluster}/adoptable-releases",
            get(clusters::adoptable),
            doc(
                "adoptable_releases",
                "The Helm releases there that no environment has. Asks the cluster.",
            )
            .query::<clusters::NamespaceQuery>()
            .answers::<AdoptableReleases>(),
        ),
        call(
            Method::PATCH,
            "/clusters/{cluster}",
            patch(clusters::change),
            doc("cluster_change", "Changes what is given; new credentials count if the cluster answers to them.")
                .body::<ClusterChange>()
                .answers::<Cluster>(),
        ),
        acts(
            "/clusters/{cluster}/check",
            post(clusters::check),
            doc("cluster_check", "Looks whether the cluster answers, its version, and what Landfall may not do there.")
                .answers::<ClusterCheck>(),
        ),
    ]
}

fn environment_calls() -> Vec<Route> {
    let doc = |id, summary| Doc::new(id, "App Environments", summary);
    vec![
        reads(
            "/environments",
            get(environments::list),
            doc(
                "environment_list",
                "Living environments; with the status `deleted` those that are gone.",
            )
            .query::<EnvironmentQuery>()
            .query::<PageQuery>()
            .answers_page::<Environment>(),
        ),
        reads(
            "/environment-totals",
            get(environments::totals),
            doc("environment_totals", "How many environments there are, deploy, wait and failed.")
                .answers::<EnvironmentTotals>(),
        ),
        acts(
            "/environments",
            post(environments::create),
            doc("environment_create", "Makes an environment and queues its first deployment.")
                .body::<NewEnvironment>()
                .creates::<environments::EnvironmentMade>(),
        )
        .keyed(),
        acts(
            "/adoptions",
            post(environments::adopt),
            doc(
                "environment_adopt",
                "Makes an environment of a Helm release that is there, without a deployment.",
            )
            .body::<AdoptRelease>()
            .creates::<Adopted>(),
        )
        .keyed(),
        reads(
            "/environments/{environment}/observed-revisions",
            get(environments::observed),
            doc(
                "observed_list",
                "Revisions of its Helm release that no deployment of it wrote, the last first.",
            )
            .query::<PageQuery>()
            .answers_page::<ObservedRevision>(),
        ),
        reads(
            "/environments/{environment}",
            get(environments::get),
            doc("environment_get", "An environment, by id or name; by id a deleted one, too.")
                .answers::<Environment>(),
        ),
        call(
            Method::PATCH,
            "/environments/{environment}",
            patch(environments::change),
            doc("environment_change", "Changes the service account that an environment acts as.")
                .body::<EnvironmentChange>()
                .answers::<Environment>(),
        ),
        call(
            Method::DELETE,
            "/environments/{environment}",
            delete(environments::remove),
            doc(
                "environment_remove",
                "Removes an environment: queues the Op that uninstalls it, or only forgets it.",
            )
            .query::<environments::RemoveQuery>()
            .answers::<Op>(),
        )
        .keyed(),
        reads(
            "/environments/{environment}/removal",
            get(environments::removal_outline),
            doc("removal_outline", "What the removal of an environment would take away.")
                .answers::<Outline>(),
        ),
        acts(
            "/environments/{environment}/keep",
            post(environments::keep),
            doc("environment_keep", "Gives a removal up that has deleted nothing.")
                .answers::<Environment>(),
        ),
        reads(
            "/environments/{environment}/drift",
            get(environments::drift),
            doc("drift_get", "The last drift check of an environment; null before the first.")
                .answers::<Option<DriftCheck>>(),
        ),
        acts(
            "/environments/{environment}/drift",
            post(environments::check_drift),
            doc(
                "drift_check",
                "Compares what runs with what was deployed; closing the connection cancels it.",
            )
            .answers::<DriftCheck>(),
        ),
        reads(
            "/environments/{environment}/values",
            get(environments::values),
            doc(
                "environment_values",
                "Its own values, and what it runs with, each key with its origin.",
            )
            .answers::<EnvironmentValues>(),
        ),
        reads(
            "/environments/{environment}/values/why",
            get(environments::why),
            doc(
                "environment_why",
                "Why it has a value: the layer, since which deployment, and who set it.",
            )
            .query::<WhyQuery>()
            .answers::<ValueOrigin>(),
        ),
        reads(
            "/environments/{environment}/comparison",
            get(environments::comparison),
            doc(
                "environment_comparison",
                "What two deployments, of this environment or of two, have different.",
            )
            .query::<ComparisonQuery>()
            .answers::<Comparison>(),
        ),
        call(
            Method::PUT,
            "/environments/{environment}/values",
            put(environments::update_values),
            doc(
                "environment_update_values",
                "Replaces its own values, by a deployment of the Release that runs.",
            )
            .body::<NewEnvironmentValues>()
            .creates::<Started>(),
        )
        .keyed(),
    ]
}

fn deployment_calls() -> Vec<Route> {
    let doc = |id, summary| Doc::new(id, "Deployments", summary);
    vec![
        acts(
            "/environments/{environment}/previews",
            post(environments::preview),
            doc(
                "deployment_preview",
                "What a deployment would change; closing the connection cancels it.",
            )
            .body::<NewPreview>()
            .creates::<Preview>(),
        ),
        reads(
            "/previews/{preview}",
            get(environments::preview_get),
            doc("preview_get", "A preview made before.").answers::<Preview>(),
        ),
        acts(
            "/environments/{environment}/deployments",
            post(environments::deploy),
            doc(
                "deployment_create",
                "Deploys: a preview exactly as shown, or a Release with values.",
            )
            .body::<NewDeployment>()
            .creates::<Started>(),
        )
        .keyed(),
        acts(
            "/environments/{environment}/rollbacks",
            post(environments::roll_back),
            doc("rollback", "Repeats an earlier deployment of the environment.")
                .body::<environments::MakeRollback>()
                .creates::<Started>(),
        )
        .keyed(),
        reads(
            "/environments/{environment}/deployments/{number}",
            get(environments::deployment),
            doc("deployment_find", "A deployment, by its environment and number.")
                .answers::<DeploymentDetail>(),
        ),
        reads(
            "/deployments",
            get(deployments::list),
            doc("deployment_list", "Deployments over all environments, newest first.")
                .query::<DeploymentQuery>()
                .query::<PageQuery>()
                .answers_page::<Deployment>(),
        ),
        reads(
            "/deployments/{deployment}",
            get(deployments::get),
            doc("deployment_get", "A deployment, by id.").answers::<DeploymentDetail>(),
        ),
        reads(
            "/deployments/{deployment}/content",
            get(deployments::content),
            doc("deployment_content", "What a deployment consisted of, secrets masked.")
                .answers::<DeploymentContent>(),
        ),
        reads(
            "/ops/{op}",
            get(ops::get),
            doc("op_get", "An Op with its steps and objects.").answers::<Op>(),
        ),
        acts(
            "/ops/{op}/cancel",
            post(ops::cancel),
            doc("op_cancel", "Stops an Op at the next safe point.").answers::<Op>(),
        ),
        acts(
            "/ops/{op}/recover",
            post(ops::recover),
            doc(
                "op_recover",
                "Says that nobody works on the revision that the Op waits for: it is marked failed, and the Op goes on.",
            )
            .answers::<Op>(),
        ),
        reads(
            "/ops/{op}/log",
            get(ops::log),
            doc("op_log", "Lines of an Op's log.").query::<ops::LogQuery>().answers::<LogPage>(),
        ),
        reads(
            "/ops/{op}/events",
            get(ops::events),
            doc(
                "op_events",
                "Follows an Op: server-sent events `state`, `log` and `end`, from any line on.",
            )
            .query::<ops::AfterQuery>()
            .answers_type("text/event-stream"),
        ),
    ]
}
