//! THE table of the incidents that happen in the two weeks: what is wrong, for how long, and what has to say it first.

use fastrand::Rng;

use super::calendar::HOUR;
use super::judge::Span;
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
    /// What its summary has to name, in one of the forms that stand beside each other.
    pub names: &'static [&'static str],
    /// Minutes within which.
    pub within: usize,
}

const fn row(
    name: &'static str,
    lasts: usize,
    brings: fn(&mut Trouble),
    expects: &'static [&'static str],
    names: &'static [&'static str],
    within: usize,
) -> Incident {
    Incident { name, lasts, brings, expects, names, within }
}

#[rustfmt::skip]
static INCIDENTS: &[Incident] = &[
    row("dead-dns", 40, |t| t.failing = Some(("tcp_local", 0.95, "dns_temporary")), &["ImsMtaDeliveryFailureSpike"], &["tcp_local", "dns_temporary"], 10),
    row("job-controller-dead", 30, |t| t.job_controller_down = true, &["ImsMtaJobControllerDown"], &["the Job Controller is not running"], 5),
    row("relay-probing", 60, |t| t.relaying = 60.0, &["ImsMtaRelayProbing"], &["refused as relaying"], 10),
    row("dead-store", 40, |t| t.failing = Some(("ims-ms", 1.0, "conn_refused")), &["ImsMtaDeliveryFailureSpike"], &["ims-ms", "conn_refused"], 6),
    row("channel-stopped", 90, |t| { t.idle = Some("tcp_local"); t.stopped = true; }, &["ImsMtaChannelStopped", "ImsMtaNoDeliveries", "ImsMtaQueueStuck"], &["tcp_local", "stopped by hand"], 20),
    row("dead-destination", 120, |t| { t.failing = Some(("tcp_local", 0.6, "conn_timeout")); t.one_domain = true; }, &["ImsMtaDestinationDead"], &["a.example", "conn_timeout"], 40),
    row("stolen-account", 60, |t| { t.flood = 150.0; t.one_sender = true; }, &["ImsMtaSenderSurge"], &["one sender", "stolen@example.com"], 10),
    row("dispatcher-dead", 30, |t| t.dispatcher_down = true, &["ImsMtaDispatcherDown"], &["the Dispatcher is not running"], 5),
    row("inbound-flood", 45, |t| t.connections = 9000.0, &["ImsMtaConnectionFlood"], &["new connections a second", "leave no room"], 10),
    row("mail-loop", 30, |t| t.held = 40.0, &["ImsMtaHeldMessagesSurge"], &["tcp_local", "go around in a loop"], 8),
    row("slow-dns", 90, |t| t.failing = Some(("tcp_local", 0.3, "dns_temporary")), &["ImsMtaDeliveryFailuresElevated", "ImsMtaDeliveryFailureSpike"], &["tcp_local", "dns_temporary"], 60),
    row("disk-filling", 90, |t| t.written = 1.2e9, &["ImsMtaDiskFilling"], &["queue", "space free"], 85),
    row("mta-dead", 30, |t| { t.dispatcher_down = true; t.job_controller_down = true; }, &["ImsMtaDispatcherDown", "ImsMtaJobControllerDown"], &["the MTA is down"], 8),
    row("password-guessing", 60, |t| t.guesses = 80.0, &["ImsMtaPasswordGuessing"], &["passwords are guessed"], 10),
    row("mailbox-locks", 40, |t| t.failing = Some(("ims-ms", 0.7, "mailbox_busy")), &["ImsMtaDeliveryFailureSpike"], &["ims-ms", "mailbox_busy"], 8),
    row("exporter-dead", 20, |t| t.exporter_down = true, &["ImsMtaExporterDown"], &["the exporter does not answer"], 5),
    row("single-client-flood", 60, |t| { t.connections = 900.0; t.one_client = true; }, &["ImsMtaClientFlood"], &["client 192.0.2.7"], 10),
    row("channel-stuck", 90, |t| t.idle = Some("ims-ms"), &["ImsMtaNoDeliveries", "ImsMtaQueueStuck"], &["ims-ms", "no attempt is made|none was tried"], 30),
    row("queue-lost", 30, |t| t.queue_lost = true, &["ImsMtaQueueEmpty"], &["the queue directory holds no channel"], 10),
    row("bounce-storm", 60, |t| { t.mailing = 50.0; t.bounces = 0.4; }, &["ImsMtaBounceSurge"], &["tcp_local", "user_unknown"], 15),
    row("syn-backlog", 30, |t| t.syn = 400.0, &["ImsMtaSynBacklog"], &["half open: begun with a SYN"], 10),
    row("dispatcher-flapping", 30, |t| t.starts = 0.5, &["ImsMtaProcessFlapping"], &["dispatcher ends and is started again"], 20),
    row("logging-off", 90, |t| t.log_off = true, &["ImsMtaLogSilent", "ImsMtaNoEnqueues"], &["nothing is logged|nothing of it was logged"], 60),
    row("no-banner", 30, |t| t.no_banner = true, &["ImsMtaNoBanner"], &["gives its clients no banner"], 8),
    row("fork-failed", 20, |t| t.fork_failed = 1.0, &["ImsMtaDaemonErrors"], &["job_controller", "fork_failed"], 5),
    row("wrong-owner", 60, |t| t.wrong_files = 12.0, &["ImsMtaWrongOwner"], &["wrong owner"], 20),
    row("server-stuck", 120, |t| t.overaged = 2.0, &["ImsMtaSmtpServerTooOld"], &["tcp_smtp_server", "MAX_LIFE_TIME"], 65),
    row("job-controller-twice", 30, |t| t.duplicated = true, &["ImsMtaProcessDuplicated"], &["2 processes job_controller"], 10),
    row("scanner-stuck", 90, |t| t.idle = Some("conversion"), &["ImsMtaNoDeliveries", "ImsMtaQueueInternalOld", "ImsMtaQueueStuck"], &["conversion"], 45),
];

/// Comes last, since it takes a night to show.
static ROTATION_MISSED: Incident = row(
    "rotation-missed",
    30 * HOUR,
    |t| t.not_rotated = true,
    &["ImsMtaLogNotRotated"],
    &["the message return job has not run"],
    28 * HOUR,
);

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

    /// Until when it has to be told.
    pub fn told_by(&self) -> usize {
        self.begins + self.incident.within
    }
}

/// All of them, one after the other, so many minutes apart that the one before is over; a seed says at which minutes. Those that
/// do not end within the span are left out.
pub fn happenings(seed: u64, span: Span) -> Vec<Happening> {
    let mut rng = Rng::with_seed(seed);
    let begins = |at: usize, rng: &mut Rng| span.begins + at * span.apart + HOUR + rng.usize(..HOUR);
    let all = INCIDENTS.iter().chain([&ROTATION_MISSED]).enumerate();
    let all = all.map(|(at, incident)| Happening { incident, begins: begins(at, &mut rng) });
    let all: Vec<_> = all.filter(|happening| happening.ends() < span.ends).collect();
    assert!(!span.is_whole || all.len() > INCIDENTS.len(), "{} incidents", all.len());
    all
}
