//! What the MTA no longer shows to those who watch it.

use super::{Becomes, Incident, Sign, Trouble};

/// The rows.
pub(super) const INCIDENTS: &[Incident] = &[
    Incident {
        trouble: Trouble::RotationMissed,
        name: "rotation-missed",
        what: "the return job has turned the logs over for the last time, whatever --rollover-every says",
        watch: &[Sign {
            metric: "imsimta_log_rotated_timestamp_seconds",
            labels: &[("log", "mail.log_yesterday")],
            becomes: Becomes::Least(1.0),
        }],
        alerts: &[],
    },
    Incident {
        trouble: Trouble::LoggingOff,
        name: "logging-off",
        what: "somebody has taken `logging` from the channels: mail goes on, and no entry tells of it",
        watch: &[Sign {
            metric: "imsimta_log_lines_total",
            labels: &[("log", "mail.log_current")],
            becomes: Becomes::Slows(0.1),
        }],
        alerts: &[],
    },
    Incident {
        trouble: Trouble::QueueLost,
        name: "queue-lost",
        what: "the file system of the queue is gone, and the directory that it was mounted on is empty",
        watch: &[Sign { metric: "imsimta_queue_channels", labels: &[], becomes: Becomes::Equal(0.0) }],
        alerts: &[("ImsMtaQueueEmpty", 440)],
    },
];
