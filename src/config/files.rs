//! `[files]`: file systems, log sizes and ownership.

use std::time::Duration;

use serde::Deserialize;

use super::value::interval;

/// File systems, log sizes and ownership.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Files {
    /// The time between two looks.
    #[serde(deserialize_with = "interval")]
    pub interval: Duration,
}

impl Default for Files {
    fn default() -> Self {
        Self { interval: Duration::from_mins(1) }
    }
}
