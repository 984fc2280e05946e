//! `[held]`: telling why messages are held.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer};

use super::error::quoted;
use super::value::{self, Refusal, one};

/// The longest host name in the DNS.
const HOST_BYTES: usize = 253;
/// More lines than this are in no header.
const MOST_LINES: u32 = 100_000;

/// Telling why messages are held, by the limits of the MTA.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Held {
    /// The MTA's official local host name; by default that of the system, if it has a domain.
    #[serde(deserialize_with = "host")]
    pub host: Option<String>,
    /// The MTA's option of this name: header lines `Received:`.
    #[serde(deserialize_with = "lines")]
    pub max_received_lines: u32,
    /// The MTA's option of this name: `Received:` lines with the official local host name.
    #[serde(deserialize_with = "lines")]
    pub max_local_received_lines: u32,
    /// The MTA's option of this name: header lines `MR-Received:`.
    #[serde(deserialize_with = "lines")]
    pub max_mr_received_lines: u32,
    /// The MTA's option of this name: header lines `X400-Received:`.
    #[serde(deserialize_with = "lines")]
    pub max_x400_received_lines: u32,
    /// The MTA's option of this name: all of them together.
    #[serde(deserialize_with = "lines")]
    pub max_total_received_lines: u32,
    /// The file that gets the MTA's notices by syslog; `None`: none are counted.
    #[serde(deserialize_with = "syslog")]
    pub syslog: Option<PathBuf>,
}

impl Default for Held {
    fn default() -> Self {
        Self {
            host: None,
            max_received_lines: 50,
            max_local_received_lines: 10,
            max_mr_received_lines: 20,
            max_x400_received_lines: 50,
            max_total_received_lines: 100,
            syslog: None,
        }
    }
}

pub(super) fn host<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    one(value, |text| {
        if text.is_empty() || text.len() > HOST_BYTES {
            return Err(Refusal::new("it is not from 1 to 253 bytes long"));
        }
        if let Some(wrong) = text.chars().find(|c| !c.is_ascii_alphanumeric() && !"-._".contains(*c)) {
            return Err(Refusal::new(format!("{} is in no host name", quoted(&wrong.to_string()))));
        }
        Ok(Some(text.to_owned()))
    })
}

pub(super) fn lines<'de, D: Deserializer<'de>>(value: D) -> Result<u32, D::Error> {
    one(value, |text| value::number(text, 0, MOST_LINES))
}

pub(super) fn syslog<'de, D: Deserializer<'de>>(value: D) -> Result<Option<PathBuf>, D::Error> {
    one(value, |text| {
        let path = value::path(text)?;
        if !path.is_absolute() {
            return Err(Refusal::new("it does not begin with a slash"));
        }
        Ok(Some(path))
    })
}
