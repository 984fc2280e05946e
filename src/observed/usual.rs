//! What is usual now, for the rules of [`findings`](crate::findings).

use std::collections::BTreeSet;

use super::{Now, Observed};
use crate::aggregate::baseline::Series;
use crate::findings::situation::{Enqueues, Situation};

impl Observed {
    /// What is usual at this time of the week, and what comes in beside it.
    pub(super) fn look_at_usual(&self, situation: &mut Situation, now: Now) {
        let heard = self.heard();
        let book = self.logs();
        let now = now.shown(&book.aggregate).now();
        let baseline = book.baseline.lock();
        let queue = baseline.bands(Series::Queue, now);
        situation.usual.queue = queue.map(|(channel, band)| (channel.to_owned(), band)).collect();
        let window = self.limits.traffic_window;
        let before = now.less(window.into());
        let latest = baseline.latest(Series::Enqueues, now).map(|(channel, mut latest)| {
            if heard.as_ref().is_some_and(|heard| !heard.contains(channel)) {
                latest.quiet = latest.quiet.max(window.into());
            }
            let earlier = baseline.expected(channel, Series::Enqueues, before);
            let steady = earlier.map_or(0.0, |band| band.expected.min(latest.band.expected));
            (channel.to_owned(), Enqueues { latest, steady })
        });
        situation.usual.enqueues = latest.collect();
    }

    /// The channels through which anything came in `traffic_window`, where each minute of it is known: five minutes are over up to
    /// five minutes after the last of it.
    fn heard(&self) -> Option<BTreeSet<String>> {
        let lately = self.lately.lock();
        let heard = lately.quarters.iter().filter(|(_, quarter)| quarter.enqueued > 0);
        lately
            .by_minute
            .knows(self.limits.traffic_window)
            .then(|| heard.map(|(channel, _)| channel.clone()).collect())
    }
}
