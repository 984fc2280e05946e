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
    /// What its summary has to name, in one of the forms that stand beside each other: the rule's, and the exporter's own words,
    /// which name no client, sender or destination.
    pub names: &'static [&'static str],
    /// Minutes within which.
    pub within: usize,
    /// Seconds after which the rules of Prometheus told it in the whole weeks. What promtool is told of a minute counts from
    /// its beginning, so these are up to a minute more.
    pub rules: usize,
}

const fn row(
    name: &'static str,
    lasts: usize,
    brings: fn(&mut Trouble),
    expects: &'static [&'static str],
    names: &'static [&'static str],
    within: usize,
    rules: usize,
) -> Incident {
    Incident { name, lasts, brings, expects, names, within, rules }
}

#[rustfmt::skip]
static INCIDENTS: &[Incident] = &[
    row("dead-dns", 40, |t| t.failing = Some(("tcp_local", 0.95, "dns_temporary")), &["ImsMtaDeliveryFailureSpike"], &["tcp_local", "dns_temporary"], 10, 420),
    row("job-controller-dead", 30, |t| t.job_controller_down = true, &["ImsMtaJobControllerDown"], &["the Job Controller is not running|No job_controller runs"], 5, 240),
    row("relay-probing", 60, |t| t.relaying = 60.0, &["ImsMtaRelayProbing"], &["refused as relaying"], 10, 180),
    row("dead-store", 40, |t| t.failing = Some(("ims-ms", 1.0, "conn_refused")), &["ImsMtaDeliveryFailureSpike"], &["ims-ms", "conn_refused"], 6, 60),
    row("channel-stopped", 90, |t| { t.idle = Some("tcp_local"); t.stopped = true; }, &["ImsMtaChannelStopped", "ImsMtaNoDeliveries", "ImsMtaQueueStuck"], &["tcp_local", "stopped by hand|tcp_local is stopped"], 20, 1080),
    row("dead-destination", 120, |t| { t.failing = Some(("tcp_local", 0.6, "conn_timeout")); t.one_domain = true; }, &["ImsMtaDestinationDead"], &["a.example|one destination of", "conn_timeout"], 40, 1980),
    row("stolen-account", 60, |t| { t.flood = 150.0; t.one_sender = true; }, &["ImsMtaSenderSurge"], &["one sender|One authenticated sender", "stolen@example.com|One authenticated sender"], 10, 360),
    row("dispatcher-dead", 30, |t| t.dispatcher_down = true, &["ImsMtaDispatcherDown"], &["the Dispatcher is not running|No dispatcher runs"], 5, 240),
    row("inbound-flood", 45, |t| t.connections = 9000.0, &["ImsMtaConnectionFlood"], &["new connections a second|inbound connections in", "leave no room"], 10, 60),
    row("mail-loop", 30, |t| t.held = 40.0, &["ImsMtaHeldMessagesSurge"], &["tcp_local", "go around in a loop|as in a mail loop"], 8, 120),
    row("slow-dns", 90, |t| t.failing = Some(("tcp_local", 0.3, "dns_temporary")), &["ImsMtaDeliveryFailuresElevated", "ImsMtaDeliveryFailureSpike"], &["tcp_local", "dns_temporary"], 60, 2940),
    row("disk-filling", 90, |t| t.written = 1.2e9, &["ImsMtaDiskFilling"], &["queue", "space free|has only|will be full within"], 85, 3180),
    row("mta-dead", 30, |t| { t.dispatcher_down = true; t.job_controller_down = true; }, &["ImsMtaDispatcherDown", "ImsMtaJobControllerDown"], &["the MTA is down|The MTA is down"], 8, 300),
    row("password-guessing", 60, |t| t.guesses = 80.0, &["ImsMtaPasswordGuessing"], &["passwords are guessed"], 10, 120),
    row("mailbox-locks", 40, |t| t.failing = Some(("ims-ms", 0.7, "mailbox_busy")), &["ImsMtaDeliveryFailureSpike"], &["ims-ms", "mailbox_busy"], 8, 180),
    row("exporter-dead", 20, |t| t.exporter_down = true, &["ImsMtaExporterDown"], &["the exporter does not answer"], 5, 180),
    row("single-client-flood", 60, |t| { t.connections = 900.0; t.one_client = true; }, &["ImsMtaClientFlood"], &["client 192.0.2.7|One client made"], 10, 120),
    row("channel-stuck", 90, |t| t.idle = Some("ims-ms"), &["ImsMtaNoDeliveries", "ImsMtaQueueStuck"], &["ims-ms", "no attempt is made|none was tried|no delivery was tried"], 30, 1320),
    row("queue-lost", 30, |t| t.queue_lost = true, &["ImsMtaQueueEmpty"], &["the queue directory holds no channel|The queue directory holds no channel"], 10, 480),
    row("bounce-storm", 60, |t| { t.mailing = 50.0; t.bounces = 0.4; }, &["ImsMtaBounceSurge"], &["tcp_local", "user_unknown"], 15, 600),
    row("syn-backlog", 30, |t| t.syn = 400.0, &["ImsMtaSynBacklog"], &["half open: begun with a SYN|half open"], 10, 360),
    row("dispatcher-flapping", 30, |t| t.starts = 0.5, &["ImsMtaProcessFlapping"], &["dispatcher ends and is started again"], 20, 300),
    row("logging-off", 90, |t| t.log_off = true, &["ImsMtaLogSilent", "ImsMtaNoEnqueues"], &["nothing is logged|nothing of it was logged"], 60, 1740),
    row("no-banner", 30, |t| t.no_banner = true, &["ImsMtaNoBanner"], &["gives its clients no banner|Clients get no banner"], 8, 360),
    row("fork-failed", 20, |t| t.fork_failed = 1.0, &["ImsMtaDaemonErrors"], &["job_controller", "fork_failed|could not be started"], 5, 0),
    row("wrong-owner", 60, |t| t.wrong_files = 12.0, &["ImsMtaWrongOwner"], &["wrong owner|do not belong to"], 20, 900),
    row("server-stuck", 120, |t| t.overaged = 2.0, &["ImsMtaSmtpServerTooOld"], &["tcp_smtp_server", "MAX_LIFE_TIME"], 65, 3780),
    row("job-controller-twice", 30, |t| t.duplicated = true, &["ImsMtaProcessDuplicated"], &["2 processes job_controller"], 10, 480),
    row("scanner-stuck", 90, |t| t.idle = Some("conversion"), &["ImsMtaNoDeliveries", "ImsMtaQueueInternalOld", "ImsMtaQueueStuck"], &["conversion"], 45, 1440),
];

/// Comes last, since it takes a night to show.
static ROTATION_MISSED: Incident = row(
    "rotation-missed",
    30 * HOUR,
    |t| t.not_rotated = true,
    &["ImsMtaLogNotRotated"],
    &["the message return job has not run|the message return job did not run"],
    28 * HOUR,
    83_220,
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
