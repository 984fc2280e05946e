//! Finding bytes that are near, and the words between them.
//!
//! Words of an entry are short, and so is the way to the next mark in most texts: to call a search that is
//! made for long ways costs more than to look at 16 bytes at a time right here. Where the way may be long,
//! `memchr` is used.

use std::ops::RangeInclusive;

use wide::u8x16;

/// Bytes that are looked at at once.
const LANES: usize = 16;
const HALF: usize = LANES / 2;

/// Where a byte comes first.
#[inline]
pub(super) fn find<const BYTE: u8>(text: &[u8]) -> Option<usize> {
    first(text, equal::<BYTE>)
}

/// Where one of two bytes comes first.
#[inline]
pub(super) fn find_either<const ONE: u8, const OTHER: u8>(text: &[u8]) -> Option<usize> {
    first(text, equal_either::<ONE, OTHER>)
}

/// How many blanks a text starts with.
#[inline]
pub(super) fn blanks(text: &[u8]) -> usize {
    first(text, |bytes| !equal::<b' '>(bytes) & ALL).unwrap_or(text.len())
}

/// Where a byte comes last.
#[inline]
pub(super) fn find_last<const BYTE: u8>(text: &[u8]) -> Option<usize> {
    let (rest, chunks) = text.as_rchunks();
    for (index, chunk) in chunks.iter().enumerate().rev() {
        let marks = equal::<BYTE>(*chunk);
        if marks != 0 {
            return Some(rest.len() + index * LANES + marks.ilog2() as usize);
        }
    }
    let marks = short(rest, equal::<BYTE>);
    (marks != 0).then(|| marks.ilog2() as usize)
}

/// A text without the blanks in front of it.
pub(super) fn behind_blanks(text: &[u8]) -> &[u8] {
    &text[blanks(text)..]
}

/// The first word, which ends at a blank, and what follows it.
pub(super) fn first_token(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(find::<b' '>(text).unwrap_or(text.len()))
}

/// Bytes of which each has a bit in a number.
pub(super) const CHUNK: usize = u64::BITS as usize;

/// A bit for each byte of a chunk, as `marks` sets it.
#[inline]
pub(super) fn bits(chunk: &[u8; CHUNK], marks: impl Fn([u8; LANES]) -> u32) -> u64 {
    let quarters = chunk.as_chunks().0.iter().rev();
    quarters.fold(0, |bits, quarter| bits << LANES | u64::from(marks(*quarter)))
}

/// The same for a text of at most so many bytes.
pub(super) fn bits_of_few(text: &[u8], marks: impl Fn([u8; LANES]) -> u32 + Copy) -> u64 {
    let Some(last) = text.last_chunk() else { return short(text, marks).into() };
    let whole = text.as_chunks().0.iter().enumerate();
    let last = u64::from(marks(*last)) << (text.len() - LANES);
    whole.fold(last, |bits, (index, bytes)| bits | u64::from(marks(*bytes)) << (index * LANES))
}

/// The bits of the `length` bytes at the start of a text, at most [`CHUNK`].
#[inline]
pub(super) fn bits_at_start(text: &[u8], length: usize, marks: impl Fn([u8; LANES]) -> u32 + Copy) -> u64 {
    match text.first_chunk() {
        Some(bytes) if length <= LANES => u64::from(marks(*bytes) & !(u32::MAX << length)),
        _ => bits_of_few(&text[..length], marks),
    }
}

/// Where the bytes of a text are that `marks` marks, and none behind it.
#[inline]
pub(super) fn places<M: Fn([u8; LANES]) -> u32 + Copy>(text: &[u8], marks: M) -> Places<'_, M> {
    Places { rest: text, marks, bits: 0, start: 0, next: 0 }
}

/// See [`places`].
pub(super) struct Places<'a, M> {
    /// What was not looked at.
    rest: &'a [u8],
    marks: M,
    /// Those of a chunk that were not given yet.
    bits: u64,
    /// Where the chunk starts, and the next one.
    start: usize,
    next: usize,
}

impl<M: Fn([u8; LANES]) -> u32 + Copy> Iterator for Places<'_, M> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.bits == 0 {
            self.start = self.next;
            self.next += CHUNK;
            (self.bits, self.rest) = match self.rest.split_first_chunk() {
                Some((chunk, rest)) => (bits(chunk, self.marks), rest),
                None if self.rest.is_empty() => return None,
                None => (bits_of_few(self.rest, self.marks), &self.rest[..0]),
            };
        }
        let place = self.start + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(place)
    }
}

/// Where the letters and digits at the start of a text end.
#[inline]
pub(super) fn word_end(text: &[u8]) -> usize {
    first(text, not_of_words).unwrap_or(text.len())
}

