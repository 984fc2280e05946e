//! What collectors find at the site when they look, each on its interval.

use std::collections::BTreeMap;

use imsimta_exporter::findings::channels::HOLD;
use imsimta_exporter::observed::history::Waiting;
use imsimta_exporter::observed::latest::Turn;
use imsimta_exporter::observed::queue::Queue;
use imsimta_exporter::observed::reading::Run;
use imsimta_exporter::observed::{Active, Now, Observed};
use imsimta_exporter::source::commands::{ChannelTold, Command, CommandSnapshot, Ran, Told};
use imsimta_exporter::source::dispatcher::{Dispatcher, Service};
use imsimta_exporter::source::filesystems::critical::Wrong;
use imsimta_exporter::source::filesystems::{Files, FilesystemSnapshot, Space, WrongFiles};
use imsimta_exporter::source::probe::{ProbeError, ProbeSnapshot, Probed};
use imsimta_exporter::source::processes::{ProcessGroup, ProcessSnapshot};
use imsimta_exporter::source::sockets::{ListenDrops, Ports, SocketSnapshot, TcpState};
use imsimta_exporter::source::spool::held_files::HeldReason;
use imsimta_exporter::source::spool::{ChannelQueue, QueueSnapshot, ScanCounts, SpoolError};

use super::shown::{Shown, count, label};
use crate::weeks::calendar::MINUTE;

/// Where the site says what it has, and when its times begin.
#[derive(Debug)]
pub struct Site<'a> {
    pub shown: &'a Shown,
    /// Unix seconds of what promtool calls 0.
    pub epoch: f64,
}

