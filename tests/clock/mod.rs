//! The host's clock is wrong, is set, stands still, and the program is restarted meanwhile: a run that went
//! through all of that, beside one whose clock was never wrong, shows the same page.
//!
//! The MTA writes by the host's clock, and lines are read when they are written.

use std::time::Duration;

use imsimta_exporter::aggregate::time::{Time, UnixTime};
use imsimta_exporter::aggregate::timeline::Present;
use imsimta_exporter::aggregate::{Aggregate, Totals};
use imsimta_exporter::app::state::Snapshot;
use imsimta_exporter::app::state::contents::{decode, encode};
use imsimta_exporter::config::ClientLabel;
use imsimta_exporter::counting::LogReader;
use imsimta_exporter::metrics::Exposition;
use imsimta_exporter::metrics::catalogue::Feed;
use imsimta_exporter::metrics::{ClientDisplay, logs};
use imsimta_exporter::observed::Now;
use imsimta_exporter::record::{Dialect, timestamp};
use imsimta_exporter::source::state::{Loaded, StateDirectory};
use proptest::prelude::*;

const SECOND: i64 = 1000;
const HOUR: i64 = 3600 * SECOND;
const YEAR: i64 = 365 * 24 * HOUR;
/// 2026-11-19T08:53:20Z
const BEGIN: i64 = 1_795_078_400_000;
/// The longest window: a connection whose end is missing counts for so long.
const WIDTH: i64 = 25 * HOUR;

/// A run of the program: its sums, and the clocks as they are.
struct Run {
    aggregate: Aggregate,
    reader: LogReader,
    /// Since its start.
    monotonic: i64,
    unix: i64,
}

impl Run {
    fn new() -> Self {
        Self::going_on(Totals::new(7), BEGIN)
    }

    fn going_on(totals: Totals, unix: i64) -> Self {
        let aggregate = Aggregate::new(totals, jiff::tz::TimeZone::UTC, 1024);
        Self { aggregate, reader: LogReader::new(Dialect::default(), usize::MAX), monotonic: 0, unix }
    }

    fn now(&self) -> Now {
        Now {
            monotonic: Duration::from_millis(self.monotonic.unsigned_abs()),
            unix: UnixTime::of(self.unix),
            steady_seconds: 0.0,
        }
    }

    /// An entry of this moment; `text` stands behind the time stamp.
    fn entry(&mut self, text: &str) {
        let time = jiff::Timestamp::from_millisecond(self.unix).expect("in range");
        self.line(&format!("{}{text}", time.strftime("%d-%b-%Y %H:%M:%S%.2f ")));
    }

    fn line(&mut self, line: &str) {
        let log = self.aggregate.totals.accounts.index("mail.log_current");
        let present = self.now().read(&mut self.aggregate);
        self.reader.count(format!("{line}\n").as_bytes(), &mut self.aggregate, log, Some(present));
    }

    /// The same, counted by the host's time alone.
    fn entry_of_older_release(&mut self, text: &str) {
        let time = jiff::Timestamp::from_millisecond(self.unix).expect("in range");
        let line = format!("{}{text}\n", time.strftime("%d-%b-%Y %H:%M:%S%.2f "));
        let log = self.aggregate.totals.accounts.index("mail.log_current");
        self.reader.count(line.as_bytes(), &mut self.aggregate, log, None);
    }

    /// Time goes by, and the clock gains or loses beside.
    fn pass(&mut self, millis: i64, gained: i64) {
        self.monotonic += millis;
        self.unix += millis + gained;
    }

    /// The state is saved, and another run goes on from it.
    fn restart(self, state: &StateDirectory) -> Self {
        let snapshot = Snapshot { positions: [].into(), totals: self.aggregate.totals };
        state
            .save(&encode(&snapshot, &imsimta_exporter::alerting::Saved::default(), &[]).expect("encoded"))
            .expect("saved");
        let Loaded::Whole(contents) = state.load(decode).expect("read") else {
            panic!("what was saved is there");
        };
        let totals = contents.snapshot.expect("a snapshot").totals;
        Self::going_on(totals, self.unix)
    }

    fn page(&self) -> String {
        let clients = ClientDisplay { label: ClientLabel::Address, top: 50, seed: 7 };
        let (totals, now) = (self.aggregate.totals.clone(), self.now().shown(&self.aggregate));
        let exposition = Exposition::default();
        let fill = move |page: &mut _| logs::fill(page, &totals, &clients, now);
        exposition.publish(&[Feed::Logs], fill).expect("published");
        String::from_utf8(exposition.encode().expect("encoded")).expect("text")
    }
}

