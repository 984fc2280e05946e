//! Where an alert leads: its runbook and its dashboard, as its rule has them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::templates::{Owner, TEMPLATES, Template};
use crate::config::{Alerting, RUNBOOK_NAME};

/// The links of all alerts, with templates of labels in them.
#[derive(Clone, Debug)]
pub struct Links {
    runbook: String,
    /// By the name of an alert and its severity.
    dashboards: BTreeMap<(&'static str, &'static str), String>,
}

impl Links {
    /// Those of a site.
    pub fn new(alerting: &Alerting) -> Self {
        let mut dashboards = BTreeMap::new();
        for block in TEMPLATES.iter().flat_map(Template::blocks) {
            let Owner::Alert { name, severity } = block.owner else { continue };
            let link = block.text.lines().find_map(|line| line.trim_start().strip_prefix("dashboard_url: "));
            if let Some(link) = link {
                let link = link.trim_end().replace("${dashboard_url}", &alerting.dashboard_url);
                dashboards.entry((name, severity)).or_insert(link);
            }
        }
        Self { runbook: alerting.runbook_url.clone(), dashboards }
    }

    /// The runbook of an alert with these labels; nothing where it cannot be told.
    pub fn runbook(&self, name: &str, labels: &BTreeMap<String, String>) -> Option<String> {
        filled(&self.runbook.replace(RUNBOOK_NAME, name), labels)
    }

    /// Its dashboard.
    pub fn dashboard(&self, name: &str, severity: &str, labels: &BTreeMap<String, String>) -> Option<String> {
        let exact = self.dashboards.get(&(name, severity));
        let of_name = || self.dashboards.iter().find(|((alert, _), _)| *alert == name).map(|(_, link)| link);
        filled(exact.or_else(of_name)?, labels)
    }
}

/// A text with its templates `{{ $labels.x }}` and `{{ $labels.x | urlquery }}` put in; nothing where it has others.
fn filled(text: &str, labels: &BTreeMap<String, String>) -> Option<String> {
    let mut parts = text.split("{{");
    let mut filled = parts.next()?.to_owned();
    for part in parts {
        let (template, rest) = part.split_once("}}")?;
        let (label, function) = template.split_once('|').unwrap_or((template, ""));
        let value = labels.get(label.trim().strip_prefix("$labels.")?).map_or("", String::as_str);
        match function.trim() {
            "" => filled.push_str(value),
            "urlquery" => filled.push_str(&escaped(value)),
            _ => return None,
        }
        filled.push_str(rest);
    }
    Some(filled)
}

/// A text as a part of a URL.
pub fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Links, filled};
    use crate::config::Alerting;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn alerts_lead_where_those_of_the_rules_do() {
        let links = Links::new(&Alerting::default());
        let labels = labels(&[("instance", "mx1:9797"), ("channel", "tcp_local")]);
        let name = "ImsMtaDeliveryFailureSpike";
        assert_eq!(links.runbook(name, &labels).expect("a link"), format!("http://mx1:9797/runbooks/{name}"));
        let dashboard = links.dashboard(name, "critical", &labels).expect("a link");
        assert!(dashboard.starts_with("http://localhost:3000/d/imsimta-"), "{dashboard}");
        assert!(dashboard.ends_with("?var-instance=mx1%3A9797&var-channel=tcp_local"), "{dashboard}");
    }

    #[test]
    fn templates_are_filled_or_the_link_is_left_out() {
        let labels = labels(&[("a", "x y")]);
        for (text, expected) in [
            ("http://h/{{ $labels.a }}", Some("http://h/x y")),
            ("http://h/{{$labels.a|urlquery}}/{{ $labels.b }}", Some("http://h/x%20y/")),
            ("http://h/{{ $externalLabels.a }}", None),
            ("http://h/{{ $labels.a | title }}", None),
            ("http://h/{{ $labels.a", None),
        ] {
            assert_eq!(filled(text, &labels).as_deref(), expected, "{text}");
        }
    }
}
