//! The exporter beside the site, from second to second: it reads the log, looks around, learns, ticks. No file, no clock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use imsimta_exporter::aggregate::baseline::{Known, Sums};
use imsimta_exporter::aggregate::digest::Batch;
use imsimta_exporter::aggregate::time::UnixTime;
use imsimta_exporter::aggregate::{Aggregate, Totals};
use imsimta_exporter::alerting::Saved;
use imsimta_exporter::alerting::alert::Identity;
use imsimta_exporter::app::alerting::Tick;
use imsimta_exporter::app::collectors::{COLLECTORS, readings};
use imsimta_exporter::config::Config;
use imsimta_exporter::counting::{Carried, LogReader};
use imsimta_exporter::observed::lately::Lately;
use imsimta_exporter::observed::log_book::Following;
use imsimta_exporter::observed::queue::Queue;
use imsimta_exporter::observed::reading::Run;
use imsimta_exporter::observed::{Clock, LogBook, Now, Observed};
use imsimta_exporter::record::Dialect;
use imsimta_exporter::record::Skip;
use imsimta_exporter::record::daemon_log::{DaemonLog, EventClass};
use imsimta_exporter::source::install::Install;
use imsimta_exporter::source::lines::Block;
use imsimta_exporter::source::timezone::LogZone;
use jiff::tz::TimeZone;

use super::entries::{Line, Log};
use super::looks::Site;
use super::shown::{Shown, label};
use super::truth::Truth;
use super::unix_millis;
use crate::weeks::calendar::MINUTE;
use crate::weeks::judge::SEED;
use crate::weeks::promtool::Began;
use crate::weeks::trouble::Trouble;

const LOG: &str = "mail.log_current";
/// Channels that have a directory in the queue.
const CHANNELS: [&str; 5] = ["tcp_local", "ims-ms", "conversion", "process", "hold"];

/// How closely a minute is lived through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Without ticks: what is usual is learned, at the seconds at which [`Exporter`] looks at anything.
    Learns,
    /// Ticks at these seconds. They are less than the five apart in which time counts as seen, so alerts wait and stay as long,
    /// and begin and end three seconds late at most.
    Glances,
    /// A tick each second.
    Watches,
}

/// The exporter, and what it has told.
#[derive(Debug)]
pub struct Exporter {
    observed: Arc<Observed>,
    tick: Tick,
    /// What the site says in this minute.
    pub shown: Shown,
    log: Log,
    /// What is written and not read.
    lines: VecDeque<Line>,
    reader: LogReader,
    batch: Batch,
    other_log: Option<Skip>,
    /// Unix seconds of what promtool calls 0.
    epoch: f64,
    /// Since which second it does not run, and what it left.
    down: Option<(usize, Saved)>,
    firing: BTreeMap<Identity, usize>,
    /// When the entries made the page about failures true.
    pub truth: Truth,
    /// What began to fire.
    pub began: Vec<Began>,
    /// What ended, and after how many seconds.
    pub ended: Vec<(Identity, usize)>,
    changes: u64,
}

fn at(second: usize) -> Now {
    let unix = UnixTime::of(unix_millis(millis(second)));
    Now { monotonic: Duration::from_secs(second as u64), unix, steady_seconds: unix.seconds() }
}

fn millis(second: usize) -> i64 {
    i64::try_from(second).expect("seconds of weeks") * 1000
}

impl Exporter {
    /// At the beginning of a minute, with nothing known.
    pub fn new(minute: usize) -> Self {
        let mut config = Config::default();
        // As often as the rules of these weeks are rendered for.
        config.alerting.scrape_interval = Duration::from_secs(MINUTE as u64);
        let (clock, zone) = (Clock::start(), LogZone::find(Some(&TimeZone::UTC)));
        let install = Install::default();
        let collected = readings(&COLLECTORS, &install, clock);
        let mut aggregate = Aggregate::new(Totals::new(SEED), TimeZone::UTC, config.mta.block_size);
        aggregate.totals.know_channels(&CHANNELS.map(str::to_owned).into());
        let mut book = LogBook::new(aggregate, false);
        book.shown = true;
        book.daemon_events.shown = vec![DaemonLog::Dispatcher, DaemonLog::JobController];
        book.following = vec![Following { log: LOG.to_owned(), lag_bytes: Some(0), ..Following::default() }];
        book.reading.update(Run::Whole(()), at(minute * MINUTE).steady_seconds, 0.1);
        let limits = config.limits();
        let observed = Arc::new(Observed::new(clock, zone, install, limits, collected, book));
        Self {
            tick: Tick::of(Arc::clone(&observed)),
            observed,
            shown: Shown::default(),
            log: Log::new(SEED),
            lines: VecDeque::new(),
            reader: LogReader::new(Dialect::default(), 65_536),
            batch: Batch::default(),
            other_log: None,
            epoch: at(minute * MINUTE).steady_seconds,
            down: None,
            firing: BTreeMap::new(),
            truth: Truth::default(),
            began: Vec::new(),
            ended: Vec::new(),
            changes: 0,
        }
    }

