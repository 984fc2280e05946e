//! PURE: what the entries add up to. No I/O, no clock, no metrics crate; time is a parameter.
//!
//! Lines are [digested](digest) in blocks, and [`Aggregate`], the single writer's state, applies one
//! block after the other: it keeps counts, windows and joins, every table of them capped. All of it that
//! a restart must not lose is in [`Totals`], which is saved together with the offsets of the logs.

pub mod account;
pub mod baseline;
pub mod busiest;
pub mod channel;
pub mod client;
mod clock;
mod connection;
pub mod daemon_log;
pub mod delay;
pub mod destination;
pub mod digest;
pub mod each;
mod elapsed;
pub mod enqueue;
pub mod entry;
mod heavy_hitters;
pub mod histogram;
pub mod index;
mod join;
pub mod labels;
pub mod ledger;
pub mod log_clock;
pub mod open_destination;
pub mod option;
mod other_side;
pub mod reasons;
pub mod recent;
pub mod reply;
mod ring;
pub mod sender;
pub mod table;
pub mod time;
pub mod timeline;
pub mod unparsed;
pub mod window;

use std::collections::BTreeSet;
use std::ops::Range;

use channel::TryBand;
use client::ClientActivity;
use clock::LocalClock;
use digest::{Batch, Delivery, Digester, Entry, Event, MessageEvent, Waited};
use index::{ChannelIndex, LogIndex};
use serde::{Deserialize, Serialize};
pub use table::{LeftOut, Table};
use time::{Monotonic, Time, UnixTime};
use timeline::Present;

use crate::record::code::Outcome;
use crate::record::timestamp::Timestamp;

