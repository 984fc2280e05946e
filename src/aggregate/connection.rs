//! What connection entries add up to.

use super::digest::{Batch, ConnectionEvent, Key};
use super::index::ChannelIndex;
use super::ledger::Books;
use super::{Moment, Totals};
use crate::record::Direction;

impl Totals {
    /// Counts what a connection entry tells.
    pub(super) fn connection(
        &mut self,
        channel: ChannelIndex,
        direction: Direction,
        key: Key,
        event: ConnectionEvent,
        at: Moment,
        batch: &Batch,
    ) {
        let Self { channels, connections: ledger, open_destinations: destinations, .. } = self;
        let books = &mut Books { channels, destinations };
        ledger.pass(at.seen, books);
        match event {
            ConnectionEvent::Opened { process, destination } => {
                if let Some(key) = key {
                    let destination = destination.map(|name| batch.text(name));
                    ledger.opened(key, (channel, direction, destination), process, at, books);
                }
                books.channels.at(channel).connections[direction].opened += 1;
            }
            ConnectionEvent::Closed { process, closing, cipher } => {
                let lasted = key.and_then(|key| ledger.closed(key, process, at.written, books));
                let counts = &mut books.channels.at(channel).connections[direction];
                counts.closed += 1;
                counts.closings.add(closing);
                if let Some(cipher) = cipher {
                    counts.ciphers.add(cipher);
                }
                if let Some(lasted) = lasted {
                    counts.durations.observe(lasted);
                }
            }
            ConnectionEvent::Rejected(reason) => {
                if let Some(key) = key {
                    ledger.taken(key, at.written, books);
                }
                books.channels.at(channel).connections[direction].rejected.add(reason);
            }
            ConnectionEvent::Failed(reason) => {
                if let Some(key) = key {
                    ledger.taken(key, at.written, books);
                }
                books.channels.at(channel).connections[direction].failed.add(reason);
            }
            ConnectionEvent::Etrn => books.channels.at(channel).etrn += 1,
            ConnectionEvent::Authenticated { result, failure } => {
                let counts = books.channels.at(channel);
                counts.authentications[result] += 1;
                if let Some(reason) = failure {
                    counts.authentication_failures.add(reason);
                }
            }
            ConnectionEvent::Other => {}
        }
    }
}
