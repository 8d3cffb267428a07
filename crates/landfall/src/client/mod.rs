//! Landfall's API as the client commands use it: addresses, tokens, problem details as errors.
//!
//! Answers are read into the few fields that commands need; what a program wants whole (`-o json`) is passed on as it came.

mod live;
pub(crate) mod logins;
pub(crate) mod watch;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Method, RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use self::logins::Logins;

/// Where a server listens that was told nothing else.
pub(crate) const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

/// Which server, and as whom.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ServerArgs {
    /// Address of the Landfall server [default: that of the last `landfall login`, else `http://127.0.0.1:8080`]
    #[arg(long, env = "LANDFALL_SERVER", value_name = "URL")]
    server: Option<Url>,

    /// API token, made in the pages under API tokens [default: that of `landfall login`]
    #[arg(long, env = "LANDFALL_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<SecretString>,
}

impl ServerArgs {
    /// A client for this server; nothing is sent yet.
    pub(crate) fn client(&self) -> Result<Client> {
        if let (Some(server), Some(token)) = (&self.server, &self.token) {
            return Client::new(server.clone(), token.clone());
        }
        let logins = Logins::read()?;
        let server = match self.server.clone().or_else(|| logins.current()) {
            Some(server) => server,
            None => DEFAULT_SERVER.parse().context("the default server has no address")?,
        };
        let Some(token) = self.token.clone().or_else(|| logins.token(&server)) else {
            bail!(
                "you are not logged in to {}: use `landfall login`, or set LANDFALL_TOKEN to a token made in the pages \
                 under API tokens",
                server.as_str().trim_end_matches('/')
            );
        };
        Client::new(server, token)
    }
}

/// Signs in by password, as `body` says; what the server answers.
pub(crate) async fn sign_in<T: DeserializeOwned>(server: &Url, body: &Value) -> Result<T> {
    // A client without a token: the call takes none.
    let client = Client::new(server.clone(), SecretString::default())?;
    let address = client.address("/api/v1/sign-in")?;
    let request = client.http.post(address).timeout(Duration::from_mins(1)).json(body);
    read(client.send(request).await?).await
}

/// Whether an error of a call says that its token does not work (any more).
pub(crate) fn is_signed_out(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| refused.status == 401)
}

/// What a server did not do, and why.
#[derive(Debug)]
struct Refused {
    status: u16,
    told: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.told)
    }
}

impl std::error::Error for Refused {}

/// A client of one server.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    server: Url,
    token: SecretString,
}

/// RFC 9457 problem details, as far as they are printed.
#[derive(Debug, Deserialize)]
struct ProblemDetails {
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    errors: Vec<FieldError>,
}

/// What is wrong with one field, as the API tells it.
#[derive(Debug, Deserialize)]
struct FieldError {
    #[serde(default)]
    pointer: String,
    detail: String,
    #[serde(default)]
    remedy: String,
    line: Option<u32>,
    #[serde(default)]
    column: u32,
    #[serde(default)]
    excerpt: String,
}

impl Client {
    /// A client that signs its requests with `token`.
    pub(crate) fn new(server: Url, token: SecretString) -> Result<Self> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("could not prepare the HTTP client")?;
        Ok(Self { http, server, token })
    }

    /// The address of a page or resource.
    pub(crate) fn address(&self, path: &str) -> Result<Url> {
        self.server.join(path).with_context(|| format!("{}{path} is not an address", self.server))
    }

    /// `GET path`.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let request = self.request(Method::GET, path)?.timeout(Duration::from_mins(1));
        read(self.send(request).await?).await
    }

    /// `POST path` with a body; a repeated request is not carried out twice.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        let request = self
            .request(Method::POST, path)?
            .timeout(Duration::from_mins(2))
            .header("Idempotency-Key", idempotency_key())
            .json(body);
        read(self.send(request).await?).await
    }

    /// `PUT path` with what is to stand there; a repeated request is not carried out twice.
    pub(crate) async fn put<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        let request = self
            .request(Method::PUT, path)?
            .timeout(Duration::from_mins(2))
            .header("Idempotency-Key", idempotency_key())
            .json(body);
        read(self.send(request).await?).await
    }

    /// `DELETE path`; a repeated request is not carried out twice.
    pub(crate) async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let request = self
            .request(Method::DELETE, path)?
            .timeout(Duration::from_mins(1))
            .header("Idempotency-Key", idempotency_key());
        read(self.send(request).await?).await
    }

    /// `PATCH path` with what changes.
    pub(crate) async fn patch<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        let request = self.request(Method::PATCH, path)?.timeout(Duration::from_mins(1)).json(body);
        read(self.send(request).await?).await
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder> {
        let token = self.token.expose_secret();
        Ok(self.http.request(method, self.address(path)?).bearer_auth(token))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await.with_context(|| {
            format!(
                "could not reach {}; is the server running, and is --server right?",
                self.server
            )
        })?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.bytes().await.unwrap_or_default();
        match serde_json::from_slice::<ProblemDetails>(&body) {
            Ok(problem) => Err(Refused { status: status.as_u16(), told: told(&problem) }.into()),
            Err(_) => bail!("{} answered {status}", self.server),
        }
    }
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T> {
    if response.status() == reqwest::StatusCode::NO_CONTENT {
        return understood(&Value::Null);
    }
    response.json().await.context(NOT_UNDERSTOOD)
}

