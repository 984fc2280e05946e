//! The collector of the queue: scans, and keeps what was 15 minutes ago.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::collectors::with_causes;
use super::held::HeldReasons;
use super::observed::Observed;
use crate::aggregate::growth::Growth;
use crate::aggregate::reading::Run;
use crate::config::Config;
use crate::source::install::Install;
use crate::source::spool::{MAX_REMEMBERED, QueueSnapshot, Scanner, Settings};

/// What is known about the queue.
#[derive(Debug, Default)]
pub struct Queue {
    /// By the last scan.
    pub snapshot: QueueSnapshot,
    /// Messages now less those 15 minutes ago, by channel.
    pub growth: BTreeMap<String, i64>,
}

/// How the queue is scanned.
pub fn settings(config: &Config, install: &Install) -> Settings {
    Settings {
        root: install.queue_directory.clone(),
        stuck_after: config.queue.stuck_after,
        stuck_after_by_channel: config.queue.stuck_after_by_channel.clone(),
        budget: config.queue.budget,
        first_pass: config.queue.first_pass,
        most_remembered: MAX_REMEMBERED,
        seed: super::logs::new_seed(),
    }
}

/// Scans the queue again and again.
pub(super) struct QueueCollector {
    scanner: Scanner,
    held: HeldReasons,
    growth: Growth,
}

impl QueueCollector {
    /// A collector that has scanned nothing so far.
    pub(super) fn new(config: &Config, observed: &Observed) -> Self {
        let scanner = Scanner::new(settings(config, &observed.install));
        let held = HeldReasons::new(&config.held, &observed.install);
        Self { scanner, held, growth: Growth::default() }
    }

    /// One scan. Its looks at the clock are its signs of life.
    pub(super) fn run(&mut self, observed: &Arc<Observed>) -> Run<Queue> {
        let clock = || observed.queue.alive();
        let in_log = observed.logs().aggregate.totals.channels_in_log();
        let scanned = self.scanner.scan(observed.clock.wall(), &clock, &in_log);
        self.held.answer(&mut self.scanner, observed.clock.wall(), &clock);
        let snapshot = self.scanner.snapshot(observed.clock.wall());
        let numbers = snapshot.channels.iter().map(|(label, queue)| (label.as_str(), queue.messages));
        let growth = self.growth.note(observed.clock.monotonic(), numbers);
        let problem = match scanned {
            Ok(()) => unreadable(&snapshot),
            Err(error) => Some(with_causes(&error)),
        };
        Run::read(Queue { snapshot, growth }, problem)
    }
}

fn unreadable(snapshot: &QueueSnapshot) -> Option<String> {
    let first = snapshot.failures.first()?;
    let others = match snapshot.failures.len() - 1 {
        0 => String::new(),
        others => format!(" (and {others} more channels)"),
    };
    Some(format!("{}: {}{others}", first.directory.display(), first.error))
}
