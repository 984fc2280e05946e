//! What daemons say of errors in their own logs, and what the manuals say to do next.

use super::Finding;
use super::rule::Look;
use super::situation::Situation;
use super::words::{counted, last};
use crate::aggregate::daemon_log::WINDOW_MINUTES;
use crate::record::daemon_log::{DaemonLog, EventClass};

/// THE advice: what to look at for a class that is worth a look by itself, the gravest first. The steps are those of the
/// manuals (6.3 guide, 26.3.4 and 26.4; "Swap Space Errors" and what follows in the later guide).
#[rustfmt::skip]
static ADVICE: &[(EventClass, &str)] = &[
    (EventClass::ForkFailed,
        "Look for swap space and processes: `free`, `ps -elf`, the limit of processes of the MTA's user; swap should be three times the memory."),
    (EventClass::OutOfMemory,
        "Look for memory and swap space: `free`, `ps -elf`. The Job Controller keeps the queue in memory."),
    (EventClass::VersionMismatch,
        "Compile the configuration anew with `imsimta cnbuild`, then `imsimta restart`."),
    (EventClass::MmInit,
        "`imsimta test -rewrite` shows the same error and where in the configuration it is."),
    (EventClass::SocketTmp,
        "`/tmp` has to have the mode 1777, and the Dispatcher's socket in it the MTA's user as its owner (`ls -la /tmp`). \
         Do not remove the socket or make it: the Dispatcher does."),
    (EventClass::Bind,
        "Look who listens on the port: `ss -ltnp`, and whether an earlier Dispatcher still runs: `imsimta process`."),
    (EventClass::NoSpace,
        "Look for space and inodes of queue, log and tmp: `df -h`, `df -i`."),
    (EventClass::TooManyFiles,
        "Compare the open files of the MTA's processes with their limit: `imsimta_process_open_fds`, `/proc/PID/limits`."),
    (EventClass::TooManyConnections,
        "Look who connects, and at MAX_PROCS and MAX_CONNS of the service in the Dispatcher's configuration."),
    (EventClass::WorkerExit,
        "Look at `imsimta process`, the newest log of that program, and for core files."),
    (EventClass::Permission,
        "Look who owns queue, log, tmp and configuration: all of it is the MTA's user's. `imsimta test -rewrite` as that user says more."),
    (EventClass::Database,
        "Look at the directory of the databases: owner, space, and whether one was built lately (`imsimta crdb`)."),
    (EventClass::Tls,
        "Look at the certificates of the MTA and when they expire."),
];

/// Classes that say something by themselves, and any error of the Job Controller: it writes nothing else. Logs of channels
/// say what other hosts do.
pub(super) fn daemon_errors(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let Some(events) = &situation.daemon_events else { return };
    let enough = |count: u64| count >= look.limits.daemon_errors.max(1);
    let within = format!("in {}", last(WINDOW_MINUTES));
    for &(class, next) in ADVICE {
        let logs = events.all().filter(|(log, _)| *log != DaemonLog::Channel);
        for (log, count) in
            logs.map(|(log, counts)| (log, counts.get(class))).filter(|&(_, count)| enough(count))
        {
            let (log, about) = (log.label(), class.meaning().replace('`', ""));
            let what = format!("The log of {log} says that {about} ({} {within}).", counted(count, "time"));
            found.push(look.finds(what).then(&format!("{next} {LAST}")));
        }
    }
    let other = events[DaemonLog::JobController].get(EventClass::Other);
    if enough(other) {
        let what = format!("The log of job_controller has {} {within}.", counted(other, "other error"));
        found.push(look.finds(what).then(&format!("{OF_THE_JOB_CONTROLLER} {LAST}")));
    }
}

/// Where they are.
const LAST: &str = "`/debug/daemons` has the last of them.";

/// What other errors of the Job Controller are (later guide, "Abnormal Job Controller Terminations").
const OF_THE_JOB_CONTROLLER: &str =
    "Unless it is debugged, it writes errors only; if it ends, most likely memory ran out.";

#[cfg(test)]
mod tests {
    use super::{ADVICE, EventClass};

    #[test]
    fn each_class_has_one_advice_at_most() {
        for &class in EventClass::ALL {
            assert!(ADVICE.iter().filter(|(of, _)| *of == class).count() <= 1, "{class:?}");
        }
        assert!(ADVICE.iter().all(|(_, next)| next.ends_with('.')));
    }
}
