//! An alert as those hear of it who are told: the labels that Prometheus would give it, and where it leads.

use crate::aggregate::time::UnixTime;
use crate::alerting::Alert;
pub(super) use crate::alerting::notice::{Notice, Texts};
use crate::config::Config;
use crate::rules::links::{Links, escaped};

/// The alert that always fires, whose silence shows that this program is dead. Never that of the rules: its silence
/// shows that Prometheus is.
pub(super) const WATCHDOG: &str = "ImsMtaSidecarWatchdog";

/// What all alerts of a site have.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// Those of the target.
    labels: Texts,
    links: Links,
    /// Says that this program spoke, and leads to its page.
    pub(super) generator: String,
}

impl Site {
    /// Without a label `instance` it is the name of this host, and the port of the pages.
    pub(super) fn new(config: &Config) -> Self {
        let alerting = &config.alerting;
        let instance = format!("{}:{}", host_name(), config.http.listen.port());
        let mut labels =
            Texts::from([("job".to_owned(), alerting.job.clone()), ("instance".to_owned(), instance)]);
        labels.extend(alerting.labels.iter().cloned());
        let site = Self { labels, links: Links::new(alerting), generator: String::new() };
        // A host, a port and brackets are as they are in a URL.
        let host = site.instance().split(':').map(escaped).collect::<Vec<_>>().join(":");
        let host = host.replace("%5B", "[").replace("%5D", "]");
        Self { generator: format!("http://{host}/"), ..site }
    }

    fn instance(&self) -> &str {
        self.labels.get("instance").map_or("", String::as_str)
    }

    /// What tells alerts of this target from others.
    pub(super) fn labels(&self) -> &Texts {
        &self.labels
    }

    /// An alert as it is told.
    pub(super) fn notice(&self, alert: &Alert) -> Notice {
        let mut labels = self.labels.clone();
        let own = alert.labels.iter().map(|(&name, value)| (name.to_owned(), value.clone()));
        // As to Prometheus, an empty label is none.
        labels.extend(own.filter(|(_, value)| !value.is_empty()));
        labels.insert("alertname".to_owned(), alert.name.to_owned());
        labels.insert("severity".to_owned(), alert.severity.label().to_owned());
        let mut annotations = Texts::from([
            ("summary".to_owned(), format!("{}: {}", self.instance(), alert.summary)),
            ("description".to_owned(), alert.description.clone()),
        ]);
        let links = [
            ("runbook_url", self.links.runbook(alert.name, &labels)),
            ("dashboard_url", self.links.dashboard(alert.name, alert.severity.label(), &labels)),
        ];
        annotations.extend(links.into_iter().filter_map(|(name, link)| Some((name.to_owned(), link?))));
        Notice { labels, annotations, since: UnixTime::of(alert.since.millis()) }
    }

    /// The dead man's beat.
    pub(super) fn watchdog(&self, since: UnixTime) -> Notice {
        let mut labels = self.labels.clone();
        labels.insert("alertname".to_owned(), WATCHDOG.to_owned());
        labels.insert("severity".to_owned(), "info".to_owned());
        let mut annotations = Texts::from([
            ("summary".to_owned(), format!("{}: the exporter watches the MTA.", self.instance())),
            (
                "description".to_owned(),
                "This alert always fires. Where it stops, the exporter on this host is dead, or does not reach this \
                 Alertmanager, and alerts of its own do not come either."
                    .to_owned(),
            ),
        ]);
        let link = self.links.runbook(WATCHDOG, &labels);
        annotations.extend(link.map(|link| ("runbook_url".to_owned(), link)));
        Notice { labels, annotations, since }
    }
}

/// The name that this host gives itself.
pub(super) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
