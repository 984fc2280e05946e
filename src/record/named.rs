//! The named fields of `LOG_FORMAT` 4, 5 and 6: two letters each, the same in XML and JSON
//! (Administration Guide 6.3, "XML log format"; wiki page `Log_format`).
//!
//! Fields may come in any order and any patch may add new ones, which are left out.

mod json;
mod xml;

pub(super) use json::{end_of_entry as end_of_object, read as read_object};
pub(super) use xml::{end_of_entry as end_of_element, read as read_element};

use super::code::EntryCode;
use super::format::Format;
use super::number::seconds;
use super::option::{LogOption, OptionSet, ROWS, WITH_FIELD};
use super::values::{timestamp, transport};
use super::{Connection, Direction, Line, Message, Skip, Unparsed};

macro_rules! always {
    ($($field:ident = $letters:literal;)*) => {
        /// THE table of the fields that every entry has; [`ROWS`] has those that options add.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Always {
            $($field,)*
        }

        const ALWAYS: &[&[u8; 2]] = &[$($letters,)*];
    };
}

always! {
    Time = b"ts";
    SourceChannel = b"sc";
    DestinationChannel = b"dc";
    Code = b"ac";
    Size = b"sz";
    From = b"so";
    OriginalTo = b"od";
    To = b"de";
    Direction = b"dr";
    HeaderLine = b"va";
}

/// A field that is read, by its number: those that options add come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attribute(u8);

/// How many there are.
const ATTRIBUTES: usize = WITH_FIELD + ALWAYS.len();

impl From<LogOption> for Attribute {
    fn from(option: LogOption) -> Self {
        Self(option as u8)
    }
}

impl From<Always> for Attribute {
    #[expect(clippy::cast_possible_truncation, reason = "there are few")]
    fn from(field: Always) -> Self {
        Self(WITH_FIELD as u8 + field as u8)
    }
}

/// The name of an attribute.
const fn name(number: usize) -> [u8; 2] {
    match ROWS[number % ROWS.len()].field {
        Some(field) if number < WITH_FIELD => field.letters,
        _ => *ALWAYS[number - WITH_FIELD],
    }
}

/// What `NOTHING` says where two letters name no attribute.
const NOTHING: u8 = u8::MAX;
const LETTERS: usize = 26;

/// The attribute of each pair of letters.
#[expect(clippy::cast_possible_truncation, reason = "there are few")]
const BY_LETTERS: [u8; LETTERS * LETTERS] = {
    let mut table = [NOTHING; LETTERS * LETTERS];
    let mut number = 0;
    while number < ATTRIBUTES {
        let [first, second] = name(number);
        table[(first - b'a') as usize * LETTERS + (second - b'a') as usize] = number as u8;
        number += 1;
    }
    table
};

impl Attribute {
    /// The attribute of this name.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        let &[first @ b'a'..=b'z', second @ b'a'..=b'z'] = name else { return None };
        let number = BY_LETTERS[usize::from(first - b'a') * LETTERS + usize::from(second - b'a')];
        (number != NOTHING).then_some(Self(number))
    }
}

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// `en`: a message.
    Message,
    /// `co`: a connection.
    Connection,
    /// `he`: a header line.
    Header,
}

impl Element {
    /// The element of this name.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"en" => Some(Self::Message),
            b"co" => Some(Self::Connection),
            b"he" => Some(Self::Header),
            _ => None,
        }
    }
}

/// Where a value lies: in the line, or decoded in the buffer.
#[derive(Clone, Copy)]
struct Span {
    start: u32,
    /// The highest bit says that the value is in the buffer.
    end: u32,
}

const ABSENT: Span = Span { start: u32::MAX, end: 0 };
const DECODED: u32 = 1 << 31;

/// `<en ts="2024-02-20T14:17:08`, the beginning of another entry in a value that was cut.
const TIME_BYTES: u32 = 27;
/// `" sc="`, between the values of two attributes.
const BETWEEN_VALUES: u32 = 6;

/// The longest line that spans can point into.
pub(super) const MAX_LINE_BYTES: usize = DECODED as usize / 4;

/// Where the value of each attribute is. A line longer than [`MAX_LINE_BYTES`] has no spans.
pub(super) struct Spans([Span; ATTRIBUTES]);

impl Spans {
    pub(super) fn new() -> Self {
        Self([ABSENT; ATTRIBUTES])
    }

    /// A value as it stands in the line.
    pub(super) fn in_line(&mut self, attribute: Attribute, start: usize, end: usize) {
        self.set(attribute, start, end, 0);
    }

    /// A value in the buffer.
    pub(super) fn in_buffer(&mut self, attribute: Attribute, start: usize, end: usize) {
        self.set(attribute, start, end, DECODED);
    }

    fn set(&mut self, attribute: Attribute, start: usize, end: usize, decoded: u32) {
        if let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end)) {
            self.0[usize::from(attribute.0)] = Span { start, end: end | decoded };
        }
    }

    /// Whether the attributes in front of the code stand as the MTA writes them, with nothing between them or in
    /// them: time, node and process id where they are on, and the channel.
    pub(super) fn begin_as_usual(&self) -> bool {
        let mut last = self.span(Always::Time);
        for span in
            [self.span(LogOption::Node), self.span(LogOption::Process), self.span(Always::SourceChannel)]
        {
            if span.start != ABSENT.start {
                let holds_time = span.end.wrapping_sub(span.start) >= TIME_BYTES;
                if span.start != last.end.wrapping_add(BETWEEN_VALUES) || holds_time {
                    return false;
                }
                last = span;
            }
        }
        true
    }

    pub(super) fn has(&self, attribute: impl Into<Attribute>) -> bool {
        self.span(attribute).start != ABSENT.start
    }

    fn span(&self, attribute: impl Into<Attribute>) -> Span {
        self.0[usize::from(attribute.into().0)]
    }
}

