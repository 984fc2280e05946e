//! Whether the numbers can be believed: what cannot be read, and what was not understood.

use super::logs::Logs;
use super::rule::Look;
use super::situation::{CAPPED, QUEUE, Situation};
use super::words::{counted, percent, time};
use super::{Finding, Severity, share};
use crate::text::number;

/// What cannot be read is not known: without logs nobody can say whether mail flows. A queue directory that lost its channels
/// has a page of its own.
pub(super) fn unread(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let is_lost = |collector| collector == QUEUE && situation.scan.directories == Some(0);
    for unread in &situation.unread {
        let severity = if unread.needed && !unread.partly { Severity::Critical } else { Severity::Warning };
        let part = if unread.partly { "A part of the" } else { "The" };
        let problem = unread.problem.trim_end_matches('.');
        let end = if problem.ends_with('?') { "" } else { "." };
        let what = format!("{part} {} cannot be read: {problem}{end}", unread.called);
        let finding = look.finds(what).labelled("collector", unread.collector).weighing(severity);
        found.push(finding.rings_if(!is_lost(unread.collector)));
    }
}

/// What happened in the last minutes is not known where the times of the log are another zone's.
pub(super) fn log_clock(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    if let Some((log, question)) = situation.logs.as_ref().and_then(|logs| logs.zone_question.as_ref()) {
        let what = format!("It is not known whether mail flows now: {question}");
        found.push(look.finds(what).labelled("log", log).explains(&["flow", "standstill"], None));
    }
}

/// The queue changes, which the MTA logs, and nothing of it was counted.
pub(super) fn log_silent(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let changes = situation.lately.unlogged_changes.filter(|&changes| changes > look.limits.silent_changes);
    let Some(changes) = changes else { return };
    let within = time(look.limits.silent_window.as_secs_f64());
    let what = format!("The queue changes, and nothing of it was logged for {within}.");
    let evidence = format!("It changed {} in that time.", counted(changes, "time"));
    let next = "Look whether the channels have the keyword `logging`, and where the MTA writes its logs: \
                `imsimta-exporter check` says what is read.";
    found.push(look.finds(what).since(evidence).then(next).explains(&["no_enqueues", "flow"], None));
}

/// Counters and alerts come late.
pub(super) fn lagging(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let limit = look.limits.log_lag.as_secs_f64();
    for (log, seconds) in situation.lately.lagging.iter().filter(|&&(_, seconds)| seconds > limit) {
        let what = format!("{log} was last read to its end {} ago.", time(*seconds));
        let next = "Counts and alerts come as late: look whether the host is overloaded, and how slow the file system \
                    of the logs is.";
        found.push(look.finds(what).labelled("log", log).then(next));
    }
}

/// What is not understood is counted nowhere.
pub(super) fn unparsed_now(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let limits = look.limits;
    for (log, unparsed, lines) in &situation.lately.lines {
        if *unparsed <= limits.unparsed_lines || share(*unparsed, *lines) <= limits.unparsed_share {
            continue;
        }
        let within = time(limits.unparsed_window.as_secs_f64());
        let what =
            format!("{unparsed} of {} of {log} were not understood in {within}.", counted(*lines, "line"));
        let next = "All counts are too low. `imsimta-exporter unparsed` shows the last of them and why; look whether \
                    a LOG_* option of the MTA was changed.";
        found.push(look.finds(what).labelled("log", log).then(next));
    }
}

/// Channels are those that a site has configured, and so are their pairs; connections end. So a table of these that is full
/// says that lines are not what they seem.
pub(super) fn labels_capped(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (table, entries) in CAPPED.iter().zip(situation.lately.capped) {
        if entries <= look.limits.labels_capped {
            continue;
        }
        let (what, next) = match *table {
            "channels" => (
                "channels beyond those that have series of their own",
                "See which names are none of your channels, and where the lines come from that have them.",
            ),
            "channel_pairs" => (
                "pairs of channels beyond those that have series of their own",
                "See which names are none of your channels, and where the lines come from that have them.",
            ),
            _ => (
                "connections beyond those that are known to be open",
                "`ss -tn` says how many there are: with far fewer, closings are not logged or were lost (C entries; the \
                 option log_connection).",
            ),
        };
        let within = time(look.limits.labels_window.as_secs_f64());
        let what = format!("{} named {what} in {within}.", counted(entries, "entry"));
        found.push(look.finds(what).labelled("table", table).then(next));
    }
}

