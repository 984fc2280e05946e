//! What channel programs do with the messages in their queue.

use std::time::Duration;

use super::super::action::Action;
use super::super::entry::ConnectionEntry;
use super::super::message::{Channel, Message, Recipient};
use super::super::world::{self, LOCAL_ADDRESS, LOCAL_ADDRESS_6, RUN_USER};
use super::Traffic;
use super::bounce::TOO_LATE;
use super::entries::{Disposition, Peer, Program, Thread};
use super::outcome::Outcome;

/// Attempts before a message is returned. A real MTA tries for days; the demo has minutes.
const MOST_ATTEMPTS: u16 = 10;
/// A warning goes to the sender with this attempt.
const WARNING_ATTEMPT: u16 = 4;
/// Seconds until the next attempt, by attempts made.
const BACKOFF: [u64; 5] = [15, 30, 60, 120, 300];
/// The channel program for a dead host runs that often.
const DEAD_HOST_RUNS: u64 = 30;

impl Traffic {
    /// A channel program takes up a message.
    pub(super) fn attempt(&mut self, message: Message) {
        if self.nobody_starts_a_program(&message) {
            self.waiting.push(message);
            return;
        }
        match message.file.channel {
            Channel::TcpLocal => self.attempt_remote(message),
            Channel::Conversion => self.convert(&message),
            Channel::Process => self.notify(&message),
            _ => self.attempt_store(message),
        }
    }

    /// Conversion enqueues the message again and then dequeues it.
    fn convert(&mut self, message: &Message) {
        let mut thread = self.thread(Program::Local);
        let to_store = |recipient: &Recipient| {
            let name = recipient.original.split('@').next().unwrap_or_default();
            Recipient { current: format!("{name}@ims-ms-daemon"), ..recipient.clone() }
        };
        let converted = Message {
            file: self.new_file(Channel::ImsMs),
            source: Channel::Conversion,
            recipients: message.recipients.iter().map(to_store).collect(),
            ..message.clone()
        };
        self.enqueue(&mut thread, converted, "E", &Peer::own());
        self.dequeue(&mut thread, message);
    }

    /// The D entries of a channel program that passes a message on inside the MTA.
    pub(super) fn dequeue(&mut self, thread: &mut Thread, message: &Message) {
        let disposition = Disposition { code: "D", ..Disposition::default() };
        for recipient in &message.recipients {
            self.log_disposition(thread, message, recipient, disposition, &Peer::own());
        }
        self.delete(message);
    }

    fn attempt_store(&mut self, message: Message) {
        let mut thread = self.thread(Program::Store);
        let outcomes: Vec<Outcome> = message.recipients.iter().map(|_| self.store_reply()).collect();
        self.dispose(&mut thread, message, &outcomes, &Peer::own());
    }

    fn attempt_remote(&mut self, message: Message) {
        let mut thread = self.thread(Program::Client);
        if let Some(outcome) = self.no_connection(&message) {
            self.log_failed_connection(&mut thread, &message, &outcome);
            let outcomes = vec![outcome; message.recipients.len()];
            self.dispose(&mut thread, message, &outcomes, &Peer::own());
            return;
        }
        let host = world::mail_host(message.domain);
        let own = if host.address.contains(':') { LOCAL_ADDRESS_6 } else { LOCAL_ADDRESS };
        let port = self.random.u16(20_000..61_000);
        let tls = if message.domain % 4 == 3 { "" } else { "/TLS-256-AES256-GCM-SHA384" };
        let peer = Peer {
            application: format!("SMTP/{}/{}{tls}", world::domain(message.domain), host.name),
            transport: format!("TCP|{own}|{port}|{}|25", host.address),
            system: host.name,
            username: RUN_USER.to_owned(),
        };
        self.log_connection(&mut thread, &outbound("O", &peer));
        let wait = self.pause(100, 2500);
        self.after(wait, move |traffic| traffic.converse(thread, message, &peer));
    }

    fn log_failed_connection(&mut self, thread: &mut Thread, message: &Message, outcome: &Outcome) {
        let Outcome::Deferred(text) = outcome else { return };
        if !text.starts_with("TCP active open") {
            return;
        }
        let host = world::mail_host(message.domain).name;
        let peer =
            Peer { application: format!("SMTP/{}/{host}", world::domain(message.domain)), ..Peer::default() };
        self.log_connection(thread, &ConnectionEntry { diagnostic: text, ..outbound("Y", &peer) });
    }

