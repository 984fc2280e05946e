//! What the logs of daemons add up to: events by log and class.
//!
//! They are no logs of entries. Records that have not ended are kept with the sums, since their lines have been read.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::each::Each;
use super::reasons::{PerLabel, closed_set};
use super::table::{LeftOut, Table};
use super::time::{Millis, Time, UnixTime};
use crate::record::daemon_log::{DaemonLog, EventClass, Joined, Joiner, Judge, Record, Written};

closed_set!(DaemonLog, EventClass);

/// Events by log and class.
pub type Events = Each<DaemonLog, PerLabel<EventClass>, { DaemonLog::ALL.len() }>;

/// How much of an event's text is kept for people, in bytes.
pub const TEXT_BYTES: usize = 240;

/// So many lines of the Job Controller that no evidence fits, one upon the other, are not as many errors but one dump.
pub const DUMP_RECORDS: usize = 20;
/// What is further apart is not upon each other.
const DUMP_GAP_MILLIS: i64 = 1000;
const DAY_MILLIS: i64 = 86_400_000;

/// The width of a bucket of the last minutes.
const BUCKET: Millis = Millis::of_minutes(1);
/// Buckets of the last minutes.
const BUCKETS: i64 = 15;
/// The window, in minutes.
pub const WINDOW_MINUTES: i64 = BUCKETS;

/// Something that a daemon said of an error.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What it is about.
    pub class: EventClass,
    /// When it was written.
    pub written: Written,
    /// The beginning of the record, as it stands in the log.
    pub text: Vec<u8>,
}

impl Event {
    fn of(class: EventClass, record: &[u8]) -> Self {
        let text = record[..record.len().min(TEXT_BYTES)].to_vec();
        Self { class, written: Record::of(record).written, text }
    }
}

/// Where one file stands within its records.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InFile {
    joiner: Joiner,
    /// Records of the Job Controller that no evidence fits, one upon the other, until they are over or are a dump.
    unfit: Vec<Vec<u8>>,
    /// Whether they are a dump, which has been told.
    dump: bool,
    /// The time of day of the last of them.
    last: Option<i64>,
}

impl InFile {
    /// Takes lines in their order, without their ends; what they tell.
    pub fn lines<'a>(
        &mut self,
        log: DaemonLog,
        lines: impl Iterator<Item = &'a [u8]>,
        judge: &mut Judge,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        let Self { joiner, unfit, dump, last } = self;
        let mut burst = Burst { log, judge, unfit, dump, last, events: &mut events };
        lines.for_each(|line| joiner.line(line, |record| burst.take(record)));
        events
    }

    /// Nothing more came for a while.
    pub fn quiet(&mut self, log: DaemonLog, judge: &mut Judge) -> Vec<Event> {
        let mut events = Vec::new();
        let Self { joiner, unfit, dump, last } = self;
        let mut burst = Burst { log, judge, unfit, dump, last, events: &mut events };
        joiner.end(|record| burst.take(record));
        burst.end();
        events
    }

    /// A line was passed over, since it was too long.
    pub fn skipped(&mut self, log: DaemonLog, judge: &mut Judge) -> Vec<Event> {
        let mut events = Vec::new();
        let Self { joiner, unfit, dump, last } = self;
        let mut burst = Burst { log, judge, unfit, dump, last, events: &mut events };
        joiner.skipped(|record| burst.take(record));
        events
    }

    /// The file was written anew.
    pub fn restart(&mut self, log: DaemonLog, judge: &mut Judge) -> Vec<Event> {
        let events = self.quiet(log, judge);
        self.joiner.restart(|_| {});
        events
    }

    /// Whether anything waits for what comes next.
    pub fn is_open(&self) -> bool {
        self.joiner.is_open() || !self.unfit.is_empty() || self.dump
    }
}

/// Tells single errors from dumps: `imsimta cache -walk` has the Job Controller write its state into its log.
struct Burst<'a> {
    log: DaemonLog,
    judge: &'a mut Judge,
    unfit: &'a mut Vec<Vec<u8>>,
    dump: &'a mut bool,
    last: &'a mut Option<i64>,
    events: &'a mut Vec<Event>,
}

