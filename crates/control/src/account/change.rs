//! Changing and removing people. There is always an Administrator who can sign in.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{Person, people, secrets, store, team_store};
use crate::actor::Actor;
use crate::audit::{self, Act};
use crate::control::Control;
use crate::error::{Checks, Error, Problem};
use crate::names::Email;
use crate::rights::{Role, Subject};
use crate::store::sql::now;
use crate::store::wake::Wake;
use crate::store::{Tx, commit, search};

/// What changes of a person; what is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(default)]
pub struct PersonChange {
    /// `administrator`, `operations`, `developer` or `qa`.
    pub role: Option<String>,
    /// `false` shuts them out: their sessions and tokens end. `true` lets them in again.
    pub active: Option<bool>,
}

/// What changes of one's own account; what is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(default)]
pub struct SelfChange {
    /// Name, as lists and the audit log show it.
    pub name: Option<String>,
}

impl Control {
    /// Changes a person's role, shuts them out or lets them in again. For Administrators.
    pub async fn person_change(
        &self,
        actor: &Actor,
        person: &str,
        change: &PersonChange,
    ) -> Result<Person, Error> {
        let found = self.person_to_change(actor, person, "change people").await?;
        let mut checks = Checks::default();
        let role = change.role.as_deref().and_then(|role| people::role(&mut checks, role));
        checks.done()?;
        let tx = self.db().begin().await?;
        team_store::lock_people(&tx).await?;
        let old = reread(&tx, &found).await?;
        let mut new = old.clone();
        if let Some(role) = role {
            new.brief.role = role;
        }
        match change.active {
            Some(true) => new.disabled_at = None,
            Some(false) => new.disabled_at = old.disabled_at.or(Some(now())),
            None => {}
        }
        if new == old {
            return Ok(old);
        }
        let can_still = new.brief.role == Role::Administrator && new.disabled_at.is_none();
        if !can_still {
            keep_an_administrator(&tx, &old).await?;
            team_store::withdraw_links_of(&tx, old.brief.id).await?;
        }
        let mut told = told(&new);
        if new.disabled_at.is_some() && old.disabled_at.is_none() {
            told["sessions_ended"] =
                team_store::end_sessions(&tx, new.brief.id, None, now()).await?.into();
            told["tokens_revoked"] =
                team_store::revoke_tokens(&tx, new.brief.id, now()).await?.into();
            team_store::take_reset(&tx, new.brief.id).await?;
        }
        team_store::update_person(&tx, &new).await?;
        let act = Act { old: self::told(&old), new: told, ..act("person.change", &old) };
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        self.wakes().send(Wake::People).await;
        Ok(new)
    }

    /// Removes a person for good, with their sessions and tokens. What they did keeps their name.
    pub async fn person_remove(&self, actor: &Actor, person: &str) -> Result<(), Error> {
        let found = self.person_to_change(actor, person, "remove people").await?;
        let tx = self.db().begin().await?;
        team_store::lock_people(&tx).await?;
        let old = reread(&tx, &found).await?;
        keep_an_administrator(&tx, &old).await?;
        team_store::withdraw_links_of(&tx, old.brief.id).await?;
        team_store::forget_terms(&tx, old.brief.id).await?;
        team_store::delete_person(&tx, old.brief.id).await?;
        let act = Act { old: told(&old), ..act("person.remove", &old) };
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        self.wakes().send(Wake::People).await;
        Ok(())
    }

    /// Changes one's own name. Not with a token.
    pub async fn self_change(&self, actor: &Actor, change: &SelfChange) -> Result<Person, Error> {
        let id = secrets::in_person(actor, "change your account with a token")?;
        let mut checks = Checks::default();
        let name = change.name.as_deref().map(str::trim);
        if let Some(problem) = name.and_then(name_problem) {
            checks.add(problem);
        }
        checks.done()?;
        let tx = self.db().begin().await?;
        let missing = || Error::not_found("person", id);
        let old = store::person(&tx, id).await?.ok_or_else(missing)?;
        let mut new = old.clone();
        if let Some(name) = name {
            name.clone_into(&mut new.brief.name);
        }
        if new == old {
            return Ok(old);
        }
        team_store::update_person(&tx, &new).await?;
        team_store::forget_terms(&tx, id).await?;
        let terms = [new.brief.name.as_str(), new.brief.email.as_str()];
        search::index(&tx, "person", &id.to_string(), terms).await?;
        let act = Act {
            old: serde_json::json!({ "name": old.brief.name }),
            new: serde_json::json!({ "name": new.brief.name }),
            ..act("person.change", &old)
        };
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        Ok(new)
    }

    /// A person that an Administrator is about to change, by id or e-mail address.
    pub(super) async fn person_to_change(
        &self,
        actor: &Actor,
        person: &str,
        what: &str,
    ) -> Result<Person, Error> {
        let missing = || Error::not_found("person", person);
        actor.write(Subject::Account, what, missing)?;
        self.find_person(person).await?.ok_or_else(missing)
    }

    /// A person by id or e-mail address, whoever asks.
    pub(super) async fn find_person(&self, person: &str) -> Result<Option<Person>, Error> {
        let c = self.db().read();
        if let Ok(id) = person.parse() {
            return Ok(store::person(c, id).await?);
        }
        match person.parse::<Email>() {
            Ok(email) => Ok(team_store::person_by_email(c, &email).await?),
            Err(_) => Ok(None),
        }
    }
}

/// What is wrong with a name that is typed, if anything.
pub(super) fn name_problem(name: &str) -> Option<Problem> {
    let wrong = name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control);
    let remedy = "Use 1 to 100 printable characters.";
    wrong.then(|| Problem::new("name", "This name cannot be shown in lists.", remedy))
}

/// The person as they are now, inside of the transaction.
async fn reread(tx: &Tx, found: &Person) -> Result<Person, Error> {
    let missing = || Error::not_found("person", &found.brief.email);
    store::person(tx, found.brief.id).await?.ok_or_else(missing)
}

/// Refuses to let the last Administrator go.
async fn keep_an_administrator(tx: &Tx, person: &Person) -> Result<(), Error> {
    let counts = person.brief.role == Role::Administrator && person.disabled_at.is_none();
    if counts && team_store::other_administrators(tx, person.brief.id).await? == 0 {
        return Err(Error::conflict(
            format!(
                "{} is the last Administrator: nobody could manage people any more.",
                person.brief.name
            ),
            "Make someone else an Administrator first.",
        ));
    }
    Ok(())
}

fn told(person: &Person) -> serde_json::Value {
    serde_json::json!({
        "name": person.brief.name, "role": person.brief.role, "active": person.disabled_at.is_none(),
    })
}

fn act<'n>(action: &'static str, person: &'n Person) -> Act<'n> {
    Act {
        action,
        kind: "person",
        id: person.brief.id.to_string(),
        name: person.brief.email.as_str(),
        old: serde_json::Value::Null,
        new: serde_json::Value::Null,
    }
}
