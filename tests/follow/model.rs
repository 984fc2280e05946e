//! Random lives of an MTA host against a model: the program's own reading, counting and saving, on real
//! files, through everything that can happen to them. Each line is an entry of a channel of its own, so
//! the sums say of each line how often it was counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use imsimta_exporter::aggregate::time::UnixTime;
use imsimta_exporter::aggregate::{Aggregate, Totals};
use imsimta_exporter::app::logs::followed::FollowedLogs;
use imsimta_exporter::app::state::Snapshot;
use imsimta_exporter::app::state::contents::{decode, encode};
use imsimta_exporter::config::{Logs, Start};
use imsimta_exporter::observed::{LogBook, Now};
use imsimta_exporter::record::Dialect;
use imsimta_exporter::source::state::{Loaded, StateDirectory};
use parking_lot::RwLock;
use proptest::prelude::*;
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
use tempfile::TempDir;

use crate::service::harness::wait_for;

const LOG: &str = "mail.log_current";
/// Channels with a label of their own, less a few.
const MOST_LINES: usize = 250;

/// What can happen.
#[derive(Clone, Debug)]
enum Action {
    /// Entries by the processes that have the newest file open, or still the one before it.
    Write {
        lines: usize,
        late: bool,
    },
    /// The first bytes of an entry; the rest comes with the next write to that file.
    WritePart {
        late: bool,
    },
    /// The return job does all of its work; the new file comes at once, or with its first entry.
    Rotate {
        at_once: bool,
    },
    /// Somebody renames the log to a name of their own; the new file comes with its first entry.
    RotateByHand,
    /// The return job has appended a part of yesterday's log, or all of it, and not yet renamed.
    RotateHalfway {
        all: bool,
    },
    /// The program reads all there is. Where this is missing, the program is stopped or hangs.
    Poll,
    /// Nothing happens for longer than a renamed file is read on.
    Quiet,
    Save,
    /// The state directory's disk is full from now on, or no more.
    FillStateDisk(bool),
    /// The program is killed and started again.
    Kill,
    /// Somebody takes a file that was rotated away from the program's user, or gives it back.
    Hide {
        file: &'static str,
        hidden: bool,
    },
    /// The program is killed; whatever comes now happens while it is down.
    Stop,
    Hazard(Hazard),
}

/// What can lose lines, whoever reads.
#[derive(Clone, Copy, Debug)]
enum Hazard {
    Truncate,
    Delete,
    RecreateDirectory,
    CorruptState,
    /// Somebody removes the cumulative log, which grows for ever.
    DeleteCumulative,
}

fn harmless() -> impl Strategy<Value = Action> {
    let file = prop_oneof![3 => Just("mail.log_yesterday"), 1 => Just("mail.log")];
    let hide = (file, prop::bool::weighted(0.7)).prop_map(|(file, hidden)| Action::Hide { file, hidden });
    // Who is not root cannot play the others on this host.
    let weight = u32::from(rustix::process::geteuid().is_root());
    prop_oneof![20 => readable(), 3 * weight => hide]
}

fn readable() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (1_usize..8, any::<bool>()).prop_map(|(lines, late)| Action::Write { lines, late }),
        2 => any::<bool>().prop_map(|late| Action::WritePart { late }),
        3 => any::<bool>().prop_map(|at_once| Action::Rotate { at_once }),
        1 => any::<bool>().prop_map(|all| Action::RotateHalfway { all }),
        5 => Just(Action::Poll),
        1 => Just(Action::Quiet),
        3 => Just(Action::Save),
        1 => any::<bool>().prop_map(Action::FillStateDisk),
        2 => Just(Action::Kill),
        1 => Just(Action::Stop),
    ]
}

fn harmful() -> impl Strategy<Value = Action> {
    let hazard = prop_oneof![
        4 => Just(Hazard::Truncate),
        1 => Just(Hazard::Delete),
        1 => Just(Hazard::RecreateDirectory),
        1 => Just(Hazard::CorruptState),
        1 => Just(Hazard::DeleteCumulative),
    ];
    // Beside the return job it may be a gap: what the job appends to the cumulative log does not begin where it did.
    prop_oneof![6 => readable(), 1 => Just(Action::RotateByHand), 1 => hazard.prop_map(Action::Hazard)]
}

/// One process that writes, and what it has begun.
struct Writer {
    file: File,
    /// The rest of a line of which only the beginning was written.
    rest: Option<(usize, Vec<u8>)>,
}

