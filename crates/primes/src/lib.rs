//! The two primes of an RSA key, looked for by two threads.
//!
//! Finding them is all that making a key costs, and charts make keys while someone waits for a preview. So both come from
//! whichever thread finds one next, and what is not prime is turned down by a sieve and a test that are fast. What they let pass
//! is judged by Miller and Rabin's test to eight random bases where the processor tries them all at once, else by the library's
//! test of primes, which costs five times as much.

mod fermat;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod limbs;
mod sieve;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crypto_primes::Flavor;
use rsa::BoxedUint;
use rsa::rand_core::{Rng, UnwrapErr};
use sieve::Sieve;

/// From this length on eight bases are enough: 512 bits.
#[cfg(target_arch = "x86_64")]
const LEAST_LIMBS: usize = 8;

/// Two different primes of half of `bits` each, both with their two top bits set: their product has all `bits`.
pub fn pair(bits: u32) -> Vec<BoxedUint> {
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
    loop {
        let sieve = Sieve::random(&mut rng, bits);
        let mut candidates = sieve.candidates().peekable();
        while candidates.peek().is_some() {
            if enough.load(Ordering::Relaxed) {
                return None;
            }
            let together: Vec<Vec<u64>> = candidates.by_ref().take(fermat::TOGETHER).collect();
            let Some(passed) = fermat::first_that_passes(&together) else { continue };
            if is_prime(passed, &mut rng) {
                return number(passed);
            }
        }
    }
}

/// Whether a number whose highest bit is set is prime, as surely as a key needs.
///
/// Eight random bases are more than FIPS 186-5 asks of the primes of any RSA key (appendix B.3; Go, and so Helm, tries no more).
fn is_prime(limbs: &[u64], rng: &mut impl Rng) -> bool {
    #[cfg(target_arch = "x86_64")]
    if limbs.len() >= LEAST_LIMBS {
        let mut random = || {
            let mut base: Vec<u64> = limbs.iter().map(|_| rng.next_u64()).collect();
            // Below the number, whose highest bit is set.
            if let Some(highest) = base.last_mut() {
                *highest >>= 1;
            }
            base
        };
        if let Some(passes) = lanes::miller_rabin::passes(limbs, &std::array::from_fn(|_| random()))
        {
            return passes;
        }
    }
    number(limbs).is_some_and(|number| crypto_primes::is_prime(Flavor::Any, &number))
}

/// The number of these limbs in the libraries' form.
fn number(limbs: &[u64]) -> Option<BoxedUint> {
    let bytes: Vec<u8> = limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect();
    BoxedUint::from_le_slice(&bytes, u32::try_from(8 * bytes.len()).ok()?).ok()
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
        assert!(crypto_primes::is_prime(Flavor::Any, p) && crypto_primes::is_prime(Flavor::Any, q));
        assert_ne!(p, q);
        let number = |prime: &BoxedUint| BigUint::from_bytes_be(&prime.to_be_bytes());
        assert_eq!((number(p) * number(q)).bits(), 1024);
    }
}
