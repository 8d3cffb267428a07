//! The test for eight numbers at once, one in each lane of a register of 512 bits.
//!
//! Numbers are cut into limbs of 52 bits, of which the instruction multiplies two and adds the low or the high half of the
//! product. Sums stay below 2^64 for as many limbs as any key needs, so carries are looked after once a round.

#![expect(clippy::inline_always, reason = "code that is not inlined has none of these registers")]

use std::arch::x86_64::__m512i;
use std::array;

use super::{TOGETHER, scalar};

const BITS: u32 = 52;
const MASK: u64 = (1 << BITS) - 1;

/// By how many bits the limbs must be longer than the numbers: then numbers below 4n are multiplied to one below 2n, and nothing
/// needs to be reduced between rounds, doubled or not.
const ROOM: usize = 5;

/// One limb of each number.
type Row = [u64; TOGETHER];

pulp::simd_type! {
    /// That the processor has the instructions.
    struct Ifma {
        avx512f: "avx512f",
        avx512ifma: "avx512ifma",
    }
}

/// Which of up to eight numbers of one length pass; nothing where the processor lacks the instructions.
pub(super) fn passed(candidates: &[Vec<u64>]) -> Option<[bool; TOGETHER]> {
    let powers = powers(candidates)?;
    Some(array::from_fn(|lane| {
        let Some(n) = candidates.get(lane) else { return false };
        let limbs = limbs_for(n);
        let one = split(&one(n, limbs), limbs);
        // Below 2n, so 1 can be there as itself or with n added.
        let power: Vec<u64> = powers.iter().map(|row| row[lane]).collect();
        power == one || power == sum(&one, &split(n, limbs))
    }))
}

/// 2^(n-1) modulo each n, in Montgomery's form and perhaps with n added, as rows of limbs. Lanes without a number repeat the last.
fn powers(candidates: &[Vec<u64>]) -> Option<Vec<Row>> {
    let instructions = Ifma::try_new()?;
    let last = candidates.last()?;
    let limbs = limbs_for(last);
    let numbers: [&[u64]; TOGETHER] =
        array::from_fn(|lane| candidates.get(lane).unwrap_or(last).as_slice());
    let rows = |of: &dyn Fn(&[u64]) -> Vec<u64>| {
        let lanes = numbers.map(|number| split(&of(number), limbs));
        (0..limbs).map(|limb| array::from_fn(|lane| lanes[lane][limb])).collect::<Vec<Row>>()
    };
    let n = rows(&|number| number.to_vec());
    let power = rows(&|number| one(number, limbs));
    let factor = numbers.map(|number| scalar::negated_inverse(number[0]) & MASK);
    Some(instructions.vectorize(Powers { instructions, numbers, n, power, factor }))
}

/// How many limbs numbers as long as `n` take.
fn limbs_for(n: &[u64]) -> usize {
    (64 * n.len() + ROOM).div_ceil(BITS as usize)
}

/// 1 in Montgomery's form modulo `n`, for that many `limbs` of 52 bits.
fn one(n: &[u64], limbs: usize) -> Vec<u64> {
    let mut one = vec![0; n.len()];
    scalar::subtract(&mut one, n); // 2^64 to the length of n: n has its highest bit set
    for _ in 64 * n.len()..limbs * BITS as usize {
        scalar::double(&mut one, n);
    }
    one
}

/// `number` in limbs of 52 bits.
fn split(number: &[u64], limbs: usize) -> Vec<u64> {
    let limb = |bit: usize| {
        let (index, shift) = (bit / 64, bit % 64);
        let low = number.get(index).map_or(0, |limb| limb >> shift);
        let high =
            number.get(index + 1).filter(|_| shift > 0).map_or(0, |limb| limb << (64 - shift));
        (low | high) & MASK
    };
    (0..limbs).map(|index| limb(index * BITS as usize)).collect()
}

/// `a + b` in limbs of 52 bits.
fn sum(a: &[u64], b: &[u64]) -> Vec<u64> {
    let mut carry = 0;
    let limbs = a.iter().zip(b).map(|(a, b)| {
        let sum = a + b + carry;
        carry = sum >> BITS;
        sum & MASK
    });
    limbs.collect()
}

