//! The history's own file beside the state: it is read and written after it, and stops nothing.
//!
//! It is of the same instant as the state that was written just before, or of an earlier one: what a kill takes away is
//! a few minutes of the history, and nothing is in it twice.

use super::{WriteError, Written, load_beside};
use crate::aggregate::Totals;
use crate::observed::StateHealth;
use crate::observed::history::{self, History, Mark};
use crate::source::state::{Part, StateDirectory};

/// What an earlier run left, as far as it goes with these sums.
pub(super) fn load(directory: &StateDirectory, sums: Option<&Totals>) -> (History, StateHealth) {
    let (loaded, health) = load_beside(directory, Part::History, history::decode);
    let Some((mut history, own)) = loaded else { return (History::default(), health) };
    history.go_on_from(own, sums.map(Mark::of).unwrap_or_default());
    (history, health)
}

/// Writes a history beside the state of the same instant.
pub(super) fn write(
    directory: &StateDirectory,
    history: &History,
    sums: &Totals,
) -> Result<Written, WriteError> {
    let encoded = history::encode(history, Mark::of(sums));
    let encoded = encoded.map_err(|error| WriteError::Encode("history", error))?;
    let stranger = directory.save_part(Part::History, &encoded)?;
    Ok(Written { bytes: encoded.len() as u64, stranger })
}
