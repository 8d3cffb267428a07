//! Pages and lists, asked for one after the other: how long until the whole answer is there, and how much is sent.
//!
//! What is measured is the client's time on loopback: the server's work, compression included, and the little that the way
//! takes.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use reqwest::{Client, StatusCode};

use super::account::Account;
use super::addresses::{Asked, LISTS, SINGLE};
use super::places::{Places, filled};
use super::{kilobytes, percentile};

pub(super) const HEADER: [&str; 8] =
    ["address", "as", "requests", "p50 ms", "p99 ms", "at most ms", "kB compressed", "over 20 ms"];

/// The budget of the p99, in milliseconds.
const BUDGET: f64 = 20.0;
/// Different addresses of a row.
const ADDRESSES: usize = 12;
/// Pages that are read on from the first one.
const ON: usize = 3;

/// Someone who asks as a browser does.
pub(super) struct Asker {
    http: Client,
    url: String,
    cookie: String,
}

/// What came of a request.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) milliseconds: f64,
    pub(super) bytes: usize,
}

impl Asker {
    pub(super) fn new(account: &Account, cookie: &str) -> Result<Self> {
        let http =
            harness::client().no_gzip().redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { http, url: account.server.url.clone(), cookie: cookie.to_owned() })
    }

    /// Asks for what a browser would be sent.
    pub(super) async fn ask(&self, address: &str) -> Result<Answer> {
        let request =
            self.http.get(format!("{}{address}", self.url)).header("cookie", &self.cookie);
        let request = request.header("accept-encoding", "gzip, deflate, br, zstd");
        let begun = Instant::now();
        let answer = request.send().await?;
        let status = answer.status();
        let bytes = answer.bytes().await?.len();
        Ok(Answer { status, milliseconds: begun.elapsed().as_secs_f64() * 1000.0, bytes })
    }

    /// What is sent to a client that takes no compression.
    pub(super) async fn text(&self, address: &str) -> Result<String> {
        let request =
            self.http.get(format!("{}{address}", self.url)).header("cookie", &self.cookie);
        Ok(request.send().await?.text().await?)
    }
}

struct Measured {
    address: String,
    who: &'static str,
    requests: usize,
    p50: f64,
    p99: f64,
    most: f64,
    bytes: usize,
}

pub(super) async fn measure(
    account: &Account,
    places: &[Places],
    requests: usize,
) -> Result<Vec<Vec<String>>> {
    let administrator = Asker::new(account, &account.administrator)?;
    let qa = Asker::new(account, &account.qa)?;
    let mut measured = Vec::new();
    let all = [LISTS, SINGLE].into_iter().flatten().flat_map(each).count();
    let mut done = 0;
    for (asked, lists) in [(LISTS, true), (SINGLE, false)] {
        for (path, queries) in asked.iter().flat_map(each) {
            done += 1;
            eprint!("\r{done} of {all} addresses");
            let address =
                if queries.is_empty() { path.to_owned() } else { format!("{path}?{queries}") };
            measured.extend(
                one(&administrator, "Administrator", &address, places, lists, requests).await?,
            );
            if lists {
                measured.extend(one(&qa, "QA", &address, places, lists, requests).await?);
            }
        }
    }
    measured.sort_by(|a, b| b.p99.total_cmp(&a.p99));
    eprintln!();
    let over = measured.iter().filter(|it| it.p99 > BUDGET).count();
    eprintln!("{over} of {} above {BUDGET} ms", measured.len());
    Ok(measured.iter().map(row).collect())
}

fn each(asked: &Asked) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
    let (path, queries) = *asked;
    queries.iter().map(move |query| (path, *query))
}

fn row(it: &Measured) -> Vec<String> {
    vec![
        it.address.clone(),
        it.who.to_owned(),
        it.requests.to_string(),
        format!("{:.1}", it.p50),
        format!("{:.1}", it.p99),
        format!("{:.1}", it.most),
        kilobytes(it.bytes),
        if it.p99 > BUDGET { "OVER" } else { "" }.to_owned(),
    ]
}

/// Measures one address in all its forms; none where this asker is not to see it.
async fn one(
    asker: &Asker,
    who: &'static str,
    address: &str,
    places: &[Places],
    list: bool,
    requests: usize,
) -> Result<Option<Measured>> {
    let forms = forms(asker, address, places, list).await?;
    if forms.is_empty() {
        if who == "Administrator" {
            eprintln!("NOT MEASURED: {address} does not answer in any of its forms");
        }
        return Ok(None);
    }
    let (mut times, mut bytes) = (Vec::new(), 0);
    for form in forms.iter().cycle().take(requests.max(forms.len())) {
        let answer = asker.ask(form).await?;
        ensure!(answer.status.is_success(), "{form}: {}", answer.status);
        times.push(answer.milliseconds);
        bytes = bytes.max(answer.bytes);
    }
    Ok(Some(Measured {
        address: address.to_owned(),
        who,
        requests: times.len(),
        p50: percentile(&mut times, 50),
        p99: percentile(&mut times, 99),
        most: percentile(&mut times, 100),
        bytes,
    }))
}

/// The address with different things in its places, and of a list the pages after the first.
async fn forms(asker: &Asker, address: &str, places: &[Places], list: bool) -> Result<Vec<String>> {
    let mut found = BTreeSet::new();
    for places in places {
        let first = filled(address, places);
        if found.len() >= ADDRESSES || !found.insert(first.clone()) {
            continue;
        }
        let answer = asker.ask(&first).await.with_context(|| first.clone())?;
        if !answer.status.is_success() {
            // Not for this asker, or of an environment in which it leads elsewhere.
            ensure!(!answer.status.is_server_error(), "{first}: {}", answer.status);
            found.remove(&first);
            continue;
        }
        let mut here = first;
        for _ in 0..if list { ON } else { 0 } {
            let Some(cursor) = cursor_after(&asker.text(&here).await?) else { break };
            let sign = if address.contains('?') { '&' } else { '?' };
            here = format!("{}{sign}cursor={cursor}", filled(address, places));
            found.insert(here.clone());
        }
    }
    Ok(found.into_iter().collect())
}

/// The cursor of the next page, in an answer of the API or the last one that a page links to.
fn cursor_after(text: &str) -> Option<String> {
    if text.starts_with('{') {
        let answer: serde_json::Value = serde_json::from_str(text).ok()?;
        return answer["next"].as_str().map(str::to_owned);
    }
    let (_, rest) = text.rsplit_once("cursor=")?;
    let end = rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
        .unwrap_or(rest.len());
    Some(rest[..end].to_owned()).filter(|cursor| !cursor.is_empty())
}
