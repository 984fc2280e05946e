//! What strangers do to a mail host, beside mail and small attempts: floods, and a user's account in foreign
//! hands.

use super::super::action::{Action, HostAction};
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
        self.close_later(session, 4000, 8000);
    }

    /// One machine connects once more and leaves at once.
    pub(super) fn flooder_connects(&mut self) {
        let session = self.open(Channel::TcpLocal, 25, world::flooder(), false);
        self.close_later(session, 50, 500);
    }

    /// One of very many machines begins a connection and says no more. The MTA never hears of it.
    pub(super) fn connection_is_begun(&mut self) {
        let (id, client) = (self.next_connection(), self.random.u8(1..255));
        self.emit(Action::OnHost(HostAction::HalfOpen { id, client }));
        let wait = self.pause(5000, 7000);
        self.after(wait, move |traffic| traffic.emit(Action::OnHost(HostAction::Disconnect { id })));
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
