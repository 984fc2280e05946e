//! How following the logs goes, and the exporter itself.

use crate::metrics::family::{Counter, Family, Feed, Gauge, Kind, Label, Metric};
#[allow(clippy::wildcard_imports)]
use crate::metrics::labels::*;

catalogue! { behind super::ROWS.len() + super::asked::ROWS.len();
    LOG_LAG_BYTES = Gauge "imsimta_log_lag_bytes" [LOG] Following
        "Bytes of the log that are not counted yet, also of files that cannot be read; absent where their size is not known."
        query "imsimta_log_lag_bytes > 1e7";
    LOG_LAG_SECONDS = Gauge "imsimta_log_lag_seconds" [LOG] Following
        "How long ago everything in the log had been counted; 0 when it is now."
        query "imsimta_log_lag_seconds > 60";
    LOG_LAST_READ = Gauge "imsimta_log_last_read_timestamp_seconds" [LOG] Following
        "When lines were last read."
        query "time() - imsimta_log_last_read_timestamp_seconds > 1800";

    LOG_PARTIAL_LINE = Gauge "imsimta_log_partial_line_timestamp_seconds" [LOG] Following
        "Since when an incomplete last line has been waiting for its end; absent when there is none."
        query "time() - imsimta_log_partial_line_timestamp_seconds > 60";

    LOG_CLOCK_OFFSET = Gauge "imsimta_log_clock_offset_seconds" [LOG] Following
        "Time of the newest entries less the time of reading, of lines just written: far from 0 with a wrong time zone."
        query "abs(imsimta_log_clock_offset_seconds) > 600";
    TIMEZONE_KNOWN = Gauge "imsimta_timezone_known" [] Following
        "1 when the configuration or the host tells the time zone of the logs, 0 when they are read as UTC for want of it."
        query "imsimta_timezone_known == 0";

    COLLECTOR_SUCCESS = Gauge "imsimta_collector_success" [COLLECTOR] Exporter
        "1 when the collector's last run read everything, 0 when not: its series may be absent then."
        query "imsimta_collector_success == 0";
    COLLECTOR_DURATION = Gauge "imsimta_collector_duration_seconds" [COLLECTOR] Exporter
        "How long the collector's last run took."
        query "imsimta_collector_duration_seconds";
    COLLECTOR_LAST_SUCCESS = Gauge "imsimta_collector_last_success_timestamp_seconds" [COLLECTOR] Exporter
        "When the collector last read everything; absent before."
        query "time() - imsimta_collector_last_success_timestamp_seconds > 300";
    ALERT_STATE = Gauge "imsimta_alert_state" [ALERTNAME, SEVERITY, CHANNEL] Exporter
        "The exporter's own alerts: 0 not there, 1 pending, 2 firing; absent while nobody can look. `docs/alerts.md` says more."
        query "imsimta_alert_state == 2";
    ALERTS_LEFT_OUT = Gauge "imsimta_alerts_left_out" [] Exporter
        "Alerts of the exporter's own that would be pending or fire now, and for which there is no room."
        query "imsimta_alerts_left_out > 0";
    ALERTS_SILENCED = Gauge "imsimta_alerts_silenced" [] Exporter
        "Alerts of the exporter's own that fire and of which nobody is told, since `silenced` of `[alerting]` names them."
        query "imsimta_alerts_silenced > 0";
    BUILD_INFO = Gauge "imsimta_exporter_build_info" [VERSION] Exporter
        "Always 1; the label says which release runs."
        query "count by (version) (imsimta_exporter_build_info)";
    READY = Gauge "imsimta_exporter_ready" [] Exporter
        "1 when the logs have been caught up with and every source was read, 0 before; `/-/ready` names what is missing."
        query "imsimta_exporter_ready == 0";
    STATE_SAVED = Gauge "imsimta_exporter_state_last_save_timestamp_seconds" [] Exporter
        "When the state was last written; absent before."
        query "time() - imsimta_exporter_state_last_save_timestamp_seconds > 300";
    STATE_SIZE = Gauge "imsimta_exporter_state_size_bytes" [] Exporter
        "Size of the state when it was last written."
        query "imsimta_exporter_state_size_bytes";
    STATE_SAVE_DURATION = Gauge "imsimta_exporter_state_save_duration_seconds" [] Exporter
        "How long writing the state last took."
        query "imsimta_exporter_state_save_duration_seconds";
    STATE_SAVE_FAILURES = Counter "imsimta_exporter_state_save_failures_total" [] Exporter
        "How often the state could not be written."
        query "increase(imsimta_exporter_state_save_failures_total[10m]) > 0";
    STATE_SET_ASIDE = Counter "imsimta_exporter_state_set_aside_total" [] Exporter
        "State files that were not understood at the start and were set aside: 0 or 1."
        query "imsimta_exporter_state_set_aside_total > 0";
    HISTORY_SAVED = Gauge "imsimta_exporter_history_last_save_timestamp_seconds" [] Exporter
        "When the history of the last day was last written, every 5 minutes and at the end; absent before."
        query "time() - imsimta_exporter_history_last_save_timestamp_seconds > 900";
    HISTORY_SIZE = Gauge "imsimta_exporter_history_size_bytes" [] Exporter
        "Size of the file of the history when it was last written."
        query "imsimta_exporter_history_size_bytes";
    HISTORY_SAVE_DURATION = Gauge "imsimta_exporter_history_save_duration_seconds" [] Exporter
        "How long writing the history last took."
        query "imsimta_exporter_history_save_duration_seconds";
    HISTORY_SAVE_FAILURES = Counter "imsimta_exporter_history_save_failures_total" [] Exporter
        "How often the history could not be written."
        query "increase(imsimta_exporter_history_save_failures_total[15m]) > 0";
    HISTORY_SET_ASIDE = Counter "imsimta_exporter_history_set_aside_total" [] Exporter
        "Files of a history that were not understood, or were somebody else's, and were set aside."
        query "imsimta_exporter_history_set_aside_total > 0";
    HISTORY_LEFT_OUT = Counter "imsimta_exporter_history_left_out_total" [] Exporter
        "Blocks of a log, and looks into the queue, of a channel for which the history has no room."
        query "increase(imsimta_exporter_history_left_out_total[1h]) > 0";
    WAKEUPS = Counter "imsimta_exporter_wakeups_total" [WAKEUP] Exporter
        "Why the logs were looked at: an event while they are quiet, a tick under load, a poll when there was neither."
        query "sum by (cause) (rate(imsimta_exporter_wakeups_total[5m]))";
    LEFT_BEHIND = Counter "imsimta_exporter_threads_left_behind_total" [] Exporter
        "Threads of collectors that hung when the configuration was exchanged: another does their work, and they end when they can."
        query "increase(imsimta_exporter_threads_left_behind_total[1h]) > 0";
    WATCHER_RESTARTS = Counter "imsimta_exporter_watcher_restarts_total" [RESTART] Exporter
        "File watchers that were of no use and were made anew. Until events come again, lines are counted up to `logs.poll` late."
        query "sum by (cause) (increase(imsimta_exporter_watcher_restarts_total[1h])) > 10";
    HTTP_CONNECTIONS = Gauge "imsimta_exporter_http_connections" [] Exporter
        "Connections to the exporter's own pages."
        query "imsimta_exporter_http_connections > 60";
    HTTP_CUT = Counter "imsimta_exporter_http_cut_total" [CUT] Exporter
        "Connections closed before their clients were done, or turned away: too slow, too many, without TLS, with a wrong password."
        query "sum by (cause) (increase(imsimta_exporter_http_cut_total[1h])) > 0";
    WEB_CONFIG_SUCCESSFUL = Gauge "imsimta_exporter_web_config_last_reload_successful" [] Exporter
        "Whether `http.web_config` and its certificates hold as they stand there; 0 while they are broken, and earlier ones hold."
        query "imsimta_exporter_web_config_last_reload_successful == 0";
    WEB_CONFIG_TIME = Gauge "imsimta_exporter_web_config_last_reload_success_timestamp_seconds" [] Exporter
        "When what holds of `http.web_config`, its certificates and keys was read."
        query "time() - imsimta_exporter_web_config_last_reload_success_timestamp_seconds";
    HTTP_ACCEPT_FAILURES = Counter "imsimta_exporter_http_accept_failures_total" [] Exporter
        "Connections that could not be accepted, such as for want of file descriptors."
        query "increase(imsimta_exporter_http_accept_failures_total[10m]) > 0";
    NOTIFICATIONS_SENT = Counter "imsimta_notifications_sent_total" [RECEIVER, SAID] Exporter
        "Alerts that this program told, and the receiver took."
        query "sum by (receiver) (increase(imsimta_notifications_sent_total[1h]))";
    NOTIFICATIONS_FAILED = Counter "imsimta_notifications_failed_total" [RECEIVER, NOTIFICATION_FAILURE] Exporter
        "Times that a receiver of alerts could not be asked or told; it is tried again."
        query "sum by (receiver, reason) (increase(imsimta_notifications_failed_total[10m])) > 3";
    NOTIFICATIONS_DROPPED = Counter "imsimta_notifications_dropped_total" [RECEIVER] Exporter
        "Alerts that a receiver was not told since there were too many at once."
        query "increase(imsimta_notifications_dropped_total[1h]) > 0";
    NOTIFICATIONS_DELAYED = Counter "imsimta_notifications_delayed_total" [RECEIVER] Exporter
        "Notifications that the rate limit of a receiver put off; what is so then is told later."
        query "increase(imsimta_notifications_delayed_total[1h]) > 0";
    NOTIFICATION_LAST_SUCCESS = Gauge "imsimta_notification_last_success_timestamp_seconds" [RECEIVER] Exporter
        "When a receiver of alerts was last reached; absent before."
        query "time() - imsimta_notification_last_success_timestamp_seconds > 300";
    SPOKEN_BY_ANOTHER = Gauge "imsimta_alerts_spoken_by_another" [RECEIVER] Exporter
        "Alerts of which another speaks at the receiver, such as Prometheus; absent while it cannot be asked."
        query "imsimta_alerts_spoken_by_another";
    OWN_CPU = Counter "process_cpu_seconds_total" [] Exporter
        "CPU time used by the exporter."
        query "rate(process_cpu_seconds_total{job=\"imsimta\"}[5m])";
    OWN_OPEN_FDS = Gauge "process_open_fds" [] Exporter
        "Open file descriptors of the exporter."
        query "process_open_fds{job=\"imsimta\"}";
    OWN_MAX_FDS = Gauge "process_max_fds" [] Exporter
        "How many file descriptors the exporter may open."
        query "process_open_fds{job=\"imsimta\"} / process_max_fds > 0.8";
    OWN_VIRTUAL_MEMORY = Gauge "process_virtual_memory_bytes" [] Exporter
        "Virtual memory of the exporter."
        query "process_virtual_memory_bytes{job=\"imsimta\"}";
    OWN_RESIDENT_MEMORY = Gauge "process_resident_memory_bytes" [] Exporter
        "Resident memory of the exporter."
        query "process_resident_memory_bytes{job=\"imsimta\"}";
    OWN_START_TIME = Gauge "process_start_time_seconds" [] Exporter
        "When the exporter started."
        query "changes(process_start_time_seconds{job=\"imsimta\"}[1h]) > 3";
    OWN_THREADS = Gauge "process_threads" [] Exporter
        "Threads of the exporter."
        query "process_threads{job=\"imsimta\"}";
}
