//! THE table of rules for dashboards: those of Grafana's dashboard-linter and our own.
//!
//! A rule gives one sentence for each violation, with the title of the panel.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;

use crate::alerts::RECORDED;
use crate::promql::{Analysis, Use};

use super::board::{
    Query, SENTINELS, all_queries, list, panel_queries, panels, placed, substitute, text, variables as named,
};
use super::honest;

/// A rule.
pub struct Rule {
    /// What it asks for.
    pub name: &'static str,
    /// Gives the violations of a dashboard, which is the first, among all dashboards.
    pub check: fn(&Value, &[Value]) -> Vec<String>,
}

/// Every rule.
pub const RULES: &[Rule] = &[
    Rule { name: "identity", check: identity },
    Rule { name: "uid is unique", check: unique_uid },
    Rule { name: "links resolve", check: links },
    Rule { name: "variables", check: variables },
    Rule { name: "annotations", check: annotations },
    Rule { name: "data source", check: data_source },
    Rule { name: "panel says what it shows", check: words },
    Rule { name: "known unit", check: units },
    Rule { name: "rows ask questions", check: rows },
    Rule { name: "panels have a place of their own", check: grid },
    Rule { name: "red only for failure", check: red },
    Rule { name: "stat asks for now", check: instant },
    Rule { name: "queries parse", check: parses },
    Rule { name: "queries use the catalogue", check: catalogued },
    Rule { name: "queries follow the variables", check: matched },
    Rule { name: "functions fit the kind of metric", check: functions },
    Rule { name: "rates over $__rate_interval", check: rate_interval },
    Rule { name: "labels exist", check: labels },
    Rule { name: "nothing is divided by nothing", check: honest::ratios },
    Rule { name: "time_wait flattens no axis", check: honest::time_wait },
    Rule { name: "no growth before it can be known", check: honest::growth },
    Rule { name: "no legend of zeros", check: honest::zeros },
];

/// Units of `getCategories()` in Grafana that a dashboard of ours may use.
const UNITS: &[&str] = &[
    "none",
    "short",
    "percent",
    "percentunit",
    "bytes",
    "decbytes",
    "Bps",
    "binBps",
    "s",
    "ms",
    "cps",
    "ops",
    "reqps",
    "dateTimeAsIso",
    "dateTimeFromNow",
    "bool",
    "bool_on_off",
    // A count with all its digits.
    "locale",
    "string",
];

const COLUMNS: u64 = 24;
const MOST_PANELS: usize = 24;

fn identity(board: &Value, _: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    let mut demand = |holds: bool, what: &str| {
        if !holds {
            found.push(what.to_owned());
        }
    };
    demand(text(board, "/uid").starts_with("imsimta-"), "the uid begins with imsimta-");
    demand(text(board, "/title").starts_with("imsimta / "), "the title begins with imsimta /");
    demand(!text(board, "/description").is_empty(), "the dashboard has a description");
    demand(board["tags"] == serde_json::json!(["imsimta"]), "the tags are [imsimta]");
    demand(board["editable"] == Value::Bool(false), "editable is false");
    demand(board["id"].is_null(), "the id is null: it belongs to one Grafana");
    demand(panels(board).len() <= MOST_PANELS, "there are at most 24 panels");
    found
}

fn unique_uid(board: &Value, boards: &[Value]) -> Vec<String> {
    let uid = text(board, "/uid");
    let same = boards.iter().filter(|other| text(other, "/uid") == uid).count();
    if same > 1 { vec![format!("{same} dashboards have the uid {uid}")] } else { Vec::new() }
}

