//! Previews of an App's new values over its environments: how long until the groups are whole, and what memory that takes.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::account::{APPS, Account};
use crate::memory;

pub(super) const HEADER: [&str; 6] = [
    "App",
    "environments",
    "groups",
    "seconds until whole",
    "environments a second",
    "peak MB above idle",
];

/// The App with a tenth of all environments.
pub(super) const SMALL: &str = APPS[3];
/// The one with four tenths.
const LARGE: &str = APPS[0];
/// How often is looked whether it is done.
const PACE: Duration = Duration::from_millis(50);

/// A preview that is done.
pub(super) struct Asked {
    pub(super) preview: Value,
    pub(super) seconds: f64,
}

pub(super) async fn measure(account: &Account) -> Result<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    for app in [SMALL, LARGE] {
        let pid = account.server.pid();
        let idle = memory::settled(pid).await?;
        let Asked { preview, seconds } = ask(account, app).await?;
        let environments: i64 =
            groups(&preview).iter().filter_map(|group| group["environments"].as_i64()).sum();
        rows.push(vec![
            app.to_owned(),
            environments.to_string(),
            groups(&preview).len().to_string(),
            format!("{seconds:.1}"),
            format!("{:.0}", f64::from(i32::try_from(environments)?) / seconds),
            format!("{:.0}", memory::megabytes(pid, "VmHWM:")? - idle),
        ]);
    }
    Ok(rows)
}

fn groups(preview: &Value) -> &[Value] {
    preview["groups"].as_array().map_or(&[], Vec::as_slice)
}

/// Previews a change that reaches every environment of the App.
pub(super) async fn ask(account: &Account, app: &str) -> Result<Asked> {
    let begun = Instant::now();
    let new = json!({ "values": "global:\n  logLevel: debug\n" });
    let asked = account.api.post(&format!("/apps/{app}/values/previews"), new).await;
    let id = asked["id"].as_str().unwrap_or_default().to_owned();
    loop {
        let preview = account.api.get(&format!("/fleet-previews/{id}")).await;
        if preview["state"] != "running" {
            ensure!(preview["state"] == "done", "{preview:#}");
            return Ok(Asked { preview, seconds: begun.elapsed().as_secs_f64() });
        }
        tokio::time::sleep(PACE).await;
    }
}
