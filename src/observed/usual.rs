//! What is usual now, for the rules of [`findings`](crate::findings).

use super::{Now, Observed};
use crate::aggregate::baseline::Series;
use crate::findings::situation::{Enqueues, Situation};

impl Observed {
    /// What is usual at this time of the week, and what comes in beside it.
    pub(super) fn look_at_usual(&self, situation: &mut Situation, now: Now) {
        let book = self.logs();
        let now = now.shown(&book.aggregate).now();
        let baseline = book.baseline.lock();
        let queue = baseline.bands(Series::Queue, now);
        situation.usual.queue = queue.map(|(channel, band)| (channel.to_owned(), band)).collect();
        let before = now.less(self.limits.traffic_window.into());
        let latest = baseline.latest(Series::Enqueues, now).map(|(channel, latest)| {
            let earlier = baseline.expected(channel, Series::Enqueues, before);
            let steady = earlier.map_or(0.0, |band| band.expected.min(latest.band.expected));
            (channel.to_owned(), Enqueues { latest, steady })
        });
        situation.usual.enqueues = latest.collect();
    }
}
