//! One walk over a text: its telling words with their classes and places.
//!
//! Words of addresses, hosts, URLs and `<names>` are no words: a whole such name counts as one, of the class
//! [`MAILADDRESS`], [`CLIENT`], [`LISTHOST`] or none. Names of exceptions (`RESOLVER.ADR.RecipientNotFound`) are words.
//! Places are counted in words, without those that only fill; the end of a sentence counts as several, so that two
//! words of one sentence are nearer than two of different ones.

use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};

use super::vocabulary::{
    CLIENT, Classes, DERIVED, FILLER, LIST_HOSTS, LISTHOST, MAILADDRESS, NULL, SAID, SENDER, TURNED, TURNING,
    VOCABULARY,
};

/// More of a text is not looked at. A reply line has at most 512 bytes (RFC 5321, 4.5.3.1.5), and other
/// hosts choose what stands in it.
const MOST_TEXT: usize = 4096;
/// More telling words of a text are not looked at.
const MOST_WORDS: usize = 96;
/// Most texts have no more.
const USUAL_WORDS: usize = 16;
/// What the end of a sentence counts in words.
const SENTENCE: u16 = 4;
/// Words are compared by so many bytes.
const WORD_BYTES: usize = 16;

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
    /// Where the reply of another host that this one quotes begins, and at the end the number of all.
    own: usize,
}

impl Words {
    /// All of them.
    pub(super) fn all(&self) -> &[Word] {
        &self.list
    }

    /// Those that stand in front of a quoted reply; `None` where nothing is quoted.
    pub(super) fn own(&self) -> Option<&[Word]> {
        (self.own < self.list.len()).then(|| &self.list[..self.own])
    }
}

/// The vocabulary by the first bytes of its words.
static CLASSES: LazyLock<FxHashMap<u128, Classes>> = LazyLock::new(|| {
    let mut classes = FxHashMap::default();
    for &(class, _, words) in VOCABULARY {
        for word in words.split(' ').filter(|word| !word.is_empty()) {
            let (stem, endings) = word.split_once('/').unwrap_or((word, ""));
            *classes.entry(key(stem.as_bytes())).or_insert(0) |= class;
            for ending in endings.split('/').filter(|ending| !ending.is_empty()) {
                *classes.entry(key(format!("{stem}{ending}").as_bytes())).or_insert(0) |= class;
            }
        }
    }
    classes
});

/// Lower case of letters, in all bytes at once; other bytes of words become something that no letter becomes.
const LOWER: u128 = 0x2020_2020_2020_2020_2020_2020_2020_2020;

/// The first bytes of a word, without case.
fn key(word: &[u8]) -> u128 {
    key_at(word, 0, word.len())
}

/// The same of a word in a text: what follows it is read with it, and masked.
fn key_at(text: &[u8], start: usize, end: usize) -> u128 {
    let length = end - start;
    match text[start..].first_chunk::<WORD_BYTES>() {
        Some(bytes) if length >= WORD_BYTES => u128::from_le_bytes(*bytes) | LOWER,
        Some(bytes) => u128::from_le_bytes(*bytes) & ((1 << (8 * length)) - 1) | LOWER,
        None => text[start..end].iter().rev().fold(0, |key, &byte| key << 8 | u128::from(byte)) | LOWER,
    }
}

/// What a byte is, as a bit: the bits of a run tell whether it must be looked at again.
mod kind {
    pub(super) const LOWER: u8 = 1;
    pub(super) const UPPER: u8 = 2;
    pub(super) const DIGIT: u8 = 4;
    pub(super) const DOT: u8 = 8;
    pub(super) const AT: u8 = 16;
    pub(super) const MARK: u8 = 32;
    pub(super) const BREAK: u8 = 64;
    pub(super) const SLASH: u8 = 128;
}

static KIND: [u8; 256] = {
    let mut table = [kind::MARK; 256];
    let mut byte = 0_u8;
    loop {
        table[byte as usize] = match byte {
            b'a'..=b'z' | 0x80.. => kind::LOWER,
            upper if upper.is_ascii_uppercase() => kind::UPPER,
            b'0'..=b'9' => kind::DIGIT,
            b'.' => kind::DOT,
            b'@' => kind::AT,
            b'/' => kind::SLASH,
            b'<' | b'>' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'"' | b'\'' | b',' | b';' => kind::BREAK,
            other if other.is_ascii_whitespace() => kind::BREAK,
            _ => kind::MARK,
        };
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};

/// Reads the words of a text.
pub(super) fn read(text: &[u8]) -> Words {
    let text = &text[..text.len().min(MOST_TEXT)];
    let words = Words { list: Vec::with_capacity(USUAL_WORDS), own: usize::MAX };
    let mut reader = Walk { text, words, place: 0 };
    reader.walk();
    reader.words
}

struct Walk<'a> {
    text: &'a [u8],
    words: Words,
    place: u16,
}

