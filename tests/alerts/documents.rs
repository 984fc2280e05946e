//! What runbooks and documents say of metrics is so, and no metric is there for nothing.
//!
//! A span of code that names a metric is a query, read as those of the rules are; in a block of code words may be patterns
//! for grep, of which each alternative begins a name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use imsimta_exporter::metrics::catalogue::{Family, METRICS};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::promql::{Analysis, Use, problems};

use super::files::{list, rules, text};
use super::rules::{RECORDED, queries};

/// Metrics for which no rule, panel or runbook asks, and why they are there.
const UNASKED: &[(&str, &str)] = &[
    ("imsimta_alert_state", "the exporter's own alerts, for who has a Prometheus and no rules of ours"),
    ("imsimta_alerts_spoken_by_another", "who speaks of an alert is no fault: docs/alertmanager.md"),
    ("imsimta_alerts_left_out", "says that a host is in more trouble than anybody reads about"),
    ("imsimta_alerts_silenced", "what a site wants nobody to be told of is no fault: docs/alerts.md"),
    ("imsimta_connections_lost_total", "how far open connections by the log can be trusted"),
    ("imsimta_etrn_total", "few sites have ETRN, and nothing is wrong with it"),
    ("imsimta_exporter_baseline_save_duration_seconds", "a failed save has a metric that runbooks name"),
    ("imsimta_exporter_history_save_duration_seconds", "a failed save has a metric that runbooks name"),
    (
        "imsimta_exporter_web_config_last_reload_success_timestamp_seconds",
        "docs/web.md: since when a certificate is in use, for who renews it",
    ),
    (
        "imsimta_exporter_web_config_last_reload_successful",
        "docs/web.md: for who renews certificates; what holds goes on holding",
    ),
    ("imsimta_log_entry_modifiers_total", "questions of a site: which share comes with TLS, or ESMTP"),
    (
        "imsimta_notifications_delayed_total",
        "docs/receivers.md: whether receivers of alerts are told in time",
    ),
    ("imsimta_notifications_dropped_total", "docs/alertmanager.md: whether receivers of alerts are reached"),
    ("imsimta_notifications_sent_total", "docs/alertmanager.md: whether receivers of alerts are reached"),
    ("process_virtual_memory_bytes", "Prometheus' own name, which dashboards of others ask for"),
];

/// The beginning of our names.
const PREFIX: &str = "imsimta_";

/// A document as its code has it.
#[derive(Default)]
struct Code {
    /// Spans, and the text that follows each.
    spans: Vec<(String, String)>,
    /// The lines of blocks.
    lines: Vec<String>,
}

impl Code {
    fn of(markdown: &str) -> Self {
        let (mut code, mut in_block, mut after_span) = (Self::default(), false, false);
        for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
            let was_after_span = std::mem::take(&mut after_span);
            match event {
                Event::Start(Tag::CodeBlock(_)) => in_block = true,
                Event::End(TagEnd::CodeBlock) => in_block = false,
                Event::Text(text) if in_block => code.lines.extend(text.lines().map(str::to_owned)),
                Event::Text(text) if was_after_span => {
                    if let Some((_, after)) = code.spans.last_mut() {
                        after.push_str(&text);
                    }
                }
                Event::Code(span) => {
                    code.spans.push((span.to_string(), String::new()));
                    after_span = true;
                }
                _ => {}
            }
        }
        code
    }
}

/// What a document says of metrics.
#[derive(Default)]
struct Said {
    asked: BTreeSet<&'static str>,
    wrong: Vec<String>,
}

impl Said {
    fn by(markdown: &str) -> Self {
        let (code, mut said) = (Code::of(markdown), Self::default());
        for (span, after) in code.spans.iter().filter(|(span, _)| names_a_metric(span)) {
            said.span(span, after);
        }
        let words = code.lines.iter().flat_map(|line| line.split([' ', '\'', '"']));
        for word in words.filter(|word| word.contains(PREFIX)) {
            said.pattern(word);
        }
        said
    }

    /// A query, or a name alone, which may be that of a counter; after it may stand by which label.
    fn span(&mut self, span: &str, after: &str) {
        let analysis = match Analysis::with(span, RECORDED) {
            Ok(analysis) => analysis,
            Err(error) => return self.wrong.push(format!("{span}: {error}")),
        };
        self.asked.extend(analysis.uses.iter().filter_map(|used| Some(used.metric?.name)));
        let wrong = if span.contains('(') {
            problems(span, RECORDED)
        } else {
            let not_there = analysis.uses.iter().flat_map(Use::not_catalogued);
            not_there.chain(analysis.mistakes.iter().cloned()).collect()
        };
        self.wrong.extend(wrong.into_iter().map(|what| format!("{span}: {what}")));
        let words = after.strip_prefix(" by ").unwrap_or_default();
        let label = words.split(|letter: char| !is_of_a_name(letter)).next().unwrap_or_default();
        if !label.is_empty() && !analysis.missing_in_legend(&format!("{{{{{label}}}}}")).is_empty() {
            self.wrong.push(format!("{span}: has no label {label}"));
        }
    }

