//! The head of the status page for a terminal: whether mail flows and else why not, a row a channel, and who is busiest.
//! Runbooks begin with it.

use std::fmt::Write as _;

use super::known::{Known, Row};
use super::mail::{BUSIEST, rate};
use crate::findings::words::time;
use crate::http::{alerts, runbooks};
use crate::metrics::ClientDisplay;
use crate::metrics::busiest::Top;
use crate::observed::Observed;
use crate::text::escape::escaped;

/// The longest name of a channel that is shown.
const NAME_WIDTH: usize = 32;
/// The longest name of a client, sender or destination that is shown.
const BUSIEST_WIDTH: usize = 80;
/// What the columns are called.
const TITLES: [&str; 8] =
    ["channel", "in/min", "out/min", "failing", "waiting", "oldest", "never tried", "held"];

/// The whole text.
pub(in crate::http) fn text(observed: &Observed, clients: &ClientDisplay) -> String {
    let known = Known::now(observed, clients, BUSIEST);
    let mut text = found(&known);
    text.push_str(&alerts::text(&known.alerts, known.at));
    channels(&known, &mut text);
    for service in &known.situation.services {
        let limit =
            service.limit.map_or_else(|| "no known limit".to_owned(), |limit| format!("{limit} at once"));
        // Writing into a string cannot fail.
        let _ = writeln!(text, "Connections of {}: {} of {limit}", service.name, service.used);
    }
    busiest_of(&known.busiest, &mut text);
    let _ = writeln!(text, "imsimta-exporter {}: {}", env!("CARGO_PKG_VERSION"), known.readiness.sentence());
    text
}

/// What is wrong, the gravest first, with what shows it and what to do next below.
fn found(known: &Known<'_>) -> String {
    let mut text = String::new();
    for (number, finding) in known.said().enumerate() {
        let beside = known.beside().filter(|_| number == 0).map(|beside| format!(" {beside}"));
        let _ = writeln!(text, "{}{}", finding.what, beside.unwrap_or_default());
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

/// Recipients per minute, over five of them, and messages.
fn channels(known: &Known<'_>, text: &mut String) {
    let rows: Vec<_> =
        [TITLES.map(str::to_owned)].into_iter().chain(known.rows().map(|known| row(&known))).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let widths: Vec<_> = (0..TITLES.len()).map(width).collect();
    text.push_str(
        "\nRecipients a minute in the last 5, and messages that are in the queue; - is not known:\n",
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

fn row(row: &Row<'_>) -> [String; TITLES.len()] {
    let oldest = row.waiting.map(|_| row.oldest.map_or_else(String::new, time));
    [
        escaped(row.name.as_bytes(), NAME_WIDTH),
        row.enqueued().map_or_else(unknown, rate),
        row.delivered().map_or_else(unknown, rate),
        failing(row),
        number(row.waiting),
        oldest.unwrap_or_else(unknown),
        number(row.never_tried),
        number(row.held),
    ]
}

fn failing(row: &Row<'_>) -> String {
    match (row.window, row.failing()) {
        (None, _) => unknown(),
        (Some(window), Some(failing)) if failing > 0.0 => {
            let reason = row.reason().map_or("", |reason| reason.label());
            format!("{:.0} % of {} {reason}", failing * 100.0, window.attempts)
        }
        _ => "0 %".to_owned(),
    }
}

fn number(count: Option<u64>) -> String {
    count.map_or_else(unknown, |count| count.to_string())
}

fn unknown() -> String {
    "-".to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::cases;
    use super::{channels, found};

    #[test]
    fn what_is_wrong_comes_first_and_each_channel_has_a_row() {
        let cases = cases::all();
        let (_, known) = cases.iter().find(|(name, _)| *name == "job-controller-dead").expect("there is one");
        let text = found(known);
        assert!(text.starts_with("No job_controller"), "{text}");
        assert!(text.contains("\n    Runbook: /runbooks/ImsMtaJobControllerDown.txt\n"), "{text}");
        assert!(text.lines().any(|line| line.starts_with("ims-ms is stopped: ")), "{text}");
        let mut table = String::new();
        channels(known, &mut table);
        let rows: Vec<_> = table.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "channel    in/min  out/min  failing  waiting      oldest  never tried  held",
                "ims-ms         80        0      0 %     2000  25 minutes         1900     0",
                "tcp_local      80        0      0 %     2000  25 minutes         1900     0",
                "",
            ]
        );
    }
}
