//! Who may use whom: THE table of rooms, and what does not keep to it yet.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Source, program};

/// Every part of the program, data flowing downwards, and the other parts that it may use.
const ROOMS: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("runbooks", &[]),
    ("listing", &["text"]),
    ("record", &[]),
    ("aggregate", &["record"]),
    ("findings", &["text", "record", "aggregate"]),
    ("alerting", &["record", "aggregate", "findings"]),
    // Its thresholds are keys.
    ("config", &["record", "aggregate", "findings", "alerting"]),
    ("source", &["record", "config"]),
    ("counting", &["record", "aggregate", "source"]),
    ("observed", &["record", "aggregate", "findings", "alerting", "source"]),
    ("metrics", &["record", "aggregate", "config", "alerting", "source", "observed"]),
    ("web", &["text", "source", "observed"]),
    (
        "http",
        &["text", "record", "aggregate", "findings", "alerting", "observed", "metrics", "runbooks", "web"],
    ),
    (
        "report",
        &["text", "listing", "record", "aggregate", "findings", "config", "source", "counting", "metrics"],
    ),
    ("explain", &["text", "listing", "record", "config", "source", "counting"]),
    ("alerts", &["text", "listing", "findings"]),
    ("rules", &["config", "findings"]),
    ("notify", &["aggregate", "findings", "alerting", "config", "source", "observed", "rules"]),
    // A writer only: a mistake that reader and writer share would be seen by nobody.
    ("demo", &["config", "observed", "app"]),
    (
        "app",
        &[
            "notify",
            "text",
            "record",
            "aggregate",
            "findings",
            "alerting",
            "config",
            "source",
            "counting",
            "observed",
            "metrics",
            "http",
            "web",
        ],
    ),
    (
        "check",
        &[
            "text",
            "listing",
            "record",
            "aggregate",
            "findings",
            "config",
            "source",
            "counting",
            "observed",
            "metrics",
            "notify",
            "http",
            "web",
            "app",
        ],
    ),
    (
        "cli",
        &[
            "config", "source", "metrics", "http", "report", "explain", "alerts", "check", "rules", "notify",
            "web", "demo", "app",
        ],
    ),
    ("main", &["cli"]),
];

/// Files that use what they should not. Each is a debt: strike it off when it is paid.
const DEBTS: &[(&str, &str)] = &[];

/// What `record`, `aggregate`, `findings`, `alerting` and `rules` may not name: what they do depends on their arguments alone, so that a log
/// replayed gives what it gave.
const IMPURE: &[&[&str]] = &[
    &["tokio"],
    &["prometheus"],
    &["axum"],
    &["rustix"],
    &["std", "fs"],
    &["std", "io"],
    &["std", "net", "TcpStream"],
    &["std", "net", "TcpListener"],
    &["std", "net", "UdpSocket"],
    &["std", "thread"],
    &["std", "env"],
    &["std", "process"],
    &["SystemTime"],
    &["Instant"],
    &["Timestamp", "now"],
    &["Zoned", "now"],
    &["TimeZone", "system"],
];

/// The room of a file: `record` for `src/record.rs` and all of `src/record/`.
fn room(source: &Source) -> &str {
    source.module().first().copied().unwrap_or("main")
}

/// The rooms that a file uses and may not.
fn wrong_uses(source: &Source) -> BTreeSet<String> {
    let room = room(source);
    let (_, allowed) = ROOMS.iter().find(|(name, _)| *name == room).unwrap_or(&("", &[]));
    let known = |name: &String| ROOMS.iter().any(|(room, _)| room == name);
    let uses = source.uses().into_iter().map(|path| path[0].clone());
    uses.filter(|other| known(other) && other != room && !allowed.contains(&other.as_str())).collect()
}

