//! What entries tell the history: a second look at a block that has been counted, which a report does not pay for.

use rustc_hash::FxHashMap;

use super::{History, Series};
use crate::aggregate::Aggregate;
use crate::aggregate::digest::{Batch, ConnectionEvent, Event, MessageEvent};
use crate::aggregate::index::LogIndex;
use crate::aggregate::time::Time;
use crate::aggregate::timeline::Present;

impl History {
    /// Counts the entries of a block of the log with index `log`, which the sums have counted already; when the last of
    /// them was written.
    pub fn count(
        &mut self,
        log: LogIndex,
        batch: &Batch,
        sums: &mut Aggregate,
        present: Present,
    ) -> Option<Time> {
        let now = present.now();
        self.go_on(now);
        let time = |sums: &mut Aggregate, stamp| present.on_timeline(sums.unix(stamp, present)).min(now);
        if let Some(first) = batch.entries().first() {
            self.reach.entry(log, time(sums, first.time));
        }
        let mut rows: FxHashMap<u64, Option<usize>> = FxHashMap::default();
        for entry in batch.entries() {
            let Some(series) = series_of(&entry.event) else { continue };
            let at = time(sums, entry.time);
            let label = || sums.totals.channels.label_of(entry.channel);
            let row = rows.entry(entry.channel.key).or_insert_with(|| self.row(label(), at, now));
            if let Some(row) = *row {
                self.happened(row, series, at);
            }
        }
        batch.entries().last().map(|last| time(sums, last.time))
    }
}

fn series_of(event: &Event) -> Option<Series> {
    match event {
        Event::Message { event, .. } => match event {
            MessageEvent::Delivered { .. } => Some(Series::Deliveries),
            MessageEvent::Failed { .. } => Some(Series::Failures),
            MessageEvent::Refused { .. } => Some(Series::Rejections),
            _ => None,
        },
        Event::Connection { event: ConnectionEvent::Opened { .. }, .. } => Some(Series::Connections),
        Event::Connection { .. } => None,
    }
}