/// The host.
struct Host {
    directory: TempDir,
    /// Processes on the current file, and on the one before it.
    writers: Vec<Writer>,
    /// Whether the log was renamed and the new file has not come yet.
    renamed: bool,
    /// How often the log was renamed by hand.
    by_hand: usize,
    /// How much of yesterday's log the return job has appended, when it is halfway.
    appended: Option<u64>,
    started: usize,
    complete: BTreeSet<usize>,
}

impl Host {
    fn new() -> Self {
        // The state is synced often: on a disk that would take minutes.
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let directory = tempfile::tempdir_in(parent).expect("a temporary directory");
        std::fs::create_dir(directory.path().join("log")).expect("made");
        Self {
            directory,
            writers: Vec::new(),
            renamed: false,
            by_hand: 0,
            appended: None,
            started: 0,
            complete: BTreeSet::new(),
        }
    }

    fn logs(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// The inode of the current file, and how many complete lines it has.
    fn current(&self) -> Option<(u64, usize)> {
        let path = self.logs().join(LOG);
        let lines = memchr::memchr_iter(b'\n', &std::fs::read(&path).ok()?).count();
        Some((std::fs::metadata(path).ok()?.ino(), lines))
    }

    fn yesterday(&self) -> PathBuf {
        self.logs().join("mail.log_yesterday")
    }

    fn writer(&mut self, late: bool) -> &mut Writer {
        // What is written behind the return job's back is in no file that has a name.
        let late = late && self.appended.is_none() && !self.writers.is_empty();
        if self.writers.is_empty() || self.renamed && !late {
            self.open_writer();
        }
        let newest = self.writers.len() - 1;
        &mut self.writers[if late && !self.renamed { newest.saturating_sub(1) } else { newest }]
    }

    fn open_writer(&mut self) {
        let path = self.logs().join(LOG);
        let file = OpenOptions::new().create(true).append(true).open(path).expect("a log");
        self.writers.push(Writer { file, rest: None });
        self.renamed = false;
    }

    fn write(&mut self, late: bool, part: bool) {
        if self.started == MOST_LINES {
            return;
        }
        let number = self.started;
        self.started += 1;
        let line = format!(
            "22-Nov-2026 10:{:02}:{:02}.{:02} c{number:03}                    D 1 a@siroe.com rfc822;{}@x.siroe.com b@x.siroe.com\n",
            number / 60 % 60,
            number % 60,
            number % 100,
            "u".repeat(number * 7 % 300),
        );
        let writer = self.writer(late);
        let ended = writer.rest.take();
        if let Some((_, rest)) = &ended {
            writer.file.write_all(rest).expect("written");
        }
        let (now, later) = line.as_bytes().split_at(if part { 10 + number % 40 } else { line.len() });
        writer.file.write_all(now).expect("written");
        if part {
            writer.rest = Some((number, later.to_vec()));
        } else {
            self.complete.insert(number);
        }
        self.complete.extend(ended.map(|(number, _)| number));
    }

    fn end_line(&mut self, index: usize) {
        let writer = &mut self.writers[index];
        if let Some((number, rest)) = writer.rest.take() {
            writer.file.write_all(&rest).expect("written");
            self.complete.insert(number);
        }
    }

    fn end_lines(&mut self) {
        (0..self.writers.len()).for_each(|index| self.end_line(index));
    }

    /// Appends yesterday's log to the cumulative one, as far as that was not done yet.
    fn append(&mut self, all: bool) {
        // Writers on yesterday's file come to the end of their lines before it is appended.
        if self.appended.is_none() && self.writers.len() + usize::from(self.renamed) > 1 {
            self.end_line(self.writers.len() + usize::from(self.renamed) - 2);
        }
        let mut bytes = Vec::new();
        if let Ok(mut yesterday) = File::open(self.yesterday()) {
            yesterday.read_to_end(&mut bytes).expect("read");
        }
        let done = usize::try_from(self.appended.unwrap_or(0)).expect("small").min(bytes.len());
        let end = if all { bytes.len() } else { done.max(bytes.len() / 2) };
        let path = self.logs().join("mail.log");
        let mut cumulative = OpenOptions::new().create(true).append(true).open(path).expect("a log");
        cumulative.write_all(&bytes[done..end]).expect("written");
        // A day after the rotation before it, which times of files are too coarse for here.
        cumulative.set_modified(super::night()).expect("set");
        self.appended = Some(end as u64);
    }

    fn rotate(&mut self, at_once: bool) {
        if self.current().is_none() {
            return;
        }
        self.append(true);
        self.appended = None;
        std::fs::rename(self.logs().join(LOG), self.yesterday()).expect("renamed");
        let newest = self.writers.pop();
        self.writers.clear();
        self.writers.extend(newest);
        self.renamed = true;
        if at_once {
            self.open_writer();
        }
    }

    fn rotate_by_hand(&mut self) {
        // Times of files are coarse, and nobody does this in the moment in which the log was made.
        let made = || File::create(self.directory.path().join("now")).expect("made").metadata();
        let time = || made().and_then(|file| file.modified()).expect("a time");
        let before = time();
        wait_for("a later time", Duration::from_secs(5), || (time() > before).then_some(()));
        // Nobody writes to it any more: it is not read for ever.
        self.end_lines();
        let to = self.logs().join(format!("mail.log_current.{}", self.by_hand));
        if std::fs::rename(self.logs().join(LOG), to).is_ok() {
            self.by_hand += 1;
            self.writers.clear();
        }
    }

    /// Changes who may read a file, if it is there.
    fn hide(&self, file: &str, hidden: bool) {
        let mode = if hidden { 0o000 } else { 0o644 };
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(self.logs().join(file), permissions).ok();
    }

    fn suffer(&mut self, hazard: Hazard) {
        match hazard {
            Hazard::Truncate => {
                if let Some(writer) = self.writers.last_mut().filter(|_| !self.renamed) {
                    writer.rest = None;
                    writer.file.set_len(0).expect("cut");
                }
            }
            Hazard::Delete => {
                self.end_lines();
                std::fs::remove_file(self.logs().join(LOG)).ok();
                self.writers.clear();
            }
            Hazard::RecreateDirectory => {
                self.end_lines();
                std::fs::remove_dir_all(self.logs()).expect("removed");
                std::fs::create_dir(self.logs()).expect("made");
                self.writers.clear();
                self.appended = None;
            }
            Hazard::CorruptState => {
                std::fs::write(self.state().join("state"), "neither header nor payload").ok();
            }
            // While it is appended to, what is removed is not what is appended to.
            Hazard::DeleteCumulative if self.appended.is_some() => {}
            Hazard::DeleteCumulative => {
                std::fs::remove_file(self.logs().join("mail.log")).ok();
            }
        }
    }
}

/// The program between a start and a kill.
struct Program {
    state: StateDirectory,
    /// Whether it began without a saved state.
    fresh: bool,
    logs: FollowedLogs,
    book: RwLock<LogBook>,
    clock: Duration,
}

impl Program {
    fn start(host: &Host) -> Self {
        // A process that another test starts just then holds the lock until it has become that program.
        let open = || StateDirectory::open(&host.state()).ok();
        let state = wait_for("the lock of the state", Duration::from_secs(10), open);
        let saved = match state.load(decode).expect("readable") {
            Loaded::Whole(contents) | Loaded::Partly { value: contents, .. } => contents.snapshot,
            Loaded::Absent | Loaded::SetAside { .. } => None,
        };
        // A first start reads what is there; after a state was lost that would count lines again.
        let first = saved.is_none() && !host.state().join("state.set-aside.1").exists();
        let config = Logs {
            files: vec![LOG.to_owned()],
            start: if first { Start::Beginning } else { Start::End },
            ..Logs::default()
        };
        let (positions, totals) = match saved {
            Some(Snapshot { positions, totals }) => (positions, totals),
            None => (BTreeMap::default(), Totals::new(1)),
        };
        let aggregate = Aggregate::new(totals, jiff::tz::TimeZone::UTC, 1024);
        Self {
            state,
            fresh: positions.is_empty(),
            logs: FollowedLogs::new(&config, &host.logs(), &Dialect::default(), &positions),
            book: RwLock::new(LogBook::new(aggregate, false)),
            clock: Duration::ZERO,
        }
    }

