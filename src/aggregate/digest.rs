//! What a block of lines comes down to: for each entry the few numbers that counting needs.
//!
//! Counting has two halves. [`Digester`] does what depends on a line alone: it reads replies, classes,
//! addresses and file names, and hashes every key. [`Aggregate::apply`](super::Aggregate::apply) does
//! what depends on the lines before it: windows, joins and capped tables. So blocks may be digested on
//! several threads, and are applied in the order of the log: the sums are the same for any number of
//! threads. A batch is reused for the next block, so that no line costs an allocation.

mod digester;

use std::net::IpAddr;

pub use digester::Digester;
pub(super) use digester::label_key;

use super::account::LineCounts;
use super::option::{Inference, OptionsSeen};
use super::time::Millis;
use super::unparsed::LastUnparsed;
use crate::record::Direction;
use crate::record::application::Cipher;
use crate::record::authentication::{AuthenticationFailure, AuthenticationResult};
use crate::record::closing::Closing;
use crate::record::code::{EntryCode, Outcome};
use crate::record::reason::Reason;
use crate::record::timestamp::Timestamp;

/// A seeded hash that stands for a text; `None` where the log has no such field.
pub type Key = Option<std::num::NonZeroU64>;

/// A label value: its text in the batch, and its seeded hash.
#[derive(Clone, Copy, Debug)]
pub struct Name {
    /// Stands for the text in every table.
    pub key: u64,
    start: u32,
    length: u8,
}

/// Who connected.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// The remote address.
    pub address: IpAddr,
    /// Its seeded hash.
    pub key: u64,
}

/// The recipient of an attempt to deliver.
#[derive(Clone, Copy, Debug)]
pub struct Delivery {
    /// The number of the attempt by the queue file's name, counted from 1.
    pub attempt: Option<u16>,
    /// The destination domain.
    pub domain: Option<Name>,
}

/// How long a recipient waited, where the log tells: by itself, or by earlier entries with the same key.
#[derive(Clone, Copy, Debug)]
pub struct Waited {
    /// In the queue by the entry itself, milliseconds.
    pub queue: Option<Millis>,
    /// The queue file.
    pub file: Key,
    /// The message.
    pub message: Key,
    /// Whether this is the recipient's end on this host, not only in this channel.
    pub ends: bool,
}

/// A reply of another host to a failed attempt.
#[derive(Clone, Copy, Debug)]
pub struct RemoteReply {
    /// Whether it is permanent (5xx) and not temporary (4xx).
    pub permanent: bool,
    /// The enhanced status, `none` without one.
    pub status: Name,
}

/// An entry of the message kind, by its action.
#[derive(Clone, Copy, Debug)]
pub enum MessageEvent {
    /// E
    Enqueued {
        /// Where to.
        destination: Name,
        /// The queue file.
        file: Key,
        /// The message.
        message: Key,
        /// Whether the message comes from outside this host.
        arrives: bool,
        /// Whether the file is held from birth.
        held: bool,
        /// Who authenticated to send it, where it comes from outside.
        sender: Option<Name>,
    },
    /// D
    Delivered {
        /// The attempt.
        delivery: Delivery,
        /// The delay.
        waited: Waited,
    },
    /// Q, Z, R, K
    Failed {
        /// Which of them.
        outcome: Outcome,
        /// Why.
        reason: Reason,
        /// Whether it was tried just then.
        tried: bool,
        /// What the other host said.
        reply: Option<RemoteReply>,
        /// The attempt.
        delivery: Delivery,
        /// The delay, also of those that go on waiting.
        waited: Waited,
    },
    /// J
    Refused {
        /// Why.
        reason: Reason,
        /// Whom.
        client: Option<Client>,
    },
    /// V
    Aborted,
    /// B
    BadCommand {
        /// Whose.
        client: Option<Client>,
    },
    /// W
    DelayWarning,
    /// Any other letter.
    Other,
}

