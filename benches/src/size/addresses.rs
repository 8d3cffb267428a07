//! Which addresses are asked for: every path that the product's table of routes has to be read, with the filters, sorts and
//! words that its page offers. A path of the table that stands in neither list here fails a test.

/// A path, and what is asked of it: each query is measured by itself. In queries, `{…}` stands for one of what there is.
pub(super) type Asked = (&'static str, &'static [&'static str]);

/// Lists: read page after page, as an Administrator and as QA.
pub(super) const LISTS: &[Asked] = &[
    ("/environments", ENVIRONMENTS),
    ("/api/v1/environments", ENVIRONMENTS),
    ("/deployments", DEPLOYMENTS),
    ("/api/v1/deployments", DEPLOYMENTS),
    ("/releases", RELEASES),
    ("/api/v1/releases", RELEASES),
    ("/apps", &["", "search={app}"]),
    ("/api/v1/apps", &["", "search={app}"]),
    ("/clusters", &["", "search=customer", "search={cluster}"]),
    ("/api/v1/clusters", &["", "search=customer", "search={cluster}"]),
    ("/batches", &["", "app={app}", "open=true"]),
    ("/api/v1/batches", &["", "app={app}", "open=true"]),
    ("/batches/{batch}", &["", "state=failed"]),
    ("/api/v1/batches/{batch}/environments", &["", "state=failed", "limit=200"]),
    ("/environments/{environment}/deployments", &[""]),
    ("/api/v1/environments/{environment}/observed-revisions", &[""]),
    ("/environments/{environment}/backups", &[""]),
    ("/api/v1/environments/{environment}/backups", &[""]),
    (
        "/find",
        &["q={word}", "q={environment}", "q={environment}%23{number}", "q={tag}", "q=p", "q="],
    ),
    ("/team", &["", "search=ada", "role=developer"]),
    ("/api/v1/people", &["", "search=ada", "role=developer"]),
    ("/api/v1/invitations", &[""]),
    ("/audit", AUDIT),
    ("/api/v1/audit", AUDIT),
    ("/api/v1/fleet-previews/{preview}/groups/{group}/environments", &[""]),
    ("/apps/{app}/values/preview/{preview}/{group}", &[""]),
];

const ENVIRONMENTS: &[&str] = &[
    "",
    "sort=name",
    "sort=name&direction=descending",
    "direction=ascending",
    "kind=production",
    "app={app}",
    "cluster={cluster}",
    "release={app}/{tag}",
    "status=failed",
    "status=deploying",
    "status=deleted",
    "app={app}&kind=sandbox",
    "app={app}&status=failed",
    "cluster={cluster}&status=failed",
    "app={app}&cluster={cluster}&kind=production&status=running&sort=name",
    "search={word}",
    "search={environment}",
    "search=zzz",
    "search={word}+prod",
    "search=app-environment",
    "search={word}&app={app}&kind=production",
    "search={word}&sort=name",
    "limit=200",
];

const DEPLOYMENTS: &[&str] = &[
    "",
    "environment={environment}",
    "app={app}",
    "release={app}/{tag}",
    "kind=production",
    "state=failed",
    "state=running",
    "state=needs_confirmation",
    "trigger=rollback",
    "trigger=manual",
    "trigger=domain_deployed",
    "batch={batch}",
    "app={app}&state=failed",
    "app={app}&kind=production&state=failed",
    "app={app}&trigger=rollback",
    "app={app}&state=running",
    "release={app}/{tag}&state=failed",
    "environment={environment}&state=failed",
    "environment={environment}&trigger=rollback",
    "kind=production&trigger=rollback",
    "state=failed&trigger=rollback",
    "state=superseded&kind=production&trigger=values_updated",
    "batch={batch}&state=failed",
    "search={word}",
    "search={environment}",
    "search={environment}%23{number}",
    "search=zzz",
    "search={word}+prod",
    "search=app-environment",
    "search={word}&state=failed",
    "search={word}&app={app}&kind=production&trigger=rollback",
    "limit=200",
];

const RELEASES: &[&str] = &[
    "",
    "app={app}",
    "search={tag}",
    "search=labels",
    "search=labels+uploads",
    "app={app}&search=faster",
    "archived=true",
];

const AUDIT: &[&str] = &[
    "",
    "search={word}",
    "search=ada",
    "search=deployment.create",
    "search={environment}",
    "search={word}+rollback",
    "by={person}",
    "action=deployment.rollback",
    "action=deployment.create",
    "subject={deployment}",
    "since={day}",
    "until={day}",
    "by={person}&action=deployment.rollback",
    "search=ada&since={day}",
];

/// Pages and calls about one thing.
pub(super) const SINGLE: &[Asked] = &[
    ("/healthz", &[""]),
    ("/readyz", &[""]),
    ("/tokens", &[""]),
    ("/settings", &[""]),
    ("/settings/sessions", &[""]),
    ("/new/invitation", &[""]),
    ("/team/{person}", &[""]),
    ("/team/{person}/remove", &[""]),
    ("/new/environment", &[""]),
    ("/new/adoption", &[""]),
    ("/environments/{environment}", &[""]),
    ("/environments/{environment}/values", &[""]),
    ("/environments/{environment}/values/edit", &[""]),
    ("/environments/{environment}/values/why", &["key=api.replicas", "key=worker.queue"]),
    ("/environments/{environment}/comparison", &["", "with={other}"]),
    ("/environments/{environment}/deploy", &[""]),
    ("/environments/{environment}/remove", &[""]),
    ("/environments/{environment}/account", &[""]),
    ("/environments/{environment}/domain", &[""]),
    ("/environments/{environment}/deployments/{number}", &[""]),
    ("/environments/{environment}/deployments/{number}/content", &[""]),
    ("/environments/{environment}/deployments/{number}/log", &[""]),
    ("/environments/{environment}/deployments/{number}/roll-back", &[""]),
    ("/environments/{backed_up}/backups/{backup}", &[""]),
    ("/environments/{backed_up}/backups/{backup}/restore", &[""]),
    ("/environments/{backed_up}/backups/{backup}/delete", &[""]),
    ("/apps/{app}/backups", &[""]),
    ("/new/release", &[""]),
    ("/releases/{app}/{tag}", &[""]),
    ("/new/app", &[""]),
    ("/apps/{app}", &[""]),
    ("/apps/{app}/values", &[""]),
    ("/apps/{app}/settings", &[""]),
    ("/new/cluster", &[""]),
    ("/new/kubernetes-cluster", &[""]),
    ("/new/cluster-rights", &[""]),
    ("/clusters/{cluster}", &[""]),
    ("/clusters/{cluster}/change", &[""]),
    ("/api/v1/openapi.json", &[""]),
    ("/api/v1/self", &[""]),
    ("/api/v1/sessions", &[""]),
    ("/api/v1/tokens", &[""]),
    ("/api/v1/people/{person}", &[""]),
    ("/api/v1/people/{person}/tokens", &[""]),
    ("/api/v1/apps/{app}", &[""]),
    ("/api/v1/apps/{app}/values", &[""]),
    ("/api/v1/apps/{app}/settings", &[""]),
    ("/api/v1/apps/{app}/backup-methods", &[""]),
    ("/api/v1/releases/{release}", &[""]),
    ("/api/v1/releases/{release}/values", &[""]),
    ("/api/v1/apps/{app}/releases/{tag}", &[""]),
    ("/api/v1/clusters/{cluster}", &[""]),
    ("/api/v1/cluster-rights", &[""]),
    ("/api/v1/environment-totals", &[""]),
    ("/api/v1/environments/{environment}", &[""]),
    ("/api/v1/environments/{environment}/removal", &[""]),
    ("/api/v1/environments/{environment}/values", &[""]),
    ("/api/v1/environments/{environment}/values/why", &["key=api.replicas"]),
    ("/api/v1/environments/{environment}/comparison", &["", "with={other}"]),
    ("/api/v1/environments/{environment}/domains", &[""]),
    ("/api/v1/environments/{environment}/backup-schedule", &[""]),
    ("/api/v1/environments/{environment}/deployments/{number}", &[""]),
    ("/api/v1/environments/{backed_up}/backups/{backup}", &[""]),
    ("/api/v1/deployments/{deployment}", &[""]),
    ("/api/v1/deployments/{deployment}/content", &[""]),
    ("/api/v1/ops/{op}", &[""]),
    ("/api/v1/ops/{op}/log", &[""]),
    ("/api/v1/batches/{batch}", &[""]),
    ("/api/v1/fleet-previews/{preview}", &[""]),
];

/// What is not asked, and why.
pub(super) const LEFT_OUT: &[(&str, &str)] = &[
    ("/", "leads to /environments"),
    ("/favicon.svg", "a file in the binary"),
    ("/assets/{name}", "a file in the binary"),
    ("/set-up", "answers only while nobody is there"),
    ("/sign-in", "leads to / whoever is signed in"),
    ("/sign-in/link/{token}", "takes a link that is shown once"),
    ("/invitation/{link}", "takes a link that is shown once"),
    ("/set-password/{link}", "takes a link that is shown once"),
    ("/tokens/{token}/revoke", "a question about one row"),
    ("/audit/export", "everything there is, as a stream"),
    ("/api/v1/audit/export", "everything there is, as a stream"),
    ("/api/v1/clusters/{cluster}/adoptable-releases", "asks a cluster"),
    ("/api/v1/apps/{app}/chart-versions", "asks a registry"),
    ("/api/v1/previews/{preview}", "is there only after a cluster was asked"),
    ("/api/v1/environments/{environment}/drift", "is there only after a cluster was asked"),
    ("/api/v1/ops/{op}/events", "a stream; its lines are measured apart"),
    (
        "/ops/{op}",
        "the page of a removal, of which the account has none; other Ops lead to their own",
    ),
    ("/ops/{op}/log", "the log of a removal or backup; the one of a deployment is the same"),
    (
        "/api/v1/environments/{environment}/domains/{host}",
        "one row of the list of domains, which is asked for whole",
    ),
    ("/environments/{environment}/domain/remove", "a question about one row"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every path that can be read is measured, or it is said why not; and none that is gone still stands here.
    #[test]
    fn no_path_is_forgotten() {
        // The same place under another name: an environment that has backups.
        let asked = LISTS
            .iter()
            .chain(SINGLE)
            .map(|(path, _)| path.replace("{backed_up}", "{environment}"));
        let known: BTreeSet<String> =
            asked.chain(LEFT_OUT.iter().map(|(path, _)| (*path).to_owned())).collect();
        let there: BTreeSet<String> = server::read_paths().into_iter().collect();
        let forgotten: Vec<&String> = there.difference(&known).collect();
        assert!(forgotten.is_empty(), "add to LISTS, SINGLE or LEFT_OUT: {forgotten:#?}");
        let gone: Vec<&String> = known.difference(&there).collect();
        assert!(gone.is_empty(), "take away: {gone:#?}");
    }
}
