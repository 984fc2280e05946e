//! Rules about what a panel may not claim: a share of nothing, a pace of two points, a hundred zeros.

use promql_parser::parser::{Expr, parse};
use serde_json::Value;

use super::board::{Query, SENTINELS, panel_queries, substitute};

/// One sentence for each query of a panel that breaks a rule.
fn each(board: &Value, what: &str, breaks: impl Fn(&Query<'_>) -> bool) -> Vec<String> {
    let broken = panel_queries(board).into_iter().filter(|query| breaks(query));
    broken.map(|query| format!("{}: {what}", query.place)).collect()
}

/// In the worst outage nothing is attempted, and a share of that is no number: it has to be absent.
pub fn ratios(board: &Value, _: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    for query in panel_queries(board) {
        // A query that cannot be read is another rule's.
        if !query.expr.contains('/') && !query.expr.contains("histogram_quantile") {
            continue;
        }
        let Ok(expr) = parse(&substitute(query.expr, SENTINELS)) else { continue };
        for (is, what) in [
            (divides_by_a_rate as fn(&Expr) -> bool, "divides by a rate that may be 0"),
            (is_quantile, "a quantile of nothing is no number"),
        ] {
            if any(&expr, false, &|expr, compared| !compared && is(expr)) {
                found.push(format!("{}: {what}", query.place));
            }
        }
    }
    found
}

fn divides_by_a_rate(expr: &Expr) -> bool {
    let Expr::Binary(binary) = expr else { return false };
    binary.op.to_string() == "/"
        && !is_comparison(&binary.rhs)
        && any(&binary.rhs, false, &|expr, _| is_rate(expr))
}

fn is_rate(expr: &Expr) -> bool {
    matches!(expr, Expr::Call(call) if ["rate", "increase"].contains(&call.func.name))
}

fn is_quantile(expr: &Expr) -> bool {
    matches!(expr, Expr::Call(call) if call.func.name == "histogram_quantile")
}

fn is_comparison(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(paren) => is_comparison(&paren.expr),
        Expr::Binary(binary) => [">", ">=", "==", "<", "<="].contains(&binary.op.to_string().as_str()),
        _ => false,
    }
}

/// Whether something holds somewhere in an expression. The second argument of `holds` is whether the expression is
/// what a comparison looks at, which no NaN passes.
fn any(expr: &Expr, compared: bool, holds: &impl Fn(&Expr, bool) -> bool) -> bool {
    holds(expr, compared)
        || match expr {
            Expr::Paren(inner) => any(&inner.expr, compared, holds),
            Expr::Unary(inner) => any(&inner.expr, false, holds),
            Expr::Subquery(inner) => any(&inner.expr, false, holds),
            Expr::Aggregate(inner) => any(&inner.expr, false, holds),
            Expr::Call(call) => call.args.args.iter().any(|argument| any(argument, false, holds)),
            Expr::Binary(binary) => {
                any(&binary.lhs, is_comparison(expr), holds) || any(&binary.rhs, false, holds)
            }
            _ => false,
        }
}

/// A thousand sockets in `time_wait` are over, and hide the ten in `syn_recv`.
pub fn time_wait(board: &Value, _: &[Value]) -> Vec<String> {
    each(board, "shows time_wait on the axis of the others", |query| {
        let by_state = ["by (state)", "by (port, state)"].iter().any(|by| query.expr.contains(by));
        by_state && query.expr.contains("sockets") && !query.expr.contains("state!=\"time_wait\"")
    })
}

/// The slope of the first two points says nothing about a quarter of an hour.
pub fn growth(board: &Value, _: &[Value]) -> Vec<String> {
    each(board, "a pace of two points, before it can be known", |query| {
        query.expr.contains("deriv(imsimta_queue_messages") && !query.expr.contains(" offset ")
    })
}

/// Channels times reasons are a legend taller than the panel: what is 0 is left out.
pub fn zeros(board: &Value, _: &[Value]) -> Vec<String> {
    each(board, "shows what is 0 for each channel and reason", |query| {
        query.expr.contains("sum by (channel, reason) (imsimta_queue_held_messages")
            && !query.expr.contains("> 0")
    })
}
