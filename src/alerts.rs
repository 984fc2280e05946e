//! `imsimta-exporter alerts`: what a running exporter says of its alerts, for people, and how bad that is. Its answer is
//! read as one of somebody else: another program may listen there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::findings::words::time;
use crate::listing::wrap;
use crate::text::escape::escaped;

/// Where texts begin: behind the state.
const INDENT: usize = 9;
/// More of one text is not shown.
const MOST_TEXT: usize = 2000;
/// Labels whose values say it all.
const CHANNELS: [&str; 2] = ["channel", "source_channel"];

/// The alerts of an exporter, as `/api/alerts` has them.
#[derive(Clone, Debug, Deserialize)]
pub struct Alerts {
    alerts: Vec<Alert>,
    /// How many more there would be.
    #[serde(default)]
    left_out: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct Alert {
    alertname: String,
    severity: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    state: String,
    /// Whether the configuration wants nobody to hear of it.
    #[serde(default)]
    silenced: bool,
    /// Why, where the configuration says it.
    silenced_because: Option<String>,
    /// Unix seconds, of one that fires.
    fires_since: Option<f64>,
    /// Of one that is pending.
    lasted_seconds: Option<f64>,
    not_looked_at_for_seconds: Option<f64>,
    summary: String,
    description: String,
    /// The path of its page.
    runbook: String,
}

/// The gravest of what fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravest {
    /// Nothing fires.
    Nothing,
    /// Something that can wait until the morning.
    Ticket,
    /// Something that wakes somebody.
    Page,
}

/// How a state is shown, the gravest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shown {
    Page,
    Ticket,
    Pending,
    Silenced,
}

/// For whom they are written.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// Where the exporter is, in words.
    pub place: &'a str,
    /// In which zone times are told.
    pub zone: TimeZone,
    /// Unix seconds.
    pub now: f64,
    /// Whether in colour.
    pub colour: bool,
}

impl Alerts {
    /// Reads the page.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// The gravest of what fires and is not silenced.
    pub fn gravest(&self) -> Gravest {
        let all = self.alerts.iter().map(|alert| match alert.shown() {
            Shown::Page => Gravest::Page,
            Shown::Ticket => Gravest::Ticket,
            Shown::Pending | Shown::Silenced => Gravest::Nothing,
        });
        all.max().unwrap_or(Gravest::Nothing)
    }

    /// All of them for people: printable ASCII, 80 columns, the gravest first.
    pub fn text(&self, view: &View<'_>) -> String {
        let mut text = String::new();
        wrap(&mut text, "", 2, &format!("{}: {}", view.place, self.counts()));
        let mut sorted: Vec<_> = self.alerts.iter().collect();
        sorted.sort_by_key(|alert| alert.shown());
        for alert in sorted {
            text.push('\n');
            alert.write(&mut text, view);
        }
        text
    }

    fn counts(&self) -> String {
        let count = |of: &[Shown]| self.alerts.iter().filter(|alert| of.contains(&alert.shown())).count();
        let mut said = vec![match count(&[Shown::Page, Shown::Ticket]) {
            0 => "no alert fires".to_owned(),
            1 => "1 alert fires".to_owned(),
            many => format!("{many} alerts fire"),
        }];
        for (count, what) in [(count(&[Shown::Pending]), "pending"), (count(&[Shown::Silenced]), "silenced")]
        {
            match count {
                0 => {}
                1 => said.push(format!("1 is {what}")),
                many => said.push(format!("{many} are {what}")),
            }
        }
        if self.left_out > 0 {
            said.push(format!("for {} more there is no room", self.left_out));
        }
        said.join(", ") + "."
    }
}

impl Alert {
    fn shown(&self) -> Shown {
        match (self.silenced, self.state.as_str(), self.severity.as_str()) {
            (true, ..) => Shown::Silenced,
            (_, "firing", "critical") => Shown::Page,
            (_, "firing", _) => Shown::Ticket,
            _ => Shown::Pending,
        }
    }

