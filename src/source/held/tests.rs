//! The inspector on real files, hostile ones included.

use std::cell::Cell;
use std::ffi::CString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use tempfile::TempDir;

use super::message::ReceivedLimits;
use super::{Answer, Budget, Effort, HEAD_BYTES, HeldReason, Inspector};

const HOST: &str = "mta1.siroe.example";
const LOOP: Answer = Answer::Reason(HeldReason::Loop);
const OTHER: Answer = Answer::Reason(HeldReason::Other);
const UNCLASSIFIED: Answer = Answer::Reason(HeldReason::Unclassified);

/// The time of all rounds here, long after every file was written.
fn later() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40)
}

fn inspector(root: &TempDir) -> Inspector {
    Inspector::new(root.path().to_owned(), ReceivedLimits::default(), Some(HOST), Budget::default())
}

fn look(inspector: &mut Inspector, files: &[(&str, &str)], now: SystemTime) -> (Vec<Answer>, Effort) {
    let mut round = inspector.round(now, || Duration::ZERO);
    let answers = files
        .iter()
        .map(|(directory, name)| round.inspect(Path::new(directory), &CString::new(*name).expect("a name")));
    let answers = answers.collect();
    (answers, round.finish())
}

fn put(root: &TempDir, path: &str, contents: &[u8]) {
    let path = root.path().join(path);
    fs::create_dir_all(path.parent().expect("below the root")).expect("directories");
    fs::write(path, contents).expect("file");
}

fn message(header: &str) -> String {
    format!("m;a@b.example\nBoundary_(ID_x)\n{header}Subject: x\n\nbody\nBoundary_(ID_x)\n")
}

fn looped() -> String {
    message(&"Received: by mta1.siroe.example\n".repeat(11))
}

#[test]
fn each_kind_of_file_gets_its_reason() {
    let root = TempDir::new().expect("directory");
    put(&root, "tcp_local/000/ZZ0AAAAA.HELD", looped().as_bytes());
    put(&root, "tcp_local/001/ZZ0BBBBB.HELD", message("").as_bytes());
    put(&root, "tcp_local/001/ZZ0CCCCC.HELD", b"no boundary\n");
    put(&root, "tcp_local/001/ZZ0DDDDD.HELD", b"");
    put(&root, "l/ZZ0EEEEE.HELD", &[0; 100]);
    // Endless lines: the first 64 KiB suffice.
    let endless = message(&"Received: x\n".repeat(100_000));
    put(&root, "l/ZZ0FFFFF.HELD", endless.as_bytes());
    // Recipients beyond what is read.
    let crowd = "f;a@b.example\na@b.example\n".repeat(10_000) + &looped();
    put(&root, "l/ZZ0GGGGG.HELD", crowd.as_bytes());
    let sparse = fs::File::create(root.path().join("l/ZZ0HHHHH.HELD")).expect("file");
    sparse.set_len(1 << 30).expect("sparse");
    let (answers, effort) = look(
        &mut inspector(&root),
        &[
            ("tcp_local/000", "ZZ0AAAAA.HELD"),
            ("tcp_local/001", "ZZ0BBBBB.HELD"),
            ("tcp_local/001", "ZZ0CCCCC.HELD"),
            ("tcp_local/001", "ZZ0DDDDD.HELD"),
            ("l", "ZZ0EEEEE.HELD"),
            ("l", "ZZ0FFFFF.HELD"),
            ("l", "ZZ0GGGGG.HELD"),
            ("l", "ZZ0HHHHH.HELD"),
        ],
        later(),
    );
    let expected = [LOOP, OTHER, UNCLASSIFIED, UNCLASSIFIED, UNCLASSIFIED, LOOP, UNCLASSIFIED, UNCLASSIFIED];
    assert_eq!(answers, expected);
    let small = looped().len() + message("").len() + b"no boundary\n".len() + 100;
    assert_eq!((effort.files, effort.bytes), (8, (3 * HEAD_BYTES + small) as u64));
    assert_eq!((effort.unreadable, effort.failure.is_none()), (0, true));
}

