//! The team: people with role and state, and invitations that were not accepted.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::account::{Invitation, Person, PersonState};
use control::rights::Role;
use control::store::ids::InvitationId;
use control::store::paging::PageRequest;

use super::form::{Params, PathOf};
use super::parts::{Links, Pager};
use super::{Chrome, Ctx, PageAnswer, Section};
use crate::query::{PageQuery, PersonQuery};

#[derive(Template)]
#[template(path = "pages/team.html")]
struct List {
    chrome: Chrome,
    items: Vec<Person>,
    invitations: Vec<Invitation>,
    pager: Pager,
    links: Links,
}

/// `GET /team`
pub(crate) async fn list(
    ctx: Ctx,
    Params(query): Params<PersonQuery>,
    Params(page): Params<PageQuery>,
) -> PageAnswer {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let page = control.person_list(actor, &query.filter()?, &page.request()?).await?;
    let some = PageRequest { cursor: None, limit: Some(200) };
    let links = Links::of(&ctx.path_and_query);
    let page = List {
        chrome: ctx.chrome(Section::Team, "Team").await?,
        invitations: control.invitation_list(actor, &some).await?.items,
        pager: Pager::of(&page, &links, "account", "by name"),
        items: page.items,
        links,
    };
    Ok(Html(page.render()?).into_response())
}

/// `POST /invitations/{invitation}/withdraw`
pub(crate) async fn withdraw(ctx: Ctx, PathOf(id): PathOf<InvitationId>) -> PageAnswer {
    ctx.control().invitation_withdraw(&ctx.actor, id).await?;
    Ok(Redirect::to("/team").into_response())
}

/// The class of a person's state.
pub(crate) fn state_class(person: &Person) -> &'static str {
    match person.state() {
        PersonState::Active => "good",
        PersonState::Deactivated => "idle",
    }
}

/// A person's state as pages write it.
pub(crate) fn state_word(person: &Person) -> &'static str {
    match person.state() {
        PersonState::Active => "Active",
        PersonState::Deactivated => "Deactivated",
    }
}

/// What a role may do, in a line.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
pub(crate) fn role_help(role: &Role) -> &'static str {
    match role {
        Role::Administrator => "Everything, people included.",
        Role::Operations => {
            "Everything but people: clusters, Apps, all environments, the audit log."
        }
        Role::Developer => "Apps, releases and sandbox environments; looks at production.",
        Role::Qa => "Sandbox environments; does not see production.",
    }
}
