//! How an entry is written, for each value of the MTA's option `LOG_FORMAT`.
//!
//! The optional fields are those of [`MessageEntry`]; the named formats have a few more.

mod named;
mod positional;

use jiff::civil::DateTime;

use super::entry::{ConnectionEntry, MessageEntry};

/// The value of the MTA's option `LOG_FORMAT`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Text by position, the default of the MTA
    #[default]
    #[value(name = "1")]
    Text,
    /// The same, an empty address is `<>`
    #[value(name = "2")]
    NonNull,
    /// The same, each text with its length in front
    #[value(name = "3")]
    Counted,
    /// One XML element a line
    #[value(name = "4")]
    Xml,
    /// One JSON object around the entry a line
    #[value(name = "5")]
    Json,
    /// One flat JSON object a line
    #[value(name = "6")]
    FlatJson,
}

impl LogFormat {
    /// The line of a message entry, with its LF.
    pub fn message(self, time: DateTime, entry: &MessageEntry<'_>) -> Vec<u8> {
        match self {
            Self::Text | Self::NonNull | Self::Counted => positional::message(self, time, entry),
            Self::Xml | Self::Json | Self::FlatJson => named::message(self, time, entry),
        }
    }

    /// The line of a connection entry, with its LF.
    pub fn connection(self, time: DateTime, entry: &ConnectionEntry<'_>) -> Vec<u8> {
        match self {
            Self::Text | Self::NonNull | Self::Counted => positional::connection(self, time, entry),
            Self::Xml | Self::Json | Self::FlatJson => named::connection(self, time, entry),
        }
    }

    /// The line of a header entry, which the channel option `logheader` asks for.
    pub fn header(self, time: DateTime, process: &str, header: &str) -> Vec<u8> {
        match self {
            Self::Text | Self::NonNull | Self::Counted => positional::header(time, process, header),
            Self::Xml | Self::Json | Self::FlatJson => named::header(self, time, process, header),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;
    use expect_test::{Expect, expect};
    use jiff::civil::date;

    use super::LogFormat;
    use crate::demo::entry::{ConnectionEntry, MessageEntry};

    #[track_caller]
    fn check(line: impl Fn(LogFormat) -> Vec<u8>, expected: &Expect) {
        let lines: Vec<Vec<u8>> = LogFormat::value_variants().iter().map(|format| line(*format)).collect();
        expected.assert_eq(&String::from_utf8(lines.concat()).expect("text"));
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
            |format| format.message(time, &entry),
            &expect![[r#"
                05-Jan-2026 08:00:01.23 1e48.2.0 ims-ms                    D 5  rfc822;a&b@siroe.example ab@ims-ms-daemon   mailsrv
                05-Jan-2026 08:00:01.23 1e48.2.0 ims-ms                    D 5 <> rfc822;a&b@siroe.example ab@ims-ms-daemon   mailsrv
                05-Jan-2026 08:00:01.23 1e48.2.0 ims-ms                    D 5 0: 24:rfc822;a&b@siroe.example 16:ab@ims-ms-daemon 0: 0: 7:mailsrv 0: 0: 0: 0:
                <en ts="2026-01-05T08:00:01.23" pi="1e48.2.0" sc="ims-ms" dc="" ac="D" sz="5" so="" od="rfc822;a&amp;b@siroe.example" de="ab@ims-ms-daemon" rf="22" us="mailsrv" pr="2"/>
                {"en":{"ts":"2026-01-05T08:00:01.23","pi":"1e48.2.0","sc":"ims-ms","dc":"","ac":"D","sz":5,"so":"","od":"rfc822;a&b@siroe.example","de":"ab@ims-ms-daemon","rf":22,"us":"mailsrv","pr":2}}
                {"entry":"en","ts":"2026-01-05T08:00:01.23","pi":"1e48.2.0","sc":"ims-ms","dc":"","ac":"D","sz":5,"so":"","od":"rfc822;a&b@siroe.example","de":"ab@ims-ms-daemon","rf":22,"us":"mailsrv","pr":2}
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
            |format| format.connection(time, &entry),
            &expect![[r#"
                05-Jan-2026 08:00:01.00 1e48.2.0 tcp_local    +            O TCP|192.0.2.25|25|203.0.113.9|4711 SMTP
                05-Jan-2026 08:00:01.00 1e48.2.0 tcp_local    +            O TCP|192.0.2.25|25|203.0.113.9|4711 SMTP
                05-Jan-2026 08:00:01.00 1e48.2.0 tcp_local    +            O 34:TCP|192.0.2.25|25|203.0.113.9|4711 4:SMTP 0: 0: 0:
                <co ts="2026-01-05T08:00:01.00" pi="1e48.2.0" sc="tcp_local" dr="+" ac="O" tr="TCP|192.0.2.25|25|203.0.113.9|4711" ap="SMTP"/>
                {"co":{"ts":"2026-01-05T08:00:01.00","pi":"1e48.2.0","sc":"tcp_local","dr":"+","ac":"O","tr":"TCP|192.0.2.25|25|203.0.113.9|4711","ap":"SMTP"}}
                {"entry":"co","ts":"2026-01-05T08:00:01.00","pi":"1e48.2.0","sc":"tcp_local","dr":"+","ac":"O","tr":"TCP|192.0.2.25|25|203.0.113.9|4711","ap":"SMTP"}
            "#]],
        );
    }
}