/// What is wrong with the directions of some files, given the debts that are known.
fn against_the_flow(sources: &[Source], debts: &[(&str, &str)]) -> Vec<String> {
    let found: BTreeSet<(&str, String)> = sources
        .iter()
        .flat_map(|source| wrong_uses(source).into_iter().map(|other| (source.path.as_str(), other)))
        .collect();
    let known = |(path, other): &(&str, String)| debts.contains(&(path, other.as_str()));
    let new = found.iter().filter(|found| !known(found)).map(|(path, other)| format!("{path} uses {other}"));
    let paid = debts.iter().filter(|(path, other)| !found.contains(&(path, (*other).to_owned())));
    new.chain(paid.map(|(path, other)| format!("{path} uses {other} no more: strike it off"))).collect()
}

/// The modules right in a room, or in a room of a room, that need each other in a circle. The room's own file shows what
/// its modules make, and their use of it is none.
fn circles(sources: &[Source], of: &[&str]) -> BTreeSet<Vec<String>> {
    let mut uses: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for source in sources {
        let path = source.module();
        let Some(&[module, ..]) = path.strip_prefix(of) else { continue };
        let inside = |used: &Vec<String>| used.len() > of.len() && used.iter().zip(of).all(|(a, b)| a == b);
        let inner = source.uses().into_iter().filter(inside).map(|mut used| used.swap_remove(of.len()));
        let others = inner.filter(|other| other != module);
        uses.entry(module).or_default().extend(others);
    }
    let reached = |from: &str| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from.to_owned()]);
        while let Some(module) = open.pop() {
            for next in uses.get(module.as_str()).into_iter().flatten() {
                if uses.contains_key(next.as_str()) && seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        seen
    };
    let reach: BTreeMap<&str, BTreeSet<String>> =
        uses.keys().map(|&module| (module, reached(module))).collect();
    let circle = |module: &&str| -> Vec<String> {
        let back = |other: &&String| reach.get(other.as_str()).is_some_and(|reach| reach.contains(*module));
        reach[module].iter().filter(back).cloned().collect()
    };
    uses.keys().map(circle).filter(|circle| !circle.is_empty()).collect()
}

/// The circles in every room and every room of a room, however deep.
fn all_circles(sources: &[Source]) -> Vec<String> {
    let paths: Vec<Vec<&str>> = sources.iter().map(Source::module).collect();
    let around = |path: &Vec<&str>| (1..path.len()).map(|depth| path[..depth].join("/")).collect::<Vec<_>>();
    let rooms: BTreeSet<String> = paths.iter().flat_map(around).collect();
    let found = rooms.iter().flat_map(|room| {
        let of: Vec<&str> = room.split('/').collect();
        circles(sources, &of).into_iter().map(move |circle| format!("a circle in {room}: {circle:?}"))
    });
    found.collect()
}

/// The paths of a file that are banned: those that go on from a row of the table, wherever they begin.
fn banned(source: &Source, banned: &[&[&str]]) -> Vec<String> {
    let hits = |path: &Vec<String>| banned.iter().any(|row| path.windows(row.len()).any(|part| part == *row));
    let paths = source.paths().into_iter().filter(hits);
    paths.map(|path| format!("{} names {}", source.path, path.join("::"))).collect()
}

