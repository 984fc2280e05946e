//! The snapshot that survives a restart: offsets and sums together, and the thread that writes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;

use super::collectors::DeathNotice;
use super::complaints::Complaints;
use super::observed::{Observed, lock};
use crate::aggregate::Totals;
use crate::metrics::exporter::StateHealth;
use crate::source::follow::Position;
use crate::source::state::{self, Loaded, StateDirectory, StateError};

/// Places by the log's base name; those in a syslog by its path.
pub type Positions = BTreeMap<String, Vec<Position>>;

/// One instant: every line in front of the positions is in the totals, and no other.
#[derive(Debug, Serialize, Deserialize)]
pub struct Snapshot {
    /// Where reading stands.
    pub positions: Positions,
    /// What was counted.
    pub totals: Totals,
}

/// What an earlier run left behind.
#[derive(Debug, Default)]
pub struct Saved {
    /// Where it stood.
    pub positions: Positions,
    /// What it had counted.
    pub totals: Option<Totals>,
    /// How reading the state went.
    pub health: StateHealth,
}

/// The state directory as the start found it.
#[derive(Debug)]
pub struct State {
    path: PathBuf,
    directory: Option<StateDirectory>,
    /// Where the logs begin.
    pub positions: Positions,
}

/// Opens the state directory and reads what is there. A directory that cannot be used is said and
/// tried again at each save.
///
/// # Errors
///
/// Only when another process uses the directory.
pub fn open(path: &Path) -> Result<(State, Saved), StateError> {
    let mut saved = Saved::default();
    let directory = match StateDirectory::open(path) {
        Ok(directory) => Some(directory),
        Err(error @ StateError::InUse { .. }) => return Err(error),
        Err(error) => {
            let problem = format!(
                "counts will not survive a restart: {error}; --state-dir names a directory that this user may write"
            );
            tracing::warn!(collector = "state", problem, "will be tried again");
            saved.health.problem = Some(problem);
            None
        }
    };
    match directory.as_ref().map(StateDirectory::load::<Snapshot>) {
        None | Some(Ok(Loaded::Absent)) => {}
        Some(Ok(Loaded::Snapshot(loaded))) => {
            saved.positions = loaded.positions;
            saved.totals = Some(loaded.totals);
        }
        Some(Ok(Loaded::SetAside { why, path })) => {
            tracing::warn!(why, path = %path.display(), "the state was set aside; counting begins anew");
            saved.health.set_aside += 1;
        }
        Some(Err(error)) => {
            tracing::warn!(%error, "the state cannot be read; counting begins anew");
            saved.health.problem = Some(error.to_string());
        }
    }
    Ok((State { path: path.to_owned(), directory, positions: saved.positions.clone() }, saved))
}

/// Hands snapshots to the thread that writes them, so that a slow disk does not stop the reading.
#[derive(Debug)]
pub struct StateWriter {
    snapshots: SyncSender<Snapshot>,
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
        let (snapshots, queue) = sync_channel::<Snapshot>(1);
        let publish = Arc::clone(&observed);
        let thread = std::thread::Builder::new().name("state".into()).spawn(move || {
            let _notice = DeathNotice::new("state", died);
            let State { path, mut directory, .. } = state;
            let mut complaints = Complaints::new("state");
            for snapshot in queue {
                let start = publish.clock.monotonic();
                let result = write(&path, &mut directory, &snapshot);
                let end = publish.clock.monotonic();
                let mut health = lock(&publish.state);
                match &result {
                    Ok(bytes) => {
                        health.saved_at = Some(publish.clock.steady_seconds());
                        health.bytes = *bytes;
                        health.duration = end.saturating_sub(start).as_secs_f64();
                    }
                    Err(_) => health.failures += 1,
                }
                health.problem = result.err().map(|error| error.to_string());
                complaints.note(health.problem.as_deref(), end);
            }
        })?;
        Ok(Self { snapshots, observed, thread })
    }

    /// Hands over a snapshot. When the one before it is still being written, this one is dropped and
    /// counted as a failure: the next will hold all that it held.
    pub fn save(&self, snapshot: Snapshot) {
        match self.snapshots.try_send(snapshot) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => {
                let mut health = lock(&self.observed.state);
                health.failures += 1;
                health.problem = Some("the last snapshot is still being written".to_owned());
            }
        }
    }

    /// Writes a last snapshot and waits for the thread.
    pub fn finish(self, snapshot: Snapshot) {
        // The queue may hold an older one: waiting for its place is waiting for the disk.
        drop(self.snapshots.send(snapshot));
        drop(self.snapshots);
        drop(self.thread.join());
    }
}

/// Encodes and writes a snapshot; its size.
fn write(
    path: &Path,
    directory: &mut Option<StateDirectory>,
    snapshot: &Snapshot,
) -> Result<u64, StateError> {
    let encoded = state::encode(snapshot)?;
    if directory.is_none() {
        *directory = Some(StateDirectory::open(path)?);
    }
    let result = directory.as_ref().map_or(Ok(()), |directory| directory.save(&encoded));
    if result.is_err() {
        // It may have been removed: it is made again next time.
        *directory = None;
    }
    result.map(|()| encoded.len() as u64)
}
