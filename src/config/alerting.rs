//! `[alerting]`: for whom `imsimta-exporter rules` renders the rules, and who is told of alerts.

use std::path::PathBuf;
use std::time::Duration;

use hyper::Uri;

use super::by_channel::{ByChannel, silences, thresholds};
use super::error::quoted;
use super::keys::section;
use super::value::{Refusal, duration, many, one, optional, path, yes_or_no};
use crate::alerting::silence::Silences;
use crate::alerting::speaker::Mode;

/// What stands for the name of an alert in the URL of a runbook.
pub const NAME: &str = "NAME";
/// The shortest interval: what the page within a minute is made for.
const SHORTEST: Duration = Duration::from_secs(10);
/// The longest one: with more, windows of minutes would hold nothing to compare.
const LONGEST: Duration = Duration::from_mins(1);
/// The most Alertmanagers that are told.
pub const MOST_ALERTMANAGERS: usize = 8;
/// The most labels of a target.
const MOST_LABELS: usize = 16;
/// The longest value of one.
const LONGEST_LABEL: usize = 256;
/// The end of "expected …".
const FILE: &str = "the path of a file";

section! {
    alerting: Alerting "For whom `imsimta-exporter rules` renders the rules of Prometheus, and whom this program tells of alerts by itself: docs/alertmanager.md.";

    job: String = one(job), flag "--job",
        expects "the name of a job of Prometheus, of letters, digits, and any of _ - . / :",
        default "imsimta".to_owned() => "\"imsimta\"",
        "The job that scrapes the exporters.";

    scrape_interval: Duration = one(|text| duration(text, SHORTEST, LONGEST)), flag "--scrape-interval",
        expects "a duration from 10s to 60s such as \"30s\"",
        default SHORTEST => "\"10s\"",
        "How often it does. Windows that would hold too few scrapes grow, and alerts come later.";

    runbook_url: String = one(runbook_url), flag "--runbook-url",
        expects "a URL in which NAME stands for the alert such as \"https://wiki.example.org/mail/NAME.md\"",
        default "http://{{ $labels.instance }}/runbooks/NAME".to_owned() => "\"http://{{ $labels.instance }}/runbooks/NAME\"",
        "Where alerts have their runbooks: unless set, on the pages of the exporter itself. It may hold templates of Prometheus such as `{{ $labels.instance }}`; set it where exporters are behind TLS or `instance` is no address. Alerts about an exporter that does not answer never lead to it.";

    dashboard_url: String = one(url), flag "--dashboard-url",
        expects "a URL such as \"https://grafana.example.org\"",
        default "http://localhost:3000".to_owned() => "\"http://localhost:3000\"",
        "Where Grafana is.";

    alertmanagers: Vec<Uri> = many(MOST_ALERTMANAGERS, alertmanager),
        expects "a list of at most 8 URLs such as [\"http://127.0.0.1:9093\"]",
        default Vec::new() => "[]",
        "The Alertmanagers that this program tells of alerts, all those that Prometheus tells. None: it tells nobody.";

    mode: Mode = one(mode),
        expects "\"backup\", \"always\" or \"off\"",
        default Mode::Backup => "\"backup\"",
        "When it does: where no other speaks of the same alert, such as a Prometheus with the rules; whoever else does; never. It is about \
         Alertmanagers alone.";

    labels: Vec<(String, String)> = many(MOST_LABELS, label),
        expects "a list of at most 16 labels such as [\"instance=mx1.example.com:9797\", \"cluster=eu\"]",
        default Vec::new() => "[]",
        "What Prometheus adds to alerts of this target, with its external labels: the same labels are the same alert. \
         `instance` has to be there where alertmanagers are; `job` is that of above unless it is.";

    ca_file: Option<PathBuf> = optional(path),
        expects FILE,
        found "the authorities that the system trusts" => "\"/etc/imsimta-exporter/ca.pem\"",
        "The authorities, in PEM, of which one has to vouch for the certificates of Alertmanagers. This file and those \
         below are read each time.";

    client_cert_file: Option<PathBuf> = optional(path),
        expects FILE,
        found "no certificate is shown" => "\"/etc/imsimta-exporter/client.pem\"",
        "A certificate of this program that Alertmanagers ask for.";

    client_key_file: Option<PathBuf> = optional(path),
        expects FILE,
        found "no certificate is shown" => "\"/etc/imsimta-exporter/client.key\"",
        "The key of that.";

    user: Option<String> = optional(user),
        expects "the name of a user without a colon",
        found "no password is sent" => "\"imsimta\"",
        "Whose password Alertmanagers ask for.";

    password_file: Option<PathBuf> = optional(path),
        expects FILE,
        found "no password is sent" => "\"/etc/imsimta-exporter/password\"",
        "The file of that password.";

    token_file: Option<PathBuf> = optional(path),
        expects FILE,
        found "no token is sent" => "\"/etc/imsimta-exporter/token\"",
        "The file of a bearer token, sent instead of a password.";

    beat_url_file: Option<PathBuf> = optional(path),
        expects FILE,
        found "no URL is asked for" => "\"/etc/imsimta-exporter/beat.url\"",
        "The file of a secret URL that is asked for each minute while alerts are looked for: whoever has it raises the alarm \
         when that stops.";

    silenced: Silences = silences,
        expects "a list of at most 256 entries such as [\"ImsMtaHeldMessages tcp_filter: it holds mail on purpose\", \"* tcp_test\"]",
        default Silences::default() => "[]",
        "Alerts that this program finds and tells nobody of: an alert, an alert of a channel, or all of a channel, with a reason behind a \
         colon. They are shown as silenced. Prometheus does not know of that: docs/alerts.md says how it is told.";

    thresholds_by_channel: ByChannel = thresholds,
        expects "a list of at most 256 entries such as [\"tcp_list failing_share=0.9\"]",
        default ByChannel::new() => "[]",
        "Thresholds of single channels, for what this program finds; docs/alerts.md has those that may be.";

    budget: bool = one(yes_or_no), flag "--budget",
        expects "true or false",
        default false,
        "Whether the alerts on an error budget are rendered as well; `budget_share` of `[alerting.thresholds]` is the objective.";
}