impl Walk<'_> {
    fn walk(&mut self) {
        let mut at = 0;
        while at < self.text.len() {
            let start = at;
            let mut kinds = 0;
            while at < self.text.len() {
                let kind = KIND[usize::from(self.text[at])];
                if kind == kind::BREAK {
                    break;
                }
                kinds |= kind;
                at += 1;
            }
            if at > start {
                self.run(start, at, kinds);
            }
            let Some(&mark) = self.text.get(at) else { return };
            match mark {
                b';' => self.place = self.place.saturating_add(SENTENCE / 2),
                b',' | b')' => self.place = self.place.saturating_add(1),
                // Postfix says at the end to which command of its own another host replied.
                b'(' if self.text[at..].starts_with(b"(in reply to") => return,
                b'<' if self.text.get(at + 1) == Some(&b'>') => self.push(at, at + 2, SENDER | NULL),
                _ => {}
            }
            at += 1;
        }
    }

    /// A run of bytes between blanks and brackets.
    fn run(&mut self, start: usize, end: usize, kinds: u8) {
        if kinds & !(kind::LOWER | kind::UPPER | kind::DIGIT) == 0 && !self.in_brackets(start, end) {
            return self.plain(start, end, kinds);
        }
        let trimmed = end - trailing(&self.text[start..end]);
        let marked = kinds & (kind::DOT | kind::AT | kind::SLASH) != 0;
        match if marked { name(self.text, start, trimmed, kinds) } else { None } {
            Some(name) => self.push(start, name.end, name.classes),
            None if self.in_brackets(start, end) => self.push(start, trimmed, MAILADDRESS),
            None => self.parts(start, trimmed),
        }
        if let Some(rest) = name_end(self.text, start, trimmed, kinds) {
            self.parts(rest, trimmed);
        }
        match self.text[trimmed..end].first() {
            Some(b'.' | b'!' | b'?') if end - trimmed < 3 => self.place = self.place.saturating_add(SENTENCE),
            Some(b':') => self.place = self.place.saturating_add(1),
            _ => {}
        }
    }

    /// Whether it is all that stands between `<` and `>`, or a quoted local part.
    fn in_brackets(&self, start: usize, end: usize) -> bool {
        let before = start.checked_sub(1).and_then(|before| self.text.get(before));
        before == Some(&b'<') && self.text.get(end) == Some(&b'>') || self.text[end..].starts_with(b"\"@")
    }

    /// Words with marks between them.
    fn parts(&mut self, start: usize, end: usize) {
        let plain = kind::LOWER | kind::UPPER | kind::DIGIT;
        let mut from = start;
        while from < end {
            let mut to = from;
            let mut kinds = 0;
            while to < end && KIND[usize::from(self.text[to])] & plain != 0 {
                kinds |= KIND[usize::from(self.text[to])];
                to += 1;
            }
            if to > from {
                self.plain(from, to, kinds);
            }
            from = to + 1;
        }
    }

    /// Letters and digits, which are one word, or more where a capital follows a small letter.
    fn plain(&mut self, start: usize, end: usize, kinds: u8) {
        if kinds == kind::DIGIT {
            return self.number(start, end);
        }
        let mut from = start;
        if kinds & (kind::UPPER | kind::LOWER) == kind::UPPER | kind::LOWER {
            for at in start + 1..end {
                let kind = |at: usize| KIND[usize::from(self.text[at])];
                if kind(at) == kind::UPPER && kind(at - 1) == kind::LOWER && at - from > 1 {
                    self.word(from, at);
                    from = at;
                }
            }
        }
        self.word(from, end);
    }

    /// A reply code that does not belong to this reply's own lines starts a quotation.
    fn number(&mut self, start: usize, end: usize) {
        let quotes = end - start == 3
            && matches!(self.text[start], b'4' | b'5')
            && matches!(self.text.get(end), Some(b' ' | b'-'))
            && self.introduces(start);
        if quotes && self.words.own == usize::MAX {
            self.words.own = self.words.list.len();
        }
    }

    /// Whether what stands in front of a number says that a reply follows.
    fn introduces(&self, start: usize) -> bool {
        let before = self.text[..start].trim_ascii_end();
        let said = self.words.all().last().is_some_and(|word| word.classes & SAID != 0);
        said || matches!(before.last(), Some(b':' | b'(' | b'"'))
    }

    fn word(&mut self, start: usize, end: usize) {
        let classes = CLASSES.get(&key_at(self.text, start, end)).copied().unwrap_or(0);
        self.push(start, end, classes);
    }

    fn push(&mut self, start: usize, end: usize, mut classes: Classes) {
        if classes & FILLER == 0 {
            self.place = self.place.saturating_add(1);
        }
        if classes & !FILLER == 0 || self.words.list.len() == MOST_WORDS {
            return;
        }
        if classes & TURNED != 0 {
            classes |= self.derived(classes);
        }
        let [start, end] = [start, end].map(|byte| u16::try_from(byte).unwrap_or(u16::MAX));
        self.words.list.push(Word { classes, place: self.place, start, end });
    }

    /// What a word is, too, by what stands in front of it.
    fn derived(&self, classes: Classes) -> Classes {
        let before = self.words.all().iter().rev().take(3);
        let near = before.take_while(|word| self.place - word.place <= 4);
        let mut makes = 0;
        for word in near.filter(|word| word.classes & TURNING != 0) {
            for row in DERIVED {
                if classes & row.behind != 0
                    && word.classes & row.before != 0
                    && self.place - word.place <= row.within
                {
                    makes |= row.makes;
                }
            }
        }
        makes
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// How many marks a run ends with.
fn trailing(run: &[u8]) -> usize {
    run.iter().rev().take_while(|byte| matches!(byte, b'.' | b':' | b'!' | b'?' | b'-' | b'*' | b'/')).count()
}

/// A name: where it ends, and what it counts as.
struct Name {
    end: usize,
    classes: Classes,
}

/// Reads a run as an address, a host, a URL or a number with dots; `None` for words. `kinds` are those of its bytes,
/// and of marks behind it.
fn name(text: &[u8], start: usize, end: usize, kinds: u8) -> Option<Name> {
    let run = &text[start..end];
    let at = if kinds & kind::AT == 0 { None } else { memchr::memchr(b'@', run) };
    if let Some(at) = at {
        let end = address_end(run, at).map_or(end, |length| start + length);
        return Some(Name { end, classes: MAILADDRESS });
    }
    if kinds & kind::SLASH != 0 && contains(run, b"://") {
        return Some(Name { end, classes: list_host(run) });
    }
    if kinds & kind::DOT == 0 || !is_dotted(run) {
        return None;
    }
    if kinds & kind::UPPER != 0 && (is_exception(run) || is_sentence(run)) {
        return None;
    }
    let digits = run.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    let classes = match (digits, memchr::memchr_iter(b'.', run).count()) {
        (true, 3) => CLIENT,
        (true, _) => 0,
        (false, _) => list_host(run),
    };
    Some(Name { end, classes })
}

/// Whether a dot stands between letters or digits.
fn is_dotted(run: &[u8]) -> bool {
    run.windows(3)
        .any(|three| three[1] == b'.' && three[0].is_ascii_alphanumeric() && three[2].is_ascii_alphanumeric())
}

/// Where an address ends, if a colon and a word follow it: `bob@example.com:blocked`.
fn address_end(run: &[u8], at: usize) -> Option<usize> {
    let colon = at + memchr::memchr(b':', &run[at..])?;
    run.get(colon + 1).is_some_and(u8::is_ascii_alphabetic).then_some(colon)
}

/// Where words begin behind an address in the same run.
fn name_end(text: &[u8], start: usize, end: usize, kinds: u8) -> Option<usize> {
    let run = &text[start..end];
    if kinds & kind::AT == 0 {
        return None;
    }
    address_end(run, memchr::memchr(b'@', run)?).map(|length| start + length + 1)
}

/// `RESOLVER.ADR.RecipientNotFound`, `STOREDRV.Deliver`: how Exchange says what went wrong.
fn is_exception(run: &[u8]) -> bool {
    ["RESOLVER.", "STOREDRV.", "SMTPSEND.", "ROUTING.", "TRANSPORT.", "APPROVAL."]
        .iter()
        .any(|start| run.starts_with(start.as_bytes()))
        || contains(run, b"Exception")
}

/// `rejected.See`: a sentence that ends without a blank, and no other dot.
fn is_sentence(run: &[u8]) -> bool {
    let mut dots = run.iter().enumerate().filter(|&(_, &byte)| byte == b'.').map(|(at, _)| at);
    let (Some(dot), None) = (dots.next(), dots.next()) else { return false };
    let kind = |at: usize| run.get(at).map_or(0, |&byte| KIND[usize::from(byte)]);
    dot > 2 && [kind(dot - 1), kind(dot + 1), kind(dot + 2)] == [kind::LOWER, kind::UPPER, kind::LOWER]
}

/// Whether a block list's host stands in a name: `zen.spamhaus.org`, `https://www.spamhaus.org/query`.
fn list_host(run: &[u8]) -> Classes {
    let mut hosts = run.split(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'-'));
    if hosts.any(is_list_host) { LISTHOST } else { 0 }
}

fn is_list_host(host: &[u8]) -> bool {
    let Some(last) = memchr::memrchr(b'.', host) else { return false };
    let domain = memchr::memrchr(b'.', &host[..last]).map_or(host, |dot| &host[dot + 1..]);
    LIST_HOST_KEYS.contains(&key(domain))
        && LIST_HOSTS
            .iter()
            .any(|list| list.len() == domain.len() && domain.eq_ignore_ascii_case(list.as_bytes()))
}

/// The first bytes of the block lists' hosts: nearly every other host is none of them by these.
static LIST_HOST_KEYS: LazyLock<FxHashSet<u128>> =
    LazyLock::new(|| LIST_HOSTS.iter().map(|host| key(host.as_bytes())).collect());
