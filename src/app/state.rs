//! The snapshot that survives a restart: offsets and sums together, and the thread that writes it.

mod baseline;
pub mod contents;
mod history;
mod version_2;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedSender;

use super::death::DeathNotice;
use crate::aggregate::Totals;
use crate::aggregate::baseline::Baseline;
use crate::alerting::Saved;
use crate::observed::history::History;
use crate::observed::{Observed, ProblemLog, StateHealth};
use crate::source::follow::Position;
use crate::source::state::sections::Section;
use crate::source::state::{Known, Loaded, Part, StateDirectory, StateError};
use crate::source::token;
use contents::Contents;

/// Places by the log's base name; those in a syslog by its path.
pub type Positions = BTreeMap<String, Vec<Position>>;

/// One instant: every line in front of the positions is in the totals, and no other.
#[derive(Debug)]
pub struct Snapshot {
    /// Where reading stands.
    pub positions: Positions,
    /// What was counted.
    pub totals: Totals,
}

/// What an earlier run left behind.
#[derive(Debug, Default)]
pub struct EarlierRun {
    /// Where it stood.
    pub positions: Positions,
    /// What it had counted.
    pub totals: Option<Totals>,
    /// How reading the state went.
    pub health: StateHealth,
    /// What happened lately.
    pub history: History,
    /// How reading that went.
    pub history_health: StateHealth,
    /// What it had learned of what is usual.
    pub baseline: Baseline,
    /// How reading that went.
    pub baseline_health: StateHealth,
    /// The alerts that were pending or fired.
    pub alerts: Saved,
}

/// The state directory as the start found it.
#[derive(Debug)]
pub struct State {
    file: StateFile,
    /// Where the logs begin.
    pub positions: Positions,
}

/// Where snapshots are written.
#[derive(Debug)]
struct StateFile {
    path: PathBuf,
    /// The MTA's user, whose directory root may use.
    mta: Option<u32>,
    directory: Option<StateDirectory>,
    known: Known,
    /// Sections of a newer release that are written again as they were.
    strangers: Vec<Section>,
    /// The name under which the state of an older frame is kept when the first one of today takes its place.
    older: Option<&'static str>,
}

/// Opens the state directory and reads what is there. Where there is no directory and none can be made,
/// that is said and tried again at each save.
///
/// # Errors
///
/// When another process uses the directory, or there is or may be a state that cannot be read: to go on
/// without it would lose what was counted, and its place in the logs.
pub fn open(path: &Path, mta: Option<u32>) -> Result<(State, EarlierRun), StateError> {
    let mut saved = EarlierRun::default();
    let mut file = StateFile {
        path: path.to_owned(),
        mta,
        directory: None,
        known: Known::default(),
        strangers: Vec::new(),
        older: None,
    };
    match StateDirectory::open_knowing(path, mta, file.known) {
        Ok(directory) => {
            let contents = match directory.load(contents::decode)? {
                Loaded::Absent => Contents::default(),
                Loaded::Whole(contents) => contents,
                Loaded::Partly { value, why, path } => {
                    let path = path.display();
                    tracing::warn!(why, %path, "a part of the state could not be read; a copy was set aside");
                    saved.health.set_aside += 1;
                    value
                }
                Loaded::SetAside { why, path } => {
                    tracing::warn!(why, path = %path.display(), "the state was set aside; counting begins anew");
                    saved.health.set_aside += 1;
                    Contents::default()
                }
            };
            if let Some(snapshot) = contents.snapshot {
                (saved.positions, saved.totals) = (snapshot.positions, Some(snapshot.totals));
            }
            (saved.history, saved.history_health) = history::load(&directory, saved.totals.as_ref());
            (saved.baseline, saved.baseline_health) = baseline::load(&directory);
            saved.alerts = contents.alerts;
            file.known = directory.known();
            (file.strangers, file.older) = (contents.strangers, contents.older);
            file.directory = Some(directory);
        }
        Err(error @ StateError::NoDirectory { .. }) => {
            let problem = format!(
                "counts will not survive a restart: {error}; --state-dir names a directory that this user may write"
            );
            tracing::warn!(collector = "state", problem, "will be tried again");
            saved.health.problem = Some(problem);
        }
        Err(error) => return Err(error),
    }
    Ok((State { file, positions: saved.positions.clone() }, saved))
}

