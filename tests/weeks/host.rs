//! The host that the MTA is on: processes, sockets, disks, logs, and the exporter itself.

use std::collections::VecDeque;

use fastrand::Rng;

use super::calendar::{DAY, HOUR, busy, returns};
use super::series::Page;
use super::site::number;
use super::trouble::Trouble;

/// Bytes of a file system, half of them taken by what is not of these weeks.
const DISK: f64 = 200e9;

/// What has become of the host so far.
#[derive(Debug)]
pub struct Host {
    /// The minute that is promtool's first.
    begins: usize,
    started: usize,
    starts: [f64; 2],
    fork_failed: f64,
    /// Bytes of the log directory.
    logs: f64,
    current: f64,
    yesterday: f64,
    /// Bytes of mail.log at the end of each hour of the last day.
    cumulative: VecDeque<f64>,
    mail_log: f64,
    written: f64,
    rotated: usize,
    lines: f64,
    was_down: [bool; 2],
    failed_looks: f64,
    wrong_files: f64,
    connections: VecDeque<u64>,
    sends: VecDeque<u64>,
    flapped: f64,
}

impl Host {
    /// At its first minute; its logs were renamed in the night before.
    pub fn new(begins: usize) -> Self {
        Self {
            begins,
            started: begins,
            starts: [0.0; 2],
            fork_failed: 0.0,
            logs: 0.0,
            current: 0.0,
            yesterday: 5e8,
            cumulative: VecDeque::new(),
            mail_log: 20e9,
            written: 0.0,
            rotated: begins / DAY * DAY,
            lines: 0.0,
            was_down: [false; 2],
            failed_looks: 0.0,
            wrong_files: 0.0,
            connections: VecDeque::new(),
            sends: VecDeque::new(),
            flapped: 0.0,
        }
    }

    /// Seconds of promtool's clock, which begins at 0, when so many minutes of the calendar are over.
    #[expect(clippy::cast_precision_loss, reason = "minutes of weeks")]
    pub fn time(&self, minute: usize) -> f64 {
        (minute as f64 - self.begins as f64) * 60.0
    }
    /// What was accepted in this minute: connections, and recipients of one who sends.
    pub fn accepted(&mut self, connections: u64, sent: u64) {
        for (minutes, now) in [(&mut self.connections, connections), (&mut self.sends, sent)] {
            minutes.push_back(now);
            minutes.drain(..minutes.len().saturating_sub(5));
        }
    }

    /// Goes on by a minute.
    pub fn live(&mut self, minute: usize, trouble: &Trouble, rng: &mut Rng) {
        let written = 3000.0 * 200.0 * (0.1 + busy(minute)) * (0.9 + 0.2 * rng.f64());
        if !trouble.log_off {
            self.current += written.round();
            self.lines += (written / 200.0).round();
        }
        self.written += trouble.written;
        if trouble.written == 0.0 {
            self.written = (self.written - 2e9).max(0.0);
        }
        if returns(minute) && !trouble.not_rotated {
            self.mail_log += self.yesterday;
            (self.yesterday, self.current) = (self.current, 0.0);
            self.rotated = minute;
        }
        // Somebody moves it away each Sunday.
        if minute % (7 * DAY) == 6 * DAY + 12 * HOUR {
            self.mail_log = 0.0;
        }
        if minute.is_multiple_of(HOUR) {
            self.cumulative.push_back(self.mail_log);
            self.cumulative.drain(..self.cumulative.len().saturating_sub(25));
        }
        self.logs = self.mail_log + self.yesterday + self.current;
        for (at, down) in [trouble.dispatcher_down, trouble.job_controller_down].into_iter().enumerate() {
            if self.was_down[at] && !down {
                self.starts[at] += 1.0;
            }
            self.was_down[at] = down;
        }
        self.flapped += trouble.starts;
        if self.flapped >= 1.0 {
            self.flapped -= 1.0;
            self.starts[0] += 1.0;
        }
        self.fork_failed += trouble.fork_failed;
        self.wrong_files = trouble.wrong_files;
        self.failed_looks =
            if trouble.dispatcher_down || trouble.no_banner { self.failed_looks + 1.0 } else { 0.0 };
        if trouble.exporter_down {
            self.started = minute + 1;
        }
    }

