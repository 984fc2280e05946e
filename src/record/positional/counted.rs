//! `LOG_FORMAT` 3: every text has its length in front of it, `13:adam@acme.com`.
//!
//! Numbers have none: date, node, process id, channels, code, size, NOTARY flags, sensitivity, priority
//! and queue time (wiki page `Log_format`). The length is said to be in characters; what it counts in
//! a text beyond ASCII is tried both ways, bytes first, for the whole entry.

use super::field::{is_application, is_queue_file, message_id};
use super::user::is_run_user;
use crate::record::bytes::first_token;
use crate::record::code::Action;
use crate::record::format::Format;
use crate::record::number::{integer, seconds};
use crate::record::option::{FIELDS, LogOption, OptionSet};
use crate::record::values::transport;
use crate::record::{Connection, Dialect, Message};

/// More fields than any set of options gives; an entry with more is not in this format.
const MAX_ITEMS: usize = 24;
/// From, original To and To.
const ADDRESSES: usize = 3;

/// What a length counts.
#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Bytes,
    Characters,
}

/// A field as it is written.
#[derive(Clone, Copy, Default)]
struct Item<'a> {
    text: &'a [u8],
    counted: bool,
}

/// All fields of an entry.
struct Items<'a> {
    items: [Item<'a>; MAX_ITEMS],
    count: usize,
}

impl<'a> Items<'a> {
    /// Splits a text that starts with a field. `None` when a length does not end at a blank or at the
    /// end.
    fn split(text: &'a [u8], unit: Unit) -> Option<Self> {
        let mut found = Self { items: [Item::default(); MAX_ITEMS], count: 0 };
        let mut rest = text;
        loop {
            let (item, behind) = item(rest, unit)?;
            *found.items.get_mut(found.count)? = item;
            found.count += 1;
            match behind {
                [] => return Some(found),
                [b' ', next @ ..] => rest = next,
                _ => return None,
            }
        }
    }

    /// The same by bytes, or else by characters.
    fn read(text: &'a [u8]) -> Option<Self> {
        Self::split(text, Unit::Bytes).or_else(|| Self::split(text, Unit::Characters))
    }

    fn all(&self) -> &[Item<'a>] {
        &self.items[..self.count]
    }
}

fn item(text: &[u8], unit: Unit) -> Option<(Item<'_>, &[u8])> {
    let Some((length, behind)) = length(text) else {
        let (token, behind) = first_token(text);
        return Some((Item { text: token, counted: false }, behind));
    };
    let bytes = match unit {
        Unit::Bytes => length,
        Unit::Characters => bytes_of(behind, length),
    };
    if bytes > behind.len() {
        return None;
    }
    let (text, behind) = behind.split_at(bytes);
    Some((Item { text, counted: true }, behind))
}

/// The number in front of a colon, and what is behind it.
fn length(text: &[u8]) -> Option<(usize, &[u8])> {
    let digits = text.iter().take(8).take_while(|byte| byte.is_ascii_digit()).count();
    let (number, behind) = text.split_at(digits);
    let behind = behind.strip_prefix(b":")?;
    Some((usize::try_from(integer(number)?).ok()?, behind))
}

/// How many bytes so many UTF-8 characters take; more than there are when the text is shorter.
fn bytes_of(text: &[u8], characters: usize) -> usize {
    let starts = text.iter().enumerate().filter(|(_, byte)| **byte & 0xc0 != 0x80);
    let mut starts = starts.map(|(position, _)| position).skip(characters);
    let fewer = || text.iter().filter(|byte| **byte & 0xc0 != 0x80).count() < characters;
    starts.next().unwrap_or_else(|| if fewer() { usize::MAX } else { text.len() })
}

/// Whether a length stands at the start.
pub(super) fn starts(text: &[u8]) -> bool {
    length(text).is_some()
}

/// Reads what is behind the size of a message entry. `None` when lengths do not fit; the message is as
/// it was then.
pub(super) fn message<'a>(
    rest: &'a [u8],
    message: &mut Message<'a>,
    dialect: &Dialect,
    options: Option<OptionSet>,
) -> Option<()> {
    let items = Items::read(rest.strip_prefix(b" ").unwrap_or(rest))?;
    let (addresses, fields) = items.all().split_at_checked(ADDRESSES)?;
    if !addresses.iter().all(|item| item.counted) {
        return None;
    }
    message.format = Format::Counted;
    [message.from, message.original_to, message.to] =
        [addresses[0].text, addresses[1].text, addresses[2].text];
    let by_options = options.and_then(|options| by_options(fields, options, message));
    if by_options.is_none() {
        message.forget_added_fields();
        by_shape(fields, dialect, message);
    }
    if message.transport.is_empty() {
        message.transport = transport::find(message.diagnostic).map_or(&[], |found| found.tuple);
    }
    Some(())
}

