//! A host with many channels on which everything is looked at, from second to second.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use imsimta_exporter::aggregate::baseline::{Known, Sums};
use imsimta_exporter::aggregate::digest::Batch;
use imsimta_exporter::aggregate::time::UnixTime;
use imsimta_exporter::aggregate::{Aggregate, Totals};
use imsimta_exporter::app::collectors::{COLLECTORS, readings};
use imsimta_exporter::config::Config;
use imsimta_exporter::counting::{Carried, LogReader};
use imsimta_exporter::observed::history::Waiting;
use imsimta_exporter::observed::latest::Turn;
use imsimta_exporter::observed::log_book::Following;
use imsimta_exporter::observed::queue::Queue;
use imsimta_exporter::observed::reading::Run;
use imsimta_exporter::observed::{Active, Clock, LogBook, Now, Observed};
use imsimta_exporter::record::Dialect;
use imsimta_exporter::record::daemon_log::DaemonLog;
use imsimta_exporter::source::filesystems::{Files, FilesystemSnapshot, PATHS, Space};
use imsimta_exporter::source::install::Install;
use imsimta_exporter::source::lines::Block;
use imsimta_exporter::source::processes::{ProcessGroup, ProcessSnapshot};
use imsimta_exporter::source::sockets::{ListenDrops, ListenQueue, Ports, SocketSnapshot, TcpState};
use imsimta_exporter::source::spool::{ChannelQueue, QueueSnapshot, ScanCounts};
use imsimta_exporter::source::timezone::LogZone;
use jiff::tz::TimeZone;

const LOG: &str = "mail.log_current";
/// Three weeks that are learned from before the first second.
const LEARNED: i64 = 21 * 24 * 12;
/// 22-Nov-2026 10:00:00.
const START: i64 = 1_795_341_600_000;
/// What every seventh attempt meets, in turns.
const REPLIES: [&str; 4] = [
    "smtp;450 4.2.2 over quota",
    "smtp;550 5.1.1 user unknown",
    "smtp;451 4.7.1 greylisted",
    "smtp;421 4.4.2 timeout",
];

/// The host.
pub struct Host {
    pub observed: Arc<Observed>,
    channels: Vec<String>,
    reader: LogReader,
    batch: Batch,
    carried: Option<Carried>,
    block: String,
    written: usize,
    second: u64,
}

impl Host {
    /// One with so many channels, of which three weeks were learned.
    pub fn new(channels: usize) -> Self {
        let (config, clock, install) = (Config::default(), Clock::start(), Install::default());
        let zone = LogZone::find(Some(&TimeZone::UTC));
        let channels: Vec<String> = (0..channels).map(|channel| format!("tcp_{channel}")).collect();
        let mut aggregate = Aggregate::new(Totals::new(7), TimeZone::UTC, config.mta.block_size);
        aggregate.totals.know_channels(&channels.iter().cloned().collect());
        let mut book = LogBook::new(aggregate, false);
        book.shown = true;
        book.daemon_events.shown = DaemonLog::ALL.to_vec();
        book.following = vec![Following { log: LOG.to_owned(), lag_bytes: Some(0), ..Following::default() }];
        book.reading.update(Run::Whole(()), at(0).steady_seconds, 0.1);
        learn(&mut book, &channels);
        let collected = readings(&COLLECTORS, &install, clock);
        let observed = Observed::new(clock, zone, install, config.limits(), collected, book);
        Self {
            observed: Arc::new(observed),
            channels,
            reader: LogReader::new(Dialect::default(), 65_536),
            batch: Batch::default(),
            carried: None,
            block: String::new(),
            written: 0,
            second: 0,
        }
    }

    /// The moment of a second.
    pub fn now(second: u64) -> Now {
        at(second.cast_signed() * 1000)
    }

    /// Writes the lines of a second: what comes in, and seven attempts of which one fails.
    pub fn write(&mut self, second: u64, lines: usize) {
        self.block.clear();
        self.second = second;
        for _ in 0..lines {
            self.written += 1;
            let (number, channel) = (self.written, self.written % self.channels.len());
            let (code, reply) = match number / self.channels.len() % 8 {
                0 => ("E", ""),
                1 => ("Q", REPLIES[number % REPLIES.len()]),
                _ => ("D", "smtp;250 ok"),
            };
            let (hour, minute, second) = (10 + second / 3600, second / 60 % 60, second % 60);
            let columns = if code == "E" { format!("tcp_0 tcp_{channel}") } else { format!("tcp_{channel}") };
            let host = if code == "E" { "" } else { " mailsrv dns;mx.example " };
            // A string takes whatever is written.
            let _ = writeln!(
                self.block,
                "22-Nov-2026 {hour:02}:{minute:02}:{second:02}.00 {columns:<25} {code} 1 a@b.example \
                 rfc822;u@d{0}.example u@d{0}.example /q/ZZ{number:09}.00 <{number}@b.example>{host}{reply}",
                number % 500
            );
        }
    }

