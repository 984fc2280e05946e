//! `[alerting.command]`: a program of this host that is told.

use std::time::Duration;

use ::config::Value;

use super::{PER_MINUTE, REPEAT, SEVERITIES, SEVERITIES_EXPECTED, WAIT};
use super::{absolute, manner, per_minute, repeat, severity, wait};
use crate::alerting::telling::Manner;
use crate::config::keys::section;
use crate::config::value::{Refusal, duration, one, some, texts, yes_or_no};
use crate::findings::Severity;

/// The most words of a command.
const MOST_WORDS: usize = 64;

section! {
    command: AlertCommand in "alerting.command" "A program of this host that is run for each notification and reads it on its standard input, in the JSON of Alertmanager's webhooks: docs/receivers.md.";

    argv: Vec<String> = argv,
        expects "a list of at most 64 words such as [\"/usr/local/bin/page\", \"--team\", \"mail\"], the first one a path",
        default Vec::new() => "[]",
        "The program and its arguments, just these: no shell reads them, and nothing of an alert is in them or in the environment. \
         None: nothing is run.";

    timeout: Duration = one(timeout),
        expects "a duration from 1s to 5m such as \"30s\"",
        default Duration::from_secs(30) => "\"30s\"",
        "How long it may take; then it is killed, with all that it started.";

    severities: Vec<Severity> = some(SEVERITIES.len(), severity),
        expects SEVERITIES_EXPECTED,
        default SEVERITIES.to_vec() => "[\"critical\", \"warning\"]",
        "Alerts of which severities it is told of.";

    group_wait: Duration = one(wait),
        expects WAIT,
        default Duration::from_secs(10) => "\"10s\"",
        "How long news waits for more alerts of the same name and severity, which are one notification.";

    repeat_interval: Duration = one(repeat),
        expects REPEAT,
        default Duration::from_hours(4) => "\"4h\"",
        "After how long it is said again that they fire.";

    per_minute: u32 = one(per_minute),
        expects PER_MINUTE,
        default 6,
        "How often it is run in a minute, at most. What is put off is told later, as it is then.";

    send_resolved: bool = one(yes_or_no),
        expects "true or false",
        default true,
        "Whether it is told that alerts have ended.";
}

/// Words may be there twice.
fn argv(value: Value) -> Result<Vec<String>, Refusal> {
    let words = texts(value)?;
    if words.len() > MOST_WORDS {
        return Err(Refusal(format!("has {} words, at most {MOST_WORDS} are possible", words.len())));
    }
    if words.iter().any(|word| word.contains('\0')) {
        return Err(Refusal::new("a word cannot hold a zero byte"));
    }
    if let Some(program) = words.first() {
        absolute(program)?;
    }
    Ok(words)
}

fn timeout(text: &str) -> Result<Duration, Refusal> {
    duration(text, Duration::from_secs(1), Duration::from_mins(5))
}

impl AlertCommand {
    /// Whether anything is run.
    pub fn is_set(&self) -> bool {
        !self.argv.is_empty()
    }

    /// How it is told.
    pub fn manner(&self) -> Manner {
        let times = (self.group_wait, self.repeat_interval);
        manner(&self.severities, times, self.per_minute, self.send_resolved)
    }
}