/// The values of one entry.
pub(super) struct Values<'a> {
    /// The line.
    pub(super) line: &'a [u8],
    /// The values that had to be decoded.
    pub(super) decoded: &'a [u8],
    /// Where each is.
    pub(super) spans: Spans,
    /// How the entry is written.
    pub(super) format: Format,
}

impl<'a> Values<'a> {
    fn get(&self, attribute: impl Into<Attribute>) -> &'a [u8] {
        let Span { start, end } = self.spans.span(attribute);
        let text = if end & DECODED == 0 { self.line } else { self.decoded };
        text.get(start as usize..(end & !DECODED) as usize).unwrap_or_default()
    }

    /// The entry that the values make; `malformed` when one is missing that every entry has.
    pub(super) fn entry(&self, element: Element, malformed: Unparsed) -> Line<'a> {
        let entry = match element {
            Element::Message => self.message(malformed),
            Element::Connection => self.connection(malformed),
            Element::Header => Ok(Line::Skipped(Skip::Header)),
        };
        entry.unwrap_or_else(Line::Unparsed)
    }

    fn message(&self, malformed: Unparsed) -> Result<Line<'a>, Unparsed> {
        let code = EntryCode::parse(self.get(Always::Code)).ok_or(Unparsed::NoAction)?;
        if !self.spans.has(Always::SourceChannel) {
            return Err(malformed);
        }
        let recipient = self.spans.has(Always::OriginalTo) || self.spans.has(Always::To);
        if !code.action.row().may_lack_recipient && !recipient {
            return Err(Unparsed::NoRecipient);
        }
        let diagnostic = self.get(LogOption::Diagnostics);
        let written = self.get(LogOption::Transport);
        let transport = if written.is_empty() {
            transport::find(diagnostic).map_or(written, |found| found.tuple)
        } else {
            written
        };
        Ok(Line::Message(Message {
            format: self.format,
            shown: self.options(),
            time: timestamp::iso(self.get(Always::Time)).ok_or(Unparsed::NoTimestamp)?,
            node: self.get(LogOption::Node),
            process: self.get(LogOption::Process),
            source_channel: self.get(Always::SourceChannel),
            destination_channel: self.get(Always::DestinationChannel),
            code,
            blocks: number(self.get(Always::Size)).unwrap_or(0),
            from: self.get(Always::From),
            original_to: self.get(Always::OriginalTo),
            to: self.get(Always::To),
            notary: number(self.get(LogOption::Notary)),
            filename: self.get(LogOption::Filename),
            envelope_id: self.get(LogOption::EnvelopeId),
            message_id: self.get(LogOption::MessageId),
            username: self.get(LogOption::Username),
            source_system: self.get(LogOption::Connection),
            sensitivity: self.get(LogOption::Sensitivity),
            priority: self.get(LogOption::Priority),
            intermediate: self.get(LogOption::Intermediate),
            initial: self.get(LogOption::Initial),
            filter: self.get(LogOption::Filter),
            reason: self.get(LogOption::Reason),
            diagnostic,
            remote_mta: self.get(LogOption::RemoteMta),
            transport,
            application: self.get(LogOption::Application),
            queue_seconds: seconds(self.get(LogOption::QueueTime)),
        }))
    }

    fn connection(&self, malformed: Unparsed) -> Result<Line<'a>, Unparsed> {
        let direction = match self.get(Always::Direction) {
            b"+" => Direction::In,
            b"-" => Direction::Out,
            _ => return Err(malformed),
        };
        Ok(Line::Connection(Connection {
            time: timestamp::iso(self.get(Always::Time)).ok_or(Unparsed::NoTimestamp)?,
            node: self.get(LogOption::Node),
            process: self.get(LogOption::Process),
            channel: self.get(Always::SourceChannel),
            direction,
            code: EntryCode::parse(self.get(Always::Code)).ok_or(Unparsed::NoAction)?,
            transport: transport::parse(self.get(LogOption::Transport)),
            application: self.get(LogOption::Application),
            text: self.get(LogOption::MessageId),
            username: self.get(LogOption::Username),
            diagnostic: self.get(LogOption::Diagnostics),
        }))
    }

    /// The options whose fields are there, be they empty.
    fn options(&self) -> OptionSet {
        let mut shown = OptionSet::default();
        for &option in &LogOption::ALL[..WITH_FIELD] {
            shown.note(option, self.spans.has(option));
        }
        shown
    }
}

fn number<T: std::str::FromStr>(value: &[u8]) -> Option<T> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{ATTRIBUTES, Attribute, name};

    #[test]
    fn every_name_is_found_and_no_other() {
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                let number = (0..ATTRIBUTES).find(|&number| name(number) == [first, second]);
                let found = Attribute::named(&[first, second]).map(|attribute| usize::from(attribute.0));
                assert_eq!(found, number);
            }
        }
        assert_eq!(Attribute::named(b"t"), None);
        assert_eq!(Attribute::named(b"tss"), None);
    }
}
