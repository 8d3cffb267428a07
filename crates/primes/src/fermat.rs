//! Fermat's test to base 2: fast, and only ever used to turn candidates down.
//!
//! Of the some forty candidates that a sieve leaves for each prime, all but one are composite, and finding that out is what
//! making a key costs. A composite number all but never passes; what does pass is judged anew, so that nothing here can make a
//! key weak. Time depends on the candidate, which is thrown away.
//!
//! Where the processor multiplies in eight lanes, eight candidates are tested together, seven times as fast as one by one.

mod scalar;

#[cfg(target_arch = "x86_64")]
use crate::lanes;

/// How many candidates are best tested together.
pub(crate) const TOGETHER: usize = 8;

/// The first of up to [`TOGETHER`] odd numbers with 2^(n-1) = 1 modulo n. They are slices of 64-bit limbs, lowest first, of one
/// length, with their highest bits set.
pub(crate) fn first_that_passes(candidates: &[Vec<u64>]) -> Option<&Vec<u64>> {
    #[cfg(target_arch = "x86_64")]
    if let Some(passed) = lanes::fermat::passed(candidates) {
        return candidates.iter().zip(passed).find(|(_, passed)| *passed).map(|(number, _)| number);
    }
    candidates.iter().find(|number| scalar::passes(number))
}
