//! The sections of the text. One without content writes nothing and leaves its title out.

use std::fmt::Write as _;

use super::SHOWN;
use super::table::{Column, Table, wrap};
use crate::findings::logs::ClientCount;
use crate::listing::WIDTH;
use crate::report::summary::{Connections, LineReason, ReasonCount, Summary};
use crate::text::number;

/// Clients in one line of rejections.
const CLIENTS_IN_LINE: usize = 3;

pub(super) fn findings(summary: &Summary, text: &mut String) {
    for (number, finding) in summary.findings.iter().enumerate() {
        wrap(text, &format!("{:>3}. ", number + 1), 5, &finding.sentence());
    }
    if summary.findings.is_empty() {
        text.push_str("  Nothing: no rule's threshold is reached.\n");
    }
    for file in &summary.not_read {
        wrap(text, "  !  ", 5, &format!("Not read to its end: {}: {}", file.path, file.problem));
    }
}

pub(super) fn lines(summary: &Summary, text: &mut String) {
    let mut table = Table::new(&[
        ("log", Column::Flexible),
        ("lines", Column::Number),
        ("entries", Column::Number),
        ("not understood", Column::Number),
        ("skipped", Column::Number),
    ]);
    let all = Some(&summary.lines).filter(|_| summary.files.len() > 1);
    for file in summary.files.iter().take(SHOWN).chain(all) {
        table.row(vec![
            if file.name.is_empty() { "all".to_owned() } else { file.name.clone() },
            number(file.lines),
            number(file.records),
            number(file.not_understood),
            number(file.skipped),
        ]);
    }
    table.write(text);
    more(text, summary.files.len());
    reasons(text, "not understood", &summary.lines.not_understood_by_reason);
    reasons(text, "skipped", &summary.lines.skipped_by_reason);
    if summary.beyond_tables > 0 {
        let count = number(summary.beyond_tables);
        let note = format!("{count} events are in the sums only: too many different domains or clients.");
        wrap(text, "  ", 2, &note);
    }
}

fn reasons(text: &mut String, fate: &str, rows: &[LineReason]) {
    for row in rows {
        wrap(text, "  ", 4, &format!("{fate}: {} {} ({})", number(row.count), row.reason, row.meaning));
    }
}

fn more(text: &mut String, rows: usize) {
    if rows > SHOWN {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "  .. and {} more", rows - SHOWN);
    }
}

