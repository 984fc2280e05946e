//! What the operator said, checked and typed: defaults, then the TOML file, the environment, the flags.
//!
//! This module owns the grammar of the configuration and nothing else: apart from reading the one
//! file it is given, it touches nothing outside, so whether a directory exists is not judged here.
//! [`KEYS`] is the table of all keys; the checks, the suggestions for unknown names and
//! `docs/configuration.md` derive from it. Each section's struct is read by serde with the same
//! parsers that the table names, and tests hold the two together.

mod check;
mod clients;
mod error;
mod files;
mod held;
mod http;
mod keys;
mod layers;
mod logs;
mod mta;
mod processes;
mod queue;
mod reference;
mod sockets;
mod state;
#[cfg(test)]
mod tests;
mod value;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::record::Dialect;

pub use clients::{ClientLabel, Clients};
pub use error::{ConfigErrors, Problem};
pub use files::Files;
pub use held::Held;
pub use http::Http;
pub use keys::{KEYS, Key, SECTIONS, Section, WhenAbsent};
pub use logs::{Logs, Start};
pub use mta::Mta;
pub use processes::Processes;
pub use queue::Queue;
pub use reference::{example, reference};
pub use sockets::Sockets;
pub use state::State;

/// Environment variables of the configuration begin with this, as in `IMSIMTA_EXPORTER__HTTP__LISTEN`.
pub const ENVIRONMENT_PREFIX: &str = "IMSIMTA_EXPORTER__";

/// The whole configuration, valid by construction when it comes from [`load`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the MTA is and what it cannot tell about itself.
    pub mta: Mta,
    /// The transaction and connection logs.
    pub logs: Logs,
    /// The scan of the queue directories.
    pub queue: Queue,
    /// Why messages are held.
    pub held: Held,
    /// The view of the kernel's sockets.
    pub sockets: Sockets,
    /// The view of the MTA's processes.
    pub processes: Processes,
    /// File systems, log sizes and ownership.
    pub files: Files,
    /// Labels that name clients.
    pub clients: Clients,
    /// The HTTP listener.
    pub http: Http,
    /// The state that survives a restart.
    pub state: State,
}

impl Config {
    /// How the logs are written, as far as it is configured.
    pub fn dialect(&self) -> Dialect {
        let run_users = self.mta.user.iter().map(|user| user.clone().into_bytes()).collect();
        Dialect { run_users, options: self.logs.options, format: self.logs.format }
    }
}

/// The command line's part of the configuration; what is `None` was not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--root DIR`
    pub root: Option<PathBuf>,
    /// `--listen ADDRESS`
    pub listen: Option<String>,
    /// `--state-dir DIR`
    pub state_dir: Option<PathBuf>,
    /// `--as-root`
    pub as_root: bool,
}

/// Reads and merges all layers, the later ones winning, and checks what came of it.
///
/// The environment is a parameter: variables that do not begin with [`ENVIRONMENT_PREFIX`] are
/// ignored, and so are empty ones, since unit files and containers set variables to nothing in
/// order to unset them.
///
/// # Errors
///
/// Everything that is wrong in any layer, sorted, so that one run shows it all. A value that a later
/// layer replaces is not judged.
#[expect(clippy::implicit_hasher, reason = "a generic hasher would break `vars().collect()` at the caller")]
pub fn load(
    file: Option<&Path>,
    environment: HashMap<String, String>,
    flags: Flags,
) -> Result<Config, ConfigErrors> {
    let mut problems = Vec::new();
    let layers = layers::Layers {
        path: file,
        file: file.map(|path| layers::read(path, &mut problems)).unwrap_or_default(),
        environment: layers::environment(environment, &mut problems),
        flags: layers::flags(&flags),
    };
    let merged = layers.merge().and_then(|merged| {
        check::values(&merged, &layers, &mut problems)?;
        Ok(merged)
    });
    let config = merged.and_then(::config::Config::try_deserialize::<Config>);
    match config {
        Ok(config) if problems.is_empty() => Ok(with_exact_paths(config, flags)),
        // What serde refuses, the key table has refused before, with a better sentence.
        Err(error) if problems.is_empty() => {
            Err(ConfigErrors::new(vec![Problem::Merge { reason: error.to_string() }]))
        }
        _ => Err(ConfigErrors::new(problems)),
    }
}

/// Merging works on text; a path from the command line may hold bytes that are none.
fn with_exact_paths(mut config: Config, flags: Flags) -> Config {
    if flags.root.is_some() {
        config.mta.root = flags.root;
    }
    if let Some(directory) = flags.state_dir {
        config.state.directory = directory;
    }
    config
}
