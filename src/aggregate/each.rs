//! A value for each member of a closed set, as an array that is saved by label.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::reasons::ClosedSet;

/// One `C` for each of the `N` members of the set `S`. Saved as pairs of label and value, so that a release
/// may add members or change their order: what an older one did not know begins empty. What a newer one knew
/// and this one does not is left out: its series vanish here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Each<S, C, const N: usize> {
    values: [C; N],
    set: PhantomData<S>,
}

impl<S: ClosedSet, C: Default, const N: usize> Default for Each<S, C, N> {
    fn default() -> Self {
        const { assert!(S::VALUES.len() == N, "an array has a place for each member of its set") };
        Self { values: std::array::from_fn(|_| C::default()), set: PhantomData }
    }
}

impl<S: ClosedSet, C, const N: usize> Each<S, C, N> {
    /// Every member with its value, in the order of the set.
    pub fn all(&self) -> impl Iterator<Item = (S, &C)> {
        S::VALUES.iter().copied().zip(&self.values)
    }
}

impl<S: ClosedSet, const N: usize> Each<S, u64, N> {
    /// All counts together.
    pub fn sum(&self) -> u64 {
        self.values.iter().sum()
    }
}

impl<S: ClosedSet, C, const N: usize> Index<S> for Each<S, C, N> {
    type Output = C;

    fn index(&self, member: S) -> &C {
        &self.values[member.position()]
    }
}

impl<S: ClosedSet, C, const N: usize> IndexMut<S> for Each<S, C, N> {
    fn index_mut(&mut self, member: S) -> &mut C {
        &mut self.values[member.position()]
    }
}

impl<S: ClosedSet, C: Serialize, const N: usize> Serialize for Each<S, C, N> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        serializer.collect_seq(self.all().map(|(member, value)| (member.value_label(), value)))
    }
}

impl<'de, S, C, const N: usize> Deserialize<'de> for Each<S, C, N>
where
    S: ClosedSet,
    C: Default + DeserializeOwned,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let saved: Vec<(String, C)> = Vec::deserialize(deserializer)?;
        let mut each = Self::default();
        for (label, value) in saved {
            if let Some(member) = S::labelled(&label) {
                each[member] = value;
            }
        }
        Ok(each)
    }
}

#[cfg(test)]
mod tests {
    use super::Each;
    use crate::aggregate::reasons::ClosedSet;

    /// A set as an older, the present and a newer release may have it.
    macro_rules! set {
        ($name:ident: $($value:literal),*) => {
            #[derive(Clone, Copy, Debug, PartialEq)]
            struct $name(usize);

            impl ClosedSet for $name {
                const VALUES: &'static [Self] = &{
                    let mut values = [$name(0); [$($value),*].len()];
                    let mut at = 0;
                    while at < values.len() {
                        values[at] = $name(at);
                        at += 1;
                    }
                    values
                };
                fn value_label(self) -> &'static str {
                    [$($value),*][self.0]
                }
                fn position(self) -> usize {
                    self.0
                }
            }
        };
    }
    set!(Older: "a", "b");
    set!(Newer: "between", "b", "a", "new");

    #[test]
    fn values_are_found_by_their_labels_in_a_set_that_has_grown() {
        let mut older = Each::<Older, u64, 2>::default();
        (older[Older(0)], older[Older(1)]) = (3, 7);
        let saved = rmp_serde::to_vec_named(&older).expect("encoded");
        let newer: Each<Newer, u64, 4> = rmp_serde::from_slice(&saved).expect("decoded");
        assert_eq!(newer.all().map(|(_, &count)| count).collect::<Vec<_>>(), [0, 7, 3, 0]);
        assert_eq!(newer.sum(), 10);
    }

    #[test]
    fn what_only_a_newer_release_knows_is_left_out() {
        let mut newer = Each::<Newer, u64, 4>::default();
        (newer[Newer(1)], newer[Newer(3)]) = (5, 9);
        let saved = rmp_serde::to_vec_named(&newer).expect("encoded");
        let older: Each<Older, u64, 2> = rmp_serde::from_slice(&saved).expect("decoded");
        assert_eq!(older.all().map(|(_, &count)| count).collect::<Vec<_>>(), [0, 5]);
    }
}
