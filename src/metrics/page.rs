//! Samples on their way to the exposition: by metric of the catalogue, in the registry's own form.

use prometheus::core::{Collector, Desc};
use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric as Sample, MetricFamily, MetricType,
};

use super::catalogue::{Feed, Kind, METRICS, Metric};
use crate::aggregate::histogram::DelayHistogram;

/// The samples of one gathering. A family without a sample is not shown: absent, not 0.
#[derive(Default)]
pub struct Page {
    families: Vec<(&'static Metric, Vec<Sample>)>,
    /// What the host's clock has gained since the program started by being set, seconds.
    pub clock_gained: f64,
}

impl Page {
    /// Adds a counter or gauge sample. Label values are in the order of the catalogue.
    pub fn sample(&mut self, metric: &'static Metric, labels: &[&str], value: f64) {
        let mut sample = Sample::from_label(pairs(metric, labels));
        match metric.kind {
            Kind::Counter => {
                let mut counter = Counter::default();
                counter.set_value(value);
                sample.set_counter(counter);
            }
            Kind::Gauge | Kind::Histogram => {
                let mut gauge = Gauge::default();
                gauge.set_value(value);
                sample.set_gauge(gauge);
            }
        }
        self.push(metric, sample);
    }

    /// Adds a sample of a whole number.
    pub fn count(&mut self, metric: &'static Metric, labels: &[&str], value: u64) {
        #[expect(clippy::cast_precision_loss, reason = "the exposition format has floating point only")]
        self.sample(metric, labels, value as f64);
    }

    /// Adds a sample of a moment that the program has kept, in Unix seconds of the clock that nobody has set
    /// since the start. It is shown by the clock as it is now, so that its age is right.
    pub fn moment(&mut self, metric: &'static Metric, labels: &[&str], at: f64) {
        self.sample(metric, labels, at + self.clock_gained);
    }

    /// Adds a sample of a truth.
    pub fn truth(&mut self, metric: &'static Metric, labels: &[&str], value: bool) {
        self.sample(metric, labels, f64::from(u8::from(value)));
    }

    /// Adds a histogram.
    pub fn delays(&mut self, metric: &'static Metric, labels: &[&str], delays: &DelayHistogram) {
        let mut histogram = Histogram::default();
        histogram.set_sample_count(delays.count());
        histogram.set_sample_sum(delays.sum_seconds());
        let buckets = delays.cumulative().map(|(bound, count)| {
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(bound);
            bucket.set_cumulative_count(count);
            bucket
        });
        histogram.set_bucket(buckets.collect());
        let mut sample = Sample::from_label(pairs(metric, labels));
        sample.set_histogram(histogram);
        self.push(metric, sample);
    }

    fn push(&mut self, metric: &'static Metric, sample: Sample) {
        match self.families.iter_mut().find(|(known, _)| std::ptr::eq(*known, metric)) {
            Some((_, samples)) => samples.push(sample),
            None => self.families.push((metric, vec![sample])),
        }
    }

    fn into_families(self) -> Vec<MetricFamily> {
        let families = self.families.into_iter().map(|(metric, samples)| {
            let mut family = MetricFamily::default();
            family.set_name(metric.name.to_owned());
            family.set_help(metric.help.to_owned());
            family.set_field_type(match metric.kind {
                Kind::Counter => MetricType::COUNTER,
                Kind::Gauge => MetricType::GAUGE,
                Kind::Histogram => MetricType::HISTOGRAM,
            });
            family.set_metric(samples);
            family
        });
        families.collect()
    }
}

fn pairs(metric: &'static Metric, values: &[&str]) -> Vec<LabelPair> {
    debug_assert_eq!(metric.labels.len(), values.len(), "{}", metric.name);
    let mut pairs: Vec<LabelPair> = metric
        .labels
        .iter()
        .zip(values)
        .map(|(label, value)| {
            let mut pair = LabelPair::default();
            pair.set_name(label.name.to_owned());
            pair.set_value((*value).to_owned());
            pair
        })
        .collect();
    pairs.sort_by(|a, b| a.name().cmp(b.name()));
    pairs
}

/// A collector of the registry that fills a page when it is asked.
pub(super) struct Publisher<F> {
    descriptions: Vec<Desc>,
    fill: F,
}

impl<F: Fn(&mut Page) + Send + Sync> Publisher<F> {
    /// A collector of all metrics of some feeds.
    pub(super) fn new(feeds: &[Feed], fill: F) -> prometheus::Result<Self> {
        let metrics = METRICS.iter().filter(|metric| feeds.contains(&metric.feed));
        let descriptions = metrics.map(|metric| {
            let labels = metric.labels.iter().map(|label| label.name.to_owned()).collect();
            Desc::new(
                metric.name.to_owned(),
                metric.help.to_owned(),
                labels,
                std::collections::HashMap::new(),
            )
        });
        Ok(Self { descriptions: descriptions.collect::<prometheus::Result<_>>()?, fill })
    }
}

impl<F: Fn(&mut Page) + Send + Sync> Collector for Publisher<F> {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut page = Page::default();
        (self.fill)(&mut page);
        page.into_families()
    }
}
