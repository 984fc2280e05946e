//! What is known now, from all sources, for the rules of [`findings`](crate::findings).

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::history::{History, RESOLUTIONS, Series};
use super::latest::{About, Outline};
use super::log_book::{Following, LogBook};
use super::queue::Queue;
use super::{Now, Observed};
use crate::aggregate::daemon_log::Events;
use crate::aggregate::destination::FailingDomains;
use crate::aggregate::index::{ByIndex, Channel, ChannelIndex};
use crate::aggregate::log_clock;
use crate::aggregate::recent::{SHORT_MINUTES, WINDOW_MINUTES};
use crate::aggregate::time::{Millis, Time};
use crate::findings::situation::{
    CumulativeLog, FileSystem, Logs, Port, Quarter, Scan, ServiceUse, Situation, Stale, Traffic, Unread,
    Waiting, WrongFiles,
};
use crate::findings::source::{Source, Sources};
use crate::findings::{Thresholds, share};
use crate::source::commands::CommandSnapshot;
use crate::source::dispatcher::{Dispatcher, Service};
use crate::source::filesystems::{FilesystemSnapshot, Space};
use crate::source::probe::ProbeSnapshot;
use crate::source::processes::{ProcessGroup, ProcessSnapshot};
use crate::source::sockets::SocketSnapshot;
use crate::source::spool::held_files::HeldReason;
use crate::source::spool::{ChannelQueue, QueueSnapshot};

/// The band of messages that have waited for five minutes to an hour.
const NEW: usize = 1;
/// What was read so long ago says nothing of now: a poll takes a second, and a log that does not answer longer.
pub(super) const FRESH: Millis = Millis::of(15_000);
/// The coarser resolution of the history.
const COARSE: usize = 1;
/// The finer one.
const FINE: usize = 0;

impl Observed {
    /// What daemons said of errors lately.
    fn daemon_events(&self, now: Now) -> Option<Events> {
        let book = self.logs();
        let now = now.shown(&book.aggregate).now();
        (!book.daemon_events.shown.is_empty()).then(|| book.aggregate.totals.daemon_logs.recent(now))
    }

    /// What is known now.
    pub fn situation(&self, now: Now) -> Situation {
        let groups = self.collected.found::<ProcessSnapshot>();
        let groups = groups.as_ref().map(|snapshot| &snapshot.processes);
        let overaged = |(name, group): (&String, &ProcessGroup)| {
            group.overaged.filter(|&servers| servers > 0).map(|servers| (name.clone(), servers))
        };
        let mut situation = Situation {
            active: self.is_active(),
            processes: groups
                .map(|groups| groups.iter().map(|(name, group)| (name.clone(), group.running)).collect()),
            overaged: groups.into_iter().flatten().filter_map(overaged).collect(),
            services: self.services(),
            ports: self.collected.found().map(|found| ports(&found)).unwrap_or_default(),
            daemon_events: self.daemon_events(now),
            ..Situation::default()
        };
        if let Some(files) = self.collected.found::<FilesystemSnapshot>() {
            look_at_files(&files, now.unix.seconds(), &mut situation);
        }
        self.look_at_logs(&mut situation, now);
        if let Some(value) = self.collected.found::<Queue>() {
            situation.queue_known = value.snapshot.scan.is_some();
            situation.scan = scan(&value.snapshot);
            for (name, queue) in &value.snapshot.channels {
                let waiting = waiting(name, queue, &value, now.unix.seconds());
                situation.channels.entry(name.clone()).or_default().queue = Some(waiting);
            }
        }
        if let Some(told) = self.collected.found::<CommandSnapshot>() {
            for (name, stopped) in told.stopped() {
                situation.channels.entry(name.to_owned()).or_default().stopped = Some(stopped);
            }
        }
        for outline in self.outlines() {
            if outline.reading.runs == 0 {
                situation.waits_for.push(outline.about.name);
            }
            situation.unread.extend(unread(outline));
        }
        self.look_back(&mut situation, now);
        self.look_at_usual(&mut situation, now);
        situation.known = self.looked_at(situation.known, situation.daemon_events.is_some());
        situation
    }

