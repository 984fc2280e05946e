//! The supervisor, with watchers that misbehave in every way that we know, and with the real one.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel as std_channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use tempfile::TempDir;

use super::supervisor::{FRUITLESS, MOST_THREADS};
use super::watcher::{FLOOD, SPIN, Stopped};
use super::{Hints, Restart, Waker, Wakeup, Wakeups, Watch, channel};

/// Looks until a test gives up: each takes [`POLL`] at most.
const LOOKS: usize = 3000;
/// The time of a poll, for real; for the code under test a second passes in it.
const POLL: Duration = Duration::from_millis(20);
const SECOND: Duration = Duration::from_secs(1);

/// A reader of one log that does not read: whether it finds something is said by the test.
struct Reader {
    wakeups: Wakeups,
    waker: Waker,
    now: Duration,
    directory: TempDir,
}

impl Reader {
    fn new(watch: Watch) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let logs = directory.path().join("log");
        fs::create_dir(&logs).expect("made");
        let paths = ["mail.log_current", "connection.log_current"].map(|name| logs.join(name));
        fs::write(&paths[0], "").expect("written");
        let (waker, wakeups) = channel(paths.to_vec(), POLL, watch);
        Self { wakeups, waker, now: Duration::ZERO, directory }
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.directory.path().join(relative)
    }

    /// Ends a look, and waits for the next.
    fn look(&mut self, found: bool, took: Duration) -> Wakeup {
        self.now += took;
        self.wakeups.wait(found, self.now).expect("a waker is there")
    }

    fn restarts(&self, cause: Restart) -> u64 {
        self.wakeups.counts().restarts(cause)
    }

    #[track_caller]
    fn look_until(&mut self, found: bool, mut done: impl FnMut(&Self, Wakeup) -> bool) {
        for _ in 0..LOOKS {
            let woken = self.look(found, SECOND);
            if done(self, woken) {
                return;
            }
        }
        panic!("never, but {:?}", self.wakeups.counts());
    }
}

/// A watcher that does at each poll what the function does.
struct Fake<F>(F);

