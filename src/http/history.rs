//! The history as JSON, for the person who looks into what the exporter knows. It names channels and nothing else.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::aggregate::time::{Millis, Time};
use crate::observed::Observed;
use crate::observed::history::{History, RESOLUTIONS, Series};

#[derive(Serialize)]
struct Page<'a> {
    /// What it takes in memory.
    bytes: usize,
    /// How often a channel had no room in it.
    left_out: u64,
    resolutions: Vec<Resolution<'a>>,
}

#[derive(Serialize)]
struct Resolution<'a> {
    /// The width of a slot.
    seconds: i64,
    /// When the last slot begins, Unix seconds by the host's clock; it is not over.
    last: i64,
    /// By channel and series: the numbers of all slots, the oldest first; null of a time of which nothing was read.
    channels: BTreeMap<&'a str, BTreeMap<&'static str, Vec<Option<u64>>>>,
}

/// The page.
pub(super) fn json(observed: &Observed) -> Vec<u8> {
    let book = observed.logs();
    let present = observed.clock.now().shown(&book.aggregate);
    // A copy, so that nobody waits for the page.
    let history: History = book.history.lock().clone();
    drop(book);
    let resolutions = RESOLUTIONS.iter().enumerate().map(|(index, resolution)| {
        let width = resolution.width();
        let last = Time::of(Millis::of(present.now().millis()).rounded_down(width).millis());
        let channel = |channel| {
            let numbers = |&series: &Series| {
                let slots = history.slots(index, channel, series, present.now());
                (series.label(), slots.map(|(_, number)| number).collect())
            };
            (channel, Series::ALL.iter().map(numbers).collect())
        };
        Resolution {
            seconds: resolution.seconds,
            last: present.unix_of(last).millis().div_euclid(1000),
            channels: history.channels().into_iter().map(channel).collect(),
        }
    });
    let (bytes, left_out) = (history.bytes(), history.left_out());
    let page = Page { bytes, left_out, resolutions: resolutions.collect() };
    serde_json::to_vec(&page).unwrap_or_default()
}
