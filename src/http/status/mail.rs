//! The head of the status page: whether mail flows, what else is wrong, a row a channel, and who knocks.

use maud::{Markup, html};

use super::known::{Known, Row};
use crate::findings::situation::ServiceUse;
use crate::findings::words::{percent, time};
use crate::findings::{Finding, Thresholds, share};
use crate::http::document::{table, with_commands};
use crate::http::links;
use crate::http::runbooks;
use crate::metrics::busiest::Top;

/// Of each kind of the busiest.
pub(super) const BUSIEST: usize = 3;
/// Minutes of which rates are told, as [`WINDOW_MINUTES`](crate::aggregate::recent::WINDOW_MINUTES).
const MINUTES: f64 = 5.0;

/// The one sentence, and what else there is to say.
pub(super) fn answer(known: &Known<'_>) -> Markup {
    let mut said = known.said();
    html! {
        @if let Some(first) = said.next() {
            h1 class=(first.severity.label()) {
                (first.what)
                @if let Some(beside) = known.beside() { " " span.warning { (beside) } }
            }
            (more(known, first))
        }
        @let others: Vec<_> = said.collect();
        @if !others.is_empty() {
            ul {
                @for finding in others {
                    li { span class=(finding.severity.label()) { (finding.what) } (more(known, finding)) }
                }
            }
        }
    }
}

/// What shows it, what to do, and what else comes of it.
pub(in crate::http) fn more(known: &Known<'_>, finding: &Finding) -> Markup {
    let explained: Vec<_> = known.explained_by(finding).collect();
    html! {
        @if !finding.evidence.is_empty() || !finding.next.is_empty() || finding.runbook.is_some() {
            div.more {
                (finding.evidence) " " (with_commands(&finding.next))
                @if let Some(runbook) = finding.runbook {
                    " Runbook: " a href=(runbooks::path(runbook.name())) { (runbook.name()) } "."
                }
            }
        }
        @if !explained.is_empty() {
            details.more id={ "follows-" (finding.rule) "-" (finding.channel.as_deref().unwrap_or_default()) } {
                summary { "What follows from it: " (explained.len()) }
                ul { @for finding in explained { li { (finding.what) } } }
            }
        }
    }
}

/// What each channel does and holds.
pub(super) fn channels(known: &Known<'_>) -> Markup {
    let rows: Vec<_> = known.rows().collect();
    html! {
        h2 { "Channels" }
        @if rows.is_empty() {
            p.dim { "Of no channel anything is known to have happened or to wait." }
        } @else {
            (table_of(&rows))
            p.dim {
                "In: recipients that were enqueued for the channel; out: recipients that it delivered or handed on; both per \
                 minute, failing: attempts that failed; all over the last 5 minutes. Waiting and held are messages. A dash is \
                 not known."
            }
        }
        @if let Some(seconds) = known.situation.logs.as_ref().and_then(|logs| logs.known_for).filter(|&seconds| seconds < MINUTES * 60.0) {
            p { "The logs are known for " (time(seconds)) " so far: until 5 minutes are known, in and out are too low." }
        }
    }
}

