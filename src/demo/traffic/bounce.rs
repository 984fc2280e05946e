//! Returned and delayed messages: the notifications go through the channel `process`, and their E
//! entries come before the R or W entry (2005Q4 guide, examples 21-4 and 21-5).

use std::time::Duration;

use super::super::action::Action;
use super::super::message::{Channel, Message, QueueFile, Recipient, Route};
use super::super::world::{self, LOCAL_DOMAIN};
use super::Traffic;
use super::entries::{Disposition, Peer, Program, Thread};

/// Why the return job sends a message back.
pub(super) const TOO_LATE: &str = "unable to deliver this message after 4 days";
/// Attempts at a message in as many days.
const LATE_ATTEMPTS: u16 = 40;

impl Traffic {
    /// A recipient is rejected: the sender hears of it unless he asked not to.
    pub(super) fn reject(
        &mut self,
        thread: &mut Thread,
        message: &Message,
        recipient: &Recipient,
        reason: &str,
        diagnostic: &str,
        peer: &Peer,
    ) {
        let silent = self.chance(0.04);
        // Text entries have no field for the reason; there it stands where the reply would.
        let diagnostic = if diagnostic.is_empty() { reason } else { diagnostic };
        if !silent {
            self.notification(thread, message, true);
        }
        let code = if silent { "K" } else { "R" };
        self.log_disposition(thread, message, recipient, Disposition { code, reason, diagnostic }, peer);
    }

    /// Within 20 s the return job sends back a message that has been in the queue for days.
    pub(super) fn message_expires(&mut self) {
        let wait = self.pause(0, 20_000);
        self.after(wait, |traffic| {
            let domain = world::any_domain(&mut traffic.random);
            let message = Message {
                file: QueueFile { attempts: LATE_ATTEMPTS, ..traffic.new_file(Channel::TcpLocal) },
                source: Channel::TcpSubmit,
                from: format!("{}@{LOCAL_DOMAIN}", world::person(&mut traffic.random)),
                recipients: traffic.remote_recipients(domain),
                message_id: traffic.message_id(),
                blocks: 3,
                domain,
                born: Duration::ZERO,
                route: Route::Straight,
            };
            traffic.queued += 1;
            traffic.of(Channel::TcpLocal).waiting += 1;
            traffic.emit(Action::Create { file: message.file.clone(), contents: message.contents() });
            let mut thread = traffic.thread(Program::Local);
            for recipient in &message.recipients {
                traffic.reject(&mut thread, &message, recipient, TOO_LATE, "", &Peer::own());
            }
            traffic.delete(&message);
        });
    }

    /// A message is late: the sender hears of that, too.
    pub(super) fn warn(&mut self, thread: &mut Thread, message: &Message, recipient: &Recipient) {
        if message.from.is_empty() {
            return;
        }
        self.notification(thread, message, false);
        let reason = "unable to deliver this message after 1 day";
        let disposition = Disposition { code: "W", reason, diagnostic: reason };
        self.log_disposition(thread, message, recipient, disposition, &Peer::own());
    }

    fn notification(&mut self, thread: &mut Thread, message: &Message, to_postmaster: bool) {
        let mut addresses = Vec::new();
        if !message.from.is_empty() {
            addresses.push(message.from.clone());
        }
        if to_postmaster {
            addresses.push(format!("postmaster@{LOCAL_DOMAIN}"));
        }
        let recipient = |address: String| Recipient { original: address.clone(), current: address };
        let notification = Message {
            file: self.new_file(Channel::Process),
            source: message.file.channel,
            from: String::new(),
            recipients: addresses.into_iter().map(recipient).collect(),
            message_id: format!("{},{}", self.message_id(), message.message_id),
            blocks: message.blocks.min(2) + 1,
            domain: 0,
            born: self.now,
            route: Route::Straight,
        };
        self.enqueue(thread, notification, "E", &Peer::own());
    }

    /// The process channel sends a notification on its way: to the store, or out.
    pub(super) fn notify(&mut self, message: &Message) {
        let mut thread = self.thread(Program::Local);
        let message_id = message.message_id.split(',').next().unwrap_or_default().to_owned();
        for recipient in &message.recipients {
            let (name, domain) = recipient.original.split_once('@').unwrap_or_default();
            let index = (0..world::domains()).find(|index| world::domain(*index) == domain);
            let (channel, current) = match index {
                Some(_) => (Channel::TcpLocal, recipient.original.clone()),
                None => (Channel::ImsMs, format!("{name}@ims-ms-daemon")),
            };
            let sent = Message {
                file: self.new_file(channel),
                source: Channel::Process,
                recipients: vec![Recipient { current, ..recipient.clone() }],
                message_id: message_id.clone(),
                blocks: message.blocks + 2,
                domain: index.unwrap_or(0),
                ..message.clone()
            };
            self.enqueue(&mut thread, sent, "E", &Peer::own());
        }
        self.dequeue(&mut thread, message);
    }
}
