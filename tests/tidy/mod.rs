//! Rules of the source tree, each with its reason.

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a directory with an extension.
fn files(directory: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(directory)];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                std::fs::read_dir(&path).expect("readable").map(|entry| entry.expect("an entry").path()),
            );
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{directory} has files");
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("text")
}

/// What is outside of test modules and comments.
fn code(text: &str) -> String {
    let program = text.split("#[cfg(test)]").next().unwrap_or(text);
    program.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// `record` and `aggregate` are pure: what they do depends on their arguments alone, so that a log
/// replayed gives what it gave.
#[test]
fn record_and_aggregate_are_pure() {
    let banned = [
        "tokio",
        "prometheus",
        "axum",
        "std::fs",
        "std::io",
        "std::net::Tcp",
        "std::net::Udp",
        "std::thread",
        "std::env",
        "std::process",
        "SystemTime",
        "Instant",
        "Timestamp::now",
        "TimeZone::system",
        "rustix",
        "crate::source",
        "crate::metrics",
        "crate::http",
        "crate::app",
    ];
    let sources = ["src/record", "src/aggregate"].iter().flat_map(|directory| files(directory, "rs"));
    for path in sources.chain([root().join("src/record.rs"), root().join("src/aggregate.rs")]) {
        if path.file_name().is_some_and(|name| name == "tests.rs") {
            continue;
        }
        let code = code(&read(&path));
        for word in banned {
            assert!(!code.contains(word), "{} names {word}", path.display());
        }
    }
}

/// Data flows in one direction: nothing imports what is downstream of it.
#[test]
fn imports_point_upstream() {
    for (room, downstream) in [
        ("record", &["aggregate", "source", "metrics", "http", "app", "report", "cli"][..]),
        ("aggregate", &["source", "metrics", "http", "app", "report", "cli"]),
        ("source", &["aggregate", "metrics", "http", "app", "report", "cli"]),
        ("metrics", &["http", "app", "report", "cli"]),
        ("config", &["aggregate", "metrics", "http", "app", "report", "cli"]),
        ("http", &["source", "cli"]),
        // A writer only: a mistake that reader and writer share would be seen by nobody.
        ("demo", &["record", "aggregate", "source", "metrics", "http", "report", "cli"]),
    ] {
        for path in
            files(&format!("src/{room}"), "rs").into_iter().chain([root().join(format!("src/{room}.rs"))])
        {
            if path.file_name().is_some_and(|name| name == "tests.rs") {
                continue;
            }
            let code = code(&read(&path));
            for other in downstream {
                assert!(!code.contains(&format!("crate::{other}::")), "{} imports {other}", path.display());
            }
        }
    }
}

/// Only `metrics` (and the report, for its error type) knows the crate prometheus.
#[test]
fn only_metrics_knows_prometheus() {
    for path in files("src", "rs") {
        let relative = path.strip_prefix(root()).expect("below the root").display().to_string();
        let allowed = relative.starts_with("src/metrics") || relative == "src/report.rs";
        let code = code(&read(&path)).replace("Prometheus", "");
        assert!(allowed || !code.contains("prometheus::"), "{relative} names the crate prometheus");
    }
}

/// A file has one idea.
#[test]
fn files_are_short() {
    for path in files("src", "rs") {
        let table = ["catalogue.rs", "keys.rs"].iter().any(|name| path.ends_with(name));
        let lines = code(&read(&path)).lines().filter(|line| !line.trim().is_empty()).count();
        assert!(table || lines <= 400, "{} has {lines} lines of code", path.display());
    }
    assert!(read(&root().join("src/main.rs")).lines().count() <= 40);
}

/// Every module says what it is.
#[test]
fn modules_have_documentation() {
    for path in files("src", "rs").into_iter().chain(files("tests", "rs")) {
        assert!(read(&path).starts_with("//!"), "{} has no //! at its start", path.display());
    }
}

/// A dependency earns its place in one line of ARCHITECTURE.md.
#[test]
fn dependencies_are_explained() {
    let manifest = read(&root().join("Cargo.toml"));
    let architecture = read(&root().join("ARCHITECTURE.md"));
    let dependencies = manifest.split("dependencies]").skip(1).flat_map(|section| {
        let section = section.split("\n[").next().unwrap_or(section);
        section.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.trim())
    });
    for name in dependencies {
        assert!(
            architecture.contains(&format!("`{name}`")),
            "ARCHITECTURE.md does not say why {name} is there"
        );
    }
}

/// ARCHITECTURE.md names a test for every invariant, and the tests exist.
#[test]
fn invariants_have_tests() {
    let architecture = read(&root().join("ARCHITECTURE.md"));
    let section = architecture.split("## Invariants").nth(1).expect("the section");
    let section = section.split("\n## ").next().expect("a section");
    let sources = sources();
    let tests = named_tests(section);
    assert!(tests.len() >= 9, "every invariant names a test");
    for test in tests {
        assert!(is_test(&sources, test), "{test} does not exist");
    }
}

#[test]
fn every_way_to_lose_a_line_has_a_test() {
    let page = read(&root().join("docs/loss.md"));
    let sources = sources();
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| what happens"));
    let rows: Vec<_> = rows.filter(|line| !line.starts_with("| ---")).collect();
    assert!(rows.len() >= 30, "{} rows", rows.len());
    for row in rows {
        let tests = named_tests(row);
        assert!(!tests.is_empty(), "no test: {row}");
        for test in tests {
            assert!(is_test(&sources, test), "{test} does not exist: {row}");
        }
    }
}

/// All of the program and its tests.
fn sources() -> String {
    files("src", "rs").iter().chain(&files("tests", "rs")).map(|path| read(path)).collect()
}

fn named_tests(text: &str) -> Vec<&str> {
    text.split('`').filter(|word| word.contains("::")).collect()
}

fn is_test(sources: &str, path: &str) -> bool {
    let name = path.rsplit("::").next().expect("a name");
    sources.contains(&format!("fn {name}("))
}

/// The changelog has the release.
/// What the image is built from is sent to the builder.
#[test]
fn the_image_has_what_it_copies() {
    let sent = read(&root().join(".dockerignore"));
    let sent: Vec<&str> = sent.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let dockerfile = read(&root().join("Dockerfile"));
    let copies = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "))
        .filter(|copy| !copy.starts_with("--"));
    let sources = copies.flat_map(|copy| copy.split(' ').rev().skip(1));
    let mut seen = 0;
    for source in sources {
        seen += 1;
        assert!(sent.contains(&source), "{source} is not in .dockerignore");
        assert!(root().join(source).exists(), "{source} does not exist");
    }
    assert!(seen > 0, "the Dockerfile copies nothing");
}

#[test]
fn the_changelog_knows_the_version() {
    let changelog = read(&root().join("CHANGELOG.md"));
    assert!(changelog.contains(&format!("## {}", env!("CARGO_PKG_VERSION"))));
}
