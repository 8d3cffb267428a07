//! Numbers drawn from a seed: the same ones each time.

/// Draws numbers (`SplitMix64`).
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut drawn = self.0;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        drawn ^ (drawn >> 31)
    }

    /// Below `end`, all alike; 0 where there is nothing below.
    pub(super) fn below(&mut self, end: usize) -> usize {
        Self::part(end, self.next())
    }

    /// Below `end`, the small ones by far the most often: a few environments are deployed to all the time, most hardly ever.
    pub(super) fn often_small(&mut self, end: usize) -> usize {
        let some = Self::part(end, self.next());
        let fewer = Self::part(some + 1, self.next());
        Self::part(fewer + 1, self.next())
    }

    /// Whether it happens, `in_thousand` times of a thousand.
    pub(super) fn happens(&mut self, in_thousand: usize) -> bool {
        self.below(1000) < in_thousand
    }

    /// One of them.
    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    fn part(end: usize, drawn: u64) -> usize {
        let part = (u128::from(drawn) * end as u128) >> 64;
        usize::try_from(part).unwrap_or_default()
    }
}
