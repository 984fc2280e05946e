//! Space of file systems, sizes of logs, ownership.

use std::path::PathBuf;
use std::sync::Arc;

use super::row::{Look, Start};
use crate::app::logs;
use crate::observed::reading::Run;
use crate::source::filesystems::{self, FilesystemSnapshot, Targets};
use crate::source::single_mount;
use crate::text::with_causes;

pub(super) fn start(start: &Start<'_>) -> Look<FilesystemSnapshot> {
    let install = &start.observed.install;
    let mut targets = Targets {
        queue: install.queue_directory.clone(),
        log: install.log_directory.clone(),
        tmp: std::env::temp_dir(),
        log_files: log_files(start),
        owner: None,
    };
    let followed = followed(start);
    let (observed, mut warned) = (Arc::clone(start.observed), false);
    Box::new(move || {
        targets.owner = observed.mta_user();
        if !warned && let Some(problem) = single_mount::problem(followed.iter().map(PathBuf::as_path)) {
            tracing::warn!(problem, "the log will not be followed through its rotations");
            warned = true;
        }
        read(&targets)
    })
}

fn read(targets: &Targets) -> Run<FilesystemSnapshot> {
    let snapshot = filesystems::read(targets);
    let spaces = snapshot.filesystems.values().filter_map(|space| space.as_ref().err());
    let problems: Vec<String> = spaces.chain(&snapshot.failures).map(|error| with_causes(error)).collect();
    let problem = (!problems.is_empty()).then(|| problems.join("; "));
    Run::read(snapshot, problem)
}

/// Every file that is followed through its rotations.
fn followed(start: &Start<'_>) -> Vec<PathBuf> {
    let logs = start.config.logs.files.iter().map(|name| start.observed.install.log_directory.join(name));
    logs.chain(logs::beside(start.config).map(|(_, path)| path)).collect()
}

/// The followed logs, what they are renamed to, and the cumulative files that grow without bound.
fn log_files(start: &Start<'_>) -> Vec<PathBuf> {
    let names = start.config.logs.files.iter().flat_map(|name| {
        let stem = name.strip_suffix("_current");
        let others = stem.map(|stem| [format!("{stem}_yesterday"), stem.to_owned()]);
        std::iter::once(name.clone()).chain(others.into_iter().flatten())
    });
    names.map(|name| start.observed.install.log_directory.join(name)).collect()
}
