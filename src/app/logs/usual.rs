//! What the baseline is told every five minutes: what is known then, and nothing else.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::aggregate::baseline::{Baseline, Holiday, Known, Series, Sums};
use crate::config::Config;
use crate::observed::queue::Queue;
use crate::observed::{LogBook, Now};

/// A channel that was scanned longer ago than two scans and this is not known.
const STALE: Duration = Duration::from_mins(5);

/// Tells it.
#[derive(Debug, Default)]
pub(super) struct Teacher {
    /// For how long a scan of a channel says what is in it.
    fresh: Duration,
}

impl Teacher {
    /// As it is configured now.
    pub(super) fn new(config: &Config, baseline: &mut Baseline, zone: TimeZone) -> Self {
        let days = config.baseline.holidays.iter();
        let holidays = days.map(|day| Holiday { year: day.year, month: day.month, day: day.day });
        baseline.settle(config.baseline.learn, zone, holidays.collect());
        Self { fresh: 2 * config.queue.interval + STALE }
    }

    /// Tells it what the queue holds, and what the sums have where they are `current`.
    pub(super) fn teach(&self, book: &mut LogBook, queue: Option<&Queue>, current: bool, now: Now) {
        let present = now.shown(&book.aggregate);
        let LogBook { aggregate, baseline, history, .. } = book;
        let baseline = baseline.get_mut();
        if !baseline.go_on(present) {
            return;
        }
        let fresh = |scanned_at: f64| (present.unix.seconds() - scanned_at).abs() <= self.fresh.as_secs_f64();
        let channels =
            queue.filter(|queue| queue.snapshot.scan.is_some()).map(|queue| &queue.snapshot.channels);
        let known = channels.into_iter().flatten().filter(|(_, channel)| fresh(channel.scanned_at));
        let queue = known.map(|(label, channel)| (label.as_str(), channel.messages)).collect();
        baseline.look(present, Known { queue, sums: current.then(|| Sums::of(&aggregate.totals)) });
        history.get_mut().came(present.now(), baseline.lasts(Series::Enqueues));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::tz::TimeZone;

    use super::{Config, Series, Teacher};
    use crate::aggregate::time::UnixTime;
    use crate::aggregate::{Aggregate, Totals};
    use crate::observed::queue::Queue;
    use crate::observed::{LogBook, Now};
    use crate::source::spool::{ChannelQueue, QueueSnapshot, ScanCounts};

    const START: i64 = 1_795_392_000;

    fn queue(scan: bool, messages: u64, scanned_at: f64) -> Queue {
        let channel = ChannelQueue { messages, scanned_at, ..ChannelQueue::default() };
        let snapshot = QueueSnapshot {
            channels: [("l".to_owned(), channel)].into(),
            scan: scan.then(ScanCounts::default),
            ..QueueSnapshot::default()
        };
        Queue { snapshot, ..Queue::default() }
    }

    /// What the last five minutes had, by minute and whether the logs were read: failures of a channel, one a second, and
    /// messages in the queue.
    #[test]
    fn what_is_not_known_teaches_nothing() {
        let mut book = LogBook::new(Aggregate::new(Totals::new(1), TimeZone::UTC, 1024), false);
        let teacher = Teacher::new(&Config::default(), book.baseline.get_mut(), TimeZone::UTC);
        let mut second = 0;
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let mut until = |minute: u64, current: bool, queue: &dyn Fn(f64) -> Option<Queue>| {
            while second < minute * 60 + 1 {
                second += 1;
                let at = START + second.cast_signed();
                let unix = UnixTime::of(at * 1000);
                let now = Now { monotonic: Duration::from_secs(second), unix, steady_seconds: at as f64 };
                now.read(&mut book.aggregate);
                teacher.teach(&mut book, queue(at as f64).as_ref(), current, now);
            }
            let baseline = book.baseline.lock();
            (baseline.last("l", Series::Queue), baseline.last("other", Series::Failures))
        };
        for (minute, current, found, expected) in [
            (5, true, Some((true, 0.0)), (Some(40), None)),
            (10, true, Some((true, 300.0)), (Some(40), None)),
            // The first scan of two that failed is still shown.
            (15, true, Some((true, 400.0)), (None, None)),
            (20, true, Some((false, 0.0)), (None, None)),
            (25, false, Some((true, 0.0)), (Some(40), None)),
            (30, false, None, (None, None)),
        ] {
            let queue = |at: f64| found.map(|(scan, age)| queue(scan, 40, at - age));
            assert_eq!(until(minute, current, &queue), expected, "{minute}");
        }
    }
}
