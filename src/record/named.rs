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
use super::option::{LogOption, OptionSet};
use super::values::{timestamp, transport};
use super::{Connection, Direction, Line, Message, Skip, Unparsed};

/// THE table of names: the attribute, its name, and the option that adds it to message entries.
macro_rules! attributes {
    ($($attribute:ident = $name:literal $(by $option:ident)?;)*) => {
        /// A field that is read.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Attribute {
            $($attribute,)*
        }

        const NAMES: &[(&[u8; 2], Attribute)] = &[$(($name, Attribute::$attribute),)*];
        const BY_OPTION: &[(Attribute, LogOption)] = &[$($((Attribute::$attribute, LogOption::$option),)?)*];
    };
}

attributes! {
    Time = b"ts";
    Node = b"no" by Node;
    Process = b"pi" by Process;
    SourceChannel = b"sc";
    DestinationChannel = b"dc";
    Code = b"ac";
    Size = b"sz";
    From = b"so";
    OriginalTo = b"od";
    To = b"de";
    Notary = b"rf" by Notary;
    Filename = b"fi" by Filename;
    EnvelopeId = b"ei" by EnvelopeId;
    MessageId = b"mi" by MessageId;
    Username = b"us" by Username;
    SourceSystem = b"ss" by Connection;
    Sensitivity = b"se" by Sensitivity;
    Priority = b"pr" by Priority;
    Intermediate = b"in" by Intermediate;
    Initial = b"ia" by Initial;
    Filter = b"fl" by Filter;
    Reason = b"re" by Reason;
    Diagnostic = b"di" by Diagnostics;
    RemoteMta = b"rm" by RemoteMta;
    Transport = b"tr" by Transport;
    Application = b"ap" by Application;
    QueueSeconds = b"qt" by QueueTime;
    Direction = b"dr";
    HeaderLine = b"va";
}

/// What `NOTHING` says where two letters name no attribute.
const NOTHING: u8 = u8::MAX;
const LETTERS: usize = 26;

/// The attribute of each pair of letters.
const BY_LETTERS: [u8; LETTERS * LETTERS] = {
    let mut table = [NOTHING; LETTERS * LETTERS];
    let mut row = 0;
    while row < NAMES.len() {
        let (name, attribute) = NAMES[row];
        table[(name[0] - b'a') as usize * LETTERS + (name[1] - b'a') as usize] = attribute as u8;
        row += 1;
    }
    table
};

impl Attribute {
    /// The attribute of this name.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        let &[first @ b'a'..=b'z', second @ b'a'..=b'z'] = name else { return None };
        let position = BY_LETTERS[usize::from(first - b'a') * LETTERS + usize::from(second - b'a')];
        NAMES.get(usize::from(position)).map(|&(_, attribute)| attribute)
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
pub(super) struct Spans([Span; NAMES.len()]);

impl Spans {
    pub(super) fn new() -> Self {
        Self([ABSENT; NAMES.len()])
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
            self.0[attribute as usize] = Span { start, end: end | decoded };
        }
    }

    /// Whether the attributes in front of the code stand as the MTA writes them, with nothing between them or in
    /// them: time, node and process id where they are on, and the channel.
    pub(super) fn begin_as_usual(&self) -> bool {
        let mut last = self.0[Attribute::Time as usize];
        for attribute in [Attribute::Node, Attribute::Process, Attribute::SourceChannel] {
            let span = self.0[attribute as usize];
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

    pub(super) fn has(&self, attribute: Attribute) -> bool {
        self.0[attribute as usize].start != ABSENT.start
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
    fn get(&self, attribute: Attribute) -> &'a [u8] {
        let Span { start, end } = self.spans.0[attribute as usize];
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
        let code = EntryCode::parse(self.get(Attribute::Code)).ok_or(Unparsed::NoAction)?;
        if !self.spans.has(Attribute::SourceChannel) {
            return Err(malformed);
        }
        let recipient = self.spans.has(Attribute::OriginalTo) || self.spans.has(Attribute::To);
        if !code.action.row().may_lack_recipient && !recipient {
            return Err(Unparsed::NoRecipient);
        }
        let diagnostic = self.get(Attribute::Diagnostic);
        let written = self.get(Attribute::Transport);
        let transport = if written.is_empty() {
            transport::find(diagnostic).map_or(written, |found| found.tuple)
        } else {
            written
        };
        Ok(Line::Message(Message {
            format: self.format,
            shown: self.options(),
            time: timestamp::iso(self.get(Attribute::Time)).ok_or(Unparsed::NoTimestamp)?,
            node: self.get(Attribute::Node),
            process: self.get(Attribute::Process),
            source_channel: self.get(Attribute::SourceChannel),
            destination_channel: self.get(Attribute::DestinationChannel),
            code,
            blocks: number(self.get(Attribute::Size)).unwrap_or(0),
            from: self.get(Attribute::From),
            original_to: self.get(Attribute::OriginalTo),
            to: self.get(Attribute::To),
            notary: number(self.get(Attribute::Notary)),
            filename: self.get(Attribute::Filename),
            envelope_id: self.get(Attribute::EnvelopeId),
            message_id: self.get(Attribute::MessageId),
            username: self.get(Attribute::Username),
            source_system: self.get(Attribute::SourceSystem),
            sensitivity: self.get(Attribute::Sensitivity),
            priority: self.get(Attribute::Priority),
            intermediate: self.get(Attribute::Intermediate),
            initial: self.get(Attribute::Initial),
            filter: self.get(Attribute::Filter),
            reason: self.get(Attribute::Reason),
            diagnostic,
            remote_mta: self.get(Attribute::RemoteMta),
            transport,
            application: self.get(Attribute::Application),
            queue_seconds: seconds(self.get(Attribute::QueueSeconds)),
        }))
    }

    fn connection(&self, malformed: Unparsed) -> Result<Line<'a>, Unparsed> {
        let direction = match self.get(Attribute::Direction) {
            b"+" => Direction::In,
            b"-" => Direction::Out,
            _ => return Err(malformed),
        };
        Ok(Line::Connection(Connection {
            time: timestamp::iso(self.get(Attribute::Time)).ok_or(Unparsed::NoTimestamp)?,
            node: self.get(Attribute::Node),
            process: self.get(Attribute::Process),
            channel: self.get(Attribute::SourceChannel),
            direction,
            code: EntryCode::parse(self.get(Attribute::Code)).ok_or(Unparsed::NoAction)?,
            transport: transport::parse(self.get(Attribute::Transport)),
            application: self.get(Attribute::Application),
            text: self.get(Attribute::MessageId),
            username: self.get(Attribute::Username),
            diagnostic: self.get(Attribute::Diagnostic),
        }))
    }

    /// The options whose fields are there, be they empty.
    fn options(&self) -> OptionSet {
        let mut shown = OptionSet::default();
        for &(attribute, option) in BY_OPTION {
            shown.note(option, self.spans.has(attribute));
        }
        shown
    }
}

fn number<T: std::str::FromStr>(value: &[u8]) -> Option<T> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Attribute, NAMES};

    #[test]
    fn every_name_is_found_and_no_other() {
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                let row = NAMES.iter().find(|(name, _)| **name == [first, second]);
                assert_eq!(Attribute::named(&[first, second]), row.map(|&(_, attribute)| attribute));
            }
        }
        assert_eq!(Attribute::named(b"t"), None);
        assert_eq!(Attribute::named(b"tss"), None);
    }
}
