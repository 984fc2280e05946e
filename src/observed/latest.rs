//! The last readings of the collectors, and whether a run under way hangs.

use std::any::Any;
use std::fmt::{self, Debug};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::clock::Clock;
use super::reading::{Reading, Run};

/// How long a run may show no sign of life. No single call into a file system that works takes as long.
const HANGS_AFTER: Duration = Duration::from_secs(10);

/// No budget of time is longer.
const YEAR: Duration = Duration::from_hours(365 * 24);

/// A collector's turn to say what it found, until another has it.
#[derive(Clone, Debug, Default)]
pub struct Turn(Arc<State>);

/// What is done when a turn ends.
type AtEnd = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct State {
    /// Looks at the clock since it is over, and one; 0 until then.
    over: AtomicU32,
    at_end: Mutex<Vec<AtEnd>>,
}

impl Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("State").field(&self.over).finish()
    }
}

impl Turn {
    /// Nothing more is heard of it.
    pub fn end(&self) {
        let at_end = {
            let mut at_end = self.0.at_end.lock();
            self.0.over.fetch_max(1, Ordering::AcqRel);
            std::mem::take(&mut *at_end)
        };
        for act in at_end {
            act();
        }
    }

    /// Has something done by who ends it, at once where that has happened: what outlives this program if nobody ends
    /// it. It must not take long.
    pub fn at_end(&self, act: impl FnOnce() + Send + 'static) {
        let mut at_end = self.0.at_end.lock();
        if self.is_over() {
            drop(at_end);
            act();
        } else {
            at_end.push(Box::new(act));
        }
    }

    /// Whether it has been ended.
    pub fn is_over(&self) -> bool {
        self.0.over.load(Ordering::Acquire) > 0
    }

    /// How much later it is than it seems, once it is over.
    fn late(&self) -> Option<Duration> {
        self.is_over().then(|| YEAR * self.0.over.fetch_add(1, Ordering::AcqRel))
    }
}

/// What a collector is to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The value of the label `collector`.
    pub name: &'static str,
    /// What it reads, for the table of collectors.
    pub reads: String,
    /// The same within a sentence: *the* … cannot be read.
    pub called: &'static str,
    /// What a start waits for.
    pub first: &'static str,
    /// Whether it looks at what only the active node of a pair has mounted. Without that nobody can say whether
    /// mail flows, and on the passive node there is nothing to wait for.
    pub mounted: bool,
}

/// How the last run of a collector went, whatever it finds.
#[derive(Clone, Debug)]
pub struct Outline {
    /// Which one it is.
    pub about: About,
    /// How the run went.
    pub reading: Reading<()>,
    /// Whether anything is known of its source now.
    pub anything: bool,
}

/// The last reading of a collector that runs on its interval.
#[derive(Debug)]
pub struct Latest<T> {
    clock: Clock,
    /// Nothing for one that looks only for the sake of others.
    about: Option<About>,
    /// Whether what a run found is anything.
    is_anything: fn(&T) -> bool,
    shared: Mutex<Shared<T>>,
    /// Told when a run has ended.
    ended: Condvar,
}

#[derive(Debug)]
struct Shared<T> {
    reading: Reading<T>,
    /// When the run under way gave its last sign of life.
    alive: Option<Duration>,
    /// For how long it has hung.
    hung: Duration,
}

impl<T> Shared<T> {
    /// Ends the silence of the run under way.
    fn hear(&mut self, now: Duration) {
        let silent = self.alive.map_or(Duration::ZERO, |alive| now.saturating_sub(alive));
        if silent >= HANGS_AFTER {
            self.hung += silent;
        }
    }
}

impl<T> Latest<T> {
    /// Nothing read so far.
    pub fn new(clock: Clock, about: Option<About>, is_anything: fn(&T) -> bool) -> Self {
        let shared = Shared { reading: Reading::default(), alive: None, hung: Duration::ZERO };
        Self { clock, about, is_anything, shared: Mutex::new(shared), ended: Condvar::new() }
    }

