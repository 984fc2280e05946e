//! Judging names against the key table, with a suggestion for each unknown one.

use ::config::{Map, Value, ValueKind};

use super::error::{Problem, shown};
use super::keys::keys;
use super::{ENVIRONMENT_PREFIX, SECTIONS};

/// The most letters in which a name that was meant may differ from the one that was written.
const MOST_EDITS: usize = 3;

/// The sections of the file, those within others by names with a dot.
pub(super) fn opened(sections: Map<String, Value>) -> Vec<(String, Value)> {
    let mut opened = Vec::new();
    for (name, value) in sections {
        let holds_others = SECTIONS
            .iter()
            .any(|section| section.name.strip_prefix(&name).is_some_and(|behind| behind.starts_with('.')));
        match value.kind {
            ValueKind::Table(within) if holds_others => {
                let is_table = |value: &Value| matches!(value.kind, ValueKind::Table(_));
                let (inner, own): (Map<_, _>, Map<_, _>) =
                    within.into_iter().partition(|(_, value)| is_table(value));
                opened.extend(inner.into_iter().map(|(inner, value)| (format!("{name}.{inner}"), value)));
                opened.push((name, Value::from(own)));
            }
            _ => opened.push((name, value)),
        }
    }
    opened
}

/// The keys of a section of the file, if there is such a section.
pub(super) fn section(origin: &str, name: &str, value: Value) -> Result<Map<String, Value>, Problem> {
    let known = SECTIONS.iter().any(|section| section.name == name);
    match value.kind {
        ValueKind::Table(keys) if known => Ok(keys),
        ValueKind::Table(_) => Err(Problem::UnknownSection {
            origin: origin.to_owned(),
            section: shown(name),
            hint: section_hint(name),
        }),
        _ => Err(Problem::OutsideSection {
            origin: origin.to_owned(),
            key: shown(name),
            hint: if known {
                format!("[{name}] is a section")
            } else {
                outside_hint(name.rsplit('.').next().unwrap_or(name))
            },
        }),
    }
}

/// The problem with a key that its section does not have.
pub(super) fn unknown_key(origin: &str, section: &str, name: &str) -> Problem {
    let siblings = || keys().filter(|key| key.section == section).map(|key| key.name);
    let hint = match nearest(name, siblings()) {
        Some(meant) => format!("did you mean {section}.{meant}?"),
        None => elsewhere(name)
            .unwrap_or_else(|| format!("[{section}] has {}", siblings().collect::<Vec<_>>().join(", "))),
    };
    Problem::UnknownKey { origin: origin.to_owned(), section: section.to_owned(), key: shown(name), hint }
}

/// What is said about a variable that names no key.
pub(super) fn variable_hint(name: &str, known: &[String]) -> String {
    // The prefix is right already, and would make every long name look near.
    let ends = known.iter().filter_map(|known| known.strip_prefix(ENVIRONMENT_PREFIX));
    let end = name.get(ENVIRONMENT_PREFIX.len()..).unwrap_or_default();
    match nearest(end, ends) {
        Some(meant) => format!("did you mean {ENVIRONMENT_PREFIX}{meant}?"),
        None => format!("a name is {ENVIRONMENT_PREFIX}SECTION__KEY, as in {ENVIRONMENT_PREFIX}HTTP__LISTEN"),
    }
}

fn section_hint(name: &str) -> String {
    match nearest(name, SECTIONS.iter().map(|section| section.name)) {
        Some(meant) => format!("did you mean [{meant}]?"),
        None => format!("the sections are {}", section_names()),
    }
}

fn outside_hint(name: &str) -> String {
    elsewhere(name).unwrap_or_else(|| match nearest(name, keys().map(|key| key.name)) {
        Some(meant) => elsewhere(meant).unwrap_or_default(),
        None => format!("the sections are {}", section_names()),
    })
}

/// The sections that have a key of exactly this name.
fn elsewhere(name: &str) -> Option<String> {
    let sections: Vec<String> =
        keys().filter(|key| key.name == name).map(|key| format!("[{}]", key.section)).collect();
    (!sections.is_empty()).then(|| format!("{name} is a key of {}", sections.join(", ")))
}

fn section_names() -> String {
    SECTIONS.iter().map(|section| format!("[{}]", section.name)).collect::<Vec<_>>().join(", ")
}

/// The known name that was most likely meant: a third of it may be wrong, its case may be all wrong.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_ascii_lowercase();
    known
        .map(|known| (strsim::osa_distance(&lower, &known.to_ascii_lowercase()), known))
        .filter(|(edits, known)| *edits <= (known.len() / 3).clamp(1, MOST_EDITS))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, known)| known)
}
