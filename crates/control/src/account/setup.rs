//! The first Administrator, made with a one-time code that the server prints.

use secrecy::SecretString;
use serde::Deserialize;

use super::{NewSession, Remote};
use crate::actor::Actor;
use crate::control::Control;
use crate::error::Error;

/// What the set-up form gives; texts as typed.
#[derive(Clone, Debug, Deserialize)]
pub struct NewAdministrator {
    /// The code that the server printed.
    pub code: String,
    /// E-mail address, to sign in with.
    pub email: String,
    /// Name; empty: the part of the address before the `@`.
    #[serde(default)]
    pub name: String,
    /// Password, at least 12 characters.
    pub password: SecretString,
}

impl Control {
    /// Whether there is no person yet.
    pub async fn setup_needed(&self) -> Result<bool, Error> {
        self.unfinished(&Actor::system(), &())
    }

    /// Makes a new set-up code for the server to print; earlier ones end. None if set-up is done.
    pub async fn setup_code(&self) -> Result<Option<SecretString>, Error> {
        self.unfinished(&Actor::system(), &())
    }

    /// Makes the first Administrator and signs them in.
    pub async fn setup_administrator(
        &self,
        new: NewAdministrator,
        remote: &Remote,
    ) -> Result<NewSession, Error> {
        self.unfinished(&Actor::system(), &(new.email, remote))
    }
}
