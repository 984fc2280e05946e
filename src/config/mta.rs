//! `[mta]`: where the MTA is, and what it cannot tell about itself.

use std::path::PathBuf;

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer};

use super::value::{self, Refusal, one};

/// The longest user name that Linux's own tools make, with room to spare.
const USER_BYTES: usize = 64;

/// Where the MTA is, and what it cannot tell about itself.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mta {
    /// The installation's root; `None`: the known places are probed.
    #[serde(deserialize_with = "directory")]
    pub root: Option<PathBuf>,
    /// Where the logs are; `None`: below the root.
    #[serde(deserialize_with = "directory")]
    pub log_directory: Option<PathBuf>,
    /// Where the channels' queues are; `None`: below the root.
    #[serde(deserialize_with = "directory")]
    pub queue_directory: Option<PathBuf>,
    /// The user the MTA runs as; `None`: the owner of the queue directory.
    #[serde(deserialize_with = "user")]
    pub user: Option<String>,
    /// Whether a service that root starts stays root.
    #[serde(deserialize_with = "as_root")]
    pub as_root: bool,
    /// Whether this host is the one that runs the MTA; `None`: judged from the directories.
    #[serde(deserialize_with = "active")]
    pub active: Option<bool>,
    /// The time zone of the times in the logs; `None`: the host's.
    #[serde(deserialize_with = "timezone")]
    pub timezone: Option<TimeZone>,
    /// How many bytes the MTA's option `block_size` makes a block: sizes in the logs count blocks.
    #[serde(deserialize_with = "block_size")]
    pub block_size: u64,
}

impl Default for Mta {
    fn default() -> Self {
        Self {
            root: None,
            log_directory: None,
            queue_directory: None,
            user: None,
            as_root: false,
            active: None,
            timezone: None,
            block_size: 1024,
        }
    }
}

pub(super) fn directory<'de, D: Deserializer<'de>>(value: D) -> Result<Option<PathBuf>, D::Error> {
    one(value, value::path).map(Some)
}

pub(super) fn user<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    one(value, |text| {
        let plain = |byte: u8| byte.is_ascii_graphic() && !b":/,\"".contains(&byte);
        if text.is_empty() || text.len() > USER_BYTES || !text.bytes().all(plain) {
            return Err(Refusal::new("this is not the name of a user"));
        }
        Ok(Some(text.to_owned()))
    })
}

pub(super) fn as_root<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    one(value, |text| text.parse().map_err(|_| Refusal::new("this is neither true nor false")))
}

pub(super) fn active<'de, D: Deserializer<'de>>(value: D) -> Result<Option<bool>, D::Error> {
    one(value, |text| text.parse().map(Some).map_err(|_| Refusal::new("this is neither true nor false")))
}

pub(super) fn timezone<'de, D: Deserializer<'de>>(value: D) -> Result<Option<TimeZone>, D::Error> {
    one(value, |text| {
        TimeZone::get(text).map(Some).map_err(|_| Refusal::new("no time zone of this name is known"))
    })
}

pub(super) fn block_size<'de, D: Deserializer<'de>>(value: D) -> Result<u64, D::Error> {
    one(value, |text| value::size(text, 1, 1 << 30))
}
