//! The log thread: the single writer that reads, parses and counts.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::collectors::DeathNotice;
use super::complaints::Complaints;
use super::observed::Observed;
use super::state::{Positions, Snapshot, State, StateWriter};
use crate::config::{Config, Start};
use crate::metrics::exporter::Following;
use crate::record::{Dialect, Line, Reader, Skip};
use crate::source::follow::{Begin, Event, FollowError, FollowOptions, Follower};
use crate::source::lines::lines;
use crate::source::wakeup::{Wakeup, Wakeups};

/// Under load the logs are looked at this often, and file events are not waited for.
const TICK: Duration = Duration::from_millis(20);
/// Rounds in a row that found something make it load.
const BUSY_ROUNDS: u32 = 3;
/// Ticks in a row that found nothing make it quiet.
const QUIET_TICKS: u32 = 25;
/// While a backlog is read, progress is shown each time that this many blocks were.
const BLOCKS_SHOWN: usize = 64;

/// A number nobody can guess, for the keys of hash tables.
pub fn new_seed() -> u64 {
    RandomState::new().hash_one(0_u8)
}

/// Stops the thread.
#[derive(Debug)]
pub struct LogThread {
    stopping: Arc<AtomicBool>,
}

impl LogThread {
    /// Asks the thread to save and end after the block that it is reading. It must be woken.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }
}

/// Starts the thread; the receiver hears when it has ended and saved.
pub fn spawn(
    config: &Config,
    observed: Arc<Observed>,
    wakeups: Wakeups,
    state: State,
    died: mpsc::UnboundedSender<&'static str>,
) -> std::io::Result<(LogThread, oneshot::Receiver<()>)> {
    let stopping = Arc::new(AtomicBool::new(false));
    let (ended, end) = oneshot::channel();
    let logs = Logs::new(config, &observed, &state.positions);
    let handle = LogThread { stopping: Arc::clone(&stopping) };
    let interval = config.state.interval;
    let poll = config.logs.poll;
    let writer = StateWriter::spawn(state, Arc::clone(&observed), died.clone())?;
    std::thread::Builder::new().name("log".into()).spawn(move || {
        let _notice = DeathNotice::new("log", died);
        let mut thread = Thread {
            logs,
            observed,
            stopping,
            complaints: Complaints::new("log"),
            changed: false,
            saved_at: Duration::ZERO,
            interval,
            writer,
        };
        thread.run(&wakeups, poll);
        thread.finish();
        ended.send(()).ok();
    })?;
    Ok((handle, end))
}

struct Thread {
    logs: Logs,
    observed: Arc<Observed>,
    stopping: Arc<AtomicBool>,
    complaints: Complaints,
    /// Whether anything happened since the last save.
    changed: bool,
    saved_at: Duration,
    interval: Duration,
    writer: StateWriter,
}

impl Thread {
    fn run(&mut self, wakeups: &Wakeups, poll: Duration) {
        let (mut busy, mut quiet) = (0, 0);
        let mut ticking = false;
        while !self.stopping.load(Ordering::Acquire) {
            let found = self.round();
            (busy, quiet) = if found { (busy + 1, 0) } else { (0, quiet + 1) };
            if !ticking && busy >= BUSY_ROUNDS {
                ticking = true;
                wakeups.watch(false);
            } else if ticking && quiet >= QUIET_TICKS {
                ticking = false;
                wakeups.watch(true);
            }
            let pause = if ticking { TICK } else { poll };
            match wakeups.wait(pause) {
                // A write a second is not load.
                Wakeup::Timeout if !ticking => busy = 0,
                Wakeup::Closed => return,
                Wakeup::Hint | Wakeup::Timeout => {}
            }
        }
    }

    /// Reads every log to its end; whether there was anything.
    fn round(&mut self) -> bool {
        let clock = self.observed.clock;
        let start = clock.monotonic();
        let mut steps = 0;
        for index in 0..self.logs.followed.len() {
            while !self.stopping.load(Ordering::Acquire) && self.logs.step(index, &self.observed) {
                steps += 1;
                self.changed = true;
                self.save_when_due();
                if steps % BLOCKS_SHOWN == 0 {
                    self.logs.show_progress(&self.observed);
                }
            }
        }
        let found = steps > 0;
        let end = clock.monotonic();
        let problem = self.logs.publish(&self.observed, found, end.saturating_sub(start).as_secs_f64());
        self.complaints.note(problem.as_deref(), end);
        self.save_when_due();
        found
    }

    fn save_when_due(&mut self) {
        let now = self.observed.clock.monotonic();
        if self.changed && now.saturating_sub(self.saved_at) >= self.interval {
            let positions = self.logs.positions();
            let book = self.observed.logs();
            self.writer.save(&Snapshot { positions: &positions, totals: &book.aggregate.totals });
            self.changed = false;
            self.saved_at = now;
        }
    }

    fn finish(self) {
        let positions = self.logs.positions();
        let observed = Arc::clone(&self.observed);
        let book = observed.logs();
        self.writer.finish(&Snapshot { positions: &positions, totals: &book.aggregate.totals });
    }
}

/// All followed logs.
struct Logs {
    followed: Vec<Log>,
    max_line_bytes: usize,
    /// Places of logs that are not followed any more: kept, should they be again.
    unused: Positions,
}

/// One followed log.
struct Log {
    name: String,
    follower: Follower,
    reader: Reader,
    /// The index of its account, once it has been found.
    account: Option<usize>,
    following: Following,
    /// Whether the last step found nothing more to read.
    at_end: bool,
    problem: Option<FollowError>,
    /// A script that cuts the log every minute is said only now and then.
    truncations: Complaints,
}

