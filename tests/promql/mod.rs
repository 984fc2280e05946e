//! What a query of Prometheus uses and which labels its answer has, checked against the catalogue: for
//! the queries of dashboards and of alert rules.

use std::collections::BTreeSet;
use std::time::Duration;

use imsimta_exporter::metrics::catalogue::{Family, Kind, METRICS};
use promql_parser::label::{MatchOp, Matchers};
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality, VectorSelector, parse,
};

/// Labels that the scrape adds; that of the cluster where a site has many hosts.
const TARGET_LABELS: [&str; 3] = ["job", "cluster", "instance"];
/// Series that Prometheus makes itself of each scrape, and of alerts.
const OF_PROMETHEUS: [&str; 4] = ["up", "scrape_duration_seconds", "scrape_samples_scraped", "ALERTS"];

/// A metric that rules record, and its labels beside those of the target; those of a whole cluster have no instance.
pub type Recorded<'a> = (&'a str, &'a [&'a str]);

/// One selector in a query.
#[derive(Debug)]
pub struct Use {
    /// The series' name.
    pub name: String,
    /// Label, operator and value of each matcher.
    pub matchers: Vec<(String, &'static str, String)>,
    /// The range in brackets.
    pub range: Option<Duration>,
    /// The functions around it, the innermost last.
    pub functions: Vec<&'static str>,
    /// Only its existence counts: the right side of `and` and `unless`.
    pub existence_only: bool,
    /// The family in the catalogue.
    pub metric: Option<&'static Family>,
    /// Of its series.
    labels: Labels,
    /// Whether somebody makes such a series: the exporter, Prometheus, a rule.
    exists: bool,
}

impl Use {
    /// Whether its series have a label, as far as that is known.
    pub fn has_label(&self, label: &str) -> bool {
        match &self.labels {
            Labels::Known(labels) => labels.contains(label),
            Labels::Any => true,
            Labels::Number => false,
        }
    }

    /// Those of some labels that its series are known to have.
    pub fn known_labels<'a>(&self, of: &[&'a str]) -> Vec<&'a str> {
        let Labels::Known(labels) = &self.labels else { return Vec::new() };
        of.iter().copied().filter(|label| labels.contains(*label)).collect()
    }

    /// Whether a matcher is there as it is written.
    pub fn has(&self, label: &str, operator: &str, value: &str) -> bool {
        self.matchers.iter().any(|(l, o, v)| (l.as_str(), *o, v.as_str()) == (label, operator, value))
    }

    /// A series that nobody makes, labels that it does not have.
    pub fn not_catalogued(&self) -> Vec<String> {
        let name = &self.name;
        if !self.exists {
            return vec![format!("{name:?} is not in the catalogue")];
        }
        let unknown = self.matchers.iter().filter(|(label, ..)| !self.has_label(label));
        unknown.map(|(label, ..)| format!("{name} has no label {label}")).collect()
    }

    /// Functions that do not fit the kind of the metric.
    pub fn misused(&self) -> Option<String> {
        let metric = self.metric.filter(|_| !self.existence_only)?;
        let function = self.functions.last().copied().unwrap_or_default();
        let rate = self.range.is_some() && matches!(function, "rate" | "irate" | "increase");
        let change = self.range.is_some() && matches!(function, "changes" | "resets");
        let wrong = match metric.kind {
            Kind::Counter if !rate && !change => "is a counter without a rate",
            Kind::Gauge if rate => "is a gauge under a rate",
            Kind::Histogram if self.name == metric.name => "is a histogram without its buckets",
            Kind::Histogram if !rate => "is a histogram without a rate",
            Kind::Histogram
                if self.name.ends_with("_bucket") && !self.functions.contains(&"histogram_quantile") =>
            {
                "is buckets without histogram_quantile"
            }
            _ => return None,
        };
        Some(format!("{} {wrong}", self.name))
    }
}

/// A family by its own name, or a histogram by that of one of its series.
fn in_catalogue(name: &str) -> Option<&'static Family> {
    let named = |name: &str| METRICS.iter().find(|metric| metric.name == name).copied();
    named(name).or_else(|| {
        let parts = ["_bucket", "_sum", "_count"];
        let base = parts.iter().find_map(|part| name.strip_suffix(part))?;
        named(base).filter(|metric| metric.kind == Kind::Histogram)
    })
}

/// The labels of an answer.
#[derive(Clone, Debug, PartialEq)]
enum Labels {
    /// A number has none and goes with everything.
    Number,
    /// Not known, as for `ALERTS`.
    Any,
    /// These.
    Known(BTreeSet<String>),
}

