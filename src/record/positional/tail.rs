//! What options put behind a delivery status of `LOG_FORMAT` 1 and 2, where they are not known to be on.
//!
//! Words there, such as the `tls` of `SMTP/TLS-…`, say nothing about why an attempt failed. In the
//! order of the MTA: remote host, transport and application information, time in the queue.

use super::blanks::Blanks;
use super::field::is_application;
use crate::record::bytes::{self, behind_blanks, first_token};
use crate::record::code::Action;
use crate::record::number::seconds;
use crate::record::option::{LogOption, OptionSet};
use crate::record::values::transport;

/// A delivery status, and what is behind it.
pub(super) struct Behind<'a> {
    pub(super) diagnostic: &'a [u8],
    pub(super) remote_mta: &'a [u8],
    pub(super) transport: &'a [u8],
    pub(super) application: &'a [u8],
    pub(super) queue_seconds: Option<f64>,
}

impl<'a> Behind<'a> {
    /// Cuts the fields off. What the log had on at first, it has on still where that fits.
    pub(super) fn of(text: &'a [u8], action: Action, usual: OptionSet) -> Self {
        let (front, transport, application, queue_seconds) = if let Some((front, tuple, behind)) = tuple(text)
        {
            let (word, rest) = first_token(behind_blanks(behind));
            let only_number = rest.is_empty() && seconds(word).is_some();
            let (application, rest) = if only_number { (&[][..], word) } else { (word, rest) };
            (front, tuple, application, seconds(rest.trim_ascii()))
        } else {
            let (front, queue_seconds) = queue_time(text, action, usual);
            let (front, application) = application(front, usual);
            (front, &[][..], application, queue_seconds)
        };
        let front = front.trim_ascii();
        let (head, word) = last_word(front);
        let (diagnostic, remote_mta) = if is_remote_mta(word) && !head.is_empty() {
            (head.trim_ascii(), word)
        } else {
            (front, &[][..])
        };
        Self { diagnostic, remote_mta, transport, application, queue_seconds }
    }
}

/// Whether a text ends with a field of these that its options do not put there.
pub(super) fn ends_with_field(text: &[u8], blanks: &Blanks) -> bool {
    let text = text.trim_ascii_end();
    let (head, word) = blanks.last_token(text);
    match word.first() {
        Some(b'd') => is_remote_mta(word) && !head.is_empty(),
        // A tuple or a protocol.
        Some(b'A'..=b'Z') => {
            transport::parse(word).is_some() || is_application(word) && ends_application(head, word)
        }
        Some(b'0'..=b'9') => seconds(word).is_some() && ends_queue_time(head),
        _ => false,
    }
}

/// The last transport tuple that stands bare, with what is in front of it and behind it: one in
/// parentheses is part of the delivery status.
fn tuple(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    // Its last bar is in the tuple unless a text has some.
    let bars = memchr::memrchr_iter(b'|', text);
    let mut starts = bars
        .filter_map(|bar| bar.checked_sub(3))
        .filter(|&start| text[start..].starts_with(b"TCP|") && (start == 0 || text[start - 1] == b' '));
    let start = starts.next()?;
    let (tuple, behind) = first_token(&text[start..]);
    transport::parse(tuple).map(|_| (&text[..start], tuple, behind))
}

/// A number at the end where the option was on at first, or where it is no part of a text.
fn queue_time(text: &[u8], action: Action, usual: OptionSet) -> (&[u8], Option<f64>) {
    let (head, word) = last_word(text);
    let wanted = action.is_waiting()
        && (usual.has(LogOption::QueueTime) || ends_queue_time(head) || is_alone(head, word));
    match seconds(word).filter(|_| wanted) {
        Some(seconds) => (head, Some(seconds)),
        None => (text, None),
    }
}

fn application(text: &[u8], usual: OptionSet) -> (&[u8], &[u8]) {
    let text = text.trim_ascii_end();
    let (head, word) = last_word(text);
    let wanted = usual.has(LogOption::Application) || ends_application(head, word);
    if wanted && is_application(word) { (head, word) } else { (text, &[]) }
}

/// Whether a protocol at the end is application information: with more of it behind a slash, behind a
/// transport tuple, or with nothing in front.
fn ends_application(head: &[u8], word: &[u8]) -> bool {
    bytes::find::<b'/'>(word).is_some() || head.trim_ascii().is_empty() || is_behind_text(last_word(head).1)
}

/// Whether a number behind this cannot be part of a text: an empty field or one of these stands there.
fn ends_queue_time(head: &[u8]) -> bool {
    let (_, word) = last_word(head);
    head.ends_with(b" ") || is_behind_text(word) || is_application(word)
}

/// A number that is all there is, unless it is the code of a reply.
fn is_alone(head: &[u8], word: &[u8]) -> bool {
    head.trim_ascii().is_empty() && !matches!(word, [b'4' | b'5', _, _])
}

fn is_behind_text(word: &[u8]) -> bool {
    word.starts_with(b"TCP|") || is_remote_mta(word)
}

/// The remote host with its type, in one word.
fn is_remote_mta(word: &[u8]) -> bool {
    word.len() > 4 && word.starts_with(b"dns;")
}

/// The last word, and what is in front of its blank.
fn last_word(text: &[u8]) -> (&[u8], &[u8]) {
    memchr::memrchr(b' ', text).map_or((&[][..], text), |blank| (&text[..blank], &text[blank + 1..]))
}
