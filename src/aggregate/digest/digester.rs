//! From a line to its digest: everything that the line alone decides.

use std::num::NonZeroU64;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{
    Batch, Client, ConnectionEvent, Delivery, Entry, Event, Key, MessageEvent, NAMES, Name, RemoteReply,
    Waited,
};
use crate::aggregate::time::Millis;
use crate::record::authentication::{AuthenticationFailure, AuthenticationResult};
use crate::record::closing::Closing;
use crate::record::code::{Action, Failed, Outcome};
use crate::record::diagnostic::Reply;
use crate::record::reason::{self, Classified, Reason};
use crate::record::{
    Connection, Direction, Line, Message, Skip, address, application, label, queue_file, transport,
};

/// Channels that hand a message on to another channel of the same host: neither does mail come in
/// through them nor is it delivered by them (2005Q4 guide, examples 21-4 and 21-8).
const PASSED_THROUGH: [&[u8]; 6] =
    [b"conversion", b"defragment", b"hold", b"process", b"reprocess", b"return"];

/// Digests lines. The seed is that of the totals that the digests are for: keys of hash tables are
/// chosen by other people.
#[derive(Clone, Copy, Debug)]
pub struct Digester {
    seed: u64,
}

impl Digester {
    /// A digester for totals with this seed.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Adds a line that takes `bytes` in its log; `raw` is what `line` was read from.
    pub fn add(self, line: &Line<'_>, raw: &[u8], bytes: usize, batch: &mut Batch) {
        batch.lines.add(bytes as u64);
        match line {
            Line::Message(message) => {
                batch.options.message(message);
                batch.inference.message(message);
                let entry = self.message(message, batch);
                batch.entries.push(entry);
            }
            Line::Connection(connection) => {
                batch.options.connection(connection);
                let entry = self.connection(connection, batch);
                batch.entries.push(entry);
            }
            Line::Skipped(reason) => batch.lines.skipped.add(*reason),
            Line::Unparsed(reason) => {
                batch.lines.unparsed.add(*reason);
                batch.unparsed.note(batch.begun, *reason, raw);
            }
        }
    }

    /// Adds bytes that are no complete line within the cap; `ends` says that the line ends there.
    pub fn skip(self, reason: Skip, bytes: u64, ends: bool, batch: &mut Batch) {
        if ends {
            batch.begin_line();
            batch.lines.add(bytes);
            batch.lines.skipped.add(reason);
        } else {
            batch.lines.add_part(bytes);
        }
    }

    fn message(self, message: &Message<'_>, batch: &mut Batch) -> Entry {
        let channel = self.name(message.source_channel, batch);
        let file = queue_file::base_name(message.filename);
        let event = match (message.code.action, reason::of_message(message)) {
            (Action::Enqueue, _) => {
                let destination = self.name(message.destination_channel, batch);
                let arrives = is_outside(message.source_channel);
                MessageEvent::Enqueued {
                    destination,
                    file: file_key(destination, file),
                    message: self.message_key(message),
                    arrives,
                    held: file.ends_with(b".HELD"),
                    sender: sender(message.username)
                        .filter(|_| arrives)
                        .map(|user| self.new_name(user, batch)),
                }
            }
            (Action::Dequeue, _) => MessageEvent::Delivered {
                delivery: self.delivery(message, file, batch),
                waited: self.waited(message, channel, file, is_outside(message.source_channel)),
            },
            (Action::Abort, _) => MessageEvent::Aborted,
            (Action::BadCommand, _) => MessageEvent::BadCommand { client: self.client(client_of(message)) },
            (Action::DelayWarning, _) => MessageEvent::DelayWarning,
            (action, Some(why)) => match action.row().failed {
                Some(Failed::Attempt(outcome)) => self.failed(message, outcome, channel, file, &why, batch),
                _ => MessageEvent::Refused { reason: why.reason, client: self.client(client_of(message)) },
            },
            _ => MessageEvent::Other,
        };
        let event = Event::Message { blocks: message.blocks, event };
        Entry { time: message.time, code: message.code, channel, event }
    }

