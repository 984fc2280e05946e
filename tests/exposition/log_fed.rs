//! The counters and histograms that logs feed: the same lines give the same of them, whoever read them and when.

use std::collections::BTreeMap;

use imsimta_exporter::metrics::catalogue::{Feed, Kind, METRICS};

use crate::exposition::samples;

/// The names of the samples of every log-fed counter and histogram.
pub fn log_fed_names() -> Vec<String> {
    let fed = METRICS.iter().filter(|metric| metric.feed == Feed::Logs);
    let names = fed.flat_map(|metric| {
        let suffixes: &[&str] = match metric.kind {
            Kind::Counter => &[""],
            Kind::Gauge => &[],
            Kind::Histogram => &["_bucket", "_count", "_sum"],
        };
        suffixes.iter().map(|suffix| format!("{}{suffix}", metric.name))
    });
    names.collect()
}

/// The series of a page that are fed by logs and only grow.
pub fn log_fed(page: &str) -> BTreeMap<String, f64> {
    let names = log_fed_names();
    let fed = samples(page).filter(|sample| names.iter().any(|fed| fed == sample.name));
    fed.map(|sample| (sample.series.to_owned(), sample.value)).collect()
}
