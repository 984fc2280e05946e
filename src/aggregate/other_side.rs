//! Whose connection it is: an inbound one is a client's.

use super::client::ClientActivity;
use super::digest::{Client, ConnectionEvent};
use super::{Moment, Totals};
use crate::record::authentication::AuthenticationResult;

impl Totals {
    /// Counts what a connection entry tells about the other side.
    pub(super) fn other_side(&mut self, client: Option<Client>, event: ConnectionEvent, at: Moment) {
        let activity = match event {
            ConnectionEvent::Opened { .. } => ClientActivity::Connections,
            ConnectionEvent::Rejected(_) => ClientActivity::Rejections,
            ConnectionEvent::Authenticated { result: AuthenticationResult::Failure, .. } => {
                ClientActivity::AuthenticationFailures
            }
            _ => return,
        };
        self.clients.add(activity, at.seen, client, self.seed);
    }
}