macro_rules! totals {
    ($($(#[$doc:meta])* $name:ident: $table:ty,)*) => {
        /// Everything that log entries feed and that is saved: one field a [`Table`].
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(from = "Saved")]
        pub struct Totals {
            /// Chosen at the first start and saved: keys of the hash tables are chosen by other people.
            seed: u64,
            $($(#[$doc])* pub $name: $table,)*
        }

        /// What is saved. A table that an older release did not have begins empty.
        #[derive(Deserialize)]
        struct Saved {
            seed: u64,
            $($name: Option<$table>,)*
        }

        impl From<Saved> for Totals {
            fn from(saved: Saved) -> Self {
                let seed = saved.seed;
                let mut totals = Self { seed, $($name: saved.$name.unwrap_or_else(|| Table::empty(seed)),)* };
                totals.open_destinations.follow(|key| totals.connections.has(key));
                totals
            }
        }

        impl Totals {
            /// Nothing counted yet.
            pub fn new(seed: u64) -> Self {
                Self { seed, $($name: Table::empty(seed),)* }
            }

            /// What the bounds of the tables have left out, by table.
            pub fn left_out(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$(self.$name.left_out(),)*].into_iter().flat_map(LeftOut::counted)
            }

            /// How many members of a table took another one's place, by table.
            pub fn replaced(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$(self.$name.replaced(),)*].into_iter().flatten()
            }
        }
    };
}

totals! {
    /// Lines by log.
    accounts: account::Accounts,
    /// Entries by code.
    entries: entry::Entries,
    /// Counts by channel.
    channels: channel::Channels,
    /// Enqueues by pair of channels.
    enqueues: enqueue::Enqueues,
    /// Failures by destination domain.
    destinations: destination::Destinations,
    /// Replies of other hosts.
    replies: reply::Replies,
    /// Connections that are open, by the log.
    connections: ledger::OpenConnections,
    /// What clients did in the last minutes.
    clients: client::Clients,
    /// What authenticated senders did in the last minutes.
    senders: sender::Senders,
    /// Where outbound connections are open to.
    open_destinations: open_destination::OpenDestinations,
    /// Joins of an entry with an earlier one.
    delays: delay::Delays,
    /// Which `LOG_*` options the log shows.
    options: option::OptionsSeen,
    /// Notices in the syslog that a message was held for its `Received:` lines.
    notices: u64,
    /// Events in the logs of daemons.
    daemon_logs: daemon_log::DaemonLogs,
    /// The time that all the others keep.
    #[serde(default)]
    timeline: timeline::Timeline,
    /// What channels did in the last minutes.
    #[serde(default)]
    recent: recent::Recent,
}

impl Totals {
    /// Makes channels known that are real: they have a queue directory, or the configuration names them. Where
    /// all labels are taken, the quietest of a channel that is not gives way. Its series vanish, the newcomer's begin
    /// at 0, and nothing that was counted moves.
    pub fn know_channels(&mut self, real: &BTreeSet<String>) {
        for label in real {
            if self.channels.known(label) {
                continue;
            }
            let Some(vacated) = self.channels.quietest(real, &self.enqueues.by_channel()) else { return };
            self.channels.give_way(vacated, label);
            self.enqueues.forget_channel(vacated);
            self.destinations.forget_channel(vacated);
            self.replies.forget_channel(vacated);
            self.connections.forget_channel(vacated, &mut self.open_destinations);
            self.recent.forget_channel(vacated);
        }
    }

    /// The labels of the channels that entries have named: those that are configured, whatever
    /// directories there are.
    pub fn channels_in_log(&self) -> BTreeSet<String> {
        let attempted = self.channels.all().filter(|(_, counts)| counts.attempts > 0).map(|(label, _)| label);
        let enqueued = self.enqueues.pairs().iter().flat_map(|pair| [pair.source, pair.destination]);
        attempted.chain(enqueued.map(|index| self.channels.label(index))).map(str::to_owned).collect()
    }
}

/// Entries whose places in the joins are fetched at once.
const FETCHED: usize = 32;

/// When an entry happened.
#[derive(Clone, Copy, Debug)]
struct Moment {
    /// By its own time stamp.
    written: Time,
    /// The same, but not after the reading clock: an entry of the future moves no window.
    seen: Time,
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

    /// Starts all sums of entries again, as one counter reset: after lines were lost while the program was down,
    /// a value that goes on would be a little too low and nobody could see it.
    pub fn restart(&mut self) {
        let accounts = self.totals.accounts.restarted();
        // Of the notices and of the logs of daemons nothing was lost.
        let daemon_logs = std::mem::take(&mut self.totals.daemon_logs);
        let Totals { notices, timeline, .. } = self.totals;
        self.totals = Totals { accounts, notices, daemon_logs, timeline, ..Totals::new(self.totals.seed) };
    }

    /// The present, by the host's clock and by one that never goes back.
    pub fn present(&self, unix: UnixTime, monotonic: Monotonic) -> Present {
        self.totals.timeline.present(unix, monotonic, self.totals.accounts.newest_entry())
    }

    /// The same, for entries that are read now.
    pub fn go_on(&mut self, unix: UnixTime, monotonic: Monotonic) -> Present {
        let present = self.present(unix, monotonic);
        self.totals.timeline.go_on(present, monotonic);
        present
    }

    /// When an entry with a time stamp was written that is read at `now`.
    pub fn unix(&mut self, stamp: Timestamp, now: Present) -> UnixTime {
        self.clock.unix(stamp, now.unix)
    }

    /// When something was written at so many milliseconds after some midnight, and not after `latest` by more than a
    /// minute.
    pub fn unix_of_clock(&self, millis: i64, latest: UnixTime) -> UnixTime {
        self.clock.unix_of_clock(millis, latest)
    }

    /// What lines of these sums are digested with.
    pub fn digester(&self) -> Digester {
        Digester::new(self.totals.seed)
    }

    /// Counts the lines of a block of a log. `now` is the present, or `None` to
    /// take the last entry's time, when an old file is read.
    pub fn apply(&mut self, log: LogIndex, batch: &Batch, now: Option<Present>) {
        self.apply_lines(log, batch);
        self.apply_entries(log, batch, 0..batch.entries().len(), now);
    }

    /// The first part of [`Aggregate::apply`]: every line's fate, and what the log shows of options.
    pub fn apply_lines(&mut self, log: LogIndex, batch: &Batch) {
        self.totals.accounts.add(log, &batch.lines, batch.inference);
        self.totals.options.add_all(batch.options);
    }

    /// The rest of it: the entries with these indices. A block may be applied in parts, for who
    /// looks at the sums between two entries; each part once, in the order of the log.
    pub fn apply_entries(&mut self, log: LogIndex, batch: &Batch, part: Range<usize>, now: Option<Present>) {
        for entries in batch.entries().get(part).unwrap_or_default().chunks(FETCHED) {
            self.totals.delays.fetch(entries);
            for entry in entries {
                self.entry(log, entry, batch, now);
            }
        }
    }

    fn entry(&mut self, log: LogIndex, entry: &Entry, batch: &Batch, now: Option<Present>) {
        let at = self.entry_time(log, entry.time, now);
        let channel = self.totals.channels.index(entry.channel, batch);
        self.totals.entries.add(entry.code);
        match entry.event {
            Event::Message { blocks, event } => {
                self.message(channel, blocks.saturating_mul(self.block_size), event, at, batch);
            }
            Event::Connection { direction, key, client, event } => {
                self.totals.connection(channel, direction, key, event, at, batch);
                self.totals.other_side(client, event, at);
            }
        }
    }

    fn entry_time(&mut self, log: LogIndex, stamp: Timestamp, now: Option<Present>) -> Moment {
        let (present, latest) = now.map_or_else(
            || {
                let first = Time::of(stamp.civil_millis);
                (Present::of_entry(self.totals.accounts.last_entry(log).unwrap_or(first)), Time::MAX)
            },
            |now| (now, now.now()),
        );
        let written = present.on_timeline(self.clock.unix(stamp, present.unix));
        let seen = written.min(latest);
        self.totals.accounts.entry_at(log, seen);
        Moment { written, seen }
    }

    fn message(&mut self, channel: ChannelIndex, bytes: u64, event: MessageEvent, at: Moment, batch: &Batch) {
        let totals = &mut self.totals;
        let counts = totals.channels.at(channel);
        let attempted = event.is_attempt();
        match event {
            MessageEvent::Enqueued { destination, file, message, arrives, sender, .. } => {
                let destination = totals.channels.index(destination, batch);
                if let Some(sender) = sender {
                    totals.senders.enqueued(sender, at.seen, batch);
                }
                totals.enqueues.add(channel, destination, bytes);
                totals.recent.enqueued(destination, at.seen);
                totals.delays.enqueued(file, message, arrives, at.written);
            }
            MessageEvent::Delivered { delivery, waited } => {
                counts.dequeued_recipients += 1;
                counts.dequeued_bytes += bytes;
                totals.recent.attempted(channel, None, at.seen);
                self.attempted(channel, &delivery, None, at, batch);
                self.waited(channel, &waited, None, at);
            }
            MessageEvent::Failed { outcome, reason, reply, delivery, waited, .. } => {
                counts.failures[outcome].add(reason);
                if let Some(reply) = reply {
                    totals.replies.add(channel, reply, at.seen, batch);
                }
                if attempted {
                    totals.recent.attempted(channel, Some(reason), at.seen);
                    self.attempted(channel, &delivery, Some(outcome), at, batch);
                }
                self.waited(channel, &waited, Some(outcome), at);
            }
            MessageEvent::Refused { reason, client } => {
                counts.rejections.add(reason);
                totals.clients.add(ClientActivity::Rejections, at.seen, client, totals.seed);
            }
            MessageEvent::Aborted => counts.aborted_transactions += 1,
            MessageEvent::BadCommand { client } => {
                counts.bad_commands += 1;
                totals.clients.add(ClientActivity::BadCommands, at.seen, client, totals.seed);
            }
            MessageEvent::DelayWarning => counts.delay_warnings += 1,
            MessageEvent::Other => {}
        }
    }

    /// A delivery was tried; `failure` says how it failed.
    fn attempted(
        &mut self,
        channel: ChannelIndex,
        delivery: &Delivery,
        failure: Option<Outcome>,
        at: Moment,
        batch: &Batch,
    ) {
        let totals = &mut self.totals;
        let counts = totals.channels.at(channel);
        counts.attempts += 1;
        // A recipient of Z waits in a new file, whose attempts begin again.
        if let Some(attempt) = delivery.attempt.filter(|_| failure != Some(Outcome::Partial)) {
            counts.tries[TryBand::of(attempt)] += 1;
        }
        let Some(domain) = delivery.domain else { return };
        totals.destinations.attempted(channel, domain, at.seen);
        if let Some(outcome) = failure {
            totals.destinations.failed(channel, domain, outcome, at.seen, batch);
        }
    }

    fn waited(&mut self, channel: ChannelIndex, waited: &Waited, failure: Option<Outcome>, at: Moment) {
        let delayed = self.totals.delays.tried(waited, failure, at.written);
        let counts = self.totals.channels.at(channel);
        if let Some(delay) = delayed.queue {
            counts.queue_delay.observe(delay);
        }
        if let Some(delay) = delayed.end_to_end {
            counts.end_to_end_delay.observe(delay);
        }
    }
}

#[cfg(test)]
mod tests;
