//! Slows guessing of passwords, codes and links, without shutting out who knows them.
//!
//! Counts stand in the database, so that several servers agree. Only what fails counts: a try is
//! counted before its secret is looked at, so that tries at once are counted, too, and taken back when it was right.
//!
//! Passwords have three limits in a quarter of an hour: for one account from one address, for one
//! account from everywhere, for one address to every account. The last two do not hold where that
//! person has signed in from that address lately: who guesses elsewhere, or sits behind the same
//! address, shuts nobody out. API tokens are too long to be guessed and are not counted.

use std::net::IpAddr;

use jiff::SignedDuration;

use super::{Remote, attempts_store as store};
use crate::control::Control;
use crate::error::Error;
use crate::objects::sha256;
use crate::store::commit;
use crate::store::ids::PersonId;
use crate::store::sql::now;

/// How long failures are remembered, from the first on.
const WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// Failures for one account from one address.
const FOR_ONE_FROM_ONE: i64 = 10;
/// Failures for one account from addresses that it has not signed in from.
const FOR_ONE: i64 = 50;
/// Failures from one address for accounts that have not signed in from there.
const FROM_ONE: i64 = 100;
/// Wrong codes and links from one address.
const GUESSES: i64 = 20;
/// An address counts as a person's own for so long after they signed in from it.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);

/// A try that is counted, until it turns out to be right.
#[must_use = "a try that was right is taken back"]
pub(super) struct Attempt {
    keys: Vec<Vec<u8>>,
}

/// What is counted, and how far it may go.
struct Limit {
    key: Vec<u8>,
    tries: i64,
}

impl Control {
    /// Counts a try at the password of `account`, as it was typed; refused where too many have failed.
    pub(super) async fn attempt_password(
        &self,
        account: &str,
        person: Option<PersonId>,
        remote: &Remote,
    ) -> Result<Attempt, Error> {
        let (account, from) = (account.trim().to_lowercase(), whence(remote));
        let known = match (person, remote.address) {
            (Some(person), Some(address)) => {
                let since = now() - KNOWN_FOR;
                store::signed_in_from(self.db().read(), person, &address.to_string(), since).await?
            }
            _ => false,
        };
        let mut limits = vec![limit(&["both", &account, &from], FOR_ONE_FROM_ONE)];
        if !known {
            limits.push(limit(&["account", &account], FOR_ONE));
            limits.push(limit(&["address", &from], FROM_ONE));
        }
        self.attempt(limits, "An Administrator can make you a link to set a new password.").await
    }

    /// Takes back a try that was right.
    pub(super) async fn attempt_was_right(&self, attempt: Attempt) -> Result<(), Error> {
        for key in attempt.keys {
            store::take_back(self.db().write(), &key).await?;
        }
        Ok(())
    }

    /// Does something that a code or link must be known for; `wrong` tells the errors that mean it was not.
    pub(super) async fn with_secret<T>(
        &self,
        remote: &Remote,
        wrong: fn(&Error) -> bool,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let limits = vec![limit(&["guess", &whence(remote)], GUESSES)];
        let attempt = self.attempt(limits, "").await?;
        let done = work.await;
        if !done.as_ref().is_err_and(wrong) {
            self.attempt_was_right(attempt).await?;
        }
        done
    }

    /// Counts one try for every limit; none of them if one is at its end.
    async fn attempt(
        &self,
        mut limits: Vec<Limit>,
        remedy: &'static str,
    ) -> Result<Attempt, Error> {
        let at = now();
        store::forget(self.db().write(), at - WINDOW).await?;
        // Always in one order, so that two at once wait for each other and never in a circle.
        limits.sort_by(|a, b| a.key.cmp(&b.key));
        let tx = self.db().begin().await?;
        let mut until = None;
        for limit in &limits {
            let (tries, began_at) = store::count(&tx, &limit.key, at).await?;
            if tries > limit.tries {
                until = until.max(Some(began_at + WINDOW));
            }
        }
        if let Some(until) = until {
            return Err(Error::TooMany { until, wait: until.duration_since(at), remedy });
        }
        commit(tx).await?;
        Ok(Attempt { keys: limits.into_iter().map(|limit| limit.key).collect() })
    }
}

/// What was typed as an account may be a password in the wrong field: only a digest is kept.
fn limit(what: &[&str], tries: i64) -> Limit {
    let key = sha256(what.join("\n").as_bytes()).into_bytes();
    Limit { key, tries }
}

/// The address that counts as one: of IPv6 the network that one customer is given.
fn whence(remote: &Remote) -> String {
    match remote.address.map(|address| address.to_canonical()) {
        None => String::new(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses that one customer has are one; IPv4 written as IPv6 is IPv4.
    #[test]
    fn addresses() {
        let whence = |text: &str| {
            whence(&Remote { address: Some(text.parse().unwrap()), ..Remote::default() })
        };
        assert_eq!(whence("2001:db8:1:2:3::4"), whence("2001:db8:1:2::9"));
        assert_ne!(whence("2001:db8:1:2::4"), whence("2001:db8:1:3::4"));
        assert_eq!(whence("::ffff:192.0.2.1"), whence("192.0.2.1"));
        assert_ne!(whence("192.0.2.1"), whence("192.0.2.2"));
    }
}
