//! Invitations: a link that an Administrator is shown once, by which the invited set name and password.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::session::begin_session;
use super::{NewPerson, NewSession, PersonBrief, Remote, people, secrets, team_store};
use crate::actor::{Actor, By, Identity};
use crate::audit::{self, Act};
use crate::control::Control;
use crate::error::{Checks, Error};
use crate::names::Email;
use crate::rights::{Role, Subject};
use crate::store::commit;
use crate::store::ids::InvitationId;
use crate::store::listing::Order;
use crate::store::paging::{Direction, Page, PageRequest, SortKey};
use crate::store::sql::now;

/// How long an invitation can be accepted.
const LASTS: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);
const TOKEN_LENGTH: usize = 40;

const GONE: Error = Error::Gone {
    what: "This invitation was accepted, was withdrawn, or has ended.",
    remedy: "Sign in if you have an account; otherwise ask an Administrator for a new link.",
};

/// An invitation that was not accepted yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Who is invited.
    pub email: Email,
    /// The role they will have.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it. It ends when they lose the right to invite.
    pub created_by: By,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
}

impl Invitation {
    /// Whether it cannot be accepted any more.
    pub fn has_ended(&self) -> bool {
        self.expires_at <= now()
    }
}

/// What the form "Invite" gives; texts as typed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct NewInvitation {
    /// Whom to invite.
    pub email: String,
    /// `administrator`, `operations`, `developer` or `qa`.
    pub role: String,
}

/// An invitation just made.
#[derive(Clone, Debug)]
pub struct CreatedInvitation {
    /// What the link holds: shown once, not kept here in this form.
    pub secret: SecretString,
    /// The invitation as lists show it.
    pub invitation: Invitation,
}

/// What the invited give; texts as typed.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Name; empty: the part of the address before the `@`.
    pub name: String,
    /// Password, at least 12 characters.
    pub password: SecretString,
}

impl Control {
    /// Makes an invitation. An earlier one for the same address ends.
    pub async fn invitation_create(
        &self,
        actor: &Actor,
        new: NewInvitation,
    ) -> Result<CreatedInvitation, Error> {
        actor.write(Subject::Account, "invite people", people::no_page)?;
        let mut checks = Checks::default();
        let email = checks.name::<Email>("email", new.email.trim());
        let role = people::role(&mut checks, &new.role);
        checks.done()?;
        let (Some(email), Some(role)) = (email, role) else {
            return Err(Error::internal("invite someone", "nothing was checked"));
        };
        if let Some(there) = team_store::person_by_email(self.db().read(), &email).await? {
            let name = there.brief.name;
            let message = format!("{name} has an account with this address already.");
            return Err(Error::invalid("email", message, "Change their role on the page Team."));
        }
        let secret = secrets::random_text(TOKEN_LENGTH)?;
        let at = now();
        let invitation = Invitation {
            id: InvitationId::generate(),
            email,
            role,
            created_at: at,
            created_by: actor.by(),
            expires_at: at + LASTS,
        };
        let tx = self.db().begin().await?;
        let earlier = team_store::take_invitation_by_email(&tx, &invitation.email).await?;
        let hash = secrets::digest(&secret);
        team_store::insert_invitation(&tx, &invitation, &hash, actor.person()).await?;
        let act = Act {
            old: earlier.map_or(serde_json::Value::Null, |earlier| told(&earlier)),
            new: told(&invitation),
            ..act("invitation.create", &invitation)
        };
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        Ok(CreatedInvitation { secret: secret.into(), invitation })
    }

    /// Invitations that were not accepted, last made first, for Administrators.
    pub async fn invitation_list(
        &self,
        actor: &Actor,
        page: &PageRequest,
    ) -> Result<Page<Invitation>, Error> {
        actor.read(Subject::Account, people::no_page)?;
        let order = Order { column: "id", direction: Direction::Descending };
        team_store::invitations_view()
            .list()
            .page(self.db().read(), page, order, team_store::read_invitation, |invitation| {
                (SortKey::Text(String::new()), invitation.id.to_string())
            })
            .await
    }

    /// Withdraws an invitation: its link leads nowhere from now on.
    pub async fn invitation_withdraw(&self, actor: &Actor, id: InvitationId) -> Result<(), Error> {
        let missing = || Error::not_found("invitation", id);
        actor.write(Subject::Account, "withdraw invitations", missing)?;
        let tx = self.db().begin().await?;
        let taken = team_store::take_invitation_by_id(&tx, id).await?.ok_or_else(missing)?;
        let act = Act { old: told(&taken), ..act("invitation.withdraw", &taken) };
        audit::write(&tx, actor, act).await?;
        Ok(commit(tx).await?)
    }

    /// The invitation behind a link; uses nothing up.
    pub async fn invitation_look(
        &self,
        secret: &str,
        remote: &Remote,
    ) -> Result<Invitation, Error> {
        let hash = secrets::digest(secret);
        self.with_secret(remote, is_gone, async {
            let found = team_store::invitation_of_link(self.db().read(), &hash, now()).await?;
            found.ok_or(GONE)
        })
        .await
    }

    /// Makes the invited person and signs them in; uses the invitation up.
    pub async fn invitation_accept(
        &self,
        secret: &str,
        accepted: Accepted,
        remote: &Remote,
    ) -> Result<NewSession, Error> {
        let invitation = self.invitation_look(secret, remote).await?;
        let new = NewPerson {
            email: invitation.email.to_string(),
            name: accepted.name,
            role: String::new(),
            password: Some(accepted.password),
        };
        let (person, password) = self.check_person(new, invitation.role).await?;
        let tx = self.db().begin().await?;
        // Looked at again, since hashing took its time: of two who accept at once one comes first.
        let hash = secrets::digest(secret);
        let still = team_store::invitation_of_link(&tx, &hash, now()).await?.ok_or(GONE)?;
        let taken = team_store::take_invitation_by_id(&tx, still.id).await?.ok_or(GONE)?;
        let person = PersonBrief { role: taken.role, ..person };
        let actor = Actor {
            identity: Identity::Person { person: person.id, session: None },
            name: person.name.clone(),
            role: person.role,
            remote: remote.address,
        };
        let act = Act { old: told(&taken), ..act("invitation.accept", &taken) };
        audit::write(&tx, &actor, act).await?;
        people::insert(&tx, &actor, &person, password).await?;
        let session = begin_session(&tx, person, remote, "invitation").await?;
        commit(tx).await?;
        Ok(session)
    }
}

/// Whether an error means that a link is not, or no longer, one.
pub(super) fn is_gone(error: &Error) -> bool {
    matches!(error, Error::Gone { .. } | Error::SignedOut { .. })
}

fn told(invitation: &Invitation) -> serde_json::Value {
    serde_json::json!({ "role": invitation.role, "expires_at": invitation.expires_at })
}

fn act<'n>(action: &'static str, invitation: &'n Invitation) -> Act<'n> {
    Act {
        action,
        kind: "invitation",
        id: invitation.id.to_string(),
        name: invitation.email.as_str(),
        old: serde_json::Value::Null,
        new: serde_json::Value::Null,
    }
}
