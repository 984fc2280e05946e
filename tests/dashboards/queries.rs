//! Every query of every dashboard, for a test that runs them.

use imsimta_exporter::demo::incident::Becomes;

use super::board;

/// A panel that shows an incident of the demo.
pub struct Shown {
    /// The name of the incident.
    pub incident: &'static str,
    /// The titles of dashboard and panel.
    pub panel: &'static str,
    /// What a value on it comes to.
    pub becomes: Becomes,
}

const fn shown(incident: &'static str, panel: &'static str, becomes: Becomes) -> Shown {
    Shown { incident, panel, becomes }
}

/// THE table of panels with which incidents are seen: `tests/e2e` waits until each does.
pub const SHOWN: &[Shown] = &[
    shown(
        "inbound-flood",
        "imsimta / Connections & abuse: Open connections by channel",
        Becomes::Least(150.0),
    ),
    shown(
        "inbound-flood",
        "imsimta / Connections & abuse: Inbound connections by channel",
        Becomes::Least(20.0),
    ),
    shown(
        "single-client-flood",
        "imsimta / Connections & abuse: Busiest client in 5 minutes",
        Becomes::Least(400.0),
    ),
    shown("inbound-flood", "imsimta / Connections & abuse: Most used service", Becomes::Least(0.7)),
    shown("single-client-flood", "imsimta / Connections & abuse: Top clients", Becomes::Least(400.0)),
    shown("password-guessing", "imsimta / Connections & abuse: Failed authentications", Becomes::Least(3.0)),
    shown(
        "stolen-account",
        "imsimta / Connections & abuse: Busiest sender in 5 minutes",
        Becomes::Least(300.0),
    ),
    shown("stolen-account", "imsimta / Connections & abuse: Top senders", Becomes::Least(300.0)),
    shown("mail-flood", "imsimta / Overview: Enqueued and dequeued", Becomes::Least(25.0)),
    shown("dispatcher-dead", "imsimta / Daemons & host: Dispatcher", Becomes::Equal(0.0)),
    shown("dispatcher-dead", "imsimta / Daemons & host: Answers to a look from outside", Becomes::Equal(0.0)),
    shown("syn-backlog", "imsimta / Connections & abuse: Half-open connections", Becomes::Least(30.0)),
    shown("syn-backlog", "imsimta / Connections & abuse: SYN backlog", Becomes::Least(30.0)),
    shown("disk-filling", "imsimta / Daemons & host: Growth of logs", Becomes::Least(50_000.0)),
    shown("wrong-owner", "imsimta / Daemons & host: Files with a wrong owner or mode", Becomes::Least(1.0)),
    shown("wrong-owner", "imsimta / Daemons & host: Critical files", Becomes::Least(1.0)),
    shown("smtp-server-stuck", "imsimta / Daemons & host: Overaged servers", Becomes::Equal(1.0)),
    shown("fork-failed", "imsimta / Daemons & host: Events in the logs of daemons", Becomes::Least(1.0)),
    shown("dead-dns", "imsimta / Delivery: Failing share by channel", Becomes::Least(0.5)),
    shown("dead-dns", "imsimta / Delivery: Worst channel's failing share", Becomes::Least(0.5)),
    shown("dead-dns", "imsimta / Fleet: Failing share by host", Becomes::Least(0.2)),
    shown("dead-destination", "imsimta / Delivery: Worst domain, 5 minutes", Becomes::Least(20.0)),
    shown("dead-destination", "imsimta / Delivery: Which domains fail the most?", Becomes::Least(20.0)),
    shown("channel-stopped", "imsimta / Daemons & host: Stopped channels", Becomes::Least(1.0)),
];

/// What variables stand for when nothing else is asked for: everything.
const EVERYTHING: &[(&str, &str)] = &[
    ("__range", "5m"),
    ("__rate_interval", "1m"),
    ("channel", ".+"),
    ("cluster", ".*"),
    ("instance", ".+"),
    ("job", ".+"),
];

/// How far back panels look beyond the time that is shown, and how far in a run of minutes.
const SHORTENED: &[(&str, &str)] = &[
    ("[2w:1h] offset 1d", "[30s:10s] offset 10s"),
    (" offset 1w", " offset 20s"),
    (" offset 5m)", " offset 20s)"),
];

/// Ends of the names of what takes two weeks to learn: no run of a test has an answer.
const LEARNED: &[&str] = &["_expected{", "_upper{"];

/// Every query of every panel, ready to run: the titles of dashboard and panel, and the query with
/// `values` for its variables, by name. Variables without a value there stand for everything, and
/// `__rate_interval` for one minute; two weeks, a week and five minutes ago are as many seconds.
///
/// None is optional: with an exporter that reads logs with connection entries, each has an answer, but for those of what is
/// learned, which are left out.
pub fn runnable(values: &[(&str, &str)]) -> Vec<(String, String)> {
    let values: Vec<_> = values.iter().chain(EVERYTHING).copied().collect();
    let mut queries = Vec::new();
    for board in &board::boards() {
        let is_learned = |expr: &str| LEARNED.iter().any(|end| expr.contains(end));
        let panels = board::panel_queries(board);
        queries.extend(panels.iter().filter(|query| !is_learned(query.expr)).map(|query| {
            let title = format!("{}: {}", board::text(board, "/title"), query.place);
            let expr = board::substitute(query.expr, &values);
            (title, SHORTENED.iter().fold(expr, |expr, (long, short)| expr.replace(long, short)))
        }));
    }
    queries
}