/// The same for some of them.
pub(in crate::http) fn table_of(rows: &[Row<'_>]) -> Markup {
    table(
        "Channels",
        &html! {
            thead {
                tr {
                    th scope="col" { "Channel" } th.n scope="col" { "In/min" } th.n scope="col" { "Out/min" }
                    th scope="col" { "Failing" } th.n scope="col" { "Waiting" } th.n scope="col" { "Oldest" }
                    th.n scope="col" { "Never tried" } th.n scope="col" { "Held" }
                }
            }
            tbody { @for row in rows { (row_of(row)) } }
        },
    )
}

fn row_of(row: &Row<'_>) -> Markup {
    html! {
        tr {
            th scope="row" {
                a href=(links::channel(row.name)) { (row.name) }
                @if row.stopped == Some(true) { " " span.bad { "stopped" } }
            }
            td.n { (per_minute(row.enqueued())) }
            td.n { (per_minute(row.delivered())) }
            td {
                @match row.failing() {
                    Some(failing) if failing > 0.0 => {
                        span.critical[row.fails] {
                            @if failing < 0.01 { "< 1 %" } @else { (percent(failing)) }
                        }
                        @if let Some(reason) = row.reason() { " " span.dim { (reason.label()) } }
                        @if let Some(attempts) = row.few() { " " span.dim { "(of " (attempts) ")" } }
                    }
                    _ if row.window.is_some() => "0 %",
                    _ => (UNKNOWN),
                }
            }
            td.n { (number(row.waiting)) }
            td.n { (oldest(row)) }
            td.n { (number(row.never_tried)) }
            td.n { (number(row.held)) }
        }
    }
}

/// How much of what the Dispatcher takes at once is in use.
pub(super) fn services(services: &[ServiceUse], limits: &Thresholds) -> Markup {
    html! {
        @if !services.is_empty() {
            h2 { "Connections" }
            (table("Connections", &html! {
                thead {
                    tr {
                        th scope="col" { "Service" } th.n scope="col" { "Open" } th.n scope="col" { "Limit" }
                        th.n scope="col" { "In use" }
                    }
                }
                tbody { @for service in services { (service_row(service, limits)) } }
            }))
            p.dim {
                "Open: connections on the ports of the service, also those that wait for a server process; the limit is MAX_PROCS \
                 times MAX_CONNS of the Dispatcher."
            }
        }
    }
}

fn service_row(service: &ServiceUse, limits: &Thresholds) -> Markup {
    html! {
        tr {
            th scope="row" { (service.name) }
            td.n { (service.used) }
            td.n { (number(service.limit)) }
            td.n {
                @match service.limit.map(|limit| share(service.used, limit)) {
                    Some(used) if used >= limits.connections_share => span.warning { (percent(used)) },
                    Some(used) => (percent(used)),
                    None => (UNKNOWN),
                }
            }
        }
    }
}

/// The first few of each kind of which there is anybody.
pub(super) fn busiest(tables: &[Top]) -> Markup {
    let tables: Vec<_> = tables.iter().filter(|top| !top.rows.is_empty()).collect();
    html! {
        h2 { "Who knocks" }
        @if tables.is_empty() {
            p.dim { "Nobody is known to. " a href="/top" { "The busiest" } " says what is not known." }
        } @else {
            (table("Who knocks", &html! {
                thead { tr { th scope="col" { "What" } th scope="col" { "The busiest" } th.n scope="col" { "All together" } } }
                tbody {
                    @for top in tables {
                        tr {
                            th scope="row" { a href={ "/top#" (top.table.label()) } { (top.table.meaning()) } }
                            td {
                                @for (number, row) in top.rows.iter().enumerate() {
                                    @if number > 0 { ", " }
                                    (row.name) " " span.dim { (row.count) }
                                }
                            }
                            td.n { (top.all) }
                        }
                    }
                }
            }))
            p.dim { "Of the last 5 minutes by the logs, and open now. " a href="/top" { "100 of each" } }
        }
    }
}

/// What is not known.
pub(super) const UNKNOWN: &str = "–";

fn oldest(row: &Row<'_>) -> String {
    if row.waiting.is_none() { UNKNOWN.to_owned() } else { row.oldest.map(time).unwrap_or_default() }
}

fn number(count: Option<u64>) -> String {
    count.map_or_else(|| UNKNOWN.to_owned(), |count| count.to_string())
}

fn per_minute(count: Option<u64>) -> String {
    count.map_or_else(|| UNKNOWN.to_owned(), rate)
}

/// Of so many in five minutes, how many in one.
pub(super) fn rate(count: u64) -> String {
    let rate = share(count, 1) / MINUTES;
    if rate < 10.0 && rate.fract() > 0.0 { format!("{rate:.1}") } else { format!("{rate:.0}") }
}

#[cfg(test)]
mod tests {
    #[test]
    fn rates_of_few_have_a_decimal() {
        for (count, expected) in [(0, "0"), (1, "0.2"), (5, "1"), (49, "9.8"), (52, "10"), (30_003, "6001")] {
            assert_eq!(super::rate(count), expected);
        }
    }
}
