//! Finding the earlier entry that a later one belongs to, in bounded memory.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::time::{Millis, Time};

/// 204,804 places, six in each set of 64 bytes.
const SETS: usize = 34_134;
const WAYS: usize = 6;

/// The places of six things that recipients wait for: files in a queue, or messages on this host. All of
/// them are in one line of a processor's cache, which is what a look at one costs.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
#[repr(align(64))]
struct Set {
    /// The upper half of each one's key; 0 is a free place.
    tags: [u32; WAYS],
    /// When each began, the lower half of [`centis`].
    since: [u32; WAYS],
    /// The upper parts of these.
    since_high: u32,
    /// Recipients of each that have not come to their end.
    waiting: [u16; WAYS],
}

impl Set {
    fn way(&self, tag: u32) -> Option<usize> {
        // All of them, as nobody can foresee which it is.
        let ways = self.tags.iter().enumerate();
        let found = ways.fold(0_u32, |found, (way, &taken)| found | u32::from(taken == tag) << way);
        (found != 0).then(|| found.trailing_zeros() as usize)
    }

    fn since(&self, way: usize) -> u64 {
        let high = self.since_high >> (HIGH_BITS * way) & HIGH;
        u64::from(high) << 32 | u64::from(self.since[way])
    }

    fn set_since(&mut self, way: usize, centis: u64) {
        let [a, b, c, d, high, ..] = centis.to_le_bytes();
        self.since[way] = u32::from_le_bytes([a, b, c, d]);
        let place = HIGH_BITS * way;
        self.since_high = self.since_high & !(HIGH << place) | (u32::from(high) & HIGH) << place;
    }

    /// Where room is made at `now`: for the oldest that nobody waits for, else for the oldest. What an entry
    /// of the future began is as old as it is far away.
    fn oldest(&self, now: u64) -> usize {
        let age = |way: usize| {
            let finished = i64::from(self.waiting[way] == 0) << CENTIS_BITS;
            finished + between(self.since(way), now).abs()
        };
        (1..WAYS).fold(0, |oldest, way| if age(way) > age(oldest) { way } else { oldest })
    }
}

/// When things began, by the hash of a key: a cache of sets with six places each. In a full set the
/// oldest makes room, first of those that nobody waits for. The same entries after a restart give the
/// same table.
///
/// Times are those of entries, in hundredths of a second as the MTA writes them, and kept as what 37 bits
/// hold of them: that tells all waits of up to 21 years apart. Two things of one set that share 32 bits
/// of their hashes are taken for one: of a full table's look-ups one in 700 million.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub struct JoinTable {
    /// Empty until the first insertion.
    sets: Vec<Set>,
    evicted: u64,
}

impl JoinTable {
    /// A recipient begins to wait at `at`. The first one's time stays while anybody
    /// waits; after that it is a new beginning, such as a message that comes back to this host from a
    /// mailing list.
    pub fn begin(&mut self, key: NonZeroU64, at: Time) {
        if self.sets.is_empty() {
            self.sets = vec![Set::default(); SETS];
        }
        let (set, tag) = place(key);
        let (set, now) = (&mut self.sets[set], centis(at));
        if let Some(way) = set.way(tag) {
            if set.waiting[way] == 0 {
                set.set_since(way, now);
            }
            set.waiting[way] = set.waiting[way].saturating_add(1);
            return;
        }
        let way = set.way(0).unwrap_or_else(|| set.oldest(now));
        self.evicted += u64::from(set.waiting[way] > 0);
        (set.tags[way], set.waiting[way]) = (tag, 1);
        set.set_since(way, now);
    }

    /// One more recipient waits for something that began before; nothing where that is not known.
    pub fn go_on(&mut self, key: NonZeroU64) {
        if let Some((set, way)) = self.find(key) {
            set.waiting[way] = set.waiting[way].saturating_add(1);
        }
    }

