//! A notification as receivers read it: the JSON of Alertmanager's webhooks, version 4.

use serde::Serialize;

use super::api;
use super::notice::{Notice, Site, Texts};
use crate::aggregate::time::UnixTime;
use crate::alerting::telling::Notification;

/// The most alerts in one notification; the firing ones first.
const MOST: usize = 100;
/// When what fires ends.
const NEVER: &str = "0001-01-01T00:00:00Z";
/// What alerts of one notification have in common by what a group is, where they have it.
const GROUP: [&str; 4] = ["alertname", "cluster", "instance", "severity"];

/// The whole of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    version: &'static str,
    group_key: String,
    truncated_alerts: usize,
    status: &'static str,
    receiver: &'a str,
    group_labels: Texts,
    common_labels: Texts,
    common_annotations: Texts,
    #[serde(rename = "externalURL")]
    external_url: &'a str,
    alerts: Vec<Said<'a>>,
}

/// One alert.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Said<'a> {
    status: &'static str,
    labels: &'a Texts,
    annotations: &'a Texts,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: &'a str,
    fingerprint: String,
}

/// All alerts of a notification: with the time of its end where one has ended.
pub(super) fn alerts(notification: &Notification) -> impl Iterator<Item = (&Notice, Option<UnixTime>)> {
    let resolved = notification.resolved.iter().map(|(notice, ended)| (notice, Some(*ended)));
    notification.firing.iter().map(|notice| (notice, None)).chain(resolved)
}

/// The JSON of a notification for a receiver, and how many alerts had no room in it.
pub(super) fn json(notification: &Notification, site: &Site, receiver: &str) -> (Vec<u8>, usize) {
    let count = alerts(notification).count();
    let shown: Vec<_> = alerts(notification).take(MOST).collect();
    let common = |of: fn(&Notice) -> &Texts| {
        let mut each = shown.iter().map(|(notice, _)| of(notice));
        let first = each.next().cloned().unwrap_or_default();
        each.fold(first, |mut common, texts| {
            common.retain(|name, value| texts.get(name) == Some(value));
            common
        })
    };
    let common_labels = common(|notice| &notice.labels);
    let group_labels: Texts = GROUP
        .iter()
        .filter_map(|name| common_labels.get_key_value(*name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let payload = Payload {
        version: "4",
        group_key: key(&group_labels),
        truncated_alerts: count - shown.len(),
        status: status(notification.firing.is_empty()),
        receiver,
        common_annotations: common(|notice| &notice.annotations),
        group_labels,
        common_labels,
        external_url: site.generator.trim_end_matches('/'),
        alerts: shown.iter().map(|(notice, ended)| Said::new(notice, *ended, site)).collect(),
    };
    // Texts and numbers are always JSON.
    (serde_json::to_vec(&payload).unwrap_or_default(), count - shown.len())
}

impl<'a> Said<'a> {
    fn new(notice: &'a Notice, ended: Option<UnixTime>, site: &'a Site) -> Self {
        Self {
            status: status(ended.is_some()),
            labels: &notice.labels,
            annotations: &notice.annotations,
            starts_at: api::text(notice.since),
            ends_at: ended.map_or_else(|| NEVER.to_owned(), |at| api::text(at.max(notice.since))),
            generator_url: &site.generator,
            fingerprint: format!("{:016x}", fingerprint(&notice.labels)),
        }
    }
}

/// The word of a status.
pub(super) fn status(ended: bool) -> &'static str {
    if ended { "resolved" } else { "firing" }
}

/// What is the same for all notifications of a group, as Alertmanager writes it of a route that takes all.
fn key(group: &Texts) -> String {
    let labels: Vec<_> = group.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{}}:{{{}}}", labels.join(", "))
}

/// What Prometheus and Alertmanager call the fingerprint of labels: 64 bits of FNV-1a over names and values.
fn fingerprint(labels: &Texts) -> u64 {
    const SEPARATOR: u8 = 0xff;
    let mut sum = 0xcbf2_9ce4_8422_2325;
    for (name, value) in labels {
        for byte in name.bytes().chain([SEPARATOR]).chain(value.bytes()).chain([SEPARATOR]) {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::{MOST, Notice, Notification, Texts, UnixTime, fingerprint, json};
    use crate::config::Config;
    use crate::notify::notice::Site;

    fn texts(pairs: &[(&str, &str)]) -> Texts {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn site() -> Site {
        let mut config = Config::default();
        config.alerting.labels = vec![("instance".to_owned(), "mx1:9797".to_owned())];
        Site::new(&config)
    }

    /// What alertmanager 0.25 shows of these labels.
    #[test]
    fn the_fingerprint_is_that_of_alertmanager() {
        assert_eq!(fingerprint(&Texts::new()), 0xcbf2_9ce4_8422_2325);
        let labels =
            texts(&[("alertname", "ImsMtaQueueStuck"), ("instance", "mx1:9797"), ("severity", "critical")]);
        assert_eq!(format!("{:016x}", fingerprint(&labels)), "14e9666dceeac1b9");
    }

    #[test]
    fn beyond_the_most_alerts_are_counted() {
        let notice = |channel: usize| Notice {
            labels: texts(&[("alertname", "A"), ("severity", "warning"), ("channel", &channel.to_string())]),
            annotations: texts(&[("summary", &channel.to_string()), ("runbook_url", "http://mx1/r")]),
            since: UnixTime::of(1000),
        };
        let resolved = vec![(notice(0), UnixTime::of(500))];
        let notification = Notification { firing: (1..=MOST).map(notice).collect(), resolved };
        let (bytes, left_out) = json(&notification, &site(), "webhook");
        assert_eq!(left_out, 1);
        let value: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(value["truncatedAlerts"], 1);
        assert_eq!(value["alerts"].as_array().map(Vec::len), Some(MOST));
        assert_eq!(value["commonAnnotations"], serde_json::json!({"runbook_url": "http://mx1/r"}));
        assert_eq!(value["groupKey"], "{}:{alertname=\"A\", severity=\"warning\"}");
        let ended = Notification { firing: Vec::new(), ..notification };
        let value: serde_json::Value = serde_json::from_slice(&json(&ended, &site(), "w").0).expect("JSON");
        assert_eq!(
            (&value["status"], &value["alerts"][0]["status"]),
            (&"resolved".into(), &"resolved".into())
        );
        assert_eq!(value["alerts"][0]["endsAt"], "1970-01-01T00:00:01Z", "never before it begins");
    }
}
