//! Capped sets of label values that other people choose: the busiest have a label of their own.
//!
//! The first comers are members until the set is full. What comes later is `other`, and is watched:
//! a set-associative space-saving sketch counts it, and when something outside has come clearly more
//! often than the quietest member, it takes that member's place. The sketch decides who is a member
//! and nothing else. An event counts in one series when it happens and never moves: neither does the
//! newcomer bring along what was counted as `other`, nor does the one that leaves hand over its
//! count. Its series vanishes, and begins at 0 should it come back, which Prometheus takes for the
//! counter reset that it is; `other` never goes back.
//!
//! All weights are halved each hour of the [timeline](super::timeline), so that members of last week make room.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::digest::label_key;
use super::index::{ByIndex, IndexOf};
use super::labels::OTHER_LABEL;
use super::time::{Millis, Time};

const HOUR: Millis = Millis::of_minutes(60);
/// What is watched outside the set at most, 16 bytes each.
const SETS: usize = 128;
const WAYS: usize = 8;
/// A newcomer must have come more than twice as often as the quietest member, and this often beside:
/// a set that changes all the time shows nothing.
const MARGIN: u32 = 3;

/// Where an event counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot<T> {
    /// In the series at an index, [`IndexOf::OTHER`] among them.
    At(IndexOf<T>),
    /// In the series at an index that begins at 0 with this event; what was counted there before
    /// belongs to a label that has gone.
    NewAt(IndexOf<T>),
}

#[derive(Clone, Debug, PartialEq)]
struct Member {
    label: String,
    key: u64,
    weight: u32,
}

/// Something outside the set.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
struct Candidate {
    /// 0 is a free place.
    key: u64,
    /// At least as often as it came.
    most: u32,
    /// How often it came for sure: a flood of names that come once each never has more than 1.
    sure: u32,
}

/// The set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved", bound = "")]
pub struct HeavyHitters<T: Copy> {
    seed: u64,
    capacity: usize,
    /// By index, `other` first.
    members: ByIndex<T, Member>,
    index: FxHashMap<u64, IndexOf<T>>,
    /// Empty until the set is full.
    candidates: Vec<Candidate>,
    /// No member weighs less.
    lightest: u32,
    hour: Option<i64>,
    capped: u64,
    replaced: u64,
}

impl<T: Copy> HeavyHitters<T> {
    /// An empty set that will hold `capacity` labels beside `other`, each known by its hash with `seed`.
    pub fn new(capacity: usize, seed: u64) -> Self {
        let other = Member { label: OTHER_LABEL.to_owned(), key: 0, weight: 0 };
        Self {
            seed,
            capacity,
            members: [other].into_iter().collect(),
            index: FxHashMap::default(),
            candidates: Vec::new(),
            lightest: 0,
            hour: None,
            capped: 0,
            replaced: 0,
        }
    }

