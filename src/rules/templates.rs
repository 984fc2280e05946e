//! The rules as they are written, in `alerts/templates/`: YAML in which a name stands for a figure.
//!
//! - `${name}` is a threshold of `alerts/thresholds.yml`, a time as `[5m]` has it; `${name.seconds}` the number of its
//!   seconds, `${name.words}` what a sentence says, such as `5 minutes`, `${name.percent}` a share as `5 %`;
//! - `${for}` and `${keep_firing_for}` are those of the alert's row there;
//! - `${a+b}` is the sum of two times;
//! - `${job}`, `${runbook_url}` and `${dashboard_url}` are keys of `[alerting]`; `${runbook_url_without_exporter}` is the
//!   second for alerts that come when the exporter does not answer: where its pages have the runbooks, it leads to a file.

use crate::config::Alerting;

/// The alerts on an error budget, which not every site has.
const BUDGET: &str = "budget.rules.yml";

/// A file of rules with names instead of figures.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// The name of the file.
    pub name: &'static str,
    /// What is in it.
    pub text: &'static str,
}

macro_rules! templates {
    ($($name:literal,)*) => {
        /// THE list of templates, each a file in `alerts/templates/`.
        pub const TEMPLATES: &[Template] = &[$(Template {
            name: $name,
            text: include_str!(concat!("../../alerts/templates/", $name)),
        }),*];
    };
}

templates! {
    "baseline.rules.yml",
    "budget.rules.yml",
    "connections.rules.yml",
    "delivery.rules.yml",
    "exporter.rules.yml",
    "fleet.rules.yml",
    "host.rules.yml",
    "processes.rules.yml",
    "queue.rules.yml",
    "traffic.rules.yml",
}

/// Whether any rule names it.
pub(super) fn is_named(name: &str) -> bool {
    let mut blocks = TEMPLATES.iter().flat_map(Template::blocks);
    blocks.any(|block| block.names().any(|named| named == name))
}

/// Whose lines they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner<'a> {
    /// The lines before the first group.
    File,
    /// A group's, before its first rule.
    Group(&'a str),
    /// Of the rule that records this.
    Record(&'a str),
    /// Of an alert.
    Alert {
        /// Its name.
        name: &'a str,
        /// Its severity.
        severity: &'a str,
    },
}

/// Lines of a template with one owner. Comments above a rule belong to what is above them.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Whose they are.
    pub owner: Owner<'a>,
    /// The lines.
    pub text: &'a str,
}

impl Template {
    /// Whether it is rendered only where a site asks for it. `alerts/` has it beside the rules that every site loads.
    pub fn is_optional(&self) -> bool {
        self.name == BUDGET
    }

    /// Whether this site's rules have it.
    pub(super) fn is_asked_for(&self, alerting: &Alerting) -> bool {
        !self.is_optional() || alerting.budget
    }

    /// All of it.
    pub fn blocks(&self) -> Vec<Block<'static>> {
        blocks(self.text)
    }
}

/// The blocks of a text.
pub(super) fn blocks(text: &str) -> Vec<Block<'_>> {
    let (mut blocks, mut begin, mut at) = (Vec::new(), 0, 0);
    for line in text.split_inclusive('\n') {
        if ["- name: ", "- alert: ", "- record: "].iter().any(|start| line.trim_start().starts_with(start)) {
            blocks.push(block(&text[begin..at]));
            begin = at;
        }
        at += line.len();
    }
    blocks.push(block(&text[begin..]));
    blocks
}

fn block(text: &str) -> Block<'_> {
    let value = |key: &str| text.lines().find_map(|line| line.trim_start().strip_prefix(key)).map(str::trim);
    let owner = if let Some(name) = value("- alert: ") {
        Owner::Alert { name, severity: value("severity: ").unwrap_or_default() }
    } else if let Some(name) = value("- record: ") {
        Owner::Record(name)
    } else {
        value("- name: ").map_or(Owner::File, Owner::Group)
    };
    Block { owner, text }
}

impl<'a> Block<'a> {
    /// What stands for a figure in it, without the braces.
    pub fn places(&self) -> impl Iterator<Item = &'a str> {
        self.text.split("${").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0))
    }

    /// The names in it.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.places().flat_map(|place| place.split('.').next().unwrap_or_default().split('+'))
    }
}

#[cfg(test)]
mod tests {
    use super::{Owner, blocks};

    #[test]
    fn lines_have_one_owner() {
        let text = "# Why.\ngroups:\n  - name: g\n    rules:\n      - record: r\n        expr: x[${a}]\n\n      # Of the next.\n\
                    \x20     - alert: A\n        expr: y > ${b.seconds} + ${c+for.words}\n        labels:\n          \
                    severity: info\n";
        let blocks = blocks(text);
        assert_eq!(blocks.iter().map(|block| block.text).collect::<String>(), text);
        let found: Vec<_> =
            blocks.iter().map(|block| (block.owner, block.names().collect::<Vec<_>>())).collect();
        assert_eq!(
            found,
            [
                (Owner::File, vec![]),
                (Owner::Group("g"), vec![]),
                (Owner::Record("r"), vec!["a"]),
                (Owner::Alert { name: "A", severity: "info" }, vec!["b", "c", "for"]),
            ]
        );
    }
}