impl State {
    /// What a client must have to see lines of the logs. Where the directory cannot be used, there is
    /// no token and nobody sees any.
    pub fn token(&self) -> Option<String> {
        self.file.directory.as_ref()?;
        match token::open(&self.file.path) {
            Ok(token) => Some(token),
            Err(error) => {
                tracing::warn!(%error, "lines that are not understood cannot be shown");
                None
            }
        }
    }
}

/// What is written at once: a history is of the instant of its snapshot.
#[derive(Debug)]
pub struct Save {
    /// Always.
    pub snapshot: Snapshot,
    /// How the alerts stand.
    pub alerts: Saved,
    /// Now and then.
    pub beside: Option<Beside>,
}

/// What has files of its own, which may be minutes old.
#[derive(Debug)]
pub struct Beside {
    /// What happened lately.
    pub history: History,
    /// What is usual.
    pub baseline: Baseline,
}

/// Hands snapshots to the thread that writes them, so that a slow disk does not stop the reading.
#[derive(Debug)]
pub struct StateWriter {
    saves: SyncSender<Save>,
    observed: Arc<Observed>,
    thread: std::thread::JoinHandle<()>,
}

impl StateWriter {
    /// Starts the thread.
    pub(super) fn spawn(
        state: State,
        observed: Arc<Observed>,
        died: UnboundedSender<&'static str>,
    ) -> std::io::Result<Self> {
        let (saves, queue) = sync_channel::<Save>(1);
        let publish = Arc::clone(&observed);
        let thread = std::thread::Builder::new().name("state".into()).spawn(move || {
            let _notice = DeathNotice::new("state", died);
            let mut file = state.file;
            let mut problems = Part::ALL.map(|part| ProblemLog::new(part.name()));
            for Save { snapshot, alerts, beside } in queue {
                let mut write = |part: Part, write: &mut dyn FnMut() -> Result<Written, WriteError>| {
                    let start = publish.clock.monotonic();
                    let result = write();
                    let written = result.is_ok();
                    note(&publish, part, result, start, &mut problems[part as usize]);
                    written
                };
                let written = write(Part::State, &mut || file.write(&snapshot, &alerts));
                let Some(Beside { history, baseline }) = beside else { continue };
                write(Part::History, &mut || file.write_history(&history, &snapshot.totals, written));
                write(Part::Baseline, &mut || file.write_baseline(&baseline));
            }
        })?;
        Ok(Self { saves, observed, thread })
    }

    /// Hands over a snapshot. When the one before it is still being written, this one is dropped and
    /// counted as a failure: the next will hold all that it held.
    pub fn save(&self, save: Save) {
        match self.saves.try_send(save) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(save)) => {
                let parts = if save.beside.is_some() { &Part::ALL[..] } else { &[Part::State] };
                for mut health in parts.iter().map(|&part| health(&self.observed, part).lock()) {
                    health.failures += 1;
                    health.problem = Some("the last snapshot is still being written".to_owned());
                }
            }
        }
    }

    /// Writes a last snapshot and waits for the thread.
    pub fn finish(self, save: Save) {
        // The queue may hold an older one: waiting for its place is waiting for the disk.
        drop(self.saves.send(save));
        drop(self.saves);
        drop(self.thread.join());
    }
}

/// How a file fares.
fn health(observed: &Observed, part: Part) -> &Mutex<StateHealth> {
    match part {
        Part::State => &observed.state,
        Part::History => &observed.history,
        Part::Baseline => &observed.baseline,
    }
}