impl Labels {
    fn lacks<'a>(&self, wanted: impl IntoIterator<Item = &'a String>) -> Vec<String> {
        match self {
            Self::Known(labels) => {
                wanted.into_iter().filter(|label| !labels.contains(*label)).cloned().collect()
            }
            Self::Number => wanted.into_iter().cloned().collect(),
            Self::Any => Vec::new(),
        }
    }
}

/// A query, understood.
#[derive(Debug)]
pub struct Analysis<'a> {
    /// Every selector.
    pub uses: Vec<Use>,
    /// Labels that are grouped or matched by where they do not exist, sides that can never match.
    pub mistakes: Vec<String>,
    labels: Labels,
    recorded: &'a [Recorded<'a>],
    /// Whether only the existence of what is read just now counts.
    existence_only: bool,
}

/// All that is wrong with a query, in words; nothing when all is well.
pub fn problems(expr: &str, recorded: &[Recorded<'_>]) -> Vec<String> {
    match Analysis::with(expr, recorded) {
        Ok(analysis) => {
            let of_uses =
                analysis.uses.iter().flat_map(|used| used.not_catalogued().into_iter().chain(used.misused()));
            of_uses.chain(analysis.mistakes.iter().cloned()).collect()
        }
        Err(error) => vec![format!("does not parse: {error}")],
    }
}

impl Analysis<'static> {
    /// Reads a query without variables that uses nothing that rules record.
    ///
    /// # Errors
    ///
    /// What the parser says.
    pub fn new(expr: &str) -> Result<Self, String> {
        Self::with(expr, &[])
    }
}

