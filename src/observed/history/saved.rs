//! The history in its file: one section, closed sets by label, numbers in as few bytes as they need.
//!
//! A release may keep other series or other lengths; what has another width begins empty.

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::cell::Cell;
use super::reach::{CONNECTIONS, ENTRIES, Mark, Reach};
use super::ring::Ring;
use super::{History, MAX_ROWS, RESOLUTIONS, Row, Seen, Series};
use crate::aggregate::time::{Millis, Time};
use crate::source::state::sections::{self, Section, Unknown};

const NAME: &str = "history";
/// Raised when an older program would misread the section.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Saved {
    mark: Mark,
    from: Option<Time>,
    until: Option<Time>,
    rings: Vec<SavedRing>,
    channels: Vec<SavedChannel>,
    /// What was written before was not all read, where `until` does not say so.
    #[serde(default)]
    behind: Option<Time>,
}

/// Of all lists the last number is the one of the newest slot.
#[derive(Serialize, Deserialize)]
struct SavedRing {
    seconds: i64,
    newest: i64,
    /// 1 for slots whose entries were all read, and for connections the same.
    entries: Numbers,
    connections: Numbers,
    /// Milliseconds from the beginning of the slot to the first look into the queue.
    looks: Numbers,
}

#[derive(Serialize, Deserialize)]
struct SavedChannel {
    label: String,
    since: Time,
    noted: Time,
    seen: Option<(Time, Time)>,
    /// Label of the series, width of the slots in seconds, numbers.
    values: Vec<(String, i64, Numbers)>,
}

/// Numbers that may be absent, each plus 1 in groups of 7 bits, the lowest first; 0 stands for absent. Those in
/// front of the first that is not absent are left out.
#[derive(Default)]
struct Numbers(Vec<Option<u64>>);

/// A file that holds a history, and the instant of the sums that it goes with.
///
/// # Errors
///
/// When a value cannot be represented.
pub fn encode(history: &History, mark: Mark) -> Result<Vec<u8>, rmp_serde::encode::Error> {
    let body = rmp_serde::to_vec_named(&history.to_saved(mark))?;
    let section = Section { name: NAME.to_owned(), version: VERSION, unknown: Unknown::Drop, body };
    Ok(sections::encode([&section]))
}

/// What a file holds.
///
/// # Errors
///
/// Why it could not be read.
pub fn decode(bytes: &[u8]) -> Result<(History, Mark), String> {
    let body = sections::the_one(bytes, NAME, VERSION)?;
    let saved: Saved =
        rmp_serde::from_slice(&body).map_err(|error| format!("a value is not as expected: {error}"))?;
    let mark = saved.mark;
    Ok((History::from_saved(saved), mark))
}

impl History {
    fn to_saved(&self, mark: Mark) -> Saved {
        let rings = self.rings.iter().filter_map(|ring| {
            let newest = ring.newest()?;
            let covered =
                |what| Numbers(ring.kept().map(|(_, place)| ring.covers(place, what).then_some(1)).collect());
            let looks = ring
                .kept()
                .map(|(start, place)| u64::try_from(ring.looked(place)?.since(start).millis()).ok());
            Some(SavedRing {
                seconds: ring.width().millis() / 1000,
                newest,
                entries: covered(ENTRIES),
                connections: covered(CONNECTIONS),
                looks: Numbers(looks.collect()),
            })
        });
        let channels = self.rows.iter().map(|row| SavedChannel {
            label: row.label.clone(),
            since: row.since,
            noted: row.noted,
            seen: row.seen.map(|seen| (seen.since, seen.last)),
            values: self.saved_values(row),
        });
        Saved {
            mark,
            from: self.reach.from(),
            until: self.reach.last(),
            rings: rings.collect(),
            channels: channels.collect(),
            behind: self.reach.is_behind(),
        }
    }

