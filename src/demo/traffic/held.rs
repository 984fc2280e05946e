//! Held messages, one of each kind: loops that the MTA held at birth, by each of its limits that
//! mail of today can exceed; one that an operator held after an attempt, one to more recipients
//! than `holdlimit` allows, one of a user on hold (Administration Guide, "Diagnosing and Cleaning up
//! .HELD Messages"); and a file that a full disk has left empty, which tells nothing.

use std::time::Duration;

use super::super::action::Action;
use super::super::message::{Channel, Message, QueueFile, Recipient, Route};
use super::super::world::{self, Host, RUN_USER};
use super::Traffic;
use super::entries::{Disposition, Peer, Program};
use super::inbound::Session;

/// One more than `MAX_LOCAL_RECEIVED_LINES` allows by default.
const OWN_LINES: u16 = 11;
/// As many as `MAX_RECEIVED_LINES` and `MAX_X400_RECEIVED_LINES` allow by default.
const FAR_LINES: u16 = 50;
/// More recipients than most sites accept at once.
const CROWD: usize = 120;

impl Traffic {
    /// What is held from the start.
    pub(super) fn held_messages(&mut self) {
        self.after(Duration::from_millis(200), Self::looped_message);
        self.after(Duration::from_millis(400), Self::operator_holds_a_message);
        self.after(Duration::from_millis(600), Self::message_of_a_user_on_hold);
        self.after(Duration::from_millis(800), |traffic| traffic.held_at_birth(Route::FarLoop(FAR_LINES), 1));
        self.after(Duration::from_secs(1), |traffic| {
            traffic.held_at_birth(Route::X400Loop(FAR_LINES + 1), 1);
        });
        self.after(Duration::from_millis(1200), |traffic| traffic.held_at_birth(Route::Straight, CROWD));
        self.after(Duration::from_millis(1400), Self::damaged_message);
    }

    /// A message comes back once too often and is held at once, never tried.
    pub(super) fn looped_message(&mut self) {
        self.held_at_birth(Route::OwnLoop(OWN_LINES), 1);
    }

    /// A message comes in and is held at once for the way that it came, or for its many recipients.
    fn held_at_birth(&mut self, route: Route, recipients: usize) {
        let client = Host { name: "mx1.loop.example".to_owned(), address: "203.0.113.200".to_owned() };
        let session = self.open(Channel::TcpLocal, 25, client, false);
        let wait = self.pause(50, 400);
        self.after(wait, move |traffic| traffic.hold(session, route, recipients));
    }

    fn hold(&mut self, mut session: Session, route: Route, recipients: usize) {
        let mut message = Message {
            source: Channel::TcpLocal,
            from: "list@loop.example".to_owned(),
            route,
            ..self.message_for(Channel::TcpLocal, true)
        };
        let numbered = |number| {
            let address = format!("member{number}@{}", world::domain(message.domain));
            Recipient { original: address.clone(), current: address }
        };
        let more: Vec<Recipient> = (1..recipients).map(numbered).collect();
        message.recipients.extend(more);
        let peer = session.peer(RUN_USER);
        self.enqueue(&mut session.thread, message, "EE", &peer);
        self.close_later(session, 30, 900);
    }

    fn damaged_message(&mut self) {
        let file = QueueFile { held: true, ..self.new_file(Channel::TcpLocal) };
        self.queued += 1;
        self.emit(Action::Create { file, contents: Vec::new() });
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
            route: Route::Straight,
        }
    }
}
