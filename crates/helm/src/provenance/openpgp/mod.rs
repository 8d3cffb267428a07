//! As much of OpenPGP (RFC 9580 and, before it, 4880) as Helm's signatures need.
//!
//! [`packet`] cuts bytes into packets, [`armor`] text into bytes; [`key`], [`secret`] and
//! [`signature`] read what is in the packets, [`entity`] puts a signer together and checks that its
//! parts are its own, [`keyring`] reads files of them and finds who signed. Errors are those of the
//! library Helm uses. Lengths are checked against what is there before anything is kept.

pub(super) mod armor;
mod crypto;
mod entity;
mod error;
mod key;
mod keyring;
mod packet;
mod secret;
mod signature;

pub use error::OpenPgpError;
pub use keyring::{Keyring, Signer};
