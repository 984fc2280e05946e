//! THE table of collectors: what is looked at on an interval, each on a thread of its own.
//!
//! Threads, readiness, the status page, the series `imsimta_collector_*` and `check` derive from the rows. The
//! logs are read by a thread of another kind, see `logs`.

mod active;
mod carried_over;
mod commands;
mod daemon_logs;
mod dispatcher;
mod filesystems;
mod held;
mod probe;
mod processes;
mod queue;
mod row;
mod sockets;
mod threads;

pub use carried_over::Kept;
pub use row::{Collector, Collects, Look, Of, Remark, Shown, Start, Verdict};
pub use threads::Late;
pub(super) use threads::{Collectors, spawn};

use crate::metrics::catalogue::Feed;
use crate::metrics::{collectors as samples, commands as command_samples, exporter, probe as probe_samples};
use crate::observed::Clock;
use crate::observed::latest::Readings;
use crate::observed::queue::Queue;
use crate::source::install::Install;

/// THE table of collectors.
pub static COLLECTORS: [&dyn Collects; 9] = [
    &Collector {
        name: Feed::Queue.label(),
        shown: Some(Shown {
            reads: |install| install.queue_directory.display().to_string(),
            called: "queue",
            first: "the first scan of the queue",
        }),
        of: Of::Mounted,
        interval: |config| config.queue.interval,
        start: queue::start,
        is_anything: |queue: &Queue| queue.snapshot.scan.is_some(),
        fill: |page, queue, _| samples::fill_queue(page, &queue.snapshot, &queue.growth),
        remarks: queue::remarks,
    },
    &Collector {
        name: Feed::Sockets.label(),
        shown: Some(Shown {
            reads: |_| "TCP sockets on the MTA's ports".to_owned(),
            called: "table of connections",
            first: "the first look at the sockets",
        }),
        of: Of::Host,
        interval: |config| config.sockets.interval,
        start: sockets::start,
        is_anything: |_| true,
        fill: samples::fill_sockets,
        remarks: sockets::remarks,
    },
    // The limits of the sockets that are looked at. On a thread of its own, since the root may be on a file system that
    // does not answer.
    &Collector {
        name: Feed::Dispatcher.label(),
        shown: Some(Shown {
            reads: |_| "what the Dispatcher may do".to_owned(),
            called: "configuration of the Dispatcher",
            first: "the first look at the configuration of the Dispatcher",
        }),
        of: Of::Installation,
        interval: |_| dispatcher::INTERVAL,
        start: dispatcher::start,
        is_anything: |_| true,
        fill: |page, dispatcher, _| samples::fill_dispatcher(page, dispatcher),
        remarks: dispatcher::remarks,
    },
    &Collector {
        name: Feed::Processes.label(),
        shown: Some(Shown {
            reads: |_| "the MTA's processes".to_owned(),
            called: "table of processes",
            first: "the first look at the processes",
        }),
        of: Of::Installation,
        interval: |config| config.processes.interval,
        start: processes::start,
        is_anything: |_| true,
        fill: |page, processes, _| samples::fill_processes(page, processes),
        remarks: processes::remarks,
    },
    // Looked at as often as the processes: a rule asks both together. On a thread of its own, since
    // the directories may be on a file system that does not answer.
    &Collector {
        name: "active",
        shown: None,
        of: Of::Installation,
        interval: |config| config.processes.interval,
        start: active::start,
        is_anything: |_| true,
        fill: |page, active, _| exporter::fill_active(page, active.0),
        remarks: |_, _| Vec::new(),
    },
    &Collector {
        name: Feed::DaemonLogs.label(),
        shown: Some(Shown {
            reads: |install| format!("names of daemons' logs in {}", install.log_directory.display()),
            called: "list of the logs of daemons",
            first: "the first list of the logs of daemons",
        }),
        of: Of::Mounted,
        interval: |config| config.daemon_logs.interval,
        start: daemon_logs::start,
        is_anything: |_| true,
        fill: |page, listing, _| samples::fill_daemon_logs(page, listing),
        remarks: daemon_logs::remarks,
    },
    &Collector {
        name: Feed::Filesystems.label(),
        shown: Some(Shown {
            reads: |_| "space, log sizes, ownership".to_owned(),
            called: "space of a file system",
            first: "the first look at the file systems",
        }),
        of: Of::Installation,
        interval: |config| config.files.interval,
        start: filesystems::start,
        is_anything: |_| true,
        fill: |page, files, _| samples::fill_filesystems(page, files),
        // They are those of logs and queue, of which the rest of `check` says what is wrong.
        remarks: |_, _| Vec::new(),
    },
    &Collector {
        name: Feed::Probe.label(),
        shown: Some(Shown {
            reads: |_| "banners of ports of this host".to_owned(),
            called: "ports of this host",
            first: "the first look from outside",
        }),
        of: Of::Host,
        interval: |config| config.probe.interval,
        start: probe::start,
        is_anything: |_| true,
        fill: |page, probed, _| probe_samples::fill(page, probed),
        remarks: probe::remarks,
    },
    &Collector {
        name: Feed::Commands.label(),
        shown: Some(Shown {
            reads: |_| "the output of `imsimta qm`".to_owned(),
            called: "output of the MTA's commands",
            first: "the first run of the MTA's commands",
        }),
        of: Of::Installation,
        interval: |config| config.commands.interval,
        start: commands::start,
        is_anything: |_| true,
        fill: |page, commands, _| command_samples::fill(page, commands),
        remarks: commands::remarks,
    },
];

/// Places for what they will find.
pub fn readings(rows: &[&'static dyn Collects], install: &Install, clock: Clock) -> Readings {
    let mut readings = Readings::default();
    for row in rows {
        row.prepare(&mut readings, install, clock);
    }
    readings
}

#[cfg(test)]
mod tests {
    use super::{COLLECTORS, readings};
    use crate::metrics::catalogue::Feed;
    use crate::observed::Clock;
    use crate::source::install::Install;

    /// The logs are a collector as well, and come first.
    #[test]
    fn the_values_of_the_label_are_the_names_of_those_that_are_shown() {
        let readings = readings(&COLLECTORS, &Install::default(), Clock::start());
        let shown: Vec<_> = readings.outlines().map(|outline| outline.about.name).collect();
        let values: Vec<_> = Feed::collectors().into_iter().map(Feed::label).collect();
        assert_eq!([&["log"], shown.as_slice()].concat(), values);
    }
}
