//! Changing one's own password, and links by which others let a person set a new one.

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;

use super::invitation::is_gone;
use super::session::begin_session;
use super::{NewSession, Person, PersonBrief, Remote, secrets, team_store};
use crate::actor::Actor;
use crate::audit::{self, Act};
use crate::control::Control;
use crate::error::{Checks, Error, Problem};
use crate::store::commit;
use crate::store::ids::PersonId;
use crate::store::sql::now;
use crate::store::wake::Wake;

/// How long a link to set a new password can be used.
const LASTS: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);
const TOKEN_LENGTH: usize = 40;

const GONE: Error = Error::Gone {
    what: "This link to set a new password was used, was replaced by another, or has ended.",
    remedy: "Ask an Administrator for a new one.",
};

/// A change of one's own password.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewPassword {
    /// The password so far; none for who has none yet.
    #[schema(value_type = Option<String>, format = Password)]
    pub current: Option<SecretString>,
    /// The new one, at least 12 characters.
    #[schema(value_type = String, format = Password)]
    pub password: SecretString,
}

/// A link to set a new password, just made.
#[derive(Clone, Debug)]
pub struct CreatedReset {
    /// What the link holds: shown once, not kept here in this form.
    pub secret: SecretString,
    /// Whose password it sets.
    pub person: Person,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

impl Control {
    /// Whether the person behind the actor has a password to give.
    pub async fn has_password(&self, actor: &Actor) -> Result<bool, Error> {
        match actor.person() {
            Some(person) => Ok(team_store::password(self.db().read(), person).await?.is_some()),
            None => Ok(false),
        }
    }

    /// Changes one's own password; one's other sessions end. Only for people in a session.
    pub async fn password_change(
        &self,
        actor: &Actor,
        new: NewPassword,
        remote: &Remote,
    ) -> Result<(), Error> {
        let person = secrets::in_person(actor, "change a password with a token")?;
        let mut checks = Checks::default();
        if let Some(problem) = secrets::password_problem(&new.password) {
            checks.add(problem);
        }
        if let Some(hash) = team_store::password(self.db().read(), person).await? {
            let current = new.current.clone().unwrap_or_default();
            let attempt = self.attempt_password(&person.to_string(), Some(person), remote).await?;
            if self.verify_password(current.clone(), Some(hash)).await? {
                self.attempt_was_right(attempt).await?;
            } else {
                let message = "This is not your password.";
                checks.add(Problem::new("current", message, "Give the one you sign in with."));
            }
            if current.expose_secret() == new.password.expose_secret() {
                let remedy = "Choose another one.";
                checks.add(Problem::new("password", "This is your password already.", remedy));
            }
        }
        checks.done()?;
        let hash = self.hash_password(new.password).await?;
        let tx = self.db().begin().await?;
        team_store::set_password(&tx, person, hash).await?;
        team_store::take_reset(&tx, person).await?;
        let ended = team_store::end_sessions(&tx, person, actor.session(), now()).await?;
        let act = act("person.change_password", person, actor.name(), ended);
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        self.wakes().send(Wake::People).await;
        Ok(())
    }

    /// Makes a link by which a person sets a new password; an earlier one ends. For Administrators.
    pub async fn password_reset_create(
        &self,
        actor: &Actor,
        person: &str,
    ) -> Result<CreatedReset, Error> {
        let found = self.person_to_change(actor, person, "make links to set passwords").await?;
        if actor.person() == Some(found.brief.id) {
            return Err(Error::conflict(
                "This is your own account.",
                "Change your password in Settings, where you give the one you have.",
            ));
        }
        if found.disabled_at.is_some() {
            return Err(Error::conflict(
                format!("{} is deactivated and could not sign in.", found.brief.name),
                "Reactivate the account first.",
            ));
        }
        let secret = secrets::random_text(TOKEN_LENGTH)?;
        let at = now();
        let expires_at = at + LASTS;
        let tx = self.db().begin().await?;
        let new = team_store::NewReset {
            person: found.brief.id,
            token_hash: &secrets::digest(&secret),
            at,
            maker: actor.person(),
            expires_at,
        };
        team_store::put_reset(&tx, &new).await?;
        let act = Act {
            action: "person.reset_password",
            kind: "person",
            id: found.brief.id.to_string(),
            name: found.brief.email.as_str(),
            old: serde_json::Value::Null,
            new: serde_json::json!({ "link_expires_at": expires_at }),
        };
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        Ok(CreatedReset { secret: secret.into(), person: found, expires_at })
    }

    /// Whose password a link sets; uses nothing up.
    pub async fn password_reset_look(
        &self,
        secret: &str,
        remote: &Remote,
    ) -> Result<PersonBrief, Error> {
        let hash = secrets::digest(secret);
        self.with_secret(remote, is_gone, async {
            let found = team_store::person_of_reset(self.db().read(), &hash, now()).await?;
            found.ok_or(GONE)
        })
        .await
    }

    /// Sets the password by a link, ends the person's sessions and begins a new one; uses the link up.
    pub async fn password_reset_use(
        &self,
        secret: &str,
        password: SecretString,
        remote: &Remote,
    ) -> Result<NewSession, Error> {
        self.password_reset_look(secret, remote).await?;
        if let Some(problem) = secrets::password_problem(&password) {
            let mut checks = Checks::default();
            checks.add(problem);
            checks.done()?;
        }
        let password = self.hash_password(password).await?;
        let hash = secrets::digest(secret);
        let tx = self.db().begin().await?;
        let person = team_store::person_of_reset(&tx, &hash, now()).await?.ok_or(GONE)?;
        if !team_store::take_reset(&tx, person.id).await? {
            return Err(GONE);
        }
        team_store::set_password(&tx, person.id, password).await?;
        let ended = team_store::end_sessions(&tx, person.id, None, now()).await?;
        let actor = Actor { remote: remote.address, ..Actor::on_behalf_of(&person) };
        let act = act("person.change_password", person.id, person.email.as_str(), ended);
        audit::write(&tx, &actor, act).await?;
        let session = begin_session(&tx, person, remote, "password link").await?;
        commit(tx).await?;
        self.wakes().send(Wake::People).await;
        Ok(session)
    }
}

fn act<'n>(action: &'static str, person: PersonId, name: &'n str, ended: u64) -> Act<'n> {
    Act {
        action,
        kind: "person",
        id: person.to_string(),
        name,
        old: serde_json::Value::Null,
        new: serde_json::json!({ "password": "changed", "sessions_ended": ended }),
    }
}
