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
        "See which program is near its limit of open files, by `imsimta_process_fds_worst_ratio`, and which process: `/proc/PID/limits`."),
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

/// Classes that say something by themselves, and all errors of the Job Controller: it writes nothing else. Logs of channels
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
            let what = said(log.label(), class, count, &within);
            let finding = look.finds(what).labelled("log", log.label()).labelled("class", class.label());
            found.push(finding.then(&format!("{next} {LAST}")));
        }
    }
    for &class in EventClass::ALL.iter().filter(|class| is_of_the_job_controller(**class)) {
        let count = events[DaemonLog::JobController].get(class);
        if enough(count) {
            let what = match class {
                EventClass::Other => {
                    format!("The log of job_controller has {} {within}.", counted(count, "other error"))
                }
                _ => said("job_controller", class, count, &within),
            };
            let log = DaemonLog::JobController.label();
            let finding = look.finds(what).labelled("log", log).labelled("class", class.label());
            let finding = finding.rings_if(class == EventClass::Other);
            found.push(finding.then(&format!("{OF_THE_JOB_CONTROLLER} {LAST}")));
        }
    }
}

fn said(log: &str, class: EventClass, count: u64, within: &str) -> String {
    let about = class.meaning().replace('`', "");
    format!("The log of {log} says that {about} ({} {within}).", counted(count, "time"))
}

/// What is worth a look in its log alone. A dump is what somebody asked it for.
fn is_of_the_job_controller(class: EventClass) -> bool {
    class != EventClass::Dump && !ADVICE.iter().any(|(of, _)| *of == class)
}

/// Where they are.
const LAST: &str = "`/debug/daemons` has the last of them.";

/// What errors of the Job Controller are for which there is no advice (later guide, "Abnormal Job Controller Terminations").
const OF_THE_JOB_CONTROLLER: &str =
    "Unless it is debugged, it writes errors only; if it ends, most likely memory ran out.";

#[cfg(test)]
mod tests {
    use super::{ADVICE, DaemonLog, EventClass, LAST};
    use crate::aggregate::daemon_log::Events;
    use crate::findings::Finding;
    use crate::findings::situation::Situation;
    use crate::findings::tests::findings;

    #[test]
    fn each_class_has_one_advice_at_most() {
        for &class in EventClass::ALL {
            assert!(ADVICE.iter().filter(|(of, _)| *of == class).count() <= 1, "{class:?}");
        }
        assert!(ADVICE.iter().all(|(_, next)| next.ends_with('.')));
    }

    /// What is found when a daemon has said this once.
    fn found(log: DaemonLog, class: EventClass) -> Vec<Finding> {
        let mut events = Events::default();
        events[log].add(class);
        let situation = Situation { daemon_events: Some(events), ..Situation::default() };
        let mut found = findings(&situation);
        found.retain(|finding| finding.rule == "daemon_errors");
        found
    }

    /// It writes errors only.
    #[test]
    fn every_error_of_the_job_controller_is_worth_a_look() {
        for &class in EventClass::ALL {
            let of_job_controller = found(DaemonLog::JobController, class);
            let [finding] = &of_job_controller[..] else {
                assert_eq!((class, of_job_controller.len()), (EventClass::Dump, 0));
                continue;
            };
            assert!(finding.what.starts_with("The log of job_controller "), "{class:?}: {}", finding.what);
            assert!(finding.next.ends_with(LAST), "{class:?}: {}", finding.next);
            let elsewhere = found(DaemonLog::Dispatcher, class).len();
            assert_eq!(elsewhere, ADVICE.iter().filter(|(of, _)| *of == class).count(), "{class:?}");
        }
    }
}