/// Reads a file beside the state: what cannot be used is set aside, and stops nothing.
fn load_beside<T>(
    directory: &StateDirectory,
    part: Part,
    decode: impl FnOnce(&[u8]) -> Result<T, String>,
) -> (Option<T>, StateHealth) {
    let (mut health, what) = (StateHealth::default(), part.name());
    match directory.load_part(part, |bytes| Ok((decode(bytes)?, None))) {
        Ok(Loaded::Whole(whole) | Loaded::Partly { value: whole, .. }) => return (Some(whole), health),
        Ok(Loaded::Absent) => {}
        Ok(Loaded::SetAside { why, path }) => {
            tracing::warn!(why, path = %path.display(), "the {what} was set aside; it begins anew");
            health.set_aside += 1;
        }
        Err(error) => {
            tracing::warn!(%error, "the {what} could not be read; it begins anew");
            health.problem = Some(error.to_string());
        }
    }
    (None, health)
}

/// Shows how a file was written since `start`.
fn note(
    observed: &Observed,
    part: Part,
    result: Result<Written, WriteError>,
    start: Duration,
    problems: &mut ProblemLog,
) {
    let end = observed.clock.monotonic();
    if let Ok(Written { stranger: Some(path), .. }) = &result {
        let (path, what) = (path.display(), part.name());
        tracing::warn!(%path, "a {what} that this process neither read nor wrote was set aside");
    }
    // Pages wait for it: nothing is written while it is held.
    let mut health = health(observed, part).lock();
    match &result {
        Ok(Written { bytes, stranger }) => {
            health.set_aside += u64::from(stranger.is_some());
            health.saved_at = Some(observed.clock.steady_seconds());
            health.bytes = *bytes;
            health.duration = end.saturating_sub(start).as_secs_f64();
        }
        Err(_) => health.failures += 1,
    }
    let problem = result.err().map(|error| error.to_string());
    health.problem.clone_from(&problem);
    drop(health);
    problems.note(problem.as_deref(), end);
}

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    File(#[from] StateError),
    #[error("the {0} could not be encoded: {1}")]
    Encode(&'static str, rmp_serde::encode::Error),
    #[error("the history goes with the state, and that was not written")]
    WithoutState,
    #[error("the state directory cannot be used")]
    WithoutDirectory,
}

/// What was written.
struct Written {
    /// Its size.
    bytes: u64,
    /// Where a file was set aside that nobody had read.
    stranger: Option<PathBuf>,
}

impl StateFile {
    /// Encodes and writes a snapshot. A directory that was removed is made again.
    fn write(&mut self, snapshot: &Snapshot, alerts: &Saved) -> Result<Written, WriteError> {
        let encoded = contents::encode(snapshot, alerts, &self.strangers);
        let encoded = encoded.map_err(|error| WriteError::Encode("state", error))?;
        // Dropped first: it has the lock.
        drop(self.directory.take_if(|directory| !directory.is_at_its_path()));
        let directory = match self.directory.take() {
            Some(directory) => directory,
            None => StateDirectory::open_knowing(&self.path, self.mta, self.known)?,
        };
        let directory = self.directory.insert(directory);
        if let Some(name) = self.older.take()
            && let Err(error) = directory.keep_as(name)
        {
            tracing::warn!(%error, "the state of the older release is not kept for a return to it");
        }
        let stranger = directory.save(&encoded)?;
        self.known = directory.known();
        Ok(Written { bytes: encoded.len() as u64, stranger })
    }

    /// Writes a history beside the state of its instant, which has been `written`: a history that is ahead of the state
    /// would count lines once more.
    fn write_history(
        &mut self,
        history: &History,
        sums: &Totals,
        written: bool,
    ) -> Result<Written, WriteError> {
        let directory = self.directory.as_ref().filter(|_| written).ok_or(WriteError::WithoutState)?;
        let result = history::write(directory, history, sums);
        self.known = directory.known();
        result
    }

    /// Writes what is usual, which goes with no instant.
    fn write_baseline(&mut self, baseline: &Baseline) -> Result<Written, WriteError> {
        let directory = self.directory.as_ref().ok_or(WriteError::WithoutDirectory)?;
        let result = baseline::write(directory, baseline);
        self.known = directory.known();
        result
    }
}
