//! The last reading of a collector, and whether the run under way hangs.

use std::time::Duration;

use parking_lot::Mutex;

use super::clock::Clock;
use super::reading::{Reading, Run};

/// How long a run may show no sign of life. No single call into a file system that works takes as long.
const HANGS_AFTER: Duration = Duration::from_secs(10);

/// The last reading of a collector that runs on its interval.
#[derive(Debug)]
pub struct Latest<T> {
    clock: Clock,
    shared: Mutex<Shared<T>>,
}

#[derive(Debug)]
struct Shared<T> {
    reading: Reading<T>,
    /// When the run under way gave its last sign of life.
    alive: Option<Duration>,
    /// For how long it has hung.
    hung: Duration,
}

impl<T> Shared<T> {
    /// Ends the silence of the run under way.
    fn hear(&mut self, now: Duration) {
        let silent = self.alive.map_or(Duration::ZERO, |alive| now.saturating_sub(alive));
        if silent >= HANGS_AFTER {
            self.hung += silent;
        }
    }
}

impl<T> Latest<T> {
    /// Nothing read so far.
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            shared: Mutex::new(Shared { reading: Reading::default(), alive: None, hung: Duration::ZERO }),
        }
    }

    /// A copy of the reading; its value is shared. While a run hangs nothing is known, since what was
    /// read before it may be wrong by now.
    pub fn get(&self) -> Reading<T> {
        let shared = self.shared.lock();
        let silent = shared.alive.map(|alive| self.clock.monotonic().saturating_sub(alive));
        match silent {
            Some(silent) if silent >= HANGS_AFTER => shared.reading.hanging(silent),
            _ => shared.reading.clone(),
        }
    }

    /// A sign of life of a run, and the time.
    pub fn alive(&self) -> Duration {
        let now = self.clock.monotonic();
        let mut shared = self.shared.lock();
        shared.hear(now);
        shared.alive = Some(now);
        now
    }

    /// Takes the result of a run, which has ended; for how long it has hung, which was no work.
    pub fn update(&self, run: Run<T>, now: f64, duration: f64) -> Duration {
        let mut shared = self.shared.lock();
        shared.hear(self.clock.monotonic());
        shared.reading.update(run, now, duration);
        shared.alive = None;
        std::mem::take(&mut shared.hung)
    }
}