    /// A copy of the reading; its value is shared. While a run hangs nothing is known, since what was
    /// read before it may be wrong by now.
    pub fn get(&self) -> Reading<T> {
        let shared = self.shared.lock();
        let silent = shared.alive.map(|alive| self.clock.monotonic().saturating_sub(alive));
        match silent {
            Some(silent) if silent >= HANGS_AFTER => shared.reading.hanging(silent),
            _ => shared.reading.clone(),
        }
    }

    /// The same once the first run has ended, or after `patience`.
    pub fn first(&self, patience: Duration) -> Reading<T> {
        let mut shared = self.shared.lock();
        self.ended.wait_while_for(&mut shared, |shared| shared.reading.runs == 0, patience);
        drop(shared);
        self.get()
    }

    /// A sign of life of a run, and the time. Once its turn is over nobody hears of it, and each look at the clock is a
    /// year later than the one before: whoever has a budget of time gives up.
    pub fn alive(&self, turn: &Turn) -> Duration {
        let now = self.clock.monotonic();
        let mut shared = self.shared.lock();
        if let Some(late) = turn.late() {
            return now + late;
        }
        shared.hear(now);
        shared.alive = Some(now);
        now
    }

    /// Takes note that a run waited for somebody else, which is no work. It is no sign of life.
    pub fn waited(&self, turn: &Turn, waited: Duration) {
        let mut shared = self.shared.lock();
        if !turn.is_over() {
            shared.hung += waited;
        }
    }

    /// Takes the result of a run, which has ended; for how long it has hung, which was no work. What comes after its
    /// turn is not taken: somebody else may have said what is there by now.
    pub fn update(&self, turn: &Turn, run: Run<T>, now: f64, duration: f64) -> Duration {
        let mut shared = self.shared.lock();
        if turn.is_over() {
            return Duration::ZERO;
        }
        shared.hear(self.clock.monotonic());
        shared.reading.update(run, now, duration);
        shared.alive = None;
        self.ended.notify_all();
        std::mem::take(&mut shared.hung)
    }
}

/// The latest of any collector.
trait Kept: Any + Debug + Send + Sync {
    fn outline(&self) -> Option<Outline>;
}

impl<T: Debug + Send + Sync + 'static> Kept for Latest<T> {
    fn outline(&self) -> Option<Outline> {
        let about = self.about.clone()?;
        let reading = self.get();
        if reading.off {
            return None;
        }
        let anything = reading.value.as_deref().is_some_and(self.is_anything);
        Some(Outline { about, reading: reading.outline(), anything })
    }
}

/// The latest of all collectors, each found by the type of what it finds.
#[derive(Debug, Default)]
pub struct Readings(Vec<Box<dyn Kept>>);

