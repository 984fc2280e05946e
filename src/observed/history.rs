//! What every channel did in the last day: a bounded ring of a closed list of series, in two resolutions.
//!
//! What comes from entries stands at the time of the entry, what is in the queue at the time of the look. Nothing
//! is said of a time of which nothing was read: neither of one before the first entry or behind a gap in the logs,
//! nor of a queue that nobody looked into. All times are on the [timeline](crate::aggregate::timeline),
//! which goes by whatever the host's clock does; where it does not, what is later than now is dropped.

mod cell;
mod entries;
mod reach;
mod ring;
mod saved;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use cell::Cell;
pub use reach::Mark;
use reach::{CONNECTIONS, ENTRIES, Reach};
use ring::Ring;
pub use saved::{decode, encode};

use crate::aggregate::channel::MAX_CHANNELS;
use crate::aggregate::time::{Millis, Time};
use crate::record::labelled;

labelled! {
    /// A number that is kept of every channel.
    Series {
        Deliveries = "deliveries": "recipients delivered or handed on (D entries)";
        Failures = "failures": "recipients that were not delivered (Q, Z, R and K entries)";
        Rejections = "rejections": "attempts to enqueue that were refused (J entries)";
        Connections = "connections": "SMTP connections opened (O entries)";
        Queue = "queue": "messages waiting";
        Held = "held": "messages held";
        Enqueues = "enqueues": "recipients that came in through the channel (E entries), in the coarser resolution alone";
    }
}

const SERIES: usize = Series::ALL.len();

impl Series {
    /// Which entries have to be read before anything can be said of it; none for what is looked up in the queue or told.
    fn read_from(self) -> Option<u8> {
        match self {
            Self::Deliveries | Self::Failures | Self::Rejections => Some(ENTRIES),
            Self::Connections => Some(CONNECTIONS),
            Self::Queue | Self::Held | Self::Enqueues => None,
        }
    }
}

/// How finely a time is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The width of a slot, seconds.
    pub seconds: i64,
    /// How many are kept.
    pub slots: usize,
}

impl Resolution {
    /// The width of a slot.
    pub const fn width(self) -> Millis {
        Millis::of(self.seconds * 1000)
    }
}

/// The finer one reaches back a quarter of an hour and as long again as is to be looked back from its end.
pub const RESOLUTIONS: [Resolution; 2] =
    [Resolution { seconds: 10, slots: 120 }, Resolution { seconds: 300, slots: 288 }];

/// The coarser one.
const COARSE: usize = 1;

/// Channels that have rows: those with labels of their own, and `other`.
pub const MAX_ROWS: usize = MAX_CHANNELS + 1;

/// The span of time over which the growth of messages is told.
const SPAN: Millis = Millis::of_minutes(15);
/// And that of held ones, as of the alert `ImsMtaHeldMessagesSurge`.
const HELD_SPAN: Millis = Millis::of_minutes(10);
/// How long a channel may be missing from the queue and go on with what was seen of it: its growth then
/// looks back by so much more.
const GAP: Millis = Millis::of_minutes(5);
/// So much later than its time an entry may come into the log.
const LATE: Millis = Millis::of(10_000);
/// By how much the present may be earlier than one that was told before: the timeline steps by so much, and two
/// threads tell it.
const SLACK: Millis = Millis::of(30_000);

/// What waits in a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Messages waiting for delivery.
    pub messages: u64,
    /// Messages that are held.
    pub held: u64,
}

/// By how much what waits in a channel is more than it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Growth {
    /// Messages now less those 15 minutes ago: of a channel that was seen then, and since then without a gap.
    pub messages: Option<i64>,
    /// Held messages now less those at its oldest look within the last ten minutes. It needs no ten minutes to have
    /// gone by: what came since a channel was first seen is as much a mail loop after two minutes.
    pub held: i64,
}

impl Growth {
    fn between(then: u64, now: u64) -> i64 {
        now.cast_signed().saturating_sub(then.cast_signed())
    }
}

