//! What is usual, as it was learned.

use crate::metrics::family::{Counter, Family, Feed, Gauge, Kind, Label, Metric};
#[allow(clippy::wildcard_imports)]
use crate::metrics::labels::*;

catalogue! { behind super::ROWS.len() + super::asked::ROWS.len() + super::exporter::ROWS.len() + super::clients::ROWS.len() + super::sockets::ROWS.len();
    QUEUE_MESSAGES_EXPECTED = Gauge "imsimta_queue_messages_expected" [CHANNEL] Queue
        "Message files that mostly wait in this hour of the week; absent until it was learned in two weeks, and on holidays."
        query "imsimta_queue_messages / imsimta_queue_messages_expected";
    QUEUE_MESSAGES_UPPER = Gauge "imsimta_queue_messages_upper" [CHANNEL] Queue
        "More message files waiting than this are unusual in this hour of the week."
        query "imsimta_queue_messages > imsimta_queue_messages_upper";
    DELIVERY_FAILURES_EXPECTED = Gauge "imsimta_delivery_failures_expected" [CHANNEL] Logs
        "Recipients that are mostly not delivered in 5 minutes of this hour of the week; absent as for the queue."
        query "sum by (channel) (imsimta_delivery_failures_expected) / 300";
    DELIVERY_FAILURES_UPPER = Gauge "imsimta_delivery_failures_upper" [CHANNEL] Logs
        "More recipients not delivered in 5 minutes than this are unusual in this hour of the week."
        query "sum without (outcome, reason) (increase(imsimta_delivery_failures_total[5m])) > imsimta_delivery_failures_upper";
    ENQUEUED_RECIPIENTS_EXPECTED = Gauge "imsimta_enqueued_recipients_expected" [SOURCE] Logs
        "Recipients that mostly come in 5 minutes of this hour of the week; absent as for the queue."
        query "sum(imsimta_enqueued_recipients_expected) / 300";
    ENQUEUED_RECIPIENTS_UPPER = Gauge "imsimta_enqueued_recipients_upper" [SOURCE] Logs
        "More recipients in 5 minutes than this are unusual in this hour of the week."
        query "sum without (destination_channel) (increase(imsimta_enqueued_recipients_total[5m])) > imsimta_enqueued_recipients_upper";
    CONNECTIONS_OPENED_EXPECTED = Gauge "imsimta_connections_opened_expected" [CHANNEL] Logs
        "Inbound connections that are mostly opened in 5 minutes of this hour of the week; absent as for the queue."
        needs ConnectionEntries
        query "sum(imsimta_connections_opened_expected) / 300";
    CONNECTIONS_OPENED_UPPER = Gauge "imsimta_connections_opened_upper" [CHANNEL] Logs
        "More inbound connections in 5 minutes than this are unusual in this hour of the week."
        needs ConnectionEntries
        query "sum without (direction) (increase(imsimta_connections_opened_total{direction=\"in\"}[5m])) > imsimta_connections_opened_upper";
    BASELINE_LEARNED = Gauge "imsimta_baseline_learned_ratio" [] Exporter
        "How much of the week was learned twice; from 1 on, after two weeks, all hours have something to be compared with."
        query "imsimta_baseline_learned_ratio < 1";
    BASELINE_LEFT_OUT = Counter "imsimta_exporter_baseline_left_out_total" [] Exporter
        "Five minutes of a channel that were not learned since there are too many channels."
        query "increase(imsimta_exporter_baseline_left_out_total[1h]) > 0";
    BASELINE_SAVED = Gauge "imsimta_exporter_baseline_last_save_timestamp_seconds" [] Exporter
        "When what is usual was last written, every 5 minutes and at the end; absent before."
        query "time() - imsimta_exporter_baseline_last_save_timestamp_seconds > 900";
    BASELINE_SIZE = Gauge "imsimta_exporter_baseline_size_bytes" [] Exporter
        "Size of the file of what is usual when it was last written."
        query "imsimta_exporter_baseline_size_bytes";
    BASELINE_SAVE_DURATION = Gauge "imsimta_exporter_baseline_save_duration_seconds" [] Exporter
        "How long writing it last took."
        query "imsimta_exporter_baseline_save_duration_seconds";
    BASELINE_SAVE_FAILURES = Counter "imsimta_exporter_baseline_save_failures_total" [] Exporter
        "How often it could not be written."
        query "increase(imsimta_exporter_baseline_save_failures_total[15m]) > 0";
    BASELINE_SET_ASIDE = Counter "imsimta_exporter_baseline_set_aside_total" [] Exporter
        "Files of what is usual that were not understood, or were somebody else's, and were set aside."
        query "imsimta_exporter_baseline_set_aside_total > 0";
}
