//! Which families a text may be of, by the classes that its words have: few of the table need be looked at.

use std::sync::LazyLock;

use super::Outlook;
use super::families::{FAMILIES, Who};
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

/// The families by what they ask for: few need be looked at.
struct Index {
    /// By class, each at the classes of its that the fewest words have.
    rows: [Rows; Classes::BITS as usize],
    /// The classes that have rows.
    asked: Classes,
    /// By outlook.
    fits: [Rows; Outlook::COUNT],
    /// The fixed words of our own MTA.
    fixed: Rows,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let none = Rows::default();
    let mut index = Index { rows: [none; _], asked: 0, fits: [none; _], fixed: none };
    for (row, family) in FAMILIES.iter().enumerate() {
        let rarest = family.words.iter().copied().min_by_key(|&classes| commonness(classes)).unwrap_or(0);
        bits(rarest).for_each(|class| index.rows[class].insert(row));
        index.asked |= rarest;
        Outlook::all()
            .filter(|outlook| outlook.fits(family))
            .for_each(|outlook| index.fits[outlook.number()].insert(row));
        if family.who == Who::Ourselves {
            index.fixed.insert(row);
        }
    }
    index
});

/// How often words of these classes stand in texts, roughly: as often as rows ask for them.
fn commonness(classes: Classes) -> usize {
    FAMILIES.iter().flat_map(|family| family.words).map(|asked| (asked & classes).count_ones() as usize).sum()
}

/// The families that may be in a text with these classes. `fixed`: of the fixed words of our own MTA alone.
pub(super) fn candidates(seen: Classes, outlook: Outlook, fixed: bool) -> Rows {
    let index = &*INDEX;
    let mut rows = Rows::default();
    bits(seen & index.asked).for_each(|class| rows.add(&index.rows[class]));
    rows.keep(&index.fits[outlook.number()]);
    if fixed {
        rows.keep(&index.fixed);
    }
    rows
}

fn bits(mut set: Classes) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (set != 0).then(|| set.trailing_zeros() as usize);
        set &= set.wrapping_sub(1);
        bit
    })
}