/// The history of all channels.
#[derive(Clone, Debug)]
pub struct History {
    rings: [Ring; RESOLUTIONS.len()],
    rows: Vec<Row>,
    reach: Reach,
    /// When the queue was last looked into, in this run.
    looked: Option<Time>,
    /// Whether the present was told before in this run: at the first time what an earlier run left is checked.
    begun: bool,
    left_out: u64,
}

/// One channel.
#[derive(Clone, Debug)]
struct Row {
    label: String,
    /// Since when it has a row: what it did before was counted elsewhere.
    since: Time,
    /// When anything was last noted of it.
    noted: Time,
    /// When the queue was last seen to have it, and since when without a gap.
    seen: Option<Seen>,
    /// By resolution: a slot's cells stand together, in the order of the series.
    cells: [Box<[Cell]>; RESOLUTIONS.len()],
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    since: Time,
    last: Time,
}

impl Default for History {
    fn default() -> Self {
        Self {
            rings: RESOLUTIONS.map(Ring::new),
            rows: Vec::new(),
            reach: Reach::default(),
            looked: None,
            begun: false,
            left_out: 0,
        }
    }
}

impl Row {
    fn new(label: &str, since: Time, noted: Time) -> Self {
        let cells = RESOLUTIONS.map(|resolution| vec![Cell::ABSENT; resolution.slots * SERIES].into());
        Self { label: label.to_owned(), since, noted, seen: None, cells }
    }

    fn cell(&mut self, resolution: usize, place: usize, series: Series) -> &mut Cell {
        &mut self.cells[resolution][place * SERIES + series as usize]
    }

    fn get(&self, resolution: usize, place: usize, series: Series) -> Option<u64> {
        self.cells[resolution][place * SERIES + series as usize].get()
    }
}

impl History {
    /// Goes on to `now`. What is later is dropped: of a time that has not come, nothing was read.
    fn go_on(&mut self, now: Time) {
        let slack = if std::mem::replace(&mut self.begun, true) { SLACK } else { Millis::default() };
        let mut back = false;
        for (resolution, ring) in self.rings.iter_mut().enumerate() {
            let mut clear = |place: usize| {
                for row in &mut self.rows {
                    row.cells[resolution][place * SERIES..][..SERIES].fill(Cell::ABSENT);
                }
            };
            back |= ring.drop_after(now, slack, &mut clear);
            ring.reach(now, &mut clear);
        }
        if back {
            self.forget_after(now);
        }
    }

    fn forget_after(&mut self, now: Time) {
        for row in &mut self.rows {
            row.since = row.since.min(now);
            row.noted = row.noted.min(now);
            row.seen = row.seen.filter(|seen| seen.last <= now);
        }
        self.looked = self.looked.filter(|&looked| looked <= now);
        self.hole(now);
    }

    /// Lines behind those that were read are lost, or were counted without a history: the next ones begin anew.
    pub fn gap(&mut self) {
        self.hole(self.reach.until());
    }

    /// Goes on from the sums of an instant, this being the history of another one. What was counted twice by now is
    /// taken out, what was not counted here is told as not read.
    pub fn go_on_from(&mut self, own: Mark, sums: Mark) {
        match own.cmp(&sums) {
            // The last slot was not over.
            Ordering::Equal => self.uncover_from(self.reach.until()),
            Ordering::Less => self.gap(),
            Ordering::Greater => self.forget_entries(),
        }
    }

    /// The lines will be read once more.
    fn forget_entries(&mut self) {
        self.rings.iter_mut().for_each(|ring| ring.uncover(Time::MIN));
        self.reach = Reach::default();
        let counted = || Series::ALL.iter().filter(|series| series.read_from().is_some());
        for row in &mut self.rows {
            for cells in row.cells.iter_mut().flat_map(|cells| cells.chunks_mut(SERIES)) {
                counted().for_each(|&series| cells[series as usize] = Cell::ABSENT);
            }
        }
    }

