//! The MTA's processes, and the exporter's own.

use std::sync::Arc;

use super::row::Verdict::{Fine, Note, Problem};
use super::row::{Look, Remark, Start};
use crate::observed::reading::{Reading, Run};
use crate::source::processes::{self, ProcessGroup, ProcessSnapshot, ProcessWatch};
use crate::text::with_causes;

pub(super) fn start(start: &Start<'_>) -> Look<ProcessSnapshot> {
    let (names, root) = (start.config.processes.names.clone(), start.observed.install.root.clone());
    let (observed, proc_root) = (Arc::clone(start.observed), start.proc_root.to_owned());
    let mounted = proc_root.clone();
    let mut learnt = start.kept.learnt(|before: Option<ProcessWatch>| match before {
        Some(mut before) => {
            before.go_on_with(names);
            before
        }
        None => ProcessWatch::new(mounted, root, names, None),
    });
    Box::new(move || {
        *observed.own.lock() = processes::own(&proc_root).ok().map(Arc::new);
        let watch = learnt.get();
        if let Some(owner) = observed.mta_user() {
            watch.restrict_to(owner);
        }
        scan(watch)
    })
}

fn scan(watch: &mut ProcessWatch) -> Run<ProcessSnapshot> {
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
