//! The ledger of connections against a model: random lives of an MTA whose truth is kept apart from its log.
//!
//! Connections open and end, also without a word; processes are killed; tuples are used again, while another process has the
//! C of the last one still to write; the log is rotated while processes go on writing to the old file; the program is killed
//! and goes on from its state; single lines lie about the time. What is shown is compared at each look, also by destination.

mod host;

use std::time::Duration;

use host::{DESTINATIONS, Host, Processes};
use imsimta_exporter::aggregate::time::{Monotonic, UnixTime};
use imsimta_exporter::aggregate::{Aggregate, Totals};
use imsimta_exporter::app::state::Snapshot;
use imsimta_exporter::app::state::contents::{decode, encode};
use imsimta_exporter::counting::LogReader;
use imsimta_exporter::record::closing::Closing;
use imsimta_exporter::record::{Dialect, Direction};
use proptest::prelude::*;

const HOUR: i64 = 3_600_000;
/// Hours that server processes live (`MAX_LIFE_TIME`): what that is says nothing of outbound connections.
const LIVES: [u64; 3] = [6, 24, 48];
/// What a connection may be older than its process may live.
const GRACE: i64 = HOUR;
/// Ages are looked at once in a minute, and time is told by the median of the last five.
const SLACK: i64 = 3 * 60_000;

/// What happens next.
#[derive(Clone, Debug)]
enum Action {
    /// A connection opens: by which tuple, in which process.
    Open(u8, u8),
    /// One ends, and its C is written.
    Close(u8),
    /// One ends, and its C is written when its process gets to it: after so many seconds.
    CloseLate(u8, u8),
    /// One ends without a word.
    Vanish(u8),
    /// A connection is rejected, or cannot be made, by the tuple.
    Reject(u8),
    /// Somebody logs in.
    Login(u8),
    /// A line with a foreign time stamp.
    Lie(bool),
    /// A process is killed, and another takes its place.
    Kill(u8),
    /// All of them are.
    RestartMta,
    /// The log is renamed, and processes go over to the new one one by one.
    Rotate,
    /// The program looks at the log.
    Look,
    /// It saves its state.
    Save,
    /// It is killed, and goes on from there.
    Restart,
    /// Seconds pass.
    Seconds(u8),
    /// Hours pass.
    Hours(u8),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let byte = any::<u8>;
    let action = prop_oneof![
        12 => (byte(), byte()).prop_map(|(tuple, process)| Action::Open(tuple, process)),
        8 => byte().prop_map(Action::Close),
        3 => (byte(), 1..250_u8).prop_map(|(which, seconds)| Action::CloseLate(which, seconds)),
        2 => byte().prop_map(Action::Vanish),
        1 => byte().prop_map(Action::Reject),
        2 => byte().prop_map(Action::Login),
        1 => any::<bool>().prop_map(Action::Lie),
        1 => byte().prop_map(Action::Kill),
        1 => Just(Action::RestartMta),
        1 => Just(Action::Rotate),
        6 => Just(Action::Look),
        1 => Just(Action::Save),
        1 => Just(Action::Restart),
        8 => (0..80_u8).prop_map(Action::Seconds),
        1 => (1..12_u8).prop_map(Action::Hours),
    ];
    prop::collection::vec(action, 1..80)
}

/// The program: its sums, and where it reads.
struct Program {
    aggregate: Aggregate,
    reader: LogReader,
    /// How much of each file was read.
    read: Vec<usize>,
    /// The same and the sums, as they were saved.
    saved: (Vec<usize>, Vec<u8>),
    started: i64,
}

impl Program {
    fn start(host: &Host, saved: (Vec<usize>, Vec<u8>)) -> Self {
        let (contents, _) = decode(&saved.1).expect("what was saved is read");
        let totals = contents.snapshot.expect("a snapshot").totals;
        let aggregate = Aggregate::new(totals, jiff::tz::TimeZone::UTC, 1024);
        let reader = LogReader::new(Dialect::default(), usize::MAX);
        Self { aggregate, reader, read: saved.0.clone(), saved, started: host.now }
    }

    /// It knows how long server processes live.
    fn new(host: &Host, server_life: Duration) -> Self {
        let mut totals = Totals::new(7);
        totals.connections.set_max_life_time(server_life.into());
        let snapshot = Snapshot { positions: [].into(), totals };
        Self::start(
            host,
            (
                Vec::new(),
                encode(&snapshot, &imsimta_exporter::alerting::Saved::default(), &[]).expect("encoded"),
            ),
        )
    }

    /// Reads all that is there, the renamed files first.
    fn look(&mut self, host: &Host) {
        let since_start = u64::try_from(host.now - self.started).expect("time goes on");
        let monotonic = Monotonic::from(Duration::from_millis(since_start));
        let present = self.aggregate.go_on(UnixTime::of(host.now), monotonic);
        let log = self.aggregate.totals.accounts.index("connection.log_current");
        self.read.resize(host.files.len(), 0);
        for (file, read) in host.files.iter().zip(&mut self.read) {
            self.reader.count(&file.as_bytes()[*read..], &mut self.aggregate, log, Some(present));
            *read = file.len();
        }
    }