#[test]
fn what_is_no_regular_file_is_not_read() {
    let root = TempDir::new().expect("directory");
    let outside = TempDir::new().expect("directory");
    put(&outside, "secret", looped().as_bytes());
    put(&outside, "linked/ZZ0AAAAA.HELD", looped().as_bytes());
    put(&root, "l/ZZ0AAAAA.HELD", looped().as_bytes());
    let l = root.path().join("l");
    symlink(outside.path().join("secret"), l.join("ZZ0LINK0.HELD")).expect("linked");
    symlink(outside.path().join("linked"), root.path().join("link")).expect("linked");
    fs::create_dir(l.join("ZZ0DIREC.HELD")).expect("directory");
    let mode = Mode::RUSR | Mode::WUSR;
    mknodat(CWD, l.join("ZZ0FIFO0.HELD"), FileType::Fifo, mode, 0).expect("FIFO");
    drop(std::os::unix::net::UnixListener::bind(l.join("ZZ0SOCKE.HELD")).expect("socket"));
    // Without the right to make devices this one is not there, which is no reason to be held either.
    let zero = makedev(1, 5);
    let device = mknodat(CWD, l.join("ZZ0DEVIC.HELD"), FileType::CharacterDevice, mode, zero).is_ok();
    let (answers, effort) = look(
        &mut inspector(&root),
        &[
            ("l", "ZZ0LINK0.HELD"),
            ("l", "ZZ0DIREC.HELD"),
            ("l", "ZZ0FIFO0.HELD"),
            ("l", "ZZ0SOCKE.HELD"),
            ("l", "ZZ0DEVIC.HELD"),
            ("link", "ZZ0AAAAA.HELD"),
            ("l", "VANISHED.HELD"),
            ("vanished", "ZZ0AAAAA.HELD"),
        ],
        later(),
    );
    let of_device = if device { UNCLASSIFIED } else { Answer::Later };
    assert_eq!(answers[..5], [UNCLASSIFIED, UNCLASSIFIED, UNCLASSIFIED, UNCLASSIFIED, of_device]);
    assert_eq!(answers[5..], [Answer::Later; 3]);
    assert_eq!((effort.files, effort.bytes, effort.unreadable), (0, 0, 0));
}

#[test]
fn no_name_leads_out_of_the_tree() {
    let root = TempDir::new().expect("directory");
    put(&root, "outside/ZZ0AAAAA.HELD", looped().as_bytes());
    put(&root, "queue/l/ZZ0BBBBB.HELD", looped().as_bytes());
    let absolute = root.path().join("outside");
    let mut inspector =
        Inspector::new(root.path().join("queue"), ReceivedLimits::default(), Some(HOST), Budget::default());
    let (answers, effort) = look(
        &mut inspector,
        &[
            ("../outside", "ZZ0AAAAA.HELD"),
            (absolute.to_str().expect("text"), "ZZ0AAAAA.HELD"),
            ("l", "../../outside/ZZ0AAAAA.HELD"),
            ("l", "ZZ0BBBBB.HELD"),
        ],
        later(),
    );
    assert_eq!(answers, [Answer::Later, Answer::Later, Answer::Later, LOOP]);
    assert_eq!((effort.files, effort.unreadable), (1, 3));
}

#[test]
fn a_file_that_is_being_written_is_looked_at_again() {
    let root = TempDir::new().expect("directory");
    let whole = looped();
    put(&root, "l/ZZ0AAAAA.HELD", &whole.as_bytes()[..60]);
    let written =
        fs::metadata(root.path().join("l/ZZ0AAAAA.HELD")).expect("a file").modified().expect("a time");
    let mut inspector = inspector(&root);
    let file = [("l", "ZZ0AAAAA.HELD")];
    let after = |seconds| written + Duration::from_secs(seconds);
    assert_eq!(look(&mut inspector, &file, after(1)).0, [Answer::Later]);
    assert_eq!(look(&mut inspector, &file, after(62)).0, [UNCLASSIFIED]);
    // Written while the clock was an hour ahead.
    assert_eq!(look(&mut inspector, &file, written - Duration::from_hours(1)).0, [UNCLASSIFIED]);
    put(&root, "l/ZZ0AAAAA.HELD", whole.as_bytes());
    assert_eq!(look(&mut inspector, &file, after(2)).0, [LOOP]);
}