/// Whether a text has only letters of ASCII, digits, dots and hyphens.
#[inline]
pub(super) fn is_host_name(text: &[u8]) -> bool {
    first(text, not_of_hosts).is_none()
}

/// Whether a capital is in a text.
#[inline]
pub(super) fn holds_capital(text: &[u8]) -> bool {
    first(text, |bytes| within(u8x16::new(bytes), b'A'..=b'Z').to_bitmask()).is_some()
}

/// Whether no byte of a short text, at most a [`CHUNK`], is a blank, a control character or a slash. To look
/// at all of them is faster than to stop at the first that is: how many there are is nothing that a processor
/// can foresee.
#[inline]
pub(super) fn is_plain_name(text: &[u8]) -> bool {
    bits_of_few(text, plain).trailing_ones() as usize == text.len()
}

/// The position of the first byte that is marked.
#[inline]
fn first(text: &[u8], marks: impl Fn([u8; LANES]) -> u32) -> Option<usize> {
    for (index, chunk) in text.as_chunks().0.iter().enumerate() {
        let marks = marks(*chunk);
        if marks != 0 {
            return Some(index * LANES + marks.trailing_zeros() as usize);
        }
    }
    // What the last bytes share with the chunks is not marked.
    let (marks, start) = match text.last_chunk() {
        Some(last) => (marks(*last), text.len() - LANES),
        None => (short(text, marks), 0),
    };
    (marks != 0).then(|| start + marks.trailing_zeros() as usize)
}

/// The marks of a text of fewer than 16 bytes.
#[inline]
fn short(text: &[u8], marks: impl Fn([u8; LANES]) -> u32) -> u32 {
    let mut bytes = [0; LANES];
    let (Some(head), Some(tail)) = (text.first_chunk::<HALF>(), text.last_chunk::<HALF>()) else {
        for (to, from) in bytes.iter_mut().zip(text) {
            *to = *from;
        }
        return marks(bytes) & !(ALL << text.len());
    };
    // Both halves of the vector are of the text, and share some of it.
    bytes[..HALF].copy_from_slice(head);
    bytes[HALF..].copy_from_slice(tail);
    let marks = marks(bytes);
    marks & LOW | marks >> HALF << (text.len() - HALF)
}

const ALL: u32 = 0xffff;
const LOW: u32 = 0xff;

/// A bit for each byte, set where it is `BYTE`.
#[inline]
pub(super) fn equal<const BYTE: u8>(bytes: [u8; LANES]) -> u32 {
    is::<BYTE>(bytes).to_bitmask()
}

/// A bit for each byte, set where it is one of two.
#[inline]
pub(super) fn equal_either<const ONE: u8, const OTHER: u8>(bytes: [u8; LANES]) -> u32 {
    equal::<ONE>(bytes) | equal::<OTHER>(bytes)
}

/// A bit for each byte, set where it is a decimal digit.
#[inline]
pub(super) fn digits(bytes: [u8; LANES]) -> u32 {
    within(u8x16::new(bytes), b'0'..=b'9').to_bitmask()
}

/// A bit for each byte, set where it is a hexadecimal digit.
#[inline]
pub(super) fn hex_digits(bytes: [u8; LANES]) -> u32 {
    let lower = u8x16::new(bytes) | u8x16::splat(b' ');
    (within(u8x16::new(bytes), b'0'..=b'9') | within(lower, b'a'..=b'f')).to_bitmask()
}

/// A bit for each byte, set where it is neither of a letter, which may be one that is not of ASCII, nor a digit.
#[inline]
pub(super) fn not_of_words(bytes: [u8; LANES]) -> u32 {
    let lower = u8x16::new(bytes) | u8x16::splat(b' ');
    let other = within(u8x16::new(bytes), 0x80..=u8::MAX);
    let words = within(u8x16::new(bytes), b'0'..=b'9') | within(lower, b'a'..=b'z') | other;
    !words.to_bitmask() & ALL
}

/// A bit for each byte, set where it is none that the name of a host has.
#[inline]
fn not_of_hosts(bytes: [u8; LANES]) -> u32 {
    let lower = u8x16::new(bytes) | u8x16::splat(b' ');
    let marks = is::<b'.'>(bytes) | is::<b'-'>(bytes);
    let hosts = within(u8x16::new(bytes), b'0'..=b'9') | within(lower, b'a'..=b'z') | marks;
    !hosts.to_bitmask() & ALL
}

/// A bit for each byte, set where it is no blank, no control character and no slash.
#[inline]
fn plain(bytes: [u8; LANES]) -> u32 {
    let visible = within(u8x16::new(bytes), b'!'..=u8::MAX);
    (visible & !(is::<0x7f>(bytes) | is::<b'/'>(bytes))).to_bitmask()
}

