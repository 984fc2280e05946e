//! The dashboards: linter rules as tests.
//!
//! - `board`: what of the JSON is looked at
//! - `rules`: the table of rules, `honest` those about what a panel may not claim; `broken` has a broken dashboard for each
//! - `figures`: thresholds of panels, which are those of the alerts
//! - `queries`: every query, for `tests/e2e`, which runs them
//! - `typed_load.py`: the JSON loaded with Grafana's own types; see [`types_keep_everything`]
//!
//! No dashboard is rendered here: there is no Grafana.

mod board;
mod broken;
mod figures;
mod honest;
mod queries;
mod rules;

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// All queries of all dashboards, of annotations too, with something in place of their variables.
pub fn queries() -> Vec<String> {
    let boards = board::boards();
    let queries = boards.iter().flat_map(board::all_queries);
    queries.map(|query| board::substitute(query.expr, board::SENTINELS)).collect()
}

#[test]
fn dashboards_keep_the_rules() {
    let boards = board::boards();
    assert!(!boards.is_empty());
    let mut found = Vec::new();
    for board in &boards {
        for rule in rules::RULES {
            let violations = (rule.check)(board, &boards);
            let title = board::text(board, "/title");
            found.extend(violations.iter().map(|what| format!("{title}: {}: {what}", rule.name)));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn files_are_formatted() {
    for (file, board) in board::files().iter().zip(board::boards()) {
        let text = std::fs::read_to_string(file).expect("a dashboard can be read");
        let formatted = serde_json::to_string_pretty(&board).expect("JSON") + "\n";
        assert!(text == formatted, "{}: not as `jq --sort-keys .` writes it", file.display());
    }
}

/// The tables name what there is.
#[test]
fn panels_that_show_incidents_exist() {
    use imsimta_exporter::demo::incident::{Becomes, Incident};
    let panels: Vec<String> = queries::runnable(&[]).into_iter().map(|(panel, _)| panel).collect();
    for row in queries::SHOWN {
        assert!(Incident::named(row.incident).is_some(), "no incident {}", row.incident);
        assert!(panels.iter().any(|panel| panel == row.panel), "no panel {}", row.panel);
        // What rises is a rate on a panel.
        assert!(!matches!(row.becomes, Becomes::Rises(_) | Becomes::Slows(_)), "{}", row.panel);
    }
}

/// A 0 that stands for no event is from a series that is there exactly when events would be known.
#[test]
fn zeros_are_of_who_would_know() {
    const AUTHENTICATIONS: &str = "imsimta_client_authentication_failures_max";
    const ENTRIES: &str = "imsimta_log_entries_total";
    for (counted, base) in [
        ("(imsimta_client_authentication_failures{", AUTHENTICATIONS),
        ("(imsimta_authentication_failures_total{", AUTHENTICATIONS),
        ("(imsimta_authentications_total{", AUTHENTICATIONS),
        ("(imsimta_client_bad_commands{", "imsimta_client_bad_commands_max"),
        ("(imsimta_bad_commands_total{", ENTRIES),
        ("(imsimta_aborted_transactions_total{", ENTRIES),
        ("(imsimta_enqueue_rejections_total{", ENTRIES),
        ("(imsimta_connections_rejected_total{", "imsimta_client_connections_max"),
    ] {
        let mut asked = 0;
        for (title, expr) in queries::runnable(&[]) {
            let Some((_, zeros)) = expr.split_once("\n  or on ()").filter(|_| expr.contains(counted)) else {
                continue;
            };
            asked += 1;
            for zero in zeros.split("\n  or on ()") {
                assert!(zero.contains(base), "{title}: {zero} is not known by {base}");
            }
        }
        assert!(asked > 0, "{counted}");
    }
}

#[test]
fn queries_are_ready_to_run() {
    let queries = queries::runnable(&[("job", "imsimta"), ("__rate_interval", "30s")]);
    assert!(queries.len() > 20);
    for (title, expr) in queries {
        assert!(!expr.contains('$'), "{title}: {expr}");
        assert!(expr.contains("job=~\"imsimta\"") && !expr.contains("[1m]"), "{title}: {expr}");
        crate::promql::Analysis::with(&expr, crate::alerts::RECORDED)
            .unwrap_or_else(|error| panic!("{title}: {error}"));
    }
}

/// A field that Grafana does not know is ignored silently. Its own types, in Python, say which.
///
/// `python3 -m venv target/typed-load` (Debian: `python3-venv`) and
/// `target/typed-load/bin/pip install -r tests/dashboards/requirements.txt` make it ready; another
/// Python with the package is named by `TYPED_LOAD_PYTHON`.
#[test]
fn types_keep_everything() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = root.join("target/typed-load/bin/python");
    let python = match std::env::var_os("TYPED_LOAD_PYTHON") {
        Some(python) => python,
        None if own.exists() => own.into(),
        None => "python3".into(),
    };
    let mut command = Command::new(&python);
    command.arg(root.join("tests/dashboards/typed_load.py")).args(board::files());
    let result = command.output();
    let missing = match &result {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(error.to_string()),
        Ok(output) if output.status.code() == Some(3) => {
            Some(String::from_utf8_lossy(&output.stderr).trim().to_owned())
        }
        _ => None,
    };
    if let Some(why) = missing {
        let how = "pip install -r tests/dashboards/requirements.txt in target/typed-load";
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "dashboards not loaded with types: {why}; {how}"
        );
        writeln!(std::io::stderr(), "SKIPPED: dashboards not loaded with types: {why}; {how}").ok();
        return;
    }
    let output = result.expect("python runs");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}
