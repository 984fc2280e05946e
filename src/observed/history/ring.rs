//! The slots of one resolution: which there are, and what was read of the time of each.

use super::Resolution;
use crate::aggregate::time::{Millis, Time};

/// Slots in a ring, by their numbers: the time divided by their width.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    width: Millis,
    /// The newest slot; it may not be over.
    newest: Option<i64>,
    /// By place: of what everything was read that was written in that time.
    covered: Vec<u8>,
    /// By place: when the queue was first looked into.
    looks: Vec<Option<Time>>,
}

impl Ring {
    pub(super) fn new(resolution: Resolution) -> Self {
        Self {
            width: resolution.width(),
            newest: None,
            covered: vec![0; resolution.slots],
            looks: vec![None; resolution.slots],
        }
    }

    /// The width of a slot.
    pub(super) fn width(&self) -> Millis {
        self.width
    }

    fn len(&self) -> i64 {
        i64::try_from(self.covered.len()).unwrap_or(i64::MAX)
    }

    /// The number of the newest slot.
    pub(super) fn newest(&self) -> Option<i64> {
        self.newest
    }

    /// Begins with nothing, up to a slot.
    pub(super) fn begin(&mut self, newest: i64) {
        self.newest = Some(newest);
    }

    /// The slots that are kept, the oldest first: their beginnings and places.
    pub(super) fn kept(&self) -> impl Iterator<Item = (Time, usize)> {
        let slots = self.newest.into_iter().flat_map(|newest| newest - self.len() + 1..=newest);
        slots.map(|slot| (self.start(slot), self.place_of(slot)))
    }

    /// The number of the slot that a time is in.
    pub(super) fn slot(&self, at: Time) -> i64 {
        at.number(self.width)
    }

    /// When a slot begins.
    fn start(&self, slot: i64) -> Time {
        Time::of(slot.saturating_mul(self.width.millis()))
    }

    /// Where a slot is; none when it is not kept.
    pub(super) fn place(&self, slot: i64) -> Option<usize> {
        let newest = self.newest?;
        (newest - self.len() < slot && slot <= newest).then(|| self.place_of(slot))
    }

    fn place_of(&self, slot: i64) -> usize {
        usize::try_from(slot.rem_euclid(self.len())).unwrap_or(0)
    }

    /// Makes room for the slot of `now`; `clear` is told which places belong to other slots from now on.
    pub(super) fn reach(&mut self, now: Time, clear: &mut impl FnMut(usize)) {
        let slot = self.slot(now);
        let newest = self.newest.unwrap_or(slot - self.len());
        let first = (newest + 1).max(slot - self.len() + 1);
        (first..=slot).for_each(|slot| self.empty(slot, clear));
        self.newest = Some(newest.max(slot));
    }

    /// Drops the slots behind that of `now` where there are some that begin later than `slack` behind it; whether
    /// there were.
    pub(super) fn drop_after(&mut self, now: Time, slack: Millis, clear: &mut impl FnMut(usize)) -> bool {
        let slot = self.slot(now);
        let Some(newest) =
            self.newest.filter(|&newest| newest > slot.max(self.slot(now.less(Millis::of(-slack.millis())))))
        else {
            return false;
        };
        let first = (slot + 1).max(newest - self.len() + 1);
        (first..=newest).for_each(|slot| self.empty(slot, clear));
        // Their places are now those of slots before all that were kept.
        self.newest = Some(slot);
        true
    }

    fn empty(&mut self, slot: i64, clear: &mut impl FnMut(usize)) {
        let place = self.place_of(slot);
        (self.covered[place], self.looks[place]) = (0, None);
        clear(place);
    }

    /// Everything of `what` was read that was written from `from` to `until`. A slot of which it is only a part
    /// tells nothing, but for the one that is not over.
    pub(super) fn cover(&mut self, from: Time, until: Time, what: u8) {
        let Some(newest) = self.newest else { return };
        let first = self.slot(from) + i64::from(from > self.start(self.slot(from)));
        let last = self.slot(until).min(newest);
        for slot in first.max(newest - self.len() + 1)..=last {
            let place = self.place_of(slot);
            self.covered[place] |= what;
        }
    }

    /// Something that was written from `from` on was not read.
    pub(super) fn uncover(&mut self, from: Time) {
        let Some(newest) = self.newest else { return };
        for slot in self.slot(from).max(newest - self.len() + 1)..=newest {
            let place = self.place_of(slot);
            self.covered[place] = 0;
        }
    }

    pub(super) fn covers(&self, place: usize, what: u8) -> bool {
        self.covered[place] & what == what
    }

    /// The queue was looked into `at`, which has been reached; the place of its slot where it is the first look there.
    pub(super) fn look(&mut self, at: Time) -> Option<usize> {
        let place = self.place(self.slot(at))?;
        let first = self.looks[place].is_none();
        self.looks[place].get_or_insert(at);
        first.then_some(place)
    }

    /// When the queue was first looked into in the slot at a place.
    pub(super) fn looked(&self, place: usize) -> Option<Time> {
        self.looks[place]
    }

    /// The looks into the queue that are no later than `until`, the newest first, with their places.
    pub(super) fn looks_before(&self, until: Time) -> impl Iterator<Item = (usize, Time)> {
        let last = self.slot(until);
        let slots =
            self.newest.into_iter().flat_map(move |newest| newest - self.len() + 1..=newest.min(last));
        let looks = slots.rev().map(|slot| self.place_of(slot));
        looks.filter_map(move |place| Some((place, self.looks[place].filter(|&at| at <= until)?)))
    }

    /// So many slots up to that of `now`, all at most, the oldest first: their beginnings, and their places where they are
    /// kept.
    pub(super) fn last_slots(&self, now: Time, most: i64) -> impl Iterator<Item = (Time, Option<usize>)> {
        let newest = self.slot(now);
        (newest - self.len().min(most) + 1..=newest).map(|slot| (self.start(slot), self.place(slot)))
    }

    pub(super) fn bytes(&self) -> usize {
        self.covered.capacity() + self.looks.capacity() * size_of::<Option<Time>>()
    }
}
