//! Connections that the log shows open, and how authentications ended.

use std::collections::HashMap;
use std::num::NonZeroU64;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::index::ChannelIndex;
use super::reasons::closed_set;
use super::table::{LeftOut, Table, Vacated};
use super::time::{Millis, Time};
use crate::record::{Connection, Direction, diagnostic, labelled};

/// Connections followed at once.
const MAX_OPEN: usize = 65_536;
/// An SMTP server process lives for a day (`MAX_LIFE_TIME`, 86,400 s); one that was killed writes no C.
const MAX_AGE: Millis = Millis::of_minutes(25 * 60);

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Open {
    channel: ChannelIndex,
    outbound: bool,
    at: Time,
}

/// Between two walks through a full table to forget what is old.
const PRUNE: Millis = Millis::of_minutes(1);

/// O entries whose C has not come, by the hash of their transport tuple.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct OpenConnections {
    open: FxHashMap<u64, Open>,
    /// When the table was last full and walked through.
    pruned: Option<Time>,
    left_out: u64,
}

impl Table for OpenConnections {
    fn empty(_: u64) -> Self {
        Self::default()
    }

    fn left_out(&self) -> LeftOut {
        LeftOut::Counted(vec![("connections", self.left_out)])
    }
}

impl OpenConnections {
    pub(super) fn opened(&mut self, key: NonZeroU64, channel: ChannelIndex, direction: Direction, at: Time) {
        let full = |open: &FxHashMap<u64, Open>| open.len() >= MAX_OPEN;
        let rested = self.pruned.is_none_or(|pruned| at.since(pruned) >= PRUNE);
        if full(&self.open) && rested {
            self.open.retain(|_, open| at.since(open.at) < MAX_AGE);
            self.pruned = Some(at);
        }
        if full(&self.open) {
            self.left_out += 1;
            return;
        }
        self.open.insert(key.get(), Open { channel, outbound: direction == Direction::Out, at });
    }

    pub(super) fn closed(&mut self, key: NonZeroU64) {
        self.open.remove(&key.get());
    }

    /// Forgets the connections of a channel: its index is another's from now on.
    pub(super) fn forget_channel(&mut self, Vacated(channel): Vacated) {
        self.open.retain(|_, open| open.channel != channel);
    }

    /// By channel and direction: how many are open at `now`.
    pub fn counts(&self, now: Time) -> HashMap<ChannelIndex, [u64; 2]> {
        let mut counts: HashMap<ChannelIndex, [u64; 2]> = HashMap::new();
        for open in self.open.values().filter(|open| now.since(open.at) < MAX_AGE) {
            counts.entry(open.channel).or_default()[usize::from(open.outbound)] += 1;
        }
        counts
    }
}

labelled! {
    /// How an authentication ended.
    AuthenticationResult {
        Success = "success": "accepted";
        Failure = "failure": "refused";
        Unknown = "unknown": "the entry does not say";
    }
}

closed_set!(AuthenticationResult);

impl AuthenticationResult {
    /// By our reply where the entry has it apart (XML), else by the last reply code in the text, else
    /// by the words in front of it.
    pub fn of(entry: &Connection<'_>) -> Self {
        let code = diagnostic::parse(entry.diagnostic).code.or_else(|| last_code(entry.diagnostic));
        match code.map(|code| code / 100) {
            Some(2) => Self::Success,
            Some(4 | 5) => Self::Failure,
            _ => Self::by_words(if entry.text.is_empty() { entry.diagnostic } else { entry.text }),
        }
    }

    fn by_words(text: &[u8]) -> Self {
        let lower = text.to_ascii_lowercase();
        let says = |words: &str| memchr::memmem::find(&lower, words.as_bytes()).is_some();
        if says("authentication successful") {
            Self::Success
        } else if says("bad password") || says("failed") || says("failure") {
            Self::Failure
        } else {
            Self::Unknown
        }
    }
}

/// The last three-digit reply code that an enhanced status follows: `… *user 535 5.7.8 Bad …`.
fn last_code(text: &[u8]) -> Option<u16> {
    let starts = memchr::memchr_iter(b' ', text).map(|blank| blank + 1);
    starts.rev().find_map(|start| diagnostic::code(&text[start..]).filter(|_| text[start..].len() > 3))
}

#[cfg(test)]
mod tests {
    use super::AuthenticationResult;
    use crate::record::{Line, Reader};

    #[test]
    fn results_of_authentications() {
        for (entry, expected) in [
            (
                &br#"mi="Bad password" di="535 5.7.8 Bad username or password (Authentication failed).""#[..],
                "failure",
            ),
            (
                br#"mi="Authentication successful - switched to channel tcp_submit" di="235 2.7.0 ok""#,
                "success",
            ),
            (br#"mi="Authentication successful""#, "success"),
            (br#"mi="Bad password""#, "failure"),
            (br#"mi="something""#, "unknown"),
            (b"", "unknown"),
        ] {
            let start = br#"<co ts="2014-06-02T22:02:13.94" sc="tcp_submit" dr="+" ac="U" "#;
            let line = [start, entry, b"/>"].concat();
            let mut reader = Reader::default();
            let Line::Connection(connection) = reader.read(&line) else { panic!("a connection entry") };
            assert_eq!(AuthenticationResult::of(&connection).label(), expected);
        }
        for (text, expected) in [
            ("SMTP Bad password *nic@d.example 535 5.7.8 Bad username or password", "failure"),
            ("SMTP Authentication successful - switched to channel tcp_submit *a 235 2.7.0 ok", "success"),
            ("SMTP", "unknown"),
        ] {
            let line =
                format!("19-Jan-2019 19:16:57.64 tcp_local + U TCP|192.0.2.1|25|192.0.2.9|4299 {text}");
            let mut reader = Reader::default();
            let Line::Connection(connection) = reader.read(line.as_bytes()) else {
                panic!("a connection entry")
            };
            assert_eq!(AuthenticationResult::of(&connection).label(), expected, "{text}");
        }
    }
}
