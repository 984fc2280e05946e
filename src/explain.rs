//! `imsimta-exporter explain`: what a line means to this program, field by field, which class a failure
//! gets and what decided it; or why a line is not understood, and where reading stopped.
//!
//! Lines are [read](LogReader) as everywhere else. Finding out where reading stopped is a
//! pass of its own, in `stop.rs`, so that counting pays nothing for it.

mod fields;
mod stop;

use std::fmt::Write as _;
use std::io::{self, Read};

use crate::config::Config;
use crate::counting::{LogReader, TakeLines};
use crate::listing::Listing;
use crate::record::authentication::{AuthenticationFailure, AuthenticationResult};
use crate::record::closing::Closing;
use crate::record::code::Action;
use crate::record::option::OptionSet;
use crate::record::reason::evidence::{self, Evidence, Sign, Weighed, Where};
use crate::record::reason::{Basis, Classified, Failure, Reason};
use crate::record::{Connection, Direction, Line, Message, Skip, Unparsed, address, application, queue_file};
use crate::source::lines::{Block, BlockReader};
use crate::text::escape::escaped;

/// The longest part of a line that is shown where reading stopped.
const REST_WIDTH: usize = 52;

/// What is to be said of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// For people: printable ASCII, 80 columns where words allow it.
    pub text: String,
    /// Whether the line is an entry, or skipped on purpose.
    pub understood: bool,
}

/// Explains lines one by one, and counts them.
#[derive(Debug)]
pub struct Explainer {
    reader: LogReader,
    max_line_bytes: usize,
    number: u64,
}

impl Explainer {
    /// Reads lines as the configuration says.
    pub fn new(config: &Config) -> Self {
        let max_line_bytes = usize::try_from(config.logs.max_line_bytes).unwrap_or(usize::MAX);
        Self { reader: LogReader::new(config.dialect(), max_line_bytes), max_line_bytes, number: 0 }
    }

    /// Explains the next line, which stands here without its end-of-line characters: each piece of it where
    /// it is more than one.
    ///
    /// # Errors
    ///
    /// What `show` says.
    pub fn line(&mut self, line: &[u8], show: impl FnMut(Explanation) -> io::Result<()>) -> io::Result<()> {
        self.block(&Block::LastLine(line), show)
    }

    /// Explains the lines of a stream as they come.
    ///
    /// # Errors
    ///
    /// When the stream cannot be read, or what `show` says.
    pub fn stream(
        &mut self,
        stream: impl Read,
        mut show: impl FnMut(Explanation) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut blocks = BlockReader::new(stream, self.max_line_bytes);
        let mut buffer = Vec::new();
        while let Some(block) = blocks.next_block(&mut buffer)? {
            self.block(&block, &mut show)?;
        }
        Ok(())
    }

    fn block(
        &mut self,
        block: &Block<'_>,
        show: impl FnMut(Explanation) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut explaining = Explaining { number: &mut self.number, show, result: Ok(()) };
        self.reader.read(block, &mut explaining);
        explaining.result
    }
}

/// Lines on their way to whom they are explained.
struct Explaining<'a, S> {
    /// Of the last line.
    number: &'a mut u64,
    show: S,
    /// What the one who shows them says.
    result: io::Result<()>,
}

impl<S: FnMut(Explanation) -> io::Result<()>> TakeLines for Explaining<'_, S> {
    /// A line means what it says by itself.
    fn options(&self) -> Option<OptionSet> {
        None
    }

    fn begin(&mut self) {
        *self.number += 1;
    }

    fn line(&mut self, line: &Line<'_>, raw: &[u8], _: usize) {
        if self.result.is_ok() {
            self.result = (self.show)(explanation(*self.number, line, raw));
        }
    }

    fn skipped(&mut self, reason: Skip, _: u64, ends: bool) {
        if ends {
            self.begin();
            self.line(&Line::Skipped(reason), b"", 0);
        }
    }
}

fn explanation(number: u64, line: &Line<'_>, raw: &[u8]) -> Explanation {
    let mut listing = Listing::default();
    match line {
        Line::Message(message) => explain_message(&mut listing, number, message),
        Line::Connection(entry) => explain_connection(&mut listing, number, entry),
        Line::Skipped(skip) => explain_skipped(&mut listing, number, *skip),
        Line::Unparsed(reason) => explain_unparsed(&mut listing, number, raw, *reason),
    }
    Explanation { text: listing.text, understood: !matches!(line, Line::Unparsed(_)) }
}

fn explain_skipped(listing: &mut Listing, number: u64, skip: Skip) {
    listing.title(&format!("line {number}: skipped on purpose, {}: {}", skip.label(), skip.meaning()));
}

