//! `[queue]`: the scan of the queue directories.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::error::quoted;
use super::value::{self, Refusal, interval, many, one};
use crate::record::label;

/// The most channels with a time of their own.
const MOST_CHANNELS: usize = 256;

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
    /// The same for single channels, by label.
    #[serde(deserialize_with = "stuck_after_by_channel")]
    pub stuck_after_by_channel: BTreeMap<String, Duration>,
    /// How long one scan may take.
    #[serde(deserialize_with = "budget")]
    pub budget: Duration,
    /// How long the first scan may take for all names.
    #[serde(deserialize_with = "budget")]
    pub first_pass: Duration,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(15),
            stuck_after: Duration::from_mins(10),
            stuck_after_by_channel: BTreeMap::new(),
            budget: Duration::from_secs(2),
            first_pass: Duration::from_secs(30),
        }
    }
}

pub(super) fn stuck_after<'de, D: Deserializer<'de>>(value: D) -> Result<Duration, D::Error> {
    one(value, age)
}

pub(super) fn stuck_after_by_channel<'de, D: Deserializer<'de>>(
    value: D,
) -> Result<BTreeMap<String, Duration>, D::Error> {
    let pairs = many(value, MOST_CHANNELS, |text| {
        let (channel, time) = text
            .split_once('=')
            .ok_or_else(|| Refusal::new("an equals sign is missing, as in \"tcp_night=12h\""))?;
        Ok((label::channel(channel.trim().as_bytes()), age(time.trim())?))
    })?;
    let mut by_channel = BTreeMap::new();
    for (channel, time) in pairs {
        if channel.is_empty() {
            return Err(D::Error::custom("a channel has no name"));
        }
        if by_channel.contains_key(&channel) {
            return Err(D::Error::custom(format!("{} is there twice", quoted(&channel))));
        }
        by_channel.insert(channel, time);
    }
    Ok(by_channel)
}

pub(super) fn budget<'de, D: Deserializer<'de>>(value: D) -> Result<Duration, D::Error> {
    one(value, |text| value::duration(text, Duration::from_millis(100), Duration::from_hours(1)))
}

fn age(text: &str) -> Result<Duration, Refusal> {
    value::duration(text, Duration::from_secs(1), Duration::from_hours(720))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ::config::{Value, ValueKind};

    use super::stuck_after_by_channel;

    #[test]
    fn times_by_channel_are_a_list_or_one_text() {
        let hours = |hours| Duration::from_hours(hours);
        let expected = [("tcp_day".to_owned(), hours(1)), ("tcp_night".to_owned(), hours(12))].into();
        let list = ["TCP_Night = 12h", "tcp_day=60m"].map(|entry| Value::new(None, ValueKind::from(entry)));
        for value in [ValueKind::Array(list.to_vec()), ValueKind::from("tcp_night=12h, tcp_day=1h")] {
            assert_eq!(stuck_after_by_channel(Value::new(None, value)).expect("right"), expected);
        }
    }
}
