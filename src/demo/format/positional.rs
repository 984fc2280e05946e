//! `LOG_FORMAT` 1, 2 and 3: fields by position.
//!
//! Channels are padded to 12 columns, and every other field that is switched on contributes one blank, so
//! that an empty one leaves nothing between two blanks; blanks at the end of a line are not in real logs
//! (2005Q4 guide, "Understanding the MTA Log Entry Format"; logs of production systems).

use std::fmt::Write as _;

use jiff::civil::DateTime;

use super::LogFormat;
use crate::demo::entry::{ConnectionEntry, MessageEntry};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

pub(super) fn message(format: LogFormat, time: DateTime, entry: &MessageEntry<'_>) -> Vec<u8> {
    let mut line = format!(
        "{} {} {:<12} {:<12} {} {}",
        stamp(time),
        entry.process,
        entry.source,
        entry.destination,
        entry.code,
        entry.blocks
    );
    for address in [entry.from, entry.original_to, entry.to] {
        let null = format == LogFormat::NonNull && address.is_empty();
        text(&mut line, format, if null { "<>" } else { address });
    }
    for field in [
        entry.file,
        entry.message_id,
        entry.username,
        entry.source_system,
        entry.diagnostic,
        entry.transport,
        entry.application,
    ] {
        text(&mut line, format, field);
    }
    ended(line)
}

pub(super) fn connection(format: LogFormat, time: DateTime, entry: &ConnectionEntry<'_>) -> Vec<u8> {
    let mut line = format!(
        "{} {} {:<12} {:<12} {}",
        stamp(time),
        entry.process,
        entry.channel,
        entry.direction,
        entry.code
    );
    for field in [entry.transport, entry.application, entry.text, entry.username, entry.diagnostic] {
        // A length stands for an empty field too.
        if format == LogFormat::Counted || !field.is_empty() {
            text(&mut line, format, field);
        }
    }
    ended(line)
}

pub(super) fn header(time: DateTime, process: &str, header: &str) -> Vec<u8> {
    ended(format!("{} {process} > {header}", stamp(time)))
}

fn stamp(time: DateTime) -> String {
    let month = usize::try_from(time.month()).unwrap_or(1) - 1;
    format!(
        "{:02}-{}-{:04} {:02}:{:02}:{:02}.{:02}",
        time.day(),
        MONTHS.get(month).copied().unwrap_or("Jan"),
        time.year(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond() / 10
    )
}

fn text(line: &mut String, format: LogFormat, text: &str) {
    line.push(' ');
    if format == LogFormat::Counted {
        // Writing to a String cannot fail.
        write!(line, "{}:", text.len()).ok();
    }
    line.push_str(text);
}

fn ended(mut line: String) -> Vec<u8> {
    line.truncate(line.trim_end_matches(' ').len());
    line.push('\n');
    line.into_bytes()
}
