//! `[queue]`: the scan of the queue directories.

use std::collections::BTreeMap;
use std::time::Duration;

use ::config::Value;

use super::error::quoted;
use super::keys::{INTERVAL, section};
use super::value::{Refusal, duration, interval, many, one};
use crate::record::label;

/// The most channels with a time of their own.
const MOST_CHANNELS: usize = 256;

section! {
    queue: Queue "The scan of the queue directories.";

    interval: Duration = one(interval),
        expects INTERVAL,
        default Duration::from_secs(15) => "\"15s\"",
        "The time between two scans.";

    stuck_after: Duration = one(age),
        expects "a duration from 1s to 720h such as \"10m\"",
        default Duration::from_mins(10) => "\"10m\"",
        "A message that waited longer than this without one delivery attempt counts as stuck.";

    stuck_after_by_channel: BTreeMap<String, Duration> = stuck_after_by_channel,
        expects "a list of at most 256 entries such as \"tcp_night=12h\", each a channel and a duration from 1s to 720h",
        default BTreeMap::new() => "[]",
        "The same for single channels, such as those that deliver at certain hours only.";

    budget: Duration = one(budget),
        expects "a duration from 100ms to 1h such as \"2s\"",
        default Duration::from_secs(2) => "\"2s\"",
        "How long one scan may take; the next goes on where it stopped. Scans take at most a twentieth of the time.";

    first_pass: Duration = one(budget),
        expects "a duration from 100ms to 1h such as \"30s\"",
        default Duration::from_secs(30) => "\"30s\"",
        "How long the first scan may take to count the names of all files, in front of its budget; sizes and ages \
         of a large queue follow with the next scans.";
}

fn stuck_after_by_channel(value: Value) -> Result<BTreeMap<String, Duration>, Refusal> {
    let pairs = many(MOST_CHANNELS, |text| {
        let (channel, time) = text
            .split_once('=')
            .ok_or_else(|| Refusal::new("an equals sign is missing, as in \"tcp_night=12h\""))?;
        Ok((label::channel(channel.trim().as_bytes()), age(time.trim())?))
    })(value)?;
    let mut by_channel = BTreeMap::new();
    for (channel, time) in pairs {
        if channel.is_empty() {
            return Err(Refusal::new("a channel has no name"));
        }
        if by_channel.contains_key(&channel) {
            return Err(Refusal::new(format!("{} is there twice", quoted(&channel))));
        }
        by_channel.insert(channel, time);
    }
    Ok(by_channel)
}

fn age(text: &str) -> Result<Duration, Refusal> {
    duration(text, Duration::from_secs(1), Duration::from_hours(720))
}

fn budget(text: &str) -> Result<Duration, Refusal> {
    duration(text, Duration::from_millis(100), Duration::from_hours(1))
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
