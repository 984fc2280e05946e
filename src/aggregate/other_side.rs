//! Whose connection it is: an inbound one is a client's, an outbound one goes to a destination.

use super::client::Deed;
use super::digest::{Batch, Client, ConnectionEvent, Key};
use super::{Moment, Totals};
use crate::record::authentication::AuthenticationResult;

impl Totals {
    /// Counts what a connection entry tells about the other side.
    pub(super) fn other_side(
        &mut self,
        key: Key,
        client: Option<Client>,
        event: ConnectionEvent,
        at: Moment,
        batch: &Batch,
    ) {
        let deed = match event {
            ConnectionEvent::Opened { destination, .. } => {
                if let (Some(key), Some(destination)) = (key, destination) {
                    self.open_destinations.opened(key, destination, at.seen, batch);
                }
                Deed::Connections
            }
            ConnectionEvent::Closed { .. } => {
                if let Some(key) = key {
                    self.open_destinations.closed(key);
                }
                return;
            }
            ConnectionEvent::Rejected(_) => Deed::Rejections,
            ConnectionEvent::Authenticated { result: AuthenticationResult::Failure, .. } => {
                Deed::AuthenticationFailures
            }
            _ => return,
        };
        self.clients.add(deed, at.seen, client, self.seed);
    }
}
