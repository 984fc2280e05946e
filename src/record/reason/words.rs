//! One walk over a text: its telling words with their classes and places.
//!
//! Words of addresses, hosts, URLs and `<names>` are no words: a whole such name counts as one, of the class
//! [`MAILADDRESS`], [`CLIENT`](super::vocabulary::CLIENT), [`LISTHOST`](super::vocabulary::LISTHOST) or none
//! (`name.rs`). Names of exceptions (`RESOLVER.ADR.RecipientNotFound`) are words. Places are counted in words, without
//! those that only fill; the end of a sentence counts as several, so that two words of one sentence are nearer than two
//! of different ones.

use super::lexicon::{Head, LEXICON, Lexicon, WORD_BYTES};
use super::vocabulary::{Classes, FILLER, MAILADDRESS, NULL, SAID, SENDER};
use super::{derived, kind, name};
use crate::record::bytes;

/// More of a text is not looked at. A reply line has at most 512 bytes (RFC 5321, 4.5.3.1.5), and other
/// hosts choose what stands in it.
const MOST_TEXT: usize = 4096;
/// More telling words of a text are not looked at.
const MOST_WORDS: usize = 96;
/// Most texts have no more.
const USUAL_WORDS: usize = 16;
/// So many words in front of a word may turn it.
const MOST_BEFORE: usize = 3;
/// What the end of a sentence counts in words.
const SENTENCE: u16 = 4;

/// A word that tells something.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Word {
    /// What it is.
    pub classes: Classes,
    /// Where it stands, in words.
    pub place: u16,
    /// Where it starts, in bytes.
    pub start: u16,
    /// Where it ends.
    pub end: u16,
}

/// The telling words of a text.
#[derive(Debug)]
pub(super) struct Words {
    list: Vec<Word>,
    /// What all of them are.
    seen: Classes,
    /// Where the reply of another host that this one quotes begins, and what the words in front of it are.
    own: Option<(usize, Classes)>,
}

/// Words side by side, and what all of them are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stand<'w> {
    pub words: &'w [Word],
    pub seen: Classes,
}

impl Words {
    /// All of them.
    pub(super) fn all(&self) -> Stand<'_> {
        Stand { words: &self.list, seen: self.seen }
    }

    /// Those that stand in front of a quoted reply; `None` where nothing is quoted.
    pub(super) fn own(&self) -> Option<Stand<'_>> {
        let (own, seen) = self.own.filter(|&(own, _)| own < self.list.len())?;
        Some(Stand { words: &self.list[..own], seen })
    }

    /// Those of the quoted reply.
    pub(super) fn quoted(&self) -> Option<Stand<'_>> {
        let words = self.list.get(self.own?.0..).filter(|words| !words.is_empty())?;
        Some(Stand { words, seen: words.iter().fold(0, |seen, word| seen | word.classes) })
    }
}

/// Reads the words of a text.
pub(super) fn read(text: &[u8]) -> Words {
    let text = &text[..text.len().min(MOST_TEXT)];
    let words = Words { list: Vec::with_capacity(USUAL_WORDS), seen: 0, own: None };
    let mut reader = Walk { text, words, place: 0, lexicon: &LEXICON };
    reader.walk();
    reader.words
}

/// Bytes between blanks and brackets, as far as they were looked at.
#[derive(Clone, Copy, Default)]
struct Run {
    start: usize,
    /// How many of its bytes are marks.
    marks: usize,
    /// What they are.
    kinds: u8,
}

struct Walk<'a> {
    text: &'a [u8],
    words: Words,
    place: u16,
    lexicon: &'static Lexicon,
}

