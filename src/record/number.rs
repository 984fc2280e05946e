//! Decimal numbers.
//!
//! How many digits a number has is nothing that a processor can foresee, so up to eight of them, a machine
//! word, are read at once.

/// Digits of the longest number that is read: it fits 64 bits whatever the digits are.
const MAX_DIGITS: usize = 18;

/// Digits that fill a machine word.
const WORD: usize = 8;

/// A number of 1 to 18 digits and nothing else.
pub(super) fn integer(text: &[u8]) -> Option<u64> {
    match text.len() {
        length @ 1..=WORD => eight(word(text) << (8 * (WORD - length)), length),
        length if (WORD..=MAX_DIGITS).contains(&length) => long(text),
        _ => None,
    }
}

/// The number of so many digits at the start of a text.
#[inline]
pub(super) fn at_start(text: &[u8], length: usize) -> Option<u64> {
    match text.first_chunk() {
        Some(bytes) if (1..=WORD).contains(&length) => {
            eight(u64::from_le_bytes(*bytes) << (8 * (WORD - length)), length)
        }
        _ => integer(text.get(..length)?),
    }
}

/// The number of so many digits at the end of a text.
#[inline]
pub(super) fn at_end(text: &[u8], length: usize) -> Option<u64> {
    match text.last_chunk() {
        Some(bytes) if (1..=WORD).contains(&length) => eight(u64::from_le_bytes(*bytes), length),
        _ => integer(text.get(text.len().checked_sub(length)?..)?),
    }
}

/// Seconds with a fraction, as the time in the queue is written.
pub(super) fn seconds(text: &[u8]) -> Option<f64> {
    let plain = text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    let seconds = std::str::from_utf8(text).ok().filter(|_| plain)?.parse().ok();
    seconds.filter(|seconds: &f64| seconds.is_finite())
}

fn long(text: &[u8]) -> Option<u64> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    text.iter().try_fold(0, |value, byte| Some(value * 10 + digit(byte)?))
}

/// A text of 1 to 8 bytes as a number, the first in the lowest byte.
#[inline]
fn word(text: &[u8]) -> u64 {
    if let (Some(head), Some(tail)) = (text.first_chunk(), text.last_chunk()) {
        let (head, tail) = (u32::from_le_bytes(*head), u32::from_le_bytes(*tail));
        return u64::from(head) | u64::from(tail) << (8 * (text.len() - 4));
    }
    // One to three bytes: these are all of them, some twice.
    let (middle, last) = (text.len() / 2, text.len() - 1);
    let at = |place: usize| u64::from(text[place]) << (8 * place);
    at(0) | at(middle) | at(last)
}

/// The value of the last `length` bytes of eight, the first of which is the lowest; those in front of
/// them do not matter.
#[inline]
fn eight(bytes: u64, length: usize) -> Option<u64> {
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // What is beyond 9 in a byte reaches its highest bit.
    const BEYOND_NINE: u64 = 0x7676_7676_7676_7676;
    let values = (bytes ^ ZEROS) & u64::MAX << (8 * (WORD - length));
    if (values | ((values & !HIGHS) + BEYOND_NINE)) & HIGHS != 0 {
        return None;
    }
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8);
    let fours =
        |pairs: u64, hundreds: u64, ones: u64| (pairs & 0xff_0000_00ff).wrapping_mul((hundreds << 32) + ones);
    Some(fours(pairs, 1_000_000, 100).wrapping_add(fours(pairs >> 16, 10_000, 1)) >> 32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{at_end, at_start, integer};

    proptest! {
        #[test]
        fn all_that_are_digits(text in "[0-9]{0,20}") {
            let expected = if text.len() <= 18 { text.parse().ok() } else { None };
            prop_assert_eq!(integer(text.as_bytes()), expected);
        }

        #[test]
        fn inside_of_a_text(before in "[0-9a-z]{0,9}", digits in "[0-9]{1,12}", behind in "[0-9a-z]{0,9}") {
            let value = digits.parse().ok();
            let (front, back) = (digits.clone() + &behind, before + &digits);
            prop_assert_eq!(at_start(front.as_bytes(), digits.len()), value);
            prop_assert_eq!(at_end(back.as_bytes(), digits.len()), value);
            prop_assert_eq!(at_start(front.as_bytes(), front.len() + 1), None);
            prop_assert_eq!(at_end(back.as_bytes(), back.len() + 1), None);
        }

        #[test]
        fn nothing_else(digits in "[0-9]{0,19}", place: prop::sample::Index, byte: u8) {
            prop_assume!(!byte.is_ascii_digit());
            let mut text = digits.into_bytes();
            text.insert(place.index(text.len() + 1), byte);
            prop_assert_eq!(integer(&text), None);
            prop_assert_eq!(at_start(&text, text.len()), None);
            prop_assert_eq!(at_end(&text, text.len()), None);
        }
    }
}
