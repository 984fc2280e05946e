//! What happened within minutes that no table tells: what sums grew by, seen each second.
//!
//! Only what grows between two looks counts, so a backlog that is read at once, a restart and a time in which nobody could look
//! are in none of it. Bounded: sums are a closed list, logs are those that are followed.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// The width of a slot.
const SLOT: u64 = 10;
/// Slots that are kept: half an hour, and the present one.
const SLOTS: u64 = 181;
/// Two looks that are further apart have a gap between them.
const GAP: Duration = Duration::from_secs(15);

/// A sum that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    /// Recipients that were refused as relaying.
    RelayDenied,
    /// Authentications that failed as guesses do.
    Guesses,
    /// Authentications.
    Authentications,
    /// Inbound connections.
    Connections,
    /// Delivery attempts.
    Attempts,
    /// Recipients that were enqueued.
    Enqueued,
    /// Changes of how many messages a channel holds.
    QueueChanges,
}

/// How many there are.
pub const SUMS: usize = Sum::QueueChanges as usize + 1;

/// What sums grew by.
#[derive(Clone, Debug)]
pub struct Increments<const N: usize> {
    /// By the number of the slot.
    slots: VecDeque<(u64, [u64; N])>,
    /// The last look.
    last: Option<(Duration, [u64; N])>,
    /// Since when somebody has looked without a gap.
    since: Option<Duration>,
}

impl<const N: usize> Default for Increments<N> {
    fn default() -> Self {
        Self { slots: VecDeque::new(), last: None, since: None }
    }
}

fn slot(at: Duration) -> u64 {
    at.as_secs() / SLOT
}

impl<const N: usize> Increments<N> {
    /// Takes a look; `None` where nobody could look.
    pub fn note(&mut self, at: Duration, sums: Option<[u64; N]>) {
        let Some(sums) = sums else {
            (self.last, self.since) = (None, None);
            return;
        };
        let last = self.last.replace((at, sums)).filter(|(then, _)| at.saturating_sub(*then) < GAP);
        let Some((_, before)) = last else {
            self.since = Some(at);
            return;
        };
        let now = slot(at);
        if self.slots.back().is_none_or(|(number, _)| *number != now) {
            self.slots.push_back((now, [0; N]));
        }
        while self.slots.front().is_some_and(|(number, _)| number + SLOTS <= now) {
            self.slots.pop_front();
        }
        if let Some((_, counts)) = self.slots.back_mut() {
            // A sum that began anew grew by nothing that anybody saw.
            counts
                .iter_mut()
                .zip(sums)
                .zip(before)
                .for_each(|((count, sum), before)| *count += sum.saturating_sub(before));
        }
    }

    /// What each grew by in a time until now, or a little longer.
    pub fn within(&self, window: Duration, now: Duration) -> [u64; N] {
        let first = slot(now.saturating_sub(window));
        let mut sums = [0; N];
        for (_, counts) in self.slots.iter().filter(|(number, _)| *number >= first) {
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        sums
    }

    /// Whether somebody looked all that time.
    pub fn covers(&self, window: Duration, now: Duration) -> bool {
        self.since.is_some_and(|since| now.saturating_sub(since) >= window)
    }
}

/// What was seen at a look.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The sums of entries, but for changes of the queue; nothing while the logs are not read up to now.
    pub sums: Option<[u64; SUMS]>,
    /// Lines that were not understood, and all, by log.
    pub lines: BTreeMap<String, [u64; 2]>,
    /// Messages by channel; nothing where the queue was not counted.
    pub queue: Option<BTreeMap<String, u64>>,
    /// How often the state could not be saved.
    pub save_failures: u64,
    /// Connections that found a listen queue full; nothing where the kernel does not say.
    pub overflows: Option<u64>,
}

/// The last half hour.
#[derive(Clone, Debug, Default)]
pub struct Lately {
    sums: Increments<SUMS>,
    lines: BTreeMap<String, Increments<2>>,
    saves: Increments<1>,
    overflows: Increments<1>,
    /// Of the busiest client, network and sender, when they were last looked at.
    pub(super) greatest: [Option<u64>; 3],
    queue: BTreeMap<String, u64>,
    changes: u64,
    now: Duration,
}