fn mode(text: &str) -> Result<Mode, Refusal> {
    let found = Mode::ALL.iter().copied().find(|mode| mode.label() == text);
    found.ok_or_else(|| Refusal::new("there is no such mode"))
}

pub(super) fn user(text: &str) -> Result<String, Refusal> {
    if text.is_empty() || text.contains(':') || text.contains(char::is_control) {
        return Err(Refusal::new("no password goes with such a name"));
    }
    Ok(text.to_owned())
}

/// As Prometheus has it in `static_configs` and `path_prefix`. A password in it would be shown.
pub(super) fn alertmanager(text: &str) -> Result<Uri, Refusal> {
    let uri: Uri = text.trim_end_matches('/').parse().map_err(|_| Refusal::new("this is no URL"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return Err(Refusal::new("it begins with neither http:// nor https:// and a host"));
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(Refusal::new("a name of a user is in it, which user and password_file are for"));
    }
    if uri.query().is_some() || text.contains('#') {
        return Err(Refusal::new("more than host, port and path is in it"));
    }
    Ok(uri)
}

fn label(text: &str) -> Result<(String, String), Refusal> {
    let (name, value) = text.split_once('=').ok_or_else(|| Refusal(format!("{} has no =", quoted(text))))?;
    let mut letters = name.bytes();
    let begins = letters.next().is_some_and(|letter| letter.is_ascii_alphabetic() || letter == b'_');
    if !begins || !letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'_') {
        return Err(Refusal(format!("{} is no name of a label", quoted(name))));
    }
    if matches!(name, "alertname" | "severity") {
        return Err(Refusal(format!("{name} is the alert's own")));
    }
    if value.is_empty() || value.len() > LONGEST_LABEL || value.contains(char::is_control) {
        return Err(Refusal(format!("the value of {name} is empty, too long or not printable")));
    }
    Ok((name.to_owned(), value.to_owned()))
}

impl Alerting {
    /// Whether anybody is told of alerts.
    pub fn tells(&self) -> bool {
        !self.alertmanagers.is_empty() && self.mode != Mode::Off
    }

    /// Whether anything of it is looked at while the program runs.
    pub fn is_of_use(&self) -> bool {
        self.tells() || self.beat_url_file.is_some()
    }

    /// A key that does not go with the others, and why.
    pub(super) fn misplaced(&self) -> Option<(&'static str, &'static str)> {
        let named = |label: &str| self.labels.iter().any(|(name, _)| name == label);
        let pairs = [
            ("client_cert_file", self.client_cert_file.is_some(), self.client_key_file.is_some()),
            ("user", self.user.is_some(), self.password_file.is_some()),
        ];
        if let Some((key, ..)) = pairs.iter().find(|(_, first, second)| first != second) {
            return Some((
                key,
                match *key {
                    "user" => "user and password_file go together",
                    _ => "client_cert_file and client_key_file go together",
                },
            ));
        }
        (self.tells() && !named("instance")).then_some((
            "labels",
            "instance is missing: alerts of this program and of Prometheus would be two",
        ))
    }
}

fn job(text: &str) -> Result<String, Refusal> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./:".contains(letter);
    match text.chars().find(|letter| !plain(*letter)) {
        _ if text.is_empty() => Err(Refusal::new("it is empty")),
        Some(letter) => Err(Refusal(format!("it has {}", quoted(&letter.to_string())))),
        None => Ok(text.to_owned()),
    }
}

fn runbook_url(text: &str) -> Result<String, Refusal> {
    let url = url(text)?;
    if url.contains(NAME) { Ok(url) } else { Err(Refusal(format!("{NAME} is not in it"))) }
}

