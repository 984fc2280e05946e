//! The known files of one directory: what one `fstatat` said, for 24 bytes a file.

use super::held_files::HeldReason;

/// A file whose name has been seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownFile {
    /// A keyed hash of its name and inode; the inode makes a file that was replaced under its name a
    /// new one.
    pub(super) key: u64,
    /// Bytes; 0 for a held file, which is never asked for.
    pub(super) size: u64,
    /// Modification time, whole Unix seconds.
    pub(super) modified: u32,
    /// What is known about a held file.
    pub(super) held: HeldClass,
    /// Whether it was old enough, when it was asked for, to be written completely.
    pub(super) settled: bool,
    /// Whether the listing under way has shown it.
    pub(super) listed: bool,
}

const _: () = assert!(size_of::<KnownFile>() == 24, "a million files are remembered");

/// What is known about a held file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeldClass {
    /// Nothing: it has to be handed out.
    New,
    /// It has been handed out and no answer has come back.
    Asked,
    /// The answer.
    Is(HeldReason),
}

impl HeldClass {
    /// What the file counts as.
    pub(super) fn reason(self) -> HeldReason {
        match self {
            Self::New | Self::Asked => HeldReason::Unclassified,
            Self::Is(reason) => reason,
        }
    }
}

/// The files of one directory in the order of their keys, and those that the listing under way adds.
#[derive(Debug, Default)]
pub(super) struct KnownFiles {
    sorted: Vec<KnownFile>,
    fresh: Vec<KnownFile>,
    /// How far from its guessed place a key is looked for first.
    reach: usize,
}

impl KnownFiles {
    pub(super) fn len(&self) -> usize {
        self.sorted.len() + self.fresh.len()
    }

    /// The file of this key, unless it is of the listing under way.
    pub(super) fn find(&mut self, key: u64) -> Option<&mut KnownFile> {
        let place = self.place(key)?;
        self.sorted.get_mut(place)
    }

    /// Keys are hashes, which lie evenly: the place of a key can be guessed, and in all but a few of
    /// ten thousand cases it is within twice the root of the length from there. That is a few steps in
    /// memory that lies together, also in a directory of a million files.
    fn place(&self, key: u64) -> Option<usize> {
        let length = self.sorted.len();
        let guess = usize::try_from((u128::from(key) * length as u128) >> 64).ok()?;
        let (low, high) = (guess.saturating_sub(self.reach), (guess + self.reach).min(length));
        let after_low = low == 0 || self.sorted[low - 1].key < key;
        let before_high = high == length || self.sorted[high].key > key;
        let (low, high) = if after_low && before_high { (low, high) } else { (0, length) };
        self.sorted[low..high].binary_search_by_key(&key, |file| file.key).ok().map(|found| low + found)
    }

    /// Adds a file that [`Self::find`] did not find.
    pub(super) fn add(&mut self, file: KnownFile) {
        self.fresh.push(file);
    }

    /// The directory has been listed whole: what was not listed is forgotten.
    pub(super) fn keep_listed(&mut self) {
        self.sorted.retain(|file| file.listed);
        self.keep_all();
    }

    /// The listing broke off: what it added is kept, nothing is forgotten.
    pub(super) fn keep_all(&mut self) {
        self.fresh.sort_unstable_by_key(|file| file.key);
        if self.sorted.is_empty() {
            self.sorted = std::mem::take(&mut self.fresh);
        } else if !self.fresh.is_empty() {
            self.sorted.append(&mut self.fresh);
            // Two sorted runs: the standard library's stable sort merges them.
            self.sorted.sort_by_key(|file| file.key);
        }
        // A directory that changes while it is listed may show a name twice.
        self.sorted.dedup_by_key(|file| file.key);
        self.sorted.shrink_to_fit();
        self.fresh = Vec::new();
        self.reach = 2 * self.sorted.len().isqrt() + 4;
        for file in &mut self.sorted {
            file.listed = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    use super::{HeldClass, KnownFile, KnownFiles};

    fn file(key: u64, size: u64) -> KnownFile {
        KnownFile { key, size, modified: 0, held: HeldClass::New, settled: true, listed: true }
    }

    /// Keys that a hash would give, and keys that crowd at the ends.
    fn keys() -> impl Strategy<Value = u64> {
        prop_oneof![any::<u64>(), 0..20_u64, (u64::MAX - 20)..=u64::MAX]
    }

    proptest! {
        /// Against a map: whatever listings showed and however they ended.
        #[test]
        fn it_is_a_map(listings in prop::collection::vec((prop::collection::btree_set(keys(), 0..60), any::<bool>()), 1..6)) {
            let (mut files, mut model) = (KnownFiles::default(), BTreeMap::new());
            for (round, (listed, whole)) in listings.iter().enumerate() {
                for &key in listed {
                    let found = files.find(key).map(|file| { file.listed = true; file.size });
                    prop_assert_eq!(found, model.get(&key).copied());
                    if found.is_none() {
                        files.add(file(key, round as u64));
                    }
                }
                for &key in listed {
                    model.entry(key).or_insert(round as u64);
                }
                if *whole {
                    files.keep_listed();
                    model.retain(|key, _| listed.contains(key));
                } else {
                    files.keep_all();
                }
                prop_assert_eq!(files.len(), model.len());
            }
            for (&key, &size) in &model {
                prop_assert_eq!(files.find(key).map(|file| file.size), Some(size));
            }
        }
    }
}