impl Logs {
    fn new(config: &Config, observed: &Observed, saved: &Positions) -> Self {
        let max_line_bytes = usize::try_from(config.logs.max_line_bytes).unwrap_or(usize::MAX);
        let options = FollowOptions { max_line_bytes, drain: config.logs.drain };
        let run_users = config.mta.user.iter().map(|user| user.clone().into_bytes()).collect();
        let dialect = Dialect { run_users };
        let mut unused = saved.clone();
        let followed = config.logs.files.iter().map(|name| {
            let begin = match (unused.remove(name), config.logs.start) {
                (Some(positions), _) => Begin::Resume(positions),
                (None, Start::End) => Begin::End,
                (None, Start::Beginning) => Begin::Beginning,
            };
            Log {
                name: name.clone(),
                follower: Follower::new(observed.install.log_directory.join(name), options, begin),
                reader: Reader::new(dialect.clone()),
                account: None,
                following: Following { log: name.clone(), ..Following::default() },
                at_end: false,
                problem: None,
                truncations: Complaints::with("log", "lines not read by then are lost"),
            }
        });
        Self { followed: followed.collect(), max_line_bytes, unused }
    }

    /// Steps one log once; whether there may be more.
    fn step(&mut self, index: usize, observed: &Observed) -> bool {
        let log = &mut self.followed[index];
        let now = observed.clock.monotonic();
        let event = match log.follower.step(now) {
            Ok(event) => event,
            Err(problem) => {
                log.at_end = false;
                log.problem = Some(problem);
                return false;
            }
        };
        log.problem = None;
        log.at_end = event == Event::Idle;
        let mut book = observed.logs_mut();
        let totals = &mut book.aggregate.totals;
        let account = *log.account.get_or_insert_with(|| totals.accounts.index(&log.name));
        let mut restarted = false;
        match event {
            Event::Idle => return false,
            Event::Lines(block) => {
                let millis = observed.clock.unix_millis();
                for (bytes, line) in lines(block) {
                    let entry = if line.len() > self.max_line_bytes {
                        Line::Skipped(Skip::TooLong)
                    } else {
                        log.reader.read(line)
                    };
                    book.aggregate.line(account, &entry, bytes, Some(millis));
                }
                log.following.last_read = Some(observed.clock.unix_seconds());
            }
            Event::Skipped { reason, bytes, ends } => {
                book.aggregate.skipped_bytes(account, reason, bytes, ends);
            }
            Event::Rotated => totals.accounts.at(account).rotations += 1,
            Event::Truncated => {
                totals.accounts.at(account).truncations += 1;
                let problem = format!("{} was cut or written anew in place", log.name);
                log.truncations.note(Some(&problem), now);
            }
            Event::Gap { known_bytes } => {
                book.aggregate.restart();
                let totals = &mut book.aggregate.totals;
                let account = totals.accounts.index(&log.name);
                totals.accounts.at(account).gaps += 1;
                totals.accounts.at(account).gap_bytes += known_bytes;
                tracing::warn!(
                    log = log.name,
                    known_bytes,
                    "the place where reading stopped is gone; lines after it are lost and all counters from logs \
                     begin at 0"
                );
                restarted = true;
            }
        }
        if restarted {
            // Accounts are numbered anew.
            self.followed.iter_mut().for_each(|log| log.account = None);
        }
        true
    }

    /// Shows how far the logs have been read.
    fn show_progress(&mut self, observed: &Observed) {
        let now = observed.clock.unix_seconds();
        for log in &mut self.followed {
            log.following.lag_bytes = log.follower.is_attached().then(|| log.follower.lag_bytes());
            if log.at_end {
                log.following.caught_up_at = Some(now);
            }
        }
        let following = self.followed.iter().map(|log| log.following.clone()).collect();
        observed.logs_mut().following = following;
    }

    /// Shows how the round went; what is wrong, if anything.
    fn publish(&mut self, observed: &Observed, found: bool, duration: f64) -> Option<String> {
        self.show_progress(observed);
        let now = observed.clock.unix_seconds();
        let channels = observed.queue.get().value;
        let problem = self.problem();
        let mut book = observed.logs_mut();
        // Channels with a queue directory have counters from 0, before their first entry.
        for channel in channels.iter().flat_map(|snapshot| snapshot.channels.keys()) {
            book.aggregate.totals.channels.known(channel);
        }
        let attached = || self.followed.iter().filter(|log| log.follower.is_attached());
        book.catching_up = !attached().all(|log| log.follower.is_caught_up());
        // A connection log alone must not show zeros of mail that nobody has looked for.
        let first = self.followed.first().is_some_and(|log| log.follower.is_attached());
        book.shown |= first && !book.catching_up;
        // A round that finds nothing says nothing about how long reading takes.
        let duration = if found { duration } else { book.reading.duration };
        book.reading.update(None, problem.clone(), now, duration);
        problem
    }

    /// The first log has to be there; the others may be switched off in the MTA, as the connection
    /// log is unless `SEPARATE_CONNECTION_LOG` is set.
    fn problem(&self) -> Option<String> {
        let problems = self.followed.iter().enumerate().filter_map(|(index, log)| match &log.problem {
            Some(FollowError::Missing { .. }) if index > 0 && !log.follower.is_attached() => None,
            problem => problem.as_ref().map(ToString::to_string),
        });
        let problems: Vec<String> = problems.collect();
        (!problems.is_empty()).then(|| problems.join("; "))
    }

    fn positions(&self) -> Positions {
        let places =
            self.followed.iter().filter_map(|log| Some((log.name.clone(), log.follower.positions()?)));
        let places: HashMap<_, _> = places.collect();
        self.unused.clone().into_iter().chain(places).collect()
    }
}
