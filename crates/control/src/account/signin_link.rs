//! One-time sign-in links, for the demo: loopback only, 10 minutes, used up by the button's POST.

use jiff::Timestamp;
use secrecy::SecretString;

use super::invitation::is_gone;
use super::session::begin_session;
use super::{NewSession, PersonBrief, Remote, secrets, store};
use crate::actor::{Actor, Identity};
use crate::control::Control;
use crate::error::Error;
use crate::store::commit;
use crate::store::ids::PersonId;
use crate::store::sql::now;

const LASTS: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);
const TOKEN_LENGTH: usize = 40;

const REFUSED: Error = Error::SignedOut {
    reason: "This sign-in link was used or has ended, or this is not the machine that Landfall \
             runs on. Start the demo again for a new one, or sign in.",
};

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
        if actor.identity != Identity::System {
            return Err(Error::not_found("page", "sign-in links"));
        }
        let token = secrets::random_text(TOKEN_LENGTH)?;
        let (at, c) = (now(), self.db().write());
        store::insert_link(c, &secrets::digest(&token), new.person, at, at + LASTS).await?;
        Ok(SigninLink { token: token.into(), expires_at: at + LASTS })
    }

    /// Whom a link would sign in; uses nothing up (the GET).
    pub async fn signin_link_look(
        &self,
        token: &str,
        remote: &Remote,
    ) -> Result<PersonBrief, Error> {
        require_loopback(remote)?;
        self.with_secret(remote, is_gone, async {
            let found = store::link(self.db().read(), &secrets::digest(token), now()).await?;
            found.ok_or(REFUSED)
        })
        .await
    }

    /// Signs in by a link and uses it up (the POST). Refused off loopback.
    pub async fn signin_link_use(&self, token: &str, remote: &Remote) -> Result<NewSession, Error> {
        self.signin_link_look(token, remote).await?;
        let hash = secrets::digest(token);
        let tx = self.db().begin().await?;
        let person = store::link(&tx, &hash, now()).await?.ok_or(REFUSED)?;
        if !store::use_link(&tx, &hash, now()).await? {
            return Err(REFUSED);
        }
        let session = begin_session(&tx, person, remote, "sign-in link").await?;
        commit(tx).await?;
        Ok(session)
    }
}

fn require_loopback(remote: &Remote) -> Result<(), Error> {
    let local = remote.address.is_some_and(|address| address.to_canonical().is_loopback());
    if local { Ok(()) } else { Err(REFUSED) }
}
