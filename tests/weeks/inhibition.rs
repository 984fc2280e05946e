//! What the example of Alertmanager holds back.

use serde::Deserialize;

use super::promtool::Began;

#[derive(Debug, Deserialize)]
pub struct Alertmanager {
    inhibit_rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    source_matchers: Vec<String>,
    target_matchers: Vec<String>,
    #[serde(default)]
    equal: Vec<String>,
}

impl Alertmanager {
    /// Whether one of those that fire keeps an alert from being told.
    pub fn inhibits(&self, firing: &[&Began], target: &Began) -> bool {
        self.inhibit_rules.iter().any(|rule| {
            let is_source = |began: &&&Began| {
                matches(&rule.source_matchers, began)
                    && rule.equal.iter().all(|label| began.label(label) == target.label(label))
                    // Both sides at once inhibits nothing.
                    && !(matches(&rule.source_matchers, target) && matches(&rule.target_matchers, began))
            };
            matches(&rule.target_matchers, target) && firing.iter().any(|began| is_source(&began))
        })
    }
}

fn matches(matchers: &[String], began: &Began) -> bool {
    matchers.iter().all(|matcher| {
        let at = matcher.find(['=', '!']).unwrap_or_else(|| panic!("{matcher}"));
        let (name, rest) = matcher.split_at(at);
        let operator = rest.len() - rest.trim_start_matches(['=', '!', '~']).len();
        let (operator, value) = rest.split_at(operator);
        let (value, found) = (value.trim_matches('"'), began.label(name));
        match operator {
            "=" => value == found,
            "!=" => value != found,
            "=~" => value.split('|').any(|pattern| fits(pattern, found)),
            "!~" => !value.split('|').any(|pattern| fits(pattern, found)),
            _ => panic!("{matcher}: an operator that is not known"),
        }
    })
}

/// The patterns of the example: text, and `.+` or `.*` at the end.
fn fits(pattern: &str, text: &str) -> bool {
    match (pattern.strip_suffix(".+"), pattern.strip_suffix(".*")) {
        (Some(start), _) => text.len() > start.len() && text.starts_with(start),
        (_, Some(start)) => text.starts_with(start),
        _ => pattern == text,
    }
}
