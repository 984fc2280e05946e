//! Counts of the last minutes for one thing, in place.

use serde::{Deserialize, Serialize};

/// How many buckets a ring has.
const BUCKETS: usize = 10;
const WIDTH: i64 = 10;

/// Counts in a ring of buckets, which the caller numbers by time.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Ring {
    newest: i64,
    counts: [u32; BUCKETS],
}

impl Ring {
    /// Counts one in the bucket with a number; none from before the ring.
    #[inline]
    pub(super) fn add(&mut self, number: i64) {
        if number > self.newest {
            self.advance(number);
        }
        if self.newest.saturating_sub(number) < WIDTH {
            let count = &mut self.counts[place(number)];
            *count = count.saturating_add(1);
        }
    }

    fn advance(&mut self, number: i64) {
        let passed = number.saturating_sub(self.newest).min(WIDTH);
        for passed in 0..passed {
            self.counts[place(number - passed)] = 0;
        }
        self.newest = number;
    }

    /// What was counted in the bucket with this number and the nine before.
    pub(super) fn sum(&self, last: i64) -> u64 {
        let numbers = (0..WIDTH).map(|before| self.newest.saturating_sub(before));
        let within = numbers.filter(|number| *number > last.saturating_sub(WIDTH));
        within.map(|number| u64::from(self.counts[place(number)])).sum()
    }
}

fn place(number: i64) -> usize {
    usize::try_from(number.rem_euclid(WIDTH)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Ring, WIDTH};

    #[test]
    fn numbers_at_the_bounds_are_numbers() {
        let mut ring = Ring::default();
        for number in [i64::MIN, 0, i64::MAX, i64::MAX - 3, i64::MIN] {
            ring.add(number);
        }
        assert_eq!((ring.sum(i64::MAX), ring.sum(i64::MIN)), (2, 2));
    }

    proptest! {
        #[test]
        fn a_ring_is_the_list_of_what_was_counted(adds in prop::collection::vec(-30_i64..30, 0..60), later in 0_i64..15) {
            let mut ring = Ring::default();
            let mut counted = Vec::new();
            let mut newest = 0;
            for number in adds {
                ring.add(number);
                newest = newest.max(number);
                if number > newest - WIDTH {
                    counted.push(number);
                }
            }
            let last = newest + later;
            let expected = counted.iter().filter(|&&number| number > last - WIDTH && number > newest - WIDTH).count();
            prop_assert_eq!(ring.sum(last), expected as u64);
        }
    }
}
