//! The page of a channel: what is wrong with it, what it does and holds.

use maud::{Markup, html};

use super::document::document;
use super::pages::Made;
use super::status::known::Known;
use super::status::mail::{more, table_of};
use super::{Site, alerts, plots, status};
use crate::findings::Finding;

/// That of a channel of which anything is known.
pub(super) fn made(site: &Site, channel: &str) -> Option<Made> {
    let observed = &site.observed;
    let known = status::known(observed, &site.clients.read());
    let is_known = known.situation.channels.contains_key(channel);
    is_known.then(|| Made::html(page(&known, channel, &plots::of_channel(observed, channel))))
}

fn page(known: &Known<'_>, channel: &str, plots: &Markup) -> Markup {
    let row = known.situation.channels.get(channel).map(|state| known.row(channel, state));
    let body = html! {
        h1 { (channel) }
        (said(known, channel))
        (alerts::section_of(&known.alerts, channel, &known.runbooks(), known.at))
        @if let Some(row) = row {
            h2 { "Now" }
            (table_of(&[row]))
            p.dim { "In and out are recipients per minute over the last 5, waiting and held are messages. A dash is not known." }
        }
        (plots)
    };
    document(&format!("{channel} – imsimta-exporter"), Some(status::REFRESH), &body)
}

/// What is wrong with it.
fn said(known: &Known<'_>, channel: &str) -> Markup {
    let said: Vec<_> = known.said().filter(|finding| is_about(finding, channel)).collect();
    html! {
        @if said.is_empty() {
            p { "Nothing is found to be wrong with this channel alone. " a href="/" { "Status" } " says what else is." }
        } @else {
            ul {
                @for finding in said {
                    li { span class=(finding.severity.label()) { (finding.what) } (more(known, finding)) }
                }
            }
        }
    }
}

fn is_about(finding: &Finding, channel: &str) -> bool {
    let of_alerts = finding.alerts.iter().filter_map(|alert| alert.labels.get("channel"));
    finding.channel.iter().chain(of_alerts).any(|of| of == channel)
}
