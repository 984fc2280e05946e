//! What a query uses: metrics, matchers, grouping labels, and counters without a rate.

use std::collections::BTreeSet;

use imsimta_exporter::metrics::catalogue::{Kind, METRICS, Metric};
use promql_parser::label::Matchers;
use promql_parser::parser::token::{T_LAND, T_LUNLESS};
use promql_parser::parser::{BinaryExpr, Expr, LabelModifier, VectorSelector, parse};

/// Labels that the scrape adds.
const TARGET_LABELS: [&str; 2] = ["job", "instance"];
/// Series that Prometheus makes by itself, with their labels beside those of the target.
const OF_PROMETHEUS: [(&str, &[&str]); 2] =
    [("up", &[]), ("ALERTS", &["alertname", "alertstate", "severity"])];
/// Functions that turn a counter into something that can be compared.
const OF_COUNTERS: [&str; 3] = ["rate", "increase", "irate"];

/// A metric that rules record, and its labels beside those of the target.
pub type Recorded<'a> = (&'a str, &'a [&'a str]);

/// What is wrong with a query, in words; nothing when all is well.
pub fn problems(query: &str, recorded: &[Recorded<'_>]) -> Vec<String> {
    match parse(query) {
        Ok(expression) => {
            let mut reader = Reader { recorded, problems: Vec::new() };
            reader.read(&expression, Place::Value);
            reader.problems
        }
        Err(error) => vec![format!("does not parse: {error}")],
    }
}

/// Where in a query a selector stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Its value counts.
    Value,
    /// Below `rate` or its like.
    Rate,
    /// Only its existence counts: the right side of `and` and `unless`.
    Existence,
}

struct Reader<'a> {
    recorded: &'a [Recorded<'a>],
    problems: Vec<String>,
}

impl Reader<'_> {
    /// Reads one level and what is below it; gives the labels that the metrics below have.
    fn read(&mut self, expression: &Expr, place: Place) -> BTreeSet<String> {
        match expression {
            Expr::Aggregate(aggregate) => {
                let labels = self.read(&aggregate.expr, place);
                self.grouping(aggregate.modifier.as_ref(), &labels);
                labels
            }
            Expr::Unary(unary) => self.read(&unary.expr, place),
            Expr::Paren(paren) => self.read(&paren.expr, place),
            Expr::Subquery(subquery) => self.read(&subquery.expr, place),
            Expr::Binary(binary) => self.binary(binary, place),
            Expr::VectorSelector(selector) => self.selector(selector, place),
            Expr::MatrixSelector(matrix) => self.selector(&matrix.vs, place),
            Expr::Call(call) => {
                let below = if OF_COUNTERS.contains(&call.func.name) { Place::Rate } else { place };
                call.args.args.iter().flat_map(|argument| self.read(argument, below)).collect()
            }
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => BTreeSet::new(),
        }
    }

    fn binary(&mut self, binary: &BinaryExpr, place: Place) -> BTreeSet<String> {
        let matched_only = [T_LAND, T_LUNLESS].contains(&binary.op.id());
        // `x unless x offset 5m`: the whole value of a counter that was born since.
        let born = binary.op.id() == T_LUNLESS && is_earlier(&binary.rhs, &binary.lhs);
        let mut left = self.read(&binary.lhs, if born { Place::Existence } else { place });
        let right = self.read(&binary.rhs, if matched_only { Place::Existence } else { place });
        if let Some(modifier) = &binary.modifier {
            let both = left.intersection(&right).cloned().collect();
            self.grouping(modifier.matching.as_ref(), &both);
        }
        if !matched_only {
            left.extend(right);
        }
        left
    }

    fn selector(&mut self, selector: &VectorSelector, place: Place) -> BTreeSet<String> {
        let Some(name) = &selector.name else {
            self.problems.push(format!("{selector}: no metric name"));
            return BTreeSet::new();
        };
        let Some((labels, counter)) = self.metric(name) else {
            self.problems.push(format!("{name}: not in the catalogue"));
            return BTreeSet::new();
        };
        for label in matched(&selector.matchers) {
            if !labels.contains(label) {
                self.problems.push(format!("{name}: has no label {label}"));
            }
        }
        if counter && place == Place::Value {
            self.problems.push(format!("{name}: a counter outside rate and increase"));
        }
        if !counter && place == Place::Rate {
            self.problems.push(format!("{name}: a gauge within rate or increase"));
        }
        labels
    }

    /// A metric's labels and whether it is a counter.
    fn metric(&self, name: &str) -> Option<(BTreeSet<String>, bool)> {
        let (labels, counter): (Vec<&str>, bool) = if let Some(metric) = in_catalogue(name) {
            let own = metric.labels.iter().map(|label| label.name);
            let bucket = name.ends_with("_bucket").then_some("le");
            (own.chain(bucket).collect(), metric.kind != Kind::Gauge)
        } else {
            let known = self.recorded.iter().chain(&OF_PROMETHEUS).find(|known| known.0 == name)?;
            (known.1.to_vec(), false)
        };
        Some((labels.into_iter().chain(TARGET_LABELS).map(str::to_owned).collect(), counter))
    }

    fn grouping(&mut self, modifier: Option<&LabelModifier>, known: &BTreeSet<String>) {
        for label in modifier.iter().flat_map(|modifier| &modifier.labels().labels) {
            if !known.contains(label) {
                self.problems.push(format!("groups or matches by {label}, which no metric there has"));
            }
        }
    }
}

