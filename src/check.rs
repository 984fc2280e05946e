//! `imsimta-exporter check`: will it work here? Looks at what the service would look at, as the user
//! who asks, and says what is missing and what to do about it. It writes nothing.
//!
//! `collectors.rs` runs every collector once, `host.rs` looks at user, state and listener, `logs.rs` reads the ends
//! of the logs, `options.rs` says what the MTA's `LOG_*` options show and would show.

mod collectors;
mod host;
mod logs;
mod options;

use std::path::Path;

use crate::aggregate::Totals;
use crate::app::Environment;
pub use crate::app::collectors::Verdict;
use crate::config::Config;
use crate::listing::{INDENT, Listing};
use crate::notify::trial;
use crate::observed::Clock;
use crate::source::install::{self, Install};
use crate::text::escape;

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Note => "note",
            Self::Problem => "PROBLEM",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it was found.
    pub verdict: Verdict,
    /// What was looked at.
    pub subject: &'static str,
    /// What was found, and what to do where it is a problem.
    pub text: String,
}

/// Everything that was found.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// In the order in which a start would meet it.
    pub findings: Vec<Finding>,
    /// What is said of the `LOG_*` options; empty where no log could be read.
    pub options: String,
}

impl Checked {
    fn note(&mut self, verdict: Verdict, subject: &'static str, text: impl Into<String>) {
        self.findings.push(Finding { verdict, subject, text: text.into() });
    }

    /// How many problems there are.
    pub fn problems(&self) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == Verdict::Problem).count()
    }

    /// All of it for people: printable ASCII, 80 columns.
    pub fn text(&self) -> String {
        let mut listing = Listing::default();
        listing.title("Configuration and host");
        for finding in &self.findings {
            let head = format!("  {:<8}{:<14}", finding.verdict.word(), finding.subject);
            let words = escape::escaped(finding.text.as_bytes(), MOST_TEXT);
            listing.wrapped(&head, INDENT, &words);
        }
        listing.text.push_str(&self.options);
        let sum = match self.problems() {
            0 => "\nNo problem found.\n".to_owned(),
            1 => "\n1 problem found.\n".to_owned(),
            count => format!("\n{count} problems found.\n"),
        };
        listing.text + &sum
    }
}

/// More of one finding is not shown.
const MOST_TEXT: usize = 1000;

/// Looks at everything. `file` is where the configuration comes from.
pub fn check(config: &Config, file: Option<&Path>, environment: &Environment) -> Checked {
    let environment = &environment.clone().with(config);
    let clock = Clock::reading(environment.wall_clock);
    let mut checked = Checked::default();
    let said = file.map_or("defaults, environment and flags".to_owned(), escape::path);
    checked.note(Verdict::Fine, "configuration", said);
    let install = match install::locate(&config.mta, &environment.probed_roots) {
        Ok(install) => Some(install),
        Err(error) => {
            checked.note(Verdict::Problem, "installation", error.to_string());
            None
        }
    };
    let totals = install.as_ref().and_then(|install| installation(&mut checked, config, install, clock));
    collectors::look(&mut checked, config, environment, install.clone(), clock);
    if let (Some(totals), Some(install)) = (totals, install) {
        checked.options = options::text(&totals, &install.root);
    }
    receivers(&mut checked, config);
    host::state_directory(&mut checked, config);
    host::listener(&mut checked, config);
    host::web_config(&mut checked, config);
    checked
}

/// Who is told of alerts, and whether they could be.
fn receivers(checked: &mut Checked, config: &Config) {
    let found = match trial::look(config) {
        Ok(found) => found,
        Err(error) => {
            return checked.note(Verdict::Problem, "alerting", format!("nobody was asked: {error}"));
        }
    };
    if found.is_empty() {
        checked.note(Verdict::Fine, "alerting", "nobody is told of alerts; docs/alertmanager.md says how");
    }
    for one in found {
        let (verdict, said) = match one.answer {
            Ok(said) => (Verdict::Fine, said),
            Err(why) => (Verdict::Problem, why),
        };
        checked.note(verdict, "alerting", format!("{}: {said}", one.receiver));
    }
}

/// What was found of the installation; the sums of the last lines of its logs.
fn installation(checked: &mut Checked, config: &Config, install: &Install, clock: Clock) -> Option<Totals> {
    let found = if config.mta.root.is_some() { "as configured" } else { "found in a usual place" };
    checked.note(Verdict::Fine, "installation", format!("{}, {found}", install.root.display()));
    host::user(checked, config, install);
    let totals = logs::read(checked, config, install, clock.wall());
    logs::beside(checked, config);
    totals
}
