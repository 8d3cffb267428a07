//! Miller and Rabin's test of one number to eight random bases at once.

use super::{Ifma, LANES, Row};
use crate::limbs;

/// How many bits of the exponent are taken at a time.
const WINDOW: usize = 4;

/// Whether the odd number `n`, whose highest bit is set, passes to eight bases; nothing where the processor lacks the instructions.
///
/// `random` are bases times R modulo `n`, so they may be any numbers below it: random ones are those of random bases.
pub(crate) fn passes(n: &[u64], random: &[Vec<u64>; LANES]) -> Option<bool> {
    let instructions = Ifma::try_new()?;
    let limbs = super::limbs_for(n);
    let one = super::one(n, limbs);
    let mut minus_one = n.to_vec();
    limbs::subtract(&mut minus_one, &one);
    // n - 1 is the exponent times 2^halvings.
    let halvings = trailing_zeros_of_predecessor(n);
    let numbers = [n; LANES];
    let powers = instructions.vectorize(Powers {
        instructions,
        n: super::rows(&numbers, limbs, <[u64]>::to_vec),
        one: super::rows(&numbers, limbs, |_| one.clone()),
        base: super::rows(&random.each_ref().map(Vec::as_slice), limbs, <[u64]>::to_vec),
        factor: super::factors(&numbers),
        exponent: n,
        halvings,
    });
    Some((0..LANES).all(|lane| {
        let mut squares = powers.iter().map(|power| super::lane(power, lane));
        let first = squares.next().unwrap_or_default();
        super::is(&first, &one, n)
            || std::iter::once(first).chain(squares).any(|power| super::is(&power, &minus_one, n))
    }))
}

/// How often n - 1 can be halved.
fn trailing_zeros_of_predecessor(n: &[u64]) -> usize {
    let mut bit = 1;
    while bit < 64 * n.len() && n[bit / 64] >> (bit % 64) & 1 == 0 {
        bit += 1;
    }
    bit
}

/// What is computed with the instructions. All that it calls must become one function, or the registers are of no use.
struct Powers<'a> {
    instructions: Ifma,
    n: Vec<Row>,
    one: Vec<Row>,
    base: Vec<Row>,
    factor: Row,
    /// The exponent once it is halved so often.
    exponent: &'a [u64],
    halvings: usize,
}

impl pulp::NullaryFnOnce for Powers<'_> {
    /// The power of each base, and its squares until one more would be that to n - 1.
    type Output = Vec<Vec<Row>>;

    #[inline(always)]
    fn call(self) -> Vec<Vec<Row>> {
        let (ifma, n) = (self.instructions, super::vectors(&self.n));
        let (mut power, base) = (super::vectors(&self.one), super::vectors(&self.base));
        let mut sums = power.clone();
        let mut table = vec![power.clone()];
        for smaller in 0..(1 << WINDOW) - 1 {
            ifma.multiply(&table[smaller], &base, &mut sums, &n, self.factor);
            ifma.settle(&sums, &mut power);
            table.push(power.clone());
        }
        power.clone_from(&table[0]);
        let bits = 64 * self.exponent.len() - self.halvings;
        for window in (0..bits.div_ceil(WINDOW)).rev() {
            for _ in 0..WINDOW {
                ifma.multiply(&power, &power, &mut sums, &n, self.factor);
                ifma.settle(&sums, &mut power);
            }
            let digit = digit(self.exponent, self.halvings + window * WINDOW);
            ifma.multiply(&power, &table[digit], &mut sums, &n, self.factor);
            ifma.settle(&sums, &mut power);
        }
        let mut powers = vec![power.iter().copied().map(pulp::cast).collect()];
        for _ in 1..self.halvings {
            ifma.multiply(&power, &power, &mut sums, &n, self.factor);
            ifma.settle(&sums, &mut power);
            powers.push(power.iter().copied().map(pulp::cast).collect());
        }
        powers
    }
}

/// The bits of a window, from that bit of the exponent on.
#[inline(always)]
fn digit(exponent: &[u64], bit: usize) -> usize {
    (0..WINDOW).fold(0, |digit, place| {
        let bit = bit + place;
        let set = exponent.get(bit / 64).is_some_and(|limb| limb >> (bit % 64) & 1 == 1);
        digit | usize::from(set) << place
    })
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;
    use proptest::prelude::*;

    use super::*;
    use crate::lanes::{BITS, limbs_for};

    fn number(limbs: &[u64]) -> BigUint {
        limbs.iter().rev().fold(BigUint::ZERO, |number, limb| (number << 64) + *limb)
    }

    fn limbs_of(number: &BigUint, length: usize) -> Vec<u64> {
        let mut limbs = number.to_u64_digits();
        limbs.resize(length, 0);
        limbs
    }

    /// The eight bases in the form in which the test takes random numbers.
    fn bases(n: &[u64], bases: [&BigUint; LANES]) -> [Vec<u64>; LANES] {
        let modulus = number(n);
        let r = BigUint::from(1_u32) << (BITS as usize * limbs_for(n));
        bases.map(|base| limbs_of(&(base * &r % &modulus), n.len()))
    }

    /// Whether n passes to this base, by the definition.
    fn by_definition(n: &BigUint, base: &BigUint) -> bool {
        let minus_one = n - 1_u32;
        let halvings = minus_one.trailing_zeros().unwrap_or(0);
        let mut power = base.modpow(&(&minus_one >> halvings), n);
        if power == BigUint::from(1_u32) {
            return true;
        }
        for _ in 0..halvings {
            if power == minus_one {
                return true;
            }
            power = &power * &power % n;
        }
        false
    }

    /// The primes next below some powers of two pass to any base.
    #[test]
    fn primes_pass() {
        for (bits, below) in [(64_u32, 59_u32), (512, 569), (1024, 105)] {
            let prime = (BigUint::from(1_u32) << bits) - below;
            let n = prime.to_u64_digits();
            let some: [BigUint; LANES] = std::array::from_fn(|at| BigUint::from(at + 2));
            assert_ne!(passes(&n, &bases(&n, some.each_ref())), Some(false), "2^{bits} - {below}");
        }
    }

    /// One base that a composite number does not pass to is enough, in any lane.
    #[test]
    fn composites_fail() {
        // Two primes of 32 bits.
        let composite = BigUint::from(4_294_967_291_u64) * BigUint::from(4_294_967_279_u64);
        let n = composite.to_u64_digits();
        let one = BigUint::from(1_u32);
        for lane in 0..LANES {
            let two = BigUint::from(2_u32);
            let tried = std::array::from_fn(|at| if at == lane { &two } else { &one });
            assert!(!passes(&n, &bases(&n, tried)).unwrap_or(false), "lane {lane}");
        }
        assert_ne!(passes(&n, &bases(&n, [&one; LANES])), Some(false), "1 tells nothing");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Numbers that pass by the definition pass here, however often n - 1 can be halved: a power with one wrong bit would not.
        #[test]
        fn as_by_definition(random in prop::collection::vec(any::<u64>(), 1..6), halvings in 1..40_u32, base in 2..1000_u32) {
            let length = random.len();
            let mut limbs = random;
            limbs[0] &= !((1 << halvings) - 1);
            limbs[length - 1] |= 1 << 63;
            let mut n = number(&limbs) + 1_u32;
            let base = BigUint::from(base);
            while !by_definition(&n, &base) {
                n += BigUint::from(1_u32) << halvings;
            }
            let digits = n.to_u64_digits();
            prop_assume!(digits.len() == length);
            prop_assert_ne!(passes(&digits, &bases(&digits, [&base; LANES])), Some(false));
        }
    }
}
