//! Which weeks are kept: the last in which anything was learned, whatever the calendar said meanwhile.
//!
//! A clock that was years ahead for a while takes the place of one week, and no more: its week is not among those that
//! count once the clock is right again.

use super::WEEKS;

/// A week counts for so many weeks: a pause of two months is no reason to begin anew.
const COUNTS: i64 = 16;

/// The place of a week in every ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(usize);

impl Slot {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..WEEKS).map(Self)
    }

    pub(super) fn nth(self) -> usize {
        self.0
    }

    pub(super) fn bit(self) -> u8 {
        1 << self.0
    }

    /// This one, that of the week which was begun before it, and so on.
    pub(super) fn back(self) -> impl Iterator<Item = Self> {
        (0..WEEKS).map(move |back| Self((self.0 + WEEKS - back) % WEEKS))
    }
}

/// Weeks by their slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Weeks {
    numbers: [Option<i64>; WEEKS],
    newest: usize,
}

impl Weeks {
    /// As they were saved.
    pub(super) fn of(numbers: [Option<i64>; WEEKS], newest: usize) -> Self {
        Self { numbers, newest: newest % WEEKS }
    }

    /// What is saved.
    pub(super) fn parts(&self) -> ([Option<i64>; WEEKS], usize) {
        (self.numbers, self.newest)
    }

    /// The slot of a week, where it has one.
    pub(super) fn find(&self, week: i64) -> Option<Slot> {
        self.numbers.iter().position(|&number| number == Some(week)).map(Slot)
    }

    /// Gives a week a slot: that of the one which was learned first.
    pub(super) fn begin(&mut self, week: i64) -> Slot {
        self.newest = (self.newest + 1) % WEEKS;
        self.numbers[self.newest] = Some(week);
        Slot(self.newest)
    }

    /// The slots of the weeks that count in a week, a bit each.
    pub(super) fn counting(&self, week: i64) -> u8 {
        let counts = |number: i64| (0..COUNTS).contains(&week.saturating_sub(number));
        let slots = self.numbers.iter().enumerate();
        slots.filter(|(_, number)| number.is_some_and(counts)).map(|(slot, _)| Slot(slot).bit()).sum()
    }

    /// The same in the week of a slot, without that week itself.
    pub(super) fn before(&self, slot: Slot) -> u8 {
        self.numbers[slot.0].map_or(0, |week| self.counting(week) & !slot.bit())
    }

    /// The last two weeks that are over, where the one followed the other.
    pub(super) fn last_two(&self) -> Option<(Slot, Slot)> {
        let mut slots = Slot(self.newest).back().skip(1);
        let (last, before) = (slots.next()?, slots.next()?);
        let follows = self.numbers[before.0]?.checked_add(1) == self.numbers[last.0];
        follows.then_some((before, last))
    }
}
