//! A web configuration, its certificates and keys are read again each second, and what has changed holds from then on. What is
//! broken changes nothing.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::inputs::Inputs;
use super::{Terms, Web};
use crate::observed::connections::ConnectionCounts;
use crate::observed::{Clock, ProblemLog};

/// Between two looks. It is five files of a few KiB.
const INTERVAL: Duration = Duration::from_secs(1);

/// Reads it again.
#[derive(Debug)]
pub struct Watch {
    path: PathBuf,
    web: Weak<Web>,
    inputs: Inputs,
    /// Whether the last look failed: certificate and key are written one after the other.
    suspected: bool,
}

impl Watch {
    pub(super) fn new(path: &Path, web: Weak<Web>, inputs: Inputs) -> Self {
        Self { path: path.to_owned(), web, inputs, suspected: false }
    }

    /// Looks each second until it is told to stop, or nobody listens any more.
    pub fn run(mut self, counts: &ConnectionCounts, clock: Clock, stop: &Receiver<()>) {
        let mut problems =
            ProblemLog::with("http", "the web configuration that was read last stays in force");
        counts.web_config_was_read(clock.steady_seconds());
        while stop.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
            let Some(web) = self.web.upgrade() else { return };
            match self.look(&web) {
                Ok(changed) => {
                    self.suspected = false;
                    if changed {
                        tracing::info!(file = %self.path.display(), "the web configuration was read again");
                    }
                    if changed || !counts.web_config().is_some_and(|read| read.successful) {
                        counts.web_config_was_read(clock.steady_seconds());
                    }
                    problems.note(None, clock.monotonic());
                }
                Err(problem) if self.suspected => {
                    counts.web_config_is_broken();
                    problems.note(Some(&problem), clock.monotonic());
                }
                Err(_) => self.suspected = true,
            }
        }
    }

    /// Whether it has changed, and holds now.
    fn look(&mut self, web: &Web) -> Result<bool, String> {
        let (inputs, settings) = Inputs::read(&self.path)?;
        if inputs == self.inputs {
            return Ok(false);
        }
        let terms = Terms::of(&settings, &inputs)?;
        settings.say_notes(&self.path);
        *web.terms.write() = Arc::new(terms);
        self.inputs = inputs;
        Ok(true)
    }
}
