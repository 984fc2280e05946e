//! Why a connection was closed, by its C entry.
//!
//! "A diagnostic field will follow … In particular, if the connection was closed due to some session disconnect
//! limit being reached, that fact will show up in the diagnostics field" (2005Q4 guide, table "Logging Entry Codes"). No
//! manual lists the texts, so this goes by what they have to say: the limits are those of the channel keywords `disconnect*limit`
//! (6.3 guide, "Setting Session Limits", "Limits on Unsuccessful Authentication Attempts").

use super::Connection;
use super::code::Action;
use super::phrases::{self, Row};
use super::reason::{Failure, Reason};
use super::values::diagnostic;

labelled! {
    /// How a connection ended.
    Closing {
        Normal = "normal": "as it should, or without a word";
        SessionLimit = "session_limit": "the session reached a limit, such as of bad commands or rejected recipients";
        Timeout = "timeout": "the other side was silent for too long";
        Error = "error": "it was lost or broken";
        Other = "other": "with a text that no rule knows";
        Lost = "lost": "without a C entry: its tuple is another connection's now, or it is older than a server process may be";
    }
}

/// THE table of texts: the first row with a phrase that is said decides.
const TEXTS: &[Row<Closing>] = &[
    Row {
        tells: Closing::Timeout,
        phrases: &["timed out", "timeout", "time-out", "time out", "inactiv", "idle"],
    },
    Row {
        tells: Closing::SessionLimit,
        phrases: &[
            "limit",
            "too many",
            "exceed",
            "maximum",
            "disconnectbad",
            "disconnectc",
            "disconnectr",
            "disconnectt",
        ],
    },
    Row {
        tells: Closing::Error,
        phrases: &[
            "error",
            "lost",
            "reset",
            "broken",
            "abort",
            "fail",
            "unexpected",
            "eof",
            "dropped",
            "os_smtp_",
            "fatal",
            "killed",
            "disconnected",
            "closed by",
            "remote close",
            "shutdown",
            "shutting down",
        ],
    },
    Row {
        tells: Closing::Normal,
        phrases: &[
            "quit",
            "bye",
            "goodbye",
            "normal",
            "closing",
            "closed",
            "complete",
            "end of session",
            "done",
            "ok",
        ],
    },
];

impl Closing {
    /// By the words of the entry, then by those that tell why anything fails, then by the class of a reply.
    pub fn of(entry: &Connection<'_>) -> Self {
        if entry.text.trim_ascii().is_empty() && entry.diagnostic.trim_ascii().is_empty() {
            return Self::Normal;
        }
        let said = phrases::said(&[entry.text, entry.diagnostic]);
        phrases::first(TEXTS, &said).unwrap_or_else(|| Self::otherwise(entry, &said))
    }

    fn otherwise(entry: &Connection<'_>, said: &str) -> Self {
        // Somebody's name alone says nothing, and a good reply nothing bad.
        if said.is_empty() || code(entry) == Some(2) {
            return Self::Normal;
        }
        let failure = Failure {
            action: Action::Close,
            diagnostic: entry.diagnostic,
            reason_text: entry.text,
            channel: entry.channel,
        };
        match failure.classify().reason {
            Reason::ConnTimeout => Self::Timeout,
            Reason::RateLimited => Self::SessionLimit,
            Reason::ConnLost | Reason::ConnOther | Reason::ConnRefused | Reason::NoRoute | Reason::Tls => {
                Self::Error
            }
            _ => Self::Other,
        }
    }
}

/// The class of the reply, which stands behind the user's name in text entries.
fn code(entry: &Connection<'_>) -> Option<u16> {
    let mut codes = [entry.diagnostic, entry.text].into_iter();
    codes
        .find_map(|text| diagnostic::parse(text).code.or_else(|| diagnostic::last_code(text)))
        .map(|code| code / 100)
}

#[cfg(test)]
mod tests {
    use super::Closing;
    use crate::record::{Line, Reader};

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let mut reader = Reader::default();
        let Line::Connection(entry) = reader.read(line.as_bytes()) else {
            panic!("a connection entry: {line}")
        };
        assert_eq!(Closing::of(&entry).label(), expected, "{line}");
    }

    const SAID: &[(&str, &str)] = &[
        ("", "normal"),
        ("221 2.3.0 Bye received. Goodbye.", "normal"),
        ("QUIT", "normal"),
        ("221 2.0.0", "normal"),
        ("session disconnect limit reached", "session_limit"),
        ("421 4.7.0 Too many bad commands; disconnecting", "session_limit"),
        ("Maximum number of rejected recipients exceeded", "session_limit"),
        ("disconnectrejectlimit", "session_limit"),
        ("421 4.4.2 Timeout waiting for a command", "timeout"),
        ("Error reading SMTP packet: connection timed out", "timeout"),
        ("data/big_smtp_read Error reading SMTP packet", "error"),
        ("Connection reset by peer", "error"),
        ("connection lost", "error"),
        ("something else", "other"),
        ("451 4.3.0 no idea", "other"),
        // What others choose is not looked at.
        ("*timeout@limit.example", "normal"),
        ("*limit", "normal"),
        ("host timeout.example", "other"),
        (r#"221 2.0.0 after "timeout""#, "normal"),
    ];

    #[test]
    fn closings_by_their_texts() {
        for &(said, expected) in SAID {
            check(
                &format!(
                    "19-Feb-1998 17:02:27.05 tcp_local    +            C TCP|192.0.2.1|25|192.0.2.9|1244 SMTP {said}"
                ),
                expected,
            );
            let quoted = said.replace('"', "&quot;");
            let start = r#"<co ts="2014-06-02T22:02:13.94" sc="tcp_local" dr="+" ac="C" ap="SMTP""#;
            check(&format!(r#"{start} di="{quoted}"/>"#), expected);
            check(&format!(r#"{start} mi="{quoted}"/>"#), expected);
        }
    }
}
