//! The debug page of what daemons said of errors, for the person who may read the state directory. In HTML, and for a
//! terminal.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::document::document;
use super::status::ago;
use crate::metrics::ClientDisplay;
use crate::observed::Observed;
use crate::observed::daemon_log::{DaemonEvent, KEPT};
use crate::text::escape::escaped;

/// The longest text that is shown; what is no printable ASCII takes four characters.
const TEXT_WIDTH: usize = 240;

/// The whole page.
pub(super) fn page(observed: &Observed, clients: &ClientDisplay) -> Markup {
    let now = observed.clock.unix_seconds();
    let events: Vec<DaemonEvent> = observed.logs().daemon_events.all().rev().cloned().collect();
    let body = html! {
        h1 { "Errors in the logs of daemons" }
        p { "The last " (KEPT) " since this start, the newest first." }
        @if events.is_empty() { p.ok { "None." } }
        @else {
            table {
                tr { th { "Log" } th { "Written" } th { "About" } th { "Record" } }
                @for event in &events {
                    tr {
                        td title=(event.log.meaning()) { (event.log.label()) }
                        td {
                            @if let Some(time) = event.time { (ago(Some(time.seconds()), now)) }
                            @else { "on a day that nobody knows" }
                        }
                        td title=(event.class.meaning()) { (event.class.label()) }
                        td { code { (escaped(&clients.masked(&event.text), TEXT_WIDTH)) } }
                    }
                }
            }
        }
    };
    document("imsimta-exporter: errors in the logs of daemons", None, &body)
}

/// The same for a terminal: printable ASCII only.
pub(super) fn text(observed: &Observed, clients: &ClientDisplay) -> String {
    let now = observed.clock.unix_seconds();
    let events: Vec<DaemonEvent> = observed.logs().daemon_events.all().rev().cloned().collect();
    let mut text =
        format!("The last {KEPT} errors in the logs of daemons since this start, the newest first.\n");
    if events.is_empty() {
        text.push_str("\nNone.\n");
    }
    for event in &events {
        let (log, class, meaning) = (event.log.label(), event.class.label(), event.class.meaning());
        let when = event
            .time
            .map_or_else(|| "on a day that nobody knows".to_owned(), |time| ago(Some(time.seconds()), now));
        let record = escaped(&clients.masked(&event.text), TEXT_WIDTH);
        // Writing into a string cannot fail.
        let _ = write!(text, "\n{log}, {when}, {class}: {meaning}\n  {record}\n");
    }
    text
}
