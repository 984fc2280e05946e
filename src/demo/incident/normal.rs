//! What happens at any site, and is no fault: nothing pages.

use super::{Becomes, Incident, Sign, Trouble};

/// The rows.
pub(super) const INCIDENTS: &[Incident] = &[
    Incident {
        trouble: Trouble::NightlyBulk,
        name: "nightly-bulk",
        what: "a large mailing of ours goes out to everybody",
        watch: &[Sign {
            metric: "imsimta_enqueued_recipients_total",
            labels: &[("source_channel", "tcp_intranet"), ("destination_channel", "tcp_local")],
            becomes: Becomes::Rises(12.0),
        }],
        alerts: &[],
    },
    Incident {
        trouble: Trouble::QuietSunday,
        name: "quiet-sunday",
        what: "hardly anybody sends",
        watch: &[Sign {
            metric: "imsimta_enqueued_recipients_total",
            labels: &[],
            becomes: Becomes::Slows(1.5),
        }],
        alerts: &[],
    },
    Incident {
        trouble: Trouble::Midnight,
        name: "midnight",
        what: "the return job runs: the logs are turned over, and messages that are too old go back to who sent them",
        watch: &[
            Sign {
                metric: "imsimta_log_rotations_total",
                labels: &[("log", "mail.log_current")],
                becomes: Becomes::Least(1.0),
            },
            Sign {
                metric: "imsimta_delivery_failures_total",
                labels: &[("channel", "tcp_local"), ("outcome", "rejected"), ("reason", "expired")],
                becomes: Becomes::Least(50.0),
            },
        ],
        alerts: &[],
    },
];