    /// What the exporter says of it.
    pub fn show(&self, trouble: &Trouble, rng: &mut Rng, page: &mut impl Page) {
        self.show_processes(trouble, page);
        self.show_files(page);
        self.show_connections(trouble, rng, page);
        page.put("process_start_time_seconds", "", self.time(self.started));
        // A receiver was told of something once.
        page.put(
            "imsimta_notification_last_success_timestamp_seconds",
            "receiver=\"webhook\"",
            self.time(self.started),
        );
        page.put("imsimta_exporter_ready", "", 1.0);
        page.put("imsimta_mta_active", "", 1.0);
        page.put("imsimta_queue_channels", "", if trouble.queue_lost { 0.0 } else { 4.0 });
        page.put("imsimta_queue_scan_partial", "", 0.0);
        page.put("imsimta_log_lines_total", "log=\"mail.log_current\"", self.lines);
        page.put("imsimta_log_lag_seconds", "log=\"mail.log_current\"", 1.0);
        page.put("imsimta_log_clock_offset_seconds", "log=\"mail.log_current\"", 1.0);
        for (metric, labels) in NOTHING {
            page.put(metric, labels, 0.0);
        }
        for labels in COLLECTORS {
            page.put("imsimta_collector_success", labels, 1.0);
        }
    }

    fn show_processes(&self, trouble: &Trouble, page: &mut impl Page) {
        let running = |down: bool| f64::from(u8::from(!down));
        let second = if trouble.duplicated { 1.0 } else { 0.0 };
        let (dispatcher, job_controller) = ("process=\"dispatcher\"", "process=\"job_controller\"");
        page.put("imsimta_processes", dispatcher, running(trouble.dispatcher_down));
        page.put("imsimta_processes", job_controller, running(trouble.job_controller_down) + second);
        page.put("imsimta_process_restarts_total", dispatcher, self.starts[0]);
        page.put("imsimta_process_restarts_total", job_controller, self.starts[1]);
        page.put("imsimta_process_overaged", "process=\"tcp_smtp_server\"", trouble.overaged);
        let labels = "log=\"job_controller\",class=\"fork_failed\"";
        page.put("imsimta_daemon_log_events_total", labels, self.fork_failed);
        page.put("imsimta_probe_failed_looks", "port=\"25\"", self.failed_looks);
        let failure = f64::from(u8::from(self.failed_looks > 0.0));
        page.put("imsimta_probe_failure", "port=\"25\",reason=\"refused\"", failure);
    }

    fn show_files(&self, page: &mut impl Page) {
        let free = (DISK / 2.0 - self.logs - self.written).max(0.0);
        for (path, shared) in [("path=\"queue\"", 0.0), ("path=\"log\"", 1.0)] {
            page.put("imsimta_filesystem_avail_bytes", path, free);
            page.put("imsimta_filesystem_size_bytes", path, DISK);
            page.put("imsimta_filesystem_files_free", path, 12e6);
            page.put("imsimta_filesystem_files", path, 13e6);
            page.put("imsimta_filesystem_shared", path, shared);
        }
        for (log, size) in [
            ("log=\"mail.log_current\"", self.current),
            ("log=\"mail.log_yesterday\"", self.yesterday),
            ("log=\"mail.log\"", self.mail_log),
        ] {
            page.put("imsimta_log_file_size_bytes", log, size);
        }
        if self.cumulative.len() > 24 {
            page.put("imsimta_log_file_growth_bytes", "log=\"mail.log\"", self.mail_log - self.cumulative[0]);
        }
        page.put(
            "imsimta_log_rotated_timestamp_seconds",
            "log=\"mail.log_yesterday\"",
            self.time(self.rotated),
        );
        page.put("imsimta_critical_files_wrong", "path=\"queue_files\",what=\"owner\"", self.wrong_files);
    }

