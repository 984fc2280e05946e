//! THE table of metrics: registration, HELP, `imsimta-exporter metrics`, `docs/metrics.md` and the tests
//! derive from it. Names are an interface: renaming one breaks dashboards and alert rules.

use super::family::{Counter, Gauge, Histogram, Metric};
pub use super::family::{Family, Feed, Kind, Label};
#[allow(clippy::wildcard_imports)]
use super::labels::*;

/// A part of the table, behind so many rows of others.
macro_rules! catalogue {
    (behind $before:expr; $(
        $id:ident = $kind:ident $name:literal [$($label:expr),*] $feed:ident
        $help:literal
        $(needs $($needs:ident),+)?
        query $query:literal;
    )*) => {
        $(
            #[doc = concat!("`", $name, "`")]
            pub static $id: Metric<$kind, { <[Label]>::len(&[$($label),*]) }> = Metric::new(
                $before + Row::$id as usize,
                Family {
                    name: $name,
                    kind: Kind::$kind,
                    labels: &[$($label),*],
                    feed: Feed::$feed,
                    help: $help,
                    needs: &[$($(crate::record::option::LogOption::$needs),+)?],
                    query: $query,
                },
            );
        )*

        /// The rows of this part.
        pub(super) const ROWS: [&Family; { <[Row]>::len(&[$(Row::$id),*]) }] = [$(&$id.family),*];

        /// Their places in it.
        #[allow(clippy::upper_case_acronyms, reason = "not every part has one")]
        #[expect(non_camel_case_types, reason = "they are the names of the rows")]
        enum Row { $($id),* }
    };
}

mod asked;
mod clients;
mod exporter;
mod sockets;
mod usual;

pub use asked::*;
pub use clients::*;
pub use exporter::*;
pub use sockets::*;
pub use usual::*;

/// Every metric.
pub static METRICS: &[&Family] = &all();

const ALL: usize = ROWS.len()
    + asked::ROWS.len()
    + exporter::ROWS.len()
    + clients::ROWS.len()
    + sockets::ROWS.len()
    + usual::ROWS.len();

