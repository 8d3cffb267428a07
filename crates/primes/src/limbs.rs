//! Numbers as slices of 64-bit limbs, lowest first: the few steps that every test here takes.

/// -1/n modulo 2^64, by Newton's iteration: each round doubles the right bits, and the first has three.
pub(crate) fn negated_inverse(n: u64) -> u64 {
    let mut inverse = n;
    for _ in 0..5 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(n.wrapping_mul(inverse)));
    }
    inverse.wrapping_neg()
}

/// `2 * a` modulo `n`, for `a` below `n`.
pub(crate) fn double(a: &mut [u64], n: &[u64]) {
    let mut shifted_out = 0;
    for limb in &mut *a {
        let top = *limb >> 63;
        *limb = *limb << 1 | shifted_out;
        shifted_out = top;
    }
    if shifted_out != 0 || !less(a, n) {
        subtract(a, n);
    }
}

/// Whether `a` is below `b`, for numbers of one length.
pub(crate) fn less(a: &[u64], b: &[u64]) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// `a - b` modulo R.
pub(crate) fn subtract(a: &mut [u64], b: &[u64]) {
    let mut borrow = false;
    for (a, b) in a.iter_mut().zip(b) {
        (*a, borrow) = {
            let (difference, first) = a.overflowing_sub(*b);
            let (difference, second) = difference.overflowing_sub(u64::from(borrow));
            (difference, first | second)
        };
    }
}
