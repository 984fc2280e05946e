//! Who is told of alerts without an Alertmanager: one section each, and what is the same in them.

mod command;
mod syslog;
mod webhook;

use std::path::PathBuf;
use std::time::Duration;

pub use command::AlertCommand;
pub use syslog::{Syslog, SyslogFormat, SyslogPlace};
pub use webhook::Webhook;

use super::error::quoted;
use super::value::{Refusal, duration, number};
use crate::aggregate::time::Millis;
use crate::alerting::telling::Manner;
use crate::findings::Severity;

/// Alerts have these.
const SEVERITIES: [Severity; 2] = [Severity::Critical, Severity::Warning];
/// The most notifications in a minute that may be allowed.
const MOST_PER_MINUTE: u32 = 60;

/// The ends of "expected …".
const SEVERITIES_EXPECTED: &str = "a list of \"critical\" and \"warning\"";
const WAIT: &str = "a duration from 0s to 10m such as \"10s\"";
const REPEAT: &str = "a duration from 1m to 30d such as \"4h\"";
const PER_MINUTE: &str = "a whole number from 1 to 60";
const FILE: &str = "the path of a file";

fn severity(text: &str) -> Result<Severity, Refusal> {
    let found = SEVERITIES.into_iter().find(|severity| severity.label() == text);
    found.ok_or_else(|| Refusal(format!("no alert has the severity {}", quoted(text))))
}

fn wait(text: &str) -> Result<Duration, Refusal> {
    duration(text, Duration::ZERO, Duration::from_mins(10))
}

fn repeat(text: &str) -> Result<Duration, Refusal> {
    duration(text, Duration::from_mins(1), Duration::from_hours(30 * 24))
}

fn per_minute(text: &str) -> Result<u32, Refusal> {
    number(text, 1, MOST_PER_MINUTE)
}

/// The keys that are the same in each section.
fn manner(
    severities: &[Severity],
    (group_wait, repeat_interval): (Duration, Duration),
    per_minute: u32,
    send_resolved: bool,
) -> Manner {
    Manner {
        severities: severities.to_vec(),
        group_wait: Millis::from(group_wait),
        repeat_interval: Millis::from(repeat_interval),
        per_minute,
        send_resolved,
    }
}

/// A path that is whole.
fn absolute(text: &str) -> Result<PathBuf, Refusal> {
    let path = super::value::path(text)?;
    if path.is_absolute() { Ok(path) } else { Err(Refusal::new("it does not begin with a slash")) }
}

#[cfg(test)]
mod tests;
