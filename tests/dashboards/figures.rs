//! The thresholds that panels draw are those of the alerts: `alerts/thresholds.yml` has them.

use std::collections::BTreeSet;

use imsimta_exporter::findings::thresholds::{Value as Figure, table};
use serde_json::Value;

use super::board;

/// A colour that begins at a threshold.
struct Drawn {
    /// The titles of dashboard and panel.
    panel: &'static str,
    /// The row of `alerts/thresholds.yml`.
    threshold: &'static str,
    /// Where the colour begins: at the threshold, or at the next whole number.
    from: From,
}

#[derive(Clone, Copy)]
enum From {
    At,
    Beyond,
    /// On both sides of 0.
    Around,
}

const fn at(panel: &'static str, threshold: &'static str) -> Drawn {
    Drawn { panel, threshold, from: From::At }
}

const fn beyond(panel: &'static str, threshold: &'static str) -> Drawn {
    Drawn { panel, threshold, from: From::Beyond }
}

/// THE table of panels with a threshold.
const DRAWN: &[Drawn] = &[
    beyond("imsimta / Overview: Held messages", "held_messages"),
    at("imsimta / Overview: Log lag", "log_lag"),
    at("imsimta / Overview: Last entry", "silent_window"),
    at("imsimta / Delivery: Worst channel's failing share", "failing_share"),
    at("imsimta / Delivery: Failing share by channel", "failing_share"),
    at("imsimta / Delivery: Worst domain, 5 minutes", "one_domain_failures"),
    at("imsimta / Delivery: Share of the failures at one domain", "one_domain_share"),
    at("imsimta / Delivery: What left had waited, 95 of 100", "slow_age"),
    at("imsimta / Delivery: Time in the queue, 95 of 100", "slow_age"),
    at("imsimta / Queues: Growth in 15 minutes", "growth_messages"),
    at("imsimta / Queues: Growth by channel", "growth_messages"),
    beyond("imsimta / Queues: Never tried", "untried_messages"),
    beyond("imsimta / Queues: Held messages", "held_messages"),
    at("imsimta / Connections & abuse: Most used service", "connections_share"),
    beyond("imsimta / Connections & abuse: Half-open connections", "half_open"),
    at("imsimta / Daemons & host: Free space", "free_share"),
    at("imsimta / Daemons & host: Free space", "free_share_critical"),
    at("imsimta / Daemons & host: Free inodes", "free_share"),
    at("imsimta / Daemons & host: Free inodes", "free_share_critical"),
    beyond("imsimta / Daemons & host: Overaged servers", "overaged_servers"),
    beyond("imsimta / Daemons & host: Files with a wrong owner or mode", "wrong_files"),
    at("imsimta / Daemons & host: Answer to a look from outside", "slow_banner"),
    at("imsimta / Daemons & host: Last rotation of the logs", "rotation_age"),
    at("imsimta / Exporter: Behind the logs", "log_lag"),
    at("imsimta / Exporter: How far behind the logs?", "log_lag"),
    at("imsimta / Exporter: Lines not understood", "unparsed_share"),
    beyond("imsimta / Exporter: Losses in this time", "losses"),
    Drawn { panel: "imsimta / Exporter: Clock of the entries", threshold: "clock_off", from: From::Around },
    at("imsimta / Fleet: Hosts", "failing_share"),
    beyond("imsimta / Fleet: Hosts", "held_messages"),
    at("imsimta / Fleet: Failing share by host", "failing_share"),
    at("imsimta / Fleet: Failing share by cluster", "failing_share"),
    at("imsimta / Fleet: Which host of each cluster fails most?", "failing_share"),
    at("imsimta / Fleet: Behind the logs by host", "log_lag"),
];

/// Panels on which one of what they count is enough, whatever the figures are.
const ONE_IS_ENOUGH: &[&str] = &[
    "imsimta / Overview: Firing alerts",
    "imsimta / Delivery: Channels that stand still",
    "imsimta / Queues: Channels read",
    "imsimta / Daemons & host: Stopped channels",
    "imsimta / Exporter: Exporters that are ready",
    "imsimta / Exporter: Collectors that fail",
    "imsimta / Fleet: Hosts that do not",
    "imsimta / Fleet: Pages",
    "imsimta / Fleet: Tickets",
    "imsimta / Fleet: Hosts",
];

