//! PURE: what the entries add up to. No I/O, no clock, no metrics crate; time is a parameter.
//!
//! [`Aggregate`] is the single writer's state: it takes one [`Line`] after the other and keeps counts,
//! windows and joins, every table of them capped. All of it that a restart must not lose is in
//! [`Totals`], which is saved together with the offsets of the logs.

pub mod account;
pub mod channel;
pub mod client;
mod clock;
pub mod connection;
pub mod delay;
pub mod destination;
pub mod enqueue;
pub mod entry;
pub mod growth;
pub mod histogram;
mod join;
pub mod labels;
pub mod option;
pub mod reading;
pub mod reasons;
pub mod reply;
pub mod unparsed;
pub mod window;

use std::collections::BTreeSet;

use clock::LocalClock;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

use crate::record::reason::{self, Classified, Reason};
use crate::record::timestamp::Timestamp;
use crate::record::{Connection, Line, Message, Skip, address, label, queue_file, transport};

/// Everything that log entries feed and that is saved.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Totals {
    /// Chosen at the first start and saved: keys of the hash tables are chosen by other people.
    seed: u64,
    /// Lines by log.
    pub accounts: account::Accounts,
    /// Entries by code.
    pub entries: entry::Entries,
    /// Counts by channel.
    pub channels: channel::Channels,
    /// Enqueues by pair of channels.
    pub enqueues: enqueue::Enqueues,
    /// Failures by destination domain.
    pub destinations: destination::Destinations,
    /// Replies of other hosts.
    pub replies: reply::Replies,
    /// Connections that are open, by the log.
    pub connections: connection::OpenConnections,
    /// What clients did in the last minutes.
    pub clients: client::Clients,
    /// Joins of an entry with an earlier one.
    pub delays: delay::Delays,
    /// Which `LOG_*` options the log shows.
    pub options: option::OptionsSeen,
}

impl Totals {
    /// Nothing counted yet.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            accounts: account::Accounts::default(),
            entries: entry::Entries::default(),
            channels: channel::Channels::default(),
            enqueues: enqueue::Enqueues::default(),
            destinations: destination::Destinations::default(),
            replies: reply::Replies::default(),
            connections: connection::OpenConnections::default(),
            clients: client::Clients::default(),
            delays: delay::Delays::default(),
            options: option::OptionsSeen::default(),
        }
    }
}

impl Totals {
    /// The labels of the channels that entries have named: those that are configured, whatever
    /// directories there are.
    pub fn channels_in_log(&self) -> BTreeSet<String> {
        let attempted = self.channels.all().filter(|(_, counts)| counts.attempts > 0).map(|(label, _)| label);
        let enqueued = self.enqueues.pairs().iter().flat_map(|pair| [pair.source, pair.destination]);
        attempted.chain(enqueued.map(|index| self.channels.label(index))).map(str::to_owned).collect()
    }
}

/// When an entry happened, Unix milliseconds.
#[derive(Clone, Copy, Debug)]
struct Moment {
    /// By its own time stamp.
    written: i64,
    /// The same, but not after the reading clock: one entry from a wrong clock's future must not empty
    /// the windows of the last minutes.
    seen: i64,
}

/// Takes entries and adds them up.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// Bytes of one block of the MTA's sizes (`BLOCK_SIZE`, 1024 unless configured).
    block_size: u64,
    clock: LocalClock,
    /// The sums.
    pub totals: Totals,
}

impl Aggregate {
    /// Goes on from `totals`. Entries carry local time of `zone`.
    pub fn new(totals: Totals, zone: jiff::tz::TimeZone, block_size: u64) -> Self {
        Self { block_size, clock: LocalClock::new(zone), totals }
    }

    /// Starts all sums again, as one counter reset: after lines were lost while the program was down,
    /// a value that goes on would be a little too low and nobody could see it.
    pub fn restart(&mut self) {
        let accounts = self.totals.accounts.restarted();
        self.totals = Totals { accounts, ..Totals::new(self.totals.seed) };
    }

