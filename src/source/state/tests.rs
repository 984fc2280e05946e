//! The state directory on a real file system, as its owner.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{Loaded, MAGIC, StateDirectory, StateError};

fn directory() -> (tempfile::TempDir, StateDirectory) {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let state = StateDirectory::open(&parent.path().join("a/b")).expect("made");
    (parent, state)
}

/// A state is a list of bytes here; 9 is none, and is what is wrong beside others.
fn load(state: &StateDirectory) -> Result<Loaded<Vec<u8>>, StateError> {
    state.load(|bytes| {
        let body = bytes.strip_prefix(MAGIC).expect("looked at before");
        let good: Vec<u8> = body.iter().copied().filter(|&byte| byte != 9).collect();
        match (good.len() == body.len(), good.is_empty()) {
            (true, _) => Ok((good, None)),
            (false, false) => Ok((good, Some("a nine".to_owned()))),
            (false, true) => Err("nothing but nines".to_owned()),
        }
    })
}

fn encoded(body: &[u8]) -> Vec<u8> {
    [MAGIC, body].concat()
}

#[test]
fn what_was_saved_is_loaded() {
    let (parent, state) = directory();
    assert!(matches!(load(&state), Ok(Loaded::Absent)));
    for snapshot in [vec![1, 2], vec![3]] {
        assert_eq!(state.save(&encoded(&snapshot)).expect("saved"), None);
        assert!(matches!(load(&state), Ok(Loaded::Whole(loaded)) if loaded == snapshot));
    }
    for (path, mode) in [("a/b", 0o700), ("a/b/state", 0o600)] {
        let found = fs::metadata(parent.path().join(path)).expect("there").permissions().mode();
        assert_eq!(found & 0o7777, mode, "{path}");
    }
}

#[test]
fn damage_is_set_aside() {
    for (bytes, expected, kept) in [
        (b"".to_vec(), "does not begin as a state file", None),
        (b"\n".to_vec(), "does not begin as a state file", None),
        (vec![0xff; 200], "does not begin as a state file", None),
        (encoded(&[9, 9]), "nothing but nines", None),
        (encoded(&[1, 9, 2]), "a nine", Some(vec![1, 2])),
    ] {
        let (parent, state) = directory();
        fs::write(parent.path().join("a/b/state"), &bytes).expect("written");
        let (value, why, path) = match load(&state).expect("read") {
            Loaded::SetAside { why, path } => (None, why, path),
            Loaded::Partly { value, why, path } => (Some(value), why, path),
            loaded => panic!("{expected}: {loaded:?}"),
        };
        assert!(why.contains(expected), "{why}");
        assert_eq!((value, fs::read(path).expect("kept")), (kept, bytes));
        assert!(matches!(load(&state), Ok(Loaded::Absent)));
    }
}

#[test]
fn a_state_is_kept_under_a_second_name() {
    let (parent, state) = directory();
    for older in [1, 2] {
        state.save(&encoded(&[older])).expect("saved");
        state.keep_as("state.version-2").expect("kept");
        state.save(&encoded(&[7])).expect("saved");
        let kept = fs::read(parent.path().join("a/b/state.version-2")).expect("there");
        assert_eq!(kept, encoded(&[older]));
    }
}

#[test]
fn a_file_that_is_too_large_is_set_aside_unread() {
    let (parent, state) = directory();
    let file = fs::File::create(parent.path().join("a/b/state")).expect("made");
    file.set_len(300 << 20).expect("a hole");
    let loaded = load(&state).expect("looked at");
    assert!(matches!(&loaded, Loaded::SetAside { why, .. } if why.contains("314572800 bytes")), "{loaded:?}");
}

#[test]
fn files_that_were_set_aside_are_numbered_and_the_oldest_goes() {
    let (parent, state) = directory();
    let path = parent.path().join("a/b");
    // As a release left it that gave no number.
    fs::write(path.join("state.set-aside"), "0").expect("written");
    for number in 1..=7 {
        fs::write(path.join("state"), number.to_string()).expect("written");
        let loaded = load(&state).expect("read");
        let Loaded::SetAside { path: aside, .. } = loaded else { panic!("{loaded:?}") };
        assert_eq!(aside, path.join(format!("state.set-aside.{number}")));
    }
    let mut kept: Vec<String> = fs::read_dir(&path)
        .expect("listed")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("state"))
        .collect();
    kept.sort();
    assert_eq!(kept, (3..=7).map(|number| format!("state.set-aside.{number}")).collect::<Vec<_>>());
    assert_eq!(fs::read(path.join("state.set-aside.3")).expect("kept"), b"3");
}

#[test]
fn a_state_that_was_neither_read_nor_written_is_set_aside_before_a_save() {
    let (parent, state) = directory();
    let path = parent.path().join("a/b/state");
    for foreign in ["as another process left it", "restored from a backup"] {
        fs::write(&path, foreign).expect("written");
        let aside = state.save(&encoded(&[1])).expect("saved").expect("something was there");
        assert_eq!(fs::read(aside).expect("kept"), foreign.as_bytes());
        assert!(matches!(load(&state), Ok(Loaded::Whole(loaded)) if loaded == [1]));
        // The next time it is our own.
        assert_eq!(state.save(&encoded(&[1])).expect("saved"), None);
        // Removed, so that the next is another file.
        fs::remove_file(&path).expect("removed");
    }
}

