//! The history's own file beside the state: it is read and written after it, and stops nothing.
//!
//! It is of the same instant as the state that was written just before, or of an earlier one: what a kill takes away is
//! a few minutes of the history, and nothing is in it twice.

use crate::aggregate::Totals;
use crate::observed::StateHealth;
use crate::observed::history::{self, History, Mark};
use crate::source::state::{Loaded, Part, StateDirectory, StateError};

/// Why a history was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum HistoryError {
    #[error(transparent)]
    File(#[from] StateError),
    #[error("the history could not be encoded: {0}")]
    Encode(#[from] rmp_serde::encode::Error),
    #[error("the history goes with the state, and that was not written")]
    WithoutState,
}

/// What an earlier run left, as far as it goes with these sums.
pub(super) fn load(directory: &StateDirectory, sums: Option<&Totals>) -> (History, StateHealth) {
    let mut health = StateHealth::default();
    let loaded = directory.load_part(Part::History, |bytes| Ok((history::decode(bytes)?, None)));
    let (mut history, own) = match loaded {
        Ok(Loaded::Whole(whole) | Loaded::Partly { value: whole, .. }) => whole,
        Ok(Loaded::Absent) => return (History::default(), health),
        Ok(Loaded::SetAside { why, path }) => {
            tracing::warn!(why, path = %path.display(), "the history was set aside; it begins anew");
            health.set_aside += 1;
            return (History::default(), health);
        }
        Err(error) => {
            tracing::warn!(%error, "the history could not be read; it begins anew");
            health.problem = Some(error.to_string());
            return (History::default(), health);
        }
    };
    history.go_on_from(own, sums.map(Mark::of).unwrap_or_default());
    (history, health)
}

/// Writes a history beside the state of the same instant; its size, and whether a file that nobody had read was set
/// aside.
pub(super) fn write(
    directory: &StateDirectory,
    history: &History,
    sums: &Totals,
) -> Result<(u64, bool), HistoryError> {
    let encoded = history::encode(history, Mark::of(sums))?;
    let stranger = directory.save_part(Part::History, &encoded)?;
    if let Some(path) = &stranger {
        let path = path.display();
        tracing::warn!(%path, "a history that this process neither read nor wrote was set aside");
    }
    Ok((encoded.len() as u64, stranger.is_some()))
}
