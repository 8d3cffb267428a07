//! Deployments through the API on a simulated cluster that is ready at once: what Landfall itself takes.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use harness::{Server, charts, op_of};
use serde_json::json;

use crate::median;

pub(crate) const HEADER: [&str; 3] = ["chart", "deployments", "median ms"];

pub(crate) async fn measure(landfall: &Path, runs: usize) -> Result<Vec<Vec<String>>> {
    let folder = tempfile::tempdir()?;
    let server = Server::start(landfall, folder.path(), &["--simulated-pace", "instant"]).await;
    let api = server.set_up().await;
    api.post("/clusters/simulated", json!({ "name": "lab", "admits": "both" })).await;
    let repository = charts::serve(charts::parcel()).await;
    let app = json!({ "name": "Parcel", "chart_kind": "repository", "chart_url": repository, "chart_name": "parcel" });
    api.post("/apps", app).await;
    for (tag, version) in [("2.4.0", "0.31.0"), ("2.4.1", "0.31.2")] {
        api.post("/releases", json!({ "app": "Parcel", "tag": tag, "chart_version": version }))
            .await;
    }
    let environment = json!({ "name": "staging", "app": "Parcel", "kind": "sandbox", "cluster": "lab", "release": "2.4.0" });
    api.op_succeeds(&op_of(&api.post("/environments", environment).await)).await;
    let mut times = Vec::new();
    for run in 0..runs {
        // Every deployment changes something: the version, and a value.
        let tag = if run % 2 == 0 { "2.4.1" } else { "2.4.0" };
        let values = format!("api:\n  maxUploadMegabytes: {}\n", 20 + run);
        let begun = Instant::now();
        let body = json!({ "release": tag, "values": values });
        let started = api.post("/environments/staging/deployments", body).await;
        api.op_succeeds(&op_of(&started)).await;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(vec![vec!["parcel (own)".to_owned(), runs.to_string(), format!("{:.0}", median(times))]])
}
