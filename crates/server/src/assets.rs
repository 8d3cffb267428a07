//! The bundled browser side, embedded into the binary: scripts, styles, fonts.
//!
//! Names carry a hash of their content, so browsers keep them for ever. The compressed forms were
//! made when the bundle was built; nothing is compressed here.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, VARY,
};
use axum::response::{IntoResponse, Response};
use rust_embed::{Embed, EmbeddedFile};

#[derive(Embed)]
#[folder = "../../web/dist"]
struct Bundle;

/// The names of the bundle's entries, as pages link them.
static MANIFEST: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let manifest = Bundle::get("manifest.json").expect("build.rs refuses a bundle without it");
    serde_json::from_slice(&manifest.data).expect("the bundler writes a JSON object of strings")
});

/// The address of an entry of the bundle: `style.css`, `main.js`, or a font's file name.
pub(crate) fn path(entry: &str) -> String {
    let name = MANIFEST.get(entry).map_or(entry, String::as_str);
    format!("/assets/{name}")
}

/// `GET /assets/{name}`
pub(crate) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(content_type) = content_type(&name) else {
        return axum::http::StatusCode::NOT_FOUND.into_response();
    };
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    for (encoding, suffix) in [("br", ".br"), ("gzip", ".gz")] {
        if accepts(accepted, encoding)
            && let Some(file) = Bundle::get(&format!("{name}{suffix}"))
        {
            let mut response = serve(file, content_type);
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
            return response;
        }
    }
    match Bundle::get(&name) {
        Some(file) => serve(file, content_type),
        None => axum::http::StatusCode::NOT_FOUND.into_response(),
    }
}

fn serve(file: EmbeddedFile, content_type: &'static str) -> Response {
    let mut response = file.data.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    response
}

/// The type of what the bundle holds; nothing else is served, the manifest neither.
fn content_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "woff2" => Some("font/woff2"),
        _ => None,
    }
}

/// Whether `header`, an `Accept-Encoding`, names `encoding` and does not weigh it with zero.
fn accepts(header: &str, encoding: &str) -> bool {
    header.split(',').any(|item| {
        let mut parts = item.split(';').map(str::trim);
        parts.next() == Some(encoding) && !parts.any(|part| matches!(part, "q=0" | "q=0.0"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages link names with a hash, and the bundle has them with their compressed forms.
    #[test]
    fn entries_exist() {
        for entry in ["main.js", "style.css"] {
            let path = path(entry);
            let name = path.strip_prefix("/assets/").expect("a path under /assets/");
            assert_ne!(name, entry, "the name must carry a hash");
            for suffix in ["", ".br", ".gz"] {
                assert!(Bundle::get(&format!("{name}{suffix}")).is_some(), "{name}{suffix}");
            }
        }
    }

    /// An encoding counts when it is named, unless it is named to be refused.
    #[test]
    fn encodings() {
        assert!(accepts("gzip, deflate, br;q=1.0", "br"));
        assert!(!accepts("gzip, br;q=0", "br"));
        assert!(!accepts("gzip", "br"));
    }
}