impl Readings {
    /// A place for a further collector; no two find the same type.
    pub fn add<T: Debug + Send + Sync + 'static>(&mut self, latest: Latest<T>) {
        debug_assert!(self.latest::<T>().is_none(), "a place for each type of finding");
        self.0.push(Box::new(latest));
    }

    /// The latest of the collector that finds a `T`; nothing where none does.
    pub fn latest<T: 'static>(&self) -> Option<&Latest<T>> {
        self.0.iter().find_map(|kept| (&**kept as &dyn Any).downcast_ref())
    }

    /// The same as it is now: as before the first run where there is no such collector.
    pub fn get<T: 'static>(&self) -> Reading<T> {
        self.latest().map_or_else(Reading::default, Latest::get)
    }

    /// What was found last, unless that failed.
    pub fn found<T: 'static>(&self) -> Option<Arc<T>> {
        self.get().value
    }

    /// Those that people are told of and that are not off, in the order of their table. Those of all collectors have the logs as well, see
    /// [`Observed::outlines`](super::Observed::outlines).
    pub fn outlines(&self) -> impl Iterator<Item = Outline> {
        self.0.iter().filter_map(|kept| kept.outline())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::{About, Latest, Readings, Turn};
    use crate::observed::Clock;
    use crate::observed::reading::Run;

    #[test]
    fn readings_are_found_by_what_they_find() {
        let clock = Clock::start();
        let about = About {
            name: "words",
            reads: "words".to_owned(),
            called: "list of words",
            first: "the first look at words",
            mounted: false,
        };
        let mut readings = Readings::default();
        readings.add(Latest::<u8>::new(clock, None, |_| true));
        readings.add(Latest::<String>::new(clock, Some(about), |word| !word.is_empty()));
        assert!(readings.found::<u8>().is_none() && readings.latest::<u16>().is_none());
        assert_eq!(readings.get::<u16>().runs, 0);
        let turn = Turn::default();
        for (word, anything) in [("", false), ("a", true)] {
            let words = readings.latest::<String>().expect("a place");
            words.update(&turn, Run::Whole(word.to_owned()), 1.0, 0.5);
            let told: Vec<_> = readings.outlines().collect();
            assert_eq!(told.iter().map(|outline| outline.about.name).collect::<Vec<_>>(), ["words"]);
            assert_eq!((told[0].anything, told[0].reading.duration), (anything, 0.5));
        }
    }

    #[test]
    fn the_end_of_a_turn_is_acted_on_once() {
        let (turn, acted) = (Turn::default(), Arc::new(AtomicU32::new(0)));
        let act = || {
            let acted = Arc::clone(&acted);
            move || _ = acted.fetch_add(1, Ordering::Relaxed)
        };
        turn.at_end(act());
        assert_eq!(acted.load(Ordering::Relaxed), 0);
        turn.end();
        turn.end();
        assert_eq!(acted.load(Ordering::Relaxed), 1);
        turn.at_end(act());
        assert_eq!(acted.load(Ordering::Relaxed), 2, "at once, since it is over");
    }

    #[test]
    fn who_is_off_is_not_told_of() {
        let about = About {
            name: "words",
            reads: "words".to_owned(),
            called: "list of words",
            first: "the first look at words",
            mounted: false,
        };
        let mut readings = Readings::default();
        readings.add(Latest::<u8>::new(Clock::start(), Some(about), |_| true));
        assert_eq!(readings.outlines().count(), 1, "nobody has looked");
        let turn = Turn::default();
        for (run, told) in [(Run::Off, 0), (Run::Whole(1), 1), (Run::Off, 0)] {
            readings.latest::<u8>().expect("a place").update(&turn, run, 1.0, 0.5);
            assert_eq!(readings.outlines().count(), told);
        }
    }

    #[test]
    fn the_first_run_is_waited_for_and_not_for_ever() {
        let latest = Latest::<u8>::new(Clock::start(), None, |_| true);
        assert_eq!(latest.first(Duration::from_millis(1)).runs, 0);
        std::thread::scope(|scope| {
            scope.spawn(|| latest.update(&Turn::default(), Run::Whole(7), 1.0, 0.5));
            assert_eq!(latest.first(Duration::from_mins(1)).value.as_deref(), Some(&7));
        });
        latest.update(&Turn::default(), Run::Failed("no".to_owned()), 2.0, 0.5);
        assert_eq!(latest.first(Duration::from_mins(1)).runs, 2, "there has been one");
    }

    #[test]
    fn who_has_no_turn_is_not_heard_and_gives_up() {
        let latest = Latest::<u8>::new(Clock::start(), None, |_| true);
        let (first, second) = (Turn::default(), Turn::default());
        let begun = latest.alive(&first);
        assert!(latest.alive(&first).saturating_sub(begun) < Duration::from_hours(1));
        first.end();
        assert!(latest.alive(&first).saturating_sub(begun) > Duration::from_hours(24), "whenever it began");
        let begun = latest.alive(&first);
        assert!(latest.alive(&first).saturating_sub(begun) > Duration::from_hours(24));
        latest.update(&second, Run::Whole(2), 1.0, 0.0);
        latest.update(&first, Run::Whole(1), 2.0, 0.0);
        assert_eq!((latest.get().value.as_deref(), latest.get().runs), (Some(&2), 1));
    }
}
