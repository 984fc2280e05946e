//! From when on the entries make the page about failures true, to the second: what no look and no scrape can be earlier than.

use std::collections::{BTreeMap, VecDeque};

use imsimta_exporter::findings::Thresholds;

/// An attempt to deliver.
#[derive(Clone, Debug)]
pub struct Tried {
    /// Milliseconds of the calendar.
    pub at: i64,
    pub channel: String,
    pub fails: bool,
}

/// The expressions of the rule, over entries.
#[derive(Debug, Default)]
pub struct Truth {
    channels: BTreeMap<String, Channel>,
}

#[derive(Debug, Default)]
struct Channel {
    tried: VecDeque<(i64, bool)>,
    holds: bool,
    /// The seconds at which it became true.
    since: Vec<usize>,
}

/// What is judged in five minutes.
const MINUTES: i64 = 300;

impl Truth {
    /// Takes the attempts of a minute.
    pub fn take(&mut self, mut tried: Vec<Tried>, limits: &Thresholds) {
        let seconds = |time: std::time::Duration| i64::try_from(time.as_secs()).expect("seconds");
        let expressions = [
            (seconds(limits.spike_window), limits.attempts, limits.failing_share),
            (seconds(limits.scraped_spike_window), limits.attempts, limits.failing_share),
            (MINUTES, limits.small_attempts, limits.small_share),
        ];
        tried.sort_by_key(|tried| tried.at);
        for Tried { at, channel, fails } in tried {
            let of = self.channels.entry(channel).or_default();
            of.tried.push_back((at, fails));
            while of.tried.pop_front_if(|(then, _)| *then <= at - MINUTES * 1000).is_some() {}
            // Only a failure makes it true.
            let holds =
                if fails { of.holds(at, &expressions) } else { of.holds && of.holds(at, &expressions) };
            if holds && !of.holds {
                of.since.push(usize::try_from(at / 1000).expect("seconds of weeks"));
            }
            of.holds = holds;
        }
    }

    /// When it first became true in a channel from a second on.
    pub fn first(&self, channel: &str, from: usize) -> Option<usize> {
        self.channels.get(channel)?.since.iter().copied().find(|&since| since >= from)
    }
}

impl Channel {
    fn holds(&self, now: i64, expressions: &[(i64, u64, f64)]) -> bool {
        expressions.iter().any(|&(seconds, attempts, share)| {
            let within = self.tried.iter().rev().take_while(|(at, _)| *at > now - seconds * 1000);
            let (all, failing) = within
                .fold((0_u32, 0_u32), |(all, failing), (_, fails)| (all + 1, failing + u32::from(*fails)));
            u64::from(all) >= attempts && f64::from(failing) >= share * f64::from(all)
        })
    }
}
