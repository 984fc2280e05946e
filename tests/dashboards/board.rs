//! What of a dashboard's JSON the rules look at: panels, queries, variables.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// What variables are replaced by when a query is looked at and not run. They are told apart from
/// anything written out.
pub const SENTINELS: &[(&str, &str)] = &[
    ("__range", "13m37s"),
    ("__rate_interval", "7m13s"),
    ("channel", "var_channel"),
    ("cluster", "var_cluster"),
    ("instance", "var_instance"),
    ("job", "var_job"),
];

/// The files of all dashboards, sorted.
pub fn files() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards");
    let entries = std::fs::read_dir(&directory).expect("the directory of the dashboards");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry of the directory").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

/// All dashboards, in the order of their files.
pub fn boards() -> Vec<Value> {
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).expect("a dashboard can be read");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    files().iter().map(read).collect()
}

/// The elements of an array, none where there is no array.
pub fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A string, empty where there is none.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Everything that has a place on the grid, also what a collapsed row hides.
pub fn placed(board: &Value) -> Vec<&Value> {
    let outer = list(board, "/panels").iter();
    outer.flat_map(|panel| std::iter::once(panel).chain(list(panel, "/panels"))).collect()
}

/// The panels that show data.
pub fn panels(board: &Value) -> Vec<&Value> {
    placed(board).into_iter().filter(|panel| text(panel, "/type") != "row").collect()
}

/// A query and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Title of the panel, name of the annotation.
    pub place: &'a str,
    /// The query, with variables.
    pub expr: &'a str,
    /// How series are called; empty for annotations.
    pub legend: &'a str,
    /// Whether a panel shows it.
    pub of_panel: bool,
    /// Whether it is asked once, and not for each point of a line.
    pub instant: bool,
}

/// The names of the variables.
pub fn variables(board: &Value) -> Vec<&str> {
    list(board, "/templating/list").iter().map(|variable| text(variable, "/name")).collect()
}

/// The queries of all panels.
pub fn panel_queries(board: &Value) -> Vec<Query<'_>> {
    let of = |panel| {
        list(panel, "/targets").iter().map(move |target| Query {
            place: text(panel, "/title"),
            expr: text(target, "/expr"),
            legend: text(target, "/legendFormat"),
            of_panel: true,
            instant: target["instant"] == Value::Bool(true),
        })
    };
    panels(board).into_iter().flat_map(of).collect()
}

/// The queries of all panels and annotations.
pub fn all_queries(board: &Value) -> Vec<Query<'_>> {
    let annotations = list(board, "/annotations/list").iter().map(|annotation| Query {
        place: text(annotation, "/name"),
        expr: text(annotation, "/expr"),
        legend: "",
        of_panel: false,
        instant: false,
    });
    panel_queries(board).into_iter().chain(annotations).collect()
}

/// `expr` with its variables replaced, in the forms `$name` and `${name}`. What is not in `values`
/// stays as it is.
pub fn substitute(expr: &str, values: &[(&str, &str)]) -> String {
    let mut result = String::with_capacity(expr.len());
    let mut rest = expr;
    while let Some(at) = rest.find('$') {
        result.push_str(&rest[..at]);
        let variable = &rest[at + 1..];
        let braced = variable.starts_with('{');
        let name = &variable[usize::from(braced)..];
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
        let closed = !braced || name[end..].starts_with('}');
        let value = values.iter().find(|(known, _)| *known == &name[..end]).filter(|_| closed);
        if let Some((_, value)) = value {
            result.push_str(value);
            rest = &name[end + usize::from(braced)..];
        } else {
            result.push('$');
            rest = variable;
        }
    }
    result + rest
}

#[test]
fn variables_are_replaced_by_name() {
    let values = [("job", "a"), ("jobs", "b"), ("__rate_interval", "1m")];
    for (expr, expected) in [
        ("x{job=~\"$job\"}[$__rate_interval]", "x{job=~\"a\"}[1m]"),
        ("$jobs ${job} ${job", "b a ${job"),
        ("$other $job$", "$other a$"),
        ("none", "none"),
    ] {
        assert_eq!(substitute(expr, &values), expected);
    }
}
