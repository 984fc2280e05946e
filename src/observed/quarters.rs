//! What channels did in the last quarter of an hour and what is usual of it, and how file systems fill: looked at each minute.

use std::time::Duration;

use super::by_minute::counts;
use super::{Now, Observed};
use crate::findings::Thresholds;
use crate::findings::channels::HOLD;
use crate::findings::measure::channels::Seen;
use crate::findings::situation::{Ahead, FileSystem, Quarter, Situation};
use crate::findings::traffic::SLOWEST;
use crate::source::filesystems::FilesystemSnapshot;

/// What shares of a file system are of, in their order: space and inodes.
const KINDS: [&str; 2] = ["space", "inodes"];

fn key(path: &str, kind: &str) -> String {
    format!("{path} {kind}")
}

impl Observed {
    /// Takes note of the minute, where that was not noted; `known` says that the logs are read up to now.
    pub(super) fn look_at_quarters(&self, now: Now, known: bool) {
        let mut lately = self.lately.lock();
        if !known || lately.by_minute.has_noted(now.monotonic) {
            return;
        }
        let (book, limits) = (self.logs(), &self.limits);
        let totals = &book.aggregate.totals;
        let present = now.shown(&book.aggregate).now();
        let worst = totals.destinations.worst_shares(present);
        lately.by_minute.note(now.monotonic, limits.traffic_window, counts(totals, &worst));
        let mut quarters = lately.by_minute.within(limits.traffic_window);
        let mut usual = self.usual.lock();
        for (channel, _) in totals.channels.all() {
            let (quarter, limits) =
                (quarters.entry(channel.to_owned()).or_default(), limits.of_channel(channel));
            usual.channels.note(present, channel, seen(channel, quarter, limits));
            quarter.last_week = usual.channels.last_week(channel, present, limits);
            if quarter.rejected >= limits.bounce_surge {
                quarter.rejected_usually = usual.channels.usually_rejected(channel, present, limits);
            }
        }
        usual.channels.forget(present);
        lately.quarters = quarters;
    }

    /// Takes note of how much is free.
    pub(super) fn look_at_space(&self, now: Now) {
        let Some(found) = self.collected.found::<FilesystemSnapshot>() else { return };
        let present = now.shown(&self.logs().aggregate).now();
        let mut usual = self.usual.lock();
        for (path, space) in &found.filesystems {
            let shares = space.as_ref().map(FileSystem::from).map(|filesystem| filesystem.shares());
            for (kind, share) in KINDS.iter().zip(shares.into_iter().flatten()) {
                if let Some(share) = share {
                    usual.space.note(present, &key(path, kind), share);
                }
            }
        }
    }

    /// What will be free, where it is worth a look.
    pub(super) fn look_ahead(&self, situation: &mut Situation, now: Now) {
        let (limits, present) = (&self.limits, now.shown(&self.logs().aggregate).now());
        let usual = self.usual.lock();
        for (path, filesystem) in &mut situation.filesystems {
            for (place, share) in filesystem.shares().into_iter().enumerate() {
                let Some(free) = share.filter(|&free| free < limits.filling_share) else { continue };
                let (of, minutes) = (key(path, KINDS[place]), limits.filling_window_critical);
                let ahead = |window, ago, ahead| usual.space.ahead(&of, window, ago, ahead, (present, free));
                filesystem.ahead[place] = Ahead {
                    of_hours: ahead(limits.filling_window, Duration::ZERO, limits.filling_ahead),
                    of_minutes: [Duration::ZERO, minutes]
                        .map(|ago| ahead(minutes, ago, limits.filling_ahead_critical)),
                };
            }
        }
    }
}

/// What there is to be compared with.
fn seen(channel: &str, quarter: &Quarter, limits: &Thresholds) -> Seen {
    Seen {
        failing_share: quarter.failing_share(limits.small_attempts),
        delay: quarter.delay(SLOWEST, limits.slow_recipients).filter(|_| channel != HOLD),
        rejected: quarter.rejected,
        tries: quarter.delivered + quarter.failing > 0,
    }
}
