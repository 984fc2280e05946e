//! The MTA's processes, and the exporter's own.

use std::sync::Arc;
use std::time::Duration;

use super::row::Verdict::{Fine, Note, Problem};
use super::row::{Look, Remark, Start};
use crate::observed::Observed;
use crate::observed::queue::Queue;
use crate::observed::reading::{Reading, Run};
use crate::source::dispatcher::Dispatcher;
use crate::source::filesystems::owner;
use crate::source::processes::{self, ProcessGroup, ProcessSnapshot, ProcessWatch, Programs};
use crate::text::with_causes;

/// For how long the first look waits for the queue's, which tells whose the processes are. Waiting is no work, but counts
/// as it, so this is short; the first picture of a large queue takes longer.
const PATIENCE: Duration = Duration::from_millis(250);

pub(super) fn start(start: &Start<'_>) -> Look<ProcessSnapshot> {
    let programs = Programs {
        root: start.observed.install.root.clone(),
        seen_at: start.config.processes.installation.clone(),
        names: start.config.processes.names.clone(),
    };
    let (observed, proc_root) = (Arc::clone(start.observed), start.proc_root.to_owned());
    let mounted = proc_root.clone();
    let mut carried_over = start.kept.carried_over(|before: Option<ProcessWatch>| match before {
        Some(mut before) => {
            before.go_on_with(programs);
            before
        }
        None => ProcessWatch::new(mounted, programs),
    });
    Box::new(move || {
        *observed.own.lock() = processes::own(&proc_root).ok().map(Arc::new);
        let watch = carried_over.get();
        if let Some(user) = user_of_the_mta(&observed) {
            watch.restrict_to(user);
        }
        let dispatcher = observed.collected.found::<Dispatcher>().unwrap_or_default();
        // A server goes on until its last session has ended.
        let life = |name: &str| dispatcher.life_of(name).saturating_add(observed.limits.overaged_grace);
        scan(watch, &life)
    })
}

/// The user whose processes are the MTA's: the configured one, else the one that its directories belong to, found once.
/// None where no directory can be looked at, as on the passive node of a pair.
pub(super) fn user_of_the_mta(observed: &Observed) -> Option<u32> {
    let known = observed.mta_user();
    if known.is_some() {
        return known;
    }
    // The queue is looked at by its own collector alone, since it may not answer.
    let queue = observed.collected.latest::<Queue>()?.first(PATIENCE).value;
    let queue = queue.and_then(|queue| queue.snapshot.owner);
    let user = owner_of_both(queue, || owner(&observed.install.log_directory).ok())?;
    observed.learn_mta_user(user);
    Some(user)
}

/// Who owns the directories. A directory of root's where the other is somebody else's is a mistake, and not the MTA's
/// user.
fn owner_of_both(queue: Option<u32>, log: impl FnOnce() -> Option<u32>) -> Option<u32> {
    match queue {
        Some(queue) if queue != 0 => Some(queue),
        _ => log().or(queue),
    }
}

fn scan(watch: &mut ProcessWatch, life: &dyn Fn(&str) -> Duration) -> Run<ProcessSnapshot> {
    match watch.scan(life) {
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

/// Which of the MTA's programs run, and what may not be read of them.
pub(super) fn remarks(reading: &Reading<ProcessSnapshot>, start: &Start<'_>) -> Vec<Remark> {
    let Some(snapshot) = &reading.value else {
        return reading.problem.iter().map(|problem| (Problem, problem.clone())).collect();
    };
    let mut remarks = Vec::new();
    if snapshot.unreadable > 0 {
        let text = format!(
            "the command lines of {} processes may not be read: /proc is mounted with hidepid; mount it without, \
             or with gid= a group of this user",
            snapshot.unreadable
        );
        remarks.push((Problem, text));
    }
    let running = |(name, group): (&String, &ProcessGroup)| {
        (group.running > 0).then(|| format!("{name} ({})", group.running))
    };
    let found: Vec<String> = snapshot.processes.iter().filter_map(running).collect();
    if found.is_empty() {
        let root = start.observed.install.root.display();
        remarks.push((Note, format!("none of the MTA's programs runs below {root}")));
        return remarks;
    }
    remarks.push((Fine, found.join(", ")));
    if snapshot.processes.values().any(|group| group.running > 0 && group.open_fds.is_none()) {
        let text = "their open files cannot be counted: /proc/PID/fd is open to their own user alone, so \
                    imsimta_process_open_fds will be absent";
        remarks.push((Note, text.to_owned()));
    }
    remarks
}