    fn poll(&mut self) {
        for _ in 0..10_000 {
            self.clock += Duration::from_secs(1);
            let now =
                Now { monotonic: self.clock, unix: UnixTime::of(1_795_000_000_000), steady_seconds: 1.795e9 };
            if !as_another_user(|| self.logs.step(0, &self.book, now)) {
                return;
            }
        }
        panic!("the follower never comes to rest");
    }

    fn save(&self) {
        let totals = self.book.read().aggregate.totals.clone();
        let snapshot = Snapshot { positions: self.logs.positions(), totals };
        // A full disk is no reason to stop.
        self.state
            .save(&encode(&snapshot, &imsimta_exporter::alerting::Saved::default(), &[]).expect("encoded"))
            .ok();
    }

    /// How often each line was counted.
    fn counted(&self) -> BTreeMap<usize, u64> {
        let book = self.book.read();
        let channels = book.aggregate.totals.channels.all();
        let lines = channels.filter(|(_, counts)| counts.dequeued_recipients > 0);
        lines.map(|(name, counts)| (number(name), counts.dequeued_recipients)).collect()
    }

    /// Truncations, gaps, and bytes known to be lost.
    fn losses(&self) -> [u64; 3] {
        let book = self.book.read();
        let accounts = book.aggregate.totals.accounts.all();
        accounts.first().map_or([0; 3], |account| [account.truncations, account.gaps, account.gap_bytes])
    }

