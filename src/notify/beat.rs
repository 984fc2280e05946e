//! The dead man's beat over HTTP: a URL is asked for again and again, and whoever has it raises the alarm when that stops.

use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::client::{Client, Question};
use crate::alerting::Alert;
use crate::observed::{Observed, ProblemLog};

/// The name of the receiver: its URL is a secret.
pub(super) const NAME: &str = "beat";

/// An answer is of no interest beyond its status.
const LONGEST: usize = 64 * 1024;

/// Whoever is shown that this program lives.
#[derive(Debug)]
pub(super) struct Beat {
    pub(super) client: Client,
    pub(super) every: Duration,
    pub(super) observed: Arc<Observed>,
    /// Its place among the receivers.
    pub(super) place: usize,
}

impl Beat {
    /// Beats as long as somebody looks for alerts: from the first time that this is told, until it is not any more.
    pub(super) async fn run(mut self, mut alerts: watch::Receiver<Arc<[Alert]>>) {
        let mut problems =
            ProblemLog::with(NAME, "the dead man's beat does not get out; will be tried again");
        let mut next = None;
        loop {
            tokio::select! {
                changed = alerts.changed() => match changed {
                    Ok(()) if next.is_some() => continue,
                    Ok(()) => {}
                    Err(_) => return,
                },
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
            next = Some(Instant::now() + self.every);
            let problem = self.beat().await;
            problems.note(problem.as_deref(), self.observed.clock.monotonic());
        }
    }

    async fn beat(&mut self) -> Option<String> {
        let question =
            Question { method: Method::GET, path: String::new(), json: Vec::new(), longest_answer: LONGEST };
        let receiver = &self.observed.notified.receivers()[self.place];
        match self.client.exchange(None, question).await {
            Ok(_) => {
                receiver.reached(self.observed.clock.steady_seconds());
                None
            }
            Err(failed) => {
                receiver.failed(failed.how, failed.to_string(), self.observed.clock.monotonic());
                Some(failed.to_string())
            }
        }
    }
}
