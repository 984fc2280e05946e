//! The head of the status page for a terminal: whether mail flows and else why not, a row a channel, and who is busiest.
//! Runbooks begin with it.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::aggregate::recent::ChannelActivity;
use crate::findings::situation::{Channel, Situation};
use crate::findings::words::time;
use crate::findings::{Input, Thresholds, findings, share};
use crate::http::{alerts, runbooks};
use crate::metrics::ClientDisplay;
use crate::metrics::busiest::{self, Top};
use crate::observed::Observed;
use crate::text::escape::escaped;

/// The longest name of a channel that is shown.
const NAME_WIDTH: usize = 32;
/// Of each kind of the busiest.
const BUSIEST: usize = 3;
/// The longest name of a client, sender or destination that is shown.
const BUSIEST_WIDTH: usize = 80;
/// What the columns are called.
const TITLES: [&str; 8] = ["channel", "in", "out", "failing", "waiting", "oldest", "never tried", "held"];

/// The whole text.
pub(in crate::http) fn text(observed: &Observed, clients: &ClientDisplay) -> String {
    let (situation, limits) = (observed.situation(observed.clock.now()), &observed.limits);
    let mut text = found(&situation, limits);
    let alerts = Arc::clone(&observed.alerts.lock());
    text.push_str(&alerts::text(&alerts, observed.clock.unix_seconds()));
    channels(&situation, &mut text);
    for service in &situation.services {
        let limit =
            service.limit.map_or_else(|| "no known limit".to_owned(), |limit| format!("{limit} at once"));
        // Writing into a string cannot fail.
        let _ = writeln!(text, "Connections of {}: {} of {limit}", service.name, service.used);
    }
    busiest_of(&busiest::all(observed, clients, BUSIEST), &mut text);
    let _ =
        writeln!(text, "imsimta-exporter {}: {}", env!("CARGO_PKG_VERSION"), observed.readiness().sentence());
    text
}

/// What is wrong, the gravest first, with what shows it and what to do next below.
fn found(situation: &Situation, limits: &Thresholds) -> String {
    let mut text = String::new();
    for finding in findings(&Input { now: Some(situation), logs: None, limits }) {
        let _ = writeln!(text, "{}", finding.what);
        for more in [&finding.evidence, &finding.next] {
            if !more.is_empty() {
                let _ = writeln!(text, "    {more}");
            }
        }
        if let Some(runbook) = finding.runbook {
            let _ = writeln!(text, "    Runbook: {}", runbooks::text_path(runbook.name()));
        }
    }
    text
}

/// Recipients of five minutes, and messages.
fn channels(situation: &Situation, text: &mut String) {
    let rows = situation.channels.iter().filter(|(_, channel)| channel.is_in_use());
    let rows: Vec<_> = [TITLES.map(str::to_owned)]
        .into_iter()
        .chain(rows.map(|(name, channel)| row(name, channel)))
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let widths: Vec<_> = (0..TITLES.len()).map(width).collect();
    text.push_str(
        "\nRecipients of the last 5 minutes, and messages that are in the queue; - is not known:\n",
    );
    for row in &rows {
        let _ = write!(text, "{:<1$}", row[0], widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            let _ = write!(text, "  {cell:>width$}");
        }
        text.push('\n');
    }
    text.push('\n');
}

/// A line for each kind of which there is anybody.
fn busiest_of(tables: &[Top], text: &mut String) {
    text.push_str(
        "\nThe busiest of the last 5 minutes, and those with most sockets, closed ones (TIME_WAIT) too; /top has 100 of each:\n",
    );
    for top in tables.iter().filter(|top| !top.rows.is_empty()) {
        let rows = top
            .rows
            .iter()
            .map(|row| format!("{} {}", escaped(row.name.as_bytes(), BUSIEST_WIDTH), row.count));
        let rows = rows.collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "{}: {rows}; of {} all together", top.table.meaning(), top.all);
    }
    text.push('\n');
}

fn row(name: &str, channel: &Channel) -> [String; TITLES.len()] {
    let traffic = channel.traffic.as_ref().map(|traffic| &traffic.window);
    let queue = channel.queue;
    let oldest = queue.map(|queue| queue.oldest.map_or_else(String::new, time));
    [
        escaped(name.as_bytes(), NAME_WIDTH),
        number(traffic.map(|window| window.enqueued)),
        number(traffic.map(ChannelActivity::delivered)),
        traffic.map_or_else(unknown, failing),
        number(queue.map(|queue| queue.messages)),
        oldest.unwrap_or_else(unknown),
        number(queue.map(|queue| queue.never_tried)),
        number(queue.map(|queue| queue.held)),
    ]
}

fn failing(window: &ChannelActivity) -> String {
    if window.failed() == 0 {
        return "0 %".to_owned();
    }
    let reason = window.main_reason().map_or("", |reason| reason.label());
    format!("{:.0} % of {} {reason}", share(window.failed(), window.attempts) * 100.0, window.attempts)
}

fn number(count: Option<u64>) -> String {
    count.map_or_else(unknown, |count| count.to_string())
}

fn unknown() -> String {
    "-".to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{channels, found};
    use crate::findings::Thresholds;
    use crate::findings::situation::{Channel, Situation, Waiting};

    #[test]
    fn what_is_wrong_comes_first_and_each_channel_has_a_row() {
        let queue = Waiting { messages: 1200, held: 7, ..Waiting::default() };
        let channel = Channel { queue: Some(queue), ..Channel::default() };
        let unused = Channel::default();
        let situation = Situation {
            channels: BTreeMap::from([("tcp_local".to_owned(), channel), ("l".to_owned(), unused)]),
            queue_known: true,
            processes: Some(BTreeMap::from([("dispatcher".to_owned(), 1), ("job_controller".to_owned(), 0)])),
            active: Some(true),
            ..Situation::default()
        };
        let text = found(&situation, &Thresholds::default());
        assert!(text.starts_with("No job_controller"), "{text}");
        assert!(text.contains("\n    Runbook: /runbooks/ImsMtaJobControllerDown.txt\n"), "{text}");
        assert!(text.lines().any(|line| line.starts_with("tcp_local: ")), "{text}");
        let mut table = String::new();
        channels(&situation, &mut table);
        let rows: Vec<_> = table.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "channel    in  out  failing  waiting  oldest  never tried  held",
                "tcp_local   -    -        -     1200                    0     7",
                "",
            ]
        );
    }
}
