//! Counts by a closed set of label values.

use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::record::application::Cipher;
use crate::record::authentication::{AuthenticationFailure, AuthenticationResult};
use crate::record::closing::Closing;
use crate::record::code::Outcome;
use crate::record::option::LogOption;
use crate::record::reason::Reason;
use crate::record::{Direction, Skip, Unparsed};

/// A closed set of label values that index a table.
pub trait ClosedSet: Copy + PartialEq + 'static {
    /// Every value, in the order of their indices.
    const VALUES: &'static [Self];
    /// The label value.
    fn value_label(self) -> &'static str;
    /// The position in [`ClosedSet::VALUES`].
    fn position(self) -> usize;

    /// The value with a label, if there is one.
    fn labelled(label: &str) -> Option<Self> {
        Self::VALUES.iter().copied().find(|value| value.value_label() == label)
    }
}

/// Makes closed sets of enums with `ALL` and `label`.
macro_rules! closed_set {
    ($($name:ty),*) => {
        $(impl $crate::aggregate::reasons::ClosedSet for $name {
            const VALUES: &'static [Self] = <$name>::ALL;
            fn value_label(self) -> &'static str {
                self.label()
            }
            fn position(self) -> usize {
                self as usize
            }
        })*
    };
}
pub(super) use closed_set;
closed_set!(
    AuthenticationFailure,
    AuthenticationResult,
    Cipher,
    Closing,
    Direction,
    LogOption,
    Outcome,
    Reason,
    Skip,
    Unparsed
);

/// A count for each value of a closed set. Saved by label, so that a release may add values or
/// change their order, and one that an older release does not know is left out there; nothing is allocated
/// before the first count.
#[derive(Clone, Debug, PartialEq)]
pub struct PerLabel<T> {
    counts: Vec<u64>,
    set: PhantomData<T>,
}

impl<T> Default for PerLabel<T> {
    fn default() -> Self {
        Self { counts: Vec::new(), set: PhantomData }
    }
}

impl<T: ClosedSet> PerLabel<T> {
    /// Counts one.
    pub fn add(&mut self, value: T) {
        self.add_many(value, 1);
    }

    fn add_many(&mut self, value: T, count: u64) {
        if self.counts.is_empty() {
            self.counts = vec![0; T::VALUES.len()];
        }
        self.counts[value.position()] += count;
    }

    /// Adds another set's counts.
    pub fn add_all(&mut self, other: &Self) {
        if self.counts.is_empty() {
            self.counts.clone_from(&other.counts);
        } else {
            self.counts.iter_mut().zip(&other.counts).for_each(|(sum, count)| *sum += count);
        }
    }

    /// What it grew by since an earlier count; what was more then grew by nothing.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut grown = Self::default();
        for (value, count) in self.counted() {
            let more = count.saturating_sub(earlier.get(value));
            if more > 0 {
                grown.add_many(value, more);
            }
        }
        grown
    }

    /// Without some values.
    #[must_use]
    pub fn without(mut self, values: &[T]) -> Self {
        for value in values {
            if let Some(count) = self.counts.get_mut(value.position()) {
                *count = 0;
            }
        }
        self
    }

    /// Back to 0, with the room that it took.
    pub fn clear(&mut self) {
        self.counts.fill(0);
    }

    /// The values that were counted at least once.
    pub fn counted(&self) -> impl Iterator<Item = (T, u64)> {
        T::VALUES.iter().copied().zip(self.counts.iter().copied()).filter(|&(_, count)| count > 0)
    }

    /// Every value, those without a count as 0.
    pub fn every(&self) -> impl Iterator<Item = (T, u64)> {
        T::VALUES.iter().map(|&value| (value, self.get(value)))
    }

    /// One value's count.
    pub fn get(&self, value: T) -> u64 {
        self.counts.get(value.position()).copied().unwrap_or(0)
    }

    /// All counts together.
    pub fn sum(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl<T: ClosedSet> Serialize for PerLabel<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.counted().map(|(value, count)| (value.value_label(), count)))
    }
}

impl<'de, T: ClosedSet> Deserialize<'de> for PerLabel<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let saved: Vec<(String, u64)> = Vec::deserialize(deserializer)?;
        let mut counts = Self::default();
        for (label, count) in saved {
            if let Some(value) = T::labelled(&label) {
                counts.add_many(value, count);
            }
        }
        Ok(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::PerLabel;
    use crate::record::Skip;
    use crate::record::reason::Reason;

    #[test]
    fn counts_are_saved_by_label() {
        let mut counts = PerLabel::default();
        counts.add(Skip::Nslog);
        counts.add(Skip::Nslog);
        counts.add(Skip::Header);
        let saved = rmp_serde::to_vec(&counts).expect("encoded");
        let loaded: PerLabel<Skip> = rmp_serde::from_slice(&saved).expect("decoded");
        assert_eq!((loaded.get(Skip::Nslog), loaded.get(Skip::Header), loaded.sum()), (2, 1, 3));
        assert_eq!(loaded.counted().count(), 2);
        assert_eq!(loaded.every().count(), Skip::ALL.len());
    }

    /// The reasons of the first release with a state. None of them may get another label.
    const FIRST: [&str; 26] = [
        "host_skipped",
        "relay_denied",
        "auth_failed",
        "tls",
        "over_quota",
        "mailbox_busy",
        "dns_no_such_domain",
        "dns_temporary",
        "no_route",
        "conn_refused",
        "conn_timeout",
        "conn_lost",
        "conn_other",
        "greylisted",
        "user_unknown",
        "sender_rejected",
        "policy",
        "expired",
        "size",
        "loop",
        "remote_4xx",
        "remote_5xx",
        "local_4xx",
        "local_5xx",
        "none",
        "other",
    ];

    #[test]
    fn new_reasons_count_on_from_0_beside_those_of_an_earlier_release() {
        let saved: Vec<(&str, u64)> = FIRST.into_iter().zip(1..).collect();
        let saved = rmp_serde::to_vec(&saved).expect("encoded");
        let mut counts: PerLabel<Reason> = rmp_serde::from_slice(&saved).expect("decoded");
        for (label, count) in FIRST.into_iter().zip(1..) {
            let counted = counts.counted().find(|(reason, _)| reason.label() == label);
            assert_eq!(counted.map(|(_, count)| count), Some(count), "{label}");
        }
        for reason in [Reason::RateLimited, Reason::AccountDisabled] {
            assert_eq!(counts.get(reason), 0);
            counts.add(reason);
            assert_eq!(counts.get(reason), 1);
        }
    }
}
