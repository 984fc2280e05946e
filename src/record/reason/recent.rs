//! The families of the texts that were classified last. A site is told the same few hundred things all day, and in an
//! outage one: to look a text up costs a tenth of reading its words.
//!
//! A text is found by its hash and compared byte by byte, so what is given for it is what its words would give again:
//! nothing but the time that it takes depends on what came before.

use std::cell::RefCell;
use std::hash::Hasher;

use rustc_hash::FxHasher;

use super::Outlook;

/// So many are kept, each in the place that its hash says.
const PLACES: usize = 512;
/// Longer texts are not kept; most of these name somebody, and do not come again.
const MOST_BYTES: usize = 160;

/// A text of an entry with an outlook, and the row of its family, if it has one.
#[derive(Clone, Copy)]
struct Text {
    bytes: [u8; MOST_BYTES],
    /// How many of the bytes are its; none in an empty place.
    length: usize,
    outlook: Outlook,
    row: Option<usize>,
}

thread_local! {
    static TEXTS: RefCell<Vec<Text>> = const { RefCell::new(Vec::new()) };
}

/// The family of a text: as it was found for the same one before, or as `find` finds it.
pub(super) fn family(text: &[u8], outlook: Outlook, find: impl FnOnce() -> Option<usize>) -> Option<usize> {
    if text.is_empty() || text.len() > MOST_BYTES {
        return find();
    }
    let place = place(text, outlook);
    let known = TEXTS.with_borrow(|texts| {
        let kept =
            texts.get(place).filter(|kept| kept.outlook == outlook && kept.bytes[..kept.length] == *text);
        kept.map(|kept| kept.row)
    });
    known.unwrap_or_else(|| {
        let row = find();
        TEXTS.with_borrow_mut(|texts| keep(texts, place, text, outlook, row));
        row
    })
}

fn place(text: &[u8], outlook: Outlook) -> usize {
    let mut hasher = FxHasher::default();
    hasher.write(text);
    hasher.write_usize(outlook.number());
    // Its lowest bits are its best.
    usize::try_from(hasher.finish() % PLACES as u64).unwrap_or_default()
}

fn keep(texts: &mut Vec<Text>, place: usize, text: &[u8], outlook: Outlook, row: Option<usize>) {
    if texts.is_empty() {
        texts.resize(PLACES, Text { bytes: [0; MOST_BYTES], length: 0, outlook, row: None });
    }
    let kept = &mut texts[place];
    kept.bytes[..text.len()].copy_from_slice(text);
    (kept.length, kept.outlook, kept.row) = (text.len(), outlook, row);
}

#[cfg(test)]
mod tests {
    use super::{MOST_BYTES, Outlook, PLACES, family};

    /// Whatever was kept in its place before: more texts than places, each with every outlook, twice.
    #[test]
    fn what_is_given_is_what_was_found_for_the_same_text() {
        let mut found = 0;
        for round in 0..2 {
            for number in 0..2 * PLACES {
                let text = format!(
                    "550 no such user {}",
                    "x".repeat(number % (MOST_BYTES + 9)) + &number.to_string()
                );
                for outlook in Outlook::all() {
                    let row = (number * Outlook::COUNT + outlook.number()) % 7;
                    let expected = (row > 0).then_some(row);
                    for _ in 0..2 {
                        let given = family(text.as_bytes(), outlook, || {
                            found += 1;
                            expected
                        });
                        assert_eq!(given, expected, "{text} {round}");
                    }
                }
            }
        }
        assert!(found < 2 * 2 * PLACES * Outlook::COUNT * 2, "none was kept");
    }
}
