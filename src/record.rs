//! PURE: what one line of a mail or connection log means. No I/O, no clock, no metrics.
//!
//! [`Reader::read`] is total: any bytes give a [`Line`], which is an entry, a line skipped on
//! purpose, or one that is not understood with the reason why. Fields are borrowed byte slices: the
//! MTA copies what other hosts said, in whatever encoding, into its log.

/// A closed set of label values: an enum with each value's label and meaning.
macro_rules! labelled {
    ($(#[$attribute:meta])* $name:ident { $($variant:ident = $label:literal: $meaning:literal;)* }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = $meaning] $variant,)*
        }

        impl $name {
            /// Every value, in the order of their indices.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The label value.
            pub fn label(self) -> &'static str {
                match self {
                    $($name::$variant => $label,)*
                }
            }

            /// What it says, for people.
            pub fn meaning(self) -> &'static str {
                match self {
                    $($name::$variant => $meaning,)*
                }
            }
        }
    };
}
pub(crate) use labelled;

pub mod address;
pub mod code;
pub mod diagnostic;
pub mod label;
pub mod queue_file;
pub mod reason;
mod text;
pub mod timestamp;
pub mod transport;
mod xml;

use code::Action;
use timestamp::Timestamp;
use transport::Transport;

/// What a line is.
#[derive(Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "an entry lives on the stack for one line; a box would cost an allocation"
)]
pub enum Line<'a> {
    /// An entry about one recipient of one message.
    Message(Message<'a>),
    /// An entry about a connection.
    Connection(Connection<'a>),
    /// Nothing to count, on purpose.
    Skipped(Skip),
    /// Not understood.
    Unparsed(Unparsed),
}

labelled! {
    /// Why a line is skipped: the closed set of values of `reason` on skipped lines.
    Skip {
        Header = "header": "a header line that the channel option logheader put into the log";
        Blank = "blank": "an empty line";
        OtherElement = "other_element": "an XML element of another log of the product";
        Nslog = "nslog": "a line in the NSLOG format of other daemons";
        DebugLog = "debug_log": "a line of a channel's or the Dispatcher's debug log";
        TooLong = "too_long": "a line longer than `logs.max_line_bytes`";
        Incomplete = "incomplete": "a line whose beginning or end is not in the file";
    }
}

labelled! {
    /// Why a line is not understood: the closed set of values of `reason` on unparsed lines.
    Unparsed {
        Binary = "binary": "control characters where an entry should be";
        NoTimestamp = "no_timestamp": "no time stamp at the start";
        NoAction = "no_action": "no entry code behind the time stamp and channels";
        NoRecipient = "no_recipient": "a message entry without an original recipient";
        MalformedXml = "malformed_xml": "an XML element that does not end or lacks a required attribute";
        UnsupportedFormat = "unsupported_format": "a `LOG_FORMAT` that is not read: counted fields or JSON";
    }
}

labelled! {
    /// Which side opened a connection.
    Direction {
        In = "in": "inbound, to our SMTP server (`+`)";
        Out = "out": "outbound, from our SMTP client (`-`)";
    }
}

/// An entry about one recipient of one message in one channel. Fields that the log does not have
/// or that are empty are empty slices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message<'a> {
    /// When the entry was written.
    pub time: Timestamp,
    /// The host that wrote it (`LOG_NODE`).
    pub node: &'a [u8],
    /// Process id, thread and sequence number (`LOG_PROCESS`).
    pub process: &'a [u8],
    /// The channel that wrote the entry.
    pub source_channel: &'a [u8],
    /// Where an enqueue goes; empty for all others.
    pub destination_channel: &'a [u8],
    /// The entry code.
    pub action: Action,
    /// Size in blocks, rounded up by the MTA.
    pub blocks: u64,
    /// Envelope From; empty for notifications.
    pub from: &'a [u8],
    /// Original envelope To with its address type, `rfc822;adam@sesta.com`.
    pub original_to: &'a [u8],
    /// Current envelope To.
    pub to: &'a [u8],
    /// NOTARY flags (`LOG_NOTARY`).
    pub notary: Option<u32>,
    /// Queue file (`LOG_FILENAME`).
    pub filename: &'a [u8],
    /// Envelope id (`LOG_ENVELOPE_ID`).
    pub envelope_id: &'a [u8],
    /// Message id with its brackets; `<new>,<original>` for a notification (`LOG_MESSAGE_ID`).
    pub message_id: &'a [u8],
    /// Process or, behind `*`, authenticated user (`LOG_USERNAME`).
    pub username: &'a [u8],
    /// The sending or remote system (`LOG_CONNECTION` bit 0).
    pub source_system: &'a [u8],
    /// Sensitivity and priority (`LOG_SENSITIVITY`, `LOG_PRIORITY`).
    pub sensitivity: &'a [u8],
    /// See [`Message::sensitivity`].
    pub priority: &'a [u8],
    /// Intermediate and initial address (`LOG_INTERMEDIATE`).
    pub intermediate: &'a [u8],
    /// See [`Message::intermediate`].
    pub initial: &'a [u8],
    /// Sieve filter actions (`LOG_FILTER`).
    pub filter: &'a [u8],
    /// Why a recipient was rejected (`LOG_REASON`).
    pub reason: &'a [u8],
    /// Delivery status (`LOG_DIAGNOSTICS`).
    pub diagnostic: &'a [u8],
    /// Transport information (`LOG_CONNECTION` bit 5), or the tuple in the diagnostic.
    pub transport: &'a [u8],
    /// Application information (`LOG_CONNECTION` bit 6).
    pub application: &'a [u8],
    /// Seconds in the queue (`LOG_QUEUE_TIME`).
    pub queue_seconds: Option<f64>,
}

