//! What one series of one channel showed in the last weeks, hour by hour: nothing is kept of hours in which there was
//! nothing, but that they were seen.

use super::WEEKS;
use super::calendar::HOURS;
use super::level::Level;
use super::weeks::{Slot, Weeks};

/// No ring.
const NONE: u8 = u8::MAX;
/// An hour that has more than so many times what is usual, and this many besides, is far above.
const FAR: f64 = 1.5;
const FEW: f64 = 10.0;
/// Hours of both weeks in which something was, for a trend.
const ENOUGH: usize = 24;

/// An hour of one week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The median of its stretches.
    pub(super) median: Level,
    /// The greatest of them.
    pub(super) maximum: Level,
}

/// One series of one channel.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Learned {
    hours: Box<[OfHour; HOURS]>,
    rings: Vec<[Seen; WEEKS]>,
    /// By how many steps a week had more than the one before it.
    trend: i32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct OfHour {
    /// The slots of the weeks in which it was learned, a bit each.
    weeks: u8,
    /// Where its ring is; [`NONE`] where there was nothing in all these weeks.
    ring: u8,
}

/// What is usual, by the weeks that count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Usual {
    /// The median of the medians; of an even number the lower one, so that one week in two says nothing.
    pub(super) median: Level,
    /// The second greatest of the maxima: what was so only once is not usual.
    pub(super) maximum: Level,
}

impl Default for Learned {
    fn default() -> Self {
        Self { hours: Box::new([OfHour { weeks: 0, ring: NONE }; HOURS]), rings: Vec::new(), trend: 0 }
    }
}

impl Usual {
    /// Of two weeks or more.
    fn of(seen: impl Iterator<Item = Seen>) -> Option<Self> {
        let (mut medians, mut maxima, mut weeks) = ([Level::default(); WEEKS], [Level::default(); WEEKS], 0);
        for seen in seen.take(WEEKS) {
            (medians[weeks], maxima[weeks]) = (seen.median, seen.maximum);
            weeks += 1;
        }
        (weeks >= 2).then(|| {
            medians[..weeks].sort_unstable();
            maxima[..weeks].sort_unstable();
            Self { median: medians[(weeks - 1) / 2], maximum: maxima[weeks - 2] }
        })
    }
}

impl Learned {
    /// What an hour was like in the weeks of `slots`, a bit each.
    fn seen(&self, hour: usize, slots: u8) -> impl Iterator<Item = Seen> {
        let OfHour { weeks, ring } = self.hours[hour];
        let ring = self.rings.get(usize::from(ring)).copied().unwrap_or_default();
        (0..WEEKS).filter(move |slot| weeks & slots & 1 << slot != 0).map(move |slot| ring[slot])
    }

    /// What is usual in an hour, by the weeks of `slots`.
    pub(super) fn usual(&self, hour: usize, slots: u8) -> Option<Usual> {
        Usual::of(self.seen(hour, slots))
    }

    /// Learns what an hour was like. One that is far above what is usual counts as usual in the median until it
    /// comes again: so an outage raises nothing, and what is new for good is learned a week later.
    pub(super) fn learn(&mut self, hour: usize, weeks: &Weeks, slot: Slot, seen: Seen) {
        let median = match self.usual(hour, weeks.before(slot)) {
            Some(usual)
                if seen.median.count() > FAR * usual.median.count() + FEW
                    && self.last(hour, slot).is_none_or(|last| last.maximum < seen.median) =>
            {
                usual.median
            }
            _ => seen.median,
        };
        self.put(hour, slot, Seen { median, ..seen });
    }

    /// The same hour of the last week before that of `slot` in which it was learned.
    fn last(&self, hour: usize, slot: Slot) -> Option<Seen> {
        slot.back().skip(1).find_map(|slot| self.seen(hour, slot.bit()).next())
    }

    pub(super) fn put(&mut self, hour: usize, slot: Slot, seen: Seen) {
        let OfHour { weeks, ring } = &mut self.hours[hour];
        *weeks |= slot.bit();
        if *ring == NONE && seen != Seen::default() {
            *ring = u8::try_from(self.rings.len()).unwrap_or(NONE);
            // Hours are few: what a longer vector would keep ready is more than what moving them costs.
            self.rings.reserve_exact(1);
            self.rings.push([Seen::default(); WEEKS]);
        }
        if let Some(ring) = self.rings.get_mut(usize::from(*ring)) {
            ring[slot.nth()] = seen;
        }
    }

    /// A slot is that of another week from now on.
    pub(super) fn forget(&mut self, slot: Slot) {
        let rings = std::mem::take(&mut self.rings);
        for of_hour in self.hours.iter_mut() {
            of_hour.weeks &= !slot.bit();
            let ring = rings.get(usize::from(of_hour.ring)).copied();
            of_hour.ring = NONE;
            let Some(mut ring) = ring else { continue };
            ring[slot.nth()] = Seen::default();
            if ring != [Seen::default(); WEEKS] {
                of_hour.ring = u8::try_from(self.rings.len()).unwrap_or(NONE);
                self.rings.push(ring);
            }
        }
        self.rings.shrink_to_fit();
    }

    /// Finds the trend anew: by how much most hours of one week had more than those of the week before it. Half of that
    /// is expected to go on.
    pub(super) fn find_trend(&mut self, weeks: Option<(Slot, Slot)>) {
        let steps = |(before, last): (Slot, Slot)| {
            let above = |hour| {
                let seen = |slot: Slot| self.seen(hour, slot.bit()).next();
                seen(last)?.median.above(seen(before)?.median)
            };
            let mut steps: Vec<i32> = (0..HOURS).filter_map(above).collect();
            steps.sort_unstable();
            (steps.len() >= ENOUGH).then(|| steps[steps.len() / 2] / 2)
        };
        self.trend = weeks.and_then(steps).unwrap_or(0);
    }

    /// The factor by which now is more than what is usual; within a tenth.
    pub(super) fn trend(&self) -> f64 {
        Level::factor(self.trend).clamp(0.9, 1.1)
    }

    /// Whether there was anything in any hour.
    pub(super) fn has_anything(&self) -> bool {
        !self.rings.is_empty()
    }

    /// Whether nothing is known of it.
    pub(super) fn is_empty(&self) -> bool {
        self.hours.iter().all(|hour| hour.weeks == 0)
    }

    /// By hour: the slots of the weeks in which it was learned, and what it was like in them where there was anything.
    pub(super) fn hours(&self) -> impl Iterator<Item = (u8, Option<&[Seen; WEEKS]>)> {
        self.hours.iter().map(|hour| (hour.weeks, self.rings.get(usize::from(hour.ring))))
    }

    /// How much memory it takes beside itself, bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of_val::<[OfHour]>(&*self.hours) + self.rings.capacity() * size_of::<[Seen; WEEKS]>()
    }
}
