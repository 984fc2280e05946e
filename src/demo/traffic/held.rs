//! Held messages, one of each kind: a loop that the MTA held at birth, one that an operator held
//! after an attempt, and one of a user on hold (Administration Guide, "Diagnosing and Cleaning up
//! .HELD Messages").

use std::time::Duration;

use super::super::event::Action;
use super::super::message::{Channel, Message, QueueFile};
use super::super::world::{self, Host, RUN_USER};
use super::Traffic;
use super::entries::{Disposition, Peer, Program};
use super::inbound::Session;

/// More `Received:` lines than any limit of the MTA allows, half of them with its own host name.
const LOOP_HOPS: u16 = 56;

impl Traffic {
    /// What is held from the start.
    pub(super) fn held_messages(&mut self) {
        self.after(Duration::from_millis(200), Self::looped_message);
        self.after(Duration::from_millis(400), Self::operator_holds_a_message);
        self.after(Duration::from_millis(600), Self::message_of_a_user_on_hold);
    }

    /// A message comes back once too often and is held at once, never tried.
    pub(super) fn looped_message(&mut self) {
        let client = Host { name: "mx1.loop.example".to_owned(), address: "203.0.113.200".to_owned() };
        let session = self.open(Channel::TcpLocal, 25, client, false);
        let wait = self.pause(50, 400);
        self.after(wait, move |traffic| traffic.hold_looped_message(session));
    }

    fn hold_looped_message(&mut self, mut session: Session) {
        let message = Message {
            source: Channel::TcpLocal,
            from: "list@loop.example".to_owned(),
            hops: LOOP_HOPS,
            ..self.message_for(Channel::TcpLocal, true)
        };
        let peer = session.peer(RUN_USER);
        self.enqueue(&mut session.thread, message, "EE", &peer);
        self.close_later(session, 30, 900);
    }

    fn operator_holds_a_message(&mut self) {
        let mut thread = self.thread(Program::Client);
        let message = self.message_for(Channel::TcpLocal, false);
        self.queued += 1;
        self.emit(Action::Create { file: message.file.clone(), contents: message.contents() });
        self.log_enqueue(&mut thread, &message, "E", &Peer::own());
        let disposition = Disposition {
            code: "Q",
            reason: "",
            diagnostic: "TCP active open: Failed connect()    Error: connection refused",
        };
        for recipient in &message.recipients {
            self.log_disposition(&mut thread, &message, recipient, disposition, &Peer::own());
        }
        let tried = QueueFile { attempts: 1, ..message.file.clone() };
        let held = QueueFile { held: true, ..tried.clone() };
        self.emit(Action::Rename { from: message.file, to: tried.clone() });
        self.after(Duration::from_secs(2), move |traffic| {
            traffic.emit(Action::Rename { from: tried, to: held });
        });
    }

    fn message_of_a_user_on_hold(&mut self) {
        let mut thread = self.thread(Program::Local);
        let message = self.message_for(Channel::Hold, true);
        self.enqueue(&mut thread, message, "E", &Peer::own());
    }

    fn message_for(&mut self, channel: Channel, held: bool) -> Message {
        let remote = channel == Channel::TcpLocal;
        let mut recipients = if remote { self.remote_recipients(9) } else { self.local_recipients(true) };
        recipients.truncate(1);
        Message {
            file: QueueFile { held, ..self.new_file(channel) },
            source: Channel::Native,
            from: format!("{}@{}", world::person(&mut self.random), world::LOCAL_DOMAIN),
            recipients,
            message_id: self.message_id(),
            blocks: 3,
            domain: 9,
            born: self.now,
            hops: 1,
        }
    }
}
