//! Ops: state, log, events, cancelling, recovering.

use std::convert::Infallible;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, Sse};
use control::op::{LogFilter, LogPage, Op, OpEvent};
use control::store::ids::OpId;
use futures_util::Stream;
use serde::Deserialize;
use tokio_stream::StreamExt as _;
use utoipa::IntoParams;

use super::{Answer, Params, PathOf};
use crate::auth::SignedIn;
use crate::live;
use crate::problem::ProblemDetails;
use crate::query::word;
use crate::state::AppState;

/// Which lines of a log.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogQuery {
    /// Lines after this number; from the first without it.
    after: i64,
    /// Lines at most, up to 10,000; 1,000 without it.
    limit: Option<u32>,
    /// Only this source: `landfall`, `event` or `container`.
    source: String,
    /// This level and graver ones: `info`, `warning` or `error`.
    level: String,
    /// Text that the line has, without regard to case.
    text: String,
}

/// Where to follow from.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct AfterQuery {
    /// Log lines after this number; the header `Last-Event-ID` wins over it.
    after: i64,
}

/// `GET /ops/{op}`
pub(crate) async fn get(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(id): PathOf<OpId>,
) -> Answer<Op> {
    Ok(Json(app.control.op_get(&actor, id).await?))
}

/// `POST /ops/{op}/cancel`
pub(crate) async fn cancel(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(id): PathOf<OpId>,
) -> Answer<Op> {
    Ok(Json(app.control.op_cancel(&actor, id).await?))
}

/// `POST /ops/{op}/recover`
pub(crate) async fn recover(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(id): PathOf<OpId>,
) -> Answer<Op> {
    Ok(Json(app.control.op_recover(&actor, id).await?))
}

/// `GET /ops/{op}/log`
pub(crate) async fn log(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(id): PathOf<OpId>,
    Params(query): Params<LogQuery>,
) -> Answer<LogPage> {
    let filter = LogFilter {
        sources: if query.source.is_empty() { Vec::new() } else { vec![query.source] },
        level: word("level", &query.level)?,
        text: query.text,
    };
    let limit = query.limit.unwrap_or(1_000);
    Ok(Json(app.control.op_log(&actor, id, query.after, limit, &filter).await?))
}

/// `GET /ops/{op}/events`: server-sent events `state` (the Op), `log` (lines) and `end`. Ids are
/// numbers of log lines.
pub(crate) async fn events(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(id): PathOf<OpId>,
    Params(query): Params<AfterQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ProblemDetails> {
    let after = live::last_event_id(&headers).and_then(|id| id.parse().ok()).unwrap_or(query.after);
    let events = app.control.op_subscribe(&actor, id, after).await?;
    let events = events.map_while(Result::ok).filter_map(event);
    Ok(live::stream(&app, events))
}

fn event(event: OpEvent) -> Option<Event> {
    match event {
        OpEvent::State { op } => Event::default().event("state").json_data(op.as_ref()).ok(),
        OpEvent::Log { lines } => {
            let last = lines.last()?.sequence;
            Event::default().event("log").id(last.to_string()).json_data(lines.as_ref()).ok()
        }
        OpEvent::End => Some(Event::default().event("end").data("{}")),
    }
}
