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
    calls: u32,
}

impl<'a> Pass<'a> {
    /// A pass that begins now and may take `budget` by `clock`, which never goes back.
    pub(super) fn new(began: Duration, clock: &'a dyn Fn() -> Duration, budget: Duration, seed: u64) -> Self {
        Self {
            began,
            seed,
            room: 0,
            directories_left: 0,
            buffer: Vec::with_capacity(NAMES_BUFFER),
            counts: ScanCounts::default(),
            held_found: Vec::new(),
            clock,
            end: clock().saturating_add(budget),
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

    /// The same, to be asked with each call for one file: the clock is looked at now and then.
    pub(super) fn is_over_at_call(&mut self) -> bool {
        self.calls = self.calls.wrapping_add(1);
        self.calls.is_multiple_of(CALLS_BETWEEN_LOOKS) && self.is_over()
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
