//! A site with one mail host, minute by minute: what comes in, what goes out, what waits, and what the exporter says of it.

use std::collections::{BTreeMap, VecDeque};

use fastrand::Rng;

use super::calendar::{DAY, busy, mailing, planned, returns};
use super::delays::Delays;
use super::host::{self, Host};
use super::series::Page;
use super::trouble::Trouble;

/// Minutes after which a message that nobody tried counts as stuck.
const STUCK: usize = 10;

/// A channel that delivers.
#[derive(Debug)]
struct Channel {
    name: &'static str,
    /// Its label alone.
    labels: &'static str,
    /// Recipients that it tries in a minute at most.
    capacity: u64,
    /// The share of first attempts that fails.
    fails: f64,
    /// What nobody has tried: since when, and how many.
    untried: VecDeque<(usize, u64)>,
    /// What waits for another attempt.
    deferred: u64,
    /// How many waited in each of the last minutes.
    waited: VecDeque<u64>,
    /// Failures of each of the last five minutes.
    failed: VecDeque<u64>,
    /// How long those that it is rid of waited.
    delays: Delays,
    held: u64,
}

impl Channel {
    fn new(name: &'static str, labels: &'static str, capacity: u64, fails: f64, deferred: u64) -> Self {
        let (untried, waited, failed) = <(VecDeque<_>, VecDeque<_>, VecDeque<_>)>::default();
        let delays = Delays::new(name);
        Self { name, labels, capacity, fails, untried, deferred, waited, failed, delays, held: 0 }
    }

    fn waiting(&self) -> u64 {
        self.untried.iter().map(|&(_, count)| count).sum::<u64>() + self.deferred
    }

    fn stuck(&self, minute: usize) -> u64 {
        self.untried.iter().filter(|(since, _)| minute - since > STUCK).map(|&(_, count)| count).sum()
    }

    /// Takes so many of those that wait longest, and says how many of which minute they are.
    fn take(&mut self, most: u64) -> Vec<(usize, u64)> {
        let (mut left, mut taken) = (most, Vec::new());
        while let Some((since, count)) = self.untried.front_mut() {
            let now = (*count).min(left);
            *count -= now;
            left -= now;
            taken.push((*since, now));
            if *count > 0 {
                break;
            }
            self.untried.pop_front();
        }
        taken
    }

    /// Is rid of so many of those that it took, and of so many that it tried again, about an hour after they came.
    fn rid(&mut self, minute: usize, taken: Vec<(usize, u64)>, mut fresh: u64, again: u64) {
        for (since, count) in taken {
            let now = count.min(fresh);
            fresh -= now;
            self.delays.waited(minute - since, now);
        }
        self.delays.waited(90, again);
    }
}

/// Those that deliver.
pub const CHANNELS: [&str; 4] = ["tcp_local", "ims-ms", "conversion", "process"];

/// Two channels at a time of these and of those that mail comes in by; each beside one that is never silent.
pub const PAIRS: [&[&str]; 4] = [
    &["tcp_local", "ims-ms"],
    &["conversion", "process"],
    &["tcp_submit", "tcp_auth"],
    &["tcp_submit", "tcp_intranet"],
];

/// The site.
#[derive(Debug)]
pub struct Site {
    rng: Rng,
    channels: [Channel; 4],
    host: Host,
    /// Counters by metric and labels.
    totals: BTreeMap<(&'static str, &'static str), u64>,
}

/// About so many: whole, and never far off.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and not negative")]
fn about(rng: &mut Rng, mean: f64) -> u64 {
    let spread = mean.sqrt() * (rng.f64() + rng.f64() + rng.f64() - 1.5) * 2.0;
    (mean + spread + rng.f64() - 0.5).round().max(0.0) as u64
}

#[expect(clippy::cast_precision_loss, reason = "counts")]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}

impl Site {
    /// At its first minute; the seed says what happens by chance.
    pub fn new(seed: u64, begins: usize) -> Self {
        let channels = [
            Channel::new("tcp_local", "channel=\"tcp_local\"", 160, 0.03, 60),
            Channel::new("ims-ms", "channel=\"ims-ms\"", 600, 0.003, 25),
            Channel::new("conversion", "channel=\"conversion\"", 600, 0.0, 0),
            Channel::new("process", "channel=\"process\"", 600, 0.0, 0),
        ];
        Self { rng: Rng::with_seed(seed), channels, host: Host::new(begins), totals: BTreeMap::new() }
    }

