//! Whether the MTA runs on this host, and whether mail goes out.

use std::collections::{BTreeMap, BTreeSet};

use super::alert_of::Patience;
use super::channels::is_a_way_out;
use super::queue::now::WAITING;
use super::rule::Look;
use super::situation::{Logs, NEEDED, Situation, Traffic, Waiting};
use super::words::{counted, last, percent, time};
use super::{Finding, Severity, share};
use crate::aggregate::recent::{SHORT_MINUTES, WINDOW_MINUTES};
use crate::record::daemon_log::DaemonLog;

/// All that means nothing on the passive node of a pair.
const OF_AN_ACTIVE_MTA: &[&str] = &[
    "no_process",
    "no_banner",
    "unread",
    "flow",
    "standstill",
    "not_tried",
    "queue_growing",
    "connections_limit",
    "queue_empty",
    "scan_failing",
];

pub(super) fn not_active(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    if situation.active == Some(false) {
        let what =
            "This is a passive node: the MTA's logs and queue are not on this host, and no mail is expected.";
        found.push(look.finds(what.to_owned()).explains(OF_AN_ACTIVE_MTA, None));
    }
}

pub(super) fn no_job_controller(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let last = situation.traffic().filter_map(|(_, traffic)| traffic.last_attempt).reduce(f64::min);
    let evidence = last.map(|ago| format!("The last delivery was tried {} ago.", time(ago)));
    let finding = no_process(look, situation, "job_controller", "nothing is delivered");
    found.extend(finding.map(|finding| {
        finding.explains(WAITING, None).explains(&["flow"], None).since(evidence.unwrap_or_default())
    }));
}

pub(super) fn no_dispatcher(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let finding = no_process(look, situation, "dispatcher", "no mail is accepted");
    found.extend(finding.map(|finding| finding.explains(&["no_banner", "no_enqueues"], None)));
}

fn no_process(look: &Look<'_>, situation: &Situation, process: &str, effect: &str) -> Option<Finding> {
    let processes = situation.processes.as_ref().filter(|processes| processes.get(process) == Some(&0))?;
    let what = match others(process).find(|other| processes.get(*other) == Some(&0)) {
        Some(other) => format!("The MTA is down: no {process} runs, and no {other}."),
        None => format!("No {process} runs: {effect}."),
    };
    let next =
        format!("Look at `imsimta process` and the newest {process}.log-*, then `start-msg {process}`.");
    let finding = look.finds(what).labelled("process", process);
    Some(finding.patient(patience(look, processes, process)).then(&next))
}

/// The other one of the two.
fn others(process: &str) -> impl Iterator<Item = &'static str> {
    NEEDED.into_iter().filter(move |other| *other != process)
}

/// One of the two gone while the other runs is no planned stop; both gone is one, for as long as the site takes.
fn patience(look: &Look<'_>, processes: &BTreeMap<String, u64>, process: &str) -> Patience {
    let other_runs = others(process).filter_map(|other| processes.get(other)).all(|&running| running > 0);
    let anyway = look.limits.planned_stop;
    Patience { so: if other_runs { look.limits.process_gone.min(anyway) } else { anyway }, anyway }
}

/// A client that comes now may have to wait, and beyond the limit it will ("Timeouts on Incoming SMTP Connections").
pub(super) fn connections_limit(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for service in &situation.services {
        let Some(limit) = service.limit.filter(|&limit| limit > 0) else { continue };
        let used = share(service.used, limit);
        if used < look.limits.connections_share {
            continue;
        }
        let what = format!(
            "The service {} has {} of the {limit} connections that the Dispatcher takes at once ({}).",
            service.name,
            service.used,
            percent(used)
        );
        let next = "Look who holds them: the busiest clients are on `/top` and in `ss -tn`. Many from few addresses are an \
                    abuse or a broken client, many from everywhere without mail a flood; where mail comes with them, raise \
                    MAX_PROCS or MAX_CONNS, if the host has the memory.";
        found.push(look.finds(what).labelled("service", &service.name).then(next));
    }
}

