//! How an entry is written: `LOG_FORMAT` 1, text by position, and 4, one XML element a line.
//!
//! Text: channels are padded to 12 columns, and every other field that is switched on contributes
//! one blank, so that an empty one leaves nothing between two blanks; blanks at the end of a line
//! are not in real logs (2005Q4 guide, "Understanding the MTA Log Entry Format"; logs of production
//! systems). XML: attributes only, most of them left out when empty (Administration Guide 6.3,
//! "XML log format").

use std::fmt::Write as _;

use jiff::civil::DateTime;

use super::entry::{ConnectionEntry, MessageEntry};

/// The value of the MTA's option `LOG_FORMAT`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Text by position, the default of the MTA
    #[default]
    #[value(name = "1")]
    Text,
    /// One XML element a line
    #[value(name = "4")]
    Xml,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl LogFormat {
    /// The line of a message entry, with its LF.
    pub fn message(self, time: DateTime, entry: &MessageEntry<'_>) -> Vec<u8> {
        match self {
            Self::Text => text_message(time, entry),
            Self::Xml => xml_message(time, entry),
        }
    }

    /// The line of a connection entry, with its LF.
    pub fn connection(self, time: DateTime, entry: &ConnectionEntry<'_>) -> Vec<u8> {
        match self {
            Self::Text => text_connection(time, entry),
            Self::Xml => xml_connection(time, entry),
        }
    }

    /// The line of a header entry, which the channel option `logheader` asks for.
    pub fn header(self, time: DateTime, process: &str, header: &str) -> Vec<u8> {
        match self {
            Self::Text => ended(format!("{} {process} > {header}", text_stamp(time))),
            Self::Xml => {
                let mut line = xml_start("he", time, process);
                always(&mut line, "va", header);
                xml_end(line)
            }
        }
    }
}

fn text_stamp(time: DateTime) -> String {
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

fn text_message(time: DateTime, entry: &MessageEntry<'_>) -> Vec<u8> {
    let mut line = format!(
        "{} {} {:<12} {:<12} {} {}",
        text_stamp(time),
        entry.process,
        entry.source,
        entry.destination,
        entry.code,
        entry.blocks
    );
    for field in [
        entry.from,
        entry.original_to,
        entry.to,
        entry.file,
        entry.message_id,
        entry.username,
        entry.source_system,
        entry.diagnostic,
        entry.transport,
        entry.application,
    ] {
        line.push(' ');
        line.push_str(field);
    }
    ended(line)
}

fn text_connection(time: DateTime, entry: &ConnectionEntry<'_>) -> Vec<u8> {
    let mut line = format!(
        "{} {} {:<12} {:<12} {}",
        text_stamp(time),
        entry.process,
        entry.channel,
        entry.direction,
        entry.code
    );
    let fields = [entry.transport, entry.application, entry.text, entry.username, entry.diagnostic];
    for field in fields.into_iter().filter(|field| !field.is_empty()) {
        line.push(' ');
        line.push_str(field);
    }
    ended(line)
}

fn ended(mut line: String) -> Vec<u8> {
    line.truncate(line.trim_end_matches(' ').len());
    line.push('\n');
    line.into_bytes()
}

fn xml_message(time: DateTime, entry: &MessageEntry<'_>) -> Vec<u8> {
    let mut line = xml_start("en", time, entry.process);
    always(&mut line, "sc", entry.source);
    always(&mut line, "dc", entry.destination);
    always(&mut line, "ac", entry.code);
    always(&mut line, "sz", &entry.blocks.to_string());
    always(&mut line, "so", entry.from);
    always(&mut line, "od", entry.original_to);
    always(&mut line, "de", entry.to);
    // NOTARY flags: 22 is what the guide's own sample has.
    always(&mut line, "rf", "22");
    filled(&mut line, "fi", entry.file);
    filled(&mut line, "mi", entry.message_id);
    always(&mut line, "us", entry.username);
    filled(&mut line, "ss", entry.source_system);
    always(&mut line, "pr", "2");
    filled(&mut line, "re", entry.reason);
    filled(&mut line, "di", entry.diagnostic);
    filled(&mut line, "tr", entry.transport);
    filled(&mut line, "ap", entry.application);
    if let Some(seconds) = entry.queue_seconds {
        always(&mut line, "qt", &seconds.to_string());
    }
    xml_end(line)
}

fn xml_connection(time: DateTime, entry: &ConnectionEntry<'_>) -> Vec<u8> {
    let mut line = xml_start("co", time, entry.process);
    always(&mut line, "sc", entry.channel);
    always(&mut line, "dr", if entry.direction == '-' { "-" } else { "+" });
    always(&mut line, "ac", entry.code);
    filled(&mut line, "tr", entry.transport);
    filled(&mut line, "ap", entry.application);
    filled(&mut line, "mi", entry.text);
    filled(&mut line, "us", entry.username);
    filled(&mut line, "di", entry.diagnostic);
    xml_end(line)
}

fn xml_start(element: &str, time: DateTime, process: &str) -> String {
    let mut line = format!(
        "<{element} ts=\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:02}\"",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond() / 10
    );
    always(&mut line, "pi", process);
    line
}

fn xml_end(mut line: String) -> Vec<u8> {
    line.push_str("/>\n");
    line.into_bytes()
}

fn filled(line: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        always(line, name, value);
    }
}