    /// Lives through a minute and writes down what the exporter says at its end.
    pub fn minute(&mut self, minute: usize, trouble: &Trouble, page: &mut impl Page) {
        let mut trouble = trouble.clone();
        planned(minute, &mut trouble);
        let accepts = !trouble.dispatcher_down && !trouble.no_banner;
        if accepts {
            self.accept(minute, &trouble);
        }
        for at in 0..self.channels.len() {
            self.deliver(at, minute, &trouble);
        }
        self.host.live(minute, &trouble, &mut self.rng);
        if trouble.exporter_down {
            page.put("up", "", 0.0);
            return;
        }
        page.put("up", "", 1.0);
        for ((metric, labels), &total) in &self.totals {
            page.put(metric, labels, number(total));
        }
        for at in 0..self.channels.len() {
            self.show_channel(at, minute, &trouble, page);
        }
        self.host.show(&trouble, &mut self.rng, page);
    }

    /// `metric` of `labels` is more by so many, unless nothing is logged.
    fn count(&mut self, trouble: &Trouble, metric: &'static str, labels: &'static str, more: u64) {
        let total = self.totals.entry((metric, labels)).or_default();
        if !trouble.log_off {
            *total += more;
        }
    }

    /// What comes in: from outside for the store, from within for outside.
    fn accept(&mut self, minute: usize, trouble: &Trouble) {
        let busy = busy(minute);
        let rng = &mut self.rng;
        let (inbound, outbound) = (about(rng, 5.0 + 90.0 * busy), about(rng, 2.0 + 50.0 * busy));
        let mailing = about(rng, mailing(minute) + trouble.mailing);
        let flood = about(rng, trouble.flood);
        let notices = if returns(minute) { 40 } else { about(rng, 0.4) };
        let connections = about(rng, 8.0 + 110.0 * busy) + about(rng, trouble.connections);
        let (relayed, guessed) = (about(rng, 0.8 + trouble.relaying), about(rng, 0.7 + trouble.guesses));
        let logins = about(rng, 1.0 + 20.0 * busy);
        let by_conversion = inbound / 5;
        for (at, labels, count) in [
            (0, "source_channel=\"tcp_submit\",destination_channel=\"tcp_local\"", outbound + flood),
            (0, "source_channel=\"tcp_intranet\",destination_channel=\"tcp_local\"", mailing),
            (1, "source_channel=\"tcp_local\",destination_channel=\"ims-ms\"", inbound - by_conversion),
            (1, "source_channel=\"conversion\",destination_channel=\"ims-ms\"", by_conversion),
            (2, "source_channel=\"tcp_local\",destination_channel=\"conversion\"", by_conversion),
            (3, "source_channel=\"tcp_local\",destination_channel=\"process\"", notices),
        ] {
            self.count(trouble, "imsimta_enqueued_recipients_total", labels, count);
            if count > 0 {
                self.channels[at].untried.push_back((minute, count));
            }
        }
        let opened = "imsimta_connections_opened_total";
        self.count(trouble, opened, "channel=\"tcp_local\",direction=\"in\"", connections);
        self.count(trouble, opened, "channel=\"tcp_local\",direction=\"out\"", outbound);
        let rejected = "imsimta_enqueue_rejections_total";
        self.count(trouble, rejected, "channel=\"tcp_local\",reason=\"relay_denied\"", relayed);
        self.count(trouble, rejected, "channel=\"tcp_local\",reason=\"user_unknown\"", inbound / 20);
        let failed = "imsimta_authentication_failures_total";
        self.count(trouble, failed, "channel=\"tcp_submit\",reason=\"bad_password\"", guessed);
        let all = "imsimta_authentications_total";
        self.count(trouble, all, "channel=\"tcp_submit\",result=\"success\"", logins);
        self.count(trouble, all, "channel=\"tcp_submit\",result=\"failure\"", guessed);
        self.host.accepted(connections, logins + flood);
    }

