//! One generation of sources after the other: what is read, and how, is exchanged while the program runs.
//!
//! Listener, state and sums stay. What an exchange cannot change is refused before anything is touched, and then all goes
//! on as it was.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use super::collectors::{Collectors, Late, Start};
use super::logs::LogThread;
use crate::config::Config;
use crate::metrics::ClientDisplay;
use crate::observed::Observed;
use crate::observed::latest::Turn;

/// For so long an exchange waits until a source goes on with it: the end of the program may wait for an exchange, and
/// for the logs besides, and is to come within two seconds.
const PATIENCE: Duration = Duration::from_millis(700);

/// How clients are shown, which every generation says anew.
pub(super) type Clients = Arc<RwLock<ClientDisplay>>;

/// Whether a key has the same value in both.
type Same = fn(&Config, &Config) -> bool;

/// What an exchange cannot change: who listens and saves, and what the sums are of.
const FIXED: &[(&str, Same)] = &[
    ("mta.root", |a, b| a.mta.root == b.mta.root),
    ("mta.log_directory", |a, b| a.mta.log_directory == b.mta.log_directory),
    ("mta.queue_directory", |a, b| a.mta.queue_directory == b.mta.queue_directory),
    ("mta.user", |a, b| a.mta.user == b.mta.user),
    ("mta.as_root", |a, b| a.mta.as_root == b.mta.as_root),
    ("mta.proc", |a, b| a.mta.proc == b.mta.proc),
    ("mta.timezone", |a, b| a.mta.timezone == b.mta.timezone),
    ("mta.block_size", |a, b| a.mta.block_size == b.mta.block_size),
    ("alerting.thresholds", |a, b| a.thresholds.of_findings().eq(b.thresholds.of_findings())),
    ("alerting", |a, b| a.alerting == b.alerting || !a.alerting.is_of_use() && !b.alerting.is_of_use()),
    ("http.listen", |a, b| a.http.listen == b.http.listen),
    ("http.web_config", |a, b| a.http.web_config == b.http.web_config),
    ("state.directory", |a, b| a.state.directory == b.state.directory),
];

/// Why the sources go on as they are.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It would be another program.
    #[error("{}: a change needs a restart; everything goes on as it was", .0.join(", "))]
    Fixed(Vec<&'static str>),
    /// There is nothing to exchange any more.
    #[error("the program ends")]
    Ending,
}

/// What became of an exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchanged {
    /// Whether a log did not answer in time: they go on with the new configuration when it does.
    pub logs_are_late: bool,
    /// Collectors whose run did not end in time, and what became of them.
    pub late: Vec<Late>,
}

/// The sources of a running program.
#[derive(Debug)]
pub struct Sources {
    observed: Arc<Observed>,
    clients: Clients,
    proc_root: PathBuf,
    /// `None` once the program ends.
    generation: Mutex<Option<Generation>>,
}

#[derive(Debug)]
pub(super) struct Generation {
    pub(super) config: Config,
    pub(super) log: LogThread,
    pub(super) collectors: Collectors,
}

impl Sources {
    /// The first generation, which runs already.
    pub(super) fn new(
        observed: Arc<Observed>,
        clients: Clients,
        proc_root: PathBuf,
        first: Generation,
    ) -> Arc<Self> {
        Arc::new(Self { observed, clients, proc_root, generation: Mutex::new(Some(first)) })
    }

    /// Goes on with another configuration: within a second or two, whatever hangs. It blocks.
    ///
    /// # Errors
    ///
    /// When something differs that cannot change; then nothing has changed.
    pub fn exchange(&self, config: Config) -> Result<Exchanged, Refused> {
        let mut generation = self.generation.lock();
        let running = generation.as_mut().ok_or(Refused::Ending)?;
        let differs = FIXED.iter().filter(|(_, same)| !same(&running.config, &config));
        let fixed: Vec<_> = differs.map(|&(key, _)| key).collect();
        if !fixed.is_empty() {
            return Err(Refused::Fixed(fixed));
        }
        {
            let mut clients = self.clients.write();
            *clients = ClientDisplay { label: config.clients.label, top: config.clients.top, ..*clients };
        }
        let clock = self.observed.clock;
        let deadline = clock.monotonic() + PATIENCE;
        let patience = || deadline.saturating_sub(clock.monotonic());
        let told = running.log.go_on_with(&config);
        let kept = running.collectors.kept().clone();
        let start = Start {
            config: &config,
            proc_root: &self.proc_root,
            observed: &self.observed,
            turn: &Turn::default(),
            kept: &kept,
        };
        let late = running.collectors.go_on_with(&start, patience);
        let logs_are_late = told.recv_timeout(patience()).is_err();
        if logs_are_late {
            let collector = "log";
            tracing::warn!(collector, "does not answer; goes on with the new configuration when it does");
        }
        running.config = config;
        Ok(Exchanged { logs_are_late, late })
    }

    /// Tells all of them to end. They are not waited for: one may hang.
    pub(super) fn stop(&self) {
        if let Some(Generation { log, collectors, .. }) = self.generation.lock().take() {
            collectors.stop();
            log.stop();
        }
    }
}
