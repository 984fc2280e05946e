//! The busiest clients, networks, senders and destinations: who to look at when a host is flooded. In HTML, and as JSON.

use maud::{Markup, html};

use super::document::{document, table};
use crate::metrics::ClientDisplay;
use crate::metrics::busiest::{self, Row, Top, TopTable};
use crate::observed::Observed;

/// Rows of a table.
const MOST: usize = 100;
/// Seconds between two looks of a browser. The log is read within a second, so what begins shows within ten.
const REFRESH: u32 = 5;

/// The whole page.
pub(super) fn page(observed: &Observed, clients: &ClientDisplay) -> Markup {
    let tables = busiest::all(observed, clients, MOST);
    let are_logs_read = observed.logs().shown;
    // Clients that are shown by their networks would be the same again.
    let shown = |table: &TopTable| !(clients.shows_networks() && table.is_of_clients());
    let of = |table: TopTable| tables.iter().find(|top| top.table == table);
    let body = html! {
        h1 { "The busiest" }
        p {
            "Of the last 5 minutes by the logs, and open now. " a href="/" { "Status" } " · "
            a href="/top.json" { "JSON" }
        }
        (overview(
            TopTable::ALL.iter().filter(|table| shown(table)).map(|&table| (table, of(table))),
            are_logs_read
        ))
        @for top in tables.iter().filter(|top| shown(&top.table) && !top.rows.is_empty()) { (section(top)) }
    };
    document("imsimta-exporter: the busiest", Some(REFRESH), &body)
}

/// The first of each table.
fn overview<'a>(tables: impl Iterator<Item = (TopTable, Option<&'a Top>)>, are_logs_read: bool) -> Markup {
    let rows = html! {
        thead {
            tr {
                th scope="col" { "What" } th scope="col" { "Busiest" } th.n scope="col" { "Its count" }
                th.n scope="col" { "All together" } th.n scope="col" { "Error at most" }
            }
        }
        tbody { @for (table, top) in tables { (overview_row(table, top, are_logs_read)) } }
    };
    html! {
        (table("The busiest of each kind", &rows))
        p.dim { "A count is never more than the truth, and at most so much less." }
    }
}

fn overview_row(table: TopTable, top: Option<&Top>, are_logs_read: bool) -> Markup {
    html! {
        tr {
            @match top {
                Some(top) => {
                    th scope="row" {
                        @if top.rows.is_empty() { (table.meaning()) }
                        @else { a href={ "#" (table.label()) } { (table.meaning()) } }
                    }
                    td {
                        @match top.rows.first() {
                            Some(row) => (row.name),
                            None if top.max > 0 => span.dim { "not shown (" code { "clients.label" } ")" },
                            None => span.dim { "nobody" },
                        }
                    }
                    td.n { (top.max) }
                    td.n { (top.all) }
                    td.n { (top.error_bound) }
                }
                None => {
                    th scope="row" { (table.meaning()) }
                    td.dim colspan="4" { (unknown(table, are_logs_read)) }
                }
            }
        }
    }
}

/// Why nothing is known.
fn unknown(table: TopTable, are_logs_read: bool) -> String {
    let needs: Vec<_> = table.needs().iter().map(|option| option.label()).collect();
    match needs.as_slice() {
        [] => "not known: sockets could not be read".to_owned(),
        _ if !are_logs_read => "not known: the logs have not been read yet".to_owned(),
        needs => format!("not known: the log has not shown {} yet", needs.join(" or ")),
    }
}

fn section(top: &Top) -> Markup {
    let with_states = top.rows.iter().any(|row| !row.states.is_empty());
    let rows = html! {
        thead {
            tr {
                th.n scope="col" { "#" } th scope="col" { (top.table.who()) } th.n scope="col" { "Count" }
                th.n scope="col" { "Of all" }
                @if with_states { th scope="col" { "By state" } }
            }
        }
        tbody {
            @for (row, place) in top.rows.iter().zip(1_u32..) {
                tr {
                    td.n { (place) }
                    td { (row.name) }
                    td.n { (row.count) }
                    td.n { (share(row.count, top.all)) }
                    @if with_states { td { (states(row)) } }
                }
            }
        }
    };
    html! { h2 id=(top.table.label()) { (top.table.meaning()) } (table(top.table.meaning(), &rows)) }
}

fn share(count: u64, all: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a share of counts needs no 53 bits")]
    let share = 100.0 * count as f64 / all.max(1) as f64;
    format!("{share:.1} %")
}

fn states(row: &Row) -> String {
    let states = row.states.iter().map(|(state, count)| format!("{state} {count}"));
    states.collect::<Vec<_>>().join(", ")
}

/// The same as JSON; what is not known is not there.
pub(super) fn json(observed: &Observed, clients: &ClientDisplay) -> Vec<u8> {
    let tables = busiest::all(observed, clients, MOST);
    serde_json::to_vec(&serde_json::json!({ "tables": tables })).unwrap_or_default()
}
