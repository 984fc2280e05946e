//! What a row of the table of collectors says, and what is the same for all of them.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::carried_over::Kept;
use crate::config::Config;
use crate::metrics::ClientDisplay;
use crate::metrics::Page;
use crate::observed::latest::{About, Latest, Readings, Turn};
use crate::observed::reading::{Reading, Run};
use crate::observed::{Clock, Observed, ProblemLog};
use crate::source::install::Install;

/// A collector whose runs find a `T`. No two find the same type.
pub struct Collector<T> {
    /// The value of the label `collector`, and the name of its thread.
    pub name: &'static str,
    /// How it describes itself; nothing for one that looks only for the sake of others.
    pub shown: Option<Shown>,
    /// What it looks at.
    pub of: Of,
    /// The time between two runs.
    pub interval: fn(&Config) -> Duration,
    /// What a run is; called once, before the first.
    pub start: fn(&Start<'_>) -> Look<T>,
    /// Whether what a run found is anything: a start waits for that.
    pub is_anything: fn(&T) -> bool,
    /// Puts what was found on the page.
    pub fill: fn(&mut Page, &T, &ClientDisplay),
    /// What `check` says of a run.
    pub remarks: fn(&Reading<T>, &Start<'_>) -> Vec<Remark>,
}

/// A run, again and again.
pub type Look<T> = Box<dyn FnMut() -> Run<T> + Send>;

/// How a collector describes itself.
#[derive(Debug)]
pub struct Shown {
    /// What it reads.
    pub reads: fn(&Install) -> String,
    /// The same within a sentence: *the* … cannot be read.
    pub called: &'static str,
    /// What a start waits for.
    pub first: &'static str,
}

/// What a collector looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// This host, where no installation was found, too.
    Host,
    /// An installation.
    Installation,
    /// What only the active node of a pair has mounted.
    Mounted,
}

/// What a start of collectors needs.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// How they are configured.
    pub config: &'a Config,
    /// `/proc`.
    pub proc_root: &'a Path,
    /// Where they leave what they find, and see what others have found.
    pub observed: &'a Arc<Observed>,
    /// Until when they say it.
    pub turn: &'a Turn,
    /// What those before them have learnt.
    pub kept: &'a Kept,
}

/// How grave what `check` found is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Fine,
    /// Worth knowing; the service works all the same.
    Note,
    /// Something that the service cannot read or do.
    Problem,
}

/// What `check` found, and what to do where it is a problem.
pub type Remark = (Verdict, String);

/// A row of the table, whatever it finds.
pub trait Collects: fmt::Debug + Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// What it looks at.
    fn of(&self) -> Of;
    /// The time between two runs.
    fn interval(&self, config: &Config) -> Duration;
    /// Makes the place for what it finds.
    fn prepare(&self, readings: &mut Readings, install: &Install, clock: Clock);
    /// What its thread does again and again: a run, of which everybody hears; for how long it worked.
    fn start(&self, start: &Start<'_>) -> Box<dyn FnMut() -> Duration + Send>;
    /// Puts what was found last on the page.
    fn fill(&self, page: &mut Page, observed: &Observed, clients: &ClientDisplay);
    /// Runs once, and says what `check` has to say of it.
    fn check(&self, start: &Start<'_>) -> Vec<Remark>;
}

impl<T: fmt::Debug + Send + Sync + 'static> Collects for Collector<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn of(&self) -> Of {
        self.of
    }

    fn interval(&self, config: &Config) -> Duration {
        (self.interval)(config)
    }

    fn prepare(&self, readings: &mut Readings, install: &Install, clock: Clock) {
        let about = self.shown.as_ref().map(|shown| About {
            name: self.name,
            reads: (shown.reads)(install),
            called: shown.called,
            first: shown.first,
            mounted: self.of == Of::Mounted,
        });
        readings.add(Latest::new(clock, about, self.is_anything));
    }

    fn start(&self, start: &Start<'_>) -> Box<dyn FnMut() -> Duration + Send> {
        let (mut look, observed) = ((self.start)(start), Arc::clone(start.observed));
        let (mut problems, turn) = (ProblemLog::new(self.name), start.turn.clone());
        Box::new(move || {
            let Some(latest) = observed.collected.latest::<T>() else { return Duration::ZERO };
            let begun = latest.alive(&turn);
            let run = look();
            if turn.is_over() {
                return Duration::ZERO;
            }
            let end = observed.clock.monotonic();
            problems.note(run.problem(), end);
            let took = end.saturating_sub(begun);
            let hung = latest.update(&turn, run, observed.clock.steady_seconds(), took.as_secs_f64());
            took.saturating_sub(hung)
        })
    }

    fn fill(&self, page: &mut Page, observed: &Observed, clients: &ClientDisplay) {
        if let Some(found) = observed.collected.found::<T>() {
            (self.fill)(page, &found, clients);
        }
    }

    fn check(&self, start: &Start<'_>) -> Vec<Remark> {
        Collects::start(self, start)();
        (self.remarks)(&start.observed.collected.get::<T>(), start)
    }
}

impl<T> fmt::Debug for Collector<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Collector").field("name", &self.name).finish_non_exhaustive()
    }
}
