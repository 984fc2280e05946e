//! Which families a text may be of, by the classes that its words have: few of the table need be looked at.

use std::sync::LazyLock;

use super::families::FAMILIES;
use super::stretch::MOST_CLASSES;
use super::vocabulary::Classes;

/// A set of families.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rows([u64; 3]);

impl Rows {
    fn insert(&mut self, row: usize) {
        self.0[row / 64] |= 1 << (row % 64);
    }

    fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(set, other)| *set |= other);
    }

    fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(set, other)| *set &= other);
    }

    /// In the order of the table.
    pub(super) fn rows(self) -> impl Iterator<Item = usize> {
        (0..).zip(self.0).flat_map(|(part, mut set)| {
            std::iter::from_fn(move || {
                let row = (set != 0).then(|| part * 64 + set.trailing_zeros() as usize);
                set &= set.wrapping_sub(1);
                row
            })
        })
    }
}

/// The families by the classes that they ask for: few need be looked at.
struct Index {
    /// By place in the row and class.
    rows: [[Rows; Classes::BITS as usize]; MOST_CLASSES],
    /// Those that ask for nothing at this place.
    free: [Rows; MOST_CLASSES],
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index =
        Index { rows: [[Rows::default(); Classes::BITS as usize]; MOST_CLASSES], free: <_>::default() };
    for (row, family) in FAMILIES.iter().enumerate() {
        for place in 0..MOST_CLASSES {
            match family.words.get(place) {
                Some(&classes) => bits(classes).for_each(|class| index.rows[place][class].insert(row)),
                None => index.free[place].insert(row),
            }
        }
    }
    index
});

/// The families that have all their classes in what was seen.
pub(super) fn candidates(seen: Classes) -> Rows {
    let mut all = Rows([u64::MAX; 3]);
    for (rows, free) in INDEX.rows.iter().zip(&INDEX.free) {
        let mut here = *free;
        bits(seen).for_each(|class| here.add(&rows[class]));
        all.keep(&here);
    }
    all
}

fn bits(mut set: Classes) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (set != 0).then(|| set.trailing_zeros() as usize);
        set &= set.wrapping_sub(1);
        bit
    })
}
