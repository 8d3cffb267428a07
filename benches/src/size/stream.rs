//! How soon a line of an Op's log is with those who follow it.

use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use harness::op_of;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::{APPS, Account};
use super::percentile;

pub(super) const HEADER: [&str; 6] =
    ["followers", "Ops", "lines", "p50 ms", "p99 ms", "at most ms"];

/// Deployments that are followed.
const OPS: usize = 20;

pub(super) async fn measure(account: &Account) -> Result<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    // An account that is kept has those of earlier runs.
    let name = format!("followed-{}", Timestamp::now().as_second());
    let kind = json!({ "name": name, "app": APPS[0], "kind": "sandbox", "cluster": "lab", "release": "1.0.0" });
    account.api.op_succeeds(&op_of(&account.api.post("/environments", kind).await)).await;
    for followers in [1, 50] {
        let took = Arc::new(Mutex::new(Vec::new()));
        for run in 0..OPS {
            let values = format!("api:\n  maxUploadMegabytes: {}\n", 20 + run + followers);
            let new = json!({ "release": "1.0.1", "values": values });
            let op =
                op_of(&account.api.post(&format!("/environments/{name}/deployments"), new).await);
            let following: Vec<_> = (0..followers)
                .map(|_| {
                    tokio::spawn(follow(
                        account.api.url.clone(),
                        account.api.token.clone(),
                        op.clone(),
                        took.clone(),
                    ))
                })
                .collect();
            for follower in following {
                follower.await??;
            }
        }
        let mut took = took.lock().map(|took| took.clone()).unwrap_or_default();
        rows.push(vec![
            followers.to_string(),
            OPS.to_string(),
            took.len().to_string(),
            format!("{:.0}", percentile(&mut took, 50)),
            format!("{:.0}", percentile(&mut took, 99)),
            format!("{:.0}", percentile(&mut took, 100)),
        ]);
    }
    Ok(rows)
}

/// Follows an Op to its end, and notes how old each line of Landfall's own is when it comes. What was said before the
/// follower was there is not counted.
async fn follow(url: String, token: String, op: String, took: Arc<Mutex<Vec<f64>>>) -> Result<()> {
    let http = harness::client().build()?;
    let began = Timestamp::now();
    let address = format!("{url}/api/v1/ops/{op}/events");
    let mut answer = http.get(address).bearer_auth(token).send().await?.error_for_status()?;
    let mut text = String::new();
    while let Some(chunk) = answer.chunk().await? {
        let now = Timestamp::now();
        text.push_str(&String::from_utf8_lossy(&chunk));
        while let Some(end) = text.find("\n\n") {
            let event: String = text.drain(..end + 2).collect();
            let data =
                event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or_default();
            if event.contains("event: end") {
                return Ok(());
            }
            if event.contains("event: log") {
                let lines: Vec<Value> = serde_json::from_str(data)?;
                let ages = lines.iter().filter(|line| line["source"]["from"] == "landfall");
                let said = ages.filter_map(|line| line["at"].as_str()?.parse::<Timestamp>().ok());
                let ages = said
                    .filter(|at| *at > began)
                    .map(|at| now.duration_since(at).as_secs_f64() * 1000.0);
                took.lock().ok().context("no code panics while it holds the ages")?.extend(ages);
            }
        }
    }
    Ok(())
}
