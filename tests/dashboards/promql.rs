//! What a query uses and which labels its answer has, checked against the catalogue.

use std::collections::BTreeSet;
use std::time::Duration;

use imsimta_exporter::metrics::catalogue::{Kind, METRICS, Metric};
use promql_parser::label::{MatchOp, Matchers};
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality, VectorSelector, parse,
};

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
}

impl Use {
    /// The family in the catalogue.
    pub fn metric(&self) -> Option<&'static Metric> {
        let named = |name: &str| METRICS.iter().find(|metric| metric.name == name).copied();
        named(&self.name).or_else(|| {
            let parts = ["_bucket", "_sum", "_count"];
            let base = parts.iter().find_map(|part| self.name.strip_suffix(part))?;
            named(base).filter(|metric| metric.kind == Kind::Histogram)
        })
    }

    /// The labels of its series; `None` for those with any.
    pub fn labels(&self) -> Option<BTreeSet<String>> {
        if self.name == "ALERTS" {
            return None;
        }
        let own = self.metric().map_or(&[][..], |metric| metric.labels).iter().map(|label| label.name);
        let bucket = self.name.ends_with("_bucket").then_some("le");
        Some(own.chain(bucket).chain(["job", "instance"]).map(str::to_owned).collect())
    }

    /// Whether a matcher is there as it is written.
    pub fn has(&self, label: &str, operator: &str, value: &str) -> bool {
        self.matchers.iter().any(|(l, o, v)| (l.as_str(), *o, v.as_str()) == (label, operator, value))
    }
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
pub struct Analysis {
    /// Every selector.
    pub uses: Vec<Use>,
    /// Labels that are grouped or matched by where they do not exist, sides that can never match.
    pub mistakes: Vec<String>,
    labels: Labels,
}

impl Analysis {
    /// Reads a query without variables.
    ///
    /// # Errors
    ///
    /// What the parser says.
    pub fn new(expr: &str) -> Result<Self, String> {
        let mut analysis = Self { uses: Vec::new(), mistakes: Vec::new(), labels: Labels::Number };
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
        let used = Use {
            name: selector.name.clone().unwrap_or_default(),
            matchers: matchers(&selector.matchers),
            range,
            functions: functions.to_vec(),
        };
        let labels = used.labels().map_or(Labels::Any, Labels::Known);
        self.uses.push(used);
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
        let left = self.walk(&binary.lhs, functions);
        let right = self.walk(&binary.rhs, functions);
        if left == Labels::Number || right == Labels::Number {
            return if left == Labels::Number { right } else { left };
        }
        let modifier = binary.modifier.as_ref();
        let matching = modifier.and_then(|modifier| modifier.matching.as_ref());
        if let Some(matching) = matching {
            self.need(&left, &matching.labels().labels, "matches on");
            self.need(&right, &matching.labels().labels, "matches on");
        }
        match binary.op.to_string().as_str() {
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
