//! Capped sets of label values, the first comers: for what a site chooses itself, such as channels.
//! Where other people choose, `HeavyHitters` keeps the busiest.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::digest::label_key;
use super::index::{ByIndex, IndexOf};

/// The label value that stands for everything beyond the cap.
pub const OTHER_LABEL: &str = "other";

/// Label values taken from input, in the order of their arrival, up to a cap. A value that is in
/// the set stays: an event is counted in one series when it happens and never moves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved", bound = "")]
pub struct Labels<T: Copy> {
    values: ByIndex<T, String>,
    seed: u64,
    capacity: usize,
    capped: u64,
    gave_way: u64,
    /// By seeded hash.
    index: FxHashMap<u64, IndexOf<T>>,
    recent: Recent<T>,
}

/// Places for the labels that come again and again: many more than a site has channels, so that two seldom
/// share one. A power of two makes finding one cheap.
const RECENT: usize = 256;

/// Labels that were looked up last, by the lowest bits of their hashes: a shortcut, and no part of what
/// the set is.
#[derive(Clone, Debug)]
struct Recent<T>([(u64, IndexOf<T>); RECENT]);

impl<T: Copy> Default for Recent<T> {
    /// With hashes that belong elsewhere.
    fn default() -> Self {
        Self(std::array::from_fn(|place| (place as u64 ^ 1, IndexOf::OTHER)))
    }
}

impl<T> PartialEq for Recent<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Recent<T> {
    fn at(&mut self, key: u64) -> &mut (u64, IndexOf<T>) {
        &mut self.0[usize::try_from(key % RECENT as u64).unwrap_or(0)]
    }
}

impl<T: Copy> Labels<T> {
    /// An empty set that will hold `capacity` values beside `other`, each known by its hash with `seed`.
    pub fn new(capacity: usize, seed: u64) -> Self {
        Self {
            values: [OTHER_LABEL.to_owned()].into_iter().collect(),
            seed,
            capacity,
            capped: 0,
            gave_way: 0,
            index: FxHashMap::default(),
            recent: Recent::default(),
        }
    }

    /// The index of the label with the hash `key`, [`IndexOf::OTHER`] beyond the cap. `text` gives the label when
    /// it is new.
    #[inline]
    pub fn index<'a>(&mut self, key: u64, text: impl FnOnce() -> &'a str) -> IndexOf<T> {
        let recent = *self.recent.at(key);
        if recent.0 == key { recent.1 } else { self.find_or_add(key, text) }
    }

    fn find_or_add<'a>(&mut self, key: u64, text: impl FnOnce() -> &'a str) -> IndexOf<T> {
        if let Some(&index) = self.index.get(&key) {
            *self.recent.at(key) = (key, index);
            return index;
        }
        let text = text();
        if self.is_full() || text == OTHER_LABEL {
            self.capped += 1;
            return IndexOf::OTHER;
        }
        let index = self.values.push(text.to_owned());
        self.index.insert(key, index);
        index
    }

    /// The index that a label with the hash `key` has, [`IndexOf::OTHER`] where it has none of its own.
    pub fn find(&self, key: u64) -> IndexOf<T> {
        self.index.get(&key).copied().unwrap_or(IndexOf::OTHER)
    }

    /// The index of a label by its text.
    pub fn index_of(&mut self, label: &str) -> IndexOf<T> {
        self.index(label_key(label.as_bytes(), self.seed), || label)
    }

    /// The label value at an index.
    pub fn value(&self, index: IndexOf<T>) -> &str {
        self.values.get(index).map_or(OTHER_LABEL, String::as_str)
    }

    /// All values by index, `other` first.
    pub fn values(&self) -> &[String] {
        self.values.values()
    }

    /// All values with their indices, `other` first.
    pub fn all(&self) -> impl Iterator<Item = (IndexOf<T>, &str)> {
        self.values.iter().map(|(index, value)| (index, value.as_str()))
    }

    /// Whether no further value can have an index of its own.
    pub fn is_full(&self) -> bool {
        self.values.values().len() > self.capacity
    }

    /// Whether a value has an index of its own.
    pub fn has(&self, label: &str) -> bool {
        self.index.contains_key(&label_key(label.as_bytes(), self.seed))
    }

    /// Gives an index to another value. What was counted at it is for the caller to forget.
    pub fn give_way(&mut self, index: IndexOf<T>, label: &str) {
        let Some(value) = self.values.get_mut(index) else { return };
        self.index.remove(&label_key(value.as_bytes(), self.seed));
        label.clone_into(value);
        self.index.insert(label_key(label.as_bytes(), self.seed), index);
        self.recent = Recent::default();
        self.gave_way += 1;
    }

    /// How many values gave their index to another.
    pub fn gave_way(&self) -> u64 {
        self.gave_way
    }

    /// How many look-ups ended in `other`.
    pub fn capped(&self) -> u64 {
        self.capped
    }
}

/// What is saved: hashes are made again.
#[derive(Serialize, Deserialize)]
struct Saved {
    values: Vec<String>,
    seed: u64,
    capacity: usize,
    capped: u64,
    #[serde(default)]
    gave_way: u64,
}

impl<T: Copy> From<Saved> for Labels<T> {
    fn from(saved: Saved) -> Self {
        let mut labels = Self::new(saved.capacity, saved.seed);
        for value in saved.values.iter().skip(1) {
            labels.index_of(value);
        }
        (labels.capped, labels.gave_way) = (saved.capped, saved.gave_way);
        labels
    }
}

impl<T: Copy> From<Labels<T>> for Saved {
    fn from(labels: Labels<T>) -> Self {
        let Labels { values, seed, capacity, capped, gave_way, .. } = labels;
        Self { values: values.values().to_vec(), seed, capacity, capped, gave_way }
    }
}

#[cfg(test)]
mod tests {
    use super::{Labels, RECENT};
    use crate::aggregate::index::{Channel, ChannelIndex, nth};

    const OTHER: ChannelIndex = ChannelIndex::OTHER;

    #[test]
    fn values_stay_and_the_rest_is_other() {
        let mut labels = Labels::<Channel>::new(2, 7);
        let first = labels.index_of("tcp_local");
        assert_eq!(labels.index_of("tcp_local"), first);
        assert_eq!(labels.value(first), "tcp_local");
        assert_ne!(labels.index_of("l"), OTHER);
        assert_eq!(labels.index_of("ims-ms"), OTHER);
        assert_eq!(labels.index_of("other"), OTHER);
        assert_eq!((labels.value(OTHER), labels.capped()), ("other", 2));
    }

    #[test]
    fn labels_that_share_a_place_take_turns() {
        let mut labels = Labels::<Channel>::new(3 * RECENT, 7);
        let all: Vec<_> = (0..3 * RECENT).map(|number| format!("tcp_{number}")).collect();
        for _ in 0..3 {
            for (label, index) in all.iter().zip((1..).map(nth)) {
                assert_eq!([(); 3].map(|()| labels.index_of(label)), [index; 3]);
            }
        }
    }

    #[test]
    fn indices_survive_saving() {
        let mut labels = Labels::<Channel>::new(2, 7);
        for label in ["b", "a", "c"] {
            labels.index_of(label);
        }
        let saved = rmp_serde::to_vec_named(&labels).expect("encoded");
        let mut loaded: Labels<Channel> = rmp_serde::from_slice(&saved).expect("decoded");
        assert_eq!(loaded.values(), labels.values());
        assert_eq!(loaded.capped(), 1);
        assert_eq!(loaded.index_of("a"), labels.index_of("a"));
    }
}
