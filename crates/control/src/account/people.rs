//! People and their roles.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::control::Control;
use crate::error::Error;
use crate::names::Email;
use crate::rights::Role;
use crate::store::ids::PersonId;
use crate::store::paging::{Page, PageRequest};

/// A person, short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewPerson {
    /// E-mail address, to sign in with.
    pub email: String,
    /// Name; empty: the part of the address before the `@`.
    pub name: String,
    /// `administrator`, `operations`, `developer` or `qa`.
    pub role: String,
    /// Password; none: can only sign in by a link.
    pub password: Option<SecretString>,
}

impl Control {
    /// Adds a person. For Administrators, and for the system (the demo).
    pub async fn person_create(&self, actor: &Actor, new: NewPerson) -> Result<Person, Error> {
        self.unfinished(actor, &new)
    }

    /// People by name, for Administrators.
    pub async fn person_list(
        &self,
        actor: &Actor,
        page: &PageRequest,
    ) -> Result<Page<Person>, Error> {
        self.unfinished(actor, &page)
    }

    /// The person behind the actor; none for the system.
    pub async fn person_self(&self, actor: &Actor) -> Result<Option<Person>, Error> {
        self.unfinished(actor, &())
    }
}