#[inline]
fn within(bytes: u8x16, range: RangeInclusive<u8>) -> u8x16 {
    let above = bytes - u8x16::splat(*range.start());
    above.min(u8x16::splat(range.end() - range.start())).simd_eq(above)
}

#[inline]
fn is<const BYTE: u8>(bytes: [u8; LANES]) -> u8x16 {
    u8x16::new(bytes).simd_eq(u8x16::splat(BYTE))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        bits_at_start, bits_of_few, blanks, digits, equal, equal_either, find, find_either, find_last,
        hex_digits, holds_capital, is_host_name, is_plain_name, not_of_words, places, plain, word_end,
    };

    fn is_found<const BYTE: u8>(text: &[u8]) -> Result<(), TestCaseError> {
        prop_assert_eq!(find::<BYTE>(text), text.iter().position(|&byte| byte == BYTE));
        prop_assert_eq!(find_last::<BYTE>(text), text.iter().rposition(|&byte| byte == BYTE));
        let expected = marked(text, |&byte| byte == BYTE);
        prop_assert_eq!(bits_of_few(text, equal::<BYTE>), expected);
        for length in 0..=text.len() {
            let beyond = u64::MAX.checked_shl(length.try_into()?).unwrap_or(0);
            prop_assert_eq!(bits_at_start(text, length, equal::<BYTE>), expected & !beyond);
        }
        Ok(())
    }

    fn marked(text: &[u8], wanted: impl Fn(&u8) -> bool) -> u64 {
        text.iter().enumerate().fold(0, |bits, (place, byte)| bits | u64::from(wanted(byte)) << place)
    }

    fn is_plain(byte: u8) -> bool {
        byte > b' ' && byte != 0x7f && byte != b'/'
    }

    proptest! {
        #[test]
        fn digits_are_marked(text in prop::collection::vec(any::<u8>(), 0..65)) {
            prop_assert_eq!(bits_of_few(&text, digits), marked(&text, u8::is_ascii_digit));
            prop_assert_eq!(bits_of_few(&text, hex_digits), marked(&text, u8::is_ascii_hexdigit));
            prop_assert_eq!(bits_of_few(&text, plain), marked(&text, |byte| is_plain(*byte)));
        }

        /// Texts longer than a chunk, too.
        #[test]
        fn places_are_where_the_marks_are(text in prop::collection::vec(any::<u8>(), 0..300)) {
            let of_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80;
            let all = |wanted: &dyn Fn(&u8) -> bool| -> Vec<usize> {
                (0..text.len()).filter(|&place| wanted(&text[place])).collect()
            };
            prop_assert_eq!(places(&text, not_of_words).collect::<Vec<_>>(), all(&|byte| !of_word(byte)));
            let brackets: Vec<_> = places(&text, equal_either::<b'(', b')'>).collect();
            prop_assert_eq!(brackets, all(&|byte| matches!(byte, b'(' | b')')));
            prop_assert_eq!(word_end(&text), text.iter().take_while(|byte| of_word(byte)).count());
            prop_assert_eq!(holds_capital(&text), text.iter().any(u8::is_ascii_uppercase));
        }

        #[test]
        fn hosts_have_letters_digits_dots_and_hyphens(text in "[a-zA-Z0-9.-]{0,40}", place: prop::sample::Index, byte: u8) {
            prop_assert!(is_host_name(text.as_bytes()));
            let mut text = text.into_bytes();
            if !text.is_empty() {
                let place = place.index(text.len());
                text[place] = byte;
                let expected = byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
                prop_assert_eq!(is_host_name(&text), expected);
            }
        }

        #[test]
        fn a_stranger_among_letters_is_seen(text in "[0-9a-zA-Z_+~-]{0,64}", place: prop::sample::Index, byte: u8) {
            prop_assert!(is_plain_name(text.as_bytes()));
            let mut text = text.into_bytes();
            if !text.is_empty() {
                let place = place.index(text.len());
                text[place] = byte;
                prop_assert_eq!(is_plain_name(&text), is_plain(byte));
            }
        }

        /// As one byte after the other would be looked at; few values, so that all is found often.
        #[test]
        fn as_a_loop_finds_it(text in prop::collection::vec(prop::sample::select(&b" !\x1f\xa0;\"\x00\x01\xff"[..]), 0..65)) {
            is_found::<b' '>(&text)?;
            is_found::<b'!'>(&text)?;
            is_found::<0>(&text)?;
            is_found::<1>(&text)?;
            is_found::<0xff>(&text)?;
            let either = text.iter().position(|&byte| byte == b' ' || byte == b'"');
            prop_assert_eq!(find_either::<b' ', b'"'>(&text), either);
            prop_assert_eq!(blanks(&text), text.iter().take_while(|&&byte| byte == b' ').count());
        }
    }
}