/// The texts of entries of all kinds that windows, joins and tables are made of; `number` makes them differ.
fn texts(kind: u8, number: u8) -> String {
    let tuple = format!("TCP|192.0.2.25|25|203.0.113.{}|{}", number % 9, 4000 + u16::from(number));
    match kind % 7 {
        0 => format!(
            "tcp_local                 Q 1 a@b.example rfc822;u@d{number}.example u@d{number}.example  451 4.4.1 connection refused"
        ),
        1 => format!(
            "tcp_local                 D 1 a@b.example rfc822;u@e{number}.example u@e{number}.example  250 ok"
        ),
        2 => format!("tcp_local    +            O {tuple} SMTP"),
        3 => format!("tcp_local    +            C {tuple} SMTP"),
        4 => format!("tcp_local    +            X {tuple} SMTP 421 too many connections"),
        5 => format!(
            "tcp_local    +            U {tuple} SMTP Bad password *u 535 5.7.8 Bad username or password"
        ),
        _ => format!(
            "tcp_local                 R 1 a@b.example rfc822;u@d{number}.example u@d{number}.example  550 5.1.1 no such user"
        ),
    }
}

/// A message that waits from one entry to the other, `number` tells it from others.
fn waits(number: u8, arrives: bool) -> String {
    let file = format!("/q/ims-ms/ZZ0abcd{number}.00 <{number}@b.example> mailsrv");
    if arrives {
        format!("tcp_local    ims-ms       E 1 a@b.example rfc822;u@c.example u@ims-ms-daemon {file}")
    } else {
        format!("ims-ms                    D 1 a@b.example rfc822;u@c.example u@ims-ms-daemon {file}")
    }
}

/// What the clock does in front of an entry.
#[derive(Clone, Copy, Debug)]
enum Move {
    /// Runs as it should.
    Runs,
    /// Is off by so much from now on.
    IsOff(i64),
    /// Shows what it has shown before.
    Stands,
    /// The program ends and starts again.
    Restarts,
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => Just(Move::Runs),
        1 => (-40 * SECOND..40 * SECOND).prop_map(Move::IsOff),
        1 => (-9 * HOUR..9 * HOUR).prop_map(Move::IsOff),
        1 => (-20 * YEAR..20 * YEAR).prop_map(Move::IsOff),
        1 => Just(Move::IsOff(0)),
        1 => Just(Move::Stands),
        1 => Just(Move::Restarts),
    ]
}

fn steps() -> impl Strategy<Value = Vec<(Move, i64, u8, u8)>> {
    prop::collection::vec((moves(), 0..90 * SECOND, any::<u8>(), 0..30_u8), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_one_width_of_the_window_nothing_is_left_of_a_wrong_clock(
        steps in steps(),
        later in prop::collection::vec((0..90 * SECOND, any::<u8>(), 0..30_u8), 1..40),
        restarts in any::<bool>(),
    ) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let state = StateDirectory::open(&directory.path().join("state")).expect("ours alone");
        let (mut right, mut wrong) = (Run::new(), Run::new());
        for (change, pause, kind, number) in steps {
            right.pass(pause, 0);
            let off = wrong.unix - (right.unix - pause);
            match change {
                Move::Runs => wrong.pass(pause, 0),
                Move::IsOff(by) => wrong.pass(pause, by - off),
                Move::Stands => wrong.pass(pause, -pause),
                Move::Restarts => {
                    wrong.pass(pause, 0);
                    wrong = wrong.restart(&state);
                }
            }
            let text = texts(kind, number);
            right.entry(&text);
            wrong.entry(&text);
        }
        // The clock is set, while the program runs or while it does not.
        if restarts {
            wrong = wrong.restart(&state);
        }
        wrong.pass(0, right.unix - wrong.unix);
        for run in [&mut right, &mut wrong] {
            run.entry(&texts(1, 0));
            run.pass(WIDTH, 0);
            // That so much time has gone by is believed when several connections say so.
            for _ in 0..6 {
                run.pass(60 * SECOND, 0);
                run.entry(&texts(4, 200));
            }
            for &(pause, kind, number) in &later {
                run.pass(pause, 0);
                run.entry(&texts(kind, number));
            }
        }
        // For how long a connection was open, and whether it was lost before its C came, was told by the clock as it was.
        let told_then = |line: &str| {
            line.contains("imsimta_connection_duration_seconds")
                || line.starts_with("imsimta_connections_lost_total")
                || line.contains("reason=\"lost\"")
        };
        let page = |run: &Run| -> Vec<String> {
            run.page().lines().filter(|line| !told_then(line)).map(str::to_owned).collect()
        };
        prop_assert_eq!(page(&wrong), page(&right));
    }

    /// While it runs, a program does not notice that the clock is wrong by whole minutes.
    #[test]
    fn a_run_shows_the_same_all_the_time(
        steps in prop::collection::vec(
            (-3_i64..3, prop_oneof![Just(1), Just(60), Just(10 * YEAR / 60_000)], 0..90 * SECOND, any::<u8>(), 0..30_u8),
            1..60,
        ),
    ) {
        let (mut right, mut wrong) = (Run::new(), Run::new());
        // A first look shows what the clock is like.
        for run in [&mut right, &mut wrong] {
            run.entry(&texts(1, 0));
        }
        for (off, minutes, pause, kind, number) in steps {
            right.pass(pause, 0);
            wrong.pass(pause, right.unix - pause + off * minutes * 60 * SECOND - wrong.unix);
            let text = if kind % 3 == 0 { waits(number, kind % 2 == 0) } else { texts(kind, number) };
            right.entry(&text);
            wrong.entry(&text);
            let last = "imsimta_log_last_entry_timestamp_seconds{";
            let page = |run: &Run| -> Vec<String> {
                run.page().lines().filter(|line| !line.starts_with(last)).map(str::to_owned).collect()
            };
            prop_assert_eq!(page(&wrong), page(&right));
        }
    }
}