    /// Counts one line that takes `bytes` in the log with index `log`. `now` is Unix milliseconds, or
    /// `None` to take the last entry's time, when an old file is read.
    pub fn line(&mut self, log: usize, line: &Line<'_>, bytes: usize, now: Option<i64>) {
        self.totals.accounts.add(log, bytes as u64);
        match line {
            Line::Message(message) => {
                let at = self.entry_time(log, message.time, now);
                self.totals.accounts.message(log, message);
                self.message(message, at);
            }
            Line::Connection(connection) => {
                let at = self.entry_time(log, connection.time, now);
                self.connection(connection, at);
            }
            Line::Skipped(reason) => self.totals.accounts.skipped(log, *reason),
            Line::Unparsed(reason) => self.totals.accounts.unparsed(log, *reason),
        }
    }

    /// Counts bytes that are no complete line within the cap; `ends` says that the line ends there.
    pub fn skipped_bytes(&mut self, log: usize, reason: Skip, bytes: u64, ends: bool) {
        if ends {
            self.totals.accounts.add(log, bytes);
            self.totals.accounts.skipped(log, reason);
        } else {
            self.totals.accounts.add_part(log, bytes);
        }
    }

    fn entry_time(&mut self, log: usize, stamp: Timestamp, now: Option<i64>) -> Moment {
        let reading = now.or_else(|| self.totals.accounts.last_entry(log)).unwrap_or(stamp.civil_millis);
        let written = self.clock.unix_millis(stamp, reading);
        let seen = now.map_or(written, |now| written.min(now));
        self.totals.accounts.entry_at(log, seen);
        Moment { written, seen }
    }

    fn message(&mut self, message: &Message<'_>, at: Moment) {
        let totals = &mut self.totals;
        totals.entries.add(message.action);
        totals.options.message(message);
        let channel = totals.channels.index(message.source_channel);
        let bytes = message.blocks.saturating_mul(self.block_size);
        match message.action.letter {
            b'E' => {
                let destination = totals.channels.index(message.destination_channel);
                totals.enqueues.add(channel, destination, bytes);
                self.enqueued(message, at);
            }
            b'D' => {
                let counts = totals.channels.at(channel);
                counts.dequeued_recipients += 1;
                counts.dequeued_bytes += bytes;
                counts.attempts += 1;
                self.attempted(message, channel, at, None);
                self.disposed(message, channel, at);
            }
            b'Q' | b'Z' | b'R' | b'K' => self.failed(message, channel, at),
            b'J' => {
                if let Some(why) = reason::of_message(message) {
                    totals.channels.at(channel).rejections.add(why.reason);
                }
                if let Some(client) = client_of(message) {
                    totals.clients.rejections.add(at.seen, client);
                }
            }
            b'V' => totals.channels.at(channel).aborted_transactions += 1,
            b'B' => totals.channels.at(channel).bad_commands += 1,
            b'W' => totals.channels.at(channel).delay_warnings += 1,
            _ => {}
        }
    }

    fn failed(&mut self, message: &Message<'_>, channel: usize, at: Moment) {
        let Some(Classified { reason, reply, .. }) = reason::of_message(message) else { return };
        let outcome = channel::Outcome::of(message.action);
        let counts = self.totals.channels.at(channel);
        counts.failures[outcome as usize].add(reason);
        // An expired or unnotified recipient was not tried again just then.
        let attempted = outcome != channel::Outcome::Unnotified && reason != Reason::Expired;
        counts.attempts += u64::from(attempted);
        if reply.remote {
            self.totals.replies.add(channel, &reply);
        }
        if attempted {
            self.attempted(message, channel, at, Some(outcome));
        }
        if matches!(outcome, channel::Outcome::Rejected | channel::Outcome::Unnotified) {
            self.disposed(message, channel, at);
        }
    }

    /// A delivery was tried; `failure` says how it failed.
    fn attempted(
        &mut self,
        message: &Message<'_>,
        channel: usize,
        at: Moment,
        failure: Option<channel::Outcome>,
    ) {
        if let Some(file) = queue_file::parse(queue_file::base_name(message.filename))
            && failure != Some(channel::Outcome::Partial)
        {
            // The name shows the attempts before this one.
            self.totals.channels.at(channel).tries[channel::try_band(file.attempts + 1)] += 1;
        }
        let Some(domain) = address::destination(message.to) else { return };
        let key = domain_key(domain, self.totals.seed);
        self.totals.destinations.attempted(channel, key, at.seen);
        if let Some(outcome) = failure {
            self.totals.destinations.failed(channel, key, domain, outcome, at.seen);
        }
    }