impl<F: FnMut(&mut Context<'_>) -> Poll<Result<(), Stopped>>> Hints for Fake<F> {
    fn poll_hint(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Stopped>> {
        (self.0)(context)
    }
}

fn fake<F>(poll: F) -> Box<dyn Hints>
where
    F: FnMut(&mut Context<'_>) -> Poll<Result<(), Stopped>> + 'static,
{
    Box::new(Fake(poll))
}

/// A watcher that works: it gives the hints that the test sends.
#[derive(Clone, Default)]
struct Working(Arc<Mutex<(usize, Option<std::task::Waker>)>>);

impl Working {
    fn watch(&self) -> Box<dyn Hints> {
        let shared = Arc::clone(&self.0);
        fake(move |context| {
            let mut shared = shared.lock().expect("no test panics with it");
            if shared.0 > 0 {
                shared.0 -= 1;
                return Poll::Ready(Ok(()));
            }
            shared.1 = Some(context.waker().clone());
            Poll::Pending
        })
    }

    fn hint(&self) {
        let mut shared = self.0.lock().expect("no test panics with it");
        shared.0 += 1;
        if let Some(waker) = shared.1.take() {
            waker.wake();
        }
    }
}

/// Makes a watcher that misbehaves, whatever the number of watchers made before.
type Misbehaviour = Box<dyn Fn() -> io::Result<Box<dyn Hints>> + Send + Sync>;

fn always(result: fn() -> Poll<Result<(), Stopped>>) -> Misbehaviour {
    Box::new(move || Ok(fake(move |_| result())))
}

fn stopped(why: impl Into<Stopped>) -> Poll<Result<(), Stopped>> {
    Poll::Ready(Err(why.into()))
}

/// A watcher whose polls are counted.
fn counted(
    polls: &Arc<AtomicUsize>,
    poll: fn(&mut Context<'_>, usize) -> Poll<Result<(), Stopped>>,
) -> Misbehaviour {
    let polls = Arc::clone(polls);
    Box::new(move || {
        let polls = Arc::clone(&polls);
        Ok(fake(move |context| poll(context, polls.fetch_add(1, Ordering::SeqCst))))
    })
}

/// A watcher whose first poll returns when the sender is dropped.
fn blocked() -> (Sender<()>, Misbehaviour) {
    let (release, blocked) = std_channel::<()>();
    let blocked = Arc::new(Mutex::new(blocked));
    let watch = move || {
        let blocked = Arc::clone(&blocked);
        Ok(fake(move |_| {
            drop(blocked.lock().map(|blocked| blocked.recv()));
            Poll::Pending
        }))
    };
    (release, Box::new(watch))
}

/// Whatever the first watcher does, it is noticed for what it is, a poll comes meanwhile, and the
/// next watcher announces changes again.
#[track_caller]
fn check_recovery(misbehaviour: Misbehaviour, found: bool, cause: Restart) {
    let (made, working) = (Arc::new(AtomicUsize::new(0)), Working::default());
    let (count, next) = (Arc::clone(&made), working.clone());
    let mut reader = Reader::new(Arc::new(move |_: &[PathBuf]| match count.fetch_add(1, Ordering::SeqCst) {
        0 => misbehaviour(),
        _ => Ok(next.watch()),
    }));
    reader.look_until(found, |reader, _| reader.restarts(cause) > 0);
    reader.look_until(false, |_, _| made.load(Ordering::SeqCst) == 2);
    // The hint that every new watcher gives is not the one that is meant.
    reader.look_until(false, |_, woken| woken == Wakeup::Poll);
    working.hint();
    reader.look_until(false, |_, woken| woken == Wakeup::Event);
    let restarts: u64 = Restart::ALL.iter().map(|&cause| reader.restarts(cause)).sum();
    assert_eq!((restarts, made.load(Ordering::SeqCst)), (1, 2), "{cause:?}");
}

#[test]
fn a_watcher_that_ends_or_fails_is_made_anew() {
    check_recovery(always(|| stopped(Restart::Ended)), false, Restart::Ended);
    check_recovery(always(|| stopped(io::Error::other("lost"))), false, Restart::Failed);
    check_recovery(always(|| stopped(Restart::Overflow)), false, Restart::Overflow);
    check_recovery(Box::new(|| Err(io::Error::other("too many"))), false, Restart::Failed);
    // Without the message that a panic would print.
    check_recovery(Box::new(|| std::panic::resume_unwind(Box::new(()))), false, Restart::Panicked);
    check_recovery(always(|| std::panic::resume_unwind(Box::new(()))), false, Restart::Panicked);
}

#[test]
fn a_watcher_that_gives_no_event_for_what_a_poll_finds_is_made_anew() {
    check_recovery(always(|| Poll::Pending), true, Restart::Silent);
}

#[test]
fn a_watcher_that_never_runs_dry_is_dropped_after_one_poll() {
    let polls = Arc::new(AtomicUsize::new(0));
    check_recovery(counted(&polls, |_, _| Poll::Ready(Ok(()))), false, Restart::Flooded);
    assert_eq!(polls.load(Ordering::SeqCst), FLOOD);
}

#[test]
fn a_watcher_that_wakes_without_events_is_polled_seldom_and_dropped() {
    let polls = Arc::new(AtomicUsize::new(0));
    let poll = |context: &mut Context<'_>, _| {
        context.waker().wake_by_ref();
        Poll::Pending
    };
    check_recovery(counted(&polls, poll), false, Restart::Spinning);
    assert_eq!(polls.load(Ordering::SeqCst), SPIN as usize + 1);
}

#[test]
fn a_watcher_whose_events_lead_to_nothing_is_dropped_for_a_second() {
    let polls = Arc::new(AtomicUsize::new(0));
    let poll = |context: &mut Context<'_>, polls| {
        context.waker().wake_by_ref();
        if polls % 2 == 0 { Poll::Ready(Ok(())) } else { Poll::Pending }
    };
    let made = Arc::new(AtomicUsize::new(0));
    let (count, watch) = (Arc::clone(&made), counted(&polls, poll));
    let mut reader = Reader::new(Arc::new(move |_: &[PathBuf]| {
        count.fetch_add(1, Ordering::SeqCst);
        watch()
    }));
    assert_eq!(reader.look(false, Duration::ZERO), Wakeup::Tick);
    let mut looks = 0;
    reader.now = SECOND;
    while reader.restarts(Restart::Fruitless) == 0 {
        assert!(looks < LOOKS, "{:?}", reader.wakeups.counts());
        // No time passes for the code under test: a slow machine's polls are no quiet ones.
        reader.look(false, Duration::ZERO);
        looks += 1;
    }
    assert!(looks >= FRUITLESS as usize);
    for _ in 0..3 {
        reader.look(false, Duration::from_millis(300));
    }
    assert_eq!(made.load(Ordering::SeqCst), 1, "dropped for a second");
    reader.look_until(false, |_, _| made.load(Ordering::SeqCst) == 2);
}

#[test]
fn a_poll_that_does_not_return_holds_up_nobody() {
    let (release, misbehaviour) = blocked();
    check_recovery(misbehaviour, false, Restart::Stuck);
    drop(release);
}

#[test]
fn threads_that_hang_are_few_and_a_watcher_is_made_when_one_returns() {
    let (release, misbehaviour) = blocked();
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let mut reader = Reader::new(Arc::new(move |_: &[PathBuf]| {
        count.fetch_add(1, Ordering::SeqCst);
        misbehaviour()
    }));
    reader.look_until(false, |reader, _| reader.restarts(Restart::Stuck) == MOST_THREADS as u64);
    for _ in 0..10 {
        assert_eq!(reader.look(false, SECOND), Wakeup::Poll);
    }
    assert_eq!(made.load(Ordering::SeqCst), MOST_THREADS);
    assert_eq!(reader.wakeups.problem(), Some(Restart::Stuck.meaning()));
    drop(release);
    reader.look_until(false, |_, _| made.load(Ordering::SeqCst) > MOST_THREADS);
}

#[test]
fn under_load_there_is_no_watcher() {
    let presence = Arc::new(());
    let present = Arc::clone(&presence);
    let mut reader = Reader::new(Arc::new(move |_: &[PathBuf]| {
        let present = Arc::clone(&present);
        Ok(fake(move |_| {
            assert!(Arc::strong_count(&present) > 1, "it holds one for as long as it is there");
            Poll::Pending
        }))
    }));
    let unwatched = Arc::strong_count(&presence);
    reader.look_until(false, |_, _| Arc::strong_count(&presence) > unwatched);
    for _ in 0..4 {
        reader.look(true, Duration::from_millis(10));
    }
    assert!((0..LOOKS).any(|_| {
        let woken = reader.look(true, Duration::from_millis(10));
        woken == Wakeup::Tick && Arc::strong_count(&presence) == unwatched
    }));
    reader.look_until(false, |_, _| Arc::strong_count(&presence) > unwatched);
}

#[test]
fn requests_wake_and_the_wait_ends_with_the_last_waker() {
    let mut reader = Reader::new(Arc::new(|_: &[PathBuf]| Ok(fake(|_| Poll::Pending))));
    assert!(reader.waker.wake());
    assert_eq!(reader.look(false, Duration::ZERO), Wakeup::Request);
    let Reader { mut wakeups, waker, now, .. } = reader;
    let another = waker.clone();
    drop(waker);
    assert!(wakeups.wait(false, now).is_some());
    drop(another);
    assert_eq!(wakeups.wait(false, now), None);
}

/// The real watcher, with a reader that looks at sizes.
struct Real {
    reader: Reader,
    seen: u64,
}

impl Real {
    fn new() -> Self {
        Self { reader: Reader::new(Arc::new(super::watch)), seen: 0 }
    }

    fn grew(&mut self) -> bool {
        let logs = ["log/mail.log_current", "log/connection.log_current"].map(|name| self.reader.path(name));
        let sizes = logs.iter().filter_map(|log| fs::metadata(log).ok()).map(|metadata| metadata.len());
        let size = sizes.sum();
        std::mem::replace(&mut self.seen, size) != size
    }

    /// One watcher announces some writes in a row.
    #[track_caller]
    fn check_events_come(&mut self, log: &str) {
        let path = self.reader.path(log);
        let mut announced = 0;
        for _ in 0..LOOKS {
            let before: u64 = Restart::ALL.iter().map(|&cause| self.reader.restarts(cause)).sum();
            append(&path);
            let found = self.grew();
            let woken = self.reader.look(found, SECOND);
            let after: u64 = Restart::ALL.iter().map(|&cause| self.reader.restarts(cause)).sum();
            announced = if woken == Wakeup::Event && before == after { announced + 1 } else { 0 };
            if announced == 5 {
                return;
            }
        }
        panic!("events do not come: {:?}", self.reader.wakeups.counts());
    }
}

fn append(path: &Path) {
    if let Ok(mut file) = fs::OpenOptions::new().append(true).open(path) {
        file.write_all(b"x").expect("written");
    }
}

#[test]
fn events_of_the_real_watcher_come_again_after_every_upset() {
    let mut real = Real::new();
    let (logs, log, old) = (
        real.reader.path("log"),
        real.reader.path("log/mail.log_current"),
        real.reader.path("log/mail.log_yesterday"),
    );
    let mail = "log/mail.log_current";
    real.check_events_come(mail);
    // Renamed, and the new one at once.
    fs::rename(&log, &old).expect("renamed");
    fs::write(&log, "").expect("written");
    real.check_events_come(mail);
    // Renamed, and the new one late.
    fs::rename(&log, &old).expect("renamed");
    real.reader.look(false, SECOND);
    fs::write(&log, "").expect("written");
    real.check_events_come(mail);
    // Deleted and made anew.
    fs::remove_file(&log).expect("removed");
    fs::write(&log, "").expect("written");
    real.check_events_come(mail);
    // A log that was not there.
    fs::write(real.reader.path("log/connection.log_current"), "").expect("written");
    real.check_events_come("log/connection.log_current");
    // The directory removed, missing for a while, and made anew.
    fs::remove_dir_all(&logs).expect("removed");
    for _ in 0..5 {
        real.reader.look(false, SECOND);
    }
    fs::create_dir(&logs).expect("made");
    fs::write(&log, "").expect("written");
    real.check_events_come(mail);
    // The directory behind a relative link, as of a real installation.
    fs::create_dir(real.reader.path("data")).expect("made");
    fs::rename(&logs, real.reader.path("data/log")).expect("renamed");
    symlink("data/log", &logs).expect("linked");
    real.check_events_come(mail);
    // The log behind a link.
    fs::rename(&log, real.reader.path("data/elsewhere")).expect("renamed");
    symlink("../elsewhere", &log).expect("linked");
    real.check_events_come(mail);
}
