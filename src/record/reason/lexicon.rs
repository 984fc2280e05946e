//! The vocabulary by its words: what a word of a text says.

use std::sync::LazyLock;

use super::vocabulary::{Classes, VOCABULARY};

/// Words are compared by so many bytes.
pub(super) const WORD_BYTES: usize = 16;

/// Sets the bit that makes a capital a small letter, in all bytes at once; other bytes of words become something that
/// no letter becomes.
const LOWER: u128 = u128::from_le_bytes([0x20; WORD_BYTES]);

/// The first bytes of a word, without case.
pub(super) fn key(word: &[u8]) -> u128 {
    Head::of(word, 0, word.len()).key()
}

/// The first bytes of a word as they stand in its text.
#[derive(Clone, Copy)]
pub(super) struct Head {
    bytes: u128,
    /// The bits that are of the word.
    mask: u128,
}

/// By the length of a word.
static MASKS: [u128; WORD_BYTES + 1] = {
    let mut masks = [u128::MAX; WORD_BYTES + 1];
    let mut length = 0;
    while length < WORD_BYTES {
        masks[length] = (1 << (8 * length)) - 1;
        length += 1;
    }
    masks
};

impl Head {
    /// Of a word in a text: what follows it is read with it, and masked.
    #[inline]
    pub(super) fn of(text: &[u8], start: usize, end: usize) -> Self {
        let mask = MASKS[(end - start).min(WORD_BYTES)];
        let bytes = match (text[start..].first_chunk(), text.last_chunk()) {
            (Some(bytes), _) => u128::from_le_bytes(*bytes),
            (None, Some(last)) => u128::from_le_bytes(*last) >> (8 * (WORD_BYTES - (text.len() - start))),
            (None, None) => text[start..].iter().rev().fold(0, |bytes, &byte| bytes << 8 | u128::from(byte)),
        };
        Self { bytes: bytes & mask, mask }
    }

    #[inline]
    pub(super) fn key(self) -> u128 {
        self.bytes | LOWER
    }

    #[inline]
    pub(super) fn starts_with_digit(self) -> bool {
        self.bytes.to_le_bytes()[0].is_ascii_digit()
    }

    /// Whether a capital may stand behind the first byte, so far.
    #[inline]
    pub(super) fn may_hold_capital(self) -> bool {
        (!self.bytes & LOWER & self.mask) >> 8 != 0
    }
}

/// Many more than there are words, so that a word that is none of them finds an empty place at once.
const PLACES: usize = 1 << 13;

/// The words with their classes, and where they are by their hash.
pub(super) struct Lexicon {
    /// The number of a word; 0 is none.
    places: Box<[u16; PLACES]>,
    words: Vec<(u128, Classes)>,
}

/// All words of the vocabulary.
pub(super) static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut lexicon = Lexicon { places: Box::new([0; PLACES]), words: vec![(0, 0)] };
    let mut word = Vec::new();
    for &(class, _, words) in VOCABULARY {
        for entry in words.split_ascii_whitespace() {
            let mut parts = entry.split('/');
            let stem = parts.next().unwrap_or_default();
            lexicon.add(stem.as_bytes(), class);
            for ending in parts.filter(|ending| !ending.is_empty()) {
                word.clear();
                word.extend_from_slice(stem.as_bytes());
                word.extend_from_slice(ending.as_bytes());
                lexicon.add(&word, class);
            }
        }
    }
    lexicon
});

impl Lexicon {
    /// What the word with a key says; nothing where it is none of the vocabulary.
    #[inline]
    pub(super) fn classes(&self, key: u128) -> Classes {
        self.words[self.find(key).1].1
    }

    /// The place of a word, or the empty one where it would be, and its number.
    #[inline]
    fn find(&self, key: u128) -> (usize, usize) {
        let mut place = hash(key);
        loop {
            let number = usize::from(self.places[place % PLACES]);
            if number == 0 || self.words[number].0 == key {
                return (place % PLACES, number);
            }
            place += 1;
        }
    }

    fn add(&mut self, word: &[u8], class: Classes) {
        let key = key(word);
        let (place, number) = self.find(key);
        if number > 0 {
            self.words[number].1 |= class;
        } else if let Ok(number) = u16::try_from(self.words.len()) {
            self.places[place] = number;
            self.words.push((key, class));
        }
    }
}

/// A number whose lowest bits all bytes of a key have a part in.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
fn hash(key: u128) -> usize {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let halves = (key as u64) ^ ((key >> 64) as u64).wrapping_mul(SPREAD);
    (halves.wrapping_mul(SPREAD) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::{Head, LEXICON, PLACES, key};

    #[test]
    fn places_are_many_and_words_are_near_theirs() {
        assert!(LEXICON.words.len() < PLACES / 3, "{} words", LEXICON.words.len());
        let away = LEXICON.words.iter().skip(1).map(|&(key, _)| {
            let place = LEXICON.find(key).0;
            (place + PLACES - super::hash(key) % PLACES) % PLACES
        });
        assert!(away.sum::<usize>() < LEXICON.words.len());
    }

    #[test]
    fn words_are_the_same_wherever_they_stand() {
        for word in ["no", "Recipient", "authentication16", "authentication16behind", "\u{e9}"] {
            for (front, back) in
                [("", ""), ("a ", ""), ("in front of it ", " b"), ("a ", " and much more behind it")]
            {
                let text = [front, word, back].concat();
                let head = Head::of(text.as_bytes(), front.len(), front.len() + word.len());
                assert_eq!(head.key(), key(word.to_ascii_lowercase().as_bytes()), "{text}");
            }
        }
        assert_eq!(key(b"authentication16"), key(b"authentication16behind"));
        for (word, expected) in
            [("Recipient", false), ("noUser", true), ("SMTP", true), ("4xx", false), ("", false)]
        {
            assert_eq!(Head::of(word.as_bytes(), 0, word.len()).may_hold_capital(), expected, "{word}");
        }
    }
}