impl Walk<'_> {
    fn walk(&mut self) {
        let mut run = Run::default();
        for at in bytes::places(self.text, bytes::not_of_words) {
            let mark = self.text[at];
            let kind = kind::of(mark);
            if kind != kind::BREAK {
                run.marks += 1;
                run.kinds |= if kind == kind::DOT && !self.is_between(at) { kind::MARK } else { kind };
                continue;
            }
            if run.marks == 0 && !matches!(mark, b'>' | b'"') {
                self.plain(run.start, at);
            } else {
                self.run(run, at);
            }
            if mark != b' ' && self.breaks(mark, at) {
                return;
            }
            run = Run { start: at + 1, ..Run::default() };
        }
        self.run(run, self.text.len());
    }

    /// Whether letters or digits stand on both sides.
    fn is_between(&self, at: usize) -> bool {
        let is = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        is(at.checked_sub(1).and_then(|before| self.text.get(before))) && is(self.text.get(at + 1))
    }

    /// What stands between two runs; whether the text ends with it.
    fn breaks(&mut self, mark: u8, at: usize) -> bool {
        match mark {
            b';' => self.place = self.place.saturating_add(SENTENCE / 2),
            b',' | b')' => self.place = self.place.saturating_add(1),
            // Postfix says at the end to which command of its own another host replied.
            b'(' => return self.text[at..].starts_with(b"(in reply to"),
            b'<' if self.text.get(at + 1) == Some(&b'>') => self.push(at, at + 2, SENDER | NULL),
            _ => {}
        }
        false
    }

    /// A run that is not all letters and digits between blanks.
    fn run(&mut self, Run { start, marks, kinds }: Run, end: usize) {
        let marks_behind = if marks == 0 { 0 } else { trailing(&self.text[start..end]) };
        let trimmed = end - marks_behind;
        let named = kinds & (kind::DOT | kind::AT | kind::SLASH) != 0;
        match if named { name::read(self.text, start, trimmed, kinds) } else { None } {
            Some(name) => {
                self.push(start, name.end, name.classes);
                // An address has words behind it.
                self.parts(name.end + 1, trimmed);
            }
            None if start < end && self.in_brackets(start, end) => self.push(start, trimmed, MAILADDRESS),
            None => self.parts(start, trimmed),
        }
        match self.text[trimmed..end].first() {
            Some(b'.' | b'!' | b'?') if marks_behind < 3 => self.place = self.place.saturating_add(SENTENCE),
            Some(b':') => self.place = self.place.saturating_add(1),
            _ => {}
        }
    }

    /// Whether a run is all that stands between `<` and `>`, or a quoted local part.
    fn in_brackets(&self, start: usize, end: usize) -> bool {
        match self.text.get(end) {
            Some(b'>') => start > 0 && self.text[start - 1] == b'<',
            Some(b'"') => self.text.get(end + 1) == Some(&b'@'),
            _ => false,
        }
    }

    /// Words with marks between them.
    fn parts(&mut self, start: usize, end: usize) {
        let mut from = start;
        while from < end {
            let to = bytes::word_end(&self.text[from..end]) + from;
            self.plain(from, to);
            from = to + 1;
        }
    }

    /// Letters and digits, which are one word, or more where a capital follows a small letter.
    #[expect(clippy::inline_always, reason = "half of what a text costs are its plain words")]
    #[inline(always)]
    fn plain(&mut self, start: usize, end: usize) {
        if start >= end {
            return;
        }
        let head = Head::of(self.text, start, end);
        if head.starts_with_digit() && self.text[start..end].iter().all(u8::is_ascii_digit) {
            self.number(start, end);
        } else if head.may_hold_capital() || end - start > WORD_BYTES {
            self.compound(start, end);
        } else {
            self.push(start, end, self.lexicon.classes(head.key()));
        }
    }

    #[inline(never)]
    fn compound(&mut self, start: usize, end: usize) {
        let mut from = start;
        for at in start + 2..end {
            let begins = self.text[at].is_ascii_uppercase() && kind::is_small(self.text[at - 1]);
            if begins && at - from > 1 {
                self.word(from, at);
                from = at;
            }
        }
        self.word(from, end);
    }

    fn word(&mut self, start: usize, end: usize) {
        let head = Head::of(self.text, start, end);
        self.push(start, end, self.lexicon.classes(head.key()));
    }

    /// A reply code that does not belong to this reply's own lines starts a quotation.
    #[inline(never)]
    fn number(&mut self, start: usize, end: usize) {
        let quotes = end - start == 3
            && matches!(self.text[start], b'4' | b'5')
            && matches!(self.text.get(end), Some(b' ' | b'-'))
            && self.introduces(start);
        if quotes && self.words.own.is_none() {
            self.words.own = Some((self.words.list.len(), self.words.seen));
        }
    }

    /// Whether what stands in front of a number says that a reply follows.
    fn introduces(&self, start: usize) -> bool {
        let before = self.text[..start].trim_ascii_end();
        let said = self.words.list.last().is_some_and(|word| word.classes & SAID != 0);
        said || matches!(before.last(), Some(b':' | b'(' | b'"'))
    }

    #[inline]
    fn push(&mut self, start: usize, end: usize, mut classes: Classes) {
        if classes & FILLER == 0 {
            self.place = self.place.saturating_add(1);
        }
        if classes & !FILLER == 0 || self.words.list.len() == MOST_WORDS {
            return;
        }
        if classes & derived::TURNED != 0 {
            classes |= self.derived(classes);
        }
        let [start, end] = [start, end].map(|byte| u16::try_from(byte).unwrap_or(u16::MAX));
        self.words.seen |= classes;
        self.words.list.push(Word { classes, place: self.place, start, end });
    }

    /// What a word is, too, by what stands in front of it.
    fn derived(&self, classes: Classes) -> Classes {
        let before = self.words.list.iter().rev().take(MOST_BEFORE);
        derived::of(classes, before.map(|word| (word.classes, self.place - word.place)))
    }
}

/// How many marks a run ends with.
fn trailing(run: &[u8]) -> usize {
    run.iter().rev().take_while(|byte| matches!(byte, b'.' | b':' | b'!' | b'?' | b'-' | b'*' | b'/')).count()
}