#[test]
fn one_process_at_a_time_even_when_a_cleaner_has_been_there() {
    let (parent, state) = directory();
    let path = parent.path().join("a/b");
    state.save(&encoded(&[1])).expect("saved");
    let refused = || matches!(StateDirectory::open(&path), Err(StateError::InUse { .. }));
    assert!(refused());
    for entry in fs::read_dir(&path).expect("listed") {
        fs::remove_file(entry.expect("an entry").path()).expect("removed");
    }
    assert!(refused());
    drop(state);
    StateDirectory::open(&path).expect("free again");
}

#[test]
fn a_release_that_locks_the_file_is_another_process() {
    let (parent, state) = directory();
    drop(state);
    let lock = fs::File::create(parent.path().join("a/b/lock")).expect("made");
    lock.lock().expect("locked");
    let opened = StateDirectory::open(&parent.path().join("a/b"));
    assert!(matches!(opened, Err(StateError::InUse { .. })), "{opened:?}");
}

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("made");
}

/// What makes a file that is no state of ours: nothing of it is followed, awaited or written over.
#[test]
fn links_and_fifos_are_neither_followed_nor_awaited() {
    type Make = fn(&Path, &Path);
    let makes: [(&str, Make); 5] = [
        ("a link", |path, victim| symlink(victim, path).expect("linked")),
        ("a link that leads nowhere", |path, victim| {
            symlink(victim.with_file_name("nowhere"), path).expect("linked");
        }),
        ("a FIFO", |path, _| fifo(path)),
        ("a directory", |path, _| fs::create_dir(path).expect("made")),
        ("a socket", |path, _| drop(std::os::unix::net::UnixListener::bind(path).expect("bound"))),
    ];
    for (what, make) in makes {
        for name in ["state", "state.new", "lock"] {
            let (parent, state) = directory();
            let victim = parent.path().join("victim");
            fs::write(&victim, "precious").expect("written");
            make(&parent.path().join("a/b").join(name), &victim);
            drop(state);
            let opened = StateDirectory::open(&parent.path().join("a/b"));
            let state = opened.unwrap_or_else(|error| panic!("{what} named {name}: {error}"));
            if name == "state" {
                let loaded = load(&state);
                let refused = matches!(&loaded, Err(error @ StateError::Refused { .. })
                    if error.to_string().contains("no regular file"));
                assert!(refused, "{what}: {loaded:?}");
            } else {
                assert!(matches!(load(&state), Ok(Loaded::Absent)), "{what} named {name}");
            }
            let saved = state.save(&encoded(&[1]));
            match (name, &saved) {
                // What is set aside is the link itself, not what it leads to.
                ("state.new", Err(StateError::Refused { .. }))
                | ("lock", Ok(None))
                | ("state", Ok(Some(_))) => {}
                _ => panic!("{what} named {name}: {saved:?}"),
            }
            assert_eq!(fs::read(&victim).expect("there"), b"precious", "{what} named {name}");
            assert!(!parent.path().join("nowhere").exists(), "{what} named {name}");
        }
    }
}

#[test]
fn what_others_may_write_is_refused() {
    let (parent, state) = directory();
    let path = parent.path().join("a/b");
    state.save(&encoded(&[1])).expect("saved");
    drop(state);
    let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).expect("set");
    for open in [0o777, 0o770, 0o702, 0o1777] {
        mode(&path, open);
        let error = StateDirectory::open(&path).expect_err("refused").to_string();
        assert!(error.contains(&format!("chmod go-w {}", path.display())), "{error}");
    }
    mode(&path, 0o755);
    let state = StateDirectory::open(&path).expect("nobody else may write there");
    for (open, refused) in [(0o666, true), (0o660, true), (0o644, false), (0o600, false)] {
        mode(&path.join("state"), open);
        assert_eq!(matches!(load(&state), Err(StateError::Refused { .. })), refused, "{open:o}");
    }
}

#[test]
fn a_link_to_the_directory_of_our_own_is_followed() {
    let (parent, state) = directory();
    state.save(&encoded(&[7])).expect("saved");
    drop(state);
    symlink(parent.path().join("a/b"), parent.path().join("link")).expect("linked");
    let state = StateDirectory::open(&parent.path().join("link")).expect("opened");
    assert!(matches!(load(&state), Ok(Loaded::Whole(loaded)) if loaded == [7]));
}

#[test]
fn a_directory_that_cannot_be_made_is_told_from_one_that_may_not_be_used() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let file = parent.path().join("file");
    fs::write(&file, "").expect("written");
    for path in [file.clone(), file.join("state")] {
        let opened = StateDirectory::open(&path);
        assert!(matches!(opened, Err(StateError::NoDirectory { .. })), "{opened:?}");
    }
}