impl Lately {
    /// Takes a look, at a time that never goes back.
    pub fn note(&mut self, at: Duration, seen: Seen) {
        let Seen { sums, lines, queue, save_failures, overflows } = seen;
        self.now = at;
        let looked = sums.zip(queue);
        let sums = looked.map(|(mut sums, queue)| {
            let changed =
                queue.iter().filter(|&(name, count)| self.queue.get(name).is_some_and(|was| was != count));
            self.changes += changed.count() as u64;
            self.queue = queue;
            sums[Sum::QueueChanges as usize] = self.changes;
            sums
        });
        self.sums.note(at, sums);
        self.lines.retain(|log, _| lines.contains_key(log));
        for (log, counts) in lines {
            self.lines.entry(log).or_default().note(at, sums.is_some().then_some(counts));
        }
        self.saves.note(at, Some([save_failures]));
        self.overflows.note(at, overflows.map(|overflows| [overflows]));
    }

    /// What a sum grew by in a time until now, as far as somebody looked.
    pub fn grew(&self, sum: Sum, window: Duration) -> u64 {
        self.sums.within(window, self.now)[sum as usize]
    }

    /// Whether somebody looked at the sums all that time.
    pub fn covers(&self, window: Duration) -> bool {
        self.sums.covers(window, self.now)
    }

    /// By log: lines of that time that were not understood, and all.
    pub fn lines(&self, window: Duration) -> impl Iterator<Item = (&str, [u64; 2])> {
        self.lines.iter().map(move |(log, lines)| (log.as_str(), lines.within(window, self.now)))
    }

    /// Connections that found a listen queue full in that time.
    pub fn overflows(&self, window: Duration) -> u64 {
        let [overflows] = self.overflows.within(window, self.now);
        overflows
    }

    /// How often the state could not be saved in that time.
    pub fn save_failures(&self, window: Duration) -> u64 {
        let [failures] = self.saves.within(window, self.now);
        failures
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Increments, Lately, SUMS, Seen, Sum};

    const MINUTE: Duration = Duration::from_mins(1);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn only_what_grows_between_two_looks_counts() {
        let mut grew = Increments::<1>::default();
        grew.note(at(100), Some([5000]));
        for second in 101..=160 {
            grew.note(at(second), Some([5000 + second - 100]));
        }
        assert_eq!(grew.within(MINUTE, at(160)), [60]);
        assert!(grew.covers(MINUTE, at(160)) && !grew.covers(MINUTE * 2, at(160)));
        // A backlog, and a sum that begins anew.
        grew.note(at(161), None);
        grew.note(at(162), Some([90_000]));
        assert!(!grew.covers(MINUTE, at(162)));
        grew.note(at(163), Some([90_001]));
        grew.note(at(164), Some([3]));
        grew.note(at(165), Some([4]));
        assert_eq!(grew.within(at(30), at(165)), [160 - 129 + 2]);
        // A program that stood still.
        grew.note(at(400), Some([9999]));
        assert_eq!(grew.within(MINUTE, at(400)), [0]);
    }

    #[test]
    fn it_is_bounded() {
        let mut grew = Increments::<1>::default();
        for second in 0..20_000 {
            grew.note(at(second), Some([second]));
        }
        assert_eq!(grew.slots.len(), 181);
        assert_eq!(grew.within(Duration::from_hours(9), at(19_999)), [1810]);
    }

    #[test]
    fn the_queue_changes_where_it_is_counted_and_the_logs_are_read() {
        let mut lately = Lately::default();
        let seen = |messages, logs: bool| Seen {
            sums: logs.then_some([0; SUMS]),
            queue: Some([("l".to_owned(), messages)].into()),
            ..Seen::default()
        };
        for (second, messages) in [(0, 7), (1, 7), (2, 8), (3, 7), (4, 7)] {
            lately.note(at(second), seen(messages, true));
        }
        assert_eq!(lately.grew(Sum::QueueChanges, MINUTE), 2);
        lately.note(at(5), seen(9, false));
        assert!(!lately.covers(at(1)));
    }
}
