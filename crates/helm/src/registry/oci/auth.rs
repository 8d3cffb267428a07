//! Signing in to a registry when it asks: user and password, or a token from the server it names.
//!
//! What a token is asked for and where it may be asked is oras's rule: a token server may be
//! another host, because public registries work so, but not one without TLS where the registry has
//! it, and not an address inside the network unless the registry has that address itself. The
//! caller's own check comes on top of this.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use reqwest::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;
use url::{Host, Url};

use super::super::access::{Access, Credentials, RegistryToken, shown};
use super::super::error::RegistryError;
use super::super::fetch;
use super::answer::{self, ServerMistake, method_name};
use super::challenge::{self, Challenge};

/// Largest answer of a token server, in bytes.
const TOKEN_BYTES: usize = 128 * 1024;

/// A request that can be sent again once it is known how to sign in.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) accept: Option<&'static str>,
    /// Content type and bytes.
    pub(super) body: Option<(&'static str, &'a [u8])>,
    /// What a token must allow, such as `repository:charts/shop:pull`.
    pub(super) scope: &'a str,
}

/// What is known about signing in to one registry.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// `authorization` by scope; of one registry, because a session belongs to one.
    known: Mutex<HashMap<String, Secret>>,
}

/// A value of the header `authorization`. Never printed.
#[derive(Clone)]
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(****)")
    }
}

impl Session {
    /// Sends a request, signing in if the registry wants it.
    pub(super) async fn send(
        &self,
        access: &Access,
        request: &Request<'_>,
    ) -> Result<Response, RegistryError> {
        let known = self.known(request.scope);
        let response = exchange(access, request, known.as_ref()).await?;
        // A redirect may have led to another server, which must not make us sign in there.
        if response.status() != StatusCode::UNAUTHORIZED
            || response.url().origin() != request.url.origin()
        {
            return Ok(response);
        }
        let header = response.headers().get(WWW_AUTHENTICATE).and_then(|h| h.to_str().ok());
        let Some(challenge) = header.and_then(Challenge::parse) else { return Ok(response) };
        let secret = match challenge {
            Challenge::Basic => basic(access, request)?,
            Challenge::Bearer { realm, service, scope } => {
                let scopes = challenge::scopes([request.scope, &scope]);
                let token = token(access, request, &realm, &service, &scopes).await;
                let token = token.map_err(|source| RegistryError::Token {
                    method: request.method.to_string(),
                    url: request.url.to_string(),
                    source: Box::new(source),
                })?;
                Secret(format!("Bearer {token}"))
            }
        };
        self.remember(request.scope, secret.clone());
        exchange(access, request, Some(&secret)).await
    }

    fn known(&self, scope: &str) -> Option<Secret> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(scope).cloned()
    }

    fn remember(&self, scope: &str, secret: Secret) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(scope.to_owned(), secret);
    }
}

async fn exchange(
    access: &Access,
    request: &Request<'_>,
    secret: Option<&Secret>,
) -> Result<Response, RegistryError> {
    let client = access.transport.client_for(&request.url)?;
    let mut builder = client.request(request.method.clone(), request.url.clone());
    // Chart archives must arrive as they are.
    builder = builder.header(reqwest::header::ACCEPT_ENCODING, "identity");
    if let Some(accept) = request.accept {
        builder = builder.header(reqwest::header::ACCEPT, accept);
    }
    if let Some((content_type, body)) = request.body {
        let body = body.to_vec();
        builder = builder.header(reqwest::header::CONTENT_TYPE, content_type).body(body);
    }
    if let Some(Secret(value)) = secret {
        builder = builder.header(AUTHORIZATION, value);
    }
    let work = fetch::send(builder, method_name(&request.method), &request.url);
    fetch::within(access.limits.time, &request.url, work).await
}

fn basic(access: &Access, request: &Request<'_>) -> Result<Secret, RegistryError> {
    use base64::Engine as _;
    let Some(Credentials { username, password }) = &access.credentials else {
        return Err(RegistryError::NoCredentials {
            method: request.method.to_string(),
            url: request.url.to_string(),
        });
    };
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
    Ok(Secret(format!("Basic {pair}")))
}

#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
}