/// The value of a sample of the page.
fn value(run: &Run, sample: &str) -> Option<f64> {
    crate::service::harness::value_of(&run.page(), sample)
}

const RATIO: &str = r#"imsimta_delivery_top_domain_failure_ratio{channel="tcp_local"}"#;
const DOMAINS: &str = r#"imsimta_delivery_domains{channel="tcp_local"}"#;
const LOGINS: &str = r#"imsimta_client_authentication_failures{client="203.0.113.1"}"#;

/// What becomes of the sums that were made while the clock was ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// The program runs on.
    None,
    /// They are saved, and the next start goes on from them.
    Saved,
    /// The same, by a release that kept the host's time in all tables.
    OfOlderRelease,
}

const ENDINGS: [Ending; 3] = [Ending::None, Ending::Saved, Ending::OfOlderRelease];

/// The page for an outage is held back while one domain alone fails.
#[test]
fn an_outage_after_a_clock_that_was_ahead_is_seen_at_once() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let state = StateDirectory::open(&directory.path().join("state")).expect("ours alone");
    for (ahead, ending) in [2 * HOUR, 10 * YEAR].into_iter().flat_map(|ahead| ENDINGS.map(|how| (ahead, how)))
    {
        let mut run = Run::new();
        run.pass(0, ahead);
        for _ in 0..20 {
            match ending {
                Ending::OfOlderRelease => run.entry_of_older_release(&texts(0, 1)),
                Ending::None | Ending::Saved => run.entry(&texts(0, 1)),
            }
        }
        run.pass(10 * SECOND, -ahead);
        if ending != Ending::None {
            run = run.restart(&state);
        }
        for number in 0..200 {
            run.pass(100, 0);
            run.entry(&texts(0, number));
            run.entry(&texts(5, 1));
        }
        let ratio = value(&run, RATIO).expect("failures");
        assert!(ratio < 0.2, "{ahead} {ending:?}: {ratio}");
        assert_eq!(value(&run, LOGINS), Some(200.0), "{ahead} {ending:?}");
        run.pass(HOUR + 60 * SECOND, 0);
        run.entry(&texts(1, 3));
        assert_eq!(value(&run, DOMAINS), Some(1.0), "{ahead} {ending:?}");
        let last = value(&run, r#"imsimta_log_last_entry_timestamp_seconds{log="mail.log_current"}"#);
        assert_eq!(last, Some(f64::from(i32::try_from(run.unix / SECOND).expect("before 2038"))));
    }
}

/// A window keeps what is still right when the clock jumps and comes back.
#[test]
fn a_jump_empties_nothing() {
    for off in [2 * HOUR, 10 * YEAR, -2 * HOUR, -10 * YEAR] {
        let mut run = Run::new();
        (0..50).for_each(|_| run.entry(&texts(5, 1)));
        run.entry(&texts(2, 1));
        run.pass(10 * SECOND, off);
        run.entry(&texts(1, 1));
        assert_eq!(value(&run, LOGINS), Some(50.0), "{off}");
        run.pass(10 * SECOND, -off);
        run.entry(&texts(1, 1));
        assert_eq!(value(&run, LOGINS), Some(50.0), "{off}");
        let open = value(&run, r#"imsimta_connections_open{channel="tcp_local",direction="in"}"#);
        assert_eq!(open, Some(1.0), "{off}");
    }
}

/// One entry of a wrong clock moves no window, and time goes on by the host's.
#[test]
fn an_entry_of_the_future_moves_nothing() {
    let mut run = Run::new();
    run.entry(&texts(5, 1));
    run.line(&format!("19-Nov-2036 08:53:20.00 {}", texts(1, 1)));
    run.pass(SECOND, 0);
    run.entry(&texts(5, 1));
    assert_eq!(value(&run, LOGINS), Some(2.0));
    run.pass(600 * SECOND, 0);
    assert_eq!(value(&run, LOGINS), None);
}

/// In the nights in which summer time begins and ends an entry of now is one of now, all the time.
#[test]
fn summer_time_is_no_wrong_zone() {
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").expect("bundled");
    let mut aggregate = Aggregate::new(Totals::new(7), zone.clone(), 1024);
    for night in ["2026-03-29T00:00:00Z", "2026-10-25T00:00:00Z"] {
        let begin: jiff::Timestamp = night.parse().expect("a time");
        for minute in 0..180 {
            let now = begin + jiff::SignedDuration::from_mins(minute);
            let text = now.to_zoned(zone.clone()).strftime("%d-%b-%Y %H:%M:%S.00 ").to_string();
            let (stamp, _) = timestamp::text(text.as_bytes()).expect("a time stamp");
            let unix = now.as_millisecond();
            let written = aggregate.unix(stamp, Present::of_entry(Time::of(unix)));
            assert_eq!(written.millis(), unix, "{text}");
        }
    }
}
