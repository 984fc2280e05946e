//! Whose connection it is: an inbound one is a client's, an outbound one goes to a destination.

use super::client::ClientActivity;
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
        let activity = match event {
            ConnectionEvent::Opened { destination, .. } => {
                if let (Some(key), Some(destination)) = (key, destination) {
                    self.open_destinations.opened(key, destination, at.seen, batch);
                }
                ClientActivity::Connections
            }
            ConnectionEvent::Closed { .. } => {
                if let Some(key) = key {
                    self.open_destinations.closed(key);
                }
                return;
            }
            ConnectionEvent::Rejected(_) => ClientActivity::Rejections,
            ConnectionEvent::Authenticated { result: AuthenticationResult::Failure, .. } => {
                ClientActivity::AuthenticationFailures
            }
            _ => return,
        };
        self.clients.add(activity, at.seen, client, self.seed);
    }
}
