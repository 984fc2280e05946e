//! Alerts that a site wants nobody to be told of: they are found and shown, and sent nowhere.

use super::alert::Identity;
use crate::findings::rules::RULES;

/// What is silenced: an alert, those of a channel, or an alert of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// The alert; none for any.
    pub alert: Option<&'static str>,
    /// The channel; none for any, and for what is about none.
    pub channel: Option<String>,
    /// Why, for people; may be empty.
    pub reason: String,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Silences(Vec<Silence>);

impl From<Vec<Silence>> for Silences {
    fn from(silences: Vec<Silence>) -> Self {
        Self(silences)
    }
}

impl Silences {
    /// Why an alert is silenced, which may be empty; nothing where it is not.
    pub fn of(&self, identity: &Identity) -> Option<&str> {
        let channel = ["channel", "source_channel"].iter().find_map(|label| identity.labels.get(label));
        let is_meant = |silence: &&Silence| {
            silence.alert.is_none_or(|alert| alert == identity.name)
                && silence.channel.as_ref().is_none_or(|meant| Some(meant) == channel)
        };
        self.0.iter().find(is_meant).map(|silence| silence.reason.as_str())
    }
}

/// The alerts that this program finds, each once.
pub fn names() -> impl Iterator<Item = &'static str> {
    let of_now = || RULES.iter().filter(|rule| rule.is_of_now());
    let names = of_now().enumerate().filter_map(|(at, rule)| Some((at, rule.alert?)));
    names
        .filter(move |(at, alert)| of_now().take(*at).all(|other| other.alert != Some(alert)))
        .map(|(_, alert)| alert)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Identity, Silence, Silences, names};
    use crate::aggregate::time::UnixTime;
    use crate::alerting::noticed::Noticed;
    use crate::alerting::{Machine, Moment, Standing, State};
    use crate::findings::alert_of::Patience;
    use crate::findings::source::Sources;

    #[test]
    fn an_alert_a_channel_or_both_are_silenced() {
        let silence = |alert, channel: Option<&str>, reason: &str| Silence {
            alert,
            channel: channel.map(str::to_owned),
            reason: reason.to_owned(),
        };
        let silences = Silences::from(vec![
            silence(Some("ImsMtaHeldMessages"), Some("tcp_filter"), "on purpose"),
            silence(None, Some("tcp_test"), ""),
            silence(Some("ImsMtaLogGrowing"), None, "moved away each month"),
        ]);
        for (name, labels, expected) in [
            ("ImsMtaHeldMessages", &[("channel", "tcp_filter")][..], Some("on purpose")),
            ("ImsMtaHeldMessages", &[("channel", "l")], None),
            ("ImsMtaQueueStuck", &[("channel", "tcp_filter")], None),
            ("ImsMtaQueueStuck", &[("channel", "tcp_test")], Some("")),
            ("ImsMtaEnqueueSurge", &[("source_channel", "tcp_test")], Some("")),
            ("ImsMtaLogGrowing", &[], Some("moved away each month")),
            ("ImsMtaDispatcherDown", &[("process", "dispatcher")], None),
        ] {
            let labels = labels.iter().map(|&(label, value)| (label, value.to_owned())).collect();
            assert_eq!(silences.of(&Identity { name, severity: "warning", labels }), expected, "{name}");
        }
    }

    /// It fires all the same, and whoever looks sees it.
    #[test]
    fn what_is_silenced_fires_and_nobody_is_told() {
        let only = Silence { alert: None, channel: Some("tcp_test".to_owned()), reason: "a test".to_owned() };
        let mut machine = Machine::default().silencing(vec![only].into());
        let noticed = |channel: &str| Noticed {
            identity: Identity {
                name: "ImsMtaHeldMessages",
                severity: "warning",
                labels: [("channel", channel.to_owned())].into(),
            },
            waits: Patience::default(),
            stays: Duration::ZERO,
            sources: Sources::default(),
            summary: format!("{channel}: 3 held messages."),
            description: String::new(),
            explained: false,
        };
        machine.step(Moment {
            at: Duration::ZERO,
            hurry: 1,
            unix: UnixTime::of(0),
            noticed: vec![noticed("l"), noticed("tcp_test")],
            sees: &|_, _| true,
        });
        let told: Vec<_> = machine.firing().into_iter().map(|alert| alert.summary).collect();
        assert_eq!(told, ["l: 3 held messages."]);
        let standing = Standing::of(&machine, Sources::default(), 0);
        let shown: Vec<_> =
            standing.firing().into_iter().map(|(identity, _)| standing.silenced(identity)).collect();
        assert_eq!((shown, standing.silent()), (vec![None, Some("a test")], 1));
        assert_eq!(standing.states().into_values().filter(|&state| state == State::Firing).count(), 2);
    }

    #[test]
    fn each_alert_has_its_name_once() {
        let mut all: Vec<_> = names().collect();
        let found = all.len();
        all.sort_unstable();
        all.dedup();
        assert!(all.len() == found && found > 40, "{found}");
    }
}
