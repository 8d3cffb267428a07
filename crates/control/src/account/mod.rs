//! The account: people with roles, invitations, sessions, tokens, links, first-run set-up.
//!
//! Secrets of this folder (session tokens, API tokens, link tokens) are random, shown once, and
//! kept only as SHA-256; passwords are kept as Argon2id.

mod attempts;
mod attempts_store;
mod change;
mod invitation;
mod password;
mod people;
mod secrets;
mod session;
mod setup;
mod signin_link;
mod store;
mod team_store;
mod token;

pub(crate) use secrets::PasswordHash;
#[cfg(test)]
pub(crate) use store::people_view;

pub use change::{PersonChange, SelfChange};
pub use invitation::{Accepted, CreatedInvitation, Invitation, NewInvitation};
pub use password::{CreatedReset, NewPassword};
pub use people::{NewPerson, Person, PersonBrief, PersonFilter, PersonState};
pub use session::{Credentials, NewSession, Remote, SessionInfo};
pub use setup::NewAdministrator;
pub use signin_link::{NewSigninLink, SigninLink};
pub use token::{CreatedToken, NewToken, SignInForToken, Token};