fn links(board: &Value, boards: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    let tags: BTreeSet<&str> =
        boards.iter().flat_map(|board| list(board, "/tags")).filter_map(Value::as_str).collect();
    let by_tag = list(board, "/links").iter().filter(|link| text(link, "/type") == "dashboards");
    let mut dropdowns = 0;
    for link in by_tag {
        dropdowns += 1;
        for setting in ["asDropdown", "includeVars", "keepTime"] {
            if link[setting] != Value::Bool(true) {
                found.push(format!("link {}: {setting} is true", text(link, "/title")));
            }
        }
        let wanted = list(link, "/tags").iter().filter_map(Value::as_str);
        found.extend(
            wanted.filter(|tag| !tags.contains(tag)).map(|tag| format!("no dashboard has the tag {tag}")),
        );
    }
    if dropdowns != 1 {
        found.push(format!("{dropdowns} links by tag instead of one"));
    }
    let mut urls = Vec::new();
    collect_urls(board, &mut urls);
    let uids: BTreeSet<&str> = boards.iter().map(|board| text(board, "/uid")).collect();
    for url in urls {
        let uid = url.strip_prefix("/d/").and_then(|rest| rest.split(['/', '?']).next());
        if !uid.is_some_and(|uid| uids.contains(uid)) {
            found.push(format!("{url} leads to no dashboard of ours"));
        }
        let keeps = |what: &str| url.contains(what);
        if !keeps("${__url_time_range}") || !(keeps("${__all_variables}") || keeps("var-instance=")) {
            found.push(format!("{url} keeps not both time and variables"));
        }
    }
    found
}

/// Every non-empty `url` in the JSON.
fn collect_urls<'a>(value: &'a Value, urls: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str() {
                    Some(url) if key == "url" && !url.is_empty() => urls.push(url),
                    _ => collect_urls(value, urls),
                }
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| collect_urls(element, urls)),
        _ => {}
    }
}

fn variables(board: &Value, _: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    let all = list(board, "/templating/list");
    let names = named(board);
    let one_host = ["datasource", "job", "instance", "channel"];
    let many_hosts = ["datasource", "cluster", "job", "instance"];
    if names != one_host && names != many_hosts {
        found.push(format!("the variables are {names:?}"));
    }
    for variable in all {
        let name = text(variable, "/name");
        let mut demand = |holds: bool, what: &str| {
            if !holds {
                found.push(format!("variable {name}: {what}"));
            }
        };
        if name == "datasource" {
            demand(text(variable, "/type") == "datasource", "its type is datasource");
            demand(text(variable, "/query") == "prometheus", "it chooses among Prometheus servers");
            demand(text(variable, "/label") == "Data source", "its label is Data source");
            demand(variable["multi"] == Value::Bool(false), "it is one data source");
            continue;
        }
        demand(text(variable, "/type") == "query", "its type is query");
        demand(text(variable, "/label").to_lowercase() == name, "its label is its name");
        demand(is_chosen_data_source(variable), "it asks ${datasource}");
        demand(variable["multi"] == Value::Bool(true), "several can be chosen");
        demand(variable["includeAll"] == Value::Bool(true), "all can be chosen");
        if name == "cluster" {
            demand(text(variable, "/allValue") == ".*", "the value for all is .*, where nobody has clusters");
        } else {
            demand(text(variable, "/allValue") == ".+", "the value for all is .+");
        }
        demand(variable["refresh"] == 2, "it is read again when the time changes");
        found.extend(
            variable_query(text(variable, "/query/query"), name, &names)
                .into_iter()
                .map(|what| format!("variable {name}: {what}")),
        );
    }
    found
}

/// What is wrong with the query of a variable, which gives the values of the label called as it.
///
/// It follows those of the target that stand before it.
fn variable_query(query: &str, name: &str, all: &[&str]) -> Vec<String> {
    let inner = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
    let Some((selector, label)) = inner.and_then(|inner| inner.rsplit_once(", ")) else {
        return vec![format!("{query} has not the form label_values(series, label)")];
    };
    let analysis = match Analysis::new(&substitute(selector, SENTINELS)) {
        Ok(analysis) => analysis,
        Err(error) => return vec![format!("{selector}: {error}")],
    };
    let mut found: Vec<String> = analysis.uses.iter().flat_map(Use::not_catalogued).collect();
    if label != name {
        found.push(format!("it gives the label {label}"));
    }
    let before = all.iter().take_while(|other| **other != name).filter(|other| **other != "datasource");
    let follows: Vec<(&str, String)> = before.map(|other| (*other, format!("var_{other}"))).collect();
    for used in &analysis.uses {
        if !used.has_label(label) {
            found.push(format!("{} has no label {label}", used.name));
        }
        let missing = follows.iter().filter(|(label, value)| !used.has(label, "=~", value));
        found.extend(missing.map(|(label, _)| format!("it does not follow ${label}")));
    }
    found
}

