//! An account of this size: a small one made through the API, then multiplied in its database.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use control::multiply::{Size, multiply};
use harness::{Api, Server, Simulator, charts, client, op_of};
use reqwest::redirect::Policy;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The Apps; the first ones have most environments, the fourth one a tenth of them.
pub(super) const APPS: [&str; 6] = ["Parcel", "Atlas", "Beacon", "Courier", "Ember", "Foundry"];
/// Releases of each App.
const RELEASES: usize = 50;
/// What environments of an App set: each is a group of them that changes alike.
const VALUES: [&str; 3] = [
    "api:\n  replicas: 3\ningress:\n  host: labels.example.com\n",
    "global:\n  edition: enterprise\nweb:\n  replicas: 4\napi:\n  maxUploadMegabytes: 64\n",
    "worker:\n  replicas: 2\n  queue: express\nprinting:\n  endpoint: https://print.example.com\n",
];
const PASSWORD: &str = "correct horse battery staple";

/// Where it is kept, and how it is asked.
pub(super) struct Account {
    pub(super) server: Server,
    /// As an Administrator.
    pub(super) api: Api,
    /// Session cookies of an Administrator and of a person with the role QA.
    pub(super) administrator: String,
    pub(super) qa: String,
    pub(super) simulator: Simulator,
    _folder: Option<TempDir>,
}

/// What an account is to be.
pub(super) struct Wanted<'a> {
    pub(super) landfall: &'a Path,
    /// Whether on PostgreSQL; else on SQLite.
    pub(super) postgres: bool,
    pub(super) size: Size,
    /// Where it is kept; none: nowhere.
    pub(super) keep: Option<PathBuf>,
}

impl Account {
    /// Makes one, or takes the one that was kept, and starts a server on it.
    pub(super) async fn make(wanted: &Wanted<'_>) -> Result<Self> {
        let temporary = if wanted.keep.is_none() { Some(tempfile::tempdir()?) } else { None };
        let folder = match (&wanted.keep, &temporary) {
            (Some(folder), _) => folder.clone(),
            (None, Some(folder)) => folder.path().to_owned(),
            (None, None) => bail!("there is no folder"),
        };
        let data = folder.join("data");
        let cluster = folder.join("cluster");
        std::fs::create_dir_all(&data)?;
        std::fs::create_dir_all(&cluster)?;
        let simulator = Simulator::start(wanted.landfall, &cluster, "instant").await;
        let known = folder.join("known.json");
        if !known.exists() {
            let made = Known::make(wanted, &data, &simulator).await?;
            std::fs::write(&known, serde_json::to_vec(&made)?)?;
        }
        let known: Known = serde_json::from_slice(&std::fs::read(&known)?)?;
        let reached = format!("lab={}", simulator.kubeconfig.display());
        let database = known.postgres.as_deref();
        let more: Vec<&str> = database.iter().flat_map(|url| ["--database-url", url]).collect();
        let more = [&["--simulated-cluster", &reached], more.as_slice()].concat();
        let server = Server::start(wanted.landfall, &data, &more).await;
        let api = Api::new(&server.url, &known.token);
        let administrator = sign_in(&server.url, "ada@example.com").await?;
        let qa = sign_in(&server.url, "qa@example.com").await?;
        Ok(Self { server, api, administrator, qa, simulator, _folder: temporary })
    }

    /// Stops what was started.
    pub(super) async fn stop(self) {
        drop(self.server);
        self.simulator.stop().await;
    }
}

/// What is needed to use it again.
#[derive(Serialize, Deserialize)]
struct Known {
    postgres: Option<String>,
    token: String,
}

impl Known {
    async fn make(wanted: &Wanted<'_>, data: &Path, simulator: &Simulator) -> Result<Self> {
        let postgres = if wanted.postgres { Some(harness::postgres().await) } else { None };
        let database = postgres.as_deref();
        let more: Vec<&str> = database.iter().flat_map(|url| ["--database-url", url]).collect();
        let begun = Instant::now();
        let (server, api) = Server::on_lab(wanted.landfall, data, simulator, &more).await;
        invite(&api, "qa").await?;
        small(&api).await?;
        eprintln!("a small account in {:.0} s", begun.elapsed().as_secs_f64());
        // Nothing else may write meanwhile.
        drop(server);
        let begun = Instant::now();
        let mut told = |what: &str, done: usize, all: usize| {
            eprintln!("{:4.0} s: {what}, {done} of {all}", begun.elapsed().as_secs_f64());
        };
        multiply(&config(data, database), wanted.size, &mut told).await?;
        eprintln!("multiplied in {:.0} s", begun.elapsed().as_secs_f64());
        Ok(Self { token: api.token, postgres })
    }
}

