//! The last run of a collector, and what it found.

use std::sync::Arc;
use std::time::Duration;

/// How a run of a collector ended.
#[derive(Debug)]
pub enum Run<T> {
    /// Everything was read.
    Whole(T),
    /// This was read, and what else should have been was not, for this reason.
    Partial(T, String),
    /// Nothing was read, for this reason.
    Failed(String),
    /// It is configured to look at nothing: there is no reading at all.
    Off,
}

impl<T> Run<T> {
    /// A run that read this, and had perhaps a problem.
    pub fn read(value: T, problem: Option<String>) -> Self {
        match problem {
            None => Self::Whole(value),
            Some(problem) => Self::Partial(value, problem),
        }
    }

    /// What went wrong, for people.
    pub fn problem(&self) -> Option<&str> {
        match self {
            Self::Whole(_) | Self::Off => None,
            Self::Partial(_, problem) | Self::Failed(problem) => Some(problem),
        }
    }
}

/// What a collector found when it last ran. Times are Unix seconds of the clock that
/// nobody has set since the start.
#[derive(Debug)]
pub struct Reading<T> {
    /// What was found; `None` when the last run failed, so that no stale value is shown.
    pub value: Option<Arc<T>>,
    /// Whether the last run read everything that it should.
    pub success: bool,
    /// How long the last run took, in seconds.
    pub duration: f64,
    /// When a run last succeeded.
    pub last_success: Option<f64>,
    /// What went wrong in the last run, for people.
    pub problem: Option<String>,
    /// How many runs there have been.
    pub runs: u64,
    /// Whether it is configured to look at nothing.
    pub off: bool,
}

impl<T> Default for Reading<T> {
    fn default() -> Self {
        Self {
            value: None,
            success: false,
            duration: 0.0,
            last_success: None,
            problem: None,
            runs: 0,
            off: false,
        }
    }
}

impl<T> Clone for Reading<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), problem: self.problem.clone(), ..*self }
    }
}

impl<T> Reading<T> {
    /// What is known while a run shows no sign of life for `silent`: nothing.
    #[must_use]
    pub fn hanging(&self, silent: Duration) -> Self {
        let problem = format!("has been waiting for an answer of the system for {} s", silent.as_secs());
        Self { value: None, success: false, problem: Some(problem), runs: self.runs.max(1), ..*self }
    }

    /// How the run went, without what was found.
    #[must_use]
    pub fn outline(&self) -> Reading<()> {
        let Self { value, success, duration, last_success, problem, runs, off } = self;
        Reading {
            value: value.as_ref().map(|_| Arc::new(())),
            success: *success,
            duration: *duration,
            last_success: *last_success,
            problem: problem.clone(),
            runs: *runs,
            off: *off,
        }
    }

    /// Takes a run that ended at `now` after `duration` seconds.
    pub fn update(&mut self, run: Run<T>, now: f64, duration: f64) {
        let (value, problem) = match run {
            Run::Whole(value) => (Some(value), None),
            Run::Partial(value, problem) => (Some(value), Some(problem)),
            Run::Failed(problem) => (None, Some(problem)),
            Run::Off => {
                *self = Self { off: true, ..Self::default() };
                return;
            }
        };
        self.off = false;
        self.success = problem.is_none();
        self.value = value.map(Arc::new);
        self.problem = problem;
        self.duration = duration;
        self.runs += 1;
        if self.success {
            self.last_success = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Reading, Run};

    #[test]
    fn what_is_off_was_never_read() {
        let mut reading = Reading::default();
        reading.update(Run::Whole(1), 1.0, 0.5);
        reading.update(Run::Off, 2.0, 0.5);
        assert_eq!((reading.value.as_deref(), reading.runs, reading.off), (None, 0, true));
        assert_eq!((reading.last_success, reading.problem.as_deref()), (None, None));
        reading.update(Run::Whole(1), 3.0, 0.5);
        assert_eq!((reading.value.as_deref(), reading.runs, reading.off), (Some(&1), 1, false));
    }

    #[test]
    fn a_part_is_shown_and_no_success() {
        let mut reading = Reading::default();
        for (run, value, success, problem, last_success) in [
            (Run::Failed("no".to_owned()), None, false, Some("no"), None),
            (Run::Whole(1), Some(1), true, None, Some(2.0)),
            (Run::read(2, Some("half".to_owned())), Some(2), false, Some("half"), Some(2.0)),
            (Run::Failed("no".to_owned()), None, false, Some("no"), Some(2.0)),
            (Run::read(3, None), Some(3), true, None, Some(5.0)),
        ] {
            assert_eq!(run.problem(), problem);
            let now = [1.0, 2.0, 3.0, 4.0, 5.0][usize::try_from(reading.runs).expect("few")];
            reading.update(run, now, 0.5);
            assert_eq!(reading.value.as_deref().copied(), value);
            assert_eq!((reading.success, reading.problem.as_deref()), (success, problem));
            assert_eq!(reading.last_success, last_success);
        }
    }
}
