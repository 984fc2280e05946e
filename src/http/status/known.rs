//! What the status page shows, as plain data: the page, its text and its JSON are three forms of it.

use std::sync::Arc;

use crate::aggregate::baseline::Band;
use crate::aggregate::recent::ChannelActivity;
use crate::alerting::Standing;
use crate::findings::situation::{Channel, Situation};
use crate::findings::{Finding, Input, Runbook, Severity, Thresholds, Weighed, share, with_explained};
use crate::metrics::ClientDisplay;
use crate::metrics::busiest::{self, Top};
use crate::observed::latest::Outline;
use crate::observed::{Observed, Readiness};
use crate::record::reason::Reason;

/// All of it, at one moment.
pub(in crate::http) struct Known<'a> {
    /// By the host's clock, Unix seconds.
    pub(in crate::http) at: f64,
    /// What the sources say.
    pub(in crate::http) situation: Situation,
    /// From where on something is a finding.
    pub(in crate::http) limits: &'a Thresholds,
    /// What is wrong, the gravest first, and what is explained by that. Of what is known there is always something to say.
    pub(in crate::http) findings: Vec<Weighed>,
    /// The alerts of the program's own.
    pub(in crate::http) alerts: Arc<Standing>,
    /// Who knocks.
    pub(in crate::http) busiest: Vec<Top>,
    /// What is read and what is not.
    pub(in crate::http) readiness: Readiness,
    /// How reading goes.
    pub(in crate::http) collectors: Vec<Outline>,
    /// Now, by the clock of these.
    pub(in crate::http) steady: f64,
    /// When the exporter started, Unix seconds.
    pub(in crate::http) started_at: f64,
}

impl<'a> Known<'a> {
    /// What is known now, with so many of each kind of the busiest.
    pub(in crate::http) fn now(observed: &'a Observed, clients: &ClientDisplay, busiest: usize) -> Self {
        let (situation, limits) = (observed.situation(observed.clock.now()), &observed.limits);
        Self {
            at: observed.clock.unix_seconds(),
            findings: with_explained(&Input { now: Some(&situation), logs: None, limits }),
            situation,
            limits,
            alerts: Arc::clone(&observed.alerts.lock()),
            busiest: busiest::all(observed, clients, busiest),
            readiness: observed.readiness(),
            collectors: observed.outlines().collect(),
            steady: observed.clock.steady_seconds(),
            started_at: observed.clock.started_at(),
        }
    }

    /// What is to be said, the gravest first, but for mail that goes out: nothing but what is critical comes before that. So
    /// the first one says whether mail flows.
    pub(in crate::http) fn said(&self) -> impl Iterator<Item = &Finding> {
        let all = || {
            let unexplained = self.findings.iter().filter(|weighed| weighed.by.is_none());
            unexplained.map(|weighed| &weighed.finding)
        };
        let is_grave = all().any(|finding| finding.severity == Severity::Critical);
        let is_first = move |finding: &&Finding| !is_grave && finding.severity == Severity::Good;
        all().filter(is_first).chain(all().filter(move |finding| !is_first(finding)))
    }

    /// How many things have to be looked at while mail goes out, as a sentence; nothing where there are none.
    pub(in crate::http) fn beside(&self) -> Option<String> {
        let goes_out = self.said().next().is_some_and(|first| first.severity == Severity::Good);
        let warnings = self.said().filter(|finding| finding.severity == Severity::Warning).count();
        match warnings {
            _ if !goes_out => None,
            0 => None,
            1 => Some("1 thing has to be looked at.".to_owned()),
            more => Some(format!("{more} things have to be looked at.")),
        }
    }

    /// The alerts whose runbooks are named there.
    pub(in crate::http) fn runbooks(&self) -> Vec<&'static str> {
        self.said().filter_map(|finding| finding.runbook).map(Runbook::name).collect()
    }

    /// What was found as well, and follows from a finding.
    pub(in crate::http) fn explained_by(&self, finding: &Finding) -> impl Iterator<Item = &Finding> {
        let explains = |other: &Finding| {
            let channels = finding.explains.iter().filter(|explained| explained.rule == other.rule);
            let mut channels = channels.map(|explained| explained.channel.as_ref());
            channels.any(|channel| channel.is_none() || channel == other.channel.as_ref())
        };
        let of_rule = self.findings.iter().filter(|weighed| weighed.by == Some(finding.rule));
        of_rule.map(|weighed| &weighed.finding).filter(move |other| explains(other))
    }

    /// A row for each channel that is in use.
    pub(in crate::http) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let in_use = self.situation.channels.iter().filter(|(_, channel)| channel.is_in_use());
        in_use.map(|(name, channel)| self.row(name, channel))
    }

    /// The row of a channel.
    pub(in crate::http) fn row<'b>(&self, name: &'b str, channel: &'b Channel) -> Row<'b> {
        let (limits, window) =
            (self.limits.of_channel(name), channel.traffic.as_ref().map(|traffic| &traffic.window));
        Row {
            name,
            window,
            enough: limits.attempts,
            fails: window.is_some_and(|window| limits.fails(window.failed(), window.attempts)),
            waiting: channel.queue.map(|queue| queue.messages),
            oldest: channel.queue.and_then(|queue| queue.oldest),
            never_tried: channel.queue.map(|queue| queue.never_tried),
            held: channel.queue.map(|queue| queue.held),
            stopped: channel.stopped,
            usual: self.situation.usual.queue.get(name).copied(),
        }
    }
}

/// What a channel does and holds; what is not known is absent.
pub(in crate::http) struct Row<'a> {
    /// Its name.
    pub(in crate::http) name: &'a str,
    /// What it did in the last five minutes.
    pub(in crate::http) window: Option<&'a ChannelActivity>,
    /// So many attempts say something.
    pub(in crate::http) enough: u64,
    /// Whether more of them failed than may.
    pub(in crate::http) fails: bool,
    /// Messages that wait.
    pub(in crate::http) waiting: Option<u64>,
    /// For how many seconds the oldest has.
    pub(in crate::http) oldest: Option<f64>,
    /// Messages that nobody has tried.
    pub(in crate::http) never_tried: Option<u64>,
    /// Held messages.
    pub(in crate::http) held: Option<u64>,
    /// Whether it was stopped by hand.
    pub(in crate::http) stopped: Option<bool>,
    /// How many messages are usual.
    pub(in crate::http) usual: Option<Band>,
}

impl Row<'_> {
    /// Recipients that came for it.
    pub(in crate::http) fn enqueued(&self) -> Option<u64> {
        self.window.map(|window| window.enqueued)
    }

    /// Recipients that it delivered or handed on.
    pub(in crate::http) fn delivered(&self) -> Option<u64> {
        self.window.map(ChannelActivity::delivered)
    }

    /// The share of its attempts that failed; nothing where none was made.
    pub(in crate::http) fn failing(&self) -> Option<f64> {
        let window = self.window.filter(|window| window.attempts > 0)?;
        Some(share(window.failed(), window.attempts))
    }

    /// Why most of them failed.
    pub(in crate::http) fn reason(&self) -> Option<Reason> {
        self.window?.main_reason()
    }

    /// Its attempts, where they are too few for their share to say much.
    pub(in crate::http) fn few(&self) -> Option<u64> {
        let window = self.window.filter(|window| window.failed() > 0)?;
        (window.attempts < self.enough).then_some(window.attempts)
    }
}