    /// What was looked at when it was last to be.
    fn looked_at(&self, logs: Sources, daemons: bool) -> Sources {
        let collected = &self.collected;
        logs.with(
            Source::Queue,
            collected.found::<Queue>().is_some_and(|queue| queue.snapshot.scan.is_some()),
        )
        .with(
            Source::Scan,
            collected.found::<Queue>().is_some_and(|queue| queue.snapshot.directories.is_some()),
        )
        .with(Source::Processes, collected.found::<ProcessSnapshot>().is_some())
        .with(Source::Sockets, collected.found::<SocketSnapshot>().is_some())
        .with(Source::Dispatcher, collected.found::<Dispatcher>().is_some())
        .with(Source::Probe, collected.found::<ProbeSnapshot>().is_some())
        .with(Source::Files, collected.found::<FilesystemSnapshot>().is_some())
        .with(Source::Commands, collected.found::<CommandSnapshot>().is_some())
        .with(Source::Daemons, daemons)
    }

    /// The connections of the Dispatcher's services whose ports are looked at.
    pub fn services(&self) -> Vec<ServiceUse> {
        let sockets = self.collected.found::<SocketSnapshot>();
        let (Some(sockets), Some(dispatcher)) = (sockets, self.collected.found::<Dispatcher>()) else {
            return Vec::new();
        };
        let looked_at = |service: &&Service| {
            !service.ports.is_empty() && service.ports.iter().all(|port| sockets.ports.ports.contains(port))
        };
        let services = dispatcher.services.iter().filter(looked_at).map(|service| ServiceUse {
            name: service.name.clone(),
            used: service.ports.iter().map(|&port| sockets.in_use(port)).sum(),
            limit: service.limit(),
        });
        services.collect()
    }

    fn look_at_logs(&self, situation: &mut Situation, now: Now) {
        let book = self.logs();
        if !book.shown || book.catching_up || book.reading.runs == 0 {
            return;
        }
        let now = now.shown(&book.aggregate).now();
        let newest = book.aggregate.totals.accounts.newest_entry();
        let question =
            |log: &Following| Some((log.log.clone(), log_clock::zone_question(log.clock_offset?)?));
        let mut offsets = book.following.iter().filter_map(question);
        let known_since = book.history.lock().known_since();
        situation.logs = Some(Logs {
            last_entry: newest.map(|at| age(now, at)),
            known_for: known_since.map(|at| age(now, at)),
            zone_question: offsets.next(),
        });
        situation.known = situation.known.with(Source::Logs, book.is_read_until(now));
        situation.failing_domains = book.aggregate.totals.destinations.failing_domains(now);
        for (name, traffic) in traffic(&book, &self.limits, now) {
            situation.channels.entry(name).or_default().traffic = Some(traffic);
        }
    }
}

/// What ports showed to a client.
fn ports(snapshot: &ProbeSnapshot) -> BTreeMap<u16, Port> {
    let shown = snapshot.ports.iter().map(|(&port, probed)| {
        let failure = probed.failure.as_ref().map(ToString::to_string);
        (port, Port { banner: probed.banner, failure, failures: probed.failures })
    });
    shown.collect()
}

impl From<&Space> for FileSystem {
    fn from(space: &Space) -> Self {
        let share = |available: u64, size: u64| (size > 0).then(|| share(available, size));
        Self {
            device: space.device,
            free: share(space.avail_bytes, space.size_bytes),
            files_free: space.files.and_then(|files| share(files.free, files.all)),
            avail_bytes: space.avail_bytes,
            ahead: Default::default(),
        }
    }
}