    fn saved_values(&self, row: &Row) -> Vec<(String, i64, Numbers)> {
        let mut values = Vec::new();
        for (resolution, ring) in self.rings.iter().enumerate() {
            for &series in Series::ALL {
                let numbers = ring.kept().map(|(_, place)| row.get(resolution, place, series));
                let numbers = Numbers(numbers.collect());
                if numbers.0.iter().any(Option::is_some) {
                    values.push((series.label().to_owned(), ring.width().millis() / 1000, numbers));
                }
            }
        }
        values
    }

    fn from_saved(saved: Saved) -> Self {
        let mut history =
            Self { reach: Reach::resumed(saved.from, saved.until, saved.behind), ..Self::default() };
        for saved in saved.rings {
            if let Some(resolution) = resolution(saved.seconds) {
                history.rings[resolution] = saved.ring(resolution);
            }
        }
        for saved in saved.channels.into_iter().take(MAX_ROWS) {
            let row = saved.row(&history.rings);
            history.rows.push(row);
        }
        history
    }
}

fn resolution(seconds: i64) -> Option<usize> {
    RESOLUTIONS.iter().position(|resolution| resolution.seconds == seconds)
}

impl SavedRing {
    fn ring(self, resolution: usize) -> Ring {
        let mut ring = Ring::new(RESOLUTIONS[resolution]);
        // No time is as far from the present as that.
        ring.begin(self.newest.clamp(ring.slot(Time::MIN), ring.slot(Time::MAX)));
        let slots: Vec<(Time, usize)> = ring.kept().collect();
        let last = |numbers: Numbers| slots.iter().rev().zip(numbers.0.into_iter().rev()).collect::<Vec<_>>();
        for (what, numbers) in [(ENTRIES, self.entries), (CONNECTIONS, self.connections)] {
            for (&(start, _), _) in last(numbers).into_iter().filter(|(_, number)| number.is_some()) {
                ring.cover(start, start, what);
            }
        }
        for (&(start, _), number) in last(self.looks) {
            let millis = number
                .and_then(|number| i64::try_from(number).ok())
                .filter(|&millis| millis < ring.width().millis());
            if let Some(millis) = millis {
                ring.look(start.less(Millis::of(-millis)));
            }
        }
        ring
    }
}

impl SavedChannel {
    fn row(self, rings: &[Ring]) -> Row {
        let mut row = Row::new(&self.label, self.since, self.noted);
        row.seen = self.seen.map(|(since, last)| Seen { since, last });
        for (label, seconds, numbers) in self.values {
            let series = Series::ALL.iter().find(|series| series.label() == label);
            let (Some(resolution), Some(&series)) = (resolution(seconds), series) else { continue };
            let places: Vec<usize> = rings[resolution].kept().map(|(_, place)| place).collect();
            for (&place, number) in places.iter().rev().zip(numbers.0.iter().rev()) {
                if let Some(number) = *number {
                    *row.cell(resolution, place, series) = Cell::of(number);
                }
            }
        }
        row
    }
}

impl Serialize for Numbers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(self.0.len());
        for number in self.0.iter().skip_while(|number| number.is_none()) {
            let mut rest = number.map_or(0, |number| number.saturating_add(1));
            loop {
                let [low, ..] = rest.to_le_bytes();
                rest >>= 7;
                bytes.push(if rest > 0 { low | 0x80 } else { low });
                if rest == 0 {
                    break;
                }
            }
        }
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(OfBytes)
    }
}

struct OfBytes;

impl Visitor<'_> for OfBytes {
    type Value = Numbers;

    fn expecting(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        text.write_str("numbers in groups of 7 bits")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Numbers, E> {
        let (mut numbers, mut number, mut shift) = (Vec::new(), 0_u64, 0);
        for &byte in bytes {
            if shift > 56 {
                return Err(E::custom("a number is too large"));
            }
            number |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                numbers.push(number.checked_sub(1));
                (number, shift) = (0, 0);
            }
        }
        if shift == 0 { Ok(Numbers(numbers)) } else { Err(E::custom("the last number is cut short")) }
    }
}
