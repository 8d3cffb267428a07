//! People and their roles.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{secrets, store};
use crate::actor::Actor;
use crate::audit::{self, Act};
use crate::control::Control;
use crate::error::{Checks, Error, Problem};
use crate::names::Email;
use crate::rights::{Role, Subject};
use crate::store::ids::PersonId;
use crate::store::listing::Order;
use crate::store::paging::{Direction, Page, PageRequest, SortKey};
use crate::store::sql::now;
use crate::store::{Tx, commit};

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
        actor.write(Subject::Account, "add people", || Error::not_found("page", "people"))?;
        let role = new.role.clone();
        let mut checks = Checks::default();
        let role = role.parse::<Role>().map_err(|unknown| {
            checks.add(Problem::new("role", format!("{unknown}."), "Choose one of them."));
        });
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
        page: &PageRequest,
    ) -> Result<Page<Person>, Error> {
        actor.read(Subject::Account, || Error::not_found("page", "people"))?;
        let order = Order { column: "name_key", direction: Direction::Ascending };
        store::people_view()
            .list()
            .page(self.db().read(), page, order, store::read_person, |person| {
                (SortKey::Text(person.brief.name.to_lowercase()), person.brief.id.to_string())
            })
            .await
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
        if name.chars().count() > 100 || name.chars().any(char::is_control) {
            let remedy = "Use 1 to 100 printable characters.";
            checks.add(Problem::new("name", "This name cannot be shown in lists.", remedy));
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
