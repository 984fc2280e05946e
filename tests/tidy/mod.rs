//! Rules of the source tree, each with its reason.
//!
//! - `source`: a file as the lexer sees it, without comments and tests
//! - `layers`: who may use whom, what is pure
//! - `ratchets`: lengths of files, raw letters, bare indices
//!
//! Rules about documents are here.

mod layers;
mod ratchets;
mod source;

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a directory with an extension.
fn files(directory: &str, extension: &str) -> Vec<PathBuf> {
    let found = found(root().join(directory), extension);
    assert!(!found.is_empty(), "{directory} has files");
    found
}

fn found(below: PathBuf, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![below];
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
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("text")
}

/// From the root of the tree.
fn relative(path: &Path) -> String {
    path.strip_prefix(root()).expect("below the root").display().to_string()
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

/// Every document of the tree.
fn documents() -> Vec<PathBuf> {
    let directories = ["docs", "alerts", "dashboards", "benches", "tests", "packaging", "fuzz"];
    let below = directories.iter().map(|directory| root().join(directory)).flat_map(|path| found(path, "md"));
    let top = std::fs::read_dir(root()).expect("readable").map(|entry| entry.expect("an entry").path());
    top.filter(|path| path.extension().is_some_and(|found| found == "md")).chain(below).collect()
}

/// The links of a document that lead nowhere: to files that are not there, to headings that a document does not have.
fn dead_links(path: &Path, text: &str) -> Vec<String> {
    let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
    let relative = links.filter(|link| !link.contains("://") && !link.starts_with("mailto:"));
    let dead = relative.filter(|link| {
        let (file, heading) = link.split_once('#').unwrap_or((link, ""));
        let target = path.with_file_name(file);
        if !file.is_empty() && (heading.is_empty() || !target.is_file()) {
            return !target.exists();
        }
        let other = if file.is_empty() { text.to_owned() } else { read(&target) };
        !has_heading(&other, heading)
    });
    dead.map(|link| format!("{}: {link}", path.display())).collect()
}

/// Whether a document has a heading with this anchor: in lower case, blanks as `-`, other signs gone.
fn has_heading(text: &str, anchor: &str) -> bool {
    let anchor_of = |heading: &str| -> String {
        let kept = heading.trim().chars().filter(|sign| sign.is_alphanumeric() || " -_".contains(*sign));
        kept.map(|sign| if sign == ' ' { '-' } else { sign }).flat_map(char::to_lowercase).collect()
    };
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor_of(line.trim_start_matches('#'))).any(|found| found == anchor)
}

#[test]
fn links_between_documents_lead_somewhere() {
    let documents = documents();
    assert!(documents.len() > 30, "{documents:?}");
    let dead: Vec<String> = documents.iter().flat_map(|path| dead_links(path, &read(path))).collect();
    assert!(dead.is_empty(), "{}", dead.join("\n"));
    let text = "# A `b`, c …\n[one](no.md) [two](README.md) [three](#a-b-c-) [four](#d) [five](docs/loss.md#no) [six](https://a)";
    let dead = dead_links(&root().join("X.md"), text);
    let links: Vec<&str> = dead.iter().filter_map(|dead| dead.rsplit(' ').next()).collect();
    assert_eq!(links, ["no.md", "#d", "docs/loss.md#no"]);
}

/// What ARCHITECTURE.md says where things are is there: files and directories by the end of their path, modules and
/// tests by their names. `x.rs` and `NAME.state` stand for something new.
#[test]
fn what_the_architecture_names_is_there() {
    let architecture = read(&root().join("ARCHITECTURE.md"));
    let all = tree();
    let missing = not_there(&architecture, &all, &sources());
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    let made_up = "`src/gone.rs`, `record/code.rs`, `gone/`, `config/x.rs`, `source::nowhere`, `record::code::tests` `a b.rs`";
    assert_eq!(not_there(made_up, &all, &sources()), ["src/gone.rs", "gone/", "source::nowhere"]);
}

/// The paths of all files that have to do with the tree, from its root.
fn tree() -> Vec<String> {
    let below = ["src", "tests", "alerts", "dashboards", "docs", "packaging", "benches", "fuzz"];
    let kinds = ["rs", "md", "yml", "json", "sh", "py", "toml", "service"];
    let all =
        below.iter().flat_map(|below| kinds.iter().flat_map(move |kind| found(root().join(below), kind)));
    let own = kinds.iter().flat_map(|kind| found_beside(root(), kind));
    all.chain(own).map(|path| relative(&path)).collect()
}

/// Files right in a directory.
fn found_beside(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(directory).expect("readable").map(|entry| entry.expect("an entry").path());
    entries.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

fn not_there<'a>(text: &'a str, tree: &[String], sources: &str) -> Vec<&'a str> {
    let words =
        text.split('`').skip(1).step_by(2).filter(|word| !word.contains([' ', '\n', '*', '{', '<', '=']));
    let stands_for_something =
        |word: &str| ["x.rs", "x.json", "NAME.state"].iter().any(|new| word.ends_with(new));
    let is_there = |word: &str| {
        if let Some(directory) = word.strip_suffix('/') {
            let inside = format!("{directory}/");
            return tree.iter().any(|path| path.starts_with(&inside) || path.contains(&format!("/{inside}")));
        }
        if word.contains("::") {
            let module = word.strip_suffix("::tests").unwrap_or(word).replace("::", "/");
            let ends = [format!("{module}.rs"), format!("{module}/mod.rs")];
            let name = word.rsplit("::").next().and_then(|last| last.split('(').next()).unwrap_or_default();
            let items = ["fn", "struct"].map(|kind| [' ', '(', '<'].map(|end| format!("{kind} {name}{end}")));
            return items.iter().flatten().any(|item| sources.contains(item))
                || ends.iter().any(|end| tree.iter().any(|path| path.ends_with(end)));
        }
        tree.iter().any(|path| path == word || path.ends_with(&format!("/{word}")))
    };
    let names_a_file = |word: &&str| {
        let kind = Path::new(word).extension().and_then(|kind| kind.to_str()).unwrap_or_default();
        word.ends_with('/') || word.contains("::") || ["rs", "md", "yml", "json"].contains(&kind)
    };
    words.filter(names_a_file).filter(|word| !stands_for_something(word) && !is_there(word)).collect()
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

/// The changelog has the release.
#[test]
fn the_changelog_knows_the_version() {
    let changelog = read(&root().join("CHANGELOG.md"));
    assert!(changelog.contains(&format!("## {}", env!("CARGO_PKG_VERSION"))));
}
