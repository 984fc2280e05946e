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
            pub const fn label(self) -> &'static str {
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

        /// By its label.
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.label())
            }
        }
    };
}
pub(crate) use labelled;

mod added;
pub mod authentication;
mod bytes;
pub mod closing;
pub mod code;
pub mod daemon_log;
pub mod format;
mod named;
mod number;
pub mod option;
mod other_log;
mod phrases;
mod pieces;
mod positional;
mod prefix;
pub mod reason;
pub mod rejection;
mod syslog;
mod torn;
mod values;

use bytes::behind_blanks;
use code::EntryCode;
use format::Format;
use option::{Fields, OptionSet};
pub use pieces::RawLine;
use positional::{Blanks, Known};
use prefix::Entry;
use values::timestamp::{Stamps, Timestamp};
use values::transport::Transport;
pub use values::{address, application, diagnostic, label, queue_file, timestamp, transport};

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

impl Line<'_> {
    /// When the entry was written, if it is one.
    pub fn time(&self) -> Option<Timestamp> {
        match self {
            Self::Message(message) => Some(message.time),
            Self::Connection(connection) => Some(connection.time),
            Self::Skipped(_) | Self::Unparsed(_) => None,
        }
    }
}

labelled! {
    /// Why a line is skipped: the closed set of values of `reason` on skipped lines.
    Skip {
        Header = "header": "a header line that the channel option logheader put into the log";
        Blank = "blank": "an empty line";
        OtherElement = "other_element": "an XML element of another log of the product";
        Nslog = "nslog": "a line in the NSLOG format of other daemons";
        DebugLog = "debug_log": "a line of a channel's or the Dispatcher's debug log";
        Nul = "nul": "a block of NUL bytes, which a log that was cut in place or a power failure leaves";
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
        Torn = "torn": "an entry that was cut, with another one or NUL bytes behind it in the same line";
        MalformedXml = "malformed_xml": "an XML element that does not end or lacks a required attribute";
        MalformedJson = "malformed_json": "a JSON object that does not end or lacks a required member";
        MalformedCount = "malformed_count": "a counted field (`LOG_FORMAT` 3) whose length does not fit the line";
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
    /// How the entry is written.
    pub format: Format,
    /// The `LOG_*` options whose fields the entry shows.
    pub shown: OptionSet,
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
    pub code: EntryCode,
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
    /// The remote host with its type, `dns;thor.siroe.com` (`LOG_REMOTE_MTA`).
    pub remote_mta: &'a [u8],
    /// Transport information (`LOG_CONNECTION` bit 5), or the tuple in the diagnostic.
    pub transport: &'a [u8],
    /// Application information (`LOG_CONNECTION` bit 6).
    pub application: &'a [u8],
    /// Seconds in the queue (`LOG_QUEUE_TIME`).
    pub queue_seconds: Option<f64>,
}

impl<'a> Message<'a> {
    /// The message id without the one that a notification is about.
    pub fn own_id(&self) -> &'a [u8] {
        bytes::find::<b','>(self.message_id).map_or(self.message_id, |comma| &self.message_id[..comma])
    }
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
    pub code: EntryCode,
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

/// How the log of one installation is written, as far as it was configured.
#[derive(Clone, Debug, Default)]
pub struct Dialect {
    /// User names that the MTA's own processes run as, beside the product's usual ones.
    pub run_users: Vec<Vec<u8>>,
    /// The options that are on, where they are pinned.
    pub options: Option<OptionSet>,
    /// Which of the positional formats lines of text are in, where it is pinned. XML and JSON are known
    /// by their first character.
    pub format: Option<Format>,
}

/// Reads lines one by one. Between lines it keeps a buffer for decoded values, room for the places of the
/// blanks, what other log a line came from last, and what the last time stamp was.
#[derive(Debug, Default)]
pub struct Reader {
    dialect: Dialect,
    /// By the options that are pinned or learned.
    fields: Option<Fields>,
    other_log: Option<Skip>,
    stamps: Stamps,
    blanks: Blanks,
    decoded: Vec<u8>,
    /// Whether it reads what stands within the line of another entry.
    within: bool,
}

impl Reader {
    /// A reader for one log.
    pub fn new(dialect: Dialect) -> Self {
        let fields = dialect.options.map(Fields::of);
        Self { dialect, fields, ..Self::default() }
    }

    /// A reader for an entry that may stand within the line of another one.
    fn within(dialect: Dialect) -> Self {
        Self { within: true, ..Self::new(dialect) }
    }

    /// The options that the log has shown to be on, by which the added fields of positional entries
    /// are read from now on. Pinned ones win.
    #[inline]
    pub fn learn(&mut self, options: Option<OptionSet>) {
        let options = self.dialect.options.or(options);
        if options != self.fields.as_ref().map(Fields::options) {
            self.read_by(options);
        }
    }

    #[cold]
    fn read_by(&mut self, options: Option<OptionSet>) {
        self.fields = options.map(Fields::of);
    }

    /// The log of which a line came last, if it was not an entry: such lines may go on behind a line
    /// end. Beside what was [learned](Reader::learn), nothing else that
    /// changes what a line means is carried from line to line.
    pub fn other_log(&self) -> Option<Skip> {
        self.other_log
    }

    /// Goes on behind lines that left this in [`Reader::other_log`].
    pub fn resume(&mut self, other_log: Option<Skip>) {
        self.other_log = other_log;
    }

    /// What a line without its end-of-line characters means.
    pub fn read<'a>(&'a mut self, line: &'a [u8]) -> Line<'a> {
        // A day of one digit is padded with a blank.
        let line = behind_blanks(line);
        let Some(entry) = entry(line, &mut self.stamps) else {
            let log = other_log::of(line);
            self.other_log = log.or(self.other_log);
            return log.map_or_else(|| other_log::rest(line, self.other_log), Line::Skipped);
        };
        self.other_log = None;
        match entry {
            Entry::Text(time, rest) => {
                self.blanks.note(rest);
                let fields = self.fields.as_ref();
                positional::read(
                    time,
                    rest,
                    &Known {
                        dialect: &self.dialect,
                        fields,
                        blanks: &self.blanks,
                        within: self.within,
                        begins_within: torn::begins_within,
                    },
                )
            }
            Entry::Xml(element) => {
                let dialect = &self.dialect;
                named::read_element(element, &mut self.decoded, || torn::next(element, dialect).is_some())
            }
            Entry::Json(object) => named::read_object(object, &mut self.decoded),
        }
    }
}

/// Where an entry begins. A line of another log may hold what looks like one.
fn entry<'a>(line: &'a [u8], stamps: &mut Stamps) -> Option<Entry<'a>> {
    match line.first()? {
        b'<' if syslog::behind_priority(line).is_some() => prefix::entry(line),
        b'<' => Some(Entry::Xml(line)),
        b'{' => Some(Entry::Json(line)),
        byte => {
            let stamp = byte.is_ascii_digit().then(|| stamps.text(line)).flatten();
            match stamp {
                Some((time, rest)) => Some(Entry::Text(time, rest)),
                None if other_log::of(line).is_some() => None,
                None => prefix::entry(line),
            }
        }
    }
}

#[cfg(test)]
mod tests;
