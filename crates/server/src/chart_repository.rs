//! A chart repository over HTTP, for the demo and for tests: `index.yaml` and the archives, from memory.
//!
//! It only serves: no sign-in, no uploads, no storage. Companies have their own registry.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use helm::chart::{Chart, ChartError};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Archives by file name, and the index that lists them.
#[derive(Clone, Debug)]
pub struct ChartRepository {
    index: String,
    archives: BTreeMap<String, axum::body::Bytes>,
}

impl ChartRepository {
    /// A repository of these `.tgz` archives.
    ///
    /// # Errors
    /// When an archive is not a chart.
    pub fn new(archives: impl IntoIterator<Item = Vec<u8>>) -> Result<Self, ChartError> {
        let mut entries: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let mut files = BTreeMap::new();
        for archive in archives {
            let chart = Chart::from_archive(&archive)?;
            let file = format!("{}-{}.tgz", chart.name(), chart.version());
            let metadata = chart.metadata();
            let digest = hex(&Sha256::digest(&archive));
            entries.entry(chart.name().to_owned()).or_default().push(json!({
                "apiVersion": metadata.api_version,
                "name": metadata.name,
                "version": metadata.version,
                "appVersion": metadata.app_version,
                "description": metadata.description,
                "created": jiff::Timestamp::now().to_string(),
                "digest": digest,
                "urls": [file.clone()],
            }));
            files.insert(file, archive.into());
        }
        // JSON is YAML.
        let index = json!({ "apiVersion": "v1", "entries": entries }).to_string();
        Ok(Self { index, archives: files })
    }

    /// Serves until `stop` is cancelled.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> std::io::Result<()> {
        let router = Router::new()
            .route("/index.yaml", get(index))
            .route("/{file}", get(archive))
            .with_state(self);
        axum::serve(listener, router)
            .with_graceful_shutdown(async move { stop.cancelled().await })
            .await
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

async fn index(State(repository): State<ChartRepository>) -> Response {
    ([(CONTENT_TYPE, "application/yaml")], repository.index).into_response()
}

async fn archive(State(repository): State<ChartRepository>, Path(file): Path<String>) -> Response {
    match repository.archives.get(&file) {
        Some(archive) => ([(CONTENT_TYPE, "application/gzip")], archive.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
