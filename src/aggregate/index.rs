//! Indices by what they lead to: that of a channel is none of a log, and the compiler knows.
//!
//! A table hands them out ([`ByIndex::push`], [`ByIndex::find`], [`ByIndex::iter`]); nobody makes one of a number.

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

macro_rules! indices {
    ($($(#[$doc:meta])* $kind:ident: $index:ident;)*) => {
        $(
            #[doc = concat!("What a [`", stringify!($index), "`] leads to.")]
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub enum $kind {}

            $(#[$doc])*
            pub type $index = IndexOf<$kind>;
        )*
    };
}

indices! {
    /// A channel's, in [`Channels`](super::channel::Channels).
    Channel: ChannelIndex;
    /// A log's, in [`Accounts`](super::account::Accounts).
    Log: LogIndex;
    /// A domain's, in [`Destinations`](super::destination::Destinations).
    Domain: DomainIndex;
    /// An enhanced status', in [`Replies`](super::reply::Replies).
    Status: StatusIndex;
}

/// The index of a `T`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct IndexOf<T> {
    number: usize,
    of: PhantomData<T>,
}

impl<T> Clone for IndexOf<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for IndexOf<T> {}

impl<T> IndexOf<T> {
    /// The first in a set of labels, whose value is `other`: it stands for everything beyond the cap.
    pub const OTHER: Self = Self::nth(0);

    const fn nth(number: usize) -> Self {
        Self { number, of: PhantomData }
    }

    /// The number, as part of a hash.
    pub(super) fn for_hash(self) -> u64 {
        self.number as u64
    }
}

/// A value for each index of a `T`, from the first on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent, bound(serialize = "V: Serialize", deserialize = "V: Deserialize<'de>"))]
pub struct ByIndex<T, V> {
    values: Vec<V>,
    of: PhantomData<T>,
}

impl<T, V> Default for ByIndex<T, V> {
    fn default() -> Self {
        Self { values: Vec::new(), of: PhantomData }
    }
}

impl<T, V> FromIterator<V> for ByIndex<T, V> {
    fn from_iter<I: IntoIterator<Item = V>>(values: I) -> Self {
        Self { values: values.into_iter().collect(), of: PhantomData }
    }
}

impl<T, V> ByIndex<T, V> {
    /// Adds a value, and gives it an index.
    pub fn push(&mut self, value: V) -> IndexOf<T> {
        self.values.push(value);
        IndexOf::nth(self.values.len() - 1)
    }

    /// All values, by index.
    pub fn values(&self) -> &[V] {
        &self.values
    }

    /// The same, to be changed.
    pub fn values_mut(&mut self) -> &mut [V] {
        &mut self.values
    }

    /// Every index with its value.
    pub fn iter(&self) -> impl Iterator<Item = (IndexOf<T>, &V)> {
        self.values.iter().enumerate().map(|(number, value)| (IndexOf::nth(number), value))
    }

    /// The first index whose value is as wanted.
    pub fn find(&self, wanted: impl Fn(&V) -> bool) -> Option<IndexOf<T>> {
        self.values.iter().position(wanted).map(IndexOf::nth)
    }

    /// The value at an index, if there is one.
    pub fn get(&self, index: IndexOf<T>) -> Option<&V> {
        self.values.get(index.number)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, index: IndexOf<T>) -> Option<&mut V> {
        self.values.get_mut(index.number)
    }
}

impl<T, V: Default> ByIndex<T, V> {
    /// The value at an index, made where there is none.
    #[inline]
    pub fn at(&mut self, index: IndexOf<T>) -> &mut V {
        if self.values.len() <= index.number {
            self.values.resize_with(index.number + 1, V::default);
        }
        &mut self.values[index.number]
    }
}

impl<T, V> Index<IndexOf<T>> for ByIndex<T, V> {
    type Output = V;

    fn index(&self, index: IndexOf<T>) -> &V {
        &self.values[index.number]
    }
}

impl<T, V> IndexMut<IndexOf<T>> for ByIndex<T, V> {
    fn index_mut(&mut self, index: IndexOf<T>) -> &mut V {
        &mut self.values[index.number]
    }
}

#[cfg(test)]
pub(super) fn nth<T>(number: usize) -> IndexOf<T> {
    IndexOf::nth(number)
}

#[cfg(test)]
mod tests {
    use super::{ByIndex, Channel, nth};

    #[test]
    fn values_stand_where_their_index_says_and_are_saved_as_a_list() {
        let mut values: ByIndex<Channel, u64> = ByIndex::default();
        let first = values.push(7);
        *values.at(nth(2)) += 5;
        assert_eq!((values[first], values.get(nth(3)), values.values()), (7, None, &[7, 0, 5][..]));
        assert_eq!(values.find(|&value| value == 5), Some(nth(2)));
        let saved = rmp_serde::to_vec_named(&(first, &values)).expect("encoded");
        assert_eq!(saved, rmp_serde::to_vec_named(&(0_usize, [7, 0, 5_u64])).expect("encoded"));
    }
}
