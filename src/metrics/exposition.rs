//! From plain samples to the text format, in the types of the crate `prometheus`.

use std::collections::HashMap;

use prometheus::core::{Collector, Desc};
use prometheus::proto;
use prometheus::{Encoder as _, Registry, TextEncoder};

use super::catalogue::METRICS;
use super::family::{Family, Feed, Kind};
use super::page::{Buckets, Page, Samples};

/// The registry of one program run.
#[derive(Default)]
pub struct Exposition {
    registry: Registry,
}

impl Exposition {
    /// Publishes all metrics of some feeds by what `fill` puts on the page at each gathering.
    ///
    /// # Errors
    ///
    /// When a metric of these feeds is registered already.
    pub fn publish<F>(&self, feeds: &[Feed], fill: F) -> prometheus::Result<()>
    where
        F: Fn(&mut Page) + Send + Sync + 'static,
    {
        let families = METRICS.iter().filter(|family| feeds.contains(&family.feed));
        let descriptions = families.map(|family| description(family)).collect::<prometheus::Result<_>>()?;
        self.registry.register(Box::new(Publisher { descriptions, fill }))
    }

    /// The page in the text format 0.0.4.
    ///
    /// # Errors
    ///
    /// When a sample cannot be encoded.
    pub fn encode(&self) -> prometheus::Result<Vec<u8>> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }

    /// The value of the header `Content-Type` of the page.
    pub fn content_type() -> &'static str {
        "text/plain; version=0.0.4; charset=utf-8"
    }
}

/// A collector of the registry that has a page filled when it is asked.
struct Publisher<F> {
    descriptions: Vec<Desc>,
    fill: F,
}

impl<F: Fn(&mut Page) + Send + Sync> Collector for Publisher<F> {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        let mut page = Page::default();
        (self.fill)(&mut page);
        page.families().map(|(family, samples)| encoded(family, samples)).collect()
    }
}

fn description(family: &Family) -> prometheus::Result<Desc> {
    let labels = family.labels.iter().map(|label| label.name.to_owned()).collect();
    Desc::new(family.name.to_owned(), family.help.to_owned(), labels, HashMap::new())
}

/// The samples with their labels, which the page shows in the order of their names.
fn encoded(family: &Family, samples: &Samples) -> proto::MetricFamily {
    let mut labels: Vec<(usize, &str)> = family.labels.iter().map(|label| label.name).enumerate().collect();
    labels.sort_by_key(|&(_, name)| name);
    let count = samples.numbers.len() + samples.histograms.len();
    let metrics = (0..count).map(|sample| {
        let first = sample * labels.len();
        let pairs = labels.iter().map(|&(label, name)| pair(name, samples.value(first + label)));
        let mut metric = proto::Metric::from_label(pairs.collect());
        match family.kind {
            Kind::Counter => {
                let mut counter = proto::Counter::default();
                counter.set_value(samples.numbers[sample]);
                metric.set_counter(counter);
            }
            Kind::Gauge => {
                let mut gauge = proto::Gauge::default();
                gauge.set_value(samples.numbers[sample]);
                metric.set_gauge(gauge);
            }
            Kind::Histogram => metric.set_histogram(histogram(&samples.histograms[sample])),
        }
        metric
    });
    let mut encoded = proto::MetricFamily::default();
    encoded.set_name(family.name.to_owned());
    encoded.set_help(family.help.to_owned());
    encoded.set_field_type(match family.kind {
        Kind::Counter => proto::MetricType::COUNTER,
        Kind::Gauge => proto::MetricType::GAUGE,
        Kind::Histogram => proto::MetricType::HISTOGRAM,
    });
    encoded.set_metric(metrics.collect());
    encoded
}

fn pair(name: &str, value: &str) -> proto::LabelPair {
    let mut pair = proto::LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

fn histogram(times: &Buckets) -> proto::Histogram {
    let buckets = times.cumulative.iter().map(|&(bound, count)| {
        let mut bucket = proto::Bucket::default();
        bucket.set_upper_bound(bound);
        bucket.set_cumulative_count(count);
        bucket
    });
    let mut histogram = proto::Histogram::default();
    histogram.set_sample_count(times.count);
    histogram.set_sample_sum(times.sum_seconds);
    histogram.set_bucket(buckets.collect());
    histogram
}