/// What is computed with the instructions. All that it calls must become one function, or the registers are of no use.
struct Powers<'a> {
    instructions: Ifma,
    numbers: [&'a [u64]; TOGETHER],
    n: Vec<Row>,
    /// 1 in Montgomery's form.
    power: Vec<Row>,
    factor: Row,
}

impl pulp::NullaryFnOnce for Powers<'_> {
    type Output = Vec<Row>;

    #[inline(always)]
    fn call(self) -> Vec<Row> {
        let vectors = |rows: &[Row]| rows.iter().map(|row| pulp::cast(*row)).collect::<Vec<_>>();
        let (n, mut power) = (vectors(&self.n), vectors(&self.power));
        let mut sums = power.clone();
        let bits = 64 * self.numbers[0].len();
        for bit in (0..bits).rev() {
            // The exponent n - 1 is n with its lowest bit cleared.
            let doubled =
                self.numbers.map(|number| number[bit / 64] >> (bit % 64) & u64::from(bit > 0));
            self.instructions.square(&mut power, &mut sums, &n, self.factor, doubled);
        }
        power.into_iter().map(pulp::cast).collect()
    }
}

impl Ifma {
    /// `sum + low half of a * b`, of the low 52 bits of both.
    #[inline(always)]
    fn low(self, sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
        self.avx512ifma._mm512_madd52lo_epu64(sum, a, b)
    }

    /// `sum + high half of a * b`.
    #[inline(always)]
    fn high(self, sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
        self.avx512ifma._mm512_madd52hi_epu64(sum, a, b)
    }

    #[inline(always)]
    fn add(self, a: __m512i, b: __m512i) -> __m512i {
        self.avx512f._mm512_add_epi64(a, b)
    }

    /// What of a sum belongs to its limb, and what to the next.
    #[inline(always)]
    fn carried(self, sum: __m512i) -> (__m512i, __m512i) {
        let limb = self.avx512f._mm512_and_si512(sum, pulp::cast([MASK; TOGETHER]));
        (limb, self.avx512f._mm512_srli_epi64::<BITS>(sum))
    }

    /// `power * power / R` modulo `n`, doubled in the lanes where `doubled` is 1. `sums` is a place to work in.
    #[inline(always)]
    fn square(
        self,
        power: &mut [__m512i],
        sums: &mut [__m512i],
        n: &[__m512i],
        factor: Row,
        doubled: Row,
    ) {
        let zero: __m512i = pulp::cast([0_u64; TOGETHER]);
        // Of one length for the compiler, too: it asks once whether an index is in.
        let limbs = power.len();
        let (sums, n) = (&mut sums[..limbs], &n[..limbs]);
        sums.fill(zero);
        for row in 0..limbs {
            let limb = power[row];
            let lowest = self.low(sums[0], limb, power[0]);
            let multiple = self.low(zero, lowest, pulp::cast(factor));
            let (_, mut carry) = self.carried(self.low(lowest, multiple, n[0]));
            carry = self.high(self.high(carry, limb, power[0]), multiple, n[0]);
            for i in 1..limbs {
                let sum = self.low(self.add(sums[i], carry), limb, power[i]);
                sums[i - 1] = self.low(sum, multiple, n[i]);
                carry = self.high(self.high(zero, limb, power[i]), multiple, n[i]);
            }
            sums[limbs - 1] = carry;
        }
        let (mut carry, mut shifted_out) = (zero, zero);
        for (power, sum) in power.iter_mut().zip(sums) {
            let limb;
            (limb, carry) = self.carried(self.add(*sum, carry));
            let shifted = self.avx512f._mm512_sllv_epi64(limb, pulp::cast(doubled));
            (*power, shifted_out) = self.carried(self.add(shifted, shifted_out));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;
    use proptest::prelude::*;

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
            prop::collection::vec(candidate, 1..=TOGETHER)
        })
    }

    /// The primes next below some powers of two, in any lane, among numbers that are none.
    #[test]
    fn primes_pass() {
        for (bits, below) in [(64_u32, 59_u32), (128, 159), (256, 189), (512, 569), (1024, 105)] {
            let prime = ((BigUint::from(1_u32) << bits) - below).to_u64_digits();
            let mut other = prime.clone();
            other[0] -= 2; // divisible by three, or by another small factor
            for lane in 0..TOGETHER {
                let mut candidates = vec![other.clone(); TOGETHER];
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
