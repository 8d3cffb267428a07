//! What stands in the places of addresses: things of the account, of every sort and age.

use std::collections::HashMap;

use anyhow::{Context, Result};
use serde_json::Value;

use super::account::Account;

/// One thing of each sort; those that belong together do.
pub(super) type Places = HashMap<&'static str, String>;

/// Environments that are asked about.
const MANY: usize = 60;
/// A prime: numbers of deployments all over their histories.
const SOMEWHERE: i64 = 7_919;

/// Reads what there is.
pub(super) async fn read(account: &Account) -> Result<Vec<Places>> {
    let api = &account.api;
    let environments = environments(account).await;
    let people = items(&api.get("/people?limit=100").await);
    let batches = items(&api.get("/batches?limit=100").await);
    let clusters = items(&api.get("/clusters?limit=100").await);
    let backed_up = backups(account, &environments).await;
    let fleet = fleet(account).await?;
    let mut found = Vec::new();
    for (at, environment) in environments.iter().enumerate() {
        let name = text(environment, "/name");
        let last = environment["last"]["number"].as_i64().unwrap_or(1);
        let number = 1 + (SOMEWHERE * i64::try_from(at + 1)?) % last;
        let deployment = api.get(&format!("/environments/{name}/deployments/{number}")).await;
        let other = &environments[(at + 7) % environments.len()];
        let (backed_up, backup) = &backed_up[at % backed_up.len()];
        let mut places = Places::from([
            ("environment", name.clone()),
            ("number", number.to_string()),
            ("deployment", text(&deployment, "/id")),
            ("op", text(&deployment, "/op/id")),
            ("app", text(&deployment, "/app/name")),
            ("tag", text(&deployment, "/release/tag")),
            ("release", text(&deployment, "/release/id")),
            ("cluster", text(&clusters[at % clusters.len()], "/name")),
            ("batch", text(&batches[at % batches.len()], "/id")),
            ("person", text(&people[at % people.len()], "/id")),
            ("other", text(other, "/name")),
            ("word", name.split('-').nth(at % 3).unwrap_or("prod").to_owned()),
            ("backed_up", backed_up.clone()),
            ("backup", backup.clone()),
            ("day", text(&deployment, "/created_at").chars().take(10).collect()),
        ]);
        places.extend(fleet.clone());
        found.push(places);
    }
    Ok(found)
}

/// Environments from the first and the last pages by name and by time, and the one with the longest history.
async fn environments(account: &Account) -> Vec<Value> {
    let mut found = Vec::new();
    for list in ["search=00000", "limit=20", "direction=ascending&limit=20", "sort=name&limit=20"] {
        let list = account.api.get(&format!("/environments?{list}")).await;
        found.extend(items(&list).into_iter().filter(|it| it["last"].is_object()));
    }
    found.truncate(MANY);
    found
}

/// Environments with the number of a backup of each.
async fn backups(account: &Account, environments: &[Value]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for environment in environments {
        let name = text(environment, "/name");
        for backup in
            items(&account.api.get(&format!("/environments/{name}/backups?limit=3")).await)
        {
            found.push((name.clone(), backup["number"].to_string()));
        }
    }
    assert!(!found.is_empty(), "the account has no backups");
    found
}

/// The last preview over a fleet, and a group of it.
async fn fleet(account: &Account) -> Result<Places> {
    let preview = super::preview::ask(account, super::preview::SMALL).await?.preview;
    let group = text(preview["groups"].get(0).context("the preview has no group")?, "/key");
    Ok(Places::from([("preview", text(&preview, "/id")), ("group", group)]))
}

fn items(page: &Value) -> Vec<Value> {
    page["items"].as_array().cloned().unwrap_or_default()
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// An address with these things in its places.
pub(super) fn filled(address: &str, places: &Places) -> String {
    let mut filled = address.to_owned();
    for (place, value) in places {
        filled = filled.replace(&format!("{{{place}}}"), value);
    }
    filled
}
