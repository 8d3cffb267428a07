//! Slows guessing: so many tries a minute from one address, for passwords, codes and links.
//!
//! Kept in this process only. The secrets themselves are strong enough to stand without it; this
//! keeps the load and the log of a guessing run small.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Tries that one address has in a window.
const TRIES: u32 = 20;
const WINDOW: Duration = Duration::from_mins(1);
/// Addresses remembered at once; beyond, all are forgotten rather than growing without end.
const MAX_ADDRESSES: usize = 10_000;

/// Counts tries by address.
#[derive(Default)]
pub(crate) struct Limiter {
    tries: Mutex<HashMap<Option<IpAddr>, (Instant, u32)>>,
}

impl Limiter {
    /// Whether one more try is allowed now; it counts.
    pub(crate) fn allow(&self, address: Option<IpAddr>) -> bool {
        self.allow_at(address, Instant::now())
    }

    fn allow_at(&self, address: Option<IpAddr>, now: Instant) -> bool {
        let mut tries = self.tries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if tries.len() >= MAX_ADDRESSES {
            tries.clear();
        }
        let (began, count) = tries.entry(address).or_insert((now, 0));
        if now.duration_since(*began) >= WINDOW {
            (*began, *count) = (now, 0);
        }
        *count += 1;
        *count <= TRIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One address runs out of tries, another does not, and a minute later there are new ones.
    #[test]
    fn windows() {
        let limiter = Limiter::default();
        let now = Instant::now();
        let one: Option<IpAddr> = "192.0.2.1".parse().ok();
        let other: Option<IpAddr> = "192.0.2.2".parse().ok();
        assert!((0..TRIES).all(|_| limiter.allow_at(one, now)));
        assert!(!limiter.allow_at(one, now));
        assert!(limiter.allow_at(other, now));
        assert!(limiter.allow_at(one, now + WINDOW));
    }
}
