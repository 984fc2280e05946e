//! `[alerting]`: for whom `imsimta-exporter rules` renders the rules.

use std::time::Duration;

use super::error::quoted;
use super::keys::section;
use super::value::{Refusal, duration, one, yes_or_no};

/// What stands for the name of an alert in the URL of a runbook.
pub const NAME: &str = "NAME";
/// The shortest interval: what the page within a minute is made for.
const SHORTEST: Duration = Duration::from_secs(10);
/// The longest one: with more, windows of minutes would hold nothing to compare.
const LONGEST: Duration = Duration::from_mins(1);

section! {
    alerting: Alerting "For whom `imsimta-exporter rules` renders the rules of Prometheus; the service looks at none of it.";

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

    budget: bool = one(yes_or_no), flag "--budget",
        expects "true or false",
        default false,
        "Whether the alerts on an error budget are rendered as well; `budget_share` of `[alerting.thresholds]` is the objective.";
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
}