    /// A recipient waits no longer at `at`; for how long it did, if that is known.
    pub fn end(&mut self, key: NonZeroU64, at: Time) -> Option<Millis> {
        let (set, way) = self.find(key)?;
        set.waiting[way] = set.waiting[way].saturating_sub(1);
        Some(Millis::of(between(set.since(way), centis(at)) * 10))
    }

    /// Looks at the places of keys that come next. The table is larger than a processor's cache: to fetch
    /// from memory what many entries need at once takes hardly longer than for one.
    pub fn fetch(&self, keys: impl Iterator<Item = NonZeroU64>) {
        let sets = keys.filter_map(|key| self.sets.get(place(key).0));
        std::hint::black_box(sets.fold(0, |seen, set| seen ^ set.tags[0]));
    }

    fn find(&mut self, key: NonZeroU64) -> Option<(&mut Set, usize)> {
        let (set, tag) = place(key);
        let set = self.sets.get_mut(set)?;
        let way = set.way(tag)?;
        Some((set, way))
    }

    /// How many made room for others while somebody waited for them.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }
}

/// The number of a key's set, by its lower half, and its tag, which is the upper half.
fn place(key: NonZeroU64) -> (usize, u32) {
    let [low @ .., a, b, c, d] = key.get().to_le_bytes();
    let (low, high) = (u32::from_le_bytes(low), u32::from_le_bytes([a, b, c, d]));
    (low as usize % SETS, high.max(1))
}

/// Bits of a time in hundredths of a second.
const CENTIS_BITS: u32 = 37;
/// Those of them that are beyond 32.
const HIGH_BITS: usize = 5;
const HIGH: u32 = (1 << HIGH_BITS) - 1;

/// What these bits hold of a time.
fn centis(at: Time) -> u64 {
    at.millis().div_euclid(10).cast_unsigned() & ((1 << CENTIS_BITS) - 1)
}

/// From one time to another; less than 0 when the other is before it.
fn between(since: u64, until: u64) -> i64 {
    let unused = u64::BITS - CENTIS_BITS;
    (until.wrapping_sub(since) << unused).cast_signed() >> unused
}

/// What is saved: the places that are taken.
#[derive(Serialize, Deserialize)]
struct Saved {
    entries: Vec<SavedWait>,
    evicted: u64,
}

#[derive(Serialize, Deserialize)]
struct SavedWait {
    /// Any key that has the place.
    key: u64,
    /// Any time that is the same in [`centis`].
    since: Time,
    waiting: u32,
}

impl From<JoinTable> for Saved {
    fn from(table: JoinTable) -> Self {
        let places = table.sets.iter().zip(0_u64..).flat_map(|(set, number)| {
            let taken = (0..WAYS).filter(|&way| set.tags[way] != 0);
            taken.map(move |way| SavedWait {
                key: u64::from(set.tags[way]) << 32 | number,
                since: Time::of(set.since(way).cast_signed() * 10),
                waiting: set.waiting[way].into(),
            })
        });
        Self { entries: places.collect(), evicted: table.evicted }
    }
}