    /// Lives through a minute that the site has shown.
    pub fn minute(&mut self, minute: usize, trouble: &Trouble, pace: Pace) {
        let (begins, ends) = (minute * MINUTE, (minute + 1) * MINUTE);
        if self.shown.get("up", "") == Some(0.0) {
            let saved = || (begins, self.observed.alerts.lock().saved(at(begins).unix));
            self.down.get_or_insert_with(saved);
            return;
        }
        let down = self.down.take();
        let written_since = down.as_ref().map_or(begins, |(since, _)| *since);
        let lines = self.log.of(millis(written_since)..millis(ends), &self.shown, trouble);
        self.lines.extend(lines);
        self.truth.take(std::mem::take(&mut self.log.tried), &self.observed.limits);
        if let Some((_, saved)) = down {
            self.starts_again(&saved, at(begins));
        }
        let is_seen = |second: &usize| pace == Pace::Watches || [1, 4, 7].contains(&(second % 10));
        for second in (begins + 1..=ends).filter(is_seen) {
            self.second(second, pace != Pace::Learns);
        }
    }

    /// After a stop: sums and what is usual are kept, what was looked at lately is not.
    fn starts_again(&mut self, saved: &Saved, now: Now) {
        *self.observed.lately.lock() = Lately::default();
        self.tick = Tick::of(Arc::clone(&self.observed)).going_on(saved.restored(now.unix));
        self.changes = 0;
    }

    fn second(&mut self, second: usize, ticks: bool) {
        let now = at(second);
        self.read(second, now);
        Site { shown: &self.shown, epoch: self.epoch }.look(second, now, &self.observed);
        if second % MINUTE == 21 {
            self.read_daemons(now);
        }
        self.teach(now);
        if ticks {
            self.tick.tick(now);
            self.note(second);
        } else {
            self.observed.look(now);
        }
    }

    /// Reads what was written before this second, as the log thread does.
    fn read(&mut self, second: usize, now: Now) {
        let mut block = Vec::new();
        while let Some(line) = self.lines.pop_front_if(|line| line.at < millis(second)) {
            block.extend_from_slice(&line.text);
        }
        let mut book = self.observed.logs_mut();
        let present = now.read(&mut book.aggregate);
        let LogBook { aggregate, history, .. } = &mut *book;
        let history = history.get_mut();
        if !block.is_empty() {
            let account = aggregate.totals.accounts.index(LOG);
            let inference = aggregate.totals.accounts.inference(account);
            let before = Carried { other_log: self.other_log, inference };
            let digester = aggregate.digester();
            let after = self.reader.digest(&Block::Lines(&block), before, digester, &mut self.batch);
            self.other_log = after.other_log;
            aggregate.apply(account, &self.batch, Some(present));
            history.count(account, &self.batch, aggregate, present);
        }
        let connections = aggregate.totals.options.connection_entries();
        history.read_until(present.now(), present.now(), connections);
    }

    fn read_daemons(&self, now: Now) {
        let mut book = self.observed.logs_mut();
        let present = now.shown(&book.aggregate).now();
        let logs = &mut book.aggregate.totals.daemon_logs;
        for (labels, count) in self.shown.grew("imsimta_daemon_log_events_total") {
            let class = EventClass::ALL.iter().find(|class| class.label() == label(labels, "class"));
            let class = *class.expect("a class");
            let (log, file) = (DaemonLog::JobController, logs.file(1));
            logs.apply(log, 1, file, (0..count).map(|_| (class, Some(present))));
        }
    }

