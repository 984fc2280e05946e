//! The ledger of connections: which ones the log shows open, and how each of them ended.
//!
//! An O entry opens a connection, and the C entry with the same transport tuple ends it: the kernel has a tuple once at a time. So
//!
//! - a tuple that opens again, or is tried again in vain (X, Y), shows that the earlier connection is over: its C is
//!   lost, unless it is still to come. It may be where processes are logged, and another one writes now: a process
//!   writes C when it gets to it. A C is the earlier connection's where it names its process, and else that
//!   of the one that is open: who writes C may be another thread than who wrote O, so a process alone ends nothing
//! - a connection that is older than the life of its process is lost, too: a process that was killed writes no C
//! - what has no room is not counted as open, so that this is never too high.
//!
//! Where outbound connections go ([`OpenDestinations`]) is told by this ledger alone.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::num::NonZeroU64;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::Moment;
use super::channel::Channels;
use super::digest::Key;
use super::elapsed::{Elapsed, Placed};
use super::index::ChannelIndex;
use super::open_destination::{self, OpenDestinations};
use super::table::{LeftOut, Table, Vacated};
use super::time::{Millis, Time};
use crate::record::Direction;
use crate::record::closing::Closing;

/// Connections followed at once.
const MAX_OPEN: usize = 65_536;
/// An SMTP server process takes no more connections after so long, unless the Dispatcher is told otherwise
/// (`MAX_LIFE_TIME`, 86,400 s).
pub const MAX_LIFE_TIME: Millis = Millis::of_minutes(24 * 60);
/// What it may take to end those that it has.
const GRACE: Millis = Millis::of_minutes(60);
/// Between two looks for connections that are too old.
const SWEEP: Millis = Millis::of_minutes(1);
/// Entries that are no further apart may have the wrong order by their times, since the timeline does not notice a clock that
/// was set by so little. The kernel does not give a tuple away again for a minute.
const AT_ONCE: Millis = Millis::of(45_000);
/// For so long a process may go on writing to a log that was renamed, and a C be read behind what shows that its
/// connection is over.
const LATE: Millis = Millis::of_minutes(15);
/// Connections that are over and wait for their C.
const MAX_OVER: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Open {
    channel: ChannelIndex,
    outbound: bool,
    /// By its entry.
    at: Time,
    /// The same by the time that has gone by. A state of an earlier release does not have it.
    #[serde(default)]
    since: Placed,
    /// Which thread of which process wrote it.
    #[serde(default)]
    process: Key,
}

impl Open {
    fn direction(&self) -> Direction {
        if self.outbound { Direction::Out } else { Direction::In }
    }
}

/// A connection that is over, and whose C may still come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Over {
    key: u64,
    open: Open,
    since: Placed,
}

/// What follows the ledger.
pub(super) struct Books<'a> {
    /// How connections ended is counted here.
    pub(super) channels: &'a mut Channels,
    /// They have what is open, outbound, and nothing else.
    pub(super) destinations: &'a mut OpenDestinations,
}

/// O entries whose C has not come, by the hash of their transport tuple.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Saved")]
pub struct OpenConnections {
    open: FxHashMap<u64, Open>,
    over: VecDeque<Over>,
    elapsed: Elapsed,
    swept: Millis,
    /// How old an inbound connection may be, without the grace.
    max_life_time: Millis,
    left_out: u64,
}

/// What is saved. Earlier releases had only connections, and knew their age by the entry.
#[derive(Deserialize)]
struct Saved {
    open: FxHashMap<u64, Open>,
    #[serde(default)]
    over: VecDeque<Over>,
    elapsed: Option<Elapsed>,
    #[serde(default)]
    swept: Millis,
    max_life_time: Option<Millis>,
    left_out: u64,
}

impl From<Saved> for OpenConnections {
    fn from(saved: Saved) -> Self {
        let Saved { mut open, over, elapsed, swept, max_life_time, left_out } = saved;
        let elapsed = elapsed.unwrap_or_else(|| {
            let newest = open.values().map(|open| open.at).max();
            for open in open.values_mut() {
                open.since = Placed::before(newest.unwrap_or(open.at).since(open.at));
            }
            Elapsed::from(newest)
        });
        let max_life_time = max_life_time.unwrap_or(MAX_LIFE_TIME);
        Self { open, over, elapsed, swept, max_life_time, left_out }
    }
}

impl Table for OpenConnections {
    fn empty(_: u64) -> Self {
        Self {
            open: FxHashMap::default(),
            over: VecDeque::new(),
            elapsed: Elapsed::default(),
            swept: Millis::default(),
            max_life_time: MAX_LIFE_TIME,
            left_out: 0,
        }
    }

    fn left_out(&self) -> LeftOut {
        LeftOut::Counted(vec![("connections", self.left_out)])
    }
}

impl OpenConnections {
    /// How long a server process takes connections (`MAX_LIFE_TIME` of the Dispatcher): an inbound connection that is an
    /// hour older is lost.
    pub fn set_max_life_time(&mut self, max_life_time: Millis) {
        self.max_life_time = max_life_time;
    }

    /// The same, as it is known.
    pub fn max_life_time(&self) -> Millis {
        self.max_life_time
    }

    /// Time goes by up to an entry: what is too old, or has waited for its C too long, is lost.
    pub(super) fn pass(&mut self, at: Time, books: &mut Books<'_>) {
        self.elapsed.pass(at);
        let now = self.elapsed.total();
        while self.over.front().is_some_and(|over| self.elapsed.is_over(LATE, over.since)) {
            self.give_up_oldest(books);
        }
        if now.less(self.swept) >= SWEEP {
            self.swept = now;
            let mut open = std::mem::take(&mut self.open);
            open.retain(|&key, open| {
                let kept = !self.elapsed.is_over(self.max_age(open.direction()), open.since);
                if !kept {
                    books.destinations.ended(key);
                    lost(open, books.channels);
                }
                kept
            });
            self.open = open;
        }
    }

