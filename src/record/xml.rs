//! `LOG_FORMAT` 4: one self-closing element a line, attributes only; no document around them.
//!
//! `en` is a message entry, `co` a connection entry, `he` a header line. Attributes may come in any
//! order and new ones may be added by any patch (Administration Guide 6.3, "XML log format"). The
//! sample of the guide has raw `<` and `>` inside values, so this is a scanner for attributes and
//! not an XML parser.

use super::code::Action;
use super::timestamp;
use super::{Connection, Direction, Line, Message, Skip, Unparsed, transport};

/// The attributes that are read, in the order of [`Attribute`].
const NAMES: [&[u8; 2]; 28] = [
    b"ts", b"no", b"pi", b"sc", b"dc", b"ac", b"sz", b"so", b"od", b"de", b"rf", b"fi", b"ei", b"mi", b"us",
    b"ss", b"se", b"pr", b"in", b"ia", b"fl", b"re", b"di", b"tr", b"ap", b"qt", b"dr", b"va",
];

/// Positions in [`NAMES`].
#[derive(Clone, Copy)]
enum Attribute {
    Time,
    Node,
    Process,
    SourceChannel,
    DestinationChannel,
    Action,
    Size,
    From,
    OriginalTo,
    To,
    Notary,
    Filename,
    EnvelopeId,
    MessageId,
    Username,
    SourceSystem,
    Sensitivity,
    Priority,
    Intermediate,
    Initial,
    Filter,
    Reason,
    Diagnostic,
    Transport,
    Application,
    QueueSeconds,
    Direction,
    #[expect(dead_code, reason = "a header line is skipped; its value has a place in the table all the same")]
    HeaderLine,
}

/// Where a value lies: in the line, or decoded in the buffer.
#[derive(Clone, Copy, Default)]
struct Span {
    start: usize,
    end: usize,
    decoded: bool,
}

struct Values<'a> {
    line: &'a [u8],
    decoded: &'a [u8],
    spans: [Option<Span>; NAMES.len()],
}

impl<'a> Values<'a> {
    fn get(&self, attribute: Attribute) -> &'a [u8] {
        match self.spans[attribute as usize] {
            Some(Span { start, end, decoded: true }) => &self.decoded[start..end],
            Some(Span { start, end, decoded: false }) => &self.line[start..end],
            None => &[],
        }
    }

    fn has(&self, attribute: Attribute) -> bool {
        self.spans[attribute as usize].is_some()
    }
}

/// Reads an element that starts the line; values with entities are decoded into `buffer`.
pub(super) fn read<'a>(line: &'a [u8], buffer: &'a mut Vec<u8>) -> Line<'a> {
    let name_end =
        line[1..].iter().position(|byte| !byte.is_ascii_alphanumeric()).map_or(line.len(), |end| end + 1);
    let element = &line[1..name_end];
    match element {
        b"he" => return Line::Skipped(Skip::Header),
        b"en" | b"co" => {}
        [first, ..] if first.is_ascii_alphabetic() && line.ends_with(b">") => {
            return Line::Skipped(Skip::OtherElement);
        }
        _ => return Line::Unparsed(Unparsed::MalformedXml),
    }
    buffer.clear();
    let Some(spans) = spans(line, name_end, buffer) else { return Line::Unparsed(Unparsed::MalformedXml) };
    let values = Values { line, decoded: buffer, spans };
    let entry = if element == b"en" { message(&values) } else { connection(&values) };
    entry.unwrap_or_else(Line::Unparsed)
}

/// Scans `name="value"` pairs up to the end of the element.
fn spans(line: &[u8], start: usize, buffer: &mut Vec<u8>) -> Option<[Option<Span>; NAMES.len()]> {
    let mut spans = [None; NAMES.len()];
    let mut position = start;
    loop {
        position += line[position..].iter().position(|byte| !byte.is_ascii_whitespace())?;
        if line[position..].starts_with(b"/>") || line[position] == b'>' {
            return Some(spans);
        }
        let equals = position + memchr::memchr(b'=', &line[position..])?;
        let quote = *line.get(equals + 1).filter(|byte| matches!(byte, b'"' | b'\''))?;
        let value = equals + 2;
        let end = value + closing_quote(line.get(value..)?, quote)?;
        if let Some(known) = NAMES.iter().position(|name| line[position..equals] == name[..]) {
            spans[known] = Some(decode(line, value, end, buffer));
        }
        position = end + 1;
    }
}

/// A quote ends a value when an attribute or the end of the element may follow it.
fn closing_quote(value: &[u8], quote: u8) -> Option<usize> {
    memchr::memchr_iter(quote, value).find(|&end| {
        value.get(end + 1).is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'))
    })
}

