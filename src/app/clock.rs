//! The clock. Everything else takes the time as a parameter.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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