/// Space, what is wrong with files, and which configuration runs.
fn look_at_files(snapshot: &FilesystemSnapshot, now: f64, situation: &mut Situation) {
    let known =
        snapshot.filesystems.iter().filter_map(|(&what, space)| Some((what, space.as_ref().ok()?.into())));
    situation.filesystems = known.collect();
    situation.cumulative_logs = (snapshot.cumulative.iter())
        .filter_map(|(name, &growth)| {
            let size = *snapshot.log_file_sizes.get(name)?;
            Some((name.clone(), CumulativeLog { size, growth }))
        })
        .collect();
    let wrong = snapshot.wrong.iter().filter(|(_, files)| files.count > 0);
    situation.wrong_files = wrong
        .map(|(&(path, what), files)| WrongFiles {
            path,
            what: what.label(),
            count: files.count,
            example: files.example.clone().unwrap_or_default(),
            user: snapshot.user.clone(),
        })
        .collect();
    let stale = snapshot.configuration.iter().filter(|(_, compared)| compared.stale);
    situation.stale = stale
        .map(|(what, compared)| Stale {
            what: what.label(),
            file: compared.file.clone(),
            ago: (now - compared.changed).max(0.0),
            unified: compared.unified,
        })
        .collect();
    situation.unrotated.clone_from(&snapshot.unrotated);
}

/// What each channel did that the logs name.
fn traffic(book: &LogBook, limits: &Thresholds, now: Time) -> Vec<(String, Traffic)> {
    let totals = &book.aggregate.totals;
    let (windows, shorts) = (totals.recent.over(WINDOW_MINUTES, now), totals.recent.over(SHORT_MINUTES, now));
    let spikes = totals.recent.around(limits.spike_window, now);
    let ends = totals.recent.ends(limits.spike_window, now);
    let scraped = limits.scraped_spike_window;
    let scraped = (scraped > limits.spike_window).then(|| totals.recent.around(scraped, now));
    let before = totals.recent.before(now);
    let progress = totals.recent.progress();
    // Domains are many: nobody asks for those of a channel in which nothing fails.
    let failed: ByIndex<Channel, bool> = windows.iter().map(|(_, window)| window.failed() > 0).collect();
    let fails = |index: ChannelIndex| failed.get(index).copied().unwrap_or_default();
    let (failing, domains) =
        (totals.destinations.failing(now, fails), totals.destinations.domains_of(now, fails));
    let history = book.history.lock();
    // It takes a look through the history, and decides only where most fails, or most of what fails is one domain's.
    let asked = |index: ChannelIndex, label: &str, worst_share: f64| {
        let limits = limits.of_channel(label);
        windows.get(index).filter(|_| fails(index)).is_some_and(|window| {
            share(window.failing(), window.judged()) >= limits.small_share
                || worst_share > limits.one_domain_share
        })
    };
    let rows = totals.channels.by_index().map(|(index, _)| {
        let label = totals.channels.label(index);
        let FailingDomains { domains: failing_domains, worst_share, worst } =
            failing.get(&index).copied().unwrap_or_default();
        let traffic = Traffic {
            window: windows.get(index).cloned().unwrap_or_default(),
            short: shorts.get(index).cloned().unwrap_or_default(),
            spike: spikes.each_ref().map(|spike| spike.get(index).cloned().unwrap_or_default()),
            spike_ends: ends.get(index).copied().unwrap_or_default(),
            scraped_spike: scraped
                .as_ref()
                .map(|spikes| spikes.each_ref().map(|spike| spike.get(index).cloned().unwrap_or_default())),
            before: before.get(index).copied().unwrap_or_default(),
            last_attempt: progress.get(index).and_then(|row| row.attempted).map(|at| age(now, at)),
            enqueued_since: progress.get(index).map_or(0, |row| row.enqueued_since),
            domains: domains.get(index).copied().unwrap_or(0),
            domains_of_day: 0,
            quarter: Quarter::default(),
            spiked: false,
            failing_domains,
            worst_domain_share: worst_share,
            worst_domain: worst,
            delivered_in_hour: asked(index, label, worst_share)
                .then(|| delivered_in_hour(&history, label, now))
                .flatten(),
        };
        (label.to_owned(), traffic)
    });
    rows.collect()
}