impl Burst<'_> {
    fn take(&mut self, record: Joined<'_>) {
        let Some(class) = self.judge.event(self.log, record) else { return };
        let event = Event::of(class, record.text);
        let Record { level, written, .. } = Record::of(record.text);
        if self.log != DaemonLog::JobController || class != EventClass::Other || level.is_some() {
            self.end();
            self.events.push(event);
            return;
        }
        let clock = if let Written::Clock(clock) = written { Some(clock) } else { None };
        if let (Some(last), Some(clock)) = (*self.last, clock)
            && (clock - last).rem_euclid(DAY_MILLIS) > DUMP_GAP_MILLIS
        {
            self.end();
        }
        *self.last = clock.or(*self.last);
        if *self.dump {
            return;
        }
        self.unfit.push(event.text);
        if self.unfit.len() >= DUMP_RECORDS {
            let first = self.unfit.swap_remove(0);
            self.unfit.clear();
            self.events.push(Event::of(EventClass::Dump, &first));
            *self.dump = true;
        }
    }

    fn end(&mut self) {
        self.events.extend(self.unfit.drain(..).map(|record| Event::of(EventClass::Other, &record)));
        (*self.dump, *self.last) = (false, None);
    }
}

/// Events of one minute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Bucket {
    /// Time divided by [`BUCKET`].
    number: i64,
    events: Events,
}

/// All files.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DaemonLogs {
    counts: Events,
    recent: VecDeque<Bucket>,
    /// By the number of their inode.
    files: BTreeMap<u64, InFile>,
    /// Records that were longer than is kept, of files that are not followed any more.
    cut: u64,
    /// When the directory was last listed.
    listed: Option<UnixTime>,
}

impl Table for DaemonLogs {
    fn empty(_: u64) -> Self {
        Self::default()
    }

    fn left_out(&self) -> LeftOut {
        LeftOut::Nothing(
            "one a followed file, and these have a bound; what is cut of records has a count of its own",
        )
    }
}

impl DaemonLogs {
    /// Where a file stands.
    pub fn file(&self, inode: u64) -> InFile {
        self.files.get(&inode).cloned().unwrap_or_default()
    }

    /// Whether anything of a file waits for what comes next.
    pub fn is_open(&self, inode: u64) -> bool {
        self.files.get(&inode).is_some_and(InFile::is_open)
    }

    /// Takes where a file stands now, and what its lines told, each with its time; none where nobody knows the day.
    pub fn apply(
        &mut self,
        log: DaemonLog,
        inode: u64,
        file: InFile,
        events: impl Iterator<Item = (EventClass, Option<Time>)>,
    ) {
        self.files.insert(inode, file);
        for (class, at) in events {
            self.counts[log].add(class);
            if let Some(bucket) = at.and_then(|at| self.bucket(at.number(BUCKET))) {
                bucket.events[log].add(class);
            }
        }
    }

    /// The directory was listed: other files than these are not followed any more.
    pub fn listed(&mut self, followed: &BTreeSet<u64>, listed: UnixTime) {
        let gone = self.files.extract_if(.., |inode, _| !followed.contains(inode));
        self.cut += gone.map(|(_, file)| file.joiner.cut()).sum::<u64>();
        self.listed = Some(listed);
    }

    /// When the directory was last listed.
    pub fn last_listed(&self) -> Option<UnixTime> {
        self.listed
    }

    /// Records that were longer than is kept, and lines that were passed over: their ends were not looked at.
    pub fn cut(&self) -> u64 {
        self.cut + self.files.values().map(|file| file.joiner.cut()).sum::<u64>()
    }

    /// All events.
    pub fn counts(&self) -> &Events {
        &self.counts
    }

    /// Those of the last [`WINDOW_MINUTES`].
    pub fn recent(&self, now: Time) -> Events {
        let last = now.number(BUCKET);
        let mut sums = Events::default();
        for bucket in self.recent.iter().filter(|bucket| (last - BUCKETS..=last).contains(&bucket.number)) {
            bucket.events.all().for_each(|(log, counts)| sums[log].add_all(counts));
        }
        sums
    }

    /// The bucket with a number, made where it is missing; none before the window.
    fn bucket(&mut self, number: i64) -> Option<&mut Bucket> {
        let newest = self.recent.back().map_or(number, |bucket| bucket.number.max(number));
        let oldest = newest.saturating_sub(BUCKETS);
        if number < oldest {
            return None;
        }
        while self.recent.front().is_some_and(|bucket| bucket.number < oldest) {
            self.recent.pop_front();
        }
        let index = self.recent.partition_point(|bucket| bucket.number < number);
        if self.recent.get(index).is_none_or(|bucket| bucket.number != number) {
            self.recent.insert(index, Bucket { number, events: Events::default() });
        }
        self.recent.get_mut(index)
    }
}

#[cfg(test)]
mod tests;
