//! Every query of every dashboard, for a test that runs them.

use super::board;

/// What variables stand for when nothing else is asked for: everything.
const EVERYTHING: &[(&str, &str)] =
    &[("__rate_interval", "1m"), ("channel", ".+"), ("instance", ".+"), ("job", ".+")];

/// Every query of every panel, ready to run: the titles of dashboard and panel, and the query with
/// `values` for its variables, by name. Variables without a value there stand for everything, and
/// `__rate_interval` for one minute.
///
/// None is optional: with an exporter that reads logs with connection entries, each has an answer.
pub fn runnable(values: &[(&str, &str)]) -> Vec<(String, String)> {
    let values: Vec<_> = values.iter().chain(EVERYTHING).copied().collect();
    let mut queries = Vec::new();
    for board in &board::boards() {
        queries.extend(board::panel_queries(board).iter().map(|query| {
            let title = format!("{}: {}", board::text(board, "/title"), query.place);
            (title, board::substitute(query.expr, &values))
        }));
    }
    queries
}
