//! What can be wrong with a configuration, one line each.

use std::fmt;
use std::path::PathBuf;

/// The longest piece of the operator's text that an error repeats, in characters.
const SHOWN: usize = 120;

/// Everything that is wrong with a configuration; its text has one line for each problem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(Vec<Problem>);

impl ConfigErrors {
    /// Sorts by what is printed: that begins with the origin, then the key.
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_cached_key(ToString::to_string);
        Self(problems)
    }

    /// The problems, sorted by origin and key; never empty.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "\n" };
            write!(out, "{separator}{problem}")?;
        }
        Ok(())
    }
}

/// One thing that is wrong, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The file is not there, not readable, not text or far too long.
    #[error("{path}: cannot read the configuration file: {reason}", path = path.display())]
    Unreadable {
        /// The file as it was named.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file is not TOML. Nothing after this place was looked at.
    #[error("{path}:{place} not valid TOML: {reason}", path = path.display())]
    Syntax {
        /// The file as it was named.
        path: PathBuf,
        /// `line:column:`, or empty where the parser gave no place.
        place: String,
        /// What the parser said.
        reason: String,
    },
    /// The file has a section that does not exist.
    #[error("{origin}: unknown section [{section}]; {hint}")]
    UnknownSection {
        /// The file as it was named.
        origin: String,
        /// The name as it was written.
        section: String,
        /// The nearest known name, or all of them.
        hint: String,
    },
    /// The file sets something outside any section.
    #[error("{origin}: {key}: no key stands outside the sections; {hint}")]
    OutsideSection {
        /// The file as it was named.
        origin: String,
        /// The name as it was written.
        key: String,
        /// Where the key belongs, or all sections.
        hint: String,
    },
    /// A section of the file has a key that does not exist.
    #[error("{origin}: {section}.{key}: unknown key; {hint}")]
    UnknownKey {
        /// The file as it was named.
        origin: String,
        /// The section, a known one.
        section: String,
        /// The name as it was written.
        key: String,
        /// The nearest known name, or all of the section's.
        hint: String,
    },
    /// A variable has our prefix, but names no key.
    #[error("{name}: unknown environment variable; {hint}")]
    UnknownVariable {
        /// The name as it was written.
        name: String,
        /// The nearest known name, or where to look.
        hint: String,
    },
    /// A key has a value that it cannot have.
    #[error("{origin}: {key}: found {found}: {reason}; expected {expects}")]
    Value {
        /// The file, the variable or the flag.
        origin: String,
        /// `section.key`
        key: String,
        /// The value as it was written.
        found: String,
        /// Why it is refused.
        reason: String,
        /// What would be right.
        expects: String,
    },
    /// The layers do not go together; the checks leave no way to get here.
    #[error("cannot merge the configuration: {reason}")]
    Merge {
        /// What the merging said.
        reason: String,
    },
}

/// Text of the operator for an error message: no control characters, not longer than a line.
pub(super) fn shown(text: &str) -> String {
    let mut short = String::new();
    for letter in text.chars().take(SHOWN) {
        match letter {
            // These are what TOML itself is written with; escaped, a value would not look as in the file.
            '"' | '\'' | '\\' => short.push(letter),
            _ => short.extend(letter.escape_debug()),
        }
    }
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short
}

/// The same in quotation marks.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", shown(text))
}
