//! A line of a log, which may be more than one.
//!
//! A full disk cuts an entry, and the next one goes on in the same line. A writer that keeps its place in a log
//! that was cut in place, or a power failure, leaves a block of NUL bytes. So a line is read as the pieces that
//! it is made of, each of which counts as a line: whole entries, what was cut, and NUL bytes. Lines that are
//! whole pay next to nothing for it: only what is not understood, or has NUL bytes at its ends, is looked at twice.

use super::{Line, Reader, Skip, Unparsed, torn};

/// A line as it lies in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawLine<'a> {
    /// Without its end-of-line characters.
    pub text: &'a [u8],
    /// How many bytes it takes.
    pub bytes: usize,
    /// Whether it has an end; else NUL bytes stand right behind it.
    pub ends: bool,
}

impl<'a> RawLine<'a> {
    /// A line that is all of a text.
    pub fn whole(text: &'a [u8]) -> Self {
        Self { text, bytes: text.len(), ends: true }
    }

    /// Whether NUL bytes are in it, as far as its ends show: to look at all of each line costs too much. Those within
    /// an entry are found where it is not understood, or another one is behind them.
    #[inline]
    fn is_damaged(&self) -> bool {
        let within = match self.text.first() {
            Some(b'0'..=b'9' | b'<' | b'{' | b' ') => self.text.last() == Some(&0),
            // Something stands in front of the entry.
            _ => memchr::memchr(0, self.text).is_some(),
        };
        within || !self.ends
    }
}

impl Reader {
    /// Reads a line, or the pieces that it is made of, in the order of the log: each with the bytes that it takes.
    /// Longer ones than `max_line_bytes` are skipped.
    #[inline]
    pub fn pieces<'l>(
        &mut self,
        line: &RawLine<'l>,
        max_line_bytes: usize,
        mut take: impl FnMut(&'l [u8], usize, &Line<'_>),
    ) {
        if !line.is_damaged() && line.text.len() <= max_line_bytes {
            let entry = self.read(line.text);
            if matches!(entry, Line::Message(_) | Line::Connection(_)) || !may_hold_more(line.text, &entry) {
                return take(line.text, line.bytes, &entry);
            }
        }
        self.split(line, &mut Account { left: line.bytes, max_line_bytes, take: &mut take });
    }

    #[cold]
    fn split<'l>(&mut self, line: &RawLine<'l>, account: &mut Account<'_, 'l>) {
        if !line.ends || memchr::memchr(0, line.text).is_some() {
            self.between_nuls(line, account);
        } else {
            self.glued(line.text, Behind::End, account);
        }
    }

    /// The pieces between NUL bytes. Where none of them is an entry, the line is not of this log.
    fn between_nuls<'l>(&mut self, line: &RawLine<'l>, account: &mut Account<'_, 'l>) {
        if !nuls_and_texts(line.text).any(|piece| piece[0] != 0 && self.holds_entry(piece)) {
            let nuls = line.text.first() == Some(&0) && !line.text.iter().any(|byte| *byte != 0);
            let entry = if nuls { Line::Skipped(Skip::Nul) } else { self.read(line.text) };
            return account.give(line.text, Behind::End, &entry);
        }
        let mut end = 0;
        for piece in nuls_and_texts(line.text) {
            end += piece.len();
            let rest = &line.text[end..];
            let cut = piece.len() == line.text.len() || rest.iter().any(|byte| *byte != 0);
            let behind = match (rest.is_empty(), cut) {
                (true, false) => Behind::End,
                (true, true) => Behind::CutAtEnd,
                (false, true) => Behind::Cut,
                (false, false) => Behind::More,
            };
            if piece[0] == 0 {
                account.give(
                    piece,
                    if rest.is_empty() { Behind::End } else { Behind::More },
                    &Line::Skipped(Skip::Nul),
                );
            } else {
                self.glued(piece, behind, account);
            }
        }
    }

    /// Whether what is in front of an entry is a header of syslog whose time looks like that of an entry.
    fn is_header(&mut self, front: &[u8]) -> bool {
        front.len() <= MAX_HEADER_BYTES
            && front.ends_with(b": ")
            && self.read(front) == Line::Unparsed(Unparsed::NoAction)
    }

    fn holds_entry(&mut self, text: &[u8]) -> bool {
        !matches!(self.read(text), Line::Unparsed(_)) || torn::next(text, &self.dialect).is_some()
    }

    /// The entries that are glued together in a text, and what was cut.
    fn glued<'l>(&mut self, text: &'l [u8], behind: Behind, account: &mut Account<'_, 'l>) {
        let mut rest = text;
        loop {
            if rest.len() > account.max_line_bytes {
                return account.give(rest, behind, &Line::Skipped(Skip::TooLong));
            }
            let more = may_hold_more(rest, &self.read(rest));
            let next = if more { torn::next(rest, &self.dialect) } else { None };
            let Some(at) = next else {
                let entry = self.read(rest);
                let torn = behind.is_cut() && is_torn(rest, &entry);
                return account.give(
                    rest,
                    behind,
                    if torn { &Line::Unparsed(Unparsed::Torn) } else { &entry },
                );
            };
            let (front, back) = rest.split_at(at);
            if self.is_header(front) && !may_hold_more(back, &self.read(back)) {
                return account.give(rest, behind, &self.read(back));
            }
            let entry = self.read(front);
            let torn = is_torn(front, &entry);
            account.give(front, Behind::More, if torn { &Line::Unparsed(Unparsed::Torn) } else { &entry });
            rest = back;
        }
    }
}

