//! `landfall cluster …`: clusters that Landfall deploys to.

mod access;

use std::process::ExitCode;

use anyhow::{Result, bail};
use control::cluster::RightsRequest;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::client::{ServerArgs, part};
use crate::commands::FindArgs;
use crate::output::{self, Format};
use access::AccessArgs;

/// What can be done with clusters.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List clusters
    List(FindArgs),
    /// Show a cluster, with what was found when it was last checked
    Show(OneArgs),
    /// Add a cluster by kubeconfig, by address and token, or the one the server runs in; it must answer
    Add(Box<AddArgs>),
    /// Add a simulated cluster: a Kubernetes API inside Landfall that pretends
    AddSimulated(AddSimulatedArgs),
    /// Change a cluster; what is not named stays. New credentials count only if the cluster answers to them
    Change(Box<ChangeArgs>),
    /// Look whether a cluster answers, its version, and what Landfall may not do there
    Check(OneArgs),
    /// Print the RBAC objects that give an account the rights Landfall needs, and no more; asks no server
    Rbac(RbacArgs),
}

/// One cluster.
#[derive(Debug, clap::Args)]
pub(crate) struct OneArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The cluster
    cluster: String,

    /// How to print it
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// What a cluster is for.
#[derive(Debug, clap::Args)]
struct UseArgs {
    /// Which environments it admits: sandbox, production or both
    #[arg(long, value_name = "KIND")]
    admits: Option<String>,

    /// A namespace that Landfall may use there; may be repeated
    #[arg(long, value_name = "NAMESPACE", conflicts_with = "all_namespaces")]
    namespace: Vec<String>,

    /// Landfall may use all namespaces there
    #[arg(long)]
    all_namespaces: bool,

    /// Whether every environment there must act as a service account of its own
    #[arg(long, value_name = "true|false")]
    demand_accounts: Option<bool>,
}

/// A cluster to be added.
#[derive(Debug, clap::Args)]
pub(crate) struct AddArgs {
    #[command(flatten)]
    one: OneArgs,

    #[command(flatten)]
    used: UseArgs,

    #[command(flatten)]
    access: AccessArgs,
}

/// A simulated cluster to be added.
#[derive(Debug, clap::Args)]
pub(crate) struct AddSimulatedArgs {
    #[command(flatten)]
    one: OneArgs,

    /// Which environments it admits: sandbox, production or both
    #[arg(long, value_name = "KIND", default_value = "both")]
    admits: String,
}

/// What changes.
#[derive(Debug, clap::Args)]
pub(crate) struct ChangeArgs {
    #[command(flatten)]
    one: OneArgs,

    #[command(flatten)]
    used: UseArgs,

    #[command(flatten)]
    access: AccessArgs,
}

/// Whose rights.
#[derive(Debug, clap::Args)]
pub(crate) struct RbacArgs {
    /// A namespace that the account is for; may be repeated. None: all of them, also those that Landfall makes
    #[arg(long, short = 'n', value_name = "NAMESPACE")]
    namespace: Vec<String>,

    /// The account, as namespace/name
    #[arg(long, value_name = "NAMESPACE/NAME", default_value = "landfall/landfall")]
    account: String,

    /// Whether it may act as the service accounts of environments: no, also, or only
    #[arg(long, value_name = "RULE", default_value = "no")]
    impersonation: String,
}

#[derive(Debug, Deserialize)]
struct Row {
    name: String,
    kind: String,
    admits: String,
    #[serde(default)]
    server: Option<String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    access: Option<String>,
    #[serde(default)]
    context: Option<String>,
    #[serde(default)]
    namespaces: Vec<String>,
    #[serde(default)]
    demands_impersonation: bool,
    #[serde(default)]
    check: Option<Check>,
}

#[derive(Debug, Deserialize)]
struct Check {
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    problem: Option<String>,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    missing: Vec<Right>,
}

#[derive(Debug, Deserialize)]
struct Right {
    verbs: Vec<String>,
    resource: String,
    #[serde(default)]
    namespace: Option<String>,
    purpose: String,
}

