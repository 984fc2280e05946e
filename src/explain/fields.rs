//! The fields of entries under the names that the manual gives them (2005Q4 guide, "Understanding the
//! MTA Log Entry Format" and "Specifying Additional MTA Logging Options").

use std::borrow::Cow;

use crate::listing::Listing;
use crate::record::code::{EntryCode, meaning_of_modifier};
use crate::record::option::{LogOption, Part};
use crate::record::timestamp::Timestamp;
use crate::record::{Connection, Message};

/// A field: its name, the option that puts it into the log unless it is always there, and its value.
struct Field<'a> {
    name: &'static str,
    option: Option<LogOption>,
    value: Cow<'a, [u8]>,
}

fn always<'a>(name: &'static str, value: impl Into<Cow<'a, [u8]>>) -> Field<'a> {
    Field { name, option: None, value: value.into() }
}

/// The fields of a message entry, in the order in which text logs have them.
fn of_message<'a>(entry: &Message<'a>) -> Vec<Field<'a>> {
    let added = |option: LogOption| {
        let field = option.field()?;
        Some((field.part, Field { name: field.name, option: Some(option), value: entry.added(option) }))
    };
    let (columns, behind): (Vec<_>, Vec<_>) = LogOption::ALL
        .iter()
        .filter_map(|&option| added(option))
        .partition(|&(part, _)| part == Part::Columns);
    let all = [always("date and time", stamp(entry.time))].into_iter();
    let all = all.chain(columns.into_iter().map(|(_, field)| field));
    let all = all.chain([
        always("source channel", entry.source_channel),
        always("destination channel", entry.destination_channel),
        always("type of entry", code(entry.code)),
        always("size in blocks", entry.blocks.to_string().into_bytes()),
        always("envelope From:", entry.from),
        always("original envelope To:", entry.original_to),
        always("active envelope To:", entry.to),
    ]);
    all.chain(behind.into_iter().map(|(_, field)| field)).collect()
}

/// The fields of a connection entry.
fn of_connection<'a>(entry: &Connection<'a>) -> Vec<Field<'a>> {
    let added = |option: LogOption, value: &'a [u8]| Field {
        name: option.field().map_or("", |field| field.name),
        option: Some(option),
        value: value.into(),
    };
    vec![
        always("date and time", stamp(entry.time)),
        added(LogOption::Node, entry.node),
        added(LogOption::Process, entry.process),
        always("channel", entry.channel),
        always("type of entry", code(entry.code)),
        always("transport information", entry.transport.map_or(&b""[..], |ends| ends.tuple)),
        always("application info", entry.application),
        always("text", entry.text),
        added(LogOption::Username, entry.username),
        always("diagnostic", entry.diagnostic),
    ]
}

/// Writes what a message entry has; the options of which it shows nothing.
pub(super) fn message(listing: &mut Listing, entry: &Message<'_>) -> Vec<String> {
    write(listing, of_message(entry))
}

/// Writes what a connection entry has; the options of which it shows nothing.
pub(super) fn connection(listing: &mut Listing, entry: &Connection<'_>) -> Vec<String> {
    write(listing, of_connection(entry))
}

fn write(listing: &mut Listing, fields: Vec<Field<'_>>) -> Vec<String> {
    let (mut shown, mut absent) = (Vec::new(), Vec::new());
    for Field { name, option, value } in fields {
        let setting = option.map(|option| option.row().setting);
        if !value.is_empty() {
            listing.bytes(name, &value);
            shown.extend(setting);
        } else if let Some(setting) = setting.filter(|setting| !absent.contains(setting)) {
            absent.push(setting);
        } else if setting.is_none() {
            listing.words(name, "(empty)");
        }
    }
    absent.retain(|setting| !shown.contains(setting));
    absent.into_iter().map(str::to_ascii_uppercase).collect()
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
