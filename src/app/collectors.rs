//! The collectors that look at something on an interval, each on a thread of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::Environment;
use super::death::DeathNotice;
use super::queue::QueueCollector;
use crate::config::Config;
use crate::observed::latest::Latest;
use crate::observed::reading::Run;
use crate::observed::{Complaints, Observed};
use crate::source::filesystems::{self, FilesystemSnapshot, Targets};
use crate::source::install::Install;
use crate::source::presence::holds_anything;
use crate::source::processes::{self, ProcessSnapshot, ProcessWatch};
use crate::source::{single_mount, sockets};
use crate::text::with_causes;

/// A run takes at most one part in this many of a thread's time: a scan that lasts for long is
/// repeated later.
const DUTY: u32 = 20;

/// Clients whose sockets are looked at. More than are shown, since a network is many addresses.
const SOCKET_CLIENTS: usize = 1000;

/// All running collectors.
#[derive(Debug)]
pub struct Collectors {
    stops: Vec<Sender<()>>,
}

impl Collectors {
    /// Tells every collector to end after its present run. They are not waited for: one may hang.
    pub fn stop(self) {
        drop(self.stops);
    }
}

/// Starts all collectors, without a look at any directory.
pub fn spawn(
    config: &Config,
    environment: &Environment,
    observed: &Arc<Observed>,
    died: &UnboundedSender<&'static str>,
) -> std::io::Result<Collectors> {
    let install = &observed.install;
    let mut start = Start { observed, died, stops: Vec::new() };

    let (mut queue, shared) = (QueueCollector::new(config, observed), Arc::clone(observed));
    start.collector(
        "queue",
        config.queue.interval,
        |observed| &observed.queue,
        move || queue.run(&shared),
    )?;

    let ports = config.sockets.ports.clone();
    start.collector(
        "sockets",
        config.sockets.interval,
        |observed| &observed.sockets,
        move || match sockets::read(&ports, SOCKET_CLIENTS) {
            Ok(snapshot) => Run::Whole(snapshot),
            Err(error) => Run::Failed(with_causes(&error)),
        },
    )?;

    let names = config.processes.names.clone();
    let mut watch = ProcessWatch::new(environment.proc_root.clone(), install.root.clone(), names, None);
    let (shared, proc_root) = (Arc::clone(observed), environment.proc_root.clone());
    start.collector(
        "processes",
        config.processes.interval,
        |observed| &observed.processes,
        move || {
            *shared.own.lock() = processes::own(&proc_root).ok().map(Arc::new);
            if let Some(owner) = shared.mta_user() {
                watch.restrict_to(owner);
            }
            scan_processes(&mut watch)
        },
    )?;

    // Looked at as often as the processes: a rule asks both together. On a thread of its own, since
    // the directories may be on a file system that does not answer.
    let (shared, configured) = (Arc::clone(observed), config.mta.active);
    start.collector(
        "active",
        config.processes.interval,
        |observed| &observed.active,
        move || Run::Whole(configured.or_else(|| is_active(&shared))),
    )?;

    let mut targets = Targets {
        queue: install.queue_directory.clone(),
        log: install.log_directory.clone(),
        tmp: std::env::temp_dir(),
        log_files: log_files(config, observed),
        owner: None,
    };
    let (shared, mut warned) = (Arc::clone(observed), false);
    start.collector(
        "filesystems",
        config.files.interval,
        |observed| &observed.filesystems,
        move || {
            targets.owner = shared.mta_user();
            if let Some(problem) = followed_as_single(&targets).filter(|_| !warned) {
                tracing::warn!(problem, "the log will not be followed through its rotations");
                warned = true;
            }
            read_filesystems(&targets)
        },
    )?;
    Ok(Collectors { stops: start.stops })
}

struct Start<'a> {
    observed: &'a Arc<Observed>,
    died: &'a UnboundedSender<&'static str>,
    stops: Vec<Sender<()>>,
}

impl Start<'_> {
    fn collector<T: Send + Sync + 'static>(
        &mut self,
        name: &'static str,
        interval: Duration,
        place: fn(&Observed) -> &Latest<T>,
        mut run: impl FnMut() -> Run<T> + Send + 'static,
    ) -> std::io::Result<()> {
        let (stop, stopped) = channel();
        let observed = Arc::clone(self.observed);
        let died = self.died.clone();
        std::thread::Builder::new().name(name.into()).spawn(move || {
            let _notice = DeathNotice::new(name, died);
            let mut complaints = Complaints::new(name);
            loop {
                let start = place(&observed).alive();
                let run = run();
                let end = observed.clock.monotonic();
                complaints.note(run.problem(), end);
                let took = end.saturating_sub(start);
                let now = observed.clock.steady_seconds();
                let hung = place(&observed).update(run, now, took.as_secs_f64());
                let worked = took.saturating_sub(hung);
                if !pause(&stopped, interval.saturating_sub(worked).max(worked * (DUTY - 1))) {
                    return;
                }
            }
        })?;
        self.stops.push(stop);
        Ok(())
    }
}

/// Waits for the next run; `false` when there will be none.
fn pause(stopped: &Receiver<()>, time: Duration) -> bool {
    matches!(stopped.recv_timeout(time), Err(RecvTimeoutError::Timeout))
}

fn scan_processes(watch: &mut ProcessWatch) -> Run<ProcessSnapshot> {
    match watch.scan() {
        Ok(snapshot) => {
            let hidden = snapshot.unreadable;
            let problem = (hidden > 0).then(|| {
                format!(
                    "the command lines of {hidden} processes may not be read; /proc is mounted with hidepid"
                )
            });
            Run::read(snapshot, problem)
        }
        Err(error) => Run::Failed(with_causes(&error)),
    }
}

fn read_filesystems(targets: &Targets) -> Run<FilesystemSnapshot> {
    let snapshot = filesystems::read(targets);
    let spaces = snapshot.filesystems.values().filter_map(|space| space.as_ref().err());
    let problems: Vec<String> = spaces.chain(&snapshot.failures).map(|error| with_causes(error)).collect();
    let problem = (!problems.is_empty()).then(|| problems.join("; "));
    Run::read(snapshot, problem)
}

/// What is wrong with a log that is mounted without its directory.
fn followed_as_single(targets: &Targets) -> Option<String> {
    single_mount::problem(targets.log_files.iter().map(PathBuf::as_path))
}

/// Whether anything of the MTA is on this host: on the passive node of a pair neither logs nor queue are mounted,
/// and nothing runs. Some of it there and some not is a fault, which must silence nothing. `None` until the
/// processes have been looked at where they decide.
fn is_active(observed: &Observed) -> Option<bool> {
    let Install { log_directory, queue_directory, .. } = &observed.install;
    if holds_anything(log_directory) || holds_anything(queue_directory) {
        return Some(true);
    }
    let processes = observed.processes.get().value?;
    Some(processes.processes.values().any(|group| group.running > 0))
}

/// The followed logs, what they are renamed to, and the cumulative files that grow without bound.
fn log_files(config: &Config, observed: &Observed) -> Vec<PathBuf> {
    let names = config.logs.files.iter().flat_map(|name| {
        let stem = name.strip_suffix("_current");
        let others = stem.map(|stem| [format!("{stem}_yesterday"), stem.to_owned()]);
        std::iter::once(name.clone()).chain(others.into_iter().flatten())
    });
    names.map(|name| observed.install.log_directory.join(name)).collect()
}
