//! A set of piece numbers.

/// A set of small numbers.
#[derive(Debug)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// An empty set for numbers below `length`, rounded up to 64.
    pub(super) fn new(length: usize) -> Self {
        Self(vec![0; length.div_ceil(64)])
    }

    /// True when `index` is in it.
    pub(super) fn get(&self, index: usize) -> bool {
        self.0.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// Adds `index`; true when it is new and within bounds.
    pub(super) fn set(&mut self, index: usize) -> bool {
        let mask = 1 << (index % 64);
        match self.0.get_mut(index / 64) {
            Some(word) if *word & mask == 0 => {
                *word |= mask;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_there() {
        let mut bits = Bits::new(65);
        assert!(bits.set(0) && bits.set(64) && !bits.set(64));
        assert!(bits.get(64) && !bits.get(63));
        // Beyond the bounds nothing is ever in it.
        assert!(!bits.set(1000) && !bits.get(1000));
    }
}