    fn save(&mut self) {
        let totals = self.aggregate.totals.clone();
        let snapshot = Snapshot { positions: [].into(), totals };
        self.saved = (
            self.read.clone(),
            encode(&snapshot, &imsimta_exporter::alerting::Saved::default(), &[]).expect("encoded"),
        );
    }

    /// How many are shown open, by direction and by destination.
    fn open(&self, host: &Host) -> ([usize; 2], [usize; DESTINATIONS]) {
        let since_start = u64::try_from(host.now - self.started).expect("time goes on");
        let monotonic = Monotonic::from(Duration::from_millis(since_start));
        let now = self.aggregate.present(UnixTime::of(host.now), monotonic).now();
        let few = |count: u64| usize::try_from(count).expect("few");
        let Totals { connections, open_destinations, .. } = &self.aggregate.totals;
        let counts = connections.counts(now);
        let of = |direction: usize| counts.values().map(|counts| counts[direction]).sum();
        let to = connections.counts_by_destination(open_destinations, now);
        let to = |destination| to.get(&*host::name(destination)).copied().unwrap_or(0);
        ([0, 1].map(|direction| few(of(direction))), std::array::from_fn(|destination| few(to(destination))))
    }
}

/// What is shown, and what is so: equal where the log tells all, and never too high for longer than
/// a connection may live.
fn compare(host: &Host, program: &Program) -> Result<(), TestCaseError> {
    let (shown, to) = program.open(host);
    let truth = |direction| (host.open(direction), host.untold(direction, GRACE + SLACK));
    for (what, shown, (open, untold)) in [("in", shown[0], truth(0)), ("out", shown[1], truth(1))] {
        prop_assert!(
            (open..=open + untold).contains(&shown),
            "{}: {} are shown, {} are open, {} ended untold",
            what,
            shown,
            open,
            untold
        );
    }
    for (destination, &shown) in to.iter().enumerate() {
        let (open, untold) = host.to(destination, GRACE + SLACK);
        prop_assert!(
            (open..=open + untold).contains(&shown),
            "to {}: {} are shown, {} are open, {} ended untold",
            host::name(destination),
            shown,
            open,
            untold
        );
    }
    prop_assert_eq!(to.iter().sum::<usize>(), shown[1], "each outbound one goes somewhere");
    Ok(())
}

fn check(processes: Processes, hours: u64, actions: &[Action]) -> Result<(), TestCaseError> {
    let server_life = Duration::from_hours(hours);
    let mut host = Host::new(processes, i64::try_from(server_life.as_millis()).expect("days"));
    let mut program = Program::new(&host, server_life);
    for action in actions {
        match *action {
            Action::Open(tuple, process) => host.open_by(tuple, process),
            Action::Close(which) => host.close(which),
            Action::CloseLate(which, seconds) => host.close_late(which, seconds),
            Action::Vanish(which) => host.vanish(which),
            Action::Reject(tuple) => host.reject(tuple),
            Action::Login(which) => host.login(which),
            Action::Lie(ahead) => host.lie(ahead),
            Action::Kill(process) => host.kill(process),
            Action::RestartMta => (0..host::PROCESSES).for_each(|process| host.kill(process)),
            Action::Rotate => host.rotate(),
            Action::Seconds(seconds) => host.pass(i64::from(seconds) * 1000),
            Action::Hours(hours) => host.pass(i64::from(hours) * HOUR),
            Action::Save => program.save(),
            Action::Restart => program = Program::start(&host, program.saved),
            Action::Look => {
                program.look(&host);
                compare(&host, &program)?;
            }
        }
    }
    program.look(&host);
    compare(&host, &program)?;
    finish(&mut host, &mut program)
}

/// Two days later nothing is left of what was not told, and everything was counted once.
fn finish(host: &mut Host, program: &mut Program) -> Result<(), TestCaseError> {
    for _ in 0..9 {
        host.pass(6 * HOUR);
        (0..6).for_each(|_| host.login(0));
        program.look(host);
        compare(host, program)?;
    }
    prop_assert_eq!(program.open(host).0, [0, 1].map(|direction| host.open(direction)));
    let (mut lost, mut closed, mut durations, mut seconds) = (0, 0, 0, 0.0);
    for (_, counts) in program.aggregate.totals.channels.all() {
        for &direction in Direction::ALL {
            let counts = &counts.connections[direction];
            lost += counts.closings.get(Closing::Lost);
            closed += counts.closings.get(Closing::Normal);
            prop_assert_eq!(counts.closed + counts.closings.get(Closing::Lost), counts.closings.sum());
            durations += counts.durations.count();
            seconds += counts.durations.sum_seconds();
        }
    }
    prop_assert_eq!((lost, closed, durations), (host.ended.untold, host.ended.told, host.ended.timed));
    prop_assert!((seconds - host.ended.seconds).abs() < 0.001, "{} {}", seconds, host.ended.seconds);
    Ok(())
}

fn config() -> ProptestConfig {
    let chosen = std::env::var_os("PROPTEST_CASES").is_some();
    let default = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if chosen { default } else { ProptestConfig { cases: 1000, ..default } }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn open_now_is_the_truth_or_for_a_life_too_high(
        processes in prop::sample::select(vec![Processes::Unsaid, Processes::Said, Processes::Pooled]),
        hours in prop::sample::select(LIVES.to_vec()),
        actions in actions(),
    ) {
        check(processes, hours, &actions)?;
    }
}
