//! Live pages: the part of a page that changes is sent again, through server-sent events, whenever
//! something that it shows has changed.
//!
//! A live page has one address for both forms: asked for a page it answers the whole of it, asked for
//! an event stream it answers its block `live` whenever that differs from what the reader has. So the
//! stream covers what the page covers, with the same filters and for the same eyes. The id of an
//! event is a digest of what it shows: who reconnects with it is sent nothing until that is stale.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use askama::Template;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use control::op::Change;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _};
use sha2::{Digest as _, Sha256};

use crate::pages::{Chrome, Ctx, PageAnswer, PageError};
use crate::state::AppState;

/// Changes that come together are shown together; short enough to feel immediate.
const GATHER: Duration = Duration::from_millis(150);
/// Where no change is heard of, the page is still looked at this often: what it says of times and of
/// the asker's session must stay true.
const LOOK_ANEW: Duration = Duration::from_mins(1);

/// A page with a block that is kept up to date.
pub(crate) trait LivePage: Template {
    /// The block `live`, rendered.
    fn live(&self) -> askama::Result<String>;
    /// The page's frame, to be told where the stream is.
    fn chrome(&mut self) -> &mut Chrome;
    /// Whether the page may look otherwise after a change. Previews over fleets move on several times a second, and only
    /// their own page shows them.
    fn shows(change: &Change) -> bool {
        !matches!(change, Change::Fleet)
    }
}

/// Pages with a block `live` and a field `chrome`, of which all that changes stands in that block.
macro_rules! live_page {
    ($($page:ident),+) => {$(
        impl $crate::live::LivePage for $page {
            fn live(&self) -> askama::Result<String> {
                self.as_live().render()
            }

            fn chrome(&mut self) -> &mut $crate::pages::Chrome {
                &mut self.chrome
            }
        }
    )+};
}
pub(crate) use live_page;

/// Answers a page, or its stream, as asked. `build` reads what the page shows.
pub(crate) async fn respond<P, B, F>(ctx: Ctx, build: B) -> PageAnswer
where
    P: LivePage + Send + 'static,
    B: Fn(Ctx) -> F + Send + Sync + 'static,
    F: Future<Output = Result<P, PageError>> + Send + 'static,
{
    // Heard from before the page is read: what changes in between would be missed.
    let changes = ctx.wants_stream.then(|| ctx.app.control.changes(&ctx.actor));
    let mut page = build(ctx.clone()).await?;
    let block = page.live()?;
    let seen = digest(&block);
    let Some(changes) = changes else {
        let chrome = page.chrome();
        chrome.live_url = Some(ctx.path_and_query.clone());
        chrome.live_seen = seen;
        return Ok(Html(page.render()?).into_response());
    };
    let known = ctx.last_event_id.clone().unwrap_or_default();
    let mut first = None;
    if known != seen {
        first = Some(event(&seen, &block, page.chrome()));
    }
    let changes = changes.filter(|change| std::future::ready(P::shows(change))).boxed();
    let app = ctx.app.clone();
    let later = follow(ctx, build, changes, seen);
    Ok(stream(&app, futures_util::stream::iter(first).chain(later)).into_response())
}

/// The block anew after each change, while it differs from the last one and the session lasts.
fn follow<P, B, F>(
    ctx: Ctx,
    build: B,
    changes: BoxStream<'static, Change>,
    seen: String,
) -> impl Stream<Item = Event> + Send
where
    P: LivePage + Send + 'static,
    B: Fn(Ctx) -> F + Send + Sync + 'static,
    F: Future<Output = Result<P, PageError>> + Send + 'static,
{
    let start = (ctx, build, changes, seen);
    futures_util::stream::unfold(start, |(ctx, build, mut changes, mut seen)| async move {
        loop {
            wait(&mut changes).await?;
            let ctx = ctx.clone().refreshed().await?;
            let mut page = build(ctx.clone()).await.ok()?;
            let block = page.live().ok()?;
            let now = digest(&block);
            if now != seen {
                seen.clone_from(&now);
                let event = event(&now, &block, page.chrome());
                return Some((event, (ctx, build, changes, seen)));
            }
        }
    })
}

/// Waits for the next change, and a moment for those that come with it.
async fn wait(changes: &mut BoxStream<'static, Change>) -> Option<()> {
    match tokio::time::timeout(LOOK_ANEW, changes.next()).await {
        Ok(None) => return None,
        Err(_) => return Some(()),
        Ok(Some(_)) => {}
    }
    let gathered = tokio::time::sleep(GATHER);
    tokio::pin!(gathered);
    loop {
        tokio::select! {
            () = &mut gathered => return Some(()),
            more = changes.next() => drop(more?),
        }
    }
}

/// The block with the number of running Ops, which stands outside it in the navigation.
fn event(id: &str, block: &str, chrome: &Chrome) -> Event {
    let data = format!("{block}{}", chrome.running_out_of_band()).replace('\r', "");
    Event::default().id(id).data(data)
}

/// A stream of events that ends with the server and says now and then that it is alive.
pub(crate) fn stream<S>(
    app: &AppState,
    events: S,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<S>>
where
    S: Stream<Item = Event> + Send + 'static,
{
    let stop = app.stop.clone();
    let events = events.map(Ok).take_until(stop.cancelled_owned());
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

/// What a reader who reconnects saw last.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("last-event-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty())
}

/// A digest of what a block shows, leaving out what changes with the clock alone: the words of
/// relative times and running durations, which the browser keeps itself.
pub(crate) fn digest(block: &str) -> String {
    let mut hash = Sha256::new();
    let mut rest = block;
    while let Some(at) =
        [" data-relative>", " data-now=\""].iter().filter_map(|mark| rest.find(mark)).min()
    {
        hash.update(&rest[..at]);
        rest = &rest[at..];
        rest = rest.find("</").map_or("", |end| &rest[end..]);
    }
    hash.update(rest);
    URL_SAFE_NO_PAD.encode(&hash.finalize()[..9])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The clock alone makes no new digest; anything else does.
    #[test]
    fn digests_leave_the_clock_out() {
        let block = |words: &str, name: &str| {
            format!(
                r#"<b>{name}</b> <time datetime="x" title="y" data-relative>{words}</time> <i>end</i>"#
            )
        };
        assert_eq!(digest(&block("3 s ago", "web")), digest(&block("1 min ago", "web")));
        assert_ne!(digest(&block("3 s ago", "web")), digest(&block("3 s ago", "api")));
        let running = |now: &str| {
            format!(r#"<span class="num" data-since="1" data-now="{now}">{now} s</span>!"#)
        };
        assert_eq!(digest(&running("5")), digest(&running("6")));
    }
}
