//! `landfall env adopt` and `landfall env adoptable`.

use std::process::ExitCode;

use anyhow::Result;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{ServerArgs, Tagged, part, understood};
use crate::output::{self, Format};

/// Which Helm release, and as what.
#[derive(Debug, clap::Args)]
pub(crate) struct AdoptArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The Helm release
    helm_release: String,

    /// Its namespace
    #[arg(long, short = 'n', value_name = "NAMESPACE")]
    namespace: String,

    /// The cluster it runs on
    #[arg(long, value_name = "CLUSTER")]
    cluster: String,

    /// The App that it is an instance of
    #[arg(long, value_name = "APP")]
    app: String,

    /// What the App Environment is for [default: sandbox, where its cluster admits that]
    #[arg(long, value_enum)]
    kind: Option<Kind>,

    /// The App Environment's name [default: that of the Helm release]
    #[arg(long, default_value = "", value_name = "NAME", hide_default_value = true)]
    name: String,

    /// Tag of the release that runs [default: the App's last one with the same chart version, if any]
    #[arg(long, default_value = "", value_name = "TAG", hide_default_value = true)]
    release: String,

    /// How to print what was made
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// What an App Environment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// For customers
    Production,
    /// For trying things
    Sandbox,
}

/// Where to look.
#[derive(Debug, clap::Args)]
pub(crate) struct AdoptableArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The cluster
    cluster: String,

    /// Only this namespace
    #[arg(
        long,
        short = 'n',
        default_value = "",
        value_name = "NAMESPACE",
        hide_default_value = true
    )]
    namespace: String,

    /// How to print them
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

#[derive(Debug, Deserialize)]
struct Adopted {
    environment: Environment,
    warnings: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Environment {
    name: String,
    kind: String,
    #[serde(default)]
    release: Option<Tagged>,
    #[serde(default)]
    observed: Option<Observed>,
}

#[derive(Debug, Deserialize)]
struct Observed {
    revision: i64,
    chart_name: String,
    chart_version: String,
}

#[derive(Debug, Deserialize)]
struct Adoptable {
    releases: Vec<Found>,
    more: bool,
}

#[derive(Debug, Deserialize)]
struct Found {
    namespace: String,
    name: String,
    revision: i64,
    status: String,
    chart_name: String,
    chart_version: String,
}

/// Makes the environment.
pub(super) async fn adopt(args: AdoptArgs) -> Result<ExitCode> {
    let body = json!({
        "cluster": args.cluster,
        "namespace": args.namespace,
        "release_name": args.helm_release,
        "app": args.app,
        "name": args.name,
        "kind": args.kind.map_or(json!(""), |kind| json!(kind)),
        "release": args.release,
    });
    let made: Value = args.server.client()?.post("/api/v1/adoptions", &body).await?;
    let adopted: Adopted = understood(&made)?;
    let header = ["environment", "kind", "release", "helm revision", "chart"];
    output::print(args.output, &made, &header, |_| {
        let Environment { name, kind, release, observed } = adopted.environment;
        let release = release.map_or_else(|| "–".to_owned(), |release| release.tag);
        let (revision, chart) = observed.map_or_else(Default::default, |it| {
            (it.revision.to_string(), format!("{} {}", it.chart_name, it.chart_version))
        });
        vec![vec![name, kind, release, revision, chart]]
    })?;
    for warning in adopted.warnings {
        eprintln!("{warning}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Lists what could be adopted.
pub(super) async fn adoptable(args: AdoptableArgs) -> Result<ExitCode> {
    let path = format!(
        "/api/v1/clusters/{}/adoptable-releases?namespace={}",
        part(&args.cluster),
        part(&args.namespace)
    );
    let answer: Value = args.server.client()?.get(&path).await?;
    let found: Adoptable = understood(&answer)?;
    let header = ["helm release", "namespace", "chart", "revision", "status"];
    output::print(args.output, &answer, &header, |_| {
        let rows = found.releases.into_iter().map(|it| {
            let chart = format!("{} {}", it.chart_name, it.chart_version);
            vec![it.name, it.namespace, chart, it.revision.to_string(), it.status]
        });
        rows.collect()
    })?;
    if found.more {
        eprintln!("There are more; name a namespace by --namespace to find them.");
    }
    Ok(ExitCode::SUCCESS)
}
