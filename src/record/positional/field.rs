//! What a word or a text has to look like for a field of a positional entry. `user.rs` has what that of
//! `LOG_USERNAME` looks like.

use crate::record::bytes;
use crate::record::values::queue_file;

/// `<id>` or `<new>,<original>` at the start, and what follows, which may do so without a blank.
pub(super) fn message_id(text: &[u8]) -> (&[u8], &[u8]) {
    let none = (&[][..], text);
    let closing = |text: &[u8]| bytes::find_either::<b'>', b' '>(text).filter(|&end| text[end] == b'>');
    if text.first() != Some(&b'<') {
        return none;
    }
    let Some(mut end) = closing(text) else { return none };
    if text[end + 1..].starts_with(b",<")
        && let Some(second) = closing(&text[end + 1..])
    {
        end += 1 + second;
    }
    // `<user@host>: reason` and `<user@host>... reason` start a diagnostic.
    if matches!(text.get(end + 1), Some(b':' | b'.')) { none } else { text.split_at(end + 1) }
}

/// A list in single quotes at the start, with its quotes, and what follows.
pub(super) fn filter(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let list = text.strip_prefix(b"'")?;
    let mut ends = memchr::memchr_iter(b'\'', list);
    let end = ends.find(|&end| matches!(list.get(end + 1), None | Some(b' ')))?;
    Some(text.split_at(end + 2))
}

/// A path whose base name is one of a queue file, or that lies in a queue directory.
pub(in crate::record) fn is_queue_file(token: &[u8]) -> bool {
    let base = queue_file::base_name(token);
    base.len() < token.len() && (is_message(base) || memchr::memmem::find(token, b"/queue/").is_some())
}

/// Any character may stand in a queue file's name, but what is an address, an id or a protocol in an entry
/// has those that are not known to: `/I=A/ZZb@x.de` is no queue file there.
fn is_message(base: &[u8]) -> bool {
    queue_file::parse(base).is_some()
        && bytes::find_either::<b'@', b';'>(base).is_none()
        && bytes::find_either::<b'<', b'>'>(base).is_none()
}

/// A word with an at sign that ends as an address does: `a@b.example:` begins a text.
pub(super) fn is_address(word: &[u8]) -> bool {
    let Some(last) = word.last() else { return false };
    (last.is_ascii_alphanumeric() || *last == b']' || *last >= 0x80)
        && !matches!(word[0], b'<' | b'(' | b'\'')
        && bytes::find::<b'@'>(word).is_some()
}

/// Application information: a protocol, alone or with what follows it behind slashes.
pub(super) fn is_application(token: &[u8]) -> bool {
    let protocols: [&[u8]; 4] = [b"SMTP", b"LMTP", b"SUBMIT", b"ESMTP"];
    protocols.iter().any(|protocol| {
        token.strip_prefix(*protocol).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
    })
}
