//! `[processes]`: the view of the MTA's processes.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::error::quoted;
use super::value::{Refusal, interval, some};

/// The most process names that can be watched; each is a label value.
const MOST_NAMES: usize = 64;
/// The longest name of a program. It is matched against the program's file name too, so it may be
/// longer than the 15 bytes that the kernel keeps as a process's name.
const NAME_BYTES: usize = 64;

/// The view of the MTA's processes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Processes {
    /// The programs to look for.
    #[serde(deserialize_with = "names")]
    pub names: Vec<String>,
    /// The time between two looks.
    #[serde(deserialize_with = "interval")]
    pub interval: Duration,
}

impl Default for Processes {
    fn default() -> Self {
        let names = [
            "dispatcher",
            "job_controller",
            "tcp_smtp_server",
            "tcp_smtp_client",
            "tcp_lmtp_server",
            "tcp_lmtp_client",
            "ims_master",
        ];
        Self { names: names.map(str::to_owned).to_vec(), interval: Duration::from_secs(10) }
    }
}

pub(super) fn names<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<String>, D::Error> {
    some(value, MOST_NAMES, |text| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.+".contains(&byte);
        if text.is_empty() || text.len() > NAME_BYTES || !text.bytes().all(plain) {
            return Err(Refusal(format!("{} is not the plain name of a program", quoted(text))));
        }
        Ok(text.to_owned())
    })
}