    fn max_age(&self, direction: Direction) -> Millis {
        match direction {
            Direction::In => self.max_life_time.and(GRACE),
            Direction::Out => open_destination::MAX_AGE,
        }
    }

    /// A connection of a channel was opened, outbound to a destination.
    pub(super) fn opened(
        &mut self,
        key: NonZeroU64,
        (channel, direction, destination): (ChannelIndex, Direction, Option<&str>),
        process: Key,
        at: Moment,
        books: &mut Books<'_>,
    ) {
        let (outbound, written) = (direction == Direction::Out, at.written);
        let opened = Open { channel, outbound, at: written, since: self.elapsed.place(written), process };
        if self.open.get(&key.get()).is_some_and(|open| is_before(written, open)) {
            return self.wait(key, opened, written, books);
        }
        if let Some(earlier) = self.end(key, books) {
            // A thread that had a C to write for the earlier one would have written it first.
            let same = process.is_some() && earlier.process == process;
            if same { lost(&earlier, books.channels) } else { self.wait(key, earlier, written, books) }
        }
        let has_room = self.open.len() < MAX_OPEN;
        if has_room {
            self.open.insert(key.get(), opened);
        } else {
            self.left_out += 1;
        }
        if let Some(destination) = destination {
            books.destinations.opened(key.get(), destination, has_room, at.seen);
        }
    }

    /// A connection is open no more.
    fn end(&mut self, key: NonZeroU64, books: &mut Books<'_>) -> Option<Open> {
        let open = self.open.remove(&key.get())?;
        if open.outbound {
            books.destinations.ended(key.get());
        }
        Some(open)
    }

    /// A connection was closed: how long it was open, if that is known.
    pub(super) fn closed(
        &mut self,
        key: NonZeroU64,
        process: Key,
        at: Time,
        books: &mut Books<'_>,
    ) -> Option<Millis> {
        let names = |open: &Open| process.is_some() && open.process == process;
        let over = |is_meant: &dyn Fn(&Open) -> bool| {
            self.over.iter().rposition(|over| over.key == key.get() && is_meant(&over.open))
        };
        let is_open = self.open.get(&key.get()).is_some_and(|open| names(open) || !is_before(at, open));
        let place = match self.open.get(&key.get()) {
            Some(open) if names(open) => None,
            _ if is_open => over(&names),
            _ => over(&names).or_else(|| over(&|open| !is_before(at, open))),
        };
        let ended = match place {
            Some(place) => self.over.remove(place).map(|over| over.open),
            None if is_open => self.end(key, books),
            None => None,
        };
        ended.filter(|open| at.since(open.at) <= self.max_age(open.direction())).map(|open| at.since(open.at))
    }

    /// The tuple is another connection's, one that does not open: the one that has it is over.
    pub(super) fn taken(&mut self, key: NonZeroU64, at: Time, books: &mut Books<'_>) {
        if self.open.get(&key.get()).is_some_and(|open| !is_before(at, open))
            && let Some(earlier) = self.end(key, books)
        {
            self.wait(key, earlier, at, books);
        }
    }

    fn wait(&mut self, key: NonZeroU64, open: Open, at: Time, books: &mut Books<'_>) {
        if self.over.len() >= MAX_OVER {
            self.give_up_oldest(books);
        }
        self.over.push_back(Over { key: key.get(), open, since: self.elapsed.place(at) });
    }

    fn give_up_oldest(&mut self, books: &mut Books<'_>) {
        if let Some(over) = self.over.pop_front() {
            lost(&over.open, books.channels);
        }
    }

    /// Forgets the connections of a channel: its index is another's from now on.
    pub(super) fn forget_channel(&mut self, Vacated(channel): Vacated, destinations: &mut OpenDestinations) {
        self.open.retain(|&key, open| {
            let kept = open.channel != channel;
            if !kept {
                destinations.ended(key);
            }
            kept
        });
        self.over.retain(|over| over.open.channel != channel);
    }

    /// Whether the connection of a tuple is open, however old.
    pub(super) fn has(&self, key: u64) -> bool {
        self.open.contains_key(&key)
    }

    fn is_shown(&self, open: &Open, now: Time) -> bool {
        !self.elapsed.is_over_at(now, self.max_age(open.direction()), open.since)
    }

    /// By destination: how many outbound connections to it are open at `now`.
    pub fn counts_by_destination<'a>(
        &self,
        destinations: &'a OpenDestinations,
        now: Time,
    ) -> BTreeMap<&'a str, u64> {
        destinations.counts(|key| self.open.get(&key).is_some_and(|open| self.is_shown(open, now)))
    }

    /// By channel and direction: how many are open at `now`.
    pub fn counts(&self, now: Time) -> HashMap<ChannelIndex, [u64; 2]> {
        let mut counts: HashMap<ChannelIndex, [u64; 2]> = HashMap::new();
        for open in self.open.values().filter(|open| self.is_shown(open, now)) {
            counts.entry(open.channel).or_default()[usize::from(open.outbound)] += 1;
        }
        counts
    }
}

/// Whether an entry that is read now was written before a connection opened that is known already: a process that goes
/// on writing to a log that was renamed may be read first. What is further apart is a clock that was set.
fn is_before(at: Time, open: &Open) -> bool {
    let behind = open.at.since(at);
    behind > AT_ONCE && behind <= LATE
}

/// Counts a connection whose C never came.
fn lost(open: &Open, channels: &mut Channels) {
    channels.at(open.channel).connections[open.direction()].closings.add(Closing::Lost);
}