    /// Tells the baseline what it asks for every five minutes.
    fn teach(&self, now: Now) {
        let queue = self.observed.collected.found::<Queue>();
        let mut book = self.observed.logs_mut();
        let present = now.shown(&book.aggregate);
        let LogBook { aggregate, baseline, .. } = &mut *book;
        let baseline = baseline.get_mut();
        if baseline.go_on(present) {
            let channels = queue.iter().flat_map(|queue| &queue.snapshot.channels);
            let queue = channels.map(|(name, channel)| (name.as_str(), channel.messages)).collect();
            baseline.look(present, Known { queue, sums: Some(Sums::of(&aggregate.totals)) });
        }
    }

    /// Takes down what began to fire and what ended.
    fn note(&mut self, second: usize) {
        let standing = Arc::clone(&self.observed.alerts.lock());
        if standing.changes == self.changes {
            return;
        }
        self.changes = standing.changes;
        let now = standing.firing();
        for (identity, condition) in &now {
            if !self.firing.contains_key(identity) {
                self.firing.insert((*identity).clone(), second);
                self.began.push(began(second, identity, &condition.summary));
            }
        }
        let gone = |identity: &Identity| !now.iter().any(|(firing, _)| *firing == identity);
        for (identity, since) in self.firing.extract_if(.., |identity, _| gone(identity)) {
            self.ended.push((identity, second - since));
        }
    }

    /// How many of some entries the site had, and how many were counted, where that is not the same.
    pub fn miscounted(&self) -> Vec<(String, u64, u64)> {
        let book = self.observed.logs();
        let totals = &book.aggregate.totals;
        let counts = |labels: &str| {
            let channel = totals.channels.all().find(|(name, _)| *name == label(labels, "channel"));
            channel.map(|(_, counts)| counts)
        };
        let mut all = Vec::new();
        let mut add = |metric: &str, of: &dyn Fn(&str) -> u64| {
            for (labels, lived) in self.shown.of(metric) {
                all.push((format!("{metric}{{{labels}}}"), super::shown::count(lived), of(labels)));
            }
        };
        add("imsimta_delivery_attempts_total", &|labels| counts(labels).map_or(0, |of| of.attempts));
        add("imsimta_dequeued_recipients_total", &|labels| {
            counts(labels).map_or(0, |of| of.dequeued_recipients)
        });
        add("imsimta_delivery_failures_total", &|labels| {
            let failures = counts(labels).into_iter().flat_map(|of| of.failures.all());
            let of_outcome = failures.filter(|(outcome, _)| outcome.label() == label(labels, "outcome"));
            let reasons = of_outcome.flat_map(|(_, reasons)| reasons.counted());
            reasons
                .filter(|(reason, _)| reason.label() == label(labels, "reason"))
                .map(|(_, count)| count)
                .sum()
        });
        add("imsimta_enqueue_rejections_total", &|labels| {
            let reasons = counts(labels).into_iter().flat_map(|of| of.rejections.counted());
            reasons
                .filter(|(reason, _)| reason.label() == label(labels, "reason"))
                .map(|(_, count)| count)
                .sum()
        });
        add("imsimta_authentication_failures_total", &|labels| {
            counts(labels).map_or(0, |of| of.authentication_failures.sum())
        });
        add("imsimta_enqueued_recipients_total", &|labels| {
            let name = |index| totals.channels.label(index);
            let pairs = totals.enqueues.pairs().iter();
            let pair = |source, destination| {
                source == label(labels, "source_channel")
                    && destination == label(labels, "destination_channel")
            };
            pairs.filter(|of| pair(name(of.source), name(of.destination))).map(|of| of.recipients).sum()
        });
        all.retain(|(_, lived, counted)| lived != counted);
        all
    }
}

fn began(second: usize, identity: &Identity, summary: &str) -> Began {
    let labels = identity.labels.iter().map(|(&label, value)| (label.to_owned(), value.clone()));
    let own = [("alertname", identity.name), ("severity", identity.severity)];
    let own = own.map(|(label, value)| (label.to_owned(), value.to_owned()));
    Began { at: second, labels: labels.chain(own).collect(), summary: summary.to_owned() }
}
