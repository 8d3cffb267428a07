//! The account: people with roles, sessions, tokens, sign-in links, first-run set-up.
//!
//! Secrets of this folder (session tokens, API tokens, link tokens) are random, shown once, and
//! kept only as SHA-256; passwords are kept as Argon2id.

mod people;
mod secrets;
mod session;
mod setup;
mod signin_link;
mod store;
mod token;

pub(crate) use secrets::PasswordHash;

pub use people::{NewPerson, Person, PersonBrief};
pub use session::{Credentials, NewSession, Remote, SessionInfo};
pub use setup::NewAdministrator;
pub use signin_link::{NewSigninLink, SigninLink};
pub use token::{CreatedToken, NewToken, Token};
