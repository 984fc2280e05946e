//! The three layers above the defaults, each reduced to the keys that exist, and their merging.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use ::config::{Config as Merged, ConfigError, Environment, FileFormat, Map, Source, Value};

use super::check;
use super::error::{Problem, shown};
use super::keys::{self, Key, keys};
use super::{ENVIRONMENT_PREFIX, Flags, SECTIONS};

/// A configuration has a few kilobytes; more than this is another file given by mistake.
const MOST_FILE_BYTES: u64 = 1 << 20;

/// What each layer sets; only keys that exist.
pub(super) struct Layers<'a> {
    pub(super) path: Option<&'a Path>,
    pub(super) file: Vec<(&'static Key, Value)>,
    pub(super) environment: HashMap<String, String>,
    pub(super) flags: Vec<(&'static Key, String)>,
}

impl Layers<'_> {
    /// The layers on top of each other.
    pub(super) fn merge(&self) -> Result<Merged, ConfigError> {
        let mut file = Merged::builder();
        for (key, value) in &self.file {
            file = file.set_override(key.path(), value.clone())?;
        }
        // Numbers and lists stay text (no `try_parsing`): it would turn a path such as "007" into
        // 7, and a list of one port into no list. The keys' own parsers read text.
        let environment = Environment::with_prefix(ENVIRONMENT_PREFIX.trim_end_matches('_'))
            .prefix_separator("__")
            .separator("__")
            .source(Some(self.environment.clone()));
        let mut merged = Merged::builder().add_source(file.build()?).add_source(environment);
        for (key, value) in &self.flags {
            merged = merged.set_override(key.path(), value.as_str())?;
        }
        merged.build()
    }

    /// The layer that has the last word about a key: the file, the variable or the flag.
    pub(super) fn origin(&self, key: &Key) -> String {
        if let Some(flag) = key.flag.filter(|_| self.flags.iter().any(|(set, _)| set.path() == key.path())) {
            return flag.to_owned();
        }
        let variable = key.variable();
        if self.environment.contains_key(&variable) {
            return variable;
        }
        self.path.map_or_else(String::new, |path| path.display().to_string())
    }
}

/// The flags that were given, as text.
pub(super) fn flags(flags: &Flags) -> Vec<(&'static Key, String)> {
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    [
        ("mta", "root", flags.root.as_ref().map(text)),
        ("mta", "as_root", flags.as_root.then(|| true.to_string())),
        ("mta", "proc", flags.proc.as_ref().map(text)),
        ("http", "listen", flags.listen.clone()),
        ("http", "web_config", flags.web_config.as_ref().map(text)),
        ("state", "directory", flags.state_dir.as_ref().map(text)),
        ("alerting", "job", flags.job.clone()),
        ("alerting", "scrape_interval", flags.scrape_interval.clone()),
        ("alerting", "runbook_url", flags.runbook_url.clone()),
        ("alerting", "dashboard_url", flags.dashboard_url.clone()),
        ("alerting", "budget", flags.budget.then(|| true.to_string())),
    ]
    .into_iter()
    .filter_map(|(section, name, value)| Some((keys::find(section, name)?, value?)))
    .collect()
}

/// The variables that set a key; one that only looks like it becomes a problem.
///
/// Names count in upper case only: with two spellings of one variable, which of them wins would be
/// left to chance.
pub(super) fn environment(
    variables: HashMap<String, String>,
    problems: &mut Vec<Problem>,
) -> HashMap<String, String> {
    let known: Vec<String> = keys().map(Key::variable).collect();
    let ours = |name: &str| {
        let prefixed = name.get(..ENVIRONMENT_PREFIX.len());
        prefixed.is_some_and(|head| head.eq_ignore_ascii_case(ENVIRONMENT_PREFIX))
            || with_one_underscore(name)
    };
    let mut set = HashMap::new();
    for (name, value) in variables {
        if known.contains(&name) {
            if !value.is_empty() {
                set.insert(name, value);
            }
        } else if ours(&name) {
            let hint = check::variable_hint(&name, &known);
            problems.push(Problem::UnknownVariable { name: shown(&name), hint });
        }
    }
    set
}

/// Whether a variable names a section behind one underscore instead of two. Others are not judged:
/// container platforms set `IMSIMTA_EXPORTER_PORT` and such after the name of a service.
fn with_one_underscore(name: &str) -> bool {
    let rest =
        name.strip_prefix(ENVIRONMENT_PREFIX.trim_end_matches('_')).and_then(|rest| rest.strip_prefix('_'));
    rest.is_some_and(|rest| {
        SECTIONS.iter().any(|section| {
            let behind = rest.strip_prefix(section.variable().as_str());
            behind.is_some_and(|behind| behind.starts_with('_'))
        })
    })
}

/// The values of the file; what cannot be read or does not exist becomes a problem.
pub(super) fn read(path: &Path, problems: &mut Vec<Problem>) -> Vec<(&'static Key, Value)> {
    let text = match text(path) {
        Ok(text) => text,
        Err(reason) => {
            problems.push(Problem::Unreadable { path: path.to_owned(), reason });
            return Vec::new();
        }
    };
    match ::config::File::from_str(&text, FileFormat::Toml).collect() {
        Ok(sections) => known_values(path, sections, problems),
        Err(error) => {
            problems.push(syntax(path, &error));
            Vec::new()
        }
    }
}

fn text(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    // A FIFO would be waited for without a word.
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(MOST_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MOST_FILE_BYTES {
        return Err(format!("it has more than {MOST_FILE_BYTES} bytes"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..good].split(|&byte| byte == b'\n').count();
        format!("line {line} is not UTF-8 text")
    })
}

fn known_values(
    path: &Path,
    sections: Map<String, Value>,
    problems: &mut Vec<Problem>,
) -> Vec<(&'static Key, Value)> {
    let origin = path.display().to_string();
    let mut known = Vec::new();
    for (section, value) in check::opened(sections) {
        let keys = match check::section(&origin, &section, value) {
            Ok(keys) => keys,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        for (name, value) in keys {
            match keys::find(&section, &name) {
                Some(key) => known.push((key, value)),
                None => problems.push(check::unknown_key(&origin, &section, &name)),
            }
        }
    }
    known
}

/// The parser's error is a drawing of several lines: place, source line, marker, then the message.
/// One line has to do here, and the source line is left out since it may hold anything.
fn syntax(path: &Path, error: &ConfigError) -> Problem {
    let drawing = match error {
        ConfigError::FileParse { cause, .. } => cause.to_string(),
        other => other.to_string(),
    };
    let mut lines = drawing.lines();
    let place = lines.next().and_then(|first| {
        let (line, column) = first.strip_prefix("TOML parse error at line ")?.split_once(", column ")?;
        Some(format!("{line}:{column}:"))
    });
    let message: Vec<&str> = match place {
        Some(_) => lines.skip(3).collect(),
        None => drawing.lines().collect(),
    };
    let place = place.unwrap_or_default();
    Problem::Syntax { path: path.to_owned(), place, reason: shown(&message.join(", ")) }
}
