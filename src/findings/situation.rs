//! What is known now, as plain data for the rules: what the sources last found, and what the logs say
//! about the last minutes. What is not known is absent.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use super::alert_of::Labels;
use super::measure::channels::LastWeek;
use super::measure::{MEASURES, Measure};
use super::share;
use super::source::{Source, Sources};
use crate::aggregate::baseline::{Band, Latest};
use crate::aggregate::daemon_log::Events;
use crate::aggregate::destination::Worst;
use crate::aggregate::histogram::DELAY_BOUNDS;
use crate::aggregate::recent::{Before, ChannelActivity, ENDS, Judged};
use crate::record::reason::Reason;

/// All of it.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Situation {
    /// Whether the MTA's data is on this host.
    pub active: Option<bool>,
    /// What the logs say; absent until they are caught up with.
    pub logs: Option<Logs>,
    /// By channel name.
    pub channels: BTreeMap<String, Channel>,
    /// Whether the queue has been counted.
    pub queue_known: bool,
    /// How the queue was counted.
    pub scan: Scan,
    /// How many of each process run; absent where that is not known.
    pub processes: Option<BTreeMap<String, u64>>,
    /// Servers of the Dispatcher that are older than it lets them get, where there are any.
    pub overaged: BTreeMap<String, u64>,
    /// What the ports that are looked at from outside showed.
    pub ports: BTreeMap<u16, Port>,
    /// Sources that cannot be read: the collector and why.
    pub unread: Vec<Unread>,
    /// What daemons said of errors in the last minutes; absent where nothing is known of it.
    pub daemon_events: Option<Events>,
    /// File systems by what lies on them.
    pub filesystems: BTreeMap<&'static str, FileSystem>,
    /// Logs that grow until somebody deletes them.
    pub cumulative_logs: BTreeMap<String, CumulativeLog>,
    /// Critical files with something wrong.
    pub wrong_files: Vec<WrongFiles>,
    /// What has an older configuration than there is.
    pub stale: Vec<Stale>,
    /// For how many seconds logs have been written to without being renamed.
    pub unrotated: BTreeMap<String, f64>,
    /// Services of the Dispatcher whose connections are known.
    pub services: Vec<ServiceUse>,
    /// Domains that failed in the last five minutes, whatever the channel.
    pub failing_domains: u64,
    /// Alerts that ring, or are to, by name and channel, where they go on by less than they begin with.
    pub ringing: BTreeSet<(&'static str, String)>,
    /// What is usual, where it was learned.
    pub usual: Usual,
    /// What happened lately that no table tells.
    pub lately: Lately,
    /// Ports of the MTA: half-open connections, and those that are established.
    pub half_open: BTreeMap<u16, (u64, u64)>,
    /// What is compared with what is usual, by the order of measures; absent where it is not known.
    pub compared: [Option<Compared>; MEASURES],
    /// Connections that found a listen queue full in `listen_window`.
    pub listen_overflows: u64,
    /// Recipients that were enqueued in `abuse_window`.
    pub enqueued_lately: u64,
    /// Authentications in it.
    pub authentications_lately: u64,
    /// Why the state cannot be saved.
    pub state_problem: Option<String>,
    /// Who cannot be told of alerts.
    pub untold: Vec<Untold>,
    /// What could be looked at: of what is in these sources, what is absent is not there.
    pub known: Sources,
    /// Collectors that have not run yet.
    pub waits_for: Vec<&'static str>,
}

/// Without these two nothing works, and there is to be one of each.
pub const NEEDED: [&str; 2] = ["job_controller", "dispatcher"];

/// Tables that have room for all that a site has: where one has not, its lines are not what they seem.
pub const CAPPED: [&str; 3] = ["channels", "channel_pairs", "connections"];

/// What is usual at this time of the week, by channel.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Usual {
    /// Messages waiting.
    pub queue: BTreeMap<String, Band>,
    /// Recipients that came in.
    pub enqueues: BTreeMap<String, Enqueues>,
}

/// What came in through a channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Enqueues {
    /// The last five minutes.
    pub latest: Latest,
    /// What was mostly there in five minutes since `traffic_window` ago, at least.
    pub steady: f64,
}

