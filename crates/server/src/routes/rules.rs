//! Who may reach which route, and what they may do there: one line for each.
//!
//! What a rule says is enforced by `control`, in the function that the route ends in, for pages and
//! API alike. A test walks every route as every role, signed out and with a token, with things of
//! either kind and of others, and holds the answers against these lines: 404 for what a role may not
//! see, 403 for what it may see and not do. A route without a line fails it.

use http::Method;

/// Who may reach a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Anyone: sign-in, set-up, one-time links, assets, health.
    Anyone,
    /// Everyone who is signed in. What is shown covers only what the asker may see.
    SignedIn,
    /// Who may see what it is about; for others it does not exist.
    Sees(About),
    /// Who may change what it is about.
    Changes(About),
}

/// What a route is about, as far as rights go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// People and their tokens.
    Account,
    /// The asker's own tokens and sessions. An Administrator's are the tokens of others, too.
    Own,
    /// Clusters.
    Infrastructure,
    /// Apps and Releases.
    Apps,
    /// The environment, deployment, Op or preview in the path, or the one to be made: its kind decides.
    Environment,
    /// Production environments, whatever else stands in the path.
    Production,
    /// What runs on the cluster in the path or the body: it takes every kind of environment that the cluster admits.
    Adoption,
    /// The audit log.
    Audit,
}

impl Rule {
    /// The rule in words, for the API's description.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Anyone => "Open to anyone.",
            Self::SignedIn => "For everyone signed in; covers what the asker may see.",
            Self::Sees(About::Account) | Self::Changes(About::Account) => "For Administrators.",
            Self::Sees(About::Own) | Self::Changes(About::Own) => "For whose it is.",
            Self::Sees(About::Infrastructure | About::Apps) => "For everyone signed in.",
            Self::Changes(About::Infrastructure) => "For Administrators and Operations.",
            Self::Changes(About::Apps) => "For Administrators, Operations and Developers.",
            Self::Sees(About::Environment) => "Of production environments, not for QA.",
            Self::Changes(About::Environment) => {
                "Of production environments, for Administrators and Operations."
            }
            Self::Sees(About::Production) => "Not for QA.",
            Self::Changes(About::Production) => "For Administrators and Operations.",
            Self::Sees(About::Adoption) | Self::Changes(About::Adoption) => {
                "On clusters that admit production environments, for Administrators and Operations."
            }
            Self::Sees(About::Audit) | Self::Changes(About::Audit) => {
                "For Administrators and Operations."
            }
        }
    }
}

/// The rule of a route; none where no line says it.
pub(super) fn of(method: &Method, path: &str) -> Option<Rule> {
    let line = |(of, at, _): &&(&str, &str, Rule)| *of == method.as_str() && *at == path;
    PAGES.iter().chain(API).find(line).map(|(_, _, rule)| *rule)
}

use About::{Account, Adoption, Apps, Audit, Environment, Infrastructure, Own, Production};
use Rule::{Anyone, Changes, Sees, SignedIn};

