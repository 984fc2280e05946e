//! The clock. Everything else takes the time as a parameter.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One moment, by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Since the program started.
    pub monotonic: Duration,
    /// Unix milliseconds.
    pub unix_millis: i64,
}

impl Now {
    /// Unix seconds.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of thousands of years are exact")]
    pub fn unix_seconds(self) -> f64 {
        self.unix_millis as f64 / 1e3
    }
}

/// Wall-clock time, and time since the program started, which never goes back.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    started_at: f64,
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
impl Clock {
    /// A clock whose monotonic time begins now.
    pub fn start() -> Self {
        Self { started: Instant::now(), started_at: unix_seconds(SystemTime::now()) }
    }

    /// When the program started, Unix seconds.
    pub fn started_at(&self) -> f64 {
        self.started_at
    }

    /// Time since the start.
    pub fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    /// Now.
    pub fn now(&self) -> Now {
        Now { monotonic: self.monotonic(), unix_millis: self.unix_millis() }
    }

    /// Wall-clock time.
    pub fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    /// Unix seconds.
    pub fn unix_seconds(&self) -> f64 {
        unix_seconds(self.wall())
    }

    /// Unix milliseconds.
    pub fn unix_millis(&self) -> i64 {
        let since = self.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

fn unix_seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