/// How the queue was counted.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Scan {
    /// How many directories of channels there are; absent where nobody could look.
    pub directories: Option<u64>,
    /// Whether the last scan ran out of time.
    pub partial: bool,
    /// Channels whose directories cannot be read, and why, where that is known.
    pub unreadable: BTreeMap<String, Option<String>>,
}

/// The file system of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct FileSystem {
    /// Which it is: directories with the same number share one.
    pub device: u64,
    /// The share of its size that is free; absent where it has none.
    pub free: Option<f64>,
    /// The same of its inodes.
    pub files_free: Option<f64>,
    /// Bytes that the MTA may still write.
    pub avail_bytes: u64,
    /// What will be free of its space and of its inodes.
    pub ahead: [Ahead; 2],
}

impl FileSystem {
    /// Of space and of inodes: the share that is free.
    pub fn shares(&self) -> [Option<f64>; 2] {
        [self.free, self.files_free]
    }
}

/// What will be free, as shares, if it goes on so; below 0 it will have been full before.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Ahead {
    /// In `filling_ahead`, as `filling_window` says; absent where that is not known, or much is free.
    pub of_hours: Option<f64>,
    /// In `filling_ahead_critical`, as the last `filling_window_critical` says, and as long before.
    pub of_minutes: [Option<f64>; 2],
}

/// The connections of a service of the Dispatcher.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ServiceUse {
    /// Its name.
    pub name: String,
    /// Connections open, those that wait for a server process among them.
    pub used: u64,
    /// How many the Dispatcher takes at once; absent where that is not clear.
    pub limit: Option<u64>,
}

/// A log that the return job appends to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CumulativeLog {
    /// Bytes.
    pub size: u64,
    /// By how many bytes it is larger than a day ago; absent until that is known.
    pub growth: Option<i64>,
}

/// Critical files of one kind with the same thing wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongFiles {
    /// What they are, as the label `path` has it.
    pub path: &'static str,
    /// What is wrong, as the label `what` has it.
    pub what: &'static str,
    /// How many.
    pub count: u64,
    /// One of them.
    pub example: PathBuf,
    /// Whose they have to be.
    pub user: String,
}

/// What has an older configuration than there is.
#[derive(Clone, Debug, PartialEq)]
pub struct Stale {
    /// What it is, as the label `what` has it.
    pub what: &'static str,
    /// The file that was changed.
    pub file: String,
    /// How many seconds ago.
    pub ago: f64,
    /// Whether that holds the options of the whole product.
    pub unified: bool,
}

/// What a port shows to a client.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Port {
    /// Seconds until its banner was there; absent where none came.
    pub banner: Option<f64>,
    /// Why none came, for people.
    pub failure: Option<String>,
    /// At how many looks in a row.
    pub failures: u64,
}

/// The collector that counts the queue.
pub const QUEUE: &str = "queue";

/// A source that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The collector.
    pub collector: &'static str,
    /// What it reads, as a sentence calls it: *the* … cannot be read.
    pub called: &'static str,
    /// Whether nobody can say without it if mail flows.
    pub needed: bool,
    /// Why, for people.
    pub problem: String,
    /// Whether some of it can be read all the same.
    pub partly: bool,
}

/// A receiver of alerts that cannot be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untold {
    /// Its name, which is no secret.
    pub receiver: String,
    /// For how long.
    pub lasts: Duration,
    /// Why, for people.
    pub problem: String,
}

/// What the logs say about all channels.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Logs {
    /// Seconds since the newest entry; absent without one.
    pub last_entry: Option<f64>,
    /// Seconds until now of which all is known that they say; absent where that is not known.
    pub known_for: Option<f64>,
    /// A log, and how the times of its entries differ from the clock, where the time zone may be why.
    pub zone_question: Option<(String, String)>,
}

/// A number and what is usual of it on this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Compared {
    /// What it is.
    pub now: u64,
    /// What is usual; absent where that is not known.
    pub usual: Option<u64>,
    /// The most in the same hours last week; absent where that is not known.
    pub last_week: Option<u64>,
}