pub(super) fn traffic(summary: &Summary, text: &mut String) {
    let mut table = Table::new(&[
        ("channel", Column::Flexible),
        ("received", Column::Number),
        ("enqueued", Column::Number),
        ("delivered", Column::Number),
        ("attempts", Column::Number),
        ("failed", Column::Number),
        ("ratio", Column::Number),
    ]);
    for row in summary.channels.iter().take(SHOWN) {
        table.row(vec![
            row.channel.clone(),
            number(row.received),
            number(row.enqueued),
            number(row.dequeued),
            number(row.attempts),
            number(row.failures),
            if row.attempts > 0 { percent(row.failure_ratio) } else { "-".to_owned() },
        ]);
    }
    table.write(text);
    more(text, summary.channels.len());
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

pub(super) fn failures(summary: &Summary, text: &mut String) {
    let mut table = Table::new(&[
        ("reason", Column::Text(18)),
        ("deferred", Column::Number),
        ("rejected", Column::Number),
        ("meaning", Column::Wrapped),
    ]);
    for row in &summary.failures {
        table.row(vec![
            row.reason.label().to_owned(),
            number(row.deferred + row.partial),
            number(row.rejected + row.unnotified),
            row.meaning.to_owned(),
        ]);
    }
    table.write(text);
}

pub(super) fn destinations(summary: &Summary, text: &mut String) {
    let mut table = Table::new(&[
        ("domain", Column::Flexible),
        ("channel", Column::Text(14)),
        ("attempts", Column::Number),
        ("failed", Column::Number),
        ("mostly for", Column::Text(18)),
    ]);
    for row in summary.destinations.iter().take(SHOWN) {
        table.row(vec![
            row.domain.clone(),
            row.channel.clone(),
            number(row.attempts),
            number(row.deferred + row.rejected),
            row.main_reason.label().to_owned(),
        ]);
    }
    table.write(text);
    more(text, summary.destinations.len());
}

pub(super) fn rejections(summary: &Summary, text: &mut String) {
    let mut table = Table::new(&[
        ("reason", Column::Text(18)),
        ("count", Column::Number),
        ("clients", Column::Number),
        ("meaning and busiest clients", Column::Wrapped),
    ]);
    for row in &summary.rejections {
        let busiest = clients(&row.busiest);
        let behind = if busiest.is_empty() { String::new() } else { format!(": {busiest}") };
        table.row(vec![
            row.reason.label().to_owned(),
            number(row.count),
            number(row.clients),
            format!("{}{behind}", row.meaning),
        ]);
    }
    table.write(text);
}

fn clients(rows: &[ClientCount]) -> String {
    let shown =
        rows.iter().take(CLIENTS_IN_LINE).map(|row| format!("{} ({})", row.client, number(row.count)));
    shown.collect::<Vec<_>>().join(", ")
}

fn busiest(text: &mut String, what: &str, rows: &[ClientCount]) {
    if !rows.is_empty() {
        wrap(text, "  ", 4, &format!("{what}: {}", clients(rows)));
    }
}

pub(super) fn authentications(summary: &Summary, text: &mut String) {
    let mut table = Table::new(&[
        ("channel", Column::Flexible),
        ("succeeded", Column::Number),
        ("failed", Column::Number),
        ("not known", Column::Number),
    ]);
    for row in summary.authentications.iter().take(SHOWN) {
        table.row(vec![row.channel.clone(), number(row.success), number(row.failure), number(row.unknown)]);
    }
    table.write(text);
    busiest(text, "most failures", &summary.authentication_clients);
}

pub(super) fn connections(summary: &Summary, text: &mut String) {
    let mut table = Table::new(&[
        ("channel", Column::Flexible),
        ("", Column::Text(3)),
        ("opened", Column::Number),
        ("closed", Column::Number),
        ("rejected", Column::Number),
        ("failed", Column::Number),
    ]);
    for row in summary.connections.iter().take(SHOWN) {
        table.row(vec![
            row.channel.clone(),
            row.direction.to_owned(),
            number(row.opened),
            number(row.closed),
            number(row.rejected),
            number(row.failed),
        ]);
    }
    table.write(text);
    more(text, summary.connections.len());
    let of = |which: fn(&Connections) -> &Vec<ReasonCount>| {
        let rows = summary.connections.iter().flat_map(which);
        rows.fold(Vec::<(&str, u64)>::new(), |mut sums, row| {
            match sums.iter_mut().find(|sum| sum.0 == row.reason) {
                Some(sum) => sum.1 += row.count,
                None => sums.push((row.reason, row.count)),
            }
            sums
        })
    };
    why(text, "rejected for", &of(|row| &row.rejected_by_reason));
    why(text, "failed for", &of(|row| &row.failed_by_reason));
    busiest(text, "most connections", &summary.connection_clients);
    busiest(text, "most rejected", &summary.rejected_connection_clients);
}

fn why(text: &mut String, what: &str, rows: &[(&str, u64)]) {
    if !rows.is_empty() {
        let shown: Vec<String> =
            rows.iter().map(|(reason, count)| format!("{reason} ({})", number(*count))).collect();
        wrap(text, "  ", 4, &format!("{what}: {}", shown.join(", ")));
    }
}

pub(super) fn replies(summary: &Summary, text: &mut String) {
    let mut table = Table::new(&[
        ("channel", Column::Flexible),
        ("class", Column::Text(5)),
        ("status", Column::Text(11)),
        ("count", Column::Number),
    ]);
    for row in summary.replies.iter().take(SHOWN) {
        table.row(vec![row.channel.clone(), row.class.to_owned(), row.status.clone(), number(row.count)]);
    }
    table.write(text);
    more(text, summary.replies.len());
}

pub(super) fn delays(summary: &Summary, text: &mut String) {
    let mut table = Table::new(&[
        ("channel", Column::Flexible),
        ("in the queue: p50", Column::Number),
        ("p95", Column::Number),
        ("since arrival: p50", Column::Number),
        ("p95", Column::Number),
    ]);
    for row in summary.delays.iter().take(SHOWN) {
        let mut cells = vec![row.channel.clone()];
        for known in [&row.queue, &row.end_to_end] {
            match known {
                Some(known) => {
                    cells.extend([known.p50_at_most_seconds, known.p95_at_most_seconds].map(duration));
                }
                None => cells.extend(["-".to_owned(), "-".to_owned()]),
            }
        }
        table.row(cells);
    }
    table.write(text);
    more(text, summary.delays.len());
}

fn duration(seconds: Option<f64>) -> String {
    let Some(seconds) = seconds else { return "> 7 d".to_owned() };
    match seconds {
        ..60.0 => format!("{seconds:.0} s"),
        ..3600.0 => format!("{:.0} min", seconds / 60.0),
        ..86_400.0 => format!("{:.0} h", seconds / 3600.0),
        _ => format!("{:.0} d", seconds / 86_400.0),
    }
}

pub(super) fn options(summary: &Summary, text: &mut String) {
    if summary.lines.records == 0 {
        return;
    }
    let (seen, missing): (Vec<_>, Vec<_>) = summary.options.iter().partition(|option| option.seen);
    let names: Vec<&str> = seen.iter().map(|option| option.option).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    wrap(text, "  ", 4, &format!("shown: {names}"));
    if !missing.is_empty() {
        text.push_str("  not shown (off, or nothing happened that shows it), and what each adds:\n");
    }
    let mut table = Table::new(&[("", Column::Text(22)), ("", Column::Wrapped)]);
    for option in missing {
        table.row(vec![option.option.to_owned(), option.adds.to_owned()]);
    }
    table.write(text);
}

pub(super) fn not_understood(summary: &Summary, text: &mut String) {
    for line in &summary.not_understood {
        let place = format!("{} line {}: {}", line.file, number(line.line), line.reason);
        wrap(text, "  ", 4, &place);
        let room = WIDTH - 4;
        let shown = if line.text.len() > room {
            format!("{}..", line.text.get(..room - 2).unwrap_or_default())
        } else {
            line.text.clone()
        };
        // Writing into a string cannot fail.
        let _ = writeln!(text, "    {shown}");
    }
}
