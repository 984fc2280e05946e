//! What only a report keeps: breakdowns over whole files, where the service has windows of minutes.
//!
//! Fed with the lines that the [aggregate](crate::aggregate) has counted; every table is bounded.

pub mod stretches;
mod table;

use std::net::IpAddr;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::aggregate::channel::Outcome;
use crate::aggregate::client_of;
use crate::aggregate::connection::AuthenticationResult;
use crate::aggregate::reasons::PerLabel;
use crate::aggregate::unparsed::LastUnparsed;
use crate::record::reason::{self, Classified, Reason};
use crate::record::{Connection, Direction, Line, Message, address, label, transport};
use stretches::Stretches;
pub use table::Table;

/// What happened to the mail of one channel for one domain.
#[derive(Debug)]
pub struct DestinationCounts {
    /// The channel's label value.
    pub channel: String,
    /// The domain's label value.
    pub domain: String,
    /// Attempts, as the aggregate counts them.
    pub attempts: u64,
    /// Q and Z entries.
    pub deferred: u64,
    /// R and K entries.
    pub rejected: u64,
    /// How many of the attempts failed.
    pub failed: u64,
    /// Why all of these failed.
    pub reasons: PerLabel<Reason>,
}

/// What one client did.
#[derive(Debug, Default)]
pub struct ClientCounts {
    /// Inbound O entries.
    pub connections: u64,
    /// J entries.
    pub rejections: PerLabel<Reason>,
    /// Inbound X entries.
    pub rejected_connections: u64,
    /// Inbound U entries that failed.
    pub authentication_failures: u64,
}

/// All breakdowns.
#[derive(Debug)]
pub struct Breakdown {
    seed: u64,
    /// Wall-clock times of the first and the last entry, milliseconds as if they were UTC.
    pub period: Option<(i64, i64)>,
    /// By the hash of channel and domain.
    pub destinations: Table<u64, DestinationCounts>,
    /// By address.
    pub clients: Table<IpAddr, ClientCounts>,
    /// By channel and time.
    pub stretches: Stretches,
    /// E entries that put a message into the queue as held.
    pub held: u64,
    /// The last lines that were not understood.
    pub unparsed: LastUnparsed,
}

impl Breakdown {
    /// Nothing seen yet. `seed` keys the hashes.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            period: None,
            destinations: Table::default(),
            clients: Table::default(),
            stretches: Stretches::default(),
            held: 0,
            unparsed: LastUnparsed::default(),
        }
    }

    /// Takes line `number` of a log.
    pub fn line(&mut self, log: &str, number: u64, entry: &Line<'_>, bytes: &[u8]) {
        match entry {
            Line::Message(message) => {
                self.entry_at(message.time.civil_millis);
                self.message(message);
            }
            Line::Connection(connection) => {
                self.entry_at(connection.time.civil_millis);
                self.connection(connection);
            }
            Line::Unparsed(reason) => self.unparsed.note(log, Some(number), None, *reason, bytes),
            Line::Skipped(_) => {}
        }
    }

    fn entry_at(&mut self, at: i64) {
        let (first, last) = self.period.unwrap_or((at, at));
        self.period = Some((first.min(at), last.max(at)));
    }

    fn message(&mut self, message: &Message<'_>) {
        match message.action.letter {
            b'E' => self.held += u64::from(message.filename.ends_with(b".HELD")),
            b'D' => {
                self.stretches.attempt(message.source_channel, message.time.civil_millis, None);
                if let Some(counts) = self.destination(message, false) {
                    counts.attempts += 1;
                }
            }
            b'Q' | b'Z' | b'R' | b'K' => self.failed(message),
            b'J' => {
                if let Some(client) = client_of(message)
                    && let Some(why) = reason::of_message(message)
                    && let Some(counts) = self.clients.at(client, true, ClientCounts::default)
                {
                    counts.rejections.add(why.reason);
                }
            }
            _ => {}
        }
    }

    fn failed(&mut self, message: &Message<'_>) {
        let Some(Classified { reason, .. }) = reason::of_message(message) else { return };
        let outcome = Outcome::of(message.action);
        // As the aggregate has it: an expired or unnotified recipient was not tried just then.
        let attempted = outcome != Outcome::Unnotified && reason != Reason::Expired;
        if attempted {
            self.stretches.attempt(message.source_channel, message.time.civil_millis, Some(reason));
        }
        let Some(counts) = self.destination(message, true) else { return };
        counts.attempts += u64::from(attempted);
        counts.failed += u64::from(attempted);
        match outcome {
            Outcome::Deferred | Outcome::Partial => counts.deferred += 1,
            Outcome::Rejected | Outcome::Unnotified => counts.rejected += 1,
        }
        counts.reasons.add(reason);
    }

    fn destination(&mut self, message: &Message<'_>, trouble: bool) -> Option<&mut DestinationCounts> {
        let domain = address::destination(message.to)?;
        let key = pair_key(message.source_channel, domain, self.seed);
        self.destinations.at(key, trouble, || DestinationCounts {
            channel: label::channel(message.source_channel),
            domain: label::domain(domain),
            attempts: 0,
            deferred: 0,
            rejected: 0,
            failed: 0,
            reasons: PerLabel::default(),
        })
    }

    fn connection(&mut self, entry: &Connection<'_>) {
        if entry.direction != Direction::In || !matches!(entry.action.letter, b'O' | b'X' | b'U') {
            return;
        }
        let client = entry.transport.and_then(|ends| transport::address(ends.remote_address));
        let Some(client) = client else { return };
        let failed = || AuthenticationResult::of(entry) == AuthenticationResult::Failure;
        let trouble = entry.action.letter == b'X' || entry.action.letter == b'U' && failed();
        if entry.action.letter == b'U' && !trouble {
            return;
        }
        let Some(counts) = self.clients.at(client, trouble, ClientCounts::default) else { return };
        match entry.action.letter {
            b'O' => counts.connections += 1,
            b'X' => counts.rejected_connections += 1,
            _ => counts.authentication_failures += 1,
        }
    }
}

/// The hash of a channel and a domain, both without case, as their label values are.
fn pair_key(channel: &[u8], domain: &[u8], seed: u64) -> u64 {
    let mut lower = [0; 2 * label::MAX_BYTES + 1];
    let channel = &channel[..channel.len().min(label::MAX_BYTES)];
    let domain = &domain[..domain.len().min(label::MAX_BYTES)];
    let (start, end) = (channel.len() + 1, channel.len() + 1 + domain.len());
    lower[..channel.len()].copy_from_slice(channel);
    lower[start..end].copy_from_slice(domain);
    lower[..end].make_ascii_lowercase();
    xxh3_64_with_seed(&lower[..end], seed)
}