impl MessageEvent {
    /// Whether the entry tells of an attempt to deliver.
    pub fn is_attempt(&self) -> bool {
        matches!(self, Self::Delivered { .. } | Self::Failed { tried: true, .. })
    }
}

/// An entry of the connection kind, by its action.
#[derive(Clone, Copy, Debug)]
pub enum ConnectionEvent {
    /// O
    Opened {
        /// Where to, outbound.
        destination: Option<Name>,
        /// Which thread of which process wrote it.
        process: Key,
    },
    /// C
    Closed {
        /// The same.
        process: Key,
        /// Why.
        closing: Closing,
        /// How it was encrypted.
        cipher: Option<Cipher>,
    },
    /// X
    Rejected(Reason),
    /// Y
    Failed(Reason),
    /// I
    Etrn,
    /// U
    Authenticated {
        /// How it ended.
        result: AuthenticationResult,
        /// Why it failed, if it did.
        failure: Option<AuthenticationFailure>,
    },
    /// Any other letter.
    Other,
}

/// What an entry tells.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// About one recipient of one message.
    Message {
        /// Size in blocks.
        blocks: u64,
        /// What happened.
        event: MessageEvent,
    },
    /// About a connection.
    Connection {
        /// Which side opened it.
        direction: Direction,
        /// The connection, by its transport tuple.
        key: Key,
        /// The other side of an inbound connection.
        client: Option<Client>,
        /// What happened.
        event: ConnectionEvent,
    },
}

impl Event {
    /// The queue file and the message by which an entry is joined with others.
    pub(super) fn joined(&self) -> Option<(Key, Key)> {
        match self {
            Self::Message { event: MessageEvent::Enqueued { file, message, .. }, .. } => {
                Some((*file, *message))
            }
            Self::Message {
                event: MessageEvent::Delivered { waited, .. } | MessageEvent::Failed { waited, .. },
                ..
            } => Some((waited.file, waited.message)),
            _ => None,
        }
    }
}

/// One entry.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// When it was written.
    pub time: Timestamp,
    /// The entry code.
    pub code: EntryCode,
    /// The channel that wrote it.
    pub channel: Name,
    /// What it tells.
    pub event: Event,
}

/// Places of names in a batch: enough for the channels of a site. A power of two makes finding one cheap.
const NAMES: usize = 32;

/// The digest of a block of lines of one log.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    entries: Vec<Entry>,
    /// Label values, one behind the other: ASCII.
    text: Vec<u8>,
    /// Some of them, where the same spelling finds them again: channels, and domains that come often.
    names: [Option<Name>; NAMES],
    /// Every line's fate.
    pub(super) lines: LineCounts,
    /// What the entries show.
    pub(super) options: OptionsSeen,
    /// What the log's entries say about its options, up to the end of the block.
    pub inference: Inference,
    /// Lines of the file that begin in the block: a line may be several pieces, which are counted like lines.
    begun: u64,
    /// The last lines that were not understood, by the numbers of lines of the file in the block, counted from 1.
    pub unparsed: LastUnparsed<u64>,
}

impl Batch {
    /// Nothing, with the room that the last block took. `inference` is what the log's entries in front
    /// of the block say.
    pub fn begin(&mut self, inference: Inference) {
        self.entries.clear();
        self.text.clear();
        self.names = [None; NAMES];
        self.lines.clear();
        self.begun = 0;
        self.options = OptionsSeen::default();
        self.unparsed.clear();
        self.inference = inference;
    }

    /// The entries in the order of the log.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// A line of the file begins.
    pub fn begin_line(&mut self) {
        self.begun += 1;
    }

    /// How many lines of the file began.
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// How many lines there were, entries or not, and pieces of lines.
    pub fn lines(&self) -> u64 {
        self.lines.lines()
    }

    /// The text of a label value.
    pub fn text(&self, name: Name) -> &str {
        std::str::from_utf8(self.bytes(name)).unwrap_or_default()
    }

    fn bytes(&self, name: Name) -> &[u8] {
        let start = name.start as usize;
        self.text.get(start..start + usize::from(name.length)).unwrap_or_default()
    }
}
