//! The two forms of records, and what stands in front of their text.
//!
//! NSLOG: `[dd/Mon/yyyy:hh:mm:ss ±zzzz] host process[pid]: Facility Level: text`. Plain: `hh.mm.ss.cc (tttt): text` or
//! `hh:mm:ss.cc: text` without a date, and lines without a time, as the manuals print those of the Job Controller.

use crate::record::timestamp::{self, Timestamp};

/// How grave a record says to be, by its level in NSLOG.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the levels of the product, by its names")]
pub enum Level {
    Critical,
    Error,
    Warning,
    Notice,
    Information,
    Debug,
}

/// When a record says that it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// On this day at this time.
    At(Timestamp),
    /// At so many milliseconds after some midnight.
    Clock(i64),
    /// It does not say.
    Unknown,
}

/// What stands in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// When it was written.
    pub written: Written,
    /// Its level, in NSLOG.
    pub level: Option<Level>,
    /// What it says.
    pub text: &'a [u8],
}

/// THE levels, by their names.
const LEVELS: &[(&[u8], Level)] = &[
    (b"Critical", Level::Critical),
    (b"Error", Level::Error),
    (b"Warning", Level::Warning),
    (b"Notice", Level::Notice),
    (b"Information", Level::Information),
    (b"Debug", Level::Debug),
];

impl<'a> Record<'a> {
    /// Reads a record; any bytes are one.
    pub fn of(record: &'a [u8]) -> Self {
        nslog(record).or_else(|| plain(record)).unwrap_or(Self {
            written: Written::Unknown,
            level: None,
            text: record,
        })
    }
}

fn nslog(record: &[u8]) -> Option<Record<'_>> {
    let (stamp, rest) = timestamp::nslog(record)?;
    // The host, and the process with its number.
    let head = memchr::memmem::find(rest, b"]: ")?;
    let text = &rest[head + 3..];
    let colon = memchr::memchr(b':', text).unwrap_or(0);
    let name = text[..colon].rsplit(|&byte| byte == b' ').next().unwrap_or_default();
    let level = LEVELS.iter().find(|(level, _)| level.eq_ignore_ascii_case(name)).map(|&(_, level)| level);
    // Without a level of the table it is text like any other.
    let text = if level.is_some() { text[colon + 1..].trim_ascii_start() } else { text };
    Some(Record { written: Written::At(stamp), level, text })
}

fn plain(record: &[u8]) -> Option<Record<'_>> {
    let (millis, rest) = timestamp::debug_clock(record)?;
    // The thread, right-justified in parentheses.
    let thread = rest.trim_ascii_start().strip_prefix(b"(").and_then(|rest| {
        let end = memchr::memchr(b')', rest)?;
        rest[..end].trim_ascii().iter().all(u8::is_ascii_digit).then(|| &rest[end + 1..])
    });
    let rest = thread.unwrap_or(rest);
    let text = rest.strip_prefix(b":").unwrap_or(rest).trim_ascii_start();
    Some(Record { written: Written::Clock(millis), level: None, text })
}