    fn write(&self, text: &mut String, view: &View<'_>) {
        let shown = self.shown();
        let head = format!("{:<INDENT$}", shown.word());
        let mut first = String::new();
        wrap(&mut first, &head, INDENT, &clean(&format!("{} {}", self.severity, self.name_and_labels())));
        match shown.colour().filter(|_| view.colour) {
            Some(colour) => {
                let painted = format!("\x1b[{colour}m{}\x1b[0m", shown.word());
                text.push_str(&first.replacen(shown.word(), &painted, 1));
            }
            None => text.push_str(&first),
        }
        let description = if shown == Shown::Pending { "" } else { self.description.as_str() };
        let page = format!("http://{}{}", view.place, self.runbook);
        for line in [self.since(view).as_str(), &self.summary, description, &page] {
            if !line.is_empty() {
                wrap(text, &" ".repeat(INDENT), INDENT, &clean(line));
            }
        }
    }

    /// The channel as it is, all other labels with their names.
    fn name_and_labels(&self) -> String {
        let channels = CHANNELS.iter().filter_map(|name| self.labels.get(*name).cloned());
        let others = self.labels.iter().filter(|(name, _)| !CHANNELS.contains(&name.as_str()));
        let others = others.map(|(name, value)| format!("{name}={value}"));
        let labels = channels.chain(others).filter(|label| !label.is_empty());
        std::iter::once(self.alertname.clone()).chain(labels).collect::<Vec<_>>().join(" ")
    }

    fn since(&self, view: &View<'_>) -> String {
        let since = match (self.fires_since, self.lasted_seconds) {
            (Some(since), _) => {
                format!("since {}, {}", moment(since, &view.zone), time((view.now - since).max(0.0)))
            }
            (None, Some(lasted)) => format!("there for {}, and has to last", time(lasted)),
            (None, None) => String::new(),
        };
        let unseen = self.not_looked_at_for_seconds;
        let unseen = unseen.map(|unseen| format!("; nobody could look for {}", time(unseen)));
        let silenced = self.silenced_because.as_ref().map(|reason| format!("; silenced: {reason}"));
        since + &unseen.unwrap_or_default() + &silenced.unwrap_or_default()
    }
}

impl Shown {
    fn word(self) -> &'static str {
        match self {
            Self::Page | Self::Ticket => "FIRING",
            Self::Pending => "pending",
            Self::Silenced => "silenced",
        }
    }

    /// What a terminal is told.
    fn colour(self) -> Option<&'static str> {
        match self {
            Self::Page => Some("1;31"),
            Self::Ticket => Some("33"),
            Self::Pending | Self::Silenced => None,
        }
    }
}

fn clean(text: &str) -> String {
    escaped(text.as_bytes(), MOST_TEXT)
}

