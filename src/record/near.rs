//! Finding a byte that is near.
//!
//! Words of an entry are short: to call a vector search for each costs more than to look at eight
//! bytes at a time right here. Where a text may be long, such as a line or a diagnostic, `memchr`
//! is used.

/// Where a byte comes first.
#[inline]
pub(super) fn find<const BYTE: u8>(text: &[u8]) -> Option<usize> {
    first::<BYTE, BYTE, true>(text)
}

/// Where one of two bytes comes first.
#[inline]
pub(super) fn find_either<const ONE: u8, const OTHER: u8>(text: &[u8]) -> Option<usize> {
    first::<ONE, OTHER, true>(text)
}

/// How many blanks a text starts with.
#[inline]
pub(super) fn blanks(text: &[u8]) -> usize {
    first::<b' ', b' ', false>(text).unwrap_or(text.len())
}

/// Where a byte comes last.
#[inline]
pub(super) fn find_last<const BYTE: u8>(text: &[u8]) -> Option<usize> {
    let (rest, chunks) = text.as_rchunks();
    for (index, chunk) in chunks.iter().enumerate().rev() {
        let marks = different(*chunk, BYTE) ^ HIGHS;
        if marks != 0 {
            return Some(rest.len() + index * 8 + (marks.ilog2() / 8) as usize);
        }
    }
    rest.iter().rposition(|&byte| byte == BYTE)
}

/// Whether all bytes of a short text are of a kind. To look at all of them is faster than to stop at the
/// first that is not: digits and letters in turn are nothing that a processor can foresee.
#[inline]
pub(super) fn all(text: &[u8], kind: impl Fn(&u8) -> bool) -> bool {
    text.iter().fold(true, |all, byte| all & kind(byte))
}

/// The position of the first byte that is wanted: one of two where `ARE`, else any but these.
#[inline]
fn first<const ONE: u8, const OTHER: u8, const ARE: bool>(text: &[u8]) -> Option<usize> {
    let Some(last) = text.last_chunk() else {
        return text.iter().position(|&byte| (byte == ONE || byte == OTHER) == ARE);
    };
    for (index, chunk) in text.as_chunks().0.iter().enumerate() {
        let marks = first_marks::<ONE, OTHER, ARE>(*chunk);
        if marks != 0 {
            return Some(index * 8 + marks.trailing_zeros() as usize / 8);
        }
    }
    // What these share with the chunks is not wanted.
    let marks = first_marks::<ONE, OTHER, ARE>(*last);
    (marks != 0).then(|| text.len() - 8 + marks.trailing_zeros() as usize / 8)
}

const ONES: u64 = u64::MAX / 0xff;
const HIGHS: u64 = ONES << 7;

/// The highest bit of each byte that is wanted, right up to the first of them.
#[inline]
fn first_marks<const ONE: u8, const OTHER: u8, const ARE: bool>(bytes: [u8; 8]) -> u64 {
    // A borrow crosses into the next byte only behind a byte that is equal.
    let equal = |byte: u8| {
        let apart = apart(bytes, byte);
        apart.wrapping_sub(ONES) & !apart & HIGHS
    };
    match (ARE, ONE == OTHER) {
        (true, true) => equal(ONE),
        (true, false) => equal(ONE) | equal(OTHER),
        (false, true) => different(bytes, ONE),
        (false, false) => different(bytes, ONE) & different(bytes, OTHER),
    }
}

/// The highest bit of each byte that is not `byte`: no sum crosses into the next byte.
#[inline]
fn different(bytes: [u8; 8], byte: u8) -> u64 {
    let apart = apart(bytes, byte);
    (((apart & !HIGHS) + !HIGHS) | apart) & HIGHS
}

#[inline]
fn apart(bytes: [u8; 8], byte: u8) -> u64 {
    u64::from_le_bytes(bytes) ^ (ONES * u64::from(byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{blanks, find, find_either, find_last};

    fn is_found<const BYTE: u8>(text: &[u8]) -> Result<(), TestCaseError> {
        prop_assert_eq!(find::<BYTE>(text), text.iter().position(|&byte| byte == BYTE));
        prop_assert_eq!(find_last::<BYTE>(text), text.iter().rposition(|&byte| byte == BYTE));
        Ok(())
    }

    proptest! {
        /// As one byte after the other would be looked at; few values, so that all is found often.
        #[test]
        fn as_a_loop_finds_it(text in prop::collection::vec(prop::sample::select(&b" !\x1f\xa0;\"\x00\x01\xff"[..]), 0..40)) {
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
