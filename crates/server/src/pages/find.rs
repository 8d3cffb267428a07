//! Finding by name: environments, deployments as `env#7`, Releases, Apps, clusters, pages and acts.
//! A page of its own, which `Ctrl K` shows in a dialogue.

use askama::Template;
use axum::response::{Html, IntoResponse};
use control::environment::{EnvironmentFilter, EnvironmentKind, EnvironmentSort};
use control::release::ReleaseFilter;
use control::rights::{Access, Subject};
use control::store::paging::{Direction, PageRequest};
use serde::Deserialize;

use super::form::Params;
use super::{Chrome, Ctx, PageAnswer, PageError, Section, app};

/// Found things of one kind at most.
const SHOWN: u32 = 6;

#[derive(Template)]
#[template(path = "pages/find.html")]
struct Find {
    chrome: Chrome,
    q: String,
    groups: Vec<Group>,
}

struct Group {
    title: &'static str,
    hits: Vec<Hit>,
}

struct Hit {
    icon: &'static str,
    url: String,
    name: String,
    detail: String,
}

/// What is looked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct FindQuery {
    q: String,
}

/// `GET /find`
pub(crate) async fn find(ctx: Ctx, Params(query): Params<FindQuery>) -> PageAnswer {
    let q = query.q.trim().to_owned();
    let mut groups = vec![
        deployment(&ctx, &q).await?,
        environments(&ctx, &q).await?,
        releases(&ctx, &q).await?,
        apps(&ctx, &q).await?,
        clusters(&ctx, &q).await?,
        places(&ctx, &q),
    ];
    groups.retain(|group| !group.hits.is_empty());
    let page = Find { chrome: ctx.chrome(Section::Other, "Find").await?, q, groups };
    Ok(Html(page.render()?).into_response())
}

/// `northwind-prod#42`, and `northwind-prod #42`.
async fn deployment(ctx: &Ctx, q: &str) -> Result<Group, PageError> {
    let mut hits = Vec::new();
    if let Some((name, number)) = q.split_once('#')
        && let Ok(number) = number.trim().parse()
        && let Ok(found) = ctx.control().deployment_find(&ctx.actor, name.trim(), number).await
    {
        let found = found.deployment;
        hits.push(Hit {
            icon: "rocket",
            url: format!("/environments/{}/deployments/{number}", found.environment.address()),
            name: format!("{} #{number}", found.environment.name),
            detail: crate::view::state::change(&found),
        });
    }
    Ok(Group { title: "Deployments", hits })
}

async fn environments(ctx: &Ctx, q: &str) -> Result<Group, PageError> {
    let filter = EnvironmentFilter {
        search: q.split('#').next().unwrap_or(q).trim().to_owned(),
        ..EnvironmentFilter::default()
    };
    let sort = (EnvironmentSort::LastDeployment, Direction::Descending);
    let page = ctx.control().environment_list(&ctx.actor, &filter, sort, &some(SHOWN)).await?;
    let hits = page.items.into_iter().map(|environment| Hit {
        icon: "layers",
        url: format!("/environments/{}", environment.address()),
        name: environment.name.to_string(),
        detail: format!(
            "{} · {} · {}",
            environment.app.name, environment.kind, environment.cluster.name
        ),
    });
    Ok(Group { title: "App Environments", hits: hits.collect() })
}

async fn releases(ctx: &Ctx, q: &str) -> Result<Group, PageError> {
    if q.is_empty() {
        return Ok(Group { title: "Releases", hits: Vec::new() });
    }
    let filter = ReleaseFilter { search: q.to_owned(), ..ReleaseFilter::default() };
    let page = ctx.control().release_list(&ctx.actor, &filter, &some(SHOWN)).await?;
    let hits = page.items.into_iter().map(|release| Hit {
        icon: "tag",
        url: format!(
            "/releases/{}/{}",
            encode(release.app.name.as_str()),
            encode(release.tag.as_str())
        ),
        name: release.tag.to_string(),
        detail: format!("{} · chart {}", release.app.name, release.chart.version),
    });
    Ok(Group { title: "Releases", hits: hits.collect() })
}

async fn apps(ctx: &Ctx, q: &str) -> Result<Group, PageError> {
    let page = ctx.control().app_list(&ctx.actor, q, &some(SHOWN)).await?;
    let hits = page.items.into_iter().map(|found| Hit {
        icon: "package",
        url: app::path(found.name.as_str()),
        name: found.name.to_string(),
        detail: "App".to_owned(),
    });
    Ok(Group { title: "Apps", hits: hits.collect() })
}

async fn clusters(ctx: &Ctx, q: &str) -> Result<Group, PageError> {
    let page = ctx.control().cluster_list(&ctx.actor, q, &some(SHOWN)).await?;
    let hits = page.items.into_iter().map(|cluster| Hit {
        icon: "server",
        url: format!("/clusters/{}", cluster.name),
        name: cluster.name.to_string(),
        detail: "Cluster".to_owned(),
    });
    Ok(Group { title: "Clusters", hits: hits.collect() })
}

/// Pages and acts, of what the asker may do.
fn places(ctx: &Ctx, q: &str) -> Group {
    let may_environment = ctx.may_write(Subject::Environments(EnvironmentKind::Sandbox));
    let may_app = ctx.may_write(Subject::Apps);
    let may_cluster = ctx.may_write(Subject::Infrastructure);
    let sees = |subject| ctx.actor.access(subject) != Access::None;
    let all = [
        (true, "App Environments", "/environments"),
        (true, "Releases", "/releases"),
        (true, "Deployments", "/deployments"),
        (true, "Batches", "/batches"),
        (true, "Apps", "/apps"),
        (true, "Clusters", "/clusters"),
        (sees(Subject::Account), "Team", "/team"),
        (sees(Subject::Audit), "Audit log", "/audit"),
        (true, "Your account", "/settings"),
        (true, "Sessions", "/settings/sessions"),
        (true, "API tokens", "/tokens"),
        (may_environment, "New environment", "/new/environment"),
        (may_app, "Add release", "/new/release"),
        (may_app, "New App", "/new/app"),
        (sees(Subject::Account), "Invite someone", "/new/invitation"),
        (may_cluster, "Add simulated cluster", "/new/cluster"),
    ];
    let hits =
        all.into_iter().filter(|(may, name, _)| *may && has(name, q)).map(|(_, name, url)| Hit {
            icon: "page",
            url: url.to_owned(),
            name: name.to_owned(),
            detail: String::new(),
        });
    Group { title: "Pages", hits: hits.collect() }
}

fn has(name: &str, q: &str) -> bool {
    name.to_lowercase().contains(&q.to_lowercase())
}

fn some(limit: u32) -> PageRequest {
    PageRequest { cursor: None, limit: Some(limit) }
}

fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
