//! Entries by code.

use serde::{Deserialize, Serialize};

use super::table::{LeftOut, Table};

use crate::record::code::{ACTIONS, Action, MODIFIERS, OTHER_MODIFIER};

const LETTERS: usize = 26;

/// Entries by action letter and by modifier. Any of the 26 letters may stand in a log, so the label
/// is bounded without a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub struct Entries {
    by_action: [u64; LETTERS],
    by_modifier: [[u64; MODIFIERS.len() + 1]; LETTERS],
}

/// What is saved: only what was seen, by letter and label.
#[derive(Serialize, Deserialize)]
struct Saved {
    actions: Vec<(char, u64)>,
    modifiers: Vec<(char, String, u64)>,
}

impl From<Entries> for Saved {
    fn from(entries: Entries) -> Self {
        let modifiers = entries.modifiers().map(|(letter, label, count)| (letter, label.to_owned(), count));
        let actions = letters().zip(entries.by_action).filter(|&(_, count)| count > 0).map(as_char);
        Self { actions: actions.collect(), modifiers: modifiers.collect() }
    }
}

impl From<Saved> for Entries {
    fn from(saved: Saved) -> Self {
        let mut entries = Self::empty(0);
        let place = |letter: char| letters().position(|known| char::from(known) == letter);
        for (letter, count) in saved.actions {
            if let Some(action) = place(letter) {
                entries.by_action[action] = count;
            }
        }
        for (letter, label, count) in saved.modifiers {
            let modifier = modifier_labels().position(|known| known == label);
            if let (Some(action), Some(modifier)) = (place(letter), modifier) {
                entries.by_modifier[action][modifier] = count;
            }
        }
        entries
    }
}

impl Table for Entries {
    fn empty(_: u64) -> Self {
        Self { by_action: [0; LETTERS], by_modifier: [[0; MODIFIERS.len() + 1]; LETTERS] }
    }

    fn left_out(&self) -> LeftOut {
        LeftOut::Nothing("one a letter and modifier")
    }
}

impl Entries {
    pub(super) fn add(&mut self, action: Action) {
        self.by_action[action.index()] += 1;
        if action.is_modified() {
            for modifier in action.modifier_positions() {
                self.by_modifier[action.index()][modifier] += 1;
            }
        }
    }

    /// `(action letter, count)`: every documented action, and others that were seen.
    pub fn actions(&self) -> impl Iterator<Item = (char, u64)> {
        let listed = |letter: u8| ACTIONS.iter().any(|row| row.letter == letter);
        letters().zip(self.by_action).filter(move |&(letter, count)| count > 0 || listed(letter)).map(as_char)
    }

    /// `(action letter, modifier label, count)` of what was seen.
    pub fn modifiers(&self) -> impl Iterator<Item = (char, &'static str, u64)> {
        letters().zip(self.by_modifier).flat_map(|(letter, counts)| {
            modifier_labels().zip(counts).filter(|&(_, count)| count > 0).map(move |(label, count)| {
                let (letter, count) = as_char((letter, count));
                (letter, label, count)
            })
        })
    }
}

/// The label values of modifiers, in the order of their counts.
fn modifier_labels() -> impl Iterator<Item = &'static str> {
    MODIFIERS.iter().map(|row| row.label).chain([OTHER_MODIFIER])
}

fn letters() -> impl Iterator<Item = u8> {
    b'A'..=b'Z'
}

fn as_char((letter, count): (u8, u64)) -> (char, u64) {
    (char::from(letter), count)
}