/// What happened in the last minutes, as far as somebody looked.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Lately {
    /// Changes of the queue in a time in which nothing was logged; absent where something was, or nobody looked all that time.
    pub unlogged_changes: Option<u64>,
    /// By log: lines that were not understood, and all.
    pub lines: Vec<(String, u64, u64)>,
    /// How often the state could not be saved.
    pub save_failures: u64,
    /// Logs that are behind, and by how many seconds.
    pub lagging: Vec<(String, f64)>,
    /// How often each of [`NEEDED`] was started, in `starts_window`.
    pub starts: [u64; NEEDED.len()],
    /// By port: how full its listen queue was at most in `listen_window`, as a share.
    pub listen_queues: BTreeMap<u16, f64>,
    /// Entries for which the tables of [`CAPPED`] had no room, in `labels_window`.
    pub capped: [u64; CAPPED.len()],
    /// Where lines may have been lost in `loss_window`: the log, or nothing for the saved state.
    pub losses: Vec<Option<String>>,
}

/// One channel.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Channel {
    /// What it did; absent until the logs are caught up with, and where they do not name it.
    pub traffic: Option<Traffic>,
    /// What waits in it; absent where that could not be counted.
    pub queue: Option<Waiting>,
    /// Whether it was stopped by hand; absent where nobody was asked.
    pub stopped: Option<bool>,
}

/// What a channel did in the last minutes.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Traffic {
    /// In the last five minutes.
    pub window: ChannelActivity,
    /// In the last minute.
    pub short: ChannelActivity,
    /// In the time in which failures are a spike, a little less and a little more.
    pub spike: [ChannelActivity; 2],
    /// The newest attempts of that time.
    pub spike_ends: [Judged; ENDS],
    /// The same as `spike` in the time that the rules have, where that is longer.
    pub scraped_spike: Option<[ChannelActivity; 2]>,
    /// In the quarter of an hour, and in the hour, before the last five minutes.
    pub before: [Before; 2],
    /// Seconds since it last tried to deliver; absent when it never did.
    pub last_attempt: Option<f64>,
    /// Recipients that were enqueued for it since.
    pub enqueued_since: u64,
    /// Distinct domains tried in the last hour; 0 where nothing failed.
    pub domains: u64,
    /// The most that it had in any hour of the last day.
    pub domains_of_day: u64,
    /// Domains that failed in the last five minutes.
    pub failing_domains: u64,
    /// The worst domain's share of the failures of the last five minutes.
    pub worst_domain_share: f64,
    /// What the worst domain did in them.
    pub worst_domain: Worst,
    /// Recipients delivered in the last hour; absent where not all of it is known.
    pub delivered_in_hour: Option<u64>,
    /// What it did in `traffic_window`.
    pub quarter: Quarter,
    /// Whether a failure spike of it rang in that time.
    pub spiked: bool,
}

/// What a channel did in a quarter of an hour, and what was usual.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Quarter {
    /// Recipients that came in through the channel.
    pub enqueued: u64,
    /// Recipients delivered or handed on.
    pub delivered: u64,
    /// Recipients that failed, but for what everybody meets.
    pub failing: u64,
    /// For which reason mostly.
    pub mostly: Option<Reason>,
    /// The mean share of the failures that went to the one worst domain.
    pub worst_share: f64,
    /// Recipients that were rejected for good, but for those that the return job found to be too old.
    pub rejected: u64,
    /// For which reason mostly.
    pub rejected_mostly: Option<Reason>,
    /// How many are usual; absent where that is not known.
    pub rejected_usually: Option<u64>,
    /// Recipients by how long they waited, in the buckets of [`DELAY_BOUNDS`].
    pub delays: [u64; DELAY_BOUNDS.len() + 1],
    /// The same hours last week.
    pub last_week: LastWeek,
}

impl Quarter {
    /// The share of the attempts that failed; nothing where fewer than `at_least` were made.
    pub fn failing_share(&self, at_least: u64) -> Option<f64> {
        let judged = self.delivered + self.failing;
        (judged >= at_least.max(1)).then(|| share(self.failing, judged))
    }