fn always(line: &mut String, name: &str, value: &str) {
    // Writing to a String cannot fail.
    write!(line, " {name}=\"").ok();
    for character in value.chars() {
        match character {
            '&' => line.push_str("&amp;"),
            '<' => line.push_str("&lt;"),
            '>' => line.push_str("&gt;"),
            '"' => line.push_str("&quot;"),
            other => line.push(other),
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use jiff::civil::date;

    use super::LogFormat;
    use crate::demo::entry::{ConnectionEntry, MessageEntry};

    #[track_caller]
    fn check(lines: [Vec<u8>; 2], expected: &Expect) {
        expected.assert_eq(&lines.map(|line| String::from_utf8(line).expect("text")).concat());
    }

    #[test]
    fn message_entries_keep_the_blanks_of_empty_fields() {
        let time = date(2026, 1, 5).at(8, 0, 1, 239_000_000);
        let entry = MessageEntry {
            process: "1e48.2.0",
            source: "ims-ms",
            code: "D",
            blocks: 5,
            original_to: "rfc822;a&b@siroe.example",
            to: "ab@ims-ms-daemon",
            username: "mailsrv",
            ..MessageEntry::default()
        };
        check(
            [LogFormat::Text, LogFormat::Xml].map(|format| format.message(time, &entry)),
            &expect![[r#"
                05-Jan-2026 08:00:01.23 1e48.2.0 ims-ms                    D 5  rfc822;a&b@siroe.example ab@ims-ms-daemon   mailsrv
                <en ts="2026-01-05T08:00:01.23" pi="1e48.2.0" sc="ims-ms" dc="" ac="D" sz="5" so="" od="rfc822;a&amp;b@siroe.example" de="ab@ims-ms-daemon" rf="22" us="mailsrv" pr="2"/>
            "#]],
        );
    }

    #[test]
    fn connection_entries_have_no_size() {
        let time = date(2026, 1, 5).at(8, 0, 1, 0);
        let entry = ConnectionEntry {
            process: "1e48.2.0",
            channel: "tcp_local",
            direction: '+',
            code: "O",
            transport: "TCP|192.0.2.25|25|203.0.113.9|4711",
            application: "SMTP",
            ..ConnectionEntry::default()
        };
        check(
            [LogFormat::Text, LogFormat::Xml].map(|format| format.connection(time, &entry)),
            &expect![[r#"
                05-Jan-2026 08:00:01.00 1e48.2.0 tcp_local    +            O TCP|192.0.2.25|25|203.0.113.9|4711 SMTP
                <co ts="2026-01-05T08:00:01.00" pi="1e48.2.0" sc="tcp_local" dr="+" ac="O" tr="TCP|192.0.2.25|25|203.0.113.9|4711" ap="SMTP"/>
            "#]],
        );
    }
}