fn annotations(board: &Value, _: &[Value]) -> Vec<String> {
    let all = list(board, "/annotations/list");
    let mut found = Vec::new();
    for series in [
        "ALERTS",
        "process_start_time_seconds",
        "imsimta_process_start_time_seconds",
        "imsimta_log_rotations_total",
    ] {
        if !all.iter().any(|annotation| {
            text(annotation, "/expr").starts_with(series)
                || text(annotation, "/expr").contains(&format!("({series}"))
        }) {
            found.push(format!("no annotation shows {series}"));
        }
    }
    for annotation in all {
        let name = text(annotation, "/name");
        if name.is_empty() || text(annotation, "/titleFormat").is_empty() {
            found.push(format!("annotation {name:?} needs a name and a titleFormat"));
        }
        let alerts = text(annotation, "/expr").contains("ALERTS");
        if alerts && !text(annotation, "/expr").contains("alertname=~\"ImsMta.*\"") {
            found.push(format!("annotation {name} shows alerts of others"));
        }
        if (text(annotation, "/iconColor") == "red") != alerts {
            found.push(format!("annotation {name}: red is for alerts"));
        }
    }
    found
}

fn is_chosen_data_source(value: &Value) -> bool {
    text(value, "/datasource/uid") == "${datasource}" && text(value, "/datasource/type") == "prometheus"
}

fn data_source(board: &Value, _: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    for panel in panels(board) {
        let with_targets = std::iter::once(panel).chain(list(panel, "/targets"));
        if !with_targets.into_iter().all(is_chosen_data_source) {
            found.push(format!("{}: not everything asks ${{datasource}}", text(panel, "/title")));
        }
    }
    let annotations = list(board, "/annotations/list").iter();
    let others = annotations.filter(|annotation| !is_chosen_data_source(annotation));
    found.extend(
        others.map(|annotation| format!("{}: does not ask ${{datasource}}", text(annotation, "/name"))),
    );
    found
}

fn words(board: &Value, _: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    let mut titles = BTreeSet::new();
    for panel in panels(board) {
        let title = text(panel, "/title");
        let mut demand = |holds: bool, what: &str| {
            if !holds {
                found.push(format!("{title}: {what}"));
            }
        };
        demand(!title.is_empty(), "a panel has no title");
        demand(titles.insert(title), "another panel has this title");
        demand(text(panel, "/description").ends_with('.'), "its description is whole sentences");
        demand(!text(panel, "/fieldConfig/defaults/noValue").is_empty(), "noValue says why nothing is shown");
        let targets = list(panel, "/targets");
        demand(!targets.is_empty(), "it has no query");
        let references: BTreeSet<&str> = targets.iter().map(|target| text(target, "/refId")).collect();
        demand(references.len() == targets.len() && !references.contains(""), "its queries have no refIds");
        demand(
            targets.iter().all(|target| !text(target, "/legendFormat").is_empty()),
            "a query has no legend",
        );
    }
    found
}

/// Values of a property in all overrides of a panel.
fn overridden<'a>(panel: &'a Value, property: &'a str) -> impl Iterator<Item = &'a Value> {
    let properties = list(panel, "/fieldConfig/overrides").iter().flat_map(|one| list(one, "/properties"));
    properties.filter(move |one| text(one, "/id") == property).map(|one| &one["value"])
}