/// What a channel delivered in the last hour, where all of it is known.
fn delivered_in_hour(history: &History, channel: &str, now: Time) -> Option<u64> {
    delivered_within(history, channel, Duration::from_hours(1), now)
}

/// What a channel delivered in a time until now, and where that is nothing, in the hour before that; where all of it is known.
pub(super) fn delivered(history: &History, channel: &str, window: Duration, now: Time) -> Option<(u64, u64)> {
    let from = now.less(window.into());
    let lately = delivered_between(history, FINE, channel, from, now, now)?;
    if lately > 0 {
        return Some((lately, 0));
    }
    let before = delivered_between(history, COARSE, channel, from.less(Millis::of_minutes(60)), from, now)?;
    Some((lately, before))
}

/// What it delivered in the slots of a resolution that begin in a time.
fn delivered_between(
    history: &History,
    resolution: usize,
    channel: &str,
    from: Time,
    until: Time,
    now: Time,
) -> Option<u64> {
    // Of a slot that is not over, or just so, not all may have been counted.
    let recent = RESOLUTIONS[resolution].width().and(FRESH);
    let slots = history.slots_since(from, resolution, channel, Series::Deliveries, now);
    let mut sum = 0;
    for (start, delivered) in slots.filter(|&(start, _)| start >= from && start < until) {
        sum += delivered.or((now.since(start) < recent).then_some(0))?;
    }
    Some(sum)
}

/// What a channel delivered in an hour or so until now, where all of it is known.
pub(super) fn delivered_within(history: &History, channel: &str, window: Duration, now: Time) -> Option<u64> {
    delivered_between(history, COARSE, channel, now.less(window.into()), now, now)
}

/// How the queue was counted. Failures name directories, which begin with that of the channel.
fn scan(snapshot: &QueueSnapshot) -> Scan {
    let why = |channel: &str| {
        let is_of = |directory: &Path| {
            let first = directory.components().next().map(|first| first.as_os_str().to_string_lossy());
            first.is_some_and(|first| first.eq_ignore_ascii_case(channel))
        };
        let failure = snapshot.failures.iter().find(|failure| is_of(&failure.directory));
        failure.map(|failure| failure.error.to_string())
    };
    Scan {
        directories: snapshot.directories,
        partial: snapshot.scan.is_some_and(|scan| scan.partial),
        unreadable: snapshot.unreadable.iter().map(|channel| (channel.clone(), why(channel))).collect(),
    }
}

fn waiting(name: &str, queue: &ChannelQueue, value: &Queue, now: f64) -> Waiting {
    let growth = value.growth.get(name);
    Waiting {
        messages: queue.messages,
        oldest: queue.oldest.map(|at| (now - at).max(0.0)),
        never_tried: queue.stuck,
        new: queue.ages[NEW],
        delivered_in_hour: None,
        other_files: queue.other_files,
        delivered: None,
        held: queue.held.iter().sum(),
        loops: queue.held[HeldReason::Loop as usize],
        growth: growth.and_then(|growth| growth.messages),
        held_growth: growth.map(|growth| growth.held),
    }
}

fn unread(Outline { about, reading, anything }: Outline) -> Option<Unread> {
    if reading.runs == 0 || reading.success {
        return None;
    }
    let problem = reading.problem.unwrap_or_else(|| "no reason is known".to_owned());
    let About { name: collector, called, mounted: needed, .. } = about;
    Some(Unread { collector, called, needed, problem, partly: anything })
}

/// How old a moment is, in seconds.
fn age(now: Time, at: Time) -> f64 {
    now.since(at).seconds().max(0.0)
}
