//! What a site says of single channels and alerts: lists of `[alerting]`, an entry a channel or alert.

use std::collections::BTreeMap;

use ::config::Value;

use super::error::quoted;
use super::value::{Refusal, many};
use crate::alerting::silence::{Silence, Silences, names};
use crate::findings::Thresholds;
use crate::findings::thresholds::{Table, Value as Threshold, table};

/// Entries of a list: more than a site has channels.
pub(super) const MOST: usize = 256;
/// Any alert.
const ANY: &str = "*";
/// The longest reason.
const LONGEST_REASON: usize = 200;

/// Other thresholds for single channels, by the names of both.
pub type ByChannel = BTreeMap<String, BTreeMap<&'static str, Threshold>>;

/// `ALERT`, `ALERT CHANNEL` or `* CHANNEL`, and behind a colon the reason.
pub(super) fn silences(value: Value) -> Result<Silences, Refusal> {
    many(MOST, silence)(value).map(Silences::from)
}

fn silence(text: &str) -> Result<Silence, Refusal> {
    let (what, reason) = text.split_once(':').unwrap_or((text, ""));
    let mut words = what.split_whitespace();
    let (alert, channel) = (words.next().unwrap_or_default(), words.next());
    if let Some(word) = words.next() {
        return Err(Refusal(format!("{} stands behind the channel without a colon", quoted(word))));
    }
    if alert == ANY && channel.is_none() {
        return Err(Refusal::new("all alerts would be silenced: a channel is missing"));
    }
    let reason = reason.trim();
    if reason.len() > LONGEST_REASON || reason.contains(char::is_control) {
        return Err(Refusal::new("the reason is too long or not printable"));
    }
    let known = names().find(|known| *known == alert);
    if alert != ANY && known.is_none() {
        return Err(Refusal(format!(
            "{} is no alert of this program{}",
            quoted(alert),
            meant(alert, names())
        )));
    }
    Ok(Silence { alert: known, channel: channel.map(label), reason: reason.to_owned() })
}

/// `CHANNEL THRESHOLD=VALUE`
pub(super) fn thresholds(value: Value) -> Result<ByChannel, Refusal> {
    let mut all = ByChannel::new();
    for (channel, name, value) in many(MOST, threshold)(value)? {
        if all.entry(channel.clone()).or_default().insert(name, value).is_some() {
            return Err(Refusal(format!("{} has {name} twice", quoted(&channel))));
        }
    }
    Ok(all)
}

fn threshold(text: &str) -> Result<(String, &'static str, Threshold), Refusal> {
    let (key, value) = text.split_once('=').ok_or_else(|| Refusal(format!("{} has no =", quoted(text))))?;
    let mut words = key.split_whitespace();
    let (Some(channel), Some(name), None) = (words.next(), words.next(), words.next()) else {
        return Err(Refusal(format!("{} is no channel and a threshold", quoted(key))));
    };
    let by_channel = || table().thresholds.iter().filter(|row| row.by_channel);
    let Some(row) = by_channel().find(|row| row.name == name) else {
        let known = if table().row(name).is_some() { "is not by channel" } else { "is no threshold" };
        let hint = meant(name, by_channel().map(|row| row.name.as_str()));
        return Err(Refusal(format!("{} {known}{hint}", quoted(name))));
    };
    let parsed = row.unit.parse(value.trim());
    let wrong = |reason| {
        Refusal(format!(
            "{name} of {channel}: found {}: {reason}; it is {}",
            quoted(value.trim()),
            row.unit.expects()
        ))
    };
    Ok((label(channel), &row.name, parsed.map_err(wrong)?))
}

/// As labels have it.
fn label(channel: &str) -> String {
    channel.to_ascii_lowercase()
}

/// The name that was most likely meant.
fn meant<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    super::check::nearest(name, known).map_or_else(String::new, |meant| format!(": did you mean {meant}?"))
}

/// The thresholds of a site, for all channels and for single ones.
pub fn limits(site: &Table, by_channel: &ByChannel) -> Thresholds {
    let of = |others: &BTreeMap<&str, Threshold>| {
        let mut table = site.clone();
        for (name, value) in others {
            table.set(name, *value);
        }
        Thresholds::from(&table)
    };
    let by_channel = by_channel.iter().map(|(channel, others)| (channel.clone(), of(others))).collect();
    Thresholds { by_channel, ..Thresholds::from(site) }
}

#[cfg(test)]
mod tests {
    use crate::config::Flags;
    use crate::config::tests::load_text;

    #[test]
    fn what_is_silenced_exists() {
        for (entry, expected) in [
            ("ImsMtaHeldMessages", ""),
            ("ImsMtaHeldMessages TCP_Filter: it holds mail, on purpose", ""),
            ("* tcp_test", ""),
            ("*", "all alerts would be silenced: a channel is missing"),
            ("", "\"\" is no alert of this program"),
            (
                "ImsMtaHeldMesages",
                "\"ImsMtaHeldMesages\" is no alert of this program: did you mean ImsMtaHeldMessages?",
            ),
            ("ImsMtaWatchdog", "\"ImsMtaWatchdog\" is no alert of this program"),
            ("* tcp_test because of", "\"because\" stands behind the channel without a colon"),
        ] {
            let text = format!("[alerting]\nsilenced = [\"{entry}\"]\n");
            match load_text(&text, &[], Flags::default()) {
                Ok(_) => assert_eq!(expected, "", "{entry}"),
                Err(found) => {
                    let said = format!("alerting.silenced: found [\"{entry}\"]: {expected}");
                    assert!(!expected.is_empty() && found.contains(&said), "{found}");
                }
            }
        }
    }

    #[test]
    fn thresholds_of_channels_are_those_that_are_by_channel() {
        for (entry, expected) in [
            ("tcp_list failing_share=0.9", ""),
            ("tcp_list  internal_age = 2h", ""),
            ("tcp_list", "\"tcp_list\" has no ="),
            ("failing_share=0.9", "\"failing_share\" is no channel and a threshold"),
            ("tcp_list failing_shar=0.9", "\"failing_shar\" is no threshold: did you mean failing_share?"),
            ("tcp_list free_share=0.1", "\"free_share\" is not by channel"),
            (
                "tcp_list failing_share=2",
                "failing_share of tcp_list: found \"2\": it is more than 1; it is a share from 0 to 1",
            ),
        ] {
            let text = format!("[alerting]\nthresholds_by_channel = [\"{entry}\"]\n");
            match load_text(&text, &[], Flags::default()) {
                Ok(_) => assert_eq!(expected, "", "{entry}"),
                Err(found) => {
                    let said = format!("alerting.thresholds_by_channel: found [\"{entry}\"]: {expected}");
                    assert!(!expected.is_empty() && found.contains(&said), "{found}");
                }
            }
        }
        let text = "[alerting]\nthresholds_by_channel = [\"l attempts=3\", \"L attempts=4\"]\n";
        let found = load_text(text, &[], Flags::default()).expect_err("twice");
        assert!(found.contains("\"l\" has attempts twice"), "{found}");
    }

    #[test]
    fn a_channel_has_its_own_and_the_rest_of_all() {
        let text = "[alerting.thresholds]\nfailing_share = 0.4\nheld_messages = 7\n\
                    [alerting]\nthresholds_by_channel = [\"tcp_list failing_share=0.9\"]\n";
        let limits = load_text(text, &[], Flags::default()).expect("valid").limits();
        let of = |channel: &str| {
            (limits.of_channel(channel).failing_share, limits.of_channel(channel).held_messages)
        };
        assert_eq!((of("tcp_list"), of("l")), ((0.9, 7), (0.4, 7)));
    }
}
