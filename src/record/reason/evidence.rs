//! What made the classifier choose: for a person who wants to know. Nothing here is for counting.

use super::rules::{RULES, Rule, When};
use super::{Basis, Classified, INDEX, Outlook, counts, looked_at, matches_status};
use crate::record::diagnostic::Status;

/// What in an entry matched a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// A phrase of the row, and where it stands.
    Phrase(&'static str, Place),
    /// The reply code.
    Code(u16),
    /// The enhanced status code.
    Status(Status),
}

/// Where a phrase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Behind the codes of the reply.
    ReplyText,
    /// In what the MTA says in front of the host.
    Preface,
    /// In the field of `LOG_REASON`.
    ReasonField,
}

/// Why a row was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The row's number, counted from 1, and how many there are.
    pub row: (usize, usize),
    /// The first of what matched.
    pub matched: Match,
    /// The entries that the row is for, where it is not for all.
    pub only: Option<&'static str>,
}

/// The row that decided, and what it saw; `None` where no row did.
pub fn of(letter: u8, classified: &Classified<'_>, reason_text: &[u8]) -> Option<Evidence> {
    let Basis::Rule(index) = classified.basis else { return None };
    let rule = RULES.get(index)?;
    let reply = &classified.reply;
    let outlook = Outlook::of(letter, reply);
    let texts =
        [(reply.text, Place::ReplyText), (reply.preface, Place::Preface), (reason_text, Place::ReasonField)];
    let phrase = outlook.allows(rule.when).then(|| {
        texts.into_iter().find_map(|(text, place)| Some(Match::Phrase(phrase(index, rule, text)?, place)))
    });
    let code = reply.code.filter(|code| rule.codes.contains(code)).map(Match::Code);
    let status = reply.status.filter(|&status| matches_status(rule, status)).map(Match::Status);
    let only = match rule.when {
        When::Always => None,
        When::Temporary => Some("entries that are tried again"),
        When::Permanent => Some("entries that are final"),
        When::Unanswered => Some("entries without a reply code"),
    };
    let matched = phrase.flatten().or(code).or(status)?;
    Some(Evidence { row: (index + 1, RULES.len()), matched, only })
}

/// The first phrase of a row that counts in a text.
fn phrase(row: usize, rule: &Rule, text: &[u8]) -> Option<&'static str> {
    let text = looked_at(text);
    let of_row = |pattern: usize| INDEX.phrases[pattern].row == row;
    let mut found = None;
    INDEX.phrases_in(text, |pattern, place| {
        let word = INDEX.phrases[pattern].word;
        if found.is_none() && of_row(pattern) && counts(text, place.start, place.end, word) {
            found = Some(pattern);
        }
    });
    let first = (0..INDEX.phrases.len()).find(|&pattern| of_row(pattern))?;
    rule.phrases.iter().chain(rule.words).nth(found? - first).copied()
}