    /// Lines that are no entries: only parts of lines can be.
    fn garbled(&self) -> u64 {
        let book = self.book.read();
        let accounts = book.aggregate.totals.accounts.all();
        accounts.iter().map(|account| account.lines - account.records()).sum()
    }
}

/// Root reads what it may not: this thread is without that for as long as `act` takes.
fn as_another_user<T>(act: impl FnOnce() -> T) -> T {
    let had = capabilities(None).expect("readable");
    let overriding = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
    let effective = had.effective - overriding;
    set_capabilities(None, CapabilitySets { effective, ..had }).expect("dropped");
    let done = act();
    set_capabilities(None, had).expect("taken back");
    done
}

fn number(channel: &str) -> usize {
    channel[1..].parse().unwrap_or_else(|_| panic!("a torn line: {channel}"))
}

/// A life, and what the model knows of it.
struct Life {
    host: Host,
    /// None while it is down.
    program: Option<Program>,
    /// Lines that are in the saved state.
    saved: BTreeSet<usize>,
    disk_full: bool,
    /// What of the current file the program has seen, and what the saved state has.
    seen: [Option<(u64, usize)>; 2],
    /// Lines that may be missing from the sums in the end.
    at_risk: BTreeSet<usize>,
    /// Whether something was destroyed of which nobody had seen a byte: nothing tells of it.
    unseen: bool,
    /// Whether that happened and no place behind a whole line has been saved since.
    blind: bool,
    gaps: u64,
}

impl Life {
    /// Lives through the actions.
    fn live(actions: &[Action]) -> Self {
        let mut host = Host::new();
        host.write(false, false);
        let mut life = Self {
            host,
            program: None,
            saved: BTreeSet::new(),
            disk_full: false,
            seen: [None; 2],
            at_risk: BTreeSet::new(),
            unseen: false,
            blind: false,
            gaps: 0,
        };
        life.poll();
        for action in actions {
            life.act(action);
        }
        life.host.end_lines();
        // While there is no log, that is said, and what came before the next one is looked for when it comes.
        life.host.writer(false);
        life.poll();
        for file in ["mail.log_yesterday", "mail.log"] {
            life.host.hide(file, false);
        }
        life.poll();
        life
    }

    fn act(&mut self, action: &Action) {
        let host = &mut self.host;
        match *action {
            Action::Write { lines, late } => (0..lines).for_each(|_| host.write(late, false)),
            Action::WritePart { late } => host.write(late, true),
            Action::Rotate { at_once } => host.rotate(at_once),
            Action::RotateByHand => host.rotate_by_hand(),
            Action::RotateHalfway { all } => host.append(all),
            Action::Poll => self.poll(),
            Action::Quiet => {
                self.poll();
                self.program.iter_mut().for_each(|program| program.clock += Duration::from_mins(20));
                self.poll();
            }
            Action::Save => {
                self.poll();
                self.save();
            }
            Action::FillStateDisk(full) => {
                let temporary = host.state().join("state.new");
                std::fs::remove_file(&temporary).ok();
                if full {
                    std::os::unix::fs::symlink("/dev/full", temporary).expect("linked");
                }
                self.disk_full = full;
            }
            Action::Kill => {
                self.program = None;
                self.poll();
            }
            Action::Hide { file, hidden } => host.hide(file, hidden),
            Action::Stop => self.program = None,
            Action::Hazard(hazard) => self.suffer(hazard),
        }
    }

