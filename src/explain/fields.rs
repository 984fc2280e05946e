//! The fields of entries under the names that the manual gives them (2005Q4 guide, "Understanding the
//! MTA Log Entry Format" and "Specifying Additional MTA Logging Options").

use std::borrow::Cow;

use crate::listing::Listing;
use crate::record::code::{EntryCode, meaning_of_modifier};
use crate::record::timestamp::Timestamp;
use crate::record::{Connection, Message};

/// A field: its name, and the option that puts it into the log unless it is always there.
struct Field<T> {
    name: &'static str,
    option: &'static str,
    value: T,
}

type OfMessage = for<'a> fn(&Message<'a>) -> Cow<'a, [u8]>;
type OfConnection = for<'a> fn(&Connection<'a>) -> Cow<'a, [u8]>;

const fn always<T>(name: &'static str, value: T) -> Field<T> {
    Field { name, option: "", value }
}

const fn optional<T>(name: &'static str, option: &'static str, value: T) -> Field<T> {
    Field { name, option, value }
}

/// THE table of a message entry's fields, in the order in which text logs have them.
const MESSAGE: [Field<OfMessage>; 27] = [
    always("date and time", |entry| Cow::Owned(stamp(entry.time))),
    optional("node", "LOG_NODE", |entry| entry.node.into()),
    optional("process id", "LOG_PROCESS", |entry| entry.process.into()),
    always("source channel", |entry| entry.source_channel.into()),
    always("destination channel", |entry| entry.destination_channel.into()),
    always("type of entry", |entry| Cow::Owned(code(entry.code))),
    always("size in blocks", |entry| Cow::Owned(entry.blocks.to_string().into_bytes())),
    always("envelope From:", |entry| entry.from.into()),
    always("original envelope To:", |entry| entry.original_to.into()),
    always("active envelope To:", |entry| entry.to.into()),
    optional("NOTARY flags", "LOG_NOTARY", |entry| number(entry.notary)),
    optional("file name", "LOG_FILENAME", |entry| entry.filename.into()),
    optional("envelope id", "LOG_ENVELOPE_ID", |entry| entry.envelope_id.into()),
    optional("message id", "LOG_MESSAGE_ID", |entry| entry.message_id.into()),
    optional("username", "LOG_USERNAME", |entry| entry.username.into()),
    optional("source system", "LOG_CONNECTION", |entry| entry.source_system.into()),
    optional("sensitivity", "LOG_SENSITIVITY", |entry| entry.sensitivity.into()),
    optional("priority", "LOG_PRIORITY", |entry| entry.priority.into()),
    optional("intermediate address", "LOG_INTERMEDIATE", |entry| entry.intermediate.into()),
    optional("initial address", "LOG_INTERMEDIATE", |entry| entry.initial.into()),
    optional("filter", "LOG_FILTER", |entry| entry.filter.into()),
    optional("reason", "LOG_REASON", |entry| entry.reason.into()),
    optional("delivery status", "LOG_DIAGNOSTICS", |entry| entry.diagnostic.into()),
    optional("remote host", "LOG_REMOTE_MTA", |entry| entry.remote_mta.into()),
    optional("transport information", "LOG_CONNECTION", |entry| entry.transport.into()),
    optional("application info", "LOG_CONNECTION", |entry| entry.application.into()),
    optional("queue time, seconds", "LOG_QUEUE_TIME", |entry| number(entry.queue_seconds)),
];

/// THE table of a connection entry's fields.
const CONNECTION: [Field<OfConnection>; 10] = [
    always("date and time", |entry| Cow::Owned(stamp(entry.time))),
    optional("node", "LOG_NODE", |entry| entry.node.into()),
    optional("process id", "LOG_PROCESS", |entry| entry.process.into()),
    always("channel", |entry| entry.channel.into()),
    always("type of entry", |entry| Cow::Owned(code(entry.code))),
    always("transport information", |entry| entry.transport.map_or(&b""[..], |ends| ends.tuple).into()),
    always("application info", |entry| entry.application.into()),
    always("text", |entry| entry.text.into()),
    optional("username", "LOG_USERNAME", |entry| entry.username.into()),
    always("diagnostic", |entry| entry.diagnostic.into()),
];

/// Writes what a message entry has; the options of which it shows nothing.
pub(super) fn message(listing: &mut Listing, entry: &Message<'_>) -> Vec<&'static str> {
    let fields = MESSAGE.iter().map(|field| (field.name, field.option, (field.value)(entry)));
    write(listing, fields)
}

/// Writes what a connection entry has; the options of which it shows nothing.
pub(super) fn connection(listing: &mut Listing, entry: &Connection<'_>) -> Vec<&'static str> {
    let fields = CONNECTION.iter().map(|field| (field.name, field.option, (field.value)(entry)));
    write(listing, fields)
}

fn write<'a>(
    listing: &mut Listing,
    fields: impl Iterator<Item = (&'static str, &'static str, Cow<'a, [u8]>)>,
) -> Vec<&'static str> {
    let (mut shown, mut absent) = (Vec::new(), Vec::new());
    for (name, option, value) in fields {
        if !value.is_empty() {
            listing.bytes(name, &value);
            shown.push(option);
        } else if option.is_empty() {
            listing.words(name, "(empty)");
        } else if !absent.contains(&option) {
            absent.push(option);
        }
    }
    absent.retain(|option| !shown.contains(option));
    absent
}

/// The wall-clock time of the log's host.
fn stamp(time: Timestamp) -> Vec<u8> {
    let civil = jiff::Timestamp::from_millisecond(time.civil_millis);
    let civil = civil.map(|stamp| jiff::tz::Offset::UTC.to_datetime(stamp).to_string());
    let zone = time.utc_offset.map_or("local time".to_owned(), |seconds| format!("{seconds} s east of UTC"));
    civil.map_or_else(|_| Vec::new(), |civil| format!("{civil} {zone}").into_bytes())
}

/// `EEC: enqueue; C chunking (BDAT), E ESMTP (EHLO)`.
fn code(code: EntryCode) -> Vec<u8> {
    let meaning = code.action.row().meaning.unwrap_or("not documented");
    let modifiers: Vec<String> = code.modifier_letters().map(modifier).collect();
    let with = if modifiers.is_empty() { String::new() } else { format!("; {}", modifiers.join(", ")) };
    format!("{}: {meaning}{with}", code.action.letter()).into_bytes()
}

fn modifier(letter: char) -> String {
    format!("{letter} {}", meaning_of_modifier(letter).unwrap_or("not documented"))
}

fn number<T: ToString>(value: Option<T>) -> Cow<'static, [u8]> {
    Cow::Owned(value.map(|value| value.to_string().into_bytes()).unwrap_or_default())
}
