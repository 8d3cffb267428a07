//! An environment: overview, its deployments, its values. Live.

use askama::Template;
use axum::response::{IntoResponse, Redirect};

use control::batch::InStore;
use control::deployment::{Deployment, DeploymentFilter};
use control::drift::{DriftCheck, DriftRun, DriftStanding};
use control::environment::{Environment, EnvironmentState, EnvironmentValues};
use control::observed::ObservedRevision;
use control::op::{Op, Removal, Task};
use control::rights::Subject;
use control::store::paging::{Count, Page, PageRequest};

use super::form::{Params, PathOf};
use super::parts::{
    Links, ObjectChange, OriginLine, Pager, code_lines, drifted_objects, origin_lines,
};
use super::{Chrome, Ctx, PageAnswer, PageError, Section};
use crate::live::{self, live_page};
use crate::query::PageQuery;
use crate::view::objects::{Objects, arrange};

/// What the head of all tabs shows.
pub(super) struct Head {
    pub(super) environment: Environment,
    pub(super) tab: Tab,
    pub(super) deployments: Count,
    pub(super) may_deploy: bool,
    pub(super) may_remove: bool,
    /// The Op that removes it, or has, while it is being deleted or is gone.
    pub(super) removal: Option<Gone>,
    /// New App values that are to be deployed to it.
    in_store: Option<InStore>,
}

/// A removal with its Op.
pub(super) struct Gone {
    pub(super) op: Op,
    pub(super) removal: Box<Removal>,
}

/// A line of an environment's history: a deployment, or what others made of its Helm release.
#[derive(Default)]
struct Entry {
    deployment: Option<Deployment>,
    observed: Option<ObservedRevision>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Deployments,
    Values,
    Domain,
    Backups,
}

impl Head {
    pub(super) fn current(&self, tab: Tab) -> &'static str {
        if self.tab == tab { r#" aria-current="page""# } else { "" }
    }

    /// What the main button says: nothing has succeeded here yet, or something has.
    pub(super) fn deploy_label(&self) -> &'static str {
        match self.environment.state {
            EnvironmentState::Creating => "Deploy again",
            _ => "Deploy new version",
        }
    }
}

#[derive(Template)]
#[template(path = "pages/environment.html", blocks = ["live"])]
struct Overview {
    chrome: Chrome,
    head: Head,
    objects: Objects,
    values: Vec<OriginLine>,
    keys: usize,
    history: Vec<Entry>,
    drift: Drift,
}

/// What runs, held against what was deployed.
#[derive(Default)]
struct Drift {
    /// Whether there is something to compare with, and the asker may have it compared.
    may_check: bool,
    last: Option<DriftCheck>,
    objects: Vec<ObjectChange>,
    /// The check that is under way.
    runs: Option<DriftRun>,
    /// Why the last one has no result.
    failed: Option<String>,
}

impl Drift {
    fn count(&self) -> i64 {
        i64::try_from(self.objects.len()).unwrap_or(i64::MAX)
    }
}

#[derive(Template)]
#[template(path = "pages/environment_deployments.html", blocks = ["live"])]
struct Deployments {
    chrome: Chrome,
    head: Head,
    history: Vec<Entry>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "pages/environment_values.html", blocks = ["live"])]
struct ValuesTab {
    chrome: Chrome,
    head: Head,
    own: Vec<String>,
    running: Option<Vec<OriginLine>>,
    values: EnvironmentValues,
}

impl ValuesTab {
    /// Whether the asker may edit them: something of a known release must run.
    fn may_edit(&self) -> bool {
        self.head.may_deploy && self.head.environment.release.is_some()
    }

    /// The page that tells why a value is what it is.
    fn why(&self) -> String {
        format!("/environments/{}/values/why", self.head.environment.address())
    }
}

live_page!(Overview, Deployments, ValuesTab);

/// `GET /environments/{environment}`
pub(crate) async fn overview(ctx: Ctx, PathOf(name): PathOf<String>) -> PageAnswer {
    live::respond(ctx, move |ctx| {
        let name = name.clone();
        async move { read_overview(&ctx, &name).await }
    })
    .await
}

/// `GET /environments/{environment}/deployments`
pub(crate) async fn deployments(
    ctx: Ctx,
    PathOf(name): PathOf<String>,
    Params(page): Params<PageQuery>,
) -> PageAnswer {
    live::respond(ctx, move |ctx| {
        let (name, page) = (name.clone(), page.clone());
        async move { read_deployments(&ctx, &name, &page).await }
    })
    .await
}

/// `GET /environments/{environment}/values`
pub(crate) async fn values(ctx: Ctx, PathOf(name): PathOf<String>) -> PageAnswer {
    live::respond(ctx, move |ctx| {
        let name = name.clone();
        async move { read_values(&ctx, &name).await }
    })
    .await
}

async fn read_overview(ctx: &Ctx, name: &str) -> Result<Overview, PageError> {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let environment = control.environment_get(actor, name).await?;
    let objects = match &environment.current_deployment {
        // What ran there is gone.
        Some(_) if environment.state == EnvironmentState::Deleted => Vec::new(),
        Some(current) => control.op_get(actor, current.op).await?.objects,
        None => Vec::new(),
    };
    let merged = control.environment_values(actor, name).await?.running;
    let page = PageRequest { cursor: None, limit: Some(6) };
    let recent = deployments_of(ctx, &environment, &page).await?;
    let (count, history) = (recent.count, history(ctx, &environment, recent).await?);
    Ok(Overview {
        chrome: ctx.chrome(Section::Environments, environment.name.to_string()).await?,
        values: merged.as_ref().map_or_else(Vec::new, |merged| origin_lines(merged, true)),
        keys: merged.as_ref().map_or(0, |merged| merged.keys.len()),
        drift: read_drift(ctx, &environment).await?,
        objects: arrange(&objects, &[], environment.release_name.as_str()),
        head: head(ctx, environment, Tab::Overview, count).await?,
        history,
    })
}

