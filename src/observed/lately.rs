//! What happened within minutes that no table tells: what sums grew by, seen each second.
//!
//! Only what grows between two looks counts, so a backlog that is read at once, a restart and a time in which nobody could look
//! are in none of it. Bounded: sums are a closed list, logs are those that are followed.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::by_minute::ByMinute;
use crate::findings::situation::{CAPPED, NEEDED, Quarter};

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

    /// What was seen at the last look.
    fn last(&self) -> Option<[u64; N]> {
        self.last.map(|(_, sums)| sums)
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
    /// By port: how full its listen queue is, as a share.
    pub listen_queues: BTreeMap<u16, f64>,
    /// Starts of each of [`NEEDED`]; nothing where the table of processes was not read.
    pub starts: Option<[u64; NEEDED.len()]>,
    /// Entries for which each of the tables of [`CAPPED`] had no room.
    pub capped: [u64; CAPPED.len()],
}

/// The last half hour.
#[derive(Clone, Debug, Default)]
pub struct Lately {
    sums: Increments<SUMS>,
    lines: BTreeMap<String, Increments<2>>,
    saves: Increments<1>,
    overflows: Increments<1>,
    listen_queues: BTreeMap<u16, VecDeque<(u64, f64)>>,
    starts: Increments<{ NEEDED.len() }>,
    capped: Increments<{ CAPPED.len() }>,
    /// What channels did, by minutes.
    pub(super) by_minute: ByMinute,
    /// And in the last quarter of an hour, when that was last noted.
    pub(super) quarters: BTreeMap<String, Quarter>,
    /// Of the busiest client, network and sender, when they were last looked at.
    pub(super) greatest: [Option<u64>; 3],
    queue: BTreeMap<String, u64>,
    changes: u64,
    now: Duration,
}

impl Lately {
    /// Takes a look, at a time that never goes back.
    pub fn note(&mut self, at: Duration, seen: Seen) {
        let Seen { sums, lines, queue, save_failures, overflows, listen_queues, starts, capped } = seen;
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
        self.note_listen_queues(at, listen_queues);
        // A look at processes that fails hides no start from the next one.
        self.starts.note(at, starts.or(self.starts.last()));
        self.capped.note(at, sums.is_some().then_some(capped));
    }

    /// The greatest of each slot; a port that is looked at no more is forgotten with its last one.
    fn note_listen_queues(&mut self, at: Duration, shares: BTreeMap<u16, f64>) {
        let now = slot(at);
        for (port, share) in shares {
            let slots = self.listen_queues.entry(port).or_default();
            match slots.back_mut() {
                Some((number, most)) if *number == now => *most = share.max(*most),
                _ => slots.push_back((now, share)),
            }
        }
        self.listen_queues.retain(|_, slots| {
            slots.retain(|(number, _)| number + SLOTS > now);
            !slots.is_empty()
        });
    }

    /// By port: how full its listen queue was at most in that time, as a share.
    pub fn listen_queues(&self, window: Duration) -> impl Iterator<Item = (u16, f64)> {
        let first = slot(self.now.saturating_sub(window));
        let most = move |slots: &VecDeque<(u64, f64)>| {
            slots.iter().filter(|(number, _)| *number >= first).map(|&(_, share)| share).reduce(f64::max)
        };
        self.listen_queues.iter().filter_map(move |(&port, slots)| Some((port, most(slots)?)))
    }

    /// How often each of [`NEEDED`] was started in that time.
    pub fn starts(&self, window: Duration) -> [u64; NEEDED.len()] {
        self.starts.within(window, self.now)
    }

    /// Entries of that time for which each of the tables of [`CAPPED`] had no room.
    pub fn capped(&self, window: Duration) -> [u64; CAPPED.len()] {
        self.capped.within(window, self.now)
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
    use std::collections::BTreeMap;
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

    /// What host and kernel count goes on while nobody looks; what the logs say does not.
    #[test]
    fn starts_are_seen_after_a_look_that_failed_and_full_tables_are_not() {
        let mut lately = Lately::default();
        let seen = |starts, capped, logs: bool| Seen {
            starts,
            capped: [capped, 0, 0],
            sums: logs.then_some([0; SUMS]),
            queue: Some(BTreeMap::new()),
            ..Seen::default()
        };
        for (second, starts, capped, logs) in [
            (0, Some([7, 1]), 50, true),
            (1, None, 900, false),
            (2, Some([9, 1]), 900, true),
            (3, Some([9, 2]), 912, true),
        ] {
            lately.note(at(second), seen(starts, capped, logs));
        }
        assert_eq!((lately.starts(MINUTE), lately.capped(MINUTE)), ([2, 1], [12, 0, 0]));
    }

    #[test]
    fn a_listen_queue_was_as_full_as_it_was_seen() {
        let mut lately = Lately::default();
        for (second, shares) in
            [(0, vec![(25, 0.9), (587, 0.1)]), (9, vec![(25, 0.2)]), (100, vec![(25, 0.0)])]
        {
            lately.note(at(second), Seen { listen_queues: shares.into_iter().collect(), ..Seen::default() });
        }
        let most = |window| lately.listen_queues(window).collect::<Vec<_>>();
        assert_eq!(most(MINUTE * 2), [(25, 0.9), (587, 0.1)]);
        assert_eq!(most(MINUTE), [(25, 0.0)]);
        for second in 100..4000 {
            lately.note(at(second), Seen { listen_queues: [(25, 0.5)].into(), ..Seen::default() });
        }
        assert_eq!((lately.listen_queues.len(), lately.listen_queues[&25].len()), (1, 181));
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
