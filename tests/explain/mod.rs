//! `explain`: what it says of each kind of line, and that no line breaks its form.

use std::io::{Cursor, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use expect_test::expect_file;
use imsimta_exporter::config::Config;
use imsimta_exporter::explain::Explainer;
use proptest::prelude::{any, prop};

const PROGRAM: &str = env!("CARGO_BIN_EXE_imsimta-exporter");

/// The explanations of all lines, and how many lines were not understood.
fn explained(lines: &[u8]) -> (String, usize) {
    let (mut text, mut dark) = (String::new(), 0);
    let show = |explanation: imsimta_exporter::explain::Explanation| {
        text.push_str(&explanation.text);
        dark += usize::from(!explanation.understood);
        Ok(())
    };
    Explainer::new(&Config::default()).stream(Cursor::new(lines), show).expect("from memory");
    (text, dark)
}

#[track_caller]
fn fits_a_terminal(text: &str) {
    assert!(text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{text:?}");
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
}

#[test]
fn every_kind_of_line() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explain");
    let lines = std::fs::read(directory.join("lines.log")).expect("readable");
    let (text, _) = explained(&lines);
    fits_a_terminal(&text);
    expect_file![directory.join("lines.txt")].assert_eq(&text);
}

#[test]
fn the_documentation_shows_what_it_says() {
    let page = include_str!("../../docs/explain-and-check.md");
    let shown = include_str!("lines.txt");
    let blocks = page.split("```text\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines: Vec<&str> = blocks.flat_map(str::lines).filter(|line| *line != "…").collect();
    assert!(lines.len() > 10);
    for line in lines {
        assert!(shown.lines().any(|shown| shown == line), "{line}");
    }
}

#[test]
fn lines_from_arguments_and_from_standard_input() {
    let good = "19-Jan-2024 19:16:58.00 l                         D 2 a@b rfc822;c@d c@d";
    let output = Command::new(PROGRAM).args(["explain", good, "\u{1b}[2J"]).output().expect("started");
    let text = String::from_utf8(output.stdout).expect("ASCII");
    assert_eq!(output.status.code(), Some(1), "one line is not understood");
    assert!(text.contains("line 1: a message entry") && text.contains("line 2: not understood"), "{text}");
    fits_a_terminal(&text);

    let mut child = Command::new(PROGRAM)
        .arg("explain")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    child.stdin.take().expect("piped").write_all(good.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ended");
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("line 1: a message entry"));
}

#[test]
fn lines_beyond_the_cap_are_named() {
    let lines = [vec![b'x'; 100_000], b"\n".to_vec(), vec![b'y'; 300_000]].concat();
    let (text, dark) = explained(&lines);
    assert_eq!((text.matches("skipped on purpose, too_long").count(), dark), (2, 0), "{text}");
}

proptest::proptest! {
    #[test]
    fn hostile_bytes_reach_no_terminal(parts in prop::collection::vec(prop::sample::select(vec![
        &b"19-Jan-2024 19:16:58.00 "[..], b"l            ", b"             ", b"Q 2 ", b"D 2 ", b"a@b rfc822;c@d c@d ",
        b"<en ts=\"2024-01-19T19:16:57\" ", b"sc=\"a\" ", b"ac=\"Q\" ", b"od=\"\xff\" ", b"di=\"\x1b[2J\" ", b"/>", b"\n",
        b"smtp;550 5.1.1 \x1b]0;x\x07", b"\xe2\x80\xae", b"dns;x ", b"(", b")", b"{\"", b"\x00",
    ]), 0..16), tail in any::<Vec<u8>>()) {
        let lines = [parts.concat(), tail].concat();
        let (text, _) = explained(&lines);
        fits_a_terminal(&text);
    }
}
