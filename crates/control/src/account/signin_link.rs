//! One-time sign-in links, for the demo: loopback only, 10 minutes, used up by the button's POST.

use jiff::Timestamp;
use secrecy::SecretString;

use super::{NewSession, PersonBrief, Remote};
use crate::actor::Actor;
use crate::control::Control;
use crate::error::Error;
use crate::store::ids::PersonId;

/// A link to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewSigninLink {
    /// Who it signs in.
    pub person: PersonId,
}

/// A link just made.
#[derive(Clone, Debug)]
pub struct SigninLink {
    /// The token to put into the URL. Not kept here in this form.
    pub token: SecretString,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

impl Control {
    /// Makes a link. Only for the system.
    pub async fn signin_link_create(
        &self,
        actor: &Actor,
        new: NewSigninLink,
    ) -> Result<SigninLink, Error> {
        self.unfinished(actor, &new)
    }

    /// Whom a link would sign in; uses nothing up (the GET).
    pub async fn signin_link_look(&self, token: &str, remote: &Remote) -> Result<PersonBrief, Error> {
        self.unfinished(&Actor::system(), &(token, remote))
    }

    /// Signs in by a link and uses it up (the POST). Refused off loopback.
    pub async fn signin_link_use(&self, token: &str, remote: &Remote) -> Result<NewSession, Error> {
        self.unfinished(&Actor::system(), &(token, remote))
    }
}