fn decode(line: &[u8], start: usize, end: usize, buffer: &mut Vec<u8>) -> Span {
    let value = &line[start..end];
    if memchr::memchr(b'&', value).is_none() {
        return Span { start, end, decoded: false };
    }
    let first = buffer.len();
    let mut rest = value;
    while let Some(ampersand) = memchr::memchr(b'&', rest) {
        buffer.extend_from_slice(&rest[..ampersand]);
        rest = &rest[ampersand..];
        let semicolon = memchr::memchr(b';', &rest[..rest.len().min(12)]);
        let consumed = semicolon.filter(|&semicolon| entity(&rest[1..semicolon], buffer));
        // What is no entity stays as it stands.
        let consumed = consumed.map_or_else(
            || {
                buffer.push(b'&');
                1
            },
            |semicolon| semicolon + 1,
        );
        rest = &rest[consumed..];
    }
    buffer.extend_from_slice(rest);
    Span { start: first, end: buffer.len(), decoded: true }
}

/// The five entities of XML 1.0 and numeric references.
fn entity(name: &[u8], buffer: &mut Vec<u8>) -> bool {
    let byte = match name {
        b"amp" => b'&',
        b"lt" => b'<',
        b"gt" => b'>',
        b"quot" => b'"',
        b"apos" => b'\'',
        [b'#', digits @ ..] => return reference(digits, buffer),
        _ => return false,
    };
    buffer.push(byte);
    true
}

fn reference(digits: &[u8], buffer: &mut Vec<u8>) -> bool {
    let (digits, radix) = match digits {
        [b'x' | b'X', rest @ ..] => (rest, 16),
        _ => (digits, 10),
    };
    let text = std::str::from_utf8(digits).unwrap_or_default();
    let Some(character) = u32::from_str_radix(text, radix).ok().and_then(char::from_u32) else {
        return false;
    };
    buffer.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    true
}

fn message<'a>(values: &Values<'a>) -> Result<Line<'a>, Unparsed> {
    let action = Action::parse(values.get(Attribute::Action)).ok_or(Unparsed::NoAction)?;
    if !values.has(Attribute::SourceChannel) {
        return Err(Unparsed::MalformedXml);
    }
    // A bad command may stand without recipients; every other entry is about one.
    if action.letter != b'B' && !values.has(Attribute::OriginalTo) && !values.has(Attribute::To) {
        return Err(Unparsed::NoRecipient);
    }
    let diagnostic = values.get(Attribute::Diagnostic);
    let written = values.get(Attribute::Transport);
    let transport =
        if written.is_empty() { transport::find(diagnostic).map_or(written, |t| t.tuple) } else { written };
    Ok(Line::Message(Message {
        time: timestamp::iso(values.get(Attribute::Time)).ok_or(Unparsed::NoTimestamp)?,
        node: values.get(Attribute::Node),
        process: values.get(Attribute::Process),
        source_channel: values.get(Attribute::SourceChannel),
        destination_channel: values.get(Attribute::DestinationChannel),
        action,
        blocks: number(values.get(Attribute::Size)).unwrap_or(0),
        from: values.get(Attribute::From),
        original_to: values.get(Attribute::OriginalTo),
        to: values.get(Attribute::To),
        notary: number(values.get(Attribute::Notary)),
        filename: values.get(Attribute::Filename),
        envelope_id: values.get(Attribute::EnvelopeId),
        message_id: values.get(Attribute::MessageId),
        username: values.get(Attribute::Username),
        source_system: values.get(Attribute::SourceSystem),
        sensitivity: values.get(Attribute::Sensitivity),
        priority: values.get(Attribute::Priority),
        intermediate: values.get(Attribute::Intermediate),
        initial: values.get(Attribute::Initial),
        filter: values.get(Attribute::Filter),
        reason: values.get(Attribute::Reason),
        diagnostic,
        transport,
        application: values.get(Attribute::Application),
        queue_seconds: number(values.get(Attribute::QueueSeconds))
            .filter(|seconds: &f64| seconds.is_finite()),
    }))
}

fn connection<'a>(values: &Values<'a>) -> Result<Line<'a>, Unparsed> {
    let direction = match values.get(Attribute::Direction) {
        b"+" => Direction::In,
        b"-" => Direction::Out,
        _ => return Err(Unparsed::MalformedXml),
    };
    Ok(Line::Connection(Connection {
        time: timestamp::iso(values.get(Attribute::Time)).ok_or(Unparsed::NoTimestamp)?,
        node: values.get(Attribute::Node),
        process: values.get(Attribute::Process),
        channel: values.get(Attribute::SourceChannel),
        direction,
        action: Action::parse(values.get(Attribute::Action)).ok_or(Unparsed::NoAction)?,
        transport: transport::parse(values.get(Attribute::Transport)),
        application: values.get(Attribute::Application),
        text: values.get(Attribute::MessageId),
        username: values.get(Attribute::Username),
        diagnostic: values.get(Attribute::Diagnostic),
    }))
}

fn number<T: std::str::FromStr>(value: &[u8]) -> Option<T> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}
