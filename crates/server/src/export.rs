//! The audit log as a file: CSV for spreadsheets, one JSON object a line for programs.
//!
//! It is written while it is read, in pieces, so that its length does not matter; and it ends early
//! where who asked loses the right to see it.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use control::audit::{AuditEntry, AuditFilter};
use control::store::ids::AuditId;
use control::{Actor, Control, Error};
use futures_util::stream;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::Params;
use crate::auth::SignedIn;
use crate::problem::ProblemDetails;
use crate::query::AuditQuery;
use crate::state::AppState;

/// How to write it.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// `csv` (default) or `ndjson`.
    format: String,
}

#[derive(Clone, Copy)]
enum Format {
    Csv,
    Ndjson,
}

const COLUMNS: &str =
    "at,by_kind,by_id,by,remote_address,action,subject_kind,subject_id,subject,old,new\r\n";

/// `GET /api/v1/audit/export`
pub(crate) async fn audit(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Params(query): Params<AuditQuery>,
    Params(export): Params<ExportQuery>,
) -> Result<Response, ProblemDetails> {
    Ok(respond(app.control, actor, &query, &export).await?)
}

/// The file, for pages and API.
pub(crate) async fn respond(
    control: Control,
    actor: Actor,
    query: &AuditQuery,
    export: &ExportQuery,
) -> Result<Response, Error> {
    let (format, content_type, name) = match export.format.as_str() {
        "" | "csv" => (Format::Csv, "text/csv; charset=utf-8", "landfall-audit.csv"),
        "ndjson" => (Format::Ndjson, "application/x-ndjson", "landfall-audit.ndjson"),
        other => {
            let message = format!("`{other}` is not a format.");
            return Err(Error::invalid("format", message, "Give `csv` or `ndjson`."));
        }
    };
    let filter = query.filter()?;
    // The first piece is read here, so that what is not allowed is refused and not cut short.
    let first = control.audit_batch(&actor, &filter, None).await?;
    let head = match format {
        Format::Csv => COLUMNS.to_owned(),
        Format::Ndjson => String::new(),
    };
    let start = Pieces { control, actor, filter, format, next: Some(first), head };
    let pieces = stream::unfold(start, |mut pieces| async move {
        let piece = pieces.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(piece)), pieces))
    });
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [(CONTENT_TYPE, content_type.to_owned()), (CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

struct Pieces {
    control: Control,
    actor: Actor,
    filter: AuditFilter,
    format: Format,
    /// Entries that were read and not written yet; none: all were.
    next: Option<Vec<AuditEntry>>,
    head: String,
}

impl Pieces {
    async fn next(&mut self) -> Option<String> {
        let entries = self.next.take()?;
        let mut text = std::mem::take(&mut self.head);
        for entry in &entries {
            match self.format {
                Format::Csv => csv(&mut text, entry),
                Format::Ndjson => {
                    text.push_str(&serde_json::to_string(entry).unwrap_or_default());
                    text.push('\n');
                }
            }
        }
        if let Some(last) = entries.last().map(|entry| entry.id) {
            self.next = self.after(last).await;
        }
        (!text.is_empty()).then_some(text)
    }

    async fn after(&self, last: AuditId) -> Option<Vec<AuditEntry>> {
        let actor = self.control.actor_anew(&self.actor).await.ok()??;
        match self.control.audit_batch(&actor, &self.filter, Some(last)).await {
            Ok(entries) => Some(entries).filter(|entries| !entries.is_empty()),
            Err(error) => {
                tracing::warn!(%error, "an export of the audit log was cut short");
                None
            }
        }
    }
}

/// One line, as RFC 4180 has it.
fn csv(out: &mut String, entry: &AuditEntry) {
    let json = |value: &serde_json::Value| match value {
        serde_json::Value::Null => String::new(),
        value => value.to_string(),
    };
    let cells = [
        entry.at.to_string(),
        entry.by.kind.to_string(),
        entry.by.id.clone().unwrap_or_default(),
        entry.by.name.clone(),
        entry.remote_address.clone().unwrap_or_default(),
        entry.action.clone(),
        entry.subject_kind.clone(),
        entry.subject_id.clone(),
        entry.subject_name.clone(),
        json(&entry.old),
        json(&entry.new),
    ];
    for (at, text) in cells.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        cell(out, text);
    }
    out.push_str("\r\n");
}

/// A cell. What a spreadsheet would take for a formula is made a text by an apostrophe, since names
/// come from many people.
fn cell(out: &mut String, text: &str) {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guarded = if formula { format!("'{text}") } else { text.to_owned() };
    if guarded.contains([',', '"', '\n', '\r']) {
        out.push('"');
        out.push_str(&guarded.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(&guarded);
    }
}

#[cfg(test)]
mod tests {
    use super::cell;

    /// Commas, quotes and line ends are kept, formulas are none.
    #[test]
    fn cells() {
        let written = |text: &str| {
            let mut out = String::new();
            cell(&mut out, text);
            out
        };
        assert_eq!(written("Ada"), "Ada");
        assert_eq!(written(r#"{"a":1,"b":"x"}"#), r#""{""a"":1,""b"":""x""}""#);
        assert_eq!(written("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(written("+1,2"), "\"'+1,2\"");
    }
}