/// It happens once, and is said for a while.
pub(super) fn lines_lost(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for log in &situation.lately.losses {
        let (of, what) = match log {
            Some(log) => (log.as_str(), "was cut, replaced or damaged"),
            None => ("the logs", "the saved state could not be used"),
        };
        let evidence = match log {
            Some(_) => format!("It {what}, so counts may be too low."),
            None => format!("That is since {what}; counts may begin at 0."),
        };
        let next = "Mail is not affected. Look for a script that cuts logs instead of renaming them, and read \
                    `journalctl -u imsimta-exporter`.";
        let finding =
            look.finds(format!("Lines of {of} may be lost to the exporter.")).since(evidence).then(next);
        found.push(match log {
            Some(log) => finding.labelled("log", log),
            None => finding,
        });
    }
}

/// Nothing is lost yet: a restart would read again from the last state.
pub(super) fn state_not_saved(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    if situation.lately.save_failures <= look.limits.save_failures {
        return;
    }
    let (times, within) =
        (counted(situation.lately.save_failures, "time"), time(look.limits.save_window.as_secs_f64()));
    let why = situation.state_problem.as_ref().map(|problem| format!(": {}", problem.trim_end_matches('.')));
    let why = format!("It failed {times} in {within}{}.", why.unwrap_or_default());
    let what = "The exporter cannot save its state.".to_owned();
    let next = "Look for a full disk or a changed owner of the state directory. Nothing is lost yet: a restart reads \
                again from the last state.";
    found.push(look.finds(what).since(why).then(next));
}

/// What is found reaches nobody by this way; others may tell of that.
pub(super) fn receiver_failing(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for untold in situation.untold.iter().filter(|untold| untold.lasts >= look.limits.notify_window) {
        let what = format!("The exporter cannot tell {} of alerts.", untold.receiver);
        let why = format!(
            "It has failed for {}: {}.",
            time(untold.lasts.as_secs_f64()),
            untold.problem.trim_end_matches('.')
        );
        let next = "It is tried again. `imsimta-exporter check` tries each receiver without sending: mostly it is an address, \
                    a password, a certificate or a firewall.";
        found.push(look.finds(what).labelled("receiver", &untold.receiver).since(why).then(next));
    }
}

pub(super) fn nothing_understood(look: &Look<'_>, logs: &Logs<'_>, found: &mut Vec<Finding>) {
    if logs.lines == 0 {
        let why = if logs.not_read {
            "No file could be read, so nothing is known."
        } else {
            "There is not one line. Look whether this is the right file, and whether the channels have the \
             keyword logging."
        };
        found.push(look.finds(format!("Nothing was read. {why}")));
    }
    if logs.lines >= look.at_least && logs.records == 0 {
        found.push(look.finds(format!(
            "None of the {} lines is an entry of a mail or connection log. Look whether these are the \
             files mail.log* and connection.log*.",
            number(logs.lines)
        )));
    }
}

pub(super) fn unparsed_lines(look: &Look<'_>, logs: &Logs<'_>, found: &mut Vec<Finding>) {
    if logs.records > 0 && look.exceeded(logs.not_understood, logs.lines) {
        found.push(look.finds(format!(
            "{} of {} lines were not understood ({}): all counts here are too low. Look at the last of them, \
             at the end of this report.",
            number(logs.not_understood),
            number(logs.lines),
            percent(share(logs.not_understood, logs.lines))
        )));
    }
}
