//! The last run of a collector, and what it found.

use std::sync::Arc;
use std::time::Duration;

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
}

impl<T> Default for Reading<T> {
    fn default() -> Self {
        Self { value: None, success: false, duration: 0.0, last_success: None, problem: None, runs: 0 }
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

    /// Takes the result of a run that ended at `now` after `duration` seconds. A run may give a value
    /// and a problem: what could be read, and what could not.
    pub fn update(&mut self, value: Option<T>, problem: Option<String>, now: f64, duration: f64) {
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
