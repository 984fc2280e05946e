//! Who writes what: the processes of the MTA, and the entries that they log.

use std::time::Duration;

use fastrand::Rng;

use super::super::action::{Action, Log};
use super::super::entry::{ConnectionEntry, MessageEntry};
use super::super::incident::Trouble;
use super::super::message::{Channel, Message, Recipient};
use super::super::world::RUN_USER;
use super::Traffic;

/// Which process writes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Program {
    /// One of the three SMTP servers.
    Server(usize),
    /// The SMTP client.
    Client,
    /// The delivery to the message store.
    Store,
    /// The channel programs of conversion, notifications and local submission.
    Local,
}

impl Program {
    fn index(self) -> usize {
        match self {
            Self::Server(number) => number % 3,
            Self::Client => 3,
            Self::Store => 4,
            Self::Local => 5,
        }
    }
}

/// A process that writes to the logs.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    pid: u32,
    /// Until when it writes to the file that was renamed.
    pub(super) late_until: Duration,
}

impl Writer {
    pub(super) fn all(random: &mut Rng) -> Vec<Self> {
        (0..6).map(|_| Self { pid: random.u32(0x1000..0x7_ffff), late_until: Duration::ZERO }).collect()
    }
}

/// One thread of a process, which numbers its entries.
#[derive(Clone, Debug)]
pub(super) struct Thread {
    program: Program,
    number: u16,
    sequence: u32,
}

impl Thread {
    fn tag(&mut self, writers: &[Writer]) -> String {
        let pid = writers.get(self.program.index()).map_or(1, |writer| writer.pid);
        let tag = format!("{pid:x}.{:x}.{}", self.number, self.sequence);
        self.sequence += 1;
        tag
    }
}

/// What the entries of one enqueue or dequeue share beside the message.
#[derive(Clone, Debug, Default)]
pub(super) struct Peer {
    /// Source system.
    pub(super) system: String,
    /// The MTA's user or an authenticated one.
    pub(super) username: String,
    /// Transport information.
    pub(super) transport: String,
    /// Application information.
    pub(super) application: String,
}

impl Peer {
    /// No other host: the MTA among itself.
    pub(super) fn own() -> Self {
        Self { username: RUN_USER.to_owned(), ..Self::default() }
    }
}

/// How a dequeue of one recipient ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Disposition<'a> {
    /// Entry code with its modifiers.
    pub(super) code: &'a str,
    /// Why, for the MTA itself.
    pub(super) reason: &'a str,
    /// What the other side said.
    pub(super) diagnostic: &'a str,
}

impl Traffic {
    pub(super) fn thread(&mut self, program: Program) -> Thread {
        Thread { program, number: self.random.u16(2..0x40), sequence: 0 }
    }

    fn write(&mut self, log: Log, program: Program, line: Vec<u8>) {
        // Without the keyword `logging` no channel logs its messages, nor their headers; connections have an option of
        // their own.
        if log == Log::Mail && self.trouble == Some(Trouble::LoggingOff) {
            return;
        }
        let late = self.writers.get(program.index()).is_some_and(|writer| self.now < writer.late_until);
        self.emit(Action::Write { log, late, line });
    }

    pub(super) fn log_message(&mut self, thread: &mut Thread, entry: &MessageEntry<'_>) {
        let process = thread.tag(&self.writers);
        let entry = MessageEntry { process: &process, ..entry.clone() };
        let line = self.options.format.message(self.stamp(), &entry);
        self.write(Log::Mail, thread.program, line);
    }

    pub(super) fn log_connection(&mut self, thread: &mut Thread, entry: &ConnectionEntry<'_>) {
        let process = thread.tag(&self.writers);
        let entry = ConnectionEntry { process: &process, ..entry.clone() };
        let line = self.options.format.connection(self.stamp(), &entry);
        self.write(Log::Connection, thread.program, line);
    }

    pub(super) fn log_header(&mut self, thread: &mut Thread, header: &str) {
        let process = thread.tag(&self.writers);
        let line = self.options.format.header(self.stamp(), &process, header);
        self.write(Log::Mail, thread.program, line);
    }

    /// The E entries of a message, one a recipient.
    pub(super) fn log_enqueue(&mut self, thread: &mut Thread, message: &Message, code: &str, peer: &Peer) {
        let file = message.file.logged();
        for recipient in &message.recipients {
            let original = format!("rfc822;{}", recipient.original);
            self.log_message(
                thread,
                &MessageEntry {
                    source: message.source.name(),
                    destination: message.file.channel.name(),
                    code,
                    blocks: message.blocks,
                    from: &message.from,
                    original_to: &original,
                    to: &recipient.current,
                    file: &file,
                    message_id: &message.message_id,
                    username: &peer.username,
                    source_system: &peer.system,
                    transport: &peer.transport,
                    application: &peer.application,
                    ..MessageEntry::default()
                },
            );
        }
    }

    /// The entry that says what became of one recipient in the message's channel.
    pub(super) fn log_disposition(
        &mut self,
        thread: &mut Thread,
        message: &Message,
        recipient: &Recipient,
        disposition: Disposition<'_>,
        peer: &Peer,
    ) {
        let file = message.file.logged();
        let original = format!("rfc822;{}", recipient.original);
        // Size and remote host of a deferred message are not known: nothing was transferred.
        let deferred = disposition.code.starts_with('Q');
        let seconds = self.now.saturating_sub(message.born).as_secs();
        self.log_message(
            thread,
            &MessageEntry {
                source: message.file.channel.name(),
                code: disposition.code,
                blocks: if deferred && peer.transport.is_empty() { 0 } else { message.blocks },
                from: &message.from,
                original_to: &original,
                to: &recipient.current,
                file: &file,
                message_id: &message.message_id,
                username: &peer.username,
                source_system: if deferred { "" } else { &peer.system },
                reason: disposition.reason,
                diagnostic: disposition.diagnostic,
                transport: &peer.transport,
                application: &peer.application,
                queue_seconds: Some(seconds),
                ..MessageEntry::default()
            },
        );
    }

    /// Puts a message into the queue: its file, its entries and, unless it is held, what comes next.
    pub(super) fn enqueue(&mut self, thread: &mut Thread, message: Message, code: &str, peer: &Peer) {
        self.queued += 1;
        self.emit(Action::Create { file: message.file.clone(), contents: message.contents() });
        self.log_enqueue(thread, &message, code, peer);
        if !message.file.held {
            self.of(message.file.channel).waiting += 1;
        }
        if !message.file.held && message.file.channel != Channel::Hold {
            let wait = self.pause(30, 900);
            self.after(wait, |traffic| traffic.attempt(message));
        }
    }

    /// Takes a message out of the queue.
    pub(super) fn delete(&mut self, message: &Message) {
        self.queued = self.queued.saturating_sub(1);
        let counters = self.of(message.file.channel);
        counters.waiting = counters.waiting.saturating_sub(1);
        counters.delivered += 1;
        self.emit(Action::Delete { file: message.file.clone() });
    }
}