fn explain_message(listing: &mut Listing, number: u64, message: &Message<'_>) {
    listing.title(&format!("line {number}: a message entry"));
    listing.words("LOG_FORMAT", &format!("{}: {}", message.format.label(), message.format.meaning()));
    let absent = fields::message(listing, message);
    if let Some(domain) = address::destination(message.to) {
        listing.bytes("destination domain", domain);
    }
    if let Some(file) = queue_file::parse(queue_file::base_name(message.filename)) {
        let held = if file.held { "; the message is held" } else { "" };
        listing.words("attempts before", &format!("{}, by the file name{held}", file.attempts));
    }
    if let Some(failure) = Failure::of_message(message) {
        explain_class(listing, &failure);
    }
    explain_absent(listing, &absent);
}

fn explain_connection(listing: &mut Listing, number: u64, entry: &Connection<'_>) {
    let side = match entry.direction {
        Direction::In => "inbound",
        Direction::Out => "outbound",
    };
    listing.title(&format!("line {number}: a connection entry, {side}"));
    let absent = fields::connection(listing, entry);
    match entry.code.action {
        Action::Close => {
            let closing = Closing::of(entry);
            listing.words("closing", &format!("{}: {}", closing.label(), closing.meaning()));
            if let Some(cipher) = application::cipher(entry.application) {
                listing.words("cipher", &format!("{}: {}", cipher.label(), cipher.meaning()));
            }
        }
        Action::Authentication => explain_authentication(listing, entry),
        _ => {}
    }
    if let Some(failure) = Failure::of_connection(entry) {
        explain_class(listing, &failure);
    }
    explain_absent(listing, &absent);
}

fn explain_authentication(listing: &mut Listing, entry: &Connection<'_>) {
    let result = AuthenticationResult::of(entry);
    listing.words("result", &format!("{}: {}", result.label(), result.meaning()));
    if result == AuthenticationResult::Failure {
        let reason = AuthenticationFailure::of(entry);
        listing.words("reason", &format!("{}: {}", reason.label(), reason.meaning()));
    }
}

fn explain_absent(listing: &mut Listing, absent: &[String]) {
    if !absent.is_empty() {
        listing.words("empty or not logged", &absent.join(", "));
    }
}

fn explain_class(listing: &mut Listing, failure: &Failure<'_>) {
    let classified = &failure.classify();
    let reply = &classified.reply;
    if !reply.is_silent() {
        let mut said = String::from(if reply.remote { "of the remote host" } else { "of the MTA itself" });
        // Writing into a string cannot fail.
        let _ = reply.code.map(|code| write!(said, ", code {code}"));
        let _ = reply.status.map(|status| write!(said, ", status {status}"));
        listing.words("reply", &said);
        listing.bytes("reply text", reply.text);
        listing.bytes("said in front of it", reply.preface);
    }
    listing.words("class", &format!("{}: {}", classified.reason.label(), classified.reason.meaning()));
    let weighed = evidence::of(failure, classified);
    listing.words("decided by", &decision(&weighed, classified));
    if !weighed.overruled.is_empty() {
        let all: Vec<String> = weighed.overruled.iter().map(overruled).collect();
        listing.words("overruled", &all.join("; "));
    }
}

fn decision(weighed: &Weighed, classified: &Classified<'_>) -> String {
    let Some(evidence) = &weighed.decided else {
        return match (classified.basis, classified.reply.class()) {
            (Basis::Silence, _) => "the entry gives neither a reply nor a reason".to_owned(),
            (_, Some(class)) => format!("nothing tells a cause; the reply's class is {class}xx"),
            (_, None) => "nothing tells a cause, and there is no reply code".to_owned(),
        };
    };
    let only = evidence.only.map(|only| format!(", for {only}")).unwrap_or_default();
    format!("{}{only}", sign(&evidence.sign))
}

fn sign(sign: &Sign) -> String {
    match sign {
        Sign::Words(words, place) => {
            let whose = match place {
                Where::HostsReply => "of another host",
                Where::OwnText => "of the MTA itself",
                Where::Preface => "in front of the host",
                Where::ReasonField => "in the reason field",
            };
            format!("words \"{}\" {whose}", escaped(words.as_bytes(), REST_WIDTH))
        }
        Sign::Code(code) => format!("reply code {code}"),
        Sign::Status(status) => format!("status {status}"),
    }
}

fn overruled(evidence: &Evidence) -> String {
    let tells = if evidence.reason == Reason::Other { "no cause" } else { evidence.reason.label() };
    format!("{} ({tells})", sign(&evidence.sign))
}

fn explain_unparsed(listing: &mut Listing, number: u64, line: &[u8], reason: Unparsed) {
    listing.title(&format!("line {number}: not understood, {}: {}", reason.label(), reason.meaning()));
    let stop = stop::find(line, reason);
    let (read, rest) = line.split_at(stop.at.min(line.len()));
    if !read.is_empty() {
        listing.words("read", &escaped(read, REST_WIDTH));
    }
    let column = format!("stopped at byte {}", read.len() + 1);
    listing.words(&column, if rest.is_empty() { "the end of the line" } else { "" });
    if !rest.is_empty() {
        listing.words("there stands", &escaped(rest, REST_WIDTH));
    }
    listing.words("expected", &stop.expected);
}
