//! Entries by code.

use serde::{Deserialize, Serialize};

use super::table::{LeftOut, Table};

use crate::record::code::{Action, EntryCode, MODIFIERS, OTHER_MODIFIER};

const ACTIONS: usize = Action::ALL.len();

/// Entries by action and by modifier. Any of the 26 letters may stand in a log, so the label
/// is bounded without a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub struct Entries {
    by_action: [u64; ACTIONS],
    by_modifier: [[u64; MODIFIERS.len() + 1]; ACTIONS],
}

/// What is saved: only what was seen, by letter and label.
#[derive(Serialize, Deserialize)]
struct Saved {
    actions: Vec<(char, u64)>,
    modifiers: Vec<(char, String, u64)>,
}

impl From<Entries> for Saved {
    fn from(entries: Entries) -> Self {
        let modifiers = entries.modifiers();
        let actions = entries.counted().filter(|&(_, count)| count > 0);
        Self {
            actions: actions.map(|(action, count)| (action.letter(), count)).collect(),
            modifiers: modifiers
                .map(|(action, label, count)| (action.letter(), label.to_owned(), count))
                .collect(),
        }
    }
}

impl From<Saved> for Entries {
    fn from(saved: Saved) -> Self {
        let mut entries = Self::empty(0);
        let action = |letter: char| Action::of(u8::try_from(letter).ok()?);
        for (letter, count) in saved.actions {
            if let Some(action) = action(letter) {
                entries.by_action[action as usize] = count;
            }
        }
        for (letter, label, count) in saved.modifiers {
            let modifier = modifier_labels().position(|known| known == label);
            if let (Some(action), Some(modifier)) = (action(letter), modifier) {
                entries.by_modifier[action as usize][modifier] = count;
            }
        }
        entries
    }
}

impl Table for Entries {
    fn empty(_: u64) -> Self {
        Self { by_action: [0; ACTIONS], by_modifier: [[0; MODIFIERS.len() + 1]; ACTIONS] }
    }

    fn left_out(&self) -> LeftOut {
        LeftOut::Nothing("one a letter and modifier")
    }
}

impl Entries {
    pub(super) fn add(&mut self, code: EntryCode) {
        let action = code.action as usize;
        self.by_action[action] += 1;
        if code.is_modified() {
            for modifier in code.modifier_positions() {
                self.by_modifier[action][modifier] += 1;
            }
        }
    }

    /// `(action, count)`: every documented action, and others that were seen.
    pub fn actions(&self) -> impl Iterator<Item = (Action, u64)> {
        self.counted().filter(|&(action, count)| count > 0 || action.row().meaning.is_some())
    }

    /// `(action, modifier label, count)` of what was seen.
    pub fn modifiers(&self) -> impl Iterator<Item = (Action, &'static str, u64)> {
        Action::ALL.into_iter().zip(self.by_modifier).flat_map(|(action, counts)| {
            let counted = modifier_labels().zip(counts).filter(|&(_, count)| count > 0);
            counted.map(move |(label, count)| (action, label, count))
        })
    }

    fn counted(&self) -> impl Iterator<Item = (Action, u64)> {
        Action::ALL.into_iter().zip(self.by_action)
    }
}

/// The label values of modifiers, in the order of their counts.
fn modifier_labels() -> impl Iterator<Item = &'static str> {
    MODIFIERS.iter().map(|row| row.label).chain([OTHER_MODIFIER])
}
