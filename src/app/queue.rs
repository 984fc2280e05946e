//! The collector of the queue: scans, and keeps what was 15 minutes ago.

use std::sync::Arc;

use super::held::HeldReasons;
use crate::config::Config;
use crate::observed::Observed;
use crate::observed::growth::Growth;
use crate::observed::queue::Queue;
use crate::observed::reading::Run;
use crate::source::spool::{QueueSnapshot, Scanner, Settings};
use crate::text::with_causes;

/// Scans the queue again and again.
pub(super) struct QueueCollector {
    scanner: Scanner,
    held: HeldReasons,
    growth: Growth,
}

impl QueueCollector {
    /// A collector that has scanned nothing so far.
    pub(super) fn new(config: &Config, observed: &Observed) -> Self {
        let scanner = Scanner::new(Settings::new(&config.queue, &observed.install.queue_directory));
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