    /// What is read from now on says nothing of what was written before `at`.
    fn hole(&mut self, at: Time) {
        self.uncover_from(self.reach.until().min(at));
        self.reach = Reach::behind(at);
    }

    /// Of what was written from `at` on, not all has been read, and some of before may be late.
    fn uncover_from(&mut self, at: Time) {
        self.rings.iter_mut().for_each(|ring| ring.uncover(at.less(LATE)));
    }

    /// All that was written before `until` has been read and counted, as far as the reach goes back;
    /// `connections` says whether the logs tell of connections at all.
    pub fn read_until(&mut self, until: Time, now: Time, connections: bool) {
        self.go_on(now);
        let from = self.reach.goes_on(until);
        let what = if connections { ENTRIES | CONNECTIONS } else { ENTRIES };
        self.rings.iter_mut().for_each(|ring| ring.cover(from, until, what));
    }

    /// Takes what a look into the queue found in its channels, and gives by how much it grew; nothing of a channel without
    /// a row.
    pub fn looked<'a>(
        &mut self,
        now: Time,
        channels: impl IntoIterator<Item = (&'a str, Waiting)>,
    ) -> BTreeMap<String, Growth> {
        self.go_on(now);
        let before = self.looked.replace(now);
        // A slot tells what the first look in it found.
        let places = self.rings.each_mut().map(|ring| ring.look(now));
        let mut growth = BTreeMap::new();
        for (label, waiting) in channels {
            let Some(index) = self.row(label, now, now) else { continue };
            let row = &mut self.rows[index];
            for (resolution, place) in places.iter().enumerate() {
                let Some(place) = *place else { continue };
                *row.cell(resolution, place, Series::Queue) = Cell::of(waiting.messages);
                *row.cell(resolution, place, Series::Held) = Cell::of(waiting.held);
            }
            // It is a gap only where somebody looked in it; an earlier run is taken to have.
            let goes_on = |seen: &Seen| before == Some(seen.last) || now.since(seen.last) < GAP;
            let since = row.seen.filter(goes_on).map_or(now, |seen| seen.since);
            row.seen = Some(Seen { since, last: now });
            let (messages, held) =
                (self.waited(index, since, now.less(SPAN)), self.first_held(index, since, now));
            let messages = messages.map(|then| Growth::between(then, waiting.messages));
            let held = held.map_or(0, |then| Growth::between(then, waiting.held));
            growth.insert(label.to_owned(), Growth { messages, held });
        }
        growth
    }

