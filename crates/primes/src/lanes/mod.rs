//! Modular arithmetic with eight numbers at once, one in each lane of a register of 512 bits.
//!
//! Numbers are cut into limbs of 52 bits, of which the instruction (AVX-512 IFMA: Intel since 2019, AMD since 2022) multiplies
//! two and adds the low or the high half of the product. Sums stay below 2^64 for as many limbs as any key needs, so carries are
//! looked after once a product. Arithmetic is Montgomery's (Handbook of Applied Cryptography, 14.3.2).

#![expect(clippy::inline_always, reason = "code that is not inlined has none of these registers")]

pub(crate) mod fermat;
pub(crate) mod miller_rabin;

use std::arch::x86_64::__m512i;

use crate::limbs;

/// How many numbers there are.
pub(crate) const LANES: usize = crate::fermat::TOGETHER;

const BITS: u32 = 52;
const MASK: u64 = (1 << BITS) - 1;

/// By how many bits the limbs must be longer than the numbers: then numbers below 4n are multiplied to one below 2n, and nothing
/// needs to be reduced between products, doubled or not.
const ROOM: usize = 5;

/// One limb of each number.
type Row = [u64; LANES];

pulp::simd_type! {
    /// That the processor has the instructions.
    struct Ifma {
        avx512f: "avx512f",
        avx512ifma: "avx512ifma",
    }
}

/// How many limbs numbers as long as `n` take.
fn limbs_for(n: &[u64]) -> usize {
    (64 * n.len() + ROOM).div_ceil(BITS as usize)
}

/// 1 in Montgomery's form modulo `n`, for that many `limbs` of 52 bits.
fn one(n: &[u64], limbs: usize) -> Vec<u64> {
    let mut one = vec![0; n.len()];
    limbs::subtract(&mut one, n); // 2^64 to the length of n: n has its highest bit set
    for _ in 64 * n.len()..limbs * BITS as usize {
        limbs::double(&mut one, n);
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

/// Whether a product, which is below 2n, is `value` modulo `n`: it can be there as itself or with n added.
fn is(product: &[u64], value: &[u64], n: &[u64]) -> bool {
    let limbs = product.len();
    let value = split(value, limbs);
    product == value || product == sum(&value, &split(n, limbs))
}

/// What is made of each number, as rows of `limbs` limbs.
fn rows(numbers: &[&[u64]; LANES], limbs: usize, of: impl Fn(&[u64]) -> Vec<u64>) -> Vec<Row> {
    let lanes = numbers.map(|number| split(&of(number), limbs));
    (0..limbs).map(|limb| std::array::from_fn(|lane| lanes[lane][limb])).collect()
}

/// The number in one lane, in limbs of 52 bits.
fn lane(rows: &[Row], lane: usize) -> Vec<u64> {
    rows.iter().map(|row| row[lane]).collect()
}

fn vectors(rows: &[Row]) -> Vec<__m512i> {
    rows.iter().map(|row| pulp::cast(*row)).collect()
}

/// -1/n modulo 2^52 of each number.
fn factors(numbers: &[&[u64]; LANES]) -> Row {
    numbers.map(|number| limbs::negated_inverse(number[0]) & MASK)
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
        let limb = self.avx512f._mm512_and_si512(sum, pulp::cast([MASK; LANES]));
        (limb, self.avx512f._mm512_srli_epi64::<BITS>(sum))
    }

    /// `a * b / R` modulo `n` into `sums`, its carries still to be looked after.
    #[inline(always)]
    fn multiply(
        self,
        a: &[__m512i],
        b: &[__m512i],
        sums: &mut [__m512i],
        n: &[__m512i],
        factor: Row,
    ) {
        let zero: __m512i = pulp::cast([0_u64; LANES]);
        // Of one length for the compiler, too: it asks once whether an index is in.
        let limbs = a.len();
        let (b, sums, n) = (&b[..limbs], &mut sums[..limbs], &n[..limbs]);
        sums.fill(zero);
        for &limb in a {
            let lowest = self.low(sums[0], limb, b[0]);
            let multiple = self.low(zero, lowest, pulp::cast(factor));
            let (_, mut carry) = self.carried(self.low(lowest, multiple, n[0]));
            carry = self.high(self.high(carry, limb, b[0]), multiple, n[0]);
            for i in 1..limbs {
                let sum = self.low(self.add(sums[i], carry), limb, b[i]);
                sums[i - 1] = self.low(sum, multiple, n[i]);
                carry = self.high(self.high(zero, limb, b[i]), multiple, n[i]);
            }
            sums[limbs - 1] = carry;
        }
    }

    /// Looks after the carries of `sums`, into `product`.
    #[inline(always)]
    fn settle(self, sums: &[__m512i], product: &mut [__m512i]) {
        let mut carry: __m512i = pulp::cast([0_u64; LANES]);
        for (limb, sum) in product.iter_mut().zip(sums) {
            (*limb, carry) = self.carried(self.add(*sum, carry));
        }
    }
}
