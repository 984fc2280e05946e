//! What strangers do to a mail host, beside mail and small attempts: floods, and a user's account in foreign
//! hands.

use super::super::message::{Channel, Recipient};
use super::super::world::{self, STOLEN_ACCOUNT};
use super::Traffic;
use super::inbound::Incoming;

/// Recipients of a message that a thief sends.
const VICTIMS: usize = 8;

impl Traffic {
    /// One of very many machines connects and keeps its connection.
    pub(super) fn drone_connects(&mut self) {
        let client = world::drone(&mut self.random);
        let session = self.open(Channel::TcpLocal, 25, client, false);
        self.close_later(session, 6000, 14_000);
    }

    /// One machine connects once more and leaves at once.
    pub(super) fn flooder_connects(&mut self) {
        let session = self.open(Channel::TcpLocal, 25, world::flooder(), false);
        self.close_later(session, 50, 500);
    }

    /// Somebody sends in the name of a user, with the right password and from anywhere.
    pub(super) fn thief_sends(&mut self) {
        let client = world::drone(&mut self.random);
        let session = self.open(Channel::TcpSubmit, 587, client, true);
        self.authenticate(session, STOLEN_ACCOUNT, |traffic, from| {
            let domain = world::any_domain(&mut traffic.random);
            let victim = |_| {
                let name = world::person(&mut traffic.random);
                let address = format!("{name}@{}", world::domain(domain));
                Recipient { original: address.clone(), current: address }
            };
            let recipients = (0..VICTIMS).map(victim).collect();
            Incoming { destination: Channel::TcpLocal, from, recipients, domain }
        });
    }
}