/// Asks the token server, unless there is a token already; without credentials for a token that
/// anyone gets.
async fn token(
    access: &Access,
    request: &Request<'_>,
    realm: &str,
    service: &str,
    scopes: &[String],
) -> Result<String, RegistryError> {
    if let Some(RegistryToken::Access(token)) = &access.token {
        return Ok(token.clone());
    }
    let url = checked_realm(realm, &request.url)?;
    let (builder, url, method) = if let Some(RegistryToken::Identity(token)) = &access.token {
        let form = refresh_form(token, service, scopes);
        let builder = access.transport.client_for(&url)?.post(url.clone()).body(form);
        let kind = "application/x-www-form-urlencoded";
        (builder.header(reqwest::header::CONTENT_TYPE, kind), url, Method::POST)
    } else {
        let url = with_query(url, service, scopes);
        let mut builder = access.transport.client_for(&url)?.get(url.clone());
        if let Some(Credentials { username, password }) = &access.credentials {
            builder = builder.basic_auth(username, Some(password));
        }
        (builder, url, Method::GET)
    };
    fetch::within(access.limits.time, &url, async {
        let response = fetch::send(builder, method_name(&method), &url).await?;
        if response.status() != StatusCode::OK {
            // What was asked for is part of what is told; it is no secret.
            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
            let named = shown(&url) + &query;
            return Err(answer::refusal_of(response, &method, &url, named).await);
        }
        let bytes = fetch::body(response, "Get", &url, TOKEN_BYTES).await?;
        let what = |why| ServerMistake::token(&url, why);
        let answer: TokenAnswer =
            serde_json::from_slice(&bytes).map_err(|_| what("failed to decode response"))?;
        [answer.access_token, answer.token]
            .into_iter()
            .find(|token| !token.is_empty())
            .ok_or_else(|| what("empty token returned").into())
    })
    .await
}

fn with_query(mut url: Url, service: &str, scopes: &[String]) -> Url {
    for scope in scopes {
        url.query_pairs_mut().append_pair("scope", scope);
    }
    if !service.is_empty() {
        url.query_pairs_mut().append_pair("service", service);
    }
    url
}

/// What OAuth 2.0 calls refreshing a token, with the client's name that oras has.
fn refresh_form(token: &str, service: &str, scopes: &[String]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token);
    form.append_pair("service", service).append_pair("client_id", "oras-go");
    if !scopes.is_empty() {
        form.append_pair("scope", &scopes.join(" "));
    }
    form.finish()
}

/// The token server's address, if it is one to send anything to.
fn checked_realm(realm: &str, registry: &Url) -> Result<Url, ServerMistake> {
    let mistake = |why: String| ServerMistake::new(format!("bearer realm {why}"));
    let url = Url::parse(realm).map_err(|e| mistake(format!("{realm:?} is not a URL: {e}")))?;
    match url.scheme() {
        "https" => {}
        "http" if registry.scheme() == "https" => {
            let why = format!("{realm:?} uses http but registry was contacted over https");
            return Err(mistake(why));
        }
        "http" => {}
        other => return Err(mistake(format!("{realm:?} uses unsupported scheme {other:?}"))),
    }
    let inside = match url.host() {
        Some(Host::Ipv4(v4)) => is_inside(v4.into()),
        Some(Host::Ipv6(v6)) => is_inside(v6.into()),
        Some(Host::Domain(_)) => false,
        None => return Err(mistake(format!("{realm:?} has no host"))),
    };
    if inside && url.host() != registry.host() {
        let host = url.host_str().unwrap_or_default();
        let why = "is a loopback, link-local, private, or unspecified address";
        return Err(mistake(format!("host {host:?} {why}")));
    }
    Ok(url)
}

fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_loopback() || v4.is_link_local() || v4.is_private() || v4.is_unspecified()
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_inside(v4.into()),
            None => {
                v6.is_loopback()
                    || v6.is_unicast_link_local()
                    || v6.is_unique_local()
                    || v6.is_unspecified()
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token server may be elsewhere, but neither without TLS nor inside the network.
    #[test]
    fn realms() {
        let check = |realm: &str, registry: &str| {
            let registry = Url::parse(registry).unwrap();
            checked_realm(realm, &registry).map_err(|mistake| mistake.to_string())
        };
        for (realm, registry) in [
            ("https://auth.docker.io/token", "https://registry-1.docker.io/v2/"),
            ("https://auth.docker.io/token", "http://127.0.0.1:5000/v2/"),
            ("http://127.0.0.1:81/token", "http://127.0.0.1:5000/v2/"),
            ("https://[::1]/token", "https://[::1]:5000/v2/"),
        ] {
            assert!(check(realm, registry).is_ok(), "{realm}");
        }
        for (realm, registry, why) in [
            ("http://auth.test/token", "https://a.test/v2/", "uses http but registry was"),
            ("http://169.254.169.254/latest", "http://a.test/v2/", "is a loopback, link-local,"),
            ("https://10.0.0.1/token", "https://a.test/v2/", "is a loopback, link-local,"),
            ("https://[::ffff:127.0.0.1]/", "https://a.test/v2/", "is a loopback, link-local,"),
            ("file:///etc/passwd", "https://a.test/v2/", "unsupported scheme \"file\""),
            ("", "https://a.test/v2/", "is not a URL"),
        ] {
            let refused = check(realm, registry).unwrap_err();
            assert!(refused.starts_with("bearer realm ") && refused.contains(why), "{refused}");
        }
    }
}
