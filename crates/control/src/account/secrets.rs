//! Random secrets and what is kept of them; passwords.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::actor::{Actor, Identity};
use crate::blocking::blocking;
use crate::control::Control;
use crate::error::{Error, Problem};
use crate::store::ids::PersonId;

const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Fewest characters of a password.
pub(super) const PASSWORD_MINIMUM: usize = 12;
/// Most bytes of a password: hashing takes no longer texts.
pub(super) const PASSWORD_MAXIMUM: usize = 1024;

/// A password as it is kept: Argon2id in PHC form.
#[derive(Clone)]
pub(crate) struct PasswordHash(String);

/// A text that is not a password hash.
#[derive(Debug, thiserror::Error)]
#[error("this is not a password hash in PHC form")]
pub(crate) struct InvalidHash;

impl std::fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for PasswordHash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        Phc::new(text).map(|_| Self(text.to_owned())).map_err(|_| InvalidHash)
    }
}

/// A secret of `length` characters out of 32: 5 bits each.
pub(super) fn random_text(length: usize) -> Result<String, Error> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).map_err(|e| Error::internal("get random numbers", e))?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect())
}

/// The person behind an actor who is there themselves; with a token `what` is refused.
pub(super) fn in_person(actor: &Actor, what: &str) -> Result<PersonId, Error> {
    match actor.identity {
        Identity::Person { person, .. } => Ok(person),
        Identity::Token { .. } | Identity::System => Err(Error::Forbidden {
            role: actor.role(),
            act: what.to_owned(),
            remedy: "Sign in and do it there.".to_owned(),
        }),
    }
}

/// What is kept of a random secret. Those are long, so a plain digest does.
pub(super) fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// What is wrong with a new password, if anything.
pub(super) fn password_problem(password: &SecretString) -> Option<Problem> {
    let password = password.expose_secret();
    if password.chars().count() < PASSWORD_MINIMUM {
        let message = "This password is too short.";
        let remedy = format!("Use at least {PASSWORD_MINIMUM} characters.");
        return Some(Problem::new("password", message, remedy));
    }
    (password.len() > PASSWORD_MAXIMUM).then(|| {
        let remedy = format!("Use at most {PASSWORD_MAXIMUM} characters.");
        Problem::new("password", "This password is too long.", remedy)
    })
}

impl Control {
    /// Hashes a password, off the async threads and few at a time.
    pub(super) async fn hash_password(
        &self,
        password: SecretString,
    ) -> Result<PasswordHash, Error> {
        self.with_password(move || {
            let hash = Argon2::default().hash_password(password.expose_secret().as_bytes());
            hash.map(|hash| PasswordHash(hash.to_string()))
        })
        .await?
        .map_err(|e| Error::internal("hash a password", e.to_string()))
    }

    /// Whether the password is the one behind the hash. Without a hash it takes as long, so that
    /// the answer's time does not tell whether there is such a person.
    pub(super) async fn verify_password(
        &self,
        password: SecretString,
        hash: Option<PasswordHash>,
    ) -> Result<bool, Error> {
        self.with_password(move || {
            let password = password.expose_secret().as_bytes();
            if let Some(Ok(hash)) = hash.as_ref().map(|hash| Phc::new(&hash.0)) {
                return Argon2::default().verify_password(password, &hash).is_ok();
            }
            // The result does not matter, only that it takes the same time.
            let _ = Argon2::default().hash_password(password);
            false
        })
        .await
    }

    async fn with_password<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        const DOING: &str = "check a password";
        let permit = self.passwords().acquire_owned().await;
        let permit = permit.map_err(|closed| Error::internal(DOING, closed))?;
        let work = move || {
            let _permit = permit;
            work()
        };
        blocking(DOING, work).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Secrets are as long as asked for, of readable characters, and never the same twice.
    #[test]
    fn secrets_are_random() {
        let (first, second) = (random_text(40).unwrap(), random_text(40).unwrap());
        assert_ne!(first, second);
        assert!(first.len() == 40 && first.bytes().all(|b| ALPHABET.contains(&b)));
    }

    /// Short and endless passwords are refused with what to do.
    #[test]
    fn password_rules() {
        let problem = |text: &str| password_problem(&text.into()).map(|p| p.remedy);
        assert_eq!(problem("correct horse"), None);
        assert_eq!(problem("short").as_deref(), Some("Use at least 12 characters."));
        assert_eq!(problem(&"x".repeat(1025)).as_deref(), Some("Use at most 1024 characters."));
    }
}