fn units(board: &Value, _: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    for panel in panels(board) {
        let own = &panel["fieldConfig"]["defaults"]["unit"];
        for unit in std::iter::once(own).chain(overridden(panel, "unit")) {
            if !unit.as_str().is_some_and(|unit| UNITS.contains(&unit)) {
                found.push(format!("{}: {unit} is not a unit known here", text(panel, "/title")));
            }
        }
    }
    found
}

fn rows(board: &Value, _: &[Value]) -> Vec<String> {
    let outer = list(board, "/panels");
    let mut found = Vec::new();
    if outer.first().is_some_and(|first| text(first, "/type") != "row") {
        found.push("the first panel stands in no row".to_owned());
    }
    for row in outer.iter().filter(|panel| text(panel, "/type") == "row") {
        if !text(row, "/title").ends_with('?') {
            found.push(format!("{}: a row asks the question it answers", text(row, "/title")));
        }
    }
    found
}

fn grid(board: &Value, _: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    let mut ids = BTreeSet::new();
    let mut taken: BTreeMap<(u64, u64), &str> = BTreeMap::new();
    for panel in placed(board) {
        let title = text(panel, "/title");
        if !panel["id"].as_u64().is_some_and(|id| ids.insert(id)) {
            found.push(format!("{title}: its id is not its own"));
        }
        let side = |name: &str| panel["gridPos"][name].as_u64();
        let (Some(x), Some(y), Some(width), Some(height)) = (side("x"), side("y"), side("w"), side("h"))
        else {
            found.push(format!("{title}: it has no place"));
            continue;
        };
        if width == 0 || height == 0 || x + width > COLUMNS {
            found.push(format!("{title}: it is not within {COLUMNS} columns"));
        }
        let cells = (x..x + width).flat_map(|column| (y..y + height).map(move |line| (column, line)));
        let covered: BTreeSet<&str> = cells.filter_map(|cell| taken.insert(cell, title)).collect();
        found.extend(covered.into_iter().map(|other| format!("{title}: covers {other}")));
    }
    found
}

fn red(board: &Value, _: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    for panel in panels(board) {
        let title = text(panel, "/title");
        let mut colors = Vec::new();
        collect_colors(&panel["fieldConfig"], &mut colors);
        // The palettes give any series any colour.
        let palette = text(panel, "/fieldConfig/defaults/color/mode").starts_with("palette");
        let palettes = overridden(panel, "color").any(|color| text(color, "/mode").starts_with("palette"));
        if palette || palettes {
            found.push(format!("{title}: a palette makes healthy series red"));
        }
        if colors.iter().any(|color| color.contains("red")) && !text(panel, "/description").contains("Red: ")
        {
            found.push(format!("{title}: the description does not say what is red"));
        }
    }
    found
}

/// Every colour in the settings of a panel.
fn collect_colors<'a>(value: &'a Value, colors: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str() {
                    Some(color) if key == "color" || key == "fixedColor" => colors.push(color),
                    _ => collect_colors(value, colors),
                }
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| collect_colors(element, colors)),
        _ => {}
    }
}

fn instant(board: &Value, _: &[Value]) -> Vec<String> {
    let single = panels(board).into_iter().filter(|panel| matches!(text(panel, "/type"), "stat" | "table"));
    let mut found = Vec::new();
    for panel in single {
        // Over a range, the last value is shown long after the series has ended.
        let now =
            |target: &Value| target["instant"] == Value::Bool(true) && target["range"] == Value::Bool(false);
        if !list(panel, "/targets").iter().all(now) {
            found.push(format!("{}: a query is not instant", text(panel, "/title")));
        }
    }
    found
}

/// What a query uses, or why it cannot be read.
type Analysed = Rc<Result<Analysis<'static>, String>>;

thread_local! {
    /// Many rules look at each query, and reading one takes milliseconds.
    static ANALYSED: RefCell<HashMap<String, Analysed>> = RefCell::default();
}

