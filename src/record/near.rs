//! Finding a byte that is near.
//!
//! Words of an entry are short: to call a vector search for each costs more than looking at eight bytes
//! at a time right here. Where a text may be long, such as a line or a diagnostic, `memchr` is used.

const ONES: u64 = u64::MAX / 0xff;
const HIGHS: u64 = ONES << 7;

/// Where a byte comes first.
#[inline]
pub(super) fn find(byte: u8, text: &[u8]) -> Option<usize> {
    first(text, |word| equal(word, byte), |found| found == byte)
}

/// Where one of two bytes comes first.
#[inline]
pub(super) fn find_either(one: u8, other: u8, text: &[u8]) -> Option<usize> {
    first(text, |word| equal(word, one) | equal(word, other), |found| found == one || found == other)
}

/// Where a byte comes last.
#[inline]
pub(super) fn find_last(byte: u8, text: &[u8]) -> Option<usize> {
    let (rest, words) = text.as_rchunks();
    for (index, word) in words.iter().enumerate().rev() {
        let marks = !different(u64::from_le_bytes(*word), byte) & HIGHS;
        if marks != 0 {
            return Some(rest.len() + index * 8 + (marks.ilog2() / 8) as usize);
        }
    }
    rest.iter().rposition(|&found| found == byte)
}

/// How many blanks a text starts with.
#[inline]
pub(super) fn blanks(text: &[u8]) -> usize {
    first(text, |word| different(word, b' '), |byte| byte != b' ').unwrap_or(text.len())
}

/// The position of the first byte that is `wanted`. `marks` sets the high bit of such bytes of a word;
/// behind the lowest one it may be wrong.
#[inline]
fn first(text: &[u8], marks: impl Fn(u64) -> u64, wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let (words, rest) = text.as_chunks();
    for (index, word) in words.iter().enumerate() {
        let marks = marks(u64::from_le_bytes(*word));
        if marks != 0 {
            return Some(index * 8 + marks.trailing_zeros() as usize / 8);
        }
    }
    let position = rest.iter().position(|&byte| wanted(byte))?;
    Some(text.len() - rest.len() + position)
}

/// The high bit of each byte that is `byte`, exact up to the first one.
#[inline]
fn equal(word: u64, byte: u8) -> u64 {
    let apart = word ^ (ONES * u64::from(byte));
    apart.wrapping_sub(ONES) & !apart & HIGHS
}

/// The high bit of each byte that is not `byte`, exact for all of them: no sum crosses into the next byte.
#[inline]
fn different(word: u64, byte: u8) -> u64 {
    let apart = word ^ (ONES * u64::from(byte));
    (((apart & !HIGHS) + !HIGHS) | apart) & HIGHS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{blanks, find, find_either, find_last};

    proptest! {
        /// As one byte after the other would be looked at; few values, so that all is found often.
        #[test]
        fn as_a_loop_finds_it(text in prop::collection::vec(prop::sample::select(&b" !\x1f\xa0;\"\x00\x01\xff"[..]), 0..40)) {
            for byte in [b' ', b'!', b';', 0, 1, 0xff] {
                prop_assert_eq!(find(byte, &text), text.iter().position(|&found| found == byte));
                prop_assert_eq!(find_last(byte, &text), text.iter().rposition(|&found| found == byte));
            }
            let either = text.iter().position(|&byte| byte == b' ' || byte == b'"');
            prop_assert_eq!(find_either(b' ', b'"', &text), either);
            prop_assert_eq!(blanks(&text), text.iter().take_while(|&&byte| byte == b' ').count());
        }
    }
}