    /// How long such a share of the recipients waited at most, in seconds, as the function `histogram_quantile` of Prometheus has
    /// it; nothing where fewer than `at_least` are known.
    pub fn delay(&self, quantile: f64, at_least: u64) -> Option<f64> {
        let all: u64 = self.delays.iter().sum();
        #[expect(clippy::cast_precision_loss, reason = "a quantile of counts needs no 53 bits")]
        let (rank, count) = (quantile * all as f64, |count: u64| count as f64);
        let (mut below, mut lower) = (0.0, 0.0);
        for (&bound, &bucket) in DELAY_BOUNDS.iter().zip(&self.delays) {
            let (upper, here) = (f64::from(bound), count(bucket));
            if here > 0.0 && below + here >= rank {
                lower += (upper - lower) * (rank - below) / here;
                break;
            }
            (below, lower) = (below + here, upper);
        }
        (all >= at_least.max(1)).then_some(lower)
    }
}

/// What waits in a channel.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Waiting {
    /// Messages for delivery.
    pub messages: u64,
    /// Seconds for which the oldest has waited.
    pub oldest: Option<f64>,
    /// Messages that nobody has tried for longer than `queue.stuck_after`.
    pub never_tried: u64,
    /// Messages that have waited for five minutes to an hour.
    pub new: u64,
    /// Recipients that the channel delivered in `store_window`; absent where not all of that is known, or few new messages wait.
    pub delivered_in_hour: Option<u64>,
    /// Files that are no messages by their names.
    pub other_files: u64,
    /// Recipients that the channel delivered in `undelivered_window`, and in the hour before; absent where not all of that is
    /// known, or few new messages wait.
    pub delivered: Option<(u64, u64)>,
    /// Held messages.
    pub held: u64,
    /// Those of them that go around in a loop.
    pub loops: u64,
    /// Messages more than 15 minutes ago.
    pub growth: Option<i64>,
    /// Held messages more than 10 minutes ago, or than were there at first where less is known.
    pub held_growth: Option<i64>,
}

impl Channel {
    /// Whether anything is known to be there: the MTA makes directories for channels that it never uses.
    pub fn is_in_use(&self) -> bool {
        self.traffic.as_ref().is_some_and(|traffic| *traffic != Traffic::default())
            || self.queue.is_some_and(|queue| queue.messages + queue.held > 0)
    }
}

impl Situation {
    /// Whether what has these labels could be looked at in these sources.
    pub fn sees(&self, sources: Sources, labels: &Labels) -> bool {
        let channel = labels.get("channel").and_then(|name| self.channels.get(name));
        let waits =
            labels.get("collector").is_some_and(|name| self.waits_for.iter().any(|waits| waits == name));
        let counted = |channel: &Channel| channel.queue.is_some();
        // A channel that could not be counted is missing from a queue that could be, in part.
        let uncounted = || self.is_partly_unread(QUEUE) && !channel.is_some_and(counted);
        let unasked = || channel.is_some_and(|channel| channel.stopped.is_none());
        self.known.has_all(sources)
            && !waits
            && !(sources.has(Source::Queue) && labels.contains_key("channel") && uncounted())
            && !(sources.has(Source::Commands) && unasked())
    }

    /// A number and what is usual of it.
    pub fn compared(&self, measure: Measure) -> Option<&Compared> {
        self.compared[measure as usize].as_ref()
    }

    /// Whether an alert about a channel rings.
    pub fn rings(&self, alert: &'static str, channel: &str) -> bool {
        self.ringing.contains(&(alert, channel.to_owned()))
    }

    fn is_partly_unread(&self, collector: &str) -> bool {
        self.unread.iter().any(|unread| unread.collector == collector)
    }

    /// What a channel did, where the logs say it.
    pub fn traffic(&self) -> impl Iterator<Item = (&str, &Traffic)> {
        self.channels.iter().filter_map(|(name, channel)| Some((name.as_str(), channel.traffic.as_ref()?)))
    }

    /// What waits, where it could be counted.
    pub fn waiting(&self) -> impl Iterator<Item = (&str, &Waiting)> {
        self.channels.iter().filter_map(|(name, channel)| Some((name.as_str(), channel.queue.as_ref()?)))
    }
}
