//! Whether the numbers can be believed: what cannot be read, and what was not understood.

use super::logs::Logs;
use super::rule::Look;
use super::situation::Situation;
use super::words::percent;
use super::{Finding, Severity, share};
use crate::text::number;

/// What cannot be read is not known: without logs nobody can say whether mail flows.
pub(super) fn unread(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for unread in &situation.unread {
        let severity = if unread.needed && !unread.partly { Severity::Critical } else { Severity::Warning };
        let part = if unread.partly { "A part of the" } else { "The" };
        let problem = unread.problem.trim_end_matches('.');
        let what = format!("{part} {} cannot be read: {problem}.", unread.called);
        found.push(look.finds(what).labelled("collector", unread.collector).weighing(severity));
    }
}

/// What happened in the last minutes is not known where the times of the log are another zone's.
pub(super) fn log_clock(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    if let Some((log, question)) = situation.logs.as_ref().and_then(|logs| logs.zone_question.as_ref()) {
        let what = format!("It is not known whether mail flows now: {question}");
        found.push(look.finds(what).labelled("log", log).explains(&["flow", "standstill"], None));
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
