//! What the operator said, checked and typed: defaults, then the TOML file, the environment, the flags.
//!
//! This module owns the grammar of the configuration and nothing else: apart from reading the one
//! file it is given, it touches nothing outside, so whether a directory exists is not judged here.
//! Each section's file has the table of its keys, and [`keys()`] is all of them: structs, defaults, checks, the
//! suggestions for unknown names and `docs/configuration.md` derive from it.

mod alerting;
mod baseline;
mod by_channel;
mod check;
mod clients;
mod commands;
mod daemon_logs;
mod dispatcher;
mod error;
mod files;
mod held;
mod http;
mod keys;
mod layers;
mod logs;
mod mta;
mod probe;
mod processes;
mod queue;
mod receivers;
mod reference;
mod set;
mod sockets;
mod state;
#[cfg(test)]
mod tests;
mod thresholds;
mod value;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ::config::Source;
use keys::Values;

use crate::findings::Thresholds;
use crate::findings::thresholds::Table;
use crate::record::Dialect;

/// The value of a threshold.
pub use crate::findings::thresholds::Value as Threshold;
pub use alerting::{Alerting, MOST_ALERTMANAGERS, NAME as RUNBOOK_NAME};
pub use baseline::{Baseline, Day};
pub use by_channel::ByChannel;
pub use check::nearest;
pub use clients::{ClientLabel, Clients};
pub use commands::Commands;
pub use daemon_logs::DaemonLogs;
pub use dispatcher::{Dispatcher, MOST_SERVICES, ServiceLimit};
pub use error::{ConfigErrors, Problem};
pub use files::Files;
pub use held::Held;
pub use http::Http;
pub use keys::{Key, Section, WhenAbsent, keys};
pub use logs::{Logs, MOST_FILES, Start};
pub use mta::Mta;
pub use probe::{MOST_PROBED, Probe};
pub use processes::{MOST_NAMES, Processes};
pub use queue::Queue;
pub use receivers::{AlertCommand, Syslog, SyslogFormat, SyslogPlace, Webhook};
pub use reference::{example, reference};
use set::SetValues;
pub use sockets::{MOST_PORTS, Sockets, USUAL_PORTS};
pub use state::State;

/// Environment variables of the configuration begin with this, as in `IMSIMTA_EXPORTER__HTTP__LISTEN`.
pub const ENVIRONMENT_PREFIX: &str = "IMSIMTA_EXPORTER__";

macro_rules! sections {
    ($($section:ident: $struct:ident $(= $name:literal)?,)*) => {
        /// The whole configuration, valid by construction when it comes from [`load`].
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Config {
            $(
                #[doc = concat!("`[", sections!(@name $section $($name)?), "]`")]
                pub $section: $struct,
            )*
        }

        impl Config {
            fn read(values: &mut impl Values) -> Self {
                Self { $($section: $struct::read(values)),* }
            }
        }

        /// All sections, in the order of the reference.
        pub static SECTIONS: &[Section] = &[$($struct::SECTION),*];
    };
    (@name $section:ident) => { stringify!($section) };
    (@name $section:ident $name:literal) => { $name };
}

sections! {
    mta: Mta,
    logs: Logs,
    queue: Queue,
    held: Held,
    sockets: Sockets,
    dispatcher: Dispatcher,
    processes: Processes,
    daemon_logs: DaemonLogs,
    files: Files,
    probe: Probe,
    commands: Commands,
    clients: Clients,
    http: Http,
    state: State,
    baseline: Baseline,
    alerting: Alerting,
    webhook: Webhook = "alerting.webhook",
    command: AlertCommand = "alerting.command",
    syslog: Syslog = "alerting.syslog",
    thresholds: Table = "alerting.thresholds",
}

impl Config {
    /// From where on something is a finding, for all channels and for single ones.
    pub fn limits(&self) -> Thresholds {
        let limits = by_channel::limits(&self.thresholds, &self.alerting.thresholds_by_channel);
        limits.scraped(self.alerting.scrape_interval)
    }

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
    /// `--web.config.file FILE`
    pub web_config: Option<PathBuf>,
    /// `--state-dir DIR`
    pub state_dir: Option<PathBuf>,
    /// `--as-root`
    pub as_root: bool,
    /// `--proc DIR`
    pub proc: Option<PathBuf>,
    /// `--job NAME`
    pub job: Option<String>,
    /// `--scrape-interval DURATION`
    pub scrape_interval: Option<String>,
    /// `--runbook-url URL`
    pub runbook_url: Option<String>,
    /// `--dashboard-url URL`
    pub dashboard_url: Option<String>,
    /// `--budget`
    pub budget: bool,
}

/// The URL of an Alertmanager, as `alerting.alertmanagers` has it.
///
/// # Errors
///
/// Why it is none.
pub fn alertmanager(text: &str) -> Result<hyper::Uri, String> {
    alerting::alertmanager(text).map_err(|refusal| refusal.to_string())
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
    let sections = match layers.merge().and_then(|merged| merged.collect()) {
        Ok(sections) => sections,
        Err(error) => {
            problems.push(Problem::Merge { reason: error.to_string() });
            return Err(ConfigErrors::new(problems));
        }
    };
    let mut values = SetValues { sections, layers: &layers, problems: &mut problems };
    let config = Config::read(&mut values);
    values.judge_options(&config.logs);
    values.judge_alerting(&config.alerting);
    values.judge_webhook(&config.webhook);
    if problems.is_empty() { Ok(with_exact_paths(config, flags)) } else { Err(ConfigErrors::new(problems)) }
}

/// Merging works on text; a path from the command line may hold bytes that are none.
fn with_exact_paths(mut config: Config, flags: Flags) -> Config {
    if flags.root.is_some() {
        config.mta.root = flags.root;
    }
    if let Some(directory) = flags.state_dir {
        config.state.directory = directory;
    }
    if flags.web_config.is_some() {
        config.http.web_config = flags.web_config;
    }
    if flags.proc.is_some() {
        config.mta.proc = flags.proc;
    }
    config
}
