//! `[sockets]`: the view of the kernel's sockets.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::value::{self, interval, some};

/// The most ports that can be watched; each is a label value.
const MOST_PORTS: usize = 32;

/// The view of the kernel's sockets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sockets {
    /// The TCP ports that the MTA listens on.
    #[serde(deserialize_with = "ports")]
    pub ports: Vec<u16>,
    /// The time between two looks.
    #[serde(deserialize_with = "interval")]
    pub interval: Duration,
}

impl Default for Sockets {
    fn default() -> Self {
        Self { ports: vec![25, 465, 587], interval: Duration::from_secs(15) }
    }
}

pub(super) fn ports<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<u16>, D::Error> {
    some(value, MOST_PORTS, |text| value::number(text, 1, u16::MAX))
}
