//! The audit log.

use axum::Json;
use axum::extract::State;
use control::audit::{AuditEntry, AuditFilter};
use control::store::paging::Page;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Answer, Params};
use crate::auth::SignedIn;
use crate::query::PageQuery;
use crate::state::AppState;

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// By this person or token (id).
    by: Option<String>,
    /// This action, such as `release.add`.
    action: Option<String>,
    /// On this thing (id).
    subject: Option<String>,
}

/// `GET /audit`
pub(crate) async fn list(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Params(query): Params<AuditQuery>,
    Params(page): Params<PageQuery>,
) -> Answer<Page<AuditEntry>> {
    let AuditQuery { by, action, subject } = query;
    let filter = AuditFilter { by, action, subject };
    Ok(Json(app.control.audit_list(&actor, &filter, &page.request()?).await?))
}