/// `SYN_RECV` is over within a round trip, unless the other side was never there.
pub(super) fn syn_backlog(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (port, &(half_open, established)) in &situation.half_open {
        #[expect(clippy::cast_precision_loss, reason = "a share of counts needs no 53 bits")]
        let many = half_open as f64 > look.limits.half_open_share * established as f64;
        if half_open <= look.limits.half_open || !many {
            continue;
        }
        let what = format!(
            "{half_open} connections to port {port} are half open: begun with a SYN, and not completed."
        );
        let evidence = format!("{established} are established there.");
        let next = "A flood with false addresses, or a network that loses the answers of this host: see from where with \
                    `ss -tn state syn-recv`, and whether `sysctl net.ipv4.tcp_syncookies` is 1.";
        found.push(look.finds(what).labelled("port", port).since(evidence).then(next));
    }
}

/// The kernel counts for all ports of the host; a port is meant where its queue was seen half full.
pub(super) fn listen_overflow(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let overflows = situation.listen_overflows;
    if overflows <= look.limits.listen_overflows {
        return;
    }
    let full = |(_, share): &(&u16, &f64)| **share >= look.limits.listen_share;
    for (port, share) in situation.lately.listen_queues.iter().filter(full) {
        let within = time(look.limits.listen_window.as_secs_f64());
        let what = format!(
            "Connections to port {port} are dropped, since the Dispatcher does not accept them fast enough."
        );
        let evidence = format!(
            "Its listen queue was up to {} full within {within}, and {} found a queue full.",
            percent(*share),
            counted(overflows, "connection")
        );
        let next = "Look whether the Dispatcher hangs (`imsimta process`, the newest dispatcher.log-*), whether all \
                    connections of the service are taken, and who connects: `/top`.";
        found.push(look.finds(what).labelled("port", port).since(evidence).then(next));
    }
}

/// A crash loop: each start alone is too short for anybody to see that nothing runs.
pub(super) fn flapping(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let logged = |process: &str| {
        let log = DaemonLog::ALL.iter().find(|log| log.label() == process)?;
        let (class, _) = situation.daemon_events.as_ref()?[*log].counted().max_by_key(|&(_, count)| count)?;
        Some(class.label())
    };
    for (process, starts) in NEEDED.iter().zip(situation.lately.starts) {
        if starts < look.limits.process_starts.max(1) {
            continue;
        }
        let within = time(look.limits.starts_window.as_secs_f64());
        let why = logged(process).map(|class| format!("; its log says mostly {class}"));
        let what = format!("The {process} ends and is started again and again{}.", why.unwrap_or_default());
        let evidence = format!("It was started {} in {within}.", counted(starts, "time"));
        let next = format!(
            "Read the newest {process}.log-* before you start it once more; mostly memory or swap ran out (`free`, `dmesg`)."
        );
        found.push(look.finds(what).labelled("process", process).since(evidence).then(&next));
    }
}

/// There is to be one of each, but for the moment of a fork, which is not counted (Administration Guide, "Check that the
/// Job Controller and Dispatcher are Running").
pub(super) fn doubled(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let Some(processes) = &situation.processes else { return };
    for process in NEEDED {
        let Some(&running @ 2..) = processes.get(process) else { continue };
        let finding = look.finds(format!("{running} processes {process} run, and there has to be one."));
        let finding = finding.labelled("process", process);
        let next = format!(
            "Look at `imsimta process`: one that was left behind by an earlier start has the older start time; \
             `stop-msg {process}` and `start-msg {process}` leave one."
        );
        found.push(finding.then(&next));
    }
}

/// Servers are renewed after `MAX_LIFE_TIME` (Administration Guide, "Monitoring Inbound SMTP Connections").
pub(super) fn overaged(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (process, &servers) in &situation.overaged {
        let (verb, what) = if servers == 1 { ("is", "process") } else { ("are", "processes") };
        let grace = look.limits.overaged_grace;
        let older =
            if grace.is_zero() { "older" } else { &format!("more than {} older", time(grace.as_secs_f64())) };
        let finding = look.finds(format!(
            "{servers} {what} {process} {verb} {older} than MAX_LIFE_TIME of the Dispatcher lets a server get."
        ));
        let finding = finding.labelled("process", process);
        let next = format!(
            "Look at `imsimta process` for the start time, and with `ss -tnp` at the sessions that it still has: it ends \
             with the last. One without any has got stuck; the newest {process}.log-* may say in what."
        );
        found.push(finding.then(&next));
    }
}