async fn read_drift(ctx: &Ctx, environment: &Environment) -> Result<Drift, PageError> {
    if environment.state != EnvironmentState::Active {
        return Ok(Drift::default());
    }
    let id = environment.id.to_string();
    let last = ctx.control().drift_get(&ctx.actor, &id).await?;
    let (runs, failed) = match ctx.control().drift_standing(&ctx.actor, &id).await? {
        Some(DriftStanding::Runs(run)) => (Some(run), None),
        Some(DriftStanding::Failed(why)) => (None, Some(why)),
        None => (None, None),
    };
    Ok(Drift {
        runs,
        failed,
        may_check: ctx.may_write(Subject::Environments(environment.kind)),
        objects: last.as_ref().map_or_else(Vec::new, |last| drifted_objects(&last.objects)),
        last,
    })
}

/// `POST /environments/{environment}/drift`: compares, and shows the environment: with the result, or, where that
/// takes longer, with how far it is.
pub(crate) async fn check_drift(ctx: Ctx, PathOf(name): PathOf<String>) -> PageAnswer {
    ctx.control().drift_begin(&ctx.actor, &name).await?;
    Ok(Redirect::to(&format!("/environments/{name}#drift")).into_response())
}

async fn read_deployments(
    ctx: &Ctx,
    name: &str,
    page: &PageQuery,
) -> Result<Deployments, PageError> {
    let environment = ctx.control().environment_get(&ctx.actor, name).await?;
    let page = deployments_of(ctx, &environment, &page.request()?).await?;
    let count = page.count;
    let pager = Pager::of(&page, &Links::of(&ctx.path_and_query), "deployment", "newest first");
    let history = history(ctx, &environment, page).await?;
    Ok(Deployments {
        chrome: ctx.chrome(Section::Environments, format!("Deployments of {name}")).await?,
        head: head(ctx, environment, Tab::Deployments, count).await?,
        pager,
        history,
    })
}

async fn read_values(ctx: &Ctx, name: &str) -> Result<ValuesTab, PageError> {
    let environment = ctx.control().environment_get(&ctx.actor, name).await?;
    let values = ctx.control().environment_values(&ctx.actor, name).await?;
    Ok(ValuesTab {
        chrome: ctx.chrome(Section::Environments, format!("Values of {name}")).await?,
        head: read_head(ctx, environment, Tab::Values).await?,
        own: code_lines(&values.own.values),
        running: values.running.as_ref().map(|merged| origin_lines(merged, false)),
        values,
    })
}

/// The head of a tab that shows no deployments itself.
pub(super) async fn read_head(
    ctx: &Ctx,
    environment: Environment,
    tab: Tab,
) -> Result<Head, PageError> {
    let page = PageRequest { cursor: None, limit: Some(1) };
    let count = deployments_of(ctx, &environment, &page).await?.count;
    head(ctx, environment, tab, count).await
}

async fn head(
    ctx: &Ctx,
    environment: Environment,
    tab: Tab,
    deployments: Count,
) -> Result<Head, PageError> {
    use EnvironmentState::{Active, Creating, Deleted, Deleting};
    let may_write = ctx.may_write(Subject::Environments(environment.kind));
    let may_deploy = may_write && matches!(environment.state, Creating | Active);
    let may_remove = may_write && environment.state != Deleted;
    let mut removal = None;
    if let (Deleting | Deleted, Some(id)) = (environment.state, environment.removal) {
        let op = ctx.control().op_get(&ctx.actor, id).await?;
        if let Task::Removal(of) = &op.task {
            removal = Some(Gone { removal: of.clone(), op });
        }
    }
    let in_store = ctx.control().environment_in_store(&ctx.actor, environment.id).await?;
    Ok(Head { environment, tab, deployments, may_deploy, may_remove, removal, in_store })
}

/// A page of deployments with the observed revisions that belong beside them: each above the deployment that was the
/// last when it was observed.
async fn history(
    ctx: &Ctx,
    environment: &Environment,
    page: Page<Deployment>,
) -> Result<Vec<Entry>, PageError> {
    let number = |deployment: Option<&Deployment>| deployment.map(|it| it.number);
    let first = number(page.items.last()).filter(|_| page.next.is_some());
    let last = number(page.items.first()).filter(|_| page.previous.is_some());
    let beside = ctx.control().observed_beside(&ctx.actor, environment.id, (first, last)).await?;
    let mut beside = beside.into_iter().peekable();
    let mut history = Vec::new();
    let seen = |observed| Entry { observed: Some(observed), ..Entry::default() };
    for deployment in page.items {
        while let Some(observed) = beside.next_if(|it| it.after >= deployment.number) {
            history.push(seen(observed));
        }
        history.push(Entry { deployment: Some(deployment), ..Entry::default() });
    }
    history.extend(beside.map(seen));
    Ok(history)
}

async fn deployments_of(
    ctx: &Ctx,
    environment: &Environment,
    page: &PageRequest,
) -> Result<Page<Deployment>, PageError> {
    let filter =
        DeploymentFilter { environment: Some(environment.id), ..DeploymentFilter::default() };
    Ok(ctx.control().deployment_list(&ctx.actor, &filter, page).await?)
}
