//! Numbers without a small factor, near a random start.

use std::sync::LazyLock;

use rsa::rand_core::Rng;

/// Candidates are not divisible by any prime below this. Where the sum of sieving and testing is least for primes of 1,024 bits;
/// for larger ones it is near enough.
const BOUND: usize = 1 << 14;

/// How many odd numbers one sieve holds: some ten times the mean distance of two primes of 2,048 bits.
const WIDTH: usize = 8 << 10;

/// The odd primes below [`BOUND`].
static SMALL_PRIMES: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let mut composite = vec![false; BOUND];
    for factor in (3..BOUND).step_by(2).take_while(|factor| factor * factor < BOUND) {
        for multiple in (factor * factor..BOUND).step_by(2 * factor) {
            composite[multiple] = true;
        }
    }
    let primes = (3..BOUND).step_by(2).filter(|&number| !composite[number]);
    primes.filter_map(|prime| u32::try_from(prime).ok()).collect()
});

/// The odd numbers of a stretch that have no factor below [`BOUND`].
pub(crate) struct Sieve {
    /// The first number, odd, its two highest bits set; limbs of 64 bits, lowest first.
    start: Vec<u64>,
    /// Whether `start + 2 * index` has a small factor.
    composite: Vec<bool>,
}

impl Sieve {
    /// A stretch of numbers of `bits`, a multiple of 64, from a random start with the two highest bits set.
    pub(crate) fn random(rng: &mut impl Rng, bits: u32) -> Self {
        let mut start: Vec<u64> = (0..bits / 64).map(|_| rng.next_u64()).collect();
        if let Some(lowest) = start.first_mut() {
            *lowest |= 1;
        }
        if let Some(highest) = start.last_mut() {
            *highest |= 0b11 << 62;
        }
        Self::from(start)
    }

    fn from(start: Vec<u64>) -> Self {
        let mut composite = vec![false; WIDTH];
        let mut cross_out = |prime: u32, rest: u32| {
            // The least index with start + 2 * index = 0 modulo the prime: half of what lacks, made even.
            let lacking = (prime - rest) % prime;
            let index =
                if lacking.is_multiple_of(2) { lacking / 2 } else { lacking.midpoint(prime) };
            for multiple in (index as usize..WIDTH).step_by(prime as usize) {
                composite[multiple] = true;
            }
        };
        // The long division is what takes time, and one by the product of two primes serves both.
        let (pairs, single) = SMALL_PRIMES.as_chunks::<2>();
        for &[one, other] in pairs {
            let rest = remainder(&start, one * other);
            cross_out(one, rest % one);
            cross_out(other, rest % other);
        }
        for &prime in single {
            cross_out(prime, remainder(&start, prime));
        }
        Self { start, composite }
    }

    /// What is left, in rising order. Numbers that would need more bits are left out.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = Vec<u64>> {
        let left = self.composite.iter().enumerate().filter(|(_, composite)| !**composite);
        left.filter_map(|(index, _)| {
            let mut number = self.start.clone();
            let mut carry = 2 * index as u64;
            for limb in &mut number {
                let (sum, over) = limb.overflowing_add(carry);
                (*limb, carry) = (sum, u64::from(over));
            }
            (carry == 0).then_some(number)
        })
    }
}

/// `number` modulo `divisor`, half a limb at a time: division of 64 bits is much faster than of 128.
#[expect(clippy::cast_possible_truncation, reason = "the rest is below a divisor of 32 bits")]
fn remainder(number: &[u64], divisor: u32) -> u32 {
    let divisor = u64::from(divisor);
    let rest = number.iter().rev().fold(0, |rest, limb| {
        let rest = (rest << 32 | limb >> 32) % divisor;
        (rest << 32 | limb & 0xFFFF_FFFF) % divisor
    });
    rest as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;

    /// Exactly the odd numbers without a factor below the bound are left, in order.
    #[test]
    fn leaves_numbers_without_small_factors() {
        let start = vec![0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3211];
        let as_number = |limbs: &[u64]| {
            limbs.iter().rev().fold(BigUint::ZERO, |number, limb| (number << 64) + *limb)
        };
        let first = as_number(&start);
        let expected: Vec<BigUint> = (0..200_u32)
            .map(|index| &first + 2 * index)
            .filter(|number| SMALL_PRIMES.iter().all(|&prime| number % prime != BigUint::ZERO))
            .collect();
        let sieve = Sieve::from(start);
        let left: Vec<BigUint> = sieve.candidates().map(|number| as_number(&number)).collect();
        assert!(expected.len() > 5, "{expected:?}");
        assert_eq!(left[..expected.len()], expected);
        assert_eq!(SMALL_PRIMES.len(), 1899); // the primes below 2^14, without 2
    }

    /// Near the top of the range nothing wraps around.
    #[test]
    fn numbers_keep_their_length() {
        let sieve = Sieve::from(vec![u64::MAX - 100, u64::MAX]);
        assert!(sieve.candidates().all(|number| number[1] == u64::MAX));
    }
}
