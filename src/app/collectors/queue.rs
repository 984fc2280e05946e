//! The queue: scans, why messages are held, and what the history is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::held::HeldReasons;
use super::row::Verdict::{Fine, Note, Problem};
use super::row::{Look, Remark, Start};
use crate::observed::Observed;
use crate::observed::history::{Growth, Waiting};
use crate::observed::latest::{Latest, Turn};
use crate::observed::queue::Queue;
use crate::observed::reading::{Reading, Run};
use crate::source::presence::holds_anything;
use crate::source::spool::{QueueSnapshot, Scanner, Settings};
use crate::text::{denied, with_causes};

/// Directories and channels that `check` names one by one.
const NAMED: usize = 5;

pub(super) fn start(start: &Start<'_>) -> Look<Queue> {
    let Start { config, observed, turn, .. } = start;
    let settings = Settings::new(&config.queue, &observed.install.queue_directory);
    let held = HeldReasons::new(&config.held, &observed.install);
    let mut carried_over = start.kept.carried_over(|before| QueueCollector::go_on(before, settings, held));
    let (observed, turn) = (Arc::clone(observed), (*turn).clone());
    Box::new(move || match observed.collected.latest() {
        Some(latest) => carried_over.get().run(&observed, latest, &turn),
        None => Run::Failed("has no place for what it finds".to_owned()),
    })
}

/// Scans the queue again and again.
struct QueueCollector {
    scanner: Scanner,
    held: HeldReasons,
}

impl QueueCollector {
    /// One that goes on with what the one before has seen of the queue, if there was one.
    fn go_on(before: Option<Self>, settings: Settings, held: HeldReasons) -> Self {
        if let Some(mut before) = before {
            before.scanner.go_on_with(settings);
            return Self { held, ..before };
        }
        let scanner = Scanner::new(settings);
        Self { scanner, held }
    }

    /// One scan. Its looks at the clock are its signs of life.
    fn run(&mut self, observed: &Observed, latest: &Latest<Queue>, turn: &Turn) -> Run<Queue> {
        let clock = || latest.alive(turn);
        let in_log = observed.logs().aggregate.totals.channels_in_log();
        let scanned = self.scanner.scan(observed.clock.wall(), &clock, &in_log);
        if turn.is_over() {
            return Run::Failed("was cut short".to_owned());
        }
        self.held.answer(&mut self.scanner, observed.clock.wall(), &clock);
        let snapshot = self.scanner.snapshot(observed.clock.wall());
        let growth = note(observed, &snapshot);
        let problem = match scanned {
            Ok(()) => unreadable(&snapshot),
            Err(error) => Some(with_causes(&error)),
        };
        Run::read(Queue { snapshot, growth }, problem)
    }
}

/// Takes the snapshot into the history; by how much each channel grew.
fn note(observed: &Observed, snapshot: &QueueSnapshot) -> BTreeMap<String, Growth> {
    // A queue that could not be read was not looked into.
    if snapshot.scan.is_none() {
        return BTreeMap::new();
    }
    let channels = snapshot.channels.iter().map(|(label, queue)| {
        let waiting = Waiting { messages: queue.messages, held: queue.held.iter().sum() };
        (label.as_str(), waiting)
    });
    let book = observed.logs();
    let now = observed.clock.now().shown(&book.aggregate).now();
    book.history.lock().looked(now, channels)
}

fn unreadable(snapshot: &QueueSnapshot) -> Option<String> {
    let first = snapshot.failures.first()?;
    let others = match snapshot.failures.len() - 1 {
        0 => String::new(),
        others => format!(" (and {others} more channels)"),
    };
    Some(format!("{}: {}{others}", first.directory.display(), first.error))
}

/// What is in the queue, and which of its directories cannot be read.
pub(super) fn remarks(reading: &Reading<Queue>, start: &Start<'_>) -> Vec<Remark> {
    let place = &start.observed.install.queue_directory;
    let snapshot = match &reading.value {
        Some(queue) if queue.snapshot.scan.is_some() => &queue.snapshot,
        _ => {
            return reading.problem.iter().map(|why| (Problem, format!("{why}{}", passive(start)))).collect();
        }
    };
    let messages: u64 = snapshot.channels.values().map(|channel| channel.messages).sum();
    let channels = snapshot.channels.len();
    let mut remarks = vec![(Fine, format!("{}: {channels} channels, {messages} messages", place.display()))];
    remarks.extend(other_files(snapshot));
    for failure in snapshot.failures.iter().take(NAMED) {
        remarks.push((Problem, denied(&place.join(&failure.directory), &failure.error)));
    }
    if let more @ 1.. = snapshot.failures.len().saturating_sub(NAMED) {
        remarks.push((Problem, format!("{more} more directories cannot be read")));
    }
    remarks
}

/// Channels in which many files are not known to be messages.
fn other_files(snapshot: &QueueSnapshot) -> impl Iterator<Item = Remark> {
    let channels = snapshot.channels.iter();
    let many = channels.filter_map(|(channel, queue)| Some((channel, queue.many_other_files()?)));
    many.take(NAMED).map(|(channel, (other, all))| {
        let text = format!(
            "{channel}: {other} of {all} files have names that no message has, such as copies that were left there; \
             if they are messages, they are missing from all numbers about the queue: compare with \
             `imsimta qm summarize`, and report such a name"
        );
        (Note, text)
    })
}

/// Said where the queue is missing as a whole.
fn passive(start: &Start<'_>) -> &'static str {
    if start.config.mta.active == Some(false) {
        "; mta.active says that this node is passive"
    } else if holds_anything(&start.observed.install.log_directory) {
        "; the logs are there, so this is no passive node of a pair, unless mta.active is false"
    } else {
        "; on the passive node of a pair that is as it should be"
    }
}