/// A word as a part of an address: a name in its path, or what is asked in its query.
pub(crate) fn part(word: &str) -> String {
    url::form_urlencoded::byte_serialize(word.as_bytes()).collect::<String>().replace('+', "%20")
}

/// What is asked of a list, behind what its address asks already: each of these that was given.
pub(crate) fn filters(given: &[(&str, Option<&str>)]) -> String {
    let each =
        given.iter().filter_map(|(name, value)| Some(format!("&{name}={}", part((*value)?))));
    each.collect()
}

/// Where the API has an environment.
pub(crate) fn environment_path(environment: &str) -> String {
    format!("/api/v1/environments/{}", part(environment))
}

const NOT_UNDERSTOOD: &str = "the server's answer is not what this version of landfall understands";

/// What a command reads of an answer that it prints whole to programs.
pub(crate) fn understood<T: DeserializeOwned>(answer: &Value) -> Result<T> {
    T::deserialize(answer).context(NOT_UNDERSTOOD)
}

/// What a command reads of the items of a page.
pub(crate) fn items<T: DeserializeOwned>(page: &Value) -> Result<Vec<T>> {
    page.get("items").map_or(Ok(Vec::new()), understood)
}

/// An App, an environment, a cluster or a person, where only the name is shown.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) name: String,
}

/// A release, where only its tag is shown.
#[derive(Debug, Deserialize)]
pub(crate) struct Tagged {
    pub(crate) tag: String,
}

/// Problem details as a person reads them in a terminal.
fn told(problem: &ProblemDetails) -> String {
    if problem.errors.is_empty() {
        return if problem.detail.is_empty() {
            problem.title.clone()
        } else {
            problem.detail.clone()
        };
    }
    problem.errors.iter().map(told_of_field).collect::<Vec<_>>().join("\n")
}

fn told_of_field(error: &FieldError) -> String {
    let mut text = match error.pointer.trim_start_matches('/') {
        "" => error.detail.clone(),
        field => format!("{field}: {}", error.detail),
    };
    if !error.remedy.is_empty() {
        text.push(' ');
        text.push_str(&error.remedy);
    }
    if let Some(line) = error.line {
        let head = format!("  line {line}: ");
        let shift = " ".repeat(head.len() + error.column.saturating_sub(1) as usize);
        text.push_str(&["\n", &head, &error.excerpt, "\n", &shift, "^"].concat());
    }
    text
}

/// A key that no other call has.
fn idempotency_key() -> String {
    use std::hash::{BuildHasher, Hasher};
    use std::sync::atomic::{AtomicU64, Ordering};

    static CALLS: AtomicU64 = AtomicU64::new(0);
    // The hasher's keys are random per process.
    let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.write_i128(jiff::Timestamp::now().as_nanosecond());
    format!("{:016x}-{}", hasher.finish(), CALLS.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the API says of a field is printed with its place.
    #[test]
    fn fields_with_their_places() {
        let problem = serde_json::json!({
            "title": "Not acceptable as given",
            "detail": "The list is not closed. Add `]`.",
            "errors": [
                {
                    "pointer": "/values", "detail": "The list is not closed.", "remedy": "Add `]`.",
                    "line": 12, "column": 8, "excerpt": "  tag: [1",
                },
                {"pointer": "", "detail": "Nothing would change."},
            ],
        });
        insta::assert_snapshot!(told(&serde_json::from_value(problem).unwrap()), @r"
        values: The list is not closed. Add `]`.
          line 12:   tag: [1
                          ^
        Nothing would change.
        ");
    }
}
