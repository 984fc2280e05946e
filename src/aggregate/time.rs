//! Times by the clock that they are of: what one says compares with nothing of another.
//!
//! All count milliseconds, and are saved as such. Arithmetic ends at the bounds: times come from logs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

macro_rules! milliseconds {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
            #[serde(transparent)]
            pub struct $name(i64);

            impl $name {
                /// So many milliseconds.
                pub const fn of(millis: i64) -> Self {
                    Self(millis)
                }

                /// How many milliseconds.
                pub const fn millis(self) -> i64 {
                    self.0
                }

                /// The same in seconds.
                pub fn seconds(self) -> f64 {
                    #[expect(clippy::cast_precision_loss, reason = "milliseconds of thousands of years are exact")]
                    let millis = self.0 as f64;
                    millis / 1000.0
                }
            }
        )*
    };
}

milliseconds! {
    /// A length of time; less than 0 from a later moment to an earlier one.
    Millis;
    /// A moment by the host's clock, since 1970 in UTC.
    UnixTime;
    /// A moment by the clock that never goes back, since the program started.
    Monotonic;
    /// A moment on the [timeline](super::timeline), which the tables keep.
    Time;
}

macro_rules! moments {
    ($($name:ident),*) => {
        $(impl $name {
            /// How long after another moment this one is.
            pub const fn since(self, earlier: Self) -> Millis {
                Millis(self.0.saturating_sub(earlier.0))
            }

            /// The moment so much before.
            #[must_use]
            pub const fn less(self, span: Millis) -> Self {
                Self(self.0.saturating_sub(span.0))
            }

            /// The moment so much later.
            #[must_use]
            pub const fn and(self, span: Millis) -> Self {
                Self(self.0.saturating_add(span.0))
            }
        })*
    };
}
moments!(UnixTime, Monotonic, Time);

impl From<Duration> for Millis {
    fn from(span: Duration) -> Self {
        Self(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))
    }
}

impl From<Duration> for Monotonic {
    fn from(since_start: Duration) -> Self {
        Self(i64::try_from(since_start.as_millis()).unwrap_or(i64::MAX))
    }
}

impl Time {
    /// Before and after all others.
    pub const MIN: Self = Self(i64::MIN);
    /// See [`Time::MIN`].
    pub const MAX: Self = Self(i64::MAX);

    /// The number of the stretch of this width that it is in.
    pub const fn number(self, width: Millis) -> i64 {
        self.0.div_euclid(width.0)
    }
}

impl Millis {
    /// So many minutes.
    pub const fn of_minutes(minutes: i64) -> Self {
        Self(minutes * 60_000)
    }

    /// Whole minutes in it; 0 where it is negative.
    pub fn minutes(self) -> u64 {
        u64::try_from(self.0 / 60_000).unwrap_or(0)
    }

    /// Together with another.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// How much longer than another.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// So many times as long.
    #[must_use]
    pub const fn times(self, factor: i64) -> Self {
        Self(self.0.saturating_mul(factor))
    }

    /// Its length, whichever way.
    #[must_use]
    pub const fn length(self) -> Self {
        Self(self.0.saturating_abs())
    }

    /// The greatest multiple of another that is no greater.
    #[must_use]
    pub const fn rounded_down(self, grain: Self) -> Self {
        Self(self.0.div_euclid(grain.0).saturating_mul(grain.0))
    }
}