/// A family by its own name, or a histogram by that of one of its series.
fn in_catalogue(name: &str) -> Option<&'static Metric> {
    METRICS.iter().copied().find(|metric| {
        let rest = name.strip_prefix(metric.name);
        match metric.kind {
            Kind::Histogram => matches!(rest, Some("_bucket" | "_sum" | "_count")),
            Kind::Counter | Kind::Gauge => rest == Some(""),
        }
    })
}

fn matched(matchers: &Matchers) -> impl Iterator<Item = &String> {
    matchers.matchers.iter().chain(matchers.or_matchers.iter().flatten()).map(|matcher| &matcher.name)
}

/// Whether the first is the second with an offset.
fn is_earlier(earlier: &Expr, now: &Expr) -> bool {
    let (Expr::VectorSelector(earlier), Expr::VectorSelector(now)) = (earlier, now) else { return false };
    earlier.offset.is_some()
        && now.offset.is_none()
        && earlier.name == now.name
        && earlier.matchers == now.matchers
}

#[track_caller]
fn check(query: &str, expected: &[&str]) {
    assert_eq!(problems(query, &[("a:b:c", &["channel"])]), expected, "{query}");
}

#[test]
fn the_check_of_queries_sees_what_is_wrong() {
    check("rate(imsimta_dequeued_recipients_total{channel=\"l\"}[5m]) > 0", &[]);
    check("imsimta_queue_messages and on (job, instance) imsimta_mta_active == 1", &[]);
    check("histogram_quantile(0.9, sum by (le) (rate(imsimta_queue_delay_seconds_bucket[5m])))", &[]);
    check("imsimta_etrn_total unless imsimta_etrn_total offset 5m", &[]);
    check("sum by (channel) (a:b:c)", &[]);
    check("absent(up{job=\"imsimta\"})", &[]);
    check("imsimta_queue", &["imsimta_queue: not in the catalogue"]);
    check("imsimta_queue_delay_seconds", &["imsimta_queue_delay_seconds: not in the catalogue"]);
    check("imsimta_mta_active{channel=\"l\"}", &["imsimta_mta_active: has no label channel"]);
    check("imsimta_etrn_total > 1", &["imsimta_etrn_total: a counter outside rate and increase"]);
    check(
        "imsimta_etrn_total unless imsimta_mta_active",
        &["imsimta_etrn_total: a counter outside rate and increase"],
    );
    check("rate(imsimta_mta_active[5m])", &["imsimta_mta_active: a gauge within rate or increase"]);
    check(
        "sum by (code) (imsimta_queue_messages)",
        &["groups or matches by code, which no metric there has"],
    );
    check(
        "imsimta_queue_messages and on (channel) imsimta_mta_active",
        &["groups or matches by channel, which no metric there has"],
    );
    check("{channel=\"l\"}", &["{channel=\"l\"}: no metric name"]);
    assert!(problems("rate(imsimta_etrn_total", &[])[0].starts_with("does not parse"));
}
