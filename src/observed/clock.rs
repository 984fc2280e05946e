//! The clock. Everything else takes the time as a parameter.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::aggregate::Aggregate;
use crate::aggregate::time::UnixTime;
use crate::aggregate::timeline::Present;

/// The host's clock, or a test's.
pub type WallClock = fn() -> SystemTime;

/// One moment, by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Since the program started.
    pub monotonic: Duration,
    /// By the host's clock.
    pub unix: UnixTime,
    /// [`Clock::steady_seconds`].
    pub steady_seconds: f64,
}

impl Now {
    /// The moment at which entries are read.
    pub fn read(self, aggregate: &mut Aggregate) -> Present {
        aggregate.go_on(self.unix, self.monotonic.into())
    }

    /// The moment at which sums are shown.
    pub fn shown(self, aggregate: &Aggregate) -> Present {
        aggregate.present(self.unix, self.monotonic.into())
    }
}

/// Wall-clock time, and time since the program started, which never goes back.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: WallClock,
    started: Instant,
    started_at: f64,
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
impl Clock {
    /// A clock whose monotonic time begins now.
    pub fn start() -> Self {
        Self::reading(Self::host())
    }

    /// The host's.
    pub fn host() -> WallClock {
        SystemTime::now
    }

    /// The same, by another wall clock.
    pub fn reading(wall: WallClock) -> Self {
        Self { wall, started: Instant::now(), started_at: unix_seconds(wall()) }
    }

    /// When the program started, Unix seconds.
    pub fn started_at(&self) -> f64 {
        self.started_at + self.gained_seconds()
    }

    /// Unix seconds as they would be had nobody set the clock since the start. Moments that are kept are
    /// kept in these, so that their age stays right whatever the clock does.
    pub fn steady_seconds(&self) -> f64 {
        self.started_at + self.monotonic().as_secs_f64()
    }

    /// What the clock has gained since the start by being set: a kept moment and this are the time that
    /// the clock would show now.
    pub fn gained_seconds(&self) -> f64 {
        self.unix_seconds() - self.steady_seconds()
    }

    /// Time since the start.
    pub fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    /// Now.
    pub fn now(&self) -> Now {
        Now { monotonic: self.monotonic(), unix: self.unix(), steady_seconds: self.steady_seconds() }
    }

    /// Wall-clock time.
    pub fn wall(&self) -> SystemTime {
        (self.wall)()
    }

    /// Unix seconds.
    pub fn unix_seconds(&self) -> f64 {
        unix_seconds(self.wall())
    }

    /// The same in Unix time.
    pub fn unix(&self) -> UnixTime {
        let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        UnixTime::of(match self.wall().duration_since(UNIX_EPOCH) {
            Ok(since) => millis(since),
            Err(before) => -millis(before.duration()),
        })
    }
}

fn unix_seconds(time: SystemTime) -> f64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}