impl Site<'_> {
    /// Looks where it is time to, at a second of the calendar. What changes with messages is that of the whole minute, so the
    /// queue is looked at when it is over.
    pub fn look(&self, second: usize, now: Now, observed: &Observed) {
        if second % 10 == 4 {
            found(observed, now, Run::Whole(Active(Some(true))));
            found(observed, now, Run::Whole(self.processes()));
        }
        if second % 30 == 7 {
            found(observed, now, Run::Whole(self.sockets()));
        }
        match second % MINUTE {
            31 => {
                found(observed, now, Run::Whole(self.dispatcher()));
                found(observed, now, Run::Whole(self.files(now)));
                found(observed, now, Run::Whole(self.ports()));
                found(observed, now, Run::Whole(self.commands()));
            }
            57 => self.scan(observed, now),
            _ => {}
        }
    }

    fn value(&self, metric: &str, labels: &str) -> f64 {
        self.shown.get(metric, labels).unwrap_or_else(|| panic!("{metric}{{{labels}}} is not shown"))
    }

    fn count(&self, metric: &str, labels: &str) -> u64 {
        count(self.value(metric, labels))
    }

    fn processes(&self) -> ProcessSnapshot {
        let group = |(labels, running)| {
            let starts = self.shown.get("imsimta_process_restarts_total", labels);
            let group = ProcessGroup {
                running: count(running),
                starts_total: count(starts.unwrap_or_default()),
                ..ProcessGroup::default()
            };
            (label(labels, "process").to_owned(), group)
        };
        let mut processes: BTreeMap<_, _> = self.shown.of("imsimta_processes").map(group).collect();
        for (labels, overaged) in self.shown.of("imsimta_process_overaged") {
            let overaged = Some(count(overaged));
            let group = ProcessGroup { running: 3, overaged, ..ProcessGroup::default() };
            processes.insert(label(labels, "process").to_owned(), group);
        }
        ProcessSnapshot { processes, ..ProcessSnapshot::default() }
    }

    fn sockets(&self) -> SocketSnapshot {
        let of = |state: &str| self.count("imsimta_smtp_sockets", &format!("port=\"25\",state=\"{state}\""));
        let overflows = self.count("imsimta_tcp_listen_overflows_total", "");
        SocketSnapshot {
            ports: Ports { ports: vec![25], ..Ports::default() },
            drops: Some(ListenDrops { overflows, drops: overflows }),
            states: [
                ((25, TcpState::Established), of("established")),
                ((25, TcpState::SynRecv), of("syn_recv")),
            ]
            .into(),
            ..SocketSnapshot::default()
        }
    }

    fn dispatcher(&self) -> Dispatcher {
        let limit = self.count("imsimta_connections_limit", "service=\"smtp\"");
        let service = Service {
            name: "smtp".to_owned(),
            ports: vec![25],
            max_procs: Some(10),
            max_conns: Some(limit / 10),
            ..Service::default()
        };
        Dispatcher { services: vec![service], ..Dispatcher::default() }
    }

    fn files(&self, now: Now) -> FilesystemSnapshot {
        let space = |path: &'static str| {
            let of = |metric| self.count(metric, &format!("path=\"{path}\""));
            let space = Space {
                device: 1,
                avail_bytes: of("imsimta_filesystem_avail_bytes"),
                size_bytes: of("imsimta_filesystem_size_bytes"),
                files: Some(Files {
                    free: of("imsimta_filesystem_files_free"),
                    all: of("imsimta_filesystem_files"),
                }),
            };
            (path, Ok(space))
        };
        let sizes = self.shown.of("imsimta_log_file_size_bytes");
        let growth = self.shown.of("imsimta_log_file_growth_bytes");
        #[expect(clippy::cast_possible_truncation, reason = "bytes are whole")]
        let signed = |growth: f64| Some(growth as i64);
        let rotated = "log=\"mail.log_yesterday\"";
        let rotated = self.epoch + self.value("imsimta_log_rotated_timestamp_seconds", rotated);
        let wrong = self.count("imsimta_critical_files_wrong", "path=\"queue_files\",what=\"owner\"");
        let wrong = WrongFiles { count: wrong, example: Some("/queue/tcp_local/000/ZZ01.00".into()) };
        FilesystemSnapshot {
            filesystems: ["queue", "log"].map(space).into(),
            log_file_sizes: sizes.map(|(log, size)| (label(log, "log").to_owned(), count(size))).collect(),
            cumulative: growth.map(|(log, growth)| (label(log, "log").to_owned(), signed(growth))).collect(),
            rotated: [("mail.log_yesterday".to_owned(), rotated)].into(),
            unrotated: [("mail.log_current".to_owned(), now.unix.seconds() - rotated)].into(),
            wrong: [(("queue_files", Wrong::Owner), wrong)].into(),
            user: "mailsrv".to_owned(),
            ..FilesystemSnapshot::default()
        }
    }

    fn ports(&self) -> ProbeSnapshot {
        let failures = self.count("imsimta_probe_failed_looks", "port=\"25\"");
        let failure = (failures > 0).then_some(ProbeError::Refused);
        let took = failure.is_none().then_some(0.01);
        ProbeSnapshot { ports: [(25, Probed { connect: took, banner: took, failure, failures })].into() }
    }

    fn commands(&self) -> CommandSnapshot {
        let told = |(labels, stopped)| {
            let told = ChannelTold { stopped: Some(stopped > 0.0), ..ChannelTold::default() };
            (label(labels, "channel").to_owned(), told)
        };
        let channels = self.shown.of("imsimta_channel_stopped").map(told).collect();
        let ran = Ran { told: Ok(Told { channels, left_out: 0, unknown: 0 }), seconds: 0.1 };
        CommandSnapshot { ran: vec![(Command::Summarize, ran)], ..CommandSnapshot::default() }
    }

    /// A look into the queue, of which the history is told as well.
    fn scan(&self, observed: &Observed, now: Now) {
        if self.count("imsimta_queue_channels", "") == 0 {
            let snapshot = QueueSnapshot { directories: Some(0), ..QueueSnapshot::default() };
            let problem = SpoolError::Empty { path: observed.install.queue_directory.clone() };
            return found(
                observed,
                now,
                Run::Partial(Queue { snapshot, ..Queue::default() }, problem.to_string()),
            );
        }
        let channel = |(labels, messages): (&str, f64)| {
            let name = label(labels, "channel");
            (name.to_owned(), self.channel(name, count(messages), now))
        };
        let mut channels: BTreeMap<_, _> = self.shown.of("imsimta_queue_messages").map(channel).collect();
        channels.insert(
            HOLD.to_owned(),
            ChannelQueue { messages: 3, scanned_at: now.unix.seconds(), ..ChannelQueue::default() },
        );
        let waiting = channels.iter().map(|(name, queue)| {
            (name.as_str(), Waiting { messages: queue.messages, held: queue.held.iter().sum() })
        });
        let growth = {
            let book = observed.logs();
            let present = now.shown(&book.aggregate).now();
            book.history.lock().looked(present, waiting)
        };
        let snapshot = QueueSnapshot {
            directories: Some(channels.len() as u64),
            labels: channels.keys().map(|name| name.as_str().into()).collect(),
            channels,
            scan: Some(ScanCounts::default()),
            ..QueueSnapshot::default()
        };
        found(observed, now, Run::Whole(Queue { snapshot, growth }));
    }

    fn channel(&self, name: &str, messages: u64, now: Now) -> ChannelQueue {
        let labels = format!("channel=\"{name}\"");
        let of = |metric, label: &str| self.count(metric, &format!("{labels},{label}"));
        let new = of("imsimta_queue_age_messages", "age=\"5m-1h\"");
        let oldest = self.shown.get("imsimta_queue_oldest_message_timestamp_seconds", &labels);
        let mut queue = ChannelQueue {
            messages,
            oldest: oldest.map(|oldest| self.epoch + oldest),
            stuck: self.count("imsimta_queue_stuck_messages", &labels),
            other_files: 1,
            scanned_at: now.unix.seconds(),
            ..ChannelQueue::default()
        };
        (queue.ages[0], queue.ages[1]) = (messages.saturating_sub(new), new);
        queue.held[HeldReason::Loop as usize] = of("imsimta_queue_held_messages", "reason=\"loop\"");
        queue
    }
}

fn found<T: std::fmt::Debug + Send + Sync + 'static>(observed: &Observed, now: Now, run: Run<T>) {
    let latest = observed.collected.latest::<T>().expect("a place for it");
    latest.update(&Turn::default(), run, now.steady_seconds, 0.1);
}
