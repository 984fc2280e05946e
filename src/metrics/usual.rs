//! Samples of what is usual, and of how learning it goes.

use super::catalogue as metric;
use super::family::{Gauge, Metric};
use super::page::Page;
use crate::aggregate::baseline::{Baseline, DAYS, Series};
use crate::aggregate::time::Time;
use crate::observed::StateHealth;

/// What is expected of a series, and the upper end.
const BANDS: [(Series, &Metric<Gauge, 1>, &Metric<Gauge, 1>); Series::ALL.len()] = [
    (Series::Queue, &metric::QUEUE_MESSAGES_EXPECTED, &metric::QUEUE_MESSAGES_UPPER),
    (Series::Failures, &metric::DELIVERY_FAILURES_EXPECTED, &metric::DELIVERY_FAILURES_UPPER),
    (Series::Enqueues, &metric::ENQUEUED_RECIPIENTS_EXPECTED, &metric::ENQUEUED_RECIPIENTS_UPPER),
    (Series::Connections, &metric::CONNECTIONS_OPENED_EXPECTED, &metric::CONNECTIONS_OPENED_UPPER),
];

/// Puts on the page what is usual now, and how far learning it is.
pub fn fill(page: &mut Page, baseline: &Baseline, now: Time) {
    for (series, expected, upper) in BANDS {
        for (channel, band) in baseline.bands(series, now) {
            page.sample(expected, &[channel], band.expected);
            page.sample(upper, &[channel], band.upper);
        }
    }
    page.sample(&metric::BASELINE_LEARNED, &[], baseline.days() / DAYS);
    page.count(&metric::BASELINE_LEFT_OUT, &[], baseline.left_out());
}

/// Puts on the page how its file fares.
pub fn fill_file(page: &mut Page, file: &StateHealth) {
    if let Some(at) = file.saved_at {
        page.moment(&metric::BASELINE_SAVED, &[], at);
        page.count(&metric::BASELINE_SIZE, &[], file.bytes);
        page.sample(&metric::BASELINE_SAVE_DURATION, &[], file.duration);
    }
    page.count(&metric::BASELINE_SAVE_FAILURES, &[], file.failures);
    page.count(&metric::BASELINE_SET_ASIDE, &[], file.set_aside);
}