    /// Takes what came in through channels in the five minutes that are just over, as far as that is known.
    pub fn came<'a>(&mut self, now: Time, channels: impl IntoIterator<Item = (&'a str, u64)>) {
        self.go_on(now);
        let at = now.less(Millis::of(RESOLUTIONS[COARSE].width().millis() / 2));
        let Some(place) = self.rings[COARSE].place(self.rings[COARSE].slot(at)) else { return };
        for (label, count) in channels {
            // A channel through which nothing came begins no row, and keeps none.
            let known = self.rows.iter().position(|row| row.label == label);
            let index = if count == 0 { known } else { self.row(label, at, now) };
            if let Some(index) = index {
                *self.rows[index].cell(COARSE, place, Series::Enqueues) = Cell::of(count);
            }
        }
    }

    /// What waited in a channel at the last look that is no later than `until` and no earlier than `since`.
    fn waited(&self, row: usize, since: Time, until: Time) -> Option<u64> {
        self.rings.iter().enumerate().find_map(|(resolution, ring)| {
            let mut looks = ring.looks_before(until).take_while(|&(_, at)| at >= since);
            looks.find_map(|(place, _)| self.rows[row].get(resolution, place, Series::Queue))
        })
    }

    /// What was held in a channel at the first look within the last ten minutes that is no earlier than `since`.
    fn first_held(&self, row: usize, since: Time, now: Time) -> Option<u64> {
        let from = since.max(now.less(HELD_SPAN));
        let looks = self.rings[0].looks_before(now).take_while(|&(_, at)| at >= from);
        looks.filter_map(|(place, _)| self.rows[row].get(0, place, Series::Held)).last()
    }

    /// Counts what happened in a channel `at` a time; one that is not kept any more is nothing.
    fn happened(&mut self, row: usize, series: Series, at: Time) {
        let row = &mut self.rows[row];
        row.since = row.since.min(at);
        for (resolution, ring) in self.rings.iter().enumerate() {
            if let Some(place) = ring.place(ring.slot(at)) {
                let cell = row.cell(resolution, place, series);
                *cell = Cell::of(cell.get().unwrap_or(0) + 1);
            }
        }
    }

    /// The row of a channel. Where all are taken, that of the channel of which nothing was noted for the longest gives
    /// way, if that is longer than a quarter of an hour.
    fn row(&mut self, label: &str, at: Time, now: Time) -> Option<usize> {
        if let Some(index) = self.rows.iter().position(|row| row.label == label) {
            self.rows[index].noted = now;
            return Some(index);
        }
        if self.rows.len() < MAX_ROWS {
            self.rows.push(Row::new(label, at, now));
            return Some(self.rows.len() - 1);
        }
        let quietest = self.rows.iter().enumerate().min_by_key(|(_, row)| row.noted);
        let vacated = quietest.filter(|(_, row)| row.noted < now.less(SPAN)).map(|(index, _)| index);
        match vacated {
            Some(index) => self.rows[index] = Row::new(label, at, now),
            None => self.left_out += 1,
        }
        vacated
    }

    /// The channels of which anything is known, in the order of their names.
    pub fn channels(&self) -> Vec<&str> {
        let mut labels: Vec<&str> = self.rows.iter().map(|row| row.label.as_str()).collect();
        labels.sort_unstable();
        labels
    }

    /// The slots of a resolution up to that of `now`, which is not over, each with its beginning and what is known of a
    /// series of a channel in it.
    pub fn slots(
        &self,
        resolution: usize,
        channel: &str,
        series: Series,
        now: Time,
    ) -> impl Iterator<Item = (Time, Option<u64>)> {
        self.slots_since(Time::MIN, resolution, channel, series, now)
    }

    /// The same, those that end before `from` left out.
    pub fn slots_since(
        &self,
        from: Time,
        resolution: usize,
        channel: &str,
        series: Series,
        now: Time,
    ) -> impl Iterator<Item = (Time, Option<u64>)> {
        let ring = &self.rings[resolution];
        let row = self.rows.iter().find(|row| row.label == channel);
        let most = (now.since(from).millis() / RESOLUTIONS[resolution].width().millis()).saturating_add(2);
        ring.last_slots(now, most).map(move |(start, place)| {
            (
                start,
                place.zip(row).and_then(|(place, row)| {
                    let value = row.get(resolution, place, series);
                    match series.read_from() {
                        None => value,
                        Some(what) if ring.covers(place, what) && row.since.since(start) < ring.width() => {
                            Some(value.unwrap_or(0))
                        }
                        Some(_) => None,
                    }
                }),
            )
        })
    }

    /// Until when everything was read that the logs say; none before they were first read up to their end.
    pub fn known_until(&self) -> Option<Time> {
        self.reach.last()
    }

    /// Since when without a hole.
    pub fn known_since(&self) -> Option<Time> {
        self.reach.from()
    }

    /// How often something was not noted of a channel, since there are too many.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// How much memory it takes, bytes.
    pub fn bytes(&self) -> usize {
        let cells = |row: &Row| row.cells.iter().map(|cells| size_of_val::<[Cell]>(cells)).sum::<usize>();
        let rows = self.rows.iter().map(|row| row.label.capacity() + cells(row)).sum::<usize>();
        let rings = self.rings.iter().map(Ring::bytes).sum::<usize>();
        size_of::<Self>() + rings + self.rows.capacity() * size_of::<Row>() + rows
    }
}

#[cfg(test)]
mod tests;