    /// What a channel tries, and what comes of it.
    fn deliver(&mut self, at: usize, minute: usize, trouble: &Trouble) {
        let name = self.channels[at].name;
        let idle = trouble.idle == Some(name) || trouble.job_controller_down;
        let channel = &mut self.channels[at];
        let rng = &mut self.rng;
        let taken = channel.take(if idle { 0 } else { channel.capacity });
        let fresh: u64 = taken.iter().map(|&(_, count)| count).sum();
        let again = if idle { 0 } else { about(rng, number(channel.deferred) / 60.0).min(channel.deferred) };
        let (share, reason) = match trouble.failing {
            Some((of, share, reason)) if of == name => (share, reason),
            _ => (channel.fails, ""),
        };
        let failed = about(rng, number(fresh) * share).min(fresh);
        let failed_again = about(rng, number(again) * share.max(0.5)).min(again);
        // A quarter of what fails on a normal day fails for good.
        let bounced = if reason.is_empty() { failed / 4 + failed_again / 3 } else { 0 };
        let listed = if at == 0 { trouble.bounces } else { 0.0 };
        let bounced = bounced.max(about(rng, number(fresh - failed) * listed).min(fresh - failed));
        let all_failed = (failed + failed_again).max(bounced);
        channel.deferred = (channel.deferred - again) + all_failed - bounced;
        if !trouble.log_off {
            channel.rid(minute, taken, fresh.saturating_sub(all_failed - bounced), again - failed_again);
        }
        channel.failed.push_back(all_failed);
        channel.failed.drain(..channel.failed.len().saturating_sub(5));
        let waiting = channel.waiting();
        channel.waited.push_back(waiting);
        channel.waited.drain(..channel.waited.len().saturating_sub(16));
        channel.held += if at == 0 { about(rng, trouble.held) } else { 0 };
        // What nobody took for days goes back.
        let expired = if returns(minute) { channel.deferred / 4 } else { 0 };
        channel.deferred -= expired;
        let (tried, gone, labels) = (fresh + again, fresh + again - all_failed, channel.labels);
        self.count(trouble, "imsimta_delivery_attempts_total", labels, tried);
        self.count(trouble, "imsimta_dequeued_recipients_total", labels, gone);
        for (labels, more) in failures(name, reason, all_failed - bounced, bounced) {
            self.count(trouble, "imsimta_delivery_failures_total", labels, more);
        }
        if name == "tcp_local" {
            self.count(trouble, "imsimta_delivery_failures_total", EXPIRED, expired);
        }
        if name == "tcp_local" {
            self.fail_at_domains(trouble, all_failed);
        }
    }

    /// One domain of eight has an eighth of the failures, or nearly all.
    fn fail_at_domains(&mut self, trouble: &Trouble, failed: u64) {
        const DOMAINS: [&str; 8] = [
            "domain=\"a.example\",outcome=\"deferred\"",
            "domain=\"b.example\",outcome=\"deferred\"",
            "domain=\"c.example\",outcome=\"deferred\"",
            "domain=\"d.example\",outcome=\"deferred\"",
            "domain=\"e.example\",outcome=\"deferred\"",
            "domain=\"f.example\",outcome=\"deferred\"",
            "domain=\"g.example\",outcome=\"deferred\"",
            "domain=\"other\",outcome=\"deferred\"",
        ];
        for _ in 0..failed {
            let one = trouble.one_domain && self.rng.f64() < 0.92;
            let domain = if one { 0 } else { self.rng.usize(..DOMAINS.len()) };
            self.count(trouble, "imsimta_destination_failures_total", DOMAINS[domain], 1);
        }
    }