/// An entry about a connection (`LOG_CONNECTION` bits 1, 2 and 7).
#[derive(Clone, Debug, PartialEq)]
pub struct Connection<'a> {
    /// When the entry was written.
    pub time: Timestamp,
    /// The host that wrote it (`LOG_NODE`).
    pub node: &'a [u8],
    /// Process id, thread and sequence number (`LOG_PROCESS`).
    pub process: &'a [u8],
    /// The channel.
    pub channel: &'a [u8],
    /// Which side opened the connection.
    pub direction: Direction,
    /// The entry code.
    pub action: Action,
    /// The ends; absent where nothing was connected.
    pub transport: Option<Transport<'a>>,
    /// `SMTP`, `SMTP/TLS-128-RC4`, `SMTP/<initial host>/<host>`.
    pub application: &'a [u8],
    /// Free text, in XML entries apart from the diagnostic.
    pub text: &'a [u8],
    /// User name, in XML entries apart from the diagnostic.
    pub username: &'a [u8],
    /// Our reply or why the connection was closed; in text entries all that follows the application.
    pub diagnostic: &'a [u8],
}

/// How the log of one installation is written, as far as a reader must know.
#[derive(Clone, Debug, Default)]
pub struct Dialect {
    /// User names that the MTA's own processes run as, beside the product's usual ones.
    pub run_users: Vec<Vec<u8>>,
}

/// Reads lines one by one. It keeps only a buffer for decoded XML values between lines.
#[derive(Debug, Default)]
pub struct Reader {
    dialect: Dialect,
    decoded: Vec<u8>,
}

impl Reader {
    /// A reader for one log.
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, decoded: Vec::new() }
    }

    /// What a line without its end-of-line characters means.
    pub fn read<'a>(&'a mut self, line: &'a [u8]) -> Line<'a> {
        let line = behind_blanks(line);
        match line.first() {
            None => Line::Skipped(Skip::Blank),
            Some(b'<') => xml::read(line, &mut self.decoded),
            Some(b'{') => Line::Unparsed(Unparsed::UnsupportedFormat),
            Some(byte) if byte.is_ascii_digit() => match timestamp::text(line) {
                Some((time, rest)) => text::read(time, rest, &self.dialect),
                None => self.read_behind_prefix(line),
            },
            Some(_) => self.read_behind_prefix(line),
        }
    }

    /// An entry behind the prefix of syslog or `grep`, or no entry at all.
    fn read_behind_prefix<'a>(&'a mut self, line: &'a [u8]) -> Line<'a> {
        let head = &line[..line.len().min(MAX_PREFIX_BYTES)];
        if let Some((time, rest)) = stamp_behind_prefix(line, head) {
            return text::read(time, rest, &self.dialect);
        }
        if let Some(start) =
            ["<en ", "<co ", "<he "].iter().find_map(|tag| memchr::memmem::find(head, tag.as_bytes()))
        {
            return xml::read(&line[start..], &mut self.decoded);
        }
        not_an_entry(line)
    }
}

/// How far into a line an entry may begin.
const MAX_PREFIX_BYTES: usize = 160;

fn stamp_behind_prefix<'a>(line: &'a [u8], head: &[u8]) -> Option<(Timestamp, &'a [u8])> {
    memchr::memchr_iter(b'-', head).find_map(|dash| {
        // A blank-padded day has one digit; `12-Jun` must not be read as `2-Jun`.
        let two = dash.checked_sub(2).and_then(|start| timestamp::text(&line[start..]));
        two.or_else(|| dash.checked_sub(1).and_then(|start| timestamp::text(&line[start..])))
    })
}

/// Says what a line is that is no entry of a mail or connection log.
fn not_an_entry<'a>(line: &[u8]) -> Line<'a> {
    let digits = |range: std::ops::Range<usize>| {
        line.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let at = |position: usize, byte: u8| line.get(position) == Some(&byte);
    let clock =
        |separator: u8| digits(0..2) && at(2, separator) && digits(3..5) && at(5, separator) && digits(6..8);
    if at(0, b'[') && digits(1..3) && at(3, b'/') && at(7, b'/') && digits(8..12) && at(12, b':') {
        return Line::Skipped(Skip::Nslog);
    }
    if (clock(b':') || clock(b'.')) && at(8, b'.') && digits(9..11) {
        return Line::Skipped(Skip::DebugLog);
    }
    let control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    Line::Unparsed(if line.iter().any(control) { Unparsed::Binary } else { Unparsed::NoTimestamp })
}

/// An entry without the blanks in front of it; a day of one digit is padded with one.
fn behind_blanks(line: &[u8]) -> &[u8] {
    let blanks = line.iter().take_while(|&&byte| byte == b' ').count();
    &line[blanks..]
}

#[cfg(test)]
mod tests;
