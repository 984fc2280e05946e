//! Receivers tried by hand: a test alert sent through all of them, or a look at each in which nothing is sent.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use jiff::Timestamp;
use tokio::time::timeout;

use super::api::{self, Posted};
use super::beat;
use super::client::{Client, Patience};
use super::failed::Failed;
use super::notice::{Notice, Site};
use super::secrets::Files;
use super::way::{Way, ways};
use crate::aggregate::time::{Millis, Monotonic, Time, UnixTime};
use crate::alerting::Alert;
use crate::alerting::telling::{Manner, Notification, Now};
use crate::config::{Config, nearest};
use crate::findings::Severity;
use crate::findings::thresholds::table;
use crate::observed::Clock;
use crate::observed::notified::Failure;

/// How long a test is good for: longer than a receiver waits for more of a group, and short enough to be no nuisance.
const LASTS: Millis = Millis::of_minutes(2);
/// The label that marks a test, with its time as the value: each is an alert of its own, and none is taken for a real one.
pub const MARK: &str = "test";
/// All that is asked ends by itself, commands after what the configuration gives them.
const LONGEST: Duration = Duration::from_mins(5);

/// What is tried.
#[derive(Clone, Debug)]
pub(super) enum Try {
    /// Whether it could be told. Nothing is sent.
    Look,
    /// Whether it takes this one.
    Send(Notice),
}

/// One receiver, about to be tried.
pub(super) struct Trial {
    receiver: String,
    answer: Pin<Box<dyn Future<Output = Result<String, Failed>> + Send>>,
}

impl Trial {
    pub(super) fn new(
        receiver: impl Into<String>,
        answer: impl Future<Output = Result<String, Failed>> + Send + 'static,
    ) -> Self {
        Self { receiver: receiver.into(), answer: Box::pin(answer) }
    }
}

/// What became of trying one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Its name: no secret.
    pub receiver: String,
    /// What it answered, or why it could not be told, in words.
    pub answer: Result<String, String>,
}

/// An alert of which a test can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Test {
    name: &'static str,
    severity: Severity,
}

impl Test {
    /// That of a name in the table of alerts, in its graver form where there are two. The switches of dead men are none:
    /// a test of them would say that somebody lives.
    ///
    /// # Errors
    ///
    /// No such alert; the nearest one is named.
    pub fn named(name: &str) -> Result<Self, String> {
        if let Some(test) = Self::all().filter(|test| test.name == name).min_by_key(|test| test.severity) {
            return Ok(test);
        }
        Err(match nearest(name, Self::all().map(|test| test.name)) {
            Some(alert) => format!("there is no such alert; did you mean {alert}?"),
            None => "there is no such alert; docs/alerts.md and the page /runbooks/ have them all".to_owned(),
        })
    }

    fn all() -> impl Iterator<Item = Self> {
        table().alerts.iter().filter_map(|row| {
            let severities = [Severity::Critical, Severity::Warning];
            let severity = severities.into_iter().find(|severity| severity.label() == row.severity)?;
            Some(Self { name: &row.alert, severity })
        })
    }

    fn notice(self, site: &Site, now: UnixTime) -> Notice {
        let mut notice = site.notice(&Alert {
            name: self.name,
            severity: self.severity,
            labels: BTreeMap::new(),
            summary: "TEST, nothing is wrong: somebody tries whether alerts get through.".to_owned(),
            description: format!(
                "imsimta-exporter alerts --test {} was run on this host. This alert ends by itself, after two minutes at most.",
                self.name
            ),
            since: Time::of(now.millis()),
        });
        let stamp = Timestamp::from_millisecond(now.millis()).unwrap_or_default();
        notice.labels.insert(MARK.to_owned(), stamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        notice
    }
}

/// Sends a test to all who are told; nothing where nobody is.
///
/// # Errors
///
/// The system refuses what it takes to ask several at once.
pub fn send(config: &Config, test: Test) -> io::Result<Vec<Tried>> {
    let site = Arc::new(Site::new(config));
    let notice = test.notice(&site, Clock::start().unix());
    tried(trials(config, &site, &Try::Send(notice)))
}

/// Looks at each who would be told: what it takes to reach it, and whether it can be. Nothing is sent.
///
/// # Errors
///
/// As [`send`].
pub fn look(config: &Config) -> io::Result<Vec<Tried>> {
    tried(trials(config, &Arc::new(Site::new(config)), &Try::Look))
}

/// All receivers, in the order of the metrics.
fn trials(config: &Config, site: &Arc<Site>, how: &Try) -> Vec<Trial> {
    let alerting = &config.alerting;
    let alertmanagers = super::alertmanagers(alerting).iter().map(|uri| {
        let told = alertmanager(uri.clone(), super::files(alerting), Arc::clone(site), how.clone());
        Trial::new(super::name(uri), told)
    });
    let beat = alerting
        .beat_url_file
        .clone()
        .map(|url| Trial::new(beat::NAME, beats(Files { url: Some(url), ..Files::default() }, how.clone())));
    let clock = Clock::start();
    let ways = ways(config, clock).into_iter().map(|(way, manner)| {
        Trial::new(way.name(), tells(way, manner, Arc::clone(site), how.clone(), clock))
    });
    alertmanagers.chain(beat).chain(ways).collect()
}

/// Tries them side by side.
fn tried(trials: Vec<Trial>) -> io::Result<Vec<Tried>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answers = runtime.block_on(async {
        let started: Vec<_> = trials
            .into_iter()
            .map(|trial| (trial.receiver, tokio::spawn(timeout(LONGEST, trial.answer))))
            .collect();
        let mut answers = Vec::new();
        for (receiver, answer) in started {
            let answer = match answer.await {
                Ok(Ok(answer)) => answer.map_err(|failed| failed.to_string()),
                Ok(Err(_)) => Err(format!("no end after {} s", LONGEST.as_secs())),
                Err(died) => Err(died.to_string()),
            };
            answers.push(Tried { receiver, answer });
        }
        answers
    });
    // What hangs in the kernel is left behind.
    runtime.shutdown_background();
    Ok(answers)
}