/// It stands in YAML without quotes; blanks may only be in a template.
fn url(text: &str) -> Result<String, Refusal> {
    if !["http://", "https://"].iter().any(|scheme| text.len() > scheme.len() && text.starts_with(scheme)) {
        return Err(Refusal::new("it begins with neither http:// nor https://"));
    }
    let outside: String = text
        .split("{{")
        .enumerate()
        .map(|(at, part)| if at == 0 { part } else { part.split_once("}}").map_or(" ", |(_, rest)| rest) })
        .collect();
    if outside.contains(|letter: char| letter.is_whitespace() || letter.is_control())
        || text.contains(['\n', '#'])
    {
        return Err(Refusal::new("a blank, a #, or braces without an end are in it"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use crate::config::tests::load_text;
    use crate::config::{Flags, Threshold};

    #[test]
    fn thresholds_of_alerts_alone_are_keys() {
        let config = load_text("[alerting.thresholds]\nspike_window = \"2m\"\n", &[], Flags::default())
            .expect("valid");
        let row = config.thresholds.row("spike_window").expect("a row");
        assert_eq!(row.value, Threshold::Duration(std::time::Duration::from_mins(2)));
    }

    #[test]
    fn what_cannot_stand_in_a_rule_is_refused() {
        for (key, value, expected) in [
            ("job", "mail/imsimta:0", ""),
            ("job", "", "it is empty"),
            ("job", "a b", "it has \" \""),
            ("scrape_interval", "10s", ""),
            ("scrape_interval", "60s", ""),
            ("scrape_interval", "1m", ""),
            ("scrape_interval", "5s", "it is less than 10s"),
            ("scrape_interval", "2m", "it is more than 1m"),
            ("scrape_interval", "30", "a unit is missing, write \"30s\" for seconds"),
            ("runbook_url", "https://wiki.example.org/NAME.md", ""),
            ("runbook_url", "http://{{ $labels.instance }}/runbooks/NAME", ""),
            ("runbook_url", "https://wiki.example.org/", "NAME is not in it"),
            (
                "runbook_url",
                "https://wiki.example.org/{{ NAME",
                "a blank, a #, or braces without an end are in it",
            ),
            ("dashboard_url", "https://grafana.example.org/", ""),
            ("dashboard_url", "grafana.example.org", "it begins with neither http:// nor https://"),
            ("dashboard_url", "https://", "it begins with neither http:// nor https://"),
            ("dashboard_url", "https://grafana: x", "a blank, a #, or braces without an end are in it"),
        ] {
            let flags = Flags {
                job: (key == "job").then(|| value.to_owned()),
                scrape_interval: (key == "scrape_interval").then(|| value.to_owned()),
                runbook_url: (key == "runbook_url").then(|| value.to_owned()),
                dashboard_url: (key == "dashboard_url").then(|| value.to_owned()),
                ..Flags::default()
            };
            match load_text("", &[], flags) {
                Ok(_) => assert_eq!(expected, "", "{key} {value}"),
                Err(found) => {
                    let flag = format!("--{}", key.replace('_', "-"));
                    assert!(
                        found.contains(&format!("{flag}: ")) || found.contains(&format!("alerting.{key}: ")),
                        "{found}"
                    );
                    assert!(
                        !expected.is_empty() && found.contains(&format!(": {expected}; expected ")),
                        "{found}"
                    );
                }
            }
        }
    }

    /// Lines of `[alerting]`, and what is said of them.
    #[test]
    fn who_is_told_is_named_whole_and_without_secrets() {
        const AM: &str = "alertmanagers = [\"http://am:9093\"]\n";
        const INSTANCE: &str = "labels = [\"instance=mx1:9797\"]\n";
        for (lines, expected) in [
            (format!("{AM}{INSTANCE}"), ""),
            (format!("{AM}{INSTANCE}user = \"a\"\npassword_file = \"/p\"\ntoken_file = \"/t\""), ""),
            (AM.to_owned(), "instance is missing"),
            (format!("{AM}mode = \"off\""), ""),
            (format!("{AM}{INSTANCE}mode = \"on\""), "there is no such mode"),
            (format!("{AM}{INSTANCE}user = \"a\""), "user and password_file go together"),
            (
                format!("{AM}{INSTANCE}client_cert_file = \"/c\""),
                "client_cert_file and client_key_file go together",
            ),
            ("alertmanagers = [\"am:9093\"]".to_owned(), "neither http:// nor https://"),
            ("alertmanagers = [\"ftp://am\"]".to_owned(), "neither http:// nor https://"),
            ("alertmanagers = [\"http://u:secret@am\"]".to_owned(), "a name of a user is in it"),
            ("alertmanagers = [\"http://am/?a=b\"]".to_owned(), "more than host, port and path"),
            ("labels = [\"mx1\"]".to_owned(), "\"mx1\" has no ="),
            ("labels = [\"1=a\"]".to_owned(), "\"1\" is no name of a label"),
            ("labels = [\"severity=page\"]".to_owned(), "severity is the alert's own"),
            ("labels = [\"a=\"]".to_owned(), "the value of a is empty"),
        ] {
            let found = load_text(&format!("[alerting]\n{lines}\n"), &[], Flags::default());
            match found {
                Ok(_) => assert_eq!(expected, "", "{lines}"),
                Err(found) => {
                    assert!(!expected.is_empty() && found.contains(expected), "{lines}: {found}");
                    assert!(!found.contains("secret"), "{found}");
                }
            }
        }
    }
}
