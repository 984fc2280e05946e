//! Returned and delayed messages: the notifications go through the channel `process`, and their E
//! entries come before the R or W entry (2005Q4 guide, examples 21-4 and 21-5).

use super::super::message::{Channel, Message, Recipient, Route};
use super::super::world::{self, LOCAL_DOMAIN};
use super::Traffic;
use super::entries::{Disposition, Peer, Program, Thread};

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
