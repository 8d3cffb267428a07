//! The first Administrator, made with a one-time code that the server prints.

use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::session::begin_session;
use super::{NewPerson, NewSession, Remote, people, secrets, store};
use crate::actor::Actor;
use crate::control::Control;
use crate::error::{Checks, Error, Problem};
use crate::rights::Role;
use crate::store::commit;

/// Characters of a set-up code: 80 bits, in groups that can be typed.
const CODE_LENGTH: usize = 16;

/// What the set-up form gives; texts as typed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewAdministrator {
    /// The code that the server printed.
    pub code: String,
    /// E-mail address, to sign in with.
    pub email: String,
    /// Name; empty: the part of the address before the `@`.
    #[serde(default)]
    pub name: String,
    /// Password, at least 12 characters.
    #[schema(value_type = String, format = Password)]
    pub password: SecretString,
}

impl Control {
    /// Whether there is no person yet.
    pub async fn setup_needed(&self) -> Result<bool, Error> {
        Ok(!store::anybody(self.db().read()).await?)
    }

    /// Makes a new set-up code for the server to print; earlier ones end. None if set-up is done.
    pub async fn setup_code(&self) -> Result<Option<SecretString>, Error> {
        if !self.setup_needed().await? {
            return Ok(None);
        }
        let code = secrets::random_text(CODE_LENGTH)?;
        store::set_setup_code(self.db().write(), Some(&secrets::digest(&code))).await?;
        let groups: Vec<&str> =
            [0..4, 4..8, 8..12, 12..16].into_iter().filter_map(|part| code.get(part)).collect();
        Ok(Some(groups.join("-").into()))
    }

    /// Makes the first Administrator and signs them in. Wrong codes are counted.
    pub async fn setup_administrator(
        &self,
        new: NewAdministrator,
        remote: &Remote,
    ) -> Result<NewSession, Error> {
        let wrong = |error: &Error| match error {
            Error::Invalid(invalid) => invalid.problems.iter().any(|p| p.field == "code"),
            _ => false,
        };
        self.with_secret(remote, wrong, self.make_first(new, remote)).await
    }

    async fn make_first(
        &self,
        new: NewAdministrator,
        remote: &Remote,
    ) -> Result<NewSession, Error> {
        if !self.setup_needed().await? {
            return Err(Error::conflict(
                "Landfall is set up already.",
                "Sign in, or ask an Administrator to add you.",
            ));
        }
        let code: String =
            new.code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        let person = NewPerson {
            email: new.email,
            name: new.name,
            role: Role::Administrator.to_string(),
            password: Some(new.password),
        };
        let mut checks = Checks::default();
        let checked = checks.take(self.check_person(person, Role::Administrator).await)?;
        let tx = self.db().begin().await?;
        if !store::use_setup_code(&tx, &secrets::digest(&code)).await? {
            let remedy = "Take the newest one from the server's output.";
            checks.add(Problem::new("code", "This is not the set-up code.", remedy));
        }
        checks.done()?;
        let Some((person, password)) = checked else {
            return Err(Error::internal("check a person", "nothing was checked"));
        };
        if store::anybody(&tx).await? {
            return Err(Error::conflict("Landfall was set up just now.", "Sign in."));
        }
        people::insert(&tx, &Actor::system(), &person, password).await?;
        let session = begin_session(&tx, person, remote, "set-up").await?;
        commit(tx).await?;
        Ok(session)
    }
}
