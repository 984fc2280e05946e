//! What is asked where it is switched on.

use crate::metrics::family::{Counter, Family, Feed, Gauge, Kind, Label, Metric};
#[allow(clippy::wildcard_imports)]
use crate::metrics::labels::*;

catalogue! { behind super::ROWS.len();
    PROBE_SUCCESS = Gauge "imsimta_probe_success" [PROBED_PORT] Probe
        "1 when the port gave a banner (220) in time at the last look, 0 when not."
        query "imsimta_probe_success == 0";
    PROBE_FAILURE = Gauge "imsimta_probe_failure" [PROBED_PORT, PROBE_REASON] Probe
        "1 for what went wrong at the last look at the port."
        query "imsimta_probe_failure == 1";
    PROBE_FAILED_LOOKS = Gauge "imsimta_probe_failed_looks" [PROBED_PORT] Probe
        "Looks at the port in a row, up to the last one, that got no banner; 0 after one that did."
        query "imsimta_probe_failed_looks >= 2";
    PROBE_CONNECT = Gauge "imsimta_probe_connect_seconds" [PROBED_PORT] Probe
        "How long it took to connect to the port; absent where that failed."
        query "imsimta_probe_connect_seconds";
    PROBE_BANNER = Gauge "imsimta_probe_banner_seconds" [PROBED_PORT] Probe
        "How long the banner took once connected, TLS included; seconds are a sign of look-ups of clients' names."
        query "imsimta_probe_banner_seconds > 5";
    CHANNEL_STOPPED = Gauge "imsimta_channel_stopped" [COMMAND_CHANNEL] Commands
        "1 where `imsimta qm stop` stopped the channel: nothing is delivered from it until `imsimta qm start`."
        query "imsimta_channel_stopped == 1";
    CHANNEL_JOBS = Gauge "imsimta_channel_jobs" [COMMAND_CHANNEL, JOB_STATE] Commands
        "Delivery jobs of the channel that the Job Controller has."
        query "sum by (channel) (imsimta_channel_jobs{state=\"active\"})";
    CHANNEL_PROCESSED = Gauge "imsimta_channel_processed_messages" [COMMAND_CHANNEL] Commands
        "Messages that the channel's present jobs have dequeued; less again when a job ends."
        query "imsimta_channel_processed_messages";
    CHANNEL_REQUEUED = Gauge "imsimta_channel_requeued_messages" [COMMAND_CHANNEL] Commands
        "Messages that the channel's present jobs put back for another attempt; less again when a job ends."
        query "imsimta_channel_requeued_messages / imsimta_channel_processed_messages > 1";
    CHANNEL_DELIVERED = Gauge "imsimta_channel_delivered_messages" [COMMAND_CHANNEL] Commands
        "Messages that the channel dequeued since the MTA's counters were made; the MTA may lose updates of them."
        query "delta(imsimta_channel_delivered_messages[15m])";
    COMMAND_SUCCESS = Gauge "imsimta_command_success" [COMMAND] Commands
        "1 when the command's last run told something, 0 when not: its series are absent then."
        query "imsimta_command_success == 0";
    COMMAND_DURATION = Gauge "imsimta_command_duration_seconds" [COMMAND] Commands
        "How long the command's last run took."
        query "imsimta_command_duration_seconds";
    COMMAND_FAILURES = Counter "imsimta_command_failures_total" [COMMAND, COMMAND_REASON] Commands
        "Runs of a command that told nothing."
        query "sum by (command, reason) (increase(imsimta_command_failures_total[1h]))";
    COMMAND_UNKNOWN_ROWS = Gauge "imsimta_command_unknown_rows" [COMMAND] Commands
        "Rows of the command's last run that were not understood."
        query "imsimta_command_unknown_rows > 0";
    COMMAND_CHANNELS_LEFT_OUT = Gauge "imsimta_command_channels_left_out" [COMMAND] Commands
        "Rows of the command's last run about channels beyond those that have labels."
        query "imsimta_command_channels_left_out > 0";
}
