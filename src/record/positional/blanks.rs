//! Where the blanks of a line are.
//!
//! A positional entry is read word by word, and to look for the blank behind each of them costs more
//! than all else: words are short, and how far away the blank is is nothing that a processor can
//! foresee. So one pass over the line notes a bit for each byte, and a word ends at the next bit.

use std::num::NonZeroU64;

use crate::record::bytes::{self, CHUNK};
use crate::record::values::address::token_end;

/// The blanks of one line, and behind its end nothing but blanks. All texts that it is asked about are
/// parts of that line, and have their place in it by their address.
#[derive(Debug, Default)]
pub(in crate::record) struct Blanks {
    /// The line's address.
    line: usize,
    /// A bit for each byte, the first one in the lowest bit, and a [`CHUNK`] of them more than the line
    /// fills, so that behind a bit the next ones are there too.
    bits: Vec<u8>,
}

/// Bits that fill a byte of [`Blanks::bits`].
const BYTE: usize = u8::BITS as usize;

/// How many bits are known from any place on.
const KNOWN: usize = CHUNK - (BYTE - 1);

impl Blanks {
    /// Notes those of another line. The room is kept for the next one.
    pub(in crate::record) fn note(&mut self, line: &[u8]) {
        self.line = line.as_ptr().addr();
        let blank = bytes::equal::<b' '>;
        let (chunks, rest) = line.as_chunks::<CHUNK>();
        let room = (chunks.len() + 2) * size_of::<u64>();
        if self.bits.len() < room {
            self.bits.resize(room, u8::MAX);
        }
        let mut numbers = self.bits.as_chunks_mut().0.iter_mut();
        for (chunk, number) in chunks.iter().zip(&mut numbers) {
            *number = bytes::bits(chunk, blank).to_le_bytes();
        }
        let last = match line.last_chunk::<CHUNK>() {
            // What it shares with the chunk before is shifted out.
            Some(last) if !rest.is_empty() => bytes::bits(last, blank) >> (CHUNK - rest.len()),
            _ => bytes::bits_of_few(rest, blank),
        };
        for (number, bits) in numbers.zip([last | u64::MAX << rest.len(), u64::MAX]) {
            *number = bits.to_le_bytes();
        }
    }

    /// The place of a part of the line in it.
    #[inline]
    fn place(&self, text: &[u8]) -> usize {
        text.as_ptr().addr().wrapping_sub(self.line)
    }

    /// A bit for each byte from a place on, set where it is a blank; those behind the first [`KNOWN`] may
    /// be missing.
    #[inline]
    fn from(&self, place: usize) -> u64 {
        let bits = self.bits.get(place / BYTE..).and_then(|bits| bits.first_chunk());
        bits.map_or(u64::MAX, |bits| u64::from_le_bytes(*bits)) >> (place % BYTE)
    }

    /// The bits of the bytes in front of a place, the last one's in the highest bit; the lowest may be
    /// missing, and all of them near the start of the line.
    #[inline]
    fn before(&self, place: usize) -> u64 {
        let end = place.div_ceil(BYTE);
        let bits = self.bits.get(..end).and_then(|bits| bits.last_chunk());
        bits.map_or(0, |bits| u64::from_le_bytes(*bits)) << (end * BYTE - place)
    }

    /// The word at the start, and what is behind it, from its blank on.
    #[inline]
    pub(super) fn first_token<'a>(&self, text: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        text.split_at(self.word_end(text))
    }

    #[inline]
    fn word_end(&self, text: &[u8]) -> usize {
        match self.from(self.place(text)) {
            0 => self.far_word_end(text),
            bits => text.len().min(bits.trailing_zeros() as usize),
        }
    }

    /// The same for a longer word, such as a path.
    #[inline(never)]
    fn far_word_end(&self, text: &[u8]) -> usize {
        let place = self.place(text);
        let mut parts = (KNOWN..text.len()).step_by(KNOWN).map(|length| (length, self.from(place + length)));
        let blank = parts.find(|(_, bits)| *bits != 0);
        blank.map_or(text.len(), |(length, bits)| text.len().min(length + bits.trailing_zeros() as usize))
    }

    /// The words of a text, one after the other.
    #[inline]
    pub(super) fn words<'a>(&self, text: &'a [u8]) -> Words<'a, '_> {
        Words { blanks: self, bits: self.from(self.place(text)), rest: text }
    }

    /// What is in front of the last blank, and the word behind it; all of the text where there is none.
    #[inline]
    pub(super) fn last_token<'a>(&self, text: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        let far = || memchr::memrchr(b' ', text);
        let near = || {
            let bits = self.before(self.place(text).wrapping_add(text.len()));
            let behind = bits.leading_zeros() as usize;
            (bits != 0 && behind < text.len()).then(|| text.len() - 1 - behind)
        };
        match near().or_else(far) {
            Some(blank) => (&text[..blank], &text[blank + 1..]),
            None => (&[], text),
        }
    }

    /// A text without the blanks in front of it.
    #[inline]
    pub(super) fn behind<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let blanks = match self.from(self.place(text)).trailing_ones() as usize {
            KNOWN.. => bytes::blanks(text),
            blanks => text.len().min(blanks),
        };
        &text[blanks..]
    }

    /// Whether two blanks stand side by side in a text.
    #[inline]
    pub(super) fn have_run(&self, text: &[u8]) -> bool {
        let place = self.place(text);
        (0..text.len()).step_by(KNOWN - 1).any(|start| {
            // Behind the text are other bytes of the line.
            let within = u64::MAX >> (CHUNK - (text.len() - start).min(KNOWN));
            let bits = self.from(place + start) & within;
            bits & bits >> 1 != 0
        })
    }

    /// The end of the [address token](token_end) at the start.
    #[inline]
    pub(super) fn address_end(&self, text: &[u8]) -> usize {
        let end = self.word_end(text);
        if bytes::find::<b'"'>(&text[..end]).is_some() { token_end(text, 0) } else { end }
    }
}