impl<'a> Analysis<'a> {
    /// Reads a query without variables that may use what rules record.
    ///
    /// # Errors
    ///
    /// What the parser says.
    pub fn with(expr: &str, recorded: &'a [Recorded<'a>]) -> Result<Self, String> {
        let (uses, mistakes) = (Vec::new(), Vec::new());
        let mut analysis = Self { uses, mistakes, labels: Labels::Number, recorded, existence_only: false };
        analysis.labels = analysis.walk(&parse(expr)?, &mut Vec::new());
        Ok(analysis)
    }

    /// The `{{label}}`s of a legend that the answer does not have.
    pub fn missing_in_legend(&self, legend: &str) -> Vec<String> {
        let wanted: Vec<String> = legend
            .split("{{")
            .skip(1)
            .filter_map(|rest| rest.split_once("}}"))
            .map(|(label, _)| label.trim().to_owned())
            .collect();
        self.labels.lacks(&wanted)
    }

    fn walk(&mut self, expr: &Expr, functions: &mut Vec<&'static str>) -> Labels {
        match expr {
            Expr::Paren(inner) => self.walk(&inner.expr, functions),
            Expr::Unary(inner) => self.walk(&inner.expr, functions),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) => Labels::Number,
            Expr::VectorSelector(selector) => self.select(selector, None, functions),
            Expr::MatrixSelector(matrix) => self.select(&matrix.vs, Some(matrix.range), functions),
            Expr::Subquery(inner) => {
                functions.push("subquery");
                let labels = self.walk(&inner.expr, functions);
                functions.pop();
                labels
            }
            Expr::Aggregate(aggregate) => self.aggregate(aggregate, functions),
            Expr::Call(call) => self.call(call, functions),
            Expr::Binary(binary) => self.binary(binary, functions),
            Expr::Extension(_) => Labels::Any,
        }
    }

    fn select(
        &mut self,
        selector: &VectorSelector,
        range: Option<Duration>,
        functions: &[&'static str],
    ) -> Labels {
        let name = selector.name.clone().unwrap_or_default();
        let metric = in_catalogue(&name);
        let recorded = self.recorded.iter().find(|recorded| recorded.0 == name);
        let labels = match (metric, recorded) {
            // Beside its own labels, an alert has those of its series.
            _ if name == "ALERTS" => Labels::Any,
            (Some(metric), _) => {
                let bucket = name.ends_with("_bucket").then_some("le");
                of_target(metric.labels.iter().map(|label| label.name).chain(bucket))
            }
            (None, Some((name, labels))) => of_level(name, labels),
            (None, None) => of_target([]),
        };
        self.uses.push(Use {
            matchers: matchers(&selector.matchers),
            range,
            functions: functions.to_vec(),
            existence_only: self.existence_only,
            metric,
            labels: labels.clone(),
            exists: metric.is_some() || recorded.is_some() || OF_PROMETHEUS.contains(&name.as_str()),
            name,
        });
        labels
    }

    fn aggregate(&mut self, aggregate: &AggregateExpr, functions: &mut Vec<&'static str>) -> Labels {
        let inner = self.walk(&aggregate.expr, functions);
        if let Some(parameter) = &aggregate.param {
            self.walk(parameter, functions);
        }
        let keeps =
            matches!(aggregate.op.to_string().as_str(), "topk" | "bottomk" | "limitk" | "limit_ratio");
        match &aggregate.modifier {
            Some(modifier) => {
                self.need(&inner, &modifier.labels().labels, "groups by");
                match (keeps, modifier) {
                    (true, _) => inner,
                    (false, LabelModifier::Include(by)) => Labels::Known(by.labels.iter().cloned().collect()),
                    (false, LabelModifier::Exclude(without)) => minus(inner, &without.labels),
                }
            }
            None if keeps => inner,
            None => Labels::Known(BTreeSet::new()),
        }
    }

    fn call(&mut self, call: &Call, functions: &mut Vec<&'static str>) -> Labels {
        functions.push(call.func.name);
        let arguments: Vec<Labels> =
            call.args.args.iter().map(|argument| self.walk(argument, functions)).collect();
        functions.pop();
        let string = |index: usize| match call.args.args.get(index).map(AsRef::as_ref) {
            Some(Expr::StringLiteral(literal)) => literal.val.clone(),
            _ => String::new(),
        };
        let vector = arguments.iter().find(|labels| **labels != Labels::Number).cloned();
        match call.func.name {
            "time" | "scalar" => Labels::Number,
            "vector" | "absent" | "absent_over_time" => Labels::Known(BTreeSet::new()),
            "histogram_quantile" => {
                let inner = vector.unwrap_or(Labels::Any);
                self.need(&inner, &["le".to_owned()], "takes quantiles by");
                minus(inner, &["le".to_owned()])
            }
            "label_replace" => {
                let inner = vector.unwrap_or(Labels::Any);
                let source = string(3);
                if !source.is_empty() {
                    self.need(&inner, &[source], "copies");
                }
                match inner {
                    Labels::Known(labels) => Labels::Known(labels.into_iter().chain([string(1)]).collect()),
                    other => other,
                }
            }
            _ => vector.unwrap_or(Labels::Number),
        }
    }

    fn binary(&mut self, binary: &BinaryExpr, functions: &mut Vec<&'static str>) -> Labels {
        let operator = binary.op.to_string();
        let set = ["and", "unless"].contains(&operator.as_str());
        let left =
            self.side(&binary.lhs, operator == "unless" && is_earlier(&binary.rhs, &binary.lhs), functions);
        let right = self.side(&binary.rhs, set, functions);
        if left == Labels::Number || right == Labels::Number {
            return if left == Labels::Number { right } else { left };
        }
        let modifier = binary.modifier.as_ref();
        let matching = modifier.and_then(|modifier| modifier.matching.as_ref());
        if let Some(matching) = matching {
            self.need(&left, &matching.labels().labels, "matches on");
            self.need(&right, &matching.labels().labels, "matches on");
        }
        match operator.as_str() {
            "or" => match (left, right) {
                // Only what is on both sides is there whichever of them answers.
                (Labels::Known(left), Labels::Known(right)) => {
                    Labels::Known(left.intersection(&right).cloned().collect())
                }
                (Labels::Any, other) | (other, _) => other,
            },
            "and" | "unless" => {
                if matching.is_none() {
                    self.need_same(&left, &right);
                }
                left
            }
            _ => match matching {
                None => {
                    self.need_same(&left, &right);
                    left
                }
                Some(LabelModifier::Include(on))
                    if modifier.is_some_and(|modifier| modifier.card == VectorMatchCardinality::OneToOne) =>
                {
                    Labels::Known(on.labels.iter().cloned().collect())
                }
                Some(LabelModifier::Exclude(ignored)) => minus(left, &ignored.labels),
                Some(LabelModifier::Include(_)) => left,
            },
        }
    }

    /// One side of an operator; `existence_only` when nothing of it but that it is there counts.
    fn side(&mut self, expr: &Expr, existence_only: bool, functions: &mut Vec<&'static str>) -> Labels {
        let before = self.existence_only;
        self.existence_only |= existence_only;
        let labels = self.walk(expr, functions);
        self.existence_only = before;
        labels
    }

    fn need(&mut self, labels: &Labels, wanted: &[String], verb: &str) {
        for label in labels.lacks(wanted) {
            self.mistakes.push(format!("{verb} {label}, which is not there"));
        }
    }

    fn need_same(&mut self, left: &Labels, right: &Labels) {
        if let (Labels::Known(left), Labels::Known(right)) = (left, right)
            && left != right
        {
            self.mistakes.push(format!("sides never match: labels {left:?} and {right:?}"));
        }
    }
}

