//! Plain samples of what is known now, by metric of the catalogue: what fills a page knows no exposition format.

use super::catalogue::METRICS;
use super::family::{Family, Gauge, Histogram, Metric, Number};
use crate::aggregate::histogram::{Bounds, Histogram as Times};

/// The samples of one gathering. A family without a sample is not shown: absent, not 0.
///
/// Kind and number of label values are the compiler's matter:
///
/// ```
/// use imsimta_exporter::metrics::{Page, catalogue as metric};
/// Page::default().count(&metric::ETRN, &["tcp_local"], 1);
/// ```
///
/// ```compile_fail
/// use imsimta_exporter::metrics::{Page, catalogue as metric};
/// Page::default().count(&metric::ETRN, &[], 1);
/// ```
///
/// ```compile_fail
/// use imsimta_exporter::metrics::{Page, catalogue as metric};
/// Page::default().truth(&metric::ETRN, &["tcp_local"], true);
/// ```
#[derive(Clone, Debug)]
pub struct Page {
    /// By the place in the catalogue.
    families: Vec<Samples>,
    /// What the host's clock has gained since the program started by being set, seconds.
    pub clock_gained: f64,
}

/// The samples of one family.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    /// All label values, one behind the other: those of the first sample in the order of the catalogue, then those of
    /// the next.
    text: String,
    /// Where each of them ends.
    ends: Vec<usize>,
    /// What a counter or gauge says.
    pub(super) numbers: Vec<f64>,
    /// What a histogram says.
    pub(super) histograms: Vec<Buckets>,
}

/// What a histogram says.
#[derive(Clone, Debug)]
pub(super) struct Buckets {
    /// Upper bounds in seconds, and how many are up to there.
    pub(super) cumulative: Vec<(f64, u64)>,
    pub(super) count: u64,
    pub(super) sum_seconds: f64,
}

impl Samples {
    /// The label value at a place, all samples counted through.
    pub(super) fn value(&self, place: usize) -> &str {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[place]]
    }

    fn labels(&mut self, values: &[&str]) {
        for value in values {
            self.text.push_str(value);
            self.ends.push(self.text.len());
        }
    }
}

impl Default for Page {
    fn default() -> Self {
        Self { families: vec![Samples::default(); METRICS.len()], clock_gained: 0.0 }
    }
}

impl Page {
    /// Adds a counter or gauge sample. Label values are in the order of the catalogue.
    pub fn sample<K: Number, const N: usize>(
        &mut self,
        metric: &Metric<K, N>,
        labels: &[&str; N],
        value: f64,
    ) {
        let samples = &mut self.families[metric.place];
        samples.labels(labels);
        samples.numbers.push(value);
    }

    /// Adds a sample of a whole number.
    pub fn count<K: Number, const N: usize>(
        &mut self,
        metric: &Metric<K, N>,
        labels: &[&str; N],
        value: u64,
    ) {
        #[expect(clippy::cast_precision_loss, reason = "the exposition format has floating point only")]
        self.sample(metric, labels, value as f64);
    }

    /// Adds a sample of a moment that the program has kept, in Unix seconds of the clock that nobody has set
    /// since the start. It is shown by the clock as it is now, so that its age is right.
    pub fn moment<const N: usize>(&mut self, metric: &Metric<Gauge, N>, labels: &[&str; N], at: f64) {
        self.sample(metric, labels, at + self.clock_gained);
    }

    /// Adds a sample of a truth.
    pub fn truth<const N: usize>(&mut self, metric: &Metric<Gauge, N>, labels: &[&str; N], value: bool) {
        self.sample(metric, labels, f64::from(u8::from(value)));
    }

    /// Adds a histogram.
    pub fn times<B: Bounds, const N: usize>(
        &mut self,
        metric: &Metric<Histogram, N>,
        labels: &[&str; N],
        times: &Times<B>,
    ) {
        let samples = &mut self.families[metric.place];
        samples.labels(labels);
        samples.histograms.push(Buckets {
            cumulative: times.cumulative().collect(),
            count: times.count(),
            sum_seconds: times.sum_seconds(),
        });
    }

    /// The samples of a counter or gauge, in the order in which they were added: label values in the order of the
    /// catalogue, and the number.
    pub fn samples<'a, K: Number, const N: usize>(
        &'a self,
        metric: &Metric<K, N>,
    ) -> impl Iterator<Item = ([&'a str; N], f64)> {
        let samples = &self.families[metric.place];
        let labels = |sample: usize| std::array::from_fn(|label| samples.value(sample * N + label));
        samples.numbers.iter().enumerate().map(move |(sample, &value)| (labels(sample), value))
    }

    /// Every family that has samples, in the order of the catalogue.
    pub(super) fn families(&self) -> impl Iterator<Item = (&'static Family, &Samples)> {
        let families = METRICS.iter().copied().zip(&self.families);
        families.filter(|(_, samples)| !(samples.numbers.is_empty() && samples.histograms.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::Page;
    use crate::aggregate::histogram::DelayHistogram;
    use crate::metrics::catalogue as metric;

    #[test]
    fn samples_are_read_as_they_were_added() {
        let mut page = Page { clock_gained: 0.5, ..Page::default() };
        page.count(&metric::ETRN, &["tcp_local"], 3);
        page.count(&metric::ETRN, &[""], 4);
        page.sample(&metric::DELIVERY_FAILURES, &["l", "rejected", "é"], 1.5);
        page.truth(&metric::READY, &[], true);
        page.moment(&metric::STATE_SAVED, &[], 2.0);
        page.times(&metric::QUEUE_DELAY, &["l"], &DelayHistogram::default());
        let found: Vec<_> = page.samples(&metric::ETRN).collect();
        assert_eq!(found, [(["tcp_local"], 3.0), ([""], 4.0)]);
        let found: Vec<_> = page.samples(&metric::DELIVERY_FAILURES).collect();
        assert_eq!(found, [(["l", "rejected", "é"], 1.5)]);
        assert_eq!(page.samples(&metric::READY).collect::<Vec<_>>(), [([], 1.0)]);
        assert_eq!(page.samples(&metric::STATE_SAVED).next(), Some(([], 2.5)));
        assert_eq!(page.samples(&metric::BAD_COMMANDS).next(), None);
        assert_eq!(page.families().count(), 5);
    }
}
