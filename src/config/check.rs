//! Judging names and values against the key table, with a suggestion for each unknown name.

use ::config::{Config as Merged, ConfigError, Map, Source, Value, ValueKind};

use super::error::{Problem, quoted, shown};
use super::layers::Layers;
use super::{ENVIRONMENT_PREFIX, KEYS, SECTIONS, logs};

/// The most letters in which a name that was meant may differ from the one that was written.
const MOST_EDITS: usize = 3;

/// Checks each value that is set.
pub(super) fn values(
    merged: &Merged,
    layers: &Layers<'_>,
    problems: &mut Vec<Problem>,
) -> Result<(), ConfigError> {
    let sections = merged.collect()?;
    options(&sections, layers, problems);
    for key in &KEYS {
        let Some(ValueKind::Table(section)) = sections.get(key.section).map(|section| &section.kind) else {
            continue;
        };
        let Some(value) = section.get(key.name) else { continue };
        if let Err(error) = (key.check)(value.clone()) {
            problems.push(Problem::Value {
                origin: layers.origin(key),
                key: key.path(),
                found: shown(&written(value)),
                reason: error.to_string(),
                expects: key.expects.to_owned(),
            });
        }
    }
    Ok(())
}

/// Whether all of `logs.options` can be pinned for entries of `logs.format`.
fn options(sections: &Map<String, Value>, layers: &Layers<'_>, problems: &mut Vec<Problem>) {
    let Some(ValueKind::Table(section)) = sections.get("logs").map(|section| &section.kind) else { return };
    let value = |name: &str| section.get(name).cloned();
    let format = value("format").and_then(|format| logs::format(format).ok()).flatten();
    let Some(options) = value("options") else { return };
    let Ok(Some(reason)) = logs::misplaced(options.clone(), format) else { return };
    problems.extend(KEYS.iter().find(|key| key.path() == "logs.options").map(|key| Problem::Value {
        origin: layers.origin(key),
        key: key.path(),
        found: shown(&written(&options)),
        reason,
        expects: key.expects.to_owned(),
    }));
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
            hint: if known { format!("[{name}] is a section") } else { outside_hint(name) },
        }),
    }
}

/// The problem with a key that its section does not have.
pub(super) fn unknown_key(origin: &str, section: &str, name: &str) -> Problem {
    let siblings = || KEYS.iter().filter(|key| key.section == section).map(|key| key.name);
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
    elsewhere(name).unwrap_or_else(|| match nearest(name, KEYS.iter().map(|key| key.name)) {
        Some(meant) => elsewhere(meant).unwrap_or_default(),
        None => format!("the sections are {}", section_names()),
    })
}

/// The sections that have a key of exactly this name.
fn elsewhere(name: &str) -> Option<String> {
    let sections: Vec<String> =
        KEYS.iter().filter(|key| key.name == name).map(|key| format!("[{}]", key.section)).collect();
    (!sections.is_empty()).then(|| format!("{name} is a key of {}", sections.join(", ")))
}

fn section_names() -> String {
    SECTIONS.map(|section| format!("[{}]", section.name)).join(", ")
}

/// The known name that was most likely meant: a third of it may be wrong, its case may be all wrong.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_ascii_lowercase();
    known
        .map(|known| (strsim::osa_distance(&lower, &known.to_ascii_lowercase()), known))
        .filter(|(edits, known)| *edits <= (known.len() / 3).clamp(1, MOST_EDITS))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, known)| known)
}

/// A value as it would stand in a TOML file.
fn written(value: &Value) -> String {
    match &value.kind {
        ValueKind::String(text) => quoted(text),
        ValueKind::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        ValueKind::Table(_) => "a table".to_owned(),
        ValueKind::Nil => "nothing".to_owned(),
        scalar => scalar.to_string(),
    }
}