/// The value of a row, times in seconds.
fn figure(name: &str) -> f64 {
    let row = table().row(name).unwrap_or_else(|| panic!("no threshold {name}"));
    #[expect(clippy::cast_precision_loss, reason = "thresholds are small")]
    match row.value {
        Figure::Count(count) => count as f64,
        Figure::Share(share) | Figure::Times(share) => share,
        Figure::Duration(duration) => duration.as_secs_f64(),
    }
}

impl Drawn {
    /// Where its colours begin.
    fn values(&self) -> Vec<f64> {
        let value = figure(self.threshold);
        match self.from {
            From::At => vec![value],
            From::Beyond => vec![value + 1.0],
            From::Around => vec![-value, value],
        }
    }
}

/// The values of all steps in the settings of a panel, but for the first, which has none.
fn steps(settings: &Value, found: &mut Vec<f64>) {
    match settings {
        Value::Object(fields) => {
            for (key, value) in fields {
                if key == "steps" {
                    found.extend(
                        board::list(settings, "/steps").iter().filter_map(|step| step["value"].as_f64()),
                    );
                } else {
                    steps(value, found);
                }
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| steps(element, found)),
        _ => {}
    }
}

/// What is wrong with the thresholds of a panel.
fn wrong(title: &str, panel: &Value, drawn: &[Drawn]) -> Vec<String> {
    let mut has = Vec::new();
    steps(&panel["fieldConfig"], &mut has);
    let mut wanted: Vec<f64> =
        drawn.iter().filter(|row| row.panel == title).flat_map(Drawn::values).collect();
    if ONE_IS_ENOUGH.contains(&title) {
        wanted.push(1.0);
    }
    let lacks = |among: &[f64], value: f64| !among.iter().any(|other| other.total_cmp(&value).is_eq());
    let unknown = has.iter().filter(|value| lacks(&wanted, **value));
    let absent = wanted.iter().filter(|value| lacks(&has, **value));
    unknown
        .map(|value| format!("{title}: {value} is no threshold of it"))
        .chain(absent.map(|value| format!("{title}: {value} is not drawn")))
        .collect()
}

fn titled(boards: &[Value]) -> Vec<(String, &Value)> {
    let of = |board| {
        let name = board::text(board, "/title");
        board::panels(board)
            .into_iter()
            .map(move |panel| (format!("{name}: {}", board::text(panel, "/title")), panel))
    };
    boards.iter().flat_map(of).collect()
}

#[test]
fn panels_draw_the_thresholds_of_the_alerts() {
    let boards = board::boards();
    let panels = titled(&boards);
    let found: Vec<String> = panels.iter().flat_map(|(title, panel)| wrong(title, panel, DRAWN)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    let titles: BTreeSet<&str> = panels.iter().map(|(title, _)| title.as_str()).collect();
    for title in DRAWN.iter().map(|row| row.panel).chain(ONE_IS_ENOUGH.iter().copied()) {
        assert!(titles.contains(title), "no panel {title}");
    }
}

/// The upper line of the two weeks is computed, as the alert computes it.
#[test]
fn what_is_unusual_is_what_the_alert_takes_for_it() {
    let boards = board::boards();
    let queries = boards.iter().flat_map(board::panel_queries);
    let unusual: Vec<&str> =
        queries.filter(|query| query.legend == "unusual").map(|query| query.expr).collect();
    let [expr] = unusual[..] else { panic!("{unusual:?}") };
    let (factor, least) = (figure("unusual_factor"), figure("baseline_messages"));
    assert!(
        expr.starts_with(&format!(
            "clamp_min({factor} * sum (job_instance_channel:imsimta_queue_messages:p95_2w"
        )),
        "{expr}"
    );
    assert!(expr.ends_with(&format!(", {least})")), "{expr}");
}

#[test]
fn a_threshold_of_its_own_is_found() {
    let panel = serde_json::json!({"fieldConfig": {
        "defaults": {"thresholds": {"steps": [{"color": "green", "value": null}, {"color": "red", "value": 0.9}]}},
    }});
    let drawn = [at("X", "connections_share")];
    assert_eq!(wrong("X", &panel, &drawn), ["X: 0.9 is no threshold of it", "X: 0.8 is not drawn"]);
}