/// An Alertmanager is asked first, as before each word of the service: its clock is the one that counts.
async fn alertmanager(uri: Uri, files: Files, site: Arc<Site>, how: Try) -> Result<String, Failed> {
    let mut client = Client::new(files, Patience::default());
    let list = api::list(&mut client, &uri, site.labels()).await?;
    let Try::Send(notice) = how else {
        return Ok(match list.alerts.len() {
            0 => "it answers, and shows no alert of this host".to_owned(),
            1 => "it answers, and shows 1 alert of this host".to_owned(),
            many => format!("it answers, and shows {many} alerts of this host"),
        });
    };
    let now = list.now.unwrap_or(notice.since);
    // Of another speaker than the service, which would else end what it did not say.
    let generator = format!("{}#{MARK}", site.generator);
    api::post(&mut client, &uri, &[Posted::new(&notice, &generator, now, now.and(LASTS))]).await?;
    match api::taken(&mut client, &uri, &notice.labels).await? {
        Some(taken) => Ok(taken.words()),
        None => Err(Failed::new(Failure::Answer, "it took the test, and does not show it")),
    }
}

/// Nobody but this program ends a test that it hears of: it is told the end right behind.
async fn tells(
    mut way: Way,
    manner: Manner,
    site: Arc<Site>,
    how: Try,
    clock: Clock,
) -> Result<String, Failed> {
    let Try::Send(notice) = how else { return way.look().await };
    let severity = notice.label("severity");
    if manner.severities.iter().all(|told| told.label() != severity) {
        return Ok(format!("left out: {severity} is none of its severities"));
    }
    let now = || Now { monotonic: Monotonic::from(clock.monotonic()), unix: clock.unix() };
    let begins = Notification { firing: vec![notice.clone()], resolved: Vec::new() };
    way.tell(&begins, &site, now()).await?;
    if manner.send_resolved {
        let ends = Notification { firing: Vec::new(), resolved: vec![(notice, clock.unix())] };
        let ended = way.tell(&ends, &site, now()).await;
        ended.map_err(|failed| Failed::new(failed.how, format!("took it, and not its end: {failed}")))?;
    }
    Ok(way.took().to_owned())
}

/// A beat that is asked for by hand would say that the service lives.
async fn beats(files: Files, how: Try) -> Result<String, Failed> {
    match how {
        Try::Look => Client::new(files, Patience::default())
            .reach(None)
            .await
            .map(|()| "its URL can be reached; it was not asked for, which would be a beat".to_owned()),
        Try::Send(_) => Ok("left out: a beat says that the exporter lives, and is no alert".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{MARK, Severity, Test};
    use crate::aggregate::time::UnixTime;
    use crate::config::Config;
    use crate::findings::thresholds::table;
    use crate::notify::notice::{Site, WATCHDOG};

    #[test]
    fn every_alert_but_a_dead_mans_switch_can_be_tested() {
        for row in &table().alerts {
            assert_eq!(Test::named(&row.alert).is_ok(), row.severity != "info", "{}", row.alert);
        }
        let stuck = Test::named("ImsMtaQueueStuck").expect("an alert");
        assert_eq!(stuck.severity, Severity::Critical);
        for (name, expected) in [
            ("ImsMtaQueueStack", "did you mean ImsMtaQueueStuck?"),
            ("imsmtaqueuestuck", "did you mean ImsMtaQueueStuck?"),
            ("x", "docs/alerts.md"),
            ("", "docs/alerts.md"),
            ("ImsMtaWatchdog", "there is no such alert"),
            (WATCHDOG, "there is no such alert"),
        ] {
            let said = Test::named(name).expect_err(name);
            assert!(said.contains(expected), "{name}: {said}");
        }
    }

    #[test]
    fn a_test_says_that_it_is_one_and_is_no_other_alert() {
        let mut config = Config::default();
        config.alerting.labels = vec![("instance".to_owned(), "mx1:9797".to_owned())];
        let site = Site::new(&config);
        let notice =
            Test::named("ImsMtaNoBanner").expect("an alert").notice(&site, UnixTime::of(1_795_905_670_250));
        assert_eq!(notice.labels[MARK], "2026-11-28T22:41:10Z");
        assert_eq!(notice.labels["alertname"], "ImsMtaNoBanner");
        assert_eq!(notice.labels["severity"], "critical");
        assert!(notice.annotations["summary"].starts_with("mx1:9797: TEST, nothing is wrong"), "{notice:?}");
    }
}
