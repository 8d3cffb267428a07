//! The environments of a group of a preview over a fleet: those that change alike.

use askama::Template;
use axum::response::{Html, IntoResponse};
use control::Error;
use control::environment::EnvironmentBrief;
use control::fleet::{ChangeGroup, FleetPreview};
use control::store::ids::FleetPreviewId;

use super::app_values::GroupRow;
use super::form::{Params, PathOf};
use super::parts::{Links, Pager, changed_objects};
use super::{Chrome, Ctx, PageAnswer, Section, app};
use crate::query::PageQuery;

#[derive(Template)]
#[template(path = "pages/fleet_group.html")]
struct Group {
    chrome: Chrome,
    preview: FleetPreview,
    row: GroupRow,
    items: Vec<EnvironmentBrief>,
    pager: Pager,
    back: String,
}

/// `GET /apps/{app}/values/preview/{preview}/{group}`
pub(crate) async fn show(
    ctx: Ctx,
    PathOf((name, id, key)): PathOf<(String, FleetPreviewId, String)>,
    Params(page): Params<PageQuery>,
) -> PageAnswer {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let mut preview = control.fleet_preview_get(actor, id).await?;
    let groups = std::mem::take(&mut preview.groups);
    let group: Option<ChangeGroup> = groups.into_iter().find(|group| group.key == key);
    let Some(group) = group else {
        return Err(Error::NotFound { what: "group of the preview", name: key }.into());
    };
    let page = control.fleet_preview_environments(actor, id, &key, &page.request()?).await?;
    let row = GroupRow { objects: changed_objects(&group.objects), group };
    let shown = Group {
        chrome: ctx.chrome(Section::Apps, row.title()).await?,
        pager: Pager::of(&page, &Links::of(&ctx.path_and_query), "environment", "by name"),
        items: page.items,
        back: format!("{}/values?preview={id}", app::path(&name)),
        row,
        preview,
    };
    Ok(Html(shown.render()?).into_response())
}