/// The parts, one behind the other.
const fn all() -> [&'static Family; ALL] {
    let mut all = [ROWS[0]; ALL];
    let parts: [&[&'static Family]; 6] =
        [&ROWS, &asked::ROWS, &exporter::ROWS, &clients::ROWS, &sockets::ROWS, &usual::ROWS];
    let (mut part, mut place) = (0, 0);
    while part < parts.len() {
        let mut row = 0;
        while row < parts[part].len() {
            all[place] = parts[part][row];
            (row, place) = (row + 1, place + 1);
        }
        part += 1;
    }
    all
}

catalogue! { behind 0;
    LOG_ENTRIES = Counter "imsimta_log_entries_total" [CODE] Logs
        "Entries of the logs by action letter."
        query "sum by (code) (rate(imsimta_log_entries_total[5m]))";
    LOG_ENTRY_MODIFIERS = Counter "imsimta_log_entry_modifiers_total" [CODE, MODIFIER] Logs
        "Modifier letters by the action letter that they follow: S is TLS, A authentication, E ESMTP."
        query "sum by (modifier) (rate(imsimta_log_entry_modifiers_total{code=\"E\"}[5m]))";
    ENQUEUED_RECIPIENTS = Counter "imsimta_enqueued_recipients_total" [SOURCE, DESTINATION] Logs
        "Recipients of messages put into a queue, once per hop (E entries)."
        query "sum by (destination_channel) (rate(imsimta_enqueued_recipients_total[5m]))";
    ENQUEUED_BYTES = Counter "imsimta_enqueued_bytes_total" [SOURCE, DESTINATION] Logs
        "Their sizes, counted per recipient and rounded up to blocks by the MTA."
        query "sum by (destination_channel) (rate(imsimta_enqueued_bytes_total[5m]))";
    DEQUEUED_RECIPIENTS = Counter "imsimta_dequeued_recipients_total" [CHANNEL] Logs
        "Recipients delivered or handed on (D entries)."
        query "sum by (channel) (rate(imsimta_dequeued_recipients_total[5m]))";
    DEQUEUED_BYTES = Counter "imsimta_dequeued_bytes_total" [CHANNEL] Logs
        "Their sizes, counted per recipient and rounded up to blocks by the MTA."
        query "sum by (channel) (rate(imsimta_dequeued_bytes_total[5m]))";
    DELIVERY_ATTEMPTS = Counter "imsimta_delivery_attempts_total" [CHANNEL] Logs
        "Attempts to deliver to a recipient: D, Q and Z entries, and R unless the message had expired."
        query "sum by (channel) (rate(imsimta_delivery_attempts_total[5m]))";
    DELIVERY_FAILURES = Counter "imsimta_delivery_failures_total" [CHANNEL, OUTCOME, REASON] Logs
        "Recipients that were not delivered: deferred (Q), partial (Z), rejected (R), unnotified (K)."
        query "sum by (channel, reason) (rate(imsimta_delivery_failures_total{outcome=\"deferred\"}[5m]))";
    TOP_DOMAIN_FAILURE_RATIO = Gauge "imsimta_delivery_top_domain_failure_ratio" [CHANNEL] Logs
        "Share of the failed recipients of the last 5 minutes that goes to the one worst domain."
        query "imsimta_delivery_top_domain_failure_ratio > 0.8";
    WORST_DOMAIN_ATTEMPTS = Gauge "imsimta_delivery_worst_domain_attempts" [CHANNEL] Logs
        "Attempts of the last 5 minutes at the one worst domain, which has most failures; 0 when nothing failed."
        query "increase(imsimta_delivery_attempts_total[5m]) - on (instance, job, channel) imsimta_delivery_worst_domain_attempts";
    WORST_DOMAIN_FAILURES = Gauge "imsimta_delivery_worst_domain_failures" [CHANNEL] Logs
        "Those of them that failed, so that what fails elsewhere can be told from one bad domain."
        query "imsimta_delivery_worst_domain_failures / imsimta_delivery_worst_domain_attempts > 0.9";
    DELIVERY_DOMAINS = Gauge "imsimta_delivery_domains" [CHANNEL] Logs
        "Distinct destination domains tried in the last hour; 1 or 2 for a smart host or store channel."
        query "imsimta_delivery_domains";
    DESTINATION_FAILURES = Counter "imsimta_destination_failures_total" [DOMAIN, DOMAIN_OUTCOME] Logs
        "Recipients that were not delivered, by destination domain (Q and R entries)."
        query "topk(10, sum by (domain) (increase(imsimta_destination_failures_total[1h])))";
    DELIVERY_REPLIES = Counter "imsimta_delivery_replies_total" [CHANNEL, CLASS, STATUS] Logs
        "Replies of remote hosts to attempts that failed."
        needs Diagnostics
        query "sum by (status) (rate(imsimta_delivery_replies_total{class=\"5xx\"}[5m]))";
    DELIVERY_TRIES = Counter "imsimta_delivery_tries_total" [CHANNEL, TRY] Logs
        "Attempts (D, Q, R) by how often the message file had been tried, this attempt included."
        needs Filename
        query "sum by (attempt) (rate(imsimta_delivery_tries_total[5m]))";
    ENQUEUE_REJECTIONS = Counter "imsimta_enqueue_rejections_total" [CHANNEL, REASON] Logs
        "Attempts to enqueue that we refused (J entries)."
        query "sum by (reason) (rate(imsimta_enqueue_rejections_total[5m]))";
    ABORTED_TRANSACTIONS = Counter "imsimta_aborted_transactions_total" [CHANNEL] Logs
        "Recipients of transactions that ended abnormally, such as a client gone in mid-message (V entries)."
        query "sum by (channel) (rate(imsimta_aborted_transactions_total[5m]))";
    BAD_COMMANDS = Counter "imsimta_bad_commands_total" [CHANNEL] Logs
        "Bad commands sent to our SMTP server (B entries, at most 10 a session by default)."
        query "sum by (channel) (rate(imsimta_bad_commands_total[5m]))";
    DELAY_WARNINGS = Counter "imsimta_delay_warnings_total" [CHANNEL] Logs
        "Warnings to senders that a message is still in the queue (W entries)."
        query "sum by (channel) (increase(imsimta_delay_warnings_total[1h]))";
    QUEUE_DELAY = Histogram "imsimta_queue_delay_seconds" [CHANNEL] Logs
        "Time in a channel's queue until a recipient was delivered, rejected or dropped."
        needs QueueTime, Filename
        query "histogram_quantile(0.95, sum by (channel, le) (rate(imsimta_queue_delay_seconds_bucket[5m])))";
    END_TO_END_DELAY = Histogram "imsimta_end_to_end_delay_seconds" [DESTINATION] Logs
        "Time from a message's arrival on this host to a recipient's delivery, rejection or drop."
        needs MessageId
        query "histogram_quantile(0.95, sum by (destination_channel, le) (rate(imsimta_end_to_end_delay_seconds_bucket[5m])))";
    CONNECTIONS_OPENED = Counter "imsimta_connections_opened_total" [CHANNEL, DIRECTION] Logs
        "SMTP connections opened (O entries)."
        needs ConnectionEntries
        query "sum by (direction) (rate(imsimta_connections_opened_total[5m]))";
    CONNECTIONS_CLOSED = Counter "imsimta_connections_closed_total" [CHANNEL, DIRECTION] Logs
        "SMTP connections closed (C entries)."
        needs ConnectionEntries
        query "sum by (direction) (rate(imsimta_connections_closed_total[5m]))";
    CONNECTIONS_REJECTED = Counter "imsimta_connections_rejected_total" [CHANNEL, DIRECTION, REASON] Logs
        "SMTP connections that were rejected (X entries); local_4xx and local_5xx: words of a mapping such as PORT_ACCESS, no cause."
        needs ConnectionEntries
        query "sum by (reason) (rate(imsimta_connections_rejected_total[5m]))";
    CONNECTION_REJECTIONS = Counter "imsimta_connection_rejections_total" [CHANNEL, DIRECTION, REJECTION] Logs
        "SMTP connections that were rejected (X entries), by what rejected them."
        needs ConnectionEntries
        query "sum by (reason) (rate(imsimta_connection_rejections_total[5m]))";
    CONNECTIONS_FAILED = Counter "imsimta_connections_failed_total" [CHANNEL, DIRECTION, REASON] Logs
        "SMTP connections that could not be established (Y entries)."
        needs ConnectionEntries
        query "sum by (channel) (rate(imsimta_connections_failed_total[5m]))";
    CONNECTIONS_OPEN = Gauge "imsimta_connections_open" [CHANNEL, DIRECTION] Logs
        "SMTP connections that the log shows opened and not closed yet."
        needs ConnectionEntries
        query "imsimta_connections_open";
    CONNECTIONS_LOST = Counter "imsimta_connections_lost_total" [CHANNEL, DIRECTION] Logs
        "Connections without a C entry: their tuple is another one's, or they are an hour older than MAX_LIFE_TIME, outbound than a day."
        needs ConnectionEntries
        query "sum by (direction) (increase(imsimta_connections_lost_total[1d]))";
    CONNECTION_CLOSINGS = Counter "imsimta_connection_closings_total" [CHANNEL, DIRECTION, CLOSING] Logs
        "How connections ended: C entries by what they say, and those that were lost."
        needs ConnectionEntries
        query "sum by (channel, reason) (rate(imsimta_connection_closings_total{reason!=\"normal\"}[5m]))";
    CONNECTION_DURATION = Histogram "imsimta_connection_duration_seconds" [CHANNEL, DIRECTION] Logs
        "For how long connections were open whose O and C entries were both seen."
        needs ConnectionEntries
        query "histogram_quantile(0.95, sum by (channel, le) (rate(imsimta_connection_duration_seconds_bucket[5m])))";
    CONNECTIONS_TLS = Counter "imsimta_connections_tls_total" [CHANNEL, DIRECTION, CIPHER] Logs
        "Connections that were closed, by how they were encrypted at their end (application information of C entries)."
        needs ConnectionEntries
        query "sum by (channel, cipher) (rate(imsimta_connections_tls_total[1h]))";
    ETRN = Counter "imsimta_etrn_total" [CHANNEL] Logs
        "ETRN commands received (I entries)."
        needs EtrnEntries
        query "rate(imsimta_etrn_total[5m])";
    AUTHENTICATIONS = Counter "imsimta_authentications_total" [CHANNEL, RESULT] Logs
        "SMTP authentications (U entries)."
        needs AuthenticationEntries
        query "sum by (result) (rate(imsimta_authentications_total[5m]))";
    AUTHENTICATION_FAILURES = Counter "imsimta_authentication_failures_total" [CHANNEL, AUTHENTICATION_FAILURE] Logs
        "SMTP authentications that failed, by what the U entry tells of why."
        needs AuthenticationEntries
        query "sum by (channel, reason) (rate(imsimta_authentication_failures_total[5m]))";
    HELD_NOTICES = Counter "imsimta_held_notices_total" [] Logs
        "Notices of held messages in `held.syslog`. HELD_SNDOPR is off by default: 0 proves nothing."
        query "increase(imsimta_held_notices_total[1h]) > 0";
    LOG_LINES = Counter "imsimta_log_lines_total" [LOG] Logs
        "Lines read; records are these less the unparsed and the skipped ones."
        query "rate(imsimta_log_lines_total[5m])";
    LOG_BYTES = Counter "imsimta_log_bytes_total" [LOG] Logs
        "Bytes read."
        query "rate(imsimta_log_bytes_total[5m])";
    LOG_UNPARSED_LINES = Counter "imsimta_log_unparsed_lines_total" [LOG, UNPARSED_REASON] Logs
        "Lines that were not understood."
        query "increase(imsimta_log_unparsed_lines_total[15m]) > 10";
    LOG_SKIPPED_LINES = Counter "imsimta_log_skipped_lines_total" [LOG, SKIPPED_REASON] Logs
        "Lines that hold nothing to count, such as header lines of the channel option logheader."
        query "rate(imsimta_log_skipped_lines_total[5m])";
    LOG_ROTATIONS = Counter "imsimta_log_rotations_total" [LOG] Logs
        "New files that took the place of a log; the return job makes one a night."
        query "increase(imsimta_log_rotations_total[1d])";
    LOG_TRUNCATIONS = Counter "imsimta_log_truncations_total" [LOG] Logs
        "How often a log was cut or written anew in place; lines not read before that are lost."
        query "increase(imsimta_log_truncations_total[1d]) > 0";
    LOG_GAPS = Counter "imsimta_log_gaps_total" [LOG] Logs
        "How often the saved place was gone at a start. All counters from logs begin at 0 then."
        query "increase(imsimta_log_gaps_total[1d]) > 0";
    LOG_GAP_BYTES = Counter "imsimta_log_gap_bytes_total" [LOG] Logs
        "Bytes known to be lost in these gaps; more may be."
        query "increase(imsimta_log_gap_bytes_total[1d]) > 0";
    LOG_LAST_ENTRY = Gauge "imsimta_log_last_entry_timestamp_seconds" [LOG] Logs
        "When the newest entry was written, by its own time stamp."
        query "time() - imsimta_log_last_entry_timestamp_seconds";
    LABEL_CAPPED = Counter "imsimta_exporter_label_capped_total" [TABLE] Logs
        "Events that were counted as `other` or without their key since a table was full."
        query "increase(imsimta_exporter_label_capped_total[1h]) > 0";
    LABEL_REPLACED = Counter "imsimta_exporter_label_replaced_total" [REPLACING_TABLE] Logs
        "Labels that made room for one that came more often, or for a real channel; the newcomer's series began at 0."
        query "increase(imsimta_exporter_label_replaced_total[1h]) > 0";
    OPTION_SEEN = Gauge "imsimta_exporter_option_seen" [OPTION] Logs
        "1 when the log has shown a field or an entry that this option of the MTA adds, 0 when not yet."
        query "imsimta_exporter_option_seen == 0";

    QUEUE_MESSAGES = Gauge "imsimta_queue_messages" [CHANNEL] Queue
        "Message files waiting, held ones left out."
        query "sum by (channel) (imsimta_queue_messages)";
    QUEUE_BYTES = Gauge "imsimta_queue_bytes" [CHANNEL] Queue
        "Sizes of the message files waiting; absent after a start until all of the channel were asked for."
        query "sum by (channel) (imsimta_queue_bytes)";
    QUEUE_OLDEST = Gauge "imsimta_queue_oldest_message_timestamp_seconds" [CHANNEL] Queue
        "When the oldest waiting message file was written; absent when none waits, and where sizes are."
        query "time() - imsimta_queue_oldest_message_timestamp_seconds";
    QUEUE_STUCK = Gauge "imsimta_queue_stuck_messages" [CHANNEL] Queue
        "Message files never tried for longer than `queue.stuck_after`, or the time of their channel; absent where sizes are."
        query "imsimta_queue_stuck_messages > 0";
    QUEUE_ATTEMPTS = Gauge "imsimta_queue_attempt_messages" [CHANNEL, ATTEMPTS] Queue
        "Message files waiting, by delivery attempts made."
        query "sum by (attempt) (imsimta_queue_attempt_messages)";
    QUEUE_HELD = Gauge "imsimta_queue_held_messages" [CHANNEL, HELD_REASON] Queue
        "Held message files (.HELD). Those in the channel hold are status_hold; others are unclassified until looked into."
        query "sum by (channel) (imsimta_queue_held_messages{channel!=\"hold\"}) > 0";
    QUEUE_OTHER_FILES = Gauge "imsimta_queue_other_files" [CHANNEL] Queue
        "Files in queue directories that are no messages, such as copies that were left there."
        query "imsimta_queue_other_files > 0";
    QUEUE_AGES = Gauge "imsimta_queue_age_messages" [CHANNEL, AGE] Queue
        "Message files waiting, by age to less than a second; those of unknown age are in no band. Absent where sizes are."
        query "sum by (channel) (imsimta_queue_age_messages{age=~\"4d-7d|>=7d\"})";
    QUEUE_GROWTH = Gauge "imsimta_queue_growth_messages" [CHANNEL] Queue
        "Message files waiting now less those 15 minutes ago; absent until 15 minutes were seen."
        query "imsimta_queue_growth_messages > 1000";
    QUEUE_BYTES_ESTIMATED = Gauge "imsimta_queue_bytes_estimated" [] Queue
        "1 when there are more files than are remembered: the others count with the mean size and without an age."
        query "imsimta_queue_bytes_estimated == 1";
    QUEUE_CHANNELS = Gauge "imsimta_queue_channels" [] Queue
        "Channels that have a queue directory, whether it can be read or not; absent where nobody could look."
        query "imsimta_queue_channels == 0";
    QUEUE_CHANNELS_LEFT_OUT = Gauge "imsimta_queue_channels_left_out" [] Queue
        "Of these, those that share the channel `other` since there are too many for labels of their own."
        query "imsimta_queue_channels_left_out > 0";
    QUEUE_CHANNEL_SUCCESS = Gauge "imsimta_queue_channel_success" [CHANNEL] Queue
        "1 where the channel's directories could be read, 0 where not: its other series are absent then."
        query "imsimta_queue_channel_success == 0";
    QUEUE_LAST_SCAN = Gauge "imsimta_queue_last_scan_timestamp_seconds" [CHANNEL] Queue
        "When the scan began that last read the whole channel: the channel's values are of then."
        query "time() - imsimta_queue_last_scan_timestamp_seconds > 300";
    QUEUE_SCAN_DIRECTORIES = Gauge "imsimta_queue_scan_directories" [SCAN_RESULT] Queue
        "Directories that the last scan read, and that it skipped since they had not changed."
        query "imsimta_queue_scan_directories";
    QUEUE_SCAN_FILES = Gauge "imsimta_queue_scan_files" [] Queue
        "Files that the last scan listed in the directories that it read."
        query "imsimta_queue_scan_files";
    QUEUE_SCAN_PARTIAL = Gauge "imsimta_queue_scan_partial" [] Queue
        "1 when the last scan ran out of `queue.budget`: some channels have the values of an earlier one."
        query "avg_over_time(imsimta_queue_scan_partial[1h]) > 0.5";
    QUEUE_SCAN_ERRORS = Counter "imsimta_queue_scan_errors_total" [SCAN_ERROR] Queue
        "Channels that could not be read: not permitted, the root not there, too many directories, or another error."
        query "increase(imsimta_queue_scan_errors_total[15m])";

    SMTP_SOCKETS = Gauge "imsimta_smtp_sockets" [PORT, STATE] Sockets
        "TCP sockets of this host on the MTA's ports, by state."
        query "imsimta_smtp_sockets{state=\"syn_recv\"}";
    LISTEN_QUEUE = Gauge "imsimta_smtp_listen_queue" [PORT] Sockets
        "Connections waiting to be accepted; absent when nothing listens on the port."
        query "imsimta_smtp_listen_queue / imsimta_smtp_listen_queue_limit > 0.5";
    LISTEN_QUEUE_LIMIT = Gauge "imsimta_smtp_listen_queue_limit" [PORT] Sockets
        "How many may wait to be accepted."
        query "imsimta_smtp_listen_queue_limit";
    CLIENT_SOCKETS = Gauge "imsimta_client_sockets" [CLIENT, STATE] Sockets
        "TCP sockets on the MTA's ports of the clients with most of them."
        query "topk(5, sum by (client) (imsimta_client_sockets))";
    CLIENT_SOCKETS_MAX = Gauge "imsimta_client_sockets_max" [] Sockets
        "TCP sockets on the MTA's ports of the client with most of them, however clients are labelled."
        query "imsimta_client_sockets_max > 100";
    CLIENT_NETWORK_SOCKETS_MAX = Gauge "imsimta_client_network_sockets_max" [] Sockets
        "TCP sockets on the MTA's ports of the network (/24, /64) with most of them."
        query "imsimta_client_network_sockets_max > 500";
    CLIENT_SOCKETS_LEFT_OUT = Gauge "imsimta_client_sockets_left_out" [] Sockets
        "TCP sockets whose clients were not told apart at the last look, since there were too many addresses."
        query "imsimta_client_sockets_left_out > 0";

    PROCESSES = Gauge "imsimta_processes" [PROCESS] Processes
        "Running processes of the MTA. There has to be one dispatcher and one job_controller."
        query "imsimta_processes{process=~\"dispatcher|job_controller\"} != 1";
    PROCESS_START_TIME = Gauge "imsimta_process_start_time_seconds" [PROCESS] Processes
        "When the oldest of them started; absent when none runs."
        query "time() - imsimta_process_start_time_seconds{process=\"tcp_smtp_server\"}";
    PROCESS_RESTARTS = Counter "imsimta_process_restarts_total" [PROCESS] Processes
        "Processes that started while the exporter watched."
        query "increase(imsimta_process_restarts_total{process=\"dispatcher\"}[15m]) > 3";
    PROCESS_RESIDENT_MEMORY = Gauge "imsimta_process_resident_memory_bytes" [PROCESS] Processes
        "Resident memory of all of them together."
        query "sum by (process) (imsimta_process_resident_memory_bytes)";
    PROCESS_CPU = Counter "imsimta_process_cpu_seconds_total" [PROCESS] Processes
        "CPU time used while the exporter watched."
        query "sum by (process) (rate(imsimta_process_cpu_seconds_total[5m]))";
    PROCESS_OPEN_FDS = Gauge "imsimta_process_open_fds" [PROCESS] Processes
        "Open file descriptors of all of them together; absent where the exporter may not see them."
        query "imsimta_process_open_fds";
    PROCESS_MAX_FDS = Gauge "imsimta_process_max_fds" [PROCESS] Processes
        "How many file descriptors all of them together may open, by their soft limits; absent where one has none."
        query "imsimta_process_open_fds / imsimta_process_max_fds";
    PROCESS_FDS_WORST = Gauge "imsimta_process_fds_worst_ratio" [PROCESS] Processes
        "The share of its own limit of file descriptors that the one has open which is nearest to it; absent where not known."
        query "imsimta_process_fds_worst_ratio > 0.8";
    PROCESS_THREADS = Gauge "imsimta_process_threads" [PROCESS] Processes
        "Threads of all of them together."
        query "sum by (process) (imsimta_process_threads)";
    PROCESS_OVERAGED = Gauge "imsimta_process_overaged" [PROCESS] Processes
        "Servers that run for longer than MAX_LIFE_TIME of the Dispatcher and `overaged_grace`, for its servers alone."
        query "imsimta_process_overaged > 0";

    DAEMON_LOG_EVENTS = Counter "imsimta_daemon_log_events_total" [DAEMON_LOG, EVENT_CLASS] DaemonLogs
        "What daemons of the MTA say of errors in their own logs, by what it is about."
        query "sum by (log, class) (increase(imsimta_daemon_log_events_total[15m])) > 0";
    DAEMON_LOG_RECORDS_CUT = Counter "imsimta_daemon_log_records_cut_total" [] DaemonLogs
        "Records of these logs that were longer than is kept, and lines that were passed over: their ends were not looked at."
        query "increase(imsimta_daemon_log_records_cut_total[1d])";
    DAEMON_LOG_FILES = Gauge "imsimta_daemon_log_files" [DAEMON_LOG] DaemonLogs
        "Files of a daemon in the log directory, one a start; old ones are what `imsimta purge` removes."
        query "imsimta_daemon_log_files > 1000";
    DAEMON_LOG_FILES_FOLLOWED = Gauge "imsimta_daemon_log_files_followed" [DAEMON_LOG] DaemonLogs
        "Those that are followed: the ones that were written or begun last."
        query "imsimta_daemon_log_files_followed";
    DAEMON_LOG_FILES_LEFT_OUT = Gauge "imsimta_daemon_log_files_left_out" [DAEMON_LOG] DaemonLogs
        "Those written within a day that are not followed, since others were written later: what they say counts late or not at all."
        query "imsimta_daemon_log_files_left_out > 0";
    DAEMON_LOG_FILES_UNREADABLE = Gauge "imsimta_daemon_log_files_unreadable" [DAEMON_LOG] DaemonLogs
        "Those that would be followed and may not be read."
        query "imsimta_daemon_log_files_unreadable > 0";
    DAEMON_LOG_NAMES_LEFT_OUT = Gauge "imsimta_daemon_log_names_left_out" [] DaemonLogs
        "Names of such files beyond those that can be remembered: new files among them are not seen."
        query "imsimta_daemon_log_names_left_out > 0";
    FILESYSTEM_AVAIL = Gauge "imsimta_filesystem_avail_bytes" [PATH] Filesystems
        "Space that the MTA can still use on the file system of a directory."
        query "predict_linear(imsimta_filesystem_avail_bytes[6h], 24 * 3600) < 0";
    FILESYSTEM_SIZE = Gauge "imsimta_filesystem_size_bytes" [PATH] Filesystems
        "Size of that file system."
        query "imsimta_filesystem_avail_bytes / imsimta_filesystem_size_bytes < 0.2";
    FILESYSTEM_FILES_FREE = Gauge "imsimta_filesystem_files_free" [PATH] Filesystems
        "Inodes that are still free on that file system; a queue needs one a message."
        query "imsimta_filesystem_files_free < 10000";
    FILESYSTEM_FILES = Gauge "imsimta_filesystem_files" [PATH] Filesystems
        "All inodes of that file system; absent where it makes them as they are needed."
        query "imsimta_filesystem_files_free / imsimta_filesystem_files < 0.05";
    FILESYSTEM_SHARED = Gauge "imsimta_filesystem_shared" [PATH] Filesystems
        "1 where the directory lies on the same file system as one that is named before it (queue, log, tmp, mta_tmp, config); else 0."
        query "imsimta_filesystem_avail_bytes unless imsimta_filesystem_shared == 1";
    LOG_FILE_SIZE = Gauge "imsimta_log_file_size_bytes" [LOG_FILE] Filesystems
        "Size of a log file. The cumulative mail.log grows until somebody deletes it."
        query "deriv(imsimta_log_file_size_bytes{log=\"mail.log\"}[1d])";
    LOG_FILE_GROWTH = Gauge "imsimta_log_file_growth_bytes" [LOG_FILE] Filesystems
        "By how much a cumulative log is larger than a day ago; absent until the exporter has run for a day."
        query "imsimta_filesystem_avail_bytes{path=\"log\"} / on (instance) (imsimta_log_file_growth_bytes{log=\"mail.log\"} > 0) < 14";
    LOG_ROTATED = Gauge "imsimta_log_rotated_timestamp_seconds" [LOG_FILE] Filesystems
        "When the message return job last renamed the log, by the last change of what it is called since."
        query "time() - imsimta_log_rotated_timestamp_seconds{log=\"mail.log_yesterday\"} > 26 * 3600";
    OWNERSHIP_OK = Gauge "imsimta_directory_ownership_ok" [PATH] Filesystems
        "1 when the directory belongs to the user the MTA runs as (`mta.user`), 0 when not; absent until that is known."
        query "imsimta_directory_ownership_ok == 0";
    CRITICAL_FILES_WRONG = Gauge "imsimta_critical_files_wrong" [CRITICAL_PATH, WRONG] Filesystems
        "Critical files with a wrong owner, group or mode; `queue_files` and subdirectories by a sample. Absent where unknown."
        query "imsimta_critical_files_wrong > 0";
    CRITICAL_FILES_LEFT_OUT = Gauge "imsimta_critical_files_left_out" [] Filesystems
        "Wrong queue files that the last look met and the metric above does not count, since there are too many."
        query "imsimta_critical_files_left_out > 0";
    CONFIGURATION_STALE = Gauge "imsimta_configuration_stale" [STALE] Filesystems
        "1 where the configuration is newer than the compiled image, or than the start of what reads it; absent where unclear."
        query "imsimta_configuration_stale == 1";
    MTA_ACTIVE = Gauge "imsimta_mta_active" [] Filesystems
        "0 where logs, queue and processes of the MTA are all absent, as on the passive node of a pair; else 1."
        query "imsimta_mta_active == 0";
}

#[cfg(test)]
mod tests {
    use super::{Kind, METRICS};

    #[test]
    fn names_follow_the_rules_of_prometheus() {
        for metric in METRICS {
            let name = metric.name;
            assert!(name.starts_with("imsimta_") || name.starts_with("process_"), "{name}");
            assert_eq!(name.ends_with("_total"), metric.kind == Kind::Counter, "{name}: _total iff counter");
            assert_eq!(
                name.ends_with("_seconds") && !name.ends_with("timestamp_seconds"),
                metric.kind == Kind::Histogram
                    || matches!(
                        name,
                        "imsimta_log_lag_seconds"
                            | "imsimta_log_clock_offset_seconds"
                            | "imsimta_collector_duration_seconds"
                            | "imsimta_command_duration_seconds"
                            | "imsimta_probe_connect_seconds"
                            | "imsimta_probe_banner_seconds"
                            | "imsimta_exporter_state_save_duration_seconds"
                            | "imsimta_exporter_history_save_duration_seconds"
                            | "imsimta_exporter_baseline_save_duration_seconds"
                            | "process_start_time_seconds"
                            | "imsimta_process_start_time_seconds"
                            | "imsimta_service_max_life_time_seconds"
                    ),
                "{name}: seconds"
            );
            assert!(metric.help.ends_with('.') && metric.help.len() < 130, "{name}: HELP");
            assert!(metric.query.contains(name), "{name}: its example query must use it");
        }
    }

    #[test]
    fn names_are_unique_and_labels_bounded() {
        let mut names: Vec<_> = METRICS.iter().map(|metric| metric.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        for label in METRICS.iter().flat_map(|metric| metric.labels) {
            assert!(!(label.bound)().is_empty() && !["le", "job", "instance", "type"].contains(&label.name));
        }
    }
}
