//! Looking for the words of a family in a text: each of its classes, in any order or in its own, in a stretch that
//! is not too long. One pass; for each class the newest word is kept.

use super::families::Family;
use super::words::Word;

/// The most classes that a family has.
pub(super) const MOST_CLASSES: usize = 4;

/// Which words are those of each class; behind the last class the last again. A text has fewer than 256 words.
pub(super) type Stretch = [u8; MOST_CLASSES];

impl Family {
    /// Which words of a text are those of the row.
    pub(super) fn find(&self, words: &[Word]) -> Option<Stretch> {
        if let [classes] = self.words {
            let at = words.iter().position(|word| word.classes & classes != 0)?;
            return u8::try_from(at).ok().map(|at| [at; MOST_CLASSES]);
        }
        let last = self.words.len() - 1;
        let any = self.words.iter().fold(0, |any, classes| any | classes);
        // For each class the newest word; in a row with an order the newest stretch that ends with it.
        let mut found = [None::<Stretch>; MOST_CLASSES];
        for (at, word) in (0..).zip(words).filter(|(_, word)| word.classes & any != 0) {
            for (nth, &classes) in self.words.iter().enumerate().rev() {
                if word.classes & classes == 0 {
                    continue;
                }
                let before = match nth.checked_sub(1) {
                    Some(before) if self.ordered => found[before],
                    _ => Some([at; MOST_CLASSES]),
                };
                if let Some(mut stretch) = before {
                    stretch[nth..].fill(at);
                    found[nth] = Some(stretch);
                    if let Some(all) = self.complete(&found, last).filter(|&all| self.is_near(all, words)) {
                        return Some(all);
                    }
                }
            }
        }
        None
    }

    fn complete(&self, found: &[Option<Stretch>; MOST_CLASSES], last: usize) -> Option<Stretch> {
        if self.ordered {
            return found[last];
        }
        let mut all = [0; MOST_CLASSES];
        for (nth, one) in all.iter_mut().enumerate() {
            *one = found[nth.min(last)]?[nth.min(last)];
        }
        Some(all)
    }

    fn is_near(&self, all: Stretch, words: &[Word]) -> bool {
        let places = all.map(|at| words[usize::from(at)].place);
        let (first, last) =
            places.iter().fold((u16::MAX, 0), |(first, last), &place| (first.min(place), last.max(place)));
        last - first <= self.within
    }
}