/// A query with its variables replaced by [`SENTINELS`].
fn analyse(query: &Query<'_>) -> Analysed {
    let read = || Rc::new(Analysis::with(&substitute(query.expr, SENTINELS), RECORDED));
    ANALYSED.with_borrow_mut(|known| known.entry(query.expr.to_owned()).or_insert_with(read).clone())
}

/// Applies `check` to the queries that parse and prefixes what it says with their places.
fn each(queries: Vec<Query<'_>>, check: impl Fn(&Query<'_>, &Analysis<'_>) -> Vec<String>) -> Vec<String> {
    let mut found = Vec::new();
    for query in queries {
        if let Ok(analysis) = &*analyse(&query) {
            found.extend(check(&query, analysis).iter().map(|what| format!("{}: {what}", query.place)));
        }
    }
    found
}

/// Applies `check` to every selector of every query.
fn each_use(queries: Vec<Query<'_>>, check: impl Fn(&Query<'_>, &Use) -> Vec<String>) -> Vec<String> {
    each(queries, |query, analysis| analysis.uses.iter().flat_map(|used| check(query, used)).collect())
}

fn parses(board: &Value, _: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    for query in all_queries(board) {
        if let Err(error) = &*analyse(&query) {
            found.push(format!("{}: {error}", query.place));
        } else if substitute(query.expr, SENTINELS).contains('$') {
            found.push(format!("{}: an unknown variable in {}", query.place, query.expr));
        }
    }
    found
}

fn catalogued(board: &Value, _: &[Value]) -> Vec<String> {
    each_use(all_queries(board), |_, used| used.not_catalogued())
}

fn matched(board: &Value, _: &[Value]) -> Vec<String> {
    let variables = named(board);
    each_use(all_queries(board), |query, used| {
        let mut found = Vec::new();
        let job = used.has("job", "=~", "var_job");
        // An alert about a missing target names no instance, and the sum of a cluster has none.
        let instance = used.has("instance", "=~", "var_instance")
            || used.name == "ALERTS" && used.has("instance", "=~", "var_instance|")
            || used.name.starts_with("job_cluster:");
        if !job || !instance {
            found.push(format!("{} does not follow $job and $instance", used.name));
        }
        if variables.contains(&"cluster") && !used.has("cluster", "=~", "var_cluster") {
            found.push(format!("{} does not follow $cluster", used.name));
        }
        let channels = used.known_labels(&["channel", "destination_channel", "source_channel"]);
        let followed = channels.iter().any(|label| used.has(label, "=~", "var_channel"));
        if query.of_panel && variables.contains(&"channel") && !channels.is_empty() && !followed {
            found.push(format!("{} does not follow $channel", used.name));
        }
        found
    })
}

fn functions(board: &Value, _: &[Value]) -> Vec<String> {
    each_use(all_queries(board), |_, used| used.misused().into_iter().collect())
}

fn rate_interval(board: &Value, _: &[Value]) -> Vec<String> {
    const RATE_INTERVAL: Duration = Duration::from_secs(7 * 60 + 13);
    const RANGE: Duration = Duration::from_secs(13 * 60 + 37);
    each_use(all_queries(board), |query, used| {
        let function = used.functions.last().copied().unwrap_or_default();
        let rate = matches!(function, "rate" | "irate" | "increase" | "changes" | "resets");
        match used.range {
            // A total of all the time that is shown.
            Some(RANGE) if query.instant && function == "increase" => Vec::new(),
            Some(range) if rate && range != RATE_INTERVAL => {
                vec![format!("{function} of {} is not over $__rate_interval", used.name)]
            }
            _ => Vec::new(),
        }
    })
}

fn labels(board: &Value, _: &[Value]) -> Vec<String> {
    let mut found = each(all_queries(board), |_, analysis| analysis.mistakes.clone());
    found.extend(each(panel_queries(board), |query, analysis| {
        let missing = analysis.missing_in_legend(query.legend);
        missing.iter().map(|label| format!("the answer has no label {label} for the legend")).collect()
    }));
    found
}
