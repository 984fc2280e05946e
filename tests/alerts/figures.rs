//! The figures of an expression.

use std::fmt;
use std::time::Duration;

use promql_parser::parser::{Expr, Offset};

/// A number or a duration in an expression, as it is written there.
#[derive(Debug, PartialEq)]
pub struct Figure {
    value: f64,
    /// Whether it is a duration.
    pub is_duration: bool,
}

impl Figure {
    /// Whether it has this value.
    pub fn is(&self, value: f64) -> bool {
        (self.value - value).abs() < 1e-9
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(86_400.0, "d"), (3600.0, "h"), (60.0, "m"), (1.0, "s")];
        match units.into_iter().find(|(unit, _)| self.is_duration && self.value % unit == 0.0) {
            Some((unit, name)) => write!(formatter, "{}{name}", self.value / unit),
            None => write!(formatter, "{}", self.value),
        }
    }
}

/// The figures of an expression from left to right. What stands behind `==` is a state, `vector` makes a series, and to
/// what `round` rounds is for the reader alone.
pub fn figures(expr: &Expr, found: &mut Vec<Figure>) {
    let number = |value: f64| Figure { value, is_duration: false };
    let duration = |value: Duration| Figure { value: value.as_secs_f64(), is_duration: true };
    match expr {
        Expr::Binary(binary) => {
            if let Some(value) = constant(expr) {
                found.push(number(value));
                return;
            }
            figures(&binary.lhs, found);
            if binary.op.to_string() != "==" || constant(&binary.rhs).is_none() {
                figures(&binary.rhs, found);
            }
        }
        Expr::NumberLiteral(_) | Expr::Unary(_) => found.extend(constant(expr).map(number)),
        Expr::Paren(paren) => figures(&paren.expr, found),
        Expr::Aggregate(aggregate) => {
            if let Some(parameter) = &aggregate.param {
                figures(parameter, found);
            }
            figures(&aggregate.expr, found);
        }
        Expr::Call(call) if call.func.name == "round" => {
            call.args.args.iter().take(1).for_each(|argument| figures(argument, found));
        }
        Expr::Call(call) if call.func.name != "vector" => {
            call.args.args.iter().for_each(|argument| figures(argument, found));
        }
        Expr::MatrixSelector(matrix) => {
            found.push(duration(matrix.range));
            found.extend(offset(matrix.vs.offset.as_ref()).map(duration));
        }
        Expr::VectorSelector(selector) => found.extend(offset(selector.offset.as_ref()).map(duration)),
        Expr::Subquery(query) => {
            figures(&query.expr, found);
            found.extend([Some(query.range), query.step].into_iter().flatten().map(duration));
            found.extend(offset(query.offset.as_ref()).map(duration));
        }
        Expr::Call(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

fn offset(offset: Option<&Offset>) -> Option<Duration> {
    match offset? {
        Offset::Pos(duration) | Offset::Neg(duration) => Some(*duration),
    }
}

/// What numbers alone come to.
fn constant(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::NumberLiteral(number) => Some(number.val),
        Expr::Paren(paren) => constant(&paren.expr),
        Expr::Unary(unary) => constant(&unary.expr).map(|value| -value),
        Expr::Binary(binary) if binary.op.to_string() == "*" => {
            Some(constant(&binary.lhs)? * constant(&binary.rhs)?)
        }
        _ => None,
    }
}