    /// The SMTP dialogue with the remote host, from the log's point of view.
    fn converse(&mut self, mut thread: Thread, message: Message, peer: &Peer) {
        let replies: Vec<Outcome> = message
            .recipients
            .iter()
            .map(|recipient| self.remote_reply(&message, &recipient.current))
            .map(|outcome| told_by_remote(&message, &peer.transport, outcome))
            .collect();
        self.dispose(&mut thread, message, &replies, peer);
        self.log_connection(&mut thread, &outbound("C", peer));
    }

    /// Logs what became of each recipient, and does with the file what follows from it.
    fn dispose(&mut self, thread: &mut Thread, message: Message, outcomes: &[Outcome], peer: &Peer) {
        let pairs = || message.recipients.iter().zip(outcomes);
        let expired = message.file.attempts + 1 >= MOST_ATTEMPTS;
        let mut left = Vec::new();
        for (recipient, outcome) in pairs() {
            match outcome {
                Outcome::Delivered(diagnostic) => {
                    let code = delivered_code(&message, peer);
                    let disposition = Disposition { code, reason: "", diagnostic };
                    self.log_disposition(thread, &message, recipient, disposition, peer);
                }
                Outcome::Rejected(reason, diagnostic) => {
                    self.reject(thread, &message, recipient, reason, diagnostic, peer);
                }
                Outcome::Deferred(_) if expired => {
                    self.reject(thread, &message, recipient, TOO_LATE, "", peer);
                }
                Outcome::Deferred(diagnostic) => left.push((recipient.clone(), diagnostic.clone())),
            }
        }
        if left.is_empty() {
            return self.delete(&message);
        }
        let partial = left.len() < message.recipients.len();
        let code = if partial { "Z" } else { "Q" };
        for (recipient, diagnostic) in &left {
            let disposition = Disposition { code, reason: "", diagnostic };
            self.log_disposition(thread, &message, recipient, disposition, peer);
        }
        if message.file.attempts + 1 == WARNING_ATTEMPT {
            self.warn(thread, &message, &left[0].0);
        }
        let recipients = left.into_iter().map(|(recipient, _)| recipient).collect();
        self.keep(message, recipients, partial);
    }

    /// The file of a deferred message is renamed; where some recipients are done with, a new file
    /// takes the others.
    fn keep(&mut self, message: Message, recipients: Vec<Recipient>, partial: bool) {
        self.of(message.file.channel).requeued += 1;
        let mut file = if partial { self.new_file(message.file.channel) } else { message.file.clone() };
        file.attempts = message.file.attempts + 1;
        let kept = Message { file, recipients, ..message.clone() };
        if partial {
            self.emit(Action::Create { file: kept.file.clone(), contents: kept.contents() });
            self.emit(Action::Delete { file: message.file });
        } else {
            self.emit(Action::Rename { from: message.file, to: kept.file.clone() });
        }
        let wait = self.backoff(&kept);
        self.after(wait, |traffic| traffic.attempt(kept));
    }

    fn backoff(&mut self, message: &Message) -> Duration {
        if Self::is_remote(message) && self.dead_domain() == Some(message.domain) {
            // All of them in the next run, one after the other.
            let run = DEAD_HOST_RUNS - self.now.as_secs() % DEAD_HOST_RUNS;
            return Duration::from_secs(run) + self.pause(0, 2000);
        }
        let step = usize::from(message.file.attempts).saturating_sub(1).min(BACKOFF.len() - 1);
        let seconds = BACKOFF[step];
        self.pause(seconds * 800, seconds * 1200)
    }
}

/// `dns;host (TCP|…) (banner)` in front of what a remote host said.
fn told_by_remote(message: &Message, transport: &str, outcome: Outcome) -> Outcome {
    let whole = |reply: String| Traffic::remote_diagnostic(message, transport, &reply);
    match outcome {
        Outcome::Delivered(reply) => Outcome::Delivered(whole(reply)),
        Outcome::Deferred(reply) => Outcome::Deferred(whole(reply)),
        Outcome::Rejected(reason, reply) => Outcome::Rejected(reason, whole(reply)),
    }
}

fn delivered_code(message: &Message, peer: &Peer) -> &'static str {
    match (Traffic::is_remote(message), peer.application.contains("/TLS")) {
        (false, _) => "D",
        (true, false) => "DEQ",
        (true, true) => "DESQ",
    }
}

fn outbound<'a>(code: &'a str, peer: &'a Peer) -> ConnectionEntry<'a> {
    ConnectionEntry {
        channel: Channel::TcpLocal.name(),
        direction: '-',
        code,
        transport: &peer.transport,
        application: &peer.application,
        ..ConnectionEntry::default()
    }
}
