//! `imsimta-exporter alerts`: asks a running exporter how its alerts stand, or sends a test of one to all who are told.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;

use super::{FAILURE, RunArguments, USAGE, fail, print, write};
use crate::alerts::{Alerts, Gravest, View};
use crate::config::Config;
use crate::http::probe::{self, ProbeError, Standing};
use crate::notify::trial::{self, Test};
use crate::source::token;
use crate::web::own;

/// Tickets fire. These four are what monitoring systems have understood ever since: ok, warning, critical, unknown.
const TICKETS: u8 = 1;
/// Pages fire.
const PAGES: u8 = 2;
/// Nobody can say.
const UNKNOWN: u8 = 3;

const EXAMPLES: &str = "\
Examples:
  imsimta-exporter alerts                             what fires on this host, and what to do
  imsimta-exporter alerts --format json | jq .        the same for programs
  imsimta-exporter alerts --test ImsMtaQueueStuck     does a page get through?

Exit status: 0 nothing fires, 1 tickets fire, 2 pages fire, 3 nobody can say, 64 wrong command line or configuration.
With --test: 0 all who are told took it, 1 somebody did not, or nobody is told.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct AlertsArguments {
    #[command(flatten)]
    run: RunArguments,
    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Send a test of this alert to all who are told: it says that it is one, and ends by itself after two minutes
    #[arg(long, value_name = "NAME", conflicts_with = "format", value_parser = Test::named)]
    test: Option<Test>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people, 80 columns wide: the gravest first, with why, since when, and where its runbook is
    Text,
    /// As /api/alerts has them
    Json,
}

pub(super) fn alerts(arguments: AlertsArguments) -> ExitCode {
    let config = match arguments.run.config() {
        Ok(config) => config,
        Err(errors) => return fail(USAGE, &errors),
    };
    match arguments.test {
        None => list(&config, arguments.format),
        Some(test) => send(&config, test),
    }
}

fn list(config: &Config, format: Format) -> ExitCode {
    let token = token::read(&config.state.directory);
    let way = match own::trusted(config.http.web_config.as_deref()) {
        Ok(way) => way,
        Err(problem) => return fail(UNKNOWN, &format!("http.web_config: {problem}")),
    };
    let standing = match probe::alerts(config.http.listen, &way, token.as_deref().ok()) {
        Ok(standing) => standing,
        Err(error) => {
            let refused = matches!(error, ProbeError::Status { status: 401, .. });
            let why = token.err().filter(|_| refused).map(|why| format!("\nthe token: {why}"));
            return fail(UNKNOWN, &format!("{error}{}", why.unwrap_or_default()));
        }
    };
    let address = standing.address;
    let Ok(alerts) = Alerts::read(&standing.json) else {
        return fail(UNKNOWN, &ProbeError::Foreign(address));
    };
    let page = match format {
        Format::Text => text(&alerts, &standing).into_bytes(),
        Format::Json => standing.json.trim_ascii_end().iter().copied().chain([b'\n']).collect(),
    };
    let status = match (alerts.gravest(), &standing.unready) {
        (Gravest::Page, _) => ExitCode::from(PAGES),
        (Gravest::Ticket, _) => ExitCode::from(TICKETS),
        (Gravest::Nothing, None) => ExitCode::SUCCESS,
        (Gravest::Nothing, Some(why)) => {
            fail(UNKNOWN, &format!("{address} has not seen everything yet: {why}"))
        }
    };
    match write(&page) {
        Ok(()) => status,
        Err(error) => fail(UNKNOWN, &error),
    }
}

fn text(alerts: &Alerts, standing: &Standing) -> String {
    let place = standing.address.to_string();
    let zone = TimeZone::system();
    alerts.text(&View { place: &place, zone, now: standing.now, colour: wants_colour() })
}

/// A terminal that shows colours, whose owner has not said that he wants none.
fn wants_colour() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

fn send(config: &Config, test: Test) -> ExitCode {
    let answers = match trial::send(config, test) {
        Ok(answers) => answers,
        Err(error) => return fail(FAILURE, &error),
    };
    if answers.is_empty() {
        return fail(FAILURE, &"nobody is told of alerts: [alerting] of the configuration names no receiver");
    }
    let width = answers.iter().map(|one| one.receiver.len()).max().unwrap_or_default();
    let line = |one: &trial::Tried| {
        let (word, said) = match &one.answer {
            Ok(said) => ("ok", said),
            Err(why) => ("FAILED", why),
        };
        format!("{word:<8}{:<width$}  {said}\n", one.receiver)
    };
    let page: String = answers.iter().map(line).collect();
    match print(page.as_bytes()) {
        ExitCode::SUCCESS if answers.iter().any(|one| one.answer.is_err()) => ExitCode::from(FAILURE),
        status => status,
    }
}