    fn show_channel(&mut self, at: usize, minute: usize, trouble: &Trouble, page: &mut impl Page) {
        let channel = &self.channels[at];
        let labels = channel.labels;
        let recent: u64 = channel.failed.iter().sum();
        if at == 0 {
            let share = if trouble.one_domain { 0.94 } else { 0.15 + 0.25 * self.rng.f64() };
            let share = (share * 100.0).round() / 100.0;
            page.put("imsimta_delivery_top_domain_failure_ratio", labels, share);
            page.put("imsimta_delivery_domains", labels, (20.0 + 200.0 * busy(minute)).round());
            page.put("imsimta_delivery_worst_domain_failures", labels, (number(recent) * share).round());
            page.put(
                "imsimta_delivery_worst_domain_attempts",
                labels,
                (number(recent) * share * 1.3).round(),
            );
        } else {
            page.put("imsimta_delivery_domains", labels, 1.0);
        }
        channel.delays.show(labels, page);
        if trouble.queue_lost {
            return;
        }
        let waiting = channel.waiting();
        let stuck = channel.stuck(minute);
        page.put("imsimta_queue_messages", labels, number(waiting));
        page.put("imsimta_queue_stuck_messages", labels, number(stuck));
        page.put("imsimta_queue_other_files", labels, 1.0);
        page.put("imsimta_queue_channel_success", labels, 1.0);
        let before = channel.waited.front().copied().unwrap_or(waiting);
        page.put("imsimta_queue_growth_messages", labels, number(waiting) - number(before));
        if waiting > 0 {
            let age = match at {
                0 => 2 * DAY,
                1 => 3 * DAY,
                _ => channel.untried.front().map_or(0, |(since, _)| minute - since),
            };
            let since = self.host.time(minute) - number(age as u64) * 60.0;
            page.put("imsimta_queue_oldest_message_timestamp_seconds", labels, since);
        }
        host::show_ages(at, stuck, page);
        host::show_held(at, channel.held, page);
        let stopped = trouble.stopped && trouble.idle == Some(channel.name);
        page.put("imsimta_channel_stopped", labels, f64::from(u8::from(stopped)));
    }
}

/// What the return job gives back.
const EXPIRED: &str = "channel=\"tcp_local\",reason=\"expired\",outcome=\"rejected\"";

/// The failures of a channel by reason, with the labels of their series.
fn failures(channel: &str, reason: &str, deferred: u64, bounced: u64) -> Vec<(&'static str, u64)> {
    let (busy, refused) = (deferred / 2, deferred - deferred / 2);
    match (channel, reason) {
        ("tcp_local", "") => vec![
            ("channel=\"tcp_local\",reason=\"conn_timeout\",outcome=\"deferred\"", busy),
            ("channel=\"tcp_local\",reason=\"remote_4xx\",outcome=\"deferred\"", refused),
            ("channel=\"tcp_local\",reason=\"user_unknown\",outcome=\"rejected\"", bounced),
        ],
        ("ims-ms", "") => vec![
            ("channel=\"ims-ms\",reason=\"over_quota\",outcome=\"deferred\"", deferred),
            ("channel=\"ims-ms\",reason=\"over_quota\",outcome=\"rejected\"", bounced),
        ],
        (_, "") => Vec::new(),
        ("tcp_local", "dns_temporary") => {
            vec![("channel=\"tcp_local\",reason=\"dns_temporary\",outcome=\"deferred\"", deferred)]
        }
        ("tcp_local", "conn_timeout") => {
            vec![("channel=\"tcp_local\",reason=\"conn_timeout\",outcome=\"deferred\"", deferred)]
        }
        ("ims-ms", "conn_refused") => {
            vec![("channel=\"ims-ms\",reason=\"conn_refused\",outcome=\"deferred\"", deferred)]
        }
        ("ims-ms", "mailbox_busy") => {
            vec![("channel=\"ims-ms\",reason=\"mailbox_busy\",outcome=\"deferred\"", deferred)]
        }
        // Not the mixture of a normal day: what is wrong is to be told as what it is.
        (channel, reason) => panic!("{channel} {reason}: a failure without a series"),
    }
}

/// What is wrong is told as that, and by nothing else that fails for other reasons.
#[test]
fn a_trouble_fails_for_its_reason() {
    for (channel, reason) in [
        ("tcp_local", "dns_temporary"),
        ("tcp_local", "conn_timeout"),
        ("ims-ms", "conn_refused"),
        ("ims-ms", "mailbox_busy"),
    ] {
        let labels = format!("channel=\"{channel}\",reason=\"{reason}\",outcome=\"deferred\"");
        let failed: Vec<_> = failures(channel, reason, 7, 0);
        assert_eq!(failed, [(labels.as_str(), 7)]);
    }
}