/// Storage as `landfall serve --data` has it.
fn config(data: &Path, postgres: Option<&str>) -> control::Config {
    control::Config {
        database: match postgres {
            Some(url) => control::Database::Postgres(url.into()),
            None => control::Database::Sqlite(data.join("landfall.db")),
        },
        objects: data.join("objects").into(),
        key_file: data.join("key"),
        outbound: control::OutboundPolicy::default(),
        workers: control::WorkerSettings::default(),
        limits: control::Limits::default(),
        simulated: None,
        in_cluster: None,
        dns_server: None,
    }
}

/// Apps with Releases and three environments each, to which something was deployed and something failed.
async fn small(api: &Api) -> Result<()> {
    let repository = charts::serve(charts::parcel()).await;
    for (number, app) in APPS.into_iter().enumerate() {
        let new = json!({ "name": app, "chart_kind": "repository", "chart_url": repository, "chart_name": "parcel" });
        api.post("/apps", new).await;
        let version = ["0.31.0", "0.31.2"][number % 2];
        for release in 0..RELEASES {
            let tag = format!("{}.{}.{}", release / 20 + 1, release / 5 % 4, release % 5);
            let changelog =
                format!("## {tag}\n\n- Labels print faster.\n- Fixed: uploads of {release} MB.\n");
            let new =
                json!({ "app": app, "tag": tag, "chart_version": version, "changelog": changelog });
            api.post("/releases", new).await;
        }
        for (which, values) in VALUES.into_iter().enumerate() {
            environment(api, app, which, values).await?;
        }
    }
    Ok(())
}

/// One that runs: its last deployment succeeded, one before was refused by the chart.
async fn environment(api: &Api, app: &str, which: usize, values: &str) -> Result<()> {
    let name = format!("template-{}-{which}", app.to_lowercase());
    let kind = if which == 0 { "production" } else { "sandbox" };
    let new = json!({
        "name": name, "app": app, "kind": kind, "cluster": "lab", "release": "1.0.0", "values": values,
    });
    api.op_succeeds(&op_of(&api.post("/environments", new).await)).await;
    let deployments = format!("/environments/{name}/deployments");
    let refused = json!({ "release": "1.0.0", "values": "ingress:\n  host: 7\n" });
    let ended = api.op_end(&op_of(&api.post(&deployments, refused).await)).await;
    ensure!(ended["state"] == "failed", "the chart took a number for a host: {ended:#}");
    let again = json!({ "release": "1.0.1", "values": values });
    api.op_succeeds(&op_of(&api.post(&deployments, again).await)).await;
    Ok(())
}

/// The session of a new person of this role.
async fn invite(api: &Api, role: &str) -> Result<String> {
    let email = format!("{role}@example.com");
    let made = api.post("/invitations", json!({ "email": email, "role": role })).await;
    let link = link(&made).context("an invitation has a link")?;
    let form = [("name", "Quinn"), ("password", PASSWORD)];
    cookie(&format!("{}/invitation/{link}", api.url), &form).await
}

/// The secret word at the end of the link in an answer.
fn link(answer: &Value) -> Option<String> {
    let link = answer["url"].as_str()?;
    link.rsplit('/').next().map(str::to_owned)
}

async fn sign_in(url: &str, email: &str) -> Result<String> {
    cookie(&format!("{url}/sign-in"), &[("email", email), ("password", PASSWORD)]).await
}

/// The cookie that a form's answer sets.
async fn cookie(url: &str, form: &[(&str, &str)]) -> Result<String> {
    let http = client().redirect(Policy::none()).build()?;
    let answer = http.post(url).form(form).send().await?;
    let cookie = answer.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok());
    match cookie.and_then(|cookie| cookie.split(';').next()) {
        Some(cookie) => Ok(cookie.to_owned()),
        None => bail!("{url} did not begin a session: {}", answer.status()),
    }
}
