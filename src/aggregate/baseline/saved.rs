//! What was learned, as it lies in its file: series by label, numbers as bytes.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::calendar::HOURS;
use super::learned::{Learned, Seen};
use super::level::Level;
use super::weeks::{Slot, Weeks};
use super::{Baseline, MAX_ROWS, OfSeries, Row, Series, WEEKS};

/// The bytes of an hour in which there was something: which one it is, then median and maximum by slot.
const OF_HOUR: usize = 1 + WEEKS * 4;

/// What lies in a file.
#[derive(Debug, Serialize, Deserialize)]
pub struct Saved {
    /// By slot.
    weeks: [Option<i64>; WEEKS],
    /// The slot of the week that was begun last.
    newest: usize,
    /// By hour: the slots in which anything was learned.
    hours: Bytes,
    channels: Vec<SavedChannel>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedChannel {
    label: String,
    /// Label of the series, by hour the slots in which it was learned, and what it was like.
    series: Vec<(String, Bytes, Bytes)>,
}

/// Bytes that are written as such.
#[derive(Debug, Default, PartialEq)]
struct Bytes(Vec<u8>);

impl Baseline {
    /// What is to be saved of it.
    pub fn to_saved(&self) -> Saved {
        let (weeks, newest) = self.weeks.parts();
        let channels = self.rows.iter().map(|(label, row)| {
            let learned = Series::ALL.iter().filter_map(|&series| {
                let of_series = row.series[series as usize].as_ref()?;
                (!of_series.learned.is_empty()).then(|| of_series.learned.to_saved(series))
            });
            SavedChannel { label: label.clone(), series: learned.collect() }
        });
        let channels = channels.filter(|channel| !channel.series.is_empty());
        Saved { weeks, newest, hours: Bytes(self.hours.to_vec()), channels: channels.collect() }
    }

    /// Takes what an earlier run has learned.
    ///
    /// # Errors
    ///
    /// What is wrong with it; then nothing is taken.
    pub fn take_saved(&mut self, saved: Saved) -> Result<(), &'static str> {
        let weeks = Weeks::of(saved.weeks, saved.newest);
        let hours = saved.hours.0.try_into().map_err(|_| "a week does not have 168 hours")?;
        let mut rows = Vec::new();
        for SavedChannel { label, series } in saved.channels.into_iter().take(MAX_ROWS) {
            let mut row = Row::default();
            for (name, known, values) in series {
                // A release may have series that this one does not know.
                let Some(&series) = Series::ALL.iter().find(|series| series.label() == name) else {
                    continue;
                };
                let mut learned = Learned::from_saved(&known.0, &values.0)?;
                learned.find_trend(weeks.last_two());
                row.series[series as usize] = Some(OfSeries { learned, ..OfSeries::default() });
            }
            rows.push((label, row));
        }
        (self.weeks, self.hours) = (weeks, Box::new(hours));
        self.rows = rows.into_iter().collect();
        Ok(())
    }
}

impl Learned {
    fn to_saved(&self, series: Series) -> (String, Bytes, Bytes) {
        let (mut known, mut values) = (Vec::with_capacity(HOURS), Vec::new());
        for (hour, (weeks, ring)) in (0_u8..).zip(self.hours()) {
            known.push(weeks);
            let Some(ring) = ring else { continue };
            values.push(hour);
            for seen in ring {
                values.extend([seen.median.to_bytes(), seen.maximum.to_bytes()].concat());
            }
        }
        (series.label().to_owned(), Bytes(known), Bytes(values))
    }

    fn from_saved(known: &[u8], values: &[u8]) -> Result<Self, &'static str> {
        if known.len() != HOURS {
            return Err("a week does not have 168 hours");
        }
        let mut rings = [[Seen::default(); WEEKS]; HOURS];
        let of_hours = values.chunks_exact(OF_HOUR);
        if !of_hours.remainder().is_empty() {
            return Err("the last hour is cut short");
        }
        for of_hour in of_hours {
            let ring = rings.get_mut(usize::from(of_hour[0])).ok_or("there is no such hour")?;
            for (seen, bytes) in ring.iter_mut().zip(of_hour[1..].chunks_exact(4)) {
                let level = |at: usize| Level::from_bytes([bytes[at], bytes[at + 1]]);
                *seen = Seen { median: level(0), maximum: level(2) };
            }
        }
        let mut learned = Self::default();
        for (hour, (&weeks, ring)) in known.iter().zip(&rings).enumerate() {
            for slot in Slot::all().filter(|slot| weeks & slot.bit() != 0) {
                learned.put(hour, slot, ring[slot.nth()]);
            }
        }
        Ok(learned)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(OfBytes)
    }
}

struct OfBytes;

impl Visitor<'_> for OfBytes {
    type Value = Bytes;

    fn expecting(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        text.write_str("bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
        Ok(Bytes(bytes.to_vec()))
    }
}