    fn show_connections(&self, trouble: &Trouble, rng: &mut Rng, page: &mut impl Page) {
        let recent: u64 = self.connections.iter().sum();
        let sent: u64 = self.sends.iter().sum();
        let usual = number(recent.min(600));
        let share = 0.06 + 0.04 * rng.f64();
        let most = if trouble.one_client { number(recent) * 0.85 } else { (usual * share).round() };
        page.put("imsimta_client_connections_max", "", most.round());
        page.put("imsimta_client_network_connections_max", "", (most * 1.2).round());
        page.put("imsimta_client_connections", "client=\"192.0.2.7\"", most.round());
        page.put("imsimta_client_network_connections", "network=\"192.0.2.0/24\"", (most * 1.2).round());
        let open = (number(recent) / 10.0).round().min(300.0);
        page.put("imsimta_connections_used", "service=\"smtp\"", open);
        page.put("imsimta_connections_limit", "service=\"smtp\"", 300.0);
        page.put("imsimta_smtp_sockets", "port=\"25\",state=\"established\"", open);
        page.put(
            "imsimta_smtp_sockets",
            "port=\"25\",state=\"syn_recv\"",
            (2.0 * rng.f64()).round() + trouble.syn,
        );
        page.put("imsimta_smtp_listen_queue", "port=\"25\"", if open >= 300.0 { 120.0 } else { 0.0 });
        page.put("imsimta_smtp_listen_queue_limit", "port=\"25\"", 128.0);
        let senders = if trouble.one_sender { number(sent) } else { (number(sent) * 0.1).round() };
        page.put("imsimta_sender_enqueues_max", "", senders);
        page.put("imsimta_sender_enqueues", if trouble.one_sender { STOLEN } else { BUSIEST }, senders);
    }
}

/// How old the messages of a channel are, as far as rules ask.
pub fn show_ages(at: usize, stuck: u64, page: &mut impl Page) {
    const NAMES: [&str; 4] = [
        "channel=\"tcp_local\",age=\"5m-1h\"",
        "channel=\"ims-ms\",age=\"5m-1h\"",
        "channel=\"conversion\",age=\"5m-1h\"",
        "channel=\"process\",age=\"5m-1h\"",
    ];
    page.put("imsimta_queue_age_messages", NAMES[at], number(stuck));
}

/// How many messages of a channel are held.
pub fn show_held(at: usize, held: u64, page: &mut impl Page) {
    const NAMES: [&str; 4] = [
        "channel=\"tcp_local\",reason=\"loop\"",
        "channel=\"ims-ms\",reason=\"loop\"",
        "channel=\"conversion\",reason=\"loop\"",
        "channel=\"process\",reason=\"loop\"",
    ];
    page.put("imsimta_queue_held_messages", NAMES[at], number(held));
}

/// Who sends most.
const BUSIEST: &str = "sender=\"news@example.com\"";
const STOLEN: &str = "sender=\"stolen@example.com\"";

/// What does not happen in these weeks, and rules ask for.
const NOTHING: [(&str, &str); 8] = [
    ("imsimta_log_unparsed_lines_total", "log=\"mail.log_current\",reason=\"no_action\""),
    ("imsimta_log_truncations_total", "log=\"mail.log_current\""),
    ("imsimta_log_gaps_total", "log=\"mail.log_current\""),
    ("imsimta_exporter_state_set_aside_total", ""),
    ("imsimta_exporter_state_save_failures_total", ""),
    ("imsimta_notifications_failed_total", "receiver=\"webhook\",reason=\"connect\""),
    ("imsimta_exporter_label_capped_total", "table=\"channels\""),
    ("imsimta_tcp_listen_overflows_total", ""),
];

const COLLECTORS: [&str; 7] = [
    "collector=\"log\"",
    "collector=\"queue\"",
    "collector=\"sockets\"",
    "collector=\"processes\"",
    "collector=\"daemon_logs\"",
    "collector=\"filesystems\"",
    "collector=\"probe\"",
];
