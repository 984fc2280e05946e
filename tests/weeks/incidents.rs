//! THE table of the incidents that happen in the two weeks: what is wrong, for how long, and what has to say it first.

use std::collections::BTreeSet;

use fastrand::Rng;

use super::calendar::{DAY, HOUR, WARM_UP};
use super::trouble::Trouble;

/// A row.
#[derive(Debug)]
pub struct Incident {
    pub name: &'static str,
    /// Minutes that it lasts.
    pub lasts: usize,
    pub brings: fn(&mut Trouble),
    /// The alerts one of which has to come first.
    pub expects: &'static [&'static str],
    /// Minutes within which.
    pub within: usize,
}

const fn row(
    name: &'static str,
    lasts: usize,
    brings: fn(&mut Trouble),
    expects: &'static [&'static str],
    within: usize,
) -> Incident {
    Incident { name, lasts, brings, expects, within }
}

#[rustfmt::skip]
static INCIDENTS: &[Incident] = &[
    row("dead-dns", 40, |t| t.failing = Some(("tcp_local", 0.95, "dns_temporary")), &["ImsMtaDeliveryFailureSpike"], 10),
    row("job-controller-dead", 30, |t| t.job_controller_down = true, &["ImsMtaJobControllerDown"], 4),
    row("relay-probing", 60, |t| t.relaying = 60.0, &["ImsMtaRelayProbing"], 10),
    row("dead-store", 40, |t| t.failing = Some(("ims-ms", 1.0, "conn_refused")), &["ImsMtaDeliveryFailureSpike"], 5),
    row("channel-stopped", 90, |t| { t.idle = Some("tcp_local"); t.stopped = true; }, &["ImsMtaChannelStopped", "ImsMtaNoDeliveries"], 20),
    row("dead-destination", 120, |t| { t.failing = Some(("tcp_local", 0.6, "conn_timeout")); t.one_domain = true; }, &["ImsMtaDestinationDead"], 10),
    row("dispatcher-dead", 30, |t| t.dispatcher_down = true, &["ImsMtaDispatcherDown"], 4),
    row("inbound-flood", 45, |t| t.connections = 9000.0, &["ImsMtaConnectionFlood", "ImsMtaConnectionsNearLimit"], 10),
    row("mail-loop", 30, |t| t.held = 40.0, &["ImsMtaHeldMessagesSurge"], 8),
    row("disk-filling", 90, |t| t.written = 1.2e9, &["ImsMtaDiskFilling"], 85),
    row("mta-dead", 30, |t| { t.dispatcher_down = true; t.job_controller_down = true; }, &["ImsMtaDispatcherDown"], 8),
    row("password-guessing", 60, |t| t.guesses = 80.0, &["ImsMtaPasswordGuessing"], 10),
    row("mailbox-locks", 40, |t| t.failing = Some(("ims-ms", 0.7, "mailbox_busy")), &["ImsMtaDeliveryFailureSpike"], 6),
    row("exporter-dead", 20, |t| t.exporter_down = true, &["ImsMtaExporterDown"], 4),
    row("single-client-flood", 60, |t| { t.connections = 900.0; t.one_client = true; }, &["ImsMtaClientFlood"], 10),
    row("channel-stuck", 90, |t| t.idle = Some("ims-ms"), &["ImsMtaNoDeliveries", "ImsMtaQueueStuck", "ImsMtaQueueStoreOld"], 30),
    row("syn-backlog", 30, |t| t.syn = 400.0, &["ImsMtaSynBacklog"], 10),
    row("dispatcher-flapping", 30, |t| t.starts = 0.5, &["ImsMtaProcessFlapping"], 20),
    row("queue-lost", 30, |t| t.queue_lost = true, &["ImsMtaQueueEmpty"], 10),
    row("no-banner", 30, |t| t.no_banner = true, &["ImsMtaNoBanner"], 8),
    row("fork-failed", 20, |t| t.fork_failed = 1.0, &["ImsMtaDaemonErrors"], 3),
    row("wrong-owner", 60, |t| t.wrong_files = 12.0, &["ImsMtaWrongOwner"], 20),
    row("server-stuck", 120, |t| t.overaged = 2.0, &["ImsMtaSmtpServerTooOld"], 65),
    row("job-controller-twice", 30, |t| t.duplicated = true, &["ImsMtaProcessDuplicated"], 10),
    row("scanner-stuck", 90, |t| t.idle = Some("conversion"), &["ImsMtaNoDeliveries", "ImsMtaQueueInternalOld", "ImsMtaQueueStuck"], 45),
];

/// Comes last, since it takes a night to show.
static ROTATION_MISSED: Incident =
    row("rotation-missed", 30 * HOUR, |t| t.not_rotated = true, &["ImsMtaLogNotRotated"], 28 * HOUR);

/// An incident and when it begins.
#[derive(Debug)]
pub struct Happening {
    pub incident: &'static Incident,
    pub begins: usize,
}

impl Happening {
    pub fn ends(&self) -> usize {
        self.begins + self.incident.lasts
    }
}

/// Incidents of two weeks.
pub const MOST: usize = 20;

/// One after the other, so many minutes apart that the one before is over; a seed says at which minutes. Those are left out whose alerts are not among
/// those that `are_there`.
pub fn happenings(seed: u64, days: usize, apart: usize, are_there: &BTreeSet<String>) -> Vec<Happening> {
    let mut rng = Rng::with_seed(seed);
    let is_told = |incident: &&Incident| incident.expects.iter().any(|alert| are_there.contains(*alert));
    let all = INCIDENTS.iter().filter(is_told).take(MOST - 1).chain([&ROTATION_MISSED]);
    let begins = |at: usize, rng: &mut Rng| WARM_UP * DAY + at * apart + HOUR + rng.usize(..HOUR);
    let all = all.enumerate().map(|(at, incident)| Happening { incident, begins: begins(at, &mut rng) });
    all.filter(|happening| happening.ends() < (WARM_UP + days) * DAY).collect()
}
