//! `[state]`: what survives a restart.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::value::{self, interval, one};

/// What survives a restart.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// The only directory that is written to.
    #[serde(deserialize_with = "directory")]
    pub directory: PathBuf,
    /// The time between two snapshots, when something changed.
    #[serde(deserialize_with = "interval")]
    pub interval: Duration,
}

impl Default for State {
    fn default() -> Self {
        Self { directory: PathBuf::from("/var/lib/imsimta-exporter"), interval: Duration::from_secs(30) }
    }
}

pub(super) fn directory<'de, D: Deserializer<'de>>(value: D) -> Result<PathBuf, D::Error> {
    one(value, value::path)
}
