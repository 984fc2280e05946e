//! What every table of the sums is.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::index::ChannelIndex;

/// A table of [`Totals`](super::Totals): bounded, saved with the offsets, and the same after a restart.
/// The same lines in the same order give equal tables, wherever between them the table was saved and
/// loaded again: `follow::snapshot::a_restart_changes_no_table` runs that for all of them. So a table
/// takes nothing from a clock, from the order of a hash map, or from chance but through `seed`.
pub trait Table: Clone + Debug + PartialEq + Serialize + DeserializeOwned {
    /// An empty one. Other people choose what is counted: `seed` keys the hashes of it.
    fn empty(seed: u64) -> Self;

    /// What its bound has left out so far.
    fn left_out(&self) -> LeftOut;

    /// How many of its members took another one's place, for tables that keep the busiest.
    fn replaced(&self) -> Option<(&'static str, u64)> {
        None
    }
}

/// A channel's index whose label gives way to another one: whatever was counted at it is forgotten in every table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vacated(pub(super) ChannelIndex);

/// What the bound of a table has left out.
#[derive(Clone, Debug, PartialEq)]
pub enum LeftOut {
    /// So much, by the value of the label `table`.
    Counted(Vec<(&'static str, u64)>),
    /// Nothing ever: its size has another bound, this one.
    Nothing(&'static str),
}

impl LeftOut {
    /// What is counted.
    pub fn counted(self) -> Vec<(&'static str, u64)> {
        match self {
            Self::Counted(counts) => counts,
            Self::Nothing(_) => Vec::new(),
        }
    }
}

/// A single count.
impl Table for u64 {
    fn empty(_: u64) -> Self {
        0
    }

    fn left_out(&self) -> LeftOut {
        LeftOut::Nothing("it is one number")
    }
}
