//! The status page: whether mail flows, then what is collected, since when, what cannot be read and why.

#[cfg(test)]
mod cases;
pub(super) mod json;
pub(super) mod known;
pub(super) mod mail;
pub(super) mod text;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use maud::{Markup, html};
use parking_lot::Mutex;

use super::alerts;
use super::document::{document, table};
use super::plots;
use crate::aggregate::account::LogAccount;
use crate::aggregate::baseline::{Baseline, DAYS};
use crate::aggregate::log_clock;
use crate::metrics::ClientDisplay;
use crate::observed::latest::Outline;
use crate::observed::log_book::{Following, LogBook};
use crate::observed::{Observed, Readiness, StateHealth};
use crate::text::escape;
use known::Known;

/// Seconds between two looks of a browser. What is found shows within a second, so what begins is seen within ten.
pub(super) const REFRESH: u32 = 8;

/// What shows lines that were not understood to whoever may read the state directory.
pub(super) fn command(state_directory: &Path, listen: SocketAddr) -> String {
    format!("imsimta-exporter unparsed --listen {listen} --state-dir {}", escape::path(state_directory))
}

/// The first three of each kind, and all else that is known.
pub(super) fn known<'a>(observed: &'a Observed, clients: &ClientDisplay) -> Known<'a> {
    Known::now(observed, clients, mail::BUSIEST)
}

/// The whole page. `links` are other pages and what they are for; `command` shows lines that were not understood, where
/// they can be shown.
pub(super) fn page(
    observed: &Observed,
    clients: &ClientDisplay,
    links: &[(&str, &str)],
    command: Option<&str>,
) -> Markup {
    let known = known(observed, clients);
    let body = html! {
        (head(&known, &plots::of_all(observed)))
        (exporter(observed, &known, links))
        h2 { "What is collected" }
        (collectors(&known))
        (told(observed, known.steady))
        h2 { "Logs" }
        (logs(&observed.logs(), known.steady))
        p {
            @match command {
                Some(command) => {
                    "Lines that were not understood: " code { (command) }
                    " shows the last ones to whoever may read that directory."
                }
                None => "Lines that were not understood are not shown, since the state directory cannot be used."
            }
        }
        (timezone(observed))
        h2 { "State" }
        (state(observed, known.steady))
    };
    let sentence = known.said().next().map_or("", |finding| &finding.what);
    document(&format!("{sentence} – imsimta-exporter"), Some(REFRESH), &body)
}

/// What is about the mail.
fn head(known: &Known<'_>, plots: &Markup) -> Markup {
    html! {
        (mail::answer(known))
        (alerts::section(&known.alerts, &known.runbooks(), known.at))
        (mail::channels(known))
        (plots)
        (mail::busiest(&known.busiest))
        (mail::services(&known.situation.services, known.limits))
    }
}

fn exporter(observed: &Observed, known: &Known<'_>, links: &[(&str, &str)]) -> Markup {
    html! {
        h2 { "imsimta-exporter " (env!("CARGO_PKG_VERSION")) }
        p {
            "Watches the MTA below " code { (observed.install.root.display()) } " since "
            (stamp(known.started_at)) ". "
            @let sentence = known.readiness.sentence();
            @let (first, rest) = sentence.split_at(1);
            span class=(if known.readiness == Readiness::default() { "ok" } else { "bad" }) {
                (first.to_ascii_uppercase()) (rest) "."
            }
        }
        p {
            @for (number, (path, what)) in links.iter().enumerate() {
                @if number > 0 { " · " }
                a href=(path) title=(what) { (path) }
            }
        }
    }
}

fn collectors(known: &Known<'_>) -> Markup {
    table(
        "What is collected",
        &html! {
            thead {
                tr {
                    th scope="col" { "Collector" } th scope="col" { "Reads" } th scope="col" { "State" }
                    th scope="col" { "Last success" }
                }
            }
            tbody {
                @for Outline { about, reading, .. } in &known.collectors {
                    tr {
                        th scope="row" { (about.name) }
                        td { (about.reads) }
                        td {
                            @if reading.runs == 0 { span.dim { "not yet run" } }
                            @else if reading.success { span.ok { "is read" } }
                            @else { span.bad { "cannot be read" } }
                            @if let Some(problem) = &reading.problem { div { (problem) } }
                        }
                        td { (ago(reading.last_success, known.steady)) }
                    }
                }
            }
        },
    )
}

/// Who is told of alerts; nothing where nobody is.
fn told(observed: &Observed, now: f64) -> Markup {
    let receivers = observed.notified.receivers();
    if receivers.is_empty() {
        return html! {};
    }
    let rows = html! {
        thead {
            tr {
                th scope="col" { "Receiver" } th scope="col" { "State" } th.n scope="col" { "Spoken of by another" }
                th scope="col" { "Last reached" }
            }
        }
        tbody {
            @for (name, told) in receivers.iter().map(|receiver| (&receiver.name, receiver.told())) {
                tr {
                    th scope="row" { (name) }
                    td {
                        @match &told.problem {
                            Some(problem) => { span.bad { "cannot be told" } div { (problem) } }
                            None if told.last_success.is_none() => span.dim { "not yet asked" },
                            None => span.ok { "is told" },
                        }
                    }
                    td.n { @if let Some(alerts) = told.of_another { (alerts) } }
                    td { (ago(told.last_success, now)) }
                }
            }
        }
    };
    html! { h2 { "Who is told of alerts" } (table("Who is told of alerts", &rows)) }
}