#[test]
fn every_part_of_the_budget_ends_a_round() {
    let root = TempDir::new().expect("directory");
    let names: Vec<String> = (0..10).map(|number| format!("ZZ0AAAA{number}.HELD")).collect();
    for name in &names {
        put(&root, &format!("l/{name}"), looped().as_bytes());
    }
    let files: Vec<(&str, &str)> = names.iter().map(|name| ("l", name.as_str())).collect();
    let plenty = Budget { files: 100, bytes: 1 << 30, time: Duration::from_secs(10) };
    let size = looped().len() as u64;
    for (budget, answered) in [
        (plenty, 10),
        (Budget { files: 3, ..plenty }, 3),
        // A file is begun only when all of it may be read.
        (Budget { bytes: HEAD_BYTES as u64 + 2 * size, ..plenty }, 3),
        (Budget { bytes: HEAD_BYTES as u64 - 1, ..plenty }, 0),
        (Budget { time: Duration::from_secs(4), ..plenty }, 4),
        (Budget { time: Duration::ZERO, ..plenty }, 0),
    ] {
        let mut inspector =
            Inspector::new(root.path().to_owned(), ReceivedLimits::default(), Some(HOST), budget);
        for _ in 0..2 {
            // Every look at the clock finds it a second later.
            let clock = Cell::new(0);
            let mut round = inspector.round(later(), || Duration::from_secs(clock.replace(clock.get() + 1)));
            let inspect = |(directory, name): &(&str, &str)| {
                round.inspect(Path::new(directory), &CString::new(*name).expect("a name"))
            };
            let answers: Vec<Answer> = files.iter().map(inspect).collect();
            assert_eq!(answers[..answered], vec![LOOP; answered], "{budget:?}");
            assert!(answers[answered..].iter().all(|answer| *answer == Answer::Later), "{budget:?}");
            let effort = round.finish();
            assert!(effort.bytes <= budget.bytes && effort.files <= budget.files, "{budget:?}");
        }
    }
}

/// Runs `work` on a thread that may not read what its modes forbid, root or not.
fn without_overriding<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let dropped = || {
        let overriding = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
        let mut sets = capabilities(None).expect("capabilities");
        sets.effective.remove(overriding);
        set_capabilities(None, sets).expect("fewer");
        work()
    };
    std::thread::scope(|scope| scope.spawn(dropped).join().expect("no panic"))
}

#[test]
fn what_may_not_be_read_is_said_and_asked_again() {
    let root = TempDir::new().expect("directory");
    put(&root, "l/ZZ0AAAAA.HELD", looped().as_bytes());
    put(&root, "l/ZZ0BBBBB.HELD", looped().as_bytes());
    let file = root.path().join("l/ZZ0AAAAA.HELD");
    let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("set");
    mode(0o000);
    let mut inspector = inspector(&root);
    let files = [("l", "ZZ0AAAAA.HELD"), ("l", "ZZ0BBBBB.HELD")];
    let (answers, effort) = without_overriding(|| look(&mut inspector, &files, later()));
    assert_eq!(answers, [Answer::Later, LOOP]);
    let (path, error) = effort.failure.expect("a failure");
    assert_eq!(
        (path.as_path(), error.kind()),
        (Path::new("l/ZZ0AAAAA.HELD"), std::io::ErrorKind::PermissionDenied)
    );
    assert_eq!(effort.unreadable, 1);
    mode(0o600);
    let (answers, _) = without_overriding(|| look(&mut inspector, &files, later()));
    assert_eq!(answers, [LOOP, LOOP]);
}

#[test]
fn no_content_is_kept() {
    let root = TempDir::new().expect("directory");
    put(&root, "l/ZZ0AAAAA.HELD", looped().as_bytes());
    put(&root, "l/ZZ0BBBBB.HELD", &vec![b'x'; 100_000]);
    let mut inspector = inspector(&root);
    look(&mut inspector, &[("l", "ZZ0AAAAA.HELD"), ("l", "ZZ0BBBBB.HELD")], later());
    assert!(inspector.head.iter().all(|&byte| byte == 0));
}
