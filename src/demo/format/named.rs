//! `LOG_FORMAT` 4, 5 and 6: named fields, most of them left out when empty (Administration Guide 6.3,
//! "XML log format"). Of JSON the manuals print no line: these are as the program reads them.

use std::fmt::{Display, Write as _};

use jiff::civil::DateTime;

use super::LogFormat;
use crate::demo::entry::{ConnectionEntry, MessageEntry};

pub(super) fn message(format: LogFormat, time: DateTime, entry: &MessageEntry<'_>) -> Vec<u8> {
    let mut line = Element::new(format, "en", time, entry.process);
    line.text("sc", entry.source);
    line.text("dc", entry.destination);
    line.text("ac", entry.code);
    line.number("sz", entry.blocks);
    line.text("so", entry.from);
    line.text("od", entry.original_to);
    line.text("de", entry.to);
    // NOTARY flags: 22 is what the guide's own sample has.
    line.number("rf", 22);
    line.filled("fi", entry.file);
    line.filled("mi", entry.message_id);
    line.text("us", entry.username);
    line.filled("ss", entry.source_system);
    line.number("pr", 2);
    line.filled("re", entry.reason);
    line.filled("di", entry.diagnostic);
    line.filled("tr", entry.transport);
    line.filled("ap", entry.application);
    if let Some(seconds) = entry.queue_seconds {
        line.number("qt", seconds);
    }
    line.end()
}

pub(super) fn connection(format: LogFormat, time: DateTime, entry: &ConnectionEntry<'_>) -> Vec<u8> {
    let mut line = Element::new(format, "co", time, entry.process);
    line.text("sc", entry.channel);
    line.text("dr", if entry.direction == '-' { "-" } else { "+" });
    line.text("ac", entry.code);
    line.filled("tr", entry.transport);
    line.filled("ap", entry.application);
    line.filled("mi", entry.text);
    line.filled("us", entry.username);
    line.filled("di", entry.diagnostic);
    line.end()
}

pub(super) fn header(format: LogFormat, time: DateTime, process: &str, header: &str) -> Vec<u8> {
    let mut line = Element::new(format, "he", time, process);
    line.text("va", header);
    line.end()
}

/// An entry that is being written.
struct Element {
    format: LogFormat,
    line: String,
}

impl Element {
    fn new(format: LogFormat, name: &str, time: DateTime, process: &str) -> Self {
        let line = match format {
            LogFormat::Json => format!("{{\"{name}\":{{"),
            LogFormat::FlatJson => format!("{{\"entry\":\"{name}\""),
            _ => format!("<{name}"),
        };
        let mut element = Self { format, line };
        element.text(
            "ts",
            &format!(
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:02}",
                time.year(),
                time.month(),
                time.day(),
                time.hour(),
                time.minute(),
                time.second(),
                time.millisecond() / 10
            ),
        );
        element.text("pi", process);
        element
    }

    fn filled(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.text(name, value);
        }
    }

    fn text(&mut self, name: &str, value: &str) {
        if self.format == LogFormat::Xml {
            self.attribute(name, value);
        } else {
            self.member(name, serde_json::Value::from(value));
        }
    }

    fn number(&mut self, name: &str, value: impl Display) {
        if self.format == LogFormat::Xml {
            self.attribute(name, &value.to_string());
        } else {
            self.member(name, value);
        }
    }

    fn member(&mut self, name: &str, value: impl Display) {
        let separator = if self.line.ends_with('{') { "" } else { "," };
        // Writing to a String cannot fail.
        write!(self.line, "{separator}\"{name}\":{value}").ok();
    }

    fn attribute(&mut self, name: &str, value: &str) {
        write!(self.line, " {name}=\"").ok();
        for character in value.chars() {
            match character {
                '&' => self.line.push_str("&amp;"),
                '<' => self.line.push_str("&lt;"),
                '>' => self.line.push_str("&gt;"),
                '"' => self.line.push_str("&quot;"),
                other => self.line.push(other),
            }
        }
        self.line.push('"');
    }

    fn end(mut self) -> Vec<u8> {
        self.line.push_str(match self.format {
            LogFormat::Json => "}}\n",
            LogFormat::FlatJson => "}\n",
            _ => "/>\n",
        });
        self.line.into_bytes()
    }
}
