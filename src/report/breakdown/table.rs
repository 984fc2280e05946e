//! Counts by a key that the input chooses, in bounded memory.

use rustc_hash::FxHashMap;

/// Keys without and keys with trouble that are kept, each.
const CAPACITY: usize = 10_000;

/// Values by the seeded hash of a key. A key with trouble finds room although keys without it came first: what fails is
/// what a report is read for. Beyond both caps an event counts without its key.
#[derive(Debug)]
pub struct Table<V> {
    rows: FxHashMap<u64, Row<V>>,
    /// Rows without trouble, and with it.
    quiet: usize,
    troubled: usize,
    /// Events whose key found no room.
    left_out: u64,
}

#[derive(Debug)]
struct Row<V> {
    value: V,
    troubled: bool,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { rows: FxHashMap::default(), quiet: 0, troubled: 0, left_out: 0 }
    }
}

impl<V> Table<V> {
    /// The value of a key, made by `new` when it is not there; `None` when there is no room.
    /// `trouble` says what kind of event this is.
    pub fn at(&mut self, key: u64, trouble: bool, new: impl FnOnce() -> V) -> Option<&mut V> {
        if !self.rows.contains_key(&key) {
            let kept = if trouble { self.troubled } else { self.quiet };
            if kept >= CAPACITY {
                self.left_out += 1;
                return None;
            }
            *(if trouble { &mut self.troubled } else { &mut self.quiet }) += 1;
            self.rows.insert(key, Row { value: new(), troubled: trouble });
        }
        let row = self.rows.get_mut(&key)?;
        if trouble && !row.troubled && self.troubled < CAPACITY {
            row.troubled = true;
            self.troubled += 1;
            self.quiet -= 1;
        }
        Some(&mut row.value)
    }

    /// Every value, in no order.
    pub fn all(&self) -> impl Iterator<Item = &V> {
        self.rows.values().map(|row| &row.value)
    }

    /// How many events found no room.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, Table};

    #[test]
    fn trouble_finds_room_behind_a_crowd() {
        let mut table: Table<u64> = Table::default();
        let capacity = CAPACITY as u64;
        for key in 0..2 * capacity {
            if let Some(count) = table.at(key, false, || 0) {
                *count += 1;
            }
        }
        assert_eq!((table.all().count(), table.left_out()), (CAPACITY, CAPACITY as u64));
        assert!(table.at(5 * capacity, true, || 0).is_some());
        for key in 0..4 * capacity {
            table.at(key, true, || 0);
        }
        assert!(table.all().count() <= 2 * CAPACITY);
        assert!(table.at(9 * capacity, true, || 0).is_none());
        assert_eq!(table.at(7, false, || 0).copied(), Some(1));
    }
}
