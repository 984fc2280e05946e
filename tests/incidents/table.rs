//! THE table of incidents: what must come of each, by when, and with which words first; and what may follow.

use std::time::Duration;

use imsimta_exporter::findings::rules::RULES;

use super::SCALE;

/// One incident.
pub struct Row {
    /// What it is called here.
    pub name: &'static str,
    /// Who makes it.
    pub by: By,
    /// What durations are divided by.
    pub scale: u32,
    /// Messages a second.
    pub rate: &'static str,
    /// What else the demo is told.
    pub with: &'static [&'static str],
    /// Seconds at shipped intervals for which all is well before it begins, beyond what all rows have.
    pub calm: u32,
    /// When it is over, if before all that must come is there.
    pub over_after: Option<&'static str>,
    /// Pages and tickets that must come; the first of them before all others.
    pub must: &'static [Must],
    /// Tickets that may follow from it.
    pub may: &'static [&'static str],
    /// Words that name the cause, one of which the text of the first has.
    pub cause: &'static [&'static str],
    /// Whether it fills the disk, which is that of all demos.
    pub fills_disk: bool,
    /// Whether its pages stay for long, since what it has left behind does.
    pub leaves_traces: bool,
    /// Whether it is in the short form.
    pub is_short: bool,
}

/// Who makes an incident.
#[derive(Clone, Copy)]
pub enum By {
    /// The demo, by that name.
    Demo(&'static str),
    /// The demo and its exporter are killed.
    Killing,
}

/// An alert that must come.
pub struct Must {
    pub kind: Kind,
    pub alert: &'static str,
    /// Empty where it has none, [`ANY`] where several fail together: they are one page.
    pub channel: &'static str,
    /// Seconds at shipped intervals after which it has to be there.
    pub within: u32,
}

/// Where an alert goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Page,
    Ticket,
}

/// Whichever channels fail.
const ANY: &str = "*";

impl Must {
    /// Whether an alert about a channel is this one.
    pub fn is(&self, alert: &str, channel: &str) -> bool {
        self.alert == alert && [channel, ANY].contains(&self.channel)
    }
}

impl Kind {
    /// The name of the receiver.
    pub fn receiver(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

/// Long enough to see the state before the incident and to fill the windows of the rules.
const CALM: Duration = Duration::from_secs(25);
/// The same at shipped intervals.
const SHIPPED_CALM: Duration = Duration::from_secs(50);
/// Before so long nothing is known of what is usual: `traffic_window`, and the interval at which that is looked at.
const KNOWN: u32 = 900 + 120;
/// The same of clients, at a tenth: `usual_lately_known` as [`super::site`] sets it.
const CLIENTS_KNOWN: u32 = 3600 + 120;
/// What the exporter waits for is not divided: its looks at the host, and the log.
const LOOKS: Duration = Duration::from_secs(12);
/// What the exporter judges alone it judges by minutes that are not divided.
const OWN_WINDOW: Duration = Duration::from_mins(5);
/// What must not come is waited for so long at shipped intervals.
const SILENCE: u32 = 900;

impl Row {
    /// The row of that name.
    pub fn named(name: &str) -> &'static Self {
        INCIDENTS.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no incident {name}"))
    }

    /// Whether the exporter has an alert of its own for all that must come.
    pub fn is_found_by_the_exporter(&self) -> bool {
        let finds = |must: &Must| RULES.iter().any(|rule| rule.alert == Some(must.alert));
        matches!(self.by, By::Demo(_)) && self.must.iter().all(finds)
    }

    /// How long all is well before it begins.
    pub fn calm(&self) -> Duration {
        let calm = if self.scale == 1 { SHIPPED_CALM } else { CALM };
        calm + Duration::from_secs(self.calm.into()) / self.scale
    }

    /// How long after the begin an alert has to be there.
    pub fn within(&self, must: &Must) -> Duration {
        let shipped = Duration::from_secs(must.within.into());
        let divided = if self.scale == 1 { shipped } else { shipped / self.scale + LOOKS };
        if super::is_alone() { divided + OWN_WINDOW } else { divided }
    }

    /// How long the incident lasts.
    pub fn lasts(&self) -> Duration {
        let last = self.must.iter().map(|must| self.within(must)).max();
        let silence = Duration::from_secs(SILENCE.into()) / if super::is_short() { 3 * SCALE } else { SCALE };
        last.unwrap_or(silence) + Duration::from_secs(10)
    }
}

const fn page(alert: &'static str, channel: &'static str, within: u32) -> Must {
    Must { kind: Kind::Page, alert, channel, within }
}

const fn ticket(alert: &'static str, channel: &'static str, within: u32) -> Must {
    Must { kind: Kind::Ticket, alert, channel, within }
}

/// What all rows have unless they say otherwise.
const USUAL: Row = Row {
    name: "",
    by: By::Killing,
    scale: SCALE,
    rate: "12",
    with: &[],
    calm: 0,
    over_after: None,
    must: &[],
    may: &[],
    cause: &[],
    fills_disk: false,
    leaves_traces: false,
    is_short: false,
};

const fn row(name: &'static str, must: &'static [Must], cause: &'static [&'static str]) -> Row {
    Row { name, by: By::Demo(name), must, cause, ..USUAL }
}

