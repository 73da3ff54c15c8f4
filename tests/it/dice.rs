//! Chance that comes out the same each time, for tests that damage files.

/// Numbers that look random and are the same each time: <https://prng.di.unimi.it/splitmix64.c>.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^= number >> 31;
        (number % n.max(1) as u64) as usize
    }

    /// Some bytes in a row.
    pub(crate) fn part<'a>(&mut self, bytes: &'a [u8], most: usize) -> &'a [u8] {
        let from = self.below(bytes.len() + 1);
        let to = (from + self.below(most + 1)).min(bytes.len());
        &bytes[from..to]
    }
}
