//! The session cookie: `HttpOnly`, `SameSite=Lax`, `Secure` and `__Host-` over https.

use axum::http::HeaderMap;
use axum::http::header::{HeaderValue, SET_COOKIE};
use axum::response::Response;
use axum_extra::extract::cookie::CookieJar;
use control::account::NewSession;
use secrecy::ExposeSecret as _;

use crate::config::ServerConfig;

/// The session's token that a request carries.
pub(crate) fn read(config: &ServerConfig, headers: &HeaderMap) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    jar.get(config.session_cookie()).map(|cookie| cookie.value().to_owned())
}

/// Gives the browser the session, for as long as it lasts without being used.
pub(crate) fn begin(config: &ServerConfig, session: &NewSession, response: &mut Response) {
    let left = session.expires_at.as_second() - jiff::Timestamp::now().as_second();
    set(config, session.token.expose_secret(), left.max(0), response);
}

/// Takes the session from the browser.
pub(crate) fn end(config: &ServerConfig, response: &mut Response) {
    set(config, "", 0, response);
}

fn set(config: &ServerConfig, value: &str, max_age: i64, response: &mut Response) {
    let name = config.session_cookie();
    let secure = if config.secure() { "; Secure" } else { "" };
    let cookie =
        format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}");
    // Tokens are made of characters that stand in headers; anything else would not be one.
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}