    fn failed(
        self,
        message: &Message<'_>,
        outcome: Outcome,
        channel: Name,
        file: &[u8],
        why: &Classified<'_>,
        batch: &mut Batch,
    ) -> MessageEvent {
        let action = message.code.action.row();
        MessageEvent::Failed {
            outcome,
            reason: why.reason,
            // What has expired is given up without another attempt.
            tried: action.tries && why.reason != Reason::Expired,
            reply: self.remote_reply(&why.reply, batch),
            delivery: self.delivery(message, file, batch),
            // Given up in a channel that only hands on is given up all the same.
            waited: self.waited(message, channel, file, action.ends),
        }
    }

    fn remote_reply(self, reply: &Reply<'_>, batch: &mut Batch) -> Option<RemoteReply> {
        let class = reply.class().filter(|class| reply.remote && matches!(class, 4 | 5))?;
        let start = batch.text.len();
        match reply.status {
            Some(status) => label::push_status(status, &mut batch.text),
            None => batch.text.extend_from_slice(b"none"),
        }
        Some(RemoteReply { permanent: class == 5, status: self.name_since(start, batch) })
    }

    fn delivery(self, message: &Message<'_>, file: &[u8], batch: &mut Batch) -> Delivery {
        let file = queue_file::parse(file);
        Delivery {
            // The name shows the attempts before this one.
            attempt: file.map(|file| file.attempts + 1),
            domain: address::destination(message.to).map(|domain| self.name(domain, batch)),
        }
    }

    fn waited(self, message: &Message<'_>, channel: Name, file: &[u8], ends: bool) -> Waited {
        Waited {
            queue: message.queue_seconds.map(millis),
            file: file_key(channel, file),
            message: self.message_key(message),
            ends,
        }
    }

    fn connection(self, entry: &Connection<'_>, batch: &mut Batch) -> Entry {
        let event = match (entry.code.action, reason::of_connection(entry)) {
            (Action::Open, _) => {
                let destination = destination_of(entry).map(|host| self.name(host, batch));
                ConnectionEvent::Opened { destination, process: self.process(entry) }
            }
            (Action::Close, _) => ConnectionEvent::Closed {
                process: self.process(entry),
                closing: Closing::of(entry),
                cipher: application::cipher(entry.application),
            },
            (Action::ConnectionRejection, Some(why)) => ConnectionEvent::Rejected(why.reason),
            (Action::ConnectionFailure, Some(why)) => ConnectionEvent::Failed(why.reason),
            (Action::Etrn, _) => ConnectionEvent::Etrn,
            (Action::Authentication, _) => authenticated(entry),
            _ => ConnectionEvent::Other,
        };
        let seed = self.seed ^ entry.direction as u64;
        let key = entry.transport.map(|ends| xxh3_64_with_seed(ends.tuple, seed));
        let counted = entry.direction == Direction::In && !matches!(event, ConnectionEvent::Closed { .. });
        let remote = entry.transport.filter(|_| counted);
        let event = Event::Connection {
            direction: entry.direction,
            key: key.and_then(some_key),
            client: self.client(remote.and_then(|ends| transport::address(ends.remote_address))),
            event,
        };
        Entry { time: entry.time, code: entry.code, channel: self.name(entry.channel, batch), event }
    }

    /// Which thread of which process wrote an entry, without its sequence number.
    fn process(self, entry: &Connection<'_>) -> Key {
        let dot = memchr::memrchr(b'.', entry.process)?;
        some_key(xxh3_64_with_seed(&entry.process[..dot], self.seed))
    }

    fn client(self, address: Option<std::net::IpAddr>) -> Option<Client> {
        let address = address?;
        let key = match address {
            std::net::IpAddr::V4(v4) => xxh3_64_with_seed(&v4.octets(), self.seed),
            std::net::IpAddr::V6(v6) => xxh3_64_with_seed(&v6.octets(), self.seed),
        };
        Some(Client { address, key })
    }