    /// Reads them, as the log thread does.
    pub fn read(&mut self) {
        let now = at(self.second.cast_signed() * 1000);
        let mut book = self.observed.logs_mut();
        let present = now.read(&mut book.aggregate);
        let LogBook { aggregate, history, .. } = &mut *book;
        let history = history.get_mut();
        let account = aggregate.totals.accounts.index(LOG);
        let inference = aggregate.totals.accounts.inference(account);
        let other_log = self.carried.as_ref().and_then(|carried| carried.other_log);
        let digester = aggregate.digester();
        let block = Block::Lines(self.block.as_bytes());
        let after = self.reader.digest(&block, Carried { other_log, inference }, digester, &mut self.batch);
        self.carried = Some(after);
        aggregate.apply(account, &self.batch, Some(present));
        history.count(account, &self.batch, aggregate, present);
        history.read_until(present.now(), present.now(), false);
    }

    /// What the collectors find.
    pub fn look(&self, second: u64) {
        if second % 10 != 1 {
            return;
        }
        let now = Self::now(second);
        self.found(now, Active(Some(true)));
        self.found(now, processes());
        self.found(now, sockets());
        self.found(now, files(second));
        let channel = |(number, name): (usize, &String)| (name.clone(), waiting(number as u64, second, now));
        let channels: std::collections::BTreeMap<_, _> =
            self.channels.iter().enumerate().map(channel).collect();
        let growth = {
            let book = self.observed.logs();
            let seen = channels.iter().map(|(name, queue)| {
                (name.as_str(), Waiting { messages: queue.messages, held: queue.held.iter().sum() })
            });
            book.history.lock().looked(now.shown(&book.aggregate).now(), seen)
        };
        let snapshot = QueueSnapshot {
            directories: Some(channels.len() as u64),
            channels,
            scan: Some(ScanCounts::default()),
            ..QueueSnapshot::default()
        };
        self.found(now, Queue { snapshot, growth });
    }

    fn found<T: std::fmt::Debug + Send + Sync + 'static>(&self, now: Now, found: T) {
        let latest = self.observed.collected.latest::<T>().expect("a place for it");
        latest.update(&Turn::default(), Run::Whole(found), now.steady_seconds, 0.1);
    }
}

fn at(millis: i64) -> Now {
    let unix = UnixTime::of(START + millis);
    // The clock that never goes back begins before what is learned.
    let monotonic = Duration::from_millis((LEARNED * 300_000 + millis).unsigned_abs());
    Now { monotonic, unix, steady_seconds: unix.seconds() }
}

/// Three weeks of five minutes.
fn learn(book: &mut LogBook, channels: &[String]) {
    for stretch in 0..LEARNED {
        let now = at((stretch - LEARNED) * 300_000);
        let present = now.read(&mut book.aggregate);
        let LogBook { aggregate, baseline, .. } = &mut *book;
        let baseline = baseline.get_mut();
        if baseline.go_on(present) {
            let queue = channels.iter().map(|name| (name.as_str(), 40)).collect();
            baseline.look(present, Known { queue, sums: Some(Sums::of(&aggregate.totals)) });
        }
    }
}

fn waiting(number: u64, second: u64, now: Now) -> ChannelQueue {
    let messages = 100 + number + second / 10;
    let mut queue = ChannelQueue {
        messages,
        oldest: Some(now.unix.seconds() - 4000.0),
        scanned_at: now.unix.seconds(),
        ..ChannelQueue::default()
    };
    (queue.ages[0], queue.ages[1], queue.other_files) = (messages - 30, 30, 2);
    queue
}

fn processes() -> ProcessSnapshot {
    let group = || ProcessGroup { running: 1, ..ProcessGroup::default() };
    let processes =
        ["dispatcher", "job_controller", "tcp_smtp_server"].map(|name| (name.to_owned(), group()));
    ProcessSnapshot { processes: processes.into(), ..ProcessSnapshot::default() }
}

fn sockets() -> SocketSnapshot {
    let ports = [25, 465, 587];
    let states = ports.map(|port| ((port, TcpState::Established), 200));
    SocketSnapshot {
        ports: Ports { ports: ports.into(), ..Ports::default() },
        drops: Some(ListenDrops { overflows: 7, drops: 7 }),
        states: states.into(),
        listeners: ports.map(|port| (port, ListenQueue { used: 3, limit: Some(128) })).into(),
        ..SocketSnapshot::default()
    }
}

/// All of them fill, so that what will be free is looked at.
fn files(second: u64) -> FilesystemSnapshot {
    let space = |(device, path): (usize, &'static str)| {
        let files = Some(Files { free: 300_000 - second, all: 1_000_000 });
        (
            path,
            Ok(Space {
                device: device as u64,
                avail_bytes: 300_000_000 - second,
                size_bytes: 1_000_000_000,
                files,
            }),
        )
    };
    FilesystemSnapshot {
        filesystems: PATHS.into_iter().enumerate().map(space).collect(),
        ..FilesystemSnapshot::default()
    }
}