const SPIKE: &str = "ImsMtaDeliveryFailureSpike";
const STUCK: &str = "ImsMtaQueueStuck";
const GROWING: &str = "ImsMtaQueueGrowing";
const STORE_OLD: &str = "ImsMtaQueueStoreOld";
const INTERNAL_OLD: &str = "ImsMtaQueueInternalOld";
const DESTINATION: &str = "ImsMtaDestinationDead";
const ELEVATED: &str = "ImsMtaDeliveryFailuresElevated";

/// Every incident.
pub const INCIDENTS: &[Row] = &[
    // Deliveries.
    Row {
        may: &[GROWING],
        is_short: true,
        ..row("dead-dns", &[page(SPIKE, "tcp_local", 60)], &["dns_temporary"])
    },
    Row {
        may: &[GROWING, STORE_OLD, INTERNAL_OLD],
        is_short: true,
        ..row("dead-store", &[page(SPIKE, "ims-ms", 60)], &["mailbox_busy"])
    },
    // More attempts in each window, so that chance alone does not make most of them fail.
    Row {
        scale: 4,
        rate: "15",
        ..row("slow-dns", &[ticket(ELEVATED, "tcp_local", 1800)], &["dns_temporary"])
    },
    Row {
        scale: 4,
        rate: "15",
        ..row("mailbox-locks", &[ticket(ELEVATED, "ims-ms", 1800)], &["mailbox_busy"])
    },
    // The exporter judges the worst domain by 5 minutes, which are not divided.
    Row { scale: 1, ..row("dead-destination", &[ticket(DESTINATION, "tcp_local", 300)], &["acme.example"]) },
    Row {
        scale: 1,
        ..row("big-destination", &[ticket(DESTINATION, "tcp_local", 300)], &["bigmail.example"])
    },
    Row {
        calm: KNOWN,
        may: &["ImsMtaEnqueueSurge", "ImsMtaSenderSurge"],
        ..row("bounce-storm", &[ticket("ImsMtaBounceSurge", "tcp_local", 1800)], &["returned", "bounce"])
    },
    // The queue.
    // Ages of messages are not divided, so that this page comes here, and as shipped that of ImsMtaNoDeliveries.
    row("channel-stuck", &[page(STUCK, "ims-ms", 1200)], &["ims-ms"]),
    // The page says that the channel was stopped: no ticket beside it.
    row("channel-stopped", &[page(STUCK, "tcp_local", 1200)], &["stopped"]),
    row("queue-lost", &[page("ImsMtaQueueEmpty", "", 540)], &["queue directory"]),
    // Processes.
    Row {
        is_short: true,
        ..row(
            "job-controller-dead",
            &[page("ImsMtaJobControllerDown", "", 180)],
            &["Job Controller", "job_controller"],
        )
    },
    Row {
        is_short: true,
        ..row("dispatcher-dead", &[page("ImsMtaDispatcherDown", "", 180)], &["Dispatcher", "dispatcher"])
    },
    row("fork-failed", &[ticket("ImsMtaDaemonErrors", "", 400), page(STUCK, ANY, 1200)], &["fork_failed"]),
    // Who connects.
    // Where few connect otherwise: the demo's flood is not three times what a busy one has.
    Row {
        calm: CLIENTS_KNOWN,
        rate: "5",
        ..row("inbound-flood", &[page("ImsMtaConnectionFlood", "", 600)], &["connections"])
    },
    // The same, and later than as shipped, since the exporter's five minutes are not divided: they fill while the rate
    // of all connections is that of half a minute.
    Row {
        calm: CLIENTS_KNOWN,
        rate: "5",
        ..row("single-client-flood", &[ticket("ImsMtaClientFlood", "", 1500)], &["203.0.113.250"])
    },
    row("syn-backlog", &[ticket("ImsMtaSynBacklog", "", 900)], &["SYN", "half-open"]),
    row("relay-probing", &[ticket("ImsMtaRelayProbing", "", 1200)], &["relay"]),
    row("password-guessing", &[ticket("ImsMtaPasswordGuessing", "", 1200)], &["password"]),
    Row {
        calm: KNOWN,
        ..row("stolen-account", &[ticket("ImsMtaSenderSurge", "", 1200)], &["sender", "karin"])
    },
    Row {
        calm: KNOWN,
        rate: "5",
        may: &["ImsMtaConnectionFlood", "ImsMtaClientFlood"],
        ..row("mail-flood", &[ticket("ImsMtaEnqueueSurge", "", 1800)], &["tcp_local"])
    },
    // The host and its logs.
    // That mail.log grows without bound is known after a day, which no demo has.
    Row {
        fills_disk: true,
        ..row("disk-filling", &[ticket("ImsMtaDiskFilling", "", 4800)], &["of its space free"])
    },
    row("wrong-owner", &[ticket("ImsMtaWrongOwner", "", 1200)], &["owner", "mode"]),
    row("smtp-server-stuck", &[ticket("ImsMtaSmtpServerTooOld", "", 4500)], &["MAX_LIFE_TIME"]),
    row("rotation-missed", &[ticket("ImsMtaLogNotRotated", "", 2400)], &["return job"]),
    row("logging-off", &[ticket("ImsMtaLogSilent", "", 2400)], &["log"]),
    // The exporter.
    Row {
        name: "exporter-dead",
        must: &[page("ImsMtaExporterDown", "", 200)],
        cause: &["exporter"],
        is_short: true,
        ..USUAL
    },
    // No fault.
    Row { over_after: Some("24s"), is_short: true, ..row("planned-restart", &[], &[]) },
    Row { may: &["ImsMtaEnqueueSurge"], ..row("nightly-bulk", &[], &[]) },
    // It does not end all at once.
    Row { over_after: Some("1h"), ..row("quiet-sunday", &[], &[]) },
    Row { with: &["--rollover-every", "20s"], is_short: true, ..row("midnight", &[], &[]) },
    // As shipped.
    Row {
        by: By::Demo("dead-dns"),
        scale: 1,
        ..row("dead-dns at shipped intervals", &[page(SPIKE, "tcp_local", 60)], &["dns_temporary"])
    },
    Row { scale: 1, ..row("small-site", &[page(SPIKE, "tcp_local", 300)], &["dns_temporary"]) },
    Row { scale: 1, ..row("greylisting", &[], &[]) },
    // Held messages come no faster where durations are divided.
    Row {
        scale: 1,
        leaves_traces: true,
        ..row("mail-loop", &[page("ImsMtaHeldMessagesSurge", "tcp_local", 180)], &["held", "loop"])
    },
];

/// Every incident of the demo is played.
#[test]
fn no_incident_is_left_out() {
    for incident in imsimta_exporter::demo::incident::incidents() {
        let is_it = |row: &Row| matches!(row.by, By::Demo(name) if name == incident.name);
        assert!(INCIDENTS.iter().any(is_it), "{}", incident.name);
    }
}