    /// A channel or domain as its label value.
    fn name(self, spelling: &[u8], batch: &mut Batch) -> Name {
        let place = place(spelling);
        if let Some(name) = batch.names[place]
            && batch.bytes(name) == spelling
        {
            return name;
        }
        let name = self.new_name(spelling, batch);
        batch.names[place] = Some(name);
        name
    }

    /// One that does not take the place of those that come more often.
    fn new_name(self, spelling: &[u8], batch: &mut Batch) -> Name {
        let start = batch.text.len();
        label::push(spelling, &mut batch.text);
        self.name_since(start, batch)
    }

    fn name_since(self, start: usize, batch: &Batch) -> Name {
        let text = &batch.text[start..];
        Name {
            key: label_key(text, self.seed),
            start: u32::try_from(start).unwrap_or(u32::MAX),
            length: u8::try_from(text.len()).unwrap_or(u8::MAX),
        }
    }

    fn message_key(self, message: &Message<'_>) -> Key {
        let id = message.own_id();
        if id.is_empty() { None } else { some_key(xxh3_64_with_seed(id, self.seed)) }
    }
}

/// A queue file keeps its unique part and channel while its attempts, in front of it, count up.
fn file_key(channel: Name, file: &[u8]) -> Key {
    let unique = file.get(2..).unwrap_or(file);
    if file.is_empty() { None } else { some_key(xxh3_64_with_seed(cut(unique), channel.key)) }
}

fn authenticated(entry: &Connection<'_>) -> ConnectionEvent {
    let result = AuthenticationResult::of(entry);
    let failed = result == AuthenticationResult::Failure;
    ConnectionEvent::Authenticated { result, failure: failed.then(|| AuthenticationFailure::of(entry)) }
}

/// Where a spelling is looked for among the names of a batch. Two that share a place take turns.
fn place(spelling: &[u8]) -> usize {
    let (first, last) = (spelling.first().copied(), spelling.last().copied());
    let bytes = [first, last].map(|byte| usize::from(byte.unwrap_or_default()));
    (spelling.len() + 3 * bytes[0] + 7 * bytes[1]) % NAMES
}

fn cut(name: &[u8]) -> &[u8] {
    &name[..name.len().min(label::MAX_BYTES)]
}

/// The hash that stands for a label value.
pub(in crate::aggregate) fn label_key(value: &[u8], seed: u64) -> u64 {
    xxh3_64_with_seed(value, seed)
}

/// A hash; 0, which is as rare as any other, becomes 1.
fn some_key(hash: u64) -> Key {
    NonZeroU64::new(hash.max(1))
}

/// Who sent what was rejected: the transport where the entry has it, else the source system.
fn client_of(message: &Message<'_>) -> Option<std::net::IpAddr> {
    let transport =
        transport::parse(message.transport).and_then(|ends| transport::address(ends.remote_address));
    transport.or_else(|| transport::source_address(message.source_system))
}

/// Who authenticated: the log has a `*` in front of such users, and none in front of those of processes.
fn sender(username: &[u8]) -> Option<&[u8]> {
    username.strip_prefix(b"*").filter(|user| !user.is_empty())
}

/// Where an outbound connection goes: the host that mail is for (`SMTP/<initial host>/<host>`), else the address.
fn destination_of<'a>(entry: &Connection<'a>) -> Option<&'a [u8]> {
    if entry.direction == Direction::In {
        return None;
    }
    let initial = entry.application.split(|&byte| byte == b'/').nth(1);
    let initial = initial.filter(|host| !host.is_empty() && !host.starts_with(b"TLS"));
    initial.or_else(|| entry.transport.map(|ends| ends.remote_address))
}

/// Whether mail enters or leaves this host through the channel.
fn is_outside(channel: &[u8]) -> bool {
    !PASSED_THROUGH.iter().any(|inside| channel.eq_ignore_ascii_case(inside))
}

/// Whole milliseconds of a queue time; what is out of range is not known.
fn millis(seconds: f64) -> Millis {
    let duration = std::time::Duration::try_from_secs_f64(seconds).ok();
    Millis::of(duration.and_then(|duration| i64::try_from(duration.as_millis()).ok()).unwrap_or(-1))
}