impl From<Saved> for JoinTable {
    fn from(saved: Saved) -> Self {
        let mut table = Self::default();
        for entry in saved.entries {
            let Some(key) = NonZeroU64::new(entry.key) else { continue };
            table.begin(key, entry.since);
            if let Some((set, way)) = table.find(key) {
                set.set_since(way, centis(entry.since));
                set.waiting[way] = u16::try_from(entry.waiting).unwrap_or(u16::MAX);
            }
        }
        table.evicted = saved.evicted;
        table
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::num::NonZeroU64;

    use super::{JoinTable, Millis, SETS, Set, Time, WAYS};

    const CAPACITY: usize = SETS * WAYS;

    fn begin(table: &mut JoinTable, key: NonZeroU64, millis: i64) {
        table.begin(key, Time::of(millis));
    }

    fn end(table: &mut JoinTable, key: NonZeroU64, millis: i64) -> Option<i64> {
        table.end(key, Time::of(millis)).map(Millis::millis)
    }

    fn key(number: u64) -> NonZeroU64 {
        NonZeroU64::new(number).expect("not 0")
    }

    #[test]
    fn the_first_time_stays_while_somebody_waits() {
        let mut table = JoinTable::default();
        assert_eq!(end(&mut table, key(7), 1000), None);
        begin(&mut table, key(7), 100);
        begin(&mut table, key(7), 200);
        table.go_on(key(7));
        table.go_on(key(8));
        assert_eq!([(); 3].map(|()| end(&mut table, key(7), 1100)), [Some(1000); 3]);
        // An end that has no beginning in the log finds the time all the same.
        assert_eq!((end(&mut table, key(7), 100), end(&mut table, key(8), 1000)), (Some(0), None));
        begin(&mut table, key(7), 900);
        assert_eq!(end(&mut table, key(7), 910), Some(10));
    }

    #[test]
    fn waits_are_told_over_years_and_backwards() {
        let day = 86_400_000;
        for (since, at) in [
            (1_700_000_000_000, 1_700_000_000_000),
            (1_700_000_000_120, 1_700_000_123_450),
            (1_700_000_000_000, 1_700_000_000_000 + 20 * 365 * day),
            (1_700_000_000_000, 1_700_000_000_000 - 20 * 365 * day),
            (1_700_000_000_000, 1_699_999_999_000),
            // Where 32 bits begin again, and where all do.
            ((1 << 32) * 10 * 40 - 10, (1 << 32) * 10 * 40 + 10),
            ((1 << 37) * 10 - 10, (1 << 37) * 10 + 10),
            (-10, 10),
        ] {
            let mut table = JoinTable::default();
            begin(&mut table, key(7), since);
            assert_eq!(end(&mut table, key(7), at), Some(at - since), "{since} {at}");
        }
    }

    #[test]
    fn the_oldest_of_a_set_makes_room_and_the_finished_before_it() {
        let mut table = JoinTable::default();
        let way = |way: usize| key((way as u64 + 1) << 32 | 3);
        for number in 0..WAYS {
            begin(&mut table, way(number), 100 + 10 * i64::try_from(number).expect("small"));
        }
        assert_eq!(end(&mut table, way(4), 200), Some(60));
        begin(&mut table, way(WAYS), 200);
        assert_eq!((end(&mut table, way(4), 300), table.evicted()), (None, 0));
        begin(&mut table, way(WAYS + 1), 210);
        assert_eq!((end(&mut table, way(0), 300), table.evicted()), (None, 1));
        assert!([1, 2, 3, 5, 6, 7].iter().all(|&number| end(&mut table, way(number), 300).is_some()));
    }

    #[test]
    fn entries_are_small() {
        assert!(size_of::<Set>() == 64 && CAPACITY >= 200_000);
    }

    #[test]
    fn saving_keeps_what_is_found() {
        let mut table = JoinTable::default();
        let mut number = 1_u64;
        let mut numbers = Vec::new();
        for time in 0..i64::try_from(CAPACITY + CAPACITY / 8).expect("small") {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            begin(&mut table, key(number), 10 * time);
            // Of many sets some.
            if number.is_multiple_of(16) {
                numbers.push(number);
            }
        }
        let saved = rmp_serde::to_vec_named(&table).expect("encoded");
        let mut loaded: JoinTable = rmp_serde::from_slice(&saved).expect("decoded");
        assert_eq!(loaded, table);
        let found = |table: &mut JoinTable| -> HashMap<u64, Option<i64>> {
            numbers.iter().map(|&number| (number, end(table, key(number), 0))).collect()
        };
        let found_now = found(&mut table);
        assert!(found_now.values().any(Option::is_some));
        assert_eq!(found(&mut loaded), found_now);
    }
}
