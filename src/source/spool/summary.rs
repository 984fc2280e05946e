//! What one directory holds, in a form from which the ages of its messages are counted anew at any
//! time without looking at each of them.

use super::held_files::HeldReason;
use super::{AGE_BANDS, ATTEMPT_BANDS, ChannelQueue, attempt_band};

/// The sums of one directory, and the modification times of its messages.
///
/// Times are whole Unix seconds, so an age is wrong by less than one second. Four bytes a message:
/// those that have been tried and those that have not are kept apart, since only the latter can be stuck.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) attempts: [u64; ATTEMPT_BANDS.len()],
    /// Bytes of the messages whose size is known.
    pub(super) bytes: u64,
    /// Messages whose size and time are not known, since the table of known files is full.
    pub(super) unknown: u64,
    /// Messages whose size and time are to be asked for by a later scan.
    pub(super) unasked: u64,
    /// By [`HeldReason`].
    pub(super) held: [u64; HeldReason::ALL.len()],
    pub(super) other_files: u64,
    tried: Vec<u32>,
    untried: Vec<u32>,
}

impl Summary {
    /// Counts a message of which the name alone is known.
    pub(super) fn add_name(&mut self, attempts: u16) {
        self.attempts[attempt_band(attempts)] += 1;
        self.unknown += 1;
    }

    /// Counts a message that will be asked for later.
    pub(super) fn add_unasked(&mut self, attempts: u16) {
        self.attempts[attempt_band(attempts)] += 1;
        self.unasked += 1;
    }

    /// Counts a message.
    pub(super) fn add(&mut self, attempts: u16, size: u64, modified: u32) {
        self.attempts[attempt_band(attempts)] += 1;
        self.bytes = self.bytes.saturating_add(size);
        if attempts == 0 { self.untried.push(modified) } else { self.tried.push(modified) }
    }

    /// Sorts the times; afterwards nothing is added.
    pub(super) fn finish(&mut self) {
        for times in [&mut self.tried, &mut self.untried] {
            times.sort_unstable();
            times.shrink_to_fit();
        }
    }

    /// Adds this directory to its channel. `now` is Unix seconds; a message not tried that was written
    /// before `stuck_before` is stuck.
    pub(super) fn add_to(&self, queue: &mut ChannelQueue, now: u32, stuck_before: u32) {
        add_each(&mut queue.attempts, &self.attempts);
        add_each(&mut queue.held, &self.held);
        queue.messages += self.attempts.iter().sum::<u64>();
        queue.bytes = queue.bytes.saturating_add(self.bytes);
        queue.unknown += self.unknown;
        queue.unasked += self.unasked;
        queue.other_files += self.other_files;
        queue.stuck += count(self.untried.partition_point(|&modified| modified < stuck_before));
        for times in [&self.tried, &self.untried] {
            add_ages(&mut queue.ages, times, now);
            let oldest = times.first().copied().map(f64::from);
            queue.oldest = [queue.oldest, oldest].into_iter().flatten().reduce(f64::min);
        }
    }
}

/// Adds sorted times to the bands of age. What lies in the future is in the youngest band.
fn add_ages(ages: &mut [u64; AGE_BANDS.len()], times: &[u32], now: u32) {
    let mut older = 0;
    for (&(_, from), sum) in AGE_BANDS.iter().zip(ages.iter_mut()).rev() {
        let at_least = match now.checked_sub(from) {
            _ if from == 0 => times.len(),
            Some(latest) => times.partition_point(|&modified| modified <= latest),
            None => 0,
        };
        *sum += count(at_least - older);
        older = at_least;
    }
}

fn add_each<const N: usize>(sums: &mut [u64; N], parts: &[u64; N]) {
    sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Summary;
    use crate::source::spool::{AGE_BANDS, ChannelQueue};

    /// Ages at the edges of the bands and anywhere.
    fn ages() -> impl Strategy<Value = i64> {
        let edges: Vec<i64> =
            AGE_BANDS.iter().flat_map(|&(_, from)| (-1..=1).map(move |by| i64::from(from) + by)).collect();
        prop_oneof![prop::sample::select(edges), -1000..2_000_000_i64]
    }

    proptest! {
        /// Against counting the messages one by one.
        #[test]
        fn ages_and_stuck_are_exact(
            messages in prop::collection::vec((0..4_u16, 0..1_000_000_u64, ages()), 0..80),
            stuck_after in 0..1_000_000_u32,
        ) {
            let now = 1_700_000_000_u32;
            let (mut summary, mut expected) = (Summary::default(), ChannelQueue::default());
            for &(attempts, size, age) in &messages {
                let modified = u32::try_from(i64::from(now) - age).expect("a time");
                summary.add(attempts, size, modified);
                let band = AGE_BANDS.iter().rposition(|&(_, from)| age >= i64::from(from)).unwrap_or(0);
                expected.messages += 1;
                expected.bytes += size;
                expected.attempts[usize::from(attempts)] += 1;
                expected.ages[band] += 1;
                expected.stuck += u64::from(attempts == 0 && age > i64::from(stuck_after));
                let oldest = expected.oldest.map_or(f64::from(modified), |oldest| oldest.min(f64::from(modified)));
                expected.oldest = Some(oldest);
            }
            summary.finish();
            // Attempts from 3 share a band.
            let mut found = ChannelQueue::default();
            summary.add_to(&mut found, now, now - stuck_after);
            prop_assert_eq!(found, expected);
        }
    }
}
