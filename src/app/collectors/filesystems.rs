//! Space of file systems, log files, critical files, the configuration's age.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::processes::user_of_the_mta;
use super::row::{Look, Start};
use crate::app::logs;
use crate::observed::Observed;
use crate::observed::reading::Run;
use crate::source::filesystems::configuration::Starts;
use crate::source::filesystems::critical::Expected;
use crate::source::filesystems::{FilesystemSnapshot, FilesystemWatch, Targets};
use crate::source::install::Install;
use crate::source::processes::ProcessSnapshot;
use crate::source::single_mount;
use crate::source::user::account_of;
use crate::text::with_causes;

pub(super) fn start(start: &Start<'_>) -> Look<FilesystemSnapshot> {
    let install = &start.observed.install;
    let mut targets = Targets {
        root: install.root.clone(),
        queue: install.queue_directory.clone(),
        log: install.log_directory.clone(),
        tmp: tmp(start),
        mta_tmp: mta_tmp(install),
        log_files: log_files(start),
        ..Targets::default()
    };
    let followed = followed(start);
    let mut carried_over = start.kept.carried_over(Option::<FilesystemWatch>::unwrap_or_default);
    let (observed, mut warned) = (Arc::clone(start.observed), false);
    Box::new(move || {
        targets.expected = user_of_the_mta(&observed).map(|user| expected(user, &observed));
        targets.starts = starts(&observed);
        if !warned && let Some(problem) = single_mount::problem(followed.iter().map(PathBuf::as_path)) {
            tracing::warn!(problem, "the log will not be followed through its rotations");
            warned = true;
        }
        read(carried_over.get(), &targets, observed.clock.wall())
    })
}

/// The directory of temporary files that the MTA shares with all programs. In a container of its own this program has
/// another one, of which it says nothing.
fn tmp(start: &Start<'_>) -> Option<PathBuf> {
    let is_here = start.config.mta.proc.is_none();
    start.config.files.tmp_directory.clone().or_else(|| is_here.then(|| PathBuf::from("/tmp")))
}

/// The MTA's own directory of temporary files: beside its queue, unless the site has put that elsewhere.
fn mta_tmp(install: &Install) -> PathBuf {
    let data = install.queue_directory.parent().filter(|data| data.starts_with(&install.root));
    data.map_or_else(|| install.root.join("data/tmp"), |data| data.join("tmp"))
}

/// Whose the MTA's files are to be: its user's, and of the groups that the user is in or that its processes work as.
fn expected(user: u32, observed: &Observed) -> Expected {
    let account = account_of(user, None, Path::new("/etc"));
    let known = account.name.is_some().then_some(account.groups);
    let name = account.name.unwrap_or_else(|| format!("the user {user}"));
    let processes = observed.collected.found::<ProcessSnapshot>();
    let working = processes.iter().flat_map(|processes| processes.groups.iter().copied());
    Expected { user, name, groups: known.into_iter().flatten().chain(working).collect() }
}

/// When the processes started that read the configuration.
fn starts(observed: &Observed) -> Starts {
    let Some(processes) = observed.collected.found::<ProcessSnapshot>() else { return Starts::default() };
    let start = |name: &str| processes.processes.get(name).and_then(|group| group.oldest_start);
    Starts {
        dispatcher: start("dispatcher"),
        server: start("tcp_smtp_server"),
        job_controller: start("job_controller"),
    }
}

fn read(watch: &mut FilesystemWatch, targets: &Targets, now: SystemTime) -> Run<FilesystemSnapshot> {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let snapshot = watch.look(targets, now);
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
