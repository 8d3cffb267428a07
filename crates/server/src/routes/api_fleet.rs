//! Calls on many environments at once: previews over a fleet, and batches.

use axum::routing::{get, post};
use control::batch::{Batch, BatchMember};
use control::environment::EnvironmentBrief;
use control::fleet::{FleetPreview, NewFleetPreview};

use super::{Route, acts, reads};
use crate::api::openapi::Doc;
use crate::api::{batches, fleets};
use crate::query::{BatchQuery, PageQuery};

pub(super) fn calls() -> Vec<Route> {
    let mut routes = previews();
    routes.extend(batch_calls());
    routes
}

fn previews() -> Vec<Route> {
    let doc = |id, summary| Doc::new(id, "Apps", summary);
    vec![
        acts(
            "/apps/{app}/values/previews",
            post(fleets::begin),
            doc(
                "fleet_preview",
                "Begins to work out what new App values would change, environment by environment; follow it by GET.",
            )
            .body::<NewFleetPreview>()
            .creates::<FleetPreview>(),
        ),
        reads(
            "/fleet-previews/{preview}",
            get(fleets::get),
            doc("fleet_preview_get", "A preview as far as it is: groups of environments that change alike.")
                .answers::<FleetPreview>(),
        ),
        reads(
            "/fleet-previews/{preview}/groups/{group}/environments",
            get(fleets::environments),
            doc("fleet_preview_environments", "The environments of a group, by name.")
                .query::<PageQuery>()
                .answers_page::<EnvironmentBrief>(),
        ),
        acts(
            "/fleet-previews/{preview}/cancel",
            post(fleets::cancel),
            doc("fleet_preview_cancel", "Stops a preview.").answers::<FleetPreview>(),
        ),
    ]
}

fn batch_calls() -> Vec<Route> {
    let doc = |id, summary| Doc::new(id, "Batches", summary);
    vec![
        reads(
            "/batches",
            get(batches::list),
            doc("batch_list", "Acts that deploy to many environments, newest first.")
                .query::<BatchQuery>()
                .query::<PageQuery>()
                .answers_page::<Batch>(),
        ),
        reads(
            "/batches/{batch}",
            get(batches::get),
            doc("batch_get", "A batch: how many of its environments stand how.").answers::<Batch>(),
        ),
        reads(
            "/batches/{batch}/environments",
            get(batches::environments),
            doc("batch_members", "The environments of a batch in the order of their turns.")
                .query::<batches::MemberQuery>()
                .query::<PageQuery>()
                .answers_page::<BatchMember>(),
        ),
        acts(
            "/batches/{batch}/pause",
            post(batches::pause),
            doc("batch_pause", "Begins nothing more; what is under way goes on.")
                .answers::<Batch>(),
        ),
        acts(
            "/batches/{batch}/resume",
            post(batches::resume),
            doc("batch_resume", "Goes on after a pause, or after it stopped for failures.")
                .answers::<Batch>(),
        ),
        acts(
            "/batches/{batch}/drop",
            post(batches::drop_rest),
            doc("batch_drop", "Drops what has not begun.").answers::<Batch>(),
        ),
        acts(
            "/batches/{batch}/let-go",
            post(batches::let_go),
            doc(
                "batch_let_go",
                "Lets the production environments go that wait for someone who may deploy to them.",
            )
            .answers::<Batch>(),
        ),
    ]
}