fn logs(book: &LogBook, now: f64) -> Markup {
    let totals = &book.aggregate.totals;
    let rows = html! {
        thead {
            tr {
                th scope="col" { "Log" } th.n scope="col" { "Records" } th.n scope="col" { "Not understood" }
                th.n scope="col" { "Skipped" } th.n scope="col" { "Not read yet" } th scope="col" { "Last read" }
                th scope="col" { "Options inferred" }
            }
        }
        tbody {
            @for following in &book.following {
                @let account = totals.accounts.all().iter().find(|account| account.name == following.log);
                tr {
                    th scope="row" { (following.log) (zone_question(following)) }
                    @match (account, following.lag_bytes) {
                        (Some(account), Some(lag)) => (log_figures(account, lag)),
                        _ => { td.dim colspan="4" { "no such file yet" } }
                    }
                    td { (ago(following.last_read, now)) }
                    td { @if let Some(account) = account { (inferred(account)) } }
                }
            }
        }
    };
    html! {
        (table("Logs", &rows))
        @if !book.shown {
            p { "Counts from logs are left out of " code { "/metrics" } " until a log has been found and caught up with." }
        }
        p {
            "Options of the MTA that the log shows: "
            @for (option, _) in totals.options.all().filter(|&(_, seen)| seen) { span.ok { (option) } " " }
            span.dim { "(" code { "imsimta-exporter check" } " says which others would give metrics)" }
        }
    }
}

/// Whether the time zone of a log's times may be wrong.
fn zone_question(following: &Following) -> Markup {
    let question = following.clock_offset.and_then(log_clock::zone_question);
    html! { @if let Some(question) = question { div.bad { (question) } } }
}

/// By which time zone times are read, where that is a guess.
fn timezone(observed: &Observed) -> Markup {
    html! { @if let Some(problem) = observed.timezone.problem() { p.bad { (problem) } } }
}

/// By which options the fields of a positional log are read, where none are pinned.
fn inferred(account: &LogAccount) -> Markup {
    html! {
        @match account.inference.options() {
            Some(options) => {
                @for option in options.all() { (option.label()) " " }
                span.dim { "(from " (account.inference.entries()) " entries)" }
            }
            None if account.inference.entries() > 0 => {
                span.dim { "not yet: " (account.inference.entries()) " entries" }
            }
            None => {}
        }
    }
}

fn log_figures(account: &LogAccount, lag: u64) -> Markup {
    let unparsed = account.unparsed.sum();
    html! {
        td.n { (account.records()) }
        td.n { @if unparsed > 0 { span.bad { (unparsed) } } @else { "0" } }
        td.n { (account.skipped.sum()) }
        td.n { (lag) " bytes" }
    }
}

fn state(observed: &Observed, now: f64) -> Markup {
    let problem = |file: &Mutex<StateHealth>| file.lock().problem.clone();
    let (state, history) = (observed.state.lock().clone(), problem(&observed.history));
    html! {
        p {
            "Counts and offsets were last saved: " (ago(state.saved_at, now)) ". "
            @if let Some(problem) = &state.problem { span.bad { (problem) } " " }
            @if let Some(problem) = history { "The history was not saved: " span.bad { (problem) } " " }
            @if let Some(problem) = problem(&observed.baseline) {
                "What is usual was not saved: " span.bad { (problem) }
            }
        }
        p { (learned(&observed.logs().baseline.lock())) }
    }
}

/// How far learning what is usual is.
fn learned(baseline: &Baseline) -> String {
    if !baseline.is_learning() {
        return "What is usual is not learned (baseline.learn).".to_owned();
    }
    match baseline.days() {
        days if days < DAYS => format!("What is usual: learned {} of {DAYS} days.", days.floor()),
        _ => "What is usual has been learned.".to_owned(),
    }
}

pub(super) fn ago(at: Option<f64>, now: f64) -> String {
    let Some(at) = at else { return "never".into() };
    let seconds = (now - at).max(0.0).round();
    match Duration::try_from_secs_f64(seconds) {
        Ok(age) if age < Duration::from_mins(2) => format!("{} s ago", age.as_secs()),
        Ok(age) if age < Duration::from_hours(2) => format!("{} min ago", age.as_secs() / 60),
        Ok(age) => format!("{} h ago", age.as_secs() / 3600),
        Err(_) => "?".into(),
    }
}

fn stamp(at: f64) -> String {
    let time = jiff::SignedDuration::try_from_secs_f64(at)
        .ok()
        .and_then(|since| jiff::Timestamp::from_duration(since).ok());
    time.map_or_else(String::new, |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}
