//! What a browser is sent until a page is usable: the page, its styles, its scripts and what these import at once, all as
//! they come compressed. What a script asks for later, such as the editor, is not counted.

use std::collections::BTreeSet;

use anyhow::Result;

use super::account::Account;
use super::kilobytes;
use super::pages::Asker;
use super::places::{Places, filled};

pub(super) const HEADER: [&str; 5] =
    ["page", "page kB", "styles, scripts, fonts kB", "together kB", "files"];

const PAGES: [&str; 12] = [
    "/environments",
    "/environments?limit=200",
    "/deployments",
    "/releases",
    "/apps",
    "/clusters",
    "/audit",
    "/environments/{environment}",
    "/environments/{environment}/values",
    "/environments/{environment}/deployments/{number}",
    "/environments/{environment}/deploy",
    "/apps/{app}/values",
];

pub(super) async fn measure(account: &Account, asked: &[Places]) -> Result<Vec<Vec<String>>> {
    let asker = Asker::new(account, &account.administrator)?;
    let mut rows = Vec::new();
    for page in PAGES {
        let address = filled(page, &asked[0]);
        let sent = asker.ask(&address).await?.bytes;
        let mut files = BTreeSet::new();
        let mut open = references(&asker.text(&address).await?);
        while let Some(file) = open.pop() {
            if files.insert(file.clone()) {
                open.extend(references(&asker.text(&file).await?));
            }
        }
        let mut beside = 0;
        for file in &files {
            beside += asker.ask(file).await?.bytes;
        }
        rows.push(vec![
            page.to_owned(),
            kilobytes(sent),
            kilobytes(beside),
            kilobytes(sent + beside),
            files.len().to_string(),
        ]);
    }
    Ok(rows)
}

/// The files that a page, a style sheet or a script needs at once.
fn references(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (mark, before) in [
        ("src=\"/assets/", "/assets/"),
        ("href=\"/assets/", "/assets/"),
        ("url(/assets/", "/assets/"),
        ("url(\"/assets/", "/assets/"),
        ("url(./", "/assets/"),
        ("url(\"./", "/assets/"),
        ("from\"./", "/assets/"),
        ("import\"./", "/assets/"),
    ] {
        for (at, _) in text.match_indices(mark) {
            let rest = &text[at + mark.len()..];
            if let Some(end) = rest.find(['"', ')', '\'']) {
                found.push(format!("{before}{}", &rest[..end]));
            }
        }
    }
    found
}