    fn enqueued(&mut self, message: &Message<'_>, at: Moment) {
        let totals = &mut self.totals;
        if !message.filename.is_empty() {
            let key = file_key(message.destination_channel, message.filename, totals.seed);
            totals.delays.file_enqueued(key, at.written);
        }
        let id = first_id(message.message_id);
        if !id.is_empty() && delay::is_outside(message.source_channel) {
            totals.delays.message_arrived(xxh3_64_with_seed(id, totals.seed), at.written);
        }
    }

    /// The recipient's last entry in this channel: delivered, rejected or dropped.
    fn disposed(&mut self, message: &Message<'_>, channel: usize, at: Moment) {
        let totals = &mut self.totals;
        let counts = totals.channels.at(channel);
        if let Some(seconds) = message.queue_seconds {
            counts.queue_delay.observe_millis(delay::millis(seconds));
        } else if !message.filename.is_empty() {
            let key = file_key(message.source_channel, message.filename, totals.seed);
            if let Some(enqueued) = totals.delays.enqueued_at(key) {
                counts.queue_delay.observe_millis(at.written - enqueued);
            }
        }
        let id = first_id(message.message_id);
        if !id.is_empty()
            && delay::is_outside(message.source_channel)
            && let Some(arrived) = totals.delays.arrived_at(xxh3_64_with_seed(id, totals.seed))
        {
            counts.end_to_end_delay.observe_millis(at.written - arrived);
        }
    }

    fn connection(&mut self, entry: &Connection<'_>, at: Moment) {
        let totals = &mut self.totals;
        totals.entries.add(entry.action);
        totals.options.connection(entry);
        let channel = totals.channels.index(entry.channel);
        let direction = entry.direction as usize;
        let client = entry.transport.and_then(|ends| transport::address(ends.remote_address));
        let inbound = client.filter(|_| entry.direction == crate::record::Direction::In);
        let key = entry.transport.map(|ends| xxh3_64_with_seed(ends.tuple, totals.seed ^ direction as u64));
        let reason = reason::of_connection(entry).map(|why| why.reason);
        let counts = &mut totals.channels.at(channel).connections[direction];
        match entry.action.letter {
            b'O' => {
                counts.opened += 1;
                if let Some(key) = key {
                    totals.connections.opened(key, channel, entry.direction, at.seen);
                }
                inbound.inspect(|&client| totals.clients.connections.add(at.seen, client));
            }
            b'C' => {
                counts.closed += 1;
                key.inspect(|&key| totals.connections.closed(key));
            }
            b'X' => {
                reason.inspect(|&reason| counts.rejected.add(reason));
                inbound.inspect(|&client| totals.clients.rejections.add(at.seen, client));
            }
            b'Y' => reason.into_iter().for_each(|reason| counts.failed.add(reason)),
            b'I' => totals.channels.at(channel).etrn += 1,
            b'U' => {
                let result = connection::AuthenticationResult::of(entry);
                totals.channels.at(channel).authentications[result as usize] += 1;
                if result == connection::AuthenticationResult::Failure {
                    inbound.inspect(|&client| totals.clients.authentication_failures.add(at.seen, client));
                }
            }
            _ => {}
        }
    }
}

/// Who sent what was rejected: the transport where the entry has it, else the source system.
pub fn client_of(message: &Message<'_>) -> Option<std::net::IpAddr> {
    let transport =
        transport::parse(message.transport).and_then(|ends| transport::address(ends.remote_address));
    transport.or_else(|| transport::source_address(message.source_system))
}

/// A notification's entry shows its own id, a comma, and the id of the message that it is about.
fn first_id(ids: &[u8]) -> &[u8] {
    ids.split(|&byte| byte == b',').next().unwrap_or(ids)
}

/// A queue file keeps its unique part and channel while its attempts, in front of it, count up.
fn file_key(channel: &[u8], filename: &[u8], seed: u64) -> u64 {
    let base = queue_file::base_name(filename);
    let mut hash = Xxh3::with_seed(seed);
    hash.update(base.get(2..).unwrap_or(base));
    for byte in channel {
        hash.update(&[byte.to_ascii_lowercase()]);
    }
    hash.digest()
}

fn domain_key(domain: &[u8], seed: u64) -> u64 {
    let mut lower = [0; label::MAX_BYTES];
    let length = domain.len().min(lower.len());
    lower[..length].copy_from_slice(&domain[..length]);
    lower.make_ascii_lowercase();
    xxh3_64_with_seed(&lower[..length], seed)
}
