//! Which families a text may be of, by the classes that its words have: few of the table need be looked at.

use std::ops::{BitAndAssign, BitOrAssign};
use std::sync::LazyLock;

use super::Outlook;
use super::families::{FAMILIES, Family, Who};
use super::stretch::MOST_CLASSES;
use super::vocabulary::{Classes, numbers};

/// A set of families.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rows([u64; 3]);

impl Rows {
    fn insert(&mut self, row: usize) {
        self.0[row / 64] |= 1 << (row % 64);
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

impl BitOrAssign<&Self> for Rows {
    #[inline]
    fn bitor_assign(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(set, other)| *set |= other);
    }
}

impl BitAndAssign<&Self> for Rows {
    #[inline]
    fn bitand_assign(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(set, other)| *set &= other);
    }
}

/// The families for which a class says something.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    /// Those that ask for it in the first place, the second, and so on.
    words: [Rows; MOST_CLASSES],
    /// Those that are not for texts with it.
    without: Rows,
}

/// The families by what they ask for.
#[derive(Debug)]
struct Index {
    by_class: [Asked; Classes::BITS as usize],
    /// Those that ask for nothing in the first place, the second, and so on.
    no_word: [Rows; MOST_CLASSES],
    /// The classes that any of them has.
    asked: Classes,
    /// By outlook.
    fits: [Rows; Outlook::COUNT],
    /// The fixed words of our own MTA.
    fixed: Rows,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let none = Rows::default();
    let (by_class, no_word) = ([Asked::default(); _], [none; _]);
    let mut index = Index { by_class, no_word, asked: 0, fits: [none; _], fixed: none };
    FAMILIES.iter().enumerate().for_each(|(row, family)| index.add(row, family));
    index
});

impl Index {
    fn add(&mut self, row: usize, family: &Family) {
        for (nth, no_word) in self.no_word.iter_mut().enumerate() {
            match family.words.get(nth) {
                Some(&classes) => {
                    numbers(classes).for_each(|class| self.by_class[class].words[nth].insert(row));
                }
                None => no_word.insert(row),
            }
        }
        numbers(family.without).for_each(|class| self.by_class[class].without.insert(row));
        self.asked |= family.words.iter().fold(family.without, |all, classes| all | classes);
        let fits = Outlook::all().filter(|outlook| outlook.fits(family));
        fits.for_each(|outlook| self.fits[outlook.number()].insert(row));
        if family.who == Who::Ourselves {
            self.fixed.insert(row);
        }
    }
}

/// The families whose words stand in a text with these classes, near or far, and none that they are not for. `fixed`:
/// of the fixed words of our own MTA alone.
pub(super) fn candidates(seen: Classes, outlook: Outlook, fixed: bool) -> Rows {
    let index = &*INDEX;
    let mut found = Asked { words: index.no_word, without: Rows::default() };
    for class in numbers(seen & index.asked) {
        let asked = &index.by_class[class];
        found.words.iter_mut().zip(&asked.words).for_each(|(found, asked)| *found |= asked);
        found.without |= &asked.without;
    }
    let mut rows = index.fits[outlook.number()];
    found.words.iter().for_each(|word| rows &= word);
    rows.0.iter_mut().zip(found.without.0).for_each(|(set, without)| *set &= !without);
    if fixed {
        rows &= &index.fixed;
    }
    rows
}
