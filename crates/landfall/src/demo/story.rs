//! What the demo does, through the API, as a user would: each act is a request that anyone could send.

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use url::Url;

use super::Product;
use crate::client::{Client, watch};

const CLUSTER: &str = "demo";

/// Releases the product; the exit code is that of the deployment that is shown.
pub(crate) async fn tell(client: &Client, product: &Product, repository: &Url) -> Result<ExitCode> {
    let cluster = json!({ "name": CLUSTER, "admits": "both" });
    client.post::<Value>("/api/v1/clusters/simulated", &cluster).await?;
    eprintln!("Cluster `{CLUSTER}`: simulated, no containers run in it");

    let app = json!({
        "name": product.name,
        "chart_kind": "repository",
        "chart_url": repository.as_str().trim_end_matches('/'),
        "chart_name": product.chart,
        "values": product.values,
    });
    client.post::<Value>("/api/v1/apps", &app).await?;
    for release in &product.releases {
        let body = json!({
            "app": product.name,
            "tag": release.tag,
            "chart_version": release.chart_version,
            "changelog": release.changelog,
        });
        client.post::<Value>("/api/v1/releases", &body).await?;
        eprintln!(
            "Release {} of {}: chart {} {}",
            release.tag, product.name, product.chart, release.chart_version
        );
    }
    let first = product.releases.first().context("the product has no release")?;
    let last = product.releases.last().context("the product has no release")?;

    let mut created = Vec::new();
    for environment in &product.environments {
        let body = json!({
            "name": environment.name,
            "app": product.name,
            "kind": environment.kind,
            "cluster": CLUSTER,
            "release": first.tag,
            "values": environment.values,
        });
        let made: Value = client.post("/api/v1/environments", &body).await?;
        eprintln!(
            "App Environment {} ({}): created with release {}",
            environment.name, environment.kind, first.tag
        );
        created.push(op_of(&made)?);
    }
    let shown = product.environments.first().context("the product has no environment")?;
    if product.releases.len() == 1 {
        return Ok(watch::watch(client, &created[0]).await?.report());
    }
    for (environment, op) in product.environments.iter().zip(&created) {
        wait(client, op).await.with_context(|| format!("could not create {}", environment.name))?;
    }
    eprintln!(
        "All environments run release {}. Deploying release {} to {}:",
        first.tag, last.tag, shown.name
    );
    let path = format!("/api/v1/environments/{}/deployments", shown.name);
    let started: Value =
        client.post(&path, &json!({ "release": last.tag, "values": null })).await?;
    Ok(watch::watch(client, &op_of(&started)?).await?.report())
}

fn op_of(answer: &Value) -> Result<String> {
    let id = answer.pointer("/op/id").and_then(Value::as_str);
    id.map(str::to_owned).context("the server's answer names no Op")
}

/// Waits for an Op without its log; where it fails the whole is shown.
async fn wait(client: &Client, op: &str) -> Result<()> {
    let ended = watch::wait(client, op).await?;
    if ended.succeeded() {
        eprintln!("  ✓ {}", ended.what);
        return Ok(());
    }
    ended.report();
    anyhow::bail!("{} did not succeed", ended.what)
}
