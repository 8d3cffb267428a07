//! The test for one number.

use crate::limbs::{double, less, negated_inverse, subtract};

/// How many limbs the inner loops take at a time.
const STEP: usize = 8;

/// Whether 2^(n-1) = 1 modulo the odd `n`, whose highest bit is set.
pub(super) fn passes(n: &[u64]) -> bool {
    let Some(&lowest) = n.first() else { return false };
    let factor = negated_inverse(lowest);
    // 1 in Montgomery's form is R mod n: R - n, as n has its highest bit set.
    let mut one = vec![0; n.len()];
    subtract(&mut one, n);
    let mut power = one.clone();
    let mut wide = vec![0; 2 * n.len()];
    // The exponent n - 1 is n with its lowest bit cleared.
    for bit in (0..n.len() * 64).rev() {
        square(&power, &mut wide);
        reduce(&mut wide, n, factor, &mut power);
        if bit > 0 && n[bit / 64] >> (bit % 64) & 1 == 1 {
            double(&mut power, n);
        }
    }
    power == one
}

/// `t + a * b + carry` as its low limb and the next carry; cannot overflow two limbs.
#[expect(clippy::cast_possible_truncation, reason = "the halves of a wide product are taken")]
fn multiply_add(t: &mut u64, a: u64, b: u64, carry: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b) + u128::from(*t) + u128::from(carry);
    *t = wide as u64;
    (wide >> 64) as u64
}

/// Adds `a * b` to as many limbs of `t`, and tells the carry. Several limbs at a time: the compiler keeps what it can in registers.
fn add_row(t: &mut [u64], a: u64, b: &[u64]) -> u64 {
    let mut carry = 0;
    let (t, t_rest) = t.as_chunks_mut::<STEP>();
    let (b, b_rest) = b.as_chunks::<STEP>();
    for (t, b) in t.iter_mut().zip(b) {
        for (t, b) in t.iter_mut().zip(b) {
            carry = multiply_add(t, a, *b, carry);
        }
    }
    for (t, b) in t_rest.iter_mut().zip(b_rest) {
        carry = multiply_add(t, a, *b, carry);
    }
    carry
}

/// `a * a` into `wide`, which has twice the limbs.
#[expect(clippy::cast_possible_truncation, reason = "the halves of a wide product are taken")]
fn square(a: &[u64], wide: &mut [u64]) {
    wide.fill(0);
    // Each product of two different limbs once …
    for (i, &limb) in a.iter().enumerate() {
        wide[i + a.len()] = add_row(&mut wide[2 * i + 1..i + a.len()], limb, &a[i + 1..]);
    }
    // … then doubled, with the squares of the limbs.
    let (mut carry, mut shifted_out) = (0, 0);
    let (pairs, _) = wide.as_chunks_mut::<2>();
    for (&limb, [low, high]) in a.iter().zip(pairs) {
        let squared = u128::from(limb) * u128::from(limb);
        let doubled = (*low << 1 | shifted_out, *high << 1 | *low >> 63);
        shifted_out = *high >> 63;
        let sum = u128::from(doubled.0) + u128::from(squared as u64) + carry;
        *low = sum as u64;
        let sum = u128::from(doubled.1) + (squared >> 64) + (sum >> 64);
        *high = sum as u64;
        carry = sum >> 64;
    }
}

/// `wide / R` modulo `n` into `out`; `wide` is used up.
#[expect(clippy::cast_possible_truncation, reason = "the halves of a wide sum are taken")]
fn reduce(wide: &mut [u64], n: &[u64], factor: u64, out: &mut [u64]) {
    let mut over = 0;
    for i in 0..n.len() {
        let multiple = wide[i].wrapping_mul(factor);
        let carry = add_row(&mut wide[i..i + n.len()], multiple, n);
        let sum = u128::from(wide[i + n.len()]) + u128::from(carry) + over;
        wide[i + n.len()] = sum as u64;
        over = sum >> 64;
    }
    out.copy_from_slice(&wide[n.len()..]);
    if over != 0 || !less(out, n) {
        subtract(out, n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;
    use proptest::prelude::*;

    fn limbs(number: &BigUint) -> Vec<u64> {
        number.to_u64_digits()
    }

    /// The primes next below some powers of two.
    #[test]
    fn primes_pass() {
        for (bits, below) in [(64_u32, 59_u32), (128, 159), (256, 189), (512, 569), (1024, 105)] {
            let prime = (BigUint::from(1_u32) << bits) - below;
            assert!(passes(&limbs(&prime)), "2^{bits} - {below}");
        }
    }

    #[test]
    fn nothing_is_no_prime() {
        assert!(!passes(&[]));
    }

    proptest! {
        /// The answer is that of plain modular exponentiation, for numbers of every length.
        #[test]
        fn as_by_definition(mut number in prop::collection::vec(any::<u64>(), 1..12)) {
            number[0] |= 1;
            *number.last_mut().expect("not empty") |= 1 << 63;
            let n = number.iter().rev().fold(BigUint::ZERO, |n, limb| (n << 64) + *limb);
            let one = BigUint::from(1_u32);
            prop_assert_eq!(passes(&number), BigUint::from(2_u32).modpow(&(&n - &one), &n) == one);
        }

        /// So are the steps, where a wrong carry would show that the whole hides: nearly all numbers fail.
        #[test]
        fn squares_modulo(mut number in prop::collection::vec(any::<u64>(), 1..40), seed in any::<u64>()) {
            number[0] |= 1;
            *number.last_mut().expect("not empty") |= 1 << 63;
            let n = number.iter().rev().fold(BigUint::ZERO, |n, limb| (n << 64) + *limb);
            let a = BigUint::from(seed).pow(u32::try_from(number.len()).expect("short")) % &n;
            let mut a_limbs = limbs(&a);
            a_limbs.resize(number.len(), 0);
            let mut wide = vec![0; 2 * number.len()];
            square(&a_limbs, &mut wide);
            prop_assert_eq!(BigUint::from_slice(&halves(&wide)), &a * &a);
            let mut out = vec![0; number.len()];
            reduce(&mut wide, &number, negated_inverse(number[0]), &mut out);
            let r = BigUint::from(1_u32) << (64 * number.len());
            prop_assert_eq!(BigUint::from_slice(&halves(&out)) * r % &n, &a * &a % &n);
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a limb is cut into its halves")]
    fn halves(limbs: &[u64]) -> Vec<u32> {
        limbs.iter().flat_map(|limb| [*limb as u32, (limb >> 32) as u32]).collect()
    }
}
