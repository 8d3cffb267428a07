//! The two primes of an RSA key, looked for by two threads.
//!
//! Finding them is all that making a key costs, and charts make keys while someone waits for a preview. So both come from
//! whichever thread finds one next; the search itself is the one of the `rsa` crate.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crypto_primes::hazmat::{SetBits, SmallFactorsSieveFactory};
use crypto_primes::{Flavor, is_prime, sieve_and_find};
use rsa::BoxedUint;
use rsa::rand_core::UnwrapErr;

/// Two different primes of half of `bits` each, both with their two top bits set: their product has all `bits`.
pub(super) fn pair(bits: u32) -> Vec<BoxedUint> {
    let found = Mutex::new(Vec::with_capacity(2));
    let enough = AtomicBool::new(false);
    let search = || {
        while let Some(prime) = next(bits / 2, &enough) {
            let Ok(mut found) = found.lock() else { return };
            if found.len() < 2 && !found.contains(&prime) {
                found.push(prime);
            }
            enough.store(found.len() == 2, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        // Where no thread can be started, this one finds both.
        drop(thread::Builder::new().spawn_scoped(scope, search));
        search();
    });
    found.into_inner().unwrap_or_default()
}

/// The next prime after a random start; nothing once there are `enough`.
fn next(bits: u32, enough: &AtomicBool) -> Option<BoxedUint> {
    let mut rng = UnwrapErr(getrandom::SysRng); // the system's generator does not fail
    let sieve = SmallFactorsSieveFactory::new(Flavor::Any, bits, SetBits::TwoMsb).ok()?;
    let prime = sieve_and_find(&mut rng, sieve, |_, candidate| {
        enough.load(Ordering::Relaxed) || is_prime(Flavor::Any, candidate)
    });
    prime.ok().flatten().filter(|_| !enough.load(Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;

    /// What is found are two different primes, and their product has the bits of the key.
    #[test]
    fn pairs() {
        let primes = pair(1024);
        let [p, q] = primes.as_slice() else { panic!("{primes:?}") };
        assert!(is_prime(Flavor::Any, p) && is_prime(Flavor::Any, q));
        assert_ne!(p, q);
        let number = |prime: &BoxedUint| BigUint::from_bytes_be(&prime.to_be_bytes());
        assert_eq!((number(p) * number(q)).bits(), 1024);
    }
}
