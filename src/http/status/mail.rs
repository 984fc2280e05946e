//! The head of the status page: whether mail flows, what else is wrong, and a row a channel.

use maud::{Markup, html};

use crate::aggregate::recent::ChannelActivity;
use crate::findings::situation::{Channel, ServiceUse, Situation};
use crate::findings::words::{percent, time};
use crate::findings::{Finding, Input, Thresholds, findings, share};
use crate::http::runbooks;

/// The one sentence, and what else there is to say.
pub(super) fn findings_of(situation: &Situation, limits: &Thresholds) -> Markup {
    let found = findings(&Input { now: Some(situation), logs: None, limits });
    html! {
        @if let Some((first, others)) = found.split_first() {
            h1 class=(first.severity.label()) { (first.what) }
            (more(first))
            @if !others.is_empty() {
                ul {
                    @for finding in others {
                        li { span class=(finding.severity.label()) { (finding.what) } (more(finding)) }
                    }
                }
            }
        }
    }
}

fn more(finding: &Finding) -> Markup {
    html! {
        @if !finding.evidence.is_empty() || !finding.next.is_empty() || finding.runbook.is_some() {
            div.dim {
                (finding.evidence) " " (with_commands(&finding.next))
                @if let Some(runbook) = finding.runbook {
                    " Runbook: " a href=(runbooks::path(runbook.name())) { (runbook.name()) } "."
                }
            }
        }
    }
}

/// What stands between backticks is typed.
fn with_commands(text: &str) -> Markup {
    html! {
        @for (number, part) in text.split('`').enumerate() {
            @if number % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// What each channel does and holds.
pub(super) fn channels(situation: &Situation, limits: &Thresholds) -> Markup {
    html! {
        table {
            tr {
                th { "Channel" } th.n { "In" } th.n { "Out" } th.n { "Failing" } th.n { "Waiting" }
                th.n { "Oldest" } th.n { "Never tried" } th.n { "Held" }
            }
            @for (name, channel) in situation.channels.iter().filter(|(_, channel)| channel.is_in_use()) {
                (row(name, channel, limits.of_channel(name).attempts))
            }
        }
        p.dim {
            "In: recipients that were enqueued for the channel; out: recipients that it delivered or handed on; failing: \
             attempts that failed; all of the last 5 minutes. Waiting and held are messages. A dash is not known."
        }
    }
}

/// How much of what the Dispatcher takes at once is in use.
pub(super) fn services(services: &[ServiceUse], limits: &Thresholds) -> Markup {
    html! {
        @if !services.is_empty() {
            h2 { "Connections" }
            table {
                tr { th { "Service" } th.n { "Open" } th.n { "Limit" } th.n { "In use" } }
                @for service in services {
                    tr {
                        td { (service.name) }
                        td.n { (service.used) }
                        td.n { (number(service.limit)) }
                        td.n {
                            @match service.limit.map(|limit| share(service.used, limit)) {
                                Some(used) if used >= limits.connections_share => span.warning { (percent(used)) },
                                Some(used) => (percent(used)),
                                None => "–",
                            }
                        }
                    }
                }
            }
            p.dim {
                "Open: connections on the ports of the service, also those that wait for a server process; the limit is MAX_PROCS \
                 times MAX_CONNS of the Dispatcher."
            }
        }
    }
}

fn row(name: &str, channel: &Channel, enough: u64) -> Markup {
    let traffic = channel.traffic.as_ref().map(|traffic| &traffic.window);
    let queue = channel.queue;
    html! {
        tr {
            td { (name) }
            td.n { (number(traffic.map(|window| window.enqueued))) }
            td.n { (number(traffic.map(ChannelActivity::delivered))) }
            td.n {
                @match traffic {
                    Some(window) if window.failed() > 0 => {
                        (format!("{:.0} %", share(window.failed(), window.attempts) * 100.0))
                        @if let Some(reason) = window.main_reason() { " " span.dim { (reason.label()) } }
                        @if window.attempts < enough { " " span.dim { "(of " (window.attempts) ")" } }
                    }
                    Some(_) => "0 %",
                    None => "–",
                }
            }
            td.n { (number(queue.map(|queue| queue.messages))) }
            td.n { (queue.map_or("–".to_owned(), |queue| queue.oldest.map(time).unwrap_or_default())) }
            td.n { (number(queue.map(|queue| queue.never_tried))) }
            td.n { (number(queue.map(|queue| queue.held))) }
        }
    }
}

fn number(count: Option<u64>) -> String {
    count.map_or_else(|| "–".to_owned(), |count| count.to_string())
}

#[cfg(test)]
mod tests {
    use crate::findings::{Finding, Runbook, Severity};

    /// Whatever else it says.
    #[test]
    fn a_finding_leads_to_its_runbook() {
        let mut finding = Finding::new(Severity::Warning, "held", "l: 3 held messages.".to_owned());
        assert_eq!(super::more(&finding).into_string(), "");
        finding.runbook = Some(Runbook::of("ImsMtaHeldMessages"));
        assert!(
            super::more(&finding)
                .into_string()
                .contains("Runbook: <a href=\"/runbooks/ImsMtaHeldMessages\">ImsMtaHeldMessages</a>.")
        );
    }
}