/// A header of RFC 3164 with the longest host name, and a tag.
const MAX_HEADER_BYTES: usize = 320;

/// What stands behind a piece.
#[derive(Clone, Copy, PartialEq)]
enum Behind {
    /// The end of the line.
    End,
    /// No line end, but NUL bytes that are not in the line.
    CutAtEnd,
    /// NUL bytes, and something behind them.
    Cut,
    /// Another piece.
    More,
}

impl Behind {
    fn is_cut(self) -> bool {
        matches!(self, Self::CutAtEnd | Self::Cut)
    }
}

/// Hands pieces out, the last one with the end of the line.
struct Account<'t, 'l> {
    left: usize,
    max_line_bytes: usize,
    take: &'t mut dyn FnMut(&'l [u8], usize, &Line<'_>),
}

impl<'l> Account<'_, 'l> {
    fn give(&mut self, piece: &'l [u8], behind: Behind, entry: &Line<'_>) {
        let last = matches!(behind, Behind::End | Behind::CutAtEnd);
        let bytes = if last { self.left } else { piece.len() };
        self.left -= bytes;
        (self.take)(piece, bytes, entry);
    }
}

/// Blocks of NUL bytes and what is between them, in their order.
fn nuls_and_texts(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let nul = *rest.first()? == 0;
        let end = if nul { rest.iter().position(|byte| *byte != 0) } else { memchr::memchr(0, rest) };
        let (piece, behind) = rest.split_at(end.unwrap_or(rest.len()));
        rest = behind;
        Some(piece)
    })
}

/// Whether another entry may stand behind what a line was read as. No entry ends within what looks like one, and
/// values of header lines in XML hold no quotes.
#[cold]
fn may_hold_more(text: &[u8], entry: &Line<'_>) -> bool {
    match entry {
        Line::Unparsed(_) | Line::Skipped(Skip::OtherElement) => true,
        Line::Skipped(Skip::Header) => text.trim_ascii_start().first() == Some(&b'<'),
        _ => false,
    }
}

/// Whether a piece without an end of line was cut: entries of positional formats do not show that they are whole.
fn is_torn(piece: &[u8], entry: &Line<'_>) -> bool {
    let named = || matches!(piece.trim_ascii_end(), [.., b'/', b'>'] | [.., b'}']);
    match entry {
        Line::Message(message) => message.format.is_positional(),
        Line::Connection(_) | Line::Skipped(Skip::Header) => !named(),
        Line::Unparsed(reason) => !matches!(reason, Unparsed::NoTimestamp | Unparsed::Binary),
        Line::Skipped(_) => false,
    }
}
