//! Saying a problem once, and again only after a while.

use std::time::Duration;

/// How often a problem that stays is said again.
const INTERVAL: Duration = Duration::from_mins(10);

/// The problem of one collector, as far as the program's own log knows it.
#[derive(Debug)]
pub struct ProblemLog {
    collector: &'static str,
    /// What a problem means.
    meaning: &'static str,
    said: Option<(String, Duration)>,
}

impl ProblemLog {
    /// No problem yet.
    pub fn new(collector: &'static str) -> Self {
        Self::with(collector, "will be tried again")
    }

    /// The same, of problems that mean something else.
    pub fn with(collector: &'static str, meaning: &'static str) -> Self {
        Self { collector, meaning, said: None }
    }

    /// Takes note of how the last run went and logs what is news.
    pub fn note(&mut self, problem: Option<&str>, now: Duration) {
        let collector = self.collector;
        match (problem, &self.said) {
            (None, None) => {}
            (None, Some(_)) => {
                tracing::info!(collector, "works again");
                self.said = None;
            }
            (Some(problem), Some((said, at))) if said == problem && now.saturating_sub(*at) < INTERVAL => {}
            (Some(problem), _) => {
                tracing::warn!(collector, problem, "{}", self.meaning);
                self.said = Some((problem.to_owned(), now));
            }
        }
    }
}
