//! What a rule is, and what it has when it looks.

use super::alert_of::AlertOf;
use super::logs::Logs;
use super::situation::Situation;
use super::source::{Source, Sources};
use super::{Finding, Input, Severity, Thresholds, share};

/// One row of the [table of rules](super::rules::RULES).
#[derive(Debug)]
pub struct Rule {
    /// Its name, for readers of the JSON and in the documentation.
    pub name: &'static str,
    /// How grave what it finds is.
    pub severity: Severity,
    /// The alert that asks for the same, where there is one.
    pub alert: Option<&'static str>,
    /// What it is known from, for a rule over what is known now.
    pub sources: Sources,
    /// What it looks at.
    looks: Looks,
}

type OfNow = fn(&Look<'_>, &Situation, &mut Vec<Finding>);
type OfLogs = fn(&Look<'_>, &Logs<'_>, &mut Vec<Finding>);

/// What a rule looks at, and its function.
#[derive(Debug)]
enum Looks {
    /// What is known now.
    Now(OfNow),
    /// Whole logs, and from where on.
    Logs(fn(&Thresholds) -> Limits, OfLogs),
}

/// From where on a rule speaks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// The least count that it looks at: a share of few says nothing.
    pub at_least: u64,
    /// The share above which it speaks; 0 where the count alone does.
    pub share: f64,
}

/// Limits of a row.
pub(super) const fn limits(at_least: u64, share: f64) -> Limits {
    Limits { at_least, share }
}

/// A row over what is known now.
pub(super) const fn now(
    severity: Severity,
    name: &'static str,
    alert: Option<&'static str>,
    sources: &[Source],
    looks: OfNow,
) -> Rule {
    Rule { name, severity, alert, sources: Sources::of(sources), looks: Looks::Now(looks) }
}

/// A row over whole logs.
pub(super) const fn logs(
    severity: Severity,
    name: &'static str,
    alert: Option<&'static str>,
    limits: fn(&Thresholds) -> Limits,
    looks: OfLogs,
) -> Rule {
    Rule { name, severity, alert, sources: Sources::of(&[]), looks: Looks::Logs(limits, looks) }
}

/// Findings about whole logs that one rule may give: a report is read, not counted.
const MOST_OF_A_RULE: usize = 5;

/// A rule at work, and from where on it speaks.
#[derive(Debug)]
pub(super) struct Look<'a> {
    rule: &'static Rule,
    /// All thresholds.
    pub(super) limits: &'a Thresholds,
    /// The least count that it looks at.
    pub(super) at_least: u64,
    /// The share above which it speaks.
    pub(super) share: f64,
}

impl Rule {
    /// Whether it looks at what is known now.
    pub fn is_of_now(&self) -> bool {
        matches!(self.looks, Looks::Now(_))
    }

    /// From where on it speaks, for a rule over whole logs.
    pub fn limits(&self, of: &Thresholds) -> Option<Limits> {
        if let Looks::Logs(limits, _) = self.looks { Some(limits(of)) } else { None }
    }

    /// What it finds.
    pub(super) fn find(&'static self, input: &Input<'_>, found: &mut Vec<Finding>) {
        let Limits { at_least, share } = self.limits(input.limits).unwrap_or_default();
        let look = Look { rule: self, limits: input.limits, at_least, share };
        match (&self.looks, input.now, input.logs) {
            (Looks::Now(looks), Some(situation), _) => looks(&look, situation, found),
            (Looks::Logs(_, looks), _, Some(logs)) => {
                let before = found.len();
                looks(&look, logs, found);
                found.truncate(before + MOST_OF_A_RULE);
            }
            _ => {}
        }
    }
}

impl Look<'_> {
    /// The same with the thresholds of a channel.
    pub(super) fn of_channel(&self, channel: &str) -> Self {
        Self {
            rule: self.rule,
            limits: self.limits.of_channel(channel),
            at_least: self.at_least,
            share: self.share,
        }
    }

    /// The name of its alert.
    pub(super) fn rule_alert(&self) -> &'static str {
        self.rule.alert.unwrap_or_default()
    }

    /// A finding of the rule, reason enough for its alert.
    pub(super) fn finds(&self, what: String) -> Finding {
        self.finds_for(self.rule.alert, what)
    }

    /// A finding of the rule that is reason enough for another alert than that of its row.
    pub(super) fn finds_for(&self, alert: Option<&'static str>, what: String) -> Finding {
        let Rule { name, severity, sources, .. } = self.rule;
        let mut finding = Finding::new(*severity, name, what).with_runbook(alert);
        finding.alerts.extend(alert.map(|alert| AlertOf::new(alert, *severity, *sources)));
        finding
    }

    /// The same about a channel.
    pub(super) fn finds_in(&self, channel: &str, what: String) -> Finding {
        self.finds(what).of(channel).labelled("channel", channel)
    }

    /// How grave `part` of `whole` is. Below the rule's share it is nothing, or a note where a `few` are behind it.
    pub(super) fn weighs(&self, part: u64, whole: u64, few: bool) -> Option<Severity> {
        let much = share(part, whole.max(part)) > self.share;
        let severity = if much { self.rule.severity } else { Severity::Note };
        (part >= self.at_least && (much || few)).then_some(severity)
    }

    /// Whether `whole` is enough, and `part` more than the rule's share of it.
    pub(super) fn exceeded(&self, part: u64, whole: u64) -> bool {
        whole >= self.at_least && share(part, whole) > self.share
    }

    /// Whether so many of all delivery attempts are more than the rule's share of them.
    pub(super) fn is_much(&self, logs: &Logs<'_>, count: u64) -> bool {
        let attempts: u64 = logs.channels.iter().map(|row| row.attempts).sum();
        count >= self.at_least && share(count, attempts.max(count)) > self.share
    }
}
