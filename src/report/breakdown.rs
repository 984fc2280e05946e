//! What only a report keeps: breakdowns over whole files, where the service has windows of minutes.
//!
//! Fed with the digests that the [aggregate](crate::aggregate) has counted; every table is bounded.

pub mod periods;
mod table;

use std::net::IpAddr;

use crate::aggregate::digest::{Batch, Client, ConnectionEvent, Delivery, Entry, Event, MessageEvent};
use crate::aggregate::index::LogIndex;
use crate::aggregate::reasons::PerLabel;
use crate::aggregate::unparsed::LastUnparsed;
use crate::record::authentication::AuthenticationResult;
use crate::record::code::Outcome;
use crate::record::reason::Reason;
use periods::Periods;
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
#[derive(Debug)]
pub struct ClientCounts {
    /// Its address.
    pub address: IpAddr,
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
    /// Wall-clock times of the first and the last entry, milliseconds as if they were UTC.
    pub period: Option<(i64, i64)>,
    /// By channel and domain.
    pub destinations: Table<DestinationCounts>,
    /// By address.
    pub clients: Table<ClientCounts>,
    /// By channel and time.
    pub periods: Periods,
    /// E entries that put a message into the queue as held.
    pub held: u64,
    /// The last lines that were not understood, by their log's index and their number in it.
    pub unparsed: LastUnparsed<(LogIndex, u64)>,
}

impl Breakdown {
    /// Nothing seen yet. `seed` is that of the digests.
    pub fn new(seed: u64) -> Self {
        Self {
            period: None,
            destinations: Table::default(),
            clients: Table::default(),
            periods: Periods::new(seed),
            held: 0,
            unparsed: LastUnparsed::default(),
        }
    }

    /// Takes the digest of lines of a log, behind its first `before` lines.
    pub fn add(&mut self, log: LogIndex, before: u64, batch: &Batch) {
        for entry in batch.entries() {
            let at = entry.time.civil_millis;
            let (first, last) = self.period.unwrap_or((at, at));
            self.period = Some((first.min(at), last.max(at)));
            match &entry.event {
                Event::Message { event, .. } => self.message(entry, event, batch),
                Event::Connection { client: Some(client), event, .. } => self.connection(client, *event),
                Event::Connection { .. } => {}
            }
        }
        for line in batch.unparsed.all() {
            self.unparsed.note((log, before + line.at), line.reason, &line.bytes);
        }
    }

    fn message(&mut self, entry: &Entry, event: &MessageEvent, batch: &Batch) {
        match event {
            MessageEvent::Enqueued { held, .. } => self.held += u64::from(*held),
            MessageEvent::Delivered { delivery, .. } => {
                self.attempt(entry, None, delivery, batch);
                if let Some(counts) = self.destination(entry, delivery, false, batch) {
                    counts.attempts += 1;
                }
            }
            MessageEvent::Failed { outcome, reason, delivery, .. } => {
                let attempted = event.is_attempt();
                if attempted {
                    self.attempt(entry, Some(*reason), delivery, batch);
                }
                let Some(counts) = self.destination(entry, delivery, true, batch) else { return };
                counts.attempts += u64::from(attempted);
                counts.failed += u64::from(attempted);
                match outcome {
                    Outcome::Deferred | Outcome::Partial => counts.deferred += 1,
                    Outcome::Rejected | Outcome::Unnotified => counts.rejected += 1,
                }
                counts.reasons.add(*reason);
            }
            MessageEvent::Refused { reason, client: Some(client) } => {
                if let Some(counts) = self.client(client, true) {
                    counts.rejections.add(*reason);
                }
            }
            _ => {}
        }
    }

    fn attempt(&mut self, entry: &Entry, failure: Option<Reason>, delivery: &Delivery, batch: &Batch) {
        let (channel, domain) = (entry.channel, delivery.domain.map(|domain| domain.key));
        self.periods.attempt(channel.key, || batch.text(channel), entry.time.civil_millis, failure, domain);
    }

    fn destination(
        &mut self,
        entry: &Entry,
        delivery: &Delivery,
        trouble: bool,
        batch: &Batch,
    ) -> Option<&mut DestinationCounts> {
        let domain = delivery.domain?;
        let key = entry.channel.key.rotate_left(1) ^ domain.key;
        self.destinations.at(key, trouble, || DestinationCounts {
            channel: batch.text(entry.channel).to_owned(),
            domain: batch.text(domain).to_owned(),
            attempts: 0,
            deferred: 0,
            rejected: 0,
            failed: 0,
            reasons: PerLabel::default(),
        })
    }

    fn connection(&mut self, client: &Client, event: ConnectionEvent) {
        let (trouble, count): (bool, fn(&mut ClientCounts) -> &mut u64) = match event {
            ConnectionEvent::Opened { .. } => (false, |counts| &mut counts.connections),
            ConnectionEvent::Rejected(_) => (true, |counts| &mut counts.rejected_connections),
            ConnectionEvent::Authenticated { result: AuthenticationResult::Failure, .. } => {
                (true, |counts| &mut counts.authentication_failures)
            }
            _ => return,
        };
        if let Some(counts) = self.client(client, trouble) {
            *count(counts) += 1;
        }
    }

    fn client(&mut self, client: &Client, trouble: bool) -> Option<&mut ClientCounts> {
        self.clients.at(client.key, trouble, || ClientCounts {
            address: client.address,
            connections: 0,
            rejections: PerLabel::default(),
            rejected_connections: 0,
            authentication_failures: 0,
        })
    }
}
