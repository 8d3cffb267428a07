//! Batches, newest first, live; and what lists show of one.

use askama::Template;
use control::batch::{Batch, BatchFilter, BatchState, MemberCounts};

use super::form::Params;
use super::parts::{Links, Pager};
use super::{Chrome, Ctx, PageAnswer, PageError, Section};
use crate::live::{self, live_page};
use crate::query::PageQuery;
use crate::view::state::Mark;
use crate::view::words::grouped;

#[derive(Template)]
#[template(path = "pages/batches.html", blocks = ["live"])]
struct List {
    chrome: Chrome,
    items: Vec<Batch>,
    pager: Pager,
}

live_page!(List);

/// `GET /batches`
pub(crate) async fn list(ctx: Ctx, Params(page): Params<PageQuery>) -> PageAnswer {
    live::respond(ctx, move |ctx| {
        let page = page.clone();
        async move { read(&ctx, &page).await }
    })
    .await
}

async fn read(ctx: &Ctx, page: &PageQuery) -> Result<List, PageError> {
    let filter = BatchFilter::default();
    let page = ctx.control().batch_list(&ctx.actor, &filter, &page.request()?).await?;
    Ok(List {
        chrome: ctx.chrome(Section::Deployments, "Batches").await?,
        pager: Pager::of(&page, &Links::of(&ctx.path_and_query), "batch", "newest first"),
        items: page.items,
    })
}

/// How a batch stands, in a word.
pub(super) fn mark(batch: &Batch) -> Mark {
    let failed = batch.counts.failed > 0;
    let (class, word) = match batch.state {
        BatchState::Running => ("busy", "Deploying"),
        BatchState::Paused => ("warn", "Paused"),
        BatchState::Stopped => ("bad", "Stopped after failures"),
        BatchState::Waiting => ("warn", "Waits for Operations"),
        BatchState::Ended if failed => ("bad", "Ended with failures"),
        BatchState::Ended if batch.counts.succeeded == 0 => ("idle", "Ended"),
        BatchState::Ended => ("good", "Done"),
    };
    Mark { class, word: word.to_owned() }
}

/// `12 succeeded, 2 failed, 20 deploy, 30 queued`: what there is of it.
pub(super) fn counts(counts: &MemberCounts) -> String {
    let told = [
        (counts.failed, "failed"),
        (counts.succeeded, "succeeded"),
        (counts.deploying, "under way"),
        (counts.queued, "queued"),
        (counts.waiting, "wait for Operations"),
        (counts.cancelled, "cancelled"),
        (counts.superseded, "superseded"),
        (counts.dropped, "dropped"),
        (counts.skipped, "skipped"),
    ];
    let some = told.iter().filter(|(n, _)| *n > 0);
    some.map(|(n, word)| format!("{} {word}", grouped(n.unsigned_abs())))
        .collect::<Vec<_>>()
        .join(", ")
}

/// `App values r4 of Parcel`.
pub(super) fn title(batch: &Batch) -> String {
    format!("App values r{} of {}", batch.app_values_revision, batch.app.name)
}
