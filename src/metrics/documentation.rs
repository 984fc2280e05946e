//! The catalogue for people: `imsimta-exporter metrics` and `docs/metrics.md`.

use std::fmt::Write as _;

use super::catalogue::{Family, Feed, METRICS};
use crate::record::reason::Reason;

/// One line a metric: name, type, labels, HELP.
pub fn text() -> String {
    let width = METRICS.iter().map(|metric| signature(metric).len()).max().unwrap_or(0);
    METRICS.iter().fold(String::new(), |mut text, metric| {
        let _ = writeln!(text, "{:width$}  {:9}  {}", signature(metric), metric.kind.word(), metric.help);
        text
    })
}

fn signature(metric: &Family) -> String {
    let labels: Vec<&str> = metric.labels.iter().map(|label| label.name).collect();
    if labels.is_empty() {
        metric.name.to_owned()
    } else {
        format!("{}{{{}}}", metric.name, labels.join(","))
    }
}

/// The page `docs/metrics.md`.
pub fn markdown() -> String {
    let mut page = String::from(HEAD);
    for &feed in Feed::ALL {
        let _ = writeln!(page, "\n## {}\n", feed.meaning());
        for metric in METRICS.iter().filter(|metric| metric.feed == feed) {
            let _ = write!(page, "{}", entry(metric));
        }
    }
    let _ = write!(
        page,
        "\n## Reasons\n\nThe values of the label `reason` on failures, rejections and connections.\n\n"
    );
    let _ = write!(page, "| reason | meaning |\n| --- | --- |\n");
    for reason in Reason::ALL {
        let _ = writeln!(page, "| `{}` | {} |", reason.label(), reason.meaning());
    }
    page
}

fn entry(metric: &Family) -> String {
    let mut text = format!("### `{}`\n\n{} ({})\n\n", metric.name, metric.help, metric.kind.word());
    for label in metric.labels {
        let _ = writeln!(text, "- label `{}`: {}", label.name, (label.bound)());
    }
    if !metric.needs.is_empty() {
        let needs: Vec<String> = metric.needs.iter().map(|option| option.need()).collect();
        let _ = writeln!(text, "- needs the MTA's option {}", needs.join(", or "));
    }
    let _ = write!(text, "- example: `{}`\n\n", metric.query);
    text
}

const HEAD: &str = "\
<!-- Written from the catalogue in src/metrics/catalogue.rs; UPDATE_EXPECT=1 cargo test writes it anew. -->

# Metrics

Entries of the logs are per recipient and per hop: a message to three recipients that passes through the
channel `conversion` is enqueued six times. So the names say recipients, and the sum over all channels is
not the traffic of the site; choose the channels through which mail comes in and goes out.

A series that could not be read is absent, and `imsimta_collector_success` is 0. A 0 means that somebody
looked and saw none. Metrics from the logs are left out from the start until the logs have been caught
up with, and go on where they were then. Of breakdowns by reason, domain or status a series appears with
its first event; attempts, dequeues and relay rejections exist from 0 for every channel with a queue
directory.
";

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    #[test]
    fn the_page_in_the_tree_is_the_catalogue() {
        expect_file!["../../docs/metrics.md"].assert_eq(&super::markdown());
    }
}
