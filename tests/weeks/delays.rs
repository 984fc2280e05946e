//! How long the recipients of a channel waited until they were delivered or rejected, as the exporter's histogram says it.

use super::series::Page;
use super::site::number;

/// Some of its bounds, in minutes.
const BOUNDS: [usize; 7] = [1, 5, 15, 60, 240, 720, usize::MAX];

/// Those of a channel.
#[derive(Debug)]
pub struct Delays {
    counts: [u64; BOUNDS.len()],
    labels: [&'static str; BOUNDS.len()],
}

impl Delays {
    pub fn new(channel: &str) -> Self {
        let labels = BOUNDS.map(|minutes| {
            let bound = if minutes == usize::MAX { "+Inf".to_owned() } else { (minutes * 60).to_string() };
            let labels: &'static str = format!("channel=\"{channel}\",le=\"{bound}\"").leak();
            labels
        });
        Self { counts: [0; BOUNDS.len()], labels }
    }

    /// So many waited for these minutes.
    pub fn waited(&mut self, minutes: usize, count: u64) {
        let cumulative = BOUNDS.iter().zip(&mut self.counts).filter(|(bound, _)| minutes < **bound);
        cumulative.for_each(|(_, counted)| *counted += count);
    }

    pub fn show(&self, channel: &'static str, page: &mut impl Page) {
        for (labels, &count) in self.labels.iter().zip(&self.counts) {
            page.put("imsimta_queue_delay_seconds_bucket", labels, number(count));
        }
        let all = self.counts[BOUNDS.len() - 1];
        page.put("imsimta_queue_delay_seconds_count", channel, number(all));
    }
}