    /// A word that grep may take.
    fn pattern(&mut self, word: &str) {
        for start in beginnings(&mut word.chars()).iter().filter(|start| start.starts_with(PREFIX)) {
            let begun = METRICS.iter().filter(|metric| series(metric).any(|name| name.starts_with(start)));
            let begun: Vec<_> = begun.map(|metric| metric.name).collect();
            if begun.is_empty() || start == PREFIX {
                self.wrong.push(format!("{start} begins no metric: {word}"));
            } else {
                self.asked.extend(begun);
            }
        }
    }
}

fn is_of_a_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_:".contains(letter)
}

fn names_a_metric(span: &str) -> bool {
    let mut words = span.split(|letter: char| !is_of_a_name(letter));
    words.any(|word| word.contains(PREFIX) || METRICS.iter().any(|metric| metric.name == word))
}

/// The names of a family's series.
fn series(metric: &Family) -> impl Iterator<Item = String> {
    ["", "_bucket", "_sum", "_count"].into_iter().map(|part| format!("{}{part}", metric.name))
}

/// With what the alternatives of a pattern begin: `a_(b|c).*` is `a_b` and `a_c`.
fn beginnings(pattern: &mut std::str::Chars<'_>) -> Vec<String> {
    let (mut ended, mut now, mut is_name) = (Vec::new(), vec![String::new()], true);
    while let Some(letter) = pattern.next() {
        match letter {
            ')' => break,
            '|' => {
                ended.append(&mut now);
                (now, is_name) = (vec![String::new()], true);
            }
            '(' => {
                let inner = beginnings(pattern);
                if is_name {
                    now = now
                        .iter()
                        .flat_map(|start| inner.iter().map(move |end| format!("{start}{end}")))
                        .collect();
                }
            }
            '^' => {}
            _ if is_name && is_of_a_name(letter) => now.iter_mut().for_each(|start| start.push(letter)),
            _ => is_name = false,
        }
    }
    ended.append(&mut now);
    ended
}

/// Documents for users that name metrics, beside the runbooks.
fn documents() -> Vec<PathBuf> {
    let documents = [
        "README.md",
        "dashboards/README.md",
        "docs/baseline.md",
        "docs/fleet.md",
        "docs/loss.md",
        "docs/metrics.md",
    ];
    documents.iter().map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).collect()
}

#[test]
fn documents_name_metrics_and_labels_that_exist() {
    let mut wrong = Vec::new();
    for path in list("runbooks", ".md").into_iter().chain(documents()) {
        let said = Said::by(&text(&path)).wrong;
        wrong.extend(said.iter().map(|what| format!("{}: {what}", path.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_metric_is_asked_for_or_says_why_not() {
    let of_rules = rules().into_iter().flat_map(|rule| {
        let of_texts: Vec<_> = rule.annotations.values().flat_map(|text| queries(text)).collect();
        std::iter::once(rule.expr).chain(of_texts)
    });
    let mut asked = BTreeSet::new();
    for query in of_rules.chain(crate::dashboards::queries()) {
        let analysis = Analysis::with(&query, RECORDED).unwrap_or_else(|error| panic!("{query}: {error}"));
        asked.extend(analysis.uses.iter().filter_map(|used| Some(used.metric?.name)));
    }
    asked.extend(list("runbooks", ".md").iter().flat_map(|path| Said::by(&text(path)).asked));
    let unasked: BTreeSet<_> =
        METRICS.iter().map(|metric| metric.name).filter(|name| !asked.contains(name)).collect();
    let known: BTreeSet<_> = UNASKED.iter().map(|(name, _)| *name).collect();
    assert_eq!(unasked, known);
}

#[test]
fn what_is_wrong_in_a_document_is_seen() {
    let document = "\
`imsimta_gone` and `up`, `imsimta_etrn_total` by channel, `imsimta_etrn_total` by domain, `imsimta qm start`,
`rate(imsimta_etrn_total{code=\"E\"}[5m])
 / 2`, `sum(imsimta_etrn_total)`, `imsimta_queue_*`

    curl localhost | grep -E '^imsimta_(etrn|queue_(messages|gone)|smtp_sockets.*(a|b))|other' # imsimta_dequeued
";
    let said = Said::by(document);
    let wrong: Vec<_> = said.wrong.iter().map(String::as_str).collect();
    let [gone, label, query, misused, star, pattern] = wrong[..] else { panic!("{wrong:?}") };
    assert_eq!(gone, "imsimta_gone: \"imsimta_gone\" is not in the catalogue");
    assert_eq!(label, "imsimta_etrn_total: has no label domain");
    assert!(query.ends_with("imsimta_etrn_total has no label code"), "{query}");
    assert_eq!(misused, "sum(imsimta_etrn_total): imsimta_etrn_total is a counter without a rate");
    assert!(star.starts_with("imsimta_queue_*: "), "{star}");
    assert!(pattern.starts_with("imsimta_queue_gone begins no metric: "), "{pattern}");
    for name in [
        "imsimta_etrn_total",
        "imsimta_queue_messages",
        "imsimta_smtp_sockets",
        "imsimta_dequeued_bytes_total",
    ] {
        assert!(said.asked.contains(name), "{name}: {:?}", said.asked);
    }
}
