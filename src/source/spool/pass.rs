//! One pass over the tree: its time, its room and what it counts.

use std::time::Duration;

use super::ScanCounts;
use super::held_files::{HeldFile, MAX_HELD_A_SCAN};
use super::tree::NAMES_BUFFER;

/// Calls of `fstatat` between two looks at the clock.
const CALLS_BETWEEN_LOOKS: u32 = 16;

/// What a pass over the tree carries from directory to directory.
pub(super) struct Pass<'a> {
    /// The time of the scan, since the epoch.
    pub(super) began: Duration,
    /// Keys the hashes of names.
    pub(super) seed: u64,
    /// How many more files can be remembered.
    pub(super) room: usize,
    /// How many more directories can be remembered.
    pub(super) directories_left: usize,
    /// For directory entries.
    pub(super) buffer: Vec<u8>,
    /// What is published about the scan.
    pub(super) counts: ScanCounts,
    /// Held files that were not handed out before.
    pub(super) held_found: Vec<HeldFile>,
    clock: &'a dyn Fn() -> Duration,
    end: Duration,
    /// Until when single files are asked for; after that names are counted alone. None when it is over.
    asks_until: Option<Duration>,
    calls: u32,
}

/// For how long a pass may go on, and how much of that goes to single files. When the latter is over, the names of the
/// rest are counted alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// For all of it.
    pub(super) whole: Duration,
    /// For single files; none where a pass that has no time for them ends.
    pub(super) asking: Option<Duration>,
}

/// What a pass has time for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeLeft {
    /// To ask for single files.
    ForFiles,
    /// To count names.
    ForNames,
    /// Nothing.
    None,
}

impl<'a> Pass<'a> {
    /// A pass that begins now and may take `budget` by `clock`, which never goes back.
    pub(super) fn new(began: Duration, clock: &'a dyn Fn() -> Duration, budget: Budget, seed: u64) -> Self {
        let start = clock();
        Self {
            began,
            seed,
            room: 0,
            directories_left: 0,
            buffer: Vec::with_capacity(NAMES_BUFFER),
            counts: ScanCounts::default(),
            held_found: Vec::new(),
            clock,
            end: start.saturating_add(budget.whole),
            asks_until: Some(start.saturating_add(budget.asking.unwrap_or(Duration::MAX))),
            calls: 0,
        }
    }

    /// The time on the clock that never goes back.
    pub(super) fn at(&self) -> Duration {
        (self.clock)()
    }

    /// Whether the time of the pass is over.
    pub(super) fn is_over(&self) -> bool {
        self.at() >= self.end
    }

    /// What there is time for, to be asked with each call for one file: the clock is looked at now and then.
    pub(super) fn time_left(&mut self) -> TimeLeft {
        self.calls = self.calls.wrapping_add(1);
        if self.will_ask() && self.calls.is_multiple_of(CALLS_BETWEEN_LOOKS) {
            let now = self.at();
            self.asks_until = self.asks_until.filter(|&until| now < until);
            if self.will_ask() && now >= self.end {
                return TimeLeft::None;
            }
        }
        if self.will_ask() { TimeLeft::ForFiles } else { TimeLeft::ForNames }
    }

    /// Whether there is time left for single files.
    pub(super) fn will_ask(&self) -> bool {
        self.asks_until.is_some()
    }

    /// Unix seconds.
    pub(super) fn now(&self) -> u32 {
        whole_seconds(self.began)
    }

    /// Whether one more held file can be handed out.
    pub(super) fn can_hand_out(&self) -> bool {
        self.held_found.len() < MAX_HELD_A_SCAN
    }
}

/// Unix seconds, cut; until 2106.
pub(super) fn whole_seconds(since_epoch: Duration) -> u32 {
    u32::try_from(since_epoch.as_secs()).unwrap_or(u32::MAX)
}
