//! Whether every source has been read: what `/-/ready` answers.

use super::Observed;
use super::latest::Outline;
use super::reading::Reading;

/// More of one problem is not shown.
const MOST_TEXT: usize = 400;

/// What is known of the sources since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// What is waited for: a source that was not looked at yet, or of which nothing at all could be read.
    pub waits: Vec<String>,
    /// What is missing from sources that were looked at, and why.
    pub without: Vec<String>,
}

impl Readiness {
    /// Whether each source has been read, or what is missing of it is named.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.waits.is_empty()
    }

    /// The same as a sentence, printable.
    #[must_use]
    pub fn sentence(&self) -> String {
        match (self.waits.as_slice(), self.without.as_slice()) {
            ([], []) => "ready".to_owned(),
            ([], without) => format!("ready, but without: {}", without.join(", ")),
            (waits, []) => format!("not ready: waits for {}", waits.join(", ")),
            (waits, without) => {
                format!("not ready: waits for {}; and without: {}", waits.join(", "), without.join(", "))
            }
        }
    }

    /// Takes in a source: `first` is its first run, and `anything` whether something of it has been read.
    fn note<T>(&mut self, source: &str, first: &str, reading: &Reading<T>, anything: bool) {
        if reading.runs == 0 {
            self.waits.push(first.to_owned());
        } else if let Some(problem) = &reading.problem {
            let missing = if anything { &mut self.without } else { &mut self.waits };
            missing.push(format!("{source} ({})", printable(problem)));
        }
    }
}

/// Names of files are in it, which anybody may have chosen.
fn printable(problem: &str) -> String {
    let shown = |letter: char| if (' '..='~').contains(&letter) { letter } else { '?' };
    problem.chars().take(MOST_TEXT).map(shown).collect()
}

impl Observed {
    /// What has been read since the start, and what has not.
    pub fn readiness(&self) -> Readiness {
        let mut readiness = Readiness::default();
        // On the passive node of a pair there is nothing to wait for.
        let passive = self.is_active() == Some(false);
        let book = self.logs();
        if book.reading.runs == 0 || book.catching_up {
            readiness.waits.push("catching up with the logs".to_owned());
        } else {
            readiness.note("log", "", &book.reading, book.shown || passive);
        }
        drop(book);
        for Outline { about, reading, anything } in self.collected.outlines() {
            let anything = anything || reading.last_success.is_some() || (about.mounted && passive);
            readiness.note(about.name, about.first, &reading, anything);
        }
        readiness
    }
}

#[cfg(test)]
mod tests {
    use super::Readiness;
    use crate::observed::reading::{Reading, Run};

    /// `(runs, problem, whether anything was read)`, and what is answered.
    #[test]
    fn what_is_missing_is_named() {
        for (problem, anything, expected) in [
            (None, false, "not ready: waits for the first scan"),
            (Some(None), true, "ready"),
            (Some(Some("/queue/l: no\n\u{202e}")), true, "ready, but without: queue (/queue/l: no??)"),
            (Some(Some("/queue: no")), false, "not ready: waits for queue (/queue: no)"),
        ] {
            let mut reading = Reading::<()>::default();
            if let Some(problem) = problem {
                reading.update(Run::read((), problem.map(str::to_owned)), 0.0, 0.0);
            }
            let mut readiness = Readiness::default();
            readiness.note("queue", "the first scan", &reading, anything);
            assert_eq!(readiness.sentence(), expected);
            assert_eq!(readiness.is_ready(), expected.starts_with("ready"));
        }
        let both = Readiness { waits: vec!["a".to_owned()], without: vec!["b".to_owned()] };
        assert_eq!(both.sentence(), "not ready: waits for a; and without: b");
    }
}