#[test]
fn record_and_aggregate_are_pure() {
    let pure = program()
        .into_iter()
        .filter(|source| ["record", "aggregate", "findings", "alerting", "rules"].contains(&room(source)));
    let found: Vec<String> = pure.flat_map(|source| banned(&source, IMPURE)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Data flows in one direction: nothing uses what is downstream of it.
#[test]
fn imports_point_upstream() {
    let found = against_the_flow(&program(), DEBTS);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn modules_of_a_room_make_no_circle() {
    let found = all_circles(&program());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Only `metrics` (and the report, for its error type) knows the crate prometheus.
#[test]
fn only_metrics_knows_prometheus() {
    let others =
        program().into_iter().filter(|source| room(source) != "metrics" && source.path != "src/report.rs");
    let found: Vec<String> = others
        .filter(|source| source.paths().iter().any(|path| path[0] == "prometheus" && path.len() > 1))
        .map(|source| source.path)
        .collect();
    assert_eq!(found, [""; 0], "they name the crate prometheus");
}

#[test]
fn every_room_is_in_the_table() {
    let sources = program();
    let found: BTreeSet<&str> = sources.iter().map(room).collect();
    assert_eq!(found, ROOMS.iter().map(|(name, _)| *name).collect());
    for (at, (room, uses)) in ROOMS.iter().enumerate() {
        let above: Vec<&str> = ROOMS[..at].iter().map(|(name, _)| *name).collect();
        // The demo shows the whole program at work.
        let late = uses.iter().filter(|other| !above.contains(other) && (*room, **other) != ("demo", "app"));
        assert_eq!(late.collect::<Vec<_>>(), [&""; 0], "{room} uses what is below it");
    }
}

#[test]
fn imports_against_the_flow_are_seen() {
    for (path, text, complaint) in [
        ("src/record/line.rs", "use crate::aggregate::Batch;", "src/record/line.rs uses aggregate"),
        (
            "src/record/line.rs",
            "use crate::{record::code, metrics::{page}};",
            "src/record/line.rs uses metrics",
        ),
        (
            "src/http/page.rs",
            "use crate::{observed::{Clock, lock}, metrics::page, app::{self, logs::{new_seed}}};",
            "src/http/page.rs uses app",
        ),
        ("src/source/state.rs", "fn f() { crate::app::now() }", "src/source/state.rs uses app"),
        (
            "src/source/state.rs",
            "fn f() { println!(\"{}\", crate::app::now()) }",
            "src/source/state.rs uses app",
        ),
        ("src/record.rs", "use super::http;", "src/record.rs uses http"),
        ("src/record/a/b.rs", "use super::super::super::{http as h};", "src/record/a/b.rs uses http"),
        ("src/record/a.rs", "use super::b; use crate::record::c; use std::{fmt, io};", ""),
    ] {
        let found = against_the_flow(&[Source::new(path, text)], &[]);
        assert_eq!(
            found,
            [complaint].iter().filter(|text| !text.is_empty()).copied().collect::<Vec<_>>(),
            "{text}"
        );
    }
    let paid = against_the_flow(&[], &[("src/http/pages.rs", "app")]);
    assert_eq!(paid, ["src/http/pages.rs uses app no more: strike it off"]);
}

#[test]
fn circles_are_seen() {
    let sources = [
        Source::new("src/record/a.rs", "use super::b::X;"),
        Source::new("src/record/b.rs", "use crate::record::{c, Record};"),
        Source::new("src/record/c.rs", "fn f() { super::a::f() }"),
        Source::new("src/record/d.rs", "use super::a;"),
    ];
    assert_eq!(all_circles(&sources), [r#"a circle in record: ["a", "b", "c"]"#]);
    assert_eq!(all_circles(&sources[..1]), [""; 0]);
    let within = [
        Source::new("src/record/room.rs", "mod a; mod b; use a::X;"),
        Source::new("src/record/room/a.rs", "use super::{X, b::Y};"),
        Source::new("src/record/room/b.rs", "use crate::record::room::a;"),
    ];
    assert_eq!(all_circles(&within), [r#"a circle in record/room: ["a", "b"]"#]);
}

#[test]
fn what_is_not_pure_is_seen() {
    for (text, names) in [
        ("use std::{fmt, io::Write};", "std::io::Write"),
        ("use std::time::SystemTime;", "std::time::SystemTime"),
        ("fn f() { jiff::Timestamp::now(); }", "jiff::Timestamp::now"),
        ("fn f() { tokio::spawn(x) }", "tokio::spawn"),
    ] {
        let found = banned(&Source::new("src/record/a.rs", text), IMPURE);
        assert_eq!(found, [format!("src/record/a.rs names {names}")]);
    }
}
