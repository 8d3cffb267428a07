//! Fermat's test of eight numbers at once.

use std::arch::x86_64::__m512i;
use std::array;

use super::{Ifma, LANES, Row};

/// Which of up to eight numbers of one length pass; nothing where the processor lacks the instructions.
pub(crate) fn passed(candidates: &[Vec<u64>]) -> Option<[bool; LANES]> {
    let powers = powers(candidates)?;
    Some(array::from_fn(|lane| {
        let Some(n) = candidates.get(lane) else { return false };
        super::is(&super::lane(&powers, lane), &super::one(n, powers.len()), n)
    }))
}

/// 2^(n-1) modulo each n, in Montgomery's form and perhaps with n added, as rows of limbs. Lanes without a number repeat the last.
fn powers(candidates: &[Vec<u64>]) -> Option<Vec<Row>> {
    let instructions = Ifma::try_new()?;
    let last = candidates.last()?;
    let limbs = super::limbs_for(last);
    let numbers: [&[u64]; LANES] =
        array::from_fn(|lane| candidates.get(lane).unwrap_or(last).as_slice());
    let n = super::rows(&numbers, limbs, <[u64]>::to_vec);
    let power = super::rows(&numbers, limbs, |number| super::one(number, limbs));
    let factor = super::factors(&numbers);
    Some(instructions.vectorize(Powers { instructions, numbers, n, power, factor }))
}

/// What is computed with the instructions. All that it calls must become one function, or the registers are of no use.
struct Powers<'a> {
    instructions: Ifma,
    numbers: [&'a [u64]; LANES],
    n: Vec<Row>,
    /// 1 in Montgomery's form.
    power: Vec<Row>,
    factor: Row,
}

impl pulp::NullaryFnOnce for Powers<'_> {
    type Output = Vec<Row>;

    #[inline(always)]
    fn call(self) -> Vec<Row> {
        let (n, mut power) = (super::vectors(&self.n), super::vectors(&self.power));
        let mut sums = power.clone();
        let bits = 64 * self.numbers[0].len();
        for bit in (0..bits).rev() {
            // The exponent n - 1 is n with its lowest bit cleared.
            let doubled =
                self.numbers.map(|number| number[bit / 64] >> (bit % 64) & u64::from(bit > 0));
            self.instructions.multiply(&power, &power, &mut sums, &n, self.factor);
            self.instructions.settle_doubled(&sums, &mut power, doubled);
        }
        power.into_iter().map(pulp::cast).collect()
    }
}

impl Ifma {
    /// Looks after the carries of `sums`, into `product`, doubled in the lanes where `doubled` is 1.
    #[inline(always)]
    fn settle_doubled(self, sums: &[__m512i], product: &mut [__m512i], doubled: Row) {
        let zero: __m512i = pulp::cast([0_u64; LANES]);
        let (mut carry, mut shifted_out) = (zero, zero);
        for (product, sum) in product.iter_mut().zip(sums) {
            let limb;
            (limb, carry) = self.carried(self.add(*sum, carry));
            let shifted = self.avx512f._mm512_sllv_epi64(limb, pulp::cast(doubled));
            (*product, shifted_out) = self.carried(self.add(shifted, shifted_out));
        }
    }
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;
    use proptest::prelude::*;

    use super::*;
    use crate::lanes::{BITS, MASK, limbs_for};

    fn number(limbs: &[u64], bits: u32) -> BigUint {
        limbs.iter().rev().fold(BigUint::ZERO, |number, limb| (number << bits) + *limb)
    }

    fn candidates() -> impl Strategy<Value = Vec<Vec<u64>>> {
        (1..34_usize).prop_flat_map(|length| {
            let candidate = prop::collection::vec(any::<u64>(), length).prop_map(|mut number| {
                number[0] |= 1;
                *number.last_mut().expect("not empty") |= 1 << 63;
                number
            });
            prop::collection::vec(candidate, 1..=LANES)
        })
    }

    /// The primes next below some powers of two, in any lane, among numbers that are none.
    #[test]
    fn primes_pass() {
        for (bits, below) in [(64_u32, 59_u32), (128, 159), (256, 189), (512, 569), (1024, 105)] {
            let prime = ((BigUint::from(1_u32) << bits) - below).to_u64_digits();
            let mut other = prime.clone();
            other[0] -= 2; // divisible by three, or by another small factor
            for lane in 0..LANES {
                let mut candidates = vec![other.clone(); LANES];
                candidates[lane].clone_from(&prime);
                let Some(passed) = passed(&candidates) else { return };
                assert_eq!(passed, array::from_fn(|at| at == lane), "2^{bits} - {below}");
            }
        }
    }

    proptest! {
        // What is expected takes long to compute.
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Each lane is what plain modular exponentiation gives, for numbers of every length: a wrong carry shows here that
        /// the answer alone would hide, as nearly all numbers fail.
        #[test]
        fn as_by_definition(candidates in candidates()) {
            let Some(powers) = powers(&candidates) else { return Ok(()) };
            for (lane, candidate) in candidates.iter().enumerate() {
                let n = number(candidate, 64);
                let r = BigUint::from(1_u32) << (BITS as usize * limbs_for(candidate));
                let limbs: Vec<u64> = powers.iter().map(|row| row[lane]).collect();
                prop_assert!(limbs.iter().all(|limb| *limb <= MASK));
                let power = number(&limbs, BITS);
                prop_assert!(power < &n * 2_u32);
                let expected = BigUint::from(2_u32).modpow(&(&n - 1_u32), &n) * r % &n;
                prop_assert_eq!(power % n, expected);
            }
        }
    }
}