/// Whether the first is the second with an offset: `x unless x offset 5m` is the whole value of a counter
/// that was born since.
fn is_earlier(earlier: &Expr, now: &Expr) -> bool {
    let (Expr::VectorSelector(earlier), Expr::VectorSelector(now)) = (earlier, now) else { return false };
    earlier.offset.is_some()
        && now.offset.is_none()
        && earlier.name == now.name
        && earlier.matchers == now.matchers
}

/// Labels of a series, with those of its target.
fn of_target<'a>(labels: impl IntoIterator<Item = &'a str>) -> Labels {
    Labels::Known(labels.into_iter().chain(TARGET_LABELS).map(str::to_owned).collect())
}

/// The labels of a recorded metric: the part of its name in front of the first colon says whether it is of one host.
fn of_level(name: &str, labels: &[&str]) -> Labels {
    let labels = of_target(labels.iter().copied());
    let of_one_host = name.split(':').next().is_some_and(|level| level.contains("instance"));
    if of_one_host { labels } else { minus(labels, &["instance".to_owned()]) }
}

fn minus(labels: Labels, without: &[String]) -> Labels {
    match labels {
        Labels::Known(labels) => {
            Labels::Known(labels.into_iter().filter(|label| !without.contains(label)).collect())
        }
        other => other,
    }
}

fn matchers(matchers: &Matchers) -> Vec<(String, &'static str, String)> {
    let alternatives = matchers.or_matchers.iter().flatten();
    let all = matchers.matchers.iter().chain(alternatives);
    all.map(|matcher| {
        let operator = match matcher.op {
            MatchOp::Equal => "=",
            MatchOp::NotEqual => "!=",
            MatchOp::Re(_) => "=~",
            MatchOp::NotRe(_) => "!~",
        };
        (matcher.name.clone(), operator, matcher.value.clone())
    })
    .collect()
}

#[test]
fn labels_are_followed_through_a_query() {
    for (expr, mistakes) in [
        ("sum by (channel) (imsimta_queue_messages)", 0),
        ("sum by (code) (imsimta_queue_messages)", 1),
        ("topk(3, sum by (client) (imsimta_client_connections))", 0),
        ("sum(imsimta_queue_messages) / sum by (channel) (imsimta_queue_bytes)", 1),
        ("imsimta_queue_messages and on (port) imsimta_mta_active", 2),
        ("imsimta_queue_messages and on (job, instance) imsimta_mta_active == 1", 0),
        ("imsimta_queue_messages and imsimta_mta_active", 1),
        ("histogram_quantile(0.9, sum by (le) (rate(imsimta_queue_delay_seconds_bucket[5m])))", 0),
        ("histogram_quantile(0.9, sum by (channel) (rate(imsimta_queue_delay_seconds_bucket[5m])))", 1),
        ("sum by (new) (label_replace(imsimta_mta_active, \"new\", \"$1\", \"channel\", \"(.*)\"))", 1),
        ("sum by (anything) (ALERTS)", 0),
    ] {
        let analysis = Analysis::new(expr).expect("a query");
        assert_eq!(analysis.mistakes.len(), mistakes, "{expr}: {:?}", analysis.mistakes);
    }
    let analysis = Analysis::new("sum by (channel) (imsimta_queue_messages)").expect("a query");
    assert_eq!(analysis.missing_in_legend("{{channel}} of {{ instance }}"), ["instance"]);
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
    check("imsimta_queue", &["\"imsimta_queue\" is not in the catalogue"]);
    check("{channel=\"l\"}", &["\"\" is not in the catalogue"]);
    check("imsimta_queue_delay_seconds", &["imsimta_queue_delay_seconds is a histogram without its buckets"]);
    check("imsimta_mta_active{channel=\"l\"}", &["imsimta_mta_active has no label channel"]);
    check("imsimta_etrn_total > 1", &["imsimta_etrn_total is a counter without a rate"]);
    check(
        "imsimta_etrn_total unless on (job, instance) imsimta_mta_active",
        &["imsimta_etrn_total is a counter without a rate"],
    );
    assert_eq!(problems("imsimta_etrn_total unless imsimta_mta_active", &[]).len(), 2, "sides never match");
    check("rate(imsimta_mta_active[5m])", &["imsimta_mta_active is a gauge under a rate"]);
    check("sum by (code) (imsimta_queue_messages)", &["groups by code, which is not there"]);
    check(
        "imsimta_queue_messages and on (channel) imsimta_mta_active",
        &["matches on channel, which is not there"],
    );
    check(
        "sum by (channel) (a:b:d)",
        &["\"a:b:d\" is not in the catalogue", "groups by channel, which is not there"],
    );
    // The level in front of the colon has no instance, so there is none.
    check("sum by (instance, cluster) (a:b:c)", &["groups by instance, which is not there"]);
    assert!(problems("rate(imsimta_etrn_total", &[])[0].starts_with("does not parse"));
}
