//! When file events are worth their cost.

use std::time::Duration;

use super::TICK;

/// Looks that find something this soon after each other are load: ticks cost less.
const SOON: Duration = TICK.saturating_mul(2);
/// So many of them in a row.
const BUSY: u32 = 3;
/// When nothing was found for this long, the logs are quiet.
const QUIET: Duration = Duration::from_millis(500);

/// Ticks from the start until the logs are quiet, since a backlog is being read then and events
/// would pile up; events after that, until there is load.
#[derive(Debug)]
pub(super) struct Rhythm {
    ticking: bool,
    streak: u32,
    found_at: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { ticking: true, streak: 0, found_at: Duration::ZERO }
    }
}

impl Rhythm {
    /// Takes in how a look went; whether the next one is due in a tick.
    pub(super) fn after_look(&mut self, found: bool, now: Duration) -> bool {
        let since = now.saturating_sub(self.found_at);
        if since >= QUIET {
            self.ticking = false;
        }
        if found {
            self.streak = if since < SOON { self.streak + 1 } else { 1 };
            self.found_at = now;
            self.ticking |= self.streak >= BUSY;
        }
        self.ticking
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Rhythm;

    #[test]
    fn ticks_under_load_and_events_while_it_is_quiet() {
        // When each look ends, in ms; whether it found anything; whether a tick comes next.
        let looks = [
            (1, true, true, "the backlog"),
            (16, false, true, "not quiet for long"),
            (500, false, true, "since 1"),
            (501, false, false, "quiet"),
            (900, true, false, "one line"),
            (1900, true, false, "a line a second is not load"),
            (2000, true, false, ""),
            (2025, true, false, "two soon after each other"),
            (2050, true, true, "three are load"),
            (2549, false, true, "quiet for 499 ms"),
            (2549, true, true, "and not any more"),
            (3048, false, true, ""),
            (3049, false, false, "quiet again"),
            (3050, true, false, "the streak began anew"),
            (3060, true, false, ""),
            (3070, true, true, ""),
            (3570, true, false, "a look that took long ends the load as well"),
        ];
        let mut rhythm = Rhythm::default();
        for (at, found, ticking, why) in looks {
            assert_eq!(rhythm.after_look(found, Duration::from_millis(at)), ticking, "{at} ms: {why}");
        }
    }
}