    /// Where an event at `at` counts whose label has the hash `key`. `text` gives
    /// the label when it is new.
    pub fn slot<'a>(&mut self, key: u64, at: Time, text: impl FnOnce() -> &'a str) -> Slot<T> {
        self.fade(at.number(HOUR));
        if let Some(&index) = self.index.get(&key) {
            let weight = &mut self.members[index].weight;
            *weight = weight.saturating_add(1);
            return Slot::At(index);
        }
        if self.members.values().len() <= self.capacity {
            let text = text();
            if text != OTHER_LABEL {
                return self.join(None, Member { label: text.to_owned(), key, weight: 1 });
            }
        } else {
            let sure = self.watch(key);
            if let Some(quietest) = self.quieter_than(sure) {
                let text = text();
                if text != OTHER_LABEL {
                    self.forget(key);
                    self.index.remove(&self.members[quietest].key);
                    self.replaced += 1;
                    return self.join(Some(quietest), Member { label: text.to_owned(), key, weight: sure });
                }
            }
        }
        self.capped += 1;
        Slot::At(IndexOf::OTHER)
    }

    /// Makes a member, in the place of another one or as one more.
    fn join(&mut self, instead: Option<IndexOf<T>>, member: Member) -> Slot<T> {
        self.lightest = self.lightest.min(member.weight);
        let key = member.key;
        let index = match instead {
            Some(index) => {
                self.members[index] = member;
                index
            }
            None => self.members.push(member),
        };
        self.index.insert(key, index);
        Slot::NewAt(index)
    }

    /// The member that a newcomer takes the place of when it came `sure` times, if any.
    fn quieter_than(&mut self, sure: u32) -> Option<IndexOf<T>> {
        let beats = |weight: u32| sure > weight.saturating_mul(2).saturating_add(MARGIN);
        if !beats(self.lightest) {
            return None;
        }
        let members = self.members.iter().skip(1);
        let (index, weight) =
            members.map(|(index, member)| (index, member.weight)).min_by_key(|row| row.1)?;
        self.lightest = weight;
        beats(weight).then_some(index)
    }

    /// Counts one that is not in the set; how often it came for sure.
    fn watch(&mut self, key: u64) -> u32 {
        if self.candidates.is_empty() {
            self.candidates = vec![Candidate::default(); SETS * WAYS];
        }
        let set = &mut self.candidates[set_of(key)];
        let place = set.iter().position(|candidate| candidate.key == key).unwrap_or_else(|| {
            let rarest = set.iter().enumerate().min_by_key(|(_, candidate)| (candidate.most, candidate.key));
            let rarest = rarest.map_or(0, |(index, _)| index);
            set[rarest] = Candidate { key, sure: 0, ..set[rarest] };
            rarest
        });
        let candidate = &mut set[place];
        candidate.most = candidate.most.saturating_add(1);
        candidate.sure = candidate.sure.saturating_add(1);
        candidate.sure
    }

    /// Watches it no longer.
    fn forget(&mut self, key: u64) {
        let mut watched = self.candidates[set_of(key)].iter_mut();
        watched.find(|candidate| candidate.key == key).map(std::mem::take);
    }

    /// Halves every weight once for each hour that has begun.
    fn fade(&mut self, hour: i64) {
        let Some(before) = self.hour.replace(hour) else { return };
        if hour <= before {
            // An entry from before changes nothing.
            self.hour = Some(before);
            return;
        }
        let halvings = u32::try_from(hour.saturating_sub(before)).unwrap_or(u32::MAX);
        let halved = |weight: &mut u32| *weight = weight.checked_shr(halvings).unwrap_or(0);
        self.members.values_mut().iter_mut().for_each(|member| halved(&mut member.weight));
        for candidate in &mut self.candidates {
            halved(&mut candidate.most);
            halved(&mut candidate.sure);
        }
        halved(&mut self.lightest);
    }

    /// The label at an index.
    pub fn label(&self, index: IndexOf<T>) -> &str {
        self.members.get(index).map_or(OTHER_LABEL, |member| &member.label)
    }

    /// All labels by index, `other` first.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.members.values().iter().map(|member| member.label.as_str())
    }

    /// How many events were `other`.
    pub fn capped(&self) -> u64 {
        self.capped
    }

    /// How many labels took another one's place.
    pub fn replaced(&self) -> u64 {
        self.replaced
    }
}

fn set_of(key: u64) -> std::ops::Range<usize> {
    let set = usize::try_from(key % SETS as u64).unwrap_or(0) * WAYS;
    set..set + WAYS
}

/// What is saved: hashes of members are made again.
#[derive(Serialize, Deserialize)]
struct Saved {
    seed: u64,
    capacity: usize,
    members: Vec<(String, u32)>,
    candidates: Vec<Candidate>,
    hour: Option<i64>,
    capped: u64,
    replaced: u64,
}

impl<T: Copy> From<HeavyHitters<T>> for Saved {
    fn from(set: HeavyHitters<T>) -> Self {
        let members = set.members.values().iter().skip(1);
        Self {
            seed: set.seed,
            capacity: set.capacity,
            members: members.map(|member| (member.label.clone(), member.weight)).collect(),
            candidates: set.candidates,
            hour: set.hour,
            capped: set.capped,
            replaced: set.replaced,
        }
    }
}

impl<T: Copy> From<Saved> for HeavyHitters<T> {
    fn from(saved: Saved) -> Self {
        let mut set = Self::new(saved.capacity, saved.seed);
        for (label, weight) in saved.members.into_iter().take(saved.capacity) {
            let key = label_key(label.as_bytes(), saved.seed);
            set.join(None, Member { label, key, weight });
        }
        if saved.candidates.len() == SETS * WAYS {
            set.candidates = saved.candidates;
        }
        Self { hour: saved.hour, capped: saved.capped, replaced: saved.replaced, ..set }
    }
}

#[cfg(test)]
mod tests;
