//! The debug page: the last lines that were not understood, for the person who may read the state
//! directory and wants to know why. In HTML, and for a terminal.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::document::document;
use super::status::ago;
use crate::aggregate::unparsed::KEPT;
use crate::metrics::ClientDisplay;
use crate::observed::Observed;
use crate::text::escape::escaped;

/// The longest line that is shown; what is no printable ASCII takes four characters.
const LINE_WIDTH: usize = 200;
/// The longest name of a log that is shown.
const NAME_WIDTH: usize = 60;

/// The whole page.
pub(super) fn unparsed(observed: &Observed, clients: &ClientDisplay) -> Markup {
    let now = observed.clock.unix_seconds();
    let lines: Vec<_> = observed.logs().unparsed.all().cloned().collect();
    let body = html! {
        h1 { "Lines that were not understood" }
        p {
            "The last " (KEPT) " since this start, the newest first. "
            code { "imsimta-exporter explain" } " says where reading stopped."
        }
        @if lines.is_empty() { p.ok { "None." } }
        @else {
            table {
                tr { th { "Log" } th { "Read" } th { "Why" } th { "Line" } }
                @for line in lines.iter().rev() {
                    tr {
                        td { (escaped(line.at.log.as_bytes(), NAME_WIDTH)) }
                        td { (ago(Some(line.at.time.seconds()), now)) }
                        td title=(line.reason.meaning()) { (line.reason.label()) }
                        td { code { (escaped(&clients.masked(&line.bytes), LINE_WIDTH)) } }
                    }
                }
            }
        }
    };
    document("imsimta-exporter: lines that were not understood", None, &body)
}

/// The same for a terminal: printable ASCII only.
pub(super) fn unparsed_text(observed: &Observed, clients: &ClientDisplay) -> String {
    let now = observed.clock.unix_seconds();
    let lines: Vec<_> = observed.logs().unparsed.all().cloned().collect();
    let mut text =
        format!("The last {KEPT} lines since this start that were not understood, the newest first.\n");
    if lines.is_empty() {
        text.push_str("\nNone.\n");
    }
    for line in lines.iter().rev() {
        let (log, when) =
            (escaped(line.at.log.as_bytes(), NAME_WIDTH), ago(Some(line.at.time.seconds()), now));
        let (why, meaning) = (line.reason.label(), line.reason.meaning());
        let line = escaped(&clients.masked(&line.bytes), LINE_WIDTH);
        // Writing into a string cannot fail.
        let _ = write!(text, "\n{log}, {when}, {why}: {meaning}\n  {line}\n");
    }
    text
}
