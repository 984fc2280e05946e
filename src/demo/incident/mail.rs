//! Mail that goes badly: slowly, in part, or where there is little of it.

use super::{Becomes, Incident, Sign, Trouble};

/// The rows.
pub(super) const INCIDENTS: &[Incident] = &[
    Incident {
        trouble: Trouble::SlowDns,
        name: "slow-dns",
        what: "the DNS does not always answer: one delivery in four by tcp_local is deferred",
        watch: &[Sign {
            metric: "imsimta_delivery_failures_total",
            labels: &[("channel", "tcp_local"), ("outcome", "deferred"), ("reason", "dns_temporary")],
            becomes: Becomes::Least(20.0),
        }],
        alerts: &[],
    },
    Incident {
        trouble: Trouble::BigDestination,
        name: "big-destination",
        what: "the largest destination does not answer while a newsletter goes there: most attempts fail, and all others \
               get through",
        watch: &[Sign {
            metric: "imsimta_destination_failures_total",
            labels: &[("domain", "bigmail.example"), ("outcome", "deferred")],
            becomes: Becomes::Least(60.0),
        }],
        alerts: &[("ImsMtaDestinationDead", 130)],
    },
    Incident {
        trouble: Trouble::Greylisting,
        name: "greylisting",
        what: "every sixth domain takes no message at the first attempt, and all at the second",
        watch: &[Sign {
            metric: "imsimta_delivery_failures_total",
            labels: &[("channel", "tcp_local"), ("outcome", "deferred"), ("reason", "greylisted")],
            becomes: Becomes::Least(20.0),
        }],
        alerts: &[],
    },
    Incident {
        trouble: Trouble::SmallSite,
        name: "small-site",
        what: "the DNS answers nothing, on a host that makes some five attempts a minute, whatever --rate says",
        watch: &[Sign {
            metric: "imsimta_delivery_failures_total",
            labels: &[("channel", "tcp_local"), ("outcome", "deferred"), ("reason", "dns_temporary")],
            becomes: Becomes::Least(3.0),
        }],
        alerts: &[],
    },
    Incident {
        trouble: Trouble::MailboxLocks,
        name: "mailbox-locks",
        what: "mailboxes are locked: one delivery in four to the store is deferred",
        watch: &[Sign {
            metric: "imsimta_delivery_failures_total",
            labels: &[("channel", "ims-ms"), ("outcome", "deferred"), ("reason", "mailbox_busy")],
            becomes: Becomes::Least(20.0),
        }],
        alerts: &[],
    },
    Incident {
        trouble: Trouble::ChannelStuck,
        name: "channel-stuck",
        what: "the program of ims-ms hangs: its messages wait, and nobody has stopped the channel",
        watch: &[Sign {
            metric: "imsimta_queue_messages",
            labels: &[("channel", "ims-ms")],
            becomes: Becomes::Least(15.0),
        }],
        alerts: &[("ImsMtaQueueStuck", 1050)],
    },
    Incident {
        trouble: Trouble::BounceStorm,
        name: "bounce-storm",
        what: "somebody sends to a list of addresses that nobody has any more, and each message comes back",
        watch: &[Sign {
            metric: "imsimta_delivery_failures_total",
            labels: &[("channel", "tcp_local"), ("outcome", "rejected"), ("reason", "user_unknown")],
            becomes: Becomes::Least(20.0),
        }],
        alerts: &[],
    },
];