/// Whether mail goes out, where nothing graver is known. It does where it was seen to in the last minute, and nowhere else.
pub(super) fn flow(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let Some(logs) = &situation.logs else {
        if !situation.unread.iter().any(|unread| unread.collector == "log") {
            found.push(
                look.finds("It is not known yet whether mail flows: the logs are being read.".to_owned()),
            );
        }
        return;
    };
    let behind = situation.lately.lagging.iter().filter(|(_, seconds)| *seconds > BEHIND);
    if let Some((log, seconds)) = behind.max_by(|one, other| one.1.total_cmp(&other.1)) {
        let what = format!(
            "It is not known whether mail flows now: {log} was last read to its end {} ago.",
            time(*seconds)
        );
        found.push(look.finds(what));
        return;
    }
    // What fails or stands still has been said.
    let grave = grave(found);
    let mut sum = Sum::default();
    let ways = situation.traffic().filter(|(channel, _)| is_a_way_out(channel) && !grave.contains(*channel));
    ways.for_each(|(_, traffic)| sum.add(traffic));
    let is_grave = !grave.is_empty();
    if is_grave && sum.delivered_now == 0 {
        return;
    }
    let severity = if sum.delivered_now > 0 { Severity::Good } else { Severity::Note };
    let finding = look.finds(sum.sentence(logs, is_grave)).since(evidence(&sum, situation, logs.last_entry));
    found.push(Finding { severity, ..finding });
}

/// A log that was last read to its end so many seconds ago says nothing of now.
const BEHIND: f64 = 30.0;

/// The channels that something critical was found of.
fn grave(found: &[Finding]) -> BTreeSet<String> {
    let channels = |finding: &Finding| {
        let of_alerts = finding.alerts.iter().filter_map(|alert| alert.labels.get("channel").cloned());
        finding.channel.iter().cloned().chain(of_alerts).collect::<Vec<_>>()
    };
    found.iter().filter(|finding| finding.severity == Severity::Critical).flat_map(channels).collect()
}

/// What all channels did that lead out of the MTA.
#[derive(Default)]
struct Sum {
    came: u64,
    delivered: u64,
    failed: u64,
    /// In the last minute.
    delivered_now: u64,
}

impl Sum {
    fn add(&mut self, traffic: &Traffic) {
        self.came += traffic.window.enqueued;
        self.delivered += traffic.window.delivered();
        self.failed += traffic.window.failed();
        self.delivered_now += traffic.short.delivered();
    }

    /// Whether mail goes out, and else what is known.
    fn sentence(&self, logs: &Logs, is_grave: bool) -> String {
        #[expect(clippy::cast_precision_loss, reason = "minutes")]
        let window = WINDOW_MINUTES as f64 * 60.0;
        let (minutes, known) = (last(WINDOW_MINUTES), logs.known_for.filter(|&known| known < window));
        match (self.delivered, self.failed, self.came) {
            (0, 0, 0) => match known {
                Some(known) => format!(
                    "It is not known yet whether mail flows: nothing was logged in the {} that are known.",
                    time(known)
                ),
                None => format!("No mail came or went in {minutes}, as far as the logs say."),
            },
            (0, 0, came) => {
                format!("{} came in {minutes}, and no delivery was tried yet.", counted(came, "recipient"))
            }
            (0, failed, _) => {
                format!("Nothing was delivered in {minutes}: {}.", counted(failed, "failed attempt"))
            }
            _ if self.delivered_now == 0 => {
                format!("No mail went out in {}; some did in {minutes}.", last(SHORT_MINUTES))
            }
            _ if is_grave => "Mail of the other channels is going out.".to_owned(),
            _ => "Mail is going out.".to_owned(),
        }
    }
}

fn evidence(sum: &Sum, situation: &Situation, last_entry: Option<f64>) -> String {
    let mut parts = Vec::new();
    if sum.came + sum.delivered + sum.failed > 0 {
        parts.push(format!(
            "In {}: {} for delivery, {} delivered, {}.",
            last(WINDOW_MINUTES),
            counted(sum.came, "recipient"),
            sum.delivered,
            counted(sum.failed, "failed attempt")
        ));
    }
    if let Some(ago) = last_entry.filter(|_| sum.delivered_now == 0) {
        parts.push(format!("The last entry of the logs is {} old.", time(ago)));
    }
    if situation.queue_known {
        let waiting: u64 = situation.waiting().map(|(_, queue): (_, &Waiting)| queue.messages).sum();
        parts.push(format!("{} in the queue.", counted(waiting, "message")));
    }
    parts.join(" ")
}