#[rustfmt::skip]
const PAGES: &[(&str, &str, Rule)] = &[
    ("GET", "/", SignedIn),
    ("GET", "/healthz", Anyone),
    ("GET", "/readyz", Anyone),
    ("GET", "/favicon.svg", Anyone),
    ("GET", "/assets/{name}", Anyone),
    ("GET", "/set-up", Anyone),
    ("POST", "/set-up", Anyone),
    ("GET", "/sign-in", Anyone),
    ("POST", "/sign-in", Anyone),
    ("GET", "/sign-in/link/{token}", Anyone),
    ("POST", "/sign-in/link/{token}", Anyone),
    ("GET", "/invitation/{link}", Anyone),
    ("POST", "/invitation/{link}", Anyone),
    ("GET", "/set-password/{link}", Anyone),
    ("POST", "/set-password/{link}", Anyone),
    ("POST", "/sign-out", SignedIn),
    ("GET", "/find", SignedIn),
    ("GET", "/settings", SignedIn),
    ("POST", "/settings/profile", SignedIn),
    ("POST", "/settings/password", SignedIn),
    ("GET", "/settings/sessions", SignedIn),
    ("POST", "/settings/sessions/end-others", SignedIn),
    ("POST", "/settings/sessions/{session}/end", Changes(Own)),
    ("GET", "/tokens", SignedIn),
    ("POST", "/tokens", SignedIn),
    ("GET", "/tokens/{token}/revoke", Changes(Own)),
    ("POST", "/tokens/{token}/revoke", Changes(Own)),
    ("GET", "/team", Sees(Account)),
    ("GET", "/new/invitation", Changes(Account)),
    ("POST", "/new/invitation", Changes(Account)),
    ("POST", "/invitations/{invitation}/withdraw", Changes(Account)),
    ("GET", "/team/{person}", Sees(Account)),
    ("POST", "/team/{person}/role", Changes(Account)),
    ("POST", "/team/{person}/state", Changes(Account)),
    ("POST", "/team/{person}/reset-password", Changes(Account)),
    ("GET", "/team/{person}/remove", Changes(Account)),
    ("POST", "/team/{person}/remove", Changes(Account)),
    ("GET", "/audit", Sees(Audit)),
    ("GET", "/audit/export", Sees(Audit)),
    ("GET", "/environments", SignedIn),
    ("GET", "/new/environment", SignedIn),
    ("POST", "/new/environment", Changes(Environment)),
    ("GET", "/new/adoption", SignedIn),
    ("POST", "/new/adoption", Changes(Adoption)),
    ("GET", "/environments/{environment}", Sees(Environment)),
    ("GET", "/environments/{environment}/deployments", Sees(Environment)),
    ("GET", "/environments/{environment}/values", Sees(Environment)),
    ("GET", "/environments/{environment}/values/edit", Sees(Environment)),
    ("POST", "/environments/{environment}/values", Changes(Environment)),
    ("GET", "/environments/{environment}/values/why", Sees(Environment)),
    ("GET", "/environments/{environment}/comparison", Sees(Environment)),
    ("GET", "/environments/{environment}/domain", Sees(Environment)),
    ("POST", "/environments/{environment}/domain", Changes(Environment)),
    ("POST", "/environments/{environment}/domain/check", Changes(Environment)),
    ("POST", "/environments/{environment}/domain/certificate", Changes(Environment)),
    ("POST", "/environments/{environment}/domain/issuer", Changes(Environment)),
    ("POST", "/environments/{environment}/domain/address", Changes(Environment)),
    ("GET", "/environments/{environment}/domain/remove", Sees(Environment)),
    ("POST", "/environments/{environment}/domain/remove", Changes(Environment)),
    ("POST", "/environments/{environment}/domain/preview", Changes(Environment)),
    ("POST", "/environments/{environment}/domain/deploy", Changes(Environment)),
    ("GET", "/environments/{environment}/backups", Sees(Environment)),
    ("POST", "/environments/{environment}/backups", Changes(Environment)),
    ("POST", "/environments/{environment}/backups/schedule", Changes(Environment)),
    ("GET", "/environments/{environment}/backups/{backup}", Sees(Environment)),
    ("GET", "/environments/{environment}/backups/{backup}/restore", Sees(Environment)),
    ("POST", "/environments/{environment}/backups/{backup}/restore", Changes(Environment)),
    ("GET", "/environments/{environment}/backups/{backup}/delete", Sees(Environment)),
    ("POST", "/environments/{environment}/backups/{backup}/delete", Changes(Environment)),
    ("GET", "/environments/{environment}/deploy", Sees(Environment)),
    ("POST", "/environments/{environment}/deploy", Changes(Environment)),
    ("POST", "/environments/{environment}/preview", Changes(Environment)),
    ("POST", "/environments/{environment}/drift", Changes(Environment)),
    ("GET", "/environments/{environment}/remove", Sees(Environment)),
    ("POST", "/environments/{environment}/remove", Changes(Environment)),
    ("GET", "/environments/{environment}/account", Sees(Environment)),
    ("POST", "/environments/{environment}/account", Changes(Environment)),
    ("POST", "/environments/{environment}/keep", Changes(Environment)),
    ("GET", "/environments/{environment}/deployments/{number}", Sees(Environment)),
    ("GET", "/environments/{environment}/deployments/{number}/content", Sees(Environment)),
    ("GET", "/environments/{environment}/deployments/{number}/log", Sees(Environment)),
    ("POST", "/environments/{environment}/deployments/{number}/cancel", Changes(Environment)),
    ("POST", "/environments/{environment}/deployments/{number}/recover", Changes(Environment)),
    ("GET", "/environments/{environment}/deployments/{number}/roll-back", Sees(Environment)),
    ("POST", "/environments/{environment}/deployments/{number}/roll-back", Changes(Environment)),
    ("GET", "/deployments", SignedIn),
    ("GET", "/ops/{op}", Sees(Environment)),
    ("GET", "/ops/{op}/log", Sees(Environment)),
    ("POST", "/ops/{op}/cancel", Changes(Environment)),
    ("GET", "/releases", SignedIn),
    ("GET", "/new/release", SignedIn),
    ("POST", "/new/release", Changes(Apps)),
    ("GET", "/releases/{app}/{tag}", Sees(Apps)),
    ("POST", "/releases/{app}/{tag}/archive", Changes(Apps)),
    ("GET", "/apps", SignedIn),
    ("GET", "/new/app", SignedIn),
    ("POST", "/new/app", Changes(Apps)),
    ("GET", "/apps/{app}", Sees(Apps)),
    ("GET", "/apps/{app}/values", Sees(Apps)),
    ("POST", "/apps/{app}/values", Changes(Apps)),
    ("POST", "/apps/{app}/values/preview", Sees(Apps)),
    ("POST", "/apps/{app}/values/preview/{preview}/cancel", Sees(Apps)),
    ("GET", "/apps/{app}/values/preview/{preview}/{group}", Sees(Apps)),
    ("GET", "/batches", SignedIn),
    ("GET", "/batches/{batch}", Sees(Apps)),
    ("POST", "/batches/{batch}/pause", Changes(Apps)),
    ("POST", "/batches/{batch}/resume", Changes(Apps)),
    ("POST", "/batches/{batch}/drop", Changes(Apps)),
    ("POST", "/batches/{batch}/let-go", Changes(Production)),
    ("GET", "/apps/{app}/settings", Sees(Apps)),
    ("POST", "/apps/{app}/settings", Changes(Apps)),
    ("GET", "/apps/{app}/backups", Sees(Apps)),
    ("POST", "/apps/{app}/backups", Changes(Infrastructure)),
    ("GET", "/clusters", SignedIn),
    ("GET", "/new/cluster", SignedIn),
    ("POST", "/new/cluster", Changes(Infrastructure)),
    ("GET", "/new/kubernetes-cluster", SignedIn),
    ("POST", "/new/kubernetes-cluster", Changes(Infrastructure)),
    ("GET", "/new/cluster-rights", SignedIn),
    ("GET", "/clusters/{cluster}", Sees(Infrastructure)),
    ("GET", "/clusters/{cluster}/change", Sees(Infrastructure)),
    ("POST", "/clusters/{cluster}/change", Changes(Infrastructure)),
    ("POST", "/clusters/{cluster}/check", Changes(Infrastructure)),
];

