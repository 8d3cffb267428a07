//! People and their roles.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{change, secrets, store};
use crate::actor::Actor;
use crate::audit::{self, Act};
use crate::closed::closed_set;
use crate::control::Control;
use crate::error::{Checks, Error, Problem};
use crate::names::Email;
use crate::rights::{Role, Subject};
use crate::store::ids::PersonId;
use crate::store::listing::Order;
use crate::store::paging::{Direction, Page, PageRequest, SortKey};
use crate::store::sql::now;
use crate::store::{Tx, commit, search};

/// A person, short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonBrief {
    /// Their id.
    pub id: PersonId,
    /// Their name, as lists show it.
    pub name: String,
    /// Their e-mail address.
    pub email: Email,
    /// Their role.
    pub role: Role,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Person {
    /// Who it is.
    #[serde(flatten)]
    pub brief: PersonBrief,
    /// When they last did something.
    pub last_seen_at: Option<Timestamp>,
    /// When they were added.
    pub created_at: Timestamp,
    /// When they were shut out, if they were.
    pub disabled_at: Option<Timestamp>,
}

closed_set! {
    /// Whether a person can sign in.
    pub enum PersonState {
        /// They can.
        Active = "active",
        /// They are shut out; what they did keeps their name.
        Deactivated = "deactivated",
    }
}

impl Person {
    /// Whether they can sign in.
    pub fn state(&self) -> PersonState {
        if self.disabled_at.is_none() { PersonState::Active } else { PersonState::Deactivated }
    }
}

/// Which people a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonFilter {
    /// Words that begin a part of the name or of the e-mail address.
    pub search: String,
    /// Only those of this role.
    pub role: Option<Role>,
}

/// A new person, as typed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct NewPerson {
    /// E-mail address, to sign in with.
    #[serde(default)]
    pub email: String,
    /// Name; empty: the part of the address before the `@`.
    #[serde(default)]
    pub name: String,
    /// `administrator`, `operations`, `developer` or `qa`.
    #[serde(default)]
    pub role: String,
    /// Password; none: can only sign in by a link.
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<SecretString>,
}

impl Control {
    /// Adds a person. For Administrators, and for the system (the demo).
    pub async fn person_create(&self, actor: &Actor, new: NewPerson) -> Result<Person, Error> {
        actor.write(Subject::Account, "add people", no_page)?;
        let mut checks = Checks::default();
        let role = role(&mut checks, &new.role);
        let checked = checks.take(self.check_person(new, role.unwrap_or(Role::Qa)).await)?;
        checks.done()?;
        let Some((person, password)) = checked else {
            return Err(Error::internal("check a person", "nothing was checked"));
        };
        let tx = self.db().begin().await?;
        insert(&tx, actor, &person, password).await?;
        commit(tx).await?;
        self.person(person.id).await
    }

    /// People by name, for Administrators.
    pub async fn person_list(
        &self,
        actor: &Actor,
        filter: &PersonFilter,
        page: &PageRequest,
    ) -> Result<Page<Person>, Error> {
        actor.read(Subject::Account, no_page)?;
        let order = Order { column: "name_key", direction: Direction::Ascending };
        store::people_view()
            .list()
            .search("person", &filter.search)
            .when_some("p.role = ?", filter.role)
            .page(self.db().read(), page, order, store::read_person, |person| {
                (SortKey::Text(person.brief.name.to_lowercase()), person.brief.id.to_string())
            })
            .await
    }

    /// One person, by id or e-mail address, for Administrators.
    pub async fn person_get(&self, actor: &Actor, person: &str) -> Result<Person, Error> {
        let missing = || Error::not_found("person", person);
        actor.read(Subject::Account, missing)?;
        self.find_person(person).await?.ok_or_else(missing)
    }

    /// The person behind the actor; none for the system.
    pub async fn person_self(&self, actor: &Actor) -> Result<Option<Person>, Error> {
        match actor.person() {
            Some(id) => self.person(id).await.map(Some),
            None => Ok(None),
        }
    }

    async fn person(&self, id: PersonId) -> Result<Person, Error> {
        let found = store::person(self.db().read(), id).await?;
        found.ok_or_else(|| Error::not_found("person", id))
    }

    /// Checks what was typed and hashes the password.
    pub(super) async fn check_person(
        &self,
        new: NewPerson,
        role: Role,
    ) -> Result<(PersonBrief, Option<secrets::PasswordHash>), Error> {
        let mut checks = Checks::default();
        let email = checks.name::<Email>("email", new.email.trim());
        let mut name = new.name.trim().to_owned();
        if name.is_empty() {
            new.email.split('@').next().unwrap_or_default().trim().clone_into(&mut name);
        }
        if let Some(problem) = change::name_problem(&name).filter(|_| email.is_some()) {
            checks.add(problem);
        }
        if let Some(problem) = new.password.as_ref().and_then(secrets::password_problem) {
            checks.add(problem);
        }
        checks.done()?;
        let email = email.ok_or_else(|| Error::internal("check a person", "no address"))?;
        let password = match new.password {
            Some(password) => Some(self.hash_password(password).await?),
            None => None,
        };
        Ok((PersonBrief { id: PersonId::generate(), name, email, role }, password))
    }
}

/// What people are told who may not see the account.
pub(super) fn no_page() -> Error {
    Error::not_found("page", "people")
}

/// Reads a role; a problem is noted.
pub(super) fn role(checks: &mut Checks, typed: &str) -> Option<Role> {
    let read = typed.parse::<Role>();
    read.map_err(|unknown| {
        checks.add(Problem::new("role", format!("{unknown}."), "Choose one of them."));
    })
    .ok()
}

/// Adds a checked person, and says so in the audit log.
pub(super) async fn insert(
    tx: &Tx,
    actor: &Actor,
    person: &PersonBrief,
    password: Option<secrets::PasswordHash>,
) -> Result<(), Error> {
    let added = store::insert_person(tx, person, password, now(), &actor.by()).await;
    if let Err(failed) = added {
        return Err(if failed.violates("people_email", "people.email_key") {
            let message = format!("There is a person with the address {} already.", person.email);
            Error::invalid("email", message, "Use another address.")
        } else {
            failed.into()
        });
    }
    let terms = [person.name.as_str(), person.email.as_str()];
    search::index(tx, "person", &person.id.to_string(), terms).await?;
    let act = Act {
        action: "person.create",
        kind: "person",
        id: person.id.to_string(),
        name: person.email.as_str(),
        old: serde_json::Value::Null,
        new: serde_json::json!({ "name": person.name, "role": person.role }),
    };
    Ok(audit::write(tx, actor, act).await?)
}
