//! One request and its answer, bounded in size and time, with Go's words for what goes wrong on
//! the way.

use std::error::Error;
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::{RequestBuilder, Response};
use url::Url;

use super::access::shown;
use super::error::RegistryError;

/// Sends a request; the answer's body is still to be read.
pub(super) async fn send(
    request: RequestBuilder,
    method: &'static str,
    url: &Url,
) -> Result<Response, RegistryError> {
    request.send().await.map_err(|error| failed(method, url, error))
}

/// Reads a body of at most `limit` bytes.
pub(super) async fn body(
    response: Response,
    method: &'static str,
    url: &Url,
    limit: usize,
) -> Result<Vec<u8>, RegistryError> {
    let too_large = || RegistryError::TooLarge { url: shown(url), limit };
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| failed(method, url, error))?);
        if bytes.len() > limit {
            return Err(too_large());
        }
    }
    Ok(bytes)
}

/// Gives up after a time.
pub(super) async fn within<T>(
    after: Duration,
    url: &Url,
    work: impl Future<Output = Result<T, RegistryError>>,
) -> Result<T, RegistryError> {
    match tokio::time::timeout(after, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(RegistryError::TimedOut { url: shown(url), after }),
    }
}

fn failed(method: &'static str, url: &Url, error: reqwest::Error) -> RegistryError {
    let source = match in_gos_words(url, &error) {
        Some(words) => words.into(),
        None => error.without_url().into(),
    };
    RegistryError::Request { method, url: shown(url), source }
}

/// What Go's network library says of the commonest failures.
fn in_gos_words(url: &Url, error: &reqwest::Error) -> Option<String> {
    let mut cause: &(dyn Error + 'static) = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if let Some(io) = cause.downcast_ref::<std::io::Error>()
        && io.kind() == std::io::ErrorKind::ConnectionRefused
    {
        let (host, port) = (url.host_str()?, url.port_or_known_default()?);
        return Some(format!("dial tcp {host}:{port}: connect: connection refused"));
    }
    let text = cause.to_string();
    if text.starts_with("failed to lookup address information") {
        return Some(format!("dial tcp: lookup {}: no such host", url.host_str()?));
    }
    let plain = text.contains("InvalidContentType");
    plain.then(|| "http: server gave HTTP response to HTTPS client".to_owned())
}
