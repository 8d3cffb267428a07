//! Batches: one act that deploys to many environments.

use axum::Json;
use axum::extract::State;
use control::batch::{Batch, BatchMember};
use control::store::ids::BatchId;
use control::store::paging::Page;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Answer, Params, PathOf};
use crate::auth::SignedIn;
use crate::query::{BatchQuery, PageQuery, word};
use crate::state::AppState;

/// `GET /batches`
pub(crate) async fn list(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Params(query): Params<BatchQuery>,
    Params(page): Params<PageQuery>,
) -> Answer<Page<Batch>> {
    let filter = query.filter(&app.control, &actor).await?;
    Ok(Json(app.control.batch_list(&actor, &filter, &page.request()?).await?))
}

/// `GET /batches/{batch}`
pub(crate) async fn get(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(batch): PathOf<BatchId>,
) -> Answer<Batch> {
    Ok(Json(app.control.batch_get(&actor, batch).await?))
}

/// Which environments of a batch.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct MemberQuery {
    /// `queued`, `waiting`, `deploying`, `succeeded`, `failed`, `cancelled`, `superseded`, `needs_confirmation`, `dropped`
    /// or `skipped`.
    state: String,
}

/// `GET /batches/{batch}/environments`
pub(crate) async fn environments(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(batch): PathOf<BatchId>,
    Params(query): Params<MemberQuery>,
    Params(page): Params<PageQuery>,
) -> Answer<Page<BatchMember>> {
    let state = word("state", &query.state)?;
    Ok(Json(app.control.batch_members(&actor, batch, state, &page.request()?).await?))
}

macro_rules! acts {
    ($($(#[$doc:meta])* $name:ident => $act:ident;)+) => {$(
        $(#[$doc])*
        pub(crate) async fn $name(
            State(app): State<AppState>,
            SignedIn(actor): SignedIn,
            PathOf(batch): PathOf<BatchId>,
        ) -> Answer<Batch> {
            Ok(Json(app.control.$act(&actor, batch).await?))
        }
    )+};
}
acts! {
    /// `POST /batches/{batch}/pause`
    pause => batch_pause;
    /// `POST /batches/{batch}/resume`
    resume => batch_resume;
    /// `POST /batches/{batch}/drop`
    drop_rest => batch_drop;
    /// `POST /batches/{batch}/let-go`
    let_go => batch_let_go;
}