    fn poll(&mut self) {
        let starts = self.program.is_none();
        let program = self.program.get_or_insert_with(|| Program::start(&self.host));
        if starts {
            self.gaps = program.losses()[1];
        }
        program.poll();
        let gaps = program.losses()[1];
        if starts && program.fresh || gaps > self.gaps || self.blind {
            // All sums began at 0 with what was there then; or nothing told a new line from an old one.
            self.at_risk.extend(0..self.host.started);
        }
        self.gaps = gaps;
        self.seen[0] = self.host.current();
        if starts && program.fresh {
            // As the program does when it has found the log for the first time.
            self.save();
        }
    }

    fn save(&mut self) {
        self.program.as_ref().expect("polled").save();
        if !self.disk_full {
            self.saved.clone_from(&self.host.complete);
            self.seen[1] = self.seen[0];
            self.blind &= self.seen[1].is_none_or(|(_, lines)| lines == 0);
        }
    }

    fn suffer(&mut self, hazard: Hazard) {
        match hazard {
            Hazard::CorruptState => self.program = None,
            Hazard::Truncate | Hazard::Delete | Hazard::RecreateDirectory | Hazard::DeleteCumulative => {
                // Whether they are lost depends on what is killed next, and when.
                self.at_risk.extend((0..self.host.started).filter(|line| !self.saved.contains(line)));
                let current = self.host.current().map(|(inode, _)| inode);
                self.blind |= !self
                    .seen
                    .iter()
                    .all(|seen| seen.is_some_and(|(inode, lines)| Some(inode) == current && lines > 0));
            }
        }
        self.unseen |= self.blind;
        self.host.suffer(hazard);
    }
}

fn config() -> ProptestConfig {
    let chosen = std::env::var_os("PROPTEST_CASES").is_some();
    let default = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if chosen { default } else { ProptestConfig { cases: 1000, ..default } }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_line_is_counted_exactly_once(actions in prop::collection::vec(harmless(), 1..60)) {
        let life = Life::live(&actions);
        let program = life.program.expect("polled");
        let counted = program.counted();
        let lost: Vec<_> = life.host.complete.iter().filter(|line| !counted.contains_key(line)).collect();
        prop_assert!(lost.is_empty(), "lost {lost:?} of {}", life.host.complete.len());
        prop_assert!(counted.values().all(|&times| times == 1), "counted twice: {counted:?}");
        prop_assert_eq!((program.losses(), program.garbled()), ([0; 3], 0));
    }

    #[test]
    fn what_nobody_can_save_is_all_that_is_lost(actions in prop::collection::vec(harmful(), 1..60)) {
        let life = Life::live(&actions);
        let program = life.program.expect("polled");
        let counted = program.counted();
        prop_assert!(counted.values().all(|&times| times == 1), "counted twice: {counted:?}");
        let lost: Vec<_> = life.host.complete.iter().filter(|line| !counted.contains_key(line)).collect();
        let more: Vec<_> = lost.iter().filter(|line| !life.at_risk.contains(line)).collect();
        prop_assert!(more.is_empty(), "lost {more:?} of {}", life.host.complete.len());
        let missing = program.logs.problem().is_some();
        let shown = missing || program.losses()[..2] != [0; 2] || life.host.state().join("state.set-aside.1").exists();
        prop_assert!(lost.is_empty() || shown || life.unseen, "lost and not shown: {lost:?}");
    }
}

/// A state is lost while a line is being written, and the program is killed before it is saved again: the
/// late entry in yesterday's file and that line begin alike, as all lines of a day do.
#[test]
fn a_line_under_way_at_the_start_is_counted_when_it_is_whole() {
    let actions = [
        Action::Rotate { at_once: true },
        Action::WritePart { late: false },
        Action::Hazard(Hazard::CorruptState),
        Action::Poll,
        Action::Write { lines: 1, late: true },
        Action::Rotate { at_once: true },
        Action::Rotate { at_once: true },
        Action::Kill,
    ];
    let life = Life::live(&actions);
    let program = life.program.expect("polled");
    assert_eq!(program.counted(), BTreeMap::from([(1, 1), (2, 1)]));
    assert_eq!(program.losses(), [0; 3]);
}
