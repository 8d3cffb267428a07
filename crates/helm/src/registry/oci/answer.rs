//! Answers of registries: their errors in oras's words, and what breaks the protocol.

use reqwest::{Method, Response};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::super::access::shown;
use super::super::error::RegistryError;
use super::super::fetch;

/// Largest error that is read, in bytes.
const ERROR_BYTES: usize = 8 * 1024;

/// A registry or token server does not keep to the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ServerMistake(String);

impl ServerMistake {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Something is wrong with the answer to a request.
    pub(super) fn of(method: &Method, url: &Url, why: &str) -> Self {
        Self(format!("{method} {:?}: {why}", url.as_str()))
    }

    /// Something is wrong with a token server's answer.
    pub(super) fn token(url: &Url, why: &str) -> Self {
        Self(format!("GET {:?}: {why}", shown(url)))
    }
}

/// A method as Go's client names it in errors.
pub(super) fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::HEAD => "Head",
        Method::POST => "Post",
        Method::PUT => "Put",
        _ => "Get",
    }
}

#[derive(Deserialize)]
struct Errors {
    #[serde(default)]
    errors: Vec<OneError>,
}

#[derive(Deserialize)]
struct OneError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    detail: Value,
}

/// The error that an unwelcome answer stands for.
pub(super) async fn refusal(response: Response, method: &Method, url: &Url) -> RegistryError {
    let named = shown(url);
    refusal_of(response, method, url, named).await
}

/// [`refusal`], with the address as it is told in the error.
pub(super) async fn refusal_of(
    response: Response,
    method: &Method,
    url: &Url,
    named: String,
) -> RegistryError {
    let status = response.status();
    // An error that cannot be read is told by its status alone.
    let body = fetch::body(response, "Get", url, ERROR_BYTES).await.unwrap_or_default();
    let told: Vec<String> = serde_json::from_slice::<Errors>(&body)
        .map(|body| body.errors.iter().map(words).collect())
        .unwrap_or_default();
    let text = if told.is_empty() {
        status.canonical_reason().unwrap_or_default().to_owned()
    } else {
        told.join("; ")
    };
    RegistryError::Answer { method: method.to_string(), url: named, status, text }
}

fn words(error: &OneError) -> String {
    let code = error.code.to_lowercase().replace('_', " ");
    match (&*error.message, &error.detail) {
        ("", _) => code,
        (message, Value::Null) => format!("{code}: {message}"),
        (message, detail) => format!("{code}: {message}: {}", in_gos_form(detail)),
    }
}

/// A JSON value as Go's `%v` prints what its decoder makes of it.
fn in_gos_form(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.as_f64().map_or_else(String::new, goyaml::number::format_g),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(in_gos_form).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            let entries: Vec<String> =
                entries.iter().map(|(k, v)| format!("{k}:{}", in_gos_form(v))).collect();
            format!("map[{}]", entries.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Errors of registries as Helm prints them.
    #[test]
    fn errors_in_words() {
        let read = |text: &str| {
            let errors: Errors = serde_json::from_str(text).unwrap();
            errors.errors.iter().map(words).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(
            read(
                r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required",
                "detail":[{"Type":"repository","Class":"","Name":"charts/parcel","Action":"pull"}]}]}"#
            ),
            "unauthorized: authentication required: \
             [map[Action:pull Class: Name:charts/parcel Type:repository]]"
        );
        assert_eq!(
            read(
                r#"{"errors":[{"code":"NAME_UNKNOWN"},{"code":"DENIED","message":"no","detail":1.5}]}"#
            ),
            "name unknown; denied: no: 1.5"
        );
    }
}
