//! What is started ends with this program, or before: it is a process group of its own, which is killed as a whole.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// For so long the end of this program waits while the system starts another: on a file system that does not answer that
/// may take for ever.
const PATIENCE: Duration = Duration::from_millis(300);

/// Members of a group that are asked for, at most, once they were killed.
const MOST_ORPHANS: usize = 1000;

/// The program that runs, where one does, for whoever has to end it.
#[derive(Clone, Debug, Default)]
pub struct Running(Arc<Held>);

#[derive(Debug, Default)]
struct Held {
    over: AtomicBool,
    /// The group that runs; its leader has not been waited for, so the number is nobody else's.
    group: Mutex<Option<Pid>>,
}

impl Running {
    /// Kills what runs. Nothing is started any more.
    pub fn end(&self) {
        self.0.over.store(true, Ordering::Release);
        if let Some(group) = self.0.group.try_lock_for(PATIENCE)
            && let Some(group) = *group
        {
            kill(group);
        }
    }

    /// Starts a program as the leader of a group.
    pub(super) fn start(&self, command: &mut Command) -> io::Result<Child> {
        let mut group = self.0.group.lock();
        if self.is_over() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let child = command.process_group(0).spawn()?;
        *group = Some(Pid::from_child(&child));
        // Who ended it meanwhile may have lost patience.
        if self.is_over() {
            kill(Pid::from_child(&child));
        }
        Ok(child)
    }

    /// Kills what is left of the group, and waits for its leader: how that ended, if it has ended before.
    pub(super) fn finish(&self, mut child: Child) -> io::Result<ExitStatus> {
        let pid = Pid::from_child(&child);
        {
            let mut group = self.0.group.lock();
            if let Some(group) = group.take() {
                kill(group);
            }
        }
        let status = child.wait()?;
        reap_orphans(pid);
        Ok(status)
    }

    fn is_over(&self) -> bool {
        self.0.over.load(Ordering::Acquire)
    }
}

/// There may be none any more.
fn kill(group: Pid) {
    kill_process_group(group, Signal::KILL).ok();
}

/// The first process of a container is the parent of all orphans. Elsewhere there are none.
fn reap_orphans(group: Pid) {
    for _ in 0..MOST_ORPHANS {
        if waitid(WaitId::Pgid(Some(group)), WaitIdOptions::EXITED).is_err() {
            return;
        }
    }
}