/// Every option that is on has its item; numbers at the end may be left out. `None` when they do not
/// fit.
fn by_options<'a>(fields: &[Item<'a>], options: OptionSet, message: &mut Message<'a>) -> Option<()> {
    let mut rest = fields;
    for option in FIELDS.into_iter().filter(|&option| options.has(option)) {
        let Some((item, behind)) = rest.split_first() else {
            if option.is_number() {
                continue;
            }
            return None;
        };
        if item.counted == option.is_number() {
            return None;
        }
        message.put(option, item.text)?;
        rest = behind;
    }
    rest.is_empty().then_some(())
}

/// Each item is the first field, at or behind the place of the one before, that it looks like.
fn by_shape<'a>(fields: &[Item<'a>], dialect: &Dialect, message: &mut Message<'a>) {
    let mut place = 0;
    for (number, item) in fields.iter().enumerate() {
        let behind = &fields[number + 1..];
        let found =
            (place..FIELDS.len()).find(|&place| looks_like(FIELDS[place], item, behind, dialect, message));
        if let Some(found) = found
            && message.put(FIELDS[found], item.text).is_some()
        {
            place = found + 1;
        }
    }
}

fn looks_like(
    option: LogOption,
    item: &Item<'_>,
    behind: &[Item<'_>],
    dialect: &Dialect,
    message: &Message<'_>,
) -> bool {
    let text = item.text;
    if item.counted == option.is_number() || text.is_empty() {
        return false;
    }
    let holds = |byte: u8| memchr::memchr(byte, text).is_some();
    let last = || !behind.iter().any(|item| item.counted && !item.text.is_empty());
    let is_id = |text: &[u8]| !text.is_empty() && message_id(text).0 == text;
    let enqueue = message.code.action == Action::Enqueue;
    let is_word = !(holds(b' ') || holds(b'@') || holds(b';') || holds(b'/') || holds(b'|'));
    match option {
        LogOption::Notary => integer(text).is_some(),
        LogOption::QueueTime => seconds(text).is_some(),
        LogOption::Sensitivity | LogOption::Priority => text.len() == 1,
        LogOption::Filename => is_queue_file(text),
        LogOption::MessageId => is_id(text),
        LogOption::EnvelopeId => {
            holds(b'@') && !holds(b' ') && behind.first().is_some_and(|next| is_id(next.text))
        }
        LogOption::Username => {
            is_run_user(text, dialect) || text[0] == b'*' || is_word && !holds(b'.') && (enqueue || !last())
        }
        LogOption::Connection => text.ends_with(b"])") || is_word && (enqueue || !last()),
        LogOption::Intermediate | LogOption::Initial => holds(b'@') && !holds(b' ') && !holds(b';'),
        LogOption::Filter => text.len() > 1 && text[0] == b'\'' && text.ends_with(b"'"),
        // A reason is told from the delivery status behind it by there being one.
        LogOption::Reason => {
            message.code.action.gives_up() && holds(b' ') && !last() && !text.starts_with(b"dns;")
        }
        LogOption::Diagnostics => !text.starts_with(b"TCP|") && !is_application(text),
        LogOption::RemoteMta => text.starts_with(b"dns;") && !holds(b' '),
        LogOption::Transport => transport::parse(text).is_some(),
        LogOption::Application => is_application(text),
        LogOption::Process
        | LogOption::Node
        | LogOption::ConnectionEntries
        | LogOption::EtrnEntries
        | LogOption::AuthenticationEntries => false,
    }
}

/// Reads what is behind the code of a connection entry: transport, application, and up to three texts,
/// of which the last is our reply, the first says what happened and the second is the user. `None`
/// when lengths do not fit.
pub(super) fn connection<'a>(rest: &'a [u8], connection: &mut Connection<'a>) -> Option<()> {
    let items = Items::read(rest.trim_ascii_end())?;
    let mut items = items.all().iter().copied();
    let mut texts = [&[][..]; 3];
    let mut count = 0;
    let mut next = items.next();
    if let Some(item) = next
        && (item.text.is_empty() || transport::parse(item.text).is_some())
    {
        connection.transport = transport::parse(item.text);
        next = items.next();
    }
    if let Some(item) = next
        && (item.text.is_empty() || is_application(item.text))
    {
        connection.application = item.text;
        next = items.next();
    }
    for item in next.into_iter().chain(items) {
        *texts.get_mut(count)? = item.text;
        count += 1;
    }
    (connection.text, connection.username, connection.diagnostic) = match count {
        0 => (&[][..], &[][..], &[][..]),
        1 => (&[][..], &[][..], texts[0]),
        2 => (texts[0], &[][..], texts[1]),
        _ => (texts[0], texts[1], texts[2]),
    };
    Some(())
}