/// See [`Blanks::words`].
pub(super) struct Words<'a, 'b> {
    blanks: &'b Blanks,
    /// Of the rest, as far as they are known.
    bits: u64,
    rest: &'a [u8],
}

/// A word, and where it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Word<'a> {
    /// How many blanks stand in front of it.
    pub(super) gap: usize,
    /// The word with all that is behind it.
    pub(super) start: &'a [u8],
    /// 0 at the end of the text.
    pub(super) length: usize,
}

impl<'a> Word<'a> {
    /// The word without what is behind it.
    #[inline]
    pub(super) fn token(&self) -> &'a [u8] {
        &self.start[..self.length]
    }

    /// What is behind it, from its blank on.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.start[self.length..]
    }
}

impl<'a> Words<'a, '_> {
    /// The next word.
    #[inline]
    pub(super) fn next(&mut self) -> Word<'a> {
        let Some((gap, length)) = self.gap_and_length() else { return self.next_far() };
        self.bits = self.bits >> gap >> length;
        self.word(self.rest.len().min(gap as usize), length as usize)
    }

    /// How many blanks are in front of the next word, and how long it is; `None` where it does not end
    /// within the known bits.
    #[inline]
    fn gap_and_length(&self) -> Option<(u32, u32)> {
        let gap = NonZeroU64::new(!self.bits)?.trailing_zeros();
        let length = NonZeroU64::new(self.bits >> gap)?.trailing_zeros();
        Some((gap, length))
    }

    /// The same where the word does not end within the known bits.
    #[cold]
    fn next_far(&mut self) -> Word<'a> {
        let start = self.blanks.behind(self.rest);
        let word = self.word(self.rest.len() - start.len(), self.blanks.word_end(start));
        self.bits = self.blanks.from(self.blanks.place(self.rest));
        word
    }

    #[inline]
    fn word(&mut self, gap: usize, length: usize) -> Word<'a> {
        let start = &self.rest[gap..];
        let word = Word { gap, start, length: start.len().min(length) };
        self.rest = word.rest();
        word
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Blanks;
    use crate::record::values::address::token_end;

    proptest! {
        /// Any part of any line, as one byte after the other would be looked at; lengths around those
        /// at which it is read in another way.
        #[test]
        fn as_a_loop_finds_them(
            words in prop::collection::vec((0_usize..100, 1_usize..100), 0..30),
            quotes in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
            cut in 0_usize..700,
            from in prop::collection::vec((0_usize..700, 0_usize..700), 1..50),
        ) {
            let mut line = Vec::new();
            for (word, gap) in words {
                line.resize(line.len() + word, b'x');
                line.resize(line.len() + gap, b' ');
            }
            line.truncate(cut);
            for quote in quotes {
                if !line.is_empty() {
                    let place = quote.index(line.len());
                    line[place] = b'"';
                }
            }
            let mut blanks = Blanks::default();
            blanks.note(&[b'x'; 900]);
            blanks.note(&line);
            for (start, length) in from {
                let start = start.min(line.len());
                let text = &line[start..line.len().min(start + length)];
                let end = text.iter().position(|&byte| byte == b' ').unwrap_or(text.len());
                prop_assert_eq!(blanks.first_token(text), text.split_at(end));
                let full = text.iter().position(|&byte| byte != b' ').unwrap_or(text.len());
                prop_assert_eq!(blanks.behind(text), &text[full..]);
                let mut words = blanks.words(text);
                let mut behind = 0;
                for token in text.split(|&byte| byte == b' ').filter(|token| !token.is_empty()) {
                    let word = words.next();
                    let start = token.as_ptr().addr() - text.as_ptr().addr();
                    prop_assert_eq!(word.gap, start - behind);
                    behind = start + token.len();
                    prop_assert_eq!((word.token(), word.start.as_ptr()), (token, token.as_ptr()));
                }
                prop_assert_eq!(words.next().token(), b"");
                let last = text.iter().rposition(|&byte| byte == b' ');
                let (head, word) = blanks.last_token(text);
                prop_assert_eq!(word, &text[last.map_or(0, |last| last + 1)..]);
                prop_assert_eq!(head, &text[..last.unwrap_or(0)]);
                prop_assert_eq!(blanks.address_end(text), token_end(text, 0));
                prop_assert_eq!(blanks.have_run(text), text.windows(2).any(|pair| pair == b"  "));
            }
        }
    }
}
