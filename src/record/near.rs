//! Finding a byte that is near.
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
    first(text, |bytes| equal::<ONE>(bytes) | equal::<OTHER>(bytes))
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
        bits_at_start, bits_of_few, blanks, digits, equal, find, find_either, find_last, hex_digits,
        is_plain_name, plain,
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