/// A moment in a zone; nothing readable where there is no such one.
fn moment(unix_seconds: f64, zone: &TimeZone) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "a float that does not fit is the nearest that does")]
    let moment = Timestamp::from_second(unix_seconds as i64).unwrap_or_default();
    moment.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use jiff::tz::TimeZone;
    use serde_json::{Value, json};

    use super::{Alerts, Gravest, View};

    fn alert(name: &str, severity: &str, state: &str, labels: &Value) -> Value {
        let firing = state == "firing";
        json!({
            "alertname": name, "severity": severity, "labels": labels, "state": state,
            "fires_since": firing.then_some(1_795_905_670.25), "lasted_seconds": (!firing).then_some(61.0),
            "not_looked_at_for_seconds": null, "summary": format!("{name} is so."),
            "description": "What shows it, in a sentence that is longer than a line of a terminal is wide.",
            "runbook": format!("/runbooks/{name}"),
        })
    }

    fn read(alerts: &[Value]) -> Alerts {
        let page = json!({ "alerts": alerts, "left_out": 0, "more": "of a later release" });
        Alerts::read(page.to_string().as_bytes()).expect("a page")
    }

    fn view(colour: bool) -> View<'static> {
        View { place: "127.0.0.1:9797", zone: TimeZone::UTC, now: 1_795_905_800.0, colour }
    }

    #[track_caller]
    fn check(alerts: &[Value], gravest: Gravest, expected: &Expect) {
        let alerts = read(alerts);
        let text = alerts.text(&view(false));
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        expected.assert_eq(&text);
        assert_eq!(alerts.gravest(), gravest);
    }

    #[test]
    fn the_gravest_come_first_with_all_that_is_to_be_known() {
        let mut unseen = alert("ImsMtaQueueStuck", "warning", "pending", &json!({ "channel": "ims-ms" }));
        unseen["not_looked_at_for_seconds"] = json!(30.0);
        check(
            &[
                unseen,
                alert("ImsMtaNoBanner", "warning", "firing", &json!({ "port": "25", "channel": "" })),
                alert("ImsMtaDeliveryFailureSpike", "critical", "firing", &json!({ "channel": "tcp_local" })),
            ],
            Gravest::Page,
            &expect![[r#"
                127.0.0.1:9797: 2 alerts fire, 1 is pending.

                FIRING   critical ImsMtaDeliveryFailureSpike tcp_local
                         since 2026-11-28 22:41:10, 2 minutes
                         ImsMtaDeliveryFailureSpike is so.
                         What shows it, in a sentence that is longer than a line of a terminal
                         is wide.
                         http://127.0.0.1:9797/runbooks/ImsMtaDeliveryFailureSpike

                FIRING   warning ImsMtaNoBanner port=25
                         since 2026-11-28 22:41:10, 2 minutes
                         ImsMtaNoBanner is so.
                         What shows it, in a sentence that is longer than a line of a terminal
                         is wide.
                         http://127.0.0.1:9797/runbooks/ImsMtaNoBanner

                pending  warning ImsMtaQueueStuck ims-ms
                         there for 61 s, and has to last; nobody could look for 30 s
                         ImsMtaQueueStuck is so.
                         http://127.0.0.1:9797/runbooks/ImsMtaQueueStuck
            "#]],
        );
    }

    #[test]
    fn what_is_pending_or_silenced_is_nothing_that_fires() {
        check(
            &[],
            Gravest::Nothing,
            &expect![[r#"
            127.0.0.1:9797: no alert fires.
        "#]],
        );
        let mut silenced = alert("ImsMtaHeldMessages", "warning", "firing", &json!({}));
        silenced["silenced"] = json!(true);
        silenced["silenced_because"] = json!("they are looked at on Mondays");
        let pending = alert("ImsMtaHeldMessages", "critical", "pending", &json!({}));
        check(
            &[silenced, pending],
            Gravest::Nothing,
            &expect![[r#"
                127.0.0.1:9797: no alert fires, 1 is pending, 1 is silenced.

                pending  critical ImsMtaHeldMessages
                         there for 61 s, and has to last
                         ImsMtaHeldMessages is so.
                         http://127.0.0.1:9797/runbooks/ImsMtaHeldMessages

                silenced warning ImsMtaHeldMessages
                         since 2026-11-28 22:41:10, 2 minutes; silenced: they are looked at on
                         Mondays
                         ImsMtaHeldMessages is so.
                         What shows it, in a sentence that is longer than a line of a terminal
                         is wide.
                         http://127.0.0.1:9797/runbooks/ImsMtaHeldMessages
            "#]],
        );
        check(
            &[alert("ImsMtaHeldMessages", "warning", "firing", &json!({}))],
            Gravest::Ticket,
            &expect![[r#"
                127.0.0.1:9797: 1 alert fires.

                FIRING   warning ImsMtaHeldMessages
                         since 2026-11-28 22:41:10, 2 minutes
                         ImsMtaHeldMessages is so.
                         What shows it, in a sentence that is longer than a line of a terminal
                         is wide.
                         http://127.0.0.1:9797/runbooks/ImsMtaHeldMessages
            "#]],
        );
    }

    /// Whoever answers there may be anybody.
    #[test]
    fn nothing_reaches_the_terminal_but_its_text() {
        let mut wild = alert("\x1b[2J", "critical", "firing", &json!({ "a\n": "\u{202e}" }));
        wild["summary"] = json!("x".repeat(1_000_000));
        wild["fires_since"] = json!(1e300);
        let text = read(&[wild.clone()]).text(&view(false));
        assert!(text.len() < 5000 && text.lines().all(|line| line.len() <= 80), "{text}");
        assert!(text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{text}");
        let painted = read(&[wild]).text(&view(true));
        assert_eq!(painted.matches('\x1b').count(), 2, "{painted}");
        assert!(painted.contains("\x1b[1;31mFIRING\x1b[0m   "), "{painted}");
        for page in ["", "{}", "[]", "{\"alerts\":[{}]}"] {
            assert!(Alerts::read(page.as_bytes()).is_err(), "{page}");
        }
    }
}
