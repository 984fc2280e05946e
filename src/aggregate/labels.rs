//! Capped sets of label values.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// The index of the label value `other`, which stands for everything beyond the cap.
pub const OTHER: usize = 0;

/// Label values taken from input, in the order of their arrival, up to a cap. A value that is in
/// the set stays: an event is counted in one series when it happens and never moves.
///
/// Several spellings may give the same label; each is remembered so that the hot path looks one up
/// without making a string.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub struct Labels {
    values: Vec<String>,
    capacity: usize,
    capped: u64,
    /// By label value. Keyed hashing: the input chooses the keys.
    by_value: HashMap<String, usize>,
    by_spelling: HashMap<Box<[u8]>, usize>,
}

impl Labels {
    /// An empty set that will hold `capacity` values beside `other`.
    pub fn new(capacity: usize) -> Self {
        let values = vec!["other".to_owned()];
        Self { values, capacity, capped: 0, by_value: HashMap::new(), by_spelling: HashMap::new() }
    }

    /// The index of the label that `spelling` gives under `label`, [`OTHER`] beyond the cap.
    pub fn index(&mut self, spelling: &[u8], label: fn(&[u8]) -> String) -> usize {
        if let Some(&index) = self.by_spelling.get(spelling) {
            return index;
        }
        let index = self.index_of_label(label(spelling));
        // A sender could write one domain in thousands of spellings.
        if index != OTHER && self.by_spelling.len() < 4 * self.capacity {
            self.by_spelling.insert(spelling.into(), index);
        }
        index
    }

    fn index_of_label(&mut self, label: String) -> usize {
        if let Some(&index) = self.by_value.get(&label) {
            return index;
        }
        if self.values.len() > self.capacity || label == self.values[OTHER] {
            self.capped += 1;
            return OTHER;
        }
        self.by_value.insert(label.clone(), self.values.len());
        self.values.push(label);
        self.values.len() - 1
    }

    /// The label value at an index.
    pub fn value(&self, index: usize) -> &str {
        self.values.get(index).map_or("other", String::as_str)
    }

    /// All values by index, `other` first.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// How many look-ups ended in `other`.
    pub fn capped(&self) -> u64 {
        self.capped
    }
}

/// What is saved: spellings are learned again.
#[derive(Serialize, Deserialize)]
struct Saved {
    values: Vec<String>,
    capacity: usize,
    capped: u64,
}

impl From<Saved> for Labels {
    fn from(saved: Saved) -> Self {
        let mut labels = Self::new(saved.capacity);
        for value in saved.values.into_iter().skip(1) {
            labels.index_of_label(value);
        }
        labels.capped = saved.capped;
        labels
    }
}

impl From<Labels> for Saved {
    fn from(labels: Labels) -> Self {
        Self { values: labels.values, capacity: labels.capacity, capped: labels.capped }
    }
}

#[cfg(test)]
mod tests {
    use super::{Labels, OTHER};
    use crate::record::label::channel;

    #[test]
    fn values_stay_and_the_rest_is_other() {
        let mut labels = Labels::new(2);
        let first = labels.index(b"TCP_local", channel);
        assert_eq!(labels.index(b"tcp_local", channel), first);
        assert_eq!(labels.value(first), "tcp_local");
        assert_ne!(labels.index(b"l", channel), OTHER);
        assert_eq!(labels.index(b"ims-ms", channel), OTHER);
        assert_eq!(labels.index(b"other", channel), OTHER);
        assert_eq!((labels.value(OTHER), labels.capped()), ("other", 2));
    }

    #[test]
    fn indices_survive_saving() {
        let mut labels = Labels::new(2);
        labels.index(b"b", channel);
        labels.index(b"a", channel);
        labels.index(b"c", channel);
        let saved = rmp_serde::to_vec_named(&labels).expect("encoded");
        let loaded: Labels = rmp_serde::from_slice(&saved).expect("decoded");
        assert_eq!(loaded.values(), labels.values());
        assert_eq!(loaded.capped(), 1);
    }
}
