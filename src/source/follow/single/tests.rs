//! A file that grows, is cut, renamed, replaced and gone on with: every line once.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use rustix::fs::CWD;

use super::{Buffer, FollowError, Position, Seen, SingleFile, Step, unread};

const LINE_BYTES: usize = 64;

fn append(path: &Path, bytes: &[u8]) {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(bytes)).expect("written");
}

fn seen(path: &Path) -> Seen {
    Seen::at(CWD, path).expect("looked").expect("there")
}

fn at(path: &Path, place: Position) -> SingleFile {
    SingleFile::new(path, place, LINE_BYTES)
}

fn beginning(path: &Path) -> SingleFile {
    at(path, unread(seen(path).id, 0, 0))
}

fn end(path: &Path) -> SingleFile {
    let seen = seen(path);
    at(path, unread(seen.id, seen.bytes, 0))
}

/// Reads to the end; what was found.
fn read(file: &mut SingleFile) -> Result<Vec<u8>, FollowError> {
    let (mut buffer, mut found) = (Buffer::new(LINE_BYTES), Vec::new());
    loop {
        match file.step(&mut buffer, Duration::ZERO)? {
            Step::Lines(lines) => found.extend_from_slice(lines),
            Step::Idle => return Ok(found),
            Step::Truncated { .. } => found.extend_from_slice(b"(cut)"),
            other => panic!("{other:?}"),
        }
    }
}

fn directory() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("imta");
    (directory, path)
}

#[test]
fn it_is_read_from_where_it_begins_and_held_open_by_nobody() {
    let (_directory, path) = directory();
    append(&path, b"one\ntwo\nhal");
    let (mut end, mut beginning) = (end(&path), beginning(&path));
    assert_eq!((end.position().offset, beginning.position().offset), (11, 0));
    assert_eq!(read(&mut end).expect("read"), b"");
    assert_eq!(read(&mut beginning).expect("read"), b"one\ntwo\n");
    append(&path, b"f\nthree\n");
    assert_eq!(read(&mut end).expect("read"), b"half\nthree\n");
    assert_eq!(read(&mut beginning).expect("read"), b"half\nthree\n");
    assert!(end.open.is_none() && beginning.open.is_none());
    assert_eq!(end.position().offset, 19);
}

#[test]
fn another_file_at_its_path_is_not_read_and_it_is_under_another_name() {
    let (directory, path) = directory();
    append(&path, b"one\n");
    let mut file = beginning(&path);
    assert_eq!(read(&mut file).expect("read"), b"one\n");
    append(&path, b"two\n");
    let renamed = directory.path().join("imta.1.1");
    fs::rename(&path, &renamed).expect("renamed");
    assert!(matches!(read(&mut file), Err(FollowError::Missing { .. })));
    append(&path, b"three\n");
    assert!(matches!(read(&mut file), Err(FollowError::Missing { .. })));
    file.is_at(&renamed);
    assert_eq!(read(&mut file).expect("read"), b"two\n");
    fs::remove_file(&path).expect("removed");
    std::os::unix::fs::symlink(&renamed, &path).expect("linked");
    file.is_at(&path);
    assert!(matches!(read(&mut file), Err(FollowError::Missing { .. })), "links are not followed");
}

#[test]
fn one_that_was_cut_is_read_from_its_beginning() {
    let (_directory, path) = directory();
    append(&path, b"one\ntwo\n");
    let mut file = end(&path);
    read(&mut file).expect("read");
    fs::write(&path, b"anew\n").expect("written");
    assert_eq!(read(&mut file).expect("read"), b"(cut)anew\n");
}

#[test]
fn one_that_could_not_be_read_is_read_from_where_it_ended_when_it_was_seen() {
    // What was there, what has been written since, and what of that is to be read.
    for (before, since, expected) in [
        ("", "one\ntwo\n", "one\ntwo\n"),
        ("one\n", "two\n", "two\n"),
        ("one\nhal", "f\ntwo\n", "half\ntwo\n"),
        ("hal", "f\ntwo\n", "half\ntwo\n"),
        ("one\n", "", ""),
    ] {
        let (_directory, path) = directory();
        append(&path, before.as_bytes());
        let mut file = end(&path);
        append(&path, since.as_bytes());
        let found = read(&mut file).expect("read");
        assert_eq!(String::from_utf8(found).expect("text"), expected, "{before:?}");
    }
    // One that has been cut since.
    let (_directory, path) = directory();
    append(&path, b"anew\n");
    assert_eq!(read(&mut at(&path, unread(seen(&path).id, 99, 0))).expect("read"), b"anew\n");
}

proptest! {
    /// However it grows, and wherever reading is left and gone on with: each line once.
    #[test]
    fn every_line_is_read_once(
        pieces in prop::collection::vec(("[a-z\n]{0,40}\n?", any::<bool>(), any::<bool>()), 1..20),
        from_the_end: bool,
    ) {
        let (_directory, path) = directory();
        let (mut written, mut found) = (b"before\n".to_vec(), Vec::new());
        append(&path, &written);
        let mut file = if from_the_end { end(&path) } else { beginning(&path) };
        found.extend(read(&mut file).expect("read"));
        for (piece, reads, restarts) in &pieces {
            append(&path, piece.as_bytes());
            written.extend_from_slice(piece.as_bytes());
            if *reads {
                found.extend(read(&mut file).expect("read"));
            }
            if *restarts {
                let saved = rmp_serde::to_vec_named(&file.position()).expect("encoded");
                let place = rmp_serde::from_slice(&saved).expect("decoded");
                file = at(&path, place);
            }
        }
        append(&path, b"\n");
        written.push(b'\n');
        found.extend(read(&mut file).expect("read"));
        let expected = if from_the_end { &written[b"before\n".len()..] } else { &written[..] };
        prop_assert_eq!(found, expected);
    }
}