/// Carries the command out. One that looks at a cluster ends with 1 if it did not answer or lacks a right.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::List(args) => list(args).await,
        Command::Show(args) => {
            let cluster = args.server.client()?.get(&path(&args.cluster)).await?;
            show(args.output, &cluster)
        }
        Command::Add(args) => {
            let mut body = used(&args.used);
            body.insert("name".to_owned(), json!(args.one.cluster));
            body.extend(args.access.fields()?);
            let made =
                args.one.server.client()?.post("/api/v1/clusters", &Value::from(body)).await?;
            show(args.one.output, &made)
        }
        Command::AddSimulated(args) => {
            let body = json!({ "name": args.one.cluster, "admits": args.admits });
            let made = args.one.server.client()?.post("/api/v1/clusters/simulated", &body).await?;
            show(args.one.output, &made)
        }
        Command::Change(args) => {
            let mut body = used(&args.used);
            body.extend(args.access.fields()?);
            if body.is_empty() {
                bail!(
                    "nothing to change: name something, such as --admits both or --kubeconfig FILE"
                );
            }
            let client = args.one.server.client()?;
            let changed = client.patch(&path(&args.one.cluster), &Value::from(body)).await?;
            show(args.one.output, &changed)
        }
        Command::Check(args) => {
            let at = format!("{}/check", path(&args.cluster));
            let answer: Value = args.server.client()?.post(&at, &json!({})).await?;
            let check: Check = serde_json::from_value(answer.clone())?;
            let fine = check.problem.is_none() && check.missing.is_empty();
            output::print(args.output, &answer, &["check", "result"], |_| told(check))?;
            Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Rbac(args) => {
            let asked = RightsRequest {
                namespaces: args.namespace.join(","),
                account: args.account,
                impersonation: args.impersonation,
            };
            print!("{}", asked.manifest()?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn path(cluster: &str) -> String {
    let name = part(cluster);
    format!("/api/v1/clusters/{name}")
}

fn used(args: &UseArgs) -> Map<String, Value> {
    let mut body = Map::new();
    if let Some(admits) = &args.admits {
        body.insert("admits".to_owned(), json!(admits));
    }
    if args.all_namespaces || !args.namespace.is_empty() {
        body.insert("namespaces".to_owned(), json!(args.namespace));
    }
    if let Some(demands) = args.demand_accounts {
        body.insert("demands_impersonation".to_owned(), json!(demands));
    }
    body
}

async fn list(args: FindArgs) -> Result<ExitCode> {
    let search = part(&args.search);
    let path = format!("/api/v1/clusters?limit={}&search={search}", args.limit);
    let page: Value = args.server.client()?.get(&path).await?;
    let items: Vec<Row> = serde_json::from_value(page.get("items").cloned().unwrap_or_default())?;
    let header = ["cluster", "kind", "admits", "kubernetes", "server", "check"];
    output::print(args.output, &page, &header, |_| {
        let row = |row: Row| {
            let check = row.check.as_ref().map_or("–".to_owned(), state);
            let version = row.version.unwrap_or_default();
            vec![row.name, row.kind, row.admits, version, row.server.unwrap_or_default(), check]
        };
        items.into_iter().map(row).collect()
    })?;
    Ok(ExitCode::SUCCESS)
}

/// How it was, in a word or two.
fn state(check: &Check) -> String {
    match (&check.problem, check.missing.len()) {
        (Some(_), _) => "did not answer".to_owned(),
        (None, 0) => "fine".to_owned(),
        (None, _) => "rights are missing".to_owned(),
    }
}

fn show(format: Format, cluster: &Value) -> Result<ExitCode> {
    let row: Row = serde_json::from_value(cluster.clone())?;
    output::print(format, cluster, &["cluster", "value"], |_| {
        let namespaces =
            if row.namespaces.is_empty() { "all".to_owned() } else { row.namespaces.join(", ") };
        let mut rows = vec![
            vec!["name".to_owned(), row.name],
            vec!["kind".to_owned(), row.kind],
            vec!["admits".to_owned(), row.admits],
            vec!["namespaces".to_owned(), namespaces],
            vec!["environments have accounts".to_owned(), row.demands_impersonation.to_string()],
        ];
        let more =
            [("server", row.server), ("signs in with", row.access), ("context", row.context)];
        rows.extend(
            more.into_iter().filter_map(|(name, value)| Some(vec![name.to_owned(), value?])),
        );
        rows.extend(row.check.map(told).unwrap_or_default());
        rows
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A check, line by line.
fn told(check: Check) -> Vec<Vec<String>> {
    let named = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = Vec::new();
    rows.extend(check.version.map(|version| named("kubernetes", version)));
    rows.extend(check.user.map(|user| named("as", user)));
    rows.extend(check.problem.map(|problem| named("problem", problem)));
    let lacks = !check.missing.is_empty();
    for right in check.missing {
        let place = right.namespace.map_or(String::new(), |namespace| format!(" in {namespace}"));
        let what =
            format!("{} {}{place}, to {}", right.verbs.join(", "), right.resource, right.purpose);
        rows.push(named("missing", what));
    }
    if lacks {
        let remedy = "apply what `landfall cluster rbac` prints, or give these rights another way";
        rows.push(named("remedy", remedy.to_owned()));
    }
    rows
}
