//! `[queue]`: the scan of the queue directories.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::value::{self, interval, one};

/// The scan of the queue directories.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Queue {
    /// The time between two scans.
    #[serde(deserialize_with = "interval")]
    pub interval: Duration,
    /// How old a message that was never tried must be to count as stuck.
    #[serde(deserialize_with = "stuck_after")]
    pub stuck_after: Duration,
}

impl Default for Queue {
    fn default() -> Self {
        Self { interval: Duration::from_secs(15), stuck_after: Duration::from_mins(10) }
    }
}

pub(super) fn stuck_after<'de, D: Deserializer<'de>>(value: D) -> Result<Duration, D::Error> {
    one(value, |text| value::duration(text, Duration::from_secs(1), Duration::from_hours(720)))
}
