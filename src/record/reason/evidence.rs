//! What made the classifier choose, and what it overruled: for a person who wants to know. Nothing here is
//! for counting.

use super::codes::CODES;
use super::families::{FAMILIES, When};
use super::stretch::Stretch;
use super::words::{self, Word};
use super::{Basis, Classified, Failure, Outlook, Reason, by_class, first_family};
use crate::record::diagnostic::Status;

/// Something in an entry that tells a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Words, as they stand there, and whose they are.
    Words(String, Where),
    /// The enhanced status code.
    Status(Status),
    /// The reply code.
    Code(u16),
}

/// Where words stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// Behind the codes of another host's reply.
    HostsReply,
    /// In a reply or text of our own MTA.
    OwnText,
    /// In what the MTA says in front of the host.
    Preface,
    /// In the field of `LOG_REASON`.
    ReasonField,
}

/// A sign and the class that it tells; [`Reason::Other`] leaves it to the class of the reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What it is.
    pub sign: Sign,
    /// What it tells.
    pub reason: Reason,
    /// The entries that its row is for, where it is not for all.
    pub only: Option<&'static str>,
}

/// What decided, and what was overruled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weighed {
    /// `None` where no row of a table did.
    pub decided: Option<Evidence>,
    /// What tells another class.
    pub overruled: Vec<Evidence>,
}

/// Weighs the evidence of a failure once more.
pub fn of(failure: &Failure<'_>, classified: &Classified<'_>) -> Weighed {
    let mut all = signs(failure, classified);
    let chose = |one: &Evidence| match (classified.basis, &one.sign) {
        (Basis::Words(_), Sign::Words(_, place)) => matches!(place, Where::HostsReply | Where::OwnText),
        (Basis::OurWords(_), Sign::Words(_, place)) => matches!(place, Where::Preface | Where::ReasonField),
        (Basis::Codes(_), Sign::Status(_) | Sign::Code(_)) => true,
        _ => false,
    };
    let decided = all.iter().position(chose).map(|at| all.remove(at));
    let tells =
        |one: &Evidence| if one.reason == Reason::Other { by_class(&classified.reply) } else { one.reason };
    all.retain(|one| tells(one) != classified.reason);
    Weighed { decided, overruled: all }
}

/// All signs, in the order of their weight.
fn signs(failure: &Failure<'_>, classified: &Classified<'_>) -> Vec<Evidence> {
    let reply = &classified.reply;
    let outlook = Outlook::of(failure.action, reply);
    let place = if reply.remote { Where::HostsReply } else { Where::OwnText };
    let mut all = Vec::new();
    all.extend(in_words(reply.text, outlook, place, chosen(classified.basis, place)));
    let beside = [(reply.preface, Where::Preface), (failure.reason_text, Where::ReasonField)];
    for (text, place) in beside {
        all.extend(in_words(text, outlook.beside(), place, chosen(classified.basis, place)));
    }
    if let Some(row) = CODES.iter().find(|row| failure.has_code(row, reply, outlook)) {
        let status = reply.status.filter(|&status| row.has_status(status)).map(Sign::Status);
        if let Some(sign) = status.or(reply.code.map(Sign::Code)) {
            all.push(Evidence { sign, reason: row.reason, only: only(row.when) });
        }
    }
    all
}

/// The family that decided, if it is one of words that stand there.
fn chosen(basis: Basis, place: Where) -> Option<usize> {
    match (basis, place) {
        (Basis::Words(row), Where::HostsReply | Where::OwnText)
        | (Basis::OurWords(row), Where::Preface | Where::ReasonField) => Some(row),
        _ => None,
    }
}

/// The words of a text that tell a reason: those of the row that decided, if they stand here.
fn in_words(text: &[u8], outlook: Outlook, place: Where, chosen: Option<usize>) -> Option<Evidence> {
    let words = words::read(text);
    let here = |row: &usize| FAMILIES[*row].find(words.all().words).is_some();
    let row = chosen.filter(here).or_else(|| first_family(&words, outlook, false))?;
    let family = &FAMILIES[row];
    let found =
        words.own().and_then(|own| family.find(own.words)).or_else(|| family.find(words.all().words))?;
    let sign = Sign::Words(spelled(text, words.all().words, found), place);
    Some(Evidence { sign, reason: family.reason, only: only(family.when) })
}

/// `recipient ... not found`
fn spelled(text: &[u8], words: &[Word], mut found: Stretch) -> String {
    found.sort_unstable();
    let mut shown = String::new();
    let mut end = None;
    for word in found.map(|at| words[usize::from(at)]) {
        let (start, stop) = (usize::from(word.start), usize::from(word.end));
        match end {
            Some(end) if end >= stop => continue,
            Some(end) if text[end..start.max(end)].iter().all(|&byte| byte == b' ') => shown.push(' '),
            Some(_) => shown.push_str(" ... "),
            None => {}
        }
        shown.push_str(&String::from_utf8_lossy(&text[start..stop]));
        end = Some(stop);
    }
    shown
}

fn only(when: When) -> Option<&'static str> {
    match when {
        When::Always => None,
        When::Temporary | When::Waiting => Some("entries that are tried again"),
        When::Permanent => Some("entries that are final"),
    }
}