#[rustfmt::skip]
const API: &[(&str, &str, Rule)] = &[
    ("GET", "/api/v1/openapi.json", Anyone),
    ("POST", "/api/v1/sign-in", Anyone),
    ("POST", "/api/v1/sign-out", SignedIn),
    ("GET", "/api/v1/self", SignedIn),
    ("PATCH", "/api/v1/self", SignedIn),
    ("PUT", "/api/v1/self/password", SignedIn),
    ("GET", "/api/v1/sessions", SignedIn),
    ("POST", "/api/v1/sessions/end-others", SignedIn),
    ("DELETE", "/api/v1/sessions/{session}", Changes(Own)),
    ("GET", "/api/v1/tokens", SignedIn),
    ("POST", "/api/v1/tokens", SignedIn),
    ("DELETE", "/api/v1/tokens/{token}", Changes(Own)),
    ("GET", "/api/v1/people", Sees(Account)),
    ("GET", "/api/v1/people/{person}", Sees(Account)),
    ("PATCH", "/api/v1/people/{person}", Changes(Account)),
    ("DELETE", "/api/v1/people/{person}", Changes(Account)),
    ("GET", "/api/v1/people/{person}/tokens", Sees(Account)),
    ("POST", "/api/v1/people/{person}/password-reset", Changes(Account)),
    ("GET", "/api/v1/invitations", Sees(Account)),
    ("POST", "/api/v1/invitations", Changes(Account)),
    ("DELETE", "/api/v1/invitations/{invitation}", Changes(Account)),
    ("GET", "/api/v1/audit", Sees(Audit)),
    ("GET", "/api/v1/audit/export", Sees(Audit)),
    ("GET", "/api/v1/apps", SignedIn),
    ("POST", "/api/v1/apps", Changes(Apps)),
    ("GET", "/api/v1/apps/{app}", Sees(Apps)),
    ("GET", "/api/v1/apps/{app}/chart-versions", Sees(Apps)),
    ("GET", "/api/v1/apps/{app}/values", Sees(Apps)),
    ("PUT", "/api/v1/apps/{app}/values", Changes(Apps)),
    ("POST", "/api/v1/apps/{app}/values/previews", Sees(Apps)),
    ("GET", "/api/v1/fleet-previews/{preview}", Sees(Apps)),
    ("GET", "/api/v1/fleet-previews/{preview}/groups/{group}/environments", Sees(Apps)),
    ("POST", "/api/v1/fleet-previews/{preview}/cancel", Sees(Apps)),
    ("GET", "/api/v1/batches", SignedIn),
    ("GET", "/api/v1/batches/{batch}", Sees(Apps)),
    ("GET", "/api/v1/batches/{batch}/environments", Sees(Apps)),
    ("POST", "/api/v1/batches/{batch}/pause", Changes(Apps)),
    ("POST", "/api/v1/batches/{batch}/resume", Changes(Apps)),
    ("POST", "/api/v1/batches/{batch}/drop", Changes(Apps)),
    ("POST", "/api/v1/batches/{batch}/let-go", Changes(Production)),
    ("GET", "/api/v1/apps/{app}/settings", Sees(Apps)),
    ("PATCH", "/api/v1/apps/{app}/settings", Changes(Apps)),
    ("GET", "/api/v1/apps/{app}/backup-methods", Sees(Apps)),
    ("PUT", "/api/v1/apps/{app}/backup-methods", Changes(Infrastructure)),
    ("GET", "/api/v1/releases", SignedIn),
    ("POST", "/api/v1/releases", Changes(Apps)),
    ("GET", "/api/v1/releases/{release}", Sees(Apps)),
    ("PATCH", "/api/v1/releases/{release}", Changes(Apps)),
    ("GET", "/api/v1/releases/{release}/values", Sees(Apps)),
    ("GET", "/api/v1/apps/{app}/releases/{tag}", Sees(Apps)),
    ("GET", "/api/v1/clusters", SignedIn),
    ("POST", "/api/v1/clusters", Changes(Infrastructure)),
    ("GET", "/api/v1/cluster-rights", SignedIn),
    ("POST", "/api/v1/clusters/simulated", Changes(Infrastructure)),
    ("GET", "/api/v1/clusters/{cluster}", Sees(Infrastructure)),
    ("GET", "/api/v1/clusters/{cluster}/adoptable-releases", Changes(Adoption)),
    ("PATCH", "/api/v1/clusters/{cluster}", Changes(Infrastructure)),
    ("POST", "/api/v1/clusters/{cluster}/check", Changes(Infrastructure)),
    ("GET", "/api/v1/environments", SignedIn),
    ("GET", "/api/v1/environment-totals", SignedIn),
    ("POST", "/api/v1/environments", Changes(Environment)),
    ("POST", "/api/v1/adoptions", Changes(Adoption)),
    ("GET", "/api/v1/environments/{environment}/observed-revisions", Sees(Environment)),
    ("GET", "/api/v1/environments/{environment}", Sees(Environment)),
    ("PATCH", "/api/v1/environments/{environment}", Changes(Environment)),
    ("DELETE", "/api/v1/environments/{environment}", Changes(Environment)),
    ("GET", "/api/v1/environments/{environment}/removal", Sees(Environment)),
    ("POST", "/api/v1/environments/{environment}/keep", Changes(Environment)),
    ("GET", "/api/v1/environments/{environment}/drift", Sees(Environment)),
    ("POST", "/api/v1/environments/{environment}/drift", Changes(Environment)),
    ("GET", "/api/v1/environments/{environment}/values", Sees(Environment)),
    ("PUT", "/api/v1/environments/{environment}/values", Changes(Environment)),
    ("GET", "/api/v1/environments/{environment}/values/why", Sees(Environment)),
    ("GET", "/api/v1/environments/{environment}/comparison", Sees(Environment)),
    ("GET", "/api/v1/environments/{environment}/domains", Sees(Environment)),
    ("POST", "/api/v1/environments/{environment}/domains", Changes(Environment)),
    ("GET", "/api/v1/environments/{environment}/domains/{host}", Sees(Environment)),
    ("DELETE", "/api/v1/environments/{environment}/domains/{host}", Changes(Environment)),
    ("POST", "/api/v1/environments/{environment}/domains/{host}/check", Changes(Environment)),
    ("PUT", "/api/v1/environments/{environment}/domains/{host}/certificate", Changes(Environment)),
    ("DELETE", "/api/v1/environments/{environment}/domains/{host}/certificate", Changes(Environment)),
    ("PUT", "/api/v1/environments/{environment}/domain-address", Changes(Environment)),
    ("POST", "/api/v1/environments/{environment}/domains/{host}/previews", Changes(Environment)),
    ("POST", "/api/v1/environments/{environment}/domains/{host}/deployments", Changes(Environment)),
    ("POST", "/api/v1/environments/{environment}/domain-reset-previews", Changes(Environment)),
    ("POST", "/api/v1/environments/{environment}/domain-resets", Changes(Environment)),
    ("GET", "/api/v1/environments/{environment}/backups", Sees(Environment)),
    ("POST", "/api/v1/environments/{environment}/backups", Changes(Environment)),
    ("GET", "/api/v1/environments/{environment}/backups/{backup}", Sees(Environment)),
    ("DELETE", "/api/v1/environments/{environment}/backups/{backup}", Changes(Environment)),
    ("POST", "/api/v1/environments/{environment}/backups/{backup}/restorations", Changes(Environment)),
    ("GET", "/api/v1/environments/{environment}/backup-schedule", Sees(Environment)),
    ("PUT", "/api/v1/environments/{environment}/backup-schedule", Changes(Environment)),
    ("POST", "/api/v1/environments/{environment}/previews", Changes(Environment)),
    ("GET", "/api/v1/previews/{preview}", Changes(Environment)),
    ("POST", "/api/v1/environments/{environment}/deployments", Changes(Environment)),
    ("POST", "/api/v1/environments/{environment}/rollbacks", Changes(Environment)),
    ("GET", "/api/v1/environments/{environment}/deployments/{number}", Sees(Environment)),
    ("GET", "/api/v1/deployments", SignedIn),
    ("GET", "/api/v1/deployments/{deployment}", Sees(Environment)),
    ("GET", "/api/v1/deployments/{deployment}/content", Sees(Environment)),
    ("GET", "/api/v1/ops/{op}", Sees(Environment)),
    ("POST", "/api/v1/ops/{op}/cancel", Changes(Environment)),
    ("POST", "/api/v1/ops/{op}/recover", Changes(Environment)),
    ("GET", "/api/v1/ops/{op}/log", Sees(Environment)),
    ("GET", "/api/v1/ops/{op}/events", Sees(Environment)),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Every route has its line, and every line its route.
    #[test]
    fn lines_and_routes() {
        let of_routes: Vec<String> = crate::routes::table()
            .iter()
            .map(|route| format!("{} {}", route.method, route.path))
            .collect();
        let of_lines: Vec<String> =
            PAGES.iter().chain(API).map(|(method, path, _)| format!("{method} {path}")).collect();
        let without: Vec<&String> = of_routes.iter().filter(|r| !of_lines.contains(r)).collect();
        assert!(without.is_empty(), "routes without a line in rules.rs: {without:#?}");
        let stale: Vec<&String> = of_lines.iter().filter(|l| !of_routes.contains(l)).collect();
        assert!(stale.is_empty(), "lines without a route: {stale:#?}");
    }
}
